//! A replay into a new file reads the journal once and learns on the way what later lines tell of earlier windows; into a
//! file that is there it looks through the journal first. Both must come to the same rows.
#![cfg(unix)]

mod support;

use std::time::Duration;

use ayumi_journal::{Journal, JournalConfig, Kind};
use serde_json::json;
use support::again::{digest_in, replay, rows};
use support::message::push;
use support::process::command;
use support::{Desk, Store, wait_for};

/// 2026-11-20T10:00:00+09:00, where a window of 300 ms begins.
const TEN_MS: i64 = 1_795_136_400_000;
const WINDOW_MS: i64 = 300;
/// More windows than a replay keeps back with the default `pending_max` of 300.
const MANY: i64 = 3_000;
/// What a replay says that has found out too late.
const ANEW: &str = "once more, after a look at all of the journal";

/// Writes a journal as the recorder would.
struct Recorder {
    journal: Journal,
    volume: i64,
}

impl Recorder {
    fn new(desk: &Desk) -> Self {
        let mut config = JournalConfig::new(desk.path("journal"));
        config.sync_every = None;
        let journal = Journal::start(config).expect("a journal");
        Self { journal, volume: 1_000 }
    }

    fn event(&mut self, window: i64, text: &str) {
        let at = start_of(window) + 1;
        self.journal.put(at * 1_000_000, Kind::Event, text.as_bytes());
    }

    fn start(&mut self, window: i64, stored_until_ms: Option<i64>) {
        let start = json!({"settings": "other", "stored_until_ms": stored_until_ms, "states": []});
        self.event(window, &format!("start {start}"));
        self.event(window, "up");
    }

    /// A message in each of these windows.
    fn messages(&mut self, windows: std::ops::Range<i64>) {
        for window in windows {
            self.volume += 100;
            let text = push("7203", 2_000.0 + (window % 5) as f64, self.volume);
            let at = start_of(window) + 10;
            self.journal.put(at * 1_000_000, Kind::Push, text.as_bytes());
        }
        self.journal.border();
    }

    fn finish(self) {
        assert!(self.journal.finish(Duration::from_secs(60)));
    }
}

fn start_of(window: i64) -> i64 {
    TEN_MS + window * WINDOW_MS
}

fn desk() -> Desk {
    // No replay asks the station.
    Desk::online(9, json!({"journal_dir": "journal", "board_mode": "push"}))
}

/// Replays into a new file and into one that is there; returns what the first said and its rows.
fn both(desk: &Desk) -> (String, Store) {
    std::fs::write(desk.path("there.db"), "").expect("an empty file");
    let (new, there) = (replay(desk, "new.db", &[]), replay(desk, "there.db", &[]));
    assert!(!there.contains(ANEW), "{there}");
    assert_eq!(digest_in(&new), digest_in(&there));
    assert_eq!(rows(&desk.path("new.db")), rows(&desk.path("there.db")));
    (new, Store::open(&desk.path("new.db")))
}

fn merged(store: &Store) -> Vec<String> {
    store.column("SELECT window_id || ' ' || merged_windows FROM window_log WHERE merged_windows > 0 ORDER BY 1")
}

#[test]
fn j05_windows_merged_a_while_ago_are_merged_without_a_first_look() {
    let desk = desk();
    let mut recorder = Recorder::new(&desk);
    recorder.start(0, None);
    recorder.messages(0..MANY);
    // What `pending_max` windows may wait for, and the newest; two in a row, and one that is told twice.
    for absorbed in [MANY - 300, MANY - 299, MANY - 2, MANY - 300] {
        recorder.event(MANY, &format!("absorbed {}", start_of(absorbed)));
    }
    recorder.messages(MANY..MANY + 10);
    recorder.event(MANY + 11, "stop");
    recorder.finish();
    let (said, store) = both(&desk);
    assert!(!said.contains(ANEW), "{said}");
    let expected = [(MANY - 301, 2), (MANY - 3, 1)].map(|(window, n)| format!("{} {n}", start_of(window)));
    assert_eq!(merged(&store), expected);
    store.check(300, 1);
}

#[test]
fn j05_a_window_merged_long_ago_makes_the_replay_begin_anew() {
    let desk = desk();
    let mut recorder = Recorder::new(&desk);
    recorder.start(0, None);
    recorder.messages(0..MANY);
    recorder.event(MANY, &format!("absorbed {}", start_of(100)));
    recorder.event(MANY, "stop");
    recorder.finish();
    let (said, store) = both(&desk);
    assert!(said.contains(ANEW), "{said}");
    assert_eq!(merged(&store), [format!("{} 1", start_of(99))]);
    store.check(300, 1);
}

#[test]
fn j01_windows_of_a_killed_run_that_were_not_stored_are_left_out_however_long_ago() {
    for (stored, anew) in [(MANY - 300, false), (100, true)] {
        let desk = desk();
        let mut recorder = Recorder::new(&desk);
        recorder.start(0, None);
        recorder.messages(0..MANY);
        recorder.start(MANY + 5, Some(start_of(stored)));
        recorder.messages(MANY + 6..MANY + 9);
        recorder.event(MANY + 9, "stop");
        recorder.finish();
        let (said, store) = both(&desk);
        assert_eq!(said.contains(ANEW), anew, "{said}");
        let windows: i64 = store.one("SELECT count(*) FROM window_log");
        assert_eq!(windows, stored + 3);
    }
}

#[test]
fn j06_a_replay_that_is_killed_is_repaired_by_the_next() {
    let desk = desk();
    let mut recorder = Recorder::new(&desk);
    recorder.start(0, None);
    recorder.messages(0..20_000);
    recorder.event(20_000, "stop");
    recorder.finish();
    let whole = digest_in(&replay(&desk, "whole.db", &[]));
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        "journal",
        "--target-db",
        "killed.db",
        "--no-sleep",
    ];
    let mut killed = command(desk.folder(), &args)
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let target = desk.path("killed.db");
    wait_for("windows, or the end", || {
        let some = rusqlite::Connection::open_with_flags(&target, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
            .and_then(|c| c.query_row("SELECT count(*) > 0 FROM window_log", [], |row| row.get(0)))
            .unwrap_or(false);
        (some || killed.try_wait().expect("asked").is_some()).then_some(())
    });
    // On a fast machine it is over by now, which proves nothing and is no failure.
    let _ = killed.kill();
    killed.wait().expect("ended");
    assert_eq!(digest_in(&replay(&desk, "killed.db", &[])), whole);
    assert_eq!(rows(&target), rows(&desk.path("whole.db")));
}
