//! REST over real sockets: what is decided by bytes and connections. The endpoints' logic has its own tests.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says aloud what it skips"
)]

mod common;

use std::io::Write;
use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{
    BoardAnswer, Hours, MarketConfig, RestAnswer, RestFault, Sim, SimConfig, SimError, Source, Speed, TapeFault,
    TapeTrouble,
};
use common::{PATIENCE, Reader, TOKEN, ask, connect, connect_v6, register, request, send, skip, start};

#[test]
fn every_path_answers() {
    let sim = start(|c| c.password = Some("secret1".into()));
    let port = sim.port();
    let token = ask(port, "POST", "/token", r#"{"APIPassword":"secret1"}"#);
    assert_eq!(
        (token.status, token.body),
        (200, format!(r#"{{"ResultCode":0,"Token":"{TOKEN}"}}"#))
    );
    let list = r#"{"RegistList":[{"Symbol":"9433","Exchange":1}]}"#;
    assert_eq!(register(port, &["9433"]).body, list);
    assert_eq!(ask(port, "PUT", "/register", r#"{"Symbols":[]}"#).body, list);
    let board = ask(port, "GET", "/board/9433@1", "");
    assert_eq!(board.status, 200);
    assert!(board.body.contains(r#""Symbol":"9433""#));
    let gone = ask(
        port,
        "PUT",
        "/unregister",
        r#"{"Symbols":[{"Symbol":"9433","Exchange":1}]}"#,
    );
    assert_eq!(gone.body, r#"{"RegistList":[]}"#);
    let bare = format!("PUT /kabusapi/unregister/all HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {TOKEN}\r\n\r\n");
    assert_eq!(send(port, &bare).body, r#"{"RegistList":[]}"#);
    let counters = sim.counters();
    assert_eq!(counters.rest("PUT /register"), 2);
    assert_eq!(counters.rest_statuses[&200], 6);
}

#[test]
fn headers_are_those_of_the_station() {
    let sim = start(|_| ());
    let head = ask(sim.port(), "GET", "/board/7203@1", "").head;
    for line in [
        "Content-Type: application/json; charset=utf-8",
        "Server: Microsoft-HTTPAPI/2.0",
        "X-Content-Type-Options: nosniff",
        "X-XSS-Protection: 1; mode=block",
        "X-Frame-Options: DENY",
        "Content-Security-Policy: default-src 'none'",
        "Access-Control-Allow-Origin: *",
        "Date: ",
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{line} in {head}");
    }
}

#[test]
fn errors_over_the_wire() {
    let sim = start(|c| c.list_limit = 1);
    let port = sim.port();
    let answer = send(
        port,
        "GET /kabusapi/board/7203@1 HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: x\r\n\r\n",
    );
    assert_eq!((answer.status, answer.code()), (401, 4_001_009));
    let answer = ask(port, "GET", "/bord/7203@1", "");
    assert_eq!((answer.status, answer.code()), (400, 4_001_012));
    let answer = ask(port, "DELETE", "/register", "");
    assert_eq!((answer.status, answer.code()), (405, 4_001_014));
    let answer = ask(port, "PUT", "/register", "{\"Symbols\":");
    assert_eq!((answer.status, answer.code()), (400, 4_001_005));
    let answer = send(
        port,
        &request("PUT", "/register", "", "{}").replace("application/json", "text/plain"),
    );
    assert_eq!((answer.status, answer.code()), (415, 4_001_016));
    let answer = register(port, &["7203", "9984"]);
    assert_eq!((answer.status, answer.code()), (400, 4_002_006));
    let answer = send(port, "GET /else HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("<HTML>"));
    sim.kill_token();
    let answer = ask(port, "POST", "/token", r#"{"APIPassword":"x"}"#);
    assert_eq!((answer.status, answer.code()), (401, 4_001_007));
    sim.login();
    assert_eq!(ask(port, "GET", "/board/7203@1", "").code(), 4_001_009);
    assert_eq!(ask(port, "POST", "/token", r#"{"APIPassword":"x"}"#).status, 200);
    assert_eq!(ask(port, "GET", "/board/7203@1", "").status, 200);
    sim.replace_token();
    assert_eq!(ask(port, "GET", "/board/7203@1", "").code(), 4_001_009);
}

#[test]
fn too_many_calls_get_429() {
    let sim = start(|c| c.faults.rate_limit = true);
    let mut reader = Reader::new(connect(sim.port()));
    let board = request("GET", "/board/7203@1", "", "");
    reader.stream.write_all(board.repeat(11).as_bytes()).unwrap();
    let statuses: Vec<u16> = (0..11).map(|_| reader.answer().unwrap().status).collect();
    assert_eq!(statuses[..10], [200; 10]);
    assert_eq!(statuses[10], 429);
    assert_eq!(sim.counters().rate_limited, 1);
}

#[test]
fn n10_other_hosts_get_the_html_of_http_sys() {
    let sim = start(|_| ());
    let port = sim.port();
    let board = request("GET", "/board/7203@1", "", "");
    let answer = send(
        port,
        &board.replace("Host: localhost", &format!("Host: localhost:{port}")),
    );
    assert_eq!(answer.status, 200);
    let upgrade = common::upgrade_text("");
    for text in [&board, &upgrade] {
        let mut reader = Reader::new(connect(port));
        let other = text.replace("Host: localhost", &format!("Host: 127.0.0.1:{port}"));
        reader.stream.write_all(other.as_bytes()).unwrap();
        let answer = reader.answer().unwrap();
        assert_eq!((answer.status, answer.body.len()), (400, 339));
        assert!(answer.head.contains("Content-Type: text/html; charset=us-ascii"));
        assert!(answer.body.contains("Bad Request - Invalid Hostname"));
        assert_eq!(reader.rest().unwrap(), b"", "the connection is closed");
    }
    assert_eq!(sim.counters().bad_hosts, 2);
    sim.set_fault(|f| f.host_rule = false);
    let answer = send(port, &board.replace("Host: localhost", "Host: example.org"));
    assert_eq!(answer.status, 200);
}

#[test]
fn keep_alive_pipelining_and_slow_senders() {
    let sim = start(|_| ());
    let mut reader = Reader::new(connect(sim.port()));
    let board = request("GET", "/board/7203@1", "", "");
    let list = request(
        "PUT",
        "/register",
        "",
        r#"{"Symbols":[{"Symbol":"7203","Exchange":1}]}"#,
    );
    reader.stream.write_all(format!("{board}{list}").as_bytes()).unwrap();
    assert_eq!(reader.answer().unwrap().status, 200);
    assert!(reader.answer().unwrap().body.starts_with("{\"RegistList\""));
    for byte in list.as_bytes() {
        reader.stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(reader.answer().unwrap().status, 200, "byte by byte");
    let (head, body) = list.split_at(list.len() - 20);
    reader.stream.write_all(head.as_bytes()).unwrap();
    reader.stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(reader.answer().unwrap().status, 200, "body in two parts");
    let expecting = request("PUT", "/register", "Expect: 100-continue\r\n", r#"{"Symbols":[]}"#);
    let (head, body) = expecting.split_at(expecting.len() - 14);
    reader.stream.write_all(head.as_bytes()).unwrap();
    assert!(reader.head().unwrap().starts_with("HTTP/1.1 100 "));
    reader.stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(reader.answer().unwrap().status, 200);
    let last = request("GET", "/board/7203@1", "Connection: close\r\n", "");
    reader.stream.write_all(last.as_bytes()).unwrap();
    assert_eq!(reader.answer().unwrap().status, 200);
    assert_eq!(reader.rest().unwrap(), b"");
    assert_eq!(sim.counters().connections, 1);
}

#[test]
fn oversized_and_garbage_are_refused() {
    let sim = start(|_| ());
    let port = sim.port();
    let mut reader = Reader::new(connect(port));
    let huge = request("PUT", "/register", "", &" ".repeat(100_000));
    // The answer may come before everything is written.
    let _ = reader.stream.write_all(huge.as_bytes());
    let answer = reader.answer().unwrap();
    assert_eq!((answer.status, answer.code()), (413, 4_001_015));
    for text in [
        "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000)),
        "PUT /kabusapi/register HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n".to_owned(),
    ] {
        assert_eq!(send(port, &text).status, 400, "{}", &text[..20.min(text.len())]);
    }
    assert_eq!(ask(port, "GET", "/board/7203@1", "").status, 200, "still serving");
}

#[test]
fn n12_both_loopback_families_have_the_port() {
    let sim = start(|_| ());
    match connect_v6(sim.port()) {
        Ok(stream) => {
            let mut reader = Reader::new(stream);
            let board = request("GET", "/board/7203@1", "", "");
            reader.stream.write_all(board.as_bytes()).unwrap();
            assert_eq!(reader.answer().unwrap().status, 200);
        }
        Err(e) => skip(&format!("no IPv6 loopback on this machine ({e})")),
    }
}

#[test]
fn a_taken_port_is_refused_and_a_stopped_one_is_free() {
    let sim = start(|_| ());
    let port = sim.port();
    let again = || {
        Sim::start(SimConfig {
            port,
            ..SimConfig::default()
        })
    };
    let message = match again() {
        Err(e @ SimError::PortTaken { .. }) => e.to_string(),
        other => panic!("{:?}", other.err()),
    };
    assert!(
        message.contains(&port.to_string()) && message.contains("another"),
        "{message}"
    );
    let client = connect(port);
    sim.stop();
    assert_eq!(again().unwrap().port(), port, "restarts at once");
    drop(client);
}

#[test]
fn requests_are_processed_one_after_another() {
    let sim = start(|_| ());
    let port = sim.port();
    let slow = BoardAnswer::Delay(Duration::from_secs(3600), Box::new(BoardAnswer::Usual));
    sim.set_board("7203", 1, slow);
    let mut first = connect(port);
    first
        .write_all(request("GET", "/board/7203@1", "", "").as_bytes())
        .unwrap();
    assert!(sim.wait_until(PATIENCE, |c| c.rest("GET /board") == 1));
    let mut second = Reader::new(connect(port));
    second
        .stream
        .write_all(request("GET", "/board/9984@1", "", "").as_bytes())
        .unwrap();
    assert!(sim.wait_until(PATIENCE, |c| c.rest("GET /board") == 2));
    assert_eq!(sim.counters().rest_statuses.get(&200), None, "the second waits");
    // A client that gave up does not hold the others for ever.
    drop(first);
    assert_eq!(second.answer().unwrap().status, 200);
}

#[test]
fn boards_that_never_come_and_other_rest_faults() {
    let sim = start(|_| ());
    let port = sim.port();
    sim.set_board("7203", 1, BoardAnswer::Never);
    let mut never = connect(port);
    never
        .write_all(request("GET", "/board/7203@1", "", "").as_bytes())
        .unwrap();
    assert!(sim.wait_until(PATIENCE, |c| c.rest("GET /board") == 1));
    sim.set_board("9984", 1, BoardAnswer::Body("{\"Symbol\":\"9984\"}".into()));
    assert_eq!(ask(port, "GET", "/board/9984@1", "").body, "{\"Symbol\":\"9984\"}");
    sim.set_board("9984", 1, BoardAnswer::Status(500, String::new()));
    assert_eq!(ask(port, "GET", "/board/9984@1", "").status, 500);
    let fault = |answer| {
        let rule = RestFault::always("/register", answer);
        sim.set_fault(|f| f.rest = vec![rule]);
        let mut reader = Reader::new(connect(port));
        let list = request("PUT", "/register", "", r#"{"Symbols":[]}"#);
        reader.stream.write_all(list.as_bytes()).unwrap();
        reader.rest()
    };
    let cut = fault(RestAnswer::Truncated { bytes: 30 }).unwrap();
    assert_eq!(cut.len(), 30);
    let reset = fault(RestAnswer::Reset).unwrap_err();
    assert_eq!(reset.kind(), std::io::ErrorKind::ConnectionReset);
    let html = fault(RestAnswer::Html { status: 503 }).unwrap();
    assert!(html.starts_with(b"HTTP/1.1 503 "));
}

#[test]
fn f23_a_locked_tape_answers_with_the_next_trade() {
    let sim = start(|c| {
        c.source = Source::Market(MarketConfig::new(7, vec![Symbol::tse("7203")], 200.0));
        c.faults.tape = vec![TapeFault {
            symbol: Some("7203".into()),
            trouble: TapeTrouble::Lock,
        }];
        c.faults.serial = false;
    });
    let port = sim.port();
    let tape = request("GET", "/timeandsales/7203@1", "", "");
    let (mut first, mut second) = (Reader::new(connect(port)), Reader::new(connect(port)));
    first.stream.write_all(tape.as_bytes()).unwrap();
    assert!(sim.wait_until(PATIENCE, |c| c.rest("GET /timeandsales") == 1));
    second.stream.write_all(tape.as_bytes()).unwrap();
    assert!(sim.wait_until(PATIENCE, |c| c.rest("GET /timeandsales") == 2));
    assert_eq!(
        ask(port, "GET", "/apisoftlimit", "").status,
        200,
        "another call overtakes"
    );
    assert_eq!(
        sim.counters().rest_statuses[&200],
        1,
        "both wait: nothing trades before somebody looks"
    );
    // The readers' patience is shorter than the lock of 30 s.
    assert_eq!(ask(port, "GET", "/board/7203@1", "").status, 200);
    for waiting in [&mut first, &mut second] {
        let answer = waiting.answer().unwrap();
        assert!(answer.body.contains(r#"{"Time":""#), "{}", answer.body);
    }
}

#[test]
fn the_verification_port_is_a_station_without_data() {
    let sim = start(|c| {
        c.verification_port = Some(0);
        c.source = Source::Market(MarketConfig::new(7, vec![Symbol::tse("7203")], 50.0));
    });
    let port = sim.verification_port().unwrap();
    assert_ne!(port, sim.port());
    let board = ask(port, "GET", "/board/7203@1", "");
    assert_eq!((board.status, board.code()), (401, 4_001_009), "production's token");
    let token = ask(port, "POST", "/token", r#"{"APIPassword":"x"}"#).body;
    let token: serde_json::Value = serde_json::from_str(&token).unwrap();
    let with = |text: String| text.replace(TOKEN, token["Token"].as_str().unwrap());
    let one = r#"{"Symbols":[{"Symbol":"7203","Exchange":1}]}"#;
    assert_eq!(
        send(port, &with(request("PUT", "/register", "", one))).body,
        r#"{"RegistList":[]}"#
    );
    let host = format!("Host: localhost:{port}");
    let named = with(request("GET", "/board/7203@1", "", "")).replace("Host: localhost", &host);
    assert!(send(port, &named).body.contains(r#""CurrentPrice":null"#));
    assert_eq!(send(sim.port(), &named).status, 400, "the prefix of the other port");
    // A silent line that takes nobody's place.
    let mut live = common::Push::open(sim.port());
    let mut silent = common::Push::open(port);
    assert_eq!(register(sim.port(), &["7203"]).status, 200);
    assert!(live.text().contains(r#""Symbol":"7203""#));
    silent.send(ayumi_wire::ws::Opcode::Close, &1000u16.to_be_bytes());
    let answer = silent.frame().unwrap();
    assert_eq!(
        (answer.opcode, answer.payload),
        (8, Vec::new()),
        "nothing came before the close"
    );
    assert!(live.text().contains(r#""Symbol":"7203""#));
    assert_eq!(sim.counters().takeovers, 0);
    assert_eq!(start(|_| ()).verification_port(), None);
}

#[test]
fn the_date_is_the_station_s() {
    let nine = 1_789_689_600; // 2026-09-18 09:00 JST
    let sim = start(|c| c.start = Some(Stamp::from_s(nine)));
    let head = ask(sim.port(), "GET", "/ranking?Type=3", "").head;
    assert!(head.contains("\r\nDate: Fri, 18 Sep 2026 00:00:00 GMT\r\n"), "{head}");
}

/// What REST tells of a generated market agrees with itself: the tape with the volume, the limits with the prices, the
/// ranking with the boards.
#[test]
fn symbols_boards_tape_and_ranking_agree() {
    let nine = 1_789_689_600; // 2026-09-18 09:00 JST
    let sim = start(|c| {
        let mut market = MarketConfig::new(11, vec![Symbol::tse("7203"), Symbol::tse("1301")], 200.0);
        market.hours = Hours::Session;
        c.source = Source::Market(market);
        c.start = Some(Stamp::from_s(nine - 10));
        c.speed = Speed::Full;
    });
    let port = sim.port();
    assert_eq!(register(port, &["7203", "1301"]).status, 200);
    let json = |path: &str| -> serde_json::Value {
        let answer = ask(port, "GET", path, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    };
    assert_eq!(
        json("/ranking?Type=3")["Ranking"],
        serde_json::json!([]),
        "before the open"
    );
    let mut push = common::Push::open(port);
    while sim.now() < Stamp::from_s(nine + 120) {
        push.text();
    }
    drop(push);
    assert!(
        sim.wait_until(PATIENCE, |c| c.push_clients_now == 0),
        "the market stands without its clock"
    );
    for code in ["7203", "1301"] {
        let (symbol, board) = (json(&format!("/symbol/{code}@1")), json(&format!("/board/{code}@1")));
        let price = |v: &serde_json::Value| v.as_f64().unwrap();
        assert!(
            price(&symbol["LowerLimit"]) <= price(&board["LowPrice"]),
            "{symbol} {board}"
        );
        assert!(
            price(&symbol["UpperLimit"]) >= price(&board["HighPrice"]),
            "{symbol} {board}"
        );
        assert_eq!(symbol["SymbolName"], board["SymbolName"]);
        let tape = json(&format!("/timeandsales/{code}@1"));
        let prints = tape["TradingPrice"].as_array().unwrap();
        let sum: i64 = prints.iter().map(|p| p["Volume"].as_i64().unwrap()).sum();
        assert!(
            !prints.is_empty() && price(&board["TradingVolume"]) as i64 <= sum,
            "thinned, never more"
        );
        let ranking = json("/ranking?Type=3");
        let rows = ranking["Ranking"].as_array().unwrap();
        let row = rows.iter().find(|r| r["Symbol"] == code).unwrap();
        assert_eq!(price(&row["TradingVolume"]) * 1_000.0, price(&board["TradingVolume"]));
        assert_eq!(row["CurrentPrice"], board["CurrentPrice"]);
    }
}

/// An answer to HEAD has every header and no body, so that what follows on the connection is the next answer.
#[test]
fn head_gets_no_body() {
    let sim = start(|c| c.control_port = Some(0));
    for (port, head) in [
        (sim.port(), request("HEAD", "/board/7203@1", "", "")),
        (
            sim.port(),
            "HEAD /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        ),
        (
            sim.control_port().unwrap(),
            "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        ),
    ] {
        let mut reader = Reader::new(connect(port));
        let closing = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        reader.stream.write_all(closing.as_bytes()).unwrap();
        let answer = String::from_utf8(reader.rest().unwrap()).unwrap();
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.contains("Content-Length: 0\r\n"), "{answer}");
    }
}
