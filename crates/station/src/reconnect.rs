//! When to connect again. Pure: it hands out durations, the caller owns the clock and the socket.
//!
//! The station resets healthy lines in bursts, sometimes a thousand times a morning (kabusapi #1266): waiting there
//! loses data, so a line that delivered is opened again at once. A line that never delivered is a station that is down
//! or refuses us: that waits longer and longer.

use std::time::Duration;

/// At most one attempt per this time, whatever happened.
pub const MIN_SPACING: Duration = Duration::from_millis(250);

/// Reconnect policy of one PUSH line.
///
/// Failed attempts wait `initial`, 2x, 4x ... `max`. Jitter lengthens a wait by up to 25 % and never shortens it; `max`
/// bounds the wait including its jitter, so that a started station is found within `max`. No wait after a failure is
/// below [`MIN_SPACING`], whatever the settings say.
#[derive(Clone, Debug)]
pub struct Reconnect {
    initial: Duration,
    max: Duration,
    next: Duration,
    random: u64,
}

impl Reconnect {
    /// A policy; `seed` feeds the jitter, the same seed gives the same waits. `initial` above `max` counts as `max`.
    #[must_use]
    pub fn new(initial: Duration, max: Duration, seed: u64) -> Self {
        let max = max.max(MIN_SPACING);
        let initial = initial.clamp(MIN_SPACING, max);
        Self {
            initial,
            max,
            next: initial,
            random: seed,
        }
    }

    /// An attempt failed: how long to wait before the next one, counted from now.
    pub fn failed(&mut self) -> Duration {
        let base = self.next;
        self.next = base.saturating_mul(2).min(self.max);
        // 0..=255 thousand-and-twenty-fourths: just under a quarter.
        let jitter = base.saturating_mul((self.random() % 256) as u32) / 1024;
        base.saturating_add(jitter).min(self.max)
    }

    /// A message arrived: the next failure starts from `initial` again.
    pub fn message(&mut self) {
        self.next = self.initial;
    }

    /// A line that had been open was lost; `delivered` says whether it had brought a message, `since_last_attempt` how
    /// long ago the attempt that opened it began. Returns the wait before the next attempt.
    pub fn lost(&mut self, delivered: bool, since_last_attempt: Duration) -> Duration {
        if delivered {
            self.message();
            MIN_SPACING.saturating_sub(since_last_attempt)
        } else {
            self.failed()
        }
    }

    /// splitmix64: enough for jitter, and reproducible.
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn n01_refused_connections_double_up_to_max() {
        let mut policy = Reconnect::new(S, 30 * S, 7);
        let mut base = S;
        for _ in 0..20 {
            let wait = policy.failed();
            assert!(
                wait >= base.min(30 * S) && wait <= (base * 5 / 4).min(30 * S),
                "{wait:?} for {base:?}"
            );
            base = (base * 2).min(30 * S);
        }
        policy.message();
        assert!(policy.failed() <= S * 5 / 4);
    }

    #[test]
    fn n02_a_line_that_delivered_is_opened_at_once() {
        let mut policy = Reconnect::new(S, 30 * S, 1);
        policy.failed();
        policy.failed();
        assert_eq!(policy.lost(true, 5 * S), Duration::ZERO);
        assert_eq!(
            policy.lost(true, Duration::from_millis(100)),
            Duration::from_millis(150)
        );
        assert!(policy.failed() <= S * 5 / 4, "delivery resets the backoff");
    }

    #[test]
    fn a_line_that_delivered_nothing_counts_as_failed() {
        let mut policy = Reconnect::new(S, 30 * S, 1);
        assert!(policy.lost(false, 60 * S) >= S);
        assert!(policy.lost(false, 60 * S) >= 2 * S);
    }

    #[derive(Clone, Debug)]
    enum Fate {
        Refused { after: u64 },
        Lived { ms: u64, delivered: bool },
    }

    fn fates() -> impl Strategy<Value = Vec<Fate>> {
        let refused = (0u64..50).prop_map(|after| Fate::Refused { after });
        let lived = (0u64..600, any::<bool>()).prop_map(|(ms, delivered)| Fate::Lived { ms, delivered });
        proptest::collection::vec(prop_oneof![refused, lived], 1..200)
    }

    proptest! {
        #[test]
        fn n03_never_more_than_four_attempts_a_second(
            fates in fates(), initial in 0u64..3000, max in 0u64..60_000, seed in any::<u64>(),
        ) {
            let mut policy = Reconnect::new(Duration::from_millis(initial), Duration::from_millis(max), seed);
            let mut now = Duration::ZERO;
            let mut attempts: Vec<Duration> = Vec::new();
            for fate in fates {
                attempts.push(now);
                now += match fate {
                    Fate::Refused { after } => Duration::from_millis(after) + policy.failed(),
                    Fate::Lived { ms, delivered } => {
                        let lived = Duration::from_millis(ms);
                        if delivered {
                            policy.message();
                        }
                        lived + policy.lost(delivered, lived)
                    }
                };
            }
            for (i, first) in attempts.iter().enumerate() {
                let within = attempts[i..].iter().take_while(|t| **t < *first + S).count();
                prop_assert!(within <= 4, "{within} attempts in the second after {first:?}");
            }
        }

        #[test]
        fn n01_jitter_only_lengthens_and_max_bounds_all(
            initial in 250u64..5000, factor in 1u64..100, seed in any::<u64>(), n in 1usize..40,
        ) {
            let (initial, max) = (Duration::from_millis(initial), Duration::from_millis(initial * factor));
            let mut policy = Reconnect::new(initial, max, seed);
            let mut base = initial;
            for _ in 0..n {
                let wait = policy.failed();
                prop_assert!(wait >= base && wait <= max && wait <= base * 5 / 4);
                base = (base * 2).min(max);
            }
        }
    }
}
