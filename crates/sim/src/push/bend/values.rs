//! Bends of what a message says: nulls, late or wrong prices, volumes and books.

use ayumi_wire::num::Decimal;

use super::Memory;
use super::fields::{Fields, LEVELS};
use crate::faults::{Dose, How};

/// What a trade changes. Opening, high and low follow from it.
const TRADE: [&str; 15] = [
    "CurrentPrice",
    "CurrentPriceTime",
    "CurrentPriceChangeStatus",
    "CurrentPriceStatus",
    "CalcPrice",
    "ChangePreviousClose",
    "ChangePreviousClosePer",
    "TradingVolume",
    "TradingVolumeTime",
    "VWAP",
    "TradingValue",
    "HighPrice",
    "HighPriceTime",
    "LowPrice",
    "LowPriceTime",
];

/// What else is null in the early morning.
const EMPTY: [&str; 13] = [
    "OpeningPrice",
    "OpeningPriceTime",
    "BidQty",
    "BidPrice",
    "BidTime",
    "AskQty",
    "AskPrice",
    "AskTime",
    "MarketOrderSellQty",
    "MarketOrderBuyQty",
    "OverSellQty",
    "UnderBuyQty",
    "TotalMarketValue",
];

/// Everything null that is null in the early morning.
pub(super) fn null_block(fields: &mut Fields) -> bool {
    let mut changed = false;
    for key in TRADE.iter().chain(&EMPTY) {
        changed |= match *key {
            "CalcPrice" => false,
            "CurrentPriceChangeStatus" => fields.set(key, "\"\""),
            _ => fields.set(key, "null"),
        };
    }
    for key in ["BidSign", "AskSign"] {
        changed |= fields.set(key, "\"0000\"");
    }
    for key in LEVELS {
        changed |= fields.within(key, |level| empty(level, "\"0000\""));
    }
    changed
}

/// All levels empty, the best quotes as they are.
pub(super) fn zero_depth(fields: &mut Fields) -> bool {
    let mut changed = false;
    for key in LEVELS {
        changed |= fields.within(key, |level| empty(level, "null"));
    }
    changed
}

fn empty(level: &mut Fields, sign: &str) -> bool {
    let zeros = ["Price", "Qty"].map(|key| level.set(key, "0.0"));
    zeros[0] | zeros[1] | level.set("Sign", sign) | level.set("Time", "null")
}

/// The levels of another message.
pub(super) fn foreign_depth(fields: &mut Fields, other: Option<&Fields>) -> bool {
    let Some(other) = other else { return false };
    copied(fields, other, &LEVELS)
}

/// The trade part of the message before.
pub(super) fn price_late(fields: &mut Fields, before: Option<&Fields>) -> bool {
    let Some(before) = before else { return false };
    copied(fields, before, &TRADE)
}

/// `TradingValue` of the message before.
pub(super) fn value_late(fields: &mut Fields, before: Option<&Fields>) -> bool {
    let Some(before) = before.filter(|b| b.number("TradingValue").is_some()) else {
        return false;
    };
    copied(fields, before, &["TradingValue"])
}

fn copied(fields: &mut Fields, from: &Fields, keys: &[&str]) -> bool {
    let mut changed = false;
    for key in keys {
        if let Some(raw) = from.get(key) {
            changed |= fields.set(key, raw);
        }
    }
    changed
}

/// A lower volume; what lasts of it is remembered.
pub(super) fn volume_back(fields: &mut Fields, dose: &Dose, memory: &mut Memory) -> bool {
    let by = dose.by.unwrap_or(100);
    let changed = lower(fields, by);
    if changed && dose.how == Some(How::Lasting) {
        memory.lower = memory.lower.saturating_add(by);
    }
    changed
}

/// A volume lower by so much, never below 0.
pub(super) fn lower(fields: &mut Fields, by: u64) -> bool {
    let Some(volume) = fields.number("TradingVolume").and_then(Decimal::whole) else {
        return false;
    };
    let lowered = volume.0.saturating_sub(i64::try_from(by).unwrap_or(i64::MAX)).max(0);
    let decimals = match fields.get("TradingVolume") {
        Some(raw) if raw.contains('.') => ".0",
        _ => "",
    };
    fields.set("TradingVolume", &format!("{lowered}{decimals}"))
}

/// No volume.
pub(super) fn volume_null(fields: &mut Fields) -> bool {
    fields.set("TradingVolume", "null") | fields.set("TradingVolumeTime", "null")
}

/// The best quotes change places. Not when a side is missing, nor when they do not differ.
pub(super) fn crossed(fields: &mut Fields) -> bool {
    let positive = |key| fields.number(key).filter(|price| price.e4 > 0);
    let usual = positive("BidPrice").zip(positive("AskPrice"));
    if usual.is_none_or(|(sell, buy)| sell.e4 <= buy.e4) {
        return false;
    }
    let [sell, buy] = ["BidPrice", "AskPrice"].map(|key| fields.get(key).unwrap_or("null").to_owned());
    fields.set("BidPrice", &buy);
    fields.set("AskPrice", &sell);
    fields.within("Sell1", |level| level.set("Price", &buy));
    fields.within("Buy1", |level| level.set("Price", &sell));
    true
}

/// Both best quotes at the price of the best sell.
pub(super) fn locked(fields: &mut Fields) -> bool {
    if fields.number("BidPrice").is_none_or(|price| price.e4 <= 0) {
        return false;
    }
    let [price, qty] = ["BidPrice", "BidQty"].map(|key| fields.get(key).unwrap_or("null").to_owned());
    let best = [fields.set("AskPrice", &price), fields.set("AskQty", &qty)];
    let level = fields.within("Buy1", |level| level.set("Price", &price) | level.set("Qty", &qty));
    best[0] || best[1] || level
}

/// No quotes, price and volume as they are.
pub(super) fn zero_quotes(fields: &mut Fields) -> bool {
    let mut changed = false;
    for key in ["BidPrice", "BidQty", "AskPrice", "AskQty"] {
        changed |= fields.set(key, "0.0");
    }
    for key in ["Sell1", "Buy1"] {
        changed |= fields.within(key, |level| level.set("Price", "0.0") | level.set("Qty", "0.0"));
    }
    changed
}
