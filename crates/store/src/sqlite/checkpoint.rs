//! Our own checkpoints. SQLite's automatic ones hide their errors (COMMIT answers success), so they are switched off.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::outside::Outside;
use super::pace::{Wal, checkpoint_due};

/// Without a copied page for this long, a reader is stuck.
const PINNED_AFTER: Duration = Duration::from_secs(30);
/// A stuck reader or a failing disk is said again after this time.
const SAY_AGAIN: Duration = Duration::from_secs(60);
/// Quiet time after which the log is cut to nothing.
const QUIET: Duration = Duration::from_secs(30);
/// What a page takes in the log.
const PAGE_BYTES: i64 = 4096 + 24;
/// From this size on a log that is held back is told, from the second on it is too large.
const LIMITS: (u64, u64) = (64 << 20, 256 << 20);

/// A log that a reader holds back by keeping its transaction open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// What the log has become.
    pub bytes: u64,
    /// It is past the limit up to which it is only told.
    pub too_large: bool,
}

/// Decides and watches checkpoints.
#[derive(Debug)]
pub(super) struct Checkpoints {
    /// Pages from which one is due.
    due_pages: i64,
    last: Instant,
    last_write: Instant,
    /// The log was cut since the last write, or that was tried.
    quiet_done: bool,
    /// Pages copied when the last incomplete checkpoint ended, and since when that number stands.
    stuck: Option<(i64, Instant)>,
    /// Pages in the log at the last look.
    pages: i64,
    said: Option<Instant>,
    /// It was said that the log is too large.
    said_large: bool,
    /// Bytes from which on the log is told, and too large.
    pub(super) limits: (u64, u64),
    /// A sync failed: what was committed since the last good one may be on the disk or not.
    pub(super) suspect: bool,
    /// Another program has written over the file or its log: nothing is copied any more.
    overwritten: bool,
    outside: Outside,
}

impl Checkpoints {
    /// Of a file that has just been opened. To be dropped after the connection.
    pub(super) fn new(path: &Path, now: Instant, due_pages: i64) -> Self {
        Self {
            due_pages,
            last: now,
            last_write: now,
            quiet_done: false,
            stuck: None,
            pages: 0,
            said: None,
            said_large: false,
            limits: LIMITS,
            suspect: false,
            overwritten: false,
            outside: Outside::of(path, now),
        }
    }

    /// To be called after each commit of a window.
    pub(super) fn wrote(&mut self, now: Instant) {
        (self.last_write, self.quiet_done) = (now, false);
        self.outside.first_commit();
    }

    /// Whether another program has written over the file or its log. Looks once a second.
    pub(super) fn is_overwritten(&mut self, connection: &Connection, now: Instant) -> bool {
        self.overwritten || (self.outside.is_due(now) && self.look(connection))
    }

    /// Looks now. A file that is not ours any more gets nothing copied into it, neither now nor by closing.
    pub(super) fn look(&mut self, connection: &Connection) -> bool {
        let Ok(wal) = wal_state(connection) else {
            return self.overwritten;
        };
        if !self.overwritten && self.outside.is_overwritten(wal.pages) {
            self.give_up(connection);
        }
        self.overwritten
    }

    /// Nothing is copied into the file any more, neither by us nor by closing.
    pub(super) fn give_up(&mut self, connection: &Connection) {
        self.overwritten = true;
        if let Err(error) = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            log::debug!("closing without a checkpoint: {error}");
        }
    }

    /// Copies the log into the main file when it is time, or when an earlier sync failed. Returns true when now
    /// everything committed is in the main file and on the disk. Errors are logged and remembered: the rows are
    /// committed, so the window is no failure.
    pub(super) fn run_when_due(&mut self, connection: &Connection, path: &Path, now: Instant) -> bool {
        let due = match wal_state(connection) {
            Ok(wal) => {
                self.pages = wal.pages;
                self.suspect || checkpoint_due(wal, self.due_pages, self.last, self.stuck.is_some(), now)
            }
            Err(error) => {
                self.failed(path, &error, now);
                return false;
            }
        };
        due && self.run(connection, path, now)
    }

    /// Copies the log into the main file. See [`Checkpoints::run_when_due`].
    pub(super) fn run(&mut self, connection: &Connection, path: &Path, now: Instant) -> bool {
        self.last = now;
        if self.look(connection) {
            return false;
        }
        let outcome = checkpoint(connection, "PASSIVE");
        self.outside
            .checkpointed(outcome.as_ref().is_ok_and(|wal| wal.is_complete()));
        match outcome {
            Ok(wal) => {
                self.watch(wal, path, now);
                // A partial copy proves nothing for the pages behind it.
                self.suspect &= !wal.is_complete();
                wal.is_complete()
            }
            Err(error) => {
                self.failed(path, &error, now);
                false
            }
        }
    }

    /// In quiet time: cuts the log file to nothing, once, if no reader is in the way.
    pub(super) fn cut_when_quiet(&mut self, connection: &Connection, timeout: Duration, path: &Path, now: Instant) {
        if self.quiet_done || now.saturating_duration_since(self.last_write) < QUIET {
            return;
        }
        self.quiet_done = true;
        if let Err(error) = self.cut(connection, timeout) {
            self.failed(path, &error, now);
        }
    }

    /// As [`cut`], but not in a file that is not ours any more.
    pub(super) fn cut(&mut self, connection: &Connection, timeout: Duration) -> rusqlite::Result<()> {
        if !self.look(connection) {
            let outcome = cut(connection, timeout);
            self.outside
                .checkpointed(outcome.as_ref().is_ok_and(|wal| wal.is_complete()));
            outcome?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn look_soon(&mut self) {
        self.outside.look_soon();
    }

    fn failed(&mut self, path: &Path, error: &rusqlite::Error, now: Instant) {
        self.suspect = true;
        if self.may_say(now) {
            log::error!(
                "checkpoint of {} failed: {error}; the newest windows may not survive a power cut, trying again",
                path.display()
            );
        }
    }

    /// The log while a reader is stuck, or while it is past its limit for that reason.
    pub(super) fn pinned(&self, now: Instant) -> Option<Pinned> {
        let (_, since) = self.stuck?;
        let bytes = (self.pages * PAGE_BYTES).unsigned_abs();
        let (told, too_large) = self.limits;
        let pinned = now.saturating_duration_since(since) >= PINNED_AFTER || bytes >= told;
        pinned.then_some(Pinned {
            bytes,
            too_large: bytes >= too_large,
        })
    }

    fn watch(&mut self, wal: Wal, path: &Path, now: Instant) {
        self.pages = wal.pages;
        if wal.is_complete() {
            (self.stuck, self.said_large) = (None, false);
            return;
        }
        let since = match self.stuck {
            Some((copied, since)) if copied == wal.copied => since,
            _ => now,
        };
        self.stuck = Some((wal.copied, since));
        let Some(pinned) = self.pinned(now) else { return };
        // That it became too large does not wait for its minute.
        if (pinned.too_large && !self.said_large) || self.may_say(now) {
            self.said_large = pinned.too_large;
            let level = match pinned.too_large {
                true => log::Level::Error,
                false => log::Level::Warn,
            };
            let seconds = now.saturating_duration_since(since).as_secs();
            log::log!(
                level,
                "a reader of {} holds its transaction open ({seconds} s): the -wal file grows, {} MB now; \
                 close that reader or let it finish its query",
                path.display(),
                pinned.bytes >> 20
            );
        }
    }

    fn may_say(&mut self, now: Instant) -> bool {
        let may = self
            .said
            .is_none_or(|at| now.saturating_duration_since(at) >= SAY_AGAIN);
        if may {
            self.said = Some(now);
        }
        may
    }
}

/// Reads the state of the log and does nothing.
pub(super) fn wal_state(connection: &Connection) -> rusqlite::Result<Wal> {
    checkpoint(connection, "NOOP")
}

/// Copies everything and cuts the log file to nothing; if a reader is in the way, copies what it allows. Does not
/// wait for readers: `timeout` is what the connection is given back afterwards.
pub(super) fn cut(connection: &Connection, timeout: Duration) -> rusqlite::Result<Wal> {
    connection.busy_timeout(Duration::ZERO)?;
    let outcome = checkpoint(connection, "TRUNCATE").and_then(|wal| match wal.busy {
        true => checkpoint(connection, "PASSIVE"),
        false => Ok(wal),
    });
    connection.busy_timeout(timeout)?;
    outcome
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Wal> {
    connection
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| {
            Ok(Wal {
                busy: row.get(0)?,
                pages: row.get(1)?,
                copied: row.get(2)?,
            })
        })
}
