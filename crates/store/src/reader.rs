//! Read-only access to a database that a sink may be writing: for live tables, checks and tests.
//!
//! Never writes, never checkpoints, and holds no transaction between two calls, so it cannot hold the log back.

mod audit;
mod day;
mod features;
mod look;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

pub use audit::{
    Audit, AuditWatch, AuditedLedger, AuditedTick, DamagedWindow, LoggedWindow, Shape, Span, StoredState, Unreadable,
    WindowFault,
};
pub use day::{DayBook, DayRow};
pub use features::{FeatureReader, FollowedRow, Mark};
pub(crate) use look::quick_check;
pub use look::{Integrity, Owner, Recent, StoredHealth, owner};
pub use verify::Verified;

/// How long a query waits for a lock. In WAL mode readers wait for nobody, except in the moment a file is created.
const BUSY: Duration = Duration::from_millis(50);

/// A read-only connection.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

/// A row of `tick_batch` with the book and the feature of the same window.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveRow {
    /// Row id in `tick_batch`; give the largest one to the next [`Reader::latest_since`].
    pub rowid: i64,
    /// The symbol.
    pub ticker: String,
    /// End of the window, JST.
    pub ts_end: String,
    /// Ticks in the window.
    pub ticks: i64,
    /// Their volume.
    pub vol_sum: f64,
    /// Price of the last one, yen.
    pub last_price: f64,
    /// Best buy, yen; `None` when unknown or empty.
    pub bid1: Option<f64>,
    /// Best sell, yen; `None` when unknown or empty.
    pub ask1: Option<f64>,
    /// Basis points; `None` without an ordinary two-sided quote.
    pub spread_bp: Option<f64>,
    /// Share of upticks among the moves; 0.5 when nothing moved.
    pub uptick_ratio: Option<f64>,
}

impl Reader {
    /// Opens an existing database, as `mode=ro` does.
    ///
    /// # Errors
    /// [`StoreError::Io`] when there is no such file, otherwise what SQLite reports.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |e| StoreError::opening(path, "opening to read", e);
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.pragma_update(None, "query_only", 1).map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// The newest rows whose row id is greater than `rowid`, at most `limit` of them, oldest first. Rows that a
    /// script wrote come without book and ratio.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn latest_since(&self, rowid: i64, limit: usize) -> Result<Vec<LiveRow>, StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "reading the newest rows", e);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT t.rowid, coalesce(t.ticker, ''), coalesce(t.ts_window_end, ''), coalesce(t.ticks, 0), \
                 coalesce(t.vol_sum, 0.0), coalesce(t.last_price, 0.0), o.bid1, o.ask1, o.spread_bp, f.uptick_ratio \
                 FROM (SELECT rowid, * FROM tick_batch WHERE rowid > ?1 ORDER BY rowid DESC LIMIT ?2) AS t \
                 LEFT JOIN orderbook_snapshot AS o \
                 ON o.ts = t.ts_window_end AND o.ticker = t.ticker AND o.window_id = t.window_id \
                 LEFT JOIN features_stream AS f \
                 ON f.ts = t.ts_window_end AND f.ticker = t.ticker AND f.window_id = t.window_id \
                 ORDER BY t.rowid",
            )
            .map_err(failed)?;
        let rows = statement.query_map([rowid, limit], live_row).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Windows and `tick_batch` rows in the file. Counts them: milliseconds on a day of three million rows.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn counts(&self) -> Result<(u64, u64), StoreError> {
        self.connection
            .prepare_cached("SELECT (SELECT count(*) FROM window_log), (SELECT count(*) FROM tick_batch)")
            .and_then(|mut s| {
                s.query_row([], |row| {
                    let (windows, rows): (i64, i64) = (row.get(0)?, row.get(1)?);
                    Ok((windows.unsigned_abs(), rows.unsigned_abs()))
                })
            })
            .map_err(|e| StoreError::sqlite(&self.path, "counting rows", e))
    }
}

fn live_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<LiveRow> {
    Ok(LiveRow {
        rowid: row.get(0)?,
        ticker: row.get(1)?,
        ts_end: row.get(2)?,
        ticks: row.get(3)?,
        vol_sum: row.get(4)?,
        last_price: row.get(5)?,
        bid1: row.get(6)?,
        ask1: row.get(7)?,
        spread_bp: row.get(8)?,
        uptick_ratio: row.get(9)?,
    })
}
