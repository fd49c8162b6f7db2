//! What a poll costs on a full day: 3 million rows of 50 symbols.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use ayumi_engine::jst::Date;
use ayumi_store::reader::FollowedRow;

use super::super::follow::{Follower, Listener};
use super::files::database;

const SYMBOLS: i64 = 50;
const WINDOWS: i64 = 60_000;
const POLLS: usize = 41;

#[derive(Default)]
struct Counting {
    old: i64,
    new: i64,
}

impl Listener for Counting {
    fn on_old(&mut self, _: &FollowedRow) {
        self.old += 1;
    }

    fn on_new(&mut self, _: &Path, _: &FollowedRow) {
        self.new += 1;
    }

    fn on_moved(&mut self, _: &Path, why: &str) {
        panic!("{why}");
    }

    fn stopped(&self) -> bool {
        false
    }
}

/// `windows` windows from number `from` on, in one transaction. Seconds of the day are counted from 09:00:00.
fn fill(db: &rusqlite::Connection, from: i64, windows: i64) {
    let sql = format!(
        "WITH RECURSIVE w(n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM w WHERE n < {}),
             s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {SYMBOLS}),
             t(n, ts) AS (SELECT n, printf('2026-11-20T%02d:%02d:%02d.%03d+09:00', 9 + n * 3 / 36000,
                          n * 3 / 600 % 60, n * 3 / 10 % 60, n * 300 % 1000) FROM w)
         INSERT INTO features_stream (ticker, ts, uptick_ratio, vol_sum, spread_bp, buy_top3, sell_top3,
             depth_imbalance, burst_buy, burst_sell, burst_score, streak_len, surge_vol_ratio, last_signal_ts, window_id)
         SELECT CAST(1300 + s.n AS TEXT), t.ts, 0.5, 100.0, 2.0, 1000, 900, 0.1, 0, 0, 0.1, 0, 1.0, '', t.n * 300
         FROM t CROSS JOIN s",
        from + windows - 1
    );
    db.execute(&sql, []).unwrap();
}

#[test]
fn a_poll_on_three_million_rows_reads_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let db = database(&path);
    let filled = Instant::now();
    // Once to the disk is enough for rows that nobody reads yet.
    db.execute_batch("PRAGMA journal_mode = OFF").unwrap();
    fill(&db, 1, WINDOWS);
    db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let filled = filled.elapsed();
    let (mut follower, mut counting) = (Follower::new(path, None), Counting::default());
    let today = Date::new(2026, 11, 20).unwrap();
    let begun = Instant::now();
    follower.poll(today, &mut counting).unwrap();
    let start = begun.elapsed();
    assert_eq!((counting.old, counting.new), (SYMBOLS * WINDOWS, 0));
    // One window of 50 symbols between two polls, as in a quarter of a second.
    let mut took: Vec<Duration> = (0..POLLS)
        .map(|n| {
            fill(&db, WINDOWS + 1 + n as i64, 1);
            let begun = Instant::now();
            follower.poll(today, &mut counting).unwrap();
            begun.elapsed()
        })
        .collect();
    assert_eq!(counting.new, SYMBOLS * POLLS as i64);
    took.sort_unstable();
    let (median, worst) = (took[POLLS / 2], took[POLLS - 1]);
    let said = format!(
        "naut poll: {} rows, 50 new: median {median:?}, worst of {POLLS} {worst:?}; the day read at the start {start:?} \
         (filled in {filled:?})\n",
        SYMBOLS * WINDOWS
    );
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    assert!(median < Duration::from_millis(20), "{said}");
}
