//! Windows into the tables: one a transaction while recording, many in a replay.

use std::collections::BTreeMap;
use std::path::Path;

use ayumi_engine::SymbolId;
use ayumi_engine::batch::Batch;
use ayumi_engine::jst::iso_ms;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::overlap::{self, Booked, Overlap};
use super::statements::Statements;
use super::states;
use crate::error::StoreError;
use crate::options::Purpose;
use crate::rows::{Cell, WindowRows, row_hash};
use crate::schema::{DATA_TABLES, TICK_BATCH, WINDOW_LOG};

/// The statements, built once; SQLite keeps them prepared by their text.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) data: [String; 4],
    pub(super) log: String,
    pub(super) state: String,
    purpose: Purpose,
}

impl Sql {
    /// `unique` says for each data table whether its key is.
    pub(super) fn new(unique: [bool; 4], purpose: Purpose) -> Self {
        let mut data = DATA_TABLES.map(|table| table.insert_sql(true));
        for (at, unique) in unique.into_iter().enumerate() {
            data[at] = DATA_TABLES[at].insert_sql(unique);
        }
        Self {
            data,
            log: WINDOW_LOG.insert_sql(true),
            state: match purpose {
                Purpose::Record => states::upsert_sql(),
                Purpose::Replay => states::upsert_forward_sql(),
            },
            purpose,
        }
    }

    /// The insert into `volume_ledger`.
    pub(super) fn ledger(&self) -> &str {
        &self.data[DATA_TABLES.len() - 1]
    }
}

/// How a transaction ended.
pub(super) enum Stored {
    /// The window is in the file now.
    New { rows: u64, checksum: u64 },
    /// It was there before.
    Before { checksum: u64 },
    /// One with this start and other content was there before; the volume of ours is in the ledger now.
    Beside { rows: u64, checksum: u64 },
}

/// Stores windows in one transaction, all or nothing: leaving early rolls back.
pub(super) fn store(
    connection: &mut Connection,
    sql: &Sql,
    path: &Path,
    windows: &[(&Batch, WindowRows<'_>)],
) -> Result<Vec<Stored>, StoreError> {
    let failed = |operation: &'static str| move |e| StoreError::sqlite(path, operation, e);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed("beginning a window"))?;
    let mut statements = Statements::new(&transaction, sql).map_err(failed("preparing the inserts"))?;
    let stored: Vec<(Stored, Later)> = windows
        .iter()
        .map(|(batch, rows)| store_one(&transaction, &mut statements, sql, path, rows, batch))
        .collect::<Result<_, _>>()?;
    statements.finish().map_err(failed("insert into stream_state"))?;
    transaction.commit().map_err(failed("commit"))?;
    let said = |((stored, later), (batch, _)): ((Stored, Later), &(&Batch, _))| {
        later.say(path, batch);
        stored
    };
    Ok(stored.into_iter().zip(windows).map(said).collect())
}

/// What is said of a window once it is committed.
enum Later {
    Nothing,
    Inserted(Inserted, Booked),
    Beside(Booked),
}

impl Later {
    fn say(&self, path: &Path, batch: &Batch) {
        match self {
            Self::Nothing => {}
            Self::Inserted(inserted, booked) => inserted.warn(path, batch, booked),
            Self::Beside(booked) => overlap::say(path, batch, booked),
        }
    }
}

/// One window within a transaction. `window_log` comes first, its key decides.
fn store_one<'w>(
    transaction: &Transaction<'_>,
    statements: &mut Statements<'_, 'w>,
    sql: &Sql,
    path: &Path,
    rows: &WindowRows<'w>,
    batch: &'w Batch,
) -> Result<(Stored, Later), StoreError> {
    let failed = |operation: &'static str| move |e| StoreError::sqlite(path, operation, e);
    let checksum = rows.checksum();
    let fresh = statements
        .log(&rows.log(checksum))
        .map_err(failed("insert into window_log"))?;
    let overlap = Overlap {
        transaction,
        sql,
        path,
        rows,
        batch,
    };
    if !fresh {
        let stored = stored_checksum(transaction, batch.start_ms).map_err(failed("reading window_log"))?;
        if stored == checksum {
            return Ok((Stored::Before { checksum }, Later::Nothing));
        }
        if sql.purpose == Purpose::Replay {
            return Err(StoreError::OtherWindow {
                path: path.to_owned(),
                start: iso_ms(batch.start_ms),
            });
        }
        statements.write_states().map_err(failed("insert into stream_state"))?;
        let booked = overlap.book_whole()?;
        return beside(transaction, path, batch, stored, booked);
    }
    let inserted = insert_rows(statements, rows, batch, path)?;
    if !inserted.left_out.is_empty() {
        // It is decided by what the file accounts for.
        statements.write_states().map_err(failed("insert into stream_state"))?;
    }
    let booked = overlap.book_left_out(&inserted.left_out)?;
    statements
        .put_states(rows, batch)
        .map_err(failed("insert into stream_state"))?;
    let checksum = checksum.wrapping_sub(inserted.kept_hash).wrapping_add(booked.hash);
    if !inserted.kept.is_empty() {
        set_checksum(transaction, batch, checksum).map_err(failed("update of window_log"))?;
    }
    let rows = inserted.rows + booked.rows;
    Ok((Stored::New { rows, checksum }, Later::Inserted(inserted, booked)))
}

/// A window whose start is taken.
fn beside(
    transaction: &Transaction<'_>,
    path: &Path,
    batch: &Batch,
    stored: u64,
    booked: Booked,
) -> Result<(Stored, Later), StoreError> {
    if (booked.rows, booked.states) == (0, 0) {
        return Ok((Stored::Before { checksum: stored }, Later::Beside(booked)));
    }
    let checksum = stored.wrapping_add(booked.hash);
    set_checksum(transaction, batch, checksum).map_err(|e| StoreError::sqlite(path, "update of window_log", e))?;
    let rows = booked.rows;
    Ok((Stored::Beside { rows, checksum }, Later::Beside(booked)))
}

/// What inserting a window's rows came to.
#[derive(Default)]
struct Inserted {
    rows: u64,
    /// Per table: rows that were not written because one with the same time and ticker stands there.
    kept: BTreeMap<&'static str, u64>,
    /// Sum of the hashes of these rows: the window's checksum is about what is stored.
    kept_hash: u64,
    /// Symbols whose `tick_batch` row is among them.
    left_out: Vec<SymbolId>,
}

impl Inserted {
    fn warn(&self, path: &Path, batch: &Batch, booked: &Booked) {
        if !self.kept.is_empty() {
            let tables: Vec<String> = self.kept.iter().map(|(table, n)| format!("{table} {n}")).collect();
            log::warn!(
                "{}: rows ending at {} were there already and stay, ours were left out: {}; \
                 volume {} of theirs that is in no other row is in volume_ledger (overflow)",
                path.display(),
                iso_ms(batch.end_ms),
                tables.join(", "),
                booked.volume
            );
        }
    }
}

fn insert_rows(
    statements: &mut Statements<'_, '_>,
    rows: &WindowRows<'_>,
    batch: &Batch,
    path: &Path,
) -> Result<Inserted, StoreError> {
    let mut inserted = Inserted::default();
    rows.try_each(|table, row| {
        let at = DATA_TABLES
            .iter()
            .position(|t| t.name == table.name)
            .expect("rows come for data tables only");
        let fresh = statements
            .row(at, row)
            .map_err(|e| StoreError::sqlite(path, &format!("insert into {}", table.name), e))?;
        if fresh {
            inserted.rows += 1;
        } else {
            *inserted.kept.entry(table.name).or_default() += 1;
            inserted.kept_hash = inserted.kept_hash.wrapping_add(row_hash(table, row));
            if table.name == TICK_BATCH.name {
                let window = batch.symbols.iter().find(|w| rows.ticker(w.symbol) == row[0]);
                inserted.left_out.extend(window.map(|w| w.symbol));
            }
        }
        Ok(())
    })?;
    Ok(inserted)
}

/// Runs an insert; false when it left a standing row alone.
pub(super) fn execute(connection: &Connection, sql: &str, row: &[Cell<'_>]) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(sql)?
        .execute(rusqlite::params_from_iter(row))?;
    Ok(changed > 0)
}

fn set_checksum(connection: &Connection, batch: &Batch, checksum: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE window_log SET checksum = ?2 WHERE window_id = ?1";
    connection.execute(sql, [batch.start_ms, checksum.cast_signed()])?;
    Ok(())
}

fn stored_checksum(connection: &Connection, window_id: i64) -> rusqlite::Result<u64> {
    connection.query_row(
        "SELECT checksum FROM window_log WHERE window_id = ?1",
        [window_id],
        |row| row.get(0).map(i64::cast_unsigned),
    )
}
