//! Faults of the PUSH line over real sockets, and how messages are bent on their way.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{Bend, Cut, Dose, MarketConfig, Recorded, Refusal, SimHandle, Source, Speed};
use ayumi_wire::push::decode;
use ayumi_wire::ws::Opcode;
use common::{PATIENCE, Push, ask, connect, register, start};

fn message(symbol: &str, volume: i64) -> String {
    format!(r#"{{"Symbol":"{symbol}","Exchange":1,"TradingVolume":{volume}.0,"SecurityType":1}}"#)
}

fn lines(symbol: &str, count: i64, gap_ms: i64) -> Source {
    let line = |n: i64| Recorded {
        at: Stamp::from_ms(1_761_869_097_000 + n * gap_ms),
        text: message(symbol, n * 100).into_bytes(),
        symbol: symbol.into(),
    };
    Source::Lines((1..=count).map(line).collect())
}

/// A client that is known to be the live one.
fn client(sim: &SimHandle) -> Push {
    let before = sim.counters().push_connections;
    let push = Push::open(sim.port());
    assert!(sim.wait_until(PATIENCE, |c| c.push_connections > before));
    push
}

#[test]
fn messages_are_bent_for_push_and_not_for_board() {
    let sim = start(|c| {
        c.source = lines("7203", 3, 0);
        c.speed = Speed::Full;
        c.faults.messages.insert(Bend::VolumeBack, Dose::times(1).by(50));
        c.faults.messages.insert(Bend::Duplicated, Dose::times(1));
        c.faults.messages.insert(Bend::Crossed, Dose::default().on("9984"));
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    let got: Vec<String> = (0..4).map(|_| push.text()).collect();
    let expected = [50, 50, 200, 300].map(|volume| message("7203", volume));
    assert_eq!(got, expected);
    assert!(sim.wait_until(PATIENCE, |c| c.fault("volume_back") == 1 && c.fault("duplicated") == 1));
    assert!(
        sim.wait_until(PATIENCE, |c| c.messages_sent == 4),
        "what was sent, not what was meant"
    );
    let counters = sim.counters();
    assert_eq!((counters.fault("crossed"), counters.symbols["7203"].messages), (0, 3));
    assert_eq!(ask(sim.port(), "GET", "/board/7203@1", "").body, message("7203", 300));
}

#[test]
fn faults_go_on_over_connections_and_can_be_changed() {
    let sim = start(|c| c.require_registration = false);
    let mut push = client(&sim);
    sim.set_fault(|f| drop(f.messages.insert(Bend::VolumeBack, Dose::times(2).by(1))));
    sim.push_text(&message("7203", 100));
    assert_eq!(push.text(), message("7203", 99));
    let mut push = client(&sim);
    for expected in [199, 200] {
        sim.push_text(&message("7203", 200));
        assert_eq!(
            push.text(),
            message("7203", expected),
            "two in all, whatever the connection"
        );
    }
    sim.set_fault(|f| drop(f.messages.insert(Bend::VolumeBack, Dose::times(1).by(1))));
    sim.push_text(&message("7203", 300));
    assert_eq!(push.text(), message("7203", 299), "a new dose begins anew");
    sim.set_fault(|f| f.messages.clear());
    sim.push_text("{ \"odd\" :1}");
    assert_eq!(push.text(), "{ \"odd\" :1}");
}

#[test]
fn the_same_seed_bends_a_market_to_the_same_bytes() {
    let run = |seed: u64, fault_seed: Option<u64>| -> Vec<Vec<u8>> {
        let sim = start(|c| {
            let symbols = ["7203", "9984"].map(|code| Symbol {
                code: code.into(),
                exchange: 1,
            });
            c.source = Source::Market(MarketConfig::new(seed, symbols.into(), 500.0));
            c.start = Some(Stamp::from_s(1_795_132_800));
            c.speed = Speed::Full;
            c.faults.seed = fault_seed;
            for bend in Bend::ALL {
                if bend != Bend::InvalidUtf8 {
                    c.faults.messages.insert(bend, Dose::chance(60.0).by(3));
                }
            }
        });
        let mut push = Push::open(sim.port());
        register(sim.port(), &["7203", "9984"]);
        let texts: Vec<Vec<u8>> = (0..600).map(|_| push.frame().unwrap().payload).collect();
        for text in &texts {
            // Whatever it is, it is not a panic.
            let _ = decode(text);
        }
        texts
    };
    let one = run(1, None);
    assert!(one == run(1, None));
    assert!(one == run(1, Some(1)), "the market's seed, unless another is named");
    assert!(one != run(1, Some(2)));
}

#[test]
fn n02_a_burst_is_answered_with_a_reset() {
    let sim = start(|c| {
        c.source = lines("7203", 1_000, 0);
        c.speed = Speed::Full;
        c.faults.reset_on_burst = Some(40);
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    assert!(sim.wait_until(PATIENCE, |c| c.fault("reset_on_burst") == 1 && c.push_clients_now == 0));
    assert_eq!(push.reader.rest().unwrap_err().kind(), ErrorKind::ConnectionReset);
    let sent = sim.counters().messages_sent;
    assert!((41..1_000).contains(&sent), "{sent}");
}

#[test]
fn n02_resets_by_chance_are_the_seeds() {
    let lives = |seed: u64| -> Vec<u64> {
        let sim = start(|c| {
            c.source = lines("7203", 400, 0);
            c.speed = Speed::Full;
            c.faults.seed = Some(seed);
            c.faults.reset_chance = 100.0;
        });
        register(sim.port(), &["7203"]);
        let mut sent = vec![0];
        for n in 1..=5 {
            let push = Push::open(sim.port());
            assert!(sim.wait_until(PATIENCE, |c| c.fault("reset_chance") == n && c.push_clients_now == 0));
            drop(push);
            sent.push(sim.counters().messages_sent);
        }
        sent
    };
    let one = lives(3);
    assert_eq!(one, lives(3));
    assert_ne!(one, lives(4));
}

#[test]
fn f1_a_slow_reader_is_reset_by_time() {
    let big = Recorded {
        at: Stamp(0),
        text: format!(r#"{{"Symbol":"7203","x":"{}"}}"#, "x".repeat(200_000)).into_bytes(),
        symbol: "7203".into(),
    };
    let sim = start(|c| {
        c.source = Source::Lines(vec![big; 200]);
        c.speed = Speed::Full;
        c.faults.reset_slow_after = Some(Duration::from_millis(200));
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    assert!(sim.wait_until(PATIENCE, |c| c.slow_reader_resets == 1 && c.push_clients_now == 0));
    assert_eq!(sim.counters().fault("reset_slow_after"), 1);
    assert_eq!(push.reader.rest().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn n04_a_half_open_line_says_nothing_more() {
    for in_time in [false, true] {
        let sim = start(|c| {
            c.source = lines("7203", 50, 1);
            c.faults.half_open_after = (!in_time).then_some(2);
            c.faults.half_open_in = in_time.then_some(Duration::from_millis(1));
            // A half-open line is no audience to wait for.
            c.wait_for_client = !in_time;
            c.require_registration = !in_time;
        });
        let mut push = client(&sim);
        register(sim.port(), &["7203"]);
        if !in_time {
            assert_eq!((push.text(), push.text()), (message("7203", 100), message("7203", 200)));
        }
        let name = if in_time { "half_open_in" } else { "half_open_after" };
        assert!(sim.wait_until(PATIENCE, |c| c.fault(name) == 1 && c.source_finished));
        push.send(Opcode::Ping, b"are you there");
        push.send(Opcode::Close, &1000u16.to_be_bytes());
        // The close frame of a live server would come at once.
        push.reader
            .stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let error = loop {
            match push.reader.stream.read(&mut [0; 4096]) {
                // What was sent before the silence.
                Ok(n) if n > 0 && in_time => {}
                other => break other.unwrap_err(),
            }
        };
        assert!(
            matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "{error}"
        );
        let counters = sim.counters();
        assert_eq!(
            (counters.push_clients_now, counters.client_frames),
            (1, 0),
            "nothing was read"
        );
        assert_eq!(counters.messages_sent + counters.messages_undelivered, 50);
        assert!(counters.messages_undelivered >= if in_time { 1 } else { 48 });
        drop(push);
        assert!(
            sim.wait_until(PATIENCE, |c| c.push_clients_now == 0),
            "a client that goes is let go"
        );
    }
}

#[test]
fn n04_a_half_open_line_gives_way_to_a_new_client_and_can_be_reset() {
    let sim = start(|c| c.require_registration = false);
    let mut old = client(&sim);
    sim.cut(Cut::HalfOpen);
    sim.push_text("lost");
    assert!(sim.wait_until(PATIENCE, |c| c.messages_undelivered == 1));
    let mut new = client(&sim);
    sim.push_text("heard");
    assert_eq!(new.text(), "heard");
    old.reader.stream.set_nonblocking(true).unwrap();
    let nothing = old.reader.stream.read(&mut [0; 16]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock, "not even a close frame");
    sim.cut(Cut::HalfOpen);
    sim.cut(Cut::Resume);
    sim.push_text("lost too");
    assert!(sim.wait_until(PATIENCE, |c| c.messages_undelivered == 2), "no way back");
    sim.cut(Cut::Reset);
    assert_eq!(new.frame().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn n05_a_line_can_drip() {
    let sim = start(|c| {
        c.require_registration = false;
        c.faults.drip = Some(2_000);
    });
    let mut push = client(&sim);
    // The handshake has dripped as well: only what comes behind it is measured.
    let began = Instant::now();
    let text = "x".repeat(600);
    sim.push_text(&text);
    assert_eq!(push.text(), text);
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    sim.set_fault(|f| f.drip = None);
    sim.push_text("fast");
    assert_eq!(push.text(), "fast");
}

#[test]
fn n09_the_server_pings() {
    let sim = start(|c| {
        c.require_registration = false;
        c.faults.ping_every = Some(Duration::from_millis(30));
    });
    let mut push = Push::open(sim.port());
    for n in 1..=3 {
        let ping = push.frame().unwrap();
        assert_eq!((ping.opcode, ping.payload), (9, n.to_string().into_bytes()));
    }
    push.send(Opcode::Pong, b"3");
    assert!(sim.wait_until(PATIENCE, |c| c.pongs_received == 1));
    sim.set_fault(|f| f.ping_every = Some(Duration::from_millis(1)));
    assert!(sim.wait_until(PATIENCE, |c| c.fault("ping_every") >= 300));
}

#[test]
fn n07_close_frames_have_any_code_and_reason() {
    let sim = start(|c| {
        c.require_registration = false;
        c.faults.close_after = Some(1);
        c.faults.close_code = Some(4_321);
        c.faults.close_reason = "保守".into();
    });
    let closing = |push: &mut Push| {
        let close = push.frame().unwrap();
        assert_eq!(close.opcode, 8);
        assert_eq!(push.reader.rest().unwrap(), b"");
        close.payload
    };
    let mut push = client(&sim);
    sim.push_text("last");
    assert_eq!(push.text(), "last");
    let expected = [&4_321u16.to_be_bytes()[..], "保守".as_bytes()].concat();
    assert_eq!(closing(&mut push), expected);
    let mut push = client(&sim);
    sim.cut(Cut::CloseWith {
        code: None,
        reason: String::new(),
    });
    assert_eq!(closing(&mut push), b"", "no code at all");
    sim.set_fault(|f| (f.close_after, f.close_chance) = (None, 1_000.0));
    let mut push = client(&sim);
    sim.push_text("drawn");
    assert_eq!(push.text(), "drawn");
    assert_eq!(closing(&mut push).len(), 8);
    assert_eq!(sim.counters().fault("close_chance"), 1);
}

#[test]
fn n07_n14_frames_of_every_kind_carry_the_messages() {
    let sim = start(|c| {
        c.require_registration = false;
        c.faults.fragment = 3;
        c.faults.fragment_pings = true;
        c.faults.split_drawn = 4;
        c.faults.split_pause = Duration::from_millis(1);
        c.faults.empty_frames = 1_000.0;
    });
    let mut push = client(&sim);
    for n in 0..10 {
        let text = format!("{}{n}", "日本語".repeat(20));
        sim.push_text(&text);
        let empty = push.frame().unwrap();
        assert_eq!((empty.opcode, empty.fin, empty.payload.len()), (1, true, 0));
        let mut joined = Vec::new();
        for (opcode, fin) in [(1, false), (9, true), (0, false), (9, true), (0, true)] {
            let frame = push.frame().unwrap();
            assert_eq!((frame.opcode, frame.fin), (opcode, fin));
            if opcode != 9 {
                joined.extend(frame.payload);
            }
        }
        assert_eq!(joined, text.as_bytes());
    }
    sim.set_fault(|f| {
        *f = ayumi_sim::Faults {
            binary_frames: 1_000.0,
            ..ayumi_sim::Faults::default()
        }
    });
    sim.push_text("binary");
    assert_eq!(push.frame().unwrap().opcode, 2);
}

#[test]
fn f3_silence_by_chance() {
    let sim = start(|c| {
        c.source = lines("7203", 200, 0);
        c.faults.stall_chance = 100.0;
    });
    let _push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let counters = sim.counters();
    assert_eq!(counters.fault("stall_chance"), 1, "silent is silent");
    assert!(counters.messages_sent >= 1 && counters.messages_undelivered >= 1);
    assert_eq!(counters.messages_sent + counters.messages_undelivered, 200);
    assert_eq!(counters.push_clients_now, 1);
}

fn refused(port: u16) -> ErrorKind {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = match TcpStream::connect(address) {
        Ok(stream) => stream,
        Err(e) => return e.kind(),
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A reset that is already known is told once: here.
    if let Err(e) = stream.write_all(b"GET /kabusapi/board/7203@1 HTTP/1.1\r\nHost: localhost\r\n\r\n") {
        return e.kind();
    }
    match stream.read(&mut [0; 64]) {
        Ok(0) => ErrorKind::UnexpectedEof,
        Ok(n) => panic!("{n} bytes of an answer"),
        Err(e) => e.kind(),
    }
}

#[test]
fn n01_connections_are_refused_for_a_while() {
    let sim = start(|c| c.require_registration = false);
    let port = sim.port();
    let mut standing = client(&sim);
    sim.set_fault(|f| f.refuse = Some(Refusal::Reset));
    assert!(matches!(
        refused(port),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    ));
    sim.set_fault(|f| f.refuse = Some(Refusal::Fin));
    assert_eq!(refused(port), ErrorKind::UnexpectedEof);
    sim.set_fault(|f| f.refuse = Some(Refusal::Silent));
    let mut silent = connect(port);
    silent.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(sim.wait_until(PATIENCE, |c| c.fault("refuse") == 3));
    silent.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(silent.read(&mut [0; 1]).is_err(), "nothing comes");
    sim.set_fault(|f| f.refuse = Some(Refusal::Closed));
    assert!(matches!(
        refused(port),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    ));
    // The port closes right behind that first reset.
    let deadline = Instant::now() + PATIENCE;
    while refused(port) != ErrorKind::ConnectionRefused {
        assert!(Instant::now() < deadline);
    }
    sim.push_text("still here");
    assert_eq!(standing.text(), "still here", "connections that stand are not touched");
    sim.set_fault(|f| f.refuse = None);
    while TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert_eq!(ask(port, "PUT", "/register", r#"{"Symbols":[]}"#).status, 200);
}
