//! Registration against a station with a list, a limit and bad symbols.

mod common;

use std::collections::HashSet;
use std::sync::mpsc::channel;
use std::time::Duration;

use ayumi_station::{Client, Entry, Job, Registration, Reply, RestConfig, RestError, rest};
use ayumi_wire::rest::{RegisterAnswer, RegisterRequest};
use common::PATIENCE;
use common::http::{Act, Server, json, refuse};

fn entries(range: std::ops::Range<u32>) -> Vec<Entry> {
    range
        .map(|n| Entry {
            symbol: (1000 + n).to_string(),
            exchange: 1,
        })
        .collect()
}

/// How the station treats the rest of a request with a bad symbol or too many: the vendor does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Partly {
    KeepsTheGood,
    KeepsNone,
}

fn station(list: Vec<Entry>, limit: usize, bad: &[Entry], partly: Partly) -> Server {
    let (mut list, bad): (Vec<Entry>, HashSet<Entry>) = (list, bad.iter().cloned().collect());
    Server::start(move |seen| {
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            ("PUT", "/kabusapi/register"),
            "nothing else is ever sent"
        );
        let wanted: RegisterRequest = serde_json::from_str(&seen.body).expect("valid body");
        let new: Vec<Entry> = wanted.symbols.into_iter().filter(|s| !list.contains(s)).collect();
        let good: Vec<Entry> = new.iter().filter(|s| !bad.contains(s)).cloned().collect();
        let fits = limit.saturating_sub(list.len());
        let error = match (good.len() > fits, good.len() < new.len()) {
            (true, _) => Some(4_002_006),
            (_, true) if good.is_empty() => Some(4_001_018),
            (_, true) => Some(4_001_019),
            _ => None,
        };
        if error.is_none() || partly == Partly::KeepsTheGood {
            list.extend(good.into_iter().take(fits));
        }
        let all = serde_json::to_string(&RegisterAnswer {
            regist_list: list.clone(),
        })
        .expect("valid");
        error.map_or_else(|| json(200, &all), |code| refuse(400, code))
    })
}

fn ensure(port: u16, symbols: Vec<Entry>) -> Registration {
    let (send, replies) = channel();
    let quick = RestConfig {
        port,
        spacing: Duration::ZERO,
        silence_after_429: Duration::ZERO,
        ..RestConfig::default()
    };
    let worker = rest::spawn(quick, move |reply| drop(send.send(reply)));
    worker.send(Job::EnsureRegistered { symbols }).expect("room");
    match replies.recv_timeout(PATIENCE).expect("a reply") {
        Reply::Registered(registration) => registration,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_complete_list_is_only_read() {
    let server = station(entries(0..10), 50, &[], Partly::KeepsNone);
    let got = ensure(server.port, entries(3..7));
    assert_eq!(
        got,
        Registration {
            registered: 4,
            on_list: 10,
            ..Registration::default()
        }
    );
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].body, r#"{"Symbols":[]}"#);
}

#[test]
fn what_is_missing_is_added_in_one_call_and_others_stay() {
    let server = station(entries(0..10), 50, &[], Partly::KeepsNone);
    let wanted = [entries(8..30), entries(8..9)].concat();
    let got = ensure(server.port, wanted);
    let added = entries(10..30);
    assert_eq!(
        got,
        Registration {
            registered: 22,
            on_list: 30,
            added,
            ..Registration::default()
        }
    );
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn r07_one_bad_of_fifty_is_named_and_the_rest_registered() {
    for partly in [Partly::KeepsTheGood, Partly::KeepsNone] {
        let bad = entries(17..18);
        let server = station(Vec::new(), 50, &bad, partly);
        let got = ensure(server.port, entries(0..50));
        assert_eq!((got.registered, got.on_list, got.added.len()), (49, 49, 49));
        assert_eq!(got.refused, [(bad[0].clone(), "HTTP 400 4001018: 理由".to_owned())]);
        assert_eq!((got.not_fitting, got.error), (Vec::new(), None));
    }
}

#[test]
fn r07_all_bad() {
    let server = station(Vec::new(), 50, &entries(0..3), Partly::KeepsNone);
    let got = ensure(server.port, entries(0..3));
    assert_eq!((got.registered, got.refused.len()), (0, 3));
}

#[test]
fn r07_r08_what_does_not_fit_is_the_end_of_the_list_whatever_the_limit() {
    for limit in [50, 100] {
        for partly in [Partly::KeepsTheGood, Partly::KeepsNone] {
            let server = station(entries(500..505), limit, &[], partly);
            let got = ensure(server.port, entries(0..97));
            let fitting = (limit - 5) as u32;
            assert_eq!(got.not_fitting, entries(fitting..97), "limit {limit}");
            assert_eq!((got.registered, got.on_list), (limit - 5, limit));
            assert_eq!((got.added, got.error), (entries(0..fitting), None));
        }
    }
}

#[test]
fn r07_bad_and_too_many_at_once() {
    let bad = entries(2..4);
    let server = station(Vec::new(), 5, &bad, Partly::KeepsNone);
    let got = ensure(server.port, entries(0..9));
    let refused: Vec<Entry> = got.refused.into_iter().map(|(e, _)| e).collect();
    assert_eq!((refused, got.not_fitting, got.registered), (bad, entries(7..9), 5));
}

#[test]
fn the_verification_port_answers_an_empty_list() {
    let server = Server::start(|_| json(200, r#"{"RegistList":[]}"#));
    let got = ensure(server.port, entries(0..2));
    assert_eq!((got.registered, got.refused.len(), got.error), (0, 2, None));
}

#[test]
fn r04_r05_a_429_and_an_internal_error_are_waited_out() {
    let mut n = 0;
    let server = Server::start(move |_| {
        n += 1;
        match n {
            1 => refuse(429, 4_001_006),
            2 => refuse(500, 4_001_001),
            _ => json(200, r#"{"RegistList":[{"Symbol":"1000","Exchange":1}]}"#),
        }
    });
    let (send, replies) = channel();
    let quick = RestConfig {
        port: server.port,
        time_scale: 50.0,
        ..RestConfig::default()
    };
    let worker = rest::spawn(quick, move |reply| drop(send.send(reply)));
    worker
        .send(Job::EnsureRegistered { symbols: entries(0..1) })
        .expect("room");
    let reply = replies.recv_timeout(PATIENCE).expect("a reply");
    assert!(
        matches!(
            reply,
            Reply::Registered(Registration {
                registered: 1,
                error: None,
                ..
            })
        ),
        "{reply:?}"
    );
}

#[test]
fn an_error_in_the_middle_says_how_far_it_came() {
    let mut n = 0;
    let server = Server::start(move |_| {
        n += 1;
        match n {
            1 => json(200, r#"{"RegistList":[{"Symbol":"1000","Exchange":1}]}"#),
            _ => refuse(401, 4_001_007),
        }
    });
    let got = ensure(server.port, entries(0..3));
    assert_eq!((got.registered, got.on_list), (1, 1));
    assert!(matches!(got.error, Some(RestError::NotLoggedIn(_))));
    let server = Server::start(|_| json(200, r#"{"Something":1}"#));
    let got = ensure(server.port, entries(0..3));
    assert_eq!(got.error, Some(RestError::BadBody("no registration list")));
    let server = Server::start(|_| Act::SendAndClose(Vec::new()));
    assert!(
        ensure(server.port, entries(0..3))
            .error
            .is_some_and(|e| e.is_retryable())
    );
}

fn client(port: u16) -> Client {
    Client::new(RestConfig {
        port,
        spacing: Duration::ZERO,
        silence_after_429: Duration::ZERO,
        ..RestConfig::default()
    })
}

#[test]
fn a_command_sends_the_whole_list_once_and_reads_it_back() {
    let server = station(entries(0..10), 50, &[], Partly::KeepsNone);
    let got = client(server.port).register(&entries(8..12));
    assert_eq!(got.report.added, entries(10..12));
    assert_eq!(
        (got.report.registered, got.report.on_list, got.list),
        (4, 12, entries(0..12))
    );
    let bodies: Vec<String> = server.seen().iter().map(|seen| seen.body.clone()).collect();
    let empty = r#"{"Symbols":[]}"#;
    assert_eq!(
        (bodies.len(), bodies[0].as_str(), bodies[2].as_str()),
        (3, empty, empty)
    );
    assert!(bodies[1].contains("1008") && bodies[1].contains("1011"), "{bodies:?}");
}

/// A station whose /unregister fails when anything in the request holds no slot.
fn leaving(list: Vec<Entry>, stuck: Vec<Entry>, partly: Partly) -> Server {
    let mut list = list;
    Server::start(move |seen| {
        let answer = |list: &[Entry]| {
            let regist_list = list.to_vec();
            json(
                200,
                &serde_json::to_string(&RegisterAnswer { regist_list }).expect("valid"),
            )
        };
        let asked = || {
            serde_json::from_str::<RegisterRequest>(&seen.body)
                .expect("valid body")
                .symbols
        };
        match seen.path.as_str() {
            "/kabusapi/register" => answer(&list),
            "/kabusapi/unregister/all" => {
                list.retain(|s| stuck.contains(s));
                answer(&list)
            }
            "/kabusapi/unregister" => {
                let asked = asked();
                let absent = asked.iter().filter(|s| !list.contains(s) || stuck.contains(s)).count();
                if absent == 0 || partly == Partly::KeepsNone {
                    list.retain(|s| !asked.contains(s) || stuck.contains(s));
                }
                match absent {
                    0 => answer(&list),
                    n if n == asked.len() => refuse(400, 4_001_020),
                    _ => refuse(400, 4_001_021),
                }
            }
            other => panic!("{other}"),
        }
    })
}

#[test]
fn what_is_taken_off_is_judged_by_the_list() {
    // Whether a request that fails partly has an effect is not documented.
    for partly in [Partly::KeepsTheGood, Partly::KeepsNone] {
        let server = leaving(entries(0..10), entries(3..4), partly);
        let got = client(server.port).unregister(&[entries(2..5), entries(20..21), entries(2..3)].concat());
        assert_eq!(got.removed, [entries(2..3), entries(4..5)].concat());
        assert_eq!(got.absent, entries(20..21));
        assert_eq!(
            got.remaining,
            [(entries(3..4)[0].clone(), "HTTP 400 4001020: 理由".to_owned())]
        );
        assert_eq!((got.list.len(), got.error), (8, None));
    }
}

#[test]
fn nothing_asked_takes_nothing_off() {
    let server = leaving(entries(0..3), Vec::new(), Partly::KeepsNone);
    let got = client(server.port).unregister(&[]);
    assert_eq!((got.removed, got.list, got.error), (Vec::new(), entries(0..3), None));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn all_is_everything() {
    let server = leaving(entries(0..3), Vec::new(), Partly::KeepsNone);
    let got = client(server.port).unregister_all();
    assert_eq!((got.removed, got.list, got.error), (entries(0..3), Vec::new(), None));
    let server = leaving(entries(0..3), entries(1..2), Partly::KeepsNone);
    let got = client(server.port).unregister_all();
    assert_eq!(
        (got.removed.len(), got.remaining.len(), got.list),
        (2, 1, entries(1..2))
    );
}
