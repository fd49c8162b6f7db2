//! Rows from real files: in any polls, over midnight, after the file was replaced.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ayumi_engine::jst::{Date, iso_ms};
use ayumi_store::SignalRow;
use ayumi_store::reader::FollowedRow;
use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::super::follow::{Follower, Listener, State};
use super::super::keep::Keeper;
use super::super::summary::summary;
use super::super::{Live, signal};
use super::*;

/// A database as the recorder makes it, as far as it matters here.
pub fn database(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
         CREATE TABLE IF NOT EXISTS features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL,
             spread_bp REAL, buy_top3 INT, sell_top3 INT, depth_imbalance REAL, burst_buy INT, burst_sell INT,
             burst_score REAL, streak_len INT, surge_vol_ratio REAL, last_signal_ts TEXT, window_id INTEGER);
         CREATE UNIQUE INDEX IF NOT EXISTS ux_features_stream_ts_ticker ON features_stream (ts, ticker);",
    )
    .unwrap();
    db
}

/// Adds rows in one transaction.
fn add(db: &mut Connection, rows: &[(String, Row)]) {
    let transaction = db.transaction().unwrap();
    for (ticker, r) in rows {
        let [buy, sell] = r.bursts;
        let cells = params![
            ticker,
            iso_ms(r.at_ms),
            r.uptick,
            r.volume,
            r.spread_bp,
            r.imbalance,
            buy.is_some(),
            sell.is_some(),
            buy.or(sell).unwrap_or(0.0),
            r.at_ms - 300
        ];
        transaction
            .execute(
                "INSERT INTO features_stream (ticker, ts, uptick_ratio, vol_sum, spread_bp, depth_imbalance, burst_buy, \
                 burst_sell, burst_score, window_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                cells,
            )
            .unwrap();
    }
    transaction.commit().unwrap();
}

/// Every row passes, every 6 s.
fn steady(ticker: &str, from: i64, rows: i64) -> Vec<(String, Row)> {
    (from..from + rows)
        .map(|n| (ticker.to_owned(), row(Side::Buy, n * 6_000)))
        .collect()
}

/// Writes down what it is told.
#[derive(Default)]
struct Told {
    old: Vec<String>,
    new: Vec<String>,
    moved: usize,
    paths: Vec<PathBuf>,
}

impl Listener for Told {
    fn on_old(&mut self, row: &FollowedRow) {
        self.old.push(row.ts.clone());
    }

    fn on_new(&mut self, path: &Path, row: &FollowedRow) {
        self.new.push(row.ts.clone());
        if self.paths.last().is_none_or(|last| last != path) {
            self.paths.push(path.to_owned());
        }
    }

    fn on_moved(&mut self, _: &Path, _: &str) {
        self.moved += 1;
    }

    fn stopped(&self) -> bool {
        false
    }
}

fn date(day: u8) -> Date {
    Date::new(2026, 11, day).unwrap()
}

fn times(rows: &[(String, Row)]) -> Vec<String> {
    rows.iter().map(|(_, row)| iso_ms(row.at_ms)).collect()
}

#[test]
fn what_comes_after_the_start_is_new_and_the_day_before_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut db = database(&path);
    let yesterday: Vec<_> = steady("7203", -14_400, 3);
    let (before, after) = (steady("7203", 0, 5), steady("7203", 5, 2));
    add(&mut db, &yesterday);
    add(&mut db, &before);
    let (mut follower, mut told) = (Follower::new(path.clone(), None), Told::default());
    assert_eq!(
        follower.poll(date(20), &mut told).unwrap(),
        State::Following(path.clone())
    );
    assert_eq!((&told.old, told.new.len()), (&times(&before), 0));
    add(&mut db, &after);
    for _ in 0..3 {
        follower.poll(date(20), &mut told).unwrap();
    }
    assert_eq!(told.new, times(&after), "each once");
    // A caller that knows better where the new rows begin.
    let (mut follower, mut told) = (Follower::new(path, Some(4)), Told::default());
    follower.poll(date(20), &mut told).unwrap();
    assert_eq!(told.old, times(&before[..1]));
    assert_eq!(told.new, times(&[&before[1..], &after[..]].concat()));
    assert_eq!(told.moved, 0);
}

#[test]
fn a_file_that_is_not_there_yet_is_new_from_its_first_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let (mut follower, mut told) = (Follower::new(path.clone(), None), Told::default());
    let waiting = State::Waiting(path.clone());
    assert_eq!(follower.poll(date(20), &mut told).unwrap(), waiting);
    let plain = Connection::open(&path).unwrap();
    assert_eq!(follower.poll(date(20), &mut told).unwrap(), waiting, "no table yet");
    drop(plain);
    let mut db = database(&path);
    let rows = steady("7203", 0, 3);
    add(&mut db, &rows);
    assert_eq!(follower.poll(date(20), &mut told).unwrap(), State::Following(path));
    assert_eq!((told.old.len(), &told.new), (0, &times(&rows)));
}

#[test]
fn midnight_takes_the_new_file_when_it_is_there_and_leaves_no_row_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("{date}.db");
    let file = |day: u8| folder.path().join(format!("2026-11-{day}.db"));
    let mut today = database(&file(20));
    let (mut follower, mut told) = (Follower::new(template, None), Told::default());
    follower.poll(date(20), &mut told).unwrap();
    let evening = steady("7203", 0, 2);
    add(&mut today, &evening[..1]);
    // It is the next day already, the recorder still writes the last windows of the old one.
    assert_eq!(follower.poll(date(21), &mut told).unwrap(), State::Following(file(20)));
    add(&mut today, &evening[1..]);
    let mut tomorrow = database(&file(21));
    let morning = steady("7203", 14_400, 2);
    add(&mut tomorrow, &morning);
    assert_eq!(follower.poll(date(21), &mut told).unwrap(), State::Following(file(21)));
    assert_eq!(told.new, times(&[evening, morning].concat()));
    assert_eq!((told.paths, told.moved), (vec![file(20), file(21)], 0));
}

#[cfg(unix)]
#[test]
fn a_file_that_is_replaced_or_recreated_is_followed_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut db = database(&path);
    let rows = steady("7203", 0, 6);
    let (mut follower, mut told) = (Follower::new(path.clone(), None), Told::default());
    follower.poll(date(20), &mut told).unwrap();
    add(&mut db, &rows[..2]);
    follower.poll(date(20), &mut told).unwrap();
    // Deleted, with one more row just before it.
    add(&mut db, &rows[2..3]);
    for name in ["day.db", "day.db-wal", "day.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert_eq!(
        follower.poll(date(20), &mut told).unwrap(),
        State::Waiting(path.clone())
    );
    let mut db = database(&path);
    add(&mut db, &rows[3..4]);
    follower.poll(date(20), &mut told).unwrap();
    assert_eq!(told.new, times(&rows[..4]));
    // Replaced by a file that has everything, under other row ids.
    let other = folder.path().join("other.db");
    let mut copy = database(&other);
    add(&mut copy, &steady("9984", -10, 4));
    add(&mut copy, &rows);
    copy.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop((copy, db));
    for name in ["day.db-wal", "day.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::rename(&other, &path).unwrap();
    follower.poll(date(20), &mut told).unwrap();
    assert_eq!(told.new, times(&rows), "each once");
    assert_eq!(told.moved, 2);
}

#[test]
fn deleted_and_renumbered_rows_are_not_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut db = database(&path);
    let rows = steady("7203", 0, 8);
    add(&mut db, &rows[..3]);
    let (mut follower, mut told) = (Follower::new(path, None), Told::default());
    follower.poll(date(20), &mut told).unwrap();
    // The row at the place itself goes, before anything new came.
    db.execute("DELETE FROM features_stream", []).unwrap();
    add(&mut db, &rows[1..4]);
    follower.poll(date(20), &mut told).unwrap();
    assert_eq!(
        (told.old.clone(), told.new.clone()),
        (times(&rows[..3]), times(&rows[3..4]))
    );
    // The newest rows go and others take their row ids.
    db.execute("DELETE FROM features_stream WHERE rowid > 2", []).unwrap();
    add(&mut db, &rows[4..8]);
    follower.poll(date(20), &mut told).unwrap();
    assert_eq!((told.new, told.moved), (times(&rows[3..]), 2));
}

#[test]
fn the_files_of_the_scripts_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL,
             buy_top3 INT, sell_top3 INT, depth_imbalance REAL);
         INSERT INTO features_stream VALUES ('7203', '2026-11-20T10:00:00.300', 1, 700, 2, 1, 1, 0.5);
         INSERT INTO features_stream VALUES ('7203', '2026-11-20T10:00:00.600', 'x', NULL, NULL, 1, 1, NULL);",
    )
    .unwrap();
    let day = sum(&path, Profile::Prod.rules());
    assert_eq!((day.1.rows, day.1.unreadable), (2, 1));
    assert_eq!(day.1.skipped[Reason::Streak as usize], 1);
}

/// The signals and counts of one pass.
fn sum(path: &Path, rules: Rules) -> (Vec<SignalRow>, super::super::tally::Tally) {
    let mut signals = Vec::new();
    let stop = AtomicBool::new(false);
    let summed = summary(path, rules, date(20), &stop, &mut |signal| signals.push(signal.clone())).unwrap();
    (signals, summed.tally)
}

/// Judges what it is told, as the command does.
struct Judging {
    judge: Judge,
    profile: Profile,
    found: RefCell<Vec<SignalRow>>,
}

impl Listener for Judging {
    fn on_old(&mut self, row: &FollowedRow) {
        if let Some(judged) = signal::row(row) {
            self.judge.judge(&row.ticker, &judged);
        }
    }

    fn on_new(&mut self, _: &Path, row: &FollowedRow) {
        let verdict = signal::row(row).map(|judged| self.judge.judge(&row.ticker, &judged));
        if let Some(Verdict::Accepted(score)) = verdict {
            self.found.borrow_mut().push(signal::stored(row, score, self.profile));
        }
    }

    fn on_moved(&mut self, _: &Path, _: &str) {
        panic!("nothing moved");
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// Rows of three symbols, most of which lean somewhere.
fn day() -> impl Strategy<Value = Vec<(String, Row)>> {
    let one = (
        0..3usize,
        prop::sample::select(vec![0.0, 0.35, 0.38, 0.4, 0.5, 0.6, 0.62, 0.65, 0.7, 0.9, 1.0]),
        prop::sample::select(vec![0.0, 1.0, 600.0, 700.0, 1_300.0, 5_000.0]),
        prop::option::weighted(0.9, 0.5f64..6.0),
        prop::option::weighted(0.9, -1.0f64..1.0),
        prop::option::weighted(0.2, (any::<bool>(), 0.1f64..1.0)),
        1..5i64,
    );
    prop::collection::vec(one, 1..160).prop_map(|rows| {
        let mut at = 0;
        let mut made = Vec::new();
        for (symbol, uptick, volume, spread_bp, imbalance, burst, step) in rows {
            at += step * 300;
            let burst_of = |buy: bool| burst.filter(|(is_buy, _)| *is_buy == buy).map(|(_, score)| score);
            let row = Row {
                at_ms: TEN + at,
                uptick,
                volume,
                spread_bp,
                imbalance,
                bursts: [burst_of(true), burst_of(false)],
            };
            made.push((["7203", "9984", "285A"][symbol].to_owned(), row));
        }
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_polls_and_any_start_find_the_same_signals(
        rows in day(),
        cuts in prop::collection::vec(0..160usize, 0..12),
        start in 0..160usize,
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.db");
        let mut db = database(&path);
        let start = start.min(rows.len());
        add(&mut db, &rows[..start]);
        let mut follower = Follower::new(path.clone(), None);
        let mut judging = Judging { judge: Judge::new(profile.rules()), profile, found: RefCell::default() };
        follower.poll(date(20), &mut judging).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.clamp(start, rows.len())).collect();
        cuts.push(rows.len());
        cuts.sort_unstable();
        let mut from = start;
        for to in cuts {
            add(&mut db, &rows[from..to]);
            follower.poll(date(20), &mut judging).unwrap();
            from = to;
        }
        let (signals, tally) = sum(&path, profile.rules());
        prop_assert_eq!(tally.rows, rows.len() as u64);
        prop_assert_eq!(tally.signals(), signals.len() as u64);
        let first = rows.get(start).map(|(_, row)| iso_ms(row.at_ms));
        let is_new = |signal: &SignalRow| first.as_ref().is_some_and(|first| signal.ts >= *first);
        let expected: Vec<SignalRow> = signals.into_iter().filter(is_new).collect();
        prop_assert_eq!(judging.found.into_inner(), expected);
    }
}

#[test]
fn signals_wait_for_a_locked_database_and_are_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let db = database(&path);
    let found: Vec<SignalRow> = (0..3).map(|n| signal_at(n * 6_000)).collect();
    let stored = |db: &Connection| {
        db.query_row("SELECT count(*) FROM signals", [], |row| row.get::<_, i64>(0))
            .unwrap_or(-1)
    };
    let mut keeper = Keeper::default();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    keeper.add(&path, found[0].clone());
    keeper.flush();
    keeper.add(&path, found[1].clone());
    keeper.flush();
    assert_eq!(stored(&db), -1, "the table is not there: the lock was held");
    db.execute_batch("COMMIT").unwrap();
    keeper.flush();
    assert_eq!(stored(&db), 2);
    // The same again, and one more: only that is new.
    for signal in &found {
        keeper.add(&path, signal.clone());
    }
    keeper.flush();
    assert_eq!((stored(&db), keeper.finish(std::time::Duration::ZERO)), (3, (3, 0)));
}

#[test]
fn a_table_of_another_shape_is_refused_once_and_nothing_in_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let db = database(&path);
    db.execute_batch("CREATE TABLE signals (mine TEXT); INSERT INTO signals VALUES ('x')")
        .unwrap();
    let mut keeper = Keeper::default();
    for n in 0..2 {
        keeper.add(&path, signal_at(n));
        keeper.flush();
    }
    assert_eq!(
        keeper.finish(std::time::Duration::ZERO),
        (0, 0),
        "nothing waits for ever"
    );
    let kept: String = db
        .query_row("SELECT group_concat(mine) FROM signals", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, "x");
}

fn signal_at(ms: i64) -> SignalRow {
    let feature = FollowedRow {
        rowid: 1,
        ticker: "7203".to_owned(),
        ts: iso_ms(TEN + ms),
        uptick_ratio: Some(0.9),
        vol_sum: Some(700.0),
        spread_bp: None,
        depth_imbalance: None,
        burst_buy: false,
        burst_sell: false,
        burst_score: 0.0,
        window_id: None,
    };
    let score = Score {
        side: Side::Buy,
        base: 0.7,
        bonus: 0.0,
    };
    signal::stored(&feature, score, Profile::Demo)
}

#[test]
fn a_file_that_is_no_database_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    std::fs::write(&path, "these are no rows at all, not even a header".repeat(50)).unwrap();
    let setup = Live {
        db: path,
        rules: Profile::Prod.rules(),
        behind: None,
        json: false,
        clock: crate::clock::Clock::system(),
    };
    let error = super::super::live(setup, &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("no SQLite database"), "{error}");
}
