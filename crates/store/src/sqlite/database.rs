//! One open database: windows in, one transaction each, at the pace of the chosen durability.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::checkpoint::{Checkpoints, cut};
use super::pace::Pace;
use super::states;
use crate::Written;
use crate::error::StoreError;
use crate::lock::Lock;
use crate::options::Options;
use crate::rows::{Cell, WindowRows, row_hash};
use crate::schema::{DATA_TABLES, WINDOW_LOG};

/// The smallest write that is one: SQLite leaves a page alone when its bytes do not change.
pub(super) const HEARTBEAT: &str = "UPDATE schema_version SET heartbeat = heartbeat + 1";

/// What became of a window, and the checksum of its rows as they stand in the file.
pub(super) struct Outcome {
    pub(super) written: Written,
    pub(super) checksum: u64,
}

/// A database with its lock.
#[derive(Debug)]
pub(super) struct Database {
    // Before the lock: the connection is closed first, the lock given back after it.
    pub(super) connection: Connection,
    path: PathBuf,
    sql: Sql,
    pace: Pace,
    checkpoints: Checkpoints,
    busy_timeout: Duration,
    /// What `PRAGMA synchronous` stands at: FULL, or NORMAL.
    full_now: Option<bool>,
    always_full: bool,
    _lock: Lock,
}

/// The statements, built once; SQLite keeps them prepared by their text.
#[derive(Debug)]
struct Sql {
    data: [String; 4],
    log: String,
    state: String,
}

/// How a transaction ended.
enum Stored {
    New { rows: u64, checksum: u64 },
    Before { checksum: u64 },
}

impl Database {
    /// Takes a connection that [`super::open`] has prepared. `unique` says for each data table whether its key is.
    pub(super) fn new(connection: Connection, path: PathBuf, lock: Lock, unique: [bool; 4], options: &Options) -> Self {
        let mut data = DATA_TABLES.map(|table| table.insert_sql(true));
        for (at, unique) in unique.into_iter().enumerate() {
            data[at] = DATA_TABLES[at].insert_sql(unique);
        }
        let every = options.durability.sync_every(options.window_ms);
        Self {
            connection,
            path,
            sql: Sql {
                data,
                log: WINDOW_LOG.insert_sql(true),
                state: states::upsert_sql(),
            },
            pace: Pace::new(every),
            checkpoints: Checkpoints::new(Instant::now()),
            busy_timeout: options.busy_timeout,
            full_now: None,
            always_full: every == Some(1),
            _lock: lock,
        }
    }

    /// Stores a window in one transaction.
    pub(super) fn write(&mut self, batch: &Batch, tickers: &[String]) -> Result<Outcome, StoreError> {
        let rows = WindowRows::new(batch, tickers);
        if let Some(id) = rows.unknown_symbol() {
            return Err(StoreError::UnknownSymbol {
                id,
                known: tickers.len(),
            });
        }
        let now = Instant::now();
        self.settle_doubts(now);
        let full = self.pace.next_is_full(now);
        self.set_synchronous(full)?;
        let stored = self.transaction(&rows, batch).inspect_err(|e| {
            // A failed sync leaves the outcome open; Full and Busy do not.
            self.checkpoints.suspect |= matches!(e, StoreError::Io { .. });
        })?;
        let (written_rows, checksum, already_stored) = match stored {
            Stored::New { rows, checksum } => {
                self.committed(full);
                (rows, checksum, false)
            }
            Stored::Before { checksum } => (0, checksum, true),
        };
        Ok(Outcome {
            written: Written {
                rows: written_rows,
                durable: self.is_durable(),
                already_stored,
            },
            checksum,
        })
    }

    /// Makes everything durable that is not.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        self.settle_doubts(Instant::now());
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
        if self.pace.sync_due(now) {
            self.sync()?;
        }
        if self.checkpoints.run_when_due(&self.connection, &self.path, now) {
            self.pace.synced();
        }
        self.checkpoints
            .cut_when_quiet(&self.connection, self.busy_timeout, &self.path, now);
        Ok(())
    }

    /// Last commit durable, log emptied as far as readers allow.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        cut(&self.connection, self.busy_timeout).map_err(|e| self.error("checkpoint at the end", e))?;
        Ok(())
    }

    pub(super) fn is_durable(&self) -> bool {
        !self.pace.has_tail() && !self.checkpoints.suspect
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

    /// All or nothing: leaving early rolls back.
    fn transaction(&mut self, rows: &WindowRows<'_>, batch: &Batch) -> Result<Stored, StoreError> {
        let (sql, path) = (&self.sql, self.path.as_path());
        let failed = |operation: &'static str| move |e| StoreError::sqlite(path, operation, e);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("beginning a window"))?;
        let checksum = crate::rows::checksum(rows);
        let fresh = execute(&transaction, &sql.log, &rows.log(checksum)).map_err(failed("insert into window_log"))?;
        if !fresh {
            let stored = stored_checksum(&transaction, batch.start_ms).map_err(failed("reading window_log"))?;
            if stored != checksum {
                log::warn!(
                    "window {} is stored already, with other content; the stored one stays",
                    ayumi_engine::jst::iso_ms(batch.start_ms)
                );
            }
            return Ok(Stored::Before { checksum: stored });
        }
        let inserted = insert_rows(&transaction, sql, rows, path)?;
        upsert_states(&transaction, sql, rows, batch).map_err(failed("insert into stream_state"))?;
        let checksum = checksum.wrapping_sub(inserted.kept_hash);
        if !inserted.kept.is_empty() {
            transaction
                .execute(
                    "UPDATE window_log SET checksum = ?2 WHERE window_id = ?1",
                    [batch.start_ms, checksum.cast_signed()],
                )
                .map_err(failed("update of window_log"))?;
        }
        transaction.commit().map_err(failed("commit"))?;
        inserted.warn(path, batch);
        Ok(Stored::New {
            rows: inserted.rows,
            checksum,
        })
    }

    fn error(&self, operation: &str, source: rusqlite::Error) -> StoreError {
        StoreError::sqlite(&self.path, operation, source)
    }
}

/// What inserting a window's rows came to.
#[derive(Default)]
struct Inserted {
    rows: u64,
    /// Per table: rows that were not written because one with the same time and ticker stands there.
    kept: BTreeMap<&'static str, u64>,
    /// Sum of the hashes of these rows: the window's checksum is about what is stored.
    kept_hash: u64,
}

impl Inserted {
    fn warn(&self, path: &Path, batch: &Batch) {
        if !self.kept.is_empty() {
            let tables: Vec<String> = self.kept.iter().map(|(table, n)| format!("{table} {n}")).collect();
            log::warn!(
                "{}: rows ending at {} were there already and stay, ours were left out: {}",
                path.display(),
                ayumi_engine::jst::iso_ms(batch.end_ms),
                tables.join(", ")
            );
        }
    }
}

fn insert_rows(
    transaction: &Transaction<'_>,
    sql: &Sql,
    rows: &WindowRows<'_>,
    path: &Path,
) -> Result<Inserted, StoreError> {
    let mut inserted = Inserted::default();
    rows.try_each(|table, row| {
        let at = DATA_TABLES
            .iter()
            .position(|t| t.name == table.name)
            .expect("rows come for data tables only");
        let fresh = execute(transaction, &sql.data[at], row)
            .map_err(|e| StoreError::sqlite(path, &format!("insert into {}", table.name), e))?;
        if fresh {
            inserted.rows += 1;
        } else {
            *inserted.kept.entry(table.name).or_default() += 1;
            inserted.kept_hash = inserted.kept_hash.wrapping_add(row_hash(table, row));
        }
        Ok(())
    })?;
    Ok(inserted)
}

fn upsert_states(
    transaction: &Transaction<'_>,
    sql: &Sql,
    rows: &WindowRows<'_>,
    batch: &Batch,
) -> rusqlite::Result<()> {
    for state in &batch.states {
        let cells = states::cells(state, rows.ticker(state.symbol), batch.start_ms);
        execute(transaction, &sql.state, &cells)?;
    }
    Ok(())
}

/// Runs an insert; false when it left a standing row alone.
fn execute(connection: &Connection, sql: &str, row: &[Cell<'_>]) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(sql)?
        .execute(rusqlite::params_from_iter(row))?;
    Ok(changed > 0)
}

fn stored_checksum(connection: &Connection, window_id: i64) -> rusqlite::Result<u64> {
    connection.query_row(
        "SELECT checksum FROM window_log WHERE window_id = ?1",
        [window_id],
        |row| row.get(0).map(i64::cast_unsigned),
    )
}
