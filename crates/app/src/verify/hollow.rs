//! A database with tables and not one row: a recorder that got nothing leaves one, and so does a copy without its
//! write-ahead log. What tells them apart is the recorder's last word in the table `health`.

use std::io::Read;
use std::path::Path;

use ayumi_store::reader::{self, Owner, Reader};

use super::{FileReport, Report, VerifyError};

/// The state with which every orderly end begins.
const ENDED: &str = "STOPPING";
/// Where the header of a SQLite file names the journal it needs, and the number of the write-ahead log.
const READ_VERSION: usize = 19;
const WAL: u8 = 2;

/// True for a file that was written through a write-ahead log, when neither that log nor a recorder is there. To be
/// asked before the file is opened, which may make a log.
pub fn is_lone(path: &Path) -> bool {
    let mut header = [0; READ_VERSION + 1];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let has_log = std::fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
    read.is_ok() && header.get(READ_VERSION) == Some(&WAL) && !has_log && reader::owner(path) == Owner::Nobody
}

fn log_of(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Marks the report of a file that may have lost everything.
pub fn note(lone: bool, reader: &Reader, report: &mut FileReport) {
    let none = report.windows == 0 && report.rows == 0 && report.of_scripts == 0 && report.problems.is_empty();
    if !lone || !none || report.notes.len() > 1 {
        return;
    }
    let is_empty = reader.recent().is_ok_and(|recent| recent.window_id.is_none());
    let ended = reader
        .newest_state()
        .is_ok_and(|state| state.is_some_and(|state| state.state == ENDED));
    report.hollow = is_empty && !ended;
    if report.hollow {
        report.notes.push(
            "nothing is in its tables, and no recorder says that it ended with nothing; a copy without its -wal file \
             lacks what was only there"
                .to_owned(),
        );
    }
}

/// An error when nothing at all is there.
pub fn judge(report: &Report) -> Result<(), VerifyError> {
    let nothing = report
        .files
        .iter()
        .all(|file| file.windows == 0 && file.of_scripts == 0);
    let hollow = report.files.iter().find(|file| file.hollow);
    match (nothing && report.problems() == 0, hollow) {
        (true, Some(file)) => {
            let log = log_of(&file.path);
            let log = log.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(VerifyError::Hollow(file.path.clone(), log))
        }
        _ => Ok(()),
    }
}
