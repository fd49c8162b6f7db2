//! Where closed windows go: the SQLite sink of the worker, and read-only access to what it stored.
//!
//! Owns the tables, their migration, durability and the "one writer per database" lock. Refuses to know anything of
//! sockets, settings files or how a window came about; it never drops a table, a column or a row that somebody else
//! put into the file.

mod error;
mod features;
mod health;
mod lock;
mod options;
mod private;
pub mod reader;
mod rows;
mod schema;
mod side;
mod signals;
mod sqlite;

use ayumi_engine::batch::Batch;

pub use error::{Phase, StoreError};
pub use features::{FeatureRow, FeatureSink};
pub use health::HealthRow;
pub use options::{Durability, Options, Purpose, is_dated, path_for};
pub use rows::{Sealed, window_checksum};
pub use signals::{SignalRow, SignalWriter};
pub use sqlite::{Pinned, SqliteSink, Totals};

/// Takes closed windows, in order, one transaction each. One thread owns it.
pub trait Sink: Send {
    /// Stores a window whole or not at all.
    ///
    /// # Errors
    /// Nothing of the window is stored then. When [`StoreError::is_retryable`], the same batch may be given again,
    /// also when it is not known whether the failed attempt reached the disk: a window that is there already is
    /// left alone.
    fn write(&mut self, batch: &Batch) -> Result<Written, StoreError>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The rows are stored, but a power cut may still lose the newest of them.
    fn flush(&mut self) -> Result<(), StoreError>;
}

/// What became of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows inserted into `tick_batch`, `orderbook_snapshot`, `features_stream` and `volume_ledger`.
    pub rows: u64,
    /// True when a power cut can no longer take this window, nor any before it.
    pub durable: bool,
    /// True when a window with this start was in the file before. Then nothing was written; or, when that one has
    /// other content, ledger rows only, so that the volume of this one is not lost.
    pub already_stored: bool,
}
