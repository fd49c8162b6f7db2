//! S5: pages of our own file are damaged. It is moved aside and recording goes on; nobody else's file is.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use ayumi_store::reader::Reader;
use ayumi_store::{Sink, SqliteSink, StoreError};
use support::{batch, count, options, today};

const PAGE: usize = 4096;

/// A closed database with so many windows.
fn recorded(path: &Path, windows: i64) {
    let mut sink = SqliteSink::open(options(path), today()).unwrap();
    for n in 0..windows {
        sink.write(&batch(n)).unwrap();
    }
    sink.close().unwrap();
}

fn overwrite(path: &Path, at: usize, length: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + length].fill(0xA5);
    fs::write(path, bytes).unwrap();
}

/// Files that were moved aside, without their logs.
fn aside(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().flatten().map(|e| e.path());
    let moved = |p: &PathBuf| p.to_string_lossy().contains(".corrupt-") && !p.to_string_lossy().ends_with("-wal");
    files.filter(moved).collect()
}

#[test]
fn s05_a_damaged_file_of_ours_is_moved_aside_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    recorded(&path, 200);
    let pages = fs::metadata(&path).unwrap().len() as usize / PAGE;
    for page in 2..pages.min(12) {
        overwrite(&path, page * PAGE, 64);
    }
    let before = fs::read(&path).unwrap();
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(500)).unwrap();
    sink.close().unwrap();
    assert_eq!(count(&path, "window_log"), 1, "a new file");
    let kept = aside(folder.path());
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(
        fs::read(&kept[0]).unwrap(),
        before,
        "whole, for whoever wants to save something"
    );
}

#[cfg(unix)]
#[test]
fn s05_a_file_that_is_damaged_while_in_use_is_moved_aside_and_no_window_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    // More than SQLite keeps of it in memory.
    recorded(&path, 4_000);
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let pages = fs::metadata(&path).unwrap().len() as usize / PAGE;
    // Everything but the header and the schema: whatever page the next insert needs, it is gone.
    for page in 3..pages {
        use std::os::unix::fs::FileExt;
        // Not opened and closed like a file of ours: closing one would drop SQLite's locks in this process.
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[0xA5; 64], (page * PAGE) as u64).unwrap();
        std::mem::forget(file);
    }
    let mut stored = 0;
    for n in 500..520 {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match sink.write(&batch(n)) {
                Ok(_) => break,
                Err(error) => assert!(error.is_retryable() && attempts < 3, "{error}"),
            }
        }
        stored += 1;
    }
    sink.close().unwrap();
    assert_eq!(aside(folder.path()).len(), 1);
    assert_eq!(count(&path, "window_log"), stored);
    assert!(Reader::open(&path).unwrap().verify().unwrap().damaged.is_empty());
}

#[test]
fn s05_what_does_not_say_that_it_is_ours_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    recorded(&path, 50);
    // Even the header is gone: it may be anything.
    overwrite(&path, 0, 100);
    let before = fs::read(&path).unwrap();
    let error = SqliteSink::open(options(&path), today()).unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(aside(folder.path()).is_empty());
}

#[test]
fn s05_flipped_bytes_anywhere_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.db");
    recorded(&whole, 60);
    let bytes = fs::read(&whole).unwrap();
    for i in 0..120 {
        let path = folder.path().join(format!("{i}.db"));
        let mut damaged = bytes.clone();
        let at = (i * 7919 + 113) % damaged.len();
        damaged[at] ^= 0xFF;
        fs::write(&path, damaged).unwrap();
        if let Ok(mut sink) = SqliteSink::open(options(&path), today()) {
            for n in 100..103 {
                // Stored, or told: both are right, a panic is not.
                let _ = sink.write(&batch(n));
            }
            let _ = sink.close();
        }
    }
}
