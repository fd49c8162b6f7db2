//! The generated market and the real recording, through real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says aloud what it skips"
)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{MarketConfig, RecordingConfig, Source, Speed, read_recording};
use common::{PATIENCE, Push, ask, register, skip, start};
use serde_json::Value;

fn market(seed: u64) -> Source {
    let symbols = vec![Symbol::tse("7203"), Symbol::tse("285A"), Symbol::tse("1570")];
    Source::Market(MarketConfig::new(seed, symbols, 100.0))
}

fn play(seed: u64, count: usize) -> Vec<String> {
    let sim = start(|c| {
        c.source = market(seed);
        c.speed = Speed::Full;
        c.start = Some(Stamp::from_s(1_795_132_800));
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["7203", "285A", "1570"]);
    (0..count).map(|_| push.text()).collect()
}

#[test]
fn a_seed_gives_the_same_bytes() {
    let first = play(7, 2_000);
    assert!(first == play(7, 2_000));
    assert!(first != play(8, 2_000));
}

#[test]
fn messages_are_consistent() {
    let mut volumes = BTreeMap::new();
    let mut trades = 0;
    for text in play(1, 5_000) {
        let m: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(m.as_object().unwrap().len(), 57);
        let number = |key: &str| m[key].as_f64().unwrap();
        let volume = number("TradingVolume");
        let value = number("VWAP") * volume;
        assert!(
            (value - number("TradingValue")).abs() <= 0.00005 * volume + 1.0,
            "{text}"
        );
        assert!(number("LowPrice") <= number("CurrentPrice") && number("CurrentPrice") <= number("HighPrice"));
        assert_eq!(m["BidPrice"], m["Sell1"]["Price"]);
        assert!(
            number("BidPrice") > number("AskPrice"),
            "the best sell is above the best buy"
        );
        let before = volumes.insert(m["Symbol"].to_string(), volume).unwrap_or(0.0);
        assert!(volume >= before);
        trades += usize::from(volume > before);
    }
    assert_eq!(volumes.len(), 3);
    assert!((700..1_300).contains(&trades), "about 19 % trade: {trades} of 5,000");
}

#[test]
fn a_timed_market_also_serves_those_who_only_ask() {
    let sim = start(|c| c.source = market(3));
    let board = ask(sim.port(), "GET", "/board/7203@1", "").body;
    assert!(board.contains(r#""Symbol":"7203""#) && board.contains(r#""TradingVolume":null"#));
    assert!(sim.wait_until(PATIENCE, |c| c.last_volume("7203").is_some()));
    let board = ask(sim.port(), "GET", "/board/7203@1", "").body;
    assert!(!board.contains(r#""TradingVolume":null"#), "{board}");
}

/// The folder of real recordings, which are never part of the repository.
fn real_recording() -> Option<PathBuf> {
    let folder = std::env::var_os("AYUMI_REALDATA");
    let path = folder.map(|f| PathBuf::from(f).join("push_247A_20251031.jsonl.gz"));
    let found = path.filter(|p| p.exists());
    if found.is_none() {
        skip("AYUMI_REALDATA does not name a folder with push_247A_20251031.jsonl.gz");
    }
    found
}

#[test]
fn a_real_day_plays_completely() {
    let Some(path) = real_recording() else { return };
    let expected = read_recording(&path).unwrap();
    assert_eq!(expected.len(), 29_737);
    let sim = start(|c| {
        c.source = Source::Recording(RecordingConfig::new(path));
        c.speed = Speed::Full;
    });
    let mut push = Push::open(sim.port());
    register(sim.port(), &["247A"]);
    for (n, line) in expected.iter().enumerate() {
        assert!(push.text().as_bytes() == line.text, "message {n}");
    }
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let counters = sim.counters();
    assert_eq!((counters.messages_sent, counters.lines_skipped), (29_737, 0));
    assert_eq!(counters.last_volume("247A"), Some(3_142_700));
}

#[test]
fn a_real_day_keeps_every_recorded_digit() {
    let Some(path) = real_recording() else { return };
    let packed = std::fs::File::open(&path).unwrap();
    let recorded = std::io::BufRead::lines(std::io::BufReader::new(flate2::read::GzDecoder::new(packed)));
    let played = read_recording(&path).unwrap();
    for (line, played) in recorded.zip(&played) {
        let recorded: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let m: Value = serde_json::from_slice(&played.text).unwrap();
        assert_eq!(m.as_object().unwrap().len(), 57);
        for (key, value) in recorded["msg"].as_object().unwrap() {
            assert_eq!(&m[key], value, "{key}");
        }
        let micros = (recorded["t_recv"].as_f64().unwrap() * 1e6).round() as i64;
        assert_eq!(played.at.0 / 1_000, micros);
        for (best, level) in [("BidPrice", "Sell1"), ("AskPrice", "Buy1")] {
            if m[best].as_f64().is_some_and(|p| p > 0.0) {
                assert_eq!(m[level]["Price"], m[best]);
            }
        }
    }
}
