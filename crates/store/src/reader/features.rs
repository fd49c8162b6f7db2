//! `features_stream` followed by row id, while it is being written.
//!
//! Every call is one short read whose rows are all taken before anything is done with them, so no transaction stays
//! open between two calls and the log of the recorder can be cut at any time.

use std::path::{Path, PathBuf};

use ayumi_engine::jst::{Date, iso_ms, parse_ms};
use rusqlite::{Connection, OptionalExtension, Row};

use super::Reader;
use crate::error::StoreError;
use crate::schema::FEATURES_STREAM;
use crate::sqlite::identity::{FileId, file_id};

/// A row of `features_stream`, as far as signals are made of it. What a script left out is `None`, no burst.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowedRow {
    /// Row id; grows with every row.
    pub rowid: i64,
    /// The symbol.
    pub ticker: String,
    /// End of the window, JST text.
    pub ts: String,
    /// Share of upticks among the moves.
    pub uptick_ratio: Option<f64>,
    /// Volume of the window.
    pub vol_sum: Option<f64>,
    /// Basis points; `None` when unknown.
    pub spread_bp: Option<f64>,
    /// -1 to 1; `None` when unknown.
    pub depth_imbalance: Option<f64>,
    /// A buy burst starts in this row.
    pub burst_buy: bool,
    /// A sell burst starts in this row.
    pub burst_sell: bool,
    /// 0 to 1.
    pub burst_score: f64,
    /// Start of the window, Unix ms; `None` for rows of a script.
    pub window_id: Option<i64>,
}

/// A row by which a place in the table is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its row id.
    pub rowid: i64,
    /// End of its window.
    pub ts: String,
    /// Its symbol.
    pub ticker: String,
}

impl FollowedRow {
    /// The day of its window; `None` when its time is none. A window that ends at midnight belongs to the day that it
    /// ends.
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        day_of(&self.ts)
    }
}

impl Mark {
    /// As [`FollowedRow::day`].
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        day_of(&self.ts)
    }
}

/// A read-only connection to a database with `features_stream`.
#[derive(Debug)]
pub struct FeatureReader {
    connection: Connection,
    path: PathBuf,
    file: Option<FileId>,
    /// Reads the rows behind a row id.
    sql: String,
}

impl FeatureReader {
    /// Opens a database; `None` while it, or the table in it, is not there.
    ///
    /// # Errors
    /// What SQLite reports, also that the file is no database.
    pub fn open(path: &Path) -> Result<Option<Self>, StoreError> {
        // Before the file: when it is replaced in between, the next look finds another one.
        let file = file_id(path);
        if !path.exists() {
            return Ok(None);
        }
        let Reader { connection, path } = Reader::open(path)?;
        let columns = columns(&connection).map_err(|e| StoreError::opening(&path, "reading the schema", e))?;
        Ok((!columns.is_empty()).then(|| Self {
            sql: rows_sql(&columns),
            connection,
            path,
            file,
        }))
    }

    /// The file that is read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was deleted, moved or replaced since it was opened. Always false on Windows, where an open
    /// database can be none of these.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        file_id(&self.path) != self.file
    }

    /// The rows behind a row id, oldest first, at most `limit` of them.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn after(&self, rowid: i64, limit: usize) -> Result<Vec<FollowedRow>, StoreError> {
        let failed = |e| self.failed(e);
        let mut statement = self.connection.prepare_cached(&self.sql).map_err(failed)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([rowid, limit], feature_row).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The row with the largest row id.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn newest(&self) -> Result<Option<Mark>, StoreError> {
        self.at_or_before(i64::MAX)
    }

    /// The row with the largest row id up to this one.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn at_or_before(&self, rowid: i64) -> Result<Option<Mark>, StoreError> {
        self.mark(
            "SELECT rowid, ts, ticker FROM features_stream WHERE rowid <= ?1 ORDER BY rowid DESC LIMIT 1",
            rowid,
        )
    }

    /// Whether a row still stands where it stood: it does not after rows were deleted or renumbered, or when another
    /// file has taken the name.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn holds(&self, mark: &Mark) -> Result<bool, StoreError> {
        let found = self.mark(
            "SELECT rowid, ts, ticker FROM features_stream WHERE rowid = ?1",
            mark.rowid,
        )?;
        Ok(found.as_ref() == Some(mark))
    }

    /// The row id behind which every row newer than `ts` stands.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn behind(&self, ts: &str) -> Result<i64, StoreError> {
        let first: Option<i64> = self.one("SELECT min(rowid) FROM features_stream WHERE ts > ?1", [ts])?;
        match first {
            Some(rowid) => Ok(rowid - 1),
            None => Ok(self.newest()?.map_or(0, |mark| mark.rowid)),
        }
    }

    /// The row id behind which every row of a day stands, and that of its last one; `None` without any. A window that
    /// ends at midnight belongs to the day that it ends.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn day(&self, date: Date) -> Result<Option<(i64, i64)>, StoreError> {
        let midnight = |days: i64| iso_ms(Date::from_days(days).midnight_s() * 1_000);
        let sql = "SELECT min(rowid) - 1, max(rowid) FROM features_stream WHERE ts > ?1 AND ts <= ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| self.failed(e))?;
        let found = statement.query_row([midnight(date.days()), midnight(date.days() + 1)], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
        });
        found.map_err(|e| self.failed(e))
    }

    /// The day of the newest row by time; `None` when there is none.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn newest_day(&self) -> Result<Option<Date>, StoreError> {
        let ts: Option<String> = self.one("SELECT max(ts) FROM features_stream", [])?;
        Ok(ts.and_then(|ts| day_of(&ts)))
    }

    fn mark(&self, sql: &str, rowid: i64) -> Result<Option<Mark>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok(Mark {
                rowid: row.get(0)?,
                ts: text(row, 1)?,
                ticker: text(row, 2)?,
            })
        };
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| self.failed(e))?;
        statement
            .query_row([rowid], read)
            .optional()
            .map_err(|e| self.failed(e))
    }

    fn one<T: rusqlite::types::FromSql, P: rusqlite::Params>(&self, sql: &str, params: P) -> Result<T, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| self.failed(e))?;
        statement
            .query_row(params, |row| row.get(0))
            .map_err(|e| self.failed(e))
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        StoreError::sqlite(&self.path, "reading features_stream", error)
    }
}

/// The day of a window by its end; `None` when that is no time.
fn day_of(end: &str) -> Option<Date> {
    let last_ms = parse_ms(end)? - 1;
    Some(Date::of_unix_s(last_ms.div_euclid(1_000)))
}

fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT lower(name) FROM pragma_table_info(?1)")?;
    let names = statement.query_map([FEATURES_STREAM.name], |row| row.get(0))?;
    names.collect()
}

/// The files of the scripts may end after `depth_imbalance`; what they lack is read as NULL.
fn rows_sql(columns: &[String]) -> String {
    let wanted = [
        "ticker",
        "ts",
        "uptick_ratio",
        "vol_sum",
        "spread_bp",
        "depth_imbalance",
        "burst_buy",
        "burst_sell",
        "burst_score",
        "window_id",
    ];
    let read = wanted.map(|name| {
        if columns.iter().any(|c| c == name) {
            name
        } else {
            "NULL"
        }
    });
    format!(
        "SELECT rowid, {} FROM features_stream WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
        read.join(", ")
    )
}

fn feature_row(row: &Row<'_>) -> rusqlite::Result<FollowedRow> {
    Ok(FollowedRow {
        rowid: row.get(0)?,
        ticker: text(row, 1)?,
        ts: text(row, 2)?,
        uptick_ratio: number(row, 3)?,
        vol_sum: number(row, 4)?,
        spread_bp: number(row, 5)?,
        depth_imbalance: number(row, 6)?,
        burst_buy: number(row, 7)?.is_some_and(|flag| flag != 0.0),
        burst_sell: number(row, 8)?.is_some_and(|flag| flag != 0.0),
        burst_score: number(row, 9)?.unwrap_or(0.0),
        window_id: row.get_ref(10)?.as_i64().ok(),
    })
}

/// Anybody may have written the row: what is no text is none.
fn text(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    Ok(row.get_ref(at)?.as_str().unwrap_or_default().to_owned())
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<f64>> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(at)? {
        ValueRef::Real(value) => Some(value),
        ValueRef::Integer(value) => Some(value as f64),
        _ => None,
    })
}
