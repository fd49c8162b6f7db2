//! Where messages come from: a queue of (time, symbol, text), pulled by the player. Files of recordings, price paths and
//! the ground truth are its only business with the outside.

mod market;
mod paths;
mod truth;

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::num::{Decimal, Price, Qty};

use self::market::MarketFeed;
use crate::config::{SimConfig, SimError, Source, Speed};
pub use crate::exchange::{MarketAction, MarketEvent, Side};
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
                market: Box::new(MarketFeed::open(
                    market,
                    config.start.unwrap_or_else(now),
                    config.end,
                    config.speed == Speed::Full,
                )?),
                from_now: config.start.is_none(),
            },
            Source::Recording(recording) => {
                let opened = recording::open(recording)?;
                let mut played = Played::new(opened.lines, config.end);
                played.boards = opened.boards;
                Self::Played(played)
            }
            Source::Lines(lines) => Self::Played(Played::new(Box::new(lines.clone().into_iter().map(Ok)), config.end)),
        })
    }

    /// What is known before the first message.
    pub(crate) fn prime(&mut self, station: &mut Station) {
        match self {
            Self::Silent => {}
            Self::Played(played) => played.prime(station),
            Self::Market { market, .. } => market.prime(station),
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
            Self::Played(played) => played.next.as_ref().map(|r| r.at).filter(|at| *at <= played.end),
            Self::Market { market, .. } => market.peek(),
        }
    }

    /// The next message; its text is appended to `out`.
    pub(crate) fn take(&mut self, station: &mut Station, out: &mut Vec<u8>) -> Option<Item> {
        match self {
            Self::Silent => None,
            Self::Played(played) => played.take(station, out),
            Self::Market { market, .. } => market.take(station, out),
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
    /// What `/board` shows before the first message.
    boards: Vec<Recorded>,
    /// No message is later.
    end: Stamp,
    next: Option<Recorded>,
    slots: HashMap<String, usize>,
    /// The last volume by slot: its growth is what was traded.
    volumes: Vec<Seen>,
    skipped: u64,
}

/// What the messages of a symbol have told of its volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    /// No message yet: what was traded before the first one is not known.
    #[default]
    Nothing,
    Volume(i64),
}

impl Seen {
    /// What was traded since the last message. A volume that fell begins anew, null is 0 before the first trade.
    fn growth(&mut self, volume: Option<i64>) -> i64 {
        let growth = match (*self, volume) {
            (Self::Volume(before), Some(now)) => (now - before).max(0),
            _ => 0,
        };
        match (*self, volume) {
            (_, Some(now)) => *self = Self::Volume(now),
            (Self::Nothing, None) => *self = Self::Volume(0),
            (Self::Volume(_), None) => {}
        }
        growth
    }
}

impl Played {
    fn new(lines: Lines, end: Option<Stamp>) -> Self {
        let mut played = Self {
            lines,
            boards: Vec::new(),
            end: end.unwrap_or(Stamp::NEVER),
            next: None,
            slots: HashMap::new(),
            volumes: Vec::new(),
            skipped: 0,
        };
        played.advance(Stamp(i64::MIN));
        played
    }

    fn prime(&mut self, station: &mut Station) {
        for board in self.boards.drain(..) {
            let slot = station.slot(&symbol_of(&board.symbol));
            station.boards.update(slot, &board.text);
        }
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
        let volume = volume_of(&recorded.text);
        self.note(station, slot, recorded.at, volume, &recorded.text);
        Some(Item {
            at: recorded.at,
            slot,
            volume,
        })
    }

    /// Growth of the volume goes to the tape as one trade at the message's price: a recording knows no better.
    fn note(&mut self, station: &mut Station, slot: usize, at: Stamp, volume: Option<i64>, text: &[u8]) {
        if self.volumes.len() <= slot {
            self.volumes.resize(slot + 1, Seen::Nothing);
        }
        let growth = self.volumes[slot].growth(volume);
        if growth > 0
            && let Some(price) = number_of(text, b"\"CurrentPrice\":")
        {
            station.tapes.note(slot, at, Price(price.e4), Qty(growth));
        }
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
    number_of(text, b"\"TradingVolume\":")?.whole().map(|q| q.0)
}

/// The number behind the first occurrence of a key.
fn number_of(text: &[u8], key: &[u8]) -> Option<Decimal> {
    let at = text.windows(key.len()).position(|w| w == key)? + key.len();
    let value = text[at..].trim_ascii_start();
    let end = value
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'))?;
    Decimal::parse(std::str::from_utf8(&value[..end]).ok()?)
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

    #[test]
    fn growth_of_the_volume_is_what_was_traded() {
        let mut seen = Seen::default();
        let growth: Vec<i64> = [Some(500), Some(700), None, Some(700), Some(900), Some(100), Some(150)]
            .map(|volume| seen.growth(volume))
            .to_vec();
        assert_eq!(
            growth,
            [0, 200, 0, 0, 200, 0, 50],
            "the first message is a base, and so is a new day"
        );
        let mut seen = Seen::default();
        assert_eq!([None, Some(300)].map(|v| seen.growth(v)), [0, 300], "an opening print");
    }
}
