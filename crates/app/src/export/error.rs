//! What can keep an export from its end, each with the next step.

use std::io;
use std::path::{Path, PathBuf};

use ayumi_wire::jst::Date;
use parquet::errors::ParquetError;

/// Days, tables and symbols that are named in a message; more are counted.
const NAMED: usize = 10;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The name of the file says no format.
    #[error("{0} is neither .csv nor .parquet\n  next: give --out a name that ends with one of them")]
    Format(PathBuf),
    /// `--excel` with Parquet.
    #[error("--excel is for CSV, and {0} is Parquet\n  next: leave --excel out, or write a .csv file")]
    ExcelParquet(PathBuf),
    /// The file is there.
    #[error("{0} exists already\n  next: choose another --out, or add --force to replace it")]
    Exists(PathBuf),
    /// The file to write is the database.
    #[error("--out names the database itself: {0}\n  next: choose another --out")]
    IsDatabase(PathBuf),
    /// There is no folder to write into.
    #[error("the folder {0} does not exist\n  next: create it, or choose another --out")]
    Folder(PathBuf),
    /// There is no such file.
    #[error("there is no database {0}\n  next: check db_path in the settings, or name the file with --db")]
    NoDatabase(PathBuf),
    /// There is a file per day, but none of these days.
    #[error("there is no database {pattern} of {days}{}\n  next: choose one of the days that exist, or another --db", there(.exist, "; there are "))]
    NoDays {
        /// With `{date}`.
        pattern: PathBuf,
        /// What was asked for.
        days: Days,
        /// Days with a file, ascending.
        exist: Vec<String>,
    },
    /// SQLite cannot read it.
    #[error("{path} cannot be read ({what}): {source}{}", next_of(.source))]
    Database {
        /// The database.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// No table of this name has a time.
    #[error("{path} has no table {name} with a time{}\n  next: {}", did_you_mean(.near), listed("choose one of ", .tables, "this file has none to export; choose another --db"))]
    NoTable {
        /// The database.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// The nearest name.
        near: Option<String>,
        /// What can be exported.
        tables: Vec<String>,
    },
    /// `--symbols` for a table without them.
    #[error("table {0} has no column ticker to select symbols by\n  next: leave --symbols out")]
    NoTicker(String),
    /// Nothing to write.
    #[error("{table} has no rows of {days}{}\n  next: {}", of_symbols(.symbols), listed("choose from ", .exist, "look into another table or database; this one has no row with a date"))]
    Empty {
        /// The table.
        table: String,
        /// What was asked for.
        days: Days,
        /// What was asked for; empty = all.
        symbols: Vec<String>,
        /// Symbols of these days, or else days that have rows.
        exist: Vec<String>,
    },
    /// The disk is full.
    #[error(
        "no space left for {0}; nothing was kept of it\n  next: free some disk space, or choose another disk with --out"
    )]
    Full(PathBuf),
    /// The file cannot be written.
    #[error(
        "{path} cannot be written: {source}; nothing was kept of it\n  next: check the rights of the folder, and that no other program has the file open"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The format's own refusal: a bug of ours.
    #[error("{path} cannot be written: {detail}\n  next: write a .csv file, and please report this")]
    Refused {
        /// The file.
        path: PathBuf,
        /// The writer's words.
        detail: String,
    },
    /// The user asked for a stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// What a format's writer can meet.
#[derive(Debug)]
pub enum SinkError {
    /// The system's answer.
    Io(io::Error),
    /// The format's own.
    Format(String),
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ParquetError> for SinkError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(io) => Self::Io(*io),
                Err(other) => Self::Format(other.to_string()),
            },
            other => Self::Format(other.to_string()),
        }
    }
}

impl ExportError {
    /// A failure of the file `path`.
    #[must_use]
    pub fn writing(path: &Path, error: SinkError) -> Self {
        let path = path.to_owned();
        match error {
            SinkError::Io(source) if is_full(&source) => Self::Full(path),
            SinkError::Io(source) => Self::Write { path, source },
            SinkError::Format(detail) => Self::Refused { path, detail },
        }
    }
}

/// The disk, the quota or the size that a file may have.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// One day or several, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl std::fmt::Display for Days {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.from == self.to {
            true => write!(f, "{}", self.from),
            false => write!(f, "{} to {}", self.from, self.to),
        }
    }
}

fn there(items: &[String], before: &str) -> String {
    listed(before, items, "")
}

/// The newest of the items, which are sorted, or `none`.
fn listed(before: &str, items: &[String], none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    let left_out = items.len().saturating_sub(NAMED);
    let named = items[left_out..].join(", ");
    match left_out {
        0 => format!("{before}{named}"),
        more => format!("{before}{named} (and {more} more before them)"),
    }
}

fn did_you_mean(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn of_symbols(symbols: &[String]) -> String {
    match symbols {
        [] => String::new(),
        some => format!(" for {}", crate::text::cut(&some.join(", "), 60)),
    }
}

fn next_of(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase, ReadOnly};
    match error.sqlite_error_code() {
        Some(CannotOpen | ReadOnly) => {
            "\n  next: check the rights of file and folder; a database on a disk that cannot be written must be copied \
             elsewhere with its -wal file"
        }
        Some(DatabaseBusy | DatabaseLocked) => "\n  next: another program holds it locked; try again when it is done",
        Some(DatabaseCorrupt) => "\n  next: `sqlite3 FILE .recover` saves what is readable",
        Some(NotADatabase) => "\n  next: name an SQLite file with --db",
        _ => "\n  next: try again; if it stays, please report it",
    }
}
