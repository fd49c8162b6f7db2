//! Whether the path still leads to the file that is open. SQLite does not notice when the file is deleted or replaced
//! under it, and would go on writing windows that nobody can find.

use std::path::Path;

/// What tells a file from every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId(#[cfg(unix)] (u64, u64));

/// How many names (hard links) the file has. Each would get a write-ahead log and a lock of its own.
#[cfg(unix)]
pub(super) fn names(path: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(std::fs::metadata(path)?.nlink())
}

/// The standard library does not tell it on Windows, where hard links are rare.
#[cfg(not(unix))]
pub(super) fn names(_path: &Path) -> std::io::Result<u64> {
    Ok(1)
}

/// The file at a path; `None` when there is none.
#[cfg(unix)]
pub(crate) fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(FileId((metadata.dev(), metadata.ino())))
}

/// Windows refuses to delete, rename or replace a file that SQLite has open.
#[cfg(not(unix))]
pub(crate) fn file_id(_path: &Path) -> Option<FileId> {
    Some(FileId())
}
