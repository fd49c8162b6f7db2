//! One side of a book, and the rules that its levels obey.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;

use super::Side;
use super::rng::Rng;
use super::ticksize::{self, Group};

/// Levels kept per side: the ten that are shown and a few behind them, so that the tenth has a history too.
pub(super) const KEPT: usize = 16;

/// What a book is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) group: Group,
    /// Lowest and highest price of the day, on the grid, at least one tick apart.
    pub(super) lowest: Price,
    pub(super) highest: Price,
    /// Trading unit.
    pub(super) unit: i64,
    /// Usual quantity of a level away from the touch, in units.
    pub(super) depth: i64,
}

/// One side, best level first.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    pub(super) side: Side,
    pub(super) levels: [Level; KEPT],
    pub(super) len: usize,
    /// Quantity behind the kept levels.
    pub(super) beyond: i64,
}

impl Ladder {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            levels: [Level::default(); KEPT],
            len: 0,
            beyond: 0,
        }
    }

    pub(super) fn best(&self) -> &Level {
        &self.levels[0]
    }

    /// The ten best; missing ones are empty levels.
    pub(super) fn top(&self) -> &[Level; 10] {
        self.levels.first_chunk().expect("more than ten levels are kept")
    }

    /// Quantity behind the tenth level.
    pub(super) fn over(&self) -> Qty {
        Qty(self.beyond + self.levels[10..].iter().map(|level| level.qty.0).sum::<i64>())
    }

    pub(super) fn push_best(&mut self, level: Level) {
        self.insert(0, level);
    }

    pub(super) fn insert(&mut self, at: usize, level: Level) {
        if self.len == KEPT {
            self.len -= 1;
            self.beyond += self.levels[self.len].qty.0;
        }
        self.levels.copy_within(at..self.len, at + 1);
        self.levels[at] = level;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.levels.copy_within(at + 1..self.len, at);
        self.len -= 1;
        self.levels[self.len] = Level::default();
    }
}

impl Rules {
    /// The next price in the direction in which a side's levels lie: sells go up, buys go down.
    pub(super) fn toward(&self, side: Side, price: Price) -> Price {
        match side {
            Side::Sell => ticksize::up(self.group, price),
            Side::Buy => ticksize::down(self.group, price),
        }
    }

    pub(super) fn allows(&self, price: Price) -> bool {
        (self.lowest..=self.highest).contains(&price)
    }

    /// Ticks between two prices, low first: exact within one band of the table, close across a border.
    pub(super) fn ticks(&self, low: Price, high: Price) -> i64 {
        if ticksize::up(self.group, low) >= high {
            return i64::from(low < high);
        }
        let step = ticksize::tick(self.group, high).0;
        ((high.0 - low.0 + step - 1) / step).max(2)
    }

    /// Usual quantity of the level in units: thin at the touch, thicker behind.
    pub(super) fn usual(&self, at: usize) -> i64 {
        let percent = match at {
            0 => 30,
            1 => 65,
            _ => 100 + 4 * at as i64,
        };
        (self.depth * percent / 100).max(1)
    }

    /// A fresh level with a heavy-tailed quantity.
    pub(super) fn level(&self, price: Price, at: usize, rng: &mut Rng) -> Level {
        let usual = self.usual(at);
        let units = usual / 3 + 1 + rng.below(usual) + usual * rng.heavy(20) / 12;
        Level {
            price,
            qty: Qty(units * self.unit),
        }
    }
}
