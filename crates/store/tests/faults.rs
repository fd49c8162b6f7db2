//! Locks, full disks, other programs: nothing is stored by halves, and what can pass is tried again.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ayumi_store::reader::Reader;
use ayumi_store::{Phase, Sink, SqliteSink, StoreError};
use support::{BATCH_ROWS, batch, count, options, other, today};

const TABLES: [&str; 6] = [
    "tick_batch",
    "orderbook_snapshot",
    "features_stream",
    "volume_ledger",
    "stream_state",
    "window_log",
];

#[test]
fn g04_a_failing_insert_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    for table in TABLES {
        let hand = other(&path);
        let sql = format!(
            "CREATE TRIGGER fail BEFORE INSERT ON {table} \
             WHEN (SELECT count(*) FROM {table}) >= {} BEGIN SELECT RAISE(ABORT, 'provoked'); END",
            i32::from(table != "window_log")
        );
        hand.execute_batch(&sql).unwrap();
        let error = sink.write(&batch(0)).unwrap_err();
        assert!(
            error.to_string().contains(table) && error.to_string().contains("provoked"),
            "{error}"
        );
        for other_table in TABLES {
            assert_eq!(count(&path, other_table), 0, "{other_table} after a failure in {table}");
        }
        hand.execute_batch("DROP TRIGGER fail").unwrap();
    }
    assert_eq!(sink.write(&batch(0)).unwrap().rows, BATCH_ROWS);
    assert_eq!(sink.close().unwrap().windows, 1);
}

#[test]
fn s01_another_writer_holds_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let hand = other(&path);
    hand.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let error = sink.write(&batch(1)).unwrap_err();
    assert!(
        matches!(error, StoreError::Busy { .. }) && error.is_retryable(),
        "{error}"
    );
    assert!(error.to_string().contains("day.db"), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the timeout of 50 ms counts"
    );
    hand.execute_batch("ROLLBACK").unwrap();
    let written = sink.write(&batch(1)).unwrap();
    assert_eq!((written.rows, written.already_stored), (BATCH_ROWS, false));
    assert_eq!(count(&path, "tick_batch"), 6);
}

#[test]
fn s01_locked_while_opening_is_no_reason_to_give_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let hand = other(&path);
    hand.execute_batch("CREATE TABLE today_data (x); BEGIN EXCLUSIVE")
        .unwrap();
    let error = SqliteSink::open(options(&path), today()).unwrap_err();
    assert!(
        matches!(error, StoreError::Busy { .. }) && error.is_retryable(),
        "{error}"
    );
    hand.execute_batch("COMMIT").unwrap();
    SqliteSink::open(options(&path), today()).unwrap();
}

#[test]
fn s10_x02_a_reader_that_holds_its_transaction_blocks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let reader = other(&path);
    reader.execute_batch("BEGIN; SELECT count(*) FROM tick_batch").unwrap();
    for n in 1..30 {
        sink.write(&batch(n)).unwrap();
    }
    sink.idle().unwrap();
    let started = Instant::now();
    assert_eq!(sink.close().unwrap().windows, 30);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "closing does not wait for readers"
    );
    drop(reader);
    assert_eq!(count(&path, "window_log"), 30);
}

#[test]
fn p03_one_writer_by_any_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut others = vec![path.clone(), folder.path().join(".").join("day.db")];
    fs::create_dir(folder.path().join("sub")).unwrap();
    others.push(folder.path().join("sub").join("..").join("day.db"));
    #[cfg(unix)]
    {
        let (file_link, folder_link) = (folder.path().join("link.db"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &file_link).unwrap();
        std::os::unix::fs::symlink(folder.path(), &folder_link).unwrap();
        others.extend([file_link, folder_link.join("day.db")]);
    }
    for path in &others {
        let started = Instant::now();
        let error = SqliteSink::open(options(path), today()).unwrap_err();
        assert!(
            started.elapsed() < Duration::from_millis(500),
            "G12: {:?}",
            started.elapsed()
        );
        match &error {
            StoreError::Locked { pid, .. } => assert_eq!(*pid, Some(std::process::id())),
            error => panic!("{}: {error}", path.display()),
        }
        assert!(!error.is_retryable());
    }
    sink.close().unwrap();
    for path in &others {
        SqliteSink::open(options(path), today()).unwrap().close().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn p03_a_link_to_a_missing_file_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("real.db"), folder.path().join("link.db"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let sink = SqliteSink::open(options(&link), today()).unwrap();
    assert!(matches!(
        SqliteSink::open(options(&target), today()),
        Err(StoreError::Locked { .. })
    ));
    sink.close().unwrap();
    assert_eq!(count(&target, "window_log"), 0);
}

#[cfg(unix)]
#[test]
fn p03_a_hard_link_is_refused_by_either_name() {
    let folder = tempfile::tempdir().unwrap();
    let (path, second) = (folder.path().join("day.db"), folder.path().join("hard.db"));
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    fs::hard_link(&path, &second).unwrap();
    let error = SqliteSink::open(options(&second), today()).unwrap_err();
    assert!(
        matches!(error, StoreError::HardLinked { links: 2, .. }) && !error.is_retryable(),
        "{error}"
    );
    assert!(
        error.to_string().contains("hard.db") && error.to_string().contains("Delete the other names"),
        "{error}"
    );
    assert!(!folder.path().join("hard.db-wal").exists() && !folder.path().join("hard.db.lock").exists());
    sink.write(&batch(1)).unwrap();
    sink.close().unwrap();
    assert!(matches!(
        SqliteSink::open(options(&path), today()),
        Err(StoreError::HardLinked { .. })
    ));
    fs::remove_file(&second).unwrap();
    SqliteSink::open(options(&path), today()).unwrap().close().unwrap();
    assert_eq!(count(&path, "window_log"), 2);
}

const CHILD: &str = "AYUMI_STORE_TEST_CHILD";

/// The other process of the next test; does nothing when run as a test of its own.
#[test]
fn child_that_holds_the_lock() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let mut sink = SqliteSink::open(options(&PathBuf::from(path)), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    writeln!(std::io::stdout(), "\nholding").unwrap();
    // Until the parent kills us, or is gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn p04_the_lock_vanishes_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_holds_the_lock", "--nocapture"])
        .env(CHILD, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).any(|line| line == "holding");
    assert!(said, "the child opened the database");
    match SqliteSink::open(options(&path), today()).unwrap_err() {
        StoreError::Locked { pid, .. } => assert_eq!(pid, Some(child.id())),
        error => panic!("{error}"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    assert!(
        sink.write(&batch(0)).unwrap().already_stored,
        "what was committed survived the kill"
    );
    assert_eq!(sink.load_states(today()).unwrap().len(), 3);
}

#[test]
fn s05_what_is_no_database_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let long = "date,price\n".repeat(1000);
    for (name, content) in [("short.csv", "a,b\n1,2\n"), ("long.csv", long.as_str())] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let error = SqliteSink::open(options(&path), today()).unwrap_err();
        assert!(
            matches!(error, StoreError::NotADatabase { .. }) && !error.is_retryable(),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    let path = folder.path().join("folder.db");
    fs::create_dir(&path).unwrap();
    let error = SqliteSink::open(options(&path), today()).unwrap_err();
    assert!(error.to_string().contains("it is a folder"), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "no lock files beside them: {left:?}");
}

#[test]
fn s05_a_foreign_database_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in [
        (
            "id.db",
            "PRAGMA application_id = 252006674; CREATE TABLE x (y); INSERT INTO x VALUES (1)",
        ),
        ("version.db", "PRAGMA user_version = 77; CREATE TABLE moz_places (y)"),
        (
            "wal.db",
            "PRAGMA journal_mode = WAL; PRAGMA application_id = 1; CREATE TABLE x (y)",
        ),
    ] {
        let path = folder.path().join(name);
        other(&path).execute_batch(sql).unwrap();
        let before = fs::read(&path).unwrap();
        let error = SqliteSink::open(options(&path), today()).unwrap_err();
        assert!(
            matches!(error, StoreError::Foreign { .. }) && !error.is_retryable(),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
        assert!(!folder.path().join(format!("{name}.lock")).exists());
    }
    // Other scripts' tables in the same file are no reason to refuse it.
    let path = folder.path().join("rss_snapshot.db");
    other(&path)
        .execute_batch("CREATE TABLE today_data (x); INSERT INTO today_data VALUES (1)")
        .unwrap();
    SqliteSink::open(options(&path), today()).unwrap().close().unwrap();
    assert_eq!(count(&path, "today_data"), 1);
}

#[cfg(unix)]
#[test]
fn s05_a_file_deleted_while_in_use_is_not_written_into_the_void() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let moved = folder.path().join("moved.db");
    fs::rename(&path, &moved).unwrap();
    assert_eq!(sink.write(&batch(1)).unwrap().rows, BATCH_ROWS);
    assert!(matches!(
        SqliteSink::open(options(&path), today()),
        Err(StoreError::Locked { .. })
    ));
    assert_eq!(sink.close().unwrap().windows, 2);
    assert_eq!((count(&path, "window_log"), count(&moved, "window_log")), (1, 1));
    Reader::open(&path).unwrap().verify().unwrap();
}

#[test]
fn s04_folders_are_created_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a").join("b").join("day.db");
    SqliteSink::open(options(&deep), today()).unwrap().close().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = SqliteSink::open(options(&file.join("day.db")), today()).unwrap_err();
    assert!(
        matches!(error, StoreError::Folder { phase: Phase::Open, .. }),
        "{error}"
    );
    assert!(
        !error.is_retryable() && error.to_string().contains("check db_path"),
        "{error}"
    );
}

#[test]
fn s04_a_new_day_without_folder_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder.path().join("{date}").join("day.db"));
    let mut sink = SqliteSink::open(options, today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let in_the_way = folder.path().join("2025-11-21");
    fs::write(&in_the_way, "x").unwrap();
    let tomorrow = batch(86_400_000 / support::WIDTH);
    for _ in 0..2 {
        let error = sink.write(&tomorrow).unwrap_err();
        assert!(
            matches!(error, StoreError::Folder { .. }) && error.is_retryable(),
            "{error}"
        );
        sink.idle().unwrap();
        sink.flush().unwrap();
    }
    fs::remove_file(&in_the_way).unwrap();
    assert_eq!(sink.write(&tomorrow).unwrap().rows, BATCH_ROWS);
    assert_eq!(sink.close().unwrap().windows, 2);
}

#[test]
fn s04_read_only_file_and_folder_are_refused_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    SqliteSink::open(options(&path), today()).unwrap().close().unwrap();
    let set = |target: &std::path::Path, read_only: bool| {
        let mut rights = fs::metadata(target).unwrap().permissions();
        rights.set_readonly(read_only);
        fs::set_permissions(target, rights).unwrap();
    };
    set(&path, true);
    if fs::File::options().append(true).open(&path).is_ok() {
        set(&path, false);
        let _ = writeln!(std::io::stderr(), "SKIPPED: this user may write read-only files (root)");
        return;
    }
    let error = SqliteSink::open(options(&path), today()).unwrap_err();
    set(&path, false);
    assert!(
        matches!(error, StoreError::ReadOnly { .. }) && !error.is_retryable(),
        "{error}"
    );
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    set(&closed, true);
    let outcome = SqliteSink::open(options(&closed.join("day.db")), today());
    set(&closed, false);
    // Windows ignores the attribute on folders.
    if cfg!(unix) {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, StoreError::Folder { .. }) && !error.is_retryable(),
            "{error}"
        );
    }
}

#[test]
fn x05_readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.counts().unwrap(), (1, 3));
    drop(sink);
    let wal = folder.path().join("day.db-wal");
    assert!(
        fs::metadata(&wal).is_ok_and(|m| m.len() > 0),
        "the reader keeps the log alive"
    );
    assert_eq!(reader.counts().unwrap(), (1, 3));
    drop(reader);
    assert!(wal.exists(), "and does not checkpoint when it leaves");
    assert_eq!(count(&path, "window_log"), 1);
}
