//! A database of ours whose pages are damaged: it is moved aside, whole, and recording goes on with a new file.
//!
//! Only a file that says itself that it is ours is moved: anything else that cannot be read is refused and not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ayumi_engine::jst;
use rusqlite::Connection;

use crate::error::StoreError;
use crate::lock::beside;
use crate::reader::{Integrity, quick_check};

/// The start waits no longer for SQLite's own check; a larger file is checked in part.
const CHECK_LIMIT: Duration = Duration::from_secs(1);

/// SQLite's own quick check, for at most a second.
///
/// # Errors
/// [`StoreError::Damaged`] with the first findings.
pub(super) fn look(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match quick_check(connection, path, CHECK_LIMIT)? {
        Integrity::Whole | Integrity::Unfinished => Ok(()),
        Integrity::Damaged(lines) => Err(StoreError::Damaged {
            path: path.to_owned(),
            operation: "checking the pages".to_owned(),
            detail: lines.into_iter().take(2).collect::<Vec<_>>().join("; "),
        }),
    }
}

/// Renames the file and what belongs to it, so that everything that can be saved stays together. No connection may be
/// open on it. Returns the new name.
///
/// # Errors
/// What the file system says; the file stands where it was then.
pub(super) fn move_aside(path: &Path, now_ms: i64, why: &StoreError) -> Result<PathBuf, StoreError> {
    let stamp: String = jst::iso_ms(now_ms)
        .chars()
        .filter(char::is_ascii_digit)
        .take(17)
        .collect();
    let aside = beside(path, &format!(".corrupt-{stamp}"));
    // The log first: without it the file is poorer, with a foreign one it would be worse.
    for part in ["-wal", "-journal"] {
        let from = beside(path, part);
        if from.exists() {
            fs::rename(&from, beside(&aside, part)).map_err(|e| StoreError::file(&from, "moving it aside", &e))?;
        }
    }
    fs::rename(path, &aside).map_err(|e| StoreError::file(path, "moving it aside", &e))?;
    // An index in memory of a file that is no longer there.
    let _ = fs::remove_file(beside(path, "-shm"));
    let detail = match why {
        StoreError::Damaged { detail, .. } | StoreError::NotADatabase { why: detail, .. } => detail.clone(),
        other => other.to_string(),
    };
    log::error!(
        "{} is damaged ({detail}); it was moved to {}, and recording goes on with a new file. \
         What can be read of it: sqlite3 \"{}\" .recover > saved.sql",
        path.display(),
        aside.display(),
        aside.display()
    );
    Ok(aside)
}
