//! The tape: every trade of every symbol, as `/timeandsales` tells it.
//!
//! Known of the real one (station document, 3.4): the whole tape in every call, seconds, no registration and no slot.
//! Unknown and decided here: newest trade first, whole numbers for volumes, the last two dates that had trades.

use std::cmp::Ordering;
use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::jst::{self, Date};
use ayumi_wire::num::{Price, Qty};

use super::body::Object;
use super::{Act, Reply, Station};
use crate::faults::TapeTrouble;
use crate::http::Answer;

/// One line of the tape. The station tells seconds, so that is what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    /// Unix second.
    pub second: i64,
    pub price: Price,
    pub qty: Qty,
}

/// One tape per slot of [`super::Boards`]. 24 bytes a trade: a day of 50 busy symbols is about 50 MB, and never more than
/// what `/timeandsales` tells is kept.
#[derive(Default)]
pub(crate) struct Tapes(Vec<Tape>);

/// The trades of one symbol on the last [`DATES`] dates that had any, oldest first.
#[derive(Default)]
struct Tape {
    prints: Vec<Print>,
    /// How many were older and are forgotten.
    forgotten: usize,
    /// The end of the newest date, Unix second.
    midnight: i64,
}

impl Tape {
    fn note(&mut self, print: Print) {
        if print.second >= self.midnight {
            // With the new date, one too many would be kept.
            let from = self.prints.len() - last_dates(&self.prints, DATES - 1).len();
            self.prints.drain(..from);
            self.forgotten += from;
            let date = Date::of_unix_s(print.second);
            self.midnight = Date::from_days(date.days() + 1).midnight_s();
        }
        self.prints.push(print);
    }
}

impl Tapes {
    /// A trade happened.
    pub(crate) fn note(&mut self, slot: usize, at: Stamp, price: Price, qty: Qty) {
        if self.0.len() <= slot {
            self.0.resize_with(slot + 1, Tape::default);
        }
        self.0[slot].note(Print {
            second: at.s(),
            price,
            qty,
        });
    }

    /// The trades of one symbol that are kept.
    pub(crate) fn of(&self, slot: usize) -> &[Print] {
        self.0.get(slot).map_or(&[], |tape| tape.prints.as_slice())
    }

    /// How many trades of one symbol there were.
    fn count(&self, slot: usize) -> usize {
        self.0.get(slot).map_or(0, |tape| tape.forgotten + tape.prints.len())
    }

    /// Trades, upward moves and downward moves of one symbol on the date of its last trade.
    pub(super) fn moves(&self, slot: usize) -> (usize, usize, usize) {
        let prints = last_dates(self.of(slot), 1);
        let steps = |wanted| {
            prints
                .windows(2)
                .filter(|w| w[1].price.cmp(&w[0].price) == wanted)
                .count()
        };
        (prints.len(), steps(Ordering::Greater), steps(Ordering::Less))
    }
}

/// Dates that `/timeandsales` tells of.
const DATES: usize = 2;
/// The station waits so long for a trade when one of its windows shows the tape (kabusapi issue 1323).
const LOCK: Duration = Duration::from_secs(30);
/// No fault makes a body longer.
const HUGE: usize = 64 << 20;

impl Station {
    /// `/timeandsales`.
    pub(super) fn time_and_sales(&self, symbol: Symbol) -> Reply {
        match self.tape_trouble(&symbol) {
            Some(TapeTrouble::Lock) => {
                let known = self.trades(&symbol);
                Reply::act(Act::NextTrade { symbol, known }).later(self.speed.real(LOCK))
            }
            Some(TapeTrouble::Huge { .. }) | None => Reply::now(self.tape(&symbol)),
        }
    }

    /// Trades known of a symbol: more than before means that one has happened.
    pub(crate) fn trades(&self, symbol: &Symbol) -> usize {
        self.boards.slot(symbol).map_or(0, |slot| self.tapes.count(slot))
    }

    /// The tape of a symbol.
    pub(crate) fn tape(&self, symbol: &Symbol) -> Answer {
        let prints = last_dates(self.prints(symbol), DATES);
        let mut lines: Vec<String> = prints.iter().rev().map(line).collect();
        if let Some(TapeTrouble::Huge { bytes }) = self.tape_trouble(symbol) {
            let length: usize = lines.iter().map(|l| l.len() + 1).sum();
            lines.extend(self.yesterday(symbol, prints, bytes.min(HUGE).saturating_sub(length)));
        }
        Object::new()
            .text("Symbol", &symbol.code)
            .raw("Exchange", symbol.exchange)
            .raw("TradingPriceCount", lines.len())
            .raw("TradingPrice", super::body::array(lines))
            .answer()
    }

    /// At least this many bytes of lines of the day before: a client must tell the days apart by date.
    fn yesterday(&self, symbol: &Symbol, prints: &[Print], bytes: usize) -> Vec<String> {
        let today = prints.first().map_or(self.now.date(), |p| Date::of_unix_s(p.second));
        let close = Date::from_days(today.days() - 1).midnight_s() + 15 * 3600 + 1800;
        let profile = self.profile(symbol);
        let (mut lines, mut length) = (Vec::new(), 0);
        for step in 0.. {
            if length >= bytes {
                break;
            }
            let line = line(&Print {
                second: close - step % (6 * 3600),
                price: profile.previous_close,
                qty: Qty(profile.trading_unit()),
            });
            length += line.len() + 1;
            lines.push(line);
        }
        lines
    }

    fn prints(&self, symbol: &Symbol) -> &[Print] {
        self.boards.slot(symbol).map_or(&[], |slot| self.tapes.of(slot))
    }

    fn tape_trouble(&self, symbol: &Symbol) -> Option<TapeTrouble> {
        let ticker = symbol.ticker();
        let fits = |s: &Option<String>| s.as_ref().is_none_or(|s| *s == ticker);
        self.faults.tape.iter().find(|f| fits(&f.symbol)).map(|f| f.trouble)
    }
}

/// The prints of the last `dates` dates that have any.
fn last_dates(prints: &[Print], dates: usize) -> &[Print] {
    let mut from = prints.len();
    for _ in 0..dates {
        let Some(last) = prints[..from].last() else { break };
        let midnight = Date::of_unix_s(last.second).midnight_s();
        from = prints[..from].partition_point(|p| p.second < midnight);
    }
    &prints[from..]
}

fn line(print: &Print) -> String {
    let time = jst::iso_s(print.second);
    format!(
        "{{\"Time\":\"{time}\",\"Volume\":{},\"Price\":{}}}",
        print.qty, print.price
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Hours, MarketConfig, SimConfig, Source};
    use crate::feed::Feed;

    #[test]
    fn the_last_dates_are_kept() {
        let mut tapes = Tapes::default();
        let day = Date::parse("2026-09-18").unwrap().midnight_s();
        for (days, second, yen) in [
            (0, 32_400, 10),
            (1, 32_400, 11),
            (1, 32_401, 10),
            (2, 1, 12),
            (2, 2, 12),
            (2, 3, 13),
        ] {
            let at = Stamp::from_s(day + days * 86_400 + second);
            tapes.note(3, at, Price::from_yen(yen), Qty(100));
        }
        assert_eq!(
            (tapes.of(3).len(), tapes.count(3)),
            (5, 6),
            "the first date is forgotten"
        );
        assert_eq!(tapes.moves(3), (3, 1, 0));
        assert_eq!((tapes.of(0), tapes.moves(9)), (&[][..], (0, 0, 0)));
        let first = tapes.of(3)[0];
        assert_eq!(
            line(&first),
            r#"{"Time":"2026-09-19T09:00:00+09:00","Volume":100,"Price":11.0}"#
        );
        // A print late for its date opens no new one.
        tapes.note(3, Stamp::from_s(day + 86_400 + 32_402), Price::from_yen(10), Qty(100));
        assert_eq!((tapes.of(3).len(), tapes.count(3)), (6, 7));
    }

    /// Three days of a market, from Thursday over the weekend: never more is held than the last two dates had.
    #[test]
    fn a_long_run_holds_two_dates() {
        let at = |date: &str| Stamp::from_s(Date::parse(date).unwrap().midnight_s() + 8 * 3_600);
        let codes = ["7203", "9432", "167120019@2"].map(|s| s.parse().unwrap());
        let config = SimConfig {
            source: Source::Market(MarketConfig {
                hours: Hours::Session,
                ..MarketConfig::new(5, codes.to_vec(), 0.6)
            }),
            start: Some(at("2026-11-26")),
            end: Some(at("2026-12-01")),
            ..SimConfig::default()
        };
        let (mut feed, mut station) = (Feed::open(&config).unwrap(), Station::new(&config));
        feed.prime(&mut station);
        let (mut text, mut most) = (Vec::new(), 0);
        while feed.peek().is_some() {
            text.clear();
            feed.take(&mut station, &mut text);
            most = most.max(station.tapes.0.iter().map(|tape| tape.prints.len()).sum::<usize>());
        }
        let all: usize = (0..codes.len()).map(|slot| station.tapes.count(slot)).sum();
        assert!(all > 3_000 && most * 4 < all * 3, "{most} of {all} held");
        for symbol in &codes {
            let kept = station.prints(symbol);
            let date = |print: Option<&Print>| Date::of_unix_s(print.unwrap().second);
            assert!(date(kept.first()) >= Date::parse("2026-11-27").unwrap(), "{symbol}");
            assert_eq!(
                last_dates(kept, DATES).len(),
                kept.len(),
                "what is told is what is kept"
            );
            assert!(station.trades(symbol) > kept.len());
        }
    }
}
