use std::collections::BTreeSet;

use ayumi_wire::jst;
use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::encode::{Kind, Level, Message, Time, sign};
use ayumi_wire::push::{Push, decode};
use serde_json::Value;

use super::*;

/// 2026-09-18, a Friday.
const DAY: &str = "2026-09-18";

fn stock(symbol: &str, price: i64, volume: i64) -> String {
    let at = Time(jst::parse(format!("{DAY}T10:15:42").as_bytes()).unwrap().unix_s);
    let mut m = Message::new(Kind::Stock, symbol);
    m.exchange = Some(1);
    m.exchange_name = Some("東証プ".into());
    m.symbol_name = Some("トヨタ自動車".into());
    m.security_type = Some(1);
    m.current_price = Some(Price::from_yen(price));
    m.current_price_time = Some(at);
    m.current_price_status = Some(1);
    m.trading_volume = Some(Qty(volume));
    m.trading_volume_time = Some(at);
    m.trading_value = Some(Price::from_yen(price * volume));
    m.vwap = Some(Price::from_yen(price));
    m.previous_close = Some(Price::from_yen(2_640));
    m.previous_close_time = Some(Time(at.0 - 86_400 - 36_942));
    for n in 0..10 {
        let away = 1 + n as i64;
        m.sell[n] = Level {
            price: Price::from_yen(price + away),
            qty: Qty(100 * away),
        };
        m.buy[n] = Level {
            price: Price::from_yen(price - away),
            qty: Qty(200 * away),
        };
    }
    (m.bid_price, m.bid_qty) = (Some(m.sell[0].price), Some(m.sell[0].qty));
    (m.ask_price, m.ask_qty) = (Some(m.buy[0].price), Some(m.buy[0].qty));
    for side in [&mut m.bid_sign, &mut m.ask_sign, &mut m.sell1_sign, &mut m.buy1_sign] {
        *side = Some(sign::NORMAL);
    }
    for side in [&mut m.bid_time, &mut m.ask_time, &mut m.sell1_time, &mut m.buy1_time] {
        *side = Some(at);
    }
    let mut out = Vec::new();
    m.write(&mut out);
    String::from_utf8(out).unwrap()
}

fn only(bend: Bend, dose: Dose) -> Messages {
    Messages::from([(bend, dose)])
}

fn texts(out: Vec<Vec<u8>>) -> Vec<String> {
    out.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

/// The second of two messages, bent.
fn bent(bend: Bend, dose: Dose) -> String {
    let mut bender = Bender::new(1);
    bender.bend(stock("7203", 2_700, 5_000).as_bytes(), &Messages::new());
    let out = texts(bender.bend(stock("7203", 2_710, 5_300).as_bytes(), &only(bend, dose)));
    assert_eq!(out.len(), 1, "{bend:?}");
    assert_eq!(bender.take_applied(), [bend.name()]);
    out.into_iter().next().unwrap()
}

/// The keys whose values are other than those of the message that came.
fn differing(text: &str) -> BTreeSet<String> {
    let (old, new): (Value, Value) = (
        serde_json::from_str(&stock("7203", 2_710, 5_300)).unwrap(),
        serde_json::from_str(text).unwrap(),
    );
    let (old, new) = (old.as_object().unwrap(), new.as_object().unwrap());
    let keys = old.keys().chain(new.keys()).collect::<BTreeSet<_>>();
    keys.into_iter()
        .filter(|k| old.get(*k) != new.get(*k))
        .cloned()
        .collect()
}

fn names<const N: usize>(keys: [&str; N]) -> BTreeSet<String> {
    keys.map(str::to_owned).into()
}

fn pushed(text: &str) -> Push<'_> {
    decode(text.as_bytes()).unwrap()
}

#[test]
fn a_message_that_is_not_hit_passes_byte_for_byte() {
    let odd = r#"{ "Symbol" : "7203", "x":1e3,"SymbolName":"\u6771" }"#;
    let aside: Messages = Bend::ALL.map(|bend| (bend, Dose::default().on("9984"))).into();
    let never: Messages = Bend::ALL.map(|bend| (bend, Dose::chance(0.0))).into();
    let spent: Messages = Bend::ALL.map(|bend| (bend, Dose::times(0))).into();
    for messages in [aside, never, spent] {
        let mut bender = Bender::new(1);
        for text in [odd, "no JSON", "", "{}", "\u{feff}{}", &stock("7203", 2_700, 100)] {
            assert_eq!(texts(bender.bend(text.as_bytes(), &messages)), [text]);
        }
        assert_eq!(bender.bend(b"\xFF", &messages), [b"\xFF"]);
        assert!(bender.take_applied().is_empty());
    }
}

#[test]
fn d01_nulls() {
    let text = bent(Bend::NullBlock, Dose::default());
    let m = pushed(&text);
    assert_eq!(
        (m.current_price, m.trading_volume, m.bid.price, m.ask.qty),
        (None, None, None, None)
    );
    assert!(
        m.sell
            .iter()
            .chain(&m.buy)
            .all(|level| level.price.0 == 0 && level.qty.0 == 0)
    );
    assert!(
        text.contains(r#""Sell1":{"Price":0.0,"Qty":0.0,"Sign":"0000","Time":null}"#),
        "{text}"
    );
    assert!(text.contains(r#""CurrentPriceChangeStatus":"""#) && text.contains(r#""PreviousClose":2640.00000"#));
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap().as_object().unwrap().len(),
        57
    );
    let text = bent(Bend::VolumeNull, Dose::default());
    assert_eq!(differing(&text), names(["TradingVolume", "TradingVolumeTime"]));
}

#[test]
fn what_is_late_is_that_of_the_message_before() {
    let text = bent(Bend::PriceLate, Dose::default());
    let m = pushed(&text);
    assert_eq!(
        (m.current_price, m.trading_volume),
        (Some(Price::from_yen(2_700)), Some(Qty(5_000)))
    );
    assert_eq!(m.bid.price, Some(Price::from_yen(2_711)), "the book is new");
    let text = bent(Bend::ValueLate, Dose::default());
    assert_eq!(differing(&text), names(["TradingValue"]));
    assert!(text.contains(r#""TradingValue":13500000.0"#), "{text}");
    let mut bender = Bender::new(1);
    let first = stock("7203", 2_700, 5_000);
    for bend in [Bend::PriceLate, Bend::ValueLate, Bend::ForeignDepth] {
        assert_eq!(
            texts(Bender::new(1).bend(first.as_bytes(), &only(bend, Dose::default()))),
            [&*first]
        );
    }
    bender.bend(stock("9984", 9_000, 1).as_bytes(), &Messages::new());
    let out = texts(bender.bend(first.as_bytes(), &only(Bend::PriceLate, Dose::default())));
    assert_eq!(out, [first], "another symbol's message does not count");
}

#[test]
fn d05_volume_goes_back_once_or_for_good() {
    let text = bent(Bend::VolumeBack, Dose::default().by(1_000));
    assert_eq!(differing(&text), names(["TradingVolume"]));
    assert!(text.contains(r#""TradingVolume":4300.0,"#), "{text}");
    let volumes = |how: Option<How>| -> Vec<i64> {
        let mut dose = Dose::times(1).by(250);
        dose.how = how;
        let messages = only(Bend::VolumeBack, dose);
        let mut bender = Bender::new(1);
        let mut go = |volume| {
            let out = texts(bender.bend(stock("7203", 2_700, volume).as_bytes(), &messages));
            pushed(&out[0]).trading_volume.unwrap().0
        };
        [300, 400, 500].map(&mut go).to_vec()
    };
    assert_eq!(volumes(None), [50, 400, 500]);
    assert_eq!(volumes(Some(How::Lasting)), [50, 150, 250]);
    assert_eq!(
        Bender::new(1)
            .bend(br#"{"TradingVolume":0.5}"#, &only(Bend::VolumeBack, Dose::default()))
            .len(),
        1
    );
}

#[test]
fn d10_d17_odd_books() {
    let text = bent(Bend::Crossed, Dose::default());
    let m = pushed(&text);
    assert_eq!(
        (m.bid.price, m.ask.price),
        (Some(Price::from_yen(2_709)), Some(Price::from_yen(2_711)))
    );
    assert_eq!(
        (m.sell[0].price, m.buy[0].price),
        (Price::from_yen(2_709), Price::from_yen(2_711))
    );
    let text = bent(Bend::Locked, Dose::default());
    let m = pushed(&text);
    assert_eq!((m.bid, m.buy[0]), (m.ask, m.sell[0]));
    let text = bent(Bend::ZeroQuotes, Dose::default());
    let expected = ["AskPrice", "AskQty", "BidPrice", "BidQty", "Buy1", "Sell1"];
    assert_eq!(differing(&text), names(expected));
    let text = bent(Bend::ZeroDepth, Dose::default());
    let m = pushed(&text);
    assert!(m.sell.iter().all(|level| level.qty.0 == 0) && m.bid.qty == Some(Qty(100)));
    let mut bender = Bender::new(1);
    bender.bend(stock("9984", 9_000, 1).as_bytes(), &Messages::new());
    let out = texts(bender.bend(
        stock("7203", 2_700, 1).as_bytes(),
        &only(Bend::ForeignDepth, Dose::default()),
    ));
    let m = pushed(&out[0]);
    assert_eq!(
        (m.sell[0].price, m.bid.price),
        (Price::from_yen(9_001), Some(Price::from_yen(2_701)))
    );
}

#[test]
fn d08_wrong_dates() {
    let text = bent(Bend::Yesterday, Dose::default().how(How::Always));
    assert_eq!(
        differing(&text),
        names(["CurrentPriceTime", "PreviousCloseTime", "TradingVolumeTime"])
    );
    assert!(
        text.contains(r#""CurrentPriceTime":"2026-09-17T10:15:42+09:00""#),
        "{text}"
    );
    let night = |exchange: u16, time: &str| {
        let text = format!(
            r#"{{"Symbol":"167060019","Exchange":{exchange},"CurrentPriceTime":"{DAY}T{time}+09:00","BidTime":"{DAY}T{time}+09:00"}}"#
        );
        let out = texts(Bender::new(1).bend(text.as_bytes(), &only(Bend::Yesterday, Dose::default())));
        let same = out == [&*text];
        assert!(same || out[0].contains("2026-09-17") && out[0].contains(&format!("{DAY}T{time}")));
        !same
    };
    assert!(night(24, "00:00:00") && night(2, "00:10:39"));
    assert!(!night(24, "00:10:40") && !night(24, "23:59:59") && !night(1, "00:00:00"));
    let text = bent(Bend::OldDates, Dose::default().by(2));
    assert!(
        !text.contains(DAY) && text.contains("2026-09-16T10:15:42+09:00"),
        "{text}"
    );
}

#[test]
fn d19_lag_and_a_clock_ahead_move_the_digits() {
    let text = bent(Bend::Lag, Dose::default());
    assert_eq!(text.matches("T10:15:12+09:00").count(), 6, "{text}");
    assert!(
        text.contains(r#""PreviousCloseTime":"2026-09-17T00:00:00+09:00""#),
        "{text}"
    );
    assert!(bent(Bend::Ahead, Dose::default().by(3_600)).contains("T11:15:42+09:00"));
}

#[test]
fn d09_offsets_and_fractions_leave_the_digits() {
    let mut dose = Dose::default();
    assert!(bent(Bend::Offset, dose.clone()).contains(r#""CurrentPriceTime":"2026-09-18T10:15:42+08:00""#));
    dose.offset = Some("-08:00".into());
    let text = bent(Bend::Offset, dose);
    let m = pushed(&text);
    assert!(!m.current_price_time.unwrap().jst_offset);
    let usual = stock("7203", 1, 1);
    assert_eq!(
        m.current_price_time.unwrap().unix_s,
        pushed(&usual).current_price_time.unwrap().unix_s
    );
    let text = bent(Bend::Fractions, Dose::default());
    assert_eq!(text.matches("T10:15:42.").count(), 6, "{text}");
    assert_eq!(pushed(&text).current_price_time, pushed(&usual).current_price_time);
}

#[test]
fn style_changes_no_value() {
    let usual = stock("7203", 2_710, 5_300);
    for bend in [
        Bend::Integers,
        Bend::Exponents,
        Bend::NumberStrings,
        Bend::Escapes,
        Bend::KeyOrder,
        Bend::UnknownKeys,
    ] {
        let text = bent(bend, Dose::default());
        assert_ne!(text, usual, "{bend:?}");
        assert_eq!(pushed(&text), pushed(&usual), "{bend:?}");
    }
    let text = bent(Bend::Integers, Dose::default());
    assert!(
        text.contains(r#""CurrentPrice":2710,"#) && !text.contains(".0"),
        "{text}"
    );
    let text = bent(Bend::Exponents, Dose::default());
    assert!(
        text.contains(r#""CurrentPrice":2.7100E3,"#) && text.contains(r#""Exchange":1,"#),
        "{text}"
    );
    let text = bent(Bend::Escapes, Dose::default());
    assert!(text.is_ascii() && text.contains(r"\u30c8\u30e8\u30bf"), "{text}");
    let text = bent(Bend::UnknownKeys, Dose::default().by(5));
    assert_eq!(differing(&text).len(), 5, "{text}");
}

#[test]
fn exponents_are_right() {
    for raw in [
        "0.0",
        "100.0",
        "1002.5",
        "-0.41",
        "0.00012",
        "5",
        "26480.0000",
        "781235280000.0",
    ] {
        let text = format!(r#"{{"Symbol":"7203","x":{raw}}}"#);
        let out = texts(Bender::new(1).bend(text.as_bytes(), &only(Bend::Exponents, Dose::default())));
        let value: Value = serde_json::from_str(&out[0]).unwrap();
        assert_eq!(value["x"].as_f64().unwrap(), raw.parse::<f64>().unwrap(), "{}", out[0]);
        assert!(out[0].contains('E'));
    }
}

#[test]
fn keys_go_and_sizes_grow() {
    let mut dose = Dose::default();
    assert_eq!(differing(&bent(Bend::MissingKey, dose.clone())).len(), 1);
    dose.keys = vec!["Symbol".into(), "VWAP".into()];
    assert_eq!(differing(&bent(Bend::MissingKey, dose)), names(["Symbol", "VWAP"]));
    let text = bent(Bend::Huge, Dose::default().by(70_000));
    assert!((70_000..70_100).contains(&text.len()), "{}", text.len());
    assert_eq!(differing(&text), names(["Padding"]));
    assert_eq!(differing(&bent(Bend::OddValues, Dose::default())).len(), 1);
}

#[test]
fn n07_r10_broken_texts() {
    let usual = stock("7203", 2_710, 5_300);
    for how in [How::Truncated, How::Quotes, How::Nan, How::Comma] {
        for seed in 0..50 {
            let messages = only(Bend::Malformed, Dose::default().how(how));
            let out = texts(Bender::new(seed).bend(usual.as_bytes(), &messages));
            assert!(decode(out[0].as_bytes()).is_err(), "{how:?} {seed} {}", out[0]);
            assert!(serde_json::from_str::<Value>(&out[0]).is_err());
        }
    }
    for seed in 0..50 {
        let out = texts(Bender::new(seed).bend(usual.as_bytes(), &only(Bend::Mutated, Dose::default())));
        let others = out[0].bytes().zip(usual.bytes()).filter(|(a, b)| a != b).count();
        assert_eq!((others, out[0].len()), (1, usual.len()));
        let out = Bender::new(seed).bend(usual.as_bytes(), &only(Bend::InvalidUtf8, Dose::default()));
        assert!(std::str::from_utf8(&out[0]).is_err());
    }
    for empty in ["", "{}", "1"] {
        for bend in Bend::ALL {
            Bender::new(1).bend(empty.as_bytes(), &only(bend, Dose::default()));
        }
    }
}

#[test]
fn d06_messages_come_again() {
    let (one, two) = (stock("7203", 2_700, 100), stock("7203", 2_710, 200));
    let messages = only(Bend::Duplicated, Dose::default().by(2));
    assert_eq!(
        texts(Bender::new(1).bend(one.as_bytes(), &messages)),
        [&*one, &one, &one]
    );
    let messages = only(Bend::Repeated, Dose::default());
    let mut bender = Bender::new(1);
    assert_eq!(
        texts(bender.bend(one.as_bytes(), &messages)),
        [&*one],
        "nothing to repeat yet"
    );
    assert_eq!(texts(bender.bend(two.as_bytes(), &messages)), [&*one, &two]);
    assert_eq!(bender.take_applied(), ["repeated"]);
}

#[test]
fn d07_neighbours_show_each_others_price() {
    let messages = only(Bend::PricesSwapped, Dose::times(1));
    let mut bender = Bender::new(1);
    let mut go = |price, volume| -> Vec<(i64, i64)> {
        let out = texts(bender.bend(stock("7203", price, volume).as_bytes(), &messages));
        let pair = |text: &String| {
            let m = pushed(text);
            (m.current_price.unwrap().0 / Price::PER_YEN, m.trading_volume.unwrap().0)
        };
        out.iter().map(pair).collect()
    };
    assert_eq!(go(9_420, 100), []);
    assert_eq!(go(9_320, 200), [(9_320, 100), (9_420, 200)]);
    assert_eq!(go(9_270, 300), [(9_270, 300)], "once");
    assert_eq!(bender.take_applied(), ["prices_swapped"]);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let all: Messages = Bend::ALL.map(|bend| (bend, Dose::chance(150.0))).into();
    let run = |seed: u64| -> (Vec<Vec<u8>>, Vec<&str>) {
        let mut bender = Bender::new(seed);
        let text = |n: i64| stock(["7203", "9984"][n as usize % 2], 2_700 + n % 7, 100 * n);
        let mut all = all.clone();
        all.insert(Bend::Huge, Dose::chance(150.0).by(5_000));
        let out = (0..400).flat_map(|n| bender.bend(text(n).as_bytes(), &all)).collect();
        (out, bender.take_applied())
    };
    let (one, applied) = run(1);
    assert!(one == run(1).0, "the same bytes");
    assert!(one != run(2).0);
    let seen: BTreeSet<&str> = applied.into_iter().collect();
    // Derivatives at midnight are not among these messages.
    assert_eq!(seen.len(), Bend::ALL.len() - 1, "{seen:?}");
}

#[test]
fn one_symbols_bends_do_not_depend_on_the_others() {
    let messages = only(Bend::VolumeBack, Dose::chance(300.0));
    let run = |others: bool| -> Vec<Vec<u8>> {
        let mut bender = Bender::new(5);
        let mut out = Vec::new();
        for n in 0..100 {
            if others {
                bender.bend(stock("9984", 9_000, n).as_bytes(), &messages);
            }
            out.extend(bender.bend(stock("7203", 2_700, n * 100).as_bytes(), &messages));
        }
        out
    };
    assert!(run(true) == run(false));
}

#[test]
fn every_bend_keeps_or_breaks_json_as_announced_and_the_workers_decoder_survives() {
    let whole: Vec<String> = (0..12).map(|n| stock("7203", 2_700 + n, 100 * n)).collect();
    let others = [
        r#"{"Symbol":"101","CurrentPrice":39000.25,"CurrentPriceTime":null,"SecurityType":0}"#.to_owned(),
        r#"{"a":{"b":{"c":[1,2,{"d":"日\"本"}]}},"Symbol":"7203","Exchange":"1","e":-0.0}"#.to_owned(),
        "{}".to_owned(),
    ];
    for bend in Bend::ALL {
        for seed in 0..40 {
            let mut bender = Bender::new(seed);
            for text in whole.iter().chain(&others) {
                for out in bender.bend(text.as_bytes(), &only(bend, Dose::chance(700.0).by(3))) {
                    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&out).is_ok();
                    assert!(
                        is_json || !bend.keeps_json(),
                        "{bend:?}: {}",
                        String::from_utf8_lossy(&out)
                    );
                    let _ = decode(&out);
                }
            }
        }
    }
}

#[test]
fn all_at_once_never_panics() {
    let all: Messages = Bend::ALL.map(|bend| (bend, Dose::chance(500.0).by(7))).into();
    let mut bender = Bender::new(9);
    for n in 0..2_000 {
        for out in bender.bend(stock("7203", 1 + n % 50, n * n).as_bytes(), &all) {
            let _ = decode(&out);
        }
    }
}
