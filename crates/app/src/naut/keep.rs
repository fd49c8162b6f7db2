//! Signals on their way into the table: they wait here until the database takes them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_store::{SignalRow, SignalWriter, StoreError};

/// More than a database that cannot be written for a day leaves waiting.
const MOST: usize = 200_000;
/// Rows in a transaction: a millisecond or two in which the recorder waits.
const AT_ONCE: usize = 256;
/// Between two attempts at the end.
const PAUSE: Duration = Duration::from_millis(20);

/// Stores signals in the database they were found in, each once, in order.
#[derive(Debug, Default)]
pub struct Keeper {
    writer: Option<SignalWriter>,
    waiting: VecDeque<(PathBuf, SignalRow)>,
    /// A failure was said and nothing has been stored since.
    failing: bool,
    /// A database whose table cannot be used: said once.
    refused: Option<PathBuf>,
    stored: u64,
}

impl Keeper {
    /// Takes a signal found in the database at `path`.
    pub fn add(&mut self, path: &Path, row: SignalRow) {
        if self.waiting.len() >= MOST {
            self.waiting.pop_front();
            log::error!("too many signals wait for the database; the oldest is in the log only");
        }
        self.waiting.push_back((path.to_owned(), row));
    }

    /// Stores what waits, as far as the database lets it; the rest goes on waiting.
    pub fn flush(&mut self) {
        while let Some((path, _)) = self.waiting.front() {
            let path = path.clone();
            let rows: Vec<SignalRow> = self
                .waiting
                .iter()
                .take_while(|(of, _)| *of == path)
                .take(AT_ONCE)
                .map(|(_, row)| row.clone())
                .collect();
            match self.write(&path, &rows) {
                Ok(fresh) => {
                    self.stored += fresh;
                    self.recovered(&path);
                }
                Err(error) if error.is_retryable() => {
                    self.failed(&error);
                    return;
                }
                Err(error) => self.refused(&path, &error, rows.len()),
            }
            self.waiting.drain(..rows.len());
        }
    }

    /// Stores what waits within `patience`. Returns how many signals are new in the table, and how many could not be
    /// stored.
    pub fn finish(mut self, patience: Duration) -> (u64, usize) {
        let deadline = Instant::now() + patience;
        loop {
            self.flush();
            if self.waiting.is_empty() || Instant::now() >= deadline {
                return (self.stored, self.waiting.len());
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn write(&mut self, path: &Path, rows: &[SignalRow]) -> Result<u64, StoreError> {
        let stale = |writer: &SignalWriter| writer.path() != path || writer.is_elsewhere();
        if self.writer.as_ref().is_some_and(stale) {
            self.writer = None;
        }
        if self.writer.is_none() {
            self.writer = Some(SignalWriter::open(path)?);
        }
        let writer = self.writer.as_mut().expect("it was opened");
        writer.write(rows)
    }

    fn recovered(&mut self, path: &Path) {
        if std::mem::take(&mut self.failing) {
            log::info!("{}: the signals that waited are stored", path.display());
        }
    }

    fn failed(&mut self, error: &StoreError) {
        self.writer = None;
        // A recorder that writes at the same moment is nothing to talk about; it is over at the next attempt.
        if !self.failing && !matches!(error, StoreError::Busy { .. }) {
            log::warn!("{error}; signals wait for it");
            self.failing = true;
        }
    }

    fn refused(&mut self, path: &Path, error: &StoreError, rows: usize) {
        self.writer = None;
        if self.refused.as_deref() != Some(path) {
            log::error!("{error}; signals are in the log only ({rows} so far)");
            self.refused = Some(path.to_owned());
        }
    }
}
