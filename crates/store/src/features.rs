//! Feature rows that do not come out of a window of this run: a replay of stored rows writes them.

use ayumi_engine::batch::Burst;
use ayumi_engine::jst::Date;
use rusqlite::TransactionBehavior;

use crate::error::StoreError;
use crate::options::Options;
use crate::rows::{Cell, feature_cells, text};
use crate::schema::FEATURES_STREAM;
use crate::sqlite::{Database, open_database};

/// One row of `features_stream`.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRow {
    /// The symbol.
    pub ticker: String,
    /// Window end as it stands in the source.
    pub ts: String,
    /// Share of upticks.
    pub uptick_ratio: f64,
    /// Volume of the window.
    pub vol_sum: f64,
    /// Basis points; `None` when unknown.
    pub spread_bp: Option<f64>,
    /// Quantity of the first three buy levels; `None` without a book.
    pub buy_top3: Option<i64>,
    /// Quantity of the first three sell levels; `None` without a book.
    pub sell_top3: Option<i64>,
    /// In [-1, 1]; `None` without a book.
    pub depth_imbalance: Option<f64>,
    /// The burst columns.
    pub burst: Burst,
    /// Start of the window, Unix ms; `None` for rows of a script.
    pub window_id: Option<i64>,
}

/// The one writer of a database, for feature rows only.
#[derive(Debug)]
pub struct FeatureSink {
    database: Database,
    insert: String,
}

impl FeatureSink {
    /// Opens the database of a day as the recorder does: takes its lock, creates or migrates the tables.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when a recorder owns it; any other variant when the file cannot be used.
    pub fn open(options: &Options, date: Date) -> Result<Self, StoreError> {
        let (database, unique) = open_database(options, &options.path_for(date))?;
        Ok(Self {
            database,
            insert: FEATURES_STREAM.insert_sql(unique),
        })
    }

    /// Deletes the feature rows of a day; returns how many there were.
    ///
    /// # Errors
    /// What SQLite reports; nothing is deleted then.
    pub fn truncate(&mut self, date: Date) -> Result<usize, StoreError> {
        let (from, to) = (date.to_string(), Date::from_days(date.days() + 1).to_string());
        let path = self.database.path().to_owned();
        self.database
            .connection
            .execute("DELETE FROM features_stream WHERE ts >= ?1 AND ts < ?2", [from, to])
            .map_err(|e| StoreError::sqlite(&path, "deleting the day's features", e))
    }

    /// Inserts rows in one transaction; a row whose ticker and time stand already is left alone. Returns how many were
    /// new.
    ///
    /// # Errors
    /// Nothing of these rows is stored then; when [`StoreError::is_retryable`], they may be given again.
    pub fn insert(&mut self, rows: &[FeatureRow]) -> Result<usize, StoreError> {
        let path = self.database.path().to_owned();
        let failed = |e| StoreError::sqlite(&path, "storing features", e);
        let transaction = self
            .database
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let mut new = 0;
        {
            let mut statement = transaction.prepare_cached(&self.insert).map_err(failed)?;
            for row in rows {
                new += statement
                    .execute(rusqlite::params_from_iter(row.cells()))
                    .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)?;
        Ok(new)
    }

    /// Everything durable, the write-ahead log emptied, the lock given back.
    ///
    /// # Errors
    /// The rows are stored, but may not survive a power cut.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.database.finish()
    }
}

impl FeatureRow {
    fn cells(&self) -> [Cell<'_>; 15] {
        let int = |value: Option<i64>| value.map_or(Cell::Null, Cell::Int);
        let values = [
            Cell::real(self.uptick_ratio),
            Cell::real(self.vol_sum),
            Cell::real_or_null(self.spread_bp),
            int(self.buy_top3),
            int(self.sell_top3),
            Cell::real_or_null(self.depth_imbalance),
        ];
        feature_cells(
            [text(&self.ticker), text(&self.ts)],
            values,
            &self.burst,
            int(self.window_id),
        )
    }
}
