//! The lenient decoder: any JSON object that names a symbol.
//!
//! Keys in any order, twice (the last one wins), with alternative spellings; values null, numbers, or texts holding a
//! number; anything else is marked in [`Push::bad`]. Unknown keys are stepped over whatever they hold.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::keys::{self, Field};
use super::{BadFields, DecodeError, Level, Push, Sign};
use crate::jst::{self, WireTime};
use crate::num::{Decimal, Price, Qty};

pub(super) fn decode(frame: &[u8]) -> Result<Push<'_>, DecodeError> {
    let text = std::str::from_utf8(frame).map_err(|_| DecodeError::NotJson)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader
        .deserialize_map(Members)
        .and_then(|message| reader.end().map(|()| message));
    match read {
        Ok(message) => message.finish(),
        Err(_) if serde_json::from_str::<IgnoredAny>(text).is_err() => Err(DecodeError::NotJson),
        Err(_) => Err(DecodeError::NotObject),
    }
}

/// What was read so far; alternative spellings wait until it is known whether the official ones are there.
#[derive(Default)]
struct Message<'a> {
    push: Push<'a>,
    symbol: Option<Cow<'a, str>>,
    symbol_there: bool,
    price_there: bool,
    volume_there: bool,
    time_there: bool,
    alternatives: Vec<(Field, &'a str)>,
}

struct Members;

impl<'a> Visitor<'a> for Members {
    type Value = Message<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut message = Message::default();
        while let Some(key) = map.next_key::<Key<'a>>()? {
            if let Some(field) = keys::official(key.0.as_bytes()) {
                let raw: &'a RawValue = map.next_value()?;
                message.official(field, raw.get());
            } else if let Some(field) = keys::alternative(key.0.as_bytes()) {
                let raw: &'a RawValue = map.next_value()?;
                message.alternatives.push((field, raw.get()));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(message)
    }
}

/// A key that borrows unless it holds escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Message<'a> {
    fn official(&mut self, field: Field, raw: &'a str) {
        let there = raw != "null";
        match field {
            Field::Symbol => self.symbol_there = there,
            Field::CurrentPrice => self.price_there = true,
            Field::TradingVolume => self.volume_there = true,
            Field::CurrentPriceTime => self.time_there = true,
            _ => {}
        }
        self.take(field, raw);
    }

    fn take(&mut self, field: Field, raw: &'a str) {
        let push = &mut self.push;
        let bad = &mut push.bad;
        match field {
            Field::Skip => {}
            Field::Symbol => self.symbol = symbol(raw),
            Field::Exchange => push.exchange = exchange(raw, &mut bad.other),
            Field::CurrentPrice => {
                bad.price = false;
                push.current_price = price(raw, &mut bad.price, &mut bad.rounded);
            }
            Field::TradingVolume => {
                bad.volume = false;
                push.trading_volume = quantity(raw, &mut bad.volume);
            }
            Field::CurrentPriceTime => push.current_price_time = time(raw, &mut bad.other),
            Field::OpeningPriceTime => push.opening_price_time = time(raw, &mut bad.other),
            Field::BidPrice => push.bid.price = price(raw, &mut bad.book, &mut bad.rounded),
            Field::BidQty => push.bid.qty = quantity(raw, &mut bad.book),
            Field::BidSign => push.bid.sign = sign(raw),
            Field::AskPrice => push.ask.price = price(raw, &mut bad.book, &mut bad.rounded),
            Field::AskQty => push.ask.qty = quantity(raw, &mut bad.book),
            Field::AskSign => push.ask.sign = sign(raw),
            Field::Sell(at) => {
                let (level, code) = ladder_level(raw, bad);
                push.sell[usize::from(at)] = level;
                if at == 0 {
                    push.sell_sign = code;
                }
            }
            Field::Buy(at) => {
                let (level, code) = ladder_level(raw, bad);
                push.buy[usize::from(at)] = level;
                if at == 0 {
                    push.buy_sign = code;
                }
            }
        }
    }

    fn finish(mut self) -> Result<Push<'a>, DecodeError> {
        for (field, raw) in std::mem::take(&mut self.alternatives) {
            let absent = match field {
                Field::Symbol => !self.symbol_there,
                Field::CurrentPrice => !self.price_there,
                Field::TradingVolume => !self.volume_there,
                _ => !self.time_there,
            };
            if absent {
                self.take(field, raw);
            }
        }
        self.push.symbol = self.symbol.filter(|s| !s.is_empty()).ok_or(DecodeError::NoSymbol)?;
        Ok(self.push)
    }
}

/// A text, or a number written as one (`7203`).
fn symbol(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => text(raw),
        b'0'..=b'9' if raw.bytes().all(|b| b.is_ascii_digit()) => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

/// The content of a JSON string.
fn text(raw: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Key<'_>>(raw).ok().map(|key| key.0)
}

/// The number in a value: `Ok(None)` for null and the empty text, `Err` for anything that is no number.
fn decimal(raw: &str) -> Result<Option<Decimal>, ()> {
    match raw.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'0'..=b'9' | b'-') => Decimal::parse(raw).map(Some).ok_or(()),
        Some(b'"') => match text(raw).ok_or(())?.trim() {
            "" => Ok(None),
            number => Decimal::parse(number).map(Some).ok_or(()),
        },
        _ => Err(()),
    }
}

fn price(raw: &str, bad: &mut bool, rounded: &mut bool) -> Option<Price> {
    match decimal(raw) {
        Ok(None) => None,
        Ok(Some(n)) if n.e4 >= 0 => {
            *rounded |= !n.exact;
            Some(Price(n.e4))
        }
        _ => {
            *bad = true;
            None
        }
    }
}

fn quantity(raw: &str, bad: &mut bool) -> Option<Qty> {
    match decimal(raw) {
        Ok(None) => return None,
        Ok(Some(n)) if n.e4 >= 0 => {
            if let Some(qty) = n.whole() {
                return Some(qty);
            }
        }
        _ => {}
    }
    *bad = true;
    None
}

/// An exchange that stands there and is none is not the same as no exchange: it must match nothing.
fn exchange(raw: &str, bad: &mut bool) -> Option<u16> {
    const NONE_OF_THEM: u16 = u16::MAX;
    let mut unusable = false;
    let number = quantity(raw, &mut unusable);
    *bad |= unusable;
    match number {
        None if unusable => Some(NONE_OF_THEM),
        None => None,
        Some(number) => Some(u16::try_from(number.0).unwrap_or(NONE_OF_THEM)),
    }
}

fn sign(raw: &str) -> Option<Sign> {
    match raw.as_bytes().first()? {
        b'n' => None,
        b'"' => Some(text(raw).map_or(Sign::OTHER, |code| Sign::of(code.as_bytes()))),
        _ => Some(Sign::OTHER),
    }
}

fn time(raw: &str, bad: &mut bool) -> Option<WireTime> {
    match raw.as_bytes().first()? {
        b'n' => return None,
        b'"' => {
            let read = text(raw)?;
            if read.is_empty() {
                return None;
            }
            if let Some(time) = jst::parse(read.as_bytes()) {
                return Some(time);
            }
        }
        _ => {}
    }
    *bad = true;
    None
}

/// A level with its members in any order; an odd level is empty and marked.
fn ladder_level(raw: &str, bad: &mut BadFields) -> (Level, Option<Sign>) {
    struct LevelMembers;
    #[derive(Default)]
    struct Raw<'a> {
        price: Option<&'a str>,
        qty: Option<&'a str>,
        sign: Option<&'a str>,
    }
    impl<'a> Visitor<'a> for LevelMembers {
        type Value = Raw<'a>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a level")
        }
        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut level = Raw::default();
            while let Some(key) = map.next_key::<Key<'a>>()? {
                let raw = map.next_value::<&'a RawValue>()?.get();
                match &*key.0 {
                    "Price" => level.price = Some(raw),
                    "Qty" => level.qty = Some(raw),
                    "Sign" => level.sign = Some(raw),
                    _ => {}
                }
            }
            Ok(level)
        }
    }
    if raw == "null" {
        return (Level::default(), None);
    }
    match serde_json::Deserializer::from_str(raw).deserialize_map(LevelMembers) {
        Ok(read) => {
            let level = Level {
                price: read
                    .price
                    .and_then(|r| price(r, &mut bad.book, &mut bad.rounded))
                    .unwrap_or_default(),
                qty: read.qty.and_then(|r| quantity(r, &mut bad.book)).unwrap_or_default(),
            };
            (level, read.sign.and_then(sign))
        }
        Err(_) => {
            bad.book = true;
            (Level::default(), None)
        }
    }
}
