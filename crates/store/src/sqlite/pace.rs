//! When a commit must wait for the disk, and when the write-ahead log is due to be copied into the main file. Pure:
//! time is an argument.

use std::time::{Duration, Instant};

use crate::options::Purpose;

/// Oldest age of a commit that is not durable yet at which the next occasion is taken. A second minus the quarter of
/// it that may pass until the next call of `idle`.
const SYNC_AGE: Duration = Duration::from_millis(750);

/// Pages in the log from which a checkpoint is worth it: 4 MB. A replay writes as much in an instant, and each
/// checkpoint waits for the disk twice: 64 MB, as much as is kept of a log.
pub(super) fn checkpoint_pages(purpose: Purpose) -> i64 {
    match purpose {
        Purpose::Record => 1_000,
        Purpose::Replay => 16_000,
    }
}

/// Longest time between two checkpoints while something is written: the bound of durability `seed`.
const CHECKPOINT_AGE: Duration = Duration::from_secs(30);

/// While a reader holds the log back, trying after every commit would only cost time.
const STUCK_RETRY: Duration = Duration::from_secs(1);

/// Counts commits that a power cut could still take.
#[derive(Debug)]
pub(super) struct Pace {
    /// Every how many commits one is durable; `None` for never.
    every: Option<u32>,
    pending: u32,
    oldest: Option<Instant>,
}

impl Pace {
    pub(super) fn new(every: Option<u32>) -> Self {
        Self {
            every,
            pending: 0,
            oldest: None,
        }
    }

    /// Whether the next commit has to be durable.
    pub(super) fn next_is_full(&self, now: Instant) -> bool {
        self.every.is_some_and(|every| self.pending + 1 >= every) || self.sync_due(now)
    }

    /// Whether the tail has to be made durable although no commit comes. The oldest commit counts, not the newest:
    /// windows that come now and then must not push the moment away for ever.
    pub(super) fn sync_due(&self, now: Instant) -> bool {
        self.every.is_some()
            && self
                .oldest
                .is_some_and(|at| now.saturating_duration_since(at) >= SYNC_AGE)
    }

    /// A commit succeeded.
    pub(super) fn committed(&mut self, full: bool, now: Instant) {
        if full {
            self.synced();
        } else {
            self.pending += 1;
            self.oldest.get_or_insert(now);
        }
    }

    /// Everything committed is on the disk.
    pub(super) fn synced(&mut self) {
        (self.pending, self.oldest) = (0, None);
    }

    /// Whether a power cut could take a commit.
    pub(super) fn has_tail(&self) -> bool {
        self.pending > 0
    }
}

/// State of the write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wal {
    /// Pages in it.
    pub(super) pages: i64,
    /// Of these, pages copied into the main file.
    pub(super) copied: i64,
    /// Another connection was in the way.
    pub(super) busy: bool,
}

impl Wal {
    /// Whether everything is in the main file.
    pub(super) fn is_complete(self) -> bool {
        !self.busy && self.copied >= self.pages
    }
}

/// Whether to checkpoint now, at so many pages. `last` is the last attempt, `stuck` says that it could not copy everything.
pub(super) fn checkpoint_due(wal: Wal, pages: i64, last: Instant, stuck: bool, now: Instant) -> bool {
    let age = now.saturating_duration_since(last);
    wal.pages > wal.copied && (age >= CHECKPOINT_AGE || (wal.pages >= pages && (!stuck || age >= STUCK_RETRY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn g06_every_fourth_commit_at_300_ms() {
        let (start, mut pace) = (Instant::now(), Pace::new(Some(4)));
        let full: Vec<bool> = (0..9u64)
            .map(|i| {
                // Two windows a second early: then the count decides.
                let now = start + ms(200 * i);
                let full = pace.next_is_full(now);
                pace.committed(full, now);
                full
            })
            .collect();
        assert_eq!(full, [false, false, false, true, false, false, false, true, false]);
    }

    #[test]
    fn g06_no_tail_survives_a_second() {
        let (start, mut pace) = (Instant::now(), Pace::new(Some(101)));
        assert!(!pace.sync_due(start + ms(9_000)), "nothing was written");
        pace.committed(false, start);
        pace.committed(false, start + ms(700));
        assert!(!pace.sync_due(start + ms(740)));
        assert!(pace.sync_due(start + ms(750)), "the oldest commit counts");
        assert!(pace.next_is_full(start + ms(750)));
        pace.synced();
        assert!(!pace.has_tail() && !pace.sync_due(start + ms(9_000)));
    }

    #[test]
    fn seed_never_waits_and_full_always_does() {
        let (start, mut seed) = (Instant::now(), Pace::new(None));
        for i in 0..100 {
            assert!(!seed.next_is_full(start + ms(i * 1000)));
            seed.committed(false, start);
        }
        assert!(!seed.sync_due(start + ms(99_000)) && seed.has_tail());
        assert!(Pace::new(Some(1)).next_is_full(start));
    }

    #[test]
    fn checkpoints_come_by_pages_or_by_age() {
        let start = Instant::now();
        let wal = |pages, copied| Wal {
            pages,
            copied,
            busy: false,
        };
        let due = |wal, last, stuck, now| checkpoint_due(wal, checkpoint_pages(Purpose::Record), last, stuck, now);
        assert!(!due(wal(999, 0), start, false, start + ms(29_999)));
        assert!(due(wal(1000, 0), start, false, start));
        assert!(due(wal(1, 0), start, false, start + ms(30_000)));
        assert!(!due(wal(5000, 5000), start, false, start + ms(99_000)));
        assert!(!due(wal(5000, 10), start, true, start + ms(999)));
        assert!(due(wal(5000, 10), start, true, start + ms(1000)));
        assert!(wal(7, 7).is_complete() && !wal(7, 6).is_complete());
    }
}
