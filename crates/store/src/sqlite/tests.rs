//! What can be seen from inside only: the pragma before each commit, a full disk, a failing checkpoint.

use std::path::Path;
use std::time::Duration;

use ayumi_engine::batch::{BookSource, BookView, Burst, StateRow, SymbolWindow, WindowCounts};
use ayumi_engine::num::{Price, Qty};
use ayumi_engine::{Stamp, SymbolId};

use super::*;
use crate::{Durability, Purpose};

const START: i64 = 1_763_596_800_300;

fn open(path: &Path, durability: Durability) -> SqliteSink {
    let options = Options {
        path: path.to_owned(),
        tickers: (0..50).map(|n| format!("{}", 7000 + n)).collect(),
        durability,
        window_ms: 300,
        busy_timeout: Duration::from_millis(50),
        purpose: Purpose::Record,
    };
    SqliteSink::open(options, Stamp::from_ms(START).date()).unwrap()
}

/// A window in which every one of 50 symbols ticked.
fn batch(n: i64) -> Batch {
    let start_ms = START + 300 * n;
    let symbol = |id| SymbolWindow {
        symbol: SymbolId(id),
        ticks: 2,
        upticks: 1,
        downticks: 0,
        trades: 1,
        volume: Qty(100 + n),
        last_price: Price(28_465_000 + n),
        book: Some(BookView {
            bid1: Some(Price(28_460_000)),
            ask1: Some(Price(28_465_000)),
            buy_top3: Qty(1000),
            sell_top3: Qty(900),
            ordinary: true,
            comparable: true,
            source: BookSource::Mock,
        }),
        snapshot: true,
        burst: Burst::COLD,
    };
    let state = |id| StateRow {
        symbol: SymbolId(id),
        trading_date: Stamp::from_ms(START).date(),
        base: Some(Qty(0)),
        last: Some(Qty(n)),
        last_at: Some(Stamp::from_ms(start_ms)),
        null_at: None,
        last_price: None,
    };
    Batch {
        start_ms,
        end_ms: start_ms + 300,
        date: Stamp::from_ms(start_ms).date(),
        symbols: (0..50).map(symbol).collect(),
        ledger: vec![],
        states: (0..50).map(state).collect(),
        counts: WindowCounts::default(),
        merged_windows: 0,
    }
}

fn pragma(sink: &SqliteSink, name: &str) -> i64 {
    let connection = &sink.database.as_ref().unwrap().connection;
    connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

const NORMAL: i64 = 1;
const FULL: i64 = 2;

/// Durable or not, and the pragma, of eight windows.
fn eight_windows(path: &Path, durability: Durability) -> Vec<(bool, i64)> {
    let mut sink = open(path, durability);
    let seen = (0..8)
        .map(|n| (sink.write(&batch(n)).unwrap().durable, pragma(&sink, "synchronous")))
        .collect();
    sink.flush().unwrap();
    assert!(sink.database.as_ref().unwrap().is_durable());
    assert_eq!(sink.close().unwrap().windows, 8);
    seen
}

#[test]
fn g06_durability_is_a_sequence_of_pragmas() {
    let folder = tempfile::tempdir().unwrap();
    for (durability, full) in [
        (Durability::Full, [true; 8]),
        (
            Durability::Balanced,
            [false, false, false, true, false, false, false, true],
        ),
        (Durability::Seed, [false; 8]),
    ] {
        let expected = full.map(|full| (full, if full { FULL } else { NORMAL }));
        // On a machine so slow that the age of the tail decides, not the count, the sequence is another one: again.
        let in_time = (0..20).find_map(|attempt| {
            let started = std::time::Instant::now();
            let seen = eight_windows(&folder.path().join(format!("{durability}{attempt}.db")), durability);
            (seen == expected || started.elapsed() < Duration::from_millis(700)).then_some(seen)
        });
        assert_eq!(in_time.unwrap(), expected, "{durability}");
    }
}

#[test]
fn sec18_settings_of_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let sink = open(&folder.path().join("day.db"), Durability::Balanced);
    for (name, value) in [
        ("wal_autocheckpoint", 0),
        ("journal_size_limit", 67_108_864),
        ("temp_store", 2),
        ("mmap_size", 0),
        ("trusted_schema", 0),
        ("page_size", 4096),
        ("fullfsync", 1),
    ] {
        assert_eq!(pragma(&sink, name), value, "{name}");
    }
    let connection = &sink.database.as_ref().unwrap().connection;
    let misspelt = connection.prepare("SELECT \"lats_price\" FROM tick_batch");
    assert!(misspelt.is_err(), "a misspelt column is no text");
    let schema = connection.execute_batch("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = ''");
    assert!(schema.is_err(), "defensive: the table of tables cannot be written");
}

#[test]
fn s02_a_full_disk_is_retried_and_earlier_windows_stand() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = open(&folder.path().join("day.db"), Durability::Balanced);
    sink.write(&batch(0)).unwrap();
    let limit = |sink: &SqliteSink, pages: i64| {
        let connection = &sink.database.as_ref().unwrap().connection;
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
    };
    limit(&sink, pragma(&sink, "page_count"));
    let mut stored = 1;
    let error = loop {
        match sink.write(&batch(stored)) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, StoreError::Full { .. }) && error.is_retryable(),
        "{error}"
    );
    let rows = |sink: &SqliteSink| -> i64 {
        let connection = &sink.database.as_ref().unwrap().connection;
        connection
            .query_row("SELECT count(*) FROM tick_batch", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(rows(&sink), 50 * stored);
    limit(&sink, 1_000_000);
    assert!(!sink.write(&batch(stored)).unwrap().already_stored);
    assert_eq!(rows(&sink), 50 * (stored + 1));
    assert_eq!(sink.close().unwrap().windows, stored as u64 + 1);
}

#[test]
fn g07_the_log_is_copied_at_a_thousand_pages_and_starts_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = open(&path, Durability::Seed);
    let (mut largest, mut restarts) = (0, 0);
    for n in 0..300 {
        let durable = sink.write(&batch(n)).unwrap().durable;
        let wal = checkpoint::wal_state(&sink.database.as_ref().unwrap().connection).unwrap();
        largest = largest.max(wal.pages);
        if durable {
            restarts += 1;
            assert!(wal.pages < 10, "the heartbeat pays for the new log's header: {wal:?}");
        }
    }
    assert!(restarts >= 2, "{restarts} checkpoints, {largest} pages");
    assert!(largest < 1_100, "{largest} pages");
}

#[test]
fn s18_doubts_end_with_a_complete_checkpoint_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = open(&path, Durability::Full);
    assert!(sink.write(&batch(0)).unwrap().durable);
    // As after a failed sync, while a reader keeps the log from being copied.
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM tick_batch").unwrap();
    sink.write(&batch(1)).unwrap();
    sink.database.as_mut().unwrap().doubt();
    assert!(!sink.write(&batch(2)).unwrap().durable);
    assert!(sink.flush().unwrap_err().is_retryable());
    reader.execute_batch("COMMIT").unwrap();
    sink.idle().unwrap();
    sink.flush().unwrap();
    assert!(sink.write(&batch(3)).unwrap().durable);
}

#[test]
fn g06_idle_makes_the_tail_durable_even_under_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = open(&path, Durability::Balanced);
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM tick_batch").unwrap();
    let written = std::time::Instant::now();
    assert!(!sink.write(&batch(0)).unwrap().durable);
    while !sink.database.as_ref().unwrap().is_durable() {
        assert!(written.elapsed() < Duration::from_secs(20), "no sync came");
        std::thread::sleep(Duration::from_millis(10));
        sink.idle().unwrap();
    }
    assert!(written.elapsed() >= Duration::from_millis(700), "not with every call");
    assert_eq!(pragma(&sink, "synchronous"), FULL);
    assert_eq!(
        sink.database.as_ref().unwrap().heartbeats(),
        2,
        "one at opening, one for the tail"
    );
}

#[test]
fn s05_a_file_that_is_written_over_in_place_is_noticed_although_sqlite_has_its_pages_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    drop(open(&path, Durability::Full));
    let mut sink = open(&path, Durability::Full);
    sink.write(&batch(0)).unwrap();
    // As a copy tool does it: the same file, other bytes.
    let foreign = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&foreign).unwrap();
    other
        .execute_batch("CREATE TABLE t (a); PRAGMA user_version = 3")
        .unwrap();
    drop(other);
    std::fs::write(&path, std::fs::read(&foreign).unwrap()).unwrap();
    sink.write(&batch(1)).expect("within the second nobody looks");
    sink.database.as_mut().unwrap().look_at_head_now();
    let error = sink.write(&batch(2)).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("the file was damaged and is now"), "{error}");
    sink.write(&batch(2)).expect("a new file");
    let totals = sink.close().unwrap();
    assert_eq!(totals.windows, 3);
    let names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let aside = names
        .iter()
        .find(|name| name.contains(".corrupt-") && !name.ends_with("-wal"))
        .unwrap();
    let bytes = std::fs::read(folder.path().join(aside)).unwrap();
    assert_eq!(
        bytes,
        std::fs::read(&foreign).unwrap(),
        "what was copied there is as it was"
    );
}
