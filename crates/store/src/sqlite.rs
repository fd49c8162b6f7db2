//! The SQLite sink: which file is open, and what was written through it in this run.

mod carry;
mod checkpoint;
mod damage;
mod database;
mod features;
pub(crate) mod identity;
mod open;
mod outside;
mod overlap;
mod pace;
mod statements;
mod states;
#[cfg(test)]
mod tests;
mod window;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use ayumi_engine::batch::{Batch, StateRow};
use ayumi_engine::burst::Bursts;
use ayumi_engine::jst::Date;

use crate::error::StoreError;
use crate::health::HealthRow;
use crate::options::Options;
use crate::rows::Sealed;
use crate::{Sink, Written};
use carry::Carry;
pub use checkpoint::Pinned;
pub(crate) use database::Database;
use database::Outcome;

/// Opens a database with its lock, and tells whether the key of `features_stream` is unique in it.
pub(crate) fn open_database(options: &Options, path: &Path) -> Result<(Database, bool), StoreError> {
    let database = open::open(options, path)?;
    let unique = database.has_unique_features();
    Ok((database, unique))
}

/// What a run stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Windows given to the sink that are in the database now.
    pub windows: u64,
    /// Rows that this run inserted into the data tables and the ledger.
    pub rows: u64,
    /// Wrapping sum of the windows' checksums as stored, also of those that were there before. The same windows give
    /// the same digest, whether written live, by a replay, or by a replay for the second time.
    pub digest: u64,
}

/// The one writer of a database. Holds its lock from opening to closing.
#[derive(Debug)]
pub struct SqliteSink {
    options: Options,
    path: PathBuf,
    date: Date,
    /// `None` only while a file could not be opened during the run; the next write tries again.
    database: Option<Database>,
    totals: Totals,
    /// Start of the newest window in `totals`, so that a repeated one is counted once.
    counted: Option<i64>,
    carry: Carry,
}

impl SqliteSink {
    /// Opens the database of `date`: creates its folder, takes the lock, creates or migrates the tables.
    ///
    /// # Errors
    /// [`StoreError::Locked`] at once when another process (or another sink) has it; any other variant when the file
    /// cannot be used. Nothing in the file is changed then.
    pub fn open(options: Options, date: Date) -> Result<Self, StoreError> {
        let path = options.path_for(date);
        let database = open::open(&options, &path)?;
        Ok(Self {
            options,
            path,
            date,
            database: Some(database),
            totals: Totals::default(),
            counted: None,
            carry: Carry::default(),
        })
    }

    /// States of the trading dates from `date_from` on whose ticker is configured, ordered by symbol and date. With a
    /// file per day the previous day's file is asked, too: the night session's trading date begins before midnight.
    ///
    /// # Errors
    /// Whatever reading the open file reports. The previous day's file is only a help: when it cannot be read, that
    /// is logged.
    pub fn load_states(&self, date_from: Date) -> Result<Vec<StateRow>, StoreError> {
        let mut states = match &self.database {
            Some(database) => states::load(&database.connection, &self.path, &self.options.tickers, date_from)?,
            None => Vec::new(),
        };
        if self.options.is_dated() {
            let before = self.options.path_for(Date::from_days(self.date.days() - 1));
            states::add_from(&before, &self.options.tickers, date_from, &mut states);
        }
        states.sort_by_key(|s| (s.symbol, s.trading_date));
        Ok(states)
    }

    /// Feeds the newest feature rows of a day, so that the burst columns go on where the last run stopped.
    ///
    /// # Errors
    /// Whatever reading reports.
    pub fn restore_bursts(&self, bursts: &mut Bursts, date: Date) -> Result<(), StoreError> {
        match &self.database {
            Some(database) => features::restore(&database.connection, &self.path, &self.options.tickers, date, bursts),
            None => Ok(()),
        }
    }

    /// End (Unix ms) of the newest window in the open file; `None` when it has none.
    ///
    /// # Errors
    /// Whatever reading reports.
    pub fn last_window_end_ms(&self) -> Result<Option<i64>, StoreError> {
        match &self.database {
            Some(database) => states::last_window_end_ms(&database.connection, &self.path),
            None => Ok(None),
        }
    }

    /// Stores windows that were closed long ago, many in a transaction: for a replay, which can be done again. As with
    /// [`Sink::write`] windows that are there already are left alone.
    ///
    /// # Errors
    /// An unknown number of them from the first on is stored, each whole or not at all. When the error is retryable, all
    /// of them may be given again.
    pub fn write_all(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        let windows: Vec<_> = batches.iter().map(|batch| (batch, None)).collect();
        self.write_many(&windows)
    }

    /// As [`SqliteSink::write_all`], with the checksums computed by somebody else.
    ///
    /// # Errors
    /// As [`SqliteSink::write_all`].
    pub fn write_sealed(&mut self, windows: &[Sealed]) -> Result<(), StoreError> {
        let windows: Vec<_> = windows.iter().map(|w| (&w.batch, Some(w.checksum))).collect();
        self.write_many(&windows)
    }

    /// Whether the open file holds books of a station: rows of the mock market do not belong beside them.
    #[must_use]
    pub fn holds_real_books(&self) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM orderbook_snapshot WHERE source IN ('push', 'rest'))";
        let ask = |database: &Database| database.connection.query_row(sql, [], |row| row.get(0)).ok();
        self.database.as_ref().and_then(ask).unwrap_or(false)
    }

    /// To be called about every 250 ms while no window comes: makes the tail durable, and checkpoints when it is
    /// time.
    ///
    /// # Errors
    /// The tail could not be made durable; the next call tries again.
    pub fn idle(&mut self) -> Result<(), StoreError> {
        let outcome = self.database.as_mut().map_or(Ok(()), Database::idle);
        self.or_give_up(outcome)
    }

    /// Stores changes of the recorder's state, all or none. They are in no digest.
    ///
    /// # Errors
    /// Nothing is stored then; a retryable one may be tried again with the same rows.
    pub fn write_health(&mut self, rows: &[HealthRow]) -> Result<(), StoreError> {
        let outcome = self.database.as_mut().map(|database| database.write_health(rows));
        self.or_give_up(outcome.unwrap_or(Ok(())))
    }

    /// How large the write-ahead log has become because a reader keeps its transaction open; `None` while no reader
    /// does.
    #[must_use]
    pub fn pinned(&self) -> Option<Pinned> {
        self.database.as_ref().and_then(Database::pinned)
    }

    /// From how many bytes on a log that is held back is told, and is too large: 64 and 256 MB unless set otherwise.
    /// Holds for the file that is open.
    pub fn set_wal_limits(&mut self, told: u64, too_large: u64) {
        if let Some(database) = &mut self.database {
            database.set_wal_limits(told, too_large);
        }
    }

    /// Ends the run: the last commit durable, the write-ahead log emptied as far as readers allow, the lock given
    /// back.
    ///
    /// # Errors
    /// All windows are stored, but the newest may not survive a power cut. The lock is given back all the same.
    pub fn close(mut self) -> Result<Totals, StoreError> {
        let outcome = self.database.as_mut().map_or(Ok(()), Database::finish);
        self.or_give_up(outcome)?;
        Ok(self.totals)
    }

    /// What this run stored up to now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The file in use.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the database of the batch's date open afterwards; switches files at midnight, and when the one in use was taken away.
    fn open_for(&mut self, date: Date) -> Result<(), StoreError> {
        let another_day = self.options.is_dated() && date != self.date;
        let elsewhere = self.database.as_ref().is_some_and(Database::is_elsewhere);
        if elsewhere {
            self.note_loss();
        }
        if another_day || elsewhere {
            // Also into a file that was moved: its log would stay behind, and a new file's first act is to delete it.
            let outcome = self.database.as_mut().map_or(Ok(()), Database::finish);
            // What stands there now is not what is to be moved aside.
            let outcome = if elsewhere { outcome } else { self.or_give_up(outcome) };
            if let Err(error) = outcome {
                // Its rows are committed; the next window must not wait for a disk that cannot say they are durable.
                log::error!("closing {}: {error}", self.path.display());
            }
            self.database = None;
        }
        if self.database.is_none() {
            let path = self.options.path_for(date);
            let opened = open::open(&self.options, &path).map_err(StoreError::while_running)?;
            log::info!("database of {date}: {}", path.display());
            if self.carry.is_moving() {
                self.carry.found(&self.states_in(&opened, &path));
            }
            (self.path, self.date, self.database) = (path, date, Some(opened));
        }
        Ok(())
    }

    /// Says what is gone, and remembers how far it counted: the connection still reads a file without a name.
    fn note_loss(&mut self) {
        let Some(old) = &self.database else { return };
        let went = match states::windows(&old.connection, &self.path) {
            Ok((windows, Some(end))) => format!("with it went {windows} windows, the newest ends at {end}"),
            Ok(_) => "there was no window in it".to_owned(),
            Err(error) => format!("what went with it cannot be read ({error})"),
        };
        log::error!(
            "{} was deleted, moved or replaced while in use; {went}. \
             Recording goes on with a new file, or the one that stands there",
            self.path.display()
        );
        let states = self.states_in(old, &self.path);
        self.carry.lost(&states);
    }

    /// The pages of the file in use are damaged: it is moved aside. The error is one that may be tried again, and the
    /// next attempt makes a new file.
    fn give_up_file(&mut self, error: StoreError, now_ms: i64) -> StoreError {
        if !self.options.purpose.moves_damaged_aside() {
            return error;
        }
        if let Some(mut old) = self.database.take() {
            old.leave_log_alone();
            let states = self.states_in(&old, &self.path);
            self.carry.lost(&states);
        }
        // The log lies beside the file itself, not beside a link to it.
        let file = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        match damage::move_aside(&file, now_ms, &error) {
            Ok(aside) => StoreError::Io {
                path: self.path.clone(),
                operation: "storing a window".to_owned(),
                detail: format!("the file was damaged and is now {}", aside.display()),
            },
            Err(cannot) => {
                log::error!("{cannot}");
                error
            }
        }
    }

    /// Damage that came to light without a window.
    fn or_give_up(&mut self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        match outcome {
            Err(error @ StoreError::Damaged { .. }) => Err(self.give_up_file(error, open::now_ms())),
            outcome => outcome,
        }
    }

    /// Every state of a file, for [`Carry`]. Recording is worth more than a sum that closes.
    fn states_in(&self, database: &Database, path: &Path) -> Vec<StateRow> {
        states::load(&database.connection, path, &self.options.tickers, Date::from_days(0)).unwrap_or_else(|error| {
            log::error!("sizes and ledger of today will not add up to the growth of the volume: {error}");
            Vec::new()
        })
    }

    fn write_many(&mut self, windows: &[(&Batch, Option<u64>)]) -> Result<(), StoreError> {
        for of_a_date in windows.chunk_by(|(one, _), (next, _)| one.date == next.date) {
            self.open_for(of_a_date[0].0.date)?;
            self.write_into_open(of_a_date)?;
        }
        Ok(())
    }

    /// Windows of the date whose file is open, with their checksums where these are known, in one transaction.
    fn write_into_open(&mut self, windows: &[(&Batch, Option<u64>)]) -> Result<Vec<Written>, StoreError> {
        // It changes states only, which are in no checksum.
        let rebase = |&(batch, checksum): &(_, _)| (self.carry.rebase(batch), checksum);
        let rebased: Vec<(Cow<'_, Batch>, Option<u64>)> = windows.iter().map(rebase).collect();
        let database = self.database.as_mut().expect("open_for has it open");
        let outcomes = database.write(&rebased, &self.options.tickers);
        if let Err(error @ StoreError::Damaged { .. }) = outcomes {
            let now_ms = windows.last().map_or(0, |(batch, _)| batch.end_ms);
            return Err(self.give_up_file(error, now_ms));
        }
        let outcomes = outcomes?;
        let count = |(outcome, (batch, _)): (Outcome, &(&Batch, _))| {
            self.count(batch.start_ms, outcome.written.rows, outcome.checksum);
            outcome.written
        };
        Ok(outcomes.into_iter().zip(windows).map(count).collect())
    }

    fn count(&mut self, start_ms: i64, rows: u64, checksum: u64) {
        if self.counted.is_none_or(|newest| start_ms > newest) {
            self.counted = Some(start_ms);
            self.totals.windows += 1;
            self.totals.digest = self.totals.digest.wrapping_add(checksum);
        }
        self.totals.rows += rows;
    }
}

impl Sink for SqliteSink {
    fn write(&mut self, batch: &Batch) -> Result<Written, StoreError> {
        self.open_for(batch.date)?;
        let written = self.write_into_open(&[(batch, None)])?;
        Ok(*written.first().expect("one window, one outcome"))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let outcome = self.database.as_mut().map_or(Ok(()), Database::flush);
        self.or_give_up(outcome)
    }
}
