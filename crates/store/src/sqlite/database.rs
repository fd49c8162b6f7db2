//! One open database: windows in, one transaction each, at the pace of the chosen durability.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use rusqlite::Connection;

use super::checkpoint::{Checkpoints, Pinned};
use super::identity::{FileId, file_id};
use super::pace::{Pace, checkpoint_pages};
use super::window::{self, Sql, Stored};
use crate::Written;
use crate::error::StoreError;
use crate::health::{self, HealthRow};
use crate::lock::Lock;
use crate::options::Options;
use crate::rows::WindowRows;
use crate::schema::{DATA_TABLES, FEATURES_STREAM};

/// The smallest write that is one: SQLite leaves a page alone when its bytes do not change.
pub(super) const HEARTBEAT: &str = "UPDATE schema_version SET heartbeat = heartbeat + 1";

/// What became of a window, and the checksum of its rows as they stand in the file.
pub(super) struct Outcome {
    pub(super) written: Written,
    pub(super) checksum: u64,
}

impl Outcome {
    fn of(stored: &Stored, durable: bool) -> Self {
        let (rows, checksum, already_stored) = match *stored {
            Stored::New { rows, checksum } => (rows, checksum, false),
            Stored::Beside { rows, checksum } => (rows, checksum, true),
            Stored::Before { checksum } => (0, checksum, true),
        };
        Self {
            written: Written {
                rows,
                durable,
                already_stored,
            },
            checksum,
        }
    }
}

/// A database with its lock.
#[derive(Debug)]
pub(crate) struct Database {
    // Before the lock: the connection is closed first, the lock given back after it.
    pub(crate) connection: Connection,
    path: PathBuf,
    file: Option<FileId>,
    sql: Sql,
    /// For each data table whether its key is unique in this file.
    unique: [bool; 4],
    pace: Pace,
    // After the connection: it holds handles of the file.
    checkpoints: Checkpoints,
    busy_timeout: Duration,
    /// What `PRAGMA synchronous` stands at: FULL, or NORMAL.
    full_now: Option<bool>,
    always_full: bool,
    _lock: Lock,
}

impl Database {
    /// Takes a connection that [`super::open`] has prepared. `unique` says for each data table whether its key is.
    pub(super) fn new(connection: Connection, path: PathBuf, lock: Lock, unique: [bool; 4], options: &Options) -> Self {
        let every = options.durability.sync_every(options.window_ms);
        Self {
            connection,
            file: file_id(&path),
            sql: Sql::new(unique, options.purpose),
            unique,
            pace: Pace::new(every),
            checkpoints: Checkpoints::new(&path, Instant::now(), checkpoint_pages(options.purpose)),
            busy_timeout: options.busy_timeout,
            full_now: None,
            always_full: every == Some(1),
            path,
            _lock: lock,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether ticker and time are a unique key of `features_stream` here; old files may hold rows twice.
    pub(super) fn has_unique_features(&self) -> bool {
        let at = DATA_TABLES.iter().position(|table| table.name == FEATURES_STREAM.name);
        at.is_some_and(|at| self.unique[at])
    }

    /// Stores windows, with their checksums where these are known, in one transaction.
    pub(super) fn write(
        &mut self,
        windows: &[(Cow<'_, Batch>, Option<u64>)],
        tickers: &[String],
    ) -> Result<Vec<Outcome>, StoreError> {
        let windows: Vec<(&Batch, WindowRows<'_>)> = windows
            .iter()
            .map(|(batch, checksum)| (batch.as_ref(), WindowRows::new(batch, tickers).sealed(*checksum)))
            .collect();
        if let Some(id) = windows.iter().find_map(|(_, rows)| rows.unknown_symbol()) {
            return Err(StoreError::UnknownSymbol {
                id,
                known: tickers.len(),
            });
        }
        let now = Instant::now();
        self.refuse_overwritten(now)?;
        self.settle_doubts(now);
        let full = self.pace.next_is_full(now);
        self.set_synchronous(full)?;
        let stored = window::store(&mut self.connection, &self.sql, &self.path, &windows).inspect_err(|e| {
            // A failed sync leaves the outcome open; Full and Busy do not.
            self.checkpoints.suspect |= matches!(e, StoreError::Io { .. });
        })?;
        if stored.iter().any(|stored| !matches!(stored, Stored::Before { .. })) {
            self.committed(full);
            // Noticed only by the checkpoint after it: a window more that goes into the new file.
            self.refuse_overwritten(now)?;
        }
        let durable = self.is_durable();
        Ok(stored.into_iter().map(|stored| Outcome::of(&stored, durable)).collect())
    }

    /// Rows of `health`, at the durability that stands.
    pub(super) fn write_health(&mut self, rows: &[HealthRow]) -> Result<(), StoreError> {
        let now = Instant::now();
        self.refuse_overwritten(now)?;
        let full = self.pace.next_is_full(now);
        self.set_synchronous(full)?;
        health::write(&mut self.connection, &self.path, rows).inspect_err(|e| {
            self.checkpoints.suspect |= matches!(e, StoreError::Io { .. });
        })?;
        self.committed(full);
        Ok(())
    }

    /// The log, while a reader holds it back.
    pub(super) fn pinned(&self) -> Option<Pinned> {
        self.checkpoints.pinned(Instant::now())
    }

    pub(super) fn set_wal_limits(&mut self, told: u64, too_large: u64) {
        self.checkpoints.limits = (told, too_large);
    }

    /// Whether the file was deleted, moved or replaced since it was opened.
    pub(super) fn is_elsewhere(&self) -> bool {
        file_id(&self.path) != self.file
    }

    /// Makes everything durable that is not.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.settle_doubts(now);
        self.refuse_overwritten(now)?;
        if self.pace.has_tail() {
            self.sync()?;
        }
        match self.checkpoints.suspect {
            false => Ok(()),
            true => Err(StoreError::Io {
                path: self.path.clone(),
                operation: "making windows durable".to_owned(),
                detail: "an earlier sync failed, and copying the windows into the main file did not succeed yet".into(),
            }),
        }
    }

    /// What is to be done while no window comes.
    pub(super) fn idle(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        self.settle_doubts(now);
        self.refuse_overwritten(now)?;
        if self.pace.sync_due(now) {
            self.sync()?;
        }
        if self.checkpoints.run_when_due(&self.connection, &self.path, now) {
            self.pace.synced();
        }
        self.checkpoints
            .cut_when_quiet(&self.connection, self.busy_timeout, &self.path, now);
        self.refuse_overwritten(now)
    }

    /// Last commit durable, log emptied as far as readers allow.
    pub(crate) fn finish(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        let cut = self.checkpoints.cut(&self.connection, self.busy_timeout);
        cut.map_err(|e| self.error("checkpoint at the end", e))?;
        self.refuse_overwritten(Instant::now())
    }

    pub(super) fn is_durable(&self) -> bool {
        !self.pace.has_tail() && !self.checkpoints.suspect
    }

    #[cfg(test)]
    pub(super) fn heartbeats(&self) -> i64 {
        let sql = "SELECT heartbeat FROM schema_version";
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap_or(-1)
    }

    #[cfg(test)]
    pub(super) fn look_at_head_now(&mut self) {
        self.checkpoints.look_soon();
    }

    /// Closing must not copy the log into a damaged file.
    pub(super) fn leave_log_alone(&mut self) {
        self.checkpoints.give_up(&self.connection);
    }

    #[cfg(test)]
    pub(super) fn doubt(&mut self) {
        self.checkpoints.suspect = true;
    }

    /// After a failed sync Linux may have dropped the pages, and the next sync can succeed without them. Copying the
    /// log into the main file takes them from our side once more.
    fn settle_doubts(&mut self, now: Instant) {
        if self.checkpoints.suspect && self.checkpoints.run(&self.connection, &self.path, now) {
            self.pace.synced();
        }
    }

    /// Bookkeeping after a commit, and the checkpoint when one is due.
    fn committed(&mut self, full: bool) {
        let now = Instant::now();
        self.pace.committed(full, now);
        self.checkpoints.wrote(now);
        if self.checkpoints.run_when_due(&self.connection, &self.path, now) {
            self.pace.synced();
            // The first write after a complete checkpoint starts the log anew and waits for the disk. It is paid
            // here, between two windows, not by the next window (measured: its 99th percentile falls by half).
            if let Err(error) = self.set_synchronous(self.always_full).and_then(|()| self.heartbeat()) {
                log::debug!("heartbeat after a checkpoint: {error}");
            }
        }
    }

    /// A small FULL commit: it makes all commits before it durable. Not a passive checkpoint, because that one syncs
    /// nothing beyond the point where a reader stands.
    fn sync(&mut self) -> Result<(), StoreError> {
        self.set_synchronous(true)?;
        self.heartbeat().inspect_err(|e| {
            self.checkpoints.suspect |= matches!(e, StoreError::Io { .. });
        })?;
        self.pace.synced();
        Ok(())
    }

    fn heartbeat(&self) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(HEARTBEAT)
            .and_then(|mut statement| statement.execute([]))
            .map_err(|e| self.error("heartbeat", e))?;
        Ok(())
    }

    /// SQLite refuses to change this inside a transaction, so it comes before BEGIN.
    fn set_synchronous(&mut self, full: bool) -> Result<(), StoreError> {
        if self.full_now != Some(full) {
            let word = if full { "FULL" } else { "NORMAL" };
            self.connection
                .pragma_update(None, "synchronous", word)
                .map_err(|e| self.error("setting synchronous", e))?;
            self.full_now = Some(full);
        }
        Ok(())
    }

    /// # Errors
    /// [`StoreError::Damaged`] when another program has written over the file or its log.
    fn refuse_overwritten(&mut self, now: Instant) -> Result<(), StoreError> {
        match self.checkpoints.is_overwritten(&self.connection, now) {
            false => Ok(()),
            true => Err(StoreError::Damaged {
                path: self.path.clone(),
                operation: "looking at it past SQLite".to_owned(),
                detail: "another program has written over it".to_owned(),
            }),
        }
    }

    fn error(&self, operation: &str, source: rusqlite::Error) -> StoreError {
        StoreError::sqlite(&self.path, operation, source)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Closing the connection copies the log, also when nobody has called `finish`.
        self.checkpoints.look(&self.connection);
    }
}
