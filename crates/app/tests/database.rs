//! Whose database it is: files of others, of an older version, of another instance, and those that cannot be written.
#![cfg(unix)]

mod support;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use support::message::push;
use support::process::Ended;
use support::{Desk, TEN, Worker, connected, line, skip, station, stored_volume, wait_for};

/// Starts on a database that cannot be used, and ends with exit code 2.
fn refused(desk: &Desk) -> support::process::Ended {
    let ended = desk.stream(&[]).ended().expect(2);
    assert!(ended.err.contains(" ERROR "), "{}", ended.text());
    assert!(!ended.err.contains("stream_microbatch start"), "{}", ended.text());
    ended
}

#[test]
fn s04_a_folder_that_cannot_be_used_is_refused_with_advice() {
    let desk = Desk::mock(json!({"db_path": "file/deeper/ticks.db"}));
    std::fs::write(desk.path("file"), "no folder").expect("written");
    refused(&desk).says(&[
        "file/deeper",
        "cannot be created or used",
        "check db_path and the rights of the folder",
    ]);
    let desk = Desk::mock(json!({"db_path": "/proc/nowhere/ticks.db"}));
    refused(&desk).says(&["/proc/nowhere", "cannot be created or used", "check db_path"]);
    let desk = Desk::mock(json!({"db_path": "here"}));
    std::fs::create_dir(desk.path("here")).expect("created");
    refused(&desk).says(&["here", "is no SQLite database (it is a folder)", "Set another db_path"]);
}

/// Starts as somebody who may not write everywhere; `None` when this user cannot do so.
fn as_nobody(desk: &Desk) -> Option<Ended> {
    let mut command = support::process::command(desk.folder(), &["stream", "-Config", "c.json"]);
    let everywhere = std::fs::write(desk.path("locked/probe"), "").is_ok();
    if everywhere {
        std::fs::set_permissions(desk.folder(), Permissions::from_mode(0o755)).expect("set");
        std::fs::set_permissions(desk.path("c.json"), Permissions::from_mode(0o644)).expect("set");
        command.uid(65_534);
        // The binary may lie where only its owner can go.
        let mut probe = Command::new(env!("CARGO_BIN_EXE_ayumi"));
        probe.arg("--version").uid(65_534).stdout(Stdio::null()).status().ok()?;
    }
    Some(Worker::spawn(&mut command).ended())
}

#[test]
fn s04_a_read_only_folder_or_file_is_refused_with_advice() {
    let desk = Desk::mock(json!({"db_path": "locked/ticks.db"}));
    let folder = desk.path("locked");
    std::fs::create_dir(&folder).expect("created");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o555)).expect("set");
    let Some(ended) = as_nobody(&desk) else {
        skip("a read-only folder: this user may write everywhere, and others may not run the binary");
        return;
    };
    ended
        .expect(2)
        .says(&["ERROR", "locked", "check db_path and the rights of the folder"]);
    // A file that was there before, in a folder where files may be made.
    std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("set");
    desk.stream(&["--duration", "200ms"]).ended().expect(0);
    for name in ["locked/ticks.db", "locked/ticks.db.lock"] {
        std::fs::set_permissions(desk.path(name), Permissions::from_mode(0o444)).expect("set");
    }
    let ended = as_nobody(&desk).expect("as before").expect(2);
    ended.says(&[
        "ERROR",
        "ticks.db",
        "read-only",
        "check the file's properties and the folder's rights",
    ]);
}

#[test]
fn s05_files_of_others_are_refused_and_not_touched() {
    let database =
        |sql: &'static str| move |path: &Path| Connection::open(path).and_then(|c| c.execute_batch(sql)).expect("made");
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str]);
    let cases: [Case<'_>; 5] = [
        (
            "text",
            &|path| std::fs::write(path, "my diary\n".repeat(500)).expect("written"),
            &["is no SQLite database", "Set another db_path"],
        ),
        (
            "another application",
            &database("PRAGMA application_id = 1196444487; CREATE TABLE gpkg(x);"),
            &["is the database of another application", "Set another db_path"],
        ),
        (
            "another shape",
            &database("CREATE TABLE tick_batch(ticker TEXT, price REAL); INSERT INTO tick_batch VALUES('7203', 1);"),
            &[
                "table tick_batch has another shape",
                "nothing was changed",
                "Set another db_path, or rename that table",
            ],
        ),
        (
            "a view of our name",
            &database("CREATE TABLE t(x); CREATE VIEW features_stream AS SELECT x FROM t;"),
            &["features_stream", "nothing was changed"],
        ),
        (
            "a generated column too many",
            &database("CREATE TABLE orderbook_snapshot(ticker TEXT, ts TEXT, bid1 REAL, spread REAL NOT NULL);"),
            &["orderbook_snapshot", "another shape"],
        ),
    ];
    for (what, make, parts) in cases {
        let desk = Desk::mock(json!({}));
        make(&desk.db());
        let before = std::fs::read(desk.db()).expect("read");
        refused(&desk).says(parts);
        assert_eq!(std::fs::read(desk.db()).expect("read"), before, "{what} was touched");
    }
}

#[test]
fn g12_a_second_instance_leaves_at_once_and_names_the_first() {
    let desk = Desk::mock(json!({}));
    let mut first = desk.stream(&[]);
    first.wait_line("stream_microbatch start");
    let other = Desk::mock(json!({"db_path": other_name(&desk)}));
    let mut fastest = Duration::MAX;
    for place in [&desk, &other, &desk, &other] {
        let second = place.stream(&[]).ended().expect(5);
        fastest = fastest.min(second.lived);
        second.says(&[
            &format!("PID {}", first.pid()),
            "belongs to another running instance",
            "db_path",
        ]);
    }
    assert!(fastest < Duration::from_millis(500), "{fastest:?}");
    assert!(first.is_running());
    first.stop().expect(0);
    // Nothing is left over that would keep the next one out.
    desk.stream(&["--duration", "100ms"]).ended().expect(0);
}

#[test]
fn x03_a_replay_into_the_database_of_a_running_recorder_is_refused() {
    let desk = Desk::mock(json!({"journal_dir": "journal"}));
    desk.stream(&["--clock", TEN, "--duration", "700ms"]).ended().expect(0);
    let mut running = desk.stream(&["--clock", TEN]);
    running.wait_line("stream_microbatch start");
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        "journal",
        "--target-db",
        "ticks.db",
        "--no-sleep",
    ];
    let replay = Worker::start(desk.folder(), &args).ended().expect(5);
    replay.says(&[&format!("PID {}", running.pid()), "belongs to another running instance"]);
    assert!(running.is_running());
    running.stop().expect(0);
}

#[test]
fn c06_settings_that_change_while_running_change_nothing_until_the_next_start() {
    let desk = Desk::mock(json!({"symbols": ["7203"]}));
    let mut worker = desk.stream(&["--clock", TEN]);
    worker.wait_line("stream_microbatch start");
    let windows = || desk.store().number("SELECT count(*) FROM window_log");
    desk.stored();
    std::fs::write(desk.path("c.json"), "{ broken").expect("written");
    let before = windows();
    wait_for("three more windows", || (windows() > before + 3).then_some(()));
    assert!(!worker.stop().expect(0).err.contains("ERROR"));
    assert_eq!(desk.store().column("SELECT DISTINCT ticker FROM tick_batch"), ["7203"]);
}

/// The same database by a symbolic link in another folder.
fn other_name(desk: &Desk) -> std::path::PathBuf {
    let link = desk.path("link.db");
    std::os::unix::fs::symlink(desk.db(), &link).expect("linked");
    link
}

/// The tables as the scripts made them.
fn scripts_database(path: &Path) {
    let connection = Connection::open(path).expect("made");
    connection
        .execute_batch(
            "CREATE TABLE tick_batch(ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, upticks INT,
                                     downticks INT, vol_sum REAL, last_price REAL);
             CREATE TABLE orderbook_snapshot(ticker TEXT, ts TEXT, bid1 REAL, ask1 REAL, spread_bp REAL,
                                             buy_top3 INT, sell_top3 INT);
             CREATE TABLE features_stream(ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL,
                                          buy_top3 INT, sell_top3 INT, depth_imbalance REAL);
             CREATE TABLE today_data(code TEXT, price REAL);
             INSERT INTO tick_batch VALUES('7203', '2025-11-19T10:00:00', '2025-11-19T10:00:00.300', 3, 1, 1, 300, 2000);
             INSERT INTO tick_batch VALUES('7203', '2025-11-19T10:00:00', '2025-11-19T10:00:00.300', 3, 1, 1, 300, 2000);
             INSERT INTO orderbook_snapshot VALUES('7203', '2025-11-19T10:00:00.300', 1999, 2001, 10, 5, 6);
             INSERT INTO features_stream VALUES('7203', '2025-11-19T10:00:00.300', 0, 300, 10, 5, 6, -0.09);
             INSERT INTO today_data VALUES('7203', 2000);",
        )
        .expect("filled");
}

#[test]
fn s13_a_database_of_the_scripts_is_migrated_and_used() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    scripts_database(&desk.db());
    let worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    station.push_text(&push("7203", 2001.0, 1_400));
    let store = stored_volume(&desk, 1_400);
    let ended = worker.stop().expect(0);
    ended.says(&["a copy of the file as it was is kept in", "its index is not unique"]);
    assert!(
        desk.files().contains(&"ticks.db.before-ayumi".to_owned()),
        "{:?}",
        desk.files()
    );
    // What the scripts' readers ask, by position and by name.
    let old = "SELECT ticks || ' ' || vol_sum || ' ' || last_price FROM tick_batch WHERE ts_window_end < '2026'";
    assert_eq!(store.column(old), ["3 300.0 2000.0", "3 300.0 2000.0"]);
    assert_eq!(
        store.number("SELECT sum(vol_sum) FROM tick_batch WHERE ts_window_end > '2026'"),
        400
    );
    let columns = store.column("SELECT name FROM pragma_table_info('features_stream')");
    assert_eq!(
        columns[..14],
        [
            "ticker",
            "ts",
            "uptick_ratio",
            "vol_sum",
            "spread_bp",
            "buy_top3",
            "sell_top3",
            "depth_imbalance",
            "burst_buy",
            "burst_sell",
            "burst_score",
            "streak_len",
            "surge_vol_ratio",
            "last_signal_ts"
        ]
    );
    assert_eq!(store.number("SELECT price FROM today_data"), 2000);
    assert_eq!(store.one::<String>("PRAGMA integrity_check"), "ok");
    // A second start has nothing left to do.
    let worker = desk.stream(&["--clock", "2026-11-20T11:00:00@1"]);
    line(&station, 2);
    station.push_text(&push("7203", 2001.0, 1_500));
    stored_volume(&desk, 1_500);
    let ended = worker.stop().expect(0);
    assert!(!ended.text().contains("adding columns"), "{}", ended.text());
    assert_eq!(store.ledger("gap"), 100);
}
