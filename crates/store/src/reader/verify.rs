//! Recomputes the checksums of windows from the stored rows.

use std::collections::BTreeMap;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::Reader;
use crate::error::StoreError;
use crate::rows::{Cell, row_hash};
use crate::schema::{DATA_TABLES, Table};

/// What a check of all windows found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Windows in `window_log`.
    pub windows: u64,
    /// Ids of the windows whose rows are not those that were written, ascending; also of windows that have rows but
    /// do not stand in `window_log`.
    pub damaged: Vec<i64>,
    /// Wrapping sum of the recomputed checksums; [`crate::Totals::digest`] of a run that wrote all of them.
    pub digest: u64,
}

impl Reader {
    /// Wrapping sum of the stored checksums of the windows that start in `[from_ms, to_ms)`.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn digest(&self, from_ms: i64, to_ms: i64) -> Result<u64, StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "reading window_log", e);
        let mut statement = self
            .connection
            .prepare_cached("SELECT checksum FROM window_log WHERE window_id >= ?1 AND window_id < ?2")
            .map_err(failed)?;
        let mut rows = statement.query([from_ms, to_ms]).map_err(failed)?;
        let mut sum = 0u64;
        while let Some(row) = rows.next().map_err(failed)? {
            sum = sum.wrapping_add(row.get::<_, i64>(0).map_err(failed)?.cast_unsigned());
        }
        Ok(sum)
    }

    /// Reads every row that a sink wrote and compares each window with its checksum. Rows without a window (those of
    /// the scripts) are left out. Takes seconds on a full day.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "verifying", e);
        // One snapshot over all tables: otherwise a window committed in between would look damaged.
        let snapshot = self.connection.unchecked_transaction().map_err(failed)?;
        let mut windows: BTreeMap<i64, (Option<u64>, u64)> = BTreeMap::new();
        let mut statement = snapshot
            .prepare("SELECT window_id, checksum FROM window_log")
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (id, checksum) = (row.get(0).map_err(failed)?, row.get::<_, i64>(1).map_err(failed)?);
            windows.insert(id, (Some(checksum.cast_unsigned()), 0));
        }
        for table in DATA_TABLES {
            let mut statement = snapshot.prepare(&table.select_sql()).map_err(failed)?;
            let mut rows = statement.query([]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                let hash = stored_hash(table, row).map_err(failed)?;
                let sum = &mut windows.entry(row.get(0).map_err(failed)?).or_default().1;
                *sum = sum.wrapping_add(hash);
            }
        }
        Ok(judge(&windows))
    }
}

fn judge(windows: &BTreeMap<i64, (Option<u64>, u64)>) -> Verified {
    let mut verified = Verified::default();
    for (id, (logged, found)) in windows {
        verified.windows += u64::from(logged.is_some());
        verified.digest = verified.digest.wrapping_add(*found);
        if *logged != Some(*found) {
            verified.damaged.push(*id);
        }
    }
    verified
}

/// Hash of a row of [`Table::select_sql`], whose first column is the window.
pub(super) fn stored_hash(table: &Table, row: &Row<'_>) -> rusqlite::Result<u64> {
    let mut cells = Vec::with_capacity(table.columns.len());
    for at in 1..=table.columns.len() {
        cells.push(match row.get_ref(at)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(value) => Cell::Int(value),
            ValueRef::Real(value) => Cell::real(value),
            ValueRef::Text(text) | ValueRef::Blob(text) => Cell::Text(String::from_utf8_lossy(text)),
        });
    }
    Ok(row_hash(table, &cells))
}
