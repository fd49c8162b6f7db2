//! REST calls against a scripted peer: what is sent, what every answer means, pace, stop.

mod common;

use std::time::{Duration, Instant};

use ayumi_station::rest::Transport;
use ayumi_station::{Full, Job, Reply, RestConfig, RestError};
use common::http::{Act, Seen, Server, answer, json, refuse};
use common::rest::{BOARD, board, board_of, config, entry, start};
use common::{PATIENCE, closed_port};
use secrecy::SecretString;

#[test]
fn a_board_is_asked_for_the_station_way() {
    let server = Server::start(|_| json(200, BOARD));
    let token = Some(SecretString::from("0123456789abcdef"));
    assert_eq!(
        board_of(RestConfig {
            token,
            ..config(server.port)
        }),
        Ok(BOARD.as_bytes().to_vec())
    );
    let seen = server.seen();
    assert_eq!(server.paths(), ["GET /kabusapi/board/7203@1"]);
    assert_eq!(seen[0].header("host"), Some("localhost"));
    assert_eq!(seen[0].header("x-api-key"), Some("0123456789abcdef"));
    assert_eq!(seen[0].head.to_ascii_lowercase().matches("host:").count(), 1);
}

#[test]
fn r01_every_official_code_has_its_state_and_advice() {
    type Is = fn(&RestError) -> bool;
    let cases: [(u16, i64, Is); 20] = [
        (401, 4_001_007, |e| matches!(e, RestError::NotLoggedIn(_))),
        (401, 4_001_017, |e| matches!(e, RestError::NotLoggedIn(_))),
        (401, 4_001_009, |e| matches!(e, RestError::KeyMismatch(_))),
        (403, 4_001_009, |e| matches!(e, RestError::KeyMismatch(_))),
        (401, 4_001_013, |e| matches!(e, RestError::WrongPassword(_))),
        (403, 4_001_008, |e| matches!(e, RestError::ApiDisabled(_))),
        (400, 4_001_005, |e| matches!(e, RestError::Server(_))),
        (400, 4_001_010, |e| matches!(e, RestError::Server(_))),
        (400, 4_001_011, |e| matches!(e, RestError::Server(_))),
        (400, 4_001_012, |e| matches!(e, RestError::Server(_))),
        (404, 0, |e| matches!(e, RestError::Server(_))),
        (405, 4_001_014, |e| matches!(e, RestError::Server(_))),
        (413, 4_001_015, |e| matches!(e, RestError::Server(_))),
        (415, 4_001_016, |e| matches!(e, RestError::Server(_))),
        (400, 4_001_018, |e| matches!(e, RestError::SomeNotRegistered(_))),
        (400, 4_001_019, |e| matches!(e, RestError::SomeNotRegistered(_))),
        (400, 4_002_001, |e| matches!(e, RestError::UnknownSymbol(_))),
        (400, 4_002_006, |e| matches!(e, RestError::ListFull(_))),
        (429, 4_001_006, |e| matches!(e, RestError::RateLimited(_))),
        (503, 0, |e| matches!(e, RestError::Maintenance(_))),
    ];
    for (status, code, is) in cases {
        let server = Server::start(move |_| refuse(status, code));
        let error = board_of(config(server.port)).expect_err("refused");
        assert!(is(&error), "{status} {code}: {error:?}");
        let facts = if code == 0 {
            format!("HTTP {status}: 理由")
        } else {
            format!("HTTP {status} {code}: 理由")
        };
        assert_eq!(error.to_string(), facts);
        assert!(error.advice().is_ascii() && !error.advice().is_empty());
    }
}

#[test]
fn r01_r05_answers_that_are_not_the_stations() {
    let html = |status| {
        let server =
            Server::start(move |_| Act::Send(answer(status, "text/html; charset=us-ascii", r#"{"Code":4001009}"#)));
        board_of(config(server.port)).expect_err("html")
    };
    assert!(matches!(html(400), RestError::WrongHost(_)), "the proxy case");
    assert!(html(400).advice().contains("Host: localhost"));
    assert!(matches!(html(302), RestError::NotTheStation(_)));
    assert!(
        matches!(html(401), RestError::NotTheStation(_)),
        "HTML is never read as JSON"
    );
    assert!(matches!(html(503), RestError::Maintenance(_)));
    assert_eq!(html(200), RestError::BadBody("HTML"));
}

#[test]
fn r05_bodies_that_cannot_be_used() {
    let of = |bytes: Vec<u8>| {
        let server = Server::start(move |_| Act::SendAndClose(bytes.clone()));
        board_of(config(server.port)).expect_err("no board")
    };
    let json = "application/json";
    assert_eq!(of(answer(200, json, "")), RestError::BadBody("empty"));
    assert_eq!(of(answer(200, json, r#"{"Symbol":"72"#)), RestError::BadBody("cut off"));
    assert_eq!(of(answer(200, json, "[1]")), RestError::BadBody("no JSON object"));
    assert_eq!(
        of(answer(200, json, BOARD)[..90].to_vec()),
        RestError::BadBody("cut off")
    );
    let huge = format!("{{\"A\":\"{}\"}}", "x".repeat(2 << 20));
    assert_eq!(of(answer(200, json, &huge)), RestError::BadBody("more than 1 MiB"));
    assert_eq!(of(Vec::new()), RestError::Transport(Transport::Reset));
    assert_eq!(
        of(b"\x15\x03\x01\x00\x02".to_vec()).to_string().split(':').next(),
        Some("error")
    );
}

#[test]
fn r05_a_request_that_hangs_ends_with_its_time_limit() {
    let server = Server::start(|_| Act::Hang);
    let error = board_of(RestConfig {
        time_scale: 60.0,
        ..config(server.port)
    });
    assert_eq!(
        error,
        Err(RestError::Transport(Transport::Timeout(Duration::from_secs(1))))
    );
}

#[test]
fn n01_refused_says_so() {
    let error = board_of(config(closed_port())).expect_err("nobody listens");
    assert_eq!(error, RestError::Transport(Transport::Refused));
    assert_eq!(error.to_string(), "error: connection refused");
    assert!(error.advice().contains("Start kabu Station"));
}

#[test]
fn messages_of_the_station_cannot_steer_a_terminal() {
    let server = Server::start(|_| json(400, r#"{"Code":4001005,"Message":"a\u001b[2J\nb"}"#));
    let error = board_of(config(server.port)).expect_err("refused");
    assert_eq!(error.to_string(), "HTTP 400 4001005: a[2Jb");
}

#[test]
fn n12_either_loopback_family_is_enough() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Some(server) = Server::start_at(address, |_| json(200, BOARD)) else {
            assert!(address.starts_with('['), "127.0.0.1 exists everywhere");
            continue;
        };
        for host in ["localhost", "127.0.0.1", "::1"] {
            let outcome = board_of(RestConfig {
                host: host.to_owned(),
                ..config(server.port)
            });
            assert!(outcome.is_ok(), "{host} at {address}: {outcome:?}");
        }
    }
}

/// The environment cannot be changed inside a test process (other tests run beside it): a child process is the test.
#[test]
fn n12_proxies_in_the_environment_are_ignored() {
    const CHILD: &str = "AYUMI_TEST_PROXY_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let server = Server::start(|_| json(200, BOARD));
        assert!(board_of(config(server.port)).is_ok());
        return;
    }
    let nobody = format!("http://127.0.0.1:{}", closed_port());
    let mut child = std::process::Command::new(std::env::current_exe().expect("this binary"));
    child
        .args(["--exact", "n12_proxies_in_the_environment_are_ignored"])
        .env(CHILD, "1");
    for name in ["NO_PROXY", "no_proxy"] {
        child.env_remove(name);
    }
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"] {
        child.env(name, &nobody);
    }
    assert!(child.output().expect("child").status.success());
}

#[test]
fn sec04_a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_| json(200, BOARD));
    let location = elsewhere.port;
    let server = Server::start(move |_| {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{location}/\r\nContent-Length: 0\r\n\r\n");
        Act::Send(head.into_bytes())
    });
    let token = Some(SecretString::from("0123456789abcdef"));
    let error = board_of(RestConfig {
        token,
        ..config(server.port)
    });
    assert!(matches!(error, Err(RestError::NotTheStation(_))), "{error:?}");
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_kept_connection_that_the_station_closed_is_no_failure() {
    let server = Server::start(|_| Act::SendAndClose(answer(200, "application/json", BOARD)));
    let (worker, replies) = start(config(server.port));
    for _ in 0..20 {
        assert!(board(&worker, &replies).0.is_ok());
    }
}

/// Gaps between the arrivals.
fn gaps(seen: &[Seen]) -> Vec<Duration> {
    seen.windows(2).map(|w| w[1].at - w[0].at).collect()
}

#[test]
fn r04_pace_and_silence_after_a_429_on_a_scaled_clock() {
    let mut n = 0;
    let server = Server::start(move |_| {
        n += 1;
        if n == 3 {
            refuse(429, 4_001_006)
        } else {
            json(200, BOARD)
        }
    });
    let real = RestConfig {
        port: server.port,
        time_scale: 10.0,
        ..RestConfig::default()
    };
    let (spacing, silence) = (real.spacing / 10, real.silence_after_429 / 10);
    let (worker, replies) = start(real);
    let began = Instant::now();
    for tag in 0..6 {
        worker.send(Job::Board { entry: entry(), tag }).expect("room");
    }
    let limited = (0..6).filter(|_| {
        let reply = replies.recv_timeout(PATIENCE).expect("a reply");
        matches!(
            reply,
            Reply::Board {
                result: Err(RestError::RateLimited(_)),
                ..
            }
        )
    });
    assert_eq!(limited.count(), 1);
    let seen = server.seen();
    // Starts are paced and arrivals jitter: only the sum since the beginning is certain.
    for (i, request) in seen.iter().enumerate() {
        assert!(request.at - began >= spacing * i as u32, "request {i}");
    }
    assert!(gaps(&seen)[2] >= silence, "{:?}", gaps(&seen));
    assert_eq!(server.most_at_once(), 1);
}

#[test]
fn r04_five_429_in_a_row_are_maintenance_and_asked_every_thirty_seconds() {
    let server = Server::start(|_| refuse(429, 4_001_006));
    let scale = 200.0;
    let real = RestConfig {
        port: server.port,
        time_scale: scale,
        ..RestConfig::default()
    };
    let (worker, replies) = start(real);
    for _ in 0..7 {
        assert!(matches!(board(&worker, &replies).0, Err(RestError::RateLimited(_))));
    }
    let gaps = gaps(&server.seen());
    let (silence, half_minute) = (Duration::from_millis(1100), Duration::from_secs(30));
    assert!(gaps[..4].iter().all(|g| *g >= silence.div_f64(scale)), "{gaps:?}");
    assert!(gaps[4..].iter().all(|g| *g >= half_minute.div_f64(scale)), "{gaps:?}");
}

#[test]
fn r04_urgent_jobs_overtake_waiting_boards() {
    let server = Server::start(|_| json(200, BOARD));
    let (worker, replies) = start(RestConfig {
        spacing: Duration::from_millis(40),
        ..config(server.port)
    });
    for tag in 0..4 {
        worker.send(Job::Board { entry: entry(), tag }).expect("room");
    }
    server.wait_for(1);
    worker.send(Job::Probe { entry: entry() }).expect("room");
    let order: Vec<bool> = (0..5)
        .map(|_| {
            matches!(
                replies.recv_timeout(PATIENCE).expect("a reply"),
                Reply::Probed { result: Ok(_), .. }
            )
        })
        .collect();
    let probe = order.iter().position(|p| *p).expect("a probe");
    assert!(probe <= 2, "{order:?}");
}

#[test]
fn stop_does_not_wait_for_a_hanging_request_and_nothing_comes_after_it() {
    let server = Server::start(|_| Act::Hang);
    let (worker, replies) = start(config(server.port));
    for tag in 0..3 {
        worker.send(Job::Board { entry: entry(), tag }).expect("room");
    }
    server.wait_for(1);
    let start = Instant::now();
    assert!(worker.stop(), "the connection was cut, so the thread ended");
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(
        replies.recv_timeout(PATIENCE).is_err(),
        "the sender is gone with the thread"
    );
    assert_eq!(worker.send(Job::Probe { entry: entry() }), Err(Full));
    assert!(worker.stop(), "twice is harmless");
}

#[test]
fn a_dropped_worker_ends() {
    let server = Server::start(|_| json(200, BOARD));
    let (worker, replies) = start(config(server.port));
    drop(worker);
    let ended = replies.recv_timeout(PATIENCE);
    assert_eq!(ended.map(drop), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
}
