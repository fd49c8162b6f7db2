//! The REST side: books, registration, tokens, refusals. Whatever it does, the windows go on.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use ayumi_engine::Symbol;
use ayumi_sim::{BoardAnswer, Cut, MarketConfig, RestAnswer, RestFault, SimHandle, Source};
use serde_json::json;
use support::message::{bent, push};
use support::{
    Desk, SUNDAY, Store, TEN, TOKEN, Worker, at_once, at_station, connected, line, station, stored_volume, wait_for,
};

/// Runs a mode with a busy and a silent symbol until enough was asked; returns sources of snapshots and boards asked.
fn board_run(mode: &str, clock: &str, boards: u64) -> (Vec<String>, u64, Store, Desk) {
    let station = station(|_| {});
    let desk = Desk::online(
        station.port(),
        json!({"symbols": ["7203", "8306"], "board_mode": mode, "websocket": {"recv_timeout": 600.0}}),
    );
    for code in ["7203", "8306"] {
        station.set_board(
            code,
            1,
            BoardAnswer::Body(bent(code, 3000.0, 0, json!({"TradingVolume": 90_000}))),
        );
    }
    let worker = desk.stream(&["--clock", clock]);
    connected(&station);
    let store = {
        station.push_text(&push("7203", 2000.0, 80_000));
        desk.stored()
    };
    let mut sent = 0;
    wait_for("boards and windows", || {
        sent += 1;
        station.push_text(&bent("7203", 2000.0 + f64::from(sent % 9), 80_000, json!({})));
        let windows = store.number("SELECT count(*) FROM window_log");
        (station.counters().rest("GET /board") >= boards && windows >= 6).then_some(())
    });
    let asked = station.counters().rest("GET /board");
    let ended = worker.stop().expect(0);
    assert!(!ended.text().contains("WARNING"), "{mode}: {}", ended.text());
    store.check(300, 1);
    let sources = store
        .column("SELECT DISTINCT ticker || ' ' || source FROM orderbook_snapshot WHERE source IS NOT NULL ORDER BY 1");
    (sources, asked, store, desk)
}

#[test]
fn board_modes_take_books_from_where_they_say() {
    let (sources, asked, _, _desk) = board_run("push", TEN, 0);
    assert_eq!((sources, asked), (vec!["7203 push".to_owned()], 0));

    let (sources, asked, store, _desk) = board_run("off", TEN, 0);
    assert_eq!((sources, asked), (Vec::new(), 0));
    assert_eq!(
        store.number("SELECT count(*) FROM features_stream WHERE spread_bp IS NOT NULL OR buy_top3 IS NOT NULL"),
        0
    );
    assert!(store.number("SELECT count(*) FROM features_stream") > 0);

    let (sources, asked, store, _desk) = board_run("rest", TEN, 6);
    assert_eq!(sources, ["7203 rest", "8306 rest"]);
    assert!(asked >= 6);
    assert_eq!(
        store.number("SELECT count(*) FROM orderbook_snapshot WHERE bid1 <> 2999"),
        0,
        "no book of PUSH"
    );
    assert_eq!(
        store.number("SELECT count(*) FROM tick_batch WHERE ticker = '8306'"),
        0,
        "a board is no tick"
    );

    let (sources, asked, _, _desk) = board_run("auto", TEN, 6);
    assert!(
        sources.contains(&"7203 push".to_owned()) && sources.contains(&"8306 rest".to_owned()),
        "{sources:?}"
    );
    assert!(asked >= 6);

    // Outside the session a newcomer sees a book of every symbol.
    let (sources, asked, _, _desk) = board_run("auto", SUNDAY, 2);
    assert!(sources.contains(&"8306 rest".to_owned()), "{sources:?}");
    assert_eq!(asked, 2);
}

#[test]
fn r04_fifty_symbols_stay_below_the_stations_limit() {
    let station = station(|c| c.faults.rate_limit = true);
    let codes: Vec<String> = (0..50).map(|n| (7200 + n).to_string()).collect();
    let desk = Desk::online(
        station.port(),
        json!({"symbols": codes, "board_mode": "rest", "rest_poll_ms": 100}),
    );
    let worker = desk.stream(&["--clock", TEN, "--probe-board"]);
    let began = Instant::now();
    at_station(&station, "forty boards", |c| c.rest("GET /board") >= 40);
    let rate = 40.0 / began.elapsed().as_secs_f64();
    assert!(rate < 9.0, "{rate} requests a second");
    let ended = worker.stop().expect(0);
    assert_eq!(station.counters().rate_limited, 0, "{}", ended.text());
}

#[test]
fn r04_a_429_is_answered_with_silence() {
    let station = station(|c| {
        c.faults.rest = vec![
            RestFault::always(
                "/board",
                RestAnswer::Error {
                    status: 429,
                    code: 4_001_006,
                },
            )
            .times(2),
        ];
    });
    let desk = Desk::online(station.port(), json!({"board_mode": "rest"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    let began = Instant::now();
    let said = worker.wait_line("HTTP 429 4001006");
    assert!(said.contains("Too many requests; all requests pause"), "{said}");
    worker.wait_line("/board answers again");
    assert!(began.elapsed() >= Duration::from_millis(2_200), "{:?}", began.elapsed());
    assert_eq!(station.counters().rest_statuses.get(&429), Some(&2));
    let ended = worker.stop().expect(0);
    assert_eq!(ended.lines("HTTP 429").len(), 1, "said once: {}", ended.text());
}

#[test]
fn r05_rest_that_fails_in_every_way_never_touches_the_windows() {
    let always = |answer: RestAnswer| vec![RestFault::always("/board", answer)];
    let html = RestAnswer::Html { status: 500 };
    let empty = RestAnswer::Body {
        status: 200,
        body: String::new(),
    };
    let cases = [
        (html, "500"),
        (empty, "empty"),
        (RestAnswer::Truncated { bytes: 200 }, "/board"),
        (RestAnswer::Reset, "/board"),
        (
            RestAnswer::Error {
                status: 503,
                code: 4_001_001,
            },
            "503",
        ),
    ];
    at_once(cases, |(answer, part)| {
        let station = station(|c| c.faults.rest = always(answer.clone()));
        let desk = Desk::online(station.port(), json!({"board_mode": "auto"}));
        let mut worker = desk.stream(&["--clock", TEN]);
        connected(&station);
        station.push_text(&push("7203", 2000.0, 1_000));
        let said = worker.wait_line("WARNING /board 7203@1");
        assert!(
            said.contains(part) && said.contains("books come from PUSH meanwhile"),
            "{answer:?}: {said}"
        );
        station.push_text(&push("7203", 2000.0, 1_100));
        stored_volume(&desk, 1_100).check(300, 1);
        let ended = worker.stop().expect(0);
        assert!(ended.lines("/board 7203@1").len() <= 2, "{}", ended.text());
    });
}

#[test]
fn r07_a_lost_list_is_filled_again_after_a_reconnect() {
    let station = station(|c| {
        c.faults.list_lost_after_reconnect = true;
        c.source = Source::Market(MarketConfig::new(
            1,
            vec![Symbol::tse("7203"), Symbol::tse("8306")],
            100.0,
        ));
    });
    let desk = Desk::online(
        station.port(),
        json!({"symbols": ["7203", "8306"], "board_mode": "push"}),
    );
    let mut worker = desk.stream(&[]);
    worker.wait_line("registered symbols=2 added=2");
    at_station(&station, "messages", |c| c.messages_sent > 10);
    station.cut(Cut::Reset);
    worker.wait_lines("registered symbols=2 added=2", 2);
    let sent = station.counters().messages_sent;
    at_station(&station, "messages again", |c| c.messages_sent > sent + 10);
    worker.stop().expect(0);
    desk.store().check(300, 1);
}

const PASSWORD: &str = "canaryP-secret-password";

/// A worker that lives on an API password, at a station that issues its own tokens.
fn with_password() -> (SimHandle, Desk, Worker) {
    let station = station(|c| {
        c.token = None;
        c.password = Some(PASSWORD.to_owned());
    });
    let settings = json!({"token": null, "api_password": PASSWORD, "board_mode": "rest"});
    let desk = Desk::online(station.port(), settings);
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:00:00@20"]);
    worker.wait_line("registered symbols=1 added=1");
    (station, desk, worker)
}

#[test]
fn r02_after_the_forced_logout_a_login_is_all_that_is_needed() {
    let (station, desk, mut worker) = with_password();
    station.kill_token();
    let said = worker.wait_line("HTTP 401 4001007");
    assert!(said.contains("Log in to kabu Station"), "{said}");
    // PUSH needs no token.
    station.push_text(&push("7203", 2000.0, 1_000));
    stored_volume(&desk, 1_000);
    let logins = station.counters().rest("POST /token");
    at_station(&station, "a few looks", |c| c.rest("GET /apisoftlimit") >= 4);
    station.login();
    worker.wait_line("/board answers again");
    let ended = worker.stop().expect(0);
    assert!(ended.lines("HTTP 401").len() <= 4, "{}", ended.text());
    assert_eq!(station.counters().rest("POST /token"), logins + 1);
    assert_eq!(station.counters().push_connections, 1);
}

#[test]
fn r03_a_token_replaced_by_another_program_is_fetched_once() {
    let (station, _desk, mut worker) = with_password();
    let before = station.counters().rest("POST /token");
    station.replace_token();
    let said = worker.wait_line("token was replaced");
    assert!(said.contains("WARNING") && said.contains("another program"), "{said}");
    let asked = station.counters().rest("GET /board");
    at_station(&station, "boards again", |c| c.rest("GET /board") >= asked + 3);
    assert_eq!(station.counters().rest("POST /token"), before + 1);
    worker.stop().expect(0);
}

#[test]
fn r03_the_list_is_filled_again_as_soon_as_there_is_a_token() {
    let (station, _desk, mut worker) = with_password();
    // The station comes back empty and with a new token, within a minute after the worker has fetched its own: it may
    // not fetch another one for ten seconds, so this registration fails, and the token comes with a later board.
    at_station(&station, "fifty seconds", |c| c.rest("GET /board") >= 100);
    station.replace_token();
    station.lose_list();
    station.cut(Cut::Reset);
    worker.wait_line("WARNING registration: HTTP 401 4001009");
    let waiting = station.counters().rest("GET /board");
    worker.wait_line("token was replaced");
    worker.wait_lines("registered symbols=1 added=1", 2);
    let counters = station.counters();
    assert!(counters.rest("GET /board") > waiting, "the token came with a board");
    let text = worker.stop().expect(0).text();
    let minute = |part: &str| {
        let line = text.lines().rfind(|line| line.contains(part)).expect("said");
        // "2026-11-20 10:01:02,345": seconds of the hour.
        let number =
            |range: std::ops::Range<usize>| line.get(range).and_then(|n| n.parse::<i64>().ok()).expect("a number");
        number(14..16) * 60 + number(17..19)
    };
    let waited = minute("registered symbols=1 added=1") - minute("token was replaced");
    assert!(
        waited <= 5,
        "{waited} s without a list although there was a token:\n{text}"
    );
}

#[test]
fn probe_says_ok_and_how_long_it_took() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({}));
    let mut worker = desk.stream(&["--clock", TEN, "--probe-board"]);
    let said = worker.wait_line("[PROBE]");
    assert!(
        said.contains(" INFO [PROBE] /board 7203@1 OK (") && said.ends_with(" ms)"),
        "{said}"
    );
    worker.wait_line("connected (symbols=1)");
    let ended = worker.stop().expect(0);
    let text = ended.text();
    assert!(text.find("[PROBE]") < text.find("connecting to"), "{text}");
}

/// A station that echoes what it was given, in errors and in messages, to a worker with these secrets.
fn echoed(secrets: serde_json::Value) {
    let station = station(|c| c.password = Some(PASSWORD.to_owned()));
    let mut settings = json!({"board_mode": "rest", "token": null});
    let all = settings.as_object_mut().expect("settings");
    all.extend(secrets.as_object().expect("settings").clone());
    let desk = Desk::online(station.port(), settings);
    let echo = format!("the key {TOKEN} and the password {PASSWORD} are not welcome");
    let refusal = json!({"Code": 4_002_001, "Message": echo}).to_string();
    station.set_board("7203", 1, BoardAnswer::Status(400, refusal));
    let mut worker = desk.stream(&["--clock", TEN]);
    worker.wait_line("4002001");
    station.push_text(&echo);
    worker.wait_line("message rejected reason=not_json");
    station.push_text(&bent(
        "7203",
        2000.0,
        1_000,
        json!({"SymbolName": echo, "Unknown": TOKEN}),
    ));
    stored_volume(&desk, 1_000);
    station.cut(Cut::Reset);
    line(&station, 2);
    let ended = worker.stop().expect(0);
    assert!(ended.err.contains("***"), "{}", ended.err);
    clean("the output", ended.text().as_bytes());
    for file in desk.files().iter().filter(|file| *file != "c.json") {
        clean(file, &std::fs::read(desk.path(file)).expect("read"));
    }
    let table = desk.stream(&["--check-config"]).ended().expect(0);
    clean("the table", table.text().as_bytes());
}

fn clean(what: &str, bytes: &[u8]) {
    for canary in [TOKEN, PASSWORD] {
        let found = bytes.windows(canary.len()).position(|part| part == canary.as_bytes());
        let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned());
        assert_eq!(around, None, "{what} holds a secret");
    }
}

#[test]
fn g13_no_secret_is_ever_written() {
    echoed(json!({"token": TOKEN, "api_password": PASSWORD}));
}

#[test]
fn g13_a_token_that_was_fetched_is_a_secret_too() {
    echoed(json!({"api_password": PASSWORD}));
}

#[test]
fn g13_an_error_in_the_settings_shows_no_secret() {
    let desk = Desk::new();
    for broken in [
        format!("{{\"symbols\": [\"7203\"], \"api_password\": \"{PASSWORD}\" \"token\": \"{TOKEN}\"}}"),
        format!("{{\"symbols\": [], \"token\": [\"{TOKEN}\"], \"api_password\": {{\"a\": \"{PASSWORD}\"}}}}"),
        format!("{{\"tokn\": \"{TOKEN}\", \"symbols\": [\"7203\"], \"api_pasword\": \"{PASSWORD}\", \"port\": \"x\"}}"),
        format!("{{\"symbols\": [\"7203\"], \"token\": \"{TOKEN} {TOKEN}\"}}"),
    ] {
        std::fs::write(desk.path("c.json"), broken).expect("written");
        let ended = desk.stream(&[]).ended().expect(2);
        clean("the error", ended.text().as_bytes());
    }
}
