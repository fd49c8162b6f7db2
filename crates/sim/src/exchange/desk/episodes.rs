//! What disturbs the script: actions, and how they come to an end.

use ayumi_engine::Stamp;
use ayumi_engine::market::{Phase, Print as Auction, Side, View};

use super::super::action::MarketEvent;
use super::super::timetable::{Cue, Product};
use super::{Alarm, Desk, Floor, MS, NEVER, SECOND, Stage, Walk};

/// A special quote moves on so often, as on the exchange.
const RENEWAL: i64 = 180 * SECOND;

/// A state in which a symbol does not trade as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Episode {
    None,
    Special(Side),
    Halted,
    /// The halt is lifted, orders are collected.
    Lifted,
    Limit(Side),
}

/// An action that waits for a state in which it makes sense.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deferred {
    event: MarketEvent,
    until: Option<i64>,
}

impl Desk {
    /// Somebody wants something to happen.
    pub(in super::super) fn act(&mut self, floor: &mut Floor<'_>, event: MarketEvent, now: i64, until: Option<i64>) {
        // What was already lived through cannot be changed any more.
        let at = now.max(self.clock);
        let until = until.map(|until| until.max(at));
        match event {
            MarketEvent::Lock => self.distort(floor, View::Lock, at),
            MarketEvent::Cross => self.distort(floor, View::Cross, at),
            MarketEvent::ZeroQuotes => self.distort(floor, View::ZeroQuotes, at),
            MarketEvent::NullBlock => self.distort(floor, View::NullBlock, at),
            MarketEvent::ZeroDepth => self.distort(floor, View::ZeroDepth, at),
            MarketEvent::ForeignDepth => self.distort(floor, View::ForeignDepth, at),
            MarketEvent::Rush(times) => self.rush(times, at, until.unwrap_or(NEVER)),
            MarketEvent::Silence => self.silence(until.unwrap_or(NEVER)),
            MarketEvent::SpecialQuote(_) | MarketEvent::Halt | MarketEvent::Limit(_) => {
                if self.symbol_has_orders() {
                    self.deferred = Some(Deferred { event, until });
                    self.act_on_deferred(floor, at);
                }
            }
        }
    }

    fn distort(&mut self, floor: &Floor<'_>, view: View, at: i64) {
        let quoted = floor.message().bid_price.is_some() || floor.message().ask_price.is_some();
        if view == View::NullBlock || (quoted && self.symbol_has_orders()) {
            self.send_view(view, at);
        }
    }

    fn rush(&mut self, times: u32, at: i64, until: i64) {
        self.pace.rush(times, until);
        // What was drawn before the rush would come as slowly as before.
        if self.at(Alarm::Trade) < NEVER {
            self.next_trade(at);
        }
        if self.at(Alarm::Quote) < NEVER {
            self.next_quote(at);
        }
    }

    fn silence(&mut self, until: i64) {
        self.silent_until = until;
        for alarm in [
            Alarm::View,
            Alarm::Price,
            Alarm::Book,
            Alarm::Trade,
            Alarm::Quote,
            Alarm::Walk,
        ] {
            if self.at(alarm) < until {
                // Those that never were stay so; the others come right after the silence.
                let after = until.saturating_add(self.dice.between(1, 400) * MS);
                self.set(alarm, after);
            }
        }
    }

    /// Rushes and silences without an end last as long as the session.
    pub(super) fn calm_down(&mut self) {
        self.pace.rush(1, i64::MIN);
        if self.silent_until == NEVER {
            self.silent_until = i64::MIN;
            for alarm in [Alarm::View, Alarm::Price, Alarm::Book] {
                self.set(alarm, NEVER);
            }
        }
    }

    /// True when the symbol has orders of its own: an index has none.
    pub(super) fn symbol_has_orders(&self) -> bool {
        self.product != Product::Index
    }

    /// Lets happen what was put off, where it makes sense now; true when it takes the place of an auction.
    pub(super) fn act_on_deferred(&mut self, floor: &mut Floor<'_>, at: i64) -> bool {
        let Some(Deferred { event, until }) = self.deferred else {
            return false;
        };
        match (self.stage, event) {
            (Stage::Calling | Stage::Trading, MarketEvent::Halt) => self.begin_halt(floor, at, until),
            (Stage::Trading, MarketEvent::SpecialQuote(side)) => self.begin_special(floor, at, side.into(), until),
            (Stage::Trading, MarketEvent::Limit(side)) => self.begin_limit(at, side.into(), until),
            _ => return false,
        }
        self.deferred = None;
        true
    }

    fn enter(&mut self, episode: Episode, at: i64, until: Option<i64>) {
        self.rest();
        self.episode = episode;
        self.set(Alarm::Until, until.map_or(NEVER, |until| until.max(at + 1)));
    }

    pub(super) fn begin_special(&mut self, floor: &mut Floor<'_>, at: i64, side: Side, until: Option<i64>) {
        self.enter(Episode::Special(side), at, until);
        self.walk = Walk::Special;
        self.renew_special(floor, at, side);
    }

    fn renew_special(&mut self, floor: &mut Floor<'_>, at: i64, side: Side) {
        floor.market.special(floor.index, Stamp(at), side);
        self.send_both(at);
        self.set(Alarm::Walk, at + RENEWAL);
        if self.at(Alarm::Quote) == NEVER {
            self.next_quote(at);
        }
    }

    fn begin_halt(&mut self, floor: &mut Floor<'_>, at: i64, until: Option<i64>) {
        self.enter(Episode::Halted, at, until);
        floor.market.halt(floor.index, Stamp(at));
        self.send_both(at);
    }

    fn begin_limit(&mut self, at: i64, side: Side, until: Option<i64>) {
        self.enter(Episode::Limit(side), at, until);
        self.walk = Walk::Limit;
        self.set(Alarm::Walk, at);
    }

    /// The end that was asked for.
    pub(super) fn end_episode(&mut self, floor: &mut Floor<'_>, at: i64) {
        let episode = std::mem::replace(&mut self.episode, Episode::None);
        match episode {
            Episode::None | Episode::Lifted => {}
            Episode::Special(_) => {
                self.rest();
                let opened = floor.message().opening_price.is_some();
                if !opened && !self.path.is_empty() {
                    // The path knows the price at which the two sides meet.
                    floor.market.call(floor.index, Stamp(at));
                }
                self.print(floor, at, if opened { Auction::AfternoonOpen } else { Auction::Open });
            }
            Episode::Halted => self.lift(floor, at),
            Episode::Limit(_) if self.stage != Stage::Trading => {
                // Between sessions nobody could take the queue.
                self.episode = episode;
                let later = self.at(Alarm::Cue).saturating_add(5 * SECOND);
                self.set(Alarm::Until, later);
            }
            Episode::Limit(_) => {
                self.rest();
                floor.several(at, |market, index, now, each| market.off_limit(index, now, each));
                self.send_both(at);
                self.go_on(floor, at);
            }
        }
    }

    /// A halt ends: orders are collected, for an auction of its own where the script has none to come.
    fn lift(&mut self, floor: &mut Floor<'_>, at: i64) {
        self.rest();
        floor.market.lift(floor.index, Stamp(at));
        self.send_both(at);
        if self.stage == Stage::Quiet {
            return;
        }
        self.next_quote(at);
        if self.stage == Stage::Trading {
            self.stage = Stage::Calling;
            self.episode = Episode::Lifted;
            self.walk = Walk::Resume;
            let auction = at + self.dice.between(20, 60) * SECOND;
            self.set(Alarm::Walk, auction);
        }
    }

    /// The next step of what goes on by steps.
    pub(super) fn walk_on(&mut self, floor: &mut Floor<'_>, at: i64) {
        match (self.walk, self.episode) {
            (Walk::OpenBook, _) => {
                self.walk = Walk::Nothing;
                floor.market.open_book(floor.index, Stamp(at));
                self.send_both(at);
                if self.stage == Stage::Trading {
                    self.go_on(floor, at);
                }
            }
            (Walk::Special, Episode::Special(side)) => self.renew_special(floor, at, side),
            (Walk::Limit, Episode::Limit(side)) => self.run_to_limit(floor, at, side),
            (Walk::Resume, _) => {
                self.episode = Episode::None;
                self.walk = Walk::Nothing;
                self.print(floor, at, Auction::Resume);
            }
            _ => self.walk = Walk::Nothing,
        }
    }

    fn run_to_limit(&mut self, floor: &mut Floor<'_>, at: i64, side: Side) {
        let before = floor.price();
        let traded = floor.several(at, |market, index, now, each| market.limit(index, now, side, each));
        if traded {
            self.traded(at, floor.price() != before);
        }
        self.send_book(at + 12 * MS);
        if matches!(floor.market.phase(floor.index), Phase::Limit(_)) {
            // From here on the market's own events are those at the limit.
            self.walk = Walk::Nothing;
            self.go_on(floor, at);
        } else {
            let next = at + 100 * MS + self.dice.wait(900 * MS);
            self.set(Alarm::Walk, next);
        }
    }

    /// Trades and quotes come by themselves again.
    fn go_on(&mut self, floor: &Floor<'_>, at: i64) {
        if matches!(self.episode, Episode::Limit(_)) && !matches!(floor.market.phase(floor.index), Phase::Limit(_)) {
            // A break came between; the run goes on.
            self.walk = Walk::Limit;
            self.set(Alarm::Walk, at);
            return;
        }
        self.next_quote(at);
        if !self.always {
            self.next_trade(at);
        }
    }

    /// A call begins: what holds trading up without an end is over, and before the close everything is.
    pub(super) fn is_over_by_call(&mut self) -> bool {
        let closing = self.next_cue() == Cue::Close;
        let over = closing || self.at(Alarm::Until) == NEVER;
        match self.episode {
            // The one-sided book of a limit stays through calls and auctions.
            Episode::Limit(_) => true,
            _ if over => {
                self.rest();
                self.episode = Episode::None;
                self.set(Alarm::Until, NEVER);
                true
            }
            _ => false,
        }
    }
}
