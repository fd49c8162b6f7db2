//! Everything that can go wrong with a database, with the file, the operation and the next step.

use std::io;
use std::path::{Path, PathBuf};

use ayumi_engine::SymbolId;
use rusqlite::ErrorCode;

/// When a problem was met: at start it is reported and ends the command, later the window waits and is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Opening the first file of a run.
    Open,
    /// The run was on already.
    Write,
}

/// Why a window is not stored, or a database not opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another instance owns the database.
    #[error("the database {path} belongs to another running instance{}; stop that one first, or set another db_path", owner(.pid))]
    Locked {
        /// The database.
        path: PathBuf,
        /// Process id of the owner, when it could be read.
        pid: Option<u32>,
    },
    /// The file has a second name, through which another recorder could write to it beside us.
    #[error(
        "{path} has {links} names (hard links); SQLite damages a database that is written under two names. Delete the other names, or make a copy (`cp`) and set db_path to it"
    )]
    HardLinked {
        /// The database.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },
    /// A table of our name has another shape.
    #[error(
        "{path}: table {table} has another shape: {why}; nothing was changed. Set another db_path, or rename that table"
    )]
    WrongSchema {
        /// The database.
        path: PathBuf,
        /// The table.
        table: String,
        /// What does not fit.
        why: String,
    },
    /// The path names something else than an SQLite file.
    #[error("{path} is no SQLite database ({why}); it was not touched. Set another db_path")]
    NotADatabase {
        /// What was found there.
        path: PathBuf,
        /// Why it is none.
        why: String,
    },
    /// The file belongs to another application.
    #[error("{path} is the database of another application ({why}); it was not touched. Set another db_path")]
    Foreign {
        /// The database.
        path: PathBuf,
        /// How we know.
        why: String,
    },
    /// Pages of the file are damaged.
    #[error(
        "{path} is damaged ({operation}: {detail}); move it away and start again, `sqlite3 FILE .recover` saves what is readable"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was being done.
        operation: String,
        /// SQLite's words.
        detail: String,
    },
    /// A replay meets a window that stands there with other rows.
    #[error(
        "{path} holds other rows for the window that begins at {start}, for example of a replay with other --symbols, or of a damaged journal; what was stored before it stays. Set another --target-db"
    )]
    OtherWindow {
        /// The database.
        path: PathBuf,
        /// Start of the window.
        start: String,
    },
    /// The file or its folder cannot be written.
    #[error(
        "{path} cannot be written ({operation}): it or its folder is read-only; check the file's properties and the folder's rights, or set another db_path"
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What was being done.
        operation: String,
        /// At start, or later.
        phase: Phase,
    },
    /// The folder of the database cannot be created or used.
    #[error("the folder {path} cannot be created or used: {source}; check db_path and the rights of the folder")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// At start, or later.
        phase: Phase,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program holds the database's write lock.
    #[error("{path} is locked by another program ({operation}); close the program that writes to it")]
    Busy {
        /// The database.
        path: PathBuf,
        /// What was being done.
        operation: String,
    },
    /// No space left.
    #[error("no space left for {path} ({operation}); free some disk space, recording goes on by itself then")]
    Full {
        /// The database.
        path: PathBuf,
        /// What was being done.
        operation: String,
    },
    /// The disk answered with an error.
    #[error("disk error on {path} ({operation}): {detail}")]
    Io {
        /// The database, or a file beside it.
        path: PathBuf,
        /// What was being done.
        operation: String,
        /// The system's words.
        detail: String,
    },
    /// The program was linked with an SQLite that can damage databases with several readers.
    #[error(
        "this program was built with SQLite {version}; 3.51.3 or newer is needed (and not 3.52.0): older ones can damage a database that other programs read"
    )]
    TooOldSqlite {
        /// Its version.
        version: String,
    },
    /// A batch names a symbol that is not in [`crate::Options::tickers`].
    #[error("symbol number {} is not among the {known} configured symbols", .id.0)]
    UnknownSymbol {
        /// The symbol.
        id: SymbolId,
        /// How many there are.
        known: usize,
    },
    /// A value of our own tables cannot be understood.
    #[error("{path}: table {table} holds a value that cannot be read: {value}")]
    BadValue {
        /// The database.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The value.
        value: String,
    },
    /// Anything else that SQLite reports.
    #[error("{path}: {operation} failed: {source}")]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What was being done.
        operation: String,
        /// SQLite's error.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// True when the cause can go away by itself or by the user's hand while we run: the window should wait.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Full { .. } | Self::Io { .. } => true,
            Self::ReadOnly { phase, .. } | Self::Folder { phase, .. } => *phase == Phase::Write,
            _ => false,
        }
    }

    /// The same problem, met while the run was on: opening the file of a new day.
    pub(crate) fn while_running(mut self) -> Self {
        if let Self::ReadOnly { phase, .. } | Self::Folder { phase, .. } = &mut self {
            *phase = Phase::Write;
        }
        self
    }

    /// Sorts an SQLite error by what the user can do about it.
    pub(crate) fn sqlite(path: &Path, operation: &str, source: rusqlite::Error) -> Self {
        let (path, operation, detail) = (path.to_owned(), operation.to_owned(), source.to_string());
        let phase = Phase::Write;
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Busy { path, operation }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path, operation },
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Io {
                path,
                operation,
                detail,
            },
            Some(ErrorCode::ReadOnly) if source.sqlite_extended_error_code().is_some_and(needs_repair) => Self::Io {
                path,
                operation,
                detail: "its last writer was interrupted; the file is repaired when it is next opened to write".into(),
            },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path, operation, phase },
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path, why: detail },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                operation,
                detail,
            },
            _ => Self::Sqlite {
                path,
                operation,
                source,
            },
        }
    }

    /// The same while opening: what is read-only now is a reason not to start.
    pub(crate) fn opening(path: &Path, operation: &str, source: rusqlite::Error) -> Self {
        match Self::sqlite(path, operation, source) {
            Self::ReadOnly { path, operation, .. } => Self::ReadOnly {
                path,
                operation,
                phase: Phase::Open,
            },
            other => other,
        }
    }

    /// Sorts a file system error of the database's own files.
    pub(crate) fn file(path: &Path, operation: &str, source: &io::Error) -> Self {
        let (path, operation) = (path.to_owned(), operation.to_owned());
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly {
                path,
                operation,
                phase: Phase::Open,
            },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, operation },
            _ => Self::Io {
                path,
                operation,
                detail: source.to_string(),
            },
        }
    }
}

/// A read-only connection met what a crash left behind, which only a writing one can clear away.
fn needs_repair(extended_code: i32) -> bool {
    use rusqlite::ffi::{SQLITE_READONLY_CANTINIT, SQLITE_READONLY_RECOVERY, SQLITE_READONLY_ROLLBACK};
    matches!(
        extended_code,
        SQLITE_READONLY_ROLLBACK | SQLITE_READONLY_RECOVERY | SQLITE_READONLY_CANTINIT
    )
}

fn owner(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (PID {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g08_what_can_pass_is_retryable() {
        // Code, retryable while running, retryable at start, a word of the message.
        for (code, running, start, word) in [
            (5, true, true, "locked by another program"),
            (261, true, true, "locked by another program"),
            (6, true, true, "locked by another program"),
            (13, true, true, "no space left"),
            (10, true, true, "disk error"),
            (1034, true, true, "disk error"),
            (14, true, true, "disk error"),
            (8, true, false, "read-only"),
            (1032, true, false, "read-only"),
            (776, true, true, "was interrupted"),
            (26, false, false, "no SQLite database"),
            (11, false, false, "damaged"),
            (1, false, false, "failed"),
        ] {
            let source = || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            let path = Path::new("day.db");
            let (later, first) = (
                StoreError::sqlite(path, "commit", source()),
                StoreError::opening(path, "commit", source()),
            );
            assert_eq!(later.is_retryable(), running, "{code}: {later}");
            assert_eq!(first.is_retryable(), start, "{code}: {first}");
            assert!(
                later.to_string().contains(word) && later.to_string().contains("day.db"),
                "{later}"
            );
        }
    }

    #[test]
    fn a_new_day_meets_the_same_problem_as_a_passing_one() {
        let refused = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = StoreError::file(Path::new("day.db"), "creating", &refused);
        assert!(!error.is_retryable());
        assert!(error.while_running().is_retryable());
    }
}
