//! The database as others may leave, hold or own it, and the days and hours it is divided into.
#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use ayumi_sim::SimHandle;
use rusqlite::Connection;
use serde_json::json;
use support::message::push;
use support::{Desk, Store, TEN, at_station, connected, line, skip, station, stored_volume, wait_for};

/// Holds the write lock of a database as another program would.
struct Lock(Connection);

impl Lock {
    fn take(path: &Path) -> Self {
        let connection = Connection::open(path).expect("opened");
        connection.busy_timeout(support::PATIENCE).expect("set");
        connection.execute_batch("BEGIN IMMEDIATE").expect("locked");
        Self(connection)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").expect("released");
    }
}

/// Sends a message every few milliseconds until `enough`; returns how many and the last volume.
fn keep_sending(station: &SimHandle, mut enough: impl FnMut() -> bool) -> (i64, i64) {
    let (mut sent, mut volume) = (0, 1_000);
    wait_for("the end of the lock", || {
        volume += 100;
        sent += 1;
        station.push_text(&push("7203", 2000.0 + (sent % 7) as f64, volume));
        enough().then_some(())
    });
    (sent, volume)
}

#[test]
fn s01_thirty_seconds_of_a_locked_database_cost_nothing() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    let store = desk.stored();
    let lock = Lock::take(&desk.db());
    let locked = Instant::now();
    // The reminder comes 30 seconds after the first complaint: that is how long the lock stands.
    let (sent, volume) = keep_sending(&station, || worker.lines("is locked by another program").len() >= 2);
    assert!(locked.elapsed() >= Duration::from_secs(29), "{:?}", locked.elapsed());
    let said = worker.lines("is locked by another program");
    assert_eq!(said.len(), 2, "said twice in 30 s: {said:?}");
    assert!(
        said[0].contains("WARNING") && said[0].contains("close the program that writes to it"),
        "{}",
        said[0]
    );
    assert!(
        said[1].contains(" windows wait in memory, nothing is lost yet"),
        "{}",
        said[1]
    );
    lock.release();
    let said = worker.wait_line("the database takes windows again after");
    assert!(said.contains("windows to catch up"), "{said}");
    wait_for("the last message", || {
        (store.number("SELECT last_volume FROM stream_state") == volume).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    assert_eq!((totals["merged"], totals["ledger"]), (0, 0));
    assert_eq!(totals["received"], sent + 1);
    assert_eq!(store.sizes(), volume - 1_000);
    assert_eq!(store.number("SELECT sum(messages) FROM window_log"), sent + 1);
    // One window after the other on the grid: none is missing, none is merged.
    assert!(store.number("SELECT count(*) FROM window_log") >= 95);
    store.check(300, 1);
    assert_eq!(station.counters().push_connections, 1);
}

#[test]
fn n06_a_queue_that_is_full_merges_and_says_so() {
    let station = station(|_| {});
    let desk = Desk::online(
        station.port(),
        json!({"board_mode": "push", "window_ms": 20, "tick_queue_max": 20, "symbols": ["7203", "8306"]}),
    );
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    let store = desk.stored();
    let lock = Lock::take(&desk.db());
    // Statistics every five seconds.
    let (sent, volume) = keep_sending(&station, || {
        worker.lines("[PushTickReceiver] tick queue full; merged=").len() >= 2
    });
    lock.release();
    let said = worker.wait_line("[PushTickReceiver] tick queue drained");
    assert!(said.contains("WARNING") && said.contains("merged="), "{said}");
    wait_for("the last message", || {
        (store.number("SELECT last_volume FROM stream_state WHERE ticker = '7203'") == volume).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    assert!(totals["merged"] > 0);
    assert_eq!(totals["received"], totals["stored"] + totals["merged"]);
    assert_eq!(totals["received"], sent + 1);
    assert_eq!(store.number("SELECT sum(merged) FROM window_log"), totals["merged"]);
    assert!(store.number("SELECT sum(merged_windows) FROM window_log") > 0);
    assert_eq!(
        (store.sizes(), totals["ledger"]),
        (volume - 1_000, 0),
        "no volume is lost"
    );
    store.check(20, 1);
}

#[test]
fn s01_a_database_that_is_locked_at_the_start_is_waited_for() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({}));
    let lock = Lock::take(&desk.db());
    let mut worker = desk.stream(&["--clock", TEN]);
    let said = worker.wait_line("is locked by another program");
    assert!(said.contains("waiting for it, nothing is recorded yet"), "{said}");
    lock.release();
    worker.wait_line("stream_microbatch start");
    connected(&station);
    station.push_text(&push("7203", 2000.0, 100));
    stored_volume(&desk, 100);
    worker.stop().expect(0);
}

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

#[test]
fn s04_a_read_only_folder_or_file_is_refused_with_advice() {
    let desk = Desk::mock(json!({"db_path": "locked/ticks.db"}));
    let folder = desk.path("locked");
    std::fs::create_dir(&folder).expect("created");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).expect("set");
    if std::fs::write(folder.join("probe"), "").is_ok() {
        skip("a read-only folder: this user may write everywhere");
        return;
    }
    refused(&desk).says(&["locked", "rights"]);
    let desk = Desk::mock(json!({}));
    desk.stream(&["--duration", "200ms"]).ended().expect(0);
    std::fs::set_permissions(desk.db(), std::fs::Permissions::from_mode(0o444)).expect("set");
    refused(&desk).says(&["ticks.db", "read-only"]);
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

#[test]
fn closed_hours_and_repeated_messages_go_to_the_right_account() {
    let station = station(|_| {});
    let settings = json!({"board_mode": "push", "market_window": "09:00-11:30,12:30-15:30", "tick_rule": "trade"});
    let desk = Desk::online(station.port(), settings);
    let worker = desk.stream(&["--clock", "2026-11-20T11:29:57@1"]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    for _ in 0..5 {
        station.push_text(&push("7203", 2001.0, 1_200));
    }
    let store = stored_volume(&desk, 1_200);
    let mut volume = 1_200;
    wait_for("the break", || {
        volume += 100;
        station.push_text(&push("7203", 2001.0, volume));
        (store.ledger("closed") > 0).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    assert_eq!(totals["rejected.no_trade"], 5);
    assert!(totals["rejected.closed"] > 0 && totals["ledger.closed"] > 0);
    assert_eq!(store.sizes() + store.ledger("closed"), volume - 1_000);
    store.check(300, 1);
    let last = store.column("SELECT max(ts_window_end) FROM tick_batch");
    assert_eq!(last, ["2026-11-20T11:30:00.000+09:00"]);
}

#[test]
fn t02_midnight_begins_a_new_file_and_a_new_base() {
    let station = station(|_| {});
    let desk = Desk::online(
        station.port(),
        json!({"board_mode": "push", "db_path": "ticks-{date}.db"}),
    );
    let worker = desk.stream(&["--clock", "2026-11-19T23:59:58@1"]);
    connected(&station);
    let tomorrow = desk.path("ticks-2026-11-20.db");
    let mut volume = 5_000;
    wait_for("the new day", || {
        volume += 100;
        station.push_text(&push("7203", 2000.0, volume));
        let store = Store::try_open(&tomorrow)?;
        (store.try_number("SELECT count(*) FROM tick_batch")? > 2).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    let (before, after) = (Store::open(&desk.path("ticks-2026-11-19.db")), Store::open(&tomorrow));
    before.check(300, 1);
    after.check(300, 1);
    let messages = |store: &Store| store.number("SELECT sum(messages) FROM window_log");
    assert_eq!(messages(&before) + messages(&after), totals["received"]);
    assert_eq!(before.sizes() + after.sizes(), totals["volume"]);
    let none = "SELECT count(*) FROM tick_batch WHERE ts_window_start <";
    assert_eq!(after.number(&format!("{none} '2026-11-20'")), 0);
    assert_eq!(
        before.number(&format!("{none} '2026-11-20'")),
        before.number("SELECT count(*) FROM tick_batch")
    );
}

#[test]
fn t01_a_clock_that_is_a_little_behind_the_last_run_waits_for_it() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut volume = 1_000;
    // The second and third run begin inside of what the first has stored; time stands still until it is over.
    for (run, clock) in [
        "2026-11-20T10:00:03@1",
        "2026-11-20T10:00:02@1",
        "2026-11-20T10:00:00@1",
    ]
    .iter()
    .enumerate()
    {
        let worker = desk.stream(&["--clock", clock]);
        line(&station, run as u64 + 1);
        station.push_text(&push("7203", 2000.0, volume));
        volume += 100;
        station.push_text(&push("7203", 2001.0, volume));
        at_station(&station, "both messages", |c| c.messages_sent == 2 * (run as u64 + 1));
        let totals = worker.stop().expect(0).totals();
        assert_eq!(totals["received"], 2, "run {run}");
        volume += 50;
    }
    let store = desk.store();
    store.check(300, 3);
    assert_eq!((store.sizes(), store.ledger("gap")), (300, 100));
    assert_eq!(store.number("SELECT sum(messages) FROM window_log"), 6);
}
