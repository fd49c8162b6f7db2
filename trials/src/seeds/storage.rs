//! The database of a world: windows wait for it, it is slow, locked by another program, closed and opened again.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use ayumi_engine::Stamp;
use ayumi_engine::backlog::Backlog;
use ayumi_engine::batch::{Batch, StateRow};
use ayumi_engine::jst::Date;
use ayumi_store::{Durability, Options, Purpose, Sink, SqliteSink};
use rusqlite::Connection;

/// What waits for the database, and the database.
pub(super) struct Storage {
    options: Options,
    bounds: (u64, usize),
    pub(super) backlog: Backlog,
    sink: Option<SqliteSink>,
    /// Taken, not stored yet: the database was locked.
    pending: Option<Batch>,
    lock: Option<Connection>,
    /// Not before this is the next window taken.
    ready_at: Stamp,
    digest: u64,
}

impl Storage {
    pub(super) fn new(db: &Path, tickers: Vec<String>, window_ms: i64, bounds: (u64, usize)) -> Self {
        let options = Options {
            path: db.to_owned(),
            tickers,
            durability: Durability::Seed,
            window_ms,
            busy_timeout: Duration::ZERO,
            purpose: Purpose::Record,
        };
        Self {
            options,
            bounds,
            backlog: Backlog::new(bounds.0, bounds.1),
            sink: None,
            pending: None,
            lock: None,
            ready_at: Stamp(0),
            digest: 0,
        }
    }

    /// Opens it as a start does; what is known of today, and the end of the newest window.
    pub(super) fn open(&mut self, today: Date) -> Result<(Vec<StateRow>, Option<i64>)> {
        self.backlog = Backlog::new(self.bounds.0, self.bounds.1);
        self.pending = None;
        let sink = SqliteSink::open(self.options.clone(), today)?;
        let known = (sink.load_states(today)?, sink.last_window_end_ms()?);
        self.sink = Some(sink);
        Ok(known)
    }

    /// When it would take the next window.
    pub(super) fn next(&self) -> Stamp {
        if self.backlog.is_empty() && self.pending.is_none() {
            Stamp::NEVER
        } else {
            self.ready_at
        }
    }

    /// Takes a window; a locked database keeps it waiting.
    pub(super) fn work(&mut self, now: Stamp, takes_ms: i64) -> Result<()> {
        self.ready_at = now.plus_ms(takes_ms.max(1));
        let Some(batch) = self.pending.take().or_else(|| self.backlog.pop()) else {
            return Ok(());
        };
        let sink = self.sink.as_mut().context("the database is open")?;
        match sink.write(&batch) {
            Ok(_) => self.backlog.stored(&batch),
            Err(error) if error.is_retryable() && self.lock.is_some() => {
                self.pending = Some(batch);
                self.ready_at = now.plus_ms(250);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Another program takes the write lock.
    pub(super) fn lock(&mut self) -> Result<()> {
        let other = Connection::open(&self.options.path)?;
        other.execute_batch("BEGIN IMMEDIATE")?;
        self.lock = Some(other);
        Ok(())
    }

    /// And gives it back.
    pub(super) fn unlock(&mut self) {
        self.lock = None;
    }

    /// Everything that waits is stored, and the file closed.
    pub(super) fn close(&mut self, now: Stamp) -> Result<()> {
        self.unlock();
        while self.pending.is_some() || !self.backlog.is_empty() {
            self.work(now, 1)?;
        }
        if let Some(sink) = self.sink.take() {
            self.digest = self.digest.wrapping_add(sink.close()?.digest);
        }
        Ok(())
    }

    /// The process is gone, and everything that waited.
    pub(super) fn kill(&mut self) {
        if let Some(sink) = self.sink.take() {
            self.digest = self.digest.wrapping_add(sink.totals().digest);
        }
        self.unlock();
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest
    }
}
