//! The market's random numbers: one 64-bit state per symbol, the same on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): an odd constant walks the state, two multiplications mix it. Ample for a
/// market; never for secrets.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// A generator for one purpose, told apart by `label`: neighbouring seeds and labels share no stretch of numbers
    /// worth speaking of, because both go through the mixer first.
    pub(super) fn new(seed: u64, label: &str) -> Self {
        let mut rng = Self(seed);
        let mut state = rng.next();
        for byte in label.bytes() {
            state = Self(state ^ u64::from(byte)).next();
        }
        Self(state)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `bound - 1`; 0 when the bound is not positive. Evenly enough: the bias is below 2^-32 times the bound.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        let bound = u64::try_from(bound).unwrap_or(0).min(u64::from(u32::MAX));
        (((self.next() >> 32) * bound) >> 32) as i64
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: i64) -> bool {
        self.below(1_000) < per_mille
    }

    /// A count with a heavy tail: 1 in half of the cases, above `n` about once in `n`, never above `most`. Its mean is
    /// about 1 + ln(`most`).
    pub(super) fn heavy(&mut self, most: i64) -> i64 {
        let even = (self.next() >> 48) as i64;
        (65_536 / (even + 1)).min(most)
    }

    /// A bell-shaped number with mean 0 and the given standard deviation, at most 3.5 of them away.
    pub(super) fn bell(&mut self, deviation: i64) -> i64 {
        let bits = self.next();
        let sum: u64 = [0, 16, 32, 48].iter().map(|shift| (bits >> shift) & 0xFFFF).sum();
        // The sum of four even 16-bit numbers has the mean 131,070 and the deviation 37,837.
        (sum as i64 - 131_070) * deviation / 37_837
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut rng = Rng(1_234_567);
        assert_eq!(
            [rng.next(), rng.next(), rng.next()],
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn labels_and_seeds_differ() {
        let first = |seed, label| Rng::new(seed, label).next();
        assert_eq!(first(1, "7203@1"), first(1, "7203@1"));
        assert_ne!(first(1, "7203@1"), first(2, "7203@1"));
        assert_ne!(first(1, "7203@1"), first(1, "7203@3"));
        assert_ne!(first(1, "12"), first(1, "21"));
    }

    #[test]
    fn shapes() {
        let mut rng = Rng::new(7, "shapes");
        let draws: Vec<i64> = (0..20_000).map(|_| rng.heavy(80)).collect();
        let ones = draws.iter().filter(|n| **n == 1).count();
        assert!((9_500..10_500).contains(&ones), "{ones}");
        assert!(draws.iter().all(|n| (1..=80).contains(n)));
        let mean = (0..20_000).map(|_| rng.bell(1_000)).sum::<i64>() / 20_000;
        assert!(mean.abs() < 30, "{mean}");
        assert!((0..1_000).all(|_| rng.below(3) < 3));
        assert_eq!((rng.below(0), rng.below(-5)), (0, 0));
    }
}
