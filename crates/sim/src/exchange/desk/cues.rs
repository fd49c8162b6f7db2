//! What a desk does when the session script says so.

use ayumi_engine::Stamp;
use ayumi_engine::market::{Print as Auction, Side, View};

use super::super::timetable::Cue;
use super::episodes::Episode;
use super::{Alarm, Desk, Floor, MS, NEVER, SECOND, Stage, Walk};

/// Openings that a special quote delays, per mille.
const DELAYED: i64 = 30;
/// A print up to this long before a full second belongs to it: a PC's clock may be late.
const EARLY: i64 = 100 * MS;

impl Desk {
    /// The next line of the script is due.
    pub(super) fn cue(&mut self, floor: &mut Floor<'_>, at: i64) {
        let cue = self.next_cue();
        self.row += 1;
        self.set_cue();
        match cue {
            Cue::NewDay => self.new_day(floor, at),
            Cue::PreviousClose => {
                floor.market.refresh_close(floor.index);
                self.send_both(at);
            }
            Cue::Announcements => {
                floor.market.announce(floor.index, Stamp(at));
                self.send_both(at);
            }
            Cue::Ready => {
                floor.market.announce(floor.index, Stamp(at));
                floor.market.ready(floor.index);
                self.send_both(at);
            }
            Cue::Call => self.begin_call(floor, at),
            Cue::Open => self.begin_session(floor, at, Auction::Open),
            Cue::Reopen => self.begin_session(floor, at, Auction::AfternoonOpen),
            Cue::Pause => self.end_session(floor, at, Auction::MorningClose),
            Cue::Blank => {
                self.rest();
                self.send_view(View::ZeroQuotes, at);
            }
            Cue::Close => self.end_session(floor, at, Auction::Close),
            Cue::End => {}
        }
    }

    pub(super) fn next_cue(&self) -> Cue {
        self.product.rows()[self.row].cue
    }

    /// Sets the alarm of the next line; behind the last one a new day begins.
    pub(super) fn set_cue(&mut self) {
        if self.next_cue() == Cue::End {
            self.day = self.days.after(self.day);
            self.row = 0;
        }
        let row = self.product.rows()[self.row];
        let at = match self.days.at(self.day, &row) {
            // Truth and tape tell microseconds.
            Some(at) => at + self.dice.below(row.spread * 1_000) * 1_000,
            None => NEVER,
        };
        self.set(Alarm::Cue, at);
    }

    fn new_day(&mut self, floor: &mut Floor<'_>, at: i64) {
        let date = match self.product.begins_the_evening_before() {
            true => self.days.after(self.day),
            false => self.day,
        };
        floor.market.new_day(floor.index, date, None);
        let ahead = &self.path[self.path_at.min(self.path.len())..];
        let low = ahead.iter().map(|point| point.1).min();
        if let (Some(low), Some(high)) = (low, ahead.iter().map(|point| point.1).max()) {
            floor.market.fit(floor.index, low, high);
        }
        self.rest();
        self.stage = Stage::Quiet;
        (self.episode, self.deferred) = (Episode::None, None);
        self.set(Alarm::Until, NEVER);
        self.calm_down();
        self.send_both(at);
    }

    /// Orders are collected: before the open, after lunch, before the close.
    fn begin_call(&mut self, floor: &mut Floor<'_>, at: i64) {
        if !matches!(self.episode, Episode::None) && !self.is_over_by_call() {
            return;
        }
        self.follow_first(floor);
        self.stage = Stage::Calling;
        floor.market.call(floor.index, Stamp(at));
        self.send_both(at);
        self.next_quote(at);
        self.act_on_deferred(floor, at);
    }

    /// The first price of a path is where the call gathers.
    fn follow_first(&mut self, floor: &mut Floor<'_>) {
        if self.path_at == 0 && !self.path.is_empty() {
            self.follow(floor);
        }
    }

    /// An auction, unless something holds it up.
    fn begin_session(&mut self, floor: &mut Floor<'_>, at: i64, auction: Auction) {
        self.stage = Stage::Trading;
        if !matches!(self.episode, Episode::None | Episode::Limit(_)) {
            return;
        }
        if self.act_on_deferred(floor, at) || (auction == Auction::Open && self.is_delayed(floor, at)) {
            return;
        }
        self.print(floor, at, auction);
    }

    /// A small share of openings is delayed by a special quote; that of a path, until its first price.
    fn is_delayed(&mut self, floor: &mut Floor<'_>, at: i64) -> bool {
        if !self.symbol_has_orders() {
            return false;
        }
        let first = self.path.first().map(|point| point.0);
        let until = match first {
            Some(first) => first,
            None if self.dice.chance(DELAYED) => at + self.dice.between(40, 400) * SECOND,
            None => return false,
        };
        if until - at < 20 * SECOND {
            return false;
        }
        let rises = match (first, floor.message().previous_close) {
            (Some(_), Some(close)) => self.path[0].1 > close,
            _ => self.dice.chance(500),
        };
        let side = if rises { Side::Buy } else { Side::Sell };
        self.begin_special(floor, at, side, Some(until));
        true
    }

    /// An auction prints and trading begins, its book a moment later.
    pub(super) fn print(&mut self, floor: &mut Floor<'_>, at: i64, auction: Auction) {
        floor.auction(at, auction);
        self.stage = Stage::Trading;
        self.send_price(at);
        if !self.symbol_has_orders() {
            self.next_trade(at);
            return;
        }
        self.set(Alarm::Quote, NEVER);
        self.walk = Walk::OpenBook;
        let wait = match auction {
            Auction::AfternoonOpen => self.dice.between(260, 340),
            _ => self.dice.between(60, 400),
        };
        self.set(Alarm::Walk, at + wait * MS);
    }

    /// The last auction of a session, then silence.
    fn end_session(&mut self, floor: &mut Floor<'_>, at: i64, auction: Auction) {
        self.rest();
        self.calm_down();
        let halted = matches!(self.episode, Episode::Halted);
        let lasts = matches!(self.episode, Episode::Halted | Episode::Limit(_)) && self.at(Alarm::Until) < NEVER;
        if auction == Auction::Close || !lasts {
            self.episode = Episode::None;
            self.set(Alarm::Until, NEVER);
        }
        self.stage = Stage::Quiet;
        let second = (at + EARLY).div_euclid(SECOND) * SECOND;
        if !halted {
            floor.auction(at.max(second), auction);
        }
        if auction == Auction::Close {
            self.deferred = None;
            self.send_price(at);
            self.walk = Walk::OpenBook;
            let book = at.max(second) + self.dice.between(470, 560) * MS;
            self.set(Alarm::Walk, book);
        } else {
            self.send_both(at);
        }
    }

    /// Nothing more comes by itself.
    pub(super) fn rest(&mut self) {
        for alarm in [Alarm::Walk, Alarm::Trade, Alarm::Quote] {
            self.set(alarm, NEVER);
        }
        self.walk = Walk::Nothing;
        self.chain = 0;
        self.burst = false;
    }
}
