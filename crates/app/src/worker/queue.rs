//! Windows between the reader and the writer thread: the engine's backlog behind a lock that is held for microseconds.
//!
//! The reader puts a window in and goes on; merging when `tick_queue_max` or `pending_max` is reached happens there, in
//! memory. Nobody ever waits for the disk while holding the lock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use ayumi_engine::backlog::Backlog;
use ayumi_engine::batch::Batch;
use ayumi_journal::Ticket;
use ayumi_store::{HealthRow, Pinned};

use super::health::State;

/// Changes of the state that may wait for a database that cannot be written; older ones are in the log.
const HEALTH_ROWS: usize = 256;

/// What was stored so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// Ticks in committed windows.
    pub(super) ticks: u64,
    /// Committed windows.
    pub(super) windows: u64,
}

/// A look at the queue for log lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    pub(super) windows: usize,
    /// Ticks not stored yet, waiting or being written.
    pub(super) ticks: u64,
    /// How many ticks the open window may take.
    pub(super) room: u64,
    pub(super) full: bool,
    pub(super) merged_ticks: u64,
    pub(super) merged_windows: u64,
    pub(super) stored: Stored,
    /// Messages in windows that are not stored yet.
    pub(super) unsaved_windows: usize,
    /// Shares in windows that are not stored yet.
    pub(super) unsaved_volume: i64,
}

impl Depth {
    /// What an end of the process now would leave out, in words.
    pub(super) fn unsaved(&self) -> String {
        format!(
            "not saved: {} windows, {} ticks, {} shares; the next run books them as a gap",
            self.unsaved_windows, self.ticks, self.unsaved_volume
        )
    }
}

/// What the writer does next.
pub(super) enum Next {
    /// Store this window, not before the journal has what this ticket covers.
    Write(Batch, Ticket),
    /// Nothing came for a while.
    Idle,
    /// Everything is stored and the worker stops.
    Stop,
}

struct Inner {
    backlog: Backlog,
    /// Volume and count of windows not stored yet.
    unsaved: (usize, i64),
    stored: Stored,
    /// The last stored window, whose memory the engine can use again.
    spent: Option<Batch>,
    /// The newest block of the journal when a window came in or was merged.
    ticket: Ticket,
    stopping: bool,
    /// Rows of `health` not stored yet.
    health: Vec<HealthRow>,
    /// What the writer suffers from.
    ails: Ails,
}

impl Inner {
    fn depth(&self) -> Depth {
        let (merged_ticks, merged_windows) = self.backlog.merged();
        Depth {
            windows: self.backlog.len(),
            ticks: self.backlog.ticks(),
            room: self.backlog.room(),
            full: self.backlog.is_full(),
            merged_ticks,
            merged_windows,
            stored: self.stored,
            unsaved_windows: self.backlog.len() + self.unsaved.0,
            unsaved_volume: self.unsaved.1,
        }
    }
}

/// What is wrong on the writer's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ails {
    /// The database does not take windows: the state, and SQLite's words.
    pub(super) database: Option<(State, String)>,
    /// A reader holds the database's log back.
    pub(super) pinned: Option<Pinned>,
    /// The disk of the journal does not answer.
    pub(super) journal_hangs: bool,
}

/// The queue; clones share it.
#[derive(Clone)]
pub(super) struct Queue(Arc<(Mutex<Inner>, Condvar)>);

impl Queue {
    pub(super) fn new(tick_queue_max: u64, pending_max: usize) -> Self {
        let inner = Inner {
            backlog: Backlog::new(tick_queue_max, pending_max),
            unsaved: (0, 0),
            stored: Stored::default(),
            spent: None,
            ticket: 0,
            stopping: false,
            health: Vec::new(),
            ails: Ails::default(),
        };
        Self(Arc::new((Mutex::new(inner), Condvar::new())))
    }

    /// Adds a closed window whose messages the journal's `ticket` covers. Windows that had to be merged are told to
    /// `on_absorbed` before the writer can see them; its ticket covers that. Gives back a window that is stored, for the engine to use its memory again.
    #[must_use]
    pub(super) fn push(
        &self,
        batch: Batch,
        ticket: Ticket,
        on_absorbed: impl FnOnce(&[i64]) -> Ticket,
    ) -> Option<Batch> {
        let mut inner = self.lock();
        inner.unsaved.1 += volume(&batch);
        inner.ticket = ticket;
        let absorbed = inner.backlog.push(batch);
        if !absorbed.is_empty() {
            inner.ticket = on_absorbed(&absorbed);
        }
        let spent = inner.spent.take();
        drop(inner);
        self.0.1.notify_one();
        spent
    }

    /// Takes the next window, waiting up to `patience` for one.
    pub(super) fn next(&self, patience: Duration) -> Next {
        let mut inner = self.lock();
        if inner.backlog.is_empty() && !inner.stopping {
            let idle = |inner: &mut Inner| inner.backlog.is_empty() && !inner.stopping;
            inner = self
                .0
                .1
                .wait_timeout_while(inner, patience, idle)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        match inner.backlog.pop() {
            Some(batch) => {
                inner.unsaved.0 = 1;
                Next::Write(batch, inner.ticket)
            }
            None if inner.stopping => Next::Stop,
            None => Next::Idle,
        }
    }

    /// A window taken with [`Queue::next`] is committed.
    pub(super) fn stored(&self, batch: Batch) {
        let volume = volume(&batch);
        let mut inner = self.lock();
        inner.backlog.stored(&batch);
        inner.unsaved.0 = 0;
        inner.unsaved.1 -= volume;
        inner.stored.ticks += batch.counts.ticks;
        inner.stored.windows += 1;
        inner.spent = Some(batch);
    }

    /// The state changed; stored with the next window or in the next pause.
    pub(super) fn put_health(&self, row: HealthRow) {
        let mut inner = self.lock();
        if inner.health.len() == HEALTH_ROWS {
            inner.health.remove(0);
        }
        inner.health.push(row);
    }

    /// Rows of `health` to store, oldest first.
    pub(super) fn take_health(&self) -> Vec<HealthRow> {
        std::mem::take(&mut self.lock().health)
    }

    /// Rows that could not be stored now.
    pub(super) fn put_health_back(&self, mut rows: Vec<HealthRow>) {
        let mut inner = self.lock();
        rows.append(&mut inner.health);
        rows.drain(..rows.len().saturating_sub(HEALTH_ROWS));
        inner.health = rows;
    }

    /// The database does not take windows, or does so again.
    pub(super) fn set_database(&self, trouble: Option<(State, String)>) {
        self.lock().ails.database = trouble;
    }

    /// A reader holds the log back, or does so no longer.
    pub(super) fn set_pinned(&self, pinned: Option<Pinned>) {
        self.lock().ails.pinned = pinned;
    }

    /// The journal's disk does not answer, or does so again.
    pub(super) fn set_journal_hangs(&self, hangs: bool) {
        self.lock().ails.journal_hangs = hangs;
    }

    /// Whether no further window will come.
    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// What is wrong on the writer's side.
    pub(super) fn ails(&self) -> Ails {
        self.lock().ails.clone()
    }

    /// Waits up to `pause`, or until the worker stops; true when it stops.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let inner = self.lock();
        self.0
            .1
            .wait_timeout_while(inner, pause, |inner| !inner.stopping)
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .stopping
    }

    /// No further window will come.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.0.1.notify_all();
    }

    pub(super) fn depth(&self) -> Depth {
        self.lock().depth()
    }

    /// A look that never waits: the counts, and whether the database is known not to take windows. `None` while
    /// somebody holds the lock.
    pub(super) fn try_look(&self) -> Option<(Depth, bool)> {
        let inner = match self.0.0.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some((inner.depth(), inner.ails.database.is_some()))
    }

    /// A panic in one thread ends the process, so a poisoned lock is never met in practice; its state is whole anyway.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn volume(batch: &Batch) -> i64 {
    batch.symbols.iter().map(|row| row.volume.0).sum()
}
