//! The journal: everything that came in, with its receive time, before anything else happens to it.
//!
//! Text, one line a message, zstd around it: `zstdcat FILE | head` shows what came. Owns lines, files and the thread
//! that writes them. Refuses to know what a message means, what time it is, and to let anybody wait for the disk: a
//! disk that cannot keep up costs journal lines, which are counted and said, never messages.

mod blocks;
mod files;
mod frame;
mod line;
mod lines;
mod read;
mod sync;
mod thread;
mod write;

pub use files::{journal_files, with_date};
pub use line::{Kind, Line, LineError};
pub use lines::Lines;
pub use read::{Damage, Harm, JournalReader, Owned};
pub use write::{Journal, JournalConfig, Ticket, Written};

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder cannot be made or listed, or a file cannot be opened.
    #[error("the journal {path} cannot be {what}: {source}")]
    Io {
        /// The folder or file.
        path: std::path::PathBuf,
        /// What was tried: "created", "opened", "listed".
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing to read.
    #[error("{path} holds no journal file (ayumi-*.zst){}", .date.as_deref().map(|d| format!(" of {d}")).unwrap_or_default())]
    Empty {
        /// The folder.
        path: std::path::PathBuf,
        /// The day asked for.
        date: Option<String>,
    },
}
