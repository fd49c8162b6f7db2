//! What can be wrong with a window, in words.

use std::fmt;

/// A window that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedWindow {
    /// Its start, Unix ms.
    pub window_id: i64,
    /// What is wrong.
    pub fault: WindowFault,
    /// Symbols whose rows may be meant; empty when none of its rows is left.
    pub tickers: Vec<String>,
    /// These symbols are meant: a row of theirs lacks its counterpart.
    pub pinned: bool,
}

/// What is wrong with a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowFault {
    /// It has rows, but no row of `window_log`.
    NotLogged,
    /// `window_log` has it, but none of its rows is there.
    NoRows,
    /// Fewer ticks in `tick_batch` than `window_log` counts.
    TicksMissing {
        /// In `tick_batch`.
        found: i64,
        /// In `window_log`.
        logged: i64,
    },
    /// Every symbol with ticks has a row in three tables, here it does not.
    RowsMissing {
        /// Rows of `tick_batch`.
        ticks: u64,
        /// Rows of `orderbook_snapshot`.
        books: u64,
        /// Rows of `features_stream`.
        features: u64,
    },
    /// The checksum is another one: a value was changed, or a row is missing or too many.
    Changed,
    /// More rows than were written.
    Surplus,
    /// Its row in `window_log` contradicts itself or its rows.
    LogChanged,
    /// All is as it was written, but rows of another window stand where its own would: the clock was set back.
    Displaced {
        /// Ticks in its own rows.
        found: i64,
        /// In `window_log`.
        logged: i64,
    },
}

impl WindowFault {
    /// Holds whatever else could not be read.
    pub(super) fn is_certain(self) -> bool {
        matches!(self, Self::LogChanged | Self::Surplus)
    }

    /// Nothing was damaged: detail was lost when the window was written.
    #[must_use]
    pub fn is_loss_only(self) -> bool {
        matches!(self, Self::Displaced { .. })
    }
}

impl fmt::Display for WindowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLogged => write!(f, "it has rows, but no row in window_log"),
            Self::NoRows => write!(f, "window_log has it, but none of its rows is there"),
            Self::TicksMissing { found, logged } => write!(f, "tick_batch holds {found} of {logged} ticks"),
            Self::RowsMissing { ticks, books, features } => write!(
                f,
                "tick_batch has {ticks} rows, orderbook_snapshot {books}, features_stream {features}: one is missing or too many"
            ),
            Self::Changed => write!(
                f,
                "the checksum is another one: a value was changed, or a row is missing"
            ),
            Self::Surplus => write!(f, "it has more rows than were written"),
            Self::LogChanged => write!(f, "its row in window_log was changed"),
            Self::Displaced { found, logged } => write!(
                f,
                "{found} of {logged} ticks have rows of their own, the others met rows of another window (clock set back?)"
            ),
        }
    }
}
