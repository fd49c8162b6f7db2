//! What happens when: steps on the simulated clock. Pure; the player asks what is due and does it.
//!
//! It refuses to look at any clock by itself, and to forget a step because nobody asked in time.

mod decode;
mod ghost;
mod possible;
mod stage;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use ayumi_engine::Stamp;

pub(crate) use self::decode::steps_of;
pub(crate) use self::ghost::haunt;
pub(crate) use self::possible::{Traded, named};
pub(crate) use self::stage::{Due, Order, Owner, Stage};
use crate::action::time::nanos;
use crate::action::{Action, Time};

const DAY: Duration = Duration::from_secs(86_400);
/// So many happenings before the start are gone through one by one; beyond, nobody counts.
const MOST_PASSED: i64 = 1_000_000;

/// Something to do, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When it happens first.
    pub when: When,
    /// How often it happens again.
    pub every: Option<Every>,
    /// It does not happen again later than this.
    pub until: Option<Time>,
    /// It happens so many times at most.
    pub times: Option<u32>,
    /// Chance per mille of each time, drawn from the seed; 1000 = certain.
    pub chance: u16,
    /// What happens, in this order.
    pub actions: Vec<Action>,
}

/// When a step happens first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At the next such time after the beginning; a step that repeats until a time still ahead goes on.
    At(Time),
    /// So long after the beginning.
    After(Duration),
}

/// The time between two happenings: drawn between both ends, from the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every {
    /// At least.
    pub least: Duration,
    /// At most.
    pub most: Duration,
}

impl Step {
    /// Once, for certain.
    #[must_use]
    pub fn once(when: When, actions: Vec<Action>) -> Self {
        Self {
            when,
            every: None,
            until: None,
            times: None,
            chance: 1000,
            actions,
        }
    }
}

/// All steps and how far they are.
pub(crate) struct Script {
    steps: Vec<Running>,
    /// Due times; the step's position decides between equal ones.
    queue: BinaryHeap<Reverse<(Stamp, usize)>>,
}

struct Running {
    step: Step,
    dice: u64,
    happened: u32,
    last: Stamp,
}

impl Script {
    /// Nothing is due before [`Script::begin`].
    pub(crate) fn new(steps: Vec<Step>, seed: u64) -> Self {
        let running = |(index, step): (usize, Step)| Running {
            step,
            dice: seed ^ (index as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03),
            happened: 0,
            last: Stamp::NEVER,
        };
        Self {
            steps: steps.into_iter().enumerate().map(running).collect(),
            queue: BinaryHeap::new(),
        }
    }

    /// Time begins at `base`. Returns how many steps have a date that has passed by then: they never happen. A step that
    /// repeats and is not over yet goes on as if time had begun before it.
    pub(crate) fn begin(&mut self, base: Stamp) -> usize {
        let mut missed = 0;
        for (index, running) in self.steps.iter_mut().enumerate() {
            let first = running.first(base);
            running.last = running.step.until.map_or(Stamp::NEVER, |until| until.next_from(first));
            let next = match first < base {
                true => running.catch_up(first, base),
                false => Some(first),
            };
            match next {
                Some(at) => self.queue.push(Reverse((at, index))),
                None => missed += 1,
            }
        }
        missed
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Stamp> {
        self.queue.peek().map(|Reverse((at, _))| *at)
    }

    /// What was due first, when it is due by `now`, and when that was. Nothing may happen by chance: the list is empty
    /// then. To be called until it has nothing more.
    pub(crate) fn take(&mut self, now: Stamp) -> Option<(Stamp, Vec<Action>)> {
        let at = self.next().filter(|at| *at <= now)?;
        let Reverse((_, index)) = self.queue.pop()?;
        let running = self.steps.get_mut(index)?;
        let happens = running.below(1000) < u64::from(running.step.chance);
        running.happened += 1;
        if let Some(next) = running.again(at) {
            self.queue.push(Reverse((next, index)));
        }
        let actions = match happens {
            true => running.step.actions.clone(),
            false => Vec::new(),
        };
        Some((at, actions))
    }

    /// Nothing more happens.
    pub(crate) fn stop(&mut self) {
        self.queue.clear();
    }
}

impl Running {
    /// When it happens first: before `base` when that lies within its repetitions.
    fn first(&self, base: Stamp) -> Stamp {
        let time = match self.step.when {
            When::After(span) => return later(base, span),
            When::At(time @ Time::On(_)) => return time.next_from(base),
            When::At(time @ Time::OfDay(_)) => time,
        };
        let next = time.next_from(base);
        let earlier = Stamp(next.0.saturating_sub(nanos(DAY)));
        let goes_on = self.step.every.is_some()
            && match self.step.until {
                None => false,
                Some(until @ Time::OfDay(_)) => until.next_from(earlier) >= base,
                // A date says which day is meant.
                Some(Time::On(until)) => earlier.date() == base.date() && until >= base,
            };
        if goes_on { earlier } else { next }
    }

    /// The first time from `base` on; the draws before are those of a script that began earlier. `None` = it is over.
    fn catch_up(&mut self, first: Stamp, base: Stamp) -> Option<Stamp> {
        let every = self.step.every?;
        let behind = base.0.saturating_sub(first.0) / nanos(every.most).max(1);
        if behind > MOST_PASSED {
            return (base <= self.last && self.step.times.is_none()).then_some(base);
        }
        let mut at = first;
        while at < base {
            self.below(1000);
            self.happened += 1;
            at = self.again(at)?;
        }
        Some(at)
    }

    fn again(&mut self, at: Stamp) -> Option<Stamp> {
        let every = self.step.every?;
        if self.step.times.is_some_and(|times| self.happened >= times) {
            return None;
        }
        let spread = every.most.saturating_sub(every.least);
        let extra = self.below(u64::try_from(spread.as_nanos()).unwrap_or(u64::MAX - 1) + 1);
        let next = later(later(at, every.least), Duration::from_nanos(extra));
        (next <= self.last).then_some(next)
    }

    /// A draw from 0 to `n` - 1 (splitmix64).
    fn below(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.dice;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        ((u128::from(x) * u128::from(n)) >> 64) as u64
    }
}

fn later(at: Stamp, span: Duration) -> Stamp {
    Stamp(at.0.saturating_add(nanos(span)))
}

#[cfg(test)]
mod tests;
