//! The exchange's random numbers: one state per symbol and purpose, integers only, the same on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014). Ample for a market; never for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

/// ln 2 in 1/65,536.
const LN2: u64 = 45_426;

impl Dice {
    /// Dice for one purpose: a symbol's dice depend on the seed and its own name, never on the other symbols.
    pub(crate) fn new(seed: u64, label: &str, purpose: &str) -> Self {
        let mut dice = Self(seed);
        let mut state = dice.next();
        for byte in label.bytes().chain([b'|']).chain(purpose.bytes()) {
            state = Self(state ^ u64::from(byte)).next();
        }
        Self(state)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `bound` - 1; 0 when the bound is not positive.
    pub(crate) fn below(&mut self, bound: i64) -> i64 {
        let bound = u64::try_from(bound).unwrap_or(0);
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as i64
    }

    /// `from` to `to`, both included.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to - from + 1)
    }

    /// True `per_mille` times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: i64) -> bool {
        self.below(1_000) < per_mille
    }

    /// A waiting time with this mean, as of things that happen independently of each other: at most 44 times the mean.
    pub(crate) fn wait(&mut self, mean: i64) -> i64 {
        let bits = self.next() | 1;
        let zeros = u64::from(bits.leading_zeros());
        // The number is 2^-zeros * m / 2 with m from 1 to 2; log2(1 + f) = f + 0.344 f (1 - f) within 0.008.
        let f = (bits << zeros << 1) >> 48;
        let log_m = f + ((((f * (65_536 - f)) >> 16) * 22_544) >> 16);
        let log2 = ((zeros + 1) << 16) - log_m;
        let factor = (log2 * LN2) >> 16;
        ((u128::from(factor) * u128::from(mean.max(0).unsigned_abs())) >> 16) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_exponential() {
        let mut dice = Dice::new(1, "7203@1", "test");
        let mut waits: Vec<i64> = (0..100_000).map(|_| dice.wait(1_000_000)).collect();
        waits.sort_unstable();
        let mean = waits.iter().sum::<i64>() / 100_000;
        assert!((990_000..1_010_000).contains(&mean), "{mean}");
        // Quantiles of the exponential distribution: ln 2, ln 10, ln 100.
        for (rank, expected) in [(50_000, 693_147), (90_000, 2_302_585), (99_000, 4_605_170)] {
            assert!(
                (waits[rank] - expected).abs() < expected / 30,
                "{rank}: {}",
                waits[rank]
            );
        }
        assert!(waits[0] >= 0);
        assert_eq!(dice.wait(0), 0);
    }

    #[test]
    fn purposes_symbols_and_seeds_differ() {
        let first = |seed, label, purpose| Dice::new(seed, label, purpose).next();
        assert_eq!(first(1, "a", "b"), first(1, "a", "b"));
        assert_ne!(first(1, "a", "b"), first(2, "a", "b"));
        assert_ne!(first(1, "a", "b"), first(1, "ab", ""));
        assert_ne!(first(1, "a", "b"), first(1, "b", "a"));
        let mut dice = Dice::new(9, "x", "y");
        assert_eq!((dice.below(0), dice.below(-3)), (0, 0));
        assert!((0..1_000).all(|_| (3..=5).contains(&dice.between(3, 5))));
    }
}
