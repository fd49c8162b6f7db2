//! What the threads do at the moment, for the watchdog: readable without any lock, because a thread that is stuck may
//! hold one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It waits for something to do.
    Waiting = 0,
    /// It computes, in memory only.
    Working = 1,
    /// It is inside a call of the database: however long that takes, it is the disk's time.
    Storing = 2,
    /// It waits until the journal has what it is about to store: the journal's disk.
    Journal = 3,
    /// It pauses after a failed call, before the next.
    Pausing = 4,
}

impl Phase {
    const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Working,
        Self::Storing,
        Self::Journal,
        Self::Pausing,
    ];

    /// In words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for work",
            Self::Working => "working",
            Self::Storing => "inside a call of the database",
            Self::Journal => "waiting for the journal's disk",
            Self::Pausing => "pausing before another attempt",
        }
    }
}

/// A turn number and the phase, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beat(u64);

impl Beat {
    const PHASES: u64 = 8;

    pub(super) fn phase(self) -> Phase {
        Phase::ALL
            .into_iter()
            .find(|phase| *phase as u64 == self.0 % Self::PHASES)
            .unwrap_or(Phase::Working)
    }

    /// How often the phase has changed.
    pub(super) fn turns(self) -> u64 {
        self.0 / Self::PHASES
    }

    /// The next turn.
    pub(super) fn next(self, phase: Phase) -> Self {
        Self((self.turns() + 1) * Self::PHASES + phase as u64)
    }
}

/// The beat of one thread; only that thread enters phases.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicU64);

impl Pulse {
    /// From now on it does this. Costs two plain memory accesses and no look at a clock.
    pub(super) fn enter(&self, phase: Phase) {
        let next = self.beat().next(phase);
        self.0.store(next.0, Ordering::Relaxed);
    }

    pub(super) fn beat(&self) -> Beat {
        Beat(self.0.load(Ordering::Relaxed))
    }
}

/// Everything the watchdog can see.
#[derive(Debug, Default)]
pub(super) struct Vitals {
    pub(super) core: Pulse,
    pub(super) writer: Pulse,
    /// Messages received.
    pub(super) received: AtomicU64,
    /// How long the writer has stood in one call, in ms; written by the watchdog, read by the core.
    still_ms: AtomicU64,
}

impl Vitals {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The watchdog's measure.
    pub(super) fn set_still(&self, still: Duration) {
        let ms = u64::try_from(still.as_millis()).unwrap_or(u64::MAX);
        self.still_ms.store(ms, Ordering::Relaxed);
    }

    /// How long the database's disk has not answered, when that lasts too long already.
    pub(super) fn stall(&self) -> Option<Duration> {
        let lasts = Duration::from_millis(self.still_ms.load(Ordering::Relaxed));
        (!lasts.is_zero() && self.writer.beat().phase() == Phase::Storing).then_some(lasts)
    }
}
