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
/// Events of a day of which nobody has said how many it has.
pub(super) const EVENTS: i64 = 100_000;
/// Standard deviation of one event of such a day, in 1/1,000,000 of the price: for the usual volatility, the fair price
/// is 1.2 % away from the opening at its end. Fewer events are larger ones.
const STEP: i64 = 44;
/// A large order moves the fair price by this many steps at most: one event in eight is one, and together they move it
/// less far than all others.
const NUDGE: i64 = 2;
/// The usual gap between two days, in 1/1,000 of the price.
const GAP: i64 = 8;

/// The wishes behind one symbol's orders.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    fair: i64,
    center: i64,
    lowest: i64,
    highest: i64,
    step: i64,
    /// Each event pulls the fair price back by 2^-pull of its distance from the opening: a third of it in a day.
    pull: u32,
    /// Excitement by recent trades, in per mille of trade probability; decays by 1/16 per event.
    heat: i64,
    last: Side,
    /// Somebody else sets the fair price.
    led: bool,
}

impl Flow {
    /// Opens with a gap to the previous close; the day will have about so many events. The fair price stays within two
    /// thirds of the way to either limit.
    pub(super) fn new(
        profile: &Profile,
        close: Price,
        (lowest, highest): (Price, Price),
        events: i64,
        rng: &mut Rng,
    ) -> Self {
        let close = close.0;
        let volatility = profile.volatility.clamp(1, 5_000);
        let gap = rng.bell((close / 1_000 * GAP).saturating_mul(volatility) / 1_000);
        let bound = |limit: Price| close + (limit.0 - close) / 3 * 2;
        let (lowest, highest) = (bound(lowest), bound(highest));
        let center = (close + gap).clamp(lowest, highest) * FINE;
        Self {
            fair: center,
            center,
            lowest: lowest * FINE,
            highest: highest * FINE,
            step: step(close, volatility, events),
            pull: i64::BITS - events.max(1).leading_zeros() + 1,
            heat: 0,
            last: if rng.chance(500) { Side::Buy } else { Side::Sell },
            led: false,
        }
    }

    /// One event passes.
    pub(super) fn advance(&mut self, rng: &mut Rng) {
        if !self.led {
            let pull = (self.fair - self.center) >> self.pull;
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

    /// A large order makes people think again: the fair price goes half the way to where it traded, but not far. Where
    /// a tick is a large part of the price, a few ticks are no news.
    pub(super) fn nudge(&mut self, price: Price) {
        if !self.led {
            let most = self.step.saturating_mul(NUDGE);
            let half = (price.0 * FINE - self.fair) / 2;
            self.fair = (self.fair + half.clamp(-most, most)).clamp(self.lowest, self.highest);
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

/// One event's standard deviation: so large that a day of so many events goes as far as any other.
fn step(close: i64, volatility: i64, events: i64) -> i64 {
    // Beyond these bounds a single event would be a leap, or vanish.
    let events = events.clamp(EVENTS / 200, EVENTS * 1_000);
    let per_billion = (STEP * STEP * 1_000_000 * EVENTS / events).isqrt();
    let share = close.saturating_mul(per_billion) / 1_000_000;
    (share.saturating_mul(FINE) / 1_000 * volatility / 1_000).max(1)
}
