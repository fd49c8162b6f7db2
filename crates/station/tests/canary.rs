//! SEC1: a marked token and a marked password through every path; neither shows up in a log line (all crates, down to
//! trace), a `Debug` or a `Display`.

mod common;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use ayumi_station::push::connect;
use ayumi_station::{Entry, Job, PushConfig, RestConfig, rest};
use common::http::{Server, json, refuse};
use common::{PATIENCE, config, peer, read_request, run, upgrade};
use secrecy::{ExposeSecret as _, SecretString};

const TOKEN: &str = "c0ffee00canary00token00aaaaaaaa1";
const FETCHED: &str = "c0ffee00canary00token00bbbbbbbb2";
const PASSWORD: &str = "canaryPassword7";

static LOG: Mutex<String> = Mutex::new(String::new());

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        let mut log = LOG.lock().expect("log");
        writeln!(log, "{} {}: {}", record.level(), record.target(), record.args()).expect("a string");
    }
    fn flush(&self) {}
}

fn note(text: &str) {
    log::info!("{text}");
}

#[test]
fn sec01_no_secret_in_any_log_debug_or_display() {
    log::set_logger(&Capture).expect("first logger");
    log::set_max_level(log::LevelFilter::Trace);
    push_paths();
    rest_paths();
    let log = LOG.lock().expect("log");
    assert!(log.contains("ureq"), "the log of the HTTP client was captured too");
    for secret in [TOKEN, FETCHED, PASSWORD] {
        let line = log.lines().find(|l| l.contains(secret));
        assert_eq!(line, None, "a secret in the log");
    }
}

fn push_paths() {
    let with_token = |port| PushConfig {
        token: Some(SecretString::from(TOKEN)),
        ..config(port)
    };
    note(&format!("{:?}", with_token(1)));
    let (port, thread) = peer(|mut stream| upgrade(&mut stream));
    let line = run(async {
        let line = connect(&with_token(port)).await.expect("connected");
        format!("{line:?}")
    });
    note(&line);
    assert!(
        thread.join().expect("peer").contains(TOKEN),
        "the token really went out"
    );
    // A peer that sends our own request back, as status line, as header and as text.
    for echo in ["{}", "HTTP/1.1 400 X\r\nY: {}\r\n\r\n", "HTTP/1.1 101 {}\r\n\r\n"] {
        let (port, thread) = peer(move |mut stream| {
            let request = read_request(&mut stream);
            let key = request
                .lines()
                .find(|l| l.starts_with("X-API"))
                .expect("token")
                .to_owned();
            stream.write_all(echo.replace("{}", &key).as_bytes()).expect("answer");
        });
        let error = run(connect(&with_token(port))).expect_err("no upgrade");
        note(&format!("{error} {error:?} {}", error.advice()));
        thread.join().expect("peer");
    }
    for bad in ["\r\n", " "] {
        let config = PushConfig {
            token: Some(SecretString::from(format!("{TOKEN}{bad}x"))),
            ..config(1)
        };
        let error = run(connect(&PushConfig {
            port: common_listener(),
            ..config
        }))
        .expect_err("bad token");
        note(&format!("{error} {error:?}"));
    }
}

/// A port that accepts and says nothing.
fn common_listener() -> u16 {
    peer(|mut stream| drop(std::io::Read::read(&mut stream, &mut [0]))).0
}

fn rest_paths() {
    let mut n = 0;
    let server = Server::start(move |seen| {
        n += 1;
        match (seen.path.as_str(), n) {
            ("/kabusapi/token", _) => json(200, &format!(r#"{{"ResultCode":0,"Token":"{FETCHED}"}}"#)),
            (_, 1) => refuse(401, 4_001_009),
            (_, 2..4) => json(200, r#"{"RegistList":[]}"#),
            _ => refuse(500, 4_001_001),
        }
    });
    let (send, replies) = channel();
    let config = RestConfig {
        port: server.port,
        token: Some(SecretString::from(TOKEN)),
        api_password: Some(SecretString::from(PASSWORD)),
        time_scale: 100.0,
        ..RestConfig::default()
    };
    note(&format!("{config:?}"));
    let worker = rest::spawn(config, move |reply| drop(send.send(reply)));
    let entry = Entry {
        symbol: "7203".to_owned(),
        exchange: 1,
    };
    worker
        .send(Job::EnsureRegistered {
            symbols: vec![entry.clone()],
        })
        .expect("room");
    worker.send(Job::Probe { entry: entry.clone() }).expect("room");
    worker.send(Job::Board { entry, tag: 1 }).expect("room");
    for _ in 0..4 {
        note(&format!("{:?}", replies.recv_timeout(PATIENCE).expect("a reply")));
    }
    note(&format!("{worker:?} {:?}", worker.token()));
    assert_eq!(
        worker.token().map(|t| t.expose_secret().to_owned()),
        Some(FETCHED.to_owned())
    );
    worker.stop();
    let bad = RestConfig {
        port: server.port,
        token: Some(SecretString::from(format!("{TOKEN}\n"))),
        ..RestConfig::default()
    };
    let (send, replies) = channel();
    let worker = rest::spawn(bad, move |reply| drop(send.send(reply)));
    worker
        .send(Job::Probe {
            entry: Entry {
                symbol: "1".to_owned(),
                exchange: 1,
            },
        })
        .expect("room");
    note(&format!(
        "{:?}",
        replies.recv_timeout(Duration::from_secs(20)).expect("a reply")
    ));
}
