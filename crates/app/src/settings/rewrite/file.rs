//! Puts a new file into the place of an old one: whole, or not at all.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use tempfile::{NamedTempFile, PersistError};

/// On Windows a virus scanner or an editor holds a fresh file for a moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Replaces the content of the file at `path`, which exists, keeping its permissions. Links are followed. A crash
/// leaves the old or the new file, never a half one.
///
/// # Errors
/// The system's error and the next step.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), (io::Error, &'static str)> {
    const CLOSE: &str = "close the programs that have the file open, check the rights of its folder, then run it again";
    let path = path.canonicalize().map_err(|e| (e, CLOSE))?;
    let permissions = std::fs::metadata(&path).map_err(|e| (e, CLOSE))?.permissions();
    if permissions.readonly() {
        let error = io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only");
        return Err((error, "make the file writable, then run it again"));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        // In the same folder, because a rename does not cross volumes. Its owner alone reads it until it has the rights
        // of the old file: it may hold a token.
        let mut new = tempfile::Builder::new()
            .prefix(".ayumi-settings-")
            .suffix(".tmp")
            .tempfile_in(folder)?;
        new.write_all(bytes)?;
        new.as_file().set_permissions(permissions.clone())?;
        new.as_file().sync_all()?;
        Ok(new)
    };
    let new = write().map_err(|e| (e, CLOSE))?;
    persist(new, &path).map_err(|e| (e, CLOSE))?;
    sync(folder);
    Ok(())
}

fn persist(mut new: NamedTempFile, path: &Path) -> io::Result<()> {
    for left in (0..TRIES).rev() {
        match new.persist(path) {
            Ok(_) => return Ok(()),
            Err(PersistError { error, file }) => {
                if left == 0 || error.kind() != io::ErrorKind::PermissionDenied || cfg!(unix) {
                    return Err(error);
                }
                new = file;
                std::thread::sleep(PAUSE);
            }
        }
    }
    Ok(())
}

/// Makes the rename itself last through a power cut. Windows has no such call and needs none.
fn sync(folder: &Path) {
    #[cfg(unix)]
    if let Err(error) = std::fs::File::open(folder).and_then(|folder| folder.sync_all()) {
        log::debug!("the folder {} could not be synced: {error}", folder.display());
    }
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.json");
        std::fs::write(&path, "old").expect("written");
        replace(&path, b"new").expect("replaced");
        assert_eq!(std::fs::read(&path).expect("read"), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 1);
        assert!(replace(&folder.path().join("none"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay_and_read_only_is_respected() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("c.json"), folder.path().join("link.json"));
        std::fs::write(&path, "old").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        replace(&link, b"new").expect("replaced");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(
            (mode & 0o777, std::fs::read(&path).expect("read")),
            (0o640, b"new".to_vec())
        );
        assert!(link.symlink_metadata().expect("there").is_symlink());

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).expect("set");
        let (error, next) = replace(&path, b"x").expect_err("read-only");
        assert!(error.to_string().contains("read-only") && next.contains("writable"));
        assert_eq!(std::fs::read(&path).expect("read"), b"new");
    }
}
