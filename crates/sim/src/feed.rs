//! Where messages come from: a queue of (time, symbol, text), pulled by the player. Pure but for reading a recording.

mod market;

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::num::Decimal;

use self::market::MarketFeed;
pub use self::market::{MarketAction, MarketEvent, Side};
use crate::config::{SimConfig, SimError, Source};
use crate::recording::{self, Lines, Recorded};
use crate::rest::Station;

/// A source of messages.
pub(crate) enum Feed {
    Silent,
    Played(Played),
    Market {
        market: Box<MarketFeed>,
        /// No start was given: its clock is set when it begins.
        from_now: bool,
    },
}

/// What a pulled message is; its text went to the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub at: Stamp,
    /// Position in [`crate::rest::Boards`].
    pub slot: usize,
    /// `TradingVolume`, when it is a whole number.
    pub volume: Option<i64>,
}

impl Feed {
    /// Opens the source of a configuration.
    pub(crate) fn open(config: &SimConfig) -> Result<Self, SimError> {
        Ok(match &config.source {
            Source::Silent => Self::Silent,
            Source::Market(market) => Self::Market {
                market: Box::new(MarketFeed::new(market, config.start.unwrap_or_else(now))),
                from_now: config.start.is_none(),
            },
            Source::Recording(recording) => Self::Played(Played::new(recording::open(recording)?)),
            Source::Lines(lines) => Self::Played(Played::new(Box::new(lines.clone().into_iter().map(Ok)))),
        })
    }

    /// What is known before the first message.
    pub(crate) fn prime(&mut self, station: &mut Station) {
        if let Self::Market { market, .. } = self {
            market.prime(station);
        }
    }

    /// The source's clock starts now.
    pub(crate) fn begin(&mut self) {
        if let Self::Market { market, from_now: true } = self {
            market.begin(now());
        }
    }

    /// The time of the next message; `None` = the source has ended.
    pub(crate) fn peek(&mut self) -> Option<Stamp> {
        match self {
            Self::Silent => None,
            Self::Played(played) => played.next.as_ref().map(|r| r.at),
            Self::Market { market, .. } => market.peek(),
        }
    }

    /// The next message; its text is appended to `out`.
    pub(crate) fn take(&mut self, station: &mut Station, out: &mut Vec<u8>) -> Option<Item> {
        match self {
            Self::Silent => None,
            Self::Played(played) => played.take(station, out),
            Self::Market { market, .. } => market.take(out),
        }
    }

    /// Lets something happen in the market at `now`; other sources have no market.
    pub(crate) fn act(&mut self, action: &MarketAction, now: Stamp) {
        if let Self::Market { market, .. } = self {
            market.act(action, now);
        }
    }

    /// Lines that were no message, since the last call.
    pub(crate) fn take_skipped(&mut self) -> u64 {
        match self {
            Self::Played(played) => std::mem::take(&mut played.skipped),
            Self::Silent | Self::Market { .. } => 0,
        }
    }
}

/// Recorded messages.
pub(crate) struct Played {
    lines: Lines,
    next: Option<Recorded>,
    slots: HashMap<String, usize>,
    skipped: u64,
}

impl Played {
    fn new(lines: Lines) -> Self {
        let mut played = Self {
            lines,
            next: None,
            slots: HashMap::new(),
            skipped: 0,
        };
        played.advance(Stamp(i64::MIN));
        played
    }

    /// Reads on to the next line that is a message. A read error ends the source: it would only repeat.
    fn advance(&mut self, not_before: Stamp) {
        self.next = loop {
            match self.lines.next() {
                None => break None,
                Some(Ok(mut recorded)) => {
                    recorded.at = recorded.at.max(not_before);
                    break Some(recorded);
                }
                Some(Err(e @ SimError::Line { .. })) => {
                    self.skipped += 1;
                    if self.skipped == 1 {
                        log::warn!("a line of the recording is left out: {e}");
                    }
                }
                Some(Err(e)) => {
                    log::error!("the recording ends early: {e}");
                    break None;
                }
            }
        };
    }

    fn take(&mut self, station: &mut Station, out: &mut Vec<u8>) -> Option<Item> {
        let recorded = self.next.take()?;
        self.advance(recorded.at);
        out.extend_from_slice(&recorded.text);
        let slot = match self.slots.get(&recorded.symbol) {
            Some(&slot) => slot,
            None => {
                let slot = station.slot(&symbol_of(&recorded.symbol));
                self.slots.insert(recorded.symbol, slot);
                slot
            }
        };
        Some(Item {
            at: recorded.at,
            slot,
            volume: volume_of(&recorded.text),
        })
    }
}

fn symbol_of(ticker: &str) -> Symbol {
    let (code, exchange) = ticker.split_once('@').unwrap_or((ticker, "1"));
    Symbol {
        code: code.to_owned(),
        exchange: exchange.parse().unwrap_or(1),
    }
}

/// The machine's clock.
fn now() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_nanos()).unwrap_or_default())
}

/// `TradingVolume` out of a message's text, without parsing the rest.
pub(crate) fn volume_of(text: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"TradingVolume\":";
    let at = text.windows(KEY.len()).position(|w| w == KEY)? + KEY.len();
    let value = text[at..].trim_ascii_start();
    let end = value
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))?;
    let number = std::str::from_utf8(&value[..end]).ok()?;
    Decimal::parse(number)?.whole().map(|q| q.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_found() {
        assert_eq!(volume_of(br#"{"a":1,"TradingVolume": 5300.0,"b":2}"#), Some(5300));
        assert_eq!(volume_of(br#"{"TradingVolume":null}"#), None);
        assert_eq!(volume_of(br#"{"TradingVolume":0.5}"#), None);
        assert_eq!(volume_of(br#"{"TradingVolume":"#), None);
        assert_eq!(volume_of(b""), None);
    }
}
