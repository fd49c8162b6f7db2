//! Draws that depend on a seed, a purpose and a number only: the same on every machine, whatever else was drawn.

/// SplitMix64 (Steele, Lea, Flood 2014), begun at a place that the purpose and the number choose.
#[derive(Clone, Debug)]
pub(in crate::push) struct Dice(u64);

impl Dice {
    /// Dice for the `number`-th event of one purpose.
    pub fn new(seed: u64, purpose: &str, of: &str, number: u64) -> Self {
        let mut dice = Self(seed);
        for part in [purpose, of] {
            for byte in part.bytes() {
                dice = Self(dice.next() ^ u64::from(byte));
            }
            dice = Self(dice.next() ^ 0x100);
        }
        Self(dice.next() ^ number)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// 0 to `bound - 1`; 0 when there is no such number.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// True `per_mille` times in a thousand; to the millionth.
    pub fn chance(&mut self, per_mille: f64) -> bool {
        // The comparison stands here so that nothing is drawn for what is certain.
        per_mille >= 1_000.0 || self.below(1_000_000) < (per_mille * 1_000.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_their_own() {
        let hits = |purpose: &str, chance: f64| {
            (0..100_000)
                .filter(|n| Dice::new(1, purpose, "7203", *n).chance(chance))
                .count()
        };
        assert!((9_500..10_500).contains(&hits("lag", 100.0)));
        assert!((20..90).contains(&hits("crossed", 0.5)));
        assert_eq!((hits("lag", 0.0), hits("lag", 1_000.0)), (0, 100_000));
        let first = |seed, purpose, of, number| Dice::new(seed, purpose, of, number).next();
        let one = first(1, "lag", "7203", 1);
        assert_eq!(one, first(1, "lag", "7203", 1));
        for other in [
            first(2, "lag", "7203", 1),
            first(1, "lags", "7203", 1),
            first(1, "lag", "7204", 1),
            first(1, "lag", "7203", 2),
            first(1, "lag7", "203", 1),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(Dice(0).below(0), 0);
    }
}
