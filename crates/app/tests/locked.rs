//! A database that cannot be written for a while: windows wait in memory, and what the log says about it.
#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ayumi_sim::SimHandle;
use rusqlite::Connection;
use serde_json::json;
use support::message::push;
use support::{Desk, TEN, Worker, connected, skip, station, stored_volume, wait_for};

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
fn g01_s01_thirty_seconds_of_a_locked_database_cost_nothing() {
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
    assert!(said.contains("nothing waits any more"), "{said}");
    wait_for("the last message", || {
        (store.number("SELECT last_volume FROM stream_state") == volume).then_some(())
    });
    assert_eq!(station.counters().push_connections, 1, "the line never noticed");
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

#[test]
fn p01_a_worker_that_waits_for_a_lock_stops_when_asked() {
    for signal in ["TERM", "INT"] {
        let desk = Desk::mock(json!({}));
        let lock = Lock::take(&desk.db());
        let mut worker = desk.stream(&[]);
        worker.wait_line("is locked by another program");
        let ended = worker.stop_with(signal).expect(0);
        assert!(ended.took < Duration::from_secs(1), "{:?}", ended.took);
        ended.says(&["nothing was recorded"]);
        lock.release();
    }
}

#[test]
fn g08_a_full_disk_is_waited_for_and_costs_nothing() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push", "window_ms": 20}));
    // A limit on the size of a file stands for the end of the disk; it can be lifted from outside.
    let limited = "ulimit -S -f 300; trap '' XFSZ; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    let ayumi = env!("CARGO_BIN_EXE_ayumi");
    shell.args(["-c", limited, ayumi, "stream", "-Config", "c.json", "--clock", TEN]);
    let worker = Worker::spawn(shell.current_dir(desk.folder()));
    connected(&station);
    let mut more = 0;
    let (first, _) = keep_sending(&station, || {
        more += i32::from(!worker.lines("nothing is lost yet").is_empty());
        more > 100
    });
    let limit = format!("--pid={}", worker.pid());
    if !Command::new("prlimit")
        .args([&limit, "--fsize=unlimited"])
        .status()
        .is_ok_and(|s| s.success())
    {
        skip("a full disk: there is no prlimit here");
        return;
    }
    let mut after = 0;
    let (second, _) = keep_sending(&station, || {
        after += 1;
        after > 200
    });
    let volume = stored_sum(&desk, first + second);
    let ended = worker.stop().expect(0);
    ended.says(&["WARNING disk error on", "the database takes windows again after"]);
    let totals = ended.totals();
    assert_eq!((totals["received"], totals["merged"]), (first + second, 0));
    assert_eq!(volume, totals["volume"]);
    desk.store().check(20, 1);
}

/// Waits until so many messages are stored; returns the volume in ticks.
fn stored_sum(desk: &Desk, messages: i64) -> i64 {
    let store = desk.stored();
    wait_for("all messages", || {
        (store.number("SELECT sum(messages) FROM window_log") == messages).then_some(())
    });
    store.sizes()
}
