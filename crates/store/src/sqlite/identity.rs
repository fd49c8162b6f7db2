//! Whether the path still leads to the file that is open. SQLite does not notice when the file is deleted or replaced
//! under it, and would go on writing windows that nobody can find.

use std::path::Path;

/// What tells a file from every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(#[cfg(unix)] (u64, u64));

/// The file at a path; `None` when there is none.
#[cfg(unix)]
pub(super) fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(FileId((metadata.dev(), metadata.ino())))
}

/// Windows refuses to delete, rename or replace a file that SQLite has open.
#[cfg(not(unix))]
pub(super) fn file_id(_path: &Path) -> Option<FileId> {
    Some(FileId())
}
