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

/// Writes until the file is given up, and then until `windows` more are stored. Returns how many were stored before.
#[cfg(unix)]
fn until_noticed(sink: &mut SqliteSink, folder: &Path, from: i64, more: i64) -> i64 {
    let mut n = from;
    while aside(folder).is_empty() {
        assert!(n < from + 20_000, "never noticed");
        match sink.write(&batch(n)) {
            Ok(_) => n += 1,
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
    for n in n..n + more {
        sink.write(&batch(n)).unwrap();
    }
    n - from
}

/// As a shell does it: the same file, other bytes. Not closed, because that would drop SQLite's locks in this process.
#[cfg(unix)]
fn pour(bytes: &[u8], into: &Path) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(into).unwrap();
    file.write_all(bytes).unwrap();
    std::mem::forget(file);
}

/// Overwrites the file or its log with windows in the log; from there on every window has to be in the new file,
/// but those of the second in which nobody looked.
#[cfg(unix)]
fn overwritten_in_use(bytes: &[u8], ending: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    recorded(&path, 800);
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    for n in 800..820 {
        sink.write(&batch(n)).unwrap();
    }
    let target = PathBuf::from(format!("{}{ending}", path.display()));
    pour(bytes, &target);
    until_noticed(&mut sink, folder.path(), 820, 50);
    sink.close().unwrap();
    assert_eq!(count(&path, "window_log"), 50);
    assert!(Reader::open(&path).unwrap().verify().unwrap().damaged.is_empty());
    let kept = aside(folder.path()).remove(0);
    if ending.is_empty() {
        assert_eq!(fs::read(kept).unwrap(), bytes, "no checkpoint went into it");
    } else {
        assert!(Reader::open(&kept).unwrap().verify().unwrap().damaged.is_empty());
    }
}

/// The bytes of another database of ours.
#[cfg(unix)]
fn another(windows: i64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    recorded(&path, windows);
    fs::read(path).unwrap()
}

#[cfg(unix)]
#[test]
fn s05_a_file_written_over_between_two_checkpoints_is_noticed_before_the_next() {
    overwritten_in_use(&[], "");
    overwritten_in_use(&[0xA5; 9_000], "");
    // Ours, too: only size and counters tell.
    overwritten_in_use(&another(10), "");
    overwritten_in_use(&another(1_500), "");
}

#[cfg(unix)]
#[test]
fn s05_a_log_written_over_is_noticed_before_the_next_checkpoint() {
    overwritten_in_use(&[], "-wal");
    overwritten_in_use(&[0xA5; 200_000], "-wal");
    overwritten_in_use(&[0xA5; 20], "-wal");
}

#[cfg(unix)]
#[test]
fn s05_closing_copies_nothing_into_a_file_that_was_written_over() {
    for by_dropping in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.db");
        recorded(&path, 1_000);
        let mut sink = SqliteSink::open(options(&path), today()).unwrap();
        sink.write(&batch(1_000)).unwrap();
        let bytes = another(10);
        pour(&bytes, &path);
        if by_dropping {
            drop(sink);
            assert_eq!(fs::read(&path).unwrap(), bytes);
        } else {
            let error = sink.close().unwrap_err();
            assert!(error.to_string().contains("was damaged and is now"), "{error}");
            assert_eq!(fs::read(aside(folder.path()).remove(0)).unwrap(), bytes);
            assert!(!path.exists(), "the next run begins a new file");
        }
    }
}

#[test]
fn s05_other_connections_that_write_vacuum_and_checkpoint_are_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    recorded(&path, 500);
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let other = support::other(&path);
    let acts = [
        "CREATE TABLE IF NOT EXISTS mine (a); INSERT INTO mine VALUES (zeroblob(100000)); PRAGMA wal_checkpoint(PASSIVE)",
        "DELETE FROM mine; VACUUM; PRAGMA wal_checkpoint(PASSIVE)",
        "INSERT INTO mine VALUES (zeroblob(900000)); PRAGMA wal_checkpoint(RESTART); INSERT INTO mine VALUES (1)",
        "DELETE FROM mine; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
        "VACUUM",
    ];
    for n in 0..1_000_i64 {
        sink.write(&batch(1_000 + n)).unwrap();
        if n % 37 == 0 {
            // Busy is an answer, too.
            let _ = other.execute_batch(acts[(n / 37) as usize % acts.len()]);
            sink.idle().unwrap();
        }
    }
    drop(other);
    sink.close().unwrap();
    assert!(aside(folder.path()).is_empty());
    assert_eq!(count(&path, "window_log"), 1_500);
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
