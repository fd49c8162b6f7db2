//! How a run ends: signals, a second signal, a database that is stuck, a kill, a console that goes away.
#![cfg(unix)]

mod support;

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ayumi_sim::{RestAnswer, RestFault, SimHandle, UpgradeFault};
use rusqlite::Connection;
use serde_json::json;
use support::message::push;
use support::process::command;
use support::{Desk, TEN, Worker, at_station, connected, free_port, station, wait_for};

const SECOND: Duration = Duration::from_secs(1);

/// A worker that has a message of 7203 with volume 1,000 and then 100 shares a message.
fn recording(more: serde_json::Value) -> (SimHandle, Desk, Worker) {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), more);
    let worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    (station, desk, worker)
}

fn send(station: &SimHandle, count: i64) {
    for n in 1..=count {
        station.push_text(&push("7203", 2000.0, 1_000 + 100 * n));
    }
    at_station(station, "the sending", |c| c.messages_sent > count as u64);
}

#[test]
fn g11_every_signal_stores_the_open_window_and_exits_0_within_a_second() {
    for (signal, name) in [("TERM", "SIGTERM"), ("INT", "Ctrl+C"), ("HUP", "SIGHUP")] {
        // Everything is in the open window: a minute is longer than this test.
        let (station, desk, worker) = recording(json!({"window_ms": 60_000}));
        send(&station, 500);
        let ended = worker.stop_with(signal).expect(0);
        assert!(ended.took < SECOND, "{signal}: {:?}", ended.took);
        ended.says(&[&format!("stopping ({name})")]);
        let totals = ended.totals();
        assert_eq!((totals["received"], totals["stored"], totals["windows"]), (501, 501, 1));
        let store = desk.store();
        store.check(60_000, 1);
        assert_eq!(store.sizes(), 50_000);
        assert!(
            !desk.files().contains(&"ticks.db.owner".to_owned()),
            "{:?}",
            desk.files()
        );
        let wal = std::fs::metadata(desk.path("ticks.db-wal")).map_or(0, |file| file.len());
        assert_eq!(wal, 0, "the write-ahead log is emptied");
    }
}

#[test]
fn p01_a_stop_never_waits_for_the_station() {
    let hanging = |path: &str| RestFault::always(path, RestAnswer::Never);
    let silent = station(|c| c.faults.upgrade = Some(UpgradeFault::Never));
    let mute = station(|c| c.faults.rest = vec![hanging("")]);
    let nobody = free_port();
    let desks = [
        (
            "a handshake that hangs",
            Desk::online(silent.port(), json!({})),
            "connecting to",
        ),
        (
            "REST that hangs",
            Desk::online(mute.port(), json!({})),
            "connected (symbols=1)",
        ),
        ("nobody there", Desk::online(nobody, json!({})), "PUSH connection error"),
    ];
    for (what, desk, sign) in &desks {
        for probe in [false, true] {
            let args: &[&str] = if probe {
                &["--clock", TEN, "--probe-board"]
            } else {
                &["--clock", TEN]
            };
            let mut worker = desk.stream(args);
            if !probe || !what.contains("REST") {
                worker.wait_line(sign);
            } else {
                at_station(&mute, "the probe", |c| c.rest("GET /board") > 0);
            }
            let ended = worker.stop().expect(0);
            assert!(ended.took < SECOND, "{what}: {:?}", ended.took);
        }
    }
}

#[test]
fn duration_ends_a_run_by_itself() {
    let desk = Desk::mock(json!({}));
    let began = Instant::now();
    // An hour of the worker's clock in one second.
    let ended = desk
        .stream(&["--duration", "1h", "--clock", "2026-11-20T10:00:00@3600"])
        .ended()
        .expect(0);
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
    ended.says(&["stopping (--duration)", "heartbeat received="]);
    let heartbeats = ended.lines("heartbeat received=").len();
    assert!((40..=60).contains(&heartbeats), "one a minute: {heartbeats}");
    for line in ended.lines("heartbeat received=") {
        assert!(line.contains(" diff=0 "), "{line}");
    }
    desk.store().check(300, 1);
}

fn lock(desk: &Desk) -> Connection {
    let connection = Connection::open(desk.db()).expect("opened");
    connection.busy_timeout(support::PATIENCE).expect("set");
    connection.execute_batch("BEGIN IMMEDIATE").expect("locked");
    connection
}

#[test]
fn p02_a_second_signal_ends_at_once_with_130() {
    let (station, desk, mut worker) = recording(json!({}));
    desk.stored();
    let locked = lock(&desk);
    send(&station, 10);
    worker.signal("INT");
    worker.wait_line("stopping (Ctrl+C)");
    let ended = worker.stop_with("INT").expect(130);
    assert!(ended.took < SECOND, "{:?}", ended.took);
    ended.says(&[
        "stopped at once by a second signal; not saved: ",
        " 10 ticks, 1000 shares",
    ]);
    drop(locked);
    desk.store().check(300, 1);
}

#[test]
fn a_stop_that_cannot_save_says_what_is_lost_and_exits_75() {
    let (station, desk, worker) = recording(json!({}));
    desk.stored();
    let locked = lock(&desk);
    send(&station, 10);
    let ended = worker.stop().expect(75);
    assert!((3 * SECOND..5 * SECOND).contains(&ended.took), "{:?}", ended.took);
    ended.says(&[
        "ERROR the database could not be written within 3 s; not saved: ",
        " 10 ticks, 1000 shares; the next run books them as a gap",
        "stream_microbatch stop received=11 stored=1 ",
        "inflight=10 diff=0",
    ]);
    drop(locked);
    let store = desk.store();
    store.check(300, 1);
    assert_eq!(store.sizes(), 0);
    // The next run keeps the promise.
    let worker = desk.stream(&["--clock", "2026-11-20T10:05:00@1"]);
    at_station(&station, "the second run", |c| {
        c.push_connections == 2 && c.push_clients_now == 1
    });
    station.push_text(&push("7203", 2000.0, 2_500));
    wait_for("the gap", || (store.ledger("gap") > 0).then_some(()));
    worker.stop().expect(0);
    assert_eq!(store.ledger("gap"), 1_500);
    store.check(300, 2);
}

#[test]
fn g05_a_kill_at_any_moment_costs_at_most_the_open_window() {
    const WINDOW_MS: u64 = 50;
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"window_ms": WINDOW_MS, "board_mode": "push"}));
    let mut volume = 1_000;
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for run in 0..10 {
        let worker = desk.stream(&["--clock", &format!("2026-11-20T10:{run:02}:00@1")]);
        let clients = run + 1;
        at_station(&station, "the next run", |c| {
            c.push_connections == clients && c.push_clients_now == 1
        });
        let store = support::wait_for("the database", || support::Store::try_open(&desk.db()));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let lifetime = Duration::from_millis(100 + (random >> 33) % 200);
        // What was sent when; messages go out until the moment of the kill.
        let mut sent: VecDeque<(Instant, i64)> = VecDeque::new();
        wait_for("the moment of the kill", || {
            volume += 100;
            station.push_text(&push("7203", 2000.0, volume));
            sent.push_back((Instant::now(), volume));
            (sent[0].0.elapsed() >= lifetime).then_some(())
        });
        let killed = Instant::now();
        assert_eq!(worker.kill().code, None);
        // One window, one commit, and what a busy machine needs to wake a thread.
        let safe = killed - Duration::from_millis(WINDOW_MS) - Duration::from_millis(250);
        let must = sent
            .iter()
            .filter(|(at, _)| *at < safe)
            .map(|(_, volume)| *volume)
            .next_back();
        let stored = store.number("SELECT last_volume FROM stream_state");
        assert!(
            must.is_none_or(|must| stored >= must),
            "run {run}: {stored} stored, {must:?} was safe"
        );
        store.check(WINDOW_MS as i64, i64::try_from(clients).expect("small"));
    }
    let store = desk.store();
    assert!(store.ledger("gap") > 0 && store.sizes() > 0);
    assert!(store.number("SELECT count(*) FROM window_log") > 10);
}

#[test]
fn p09_a_console_that_goes_away_stops_nothing() {
    let desk = Desk::mock(json!({}));
    let mut child = command(desk.folder(), &["stream", "-Config", "c.json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    drop((child.stdout.take(), child.stderr.take()));
    goes_on_and_stops(&desk, child, || ());
    assert!(
        std::fs::read_to_string(desk.log())
            .expect("read")
            .contains("stream_microbatch stop received=")
    );
}

#[test]
fn p09_a_console_that_is_frozen_stops_nothing() {
    let station = station(|_| {});
    // Every message is outside of the guard and worth a line: more than the pipe holds, which nobody reads.
    let desk = Desk::online(
        station.port(),
        json!({
            "board_mode": "push", "price_guard": {"7203": {"max": 100}},
            "websocket": {"guard_log_interval": 1.0, "recv_timeout": 600.0},
        }),
    );
    let args = ["stream", "-Config", "c.json", "--clock", "2026-11-20T10:00:00@2000"];
    let child = command(desk.folder(), &args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    connected(&station);
    let mut volume = 1_000;
    let mut next = || {
        volume += 100;
        station.push_text(&push("7203", 2000.0, volume));
    };
    wait_for("more lines than a pipe holds", || {
        next();
        std::fs::metadata(desk.log())
            .is_ok_and(|log| log.len() > 150_000)
            .then_some(())
    });
    goes_on_and_stops(&desk, child, next);
    assert_eq!(station.counters().push_connections, 1);
}

/// The windows go on, and the process ends cleanly.
fn goes_on_and_stops(desk: &Desk, mut child: std::process::Child, mut feed: impl FnMut()) {
    let store = desk.stored();
    let windows = || store.number("SELECT count(*) FROM window_log");
    let before = windows();
    wait_for("further windows", || {
        feed();
        (windows() > before + 2).then_some(())
    });
    let asked = Instant::now();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
    let status = wait_for("the end", || child.try_wait().expect("asked"));
    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() < 2 * SECOND, "{:?}", asked.elapsed());
    store.check(300, 1);
}
