//! SEC16: what the recorder makes is its owner's alone, whatever the umask allows.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use support::{Desk, TEN};

/// Runs `ayumi` under a umask that forbids nothing.
fn run(desk: &Desk, args: &[&str]) {
    let status = Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_ayumi")])
        .args(args)
        .current_dir(desk.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{args:?}: {status}");
}

/// Every file and folder below, with its rights.
fn rights(folder: &Path, found: &mut Vec<(String, bool, u32)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let meta = entry.metadata().unwrap();
        let mode = meta.permissions().mode() & 0o777;
        found.push((entry.path().display().to_string(), meta.is_dir(), mode));
        if meta.is_dir() {
            rights(&entry.path(), found);
        }
    }
}

#[test]
fn sec16_database_log_and_journal_are_their_owners_alone() {
    let desk = Desk::new();
    desk.settings(&json!({
        "mode": "mock", "symbols": ["7203"], "db_path": desk.path("data/deep/ticks.db"),
        "log_path": desk.path("logs/deep/stream.log"), "journal_dir": desk.path("journal/deep"),
    }));
    run(
        &desk,
        &["stream", "-Config", "c.json", "--clock", TEN, "--duration", "700ms"],
    );
    let mut found = Vec::new();
    for folder in ["data", "logs", "journal"] {
        let path = desk.path(folder);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700,
            "{folder}"
        );
        rights(&path, &mut found);
    }
    for end in ["ticks.db", "stream.log"] {
        assert!(
            found.iter().any(|(path, ..)| path.ends_with(end)),
            "no {end}: {found:?}"
        );
    }
    for (path, folder, mode) in &found {
        // The lock holds nothing, and doctor of another user asks it.
        if !path.ends_with(".lock") {
            assert_eq!(*mode, if *folder { 0o700 } else { 0o600 }, "{path}");
        }
    }
}

#[test]
fn sec16_a_backup_has_the_rights_of_the_database() {
    let desk = Desk::new();
    let db = rusqlite::Connection::open(desk.db()).unwrap();
    db.execute_batch(
        "CREATE TABLE tick_batch (ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, upticks INT, downticks INT, vol_sum REAL, last_price REAL);
         INSERT INTO tick_batch VALUES ('7203', '2025-11-20T09:00:00', '2025-11-20T09:00:01', 1, 0, 0, 100, 2000);",
    )
    .unwrap();
    drop(db);
    desk.settings(&json!({"mode": "mock", "symbols": ["9984"]}));
    for mode in [0o600, 0o640] {
        let _ = std::fs::remove_file(desk.path("ticks.db.before-ayumi"));
        std::fs::set_permissions(desk.db(), std::fs::Permissions::from_mode(mode)).unwrap();
        if mode == 0o640 {
            // Only a file that lacks columns is backed up: take one away again.
            let db = rusqlite::Connection::open(desk.db()).unwrap();
            db.execute_batch("PRAGMA journal_mode=DELETE; DROP TABLE tick_batch; CREATE TABLE tick_batch (ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, upticks INT, downticks INT, vol_sum REAL, last_price REAL)").unwrap();
        }
        run(
            &desk,
            &["stream", "-Config", "c.json", "--clock", TEN, "--duration", "300ms"],
        );
        let copy = std::fs::metadata(desk.path("ticks.db.before-ayumi")).unwrap();
        assert_eq!(copy.permissions().mode() & 0o777, mode);
    }
}
