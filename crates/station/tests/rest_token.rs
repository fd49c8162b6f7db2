//! The token: fetched when it is missing or dead, and no oftener than the station bears.

mod common;

use std::time::Instant;

use ayumi_station::{Job, Reply, RestConfig, RestError};
use common::PATIENCE;
use common::http::{Server, json, refuse};
use common::rest::{BOARD, board, board_of, config, start};
use secrecy::{ExposeSecret as _, SecretString};

fn with_password(port: u16, token: Option<&str>) -> RestConfig {
    let api_password = Some(SecretString::from("pass0word"));
    RestConfig {
        token: token.map(SecretString::from),
        api_password,
        ..config(port)
    }
}

/// A station with one valid token that a POST replaces.
fn token_station(valid: &'static str, next: &'static str) -> Server {
    let mut current = valid;
    Server::start(move |seen| match seen.path.as_str() {
        "/kabusapi/token" => {
            assert_eq!(seen.body, r#"{"APIPassword":"pass0word"}"#);
            assert_eq!(
                (seen.header("x-api-key"), seen.header("content-type")),
                (None, Some("application/json"))
            );
            current = next;
            json(200, &format!(r#"{{"ResultCode":0,"Token":"{next}"}}"#))
        }
        _ if seen.header("x-api-key") == Some(current) => json(200, BOARD),
        _ => refuse(401, 4_001_009),
    })
}

fn posts(server: &Server) -> usize {
    server.paths().iter().filter(|p| p.starts_with("POST")).count()
}

#[test]
fn a_missing_token_is_fetched_first() {
    let server = token_station("none", "fresh");
    let (worker, replies) = start(with_password(server.port, None));
    assert!(worker.token().is_none());
    assert_eq!(board(&worker, &replies), (Ok(BOARD.as_bytes().to_vec()), 1));
    assert_eq!(server.paths(), ["POST /kabusapi/token", "GET /kabusapi/board/7203@1"]);
    assert_eq!(
        worker.token().map(|t| t.expose_secret().to_owned()),
        Some("fresh".to_owned())
    );
}

#[test]
fn r03_a_replaced_token_is_fetched_once_and_the_call_repeated() {
    let server = token_station("theirs", "fresh");
    let (worker, replies) = start(with_password(server.port, Some("ours")));
    assert_eq!(board(&worker, &replies), (Ok(BOARD.as_bytes().to_vec()), 1));
    assert_eq!(board(&worker, &replies), (Ok(BOARD.as_bytes().to_vec()), 0));
    assert_eq!(posts(&server), 1);
}

#[test]
fn r11_a_token_that_does_not_help_is_not_fetched_again_within_a_minute() {
    let dead = Server::start(move |seen| match seen.path.as_str() {
        "/kabusapi/token" => json(200, r#"{"ResultCode":0,"Token":"new"}"#),
        _ => refuse(401, 4_001_009),
    });
    let (worker, replies) = start(with_password(dead.port, Some("ours")));
    for _ in 0..5 {
        assert!(matches!(board(&worker, &replies).0, Err(RestError::KeyMismatch(_))));
    }
    assert_eq!(posts(&dead), 1);
    // The same minute on a faster clock is over sooner.
    let (worker, replies) = start(RestConfig {
        time_scale: 6000.0,
        ..with_password(dead.port, Some("ours"))
    });
    let end = Instant::now() + PATIENCE;
    while posts(&dead) < 3 && Instant::now() < end {
        let _ = board(&worker, &replies);
    }
    assert!(posts(&dead) >= 3);
}

#[test]
fn r01_r02_who_is_not_logged_in_is_told_and_login_is_tried_rarely() {
    let server = Server::start(|_| refuse(401, 4_001_007));
    let (worker, replies) = start(with_password(server.port, Some("ours")));
    for _ in 0..5 {
        assert!(matches!(board(&worker, &replies).0, Err(RestError::NotLoggedIn(_))));
    }
    assert_eq!(posts(&server), 0, "the station has said that nobody is");
    // Five minutes on a faster clock: for the case that it was wrong.
    let (worker, replies) = start(RestConfig {
        time_scale: 30_000.0,
        ..with_password(server.port, Some("ours"))
    });
    let end = Instant::now() + PATIENCE;
    while posts(&server) < 2 && Instant::now() < end {
        let _ = board(&worker, &replies);
    }
    assert!(posts(&server) >= 2);
}

#[test]
fn r02_looking_for_a_login_fetches_no_token() {
    let server = token_station("theirs", "fresh");
    for token in [None, Some("ours")] {
        let (worker, replies) = start(with_password(server.port, token));
        worker.send(Job::Look).expect("room");
        let reply = replies.recv_timeout(PATIENCE).expect("a reply");
        assert!(
            matches!(reply, Reply::Looked(Err(RestError::KeyMismatch(_)))),
            "{reply:?}"
        );
    }
    assert_eq!(server.paths(), ["GET /kabusapi/apisoftlimit"; 2]);
}

#[test]
fn r01_wrong_password_and_wrong_environment_are_said_and_not_repeated() {
    for (status, code) in [(401, 4_001_013), (400, 4_001_005)] {
        let server = Server::start(move |_| refuse(status, code));
        let scale = 60_000.0; // a minute passes in a millisecond
        let (worker, replies) = start(RestConfig {
            time_scale: scale,
            ..with_password(server.port, None)
        });
        for _ in 0..5 {
            let error = board(&worker, &replies).0.expect_err("refused");
            match code {
                4_001_013 => assert!(matches!(error, RestError::WrongPassword(_)), "{error:?}"),
                _ => assert!(matches!(error, RestError::WrongEnvironment(_)), "{error:?}"),
            }
        }
        assert_eq!(server.paths(), ["POST /kabusapi/token"]);
    }
}

#[test]
fn without_a_password_a_dead_token_is_only_reported() {
    let server = token_station("theirs", "fresh");
    let token = Some(SecretString::from("ours"));
    let error = board_of(RestConfig {
        token,
        ..config(server.port)
    });
    assert!(matches!(error, Err(RestError::KeyMismatch(_))));
    assert_eq!(server.paths(), ["GET /kabusapi/board/7203@1"]);
}

#[test]
fn a_token_that_would_forge_headers_is_refused() {
    let server = Server::start(|_| json(200, BOARD));
    let token = Some(SecretString::from("a\r\nX-Other: b"));
    assert_eq!(
        board_of(RestConfig {
            token,
            ..config(server.port)
        }),
        Err(RestError::BadToken)
    );
    assert!(server.seen().is_empty());
}
