use super::*;
use crate::jst;

fn at(text: &str) -> Option<Time> {
    Some(Time(jst::parse(text.as_bytes()).unwrap().unix_s))
}

/// From tenths of a yen, so that the tables below read like the files.
fn yen(tenths: i64) -> Option<Price> {
    Some(Price(tenths * 1_000))
}

fn qty(shares: i64) -> Option<Qty> {
    Some(Qty(shares))
}

/// Ten levels from a best price in tenths of a yen and a step; the quantities come in hundreds.
fn levels(best: i64, step: i64, hundreds: [i64; 10]) -> [Level; 10] {
    std::array::from_fn(|i| Level {
        price: Price((best + step * i as i64) * 1_000),
        qty: Qty(hundreds[i] * 100),
    })
}

fn written(message: &Message) -> String {
    let mut out = b"before".to_vec();
    message.write(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("before").unwrap().to_owned()
}

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/", $name)).trim_end()
    };
}

fn toyota() -> Message {
    Message {
        over_sell_qty: qty(0),
        under_buy_qty: qty(0),
        market_order_sell_qty: qty(0),
        market_order_buy_qty: qty(0),
        exchange: Some(1),
        exchange_name: Some("東証プ".into()),
        symbol_name: Some("トヨタ自動車".into()),
        calc_price: yen(28_350),
        previous_close: yen(28_350),
        security_type: Some(1),
        ..Message::new(Kind::Stock, "7203")
    }
}

fn toyota_preopen() -> Message {
    let time = at("2026-09-18T08:45:03+09:00");
    Message {
        over_sell_qty: qty(412_300),
        under_buy_qty: qty(388_900),
        total_market_value: yen(446_900_000_000_000),
        market_order_sell_qty: qty(153_200),
        market_order_buy_qty: qty(201_700),
        bid_time: time,
        bid_qty: qty(231_400),
        bid_price: yen(28_400),
        bid_sign: Some(sign::PREOPEN),
        sell: levels(28_400, 5, [2_314, 56, 89, 121, 98, 153, 77, 204, 91, 133]),
        sell1_sign: Some(sign::PREOPEN),
        sell1_time: time,
        ask_time: time,
        ask_qty: qty(240_100),
        ask_price: yen(28_395),
        ask_sign: Some(sign::PREOPEN),
        buy: levels(28_395, -5, [2_401, 64, 112, 99, 141, 88, 162, 101, 95, 120]),
        buy1_sign: Some(sign::PREOPEN),
        buy1_time: time,
        current_price_change_status: Some(change::EMPTY),
        current_price_status: Some(-1),
        previous_close_time: at("2026-09-17T00:00:00+09:00"),
        ..toyota()
    }
}

#[test]
fn a_stock_in_continuous_trading_is_reproduced_byte_for_byte() {
    let now = at("2026-09-18T10:15:42+09:00");
    let message = Message {
        over_sell_qty: qty(1_874_300),
        under_buy_qty: qty(2_055_100),
        total_market_value: yen(448_712_500_000_000),
        bid_time: now,
        trading_volume: qty(5_123_400),
        trading_volume_time: now,
        vwap: Some(Price(28_440_556)),
        trading_value: yen(145_712_345_500),
        bid_qty: qty(1_200),
        bid_price: yen(28_470),
        bid_sign: Some(sign::NORMAL),
        sell: levels(28_470, 5, [12, 56, 89, 121, 98, 153, 77, 204, 91, 133]),
        sell1_sign: Some(sign::NORMAL),
        sell1_time: now,
        ask_time: now,
        ask_qty: qty(800),
        ask_price: yen(28_465),
        ask_sign: Some(sign::NORMAL),
        buy: levels(28_465, -5, [8, 64, 112, 99, 141, 88, 162, 101, 95, 120]),
        buy1_sign: Some(sign::NORMAL),
        buy1_time: now,
        current_price: yen(28_465),
        current_price_time: now,
        current_price_change_status: Some(change::DOWN),
        current_price_status: Some(1),
        calc_price: yen(28_465),
        previous_close_time: at("2026-09-17T00:00:00+09:00"),
        change_previous_close: yen(115),
        change_previous_close_per: Some(Percent(41)),
        opening_price: yen(28_400),
        opening_price_time: at("2026-09-18T09:00:00+09:00"),
        high_price: yen(28_615),
        high_price_time: at("2026-09-18T09:22:10+09:00"),
        low_price: yen(28_280),
        low_price_time: at("2026-09-18T09:04:37+09:00"),
        ..toyota()
    };
    assert_eq!(written(&message), sample!("synthetic_push_stock_7203.json"));
}

#[test]
fn a_stock_before_the_open_is_reproduced_byte_for_byte() {
    assert_eq!(
        written(&toyota_preopen()),
        sample!("synthetic_board_stock_preopen_observed_shape_7203.json")
    );
    let mut message = Message {
        ask_price: yen(28_400),
        buy: levels(28_400, -5, [8, 64, 112, 99, 141, 88, 162, 101, 95, 120]),
        current_price_change_status: None,
        current_price_status: None,
        ..toyota_preopen()
    };
    message.sell[0].qty = Qty(1_200);
    assert_eq!(written(&message), sample!("synthetic_push_stock_preopen_7203.json"));
}

#[test]
fn a_stock_before_0800_is_reproduced_byte_for_byte() {
    let message = Message {
        bid_sign: Some(sign::NONE),
        sell1_sign: Some(sign::NONE),
        ask_sign: Some(sign::NONE),
        buy1_sign: Some(sign::NONE),
        current_price_change_status: Some(change::EMPTY),
        ..toyota()
    };
    assert_eq!(written(&message), sample!("synthetic_board_stock_before0800_7203.json"));
}

#[test]
fn an_index_is_reproduced_byte_for_byte() {
    let message = Message {
        symbol_name: Some("日経平均".into()),
        current_price: Some(Price(499_262_300)),
        current_price_time: at("2026-09-18T10:15:40+09:00"),
        current_price_change_status: Some(change::UP),
        calc_price: Some(Price(499_262_300)),
        previous_close: Some(Price(498_206_300)),
        previous_close_time: at("2026-09-17T00:00:00+09:00"),
        change_previous_close: yen(1_056),
        change_previous_close_per: Some(Percent(21)),
        opening_price: Some(Price(497_954_900)),
        opening_price_time: at("2026-09-18T09:00:05+09:00"),
        high_price: Some(Price(499_412_800)),
        high_price_time: at("2026-09-18T10:06:25+09:00"),
        low_price: Some(Price(496_963_700)),
        low_price_time: at("2026-09-18T09:44:20+09:00"),
        security_type: Some(0),
        ..Message::new(Kind::Index, "101")
    };
    assert_eq!(written(&message), sample!("synthetic_push_index_101.json"));
}

#[test]
fn a_future_has_its_own_keys_and_scales() {
    let message = Message {
        clearing_price: yen(264_800),
        exchange: Some(2),
        change_previous_close: yen(-900),
        previous_close: yen(266_300),
        ..Message::new(Kind::Future, "167060019")
    };
    let text = written(&message);
    let keys: Vec<&str> = text.split("\":").filter_map(|part| part.rsplit('"').next()).collect();
    assert_eq!(
        keys[..4],
        ["ClearingPrice", "Exchange", "ExchangeName", "TradingVolume"]
    );
    assert!(
        text.starts_with("{\"ClearingPrice\":26480.0000,\"Exchange\":2,"),
        "{text}"
    );
    assert!(
        text.contains("\"Sell1\":{\"Price\":0.0,\"Qty\":0.0,\"Sign\":null},\"Sell2\""),
        "{text}"
    );
    assert!(text.contains("\"PreviousClose\":26630.00000,"), "{text}");
    assert!(text.contains("\"ChangePreviousClose\":-90.00000,"), "{text}");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text)
            .unwrap()
            .as_object()
            .unwrap()
            .len(),
        51
    );
}

#[test]
fn every_kind_is_json_even_when_all_is_null_or_odd() {
    for (kind, keys) in [(Kind::Stock, 57), (Kind::Future, 51), (Kind::Index, 18)] {
        let message = Message {
            symbol_name: Some("\"引用\"\\\n".into()),
            time_tail: ".957-08:00",
            current_price_time: at("2026-09-18T10:15:40+09:00"),
            ..Message::new(kind, "285A")
        };
        let value: serde_json::Value = serde_json::from_str(&written(&message)).unwrap();
        assert_eq!(value.as_object().unwrap().len(), keys);
        assert_eq!(value["SymbolName"], "\"引用\"\\\n");
        assert_eq!(value["CurrentPriceTime"], "2026-09-18T10:15:40.957-08:00");
        assert_eq!(value["CurrentPrice"], serde_json::Value::Null);
    }
}
