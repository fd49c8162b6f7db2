//! `ayumi verify`: a recorded database is all A; whatever is done to it afterwards is found, named with its symbol, and
//! ends with code 1; and no damage of the file makes it panic or say "all is well".
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[path = "verify/absent.rs"]
mod absent;
#[path = "verify/desk.rs"]
mod desk;
#[path = "verify/flips.rs"]
mod flips;
mod support;

use desk::{Recorded, START, WIDTH, verify};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Desk, TEN, Worker};

/// Runs it with `--json` and returns code and report.
fn report(recorded: &Recorded, args: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["--db", "ticks.db", "--json"];
    all.extend(args);
    let ended = verify(&recorded.desk, &all);
    let value = serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {}", ended.text()));
    assert!(ended.out.is_ascii());
    (ended.code, value)
}

/// `symbol grade: reasons` of every day that is not A.
fn not_fine(report: &Value) -> Vec<String> {
    let days = report["files"].as_array().unwrap().iter();
    let days = days.flat_map(|file| file["days"].as_array().unwrap().clone());
    days.filter(|day| day["grade"] != "A")
        .map(|day| {
            let reasons = day["reasons"].as_array().unwrap().iter();
            let codes: Vec<&str> = reasons.map(|r| r["code"].as_str().unwrap()).collect();
            format!(
                "{} {}: {}",
                day["symbol"].as_str().unwrap(),
                day["grade"].as_str().unwrap(),
                codes.join(",")
            )
        })
        .collect()
}

#[test]
fn g04_a_recorded_database_is_all_a() {
    let desk = Desk::mock(json!({"window_ms": 50}));
    desk.stream(&["--clock", TEN, "--duration", "1500ms"]).ended().expect(0);
    let before = std::fs::read(desk.db()).unwrap();
    let ended = verify(&desk, &["-Config", "c.json"]).expect(0);
    ended.says(&[
        "2026-11-20  7203    A ",
        "2026-11-20  285A    A ",
        "verify: all is well; A 3  B 0  C 0  D 0",
    ]);
    let ended = verify(
        &desk,
        &["-Config", "c.json", "--symbols", "9984", "--date", "2026-11-20"],
    )
    .expect(0);
    ended.says(&["A 1  B 0"]);
    assert!(std::fs::read(desk.db()).unwrap() == before, "the file is as it was");
}

#[test]
fn g03_g04_every_kind_of_damage_is_found_and_blamed_on_its_symbol() {
    let recorded = Recorded::new(40);
    assert_eq!(
        report(&recorded, &[]).1["grades"],
        json!({"A": 3, "B": 0, "C": 0, "D": 0})
    );
    let window = START + 7 * WIDTH;
    let both = ["7203 D: damaged", "9984 D: damaged"];
    let cases: &[(&str, String, &[&str])] = &[
        (
            "a tick row",
            format!("DELETE FROM tick_batch WHERE window_id = {window} AND ticker = '9984'"),
            &["9984 D: equation,damaged"],
        ),
        (
            "a feature row",
            format!("DELETE FROM features_stream WHERE window_id = {window} AND ticker = '7203'"),
            &["7203 D: damaged"],
        ),
        (
            "a book row",
            format!("DELETE FROM orderbook_snapshot WHERE window_id = {window} AND ticker = '7203'"),
            &["7203 D: damaged"],
        ),
        (
            "a volume",
            format!("UPDATE tick_batch SET vol_sum = vol_sum + 1 WHERE window_id = {window} AND ticker = '7203'"),
            &["7203 D: equation,damaged"],
        ),
        (
            "a price",
            format!("UPDATE tick_batch SET last_price = 1 WHERE window_id = {window} AND ticker = '7203'"),
            &both,
        ),
        (
            "a book value",
            format!("UPDATE orderbook_snapshot SET bid1 = 1 WHERE window_id = {window} AND ticker = '7203'"),
            &both,
        ),
        (
            "a window_log row",
            format!("DELETE FROM window_log WHERE window_id = {window}"),
            &both,
        ),
        (
            "its count",
            format!("UPDATE window_log SET rejected = 9 WHERE window_id = {window}"),
            &both,
        ),
        (
            "its end",
            format!("UPDATE window_log SET ts_end = ts_start WHERE window_id = {window}"),
            &both,
        ),
        (
            "all its rows",
            format!(
                "DELETE FROM tick_batch WHERE window_id = {window}; DELETE FROM features_stream WHERE window_id = {window}; DELETE FROM orderbook_snapshot WHERE window_id = {window}"
            ),
            &["7203 D: equation,damaged", "9984 D: equation,damaged"],
        ),
        (
            "a ledger row",
            "DELETE FROM volume_ledger WHERE cause = 'guard'".to_owned(),
            &["285A D: equation,damaged"],
        ),
        (
            "a ledger row more",
            "INSERT INTO volume_ledger SELECT * FROM volume_ledger WHERE cause = 'guard'".to_owned(),
            &["285A D: equation,damaged,kept_out"],
        ),
        (
            "a row twice",
            format!(
                "DROP INDEX ux_features_stream_ts_ticker; INSERT INTO features_stream SELECT * FROM features_stream WHERE window_id = {window} AND ticker = '7203'"
            ),
            &both,
        ),
        (
            "a row of another window",
            format!(
                "UPDATE tick_batch SET window_id = window_id + {WIDTH} WHERE window_id = {window} AND ticker = '7203'"
            ),
            &["7203 D: damaged,damaged"],
        ),
        (
            "a row without its window",
            format!("UPDATE features_stream SET window_id = NULL WHERE window_id = {window} AND ticker = '7203'"),
            &["7203 D: damaged"],
        ),
        (
            "the state",
            "UPDATE stream_state SET last_volume = last_volume + 5 WHERE ticker = '9984'".to_owned(),
            &["9984 D: equation"],
        ),
        (
            "no state",
            "DELETE FROM stream_state WHERE ticker = '9984'".to_owned(),
            &["9984 D: no_state"],
        ),
    ];
    for (what, sql, expected) in cases {
        let copy = recorded.copy();
        copy.sql(sql);
        let (code, report) = report(&copy, &[]);
        let found = not_fine(&report);
        assert_eq!(
            (code, found.as_slice()),
            (
                Some(1),
                &expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()[..]
            ),
            "{what}: {report}"
        );
        assert_eq!(report["well"], false);
    }
}

#[test]
fn s05_a_lost_table_or_a_changed_one_is_found() {
    for (sql, word) in [
        ("DROP TABLE volume_ledger", "tables are missing: volume_ledger"),
        ("DROP TABLE window_log", "tables are missing: window_log"),
        (
            "ALTER TABLE tick_batch RENAME COLUMN vol_sum TO volume",
            "another shape",
        ),
    ] {
        let recorded = Recorded::new(5);
        recorded.sql(sql);
        verify(&recorded.desk, &["--db", "ticks.db"]).expect(1).says(&[word]);
    }
}

#[test]
fn g10_gaps_overload_and_wishes_have_their_grades() {
    let recorded = Recorded::empty();
    recorded.write(|feed| {
        let mut windows = Vec::new();
        for n in 0..30 {
            let mut window = feed.window(n * WIDTH, &[1_000, 1_000, 1_000, 1_000, 1_000]);
            if n == 10 {
                feed.missed(&mut window, 0, "gap", 100);
                feed.missed(&mut window, 1, "gap", 20_000);
                feed.missed(&mut window, 2, "overflow", 7);
                feed.missed(&mut window, 3, "guard", 90_000);
                feed.missed(&mut window, 3, "decrease", -50);
            }
            windows.push(window);
        }
        windows
    });
    let (code, told) = report(&recorded, &[]);
    assert_eq!(not_fine(&told), ["285A C: overflow", "7203 B: gap", "9984 C: gap"]);
    assert_eq!(code, Some(1));
    let (code, told) = report(&recorded, &["--symbols", "7203,6758,8306"]);
    assert_eq!(
        (code, &told["grades"]["B"], &told["grades"]["A"]),
        (Some(0), &json!(1), &json!(2))
    );
    let text = verify(&recorded.desk, &["--db", "ticks.db"]).expect(1);
    text.says(&[
        "gap: 100 missed",
        "large gap: 20000 missed",
        "overflow: 7 in no tick",
        "guard kept 90000 out, as set",
    ]);
    let text = verify(&recorded.desk, &["--db", "ticks.db", "--quiet"]).expect(1);
    assert!(
        !text.out.contains("guard kept") && text.out.contains("overflow: 7"),
        "{}",
        text.out
    );
}

#[test]
fn g10_holes_inside_a_session_are_marked() {
    let recorded = Recorded::empty();
    recorded.write(|feed| {
        let minute = 60_000;
        // 09:00, then eleven minutes later, then at 12:29 and in the afternoon: lunch is no hole.
        [0, WIDTH, 11 * minute, 149 * minute, 209 * minute, 211 * minute]
            .iter()
            .map(|at| feed.window(*at, &[100]))
            .collect()
    });
    let (code, told) = report(&recorded, &[]);
    assert_eq!((code, not_fine(&told)), (Some(0), vec!["7203 B: hole".to_owned()]));
    verify(&recorded.desk, &["--db", "ticks.db"])
        .expect(0)
        .says(&["longest 09:11:00 to 11:29:00"]);
}

#[test]
fn merged_windows_are_grade_c() {
    let recorded = Recorded::empty();
    recorded.write(|feed| {
        let mut window = feed.window(0, &[100, 0]);
        window.merged_windows = 2;
        window.counts.merged = 4;
        window.counts.messages += 4;
        vec![window, feed.window(3 * WIDTH, &[10, 10])]
    });
    assert_eq!(not_fine(&report(&recorded, &[]).1), ["7203 C: merged"]);
}

#[test]
fn s13_files_of_the_scripts_are_not_condemned() {
    for extra in [
        "",
        ", burst_buy INT, burst_sell INT, burst_score REAL, streak_len INT, surge_vol_ratio REAL, last_signal_ts TEXT",
    ] {
        let desk = Desk::new();
        let db = Connection::open(desk.db()).unwrap();
        db.execute_batch(&format!(
            "CREATE TABLE tick_batch (ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, upticks INT, downticks INT, vol_sum REAL, last_price REAL);
             CREATE TABLE orderbook_snapshot (ticker TEXT, ts TEXT, bid1 REAL, ask1 REAL, spread_bp REAL, buy_top3 INT, sell_top3 INT);
             CREATE TABLE features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL, buy_top3 INT, sell_top3 INT, depth_imbalance REAL{extra});
             INSERT INTO tick_batch VALUES ('7203', '2025-11-20T09:00:00', '2025-11-20T09:00:01', 1, 0, 0, 100, 2000);
             INSERT INTO features_stream (ticker, ts) VALUES ('7203', '2025-11-20T09:00:01');"
        ))
        .unwrap();
        drop(db);
        let ended = verify(&desk, &["--db", "ticks.db"]).expect(0);
        ended.says(&["2 rows were written by the scripts", "nothing could be checked"]);
        // The same after the recorder has taken the file over.
        desk.settings(&json!({"mode": "mock", "symbols": ["9984"]}));
        desk.stream(&["--clock", TEN, "--duration", "700ms"]).ended().expect(0);
        let ended = verify(&desk, &["--db", "ticks.db"]).expect(0);
        ended.says(&["2 rows were written by the scripts", "9984    A", "A 1  B 0  C 0  D 0"]);
    }
}

#[test]
fn what_is_no_database_of_ours_is_said() {
    let desk = Desk::new();
    for (name, content, code, word) in [
        ("empty.db", &b""[..], 74, "is empty: 0 bytes"),
        (
            "text.db",
            &b"this is no database, but a text that is long enough to be looked at as one, or so it seems to us....\n"
                [..],
            74,
            "no SQLite database",
        ),
    ] {
        std::fs::write(desk.path(name), content).unwrap();
        verify(&desk, &["--db", name]).expect(code).says(&[word, "next: "]);
    }
    Connection::open(desk.path("other.db"))
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    verify(&desk, &["--db", "other.db"])
        .expect(74)
        .says(&["holds no table of ayumi"]);
    verify(&desk, &["--db", "none.db"])
        .expect(2)
        .says(&["there is no database", "next: "]);
    verify(&desk, &["--db", "t-{date}.db"])
        .expect(2)
        .says(&["there is no database"]);
    verify(&desk, &[]).expect(2).says(&["-Config <path> or --db <path>"]);
    verify(&desk, &["--db", "x", "--date", "2026-11-20", "--to", "2026-11-19"]).expect(2);
    // Tables without a single row: nothing recorded yet is no damage.
    Recorded::empty().write(|_| vec![]);
}

#[test]
fn g04_an_empty_recording_is_well() {
    let station = support::station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let clock = "2026-11-20T10:00:00@20";
    desk.stream(&["--clock", clock, "--duration", "20s"]).ended().expect(0);
    let well = "nothing was recorded, so nothing is wrong";
    verify(&desk, &["--db", "ticks.db"]).expect(0).says(&[well]);
    // While it runs, too.
    let mut recorder = desk.stream(&["--clock", TEN]);
    recorder.wait_line("-> OK");
    verify(&desk, &["--db", "ticks.db"]).expect(0).says(&[well]);
    recorder.kill();
}

#[test]
fn g04_a_copy_without_its_log_is_not_well() {
    let desk = Desk::mock(json!({"window_ms": 10, "mock_interval_ms": 5}));
    let recorder = desk.stream(&["--clock", TEN]);
    // More than nothing, and not yet so much that it is moved from the log into the file.
    desk.stored();
    let bytes = std::fs::read(desk.db()).unwrap();
    std::fs::write(desk.path("copy.db"), &bytes).unwrap();
    recorder.kill();
    // Where the first rows are in the file already, nothing can be said here.
    let copy = Connection::open(desk.path("copy.db")).unwrap();
    let rows = "SELECT count(*) FROM window_log";
    let lost = copy
        .query_row(rows, [], |row| row.get::<_, i64>(0))
        .is_ok_and(|rows| rows == 0);
    drop(copy);
    if !lost {
        return support::skip("the first windows are in the file already, or its tables are not");
    }
    std::fs::write(desk.path("copy.db"), &bytes).unwrap();
    for more in [&[][..], &["--json"]] {
        let args: Vec<&str> = ["--db", "copy.db"].iter().chain(more).copied().collect();
        verify(&desk, &args)
            .expect(2)
            .says(&["nothing is in them", "copy.db-wal", "next: copy both files"]);
    }
    // With it, all is there.
    verify(&desk, &["--db", "ticks.db"]).expect(0);
}

#[test]
fn g04_tables_without_a_row_or_a_word_of_a_recorder() {
    let recorded = Recorded::empty();
    recorded.write(|_| vec![]);
    verify(&recorded.desk, &["--db", "ticks.db"])
        .expect(2)
        .says(&["has its tables, but nothing is in them", "ticks.db-wal"]);
    // A copy of SQLite's own making is whole.
    recorded.sql(
        "VACUUM INTO 'whole.db'"
            .replace("whole.db", &recorded.desk.path("whole.db").display().to_string())
            .as_str(),
    );
    verify(&recorded.desk, &["--db", "whole.db"]).expect(0);
}

#[test]
fn a_file_per_day_and_a_derivative_over_two_files() {
    let desk = Recorded::two_days();
    let told = verify(&desk, &["--db", "t-{date}.db"]).expect(0);
    told.says(&[
        "t-2025-11-20.db: ",
        "t-2025-11-21.db: ",
        "2025-11-21  167060019@2  A",
        "D 0",
    ]);
    // Alone, the second file cannot tell how much the evening had brought.
    verify(&desk, &["--db", "t-2025-11-21.db"])
        .expect(0)
        .says(&["the trading date began in another file"]);
    let told = verify(&desk, &["--db", "t-{date}.db", "--date", "2025-11-21"]).expect(0);
    assert!(!told.out.contains("2025-11-20  "), "{}", told.out);
}

#[test]
fn x01_beside_a_running_recorder() {
    let desk = Desk::mock(json!({"window_ms": 10, "mock_interval_ms": 5}));
    let mut recorder = desk.stream(&["--clock", TEN]);
    recorder.wait_line("[BOOT]");
    desk.stored();
    for _ in 0..15 {
        verify(&desk, &["--db", "ticks.db"]).expect(0).says(&["all is well"]);
    }
    assert!(recorder.is_running());
    // What is changed under it is found all the same.
    let store = desk.store();
    let first = store.number("SELECT min(window_id) FROM window_log");
    drop(store);
    let db = Connection::open(desk.db()).unwrap();
    db.busy_timeout(support::PATIENCE).unwrap();
    db.execute(
        "UPDATE features_stream SET uptick_ratio = 2 WHERE window_id = ?1",
        [first],
    )
    .unwrap();
    verify(&desk, &["--db", "ticks.db"])
        .expect(1)
        .says(&["the checksum is another one"]);
    drop(recorder.kill());
    // A crash leaves log and note behind.
    verify(&desk, &["--db", "ticks.db"])
        .expect(1)
        .says(&["the checksum is another one"]);
}

#[test]
fn a_simulated_recording_with_a_gap_is_well() {
    let station = support::station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker: Worker = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    for volume in [1_000, 41_000] {
        station.push_text(&support::message::push("7203", 2_000.0, volume));
    }
    support::stored_volume(&desk, 41_000);
    station.cut(ayumi_sim::Cut::Reset);
    support::line(&station, 2);
    station.push_text(&support::message::push("7203", 2_000.0, 41_500));
    support::stored_volume(&desk, 41_500);
    worker.wait_line("connected");
    drop(worker.kill());
    verify(&desk, &["-Config", "c.json"])
        .expect(0)
        .says(&["7203    B", "gap: 500 missed"]);
}
