//! Everything that should never arrive on the PUSH line, mixed with messages that should: counted by reason, never a
//! panic, never a disconnect, memory bounded, and the good ones all stored.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;

use ayumi_sim::{RawFrame, SimHandle};
use serde_json::{Value, json};
use support::message::{bent, push, push_value};
use support::{Desk, Store, TEN, Worker, at_station, connected, station, stored_volume, wait_for};

/// A station, a worker that is connected to it, and what was sent.
struct Line {
    station: SimHandle,
    desk: Desk,
    worker: Worker,
    volume: i64,
    ticks: i64,
    odd: BTreeMap<&'static str, i64>,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
const PONG: u8 = 10;

impl Line {
    fn open() -> Self {
        let station = station(|_| {});
        // The watch over silent lines is not what is tested here.
        let settings = json!({"board_mode": "push", "websocket": {"recv_timeout": 600.0}});
        let desk = Desk::online(station.port(), settings);
        let worker = desk.stream(&["--clock", TEN]);
        connected(&station);
        let mut line = Self {
            station,
            desk,
            worker,
            volume: 1_000,
            ticks: 0,
            odd: BTreeMap::new(),
        };
        // Sets the base of the day.
        line.ticks = 1;
        line.raw(RawFrame::text(push("7203", 2000.0, 1_000)));
        line
    }

    fn raw(&self, frame: RawFrame) {
        self.station.push_raw(vec![frame]);
    }

    /// An ordinary message; it brings 100 shares.
    fn good(&mut self) {
        self.volume += 100;
        self.tick(RawFrame::text(push("7203", 2000.0, self.volume)));
    }

    /// A frame that is a tick, however it looks.
    fn tick(&mut self, frame: RawFrame) {
        self.ticks += 1;
        self.raw(frame);
    }

    /// A message that is no tick; an ordinary one follows it.
    fn odd(&mut self, reason: &'static str, frame: RawFrame) {
        *self.odd.entry(reason).or_default() += 1;
        self.raw(frame);
        self.good();
    }

    fn odd_text(&mut self, reason: &'static str, text: impl Into<Vec<u8>>) {
        self.odd(reason, RawFrame::text(text));
    }

    /// A message of 7203 with some fields replaced.
    fn odd_fields(&mut self, reason: &'static str, fields: Value) {
        let text = bent("7203", 2000.0, self.volume + 50, fields);
        self.odd_text(reason, text);
    }

    /// Waits until everything is stored, stops, and holds every count against what was sent.
    fn close(self) -> Store {
        let rejected: i64 = self.odd.values().sum();
        let store = self.desk.stored();
        wait_for("all messages", || {
            let counted = store.number("SELECT sum(messages) FROM window_log");
            (counted >= self.ticks + rejected).then_some(())
        });
        assert!(
            high_water_mb(self.worker.pid()) < 64.0,
            "{} MB",
            high_water_mb(self.worker.pid())
        );
        let ended = self.worker.stop().expect(0);
        let totals = ended.totals();
        let said: BTreeMap<&str, i64> = totals
            .iter()
            .filter_map(|(name, n)| Some((name.strip_prefix("rejected.")?, *n)))
            .collect();
        assert_eq!(said, self.odd, "{}", ended.text());
        assert_eq!((totals["stored"], totals["rejected"]), (self.ticks, rejected));
        assert_eq!(store.number("SELECT sum(rejected) FROM window_log"), rejected);
        assert_eq!(store.sizes(), self.volume - 1_000);
        store.check(300, 1);
        let counters = self.station.counters();
        assert_eq!(counters.push_connections, 1, "{}", ended.text());
        assert_eq!(counters.pings_received, 0);
        assert!(!ended.text().contains("disconnected"), "{}", ended.text());
        for reason in self.odd.keys().filter(|reason| **reason != "no_price") {
            let lines = ended.lines(&format!("message rejected reason={reason} "));
            assert_eq!(lines.len(), 1, "said once a minute: {reason}\n{}", ended.text());
            assert!(lines[0].len() < 400, "{}", lines[0]);
        }
        assert!(ended.text().is_ascii(), "{}", ended.text());
        store
    }
}

/// The most memory a process ever had, MB.
fn high_water_mb(pid: u32) -> f64 {
    if !cfg!(target_os = "linux") {
        return 0.0;
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("there");
    let kb = line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok());
    kb.expect("a number") / 1024.0
}

#[test]
fn d02_what_is_no_message_is_counted_by_reason() {
    let mut line = Line::open();
    let cut = push("7203", 2000.0, 1_050);
    for text in [
        "",
        " ",
        "hello",
        "{",
        "{}}",
        "{'Symbol':'7203'}",
        "{\"Symbol\":\"7203\",\"CurrentPrice\":NaN}",
        "{\"Symbol\":\"7203\",\"CurrentPrice\":01}",
        "{\"Symbol\":\"7203\" \"Exchange\":1}",
        "\u{FEFF}{\"Symbol\":\"7203\"}",
        "<html><body>busy</body></html>",
        "\0\0\0\0",
        &cut[..cut.len() - 1],
    ] {
        line.odd_text("not_json", text);
    }
    line.odd_text("not_json", vec![0xFF, 0xFE, b'{', b'}']);
    let mut damaged = cut.into_bytes();
    damaged[20] = 0xC3;
    line.odd_text("not_json", damaged);
    for text in [
        "[]",
        "[1,2,3]",
        "\"7203\"",
        "1",
        "-0.5",
        "null",
        "true",
        "[{\"Symbol\":\"7203\"}]",
    ] {
        line.odd_text("not_object", text);
    }
    for text in [
        "{}",
        "{\"Symbol\":null}",
        "{\"Symbol\":\"\"}",
        "{\"Symbol\":[\"7203\"]}",
        "{\"symbol\":\"7203\"}",
    ] {
        line.odd_text("no_symbol", text);
    }
    for text in [
        "{\"Symbol\":\"9999\"}",
        "{\"Symbol\":\"7203\",\"Exchange\":3}",
        "{\"Symbol\":\"\\u0000\"}",
    ] {
        line.odd_text("unknown_symbol", text);
    }
    line.close();
}

#[test]
fn d02_numbers_that_are_none_are_counted_and_texts_that_are_numbers_are_read() {
    let mut line = Line::open();
    for price in [
        json!("NaN"),
        json!("Infinity"),
        json!("-Infinity"),
        json!("abc"),
        json!("1,234"),
        json!(-5),
        json!("-5"),
        json!(true),
        json!({"a": 1}),
        json!([2000]),
    ] {
        line.odd_fields("bad_number", json!({"CurrentPrice": price}));
    }
    for volume in [
        json!("NaN"),
        json!(-1),
        json!(0.5),
        json!("x"),
        json!([]),
        json!(false),
        json!(1e30),
    ] {
        line.odd_fields("bad_number", json!({"TradingVolume": volume}));
    }
    // Numbers that no type of ours holds, and that not even a double does.
    let nines = "9".repeat(5_000);
    for huge in [
        "1e400",
        "-1e400",
        &nines,
        "1e999999999999",
        "1e-999999999999999999999999",
    ] {
        let text = push("7203", 2000.0, 7_777_777_777);
        line.odd_text("bad_number", text.replace("7777777777", huge));
    }
    for fields in [
        json!({"CurrentPrice": null}),
        json!({"CurrentPrice": 0}),
        json!({"CurrentPrice": ""}),
        json!({"CurrentPrice": null, "TradingVolume": null}),
    ] {
        line.odd_fields("no_price", fields);
    }
    let mut nulls = push_value("7203", 2000.0, 0);
    for (key, value) in nulls.as_object_mut().expect("an object") {
        if key != "Symbol" && key != "Exchange" {
            *value = Value::Null;
        }
    }
    line.odd_text("no_price", nulls.to_string());
    // Ticks all the same: texts, other spellings, other orders, odd books, unknown fields, duplicates.
    for fields in [
        json!({"CurrentPrice": "2000.5", "TradingVolume": (line.volume + 100).to_string()}),
        json!({"Exchange": "1", "TradingVolume": line.volume + 200}),
        json!({"TradingVolume": line.volume + 300, "Sell1": null, "Buy1": 7, "BidPrice": "x", "AskQty": -3, "Sell2": []}),
        json!({"TradingVolume": line.volume + 400, "New": {"a": [1, {"b": null}]}, "CurrentPriceTime": "yesterday"}),
        json!({"TradingVolume": format!("{}.0", line.volume + 500), "SymbolName": "\u{1F600}\u{202E}<script>=cmd\0"}),
        json!({"TradingVolume": line.volume + 600, "OpeningPriceTime": 5, "BidSign": null, "AskSign": 9}),
    ] {
        line.tick(RawFrame::text(bent("7203", 2000.0, 0, fields)));
    }
    line.volume += 600;
    let spelt = json!({"Volume": line.volume + 100, "Price": "2001", "IssueCode": 7203, "Time": "10:00"}).to_string();
    line.tick(RawFrame::text(spelt));
    line.tick(RawFrame::text(format!(
        " {{ \"Symbol\" : \"7203\" ,\n\"CurrentPrice\":1,\t\"CurrentPrice\":2002.0,\"TradingVolume\":{} }} ",
        line.volume + 200
    )));
    line.volume += 200;
    line.good();
    let store = line.close();
    let extremes = store.column("SELECT min(last_price) || ' ' || max(last_price) FROM tick_batch");
    assert!(extremes[0].starts_with("200"), "{extremes:?}");
}

#[test]
fn n08_long_and_deep_messages_are_skipped_in_bounded_memory() {
    let mut line = Line::open();
    let long = |bytes: usize| json!({"SymbolName": "x".repeat(bytes)});
    for megabytes in [2, 2, 2, 2, 16, 60] {
        line.odd_fields("too_long", long(megabytes << 20));
    }
    // Just below the limit it is a message like any other.
    for _ in 0..4 {
        let text = bent("7203", 2000.0, line.volume, long(1_000_000));
        line.tick(RawFrame::text(text));
        line.good();
    }
    for depth in [1_000, 100_000] {
        let nest = |open: &str, close: &str| open.repeat(depth) + &close.repeat(depth);
        line.odd_text("not_object", nest("[", "]"));
        line.odd_text("not_json", "[".repeat(depth));
        line.odd_text("not_json", "{\"a\":".repeat(depth));
        line.odd_text("no_symbol", nest("{\"a\":", "}").replace(":}", ":1}"));
        for key in ["Unknown", "Sell1", "Buy10", "CurrentPriceTime"] {
            let volume = line.volume;
            let text = push("7203", 2000.0, volume);
            let text = format!("{},\"{key}\":{}}}", &text[..text.len() - 1], nest("[", "]"));
            line.tick(RawFrame::text(text));
        }
        let text = format!("{{\"Symbol\":\"7203\",\"CurrentPrice\":{}}}", nest("[", "]"));
        line.odd_text("bad_number", text);
    }
    line.close();
}

#[test]
fn n07_frames_of_every_kind_and_cut_are_put_together() {
    let mut line = Line::open();
    line.odd("binary", RawFrame::of(true, BINARY, vec![0xFF; 100]));
    line.odd("binary", RawFrame::of(true, BINARY, push("7203", 2000.0, 1_050)));
    line.odd("binary", RawFrame::of(true, BINARY, Vec::new()));
    // One message in frames of seven bytes, with pings between them.
    line.volume += 100;
    let text = push("7203", 2000.0, line.volume).into_bytes();
    let parts: Vec<&[u8]> = text.chunks(7).collect();
    for (n, part) in parts.iter().enumerate() {
        let opcode = if n == 0 { TEXT } else { CONTINUATION };
        line.raw(RawFrame::of(n + 1 == parts.len(), opcode, part.to_vec()));
        if n % 5 == 0 {
            line.raw(RawFrame::of(true, PING, b"still there?".to_vec()));
            line.raw(RawFrame::of(true, PONG, Vec::new()));
        }
    }
    line.ticks += 1;
    // Empty fragments before and behind.
    for (fin, opcode, payload) in [(false, TEXT, ""), (false, CONTINUATION, ""), (true, CONTINUATION, "{}")] {
        line.raw(RawFrame::of(fin, opcode, payload));
    }
    *line.odd.entry("no_symbol").or_default() += 1;
    // Fragments that come to more than a message may have.
    line.raw(RawFrame::of(false, TEXT, "x".repeat(700_000)));
    line.raw(RawFrame::of(false, CONTINUATION, "x".repeat(700_000)));
    line.odd("too_long", RawFrame::of(true, CONTINUATION, Vec::new()));
    // Ten thousand fragments of one message.
    line.volume += 100;
    let text = bent("7203", 2000.0, line.volume, json!({"SymbolName": "y".repeat(10_000)})).into_bytes();
    let frames = text.iter().enumerate().map(|(n, byte)| {
        let opcode = if n == 0 { TEXT } else { CONTINUATION };
        RawFrame::of(n + 1 == text.len(), opcode, vec![*byte])
    });
    line.station.push_raw(frames.collect());
    line.ticks += 1;
    // A TCP segment ends at every byte of a message, and messages share segments.
    let every_byte: Vec<usize> = (1..1_500).collect();
    line.volume += 100;
    let text = push("7203", 2000.0, line.volume);
    line.tick(RawFrame::text(text).split(every_byte));
    for _ in 0..200 {
        line.good();
    }
    // Every ping was answered, and nothing else was sent.
    let pongs = parts.len().div_ceil(5) as u64;
    at_station(&line.station, "the pongs", |c| c.client_frames >= pongs);
    assert_eq!(line.station.counters().client_frames, pongs);
    line.close();
}

#[test]
fn d04_ten_thousand_unknown_symbols_cost_no_memory() {
    let mut line = Line::open();
    for n in 0..10_000 {
        let text = push(&format!("{n:05}X"), 100.0, 100);
        *line.odd.entry("unknown_symbol").or_default() += 1;
        line.raw(RawFrame::text(text));
        if n % 100 == 0 {
            line.good();
        }
    }
    let store = line.close();
    assert_eq!(store.column("SELECT DISTINCT ticker FROM tick_batch"), ["7203"]);
    assert_eq!(store.number("SELECT count(*) FROM stream_state"), 1);
}

#[test]
fn d13_names_that_are_no_names_stop_nothing_and_are_shown_nowhere() {
    let mut line = Line::open();
    let names = [
        "\u{feff}トヨタ",
        "nul\0inside",
        "\u{202e}ataki",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "\u{1f3e6}\u{200d}\u{1f4b4}",
        "\u{1b}[2J\u{7}",
    ];
    for name in names {
        line.volume += 100;
        let text = bent("7203", 2000.0, line.volume, json!({"SymbolName": name}));
        line.tick(RawFrame::text(text));
    }
    stored_volume(&line.desk, line.volume);
    let log = line.worker.text();
    assert!(log.contains("stream_microbatch start"), "{log}");
    for shown in ["\u{1b}", "\0", "\u{202e}", "<script>", "=cmd"] {
        assert!(!log.contains(shown), "{shown:?} in the log");
    }
    line.close();
}

#[test]
fn d14_fifty_symbols_a_hundred_times_in_one_window_are_one_transaction() {
    const SYMBOLS: usize = 50;
    const TIMES: i64 = 100;
    let codes: Vec<String> = (0..SYMBOLS).map(|n| (1301 + n).to_string()).collect();
    let station = station(|_| {});
    // Long enough for all of it, also on a busy machine.
    let desk = Desk::online(
        station.port(),
        json!({"symbols": codes, "window_ms": 10_000, "board_mode": "push"}),
    );
    let worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    for n in 0..TIMES {
        let frames = codes.iter().map(|code| {
            // Up on even messages, down on odd ones; each brings a hundred shares but the first, which sets the base.
            RawFrame::text(push(code, if n % 2 == 0 { 2001.0 } else { 2000.0 }, 1_000 + n * 100))
        });
        station.push_raw(frames.collect());
    }
    let store = desk.stored();
    worker.stop().expect(0);
    let first = "FROM window_log ORDER BY window_id LIMIT 1";
    assert_eq!(
        store.number(&format!("SELECT messages {first}")),
        SYMBOLS as i64 * TIMES
    );
    let rows = store.column(
        "SELECT DISTINCT ticks || ' ' || vol_sum || ' ' || upticks || ' ' || downticks || ' ' || last_price FROM tick_batch",
    );
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(store.number("SELECT count(*) FROM tick_batch"), SYMBOLS as i64);
    assert_eq!(
        store.number("SELECT count(DISTINCT ticker) FROM orderbook_snapshot"),
        SYMBOLS as i64
    );
    assert!(rows[0].starts_with("100 9900"), "{rows:?}");
}

#[test]
fn d16_d18_odd_status_values_and_times_that_are_ahead_cost_nothing() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    let later = "2026-11-20T10:00:50+09:00";
    let odd = [
        json!({"CurrentPriceStatus": -1, "CurrentPriceChangeStatus": ""}),
        json!({"CurrentPriceStatus": 99, "CurrentPriceChangeStatus": "9999"}),
        // Printed before it was received: the station's clock is ahead of ours.
        json!({"CurrentPriceTime": later, "TradingVolumeTime": later}),
    ];
    for (n, fields) in (1..).zip(odd) {
        station.push_text(&bent("7203", 2000.0, 1_000 + 100 * n, fields));
    }
    let store = stored_volume(&desk, 1_300);
    let ended = worker.stop().expect(0);
    ended.says(&["received=4 stored=4 merged=0 rejected=0"]);
    assert_eq!(store.sizes(), 300);
    assert!(!ended.text().contains("WARNING"), "{}", ended.text());
    store.check(300, 1);
}
