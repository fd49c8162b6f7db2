//! What cannot be provoked from outside: a stop between two pages, and a file that appears meanwhile.

use std::path::Path;

use rusqlite::Connection;

use super::*;
use ayumi_wire::jst::Date;

/// Two pages and a bit.
const ROWS: i64 = 45_000;

fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let db = Connection::open(folder.path().join("t.db")).unwrap();
    db.execute_batch(&format!(
        "CREATE TABLE ticks (ticker TEXT, ts TEXT, price REAL);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
         INSERT INTO ticks SELECT '7203', '2026-11-20T09:00:00.000+09:00', 2847.5 FROM n"
    ))
    .unwrap();
    folder
}

fn request(folder: &Path, out: &str) -> Request {
    let day = Date::new(2026, 11, 20).unwrap();
    Request {
        db: folder.join("t.db"),
        table: "Ticks".to_owned(),
        days: Days { from: day, to: day },
        tickers: Vec::new(),
        out: folder.join(out),
        excel: false,
        force: false,
    }
}

/// Does something after so many rows.
struct After<F: FnMut() -> bool> {
    rows: u64,
    act: F,
    stop: bool,
    seen: Vec<u64>,
}

impl<F: FnMut() -> bool> Watch for After<F> {
    fn begin(&mut self, rows: u64) {
        assert_eq!(rows, ROWS.unsigned_abs());
    }

    fn rows(&mut self, done: u64) {
        self.seen.push(done);
        if done >= self.rows {
            self.stop = (self.act)();
        }
    }

    fn stopped(&self) -> bool {
        self.stop
    }
}

fn after<F: FnMut() -> bool>(rows: u64, act: F) -> After<F> {
    After {
        rows,
        act,
        stop: false,
        seen: Vec::new(),
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_stop_leaves_nothing_behind_and_the_old_file_as_it_was() {
    for out in ["t.csv", "t.parquet"] {
        let folder = desk();
        let mut request = request(folder.path(), out);
        let half = || {
            // The half-written file is there, under a name that nobody takes for the whole one.
            let names = files(folder.path());
            let part = names
                .iter()
                .any(|name| name.starts_with(out) && name.ends_with(".part"));
            part && !names.contains(&out.to_owned())
        };
        let mut watch = after(20_000, half);
        let stopped = run(&request, &mut watch);
        assert!(matches!(stopped, Err(ExportError::Stopped)), "{stopped:?}");
        assert_eq!(watch.seen, [20_000]);
        assert_eq!(files(folder.path()), ["t.db"]);

        std::fs::write(folder.path().join(out), b"old").unwrap();
        assert!(matches!(
            run(&request, &mut after(0, || false)),
            Err(ExportError::Exists(_))
        ));
        request.force = true;
        assert!(matches!(
            run(&request, &mut after(0, || true)),
            Err(ExportError::Stopped)
        ));
        assert_eq!(std::fs::read(folder.path().join(out)).unwrap(), b"old");
        let summary = run(&request, &mut after(0, || false)).unwrap();
        assert_eq!((summary.rows, summary.databases), (ROWS.unsigned_abs(), 1));
        assert_eq!(std::fs::metadata(folder.path().join(out)).unwrap().len(), summary.bytes);
        assert_eq!(files(folder.path()).len(), 2);
    }
}

#[test]
fn a_file_that_somebody_else_makes_meanwhile_is_kept() {
    let folder = desk();
    let request = request(folder.path(), "t.csv");
    let mut make = after(40_000, || {
        std::fs::write(folder.path().join("t.csv"), b"theirs").unwrap();
        false
    });
    assert!(matches!(run(&request, &mut make), Err(ExportError::Exists(_))));
    assert_eq!(std::fs::read(folder.path().join("t.csv")).unwrap(), b"theirs");
    assert_eq!(files(folder.path()), ["t.csv", "t.db"]);
}

#[test]
fn a_recorder_can_empty_its_log_between_two_pages() {
    let folder = desk();
    let writer = Connection::open(folder.path().join("t.db")).unwrap();
    writer.pragma_update(None, "journal_mode", "wal").unwrap();
    let request = request(folder.path(), "t.csv");
    let mut log_was_free = Vec::new();
    let mut write = after(20_000, || {
        writer
            .execute(
                "INSERT INTO ticks VALUES ('9984', '2026-11-20T10:00:00.000+09:00', 1)",
                [],
            )
            .unwrap();
        let busy: i64 = writer
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap();
        log_was_free.push(busy == 0);
        false
    });
    let summary = run(&request, &mut write).unwrap();
    // No read transaction is open between pages, and rows that came after the start are not part of the export.
    assert!(
        log_was_free.len() >= 3 && log_was_free.iter().all(|free| *free),
        "{log_was_free:?}"
    );
    assert_eq!(summary.rows, ROWS.unsigned_abs());
    let text = std::fs::read_to_string(folder.path().join("t.csv")).unwrap();
    assert_eq!(text.lines().count(), 45_001);
    assert!(!text.contains("9984"));
}
