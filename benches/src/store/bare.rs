//! SQLite and nothing else: the floor under the sink.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

const TABLES: [&str; 3] = ["tick_batch", "orderbook_snapshot", "features_stream"];

/// Rows in a transaction of [`Bulk`].
const BULK: usize = 10_000;

/// Rows of one window, by table.
type Rows = [Vec<Vec<Value>>; 3];

/// Tables and their rows.
pub(crate) type Tables = Vec<(&'static str, Vec<Vec<Value>>)>;

/// Rows that go into a new database as fast as SQLite takes them.
pub(crate) struct Bulk {
    /// What makes the tables and indexes.
    schema: Vec<String>,
    tables: Tables,
}

impl Bulk {
    /// With the tables and indexes of `like`.
    pub(crate) fn new(like: &Path, tables: Tables) -> Result<Self> {
        let connection = Connection::open(like)?;
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
        let mut select = connection.prepare(sql)?;
        let schema = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Self { schema, tables })
    }

    /// Inserts them, 10,000 a transaction, one table after the other; the time that took.
    pub(crate) fn insert_into(&self, path: &Path) -> Result<Duration> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(&self.schema.join(";"))?;
        let began = Instant::now();
        for (table, rows) in &self.tables {
            let columns = rows.first().context("an empty table")?.len();
            let insert = format!("INSERT INTO {table} VALUES ({})", vec!["?"; columns].join(", "));
            for some in rows.chunks(BULK) {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut statement = transaction.prepare_cached(&insert)?;
                for row in some {
                    statement.execute(params_from_iter(row))?;
                }
                drop(statement);
                transaction.commit()?;
            }
        }
        Ok(began.elapsed())
    }
}

/// A database that takes prepared rows.
pub(super) struct Bare {
    connection: Connection,
    inserts: [String; 3],
    windows: Vec<Rows>,
}

/// Lets `fill` make a database and reads its windows back as plain values.
pub(super) fn rows_of(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<Vec<Rows>> {
    fill(path)?;
    let connection = Connection::open(path)?;
    let mut windows: BTreeMap<i64, Rows> = BTreeMap::new();
    for (at, table) in TABLES.iter().enumerate() {
        // There is no index on window_id, so once through all of it.
        let mut select = connection.prepare(&format!("SELECT *, window_id FROM {table} ORDER BY rowid"))?;
        let columns = select.column_count() - 1;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..columns).map(|at| row.get(at)).collect::<Result<_, _>>()?;
            windows.entry(row.get(columns)?).or_default()[at].push(cells);
        }
    }
    Ok(windows.into_values().collect())
}

/// Every row of these tables as plain values, in the order in which they were stored.
pub(crate) fn rows_in(path: &Path, tables: &[&'static str]) -> Result<Tables> {
    let connection = Connection::open(path)?;
    let all = |table: &&'static str| {
        let mut select = connection.prepare(&format!("SELECT * FROM {table} ORDER BY rowid"))?;
        let columns = select.column_count();
        let rows = select.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
        Ok((*table, rows.collect::<Result<_, _>>()?))
    };
    tables.iter().map(all).collect()
}

impl Bare {
    /// Opens a database that has the tables already.
    pub(super) fn open(path: &Path, full: bool, windows: Vec<Rows>) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", if full { "FULL" } else { "NORMAL" })?;
        let first = windows.first().context("no windows")?;
        let mut inserts = TABLES.map(str::to_owned);
        for (insert, rows) in inserts.iter_mut().zip(first) {
            let columns = rows.first().context("an empty window")?.len();
            *insert = format!("INSERT INTO {insert} VALUES ({})", vec!["?"; columns].join(", "));
        }
        Ok(Self {
            connection,
            inserts,
            windows,
        })
    }

    /// One window, one transaction.
    pub(super) fn store(&mut self, window: usize) -> Result<()> {
        let Some(rows) = self.windows.get(window) else {
            return Ok(());
        };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (insert, rows) in self.inserts.iter().zip(rows) {
            let mut statement = transaction.prepare_cached(insert)?;
            for row in rows {
                statement.execute(params_from_iter(row))?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
