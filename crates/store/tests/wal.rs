//! G7: the write-ahead log stays small while readers finish; one that does not is seen and told.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use ayumi_store::{Sink, SqliteSink};
use support::{batch, options, other, today};

const MB: u64 = 1 << 20;

/// Bytes of the log of a database.
fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(path.with_extension("db-wal")).map_or(0, |file| file.len())
}

#[test]
fn g07_readers_that_finish_leave_the_log_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut most = 0;
    for n in 0..3_000 {
        sink.write(&batch(n)).unwrap();
        if n % 50 == 0 {
            let reader = other(&path);
            reader
                .execute_batch("BEGIN; SELECT count(*) FROM tick_batch; COMMIT")
                .unwrap();
        }
        most = most.max(log_bytes(&path));
    }
    assert!(most < 16 * MB, "{most}");
    assert_eq!(sink.pinned(), None);
    sink.close().unwrap();
    assert_eq!(log_bytes(&path), 0);
}

#[test]
fn g07_a_reader_that_holds_the_log_back_is_seen_at_64_mb_and_forgotten_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let reader = other(&path);
    reader.execute_batch("BEGIN; SELECT count(*) FROM tick_batch").unwrap();
    let mut n = 0;
    while log_bytes(&path) < 66 * MB {
        n += 1;
        assert!(n < 30_000, "the log does not grow: {} bytes", log_bytes(&path));
        sink.write(&batch(n)).unwrap();
        if log_bytes(&path) < 60 * MB {
            assert_eq!(sink.pinned(), None, "below the limit, and not for long");
        }
    }
    let pinned = sink.pinned().unwrap();
    assert!(pinned.bytes >= 64 * MB && !pinned.too_large, "{pinned:?}");
    drop(reader);
    // A log that was held back is tried again after a while, not at every commit.
    let began = Instant::now();
    while sink.pinned().is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "the log is not let go");
        n += 1;
        sink.write(&batch(n)).unwrap();
    }
    sink.close().unwrap();
    assert_eq!(log_bytes(&path), 0);
}

#[test]
fn g07_a_log_past_the_second_limit_is_an_error_until_the_reader_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    // A sixteenth of the usual ones.
    sink.set_wal_limits(6 * MB, 16 * MB);
    sink.write(&batch(0)).unwrap();
    let reader = other(&path);
    reader.execute_batch("BEGIN; SELECT count(*) FROM tick_batch").unwrap();
    let (mut n, mut told) = (0, 0);
    let large = loop {
        n += 1;
        assert!(n < 10_000, "the log does not grow: {} bytes", log_bytes(&path));
        sink.write(&batch(n)).unwrap();
        match sink.pinned() {
            Some(pinned) if pinned.too_large => break pinned,
            Some(_) => told += 1,
            None => assert_eq!(told, 0, "told once, told until the reader ends"),
        }
    };
    assert!(
        told > 0 && large.bytes >= 16 * MB && large.bytes < 18 * MB,
        "{told} {large:?}"
    );
    drop(reader);
    let began = Instant::now();
    while sink.pinned().is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "the log is not let go");
        n += 1;
        sink.write(&batch(n)).unwrap();
    }
    sink.close().unwrap();
    assert_eq!(log_bytes(&path), 0);
}
