//! The worker's one clock: wall time at start plus monotonic time, so that it never steps back.
//!
//! The only place in this crate that reads the system's clocks. The test clock starts at a given time and runs at a
//! given speed; windows, phases, dates and pacing all follow it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ayumi_engine::Stamp;
use ayumi_wire::jst::{self, Date};

/// Steps of the system clock up to this are ignored: the NTP service slews by less.
const STEP_NS: i64 = 50_000_000;

/// The longest wait [`Clock::until`] answers with. Callers loop anyway.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A clock that can be cloned into every thread; all clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// When the clock was made.
    origin: Instant,
    /// What it showed then, in ns since 1970.
    base_ns: i64,
    /// Clock seconds per real second.
    speed: f64,
    /// Sum of the forward steps that were followed, in ns. Only ever grows.
    shift_ns: AtomicI64,
    /// A backward step was reported and still stands.
    behind: AtomicBool,
    /// The system's wall clock in ns since 1970; `None` for a test clock, which has nothing to follow.
    wall: Option<Wall>,
}

type Wall = Box<dyn Fn() -> i64 + Send + Sync>;

/// What [`Clock::resync`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to report.
    None,
    /// The system clock went forward by so many milliseconds; this clock followed.
    Followed(i64),
    /// The system clock is so many milliseconds behind this clock, which does not step back. Said once per step.
    Ignored(i64),
}

impl Clock {
    /// The system's time.
    #[must_use]
    pub fn system() -> Self {
        Self::following(Box::new(wall_ns))
    }

    /// A clock that shows `start` now and runs at `speed` (clock seconds per real second, above 0).
    #[must_use]
    pub fn test(start: Stamp, speed: f64) -> Self {
        Self::new(start.0, speed, None)
    }

    fn following(wall: Wall) -> Self {
        Self::new(wall(), 1.0, Some(wall))
    }

    fn new(base_ns: i64, speed: f64, wall: Option<Wall>) -> Self {
        Self(Arc::new(Inner {
            origin: Instant::now(),
            base_ns,
            speed,
            shift_ns: AtomicI64::new(0),
            behind: AtomicBool::new(false),
            wall,
        }))
    }

    /// The time now. Never earlier than any earlier answer, on any thread.
    #[must_use]
    pub fn now(&self) -> Stamp {
        let elapsed = self.0.origin.elapsed();
        let run = if self.0.speed == 1.0 {
            i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
        } else {
            (elapsed.as_nanos() as f64 * self.0.speed) as i64
        };
        let shift = self.0.shift_ns.load(Ordering::SeqCst);
        Stamp(self.0.base_ns.saturating_add(run).saturating_add(shift))
    }

    /// Follows the system clock when it went forward by more than 50 ms (set by hand, or the PC slept). Called at
    /// window borders, where a jump cannot tear a window. Backward steps are not followed.
    pub fn resync(&self) -> Step {
        let Some(wall) = &self.0.wall else {
            return Step::None;
        };
        let shift = self.0.shift_ns.load(Ordering::SeqCst);
        let ahead_ns = wall() - self.now().0;
        if ahead_ns > STEP_NS {
            self.0.behind.store(false, Ordering::Relaxed);
            // Two threads that saw the same step must not follow it twice.
            let exchange =
                self.0
                    .shift_ns
                    .compare_exchange(shift, shift + ahead_ns, Ordering::SeqCst, Ordering::SeqCst);
            return if exchange.is_ok() {
                Step::Followed(ahead_ns / 1_000_000)
            } else {
                Step::None
            };
        }
        let behind = ahead_ns < -STEP_NS;
        let known = self.0.behind.swap(behind, Ordering::Relaxed);
        if behind && !known {
            Step::Ignored(-ahead_ns / 1_000_000)
        } else {
            Step::None
        }
    }

    /// Whether the system clock is behind this one, which does not step back.
    #[must_use]
    pub fn is_ahead_of_system(&self) -> bool {
        self.0.behind.load(Ordering::Relaxed)
    }

    /// Real time to wait until the clock shows `stamp`: zero when it has passed, rounded up to whole microseconds, at
    /// most one hour (also for [`Stamp::NEVER`]), after which the caller asks again.
    #[must_use]
    pub fn until(&self, stamp: Stamp) -> Duration {
        let ns = stamp.0.saturating_sub(self.now().0);
        if ns <= 0 {
            return Duration::ZERO;
        }
        let real_us = (ns as f64 / self.0.speed / 1000.0).ceil();
        LONGEST_WAIT.min(Duration::from_micros(real_us as u64))
    }

    /// The real time that `span` of this clock takes.
    #[must_use]
    pub fn scale(&self, span: Duration) -> Duration {
        if self.0.speed == 1.0 {
            return span;
        }
        Duration::try_from_secs_f64(span.as_secs_f64() / self.0.speed).unwrap_or(Duration::MAX)
    }

    /// Clock seconds per real second: 1.0 except for a test clock.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.0.speed
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({} x{})", jst::iso_ms(self.now().ms()), self.0.speed)
    }
}

/// The system's wall clock, ns since 1970. It may step in both directions: only for [`Clock`] and crash reports.
#[must_use]
pub fn wall_ns() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

/// What `--clock "<JST time>@<speed>"` asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestClock {
    /// What the clock shows when it is made.
    pub start: Stamp,
    /// Clock seconds per real second, 0.001 to 100,000.
    pub speed: f64,
}

impl TestClock {
    /// Starts the clock.
    #[must_use]
    pub fn clock(self) -> Clock {
        Clock::test(self.start, self.speed)
    }

    /// Reads `2026-11-20T07:50:00@60`; without `@` the speed is 1.
    ///
    /// # Errors
    /// One sentence that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (time, speed) = text.split_once('@').unwrap_or((text, "1"));
        let start = parse_jst(time)?;
        match speed.trim().parse::<f64>() {
            Ok(speed) if (0.001..=100_000.0).contains(&speed) => Ok(Self { start, speed }),
            _ => Err(format!(
                "the speed after @ must be a number from 0.001 to 100000, for example \"{}@60\"",
                time.trim()
            )),
        }
    }
}

/// Reads a JST time given by hand: `2026-11-20T07:50:00`, with a blank for `T`, with or without `+09:00`.
///
/// # Errors
/// One sentence that says what is expected; another offset than +09:00 is refused rather than ignored.
pub fn parse_jst(text: &str) -> Result<Stamp, String> {
    match jst::parse(text.trim().as_bytes()) {
        Some(time) if time.jst_offset && (2000..2200).contains(&Date::of_unix_s(time.unix_s).year) => {
            Ok(Stamp::from_s(time.unix_s))
        }
        Some(time) if time.jst_offset => Err("write a year from 2000 to 2199".to_owned()),
        _ => Err("write a JST time like \"2026-11-20T07:50:00\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faked() -> (Clock, Arc<AtomicI64>) {
        let offset = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&offset);
        let clock = Clock::following(Box::new(move || wall_ns() + seen.load(Ordering::SeqCst)));
        (clock, offset)
    }

    #[test]
    fn t01_a_forward_step_is_followed_at_the_border_only() {
        let (clock, offset) = faked();
        let before = clock.now();
        offset.store(86_400_000_000_000, Ordering::SeqCst);
        assert!(clock.now().ms_since(before) < 60_000, "not before resync");
        let Step::Followed(ms) = clock.resync() else {
            panic!("a day forward must be followed")
        };
        assert!((86_399_000..=86_401_000).contains(&ms), "{ms}");
        assert!(clock.now().ms_since(before) >= 86_399_000);
        assert_eq!(clock.resync(), Step::None);
    }

    #[test]
    fn t01_a_backward_step_is_said_once_and_not_followed() {
        let (clock, offset) = faked();
        let before = clock.now();
        offset.store(-3_600_000_000_000, Ordering::SeqCst);
        assert!(matches!(clock.resync(), Step::Ignored(ms) if (3_599_000..=3_601_000).contains(&ms)));
        assert_eq!(clock.resync(), Step::None);
        assert!(clock.now() >= before);
        offset.store(0, Ordering::SeqCst);
        assert_eq!(clock.resync(), Step::None);
        offset.store(-3_600_000_000_000, Ordering::SeqCst);
        assert!(matches!(clock.resync(), Step::Ignored(_)), "a new step is said again");
    }

    #[test]
    fn small_drift_is_not_a_step() {
        let (clock, offset) = faked();
        for drift in [20_000_000, -20_000_000] {
            offset.store(drift, Ordering::SeqCst);
            assert_eq!(clock.resync(), Step::None);
        }
    }

    #[test]
    fn never_steps_back_while_another_thread_resyncs() {
        let (clock, offset) = faked();
        let other = clock.clone();
        let stepper = std::thread::spawn(move || {
            for step in 0..200i64 {
                offset.store((step % 7 - 3) * 1_000_000_000, Ordering::SeqCst);
                other.resync();
            }
        });
        let mut last = clock.now();
        while !stepper.is_finished() {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        stepper.join().expect("no panic");
    }

    #[test]
    fn a_test_clock_runs_at_its_speed() {
        let start = parse_jst("2026-11-20T07:50:00").expect("valid");
        let clock = Clock::test(start, 60.0);
        assert_eq!(clock.now().date().to_string(), "2026-11-20");
        assert!(clock.now() >= start);
        assert_eq!(clock.resync(), Step::None);
        assert_eq!(clock.scale(Duration::from_secs(60)), Duration::from_secs(1));
        let wait = clock.until(start.plus_ms(600_000));
        assert!(
            wait <= Duration::from_secs(10) && wait > Duration::from_secs(5),
            "{wait:?}"
        );
        assert_eq!(clock.until(Stamp(0)), Duration::ZERO);
        assert_eq!(clock.until(Stamp::NEVER), LONGEST_WAIT);
        assert_eq!(
            Clock::system().scale(Duration::from_millis(7)),
            Duration::from_millis(7)
        );
    }

    #[test]
    fn test_clocks_given_by_hand() {
        let clock = TestClock::parse("2026-11-20T07:50:00@60").expect("valid");
        assert_eq!(jst::iso_s(clock.start.s()), "2026-11-20T07:50:00+09:00");
        assert_eq!(clock.speed, 60.0);
        assert_eq!(TestClock::parse(" 2026-11-20 07:50:00 ").map(|c| c.speed), Ok(1.0));
        assert_eq!(
            TestClock::parse("2026-11-20T07:50:00+09:00@0.5").map(|c| c.speed),
            Ok(0.5)
        );
        for wrong in [
            "",
            "@60",
            "07:50",
            "2026-11-20T07:50:00@0",
            "2026-11-20T07:50:00@-1",
            "2026-11-20T07:50:00@NaN",
            "2026-11-20T07:50:00@fast",
            "2026-11-31T07:50:00@1",
            "2026-11-20T07:50:00Z@1",
        ] {
            assert!(TestClock::parse(wrong).is_err(), "{wrong}");
        }
    }
}
