//! One word for how the recorder is: in the log, in the table `health`, in `--events`; and what it does about a storm, an
//! eviction and a missing login.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use ayumi_sim::{Cut, SimHandle};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::message::push;
use support::process::Ended;
use support::{
    Desk, Store, TEN, Worker, at_station, connected, free_port, line, station, stored_volume, takeover, wait_for,
};

const PASSWORD: &str = "canaryPassword";

/// The states in the table, oldest first.
fn states(store: &Store) -> Vec<String> {
    store.column("SELECT state FROM health ORDER BY rowid")
}

/// Milliseconds of a day in the time at the beginning of a log line.
fn at_ms(line: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| line[range].parse::<i64>().expect("digits");
    ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * 1_000 + part(20..23)
}

fn said(ended: &Ended, part: &str) -> i64 {
    let lines = ended.lines(part);
    assert!(!lines.is_empty(), "{part:?} is not in:\n{}", ended.text());
    at_ms(&lines[lines.len() - 1])
}

#[test]
fn a_recorder_without_trouble_is_ok_and_then_stops() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    worker.wait_line("INFO state BOOT -> OK");
    station.push_text(&push("7203", 2000.0, 1_000));
    let store = stored_volume(&desk, 1_000);
    worker.stop().expect(0).says(&["state OK -> STOPPING"]);
    assert_eq!(states(&store), ["OK", "STOPPING"]);
    store.check(300, 1);
}

#[test]
fn n01_a_station_that_is_not_there_is_a_state_with_its_advice() {
    let desk = Desk::online(free_port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    let said = worker.wait_line("state BOOT -> WAIT_STATION");
    assert!(said.contains("start kabu Station, log in"), "{said}");
    worker.stop().expect(0);
    let store = desk.store();
    assert_eq!(states(&store), ["WAIT_STATION", "STOPPING"]);
    assert!(
        store
            .one::<String>("SELECT why FROM health LIMIT 1")
            .contains("refused")
    );
}

#[test]
fn n03_a_storm_is_a_state_slows_the_attempts_and_loses_no_volume() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    let mut volume = 1_000;
    let mut spaces = Vec::new();
    for cut in 1..=21 {
        let up = Instant::now();
        station.push_text(&push("7203", 2000.0, volume));
        stored_volume(&desk, volume);
        // Traded while nobody was connected.
        volume += 10;
        station.cut(Cut::Reset);
        line(&station, cut + 1);
        spaces.push(up.elapsed());
    }
    let storm = worker.wait_line("state OK -> STORM");
    assert!(storm.contains("every gap is booked"), "{storm}");
    station.push_text(&push("7203", 2000.0, volume));
    let store = stored_volume(&desk, volume);
    worker.stop().expect(0);
    // The first nineteen come back at once; then attempts are a second apart.
    let first = spaces[..19].iter().min().expect("some");
    let second = Duration::from_millis(950);
    assert!(
        *first < second && spaces[19] >= second && spaces[20] >= second,
        "{spaces:?}"
    );
    assert_eq!(store.ledger("gap"), 21 * 10);
    store.check(300, 1);
}

#[test]
fn n11_after_three_takeovers_the_line_is_left_to_the_other_program_for_thirty_seconds() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:00:00@10"]);
    connected(&station);
    let mut others = Vec::new();
    for takeover_no in 1..=3 {
        let volume = 1_000 + takeover_no * 100;
        station.push_text(&push("7203", 2000.0, volume));
        stored_volume(&desk, volume);
        others.push(takeover(station.port()));
        worker.wait_lines("closed by the station: 1000", takeover_no as usize);
        if takeover_no < 3 {
            worker.wait_lines("connected (symbols=1)", takeover_no as usize + 1);
        }
    }
    let evicted = worker.wait_line("-> EVICTED");
    assert!(
        evicted.contains("another program uses the station's one PUSH line"),
        "{evicted}"
    );
    worker.wait_lines("connected (symbols=1)", 4);
    let ended = worker.stop().expect(0);
    let back = said(&ended, "connected (symbols=1)") - said(&ended, "closed by the station: 1000");
    assert!(back >= 30_000, "back after {back} ms");
    assert!(states(&desk.store()).contains(&"EVICTED".to_owned()));
}

#[test]
fn s01_a_locked_database_is_a_state_until_it_takes_windows_again() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    stored_volume(&desk, 1_000);
    let other = Connection::open(desk.db()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    station.push_text(&push("7203", 2000.0, 1_100));
    let said = worker.wait_line("state OK -> DEGRADED(DB_LOCKED)");
    assert!(said.contains("close the program that writes"), "{said}");
    other.execute_batch("ROLLBACK").expect("released");
    worker.wait_line("state DEGRADED(DB_LOCKED) -> ");
    let store = stored_volume(&desk, 1_100);
    worker.stop().expect(0);
    // A silent line is a quiet market.
    let mut seen = states(&store);
    seen.retain(|state| state != "QUIET" && state != "OK");
    assert_eq!(seen, ["DEGRADED(DB_LOCKED)", "STOPPING"]);
    store.check(300, 1);
}

#[test]
fn a_table_health_of_somebody_else_is_left_alone() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let theirs = Connection::open(desk.db()).expect("opens");
    theirs
        .execute_batch("CREATE TABLE health (patient TEXT); INSERT INTO health VALUES ('x')")
        .expect("made");
    drop(theirs);
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    let store = stored_volume(&desk, 1_000);
    worker.wait_line("table health has another shape");
    worker.stop().expect(0);
    assert_eq!(store.column("SELECT patient FROM health"), ["x"]);
}

/// A station to which nobody is logged in, and a worker that waits for that.
fn waiting(clock: &str, more: Value) -> (SimHandle, Desk, Worker) {
    let station = station(|c| {
        c.token = None;
        c.password = Some(PASSWORD.to_owned());
    });
    station.kill_token();
    let mut settings = json!({"token": null, "api_password": PASSWORD, "board_mode": "push"});
    settings
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    let desk = Desk::online(station.port(), settings);
    let worker = desk.stream(&["--wait-login", "--clock", clock]);
    (station, desk, worker)
}

#[test]
fn r02_with_wait_login_the_line_is_opened_after_the_login_and_the_user_is_called_at_8_40() {
    let (station, desk, mut worker) = waiting("2026-11-20T08:38:00@60", json!({}));
    worker.wait_line("waiting for a login at kabu Station");
    worker.wait_line("state BOOT -> WAITING_LOGIN");
    let called = worker.wait_line("nobody is logged in at kabu Station yet");
    assert!((8 * 60 + 40) * 60_000 <= at_ms(&called), "{called}");
    let counters = station.counters();
    assert_eq!(counters.push_connections, 0);
    // To look is no login attempt.
    assert!(counters.rest("POST /token") <= 1, "{counters:?}");
    assert!(counters.rest("GET /apisoftlimit") >= 2, "{counters:?}");
    station.login();
    worker.wait_line("state WAITING_LOGIN -> OK");
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    stored_volume(&desk, 1_000);
    let ended = worker.stop().expect(0);
    assert_eq!(ended.lines("nobody is logged in").len(), 1, "{}", ended.text());
    assert!(ended.lines("4001007").len() <= 4, "{}", ended.text());
}

/// Seconds from a login at the station until the recorder says that all is well.
fn ready_after_login(station: &SimHandle, worker: &mut Worker) -> f64 {
    let looks = station.counters().rest("GET /apisoftlimit");
    at_station(station, "a look", |c| c.rest("GET /apisoftlimit") > looks);
    let attempts = station.counters().rest("POST /token");
    station.login();
    let began = Instant::now();
    worker.wait_line("state WAITING_LOGIN -> OK");
    let took = began.elapsed().as_secs_f64();
    assert_eq!(station.counters().rest("POST /token"), attempts + 1);
    took
}

#[test]
fn r02_the_recorder_is_ready_within_five_seconds_after_a_login() {
    // Started before the login, on a clock that is as fast as the real one.
    let (station, _desk, mut worker) = waiting(TEN, json!({}));
    worker.wait_line("state BOOT -> WAITING_LOGIN");
    let took = ready_after_login(&station, &mut worker);
    assert!(took < 5.0, "{took} s");
    connected(&station);
    worker.stop().expect(0);
}

#[test]
fn r02_the_recorder_is_ready_within_five_seconds_after_the_login_at_dawn() {
    let station = station(|c| c.password = Some(PASSWORD.to_owned()));
    let settings = json!({"api_password": PASSWORD, "board_mode": "rest"});
    let desk = Desk::online(station.port(), settings);
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    worker.wait_line("registered symbols=1 added=1");
    station.kill_token();
    station.lose_list();
    worker.wait_line("-> WAITING_LOGIN");
    let took = ready_after_login(&station, &mut worker);
    assert!(took < 5.0, "{took} s");
    worker.wait_lines("registered symbols=1 added=1", 2);
    let counters = station.counters();
    assert_eq!((counters.push_connections, counters.rest("POST /token")), (1, 1));
    worker.stop().expect(0);
}

#[test]
fn r02_an_hour_without_a_login_is_ten_lines_and_no_storm_of_attempts() {
    let (station, _desk, mut worker) = waiting("2026-11-20T06:20:00@600", json!({}));
    worker.wait_line("state BOOT -> WAITING_LOGIN");
    worker.wait_lines(" INFO heartbeat ", 4);
    let ended = worker.stop().expect(0);
    let minutes = (said(&ended, " INFO heartbeat ") - said(&ended, "state BOOT -> WAITING_LOGIN")) / 60_000;
    assert!(minutes >= 45, "{minutes}");
    let waiting = ended
        .text()
        .lines()
        .filter(|line| line.contains("2026-11-20 0"))
        .count();
    assert!(
        waiting <= 10 + 5,
        "an hour, and the lines of start and stop: {}",
        ended.text()
    );
    let attempts = station.counters().rest("POST /token");
    assert!(
        attempts <= minutes as u64 / 5 + 2,
        "{attempts} attempts in {minutes} minutes"
    );
}

#[test]
fn r02_without_a_password_the_dead_token_is_said_once() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    station.kill_token();
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:00:00@20"]);
    worker.wait_line("-> WAITING_LOGIN");
    let looks = station.counters().rest("GET /apisoftlimit");
    at_station(&station, "looks", |c| c.rest("GET /apisoftlimit") >= looks + 3);
    // The simulator's token is a fixed one, which a login does not bring back.
    station.login();
    let said = worker.wait_line("registration: HTTP 401 4001009");
    assert!(said.contains("logged in to anew: set the current token"), "{said}");
    worker.wait_line("-> TOKEN");
    let tries = station.counters().rest("PUT /register");
    at_station(&station, "tries", |c| c.rest("PUT /register") >= tries + 2);
    let ended = worker.stop().expect(0);
    assert_eq!(
        ended.lines("registration: HTTP 401 4001009").len(),
        1,
        "{}",
        ended.text()
    );
    assert_eq!(station.counters().rest("POST /token"), 0);
}

#[test]
fn r02_with_wait_login_a_station_without_registration_is_asked_too() {
    let (station, _desk, mut worker) = waiting("2026-11-20T08:00:00@60", json!({"auto_register": false}));
    worker.wait_line("state BOOT -> WAITING_LOGIN");
    station.login();
    worker.wait_line("state WAITING_LOGIN -> OK");
    at_station(&station, "the line", |c| c.push_clients_now == 1);
    worker.stop().expect(0);
}

#[test]
fn p01_a_worker_that_waits_for_a_login_stops_when_asked() {
    let (_station, _desk, mut worker) = waiting("2026-11-20T08:00:00@1", json!({}));
    worker.wait_line("waiting for a login");
    let ended = worker.stop().expect(0);
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
}

#[test]
fn c05_wait_login_without_a_password_says_what_is_missing() {
    let desk = Desk::online(free_port(), json!({}));
    let ended = desk.stream(&["--wait-login"]).ended().expect(2);
    assert!(ended.err.contains("needs the API password") && ended.err.contains("KABU_API_PASSWORD"));
    assert_eq!(desk.files(), ["c.json"]);
}

#[test]
fn events_tell_every_committed_window_on_stdout() {
    let desk = Desk::mock(json!({"mock_interval_ms": 50}));
    let worker = desk.stream(&["--events", "jsonl", "--clock", TEN, "--duration", "3s"]);
    let ended = worker.ended().expect(0);
    assert!(ended.err.contains("[BOOT] mode=mock"), "{}", ended.err);
    let events: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let named = |name: &str| events.iter().filter(|e| e["event"] == name).collect::<Vec<_>>();
    assert_eq!(events[0]["event"], "boot");
    assert_eq!(events[0]["loss"], "loss<=1s");
    assert_eq!(events[events.len() - 1]["event"], "stop");
    assert_eq!(events[events.len() - 1]["exit"], 0);
    assert_eq!(named("state")[0]["state"], "OK");
    let told: Vec<String> = named("window_committed")
        .iter()
        .map(|e| e["window_id"].to_string())
        .collect();
    let stored = desk
        .store()
        .column("SELECT CAST(window_id AS TEXT) FROM window_log ORDER BY window_id");
    assert!(told.len() >= 5);
    assert_eq!(told, stored);
    assert!(named("window_committed").iter().any(|e| e["durable"] == true));
    assert!(events.iter().all(|e| e.get("lost").is_none()));
}

#[test]
fn p09_a_program_that_does_not_read_its_events_stops_nothing() {
    let desk = Desk::mock(json!({"mock_interval_ms": 20, "window_ms": 50}));
    let mut command = support::process::command(
        desk.folder(),
        &[
            "stream",
            "-Config",
            "c.json",
            "--events",
            "jsonl",
            "--clock",
            "2026-11-20T10:00:00@50",
            "--duration",
            "3m",
        ],
    );
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let unread = child.stdout.take();
    let code = wait_for("the end", || {
        child.try_wait().expect("asked").map(|status| status.code())
    });
    drop(unread);
    assert_eq!(code, Some(0));
    assert!(desk.store().number("SELECT count(*) FROM window_log") > 1_000);
}
