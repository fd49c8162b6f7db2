//! The control port over real sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::Write;

use ayumi_sim::{MarketConfig, SimHandle, Source};
use common::{Answer, PATIENCE, Push, Reader, connect, connect_v6, register, start};
use serde_json::Value;

fn controlled(change: impl FnOnce(&mut ayumi_sim::SimConfig)) -> SimHandle {
    start(|config| {
        config.control_port = Some(0);
        change(config);
    })
}

fn send(sim: &SimHandle, text: &str) -> Answer {
    let mut reader = Reader::new(connect(sim.control_port().unwrap()));
    reader.stream.write_all(text.as_bytes()).unwrap();
    reader.answer().unwrap()
}

fn get(sim: &SimHandle, path: &str) -> Answer {
    send(sim, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
}

fn change(sim: &SimHandle, method: &str, path: &str, body: &str) -> Answer {
    let port = sim.control_port().unwrap();
    send(
        sim,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn it_is_off_unless_asked_for_and_helps() {
    assert_eq!(start(|_| ()).control_port(), None);
    let sim = controlled(|_| ());
    let help = get(&sim, "/");
    assert!(help.body.is_ascii() && help.body.contains("POST /do"), "{}", help.body);
    assert_eq!(get(&sim, "/nothing").status, 404);
    assert_eq!(change(&sim, "DELETE", "/faults", "{}").status, 405);
    if let Ok(mut v6) = connect_v6(sim.control_port().unwrap()) {
        v6.write_all(b"GET /clock HTTP/1.1\r\nHost: [::1]\r\n\r\n").unwrap();
        assert_eq!(Reader::new(v6).answer().unwrap().status, 200);
    }
    let clock = json(&get(&sim, "/clock"));
    assert_eq!(
        (&clock["running"], &clock["speed"]),
        (&Value::Bool(false), &Value::from(1.0))
    );
}

#[test]
fn faults_are_read_and_changed() {
    let sim = controlled(|_| ());
    assert_eq!(json(&get(&sim, "/faults"))["reset_after"], Value::Null);
    for method in ["PATCH", "PUT"] {
        let changed = change(&sim, method, "/faults", r#"{"reset_after":7,"board_delay":"5s"}"#);
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(json(&changed)["reset_after"], 7);
    }
    let wrong = change(&sim, "PATCH", "/faults", r#"{"reset_aftr":7,"fragment":"x"}"#);
    assert_eq!(wrong.status, 400);
    let problems = json(&wrong)["problems"].to_string();
    assert!(
        problems.contains("did you mean \\\"reset_after\\\"?") && problems.contains("fragment"),
        "{problems}"
    );
    assert_eq!(
        json(&get(&sim, "/faults"))["fragment"],
        1,
        "nothing of a wrong change is done"
    );
    assert_eq!(change(&sim, "PATCH", "/faults", "[]").status, 400);
    assert_eq!(change(&sim, "PATCH", "/faults", "{").status, 400);
}

#[test]
fn actions_are_done_and_counters_waited_for() {
    let sim = controlled(|_| ());
    register(sim.port(), &["7203"]);
    let mut push = Push::open(sim.port());
    let there = get(&sim, "/wait?counter=push_clients_now&at_least=1&timeout_ms=20000");
    assert_eq!((there.status, &json(&there)["reached"]), (200, &Value::Bool(true)));
    let done = change(
        &sim,
        "POST",
        "/do",
        r#"[{"do":"send","message":{"Symbol":"7203","Exchange":1,"TradingVolume":300.0}}, "close 1011"]"#,
    );
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(push.text().contains("\"7203\""));
    assert_eq!(push.frame().unwrap().payload, 1011u16.to_be_bytes());
    for counter in [
        "symbols.7203.last_volume",
        "actions.close",
        "rest_requests.PUT+/register",
    ] {
        let path = format!("/wait?counter={counter}&timeout_ms=20000");
        assert_eq!(get(&sim, &path).status, 200, "{counter}");
    }
    assert_eq!(json(&get(&sim, "/counters"))["actions"]["send"], 1);
    let never = get(&sim, "/wait?counter=messages_sent&at_least=1000&timeout_ms=20");
    assert_eq!((never.status, &json(&never)["value"]), (408, &Value::from(1.0)));
    assert_eq!(get(&sim, "/wait?counter=messages_snt").status, 404);
    assert_eq!(get(&sim, "/wait").status, 400);
    for wrong in ["\"rest\"", "{}", "stall", "", "\"halt 7203\""] {
        assert_eq!(
            change(&sim, "POST", "/do", wrong).status,
            if wrong == "stall" { 200 } else { 400 },
            "{wrong}"
        );
    }
}

#[test]
fn a_generated_market_takes_its_actions() {
    let sim = controlled(|config| {
        let symbols = vec![ayumi_engine::Symbol::tse("7203")];
        config.source = Source::Market(MarketConfig::new(1, symbols, 50.0));
    });
    let done = change(&sim, "POST", "/do", r#"{"do":"rush","factor":10,"for":"1m"}"#);
    assert_eq!(done.status, 200, "{}", done.body);
    assert!(sim.wait_until(PATIENCE, |c| c.actions.get("rush") == Some(&1)));
}

#[test]
fn web_pages_are_kept_out() {
    let sim = controlled(|_| ());
    let port = sim.control_port().unwrap();
    let post = |head: &str| {
        let body = "\"reset\"";
        send(
            &sim,
            &format!(
                "POST /do HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        )
    };
    let json = "Content-Type: application/json\r\n";
    assert_eq!(post(&format!("Host: localhost:{port}\r\n{json}")).status, 200);
    assert_eq!(
        post(&format!("Host: localhost\r\n{json}Origin: http://localhost:{port}\r\n")).status,
        200
    );
    for (head, status) in [
        ("Host: evil.example\r\nContent-Type: application/json\r\n", 403),
        ("Host: localhost:1\r\nContent-Type: application/json\r\n", 403),
        ("Content-Type: application/json\r\n", 403),
        ("Host: localhost\r\n", 415),
        ("Host: localhost\r\nContent-Type: text/plain\r\n", 415),
        (
            "Host: localhost\r\nContent-Type: application/json\r\nOrigin: http://evil.example\r\n",
            403,
        ),
        (
            "Host: localhost\r\nContent-Type: application/json\r\nOrigin: null\r\n",
            403,
        ),
    ] {
        assert_eq!(post(head).status, status, "{head}");
    }
    let counters = send(&sim, "GET /counters HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
    assert_eq!(counters.status, 403);
    let head = get(&sim, "/counters").head;
    assert!(!head.contains("Access-Control"), "{head}");
    assert_eq!(sim.counters().actions.get("reset"), Some(&2));
}

#[test]
fn everything_there_is_can_be_seen_before_the_open() {
    let sim = controlled(|config| {
        let symbols = ["7203", "101@1", "167060019@23"].map(|s| s.parse().unwrap()).to_vec();
        config.source = Source::Market(MarketConfig::new(1, symbols, 50.0));
    });
    register(sim.port(), &["7203"]);
    let listed = json(&get(&sim, "/symbols"));
    let column = |name: &str| -> Vec<Value> { listed.as_array().unwrap().iter().map(|s| s[name].clone()).collect() };
    assert_eq!(column("symbol"), ["7203@1", "101@1", "167060019@23"]);
    assert_eq!(column("ticker"), ["7203", "101", "167060019@23"]);
    assert_eq!(column("kind"), ["stock", "index", "future"]);
    assert_eq!(column("registered"), [true, false, false]);
    assert!(
        listed[0]["name"].is_string() && listed[0].get("last_price").is_some(),
        "{listed}"
    );
    let counters = json(&get(&sim, "/counters"));
    assert_eq!(counters["symbols"]["167060019@23"]["messages"], 0);
    assert_eq!(
        (&counters["actions"]["stall"], &counters["faults"]["crossed"]),
        (&0.into(), &0.into())
    );
    assert_eq!(counters["faults"]["reset_on_burst"], 0);
}

/// There are 64 places.
#[test]
fn a_wait_whose_client_has_gone_holds_no_place() {
    let sim = controlled(|_| ());
    let port = sim.control_port().unwrap();
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = connect(port);
            let text = "GET /wait?counter=takeovers&timeout_ms=600000 HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(text.as_bytes()).unwrap();
            stream
        })
        .collect();
    drop(waiting);
    assert_eq!(get(&sim, "/clock").status, 200);
}
