//! Auctions: orders gather, cross at one price, and a book is left.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::{Kind, Time, change, sign};

use super::super::book::Book;
use super::super::ladder::Rules;
use super::super::rng::Rng;
use super::super::{Phase, Print, Profile, Side, Step, Trade, ticksize};
use super::show::{Quotes, show_quotes};
use super::{SymbolMarket, catch_up, status};
use crate::Stamp;

/// What can be executed at the touch of an auction book, in units; each at least 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pile {
    limit: i64,
    market: i64,
}

/// Both piles of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering {
    sell: Pile,
    buy: Pile,
    locked: bool,
}

impl Pile {
    /// A call begins with a part of what it will gather.
    fn begin(rules: &Rules, rng: &mut Rng) -> Self {
        let part = |target: i64, rng: &mut Rng| (target * (30 + rng.below(50)) / 100).max(1);
        let [limit, market] = targets(rules).map(|target| part(target, rng));
        Self { limit, market }
    }

    pub(super) fn total(self) -> i64 {
        self.limit + self.market
    }

    fn change(&mut self, rules: &Rules, rng: &mut Rng) {
        let [limit, market] = targets(rules);
        if rng.chance(500) {
            self.limit = wander(self.limit, limit, rng);
        } else {
            self.market = wander(self.market, market, rng);
        }
    }
}

impl Gathering {
    /// Before any call: as small as it gets.
    pub(super) const NONE: Self = Self {
        sell: Pile { limit: 1, market: 1 },
        buy: Pile { limit: 1, market: 1 },
        locked: false,
    };
}

/// Usual units of limit and of market orders: together about six times the second level.
fn targets(rules: &Rules) -> [i64; 2] {
    let all = rules.usual(1) * 6;
    [(all * 6 / 10).max(6), (all * 4 / 10).max(4)]
}

/// Orders come or go; the quantity tends to `target` and stays positive.
pub(super) fn wander(units: i64, target: i64, rng: &mut Rng) -> i64 {
    let change = 1 + rng.heavy(40) * target / 60;
    if rng.below(units + target) < target {
        units + change
    } else {
        (units - change).max(1)
    }
}

impl SymbolMarket {
    /// See [`super::super::Market::call`].
    pub(in super::super) fn call(&mut self, profile: &Profile, now: Stamp) {
        if profile.kind == Kind::Index {
            return;
        }
        let now = self.clock(profile, now);
        if let Phase::Limit(side) = self.phase {
            self.queue.change(&mut self.rng);
            return self.show_limit(side, now);
        }
        self.gather();
        self.show_call(now);
    }

    /// See [`super::super::Market::lock`].
    pub(in super::super) fn lock(&mut self, profile: &Profile, now: Stamp) {
        if profile.kind == Kind::Index || matches!(self.phase, Phase::Limit(_)) {
            return;
        }
        let now = self.clock(profile, now);
        if self.phase != Phase::Call {
            self.gather();
        }
        self.gathering.locked = true;
        self.show_call(now);
    }

    /// Orders come and go around the fair price; the first time, a call begins.
    fn gather(&mut self) {
        let Self { rng, rules, .. } = self;
        self.flow.advance(rng);
        let fair = self.flow.fair();
        let book = self.book.get_or_insert_with(|| Book::around(*rules, fair, rng));
        if self.phase != Phase::Call {
            self.gathering = Gathering {
                sell: Pile::begin(rules, rng),
                buy: Pile::begin(rules, rng),
                locked: false,
            };
            self.phase = Phase::Call;
            self.message.current_price_status.get_or_insert(status::PREOPEN);
        }
        self.gathering.locked = false;
        let off = self.flow.half_ticks(book);
        if off.abs() > 40 || (self.flow.is_led() && off.abs() > 4) {
            *book = Book::around(*rules, fair, rng);
        } else if off.abs() > 2 && rng.chance(400) {
            book.shift(if off > 0 { Side::Buy } else { Side::Sell }, rng);
        }
        let side = if rng.chance(500) { Side::Buy } else { Side::Sell };
        let at = rng.heavy(12) as usize;
        match rng.below(100) {
            0..15 => book.resize(side, at, rng),
            15..25 => book.rearrange(side, at, rng),
            25..35 => book.drift(side, rng),
            _ => match side {
                Side::Sell => self.gathering.sell.change(rules, rng),
                Side::Buy => self.gathering.buy.change(rules, rng),
            },
        }
        book.close_up(side, rng);
        book.restock(rng);
    }

    fn show_call(&mut self, now: Option<Time>) {
        let Some(book) = &self.book else {
            return;
        };
        let (sell, buy) = (book.ladder(Side::Sell), book.ladder(Side::Buy));
        let (mut sells, mut buys) = (*sell.top(), *buy.top());
        let Gathering {
            sell: s,
            buy: b,
            locked,
        } = self.gathering;
        let unit = self.rules.unit;
        sells[0].qty = Qty(s.total() * unit);
        buys[0].qty = Qty(b.total() * unit);
        let mut market = (s.market, b.market);
        if locked {
            let both = Level {
                price: buys[0].price,
                qty: sells[0].qty.min(buys[0].qty),
            };
            (sells[0], buys[0]) = (both, both);
            let most = both.qty.0 / unit;
            market = (market.0.min(most), market.1.min(most));
        }
        let beyond = (sell.over(), buy.over());
        let message = &mut self.message;
        show_quotes(
            message,
            &Quotes::of(sells, sign::PREOPEN),
            &Quotes::of(buys, sign::PREOPEN),
            now,
        );
        (message.over_sell_qty, message.under_buy_qty) = (Some(beyond.0), Some(beyond.1));
        message.market_order_sell_qty = Some(Qty(market.0 * unit));
        message.market_order_buy_qty = Some(Qty(market.1 * unit));
    }

    /// See [`super::super::Market::auction`].
    pub(in super::super) fn auction(&mut self, profile: &Profile, now: Stamp, print: Print) -> Step {
        let now = self.clock(profile, now);
        if profile.kind == Kind::Index {
            self.flow.advance(&mut self.rng);
            self.index_price(profile, now);
            self.phase = after(print);
            return Step::default();
        }
        let traded = if print == Print::CloseContinuous {
            None
        } else {
            self.cross(profile, print)
        };
        let special = matches!(self.phase, Phase::Special(_) | Phase::Limit(_));
        if let Some(trade) = traded {
            self.book_in(profile, trade, now);
        }
        if self.message.current_price.is_some()
            && let Some(status) = told(print, special)
            && (traded.is_some() || print == Print::CloseContinuous)
        {
            self.message.current_price_change_status = Some(status);
            self.message.current_price_status = Some(status::PRICE);
        }
        self.leave(print);
        Step { traded }
    }

    /// The trade of an auction, and what it does to the book; `None` when no price can be found.
    fn cross(&mut self, profile: &Profile, print: Print) -> Option<Trade> {
        match self.phase {
            Phase::Call => Some(self.cross_call()),
            Phase::Special(side) => Some(self.cross_special(side)),
            Phase::Limit(side) => self.cross_limit(side, print),
            _ => Some(self.cross_book(profile)),
        }
    }

    fn cross_call(&mut self) -> Trade {
        let Gathering { sell, buy, locked } = self.gathering;
        let (sell, buy) = (sell.total(), buy.total());
        // What cannot be filled stays, and its side determines the price.
        let side = if sell > buy { Side::Sell } else { Side::Buy };
        let (mut price, unit) = (self.close, self.rules.unit);
        if let Some(book) = &mut self.book {
            price = book.ladder(side.other()).best().price;
            let rest = (sell - buy).abs().min(3 * self.rules.usual(1));
            if locked {
                price = book.ladder(Side::Buy).best().price;
            } else if rest > 0 && book.cancel_best(side.other(), &mut self.rng) {
                book.post_best(side, price, Some(rest * unit), &mut self.rng);
            }
        }
        Trade {
            price,
            qty: Qty(sell.min(buy) * unit),
            side,
        }
    }

    /// Without a call: around the fair price, or at the touch of the book that stands.
    fn cross_book(&mut self, profile: &Profile) -> Trade {
        let Self { rng, rules, .. } = self;
        let Some(book) = &mut self.book else {
            return self.open(profile);
        };
        if self.flow.is_led() {
            catch_up(book, &self.flow, *rules, rng);
        }
        let side = if rng.chance(500) { Side::Buy } else { Side::Sell };
        let units = profile.trade_units.max(1) * (5 + rng.below(15) + 2 * rng.heavy(40));
        Trade {
            price: book.ladder(side.other()).best().price,
            qty: Qty(units * rules.unit),
            side,
        }
    }

    /// The opening auction without a call: a book around the fair price, and one large trade at its touch that leaves
    /// it whole.
    pub(super) fn open(&mut self, profile: &Profile) -> Trade {
        let book = Book::around(self.rules, self.flow.fair(), &mut self.rng);
        let side = if self.rng.chance(500) { Side::Buy } else { Side::Sell };
        let units = profile.trade_units.max(1) * (60 + self.rng.below(60) + 5 * self.rng.heavy(60));
        let price = book.ladder(side.other()).best().price;
        self.book = Some(book);
        Trade {
            price,
            qty: Qty(units * self.rules.unit),
            side,
        }
    }

    /// The phase behind a print.
    fn leave(&mut self, print: Print) {
        let next = after(print);
        match self.phase {
            Phase::Limit(_) if next != Phase::Closed => {}
            Phase::Limit(_) => {
                // The one-sided book stands over the close: nothing else is to be shown.
                (self.phase, self.book) = (next, None);
            }
            _ => self.phase = next,
        }
    }

    /// See [`super::super::Market::open_book`].
    pub(in super::super) fn open_book(&mut self, profile: &Profile, now: Stamp) {
        let now = self.clock(profile, now);
        match self.phase {
            Phase::Open | Phase::Break | Phase::Closed => self.show_book(now),
            Phase::Limit(side) => self.show_limit(side, now),
            Phase::Before | Phase::Call | Phase::Special(_) | Phase::Halted => {}
        }
    }

    /// An index has a price only.
    pub(super) fn index_price(&mut self, profile: &Profile, now: Option<Time>) {
        let price: Price = ticksize::floor(profile.group, self.flow.fair());
        self.show_price(profile, price, now);
    }
}

fn after(print: Print) -> Phase {
    match print {
        Print::Open | Print::AfternoonOpen | Print::Resume => Phase::Open,
        Print::MorningClose => Phase::Break,
        Print::Close | Print::CloseContinuous => Phase::Closed,
    }
}

/// `CurrentPriceChangeStatus` where it is not up, down or same.
fn told(print: Print, special: bool) -> Option<&'static str> {
    match print {
        Print::Open | Print::MorningClose | Print::AfternoonOpen => None,
        Print::Resume => Some(change::AFTER_HALT),
        Print::Close if special => Some(change::CLOSE_SPECIAL),
        Print::Close => Some(change::CLOSE_AUCTION),
        Print::CloseContinuous => Some(change::CLOSE_CONTINUOUS),
    }
}
