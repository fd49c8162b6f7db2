//! What happens to a symbol around its trading: the morning, halts, the evening, and a price that others lead.

use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::encode::{Kind, Time, sign};

use super::super::book::Book;
use super::super::flow::Flow;
use super::super::{Phase, Profile, ticksize};
use super::show::{before_the_day, market_value};
use super::{SymbolMarket, status};
use crate::{Stamp, calendar};

/// Prices that others give are believed up to here, 1,000 million yen: nothing is dearer, and no sum overflows.
const DEAREST: Price = Price::from_yen(1_000_000_000);

impl SymbolMarket {
    /// See [`super::super::Market::new_day`].
    pub(in super::super) fn new_day(&mut self, profile: &Profile, date: Date, close: Option<Price>) {
        let stale = match self.message.current_price {
            Some(_) => self.close,
            // Of the day before the first one nothing is known but that it was another one.
            None => ticksize::floor(profile.group, Price(self.close.0 + self.rng.bell(self.close.0 / 100))),
        };
        let close = close.or(self.message.current_price).unwrap_or(self.close);
        let smallest = ticksize::up(profile.group, Price(0));
        self.close = ticksize::floor(profile.group, close.clamp(Price(0), DEAREST)).max(smallest);
        self.rules = profile.rules_after(self.close);
        self.flow = Flow::new(
            profile,
            self.close,
            (self.rules.lowest, self.rules.highest),
            self.events,
            &mut self.rng,
        );
        self.day_before = self.date.filter(|day| *day < date);
        self.date = Some(date);
        (self.book, self.phase) = (None, Phase::Before);
        (self.volume, self.value) = (0, 0);
        self.message = before_the_day(profile, stale);
    }

    /// See [`super::super::Market::refresh_close`].
    pub(in super::super) fn refresh_close(&mut self) {
        self.message.previous_close = Some(self.close);
        self.message.clearing_price = self.message.clearing_price.map(|_| self.close);
        if self.message.current_price.is_none() {
            self.message.calc_price = Some(self.close);
        }
    }

    /// See [`super::super::Market::announce`].
    pub(in super::super) fn announce(&mut self, profile: &Profile, now: Stamp) {
        let today = self.date.unwrap_or_else(|| now.date());
        let before = self.day_before.unwrap_or_else(|| trading_day_before(today));
        self.refresh_close();
        self.message.previous_close_time = Some(Time(before.midnight_s()));
        if self.message.current_price.is_none() {
            self.message.total_market_value = market_value(profile, self.close);
        }
    }

    /// See [`super::super::Market::ready`].
    pub(in super::super) fn ready(&mut self, profile: &Profile) {
        if profile.kind != Kind::Index && self.message.current_price_status.is_none() {
            self.message.current_price_status = Some(status::PREOPEN);
        }
    }

    /// See [`super::super::Market::halt`].
    pub(in super::super) fn halt(&mut self, profile: &Profile, now: Stamp) {
        if profile.kind == Kind::Index {
            return;
        }
        self.clock(profile, now);
        self.phase = Phase::Halted;
        self.message.current_price_status = Some(status::HALTED);
        self.sign_quotes(sign::SPECIAL_BEFORE_HALT);
    }

    /// See [`super::super::Market::lift`].
    pub(in super::super) fn lift(&mut self, profile: &Profile, now: Stamp) {
        if self.phase == Phase::Halted {
            self.clock(profile, now);
            self.message.current_price_status = Some(status::LIFTED);
        }
    }

    /// See [`super::super::Market::after_close`].
    pub(in super::super) fn after_close(&mut self, profile: &Profile, now: Stamp) {
        self.clock(profile, now);
        self.phase = Phase::Closed;
        self.sign_quotes(sign::AFTER_CLOSE);
    }

    /// See [`super::super::Market::follow`].
    pub(in super::super) fn follow(&mut self, profile: &Profile, price: Price) {
        let price = ticksize::floor(profile.group, price.clamp(Price(0), DEAREST));
        if price.0 <= 0 {
            return;
        }
        if !self.rules.allows(price) {
            self.fit(profile, price, price);
        }
        self.flow.follow(price);
    }

    /// See [`super::super::Market::fit`].
    pub(in super::super) fn fit(&mut self, profile: &Profile, low: Price, high: Price) {
        // Room for the ten levels behind the outermost price and some more.
        let (low, high) = (low.0.max(0) / 20 * 19, high.0.clamp(0, DEAREST.0) / 20 * 21);
        let lowest = ticksize::up(profile.group, Price(low.max(1) - 1));
        let highest = ticksize::floor(profile.group, Price(high));
        self.rules.lowest = self.rules.lowest.min(lowest);
        self.rules.highest = self.rules.highest.max(highest);
        if let Some(book) = &mut self.book {
            book.widen(self.rules);
        }
        self.leave_limit();
    }

    /// See [`super::super::Market::go_on_from`].
    pub(in super::super) fn go_on_from(&mut self, profile: &Profile, volume: Qty) {
        self.volume = volume.0.max(0);
        self.value = i128::from(self.volume) * i128::from(self.close.0);
        // The opening auction is over: its print would look like a large gap behind the volume that was shown before.
        if self.volume > 0 && profile.kind != Kind::Index {
            self.book = Some(Book::around(self.rules, self.close, &mut self.rng));
            self.phase = Phase::Open;
        }
    }

    /// The second to show; and whatever happens, the previous trading day is known then.
    pub(super) fn clock(&mut self, profile: &Profile, now: Stamp) -> Option<Time> {
        self.second = self.second.max(now.s());
        if self.message.previous_close_time.is_none() {
            self.announce(profile, now);
        }
        Some(Time(self.second))
    }

    /// A limit that moved away binds no more; before the first price the queue becomes a special quote again.
    fn leave_limit(&mut self) {
        if let Phase::Limit(side) = self.phase
            && self.queue.price != self.bound(side)
        {
            self.phase = match self.message.current_price {
                Some(_) => Phase::Open,
                None => Phase::Special(side),
            };
        }
    }

    /// Every side that has a quote gets this sign.
    fn sign_quotes(&mut self, sign: &'static str) {
        let message = &mut self.message;
        if message.bid_price.is_some_and(|price| price.0 > 0) {
            message.bid_sign = Some(sign);
            message.sell1_sign = message.sell1_sign.map(|_| sign);
        }
        if message.ask_price.is_some_and(|price| price.0 > 0) {
            message.ask_sign = Some(sign);
            message.buy1_sign = message.buy1_sign.map(|_| sign);
        }
    }
}

fn trading_day_before(date: Date) -> Date {
    (1..30)
        .map(|back| Date::from_days(date.days() - back))
        .find(|day| calendar::is_trading_day(*day))
        .unwrap_or(date)
}
