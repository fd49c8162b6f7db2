//! Files that hold what somebody trades: made for their owner alone on Unix (0600 in folders of 0700). Rights of what
//! exists already stay as they are. Windows' folders of a user are the user's anyway.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

/// Options for a file that may be new.
pub(crate) fn options() -> OpenOptions {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "only Unix has something to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The folder and those above it, as far as they are missing.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
