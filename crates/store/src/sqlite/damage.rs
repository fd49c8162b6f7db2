//! A database of ours whose pages are damaged: it is moved aside, whole, and recording goes on with a new file.
//!
//! Only a file that says itself that it is ours is moved: anything else that cannot be read is refused and not touched.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_engine::jst;
use rusqlite::Connection;

use crate::error::StoreError;
use crate::lock::beside;
use crate::reader::{Integrity, quick_check};
use crate::schema::APPLICATION_ID;

/// The start waits no longer for SQLite's own check; a larger file is checked in part.
const CHECK_LIMIT: Duration = Duration::from_secs(1);

/// The first bytes of every database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Up to the end of the application id.
const HEADER: usize = 72;
/// Time between two looks at the first page of the file in use.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Whether the file's own header says that it is a database of ours, even when the rest cannot be read.
pub(super) fn is_ours(path: &Path) -> bool {
    let mut header = [0; HEADER];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && says_ours(&header)
}

fn says_ours(header: &[u8; HEADER]) -> bool {
    header.starts_with(MAGIC) && header[68..72] == APPLICATION_ID.to_be_bytes()
}

/// The first bytes of the file in use, looked at past SQLite, whose memory would never show that somebody has written
/// over the file. Its handle stays open as long as the connection, and must be closed after it.
#[derive(Debug)]
pub(super) struct Head {
    /// `None` when the file could not be opened a second time; nothing is looked at then.
    file: Option<File>,
    looked: Instant,
    /// It said at first that it is ours.
    says_ours: bool,
}

impl Head {
    /// Of a file that has just been opened as a database.
    pub(super) fn of(path: &Path, now: Instant) -> Self {
        let mut head = Self {
            file: File::open(path).ok(),
            looked: now,
            says_ours: true,
        };
        // A file whose log has not been copied yet may say it later only; then nothing can be told from it.
        head.says_ours = !head.differs();
        head
    }

    /// At most once a minute: whether the file no longer says that it is ours. What cannot be read proves nothing.
    pub(super) fn is_overwritten(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.looked) < LOOK_AGAIN {
            return false;
        }
        self.looked = now;
        self.says_ours && self.differs()
    }

    fn differs(&mut self) -> bool {
        let Some(file) = &mut self.file else { return false };
        let mut header = [0; HEADER];
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut header));
        read.is_ok() && !says_ours(&header)
    }

    #[cfg(test)]
    pub(super) fn look_now(&mut self, now: Instant) {
        self.looked = now
            .checked_sub(LOOK_AGAIN)
            .expect("the machine runs longer than a minute");
    }
}

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
