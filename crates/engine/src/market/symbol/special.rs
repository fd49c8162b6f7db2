//! When too many want the same: special quotes, and the day's limit.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::{Kind, Time, sign};

use super::super::book::Book;
use super::super::ladder::{Ladder, Rules};
use super::super::limits::renewal;
use super::super::rng::Rng;
use super::super::{Phase, Print, Profile, Side, Trade, ticksize};
use super::SymbolMarket;
use super::call::wander;
use super::show::{Quotes, show_quotes};
use crate::Stamp;

/// How many times a usual second level waits at a special quote and at the limit (267,000 shares in front of levels of
/// some thousand: kabusapi issue 771).
const AT_SPECIAL: i64 = 10;
const AT_LIMIT: i64 = 50;

/// Those who wait at a special quote or at the limit, in units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    pub(super) price: Price,
    /// On the side that is too many.
    long: i64,
    /// On the other side.
    short: i64,
    /// What the long side tends to.
    usual: i64,
}

impl Queue {
    pub(super) const NONE: Self = Self {
        price: Price(0),
        long: 4,
        short: 1,
        usual: 12,
    };

    /// A queue of so many second levels, more or less.
    fn at(price: Price, levels: i64, rules: &Rules, rng: &mut Rng) -> Self {
        let usual = (rules.usual(1) * levels).max(12);
        let long = usual * (70 + rng.below(40) + 10 * rng.heavy(10)) / 100;
        Self {
            price,
            long,
            short: (long / (3 + rng.below(8))).max(1),
            usual,
        }
    }

    /// Orders come and go; the long side stays the long one.
    pub(super) fn change(&mut self, rng: &mut Rng) {
        let usual = self.usual;
        if rng.chance(700) {
            self.long = wander(self.long, usual, rng);
        } else {
            self.short = wander(self.short, usual / 6 + 1, rng);
        }
        self.long = self.long.max(4);
        self.short = self.short.min(self.long / 2).max(1);
    }

    /// Market orders among the long and the short side.
    fn market(&self) -> (i64, i64) {
        ((self.long * 9 / 10).max(1), (self.short / 4).max(1))
    }
}

impl SymbolMarket {
    /// See [`super::super::Market::special`].
    pub(in super::super) fn special(&mut self, profile: &Profile, now: Stamp, side: Side) {
        if profile.kind == Kind::Index {
            return;
        }
        let now = self.clock(profile, now);
        if self.phase == Phase::Limit(side) {
            self.queue.change(&mut self.rng);
            return self.show_limit(side, now);
        }
        let from = match self.phase {
            Phase::Special(_) => self.queue.price,
            _ => self.message.current_price.unwrap_or(self.close),
        };
        let price = self.onward(profile, from, side, renewal(profile.kind, self.close));
        self.queue = Queue::at(price, AT_SPECIAL, &self.rules, &mut self.rng);
        self.book = Some(self.book_at(price, side));
        self.phase = Phase::Special(side);
        self.flow.jump(price);
        self.show_special(side, now);
    }

    /// A special quote between two renewals.
    pub(super) fn wait_special(&mut self, side: Side, now: Option<Time>) {
        self.queue.change(&mut self.rng);
        self.show_special(side, now);
    }

    /// The special quote found its counterpart.
    pub(super) fn cross_special(&mut self, side: Side) -> Trade {
        let price = self.queue.price;
        self.book = Some(self.book_at(price, side));
        Trade {
            price,
            qty: Qty(self.queue.long * self.rules.unit),
            side,
        }
    }

    /// See [`super::super::Market::limit`].
    pub(in super::super) fn limit(&mut self, profile: &Profile, now: Stamp, side: Side, each: &mut dyn FnMut(Trade)) {
        match self.phase {
            _ if profile.kind == Kind::Index => {}
            Phase::Halted | Phase::Break | Phase::Closed => {}
            Phase::Limit(at) if at == side => {
                let now = self.clock(profile, now);
                if let Some(trade) = self.at_limit(profile, side, now) {
                    each(trade);
                }
            }
            Phase::Open | Phase::Limit(_) if self.message.current_price.is_some() => {
                self.run(profile, now, side, each);
            }
            _ => {
                self.special(profile, now, side);
                if self.queue.price == self.bound(side) {
                    let now = self.clock(profile, now);
                    self.enter_limit(side, now);
                }
            }
        }
    }

    /// A stretch of the run: what stands in the way is bought (sold) up, further on the book has thinned out.
    fn run(&mut self, profile: &Profile, now: Stamp, side: Side, each: &mut dyn FnMut(Trade)) {
        let now = self.clock(profile, now);
        let from = self.message.current_price.unwrap_or(self.close);
        let stride = Price((self.bound(side).0 - self.close.0).abs() / 12);
        let target = self.onward(profile, from, side, stride);
        for _ in 0..6 {
            let Some(book) = &mut self.book else {
                break;
            };
            let best = *book.ladder(side.other()).best();
            if beyond(side, best.price, target) || best.price == target {
                break;
            }
            let fill = book.take(side, best.qty.0, &mut self.rng);
            let trade = Trade {
                price: fill.price,
                qty: Qty(fill.qty),
                side,
            };
            self.book_in(profile, trade, now);
            each(trade);
        }
        let mut book = self.book_at(target, side);
        let want = (profile.trade_units.max(1) * (1 + self.rng.heavy(20))) * self.rules.unit;
        let fill = book.take(side, want, &mut self.rng);
        book.keep_sane(side, &mut self.rng);
        self.book = Some(book);
        self.phase = Phase::Open;
        self.flow.jump(target);
        let trade = Trade {
            price: fill.price,
            qty: Qty(fill.qty),
            side,
        };
        self.book_in(profile, trade, now);
        each(trade);
        if trade.price == self.bound(side) {
            self.enter_limit(side, now);
        } else {
            self.show_book(now);
        }
    }

    fn enter_limit(&mut self, side: Side, now: Option<Time>) {
        let price = self.bound(side);
        self.queue = Queue::at(price, AT_LIMIT, &self.rules, &mut self.rng);
        self.book = Some(self.book_at(price, side));
        self.phase = Phase::Limit(side);
        self.flow.jump(price);
        self.show_limit(side, now);
    }

    /// An event at the limit: now and then somebody of the other side takes the price. Nobody trades before the first
    /// price of the day: until the close the orders only gather.
    pub(super) fn at_limit(&mut self, profile: &Profile, side: Side, now: Option<Time>) -> Option<Trade> {
        let trade =
            (self.message.current_price.is_some() && self.rng.chance(250)).then(|| self.take_queue(profile, side));
        match trade {
            Some(trade) => self.book_in(profile, trade, now),
            None => self.queue.change(&mut self.rng),
        }
        self.show_limit(side, now);
        trade
    }

    /// A small order against the queue.
    pub(super) fn take_queue(&mut self, profile: &Profile, side: Side) -> Trade {
        let units = (profile.trade_units.max(1) * self.rng.heavy(30))
            .min(self.queue.long / 4)
            .max(1);
        self.queue.long = (self.queue.long - units).max(4);
        Trade {
            price: self.queue.price,
            qty: Qty(units * self.rules.unit),
            side: side.other(),
        }
    }

    /// The close allots the few orders of the other side; every other auction finds a price only where there was one.
    pub(super) fn cross_limit(&mut self, side: Side, print: Print) -> Option<Trade> {
        let first = self.message.current_price.is_none();
        (!first || print == Print::Close).then(|| Trade {
            price: self.queue.price,
            qty: Qty(self.queue.short * self.rules.unit),
            side,
        })
    }

    /// See [`super::super::Market::off_limit`].
    pub(in super::super) fn off_limit(&mut self, profile: &Profile, now: Stamp, each: &mut dyn FnMut(Trade)) {
        let Phase::Limit(side) = self.phase else {
            return;
        };
        let now = self.clock(profile, now);
        let trade = Trade {
            price: self.queue.price,
            qty: Qty(self.queue.long * self.rules.unit),
            side: side.other(),
        };
        self.book_in(profile, trade, now);
        each(trade);
        self.book = Some(self.book_at(trade.price, side));
        let mut back = trade.price;
        for _ in 0..5 {
            // Away from the limit: the long side's levels lie that way.
            back = self.rules.toward(side, back);
        }
        self.flow.jump(back);
        self.phase = Phase::Open;
        self.show_book(now);
    }

    /// The limit on this side.
    pub(super) fn bound(&self, side: Side) -> Price {
        match side {
            Side::Buy => self.rules.highest,
            Side::Sell => self.rules.lowest,
        }
    }

    /// From a price towards a side by a stride, at least a tick, never beyond the limit.
    fn onward(&self, profile: &Profile, from: Price, side: Side, stride: Price) -> Price {
        let group = profile.group;
        let to = match side {
            Side::Buy => ticksize::floor(group, Price(from.0 + stride.0)).max(ticksize::up(group, from)),
            Side::Sell => ticksize::floor(group, Price((from.0 - stride.0).max(1))).min(ticksize::down(group, from)),
        };
        to.clamp(self.rules.lowest, self.rules.highest)
    }

    /// A book in which an active order of `side` trades at `price`.
    fn book_at(&mut self, price: Price, side: Side) -> Book {
        let best_buy = match side {
            Side::Buy => ticksize::down(self.rules.group, price),
            Side::Sell => price,
        };
        Book::around(self.rules, best_buy, &mut self.rng)
    }

    /// Both sides at one price, the long one with the special sign.
    fn show_special(&mut self, side: Side, now: Option<Time>) {
        let unit = self.rules.unit;
        let level = |units: i64| Level {
            price: self.queue.price,
            qty: Qty(units * unit),
        };
        let (long, short) = (level(self.queue.long), level(self.queue.short));
        let Some(book) = &self.book else {
            return;
        };
        let quotes = |at: Side| {
            let (first, sign) = if at == side {
                (long, sign::SPECIAL)
            } else {
                (short, sign::NORMAL)
            };
            Quotes::of(behind(first, book.ladder(at)), sign)
        };
        let (sells, buys) = (quotes(Side::Sell), quotes(Side::Buy));
        let beyond = (book.ladder(Side::Sell).over(), book.ladder(Side::Buy).over());
        show_quotes(&mut self.message, &sells, &buys, now);
        (self.message.over_sell_qty, self.message.under_buy_qty) = (Some(beyond.0), Some(beyond.1));
        self.show_market_orders(side, self.queue.market());
    }

    /// One-sided: the other side's levels are all 0.0, its best quote is the limit price with nothing behind it.
    pub(super) fn show_limit(&mut self, side: Side, now: Option<Time>) {
        let Some(book) = &self.book else {
            return;
        };
        let price = self.queue.price;
        let first = Level {
            price,
            qty: Qty(self.queue.long * self.rules.unit),
        };
        let full = Quotes::of(behind(first, book.ladder(side)), sign::SPECIAL);
        let over = book.ladder(side).over();
        let empty = Quotes {
            levels: [Level::default(); 10],
            best: Level { price, qty: Qty(0) },
            sign: sign::NORMAL,
            level_sign: None,
        };
        let message = &mut self.message;
        match side {
            Side::Buy => {
                show_quotes(message, &empty, &full, now);
                (message.over_sell_qty, message.under_buy_qty) = (Some(Qty(0)), Some(over));
            }
            Side::Sell => {
                show_quotes(message, &full, &empty, now);
                (message.over_sell_qty, message.under_buy_qty) = (Some(over), Some(Qty(0)));
            }
        }
        self.show_market_orders(side, (self.queue.market().0, 0));
    }

    fn show_market_orders(&mut self, side: Side, (long, short): (i64, i64)) {
        let qty = |units: i64| Some(Qty(units * self.rules.unit));
        let (sell, buy) = match side {
            Side::Buy => (short, long),
            Side::Sell => (long, short),
        };
        (self.message.market_order_sell_qty, self.message.market_order_buy_qty) = (qty(sell), qty(buy));
    }
}

/// A first level and those of the ladder that lie behind it.
fn behind(first: Level, ladder: &Ladder) -> [Level; 10] {
    let mut levels = [Level::default(); 10];
    let rest = ladder.levels[..ladder.len]
        .iter()
        .filter(|level| !beyond(ladder.side, level.price, first.price) && level.price != first.price);
    let chosen = std::iter::once(&first).chain(rest);
    for (place, level) in levels.iter_mut().zip(chosen) {
        *place = *level;
    }
    levels
}

/// True when `price` is dearer (for a buyer) or cheaper (for a seller) than `than`: a better quote of that side.
fn beyond(side: Side, price: Price, than: Price) -> bool {
    match side {
        Side::Buy => price > than,
        Side::Sell => price < than,
    }
}
