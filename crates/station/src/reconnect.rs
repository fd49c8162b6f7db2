//! When to connect again. Pure: it is told the time and hands out durations, the caller owns the clock and the socket.
//!
//! The station resets healthy lines in bursts, sometimes a thousand times a morning (kabusapi #1266): waiting there
//! loses data, so a line that delivered is opened again at once, until it is a storm. A line that never delivered is a
//! station that is down or refuses us: that waits longer and longer. And a line that another program takes over again
//! and again is left to it for a while: two programs that both reconnect at once evict each other for ever.

use std::collections::VecDeque;
use std::time::Duration;

/// At most one attempt per this time, whatever happened.
pub const MIN_SPACING: Duration = Duration::from_millis(250);

/// So many cuts within [`STORM_SPAN`] are a storm.
const STORM_CUTS: usize = 20;
const STORM_SPAN: Duration = Duration::from_secs(60);
/// So many takeovers, one quickly after the other, and the line is left to the other program.
const EVICTIONS: u32 = 3;
/// A line that lived so long was nobody else's.
const SETTLED: Duration = Duration::from_secs(60);
/// The wait between two attempts while another program has the line.
const EVICTED_WAIT: Duration = Duration::from_secs(30);

/// How an open line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It never brought a message.
    Empty,
    /// The station closed it, or sends to somebody else: a takeover looks like that.
    Closed,
    /// Reset, broken off, or given up.
    Cut,
}

/// What the last endings look like together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Nothing special.
    Calm,
    /// Reset again and again.
    Storm,
    /// Another program takes the line again and again.
    Evicted,
}

/// Reconnect policy of one PUSH line.
///
/// Failed attempts wait `initial`, 2x, 4x ... `max`. Jitter lengthens a wait by up to 25 % and never shortens it; `max`
/// bounds the wait including its jitter, so that a started station is found within `max`. No wait after a failure is
/// below [`MIN_SPACING`], whatever the settings say. In a storm a line that delivered waits `initial`: longer would
/// lose more than it spares.
#[derive(Clone, Debug)]
pub struct Reconnect {
    initial: Duration,
    max: Duration,
    next: Duration,
    random: u64,
    /// When lines that had delivered ended, the newest last.
    cuts: VecDeque<Duration>,
    evictions: u32,
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
            cuts: VecDeque::with_capacity(STORM_CUTS),
            evictions: 0,
        }
    }

    /// An attempt failed: how long to wait before the next one, counted from now.
    pub fn failed(&mut self) -> Duration {
        // Nobody takes a line over from a station that is not there: it was restarted.
        self.evictions = 0;
        self.back_off()
    }

    /// A message arrived: the next failure starts from `initial` again.
    pub fn message(&mut self) {
        self.next = self.initial;
    }

    /// A line that had been open was lost at `now` (of any steady clock); `since_last_attempt` tells how long ago the
    /// attempt that opened it began. Returns the wait before the next attempt.
    pub fn lost(&mut self, ending: Ending, now: Duration, since_last_attempt: Duration) -> Duration {
        if ending == Ending::Empty {
            // Who takes a line over at once leaves no time for a message.
            return if self.evictions >= EVICTIONS {
                EVICTED_WAIT
            } else {
                self.back_off()
            };
        }
        self.message();
        self.count(ending, now, since_last_attempt);
        match self.mood(now) {
            Mood::Calm => MIN_SPACING.saturating_sub(since_last_attempt),
            Mood::Storm => self.initial.saturating_sub(since_last_attempt),
            Mood::Evicted => EVICTED_WAIT,
        }
    }

    /// The line has been open for this long now.
    pub fn lived(&mut self, since_last_attempt: Duration) {
        if since_last_attempt >= SETTLED {
            self.evictions = 0;
        }
    }

    /// What the endings up to `now` look like.
    #[must_use]
    pub fn mood(&self, now: Duration) -> Mood {
        let recent = |at: &Duration| now.saturating_sub(*at) <= STORM_SPAN;
        if self.evictions >= EVICTIONS {
            Mood::Evicted
        } else if self.cuts.iter().filter(|at| recent(at)).count() >= STORM_CUTS {
            Mood::Storm
        } else {
            Mood::Calm
        }
    }

    fn count(&mut self, ending: Ending, now: Duration, lived: Duration) {
        if self.cuts.len() == STORM_CUTS {
            self.cuts.pop_front();
        }
        self.cuts.push_back(now);
        self.evictions = match ending {
            Ending::Closed if lived < SETTLED => self.evictions + 1,
            // The first of a row may come after a good stream of any length.
            Ending::Closed => 1,
            Ending::Cut | Ending::Empty => 0,
        };
    }

    fn back_off(&mut self) -> Duration {
        let base = self.next;
        self.next = base.saturating_mul(2).min(self.max);
        // 0..=255 thousand-and-twenty-fourths: just under a quarter.
        let jitter = base.saturating_mul((self.random() % 256) as u32) / 1024;
        base.saturating_add(jitter).min(self.max)
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
        assert_eq!(policy.lost(Ending::Cut, S, 5 * S), Duration::ZERO);
        let short = Duration::from_millis(100);
        assert_eq!(policy.lost(Ending::Cut, 2 * S, short), Duration::from_millis(150));
        assert!(policy.failed() <= S * 5 / 4, "delivery resets the backoff");
    }

    #[test]
    fn a_line_that_delivered_nothing_counts_as_failed() {
        let mut policy = Reconnect::new(S, 30 * S, 1);
        assert!(policy.lost(Ending::Empty, 60 * S, 60 * S) >= S);
        assert!(policy.lost(Ending::Empty, 120 * S, 60 * S) >= 2 * S);
    }

    #[test]
    fn n03_twenty_cuts_in_a_minute_are_a_storm_and_wait_the_initial_backoff() {
        let mut policy = Reconnect::new(S, 30 * S, 1);
        let life = 2 * S;
        for i in 1..20 {
            assert_eq!(policy.lost(Ending::Cut, i * life, life), Duration::ZERO, "cut {i}");
            assert_eq!(policy.mood(i * life), Mood::Calm);
        }
        let short = Duration::from_millis(10);
        assert_eq!(policy.lost(Ending::Cut, 40 * S, short), S - short);
        assert_eq!(policy.mood(40 * S), Mood::Storm);
        assert_eq!(policy.mood(62 * S), Mood::Storm, "the first cut was at 2 s");
        assert_eq!(policy.mood(63 * S), Mood::Calm, "a quiet minute ends it");
    }

    #[test]
    fn n11_after_three_quick_takeovers_the_line_is_left_alone_for_thirty_seconds() {
        let mut policy = Reconnect::new(S, 30 * S, 1);
        assert_eq!(policy.lost(Ending::Closed, 3600 * S, 3600 * S), Duration::ZERO);
        assert!(policy.lost(Ending::Closed, 3601 * S, S) < S);
        assert_eq!(policy.mood(3601 * S), Mood::Calm);
        assert_eq!(policy.lost(Ending::Closed, 3602 * S, S), 30 * S);
        assert_eq!(policy.mood(3700 * S), Mood::Evicted);
        assert_eq!(
            policy.lost(Ending::Empty, 3633 * S, S),
            30 * S,
            "at once, before a message"
        );
        policy.lived(59 * S);
        assert_eq!(policy.mood(3700 * S), Mood::Evicted);
        policy.lived(60 * S);
        assert_eq!(policy.mood(3700 * S), Mood::Calm);
    }

    #[test]
    fn n11_a_station_that_restarts_or_resets_is_no_other_program() {
        let mut policy = Reconnect::new(S, 30 * S, 1);
        for i in 0..10 {
            policy.lost(Ending::Closed, i * 10 * S, S);
            policy.failed();
            assert_eq!(policy.mood(i * 10 * S), Mood::Calm);
        }
        for i in 10..20 {
            policy.lost(Ending::Closed, i * 10 * S, S);
            policy.lost(Ending::Cut, i * 10 * S + S, S);
            assert_eq!(policy.mood(i * 10 * S + S), Mood::Calm);
        }
    }

    #[derive(Clone, Debug)]
    enum Fate {
        Refused { after: u64 },
        Lived { ms: u64, ending: Ending },
    }

    fn fates() -> impl Strategy<Value = Vec<Fate>> {
        let refused = (0u64..50).prop_map(|after| Fate::Refused { after });
        let ending = prop_oneof![Just(Ending::Empty), Just(Ending::Closed), Just(Ending::Cut)];
        let lived = (0u64..600, ending).prop_map(|(ms, ending)| Fate::Lived { ms, ending });
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
                    Fate::Lived { ms, ending } => {
                        let lived = Duration::from_millis(ms);
                        if ending != Ending::Empty {
                            policy.message();
                        }
                        lived + policy.lost(ending, now + lived, lived)
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
