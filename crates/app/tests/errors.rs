//! What goes wrong around the worker: each case has its exit code, and a message that says what to do next.
#![cfg(unix)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use ayumi_sim::SimHandle;
use rusqlite::Connection;
use serde_json::json;
use support::message::push;
use support::{Desk, SUNDAY, TEN, Worker, at_station, connected, free_port, skip, station, station_again, wait_for};

const BOOT: [&str; 2] = ["--clock", TEN];

/// Sends messages of 7203 until one more window is stored; returns the last volume.
fn flows(station: &SimHandle, desk: &Desk, from: i64) -> i64 {
    let store = desk.stored();
    let mut volume = from;
    wait_for("a stored message", || {
        volume += 100;
        station.push_text(&push("7203", 2000.0, volume));
        (store.number("SELECT last_volume FROM stream_state WHERE ticker = '7203'") > from).then_some(())
    });
    volume
}

#[test]
fn c01_bad_settings_are_named_all_at_once() {
    let desk = Desk::new();
    std::fs::write(
        desk.path("c.json"),
        "{\n  \"mode\": \"live\",\n  \"window_ms\": 5,\n  \"symbols\": [\"7203\"],\n  \"board_mode\": \"pushh\",\n  \
         \"price_guard\": {\"7203\": {\"min\": 10, \"max\": 5}},\n  \"windw_ms\": 300\n}\n",
    )
    .expect("written");
    let ended = desk.stream(&[]).ended().expect(2);
    ended.says(&[
        "c.json:2:",
        "mode",
        "online",
        "c.json:3:",
        "window_ms",
        "c.json:5:",
        "board_mode",
        "c.json:6:",
        "price_guard",
        "windw_ms",
        "did you mean \"window_ms\"",
    ]);
    assert_eq!(
        desk.files(),
        ["c.json"],
        "nothing is created before the settings are valid"
    );
}

#[test]
fn c05_a_missing_token_names_the_ways_to_give_one() {
    let desk = Desk::online(free_port(), json!({"token": null}));
    let ended = desk.stream(&[]).ended().expect(2);
    assert!(ended.lived < Duration::from_secs(1), "{:?}", ended.lived);
    ended.says(&[
        "token",
        "token_file",
        "KABU_TOKEN",
        "KABU_API_KEY",
        "KABU_API_PASSWORD",
        "--mode mock",
    ]);
    assert_eq!(desk.files(), ["c.json"]);
}

#[test]
fn r07_a_refused_symbol_is_named_and_the_others_go_on() {
    let station = station(|c| {
        c.faults.bad_symbols.insert("9999".to_owned());
    });
    let desk = Desk::online(station.port(), json!({"symbols": ["9999", "7203", "8306"]}));
    let mut worker = desk.stream(&BOOT);
    let said = worker.wait_line("was refused by the station");
    assert!(
        said.contains("WARNING symbol 9999@1") && said.contains("check the code in \"symbols\""),
        "{said}"
    );
    worker.wait_line("registered symbols=2");
    station.push_text(&push("7203", 2000.0, 100));
    flows(&station, &desk, 100);
    let ended = worker.stop().expect(0);
    assert_eq!(ended.lines("was refused").len(), 1, "{}", ended.text());
}

#[test]
fn r07_a_full_list_is_named_and_the_rest_goes_on() {
    let station = station(|c| c.list_limit = 2);
    let desk = Desk::online(
        station.port(),
        json!({"symbols": ["7203", "8306", "9984", "6758"], "board_mode": "push"}),
    );
    let mut worker = desk.stream(&BOOT);
    let said = worker.wait_line("list is full");
    assert!(
        said.contains("4002006") && said.contains("9984,6758 do not fit"),
        "{said}"
    );
    station.push_text(&push("7203", 2000.0, 100));
    flows(&station, &desk, 100);
    worker.stop().expect(0);
}

#[test]
fn r01_a_wrong_token_does_not_stop_the_recording() {
    // Somebody else has registered the symbols; PUSH needs no token.
    let station = station(|c| c.require_registration = false);
    let wrong = "canaryW9876543210fedcba9876543210";
    let desk = Desk::online(station.port(), json!({"token": wrong}));
    let mut worker = desk.stream(&["--clock", TEN, "--probe-board"]);
    let said = worker.wait_line("[PROBE]");
    assert!(said.contains("[PROBE] /board 7203@1 HTTP 401 4001009: "), "{said}");
    let said = worker.wait_line("registration: HTTP 401 4001009");
    assert!(
        said.contains("set the current token") && said.contains("PUSH is read all the same"),
        "{said}"
    );
    let said = worker.wait_line("WARNING /board 7203@1: HTTP 401");
    assert!(said.contains("api_password"), "{said}");
    at_station(&station, "the connection", |c| c.push_clients_now == 1);
    station.push_text(&push("7203", 2000.0, 100));
    flows(&station, &desk, 100);
    let ended = worker.stop().expect(0);
    assert!(
        ended.lines("HTTP 401").len() <= 3,
        "each complaint once: {}",
        ended.text()
    );
    assert!(!ended.text().contains(wrong));
    assert_eq!(station.counters().push_connections, 1);
}

#[test]
fn n01_a_station_that_is_not_there_is_waited_for() {
    let port = free_port();
    let desk = Desk::online(port, json!({"websocket": {"backoff_initial": 0.2, "backoff_max": 0.8}}));
    // The first attempts are told; a minute of the worker's clock passes in six seconds.
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:00:00@10", "--probe-board"]);
    let probe = worker.wait_line("[PROBE]");
    assert!(
        probe.contains("[PROBE] /board 7203@1 error: connection refused"),
        "{probe}"
    );
    let refused = worker.wait_line("PUSH connection error");
    assert!(
        refused.contains("WARNING PUSH connection error: connection refused (retry in 0."),
        "{refused}"
    );
    assert!(refused.contains("Start kabu Station, log in"), "{refused}");
    let station = station_again(port, |_| {});
    worker.wait_line("connected (symbols=1)");
    connected(&station);
    station.push_text(&push("7203", 2000.0, 100));
    flows(&station, &desk, 100);
    worker.stop().expect(0);
}

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
    let mut worker = desk.stream(&BOOT);
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
    let mut worker = desk.stream(&BOOT);
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
    let mut worker = desk.stream(&BOOT);
    let said = worker.wait_line("is locked by another program");
    assert!(said.contains("waiting for it, nothing is recorded yet"), "{said}");
    lock.release();
    worker.wait_line("stream_microbatch start");
    connected(&station);
    station.push_text(&push("7203", 2000.0, 100));
    flows(&station, &desk, 100);
    worker.stop().expect(0);
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
fn s16_a_log_that_cannot_be_written_is_only_a_warning() {
    for log in ["here", "file/stream.log"] {
        let desk = Desk::mock(json!({"log_path": log}));
        std::fs::create_dir(desk.path("here")).expect("created");
        std::fs::write(desk.path("file"), "no folder").expect("written");
        let ended = desk.stream(&["--duration", "500ms"]).ended().expect(0);
        ended.says(&["WARNING cannot write the log file", "recording goes on", "\"log_path\""]);
        assert_eq!(ended.lines("cannot write the log file").len(), 1, "{}", ended.text());
        assert!(desk.store().number("SELECT count(*) FROM tick_batch") > 0);
    }
}

#[test]
fn s05_files_of_others_are_refused_and_not_touched() {
    let database =
        |sql: &'static str| move |path: &Path| Connection::open(path).and_then(|c| c.execute_batch(sql)).expect("made");
    let cases: [(&str, &dyn Fn(&Path), &[&str]); 5] = [
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
fn n10_another_program_on_the_port_is_named() {
    use ayumi_sim::UpgradeFault;
    for (fault, parts) in [
        (UpgradeFault::Html, &["HTTP 400", "Host"][..]),
        (UpgradeFault::Status(401), &["HTTP 401"]),
        (UpgradeFault::Status(503), &["HTTP 503"]),
        (UpgradeFault::WrongAccept, &["not a WebSocket answer"]),
        (
            UpgradeFault::Garbage(b"220 mail server ready\r\n".to_vec()),
            &["Another program answers on this port"],
        ),
    ] {
        let station = station(|c| c.faults.upgrade = Some(fault.clone()));
        let desk = Desk::online(station.port(), json!({}));
        let mut worker = desk.stream(&BOOT);
        let said = worker.wait_line("PUSH connection error");
        for part in parts {
            assert!(said.contains(part), "{fault:?}: {part:?} in {said}");
        }
        assert!(worker.is_running());
        let took = worker.stop().expect(0).took;
        assert!(took < Duration::from_secs(1), "{fault:?}: {took:?}");
    }
}

#[test]
fn a_worker_on_a_sunday_waits_in_peace() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"symbols": ["7203", "8306"]}));
    let mut worker: Worker = desk.stream(&["--clock", SUNDAY]);
    worker.wait_line("registered symbols=2");
    at_station(&station, "both books", |c| c.rest("GET /board") >= 2);
    let ended = worker.stop().expect(0);
    assert!(
        !ended.text().contains("WARNING") && !ended.text().contains("ERROR"),
        "{}",
        ended.text()
    );
}
