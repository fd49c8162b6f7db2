//! PUSH over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says aloud what it skips"
)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use ayumi_sim::{Cut, PingHabit, RawFrame, Recorded, Source, Speed, Takeover, UpgradeFault};
use ayumi_wire::ws::{Opcode, accept_key};
use common::{Frame, KEY, PATIENCE, Push, Reader, ask, connect, register, start, upgrade_text};

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

#[test]
fn the_handshake_is_plain() {
    let sim = start(|_| ());
    let offer = "Origin: http://example.org\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX-API-KEY: wrong\r\n";
    let push = Push::on(connect(sim.port()), offer);
    let accept = format!("Sec-WebSocket-Accept: {}\r\n", accept_key(KEY));
    assert!(push.head.contains(&accept), "{}", push.head);
    assert!(!push.head.contains("Extensions"), "declined");
    assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 1));
    drop(push);
    assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 0));
    for bad in ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Connection"] {
        let text = upgrade_text("").replace(bad, "X-Other");
        assert_eq!(common::send(sim.port(), &text).status, 400, "{bad}");
    }
    let plain = "GET /kabusapi/websocket HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(common::send(sim.port(), plain).code(), 4_001_012);
}

#[test]
fn n10_upgrades_can_be_refused() {
    let sim = start(|_| ());
    let port = sim.port();
    let refusal = |fault| {
        sim.set_fault(|f| f.upgrade = Some(fault));
        let mut reader = Reader::new(connect(port));
        reader.stream.write_all(upgrade_text("").as_bytes()).unwrap();
        reader.rest()
    };
    for status in [401u16, 403, 404, 503] {
        let bytes = refusal(UpgradeFault::Status(status)).unwrap();
        assert!(bytes.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
    }
    assert!(refusal(UpgradeFault::Html).unwrap().ends_with(b"</HTML>\r\n\r\n"));
    assert_eq!(
        refusal(UpgradeFault::Garbage(b"SSH-2.0\n".to_vec())).unwrap(),
        b"SSH-2.0\n"
    );
    let reset = refusal(UpgradeFault::Reset).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
    assert_eq!(sim.counters().push_refused, 7);
    sim.set_fault(|f| f.upgrade = Some(UpgradeFault::WrongAccept));
    assert!(!Push::open(port).head.contains(&accept_key(KEY)));
    sim.set_fault(|f| f.upgrade = Some(UpgradeFault::Compression));
    assert!(Push::open(port).head.contains("permessage-deflate"));
}

#[test]
fn a_recording_plays_to_the_registered_client() {
    let sim = start(|c| {
        c.source = lines("7203", 1000, 10);
        c.speed = Speed::Times(100.0);
    });
    let mut push = Push::open(sim.port());
    assert_eq!(sim.counters().symbols.len(), 0, "waits for a registration");
    register(sim.port(), &["7203"]);
    for n in 1..=1000 {
        assert_eq!(push.text(), message("7203", n * 100));
    }
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let counters = sim.counters();
    assert_eq!((counters.messages_sent, counters.messages_undelivered), (1000, 0));
    assert_eq!(counters.last_volume("7203"), Some(100_000));
    assert_eq!(counters.symbols["7203"].first_volume_queued, Some(100));
    assert_eq!(
        ask(sim.port(), "GET", "/board/7203@1", "").body,
        message("7203", 100_000),
        "still serving"
    );
}

#[test]
fn the_gaps_are_those_of_the_recording_divided_by_the_speed() {
    let sim = start(|c| {
        c.source = lines("7203", 11, 100);
        c.speed = Speed::Times(10.0);
    });
    let mut push = Push::open(sim.port());
    let began = Instant::now();
    register(sim.port(), &["7203"]);
    for _ in 0..11 {
        push.text();
    }
    assert!(began.elapsed() >= Duration::from_millis(99), "{:?}", began.elapsed());
}

#[test]
fn unregistered_symbols_get_no_push() {
    let mut both = Vec::new();
    for (n, symbol) in ["7203", "9984", "7203", "9984"].into_iter().enumerate() {
        both.push(Recorded {
            at: Stamp(n as i64),
            text: message(symbol, n as i64).into_bytes(),
            symbol: symbol.into(),
        });
    }
    let sim = start(|c| {
        c.source = Source::Lines(both);
        c.speed = Speed::Full;
    });
    let mut push = Push::open(sim.port());
    ask(sim.port(), "GET", "/board/7203@1", "");
    register(sim.port(), &["9984"]);
    assert_eq!(push.text(), message("9984", 1));
    assert_eq!(push.text(), message("9984", 3));
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let counters = sim.counters();
    assert_eq!((counters.messages_sent, counters.messages_unregistered), (2, 2));
}

#[test]
fn a_recording_can_begin_in_the_middle() {
    let sim = start(|c| {
        c.source = lines("7203", 10, 1000);
        c.start = Some(Stamp::from_ms(1_761_869_097_000 + 8_500));
        c.speed = Speed::Full;
    });
    let port = sim.port();
    let mut push = Push::open(port);
    register(port, &["7203"]);
    assert_eq!(push.text(), message("7203", 900));
    assert_eq!(push.text(), message("7203", 1000));
    assert_eq!(sim.counters().symbols["7203"].messages, 2);
}

#[test]
fn the_clock_goes_on_without_a_client() {
    let sim = start(|c| {
        c.source = lines("7203", 50, 10);
        c.speed = Speed::Times(1000.0);
        c.wait_for_client = false;
        c.require_registration = false;
    });
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let counters = sim.counters();
    assert_eq!((counters.messages_undelivered, counters.messages_sent), (50, 0));
    assert_eq!(counters.last_volume("7203"), Some(5_000));
    assert_eq!(counters.symbols["7203"].last_volume_queued, None);
}

#[test]
fn n11_a_newer_client_takes_over() {
    let sim = start(|c| c.require_registration = false);
    let mut old = Push::open(sim.port());
    let mut new = Push::open(sim.port());
    let close = old.frame().unwrap();
    assert_eq!((close.opcode, close.payload), (8, 1000u16.to_be_bytes().to_vec()));
    assert_eq!(old.reader.rest().unwrap(), b"");
    sim.push_text("{}");
    assert_eq!(new.text(), "{}");
    sim.set_fault(|f| f.takeover = Takeover::Starve);
    let mut third = Push::open(sim.port());
    assert!(sim.wait_until(PATIENCE, |c| c.takeovers == 2));
    sim.push_text("{\"n\":2}");
    assert_eq!(third.text(), "{\"n\":2}");
    assert_eq!(sim.counters().push_clients_now, 2, "the starved one stays connected");
    new.reader.stream.set_nonblocking(true).unwrap();
    let nothing = new.reader.stream.read(&mut [0; 16]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
}

#[test]
fn n09_pings_are_counted_and_not_answered() {
    let sim = start(|_| ());
    let mut push = Push::open(sim.port());
    push.send(Opcode::Ping, b"are you there");
    push.send(Opcode::Text, b"hello");
    assert!(sim.wait_until(PATIENCE, |c| c.pings_received == 1 && c.client_frames == 2));
    sim.push_text("first");
    assert_eq!(push.text(), "first", "no pong before it");
    sim.set_fault(|f| f.ping = PingHabit::Pong);
    push.send(Opcode::Ping, b"x");
    let pong = push.frame().unwrap();
    assert_eq!((pong.opcode, pong.payload), (10, b"x".to_vec()));
    push.send(Opcode::Close, &1000u16.to_be_bytes());
    assert_eq!(push.frame().unwrap().opcode, 8, "a close frame is answered");
    assert_eq!(push.reader.rest().unwrap(), b"");
    assert!(sim.wait_until(PATIENCE, |c| c.client_closes == 1 && c.push_clients_now == 0));
    let mut push = Push::open(sim.port());
    sim.set_fault(|f| f.ping = PingHabit::Abort);
    push.send(Opcode::Ping, b"");
    assert_eq!(push.frame().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn n02_a_cut_is_a_reset() {
    let sim = start(|_| ());
    let mut push = Push::open(sim.port());
    assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 1));
    sim.cut(Cut::Reset);
    assert_eq!(push.frame().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 0));
    let mut push = Push::open(sim.port());
    sim.push_text("last");
    sim.cut(Cut::Close(1011));
    assert_eq!(push.text(), "last");
    let close = push.frame().unwrap();
    assert_eq!((close.opcode, close.payload), (8, 1011u16.to_be_bytes().to_vec()));
}

#[test]
fn endings_after_n_messages() {
    for reset in [false, true] {
        let sim = start(|c| {
            c.source = lines("7203", 10, 0);
            c.speed = Speed::Full;
            c.faults.close_after = (!reset).then_some(3);
            c.faults.reset_after = reset.then_some(3);
        });
        let mut push = Push::open(sim.port());
        register(sim.port(), &["7203"]);
        assert!(sim.wait_until(PATIENCE, |c| c.messages_sent == 3));
        if reset {
            assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 0));
            assert_eq!(push.reader.rest().unwrap_err().kind(), ErrorKind::ConnectionReset);
        } else {
            let frames: Vec<u8> = (0..4).map(|_| push.frame().unwrap().opcode).collect();
            assert_eq!(frames, [1, 1, 1, 8]);
        }
        // At full speed the source waits, so the next connection goes on where this one ended.
        let mut next = Push::open(sim.port());
        assert_eq!(next.text(), message("7203", 400), "reset {reset}");
    }
}

#[test]
fn a_stall_is_silence_on_an_open_line() {
    let sim = start(|c| {
        c.source = lines("7203", 100, 1);
        c.faults.stall_after = Some(2);
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    assert_eq!(push.text(), message("7203", 100));
    assert_eq!(push.text(), message("7203", 200));
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let counters = sim.counters();
    assert_eq!((counters.messages_sent, counters.messages_undelivered), (2, 98));
    assert_eq!(counters.push_clients_now, 1);
    sim.cut(Cut::Resume);
    sim.push_text("awake");
    assert_eq!(push.text(), "awake");
}

#[test]
fn n07_any_frame_can_be_sent() {
    let sim = start(|_| ());
    let mut push = Push::open(sim.port());
    assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 1));
    sim.push_raw(vec![
        RawFrame::of(false, 1, "ab").split([1, 2, 3]),
        RawFrame::of(true, 9, ""),
        RawFrame::of(true, 0, "cd"),
        RawFrame::of(true, 0xB, vec![b'x'; 70_000]),
    ]);
    let frames: Vec<Frame> = (0..4).map(|_| push.frame().unwrap()).collect();
    let shape: Vec<(bool, u8, usize)> = frames.iter().map(|f| (f.fin, f.opcode, f.payload.len())).collect();
    assert_eq!(shape, [(false, 1, 2), (true, 9, 0), (true, 0, 2), (true, 11, 70_000)]);
    sim.push_bytes(b"\x82\x01");
    sim.push_bytes(b"z");
    assert_eq!(push.frame().unwrap().payload, b"z");
    sim.set_fault(|f| {
        f.fragment = 2;
        f.split_at = vec![1, 3];
        f.split_pause = Duration::from_millis(1);
    });
    sim.push_text("abc");
    assert_eq!(push.frame().unwrap().payload, b"ab");
    assert_eq!(push.frame().unwrap().payload, b"c");
}

#[test]
fn a_slow_reader_is_reset_with_timed_sources_only() {
    let big = |n: usize| Recorded {
        at: Stamp::from_ms(n as i64),
        text: format!(
            r#"{{"Symbol":"7203","TradingVolume":{n},"x":"{}"}}"#,
            "x".repeat(100_000)
        )
        .into_bytes(),
        symbol: "7203".into(),
    };
    let many: Vec<Recorded> = (0..300).map(big).collect();
    for speed in [Speed::Times(100.0), Speed::Full] {
        let sim = start(|c| {
            c.source = Source::Lines(many.clone());
            c.speed = speed;
            c.slow_reader_limit = 1 << 20;
        });
        let mut push = Push::open(sim.port());
        register(sim.port(), &["7203"]);
        if speed == Speed::Full {
            let mut bytes = 0;
            for _ in 0..300 {
                bytes += push.text().len();
            }
            assert!(bytes > 30_000_000);
            assert_eq!(sim.counters().slow_reader_resets, 0);
        } else {
            assert!(sim.wait_until(PATIENCE, |c| c.slow_reader_resets == 1 && c.source_finished));
            let counters = sim.counters();
            assert!(counters.messages_undelivered > 0);
            assert_eq!(counters.messages_sent + counters.messages_undelivered, 300);
        }
    }
}

#[test]
fn a_lost_list_silences_the_next_connection() {
    let sim = start(|c| {
        c.source = lines("7203", 3, 0);
        c.speed = Speed::Full;
        c.faults.close_after = Some(1);
        c.faults.list_lost_after_reconnect = true;
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    assert_eq!(push.text(), message("7203", 100));
    assert!(sim.wait_until(PATIENCE, |c| c.push_clients_now == 0));
    let list = ask(sim.port(), "PUT", "/register", r#"{"Symbols":[]}"#).body;
    assert_eq!(list, r#"{"RegistList":[]}"#);
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203"]);
    assert_eq!(push.text(), message("7203", 200));
}

#[test]
fn the_upgrade_is_dated_by_the_stations_clock() {
    let sim = start(|config| config.start = Some(Stamp::from_s(1_795_131_570)));
    let head = Push::open(sim.port()).head;
    assert!(head.contains("\r\nDate: Thu, 19 Nov 2026 23:39:30 GMT\r\n"), "{head}");
}
