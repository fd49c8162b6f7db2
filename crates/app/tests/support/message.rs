//! PUSH messages of invented quotes, as text.

use serde_json::{Value, json};

/// A stock in continuous trading: price, cumulative volume and a book of one tick width.
pub fn push(symbol: &str, price: f64, volume: i64) -> String {
    push_value(symbol, price, volume).to_string()
}

/// The same as a value, to be bent.
pub fn push_value(symbol: &str, price: f64, volume: i64) -> Value {
    json!({
        "Symbol": symbol, "Exchange": 1, "CurrentPrice": price,
        "CurrentPriceTime": "2026-11-20T10:00:00+09:00", "OpeningPriceTime": "2026-11-20T09:00:01+09:00",
        "TradingVolume": volume, "TradingVolumeTime": "2026-11-20T10:00:00+09:00",
        "BidPrice": price + 1.0, "BidQty": 300.0, "BidSign": "0101",
        "AskPrice": price - 1.0, "AskQty": 500.0, "AskSign": "0101",
        "Sell1": {"Price": price + 1.0, "Qty": 300.0, "Sign": "0101", "Time": "2026-11-20T10:00:00+09:00"},
        "Sell2": {"Price": price + 2.0, "Qty": 100.0}, "Sell3": {"Price": price + 3.0, "Qty": 100.0},
        "Buy1": {"Price": price - 1.0, "Qty": 500.0, "Sign": "0101", "Time": "2026-11-20T10:00:00+09:00"},
        "Buy2": {"Price": price - 2.0, "Qty": 200.0}, "Buy3": {"Price": price - 3.0, "Qty": 200.0},
    })
}

/// A message with some fields replaced; null stays null.
pub fn bent(symbol: &str, price: f64, volume: i64, fields: Value) -> String {
    let mut message = push_value(symbol, price, volume);
    for (key, value) in fields.as_object().expect("fields").clone() {
        message[key] = value;
    }
    message.to_string()
}
