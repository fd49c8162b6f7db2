//! What goes wrong around the worker: each case has its exit code, and a message that says what to do next.
#![cfg(unix)]

mod support;

use std::time::Duration;

use ayumi_sim::SimHandle;
use serde_json::json;
use support::message::push;
use support::{Desk, SUNDAY, TEN, Worker, at_station, connected, free_port, station, station_again, wait_for};

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
