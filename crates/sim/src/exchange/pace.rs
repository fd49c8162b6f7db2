//! How busy a symbol is: by the clock, by its own nature, by its mood.
//!
//! All rates are in thousandths per second, or per mille of the calm rate.

use super::dice::Dice;
use super::timetable::{Product, ms};

/// (ms after midnight, per mille of the calm rate), straight lines between. Calm is 10:00.
type Shape = [(i64, i64)];

static EQUITY: &Shape = &[
    (ms(8, 0, 0, 0), 900),
    (ms(8, 8, 0, 0), 300),
    (ms(8, 50, 0, 0), 450),
    (ms(8, 59, 0, 0), 1_200),
    (ms(8, 59, 59, 900), 2_500),
    (ms(9, 0, 0, 0), 12_000),
    (ms(9, 0, 15, 0), 9_000),
    (ms(9, 0, 40, 0), 3_300),
    (ms(9, 2, 0, 0), 2_400),
    (ms(9, 10, 0, 0), 1_700),
    (ms(9, 30, 0, 0), 1_250),
    (ms(10, 0, 0, 0), 1_000),
    (ms(10, 45, 0, 0), 780),
    (ms(11, 20, 0, 0), 850),
    (ms(11, 30, 0, 0), 1_300),
    (ms(12, 5, 0, 0), 350),
    (ms(12, 29, 30, 0), 500),
    (ms(12, 29, 59, 900), 1_200),
    (ms(12, 30, 0, 0), 3_500),
    (ms(12, 31, 0, 0), 1_700),
    (ms(12, 45, 0, 0), 1_000),
    (ms(13, 30, 0, 0), 720),
    (ms(14, 30, 0, 0), 850),
    (ms(15, 10, 0, 0), 1_050),
    (ms(15, 24, 0, 0), 1_500),
    (ms(15, 25, 0, 0), 1_200),
    (ms(15, 29, 0, 0), 900),
    (ms(15, 30, 0, 0), 2_000),
];

static DERIVATIVE: &Shape = &[
    (ms(0, 0, 0, 0), 450),
    (ms(2, 0, 0, 0), 350),
    (ms(6, 0, 0, 0), 300),
    (ms(8, 0, 0, 0), 300),
    (ms(8, 44, 0, 0), 600),
    (ms(8, 45, 0, 0), 4_000),
    (ms(8, 46, 0, 0), 2_200),
    (ms(9, 0, 0, 0), 3_000),
    (ms(9, 5, 0, 0), 2_000),
    (ms(10, 0, 0, 0), 1_000),
    (ms(11, 30, 0, 0), 700),
    (ms(12, 30, 0, 0), 900),
    (ms(14, 0, 0, 0), 800),
    (ms(15, 40, 0, 0), 1_200),
    (ms(16, 45, 0, 0), 300),
    (ms(17, 0, 0, 0), 1_200),
    (ms(18, 0, 0, 0), 600),
    (ms(22, 30, 0, 0), 900),
    (ms(24, 0, 0, 0), 450),
];

/// Per mille of the calm rate at a time of the day.
pub(super) fn by_clock(product: Product, ms_of_day: i64) -> i64 {
    let shape = match product {
        Product::Equity | Product::Index => EQUITY,
        Product::Day | Product::Night | Product::Whole => DERIVATIVE,
    };
    let next = shape.partition_point(|point| point.0 <= ms_of_day);
    match (next.checked_sub(1).map(|at| shape[at]), shape.get(next)) {
        (Some((from, low)), Some(&(to, high))) => low + (high - low) * (ms_of_day - from) / (to - from),
        (Some((_, rate)), None) | (None, Some(&(_, rate))) => rate,
        (None, None) => 1_000,
    }
}

/// How busy symbols are by nature, in per mille of the mean: the busiest ten times the quietest, a mean of 1,000.
const NATURES: [i64; 10] = [300, 400, 550, 650, 750, 850, 1_000, 1_200, 1_500, 2_800];

/// One symbol's activity.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    product: Product,
    /// Messages in 1,000 s at calm, of this symbol.
    base: i64,
    /// Per mille; changes every minute or so.
    mood: i64,
    mood_until: i64,
    /// Activity of a rush that was asked for, and its end.
    rush: i64,
    rush_until: i64,
}

impl Pace {
    /// `mean` = messages in 1,000 s of a mean symbol.
    pub(super) fn new(product: Product, mean: i64, dice: &mut Dice) -> Self {
        let nature = NATURES[dice.below(NATURES.len() as i64) as usize];
        Self {
            product,
            base: (mean * nature / 1_000).max(1),
            mood: 1_000,
            mood_until: i64::MIN,
            rush: 1,
            rush_until: i64::MIN,
        }
    }

    /// About how many events of the market a day has without rushes.
    pub(super) fn events_of_a_day(&self) -> i64 {
        let seconds = match self.product {
            // The value of an index comes every few seconds, whatever the rate.
            Product::Index => return 4_000,
            Product::Equity => 20_000,
            Product::Day | Product::Night => 30_000,
            Product::Whole => 50_000,
        };
        self.base.saturating_mul(seconds) / 1_000
    }

    /// This many times as many events until then.
    pub(super) fn rush(&mut self, times: u32, until: i64) {
        (self.rush, self.rush_until) = (i64::from(times.clamp(1, 1_000)), until);
    }

    /// A gap between messages, shorter in a rush that was asked for.
    pub(super) fn shortened(&self, now: i64, gap: i64) -> i64 {
        if now < self.rush_until { gap / self.rush } else { gap }
    }

    /// Messages in 1,000 s wanted now, and the per mille of the calm rate without nature and mood.
    pub(super) fn wanted(&mut self, now: i64, ms_of_day: i64, dice: &mut Dice) -> (i64, i64) {
        if now >= self.mood_until {
            // Half of the time lively, half of it sleepy; means 1.
            self.mood = if dice.chance(500) {
                dice.between(1_400, 1_800)
            } else {
                dice.between(200, 600)
            };
            self.mood_until = now.saturating_add(dice.wait(25_000_000_000));
        }
        let clock = by_clock(self.product, ms_of_day);
        // In a rush nobody sleeps.
        let mood = if clock > 2_000 {
            (self.mood + 1_000) / 2
        } else {
            self.mood
        };
        let rush = if now < self.rush_until { self.rush } else { 1 };
        let wanted = (self.base * clock / 1_000 * mood / 1_000 * rush).clamp(1, 2_000_000);
        (wanted, clock * rush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_u_shaped() {
        let at = |h, m| by_clock(Product::Equity, ms(h, m, 0, 0));
        assert!(at(9, 0) > 4 * at(10, 0) && at(10, 0) == 1_000 && at(10, 45) < at(15, 20));
        assert_eq!(at(3, 0), at(8, 0));
        assert_eq!(by_clock(Product::Equity, ms(9, 0, 7, 500)), 10_500);
        for shape in [EQUITY, DERIVATIVE] {
            assert!(shape.windows(2).all(|w| w[0].0 < w[1].0));
        }
        assert_eq!(NATURES.iter().sum::<i64>() / NATURES.len() as i64, 1_000);
    }

    #[test]
    fn moods_cancel_out() {
        let mut dice = Dice::new(1, "x", "pace");
        let mut pace = Pace::new(Product::Equity, 2_000, &mut dice);
        let calm = ms(10, 0, 0, 0);
        let seconds = 1_000_000;
        let sum: i64 = (0..seconds)
            .map(|s| pace.wanted(s * 1_000_000_000, calm, &mut dice).0)
            .sum();
        let mean = sum / seconds * 100 / pace.base;
        assert!((95..105).contains(&mean), "{mean} %");
    }
}
