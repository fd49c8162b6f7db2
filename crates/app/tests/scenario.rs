//! Scenarios from program to program: a ready one is played, the worker closes its volume equation over what went wrong.
#![cfg(unix)]

mod support;

use serde_json::json;
use support::{Desk, Worker};

/// The value behind `name=` in a line.
fn value<'a>(line: &'a str, name: &str) -> &'a str {
    let found = line.split_whitespace().find_map(|word| word.strip_prefix(name));
    found
        .and_then(|rest| rest.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

#[test]
fn the_list_and_what_is_not_on_it() {
    let desk = Desk::new();
    let list = Worker::start(desk.folder(), &["sim", "--scenario", "list"])
        .ended()
        .expect(0);
    list.says(&["opening-rush", "limit-up", "morning-logout"]);
    let unknown = Worker::start(desk.folder(), &["sim", "-Scenario", "limt-up"])
        .ended()
        .expect(2);
    unknown.says(&["did you mean limit-up?", "--scenario list"]);
}

#[test]
fn a_takeover_is_survived_and_everything_is_counted() {
    let desk = Desk::new();
    let args = [
        "sim",
        "--port",
        "0",
        "--control",
        "0",
        "--token",
        support::TOKEN,
        "--scenario",
        "takeover",
        "--speed",
        "20",
        "--do",
        "+70s reset",
    ];
    let mut sim = Worker::start(desk.folder(), &args);
    let ready = sim.wait_line("ready port=");
    assert!(
        ready.contains("scenario=takeover") && ready.contains("steps=3"),
        "{ready}"
    );
    assert_ne!(value(&ready, "control"), value(&ready, "port"));
    let port: u16 = value(&ready, "port").parse().expect("a port");
    let symbols = ["7203", "9984", "8306", "6758", "9432"];
    desk.settings(&json!({"port": port, "token": support::TOKEN, "symbols": symbols, "board_mode": "push"}));
    let ended = desk
        .stream(&["--clock", "2026-11-20T10:00:00@20", "--duration", "100s"])
        .ended()
        .expect(0);
    ended.says(&["disconnected from PUSH server"]);
    assert!(ended.totals()["stored"] > 100);
    desk.store().check(300, 1);
    let stopped = sim.stop().expect(0);
    stopped.says(&["stopped sent=", "resets=1", "kick close 2s"]);
}

/// Ten thousand symbols take a while: what is done is said, and a signal is heard meanwhile.
#[test]
fn ctrl_c_ends_a_simulator_that_is_not_ready_yet() {
    let desk = Desk::new();
    let symbols: Vec<String> = (0..10_000).map(|n| format!("{n:04}")).collect();
    let symbols = symbols.join(",");
    let args = [
        "sim",
        "--port",
        "0",
        "--symbols",
        &symbols,
        // So many events until the start that no machine has made them within the two seconds.
        "--rate",
        "6000",
        "--start",
        "2026-11-20T15:00:00",
    ];
    let mut sim = Worker::start(desk.folder(), &args);
    sim.wait_line("making a market of 10000 symbols");
    let stopped = sim.stop_with("INT").expect(0);
    stopped.says(&["stopped before it was ready"]);
}
