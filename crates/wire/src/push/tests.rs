//! Both decoders on the samples, on odd input, and against each other.

mod odd_pieces;
mod straight_values;

use proptest::prelude::*;

use super::*;
use crate::jst;

const STOCK: &str = include_str!("../../../../testdata/synthetic_push_stock_7203.json");
const PREOPEN: &str = include_str!("../../../../testdata/synthetic_board_stock_preopen_observed_shape_7203.json");
const BEFORE_0800: &str = include_str!("../../../../testdata/synthetic_board_stock_before0800_7203.json");
const INDEX: &str = include_str!("../../../../testdata/synthetic_push_index_101.json");
const OFFICIAL: &str = include_str!("../../../../testdata/official_board_5401.json");
const OFFICIAL_MIN: &str = include_str!("../../../../testdata/official_board_5401.min.json");

fn yen(price: Option<Price>) -> Option<f64> {
    price.map(Price::yen)
}

#[test]
fn a_stock_message_in_wire_order_takes_the_fast_path() {
    let push = decode(STOCK.trim_end().as_bytes()).expect("valid");
    assert_eq!((&*push.symbol, push.exchange), ("7203", Some(1)));
    assert_eq!(
        (yen(push.current_price), push.trading_volume),
        (Some(2846.5), Some(Qty(5_123_400)))
    );
    assert_eq!((yen(push.bid.price), yen(push.ask.price)), (Some(2847.0), Some(2846.5)));
    assert_eq!(
        push.sell[9],
        Level {
            price: Price(28_515_000),
            qty: Qty(13_300)
        }
    );
    assert_eq!(
        push.buy[0],
        Level {
            price: Price(28_465_000),
            qty: Qty(800)
        }
    );
    assert_eq!(
        (push.sell_sign, push.buy_sign),
        (Some(Sign::NORMAL), Some(Sign::NORMAL))
    );
    assert_eq!(
        push.current_price_time.map(|t| jst::iso_s(t.unix_s)).as_deref(),
        Some("2026-09-18T10:15:42+09:00")
    );
    assert_eq!(push.bad, BadFields::default());
    for message in [STOCK, PREOPEN, BEFORE_0800, INDEX] {
        assert!(is_straight(message.trim_end().as_bytes()), "{message}");
    }
    let extended = STOCK.trim_end().replacen(",\"Symbol\"", ",\"New\":1,\"Symbol\"", 1);
    assert!(!is_straight(extended.as_bytes()) && decode_ordered(extended.as_bytes()).is_some());
}

#[test]
fn d01_nulls_before_the_open_are_no_values() {
    let push = decode(BEFORE_0800.trim_end().as_bytes()).expect("valid");
    assert_eq!(
        (push.current_price, push.trading_volume, push.bid.price),
        (None, None, None)
    );
    assert_eq!((push.sell[0], push.sell_sign), (Level::default(), Some(Sign(0))));
    let push = decode(PREOPEN.trim_end().as_bytes()).expect("valid");
    assert_eq!((push.current_price, push.sell_sign), (None, Some(Sign(107))));
}

#[test]
fn the_vendors_example_reads_the_same_in_both_layouts() {
    let pretty = decode(OFFICIAL.as_bytes()).expect("valid");
    assert_eq!(Ok(&pretty), decode(OFFICIAL_MIN.trim_end().as_bytes()).as_ref());
    assert_eq!(
        (yen(pretty.bid.price), yen(pretty.ask.price)),
        (Some(2408.5), Some(2407.5))
    );
    assert_eq!(
        pretty.sell[0],
        Level {
            price: Price(24_085_000),
            qty: Qty(100)
        }
    );
}

#[test]
fn an_index_has_no_exchange_volume_or_book() {
    let push = decode(INDEX.trim_end().as_bytes()).expect("valid");
    assert_eq!((&*push.symbol, push.exchange, push.trading_volume), ("101", None, None));
    assert_eq!(push.current_price, Some(Price(499_262_300)));
}

#[test]
fn d02_odd_values_are_marked_and_never_taken() {
    let read = |members: &str| {
        let text = format!("{{\"Symbol\":\"7203\",{members}}}");
        let push = decode(text.as_bytes()).expect("an object with a symbol");
        (push.current_price, push.trading_volume, push.bad.price, push.bad.volume)
    };
    assert_eq!(
        read(r#""CurrentPrice":"2846.5","TradingVolume":"100""#),
        (Some(Price(28_465_000)), Some(Qty(100)), false, false)
    );
    assert_eq!(
        read(r#""CurrentPrice":-1,"TradingVolume":-5"#),
        (None, None, true, true)
    );
    assert_eq!(
        read(r#""CurrentPrice":-0,"TradingVolume":-0.0"#),
        (Some(Price(0)), Some(Qty(0)), false, false)
    );
    assert_eq!(
        read(r#""CurrentPrice":1e400,"TradingVolume":0.5"#),
        (None, None, true, true)
    );
    assert_eq!(
        read(r#""CurrentPrice":true,"TradingVolume":{"a":[1]}"#),
        (None, None, true, true)
    );
    assert_eq!(
        read(r#""CurrentPrice":"NaN","TradingVolume":"" "#),
        (None, None, true, false)
    );
    assert_eq!(
        read(r#""CurrentPrice":2.8465e3,"TradingVolume":9007199254740993"#).0,
        Some(Price(28_465_000))
    );
    assert_eq!(read(r#""CurrentPrice":null,"CurrentPrice":12"#).0, Some(Price(120_000)));
}

#[test]
fn alternative_spellings_stand_in_only_where_the_official_field_is_absent() {
    let push = decode(br#"{"IssueCode":"285A","Price":100.5,"Volume":300,"TradeTime":"2026-09-18T10:15:42+09:00"}"#)
        .expect("valid");
    assert_eq!(
        (&*push.symbol, push.current_price, push.trading_volume),
        ("285A", Some(Price(1_005_000)), Some(Qty(300)))
    );
    assert!(push.current_price_time.is_some());
    let push = decode(br#"{"Price":1,"Symbol":"7203","CurrentPrice":null,"IssueCode":"9999"}"#).expect("valid");
    assert_eq!((&*push.symbol, push.current_price), ("7203", None));
}

#[test]
fn r10_unknown_fields_of_any_shape_are_stepped_over() {
    let deep = format!(
        "{{\"Symbol\":\"7203\",\"New\":{}1{},\"CurrentPrice\":5}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    assert_eq!(
        decode(deep.as_bytes()).map(|p| p.current_price),
        Ok(Some(Price(50_000)))
    );
    let flat = br#"{"Symbol":"7203","Brand":"new","CurrentPrice":5,"Flag":true,"N":-1.5}"#;
    assert!(is_fast(flat));
    assert_eq!(decode(flat).map(|p| p.current_price), Ok(Some(Price(50_000))));
}

#[test]
fn n07_what_is_no_message_has_a_reason() {
    for (bytes, why) in [
        (&b""[..], DecodeError::NotJson),
        (b"hello", DecodeError::NotJson),
        (b"{\"Symbol\":\"7203\"", DecodeError::NotJson),
        (b"{\"Symbol\":\"7203\"}x", DecodeError::NotJson),
        (b"{\"Symbol\":\"\xff\"}", DecodeError::NotJson),
        (b"{\"Symbol\":\"7203\",\"CurrentPrice\":NaN}", DecodeError::NotJson),
        (b"{\"Symbol\":\"7203\",\"CurrentPrice\":01}", DecodeError::NotJson),
        (b"[1,2]", DecodeError::NotObject),
        (b"17", DecodeError::NotObject),
        (b"null", DecodeError::NotObject),
        (b"{}", DecodeError::NoSymbol),
        (b"{\"Symbol\":null}", DecodeError::NoSymbol),
        (b"{\"Symbol\":\"\"}", DecodeError::NoSymbol),
        (b"{\"Symbol\":[]}", DecodeError::NoSymbol),
    ] {
        assert_eq!(
            decode(bytes).map(|p| p.symbol.into_owned()),
            Err(why),
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

/// Bytes near a real message: cut, with bytes replaced, and with pieces put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "null",
        "\"\"",
        "1e400",
        "-1",
        "\\u0041",
        "{",
        "}",
        ",",
        "\"Symbol\":\"1\",",
        "\"Price\":3,",
        "0.00005",
        " ",
        "\"x\":[1],",
        "9".repeat(30).leak(),
    ]);
    (
        prop::sample::select(vec![STOCK, PREOPEN, BEFORE_0800, INDEX, OFFICIAL_MIN]),
        prop::collection::vec((any::<prop::sample::Index>(), 0u8..3, any::<u8>(), pieces), 0..6),
    )
        .prop_map(|(base, edits)| {
            let mut bytes = base.trim_end().as_bytes().to_vec();
            for (at, kind, byte, piece) in edits {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes.truncate(at),
                    1 => bytes[at] = byte,
                    _ => drop(bytes.splice(at..at, piece.bytes())),
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn d02_the_fast_path_never_disagrees_with_the_lenient_one(bytes in mutated()) {
        let lenient = lenient::decode(&bytes);
        if let Some(straight) = straight::decode(&bytes) {
            prop_assert_eq!(Ok(straight), lenient.clone());
        }
        if let Some(ordered) = decode::decode(&bytes) {
            prop_assert_eq!(Ok(ordered), lenient);
        }
    }

    #[test]
    fn any_bytes_give_a_message_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }
}
