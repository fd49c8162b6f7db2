//! A message as any client would read it: plain serde over the station's names, exact decimals.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A decimal in 1/10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dec(pub i128);

impl<'de> Deserialize<'de> for Dec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        parse(raw.get()).ok_or_else(|| serde::de::Error::custom(format!("no decimal: {}", raw.get())))
    }
}

fn parse(text: &str) -> Option<Dec> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut e4: i128 = whole.parse().ok()?;
    for at in 0..4 {
        let digit = fraction.as_bytes().get(at).copied().unwrap_or(b'0');
        e4 = e4 * 10 + i128::from(char::from(digit).to_digit(10)?);
    }
    let beyond = fraction.get(4..).unwrap_or("");
    (beyond.bytes().all(|b| b == b'0')).then_some(Dec(if negative { -e4 } else { e4 }))
}

/// A price level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Level {
    pub price: Dec,
    pub qty: Dec,
}

/// The best level.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Best<'a> {
    pub price: Dec,
    pub qty: Dec,
    #[serde(borrow)]
    pub sign: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub time: Option<Cow<'a, str>>,
}

/// One message; what a product lacks is `None`, as null is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Quote<'a> {
    pub symbol: &'a str,
    pub exchange: Option<u16>,
    pub security_type: i32,
    pub market_order_sell_qty: Option<Dec>,
    pub market_order_buy_qty: Option<Dec>,
    pub bid_time: Option<&'a str>,
    pub ask_time: Option<&'a str>,
    pub trading_volume: Option<Dec>,
    pub trading_volume_time: Option<&'a str>,
    #[serde(rename = "VWAP")]
    pub vwap: Option<Dec>,
    pub trading_value: Option<Dec>,
    pub bid_qty: Option<Dec>,
    pub bid_price: Option<Dec>,
    pub bid_sign: Option<&'a str>,
    pub ask_qty: Option<Dec>,
    pub ask_price: Option<Dec>,
    pub ask_sign: Option<&'a str>,
    #[serde(borrow)]
    pub sell1: Option<Best<'a>>,
    pub sell2: Option<Level>,
    pub sell3: Option<Level>,
    pub sell4: Option<Level>,
    pub sell5: Option<Level>,
    pub sell6: Option<Level>,
    pub sell7: Option<Level>,
    pub sell8: Option<Level>,
    pub sell9: Option<Level>,
    pub sell10: Option<Level>,
    #[serde(borrow)]
    pub buy1: Option<Best<'a>>,
    pub buy2: Option<Level>,
    pub buy3: Option<Level>,
    pub buy4: Option<Level>,
    pub buy5: Option<Level>,
    pub buy6: Option<Level>,
    pub buy7: Option<Level>,
    pub buy8: Option<Level>,
    pub buy9: Option<Level>,
    pub buy10: Option<Level>,
    pub current_price: Option<Dec>,
    pub current_price_time: Option<&'a str>,
    pub current_price_change_status: Option<&'a str>,
    pub current_price_status: Option<i32>,
    pub previous_close: Option<Dec>,
    pub previous_close_time: Option<&'a str>,
    pub change_previous_close: Option<Dec>,
    pub opening_price: Option<Dec>,
    pub opening_price_time: Option<&'a str>,
    pub high_price: Option<Dec>,
    pub high_price_time: Option<&'a str>,
    pub low_price: Option<Dec>,
    pub low_price_time: Option<&'a str>,
}

impl Quote<'_> {
    /// `7203`, or `167060019@23` outside exchange 1.
    pub fn ticker(&self) -> String {
        match self.exchange {
            None | Some(1) => self.symbol.to_owned(),
            Some(exchange) => format!("{}@{exchange}", self.symbol),
        }
    }

    /// The sell side, best first; absent keys are empty levels.
    pub fn sells(&self) -> [Level; 10] {
        let best = self.sell1.as_ref().map(|b| Level {
            price: b.price,
            qty: b.qty,
        });
        [
            best,
            self.sell2,
            self.sell3,
            self.sell4,
            self.sell5,
            self.sell6,
            self.sell7,
            self.sell8,
            self.sell9,
            self.sell10,
        ]
        .map(Option::unwrap_or_default)
    }

    /// The buy side, best first.
    pub fn buys(&self) -> [Level; 10] {
        let best = self.buy1.as_ref().map(|b| Level {
            price: b.price,
            qty: b.qty,
        });
        [
            best, self.buy2, self.buy3, self.buy4, self.buy5, self.buy6, self.buy7, self.buy8, self.buy9, self.buy10,
        ]
        .map(Option::unwrap_or_default)
    }
}
