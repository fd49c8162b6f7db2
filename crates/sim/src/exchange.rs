//! A day at the exchange: when what happens, what of it reaches PUSH, and the truth behind it.
//!
//! The market (`ayumi_engine::market`) says what a symbol looks like in every state; here is the clock that leads it
//! through the session script, the dice that decide when orders come, the thinning between the truth and the messages,
//! and the actions that disturb all that. Pure: no wall clock, no files, integers only; every symbol has its own dice, so
//! that one symbol more or less changes no byte of the others.

mod action;
mod desk;
mod dice;
mod order;
mod pace;
mod prints;
mod timetable;

use std::collections::BTreeMap;

use ayumi_engine::market::{Market, Profile};
use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Kind;

pub use self::action::{MarketAction, MarketEvent, Side};
use self::desk::{Desk, Floor, Manner};
pub(crate) use self::dice::Dice;
use self::order::Order;
pub(crate) use self::prints::Print;
#[cfg(test)]
pub(crate) use self::prints::PrintKind;
use self::prints::Prints;
use self::timetable::{Days, Product};
use crate::config::Hours;

/// Messages leave the station one after the other, this far apart when many are due (kabusapi issue 285), ns.
const LINE_GAP: i64 = 350_000;

/// What an exchange is opened with.
pub(crate) struct Setup<'a> {
    pub seed: u64,
    pub symbols: &'a [Symbol],
    /// Messages per second at calm, all symbols together; above 0.
    pub per_second: f64,
    pub hours: Hours,
    pub start: Stamp,
    pub paths: BTreeMap<Symbol, Path>,
}

/// One day of prices to follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path {
    /// The last price of the day before.
    pub previous_close: Price,
    /// (second of the day, price), times rising.
    pub points: Vec<(u32, Price)>,
}

/// A message that goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub at: Stamp,
    /// Position in [`Exchange::symbols`].
    pub index: usize,
    /// `TradingVolume`.
    pub volume: Option<i64>,
}

/// The exchange.
pub(crate) struct Exchange {
    market: Market,
    /// One per symbol, in the market's order.
    desks: Vec<Desk>,
    order: Order,
    prints: Prints,
    /// The last message left then.
    line: i64,
    line_gap: i64,
}

impl Exchange {
    /// An exchange at the beginning of the day of `start`; [`Exchange::pass_to`] leads it to the time itself.
    pub(crate) fn open(setup: &Setup<'_>) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        let mut profiles = Vec::with_capacity(setup.symbols.len());
        for symbol in setup.symbols.iter().filter(|s| seen.insert(*s)) {
            let mut profile = Profile::of(symbol, setup.seed);
            if let Some(path) = setup.paths.get(symbol) {
                profile.previous_close = path.previous_close;
            }
            profiles.push(profile);
        }
        // Thousandths of a message per second and symbol.
        let mean = (setup.per_second * 1_000.0 / profiles.len().max(1) as f64)
            .round()
            .max(1.0) as i64;
        let mut market = Market::new(setup.seed, profiles);
        let always = setup.hours == Hours::Always;
        let days = Days::new(setup.start.date());
        let desks: Vec<Desk> = (0..market.profiles().len())
            .map(|index| {
                let profile = &market.profiles()[index];
                let manner = Manner {
                    product: product_of(profile),
                    always: always.then_some(setup.start),
                    mean,
                    days,
                    seed: setup.seed,
                };
                let path = setup.paths.get(&profile.symbol);
                Desk::new(&manner, profile, market.message(index), path)
            })
            .collect();
        for (index, desk) in desks.iter().enumerate() {
            if let Some(events) = desk.events_of_a_day() {
                market.expect(index, events);
            }
        }
        Self {
            order: Order::new(desks.iter().map(Desk::next)),
            market,
            desks,
            prints: Prints::default(),
            line: i64::MIN,
            line_gap: if always {
                0
            } else {
                LINE_GAP.min((5e7 / setup.per_second) as i64)
            },
        }
    }

    /// What is traded.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.market.profiles().iter().map(|profile| &profile.symbol)
    }

    /// The state of a symbol as it was last sent, or would have been before the first message.
    pub(crate) fn show(&self, index: usize, out: &mut Vec<u8>) {
        self.desks[index].shown().write(out);
    }

    /// The day's lowest and highest price of a symbol.
    pub(crate) fn limits(&self, index: usize) -> (Price, Price) {
        self.market.limits(index)
    }

    /// Lives through everything before `to` without a message.
    pub(crate) fn pass_to(&mut self, to: Stamp) {
        while let Some((at, index)) = self.settled(to.0)
            && at < to.0
        {
            self.send(at, index, None);
        }
    }

    /// When the next message leaves; `None` = never. Settles what happens before it, but goes no further than the next
    /// line of the script of a symbol that rests: an action may come before it.
    pub(crate) fn peek(&mut self) -> Option<Stamp> {
        let (at, _) = self.settled(i64::MAX)?;
        Some(Stamp(at.max(self.line.saturating_add(self.line_gap))))
    }

    /// The next message; its text is appended to `out`. `None` also where a line of the script brings no message after
    /// all, because an action has silenced it: then there is a later one.
    pub(crate) fn take(&mut self, out: &mut Vec<u8>) -> Option<Sent> {
        let at = self.peek()?;
        let (due, index) = self.order.top()?;
        let volume = self.send(due, index, Some(out))?;
        self.line = at.0;
        Some(Sent { at, index, volume })
    }

    /// The next trade that was made until then, in the order of time.
    pub(crate) fn print(&mut self, until: Stamp) -> Option<Print> {
        self.prints.pop(until)
    }

    /// Lets something happen at `now`.
    pub(crate) fn act(&mut self, action: &MarketAction, now: Stamp) {
        for (index, desk) in self.desks.iter_mut().enumerate() {
            let hit = match &action.symbol {
                Some(symbol) => *symbol == self.market.profiles()[index].symbol,
                None => true,
            };
            if hit {
                let mut floor = floor(&mut self.market, &mut self.prints, index);
                desk.act(&mut floor, action.event, now.0, action.until.map(|until| until.0));
            }
        }
        self.order = Order::new(self.desks.iter().map(Desk::next));
    }

    /// The market at any hour begins now instead of at its start.
    pub(crate) fn begin(&mut self, now: Stamp) {
        for desk in &mut self.desks {
            desk.begin(now.0);
        }
        self.order = Order::new(self.desks.iter().map(Desk::next));
    }

    /// Lets everything happen that comes before `limit` and before the next message; its due time and symbol, or those
    /// of the first thing that comes later.
    fn settled(&mut self, limit: i64) -> Option<(i64, usize)> {
        loop {
            let (at, index) = self.order.top().filter(|(at, _)| *at < i64::MAX)?;
            let desk = &mut self.desks[index];
            if at >= limit || desk.sends_next() {
                return Some((at, index));
            }
            desk.happen(&mut floor(&mut self.market, &mut self.prints, index), at);
            self.order.retime_top(desk.next());
        }
    }

    /// What the symbol on top of the order has to say; its volume. `None` when it turns out to be nothing.
    fn send(&mut self, due: i64, index: usize, out: Option<&mut Vec<u8>>) -> Option<Option<i64>> {
        let mut floor = floor(&mut self.market, &mut self.prints, index);
        let volume = self.desks[index].deliver(&mut floor, due, out);
        self.order.retime_top(self.desks[index].next());
        volume
    }
}

fn floor<'a>(market: &'a mut Market, prints: &'a mut Prints, index: usize) -> Floor<'a> {
    Floor { market, prints, index }
}

fn product_of(profile: &Profile) -> Product {
    match (profile.kind, profile.symbol.exchange) {
        (Kind::Index, _) => Product::Index,
        (_, 2) => Product::Whole,
        (_, 23) => Product::Day,
        (_, 24) => Product::Night,
        _ => Product::Equity,
    }
}

#[cfg(test)]
mod tests;
