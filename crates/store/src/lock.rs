//! One writer per database: an operating-system lock on a file beside it.
//!
//! The system drops the lock with the process, however it ends, so there is never anything to clean up. The process id
//! stands in a second file, because Windows lets nobody read a locked one.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The right to write to a database; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: Option<File>,
    lock_path: PathBuf,
    owner_path: PathBuf,
    created: bool,
}

impl Lock {
    /// Takes the lock of the database at `canonical`, at once or not at all. The path must be canonical: then a
    /// relative path, a symbolic link or another letter case of the same file leads to the same lock.
    pub(crate) fn take(canonical: &Path) -> Result<Self, StoreError> {
        let (lock_path, owner_path) = (beside(canonical, ".lock"), beside(canonical, ".owner"));
        let created = !lock_path.exists();
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|e| StoreError::file(&lock_path, "creating the lock file", &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    path: canonical.to_owned(),
                    pid: read_pid(&owner_path),
                });
            }
            Err(TryLockError::Error(e)) => return Err(StoreError::file(&lock_path, "locking", &e)),
        }
        if let Err(e) = fs::write(&owner_path, format!("{}\n", std::process::id())) {
            // The lock holds without it; only the message of a second instance is poorer.
            log::warn!("cannot note our process id in {}: {e}", owner_path.display());
        }
        Ok(Self {
            file: Some(file),
            lock_path,
            owner_path,
            created,
        })
    }

    /// Gives the lock back and leaves no trace: for a file that turned out not to be ours, which therefore nobody
    /// else can be about to lock. In all other cases the empty lock file stays, since removing it while another
    /// process has it open would let two of them lock different files of the same name.
    pub(crate) fn discard(mut self) {
        self.release();
        if self.created {
            let _ = fs::remove_file(&self.lock_path);
        }
    }

    fn release(&mut self) {
        if let Some(file) = self.file.take() {
            // While we still hold the lock: afterwards the note may be another process's.
            let _ = fs::remove_file(&self.owner_path);
            // Not only by closing: a process that is just being started holds a copy of every open file for a moment.
            let _ = file.unlock();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

/// A file in the same folder whose name has `suffix` behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn read_pid(owner_path: &Path) -> Option<u32> {
    fs::read_to_string(owner_path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g12_the_second_is_told_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("ticks.db");
        let first = Lock::take(&db).unwrap();
        let error = Lock::take(&db).unwrap_err();
        assert!(!error.is_retryable());
        assert!(
            error.to_string().contains(&format!("PID {}", std::process::id())),
            "{error}"
        );
        drop(first);
        assert!(!folder.path().join("ticks.db.owner").exists());
        Lock::take(&db).unwrap().discard();
        assert!(
            folder.path().join("ticks.db.lock").exists(),
            "it was there before the second lock"
        );
    }

    #[test]
    fn a_discarded_lock_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        Lock::take(&folder.path().join("foreign.db")).unwrap().discard();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
