//! A stored day again: the features of a recorded database, as `replay_snapshot_stream.py` made them.
#![cfg(unix)]

mod support;

use std::path::Path;

use serde_json::json;
use support::process::command;
use support::{Desk, Store, wait_for};

const CLOCK: &str = "2026-11-20T10:00:00@3";

/// Four seconds of the mock market with burst columns.
fn recorded() -> Desk {
    let desk = Desk::mock(json!({
        // So mild that there are bursts whichever ticks fall into a window.
        "burst": {"window_count": 1, "uptick_thr_buy": 0.0, "vol_gate": 1, "vol_sum_gate": 1, "max_spread_bp": 100,
                  "cooldown_sec": 0.5},
        "mock_interval_ms": 20,
    }));
    let worker = desk.stream(&["--clock", CLOCK, "--seed", "7", "--duration", "6s"]);
    worker.ended().expect(0);
    desk
}

fn replay(desk: &Desk, args: &[&str]) -> (Option<i32>, String) {
    let all: Vec<&str> = ["replay", "-Config", "c.json"].iter().chain(args).copied().collect();
    let out = command(desk.folder(), &all).output().expect("runs");
    let text = [out.stdout, out.stderr].concat();
    (out.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn features(path: &Path) -> Vec<String> {
    let store = Store::open(path);
    let columns = store.column("SELECT name FROM pragma_table_info('features_stream') ORDER BY name");
    let quoted: Vec<String> = columns.iter().map(|c| format!("quote({c})")).collect();
    store.column(&format!(
        "SELECT {} FROM features_stream ORDER BY 1",
        quoted.join(" || ',' || ")
    ))
}

#[test]
fn the_features_of_a_recorded_day_come_out_as_they_were_live() {
    let desk = recorded();
    let live = features(&desk.db());
    assert!(live.len() > 30, "{}", live.len());
    let bursts = Store::open(&desk.db()).number("SELECT sum(burst_buy + burst_sell) FROM features_stream");
    assert!(bursts > 0, "the mock market had a burst");
    let (code, said) = replay(&desk, &["--target-db", "again.db", "--no-sleep"]);
    assert!(
        code == Some(0) && said.contains(&format!("new={}", live.len())),
        "{said}"
    );
    assert_eq!(features(&desk.path("again.db")), live);

    let (code, said) = replay(
        &desk,
        &["--target-db", "again.db", "--speed", "0", "--date", "2026-11-20"],
    );
    assert!(
        code == Some(0) && said.contains("new=0"),
        "a second run adds nothing: {said}"
    );
    let (code, said) = replay(&desk, &["--no-sleep"]);
    assert!(
        code == Some(0) && said.contains("new=0"),
        "nor does one into the source: {said}"
    );
    assert_eq!(features(&desk.db()), live);
    let (code, said) = replay(&desk, &["--no-sleep", "--truncate"]);
    assert!(
        code == Some(0) && said.contains(&format!("{} feature rows of 2026-11-20 deleted", live.len())),
        "{said}"
    );
    assert_eq!(features(&desk.db()), live, "deleted and made again");
}

#[test]
fn some_symbols_some_rows_and_at_a_pace() {
    let desk = recorded();
    let count = |path: &str, more: &str| {
        let sql = format!("SELECT count(*) FROM features_stream {more}");
        Store::open(&desk.path(path)).number(&sql)
    };
    let (code, said) = replay(&desk, &["--target-db", "one.db", "--no-sleep", "--symbols", "9984"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(count("one.db", ""), count("ticks.db", "WHERE ticker = '9984'"));
    assert_eq!(count("one.db", "WHERE ticker <> '9984'"), 0);
    let (code, said) = replay(
        &desk,
        &["--target-db", "few.db", "--speed", "60", "--limit", "7", "--quiet"],
    );
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(count("few.db", ""), 7);
}

#[test]
fn minutes_of_today_data_stand_in_for_a_day_without_ticks() {
    let desk = Desk::mock(json!({}));
    let source = rusqlite::Connection::open(desk.path("old.db")).expect("made");
    source
        .execute_batch(
            "CREATE TABLE today_data (code TEXT, datetime TEXT, close REAL, volume REAL);
             INSERT INTO today_data VALUES ('7203', '2026-11-19 09:00:00', 2800, 1000),
             ('7203', '2026-11-19 09:01:00', 2801, 300), ('9984', '2026-11-19 09:01:00', 9000, 100),
             ('7203', '2026-11-19 09:02:00', 2799.5, 200), ('7203', '2026-11-19 09:03:00', 2799.5, 0);",
        )
        .expect("filled");
    drop(source);
    let (code, said) = replay(&desk, &["--source-db", "old.db", "--target-db", "new.db", "--no-sleep"]);
    assert!(
        code == Some(0) && said.contains("one tick each") && said.contains("rows=5 new=5"),
        "{said}"
    );
    let rows = Store::open(&desk.path("new.db")).column(
        "SELECT ts || ' ' || uptick_ratio || ' ' || vol_sum || ' ' || quote(spread_bp) FROM features_stream \
         WHERE ticker = '7203' ORDER BY ts",
    );
    assert_eq!(
        rows,
        [
            "2026-11-19 09:00:00 0.5 1000.0 NULL",
            "2026-11-19 09:01:00 1.0 300.0 NULL",
            "2026-11-19 09:02:00 0.0 200.0 NULL",
            "2026-11-19 09:03:00 0.5 0.0 NULL",
        ]
    );
}

#[test]
fn a_database_that_a_recorder_owns_is_left_alone_and_mistakes_are_named() {
    let desk = recorded();
    for (args, part) in [
        (&["--date", "2020-01-01", "--no-sleep"][..], "no rows of 2020-01-01"),
        (&["--source-db", "nowhere.db"][..], "nowhere.db"),
        (&["--date", "20-1-1"][..], "2026-11-20"),
        (&["--speed", "-1"][..], "0 = no waiting"),
        (&["--journal", "j", "--truncate"][..], "--truncate"),
    ] {
        let (code, said) = replay(&desk, args);
        assert!(code == Some(2) && said.contains(part), "{args:?}: {code:?} {said}");
    }
    let before = features(&desk.db());
    let worker = desk.stream(&["--clock", "2026-11-20T11:00:00@1"]);
    wait_for("the recorder", || {
        worker.text().contains("stream_microbatch start").then_some(())
    });
    let (code, said) = replay(&desk, &["--no-sleep", "--truncate"]);
    assert_eq!(code, Some(5), "{said}");
    worker.stop().expect(0);
    let after = features(&desk.db());
    assert!(
        before.iter().all(|row| after.binary_search(row).is_ok()),
        "nothing was deleted"
    );
}
