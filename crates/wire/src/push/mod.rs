//! One PUSH message or `/board` answer: the whole quote state of one symbol.
//!
//! [`decode`] is total: any bytes give either a [`Push`] or the reason why they are none. Three decoders stand behind
//! it, each handing over to the next at the first surprise. The straight one (`straight.rs`) goes through the station's
//! messages key by key, in the order in which they have always come. The ordered one (`decode.rs`) takes the same compact
//! form with keys left out, added or in another order. Both read numbers straight into integers and give up at white
//! space, an escape, a string holding a number, nested values, ...; then the lenient one (`lenient.rs`, on serde_json)
//! decides alone. Whatever the fast ones accept, the lenient one accepts with the same result: property tests and the
//! fuzz target hold them together.
//!
//! Only fields that the engine reads are decoded. A new one is a field of [`Push`], a line in `keys.rs`, its place in
//! `straight.rs` and an arm in each of the others.

mod decode;
pub mod encode;
mod keys;
mod lenient;
mod scan;
mod straight;
mod values;
mod words;

use std::borrow::Cow;

use crate::jst::WireTime;
use crate::num::{Price, Qty};

/// Levels per side.
pub const LEVELS: usize = 10;

/// One message, in the station's own names and meaning. `None` = null, absent or not usable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Push<'a> {
    /// `Symbol` (or `IssueCode`); never empty.
    pub symbol: Cow<'a, str>,
    /// `Exchange`; absent for an index.
    pub exchange: Option<u16>,
    /// `CurrentPrice` (or `Price`).
    pub current_price: Option<Price>,
    /// `CurrentPriceTime` (or `TradeTime`, `TransactTime`, `Time`).
    pub current_price_time: Option<WireTime>,
    /// `OpeningPriceTime`.
    pub opening_price_time: Option<WireTime>,
    /// `TradingVolume` (or `Volume`), cumulative for the day.
    pub trading_volume: Option<Qty>,
    /// `BidPrice`, `BidQty`, `BidSign`: the best **sell** quote. The station's names are reversed.
    pub bid: Quote,
    /// `AskPrice`, `AskQty`, `AskSign`: the best **buy** quote. The station's names are reversed.
    pub ask: Quote,
    /// `Sell1` to `Sell10`, best first.
    pub sell: [Level; LEVELS],
    /// `Buy1` to `Buy10`, best first.
    pub buy: [Level; LEVELS],
    /// `Sell1.Sign`.
    pub sell_sign: Option<Sign>,
    /// `Buy1.Sign`.
    pub buy_sign: Option<Sign>,
    /// Fields that stood there with a value nobody can use (negative, fractional quantity, `1e400`, `true`, ...).
    pub bad: BadFields,
}

/// A best quote as the station prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Price, yen.
    pub price: Option<Price>,
    /// Quantity, shares.
    pub qty: Option<Qty>,
    /// Quote code.
    pub sign: Option<Sign>,
}

/// One level of the ladder; zero stands for null, absent or unusable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Price, yen.
    pub price: Price,
    /// Quantity, shares.
    pub qty: Qty,
}

/// A quote code (`BidSign`, `Sell1.Sign`, ...), its four digits as a number. Unknown codes are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign(pub u16);

impl Sign {
    /// "0101": an ordinary quote.
    pub const NORMAL: Self = Self(101);
    /// Any text that is not up to four digits.
    pub const OTHER: Self = Self(u16::MAX);

    /// Reads the code; an empty text is 0 ("none").
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        match text.len() {
            0..=4 if text.iter().all(u8::is_ascii_digit) => {
                Self(text.iter().fold(0, |n, b| n * 10 + u16::from(b - b'0')))
            }
            _ => Self::OTHER,
        }
    }
}

/// Which groups of fields held unusable values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BadFields {
    /// `CurrentPrice`.
    pub price: bool,
    /// `TradingVolume`.
    pub volume: bool,
    /// A quote or a level.
    pub book: bool,
    /// `Exchange` or a time.
    pub other: bool,
    /// Not unusable: a price had digits beyond the fourth decimal and was rounded.
    pub rounded: bool,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not UTF-8.
    #[error("not JSON")]
    NotJson,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotObject,
    /// No `Symbol`, or not a text.
    #[error("no Symbol")]
    NoSymbol,
}

/// Decodes one message. Never panics, allocates only on odd input.
///
/// # Errors
/// [`DecodeError`] when the bytes are no message; unusable single fields are no error but `None` plus a mark in
/// [`Push::bad`].
pub fn decode(frame: &[u8]) -> Result<Push<'_>, DecodeError> {
    if let Some(push) = straight::decode(frame) {
        return Ok(push);
    }
    match decode::decode(frame) {
        Some(push) => Ok(push),
        None => lenient::decode(frame),
    }
}

/// True when a fast decoder takes these bytes: for benchmarks and for tests that real messages stay on that path.
#[must_use]
pub fn is_fast(frame: &[u8]) -> bool {
    is_straight(frame) || decode::decode(frame).is_some()
}

/// True when the fastest decoder takes these bytes, as it does what the station sends.
#[must_use]
pub fn is_straight(frame: &[u8]) -> bool {
    straight::decode(frame).is_some()
}

/// The straight decoder alone, for differential tests: `None` when it leaves the bytes to the others.
#[must_use]
pub fn decode_straight(frame: &[u8]) -> Option<Push<'_>> {
    straight::decode(frame)
}

/// The ordered decoder alone, for differential tests: `None` when it leaves the bytes to the lenient one.
#[must_use]
pub fn decode_ordered(frame: &[u8]) -> Option<Push<'_>> {
    decode::decode(frame)
}

/// The lenient decoder alone, for differential tests.
///
/// # Errors
/// As [`decode`].
pub fn decode_lenient(frame: &[u8]) -> Result<Push<'_>, DecodeError> {
    lenient::decode(frame)
}

#[cfg(test)]
mod tests;
