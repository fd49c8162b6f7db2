//! The table `signals`: what `ayumi naut` found in `features_stream`.
//!
//! Not a table of the recorder: it is created with the first signal, by whoever found it, in a database that may belong
//! to a running recorder. Therefore short transactions, no checkpoint of our own, no sync, and a lost race for the write
//! lock is an error that may be tried again. Rows that stand are never changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::error::StoreError;
use crate::side::SideTable;
use crate::sqlite::identity::{FileId, file_id};

/// How long one attempt waits for the write lock; a recorder holds it for a millisecond.
const BUSY: Duration = Duration::from_millis(100);

static SIGNALS: SideTable = SideTable {
    name: "signals",
    columns: &[
        ("ts", "TEXT"),
        ("ticker", "TEXT"),
        ("side", "TEXT"),
        ("uptick_ratio", "REAL"),
        ("depth_imbalance", "REAL"),
        ("spread_bp", "REAL"),
        ("vol_sum", "REAL"),
        ("base", "REAL"),
        ("bonus", "REAL"),
        ("score", "REAL"),
        ("profile", "TEXT"),
        ("window_id", "INTEGER"),
    ],
    index: "CREATE UNIQUE INDEX IF NOT EXISTS ux_signals_ts_ticker_side_profile \
            ON signals (ts, ticker, side, profile)",
};
const INSERT: &str = "INSERT INTO signals (ts, ticker, side, uptick_ratio, depth_imbalance, spread_bp, vol_sum, base, \
                      bonus, score, profile, window_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
                      ON CONFLICT DO NOTHING";

/// A row of `signals`.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalRow {
    /// `ts` of the feature row.
    pub ts: String,
    /// The symbol.
    pub ticker: String,
    /// `BUY` or `SELL`.
    pub side: &'static str,
    /// As in the feature row.
    pub uptick_ratio: f64,
    /// As in the feature row.
    pub depth_imbalance: Option<f64>,
    /// As in the feature row, basis points.
    pub spread_bp: Option<f64>,
    /// As in the feature row.
    pub vol_sum: f64,
    /// Base score.
    pub base: f64,
    /// What a recent burst added.
    pub bonus: f64,
    /// Their sum.
    pub score: f64,
    /// The rules it was found by.
    pub profile: &'static str,
    /// The feature row's window; `None` for rows of a script.
    pub window_id: Option<i64>,
}

/// A connection that writes signals and nothing else.
#[derive(Debug)]
pub struct SignalWriter {
    connection: Connection,
    path: PathBuf,
    file: Option<FileId>,
    checked: bool,
}

impl SignalWriter {
    /// Opens an existing database; changes nothing in it.
    ///
    /// # Errors
    /// What SQLite reports; a missing file is one that may be tried again.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |e| StoreError::sqlite(path, "opening to write signals", e);
        let file = file_id(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        // The recorder decides when its log is copied; a sync is its business, too.
        connection
            .pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))
            .map_err(failed)?;
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            file,
            checked: false,
        })
    }

    /// The database.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was deleted, moved or replaced since it was opened.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        file_id(&self.path) != self.file
    }

    /// Stores signals in one transaction, all or none; those that stand there already stay as they are. Returns how
    /// many are new.
    ///
    /// # Errors
    /// Nothing is stored then. When [`StoreError::is_retryable`], the same rows may be given again.
    pub fn write(&mut self, rows: &[SignalRow]) -> Result<u64, StoreError> {
        let Self {
            connection,
            path,
            checked,
            ..
        } = self;
        let failed = |e| StoreError::sqlite(path, "storing signals", e);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        if !*checked {
            SIGNALS.ensure(&transaction, path)?;
        }
        let mut fresh = 0;
        {
            let mut insert = transaction.prepare_cached(INSERT).map_err(failed)?;
            for r in rows {
                let cells = params![
                    r.ts,
                    r.ticker,
                    r.side,
                    r.uptick_ratio,
                    r.depth_imbalance,
                    r.spread_bp,
                    r.vol_sum,
                    r.base,
                    r.bonus,
                    r.score,
                    r.profile,
                    r.window_id
                ];
                fresh += insert.execute(cells).map_err(failed)? as u64;
            }
        }
        transaction.commit().map_err(failed)?;
        *checked = true;
        Ok(fresh)
    }
}
