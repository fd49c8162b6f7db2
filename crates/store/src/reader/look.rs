//! Looks at a database from outside: is its structure whole, who owns it, what came last. Read-only, like all of this.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::Reader;
use crate::error::StoreError;
use crate::lock::beside;

/// Problems that a check of the structure names; damage tends to be found again and again.
const NAMED: u32 = 20;

/// What a check of the file's structure came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// Every page is in its place.
    Whole,
    /// SQLite's words, each with table or page.
    Damaged(Vec<String>),
    /// The time was not enough.
    Unfinished,
}

/// Whether a recorder owns a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody does.
    Nobody,
    /// A running process does; with its id when it is known.
    Running(Option<u32>),
}

/// The newest window of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Its id, Unix ms.
    pub window_id: Option<i64>,
    /// Its end, JST text.
    pub ts_end: Option<String>,
    /// Version in `schema_version`.
    pub schema: Option<i64>,
}

impl Reader {
    /// `PRAGMA quick_check`, within a time: a read transaction of its length holds the log of a recorder back.
    ///
    /// # Errors
    /// What SQLite reports, when that is no damage.
    pub fn quick_check(&self, limit: Duration) -> Result<Integrity, StoreError> {
        quick_check(&self.connection, &self.path, limit)
    }

    /// Tables and indexes by the page where their tree begins, in words: `table tick_batch`. What of the schema cannot be
    /// read is not among them.
    #[must_use]
    pub fn trees(&self) -> BTreeMap<u32, String> {
        let read = || {
            let sql = "SELECT rootpage, type, name FROM sqlite_schema WHERE rootpage > 0";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let (kind, name): (String, String) = (row.get(1)?, row.get(2)?);
                Ok((row.get(0)?, format!("{kind} {name}")))
            })?;
            rows.collect::<rusqlite::Result<BTreeMap<u32, String>>>()
        };
        let mut trees = read().unwrap_or_default();
        trees.insert(1, "the schema".to_owned());
        trees
    }

    /// The newest window and the version of the tables; empty for a file without them.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn recent(&self) -> Result<Recent, StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "reading the newest window", e);
        let shape = self.shape()?;
        let mut recent = Recent::default();
        if shape.tables.contains(&"window_log") {
            let sql = "SELECT window_id, CAST(ts_end AS TEXT) FROM window_log ORDER BY window_id DESC LIMIT 1";
            let newest = self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
            if let Some((id, end)) = newest.optional().map_err(failed)? {
                (recent.window_id, recent.ts_end) = (Some(id), end);
            }
        }
        if shape.tables.contains(&"schema_version") {
            let sql = "SELECT max(CAST(version AS INTEGER)) FROM schema_version";
            recent.schema = self.connection.query_row(sql, [], |row| row.get(0)).map_err(failed)?;
        }
        Ok(recent)
    }

    /// The newest state that a recorder wrote; `None` without the table or a row.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn newest_state(&self) -> Result<Option<StoredHealth>, StoreError> {
        if !self.has_table("health")? {
            return Ok(None);
        }
        let sql = "SELECT CAST(ts AS TEXT), CAST(state AS TEXT), CAST(why AS TEXT), CAST(advice AS TEXT) \
                   FROM health ORDER BY rowid DESC LIMIT 1";
        let newest = self.connection.query_row(sql, [], |row| {
            let text = |at| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
            Ok(StoredHealth {
                ts: text(0)?,
                state: text(1)?,
                why: text(2)?,
                advice: text(3)?,
            })
        });
        let failed = |e| StoreError::sqlite(&self.path, "reading the newest state", e);
        newest.optional().map_err(failed)
    }

    /// Rows of the ledger of two trading dates that mean loss (`gap`, `overflow`), and the volume in them.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn missed(&self, date: &str, or: &str) -> Result<(u64, i64), StoreError> {
        if !self.has_table("volume_ledger")? {
            return Ok((0, 0));
        }
        let sql = "SELECT count(*), CAST(coalesce(sum(volume), 0) AS INTEGER) FROM volume_ledger \
                   WHERE trading_date IN (?1, ?2) AND cause IN ('gap', 'overflow')";
        let sums = self.connection.query_row(sql, [date, or], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
        });
        sums.map_err(|e| StoreError::sqlite(&self.path, "adding up the ledger", e))
    }
}

/// The newest row of `health`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredHealth {
    /// Since when, JST text.
    pub ts: String,
    /// The state's word.
    pub state: String,
    /// In a few words; may be empty.
    pub why: String,
    /// What to do, English; empty when there is nothing to do.
    pub advice: String,
}

/// Who owns a database, without touching what is not there. A note that a crash left behind is told from a running
/// owner by its lock.
#[must_use]
pub fn owner(path: &Path) -> Owner {
    let Ok(path) = fs::canonicalize(path) else {
        return Owner::Nobody;
    };
    // The note stands only while a recorder runs, or after a crash: the lock is asked then only, for a moment, because a
    // recorder that starts in that moment would take us for another one.
    let Ok(note) = fs::read_to_string(beside(&path, ".owner")) else {
        return Owner::Nobody;
    };
    let Ok(file) = File::open(beside(&path, ".lock")) else {
        return Owner::Nobody;
    };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Owner::Running(note.trim().parse().ok()),
        Ok(()) => {
            let _ = file.unlock();
            Owner::Nobody
        }
        Err(TryLockError::Error(_)) => Owner::Nobody,
    }
}

/// See [`Reader::quick_check`]; the recorder checks its own file with it when it opens it.
pub(crate) fn quick_check(connection: &Connection, path: &Path, limit: Duration) -> Result<Integrity, StoreError> {
    let interrupt = connection.get_interrupt_handle();
    let (done, over) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.interrupt();
            }
        });
        let checked = check_structure(connection, path);
        drop(done);
        checked
    })
}

fn check_structure(connection: &Connection, path: &Path) -> Result<Integrity, StoreError> {
    let checked = (|| {
        let mut statement = connection.prepare(&format!("PRAGMA quick_check({NAMED})"))?;
        let mut rows = statement.query([])?;
        let mut lines: Vec<String> = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => lines.push(row.get(0)?),
                Ok(None) => return Ok(lines),
                // After the trees it reads the rows, and gives up at a damaged page: the lines before name it.
                Err(error) if !lines.is_empty() && error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                    return Ok(lines);
                }
                Err(error) => return Err(error),
            }
        }
    })();
    match checked {
        Ok(lines) if lines == ["ok"] => Ok(Integrity::Whole),
        // An interrupted check says so in a line of its own, too.
        Ok(lines) if lines.iter().any(|line| line.contains("interrupted")) => Ok(Integrity::Unfinished),
        Ok(lines) => Ok(Integrity::Damaged(lines)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(Integrity::Unfinished),
            Some(ErrorCode::DatabaseCorrupt) => Ok(Integrity::Damaged(vec![error.to_string()])),
            _ => Err(StoreError::sqlite(path, "checking the structure", error)),
        },
    }
}
