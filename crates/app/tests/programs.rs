//! The other two commands, and all three as separate programs.
#![cfg(unix)]

mod support;

use std::time::Duration;

use serde_json::json;
use support::{Desk, TEN, Worker, free_port, skip, wait_for};

/// The value behind `name=` in a line.
fn value<'a>(line: &'a str, name: &str) -> &'a str {
    let found = line.split_whitespace().find_map(|word| word.strip_prefix(name));
    found
        .and_then(|rest| rest.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn sim(desk: &Desk, args: &[&str]) -> (Worker, u16) {
    let all: Vec<&str> = ["sim", "--port", "0", "--token", support::TOKEN]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let mut sim = Worker::start(desk.folder(), &all);
    let ready = sim.wait_line("ready port=");
    let port = value(&ready, "port").parse().expect("a port");
    (sim, port)
}

#[test]
fn the_recording_is_played_by_one_program_and_recorded_by_another() {
    let folder = std::env::var_os("AYUMI_REALDATA").map(std::path::PathBuf::from);
    let path = folder.map(|folder| folder.join("push_247A_20251031.jsonl.gz"));
    let Some(path) = path.filter(|path| path.exists()) else {
        skip("AYUMI_REALDATA does not name a folder with push_247A_20251031.jsonl.gz");
        return;
    };
    let desk = Desk::new();
    let (mut sim, port) = sim(&desk, &["--play", path.to_str().expect("UTF-8"), "--speed", "full"]);
    desk.settings(&json!({"port": port, "token": support::TOKEN, "symbols": ["247A"], "board_mode": "push"}));
    let worker = desk.stream(&["--clock", "2025-10-31T09:04:57@20"]);
    let finished = sim.wait_line("finished sent=");
    assert_eq!(
        (value(&finished, "sent"), value(&finished, "undelivered")),
        ("29737", "0")
    );
    let store = desk.stored();
    wait_for("all messages", || {
        (store.number("SELECT sum(messages) FROM window_log") == 29_737).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    sim.stop().expect(0);
    assert_eq!(
        (totals["received"], totals["rejected"], totals["ledger"]),
        (29_737, 0, 0)
    );
    assert_eq!(store.sizes(), 3_142_700);
    store.check(300, 1);
}

#[test]
fn a_generated_market_goes_from_program_to_program() {
    let desk = Desk::new();
    let (sim, port) = sim(&desk, &["--seed", "5", "--symbols", "7203,9984", "--rate", "200"]);
    desk.settings(&json!({"port": port, "token": support::TOKEN, "symbols": ["7203", "9984"]}));
    let ended = desk
        .stream(&["--clock", TEN, "--duration", "2s", "--probe-board"])
        .ended()
        .expect(0);
    ended.says(&["[PROBE] /board 7203@1 OK", "registered symbols=2 added=2"]);
    assert!(ended.totals()["stored"] > 100);
    let store = desk.store();
    store.check(300, 1);
    assert_eq!(
        store.column("SELECT DISTINCT ticker FROM tick_batch ORDER BY 1"),
        ["7203", "9984"]
    );
    let taken = Worker::start(desk.folder(), &["sim", "--port", &port.to_string()])
        .ended()
        .expect(2);
    taken.says(&[&format!("port {port} is already in use"), "choose another port"]);
    let stopped = sim.stop().expect(0);
    assert!(stopped.took < Duration::from_secs(1), "{:?}", stopped.took);
}

#[test]
fn demo_shows_windows_at_once_and_says_where_they_are() {
    let desk = Desk::new();
    let database = desk.db();
    let path = database.to_str().expect("UTF-8");
    let mut demo = Worker::start(desk.folder(), &["demo", "--db", path, "--symbols", "7203,9984"]);
    demo.wait_line(path);
    let store = desk.stored();
    wait_for("windows", || {
        (store.number("SELECT count(*) FROM window_log") > 3).then_some(())
    });
    demo.wait_line(" shares");
    let ended = demo.stop_with("INT").expect(0);
    assert!(ended.lived < Duration::from_secs(10), "{:?}", ended.lived);
    assert!(ended.took < Duration::from_secs(1), "{:?}", ended.took);
    ended.says(&[
        "Ctrl+C ends it",
        &format!("The database stays here: {path}"),
        "SELECT ticker",
    ]);
    let line = ended.lines("SELECT ticker").remove(0);
    let sql = line.find("SELECT").and_then(|from| line[from..].split(';').next());
    assert_eq!(store.column(sql.expect("a statement")), ["7203", "9984"]);
    store.check(300, 1);
}

#[test]
fn c04_settings_for_a_station_on_another_port_are_told_what_to_start() {
    let desk = Desk::online(free_port(), json!({}));
    let mut worker = desk.stream(&["--clock", TEN]);
    let said = worker.wait_line("PUSH connection error");
    assert!(
        said.contains("check host and port (18080 production, 18081 verification)"),
        "{said}"
    );
    worker.stop().expect(0);
}
