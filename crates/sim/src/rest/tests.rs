//! The endpoints as pure state: no sockets, and time is an argument.

mod boards;
mod data;
mod environments;
mod list;
mod ranking;

use std::time::Instant;

use ayumi_wire::rest::TokenAnswer;

use super::*;

fn station(limit: usize) -> Station {
    let mut station = Station::new(&SimConfig {
        token: Some("T".into()),
        list_limit: limit,
        ..SimConfig::default()
    });
    station.faults.rate_limit = false;
    station.faults.answer_at_once();
    station
}

fn request(method: &str, path: &str, body: &str) -> Request {
    Request {
        method: method.into(),
        target: format!("/kabusapi{path}"),
        headers: vec![
            ("x-api-key".into(), "T".into()),
            ("content-type".into(), "application/json; charset=utf-8".into()),
        ],
        body: body.into(),
        keep_alive: true,
    }
}

fn ask(station: &mut Station, method: &str, path: &str, body: &str) -> (u16, String) {
    match station
        .answer(Instant::now(), Environment::Production, &request(method, path, body))
        .act
    {
        Act::Answer(answer) => (answer.status, String::from_utf8(answer.body).unwrap()),
        other => panic!("{other:?}"),
    }
}

fn register(station: &mut Station, codes: &[&str]) -> (u16, String) {
    let list: Vec<String> = codes
        .iter()
        .map(|c| format!(r#"{{"Symbol":"{c}","Exchange":"1"}}"#))
        .collect();
    ask(
        station,
        "PUT",
        "/register",
        &format!(r#"{{"Symbols":[{}]}}"#, list.join(",")),
    )
}

fn code_of(body: &str) -> i64 {
    serde_json::from_str::<serde_json::Value>(body).unwrap()["Code"]
        .as_i64()
        .unwrap()
}

#[test]
fn every_error_pair() {
    let mut s = station(50);
    for (method, path, body, status, error) in [
        ("GET", "/bord/7203@1", "", 400, code::BAD_PATH),
        ("GET", "", "", 400, code::BAD_PATH),
        ("POST", "/register", "{}", 405, code::METHOD),
        ("PUT", "/board/7203@1", "{}", 405, code::METHOD),
        ("POST", "/ranking", "{}", 405, code::METHOD),
        ("GET", "/sendorder", "", 405, code::METHOD),
        ("GET", "/board", "", 400, code::BAD_PATH),
        ("GET", "/symbolname", "", 400, code::BAD_PATH),
        ("GET", "/ranking/1", "", 400, code::BAD_PATH),
        ("GET", "/token", "", 405, code::METHOD),
        ("PUT", "/register", "{", 400, code::BAD_BODY),
        ("PUT", "/register", "", 400, code::BAD_BODY),
        (
            "PUT",
            "/register",
            r#"{"Symbols":[{"Symbol":7203}]}"#,
            400,
            code::BAD_BODY,
        ),
        ("POST", "/token", "[]", 400, code::BAD_BODY),
    ] {
        let (got, text) = ask(&mut s, method, path, body);
        assert_eq!((got, code_of(&text)), (status, error), "{method} {path} {body}");
    }
    for media in ["text/plain", ""] {
        let mut wrong = request("PUT", "/register", r#"{"Symbols":[]}"#);
        wrong.headers[1].1 = media.into();
        assert_eq!(
            s.answer(Instant::now(), Environment::Production, &wrong).act,
            Act::Answer(Answer::error(415, code::MEDIA_TYPE))
        );
    }
}

#[test]
fn n09_a_token_dies_with_the_next_one_and_at_logout() {
    let mut s = Station::new(&SimConfig {
        password: Some("secret1".into()),
        ..SimConfig::default()
    });
    let (status, body) = ask(&mut s, "POST", "/token", r#"{"APIPassword":"wrong"}"#);
    assert_eq!((status, code_of(&body)), (401, code::WRONG_PASSWORD));
    let (_, first) = ask(&mut s, "POST", "/token", r#"{"APIPassword":"secret1"}"#);
    let (_, second) = ask(&mut s, "POST", "/token", r#"{"APIPassword":"secret1"}"#);
    assert_eq!((first.len(), first == second), (59, false), "{first}");
    let key = |text: &str| -> TokenAnswer { serde_json::from_str(text).unwrap() };
    let status_with = |s: &mut Station, token: &str| {
        let mut r = request("GET", "/board/7203@1", "");
        r.headers[0].1 = token.into();
        match s.answer(Instant::now(), Environment::Production, &r).act {
            Act::Answer(a) if a.status == 200 => 200,
            Act::Answer(a) => code_of(&String::from_utf8(a.body).unwrap()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(status_with(&mut s, &key(&first).token), code::KEY_MISMATCH);
    assert_eq!(status_with(&mut s, &key(&second).token), 200);
    s.session.logout();
    assert_eq!(status_with(&mut s, &key(&second).token), code::NOT_LOGGED_IN[0]);
    assert_eq!(
        code_of(&ask(&mut s, "POST", "/token", r#"{"APIPassword":"wrong"}"#).1),
        code::NOT_LOGGED_IN[0],
        "whatever the password"
    );
    s.session.login();
    assert_eq!(status_with(&mut s, &key(&second).token), code::KEY_MISMATCH);
}

#[test]
fn info_and_register_have_their_own_limits() {
    let mut s = station(50);
    s.faults.rate_limit = true;
    let now = Instant::now();
    let board = request("GET", "/board/7203@1", "");
    let list = request("PUT", "/register", r#"{"Symbols":[]}"#);
    let status = |s: &mut Station, r: &Request, ms: u64| match s
        .answer(now + Duration::from_millis(ms), Environment::Production, r)
        .act
    {
        Act::Answer(a) => a.status,
        other => panic!("{other:?}"),
    };
    for _ in 0..10 {
        assert_eq!(status(&mut s, &board, 0), 200);
    }
    assert_eq!(status(&mut s, &board, 10), 429);
    assert_eq!(status(&mut s, &list, 10), 200);
    assert_eq!(status(&mut s, &board, 1_005), 429, "penalty");
    assert_eq!(status(&mut s, &board, 2_006), 200);
}

/// A worker with a clock five times as fast asks five times as often.
#[test]
fn the_station_s_time_follows_the_speed() {
    let with = |speed| {
        let mut s = Station::new(&SimConfig {
            token: Some("T".into()),
            speed,
            ..SimConfig::default()
        });
        s.faults.first_touch_slow = 0;
        s.faults.board_delay = Duration::from_millis(50);
        s
    };
    let refused = |speed| {
        let (mut s, start) = (with(speed), Instant::now());
        let list = request("PUT", "/register", r#"{"Symbols":[]}"#);
        let answers = (0..100).map(|call| {
            s.answer(start + Duration::from_millis(call * 22), Environment::Production, &list)
                .act
        });
        answers
            .filter(|act| matches!(act, Act::Answer(a) if a.status == 429))
            .count()
    };
    assert_eq!(refused(Speed::Times(5.0)), 0);
    assert!(refused(Speed::Times(1.0)) > 80 && refused(Speed::Full) > 80);
    assert!(refused(Speed::Times(1e-300)) > 80 && refused(Speed::Times(1e300)) == 0);
    let delays = |speed| {
        let (mut s, board) = (with(speed), request("GET", "/board/7203@1", ""));
        [(); 2].map(|()| {
            s.answer(Instant::now(), Environment::Production, &board)
                .delay
                .as_millis()
        })
    };
    assert_eq!(delays(Speed::Times(5.0)), [210, 10]);
    assert_eq!(delays(Speed::Full), [0, 0], "as fast as the client reads");
    let mut s = with(Speed::Times(5.0));
    let late = BoardAnswer::Delay(Duration::from_secs(3), Box::new(BoardAnswer::Usual));
    s.overrides.insert(Symbol::tse("7203"), late);
    let delay = s
        .answer(
            Instant::now(),
            Environment::Production,
            &request("GET", "/board/7203@1", ""),
        )
        .delay;
    assert_eq!(delay, Duration::from_millis(3_210), "an injected delay is real time");
}

#[test]
fn faults_replace_answers_as_often_as_asked() {
    let mut s = station(50);
    let rule = |path: &str, times, answer| crate::faults::RestFault {
        path: path.into(),
        times,
        chance: None,
        answer,
    };
    s.faults.rest = vec![
        rule(
            "/board",
            Some(1),
            RestAnswer::Error {
                status: 503,
                code: code::INTERNAL,
            },
        ),
        rule("/board", Some(1), RestAnswer::Truncated { bytes: 7 }),
        rule("/register", None, RestAnswer::Never),
    ];
    assert_eq!(ask(&mut s, "GET", "/board/7203@1", "").0, 503);
    let cut = s.answer(
        Instant::now(),
        Environment::Production,
        &request("GET", "/board/7203@1", ""),
    );
    assert!(matches!(cut.act, Act::Truncated(_, 7)));
    assert_eq!(ask(&mut s, "GET", "/board/7203@1", "").0, 200);
    let never = s.answer(
        Instant::now(),
        Environment::Production,
        &request("PUT", "/register", ""),
    );
    assert_eq!(never.act, Act::Never);
}

#[test]
fn boards_follow_push_and_can_be_replaced() {
    let mut s = station(50);
    let symbol = Symbol::tse("7203");
    let (_, nulls) = ask(&mut s, "GET", "/board/7203@1", "");
    let nulls: serde_json::Map<_, _> = serde_json::from_str(&nulls).unwrap();
    assert_eq!(nulls.len(), 57);
    assert!(nulls["TradingVolume"].is_null() && nulls["Symbol"] == "7203");
    let slot = s.slot(&symbol);
    s.boards.update(slot, b"{\"x\":1}");
    assert_eq!(ask(&mut s, "GET", "/board/7203@1?addinfo=true", "").1, "{\"x\":1}");
    let late = BoardAnswer::Delay(Duration::from_secs(5), Box::new(BoardAnswer::Status(500, "{}".into())));
    s.overrides.insert(symbol.clone(), late);
    let reply = s.answer(
        Instant::now(),
        Environment::Production,
        &request("GET", "/board/7203@1", ""),
    );
    assert_eq!(
        (reply.delay, reply.act),
        (Duration::from_secs(5), Act::Answer(Answer::json(500, "{}")))
    );
    s.overrides.insert(symbol, BoardAnswer::Never);
    let reply = s.answer(
        Instant::now(),
        Environment::Production,
        &request("GET", "/board/7203@1", ""),
    );
    assert_eq!(reply.act, Act::Never);
}

#[test]
fn only_localhost_is_a_host() {
    for (host, fine) in [
        ("localhost", true),
        ("LOCALHOST:18080", true),
        ("localhost:18081", false),
        ("localhost:", false),
        ("127.0.0.1:18080", false),
        ("[::1]:18080", false),
        ("192.168.0.2", false),
        ("", false),
    ] {
        let mut r = request("GET", "/board/7203@1", "");
        r.headers.push(("host".into(), host.into()));
        assert_eq!(host_is_local(&r, 18_080), fine, "{host}");
    }
    assert!(!host_is_local(&request("GET", "/", ""), 18_080));
}

#[test]
fn unknown_paths_share_one_counter() {
    assert_eq!(counted_as(&request("GET", "/board/7203@1", "")), "GET /board");
    assert_eq!(
        counted_as(&request("PUT", "/UNREGISTER/all", "")),
        "PUT /unregister/all"
    );
    assert_eq!(counted_as(&request("BREW", "/coffee", "")), "OTHER other");
    for (path, name) in [
        ("/symbol/7203@1?addinfo=false", "GET /symbol"),
        ("/ranking?type=1", "GET /ranking"),
        ("/symbolname/Future?FutureCode=NK225", "GET /symbolname/future"),
        ("/timeandsales/7203@1", "GET /timeandsales"),
        ("/wallet/cash/7203@1", "GET /wallet"),
        ("/margin/marginpremium/7203", "GET /margin/marginpremium"),
        ("/sendorder/future", "GET /sendorder"),
    ] {
        assert_eq!(counted_as(&request("GET", path, "")), name);
    }
    assert_eq!(api_path("/kabusapix"), None);
    assert_eq!(api_path("/あいうえお"), None);
}

#[test]
fn chances_of_faults_repeat_with_the_seed() {
    let run = |chance| {
        let mut s = station(50);
        let busy = RestAnswer::Error {
            status: 503,
            code: code::INTERNAL,
        };
        s.faults.rest = vec![crate::faults::RestFault::always("/register", busy).chance(chance)];
        let status = |s: &mut Station| ask(s, "PUT", "/register", r#"{"Symbols":[]}"#).0;
        (0..200).map(|_| status(&mut s)).collect::<Vec<u16>>()
    };
    let failed = |statuses: &[u16]| statuses.iter().filter(|&&s| s == 503).count();
    assert_eq!(run(250), run(250));
    assert!((25..75).contains(&failed(&run(250))));
    assert_eq!((failed(&run(0)), failed(&run(1_000))), (0, 200));
}

#[test]
fn maintenance_reaches_single_calls() {
    let mut s = station(50);
    s.faults.maintenance = Some(Maintenance::RateLimit);
    let (status, body) = ask(&mut s, "GET", "/board/7203@1", "");
    assert_eq!((status, code_of(&body)), (429, code::RATE_LIMIT));
    s.faults.maintenance = Some(Maintenance::Stopped);
    assert_eq!(ask(&mut s, "POST", "/token", r#"{"APIPassword":"x"}"#).0, 503);
    s.faults.maintenance = None;
    assert_eq!(ask(&mut s, "GET", "/board/7203@1", "").0, 200);
}

#[test]
fn a_restart_empties_list_and_token() {
    let mut s = station(50);
    assert_eq!(register(&mut s, &["7203"]).0, 200);
    s.restart();
    let (status, body) = ask(&mut s, "PUT", "/register", r#"{"Symbols":[]}"#);
    assert_eq!((status, code_of(&body)), (401, code::KEY_MISMATCH));
    assert_eq!(ask(&mut s, "POST", "/token", r#"{"APIPassword":"x"}"#).0, 200);
    assert_eq!(
        ask(&mut s, "PUT", "/register", r#"{"Symbols":[]}"#).1,
        r#"{"RegistList":[]}"#
    );
}
