//! Chances that repeat: the same seed and the same requests give the same faults and the same invented figures.

/// A stream of draws (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed ^ 0x0B0A_4D00_7E57_D1CE)
    }

    /// True so many times in a thousand. A certain outcome draws nothing, so that switching a fault on or off leaves
    /// the other draws as they were.
    pub(super) fn chance(&mut self, per_mille: u16) -> bool {
        match per_mille {
            0 => false,
            1_000.. => true,
            _ => {
                self.0 = self.0.wrapping_add(STEP);
                mixed(self.0) % 1_000 < u64::from(per_mille)
            }
        }
    }
}

/// A number from 0 to `below` - 1 that belongs to these words for good.
pub(super) fn figure(seed: u64, words: &[&str], below: u64) -> i64 {
    let hash = words
        .iter()
        .flat_map(|w| w.bytes().chain([0xFF]))
        .fold(seed, |hash, byte| mixed(hash.wrapping_add(STEP) ^ u64::from(byte)));
    i64::try_from(hash % below.max(1)).unwrap_or_default()
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_repeat_and_are_about_right() {
        let hits = |seed, chance| {
            let mut dice = Dice::new(seed);
            (0..10_000).filter(|_| dice.chance(chance)).count()
        };
        assert_eq!(hits(1, 50), hits(1, 50));
        assert_ne!(hits(1, 50), hits(2, 50));
        assert!((400..600).contains(&hits(1, 50)));
        assert_eq!((hits(1, 0), hits(1, 1_000), hits(1, u16::MAX)), (0, 10_000, 10_000));
        assert_eq!(figure(1, &["a", "b"], 1_000_000), figure(1, &["a", "b"], 1_000_000));
        assert_ne!(figure(1, &["a", "b"], 1_000_000), figure(1, &["ab", ""], 1_000_000));
    }
}
