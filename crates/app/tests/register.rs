//! `ayumi register` and `ayumi unregister` as a user runs them, against the simulator.

#[path = "register/guard.rs"]
mod guard;
#[path = "register/removal.rs"]
mod removal;
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ayumi_sim::{RestAnswer, RestFault, SimHandle};
use encoding_rs::SHIFT_JIS;
use serde_json::{Value, json};
use support::process::{Ended, Worker, command};
use support::{Desk, TOKEN, free_port, station};

const PASSWORD: &str = "canaryP-secret-password";

/// A desk whose settings name no symbols of their own.
fn desk(port: u16, more: Value) -> Desk {
    let desk = Desk::new();
    let mut settings = json!({"port": port, "token": TOKEN, "symbols": []});
    let all = settings.as_object_mut().expect("settings");
    all.extend(more.as_object().expect("settings").clone());
    desk.settings(&settings);
    desk
}

/// Runs `ayumi <command> -Config c.json ...` to its end; no secret is in what it says.
fn run(desk: &Desk, name: &str, args: &[&str]) -> Ended {
    let all: Vec<&str> = [name, "-Config", "c.json"].iter().chain(args).copied().collect();
    let ended = Worker::start(desk.folder(), &all).ended();
    for canary in [TOKEN, PASSWORD] {
        assert!(!ended.text().contains(canary), "{}", ended.text());
    }
    let (_, _, unencodable) = SHIFT_JIS.encode(&ended.text());
    assert!(!unencodable, "a Japanese console cannot show it: {}", ended.text());
    ended
}

fn register(desk: &Desk, csv: impl AsRef<[u8]>, args: &[&str]) -> Ended {
    std::fs::write(desk.path("w.csv"), csv).expect("written");
    run(desk, "register", &[&["-Input", "w.csv"], args].concat())
}

/// What a call to the station answers.
fn ask(station: &SimHandle, method: &str, path: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", station.port())).expect("connects");
    let request = format!(
        "{method} /kabusapi/{path} HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {TOKEN}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect(&answer)
}

/// The codes on the station's list.
fn listed(station: &SimHandle) -> Vec<String> {
    let answer = ask(station, "PUT", "register", r#"{"Symbols":[]}"#);
    let list = answer["RegistList"].as_array().expect("a list").clone();
    list.iter()
        .map(|e| e["Symbol"].as_str().expect("a code").to_owned())
        .collect()
}

/// Another program registers these.
fn occupy(station: &SimHandle, codes: &[String]) {
    let symbols: Vec<Value> = codes
        .iter()
        .map(|code| json!({"Symbol": code, "Exchange": 1}))
        .collect();
    ask(station, "PUT", "register", &json!({"Symbols": symbols}).to_string());
}

fn codes(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| (1300 + n).to_string()).collect()
}

fn csv(codes: &[String]) -> String {
    format!("code\n{}\n", codes.join("\n"))
}

#[test]
fn sixty_codes_are_cut_to_fifty_and_the_rest_is_named() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({}));
    let ended = register(&desk, csv(&codes(0..60)), &[]).expect(0);
    ended.says(&["60 symbols", "only 50 are registered (-Max, register_max): 1350, 1351,"]);
    assert_eq!(
        ended.out,
        "registered=50 of=50 added=50 refused=0 not_fitting=0 left_out=10 on_list=50\n"
    );
    assert_eq!(listed(&station), codes(0..50));
    assert_eq!(desk.files(), ["c.json", "w.csv"], "no log, no database");

    // A second time nothing is added; a smaller -Max takes nothing away.
    let ended = register(&desk, csv(&codes(0..60)), &["-Max", "7", "-Verbose", "0"]).expect(0);
    assert_eq!(
        ended.out,
        "registered=7 of=7 added=0 refused=0 not_fitting=0 left_out=53 on_list=50\n"
    );
    assert!(!ended.err.contains(" INFO "), "{}", ended.err);
}

#[test]
fn the_limit_is_a_setting_and_what_the_station_does_not_hold_is_named() {
    let station = station(|c| c.list_limit = 20);
    let desk = desk(station.port(), json!({"register_max": 25}));
    let ended = register(&desk, csv(&codes(0..30)), &[]).expect(3);
    assert_eq!(
        ended.out,
        "registered=20 of=25 added=20 refused=0 not_fitting=5 left_out=5 on_list=20\n"
    );
    ended.says(&[
        "4002006",
        "5 do not fit: 1320, 1321, 1322, 1323, 1324",
        "ayumi unregister -Config c.json --all",
    ]);
    assert_eq!(listed(&station), codes(0..20));
}

#[test]
fn a_station_that_holds_a_hundred_gets_a_hundred() {
    let station = station(|c| c.list_limit = 100);
    let desk = desk(station.port(), json!({}));
    let ended = register(&desk, csv(&codes(0..100)), &["-Max", "100"]).expect(0);
    assert!(
        ended.out.starts_with("registered=100 of=100 added=100 "),
        "{}",
        ended.out
    );
}

#[test]
fn r07_one_bad_code_in_the_middle_is_named_and_the_others_are_registered() {
    let station = station(|c| c.faults.bad_symbols.extend(["1325".to_owned()]));
    let desk = desk(station.port(), json!({}));
    let ended = register(&desk, csv(&codes(0..50)), &[]).expect(3);
    ended.says(&["1325 was refused by the station (HTTP 400 4001018"]);
    assert_eq!(ended.lines("was refused").len(), 1);
    assert_eq!(
        ended.out,
        "registered=49 of=50 added=49 refused=1 not_fitting=0 left_out=0 on_list=49\n"
    );
    assert_eq!(listed(&station).len(), 49);
}

#[test]
fn r08_a_list_full_of_foreign_symbols_is_explained_with_the_way_out() {
    let station = station(|_| {});
    let foreign: Vec<String> = (0..48).map(|n| (6000 + n).to_string()).collect();
    occupy(&station, &foreign);
    let desk = desk(station.port(), json!({}));
    let ended = register(&desk, "code\n7203\n9984\n8306\n6758\n", &[]).expect(3);
    ended.says(&[
        "4002006",
        "2 do not fit: 8306, 6758",
        "50 symbols, 48 of them not of this watchlist: 6000, 6001,",
        "and 38 more",
        "-Input <csv of what is no longer needed>",
    ]);
    assert_eq!(
        ended.out,
        "registered=2 of=4 added=2 refused=0 not_fitting=2 left_out=0 on_list=50\n"
    );

    let ended = run(&desk, "unregister", &["--all"]).expect(0);
    assert_eq!(ended.out, "unregistered=50 absent=0 remaining=0 on_list=0\n");
    let ended = register(&desk, "code\n7203\n9984\n8306\n6758\n", &[]).expect(0);
    assert_eq!(
        ended.out,
        "registered=4 of=4 added=4 refused=0 not_fitting=0 left_out=0 on_list=4\n"
    );
}

#[test]
fn watchlists_as_japanese_windows_writes_them() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({}));
    let text = "銘柄名,銘柄コード,市場\r\nトヨタ自動車,7203,東証\r\n,,\r\nソフトバンクＧ,９９８４,東証\r\nトヨタ自動車,7203.0,東証\r\n三菱ＵＦＪ,8306@1,東証\r\n";
    let utf16 = |text: &str| -> Vec<u8> {
        let units = Some(0xFEFF).into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    for (bytes, read_as) in [
        (SHIFT_JIS.encode(text).0.into_owned(), "read as CP932"),
        (utf16(&text.replace(',', "\t")), "read as UTF-16 LE"),
        (text.replace(',', ";").into_bytes(), "3 symbols (1 blank"),
        (["\u{FEFF}", text].concat().into_bytes(), "read as UTF-8 with BOM"),
    ] {
        ask(&station, "PUT", "unregister/all", "");
        let ended = register(&desk, bytes, &[]).expect(0);
        ended.says(&[read_as, "1 blank dropped, 1 duplicate dropped"]);
        assert!(ended.out.starts_with("registered=3 of=3 added=3 "), "{}", ended.out);
        assert_eq!(listed(&station), ["7203", "9984", "8306"]);
    }
}

#[test]
fn exchanges_come_from_the_flag_or_the_code() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({}));
    register(&desk, "code\n167060019\n7203@1\n167060019@24\n", &["-Exchange", "23"]).expect(0);
    let answer = ask(&station, "PUT", "register", r#"{"Symbols":[]}"#);
    let exchanges: Vec<i64> = (0..3)
        .filter_map(|n| answer["RegistList"][n]["Exchange"].as_i64())
        .collect();
    assert_eq!(exchanges, [23, 1, 24], "{answer}");
}

#[test]
fn mistakes_in_file_or_settings_exit_2_and_ask_nobody() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({}));
    for (csv, part) in [
        ("", "w.csv: the file is empty"),
        ("銘柄,株価\nトヨタ,2000\n", "w.csv:1: no column of codes is named"),
        ("code\n7203\nトヨタ\n", "w.csv:3: \"トヨタ\" is no code"),
        ("code\n\"7203\n", "w.csv:2: the quote"),
    ] {
        let ended = register(&desk, csv, &[]).expect(2);
        ended.says(&[part, "next: "]);
        assert_eq!(ended.out, "");
    }
    run(&desk, "register", &["-Input", "none.csv"])
        .expect(2)
        .says(&["there is no such file"]);
    run(&desk, "register", &[]).expect(2).says(&["needs -Input"]);
    run(&desk, "unregister", &["-Input", "none.csv"]).expect(2);
    // Nothing says what to take off.
    run(&desk, "unregister", &[])
        .expect(2)
        .says(&["symbols  found no symbol"]);
    std::fs::write(desk.path("c.json"), r#"{"port": 0}"#).expect("written");
    register(&desk, "7203\n", &[])
        .expect(2)
        .says(&["c.json:1:10  port", "KABU_TOKEN"]);
    let all = Worker::start(desk.folder(), &["unregister", "--all"]).ended().expect(2);
    all.says(&["KABU_TOKEN", "next: "]);
    assert_eq!(station.counters().connections, 0);
}

#[test]
fn r01_a_dead_token_without_a_password_is_an_error_with_the_next_step() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({}));
    station.replace_token();
    let ended = register(&desk, "7203\n", &[]).expect(3);
    ended.says(&["ERROR registration: HTTP 401 4001009", "api_password"]);
    assert_eq!(station.counters().rest("POST /token"), 0);
    assert_eq!(
        ended.out,
        "registered=0 of=1 added=0 refused=0 not_fitting=0 left_out=0 on_list=unknown\n"
    );

    station.kill_token();
    register(&desk, "7203\n", &[])
        .expect(3)
        .says(&["HTTP 401 4001007", "Log in to kabu Station"]);
}

#[test]
fn r03_with_a_password_a_token_is_fetched_once() {
    let station = station(|c| {
        c.token = None;
        c.password = Some(PASSWORD.to_owned());
    });
    let desk = desk(station.port(), json!({"api_password": PASSWORD}));
    let ended = register(&desk, "7203\n", &[]).expect(0);
    assert_eq!(station.counters().rest("POST /token"), 1);
    assert!(ended.out.starts_with("registered=1 of=1 added=1 "), "{}", ended.text());

    // From the environment, without any token, and without a settings file.
    let mut all = command(desk.folder(), &["unregister", "--all"]);
    all.env("KABU_API_PASSWORD", PASSWORD);
    std::fs::write(
        desk.path("c.json"),
        json!({"port": station.port(), "symbols": ["7203"]}).to_string(),
    )
    .expect("written");
    let mut some = command(desk.folder(), &["unregister", "-Config", "c.json"]);
    some.env("KABU_API_PASSWORD", PASSWORD);
    let ended = Worker::spawn(&mut some).ended().expect(0);
    assert_eq!(ended.out, "unregistered=1 absent=0 remaining=0 on_list=0\n");
    assert_eq!(station.counters().rest("POST /token"), 2);
}

#[test]
fn a_wrong_password_and_a_forbidden_api_are_told() {
    let refusing = station(|c| {
        c.token = None;
        c.password = Some("another one".to_owned());
    });
    let desk = desk(refusing.port(), json!({"token": "", "api_password": PASSWORD}));
    register(&desk, "7203\n", &[])
        .expect(3)
        .says(&["HTTP 401 4001013", "Correct \"api_password\""]);
    assert_eq!(refusing.counters().rest("POST /token"), 1);

    let forbidden = station(|c| c.faults.rest = vec![RestFault::always("/register", error(403, 4_001_008))]);
    let desk = self::desk(forbidden.port(), json!({}));
    register(&desk, "7203\n", &[])
        .expect(3)
        .says(&["HTTP 403 4001008", "Enable the API"]);
}

fn error(status: u16, code: i64) -> RestAnswer {
    RestAnswer::Error { status, code }
}

#[test]
fn r04_a_429_is_waited_out_and_not_for_ever() {
    let station = station(|c| c.faults.rest = vec![RestFault::always("/register", error(429, 4_001_006)).times(2)]);
    let desk = desk(station.port(), json!({}));
    let ended = register(&desk, "7203\n", &[]).expect(0);
    assert!(ended.lived >= Duration::from_millis(2_200), "{:?}", ended.lived);
    assert!(ended.out.starts_with("registered=1 "), "{}", ended.text());

    station.set_fault(|faults| faults.rest = vec![RestFault::always("/", error(429, 4_001_006))]);
    let began = Instant::now();
    let ended = register(&desk, "9984\n", &[]).expect(3);
    ended.says(&["HTTP 429 4001006", "also after several pauses"]);
    assert!(began.elapsed() < Duration::from_secs(30), "bounded");
    assert_eq!(station.counters().rest_statuses.get(&429), Some(&6));
}

#[test]
fn a_station_that_is_down_or_strange_ends_it_with_4_or_3() {
    let down = desk(free_port(), json!({}));
    let ended = register(&down, "7203\n", &["--write-guard"]).expect(4);
    ended.says(&[
        "no answer from the station at localhost:",
        "Start kabu Station",
        "price_guard was not written",
    ]);
    run(&down, "unregister", &["--all"]).expect(4);

    for (answer, code, part) in [
        (
            error(503, 4_001_001),
            3,
            "in maintenance or starting: run this again later",
        ),
        (RestAnswer::Html { status: 500 }, 3, "HTTP 500"),
        (RestAnswer::Reset, 4, "connection reset"),
        (
            RestAnswer::Body {
                status: 200,
                body: "{\"nothing\": 1}".to_owned(),
            },
            3,
            "no registration list",
        ),
    ] {
        let station = station(|c| c.faults.rest = vec![RestFault::always("/register", answer.clone())]);
        let desk = desk(station.port(), json!({}));
        register(&desk, "7203\n", &[]).expect(code).says(&[part]);
    }
}

#[test]
fn dry_run_touches_nothing() {
    let station = station(|_| {});
    // Not even a token is needed.
    let desk = desk(station.port(), json!({"token": "", "price_guard": {"7203": 5}}));
    let path = desk.path("c.json");
    let (before, time) = (std::fs::read(&path).expect("read"), modified(&path));
    let ended = register(&desk, csv(&codes(0..60)), &["-DryRun", "--write-guard"]).expect(0);
    ended.says(&[
        &format!(
            "would send PUT http://localhost:{}/kabusapi/register {{\"Symbols\":[{{\"Symbol\":\"1300\",",
            station.port()
        ),
        "would ask GET /kabusapi/symbol for 50 symbols",
        "symbols=50 left_out=10; nothing was sent, nothing was written",
    ]);
    let ended = run(&desk, "unregister", &["-Input", "w.csv", "-DryRun"]).expect(0);
    ended.says(&["/kabusapi/unregister {\"Symbols\":", "nothing was sent"]);
    run(&desk, "unregister", &["--all", "-DryRun"])
        .expect(0)
        .says(&["/kabusapi/unregister/all\n"]);
    assert_eq!(station.counters().connections, 0);
    assert_eq!((std::fs::read(&path).expect("read"), modified(&path)), (before, time));
    assert_eq!(desk.files(), ["c.json", "w.csv"]);
}

fn modified(path: &std::path::Path) -> std::time::SystemTime {
    std::fs::metadata(path).expect("there").modified().expect("a time")
}
