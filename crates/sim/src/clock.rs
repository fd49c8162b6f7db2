//! The simulated clock: what time it is in the simulated world, for the source, the script and the REST side.
//!
//! It stands before the source begins, runs at the chosen speed from then on, and in [`crate::Speed::Full`] goes from
//! message to message. It refuses to go back: the step that a fault adds is kept apart.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ayumi_engine::Stamp;

use crate::shared::lock;

/// No wait is longer, so that no sum of times overflows.
const TEN_YEARS_NS: f64 = 3.2e17;

/// The clock of one simulator.
pub(crate) struct SimClock(Mutex<State>);

struct State {
    pace: Pace,
    /// What the station's own clock is wrong by, ns.
    step: i64,
}

#[derive(Clone, Copy)]
enum Pace {
    /// Nothing has begun and no start was given: the machine's time.
    Wall,
    Standing(Stamp),
    Running {
        base: Stamp,
        began: Instant,
        factor: f64,
    },
}

impl SimClock {
    /// A clock that stands at `start`, or shows the machine's time until something begins.
    pub(crate) fn new(start: Option<Stamp>) -> Self {
        Self(Mutex::new(State {
            pace: start.map_or(Pace::Wall, Pace::Standing),
            step: 0,
        }))
    }

    /// The simulated time. Scripts and sources live by it.
    pub(crate) fn now(&self) -> Stamp {
        lock(&self.0).pace.now()
    }

    /// What the station believes the time to be: [`SimClock::now`] and the steps that faults made.
    pub(crate) fn station_now(&self) -> Stamp {
        let state = lock(&self.0);
        Stamp(state.pace.now().0.saturating_add(state.step))
    }

    /// True once it runs by itself.
    pub(crate) fn is_running(&self) -> bool {
        matches!(lock(&self.0).pace, Pace::Running { .. })
    }

    /// It shows this time until it runs or is moved on.
    pub(crate) fn stand(&self, at: Stamp) {
        lock(&self.0).pace = Pace::Standing(at);
    }

    /// It runs from `base` on at this factor.
    pub(crate) fn run(&self, base: Stamp, factor: f64) {
        lock(&self.0).pace = Pace::Running {
            base,
            began: Instant::now(),
            factor,
        };
    }

    /// At full speed: the source has come to this time.
    pub(crate) fn advance(&self, to: Stamp) {
        let mut state = lock(&self.0);
        match &mut state.pace {
            Pace::Running { .. } => {}
            Pace::Standing(at) => *at = to.max(*at),
            wall @ Pace::Wall => *wall = Pace::Standing(to),
        }
    }

    /// The station's own clock jumps by so many ns; the market goes on undisturbed.
    pub(crate) fn step(&self, by: i64) {
        let mut state = lock(&self.0);
        state.step = state.step.saturating_add(by);
    }

    /// When it will show `at`, on the machine's monotonic clock; `None` when it does not run by itself.
    pub(crate) fn real_instant(&self, at: Stamp) -> Option<Instant> {
        let Pace::Running { base, began, factor } = lock(&self.0).pace else {
            return None;
        };
        let wait = (at.0.saturating_sub(base.0).max(0) as f64 / factor).min(TEN_YEARS_NS);
        Some(began + Duration::from_nanos(wait as u64))
    }
}

impl Pace {
    fn now(self) -> Stamp {
        match self {
            Self::Wall => wall(),
            Self::Standing(at) => at,
            Self::Running { base, began, factor } => {
                let passed = began.elapsed().as_nanos() as f64 * factor;
                Stamp(base.0.saturating_add(passed as i64))
            }
        }
    }
}

/// The machine's clock.
fn wall() -> Stamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp(i64::try_from(since.as_nanos()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_runs_and_steps() {
        let clock = SimClock::new(Some(Stamp::from_s(100)));
        assert_eq!(clock.now(), Stamp::from_s(100));
        clock.advance(Stamp::from_s(110));
        clock.advance(Stamp::from_s(105));
        assert_eq!(clock.now(), Stamp::from_s(110), "never back");
        clock.step(-7_000_000_000);
        assert_eq!(clock.now(), Stamp::from_s(110));
        assert_eq!(clock.station_now(), Stamp::from_s(103));
        assert_eq!(clock.real_instant(Stamp::from_s(200)), None);
        clock.run(Stamp::from_s(110), 1000.0);
        let first = clock.now();
        assert!(first >= Stamp::from_s(110) && clock.now() >= first && clock.is_running());
        let early = clock.real_instant(Stamp::from_s(120)).expect("it runs");
        let late = clock.real_instant(Stamp::from_s(130)).expect("it runs");
        assert_eq!(late - early, Duration::from_millis(10));
        assert!(clock.real_instant(Stamp::NEVER).is_some(), "no overflow");
    }

    #[test]
    fn without_a_start_it_shows_the_machines_time() {
        let clock = SimClock::new(None);
        assert!(clock.now() > Stamp::from_s(1_600_000_000));
        clock.advance(Stamp::from_s(5));
        assert_eq!(clock.now(), Stamp::from_s(5), "a recording has its own time");
    }
}
