//! `ayumi doctor`: whatever is broken, it names it and what to do, changes nothing, shows no secret, ends within three
//! seconds, and its page can be shown by every Japanese console.
//!
//! What it looks at, and the fixture in which each check fails:
//!
//! | check | test |
//! | --- | --- |
//! | port open, on which family | `n01_station_off`, `a_healthy_installation_is_well` |
//! | who listens | `rows::a_foreign_server_is_named`, unit tests of `listener` (netstat, tasklist, /proc) |
//! | Host accepted | `rows::r02_a_proxy_that_changes_the_host_is_recognised` |
//! | logged in, API enabled, token valid | `r01_...` (two) |
//! | environment mix-up | `a_password_is_used_only_when_asked_for`, `rows::r01_the_password_of_the_other_environment` |
//! | register list | `r07_a_list_full_of_strangers`, `symbols_that_nobody_will_register` |
//! | PUSH accepted | `rows::n04_silence_in_a_session_is_told`, `r06_...` |
//! | a recorder that stands still | `rows::p07_a_stopped_...`, `rows::s01_a_program_that_locks_...`, `rows::p07_silence_...`, unit tests of `standing` |
//! | taken over | `rows::n11_a_line_that_is_taken_over_twice_is_another_programs`, `rows::n11_a_running_recorder_...` |
//! | /board time | `r06_a_slow_board_and_r05_a_station_that_hangs`, `rows::r06_one_slow_board_of_three_is_chance` |
//! | clock, zone | `d09_t01_clock_and_zone_against_the_exchange`, `rows::t01_messages_that_are_all_old` |
//! | folder of the database | `s04_...`, `rows::s04_a_cloud_folder`, unit tests of `disk` |
//! | health of the database | `s05_a_damaged_database`, `a_changed_window_is_noticed`, `rows::s13_tables_of_a_newer_version` |
//! | SQLite version, other openers | unit tests `s11_...` of `versions`, `x05_programs_that_open_the_file_to_write_are_named` |
//! | second writer, stuck reader | `g12_a_running_recorder_keeps_its_line`, `..._s10_a_log_that_cannot_shrink`, `rows::s10_...` |
//! | last day | `rows::g10_the_last_day_has_a_grade`, `a_changed_window_is_noticed` |
//! | start-up task, console, power, station's own log | unit tests of `task`, `console`, `power`, `station_log` |
//! | settings, secret | `everything_broken_is_still_a_page`, `sec02_...`, `rows::sec16_...` |
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[path = "doctor/rows.rs"]
mod rows;
mod support;

use std::path::Path;
use std::time::Duration;

use ayumi_sim::{BoardAnswer, Refusal, RestAnswer, RestFault, SimHandle};
use serde_json::{Value, json};
use support::process::{Ended, command};
use support::{Desk, SUNDAY, TEN, TOKEN, Worker, free_port, station};

const PASSWORD: &str = "canaryP-doctor-password";
/// What the specification allows, and what a busy machine takes to start a process.
const LIMIT: Duration = Duration::from_secs(3);

/// Runs it and checks what holds for every page.
fn doctor(desk: &Desk, args: &[&str]) -> Ended {
    let all: Vec<&str> = ["doctor"].iter().chain(args).copied().collect();
    let mut command = command(desk.folder(), &all);
    command.env("LC_ALL", "C");
    let ended = Worker::spawn(&mut command).ended();
    let text = ended.text();
    assert!(!text.contains("panicked"), "{text}");
    for secret in [TOKEN, PASSWORD] {
        assert!(!text.contains(secret), "a secret is shown:\n{text}");
    }
    let (_, _, unknown) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!unknown, "not for a Japanese console:\n{text}");
    assert!(
        ended.lived < LIMIT + Duration::from_millis(700),
        "{:?}:\n{text}",
        ended.lived
    );
    ended
}

/// The page in both languages and as JSON: the same findings, each with its fix; asserts on the checks that are not
/// fine, in any order.
fn found(desk: &Desk, args: &[&str], code: i32, expected: &[&str]) -> Value {
    let run = |more: &[&str]| {
        let all: Vec<&str> = ["-Config", "c.json", "--clock", TEN]
            .iter()
            .chain(args)
            .chain(more)
            .copied()
            .collect();
        doctor(desk, &all).expect(code)
    };
    let json = run(&["--json"]);
    assert!(json.out.is_ascii());
    let report: Value = serde_json::from_str(&json.out).unwrap_or_else(|e| panic!("{e}: {}", json.text()));
    let all = report["findings"].as_array().unwrap();
    let bad: Vec<&Value> = all
        .iter()
        .filter(|f| f["level"] == "warning" || f["level"] == "problem")
        .collect();
    let mut checks: Vec<&str> = bad.iter().map(|f| f["check"].as_str().unwrap()).collect();
    checks.sort_unstable();
    let mut wanted = expected.to_vec();
    wanted.sort_unstable();
    assert_eq!(checks, wanted, "{report:#}");
    assert!(
        bad.iter().all(|f| f["fix"].as_str().is_some_and(|fix| fix.len() > 10)),
        "{report:#}"
    );
    assert_eq!(report["well"], code == 0);
    let japanese = run(&["--lang", "ja"]);
    assert_eq!(japanese.lines("対処: ").len(), bad.len(), "{}", japanese.text());
    report
}

fn finding<'r>(report: &'r Value, check: &str) -> &'r Value {
    let all = report["findings"].as_array().unwrap();
    all.iter()
        .find(|f| f["check"] == check)
        .unwrap_or_else(|| panic!("no {check}: {report:#}"))
}

/// The finding says both.
fn says(report: &Value, check: &str, text: &str, fix: &str) {
    let finding = finding(report, check);
    assert!(finding["text"].as_str().unwrap().contains(text), "{finding:#}");
    assert!(finding["fix"].as_str().unwrap_or_default().contains(fix), "{finding:#}");
}

fn rest_requests(station: &SimHandle) -> u64 {
    station.counters().rest_requests.values().sum()
}

/// A station whose list holds our symbol.
fn healthy() -> (SimHandle, Desk) {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut recorder = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    station.push_text(&support::message::push("7203", 2_000.0, 1_000));
    desk.stored();
    assert!(recorder.is_running());
    #[cfg(unix)]
    recorder.stop().expect(0);
    #[cfg(not(unix))]
    recorder.kill();
    (station, desk)
}

#[test]
fn a_healthy_installation_is_well() {
    let (station, desk) = healthy();
    let before = desk.files();
    let (asked, list) = (rest_requests(&station), station.counters().rest("PUT /register"));
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN]).expect(0);
    ended.says(&[" checks are fine", "were not made here (-v shows them)"]);
    assert!(rest_requests(&station) - asked <= 6, "{:?}", station.counters());
    assert_eq!(station.counters().rest("POST /token"), 0);
    assert!(station.counters().rest("PUT /register") > list);
    assert_eq!(
        desk.files()
            .iter()
            .filter(|n| !n.contains("-shm") && !n.contains("-wal"))
            .count(),
        before.len(),
        "nothing was left"
    );
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", SUNDAY, "-v"]).expect(0);
    ended.says(&[
        "[ok] port ",
        "answers on 127.0.0.1",
        "logged in, API on, token valid (source: file)",
        "1 of 50 slots used",
        "/board 7203@1 in ",
        "the market is closed: silence is normal",
        "the database's structure is whole",
        "tables version 1, last window 2026-11-20T10:00:0",
        "no recorder runs",
        "are free, a day takes",
        "the folder ",
        "last recorded day 2026-11-20: grades A 1; no gap",
        "Server: Microsoft-HTTPAPI/2.0",
        "(middle of 3)",
        "starts the recorder by itself",
        "console: encoding ASCII",
        "kabu Station's own log: ",
        "SQLite 3.",
        "(JST)",
        "doctor: all is well",
    ]);
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", SUNDAY, "-v", "--lang", "ja"]).expect(0);
    ended.says(&[
        "ログイン済み、API 有効、トークン有効",
        "取引時間外なので",
        "doctor: 問題ありません",
    ]);
}

#[test]
fn n01_station_off() {
    let desk = Desk::online(free_port(), json!({}));
    let report = found(&desk, &[], 1, &["station"]);
    says(&report, "station", "does not answer", "start kabu Station, log in");
}

#[test]
fn r01_every_refusal_has_its_own_fix() {
    for (status, code, check, fix) in [
        (401, 4_001_007, "login", "Log in to kabu Station"),
        (401, 4_001_017, "login", "Log in to kabu Station"),
        (401, 4_001_009, "token", "set the current token"),
        (403, 4_001_008, "api", "Enable the API"),
        (429, 4_001_006, "rest", "Too many requests"),
        (503, 0, "rest", "maintenance"),
    ] {
        let (station, desk) = (station(|_| {}), Desk::new());
        desk.settings(&json!({"port": station.port(), "token": TOKEN, "symbols": ["7203"]}));
        station.set_fault(|f| f.rest = vec![RestFault::always("/register", RestAnswer::Error { status, code })]);
        let report = found(&desk, &[], 1, &[check]);
        says(&report, check, &format!("HTTP {status}"), fix);
        assert!(
            rest_requests(&station) <= 2 * 6,
            "six for each of two runs: {:?}",
            station.counters()
        );
        assert_eq!(station.counters().rest("POST /token"), 0);
    }
}

#[test]
fn r01_a_wrong_token_and_a_station_without_login() {
    let (station, desk) = (station(|_| {}), Desk::new());
    desk.settings(&json!({"port": station.port(), "token": "canaryW-wrong-token", "symbols": ["7203"]}));
    let report = found(&desk, &[], 1, &["token"]);
    says(&report, "token", "4001009", "api_password");
    assert!(!report.to_string().contains("canaryW"));
    station.kill_token();
    says(&found(&desk, &[], 1, &["login"]), "login", "4001007", "two-factor");
}

#[test]
fn a_password_is_used_only_when_asked_for() {
    let station = station(|config| config.password = Some(PASSWORD.to_owned()));
    let desk = Desk::online(station.port(), json!({"token": null, "api_password": PASSWORD}));
    let report = found(&desk, &[], 0, &[]);
    assert!(
        finding(&report, "token")["text"]
            .as_str()
            .unwrap()
            .contains("--login tries it")
    );
    assert_eq!(station.counters().rest("POST /token"), 0);
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "--login", "-v"]).expect(0);
    ended.says(&["token valid"]);
    assert_eq!(station.counters().rest("POST /token"), 1);
    let wrong = Desk::online(station.port(), json!({"token": null, "api_password": "canaryP-wrong"}));
    let ended = doctor(&wrong, &["-Config", "c.json", "--login"]).expect(1);
    ended.says(&["4001013", "Correct \"api_password\""]);
    assert!(!ended.text().contains("canaryP"));
}

#[test]
fn r07_a_list_full_of_strangers() {
    let station = station(|config| config.list_limit = 3);
    let strangers = Desk::online(station.port(), json!({"symbols": ["1301", "1305", "1306"]}));
    let recorder = strangers.stream(&["--clock", TEN]);
    support::connected(&station);
    drop(recorder);
    let desk = Desk::online(station.port(), json!({"register_max": 3, "symbols": ["7203", "1301"]}));
    let report = found(&desk, &[], 1, &["list"]);
    says(
        &report,
        "list",
        "0 of 3 slots are free, 1 of ours are missing (7203@1), 2 are strangers",
        "unregister --all",
    );
}

#[test]
fn symbols_that_nobody_will_register() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"auto_register": false}));
    let report = found(&desk, &[], 1, &["list"]);
    says(
        &report,
        "list",
        "1 of our symbols are not registered: 7203@1",
        "ayumi register",
    );
}

#[test]
fn r06_a_slow_board_and_r05_a_station_that_hangs() {
    let (station, desk) = healthy();
    let slow = Duration::from_millis(1_150);
    station.set_board("7203", 1, BoardAnswer::Delay(slow, Box::new(BoardAnswer::Usual)));
    says(
        &found(&desk, &[], 1, &["board"]),
        "board",
        "/board 7203@1 ",
        "close other programs",
    );
    station.set_board("7203", 1, BoardAnswer::Never);
    says(
        &found(&desk, &[], 1, &["board"]),
        "board",
        "did not answer in time",
        "board_mode",
    );
    station.set_board("7203", 1, BoardAnswer::Usual);
    station.set_fault(|f| f.rest = vec![RestFault::always("/register", RestAnswer::Never)]);
    let report = found(&desk, &["--push"], 1, &["rest"]);
    says(&report, "rest", "does not answer", "restart kabu Station");
    station.set_fault(|f| f.refuse = Some(Refusal::Silent));
    let report: Value = {
        let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "--json"]).expect(1);
        serde_json::from_str(&ended.out).unwrap()
    };
    says(&report, "rest", "does not answer", "restart");
    says(&report, "push", "PUSH cannot be opened: timeout", "");
}

#[test]
fn d09_t01_clock_and_zone_against_the_exchange() {
    let (station, desk) = healthy();
    let late = doctor(&desk, &["-Config", "c.json", "--clock", "2026-11-20T09:59:30@1"]).expect(1);
    late.says(&[
        "[!] the PC's clock is at least ",
        " s behind the exchange",
        "set the clock by the network",
    ]);
    let body = support::message::bent(
        "7203",
        2_000.0,
        1_000,
        json!({"CurrentPriceTime": "2026-11-20T10:00:00-05:00"}),
    );
    station.set_board("7203", 1, BoardAnswer::Body(body));
    says(
        &found(&desk, &[], 1, &["zone"]),
        "zone",
        "another offset",
        "Osaka, Sapporo, Tokyo",
    );
    doctor(&desk, &["-Config", "c.json", "--clock", "2001-01-01T00:00:00@1"])
        .expect(1)
        .says(&["the PC's clock shows 2001-01-01"]);
}

#[test]
fn s05_a_damaged_database() {
    let (_station, desk) = healthy();
    let mut bytes = std::fs::read(desk.db()).unwrap();
    let (from, to) = (4_096, bytes.len().min(40_960));
    bytes[from..to].fill(0xa5);
    std::fs::write(desk.db(), &bytes).unwrap();
    says(
        &found(&desk, &[], 1, &["database"]),
        "database",
        "is damaged",
        ".recover",
    );
    std::fs::write(desk.db(), "this is a text of more than a hundred characters, and it is no database at all, whatever its name may say of it").unwrap();
    says(
        &found(&desk, &[], 1, &["database"]),
        "database",
        "not a database",
        ".recover",
    );
    std::fs::remove_file(desk.db()).unwrap();
    rusqlite::Connection::open(desk.db())
        .unwrap()
        .execute_batch("PRAGMA application_id = 7; CREATE TABLE t (a)")
        .unwrap();
    says(
        &found(&desk, &[], 1, &["database"]),
        "database",
        "another application",
        "db_path",
    );
}

#[test]
fn a_changed_window_is_noticed() {
    let (_station, desk) = healthy();
    rusqlite::Connection::open(desk.db())
        .unwrap()
        .execute_batch("UPDATE tick_batch SET last_price = 1")
        .unwrap();
    let report = found(&desk, &[], 1, &["day", "windows"]);
    says(
        &report,
        "day",
        "last recorded day 2026-11-20: grades D 1",
        "ayumi verify",
    );
    says(
        &report,
        "windows",
        "newest windows are not what was written",
        "ayumi verify",
    );
}

#[test]
fn g12_a_running_recorder_keeps_its_line() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut recorder = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    station.push_text(&support::message::push("7203", 2_000.0, 1_000));
    desk.stored();
    let lines = station.counters().push_connections;
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "-v"]).expect(0);
    let pid = recorder.pid().to_string();
    ended.says(&[&format!("a recorder is running (PID {pid})"), "PUSH is not tried"]);
    assert_eq!(station.counters().push_connections, lines);
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "--push"]).expect(0);
    ended.says(&[&format!(
        "recorder (PID {pid}), also with --push; stop the recorder first"
    )]);
    assert_eq!(station.counters().push_connections, lines);
    assert!(recorder.is_running());
    drop(recorder.kill());
    // What a crash leaves behind is no running recorder.
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "-v"]).expect(0);
    ended.says(&["no recorder runs"]);
}

#[cfg(target_os = "linux")]
#[test]
fn x05_programs_that_open_the_file_to_write_are_named() {
    let (_station, desk) = healthy();
    let writer = rusqlite::Connection::open(desk.db()).unwrap();
    let rows: i64 = writer
        .query_row("SELECT count(*) FROM window_log", [], |row| row.get(0))
        .unwrap();
    assert!(rows > 0);
    let report = found(&desk, &[], 1, &["openers"]);
    says(
        &report,
        "openers",
        &format!("(PID {}) has the database open to write", std::process::id()),
        "mode=ro",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn s04_a_folder_that_cannot_be_written_and_s10_a_log_that_cannot_shrink() {
    let station = station(|_| {});
    // Not even the superuser may write there.
    let desk = Desk::online(station.port(), json!({"db_path": "/proc/ticks.db"}));
    let report = found(&desk, &[], 1, &["folder"]);
    says(&report, "folder", "cannot be written", "db_path");
    let (_station, desk) = healthy();
    let log = std::fs::File::create(desk.path("ticks.db-wal")).unwrap();
    log.set_len(300 << 20).unwrap();
    let report = found(&desk, &[], 1, &["wal"]);
    says(&report, "wal", "WAL 300 MB: a reader holds it back", "mode=ro");
}

#[test]
fn everything_broken_is_still_a_page() {
    let desk = Desk::new();
    doctor(&desk, &["--clock", TEN])
        .expect(1)
        .says(&["no settings file is given", "-Config <path>"]);
    doctor(&desk, &["-Config", "none.json"])
        .expect(1)
        .says(&["there is no such file", "fix: "]);
    std::fs::write(
        desk.path("c.json"),
        "{\"token\": \"canaryT0123456789abcdef0123456789\", \"window_ms\": -1, \"symbols\": [\"\u{1f600}\"]",
    )
    .unwrap();
    doctor(&desk, &["-Config", "c.json"]).expect(1).says(&["[x] "]);
    std::fs::write(desk.path("c.json"), "{\"token\": \"canaryT0123456789abcdef0123456789\", \"window_ms\": -1, \"symbols\": [\"\u{1f600}\", \"7203\"], \"port\": 1}").unwrap();
    let ended = doctor(&desk, &["-Config", "c.json", "--lang", "ja"]).expect(1);
    ended.says(&["window_ms", "symbols[0]", "ファイルを直してから"]);
    std::fs::write(desk.path("c.json"), b"\x00\xff\x00\xff\x01").unwrap();
    doctor(&desk, &["-Config", "c.json"]).expect(1);
    doctor(&desk, &["-Config", "."]).expect(1).says(&["it is a folder"]);
    doctor(&desk, &["--lang", "fr"]).expect(2).says(&["ja or en"]);
}

#[test]
fn sec02_a_secret_in_a_git_tree() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({}));
    std::fs::create_dir(desk.path(".git")).unwrap();
    let report = found(&desk, &[], 1, &["secret"]);
    says(
        &report,
        "secret",
        "holds a secret (token) and lies in a git repository",
        "KABU_TOKEN",
    );
    std::fs::write(desk.path("token.txt"), TOKEN).unwrap();
    let path: &Path = &desk.path("token.txt");
    desk.settings(&json!({"port": station.port(), "symbols": ["7203"], "token_file": path}));
    found(&desk, &[], 0, &[]);
}

#[test]
fn mock_mode_asks_nobody() {
    let desk = Desk::mock(json!({}));
    let report = found(&desk, &[], 0, &[]);
    assert!(finding(&report, "station")["text"].as_str().unwrap().contains("mock"));
}
