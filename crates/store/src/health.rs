//! The table `health`: when the recorder changed from one state to another, and why.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::error::StoreError;
use crate::side::SideTable;

/// Made with the first row, in whichever file is open then.
static HEALTH: SideTable = SideTable {
    name: "health",
    columns: &[
        ("ts", "TEXT"),
        ("state", "TEXT"),
        ("was", "TEXT"),
        ("why", "TEXT"),
        ("advice", "TEXT"),
    ],
    index: "",
};

/// A row of `health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthRow {
    /// When it changed, ISO 8601 in JST, milliseconds.
    pub ts: String,
    /// The state from then on.
    pub state: &'static str,
    /// The state before.
    pub was: &'static str,
    /// A few words.
    pub why: String,
    /// What to do; empty when there is nothing to do.
    pub advice: &'static str,
}

/// Stores rows in one transaction.
pub(crate) fn write(connection: &mut Connection, path: &Path, rows: &[HealthRow]) -> Result<(), StoreError> {
    let failed = |e| StoreError::sqlite(path, "storing the state", e);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    HEALTH.ensure(&transaction, path)?;
    {
        let mut insert = transaction
            .prepare_cached("INSERT INTO health (ts, state, was, why, advice) VALUES (?1, ?2, ?3, ?4, ?5)")
            .map_err(failed)?;
        for r in rows {
            insert
                .execute(params![r.ts, r.state, r.was, r.why, r.advice])
                .map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)
}
