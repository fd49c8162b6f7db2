//! Recordings and journals played to a client: repeated, cloned, and as the worker's own journal writes them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fmt::Write as _;
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_journal::{Journal, JournalConfig, Kind};
use ayumi_sim::{CloneSymbol, RecordingConfig, Repeat, Sim, SimConfig, Source, Speed, recording_begins};
use ayumi_wire::push::decode;
use common::{PATIENCE, Push, ask, register, start};

/// 2026-11-20 09:00:00 JST.
const NINE: i64 = 1_795_132_800;

fn message(symbol: &str, volume: i64) -> String {
    format!(r#"{{"Symbol":"{symbol}","Exchange":1,"TradingVolume":{volume}.0,"SecurityType":1}}"#)
}

fn symbol(code: &str) -> Symbol {
    Symbol {
        code: code.into(),
        exchange: 1,
    }
}

#[test]
fn a_small_recording_becomes_many_symbols_for_as_long_as_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.jsonl");
    let mut text = String::new();
    for n in 1..=100 {
        let line = message("7203", n * 100);
        writeln!(text, r#"{{"t_recv":{}.5,"msg":{line}}}"#, NINE + n).unwrap();
    }
    std::fs::write(&path, text).unwrap();
    let codes: Vec<String> = (0..10).map(|n| format!("10{n:02}")).collect();
    let mut recording = RecordingConfig::new(path);
    recording.repeat = Repeat::Times(5);
    recording.clones = (0..10)
        .map(|n: u64| CloneSymbol {
            from: symbol("7203"),
            to: symbol(&codes[n as usize]),
            offset: Duration::from_millis(700 * n),
        })
        .collect();
    let sim = start(|c| {
        c.source = Source::Recording(recording);
        c.speed = Speed::Full;
    });
    let mut push = Push::open(sim.port());
    let codes: Vec<&str> = codes.iter().map(String::as_str).chain(["7203"]).collect();
    register(sim.port(), &codes);
    let mut last = std::collections::BTreeMap::new();
    for _ in 0..11 * 100 * 5 {
        let text = push.text();
        let message = decode(text.as_bytes()).unwrap();
        let volume = message.trading_volume.unwrap().0;
        let before = last.insert(message.symbol.to_string(), volume).unwrap_or(0);
        assert!(volume >= before, "{} {before} {volume}", message.symbol);
    }
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    // 10,000 in the first pass, and what the recording shows of growth, 9,900, in each of the others.
    assert_eq!(last.len(), 11);
    assert!(last.values().all(|volume| *volume == 10_000 + 4 * 9_900), "{last:?}");
    assert_eq!(sim.counters().lines_skipped, 0);
}

#[test]
fn j05_the_workers_journal_is_played_as_it_was_received() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::start(JournalConfig::new(folder.path().to_owned())).unwrap();
    let ns = |n: i64| NINE * 1_000_000_000 + n * 1_000_000;
    journal.put(ns(0), Kind::Event, b"start");
    journal.put(ns(1), Kind::Board, message("9984", 7).as_bytes());
    let mut sent: Vec<Vec<u8>> = Vec::new();
    for n in 0..2_000 {
        let text = match n % 100 {
            50 => b"{\"Symbol\":\"7203\",\n\"TradingVolume\":1.0}".to_vec(),
            51 => b"{\"Symbol\":\"72".to_vec(),
            _ => message("7203", n).into_bytes(),
        };
        journal.put(ns(10 + n), Kind::Push, &text);
        sent.push(text);
        if n % 300 == 0 {
            journal.border();
        }
    }
    journal.put(ns(5_000), Kind::Event, b"stop");
    assert!(journal.finish(PATIENCE));
    let sim = start(|c| {
        c.source = Source::Recording(RecordingConfig::new(folder.path()));
        c.speed = Speed::Full;
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203", "9984"]);
    for (n, expected) in sent.iter().enumerate() {
        assert!(push.frame().unwrap().payload == *expected, "message {n}");
    }
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    assert_eq!(ask(sim.port(), "GET", "/board/9984@1", "").body, message("9984", 7));
    assert_eq!(ask(sim.port(), "GET", "/board/7203@1", "").body, message("7203", 1_999));
}

#[test]
fn a_clone_of_what_was_not_recorded_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.jsonl");
    let line = |n: i64, code: &str| format!("{{\"t_recv\":{}.5,\"msg\":{}}}\n", NINE + n, message(code, 100));
    std::fs::write(&path, line(1, "7203") + "no message\n" + &line(2, "9984")).unwrap();
    assert_eq!(recording_begins(&path).unwrap().ms(), (NINE + 1) * 1000 + 500);
    let start = |from: &[&str]| {
        let mut recording = RecordingConfig::new(&path);
        recording.clones = from
            .iter()
            .map(|from| CloneSymbol {
                from: symbol(from),
                to: symbol(&format!("1{from}")),
                offset: Duration::ZERO,
            })
            .collect();
        Sim::start(SimConfig {
            source: Source::Recording(recording),
            ..SimConfig::default()
        })
    };
    assert!(start(&["7203", "9984"]).is_ok());
    let said = start(&["7203", "8306"]).err().unwrap().to_string();
    assert!(said.contains("no 8306 to clone. It has: 7203, 9984"), "{said}");
}
