//! One symbol: its book, its day, and the message that shows both.

mod call;
mod day;
mod show;
mod special;
mod views;

use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::encode::{Kind, Message, Time};

use super::book::Book;
use super::flow::{EVENTS, Flow};
use super::ladder::Rules;
use super::rng::Rng;
use super::{Phase, Print, Profile, Side, Step, Trade};
use crate::Stamp;
use call::Gathering;
use special::Queue;

/// Values of `CurrentPriceStatus`.
mod status {
    pub(super) const PREOPEN: i32 = -1;
    pub(super) const PRICE: i32 = 1;
    pub(super) const HALTED: i32 = 6;
    pub(super) const LIFTED: i32 = 7;
}

/// A large order goes this far, in 1/1,000 of the price.
const SWEEP: i64 = 3;

/// The state of one symbol. The message is kept up to date event by event, so that showing it costs nothing.
#[derive(Clone, Debug)]
pub(super) struct SymbolMarket {
    rng: Rng,
    flow: Flow,
    /// About how many events a day will have.
    events: i64,
    rules: Rules,
    phase: Phase,
    /// `None` where nothing but the message's own quotes can be shown: before the first order of a day, after a close at
    /// the limit, and for an index always.
    book: Option<Book>,
    /// What a call gathered at its touch; meaningful in [`Phase::Call`].
    gathering: Gathering,
    /// Who waits at a special quote or at the limit; meaningful in [`Phase::Special`] and [`Phase::Limit`].
    queue: Queue,
    /// The previous close, whatever the message still shows.
    close: Price,
    /// The day that was begun last, and the one begun before it.
    date: Option<Date>,
    day_before: Option<Date>,
    /// Cumulative volume, and the exact sum of price times quantity in 1/10,000 yen.
    volume: i64,
    value: i128,
    /// The newest second seen: time fields never step back.
    second: i64,
    message: Message,
}

impl SymbolMarket {
    pub(super) fn new(seed: u64, profile: &Profile) -> Self {
        let mut rng = Rng::new(seed, &profile.symbol.to_string());
        let rules = profile.rules();
        let close = profile.previous_close;
        Self {
            flow: Flow::new(profile, close, (rules.lowest, rules.highest), EVENTS, &mut rng),
            events: EVENTS,
            rng,
            rules,
            phase: Phase::Before,
            book: None,
            gathering: Gathering::NONE,
            queue: Queue::NONE,
            close,
            date: None,
            day_before: None,
            volume: 0,
            value: 0,
            second: i64::MIN,
            message: show::before_the_day(profile, close),
        }
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn limits(&self) -> (Price, Price) {
        (self.rules.lowest, self.rules.highest)
    }

    /// See [`super::Market::expect`].
    pub(super) fn expect(&mut self, events: i64) {
        self.events = events.max(1);
    }

    /// One event, see [`super::Market::step`].
    pub(super) fn step(&mut self, profile: &Profile, now: Stamp) -> Step {
        match self.phase {
            Phase::Before => self.trade_now(profile, now),
            Phase::Open => self.step_open(profile, now),
            Phase::Call => {
                self.call(profile, now);
                Step::default()
            }
            Phase::Special(side) => {
                let now = self.clock(profile, now);
                self.wait_special(side, now);
                Step::default()
            }
            Phase::Limit(side) => {
                let now = self.clock(profile, now);
                Step {
                    traded: self.at_limit(profile, side, now),
                }
            }
            Phase::Halted | Phase::Break | Phase::Closed => Step::default(),
        }
    }

    fn step_open(&mut self, profile: &Profile, now: Stamp) -> Step {
        let Some(book) = &mut self.book else {
            return self.trade_now(profile, now);
        };
        // A continued market has a book before its first trade; quotes alone would come without price and volume.
        if self.message.current_price.is_none() || self.flow.trades(&mut self.rng) {
            return self.trade_now(profile, now);
        }
        self.flow.advance(&mut self.rng);
        if self.flow.is_led() {
            catch_up(book, &self.flow, self.rules, &mut self.rng);
        }
        requote(book, &self.flow, &mut self.rng);
        let now = self.clock(profile, now);
        self.show_book(now);
        Step::default()
    }

    /// One event that trades, see [`super::Market::tick`].
    pub(super) fn trade_now(&mut self, profile: &Profile, now: Stamp) -> Step {
        if !matches!(self.phase, Phase::Before | Phase::Open) {
            return self.trade_anyhow(profile, now);
        }
        let now = self.clock(profile, now);
        self.flow.advance(&mut self.rng);
        self.phase = Phase::Open;
        if profile.kind == Kind::Index {
            self.index_price(profile, now);
            return Step::default();
        }
        let trade = match &mut self.book {
            Some(book) => {
                if self.flow.is_led() {
                    catch_up(book, &self.flow, self.rules, &mut self.rng);
                }
                execute(profile, book, &mut self.flow, &mut self.rng)
            }
            None => self.open(profile),
        };
        self.book_in(profile, trade, now);
        self.show_book(now);
        Step { traded: Some(trade) }
    }

    /// Outside continuous trading: at the limit a trade there, else an auction that (re)opens it.
    fn trade_anyhow(&mut self, profile: &Profile, now: Stamp) -> Step {
        if let Phase::Limit(side) = self.phase {
            let now = self.clock(profile, now);
            let trade = self.take_queue(profile, side);
            self.book_in(profile, trade, now);
            self.show_limit(side, now);
            return Step { traded: Some(trade) };
        }
        let step = self.auction(profile, now, Print::AfternoonOpen);
        self.open_book(profile, now);
        step
    }

    /// See [`super::Market::sweep`].
    pub(super) fn sweep(&mut self, profile: &Profile, now: Stamp, side: Option<Side>, each: &mut dyn FnMut(Trade)) {
        let book = match (&mut self.book, self.phase) {
            (Some(book), Phase::Open) if self.message.current_price.is_some() => book,
            _ => {
                if let Some(trade) = self.step(profile, now).traded {
                    each(trade);
                }
                return;
            }
        };
        self.flow.advance(&mut self.rng);
        if self.flow.is_led() {
            catch_up(book, &self.flow, self.rules, &mut self.rng);
        }
        let side = side.unwrap_or_else(|| self.flow.side(book, &mut self.rng));
        let levels = self.rng.heavy(7).min(reach(book, side));
        let now = self.clock(profile, now);
        for _ in 0..levels {
            self.sweep_level(profile, side, i64::MAX, now, each);
        }
        // The last level is hit, not emptied.
        let want = self.flow.size(profile, side, &mut self.rng) * self.rules.unit;
        self.sweep_level(profile, side, want, now, each);
        if let Some(book) = &mut self.book {
            book.keep_sane(side, &mut self.rng);
        }
        self.show_book(now);
    }

    /// One trade of a sweep: at most `want` from the other side's best level.
    fn sweep_level(
        &mut self,
        profile: &Profile,
        side: Side,
        want: i64,
        now: Option<Time>,
        each: &mut dyn FnMut(Trade),
    ) {
        let Some(book) = &mut self.book else {
            return;
        };
        let fill = book.take(side, want, &mut self.rng);
        let trade = Trade {
            price: fill.price,
            qty: Qty(fill.qty),
            side,
        };
        self.flow.nudge(fill.price);
        self.book_in(profile, trade, now);
        each(trade);
    }

    /// A trade reaches price, volume, value and the day's extremes.
    fn book_in(&mut self, profile: &Profile, trade: Trade, now: Option<Time>) {
        self.volume = self.volume.saturating_add(trade.qty.0);
        self.value += i128::from(trade.price.0) * i128::from(trade.qty.0);
        self.show_price(profile, trade.price, now);
        self.show_volume(profile, now);
    }
}

/// Brings a book to a fair price that somebody leads: step by step over a short way, else all orders are new ones.
fn catch_up(book: &mut Book, flow: &Flow, rules: Rules, rng: &mut Rng) {
    if flow.half_ticks(book).abs() > 40 {
        *book = Book::around(rules, flow.fair(), rng);
    }
    for _ in 0..24 {
        let off = flow.half_ticks(book);
        if off.abs() <= 4 {
            return;
        }
        if !book.shift(if off > 0 { Side::Buy } else { Side::Sell }, rng) {
            return;
        }
    }
}

/// Levels that a large order walks through at most, at least one: where a tick is a large part of the price, many orders
/// wait at each.
fn reach(book: &Book, side: Side) -> i64 {
    let best = book.ladder(side.other()).best().price;
    (best.0 * SWEEP / 1_000 / book.tick().0.max(1)).max(1)
}

/// A market order meets the book: one execution at the touch; what it wanted beyond that may rest there.
fn execute(profile: &Profile, book: &mut Book, flow: &mut Flow, rng: &mut Rng) -> Trade {
    let side = flow.side(book, rng);
    let want = flow.size(profile, side, rng) * profile.unit.max(1);
    let fill = book.take(side, want, rng);
    if fill.emptied && rng.chance(780) {
        let rest = want - fill.qty;
        book.post_best(side, fill.price, (rest > 0).then_some(rest), rng);
    }
    if book.spread() > 1 && rng.chance(500) {
        book.improve(side, None, rng);
    }
    book.keep_sane(side, rng);
    // Meanwhile others move as well, but nobody at the price that just traded: what it lost is what was traded.
    let elsewhere = if rng.chance(500) { Side::Buy } else { Side::Sell };
    let at = rng.heavy(12) as usize;
    book.resize(elsewhere, at, rng);
    if rng.chance(100) {
        book.rearrange(elsewhere, at, rng);
    }
    if rng.chance(300) {
        book.resize(side, 0, rng);
    }
    Trade {
        price: fill.price,
        qty: Qty(fill.qty),
        side,
    }
}

/// An event without a trade: a wide quote narrows, a side gives way to the fair price, or orders come and go.
fn requote(book: &mut Book, flow: &Flow, rng: &mut Rng) {
    if book.spread() > 1 && rng.chance(600) {
        let side = flow.side(book, rng);
        book.improve(side, None, rng);
        return;
    }
    if let Some(side) = flow.retreating(book)
        && rng.chance(250)
        && book.cancel_best(side, rng)
    {
        if rng.chance(800) {
            book.improve(side.other(), None, rng);
        }
        return;
    }
    let side = if rng.chance(500) { Side::Buy } else { Side::Sell };
    let at = rng.heavy(12) as usize;
    match rng.below(100) {
        0..12 => book.rearrange(side, at, rng),
        12..24 => book.drift(side, rng),
        24..26 => drop(book.cancel_best(side, rng)),
        _ => book.resize(side, at - 1, rng),
    }
}
