//! What people want: the fair price, who comes next, how much they trade.
//!
//! The fair price is a random walk on a rubber band around the opening: wild enough to look alive, bound enough never
//! to reach the day's limits. Orders lean toward it, so that the quotes follow it some ticks behind.

use ayumi_wire::num::Price;

use super::book::Book;
use super::rng::Rng;
use super::{Profile, Side};

/// The fair price carries 16 bits behind its 1/10,000 yen: one event moves it by far less than a tick.
const FINE: i64 = 1 << 16;
/// Each event pulls the fair price back by 2^-18 of its distance. With [`STEP`] its distance from the opening settles
/// at a standard deviation of 1.6 % (for the usual volatility), and an hour of 20 events a second moves it by 1.1 %.
const PULL: u32 = 18;
/// Standard deviation of one event, in 1/1,000,000 of the price.
const STEP: i64 = 44;

/// The wishes behind one symbol's orders.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    fair: i64,
    center: i64,
    lowest: i64,
    highest: i64,
    step: i64,
    /// Excitement by recent trades, in per mille of trade probability; decays by 1/16 per event.
    heat: i64,
    last: Side,
    /// Somebody else sets the fair price.
    led: bool,
}

impl Flow {
    /// Opens with a gap to the previous close. The fair price stays within two thirds of the way to either limit.
    pub(super) fn new(profile: &Profile, close: Price, (lowest, highest): (Price, Price), rng: &mut Rng) -> Self {
        let close = close.0;
        let volatility = profile.volatility.clamp(1, 5_000);
        // 0.4 % of the price is a usual gap between two days.
        let gap = rng.bell((close / 250).saturating_mul(volatility) / 1_000);
        let bound = |limit: Price| close + (limit.0 - close) / 3 * 2;
        let (lowest, highest) = (bound(lowest), bound(highest));
        let center = (close + gap).clamp(lowest, highest) * FINE;
        Self {
            fair: center,
            center,
            lowest: lowest * FINE,
            highest: highest * FINE,
            step: ((close * STEP / 1_000).saturating_mul(FINE) / 1_000 * volatility / 1_000).max(1),
            heat: 0,
            last: if rng.chance(500) { Side::Buy } else { Side::Sell },
            led: false,
        }
    }

    /// One event passes.
    pub(super) fn advance(&mut self, rng: &mut Rng) {
        if !self.led {
            let pull = (self.fair - self.center) >> PULL;
            self.fair = (self.fair + rng.bell(self.step) - pull).clamp(self.lowest, self.highest);
        }
        self.heat -= self.heat / 16;
    }

    /// From now on the fair price is what it is told to be.
    pub(super) fn follow(&mut self, price: Price) {
        self.led = true;
        self.fair = price.0 * FINE;
    }

    /// True when the fair price is told.
    pub(super) fn is_led(&self) -> bool {
        self.led
    }

    /// News: the price is fair where it was driven to, and the walk goes on around it.
    pub(super) fn jump(&mut self, price: Price) {
        if self.led {
            return;
        }
        self.fair = price.0 * FINE;
        self.center = self.fair;
        self.lowest = self.lowest.min(self.fair);
        self.highest = self.highest.max(self.fair);
    }

    /// A large order makes people think again: the fair price goes half the way to where it traded.
    pub(super) fn nudge(&mut self, price: Price) {
        if !self.led {
            let half = (price.0 * FINE - self.fair) / 2;
            self.fair = (self.fair + half).clamp(self.lowest, self.highest);
        }
    }

    /// The fair price.
    pub(super) fn fair(&self) -> Price {
        Price(self.fair / FINE)
    }

    /// True when the next event is a trade: 19 % on average, in clusters.
    pub(super) fn trades(&self, rng: &mut Rng) -> bool {
        rng.chance(95 + self.heat)
    }

    /// The active side of the next order: leans toward the fair price and a little toward the side of the last one.
    pub(super) fn side(&self, book: &Book, rng: &mut Rng) -> Side {
        let lean = (self.half_ticks(book) * 35).clamp(-400, 400);
        let habit = if self.last == Side::Buy { 80 } else { -80 };
        if rng.chance((500 + lean + habit).clamp(60, 940)) {
            Side::Buy
        } else {
            Side::Sell
        }
    }

    /// The side whose quotes are in the way of the fair price and which therefore rather leaves; `None` near it.
    pub(super) fn retreating(&self, book: &Book) -> Option<Side> {
        match self.half_ticks(book) {
            4.. => Some(Side::Sell),
            ..=-4 => Some(Side::Buy),
            _ => None,
        }
    }

    /// Wanted quantity in units, mostly one to five times a fifth of the symbol's average; and notes that a trade
    /// happened, which makes the next ones likelier and larger.
    pub(super) fn size(&mut self, profile: &Profile, side: Side, rng: &mut Rng) -> i64 {
        let most = if self.heat > 150 { 160 } else { 80 };
        let mut units = (rng.heavy(most) * profile.trade_units + rng.below(5)) / 5;
        // People like round numbers.
        if units > 10 && rng.chance(500) {
            units -= units % 10;
        }
        self.heat += 31;
        self.last = side;
        units.max(1)
    }

    /// Fair price above the middle of the quote, in half ticks.
    pub(super) fn half_ticks(&self, book: &Book) -> i64 {
        (2 * self.fair().0 - book.middle_twice()) / book.tick().0
    }
}
