//! The odd answers of `/board` that users have seen (station document, 3.3), made from a sound one.
//!
//! Pure functions on text: key order and number style of everything that is not meant stay as they are.

use ayumi_wire::num::{Decimal, Price};

use super::members::{members, replaced, value};
use crate::faults::BoardShape;

/// The board `text` in another shape; `highest` is the day's upper limit. What is no JSON object stays as it is.
pub(super) fn bent(text: &str, shape: BoardShape, highest: Price) -> String {
    match shape {
        BoardShape::NullBlock => nulled(&without_level_time(text), &[VOLUME, QUOTES, PRICES]),
        BoardShape::ZeroDepth => zero_depth(text),
        BoardShape::ForeignDepth => foreign_depth(text),
        BoardShape::Unopened => unopened(text),
        BoardShape::LimitUp => limit_up(text, highest),
        BoardShape::LimitUpNull => limit_up_null(text),
    }
}

const VOLUME: &[&str] = &["TradingVolume", "TradingVolumeTime", "VWAP", "TradingValue"];
const QUOTES: &[&str] = &[
    "BidQty", "BidPrice", "BidTime", "BidSign", "AskQty", "AskPrice", "AskTime", "AskSign",
];
const PRICES: &[&str] = &[
    "CurrentPrice",
    "CurrentPriceTime",
    "CurrentPriceChangeStatus",
    "CurrentPriceStatus",
    "CalcPrice",
    "ChangePreviousClose",
    "ChangePreviousClosePer",
    "OpeningPrice",
    "OpeningPriceTime",
    "HighPrice",
    "HighPriceTime",
    "LowPrice",
    "LowPriceTime",
    "TotalMarketValue",
];

fn nulled(text: &str, blocks: &[&[&str]]) -> String {
    replaced(text, |key, _| {
        blocks.iter().any(|b| b.contains(&key)).then(|| "null".to_owned())
    })
}

/// Issue 162: the depth is filled, but its first levels have no time.
fn without_level_time(text: &str) -> String {
    replaced(text, |key, level| {
        matches!(key, "Sell1" | "Buy1").then(|| replaced(level, |k, _| (k == "Time").then(|| "null".to_owned())))
    })
}

/// Issue 211: `BidPrice` and `AskPrice` are right, the levels are not.
fn zero_depth(text: &str) -> String {
    replaced(text, |key, level| {
        level_number(key).map(|_| {
            replaced(level, |k, _| match k {
                "Price" | "Qty" => Some("0.0".to_owned()),
                _ => Some("null".to_owned()),
            })
        })
    })
}

/// Issue 148: levels of another moment, about 2.6 % above the quotes, as far as there they were.
fn foreign_depth(text: &str) -> String {
    let all = members(text);
    let Some(away) = ["AskPrice", "BidPrice", "PreviousClose"]
        .iter()
        .find_map(|key| price(value(&all, key)?))
    else {
        return text.to_owned();
    };
    // Whole yen, so that ticks of 0.1 and 0.5 stay ticks.
    let away = (away.0 * 26 / 1_000 / Price::PER_YEN).max(1) * Price::PER_YEN;
    replaced(text, |key, level| {
        level_number(key)?;
        Some(replaced(level, |k, v| {
            let at = (k == "Price").then(|| price(v))?.filter(|p| p.0 > 0)?;
            Some(Price(at.0 + away).to_string())
        }))
    })
}

/// Issue 1351: traded for minutes, and still no price; quotes locked, one of them special.
fn unopened(text: &str) -> String {
    let bid = value(&members(text), "BidPrice").unwrap_or("null").to_owned();
    replaced(text, |key, old| match key {
        "CurrentPrice" | "OpeningPrice" => Some("null".to_owned()),
        "AskPrice" => Some(bid.clone()),
        "BidSign" => Some("\"0101\"".to_owned()),
        "AskSign" => Some("\"0102\"".to_owned()),
        "Sell1" => Some(replaced(old, |k, _| (k == "Sign").then(|| "null".to_owned()))),
        _ => None,
    })
}

/// Issue 832: both quotes at the limit, nothing on the sell side.
fn limit_up(text: &str, highest: Price) -> String {
    replaced(text, |key, level| match key {
        "BidPrice" | "AskPrice" => Some(highest.to_string()),
        "AskSign" => Some("\"0102\"".to_owned()),
        key if key.starts_with("Sell") => level_number(key).map(|_| empty(level)),
        _ => None,
    })
}

/// Issue 771: the first levels equal, no other sell level, no volume, no quotes.
fn limit_up_null(text: &str) -> String {
    let buy = value(&members(text), "Buy1").unwrap_or("null").to_owned();
    let text = nulled(text, &[VOLUME, QUOTES]);
    replaced(&text, |key, level| match key {
        "Sell1" => Some(buy.clone()),
        key if key.starts_with("Sell") => level_number(key).map(|_| empty(level)),
        _ => None,
    })
}

fn empty(level: &str) -> String {
    replaced(level, |k, _| matches!(k, "Price" | "Qty").then(|| "0.0".to_owned()))
}

/// 3 for `Sell3` and `Buy3`.
fn level_number(key: &str) -> Option<u8> {
    let digits = key.strip_prefix("Sell").or_else(|| key.strip_prefix("Buy"))?;
    digits.parse().ok().filter(|n| (1..=10).contains(n))
}

fn price(text: &str) -> Option<Price> {
    Decimal::parse(text).map(|d| Price(d.e4))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const SOUND: &str = include_str!("../../../../testdata/synthetic_push_stock_7203.json");

    fn of(shape: BoardShape) -> Value {
        let text = bent(SOUND, shape, Price::from_yen(3_335));
        let keys = |text: &str| -> Vec<String> { members(text).iter().map(|m| m.key.to_owned()).collect() };
        assert_eq!(keys(&text), keys(SOUND), "no key is lost or moved");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn null_block_keeps_the_depth() {
        let board = of(BoardShape::NullBlock);
        for key in [
            "CurrentPrice",
            "TradingVolume",
            "BidPrice",
            "AskSign",
            "OpeningPriceTime",
        ] {
            assert!(board[key].is_null(), "{key}");
        }
        assert!(board["Sell1"]["Time"].is_null() && board["Sell1"]["Price"] == 2847.0);
        assert_eq!(
            (&board["Buy10"]["Qty"], &board["PreviousClose"]),
            (&12000.0.into(), &2835.0.into())
        );
    }

    #[test]
    fn zero_depth_keeps_the_quotes() {
        let board = of(BoardShape::ZeroDepth);
        assert_eq!(
            (&board["BidPrice"], &board["AskPrice"]),
            (&2847.0.into(), &2846.5.into())
        );
        assert!(board["Sell1"]["Sign"].is_null() && board["Sell1"]["Price"] == 0.0 && board["Buy10"]["Qty"] == 0.0);
    }

    #[test]
    fn foreign_depth_is_away_from_the_quotes() {
        let board = of(BoardShape::ForeignDepth);
        assert_eq!(
            (&board["AskPrice"], &board["Buy1"]["Price"]),
            (&2846.5.into(), &2920.5.into())
        );
        assert_eq!(board["Sell2"]["Price"], 2921.5);
    }

    #[test]
    fn limits_and_a_stock_that_does_not_open() {
        let board = of(BoardShape::LimitUp);
        assert_eq!(
            (&board["AskPrice"], &board["BidPrice"]),
            (&3335.0.into(), &3335.0.into())
        );
        assert!(board["AskSign"] == "0102" && board["Sell10"]["Qty"] == 0.0 && board["Buy1"]["Qty"] == 800.0);
        let board = of(BoardShape::LimitUpNull);
        assert!(board["Sell1"] == board["Buy1"] && board["Sell2"]["Price"] == 0.0);
        assert!(board["TradingVolume"].is_null() && board["AskPrice"].is_null() && !board["CurrentPrice"].is_null());
        let board = of(BoardShape::Unopened);
        assert!(board["CurrentPrice"].is_null() && board["Sell1"]["Sign"].is_null());
        assert_eq!(
            (&board["AskPrice"], &board["BidSign"]),
            (&2847.0.into(), &"0101".into())
        );
    }

    #[test]
    fn other_text_stays() {
        for shape in [BoardShape::NullBlock, BoardShape::ForeignDepth, BoardShape::LimitUpNull] {
            assert_eq!(bent("no json", shape, Price(0)), "no json");
        }
    }
}
