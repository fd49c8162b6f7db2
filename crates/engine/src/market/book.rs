//! A limit order book of price levels: trades hit its best level, orders come and go on all of them.
//!
//! It keeps three promises whatever is asked of it: both sides have at least one level, the best buy is below the best
//! sell, and every level has a price on the grid within the day's limits and a quantity of whole trading units.

use ayumi_wire::num::{Price, Qty};

use super::Side;
use super::ladder::{KEPT, Ladder, Rules};
use super::rng::Rng;
use super::ticksize;

/// Fewer levels than this and new ones appear at the far end.
const REFILL: usize = 13;
/// A level may stand this many ticks from its neighbour, not more.
const MAX_GAP: i64 = 3;
/// A quote is never wider than this many ticks.
const MAX_SPREAD: i64 = 4;

/// What a market order got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub(super) price: Price,
    pub(super) qty: i64,
    /// The level is gone.
    pub(super) emptied: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Book {
    rules: Rules,
    sell: Ladder,
    buy: Ladder,
}

impl Book {
    /// A book whose best buy is the price (moved into the limits) and whose best sell is one tick above.
    pub(super) fn around(rules: Rules, best_buy: Price, rng: &mut Rng) -> Self {
        let highest_buy = ticksize::down(rules.group, rules.highest);
        let buy = ticksize::floor(rules.group, best_buy.clamp(rules.lowest, highest_buy));
        let mut book = Self {
            rules,
            sell: Ladder::new(Side::Sell),
            buy: Ladder::new(Side::Buy),
        };
        book.sell
            .push_best(book.rules.level(ticksize::up(rules.group, buy), 0, rng));
        book.buy.push_best(book.rules.level(buy, 0, rng));
        book.refill(rng);
        let beyond = 150 * rules.depth * rules.unit;
        book.sell.beyond += beyond + rng.below(150) * rules.depth * rules.unit;
        book.buy.beyond += beyond + rng.below(150) * rules.depth * rules.unit;
        book
    }

    pub(super) fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Sell => &self.sell,
            Side::Buy => &self.buy,
        }
    }

    /// Twice the middle of the quote.
    pub(super) fn middle_twice(&self) -> i64 {
        self.sell.best().price.0 + self.buy.best().price.0
    }

    /// The tick below the best sell.
    pub(super) fn tick(&self) -> Price {
        ticksize::tick(self.rules.group, self.sell.best().price)
    }

    /// The spread in ticks.
    pub(super) fn spread(&self) -> i64 {
        self.rules.ticks(self.buy.best().price, self.sell.best().price)
    }

    /// A market order by `active`: takes up to `want` from the other side's best level, never from the next.
    pub(super) fn take(&mut self, active: Side, want: i64, rng: &mut Rng) -> Fill {
        let rules = self.rules;
        let ladder = self.ladder_mut(active.other());
        let best = *ladder.best();
        let emptied = want >= best.qty.0;
        let qty = want.min(best.qty.0);
        if emptied && ladder.len == 1 {
            // The last price within the limits: somebody always offers there.
            ladder.levels[0] = rules.level(best.price, 0, rng);
        } else if emptied {
            ladder.remove(0);
        } else {
            ladder.levels[0].qty.0 -= qty;
        }
        self.refill(rng);
        Fill {
            price: best.price,
            qty,
            emptied,
        }
    }

    /// A new best level one tick inside the spread, if there is room. `qty` in shares, or a usual one.
    pub(super) fn improve(&mut self, side: Side, qty: Option<i64>, rng: &mut Rng) -> bool {
        let price = self.rules.toward(side.other(), self.ladder(side).best().price);
        self.post_best(side, price, qty, rng)
    }

    /// A new best level at a price; refused unless it is better than the best, below (above) the other side, and not
    /// too far from the level that it leaves behind.
    pub(super) fn post_best(&mut self, side: Side, price: Price, qty: Option<i64>, rng: &mut Rng) -> bool {
        let rules = self.rules;
        let (own, other) = (self.ladder(side).best().price, self.ladder(side.other()).best().price);
        let inside = match side {
            Side::Buy => own < price && price < other,
            Side::Sell => other < price && price < own,
        };
        if !inside || rules.ticks(own.min(price), own.max(price)) > MAX_GAP {
            return false;
        }
        let mut level = rules.level(price, 0, rng);
        level.qty.0 = qty.unwrap_or(level.qty.0);
        self.ladder_mut(side).push_best(level);
        true
    }

    /// Narrows a quote that became absurdly wide.
    pub(super) fn keep_sane(&mut self, side: Side, rng: &mut Rng) {
        while self.spread() > MAX_SPREAD {
            self.improve(side, None, rng);
        }
    }

    /// Narrows the quote to one tick: a side gets new best levels.
    pub(super) fn close_up(&mut self, side: Side, rng: &mut Rng) {
        while self.spread() > 1 && self.improve(side, None, rng) {}
    }

    /// The whole quote moves one level up (buyers come: [`Side::Buy`]) or down, one tick wide. False at the limit.
    pub(super) fn shift(&mut self, side: Side, rng: &mut Rng) -> bool {
        self.close_up(side, rng);
        let moved = self.cancel_best(side.other(), rng);
        self.close_up(side, rng);
        moved
    }

    /// Second levels that are thin for their place (a moment ago they were the touch) get a usual quantity.
    pub(super) fn restock(&mut self, rng: &mut Rng) {
        let rules = self.rules;
        let thin = rules.usual(1) * rules.unit / 2;
        for ladder in [&mut self.sell, &mut self.buy] {
            if ladder.len > 1 && ladder.levels[1].qty.0 < thin {
                ladder.levels[1] = rules.level(ladder.levels[1].price, 1, rng);
            }
        }
    }

    /// Wider limits from now on.
    pub(super) fn widen(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Everybody leaves the best level; refused when the quote would become too wide.
    pub(super) fn cancel_best(&mut self, side: Side, rng: &mut Rng) -> bool {
        let (ladder, rules) = (self.ladder(side), self.rules);
        if ladder.len < 2 {
            return false;
        }
        let (next, other) = (ladder.levels[1].price, self.ladder(side.other()).best().price);
        if rules.ticks(next.min(other), next.max(other)) > MAX_SPREAD {
            return false;
        }
        self.ladder_mut(side).remove(0);
        self.refill(rng);
        true
    }

    /// Orders come to a level or leave it; the quantity tends to what is usual there and never reaches zero.
    pub(super) fn resize(&mut self, side: Side, at: usize, rng: &mut Rng) {
        let rules = self.rules;
        let ladder = self.ladder_mut(side);
        let Some(level) = ladder.levels[..ladder.len].get_mut(at) else {
            return;
        };
        let units = level.qty.0 / rules.unit;
        let usual = rules.usual(at);
        let change = 1 + rng.heavy(40) * usual / 30;
        let units = if rng.below(units + usual) < usual {
            units + change
        } else {
            (units - change).max(1)
        };
        level.qty = Qty(units * rules.unit);
    }

    /// Behind the touch a whole level comes or goes, which leaves or closes a gap.
    pub(super) fn rearrange(&mut self, side: Side, at: usize, rng: &mut Rng) {
        let rules = self.rules;
        let ladder = self.ladder_mut(side);
        let at = at.max(1);
        if at + 1 >= ladder.len {
            return;
        }
        let [before, here, after] = [at - 1, at, at + 1].map(|i| ladder.levels[i].price);
        let next = rules.toward(side, before);
        if next != here {
            let level = rules.level(next, at, rng);
            ladder.insert(at, level);
        } else if rules.ticks(before.min(after), before.max(after)) <= MAX_GAP && rng.chance(60) {
            ladder.remove(at);
            self.refill(rng);
        }
    }

    /// Quantity far away comes and goes.
    pub(super) fn drift(&mut self, side: Side, rng: &mut Rng) {
        let rules = self.rules;
        let ladder = self.ladder_mut(side);
        let units = ladder.beyond / rules.unit;
        let usual = 200 * rules.depth;
        let change = rng.heavy(60);
        let units = if rng.below(units + usual) < usual {
            units + change
        } else {
            units - change
        };
        // Nothing can stand behind the limit.
        let room = ladder.len == KEPT || rules.allows(rules.toward(side, ladder.levels[ladder.len - 1].price));
        ladder.beyond = if room { units.max(0) * rules.unit } else { 0 };
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Sell => &mut self.sell,
            Side::Buy => &mut self.buy,
        }
    }

    /// New levels at the far ends, out of the quantity behind them.
    fn refill(&mut self, rng: &mut Rng) {
        let rules = self.rules;
        for ladder in [&mut self.sell, &mut self.buy] {
            while ladder.len < REFILL {
                let mut price = rules.toward(ladder.side, ladder.levels[ladder.len - 1].price);
                if rng.chance(60) && rules.allows(rules.toward(ladder.side, price)) {
                    price = rules.toward(ladder.side, price);
                }
                if !rules.allows(price) {
                    break;
                }
                let level = rules.level(price, ladder.len, rng);
                ladder.beyond = (ladder.beyond - level.qty.0).max(0);
                ladder.levels[ladder.len] = level;
                ladder.len += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ayumi_wire::push::Level;

    use super::*;
    use crate::market::ticksize::Group;

    fn rules(lowest: i64, highest: i64) -> Rules {
        Rules {
            group: Group::Topix500,
            lowest: Price::from_yen(lowest),
            highest: Price::from_yen(highest),
            unit: 100,
            depth: 40,
        }
    }

    fn check(book: &Book) {
        assert!(book.buy.best().price < book.sell.best().price);
        for ladder in [&book.sell, &book.buy] {
            assert!(ladder.len > 0 && ladder.beyond >= 0);
            let levels = &ladder.levels[..ladder.len];
            assert!(
                levels
                    .iter()
                    .all(|l| book.rules.allows(l.price) && l.qty.0 > 0 && l.qty.0 % 100 == 0)
            );
            assert!(levels.iter().all(|l| ticksize::is_valid(book.rules.group, l.price)));
            let ordered = |pair: &[Level]| (pair[0].price < pair[1].price) == (ladder.side == Side::Sell);
            assert!(levels.windows(2).all(ordered), "{levels:?}");
            assert!(ladder.levels[ladder.len..].iter().all(|l| *l == Level::default()));
        }
    }

    /// A book squeezed between its limits keeps its promises under any sequence of events.
    #[test]
    fn random_events_at_the_limits() {
        for (lowest, highest) in [(2_990, 3_010), (2_999, 3_000), (995, 1_005), (2_000, 3_500)] {
            let mut rng = Rng::new(9, "book");
            let mut book = Book::around(rules(lowest, highest), Price::from_yen(5_000), &mut rng);
            for _ in 0..20_000 {
                let side = if rng.chance(500) { Side::Buy } else { Side::Sell };
                let at = rng.below(14) as usize;
                match rng.below(7) {
                    0 => {
                        let before = *book.ladder(side.other()).best();
                        let fill = book.take(side, rng.heavy(80) * 100, &mut rng);
                        assert_eq!(fill.price, before.price);
                        assert!(fill.qty > 0 && fill.qty <= before.qty.0);
                    }
                    1 => drop(book.improve(side, None, &mut rng)),
                    2 => drop(book.cancel_best(side, &mut rng)),
                    3 => book.resize(side, at, &mut rng),
                    4 => book.rearrange(side, at, &mut rng),
                    5 => book.drift(side, &mut rng),
                    _ => drop(book.post_best(side, Price::from_yen(2_999), Some(300), &mut rng)),
                }
                book.keep_sane(side, &mut rng);
                check(&book);
                assert!(book.spread() <= MAX_SPREAD);
            }
        }
    }
}
