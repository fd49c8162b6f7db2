//! Rows that need a world of their own to fail.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};

use ayumi_sim::{BoardAnswer, RestAnswer, RestFault};
use serde_json::json;

use super::support::{self, Desk, SUNDAY, TEN, message, station};
use super::{PASSWORD, Value, doctor, finding, found, healthy, says};

/// A web server that is no kabu Station; it serves until the test ends.
fn foreign(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            // A request is small; whatever it is, the answer is the same.
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn a_foreign_server_is_named() {
    let port = foreign(
        "HTTP/1.0 404 File not found\r\nServer: SimpleHTTP/0.6 Python/3.11\r\nContent-Type: text/html\r\n\
         Connection: close\r\nContent-Length: 3\r\n\r\nno!",
    );
    let desk = Desk::online(port, json!({}));
    let report = found(&desk, &[], 1, &["listener", "port", "push"]);
    says(
        &report,
        "listener",
        "Server: SimpleHTTP/0.6 Python/3.11",
        "close that program",
    );
    #[cfg(target_os = "linux")]
    says(&report, "listener", &format!("(PID {})", std::process::id()), "18080");
}

#[test]
fn r02_a_proxy_that_changes_the_host_is_recognised() {
    let (station, desk) = healthy();
    let html = RestFault::always("/register", RestAnswer::Html { status: 400 });
    station.set_fault(|f| f.rest = vec![html]);
    says(&found(&desk, &[], 1, &["host"]), "host", "HTTP 400", "Host");
}

#[test]
fn r01_the_password_of_the_other_environment() {
    let station = station(|config| config.password = Some(PASSWORD.to_owned()));
    let answer = RestAnswer::Error {
        status: 400,
        code: 4_001_001,
    };
    station.set_fault(|f| f.rest = vec![RestFault::always("/token", answer)]);
    let desk = Desk::online(station.port(), json!({"token": null, "api_password": PASSWORD}));
    let report = found(&desk, &["--login"], 1, &["environment"]);
    says(&report, "environment", "HTTP 400", "18081");
}

#[test]
fn n04_silence_in_a_session_is_told() {
    let (_station, desk) = healthy();
    let report = found(&desk, &[], 0, &[]);
    assert_eq!(finding(&report, "push")["level"], "note");
    says(&report, "push", "no message in 0.4 s although the market is open", "");
}

/// Pushes a message every few milliseconds while `work` runs.
fn under_messages<T>(station: &ayumi_sim::SimHandle, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut volume = 10_000;
            while !done.load(Ordering::Relaxed) {
                volume += 100;
                station.push_text(&message::push("7203", 2_000.0, volume));
                // The pace of a busy symbol, not a wait for something.
                std::thread::sleep(std::time::Duration::from_millis(4));
            }
        });
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        outcome
    })
}

#[test]
fn n11_a_line_that_is_taken_over_twice_is_another_programs() {
    let (station, desk) = healthy();
    let port = station.port();
    let done = AtomicBool::new(false);
    let report = std::thread::scope(|scope| {
        // Takes every line that is not its own, as soon as it has brought something.
        scope.spawn(|| {
            let mut mine = Vec::new();
            let mut seen = station.counters().push_connections;
            while !done.load(Ordering::Relaxed) {
                let now = station.counters();
                if now.push_connections > seen {
                    // It brings something first, or is already gone.
                    let _ = station.wait_until(std::time::Duration::from_millis(100), |c| {
                        c.messages_sent > now.messages_sent + 3
                    });
                    mine.push(support::takeover(port));
                    seen = station.counters().push_connections;
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let report = under_messages(&station, || {
            let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "--json"]);
            serde_json::from_str::<Value>(&ended.out).unwrap()
        });
        done.store(true, Ordering::Relaxed);
        report
    });
    says(
        &report,
        "push",
        "another program takes the PUSH line: it was cut twice",
        "close the other program",
    );
    assert_eq!(finding(&report, "push")["level"], "warning");
}

#[test]
fn n11_a_running_recorder_says_that_it_was_evicted() {
    let (station, desk) = (station(|_| {}), Desk::new());
    desk.settings(&json!({"port": station.port(), "token": support::TOKEN, "symbols": ["7203"], "board_mode": "push"}));
    let mut recorder = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    let mut others = Vec::new();
    for round in 1..=3 {
        let volume = 1_000 + round * 100;
        station.push_text(&message::push("7203", 2_000.0, volume));
        support::stored_volume(&desk, volume);
        others.push(support::takeover(station.port()));
        if round < 3 {
            recorder.wait_lines("connected (symbols=1)", usize::try_from(round).unwrap() + 1);
        }
    }
    recorder.wait_line("-> EVICTED");
    let state = "SELECT count(*) FROM health WHERE state = 'EVICTED'";
    support::wait_for("the state in the table", || {
        (desk.store().number(state) > 0).then_some(())
    });
    // What the other program got is a gap, and a large one on such a short day.
    let report = found(&desk, &[], 1, &["day", "recorder"]);
    says(
        &report,
        "recorder",
        "the recorder says EVICTED since 10:00:",
        "another program",
    );
    recorder.kill();
}

#[test]
fn r06_one_slow_board_of_three_is_chance() {
    let (station, desk) = healthy();
    let late = RestAnswer::Late {
        delay: std::time::Duration::from_millis(1_050),
    };
    station.set_fault(|f| f.rest = vec![RestFault::always("/board", late).times(1)]);
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", TEN, "-v"]).expect(0);
    ended.says(&["/board 7203@1 in ", "(middle of 3)"]);
}

#[test]
fn t01_messages_that_are_all_old() {
    let (station, desk) = healthy();
    let report = under_messages(&station, || {
        let late = &["-Config", "c.json", "--clock", "2026-11-20T10:05:00@1", "--json"];
        serde_json::from_str::<Value>(&doctor(&desk, late).expect(1).out).unwrap()
    });
    let all = report["findings"].as_array().unwrap();
    let clock = all.iter().find(|f| f["check"] == "clock" && f["level"] == "warning");
    let text = clock.expect("a warning")["text"].as_str().unwrap();
    assert!(
        text.contains("the youngest of the last messages is 30") && text.contains("s old"),
        "{text}"
    );
}

#[test]
fn s04_a_cloud_folder() {
    let (station, desk) = (station(|_| {}), Desk::new());
    let folder = desk.path("OneDrive - Home");
    let settings =
        json!({"port": station.port(), "token": support::TOKEN, "symbols": ["7203"], "db_path": folder.join("t.db")});
    desk.settings(&settings);
    says(
        &found(&desk, &[], 1, &["folder"]),
        "folder",
        "a folder of onedrive",
        "local disk",
    );
    assert!(!folder.exists(), "nothing is made");
}

#[test]
fn s13_tables_of_a_newer_version() {
    let (_station, desk) = healthy();
    rusqlite::Connection::open(desk.db())
        .unwrap()
        .execute_batch("UPDATE schema_version SET version = 99")
        .unwrap();
    says(
        &found(&desk, &[], 1, &["database"]),
        "database",
        "newer version",
        "db_path",
    );
}

#[test]
fn g10_the_last_day_has_a_grade() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut recorder = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    for volume in [1_000, 41_000] {
        station.push_text(&message::push("7203", 2_000.0, volume));
    }
    support::stored_volume(&desk, 41_000);
    station.cut(ayumi_sim::Cut::Reset);
    support::line(&station, 2);
    station.push_text(&message::push("7203", 2_000.0, 61_000));
    support::stored_volume(&desk, 61_000);
    recorder.wait_line("connected");
    drop(recorder.kill());
    let report = found(&desk, &[], 1, &["day"]);
    says(
        &report,
        "day",
        "grades C 1; 1 gap, 20000 shares in it",
        "--date 2026-11-20",
    );
    // A week later the trading days between are missed.
    let ended = doctor(&desk, &["-Config", "c.json", "--clock", "2026-11-27T08:00:00@1"]).expect(1);
    ended.says(&["[i] nothing was recorded on 2026-11-26, the last trading day"]);
}

#[cfg(unix)]
#[test]
fn sec16_a_secret_that_every_user_can_read_is_told() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({}));
    let parent = desk.folder().parent().unwrap().to_owned();
    if parent
        .ancestors()
        .any(|folder| metadata(folder).unwrap().permissions().mode() & 0o001 == 0)
    {
        return support::skip("nobody else can reach the folder for temporary files");
    }
    set_permissions(desk.folder(), Permissions::from_mode(0o755)).unwrap();
    set_permissions(desk.path("c.json"), Permissions::from_mode(0o644)).unwrap();
    let report = found(&desk, &[], 1, &["secret"]);
    says(&report, "secret", "every user of this PC can read", "chmod 600");
    let mut recorder = desk.stream(&["--clock", TEN]);
    recorder.wait_line("which holds a secret (token): chmod 600");
    recorder.wait_line("stream_microbatch start");
    recorder.stop().expect(0);
    set_permissions(desk.path("c.json"), Permissions::from_mode(0o600)).unwrap();
    found(&desk, &[], 0, &[]);
    // Without a secret in it, anybody may.
    std::fs::write(desk.path("token.txt"), support::TOKEN).unwrap();
    desk.settings(&json!({"port": station.port(), "symbols": ["7203"], "token_file": desk.path("token.txt")}));
    set_permissions(desk.path("c.json"), Permissions::from_mode(0o644)).unwrap();
    found(&desk, &[], 0, &[]);
}

#[test]
fn a_slow_answer_of_a_board_is_asked_for_again_only_while_there_is_time() {
    let (station, desk) = healthy();
    let slow = std::time::Duration::from_millis(1_450);
    station.set_board("7203", 1, BoardAnswer::Delay(slow, Box::new(BoardAnswer::Usual)));
    says(
        &found(&desk, &[], 1, &["board"]),
        "board",
        "/board 7203@1 ",
        "close other programs",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn s10_the_reader_that_holds_the_log_back_is_named() {
    let (_station, desk) = healthy();
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reader = rusqlite::Connection::open_with_flags(desk.db(), flags).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM window_log").unwrap();
    let log = std::fs::OpenOptions::new()
        .write(true)
        .open(desk.path("ticks.db-wal"))
        .unwrap();
    log.set_len(300 << 20).unwrap();
    let report = found(&desk, &[], 1, &["wal"]);
    let held = format!("(PID {})", std::process::id());
    says(&report, "wal", &held, "mode=ro");
}

#[test]
fn the_first_line_does_not_wait_for_the_checks() {
    let (station, desk) = healthy();
    station.set_fault(|f| f.rest = vec![RestFault::always("/register", RestAnswer::Never)]);
    let mut doctor = support::Worker::start(desk.folder(), &["doctor", "-Config", "c.json", "--clock", TEN]);
    doctor.wait_line("ayumi doctor: looking");
    assert!(doctor.is_running(), "the station does not answer for a second and more");
    doctor.ended().expect(1).says(&["does not answer"]);
}

#[test]
fn what_nobody_looked_at_is_not_called_fine() {
    let (_station, desk) = healthy();
    let report = found(&desk, &[], 0, &[]);
    let all = report["findings"].as_array().unwrap();
    let skipped = |f: &&Value| f["level"] == "skipped";
    assert!(
        all.iter()
            .all(|f| f["text"].as_str().unwrap().contains("not checked") == skipped(&f)),
        "{report:#}"
    );
}

/// A recorder at work with a window stored.
fn at_work() -> (ayumi_sim::SimHandle, Desk, support::Worker) {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let recorder = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    station.push_text(&message::push("7203", 2_000.0, 1_000));
    desk.stored();
    (station, desk, recorder)
}

#[cfg(target_os = "linux")]
#[test]
fn p07_a_stopped_recorder_is_not_well() {
    let (_station, desk, recorder) = at_work();
    recorder.signal("STOP");
    let stat = format!("/proc/{}/stat", recorder.pid());
    support::wait_for("the stop", || {
        std::fs::read_to_string(&stat).unwrap().contains(") T ").then_some(())
    });
    let report = found(&desk, &[], 1, &["recorder"]);
    let told = format!("the recorder (PID {}) is stopped by a signal", recorder.pid());
    says(&report, "recorder", &told, "kill -CONT");
    recorder.signal("CONT");
    support::wait_for("going on", || {
        (!std::fs::read_to_string(&stat).unwrap().contains(") T ")).then_some(())
    });
    found(&desk, &[], 0, &[]);
    recorder.kill();
}

#[cfg(target_os = "linux")]
#[test]
fn s01_a_program_that_locks_the_database_is_named() {
    let (_station, desk, recorder) = at_work();
    let mut other = rusqlite::Connection::open(desk.db()).unwrap();
    other.busy_timeout(support::PATIENCE).unwrap();
    let held = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    let report = found(&desk, &[], 1, &["openers", "recorder"]);
    let told = format!("(PID {}) holds the database locked for writing", std::process::id());
    says(&report, "recorder", &told, "close that program");
    assert_eq!(finding(&report, "recorder")["level"], "problem");
    held.rollback().unwrap();
    drop(other);
    found(&desk, &[], 0, &[]);
    recorder.kill();
}

#[test]
fn p07_silence_of_a_recorder_in_a_session_is_told() {
    let (_station, desk, recorder) = at_work();
    let look = |clock: &str| {
        let ended = doctor(&desk, &["-Config", "c.json", "--clock", clock, "--json"]);
        serde_json::from_str::<Value>(&ended.out).unwrap()
    };
    // Its clock is at ten: to a doctor five minutes later it has not moved since.
    let report = look("2026-11-20T10:05:00@1");
    let told = "the recorder holds the database but has stored nothing for 29";
    says(&report, "recorder", told, "look at the last lines of the log");
    assert_eq!(finding(&report, "recorder")["level"], "warning");
    for fine in [TEN, "2026-11-20T12:00:00@1", SUNDAY] {
        assert_eq!(finding(&look(fine), "recorder")["level"], "ok", "{fine}");
    }
    recorder.kill();
}

#[cfg(unix)]
#[test]
fn c04_a_pipe_is_no_file_to_wait_for() {
    let (_station, desk) = healthy();
    let made = std::process::Command::new("mkfifo").arg(desk.path("pipe")).status();
    assert!(made.expect("mkfifo runs").success());
    let check = |config: &str| {
        let args = ["stream", "-Config", config, "--check-config"];
        support::Worker::start(desk.folder(), &args).ended()
    };
    let said = "it is no file (a pipe or a device)";
    doctor(&desk, &["-Config", "pipe", "--clock", TEN])
        .expect(1)
        .says(&[said]);
    check("pipe").expect(2).says(&[said, "next: "]);
    desk.settings(&json!({"symbols": ["7203"], "token_file": desk.path("pipe")}));
    doctor(&desk, &["-Config", "c.json", "--clock", TEN])
        .expect(1)
        .says(&[said, "token_file"]);
    check("c.json").expect(2).says(&[said, "token_file"]);
}
