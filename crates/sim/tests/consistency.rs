//! A whole day of fifty symbols, every message of it read by a checker that knows the rules of the exchange and the
//! station's documents, but nothing of how the simulator makes them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says what it has seen"
)]

#[path = "consistency/checker.rs"]
mod checker;
#[path = "common/mod.rs"]
mod common;
#[path = "consistency/quote.rs"]
mod quote;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use ayumi_engine::market::Profile;
use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{Hours, MarketConfig, SimConfig, SimHandle, Source, Speed};
use ayumi_wire::jst::Date;
use serde_json::Value;

use checker::Checker;
use common::{Push, ask, request, send};

const DAY: &str = "2026-11-20";
/// An index and a future in all three of its guises beside the shares.
const OTHERS: [&str; 5] = ["101", "151", "167120018@2", "167120018@23", "1570"];

fn at(hour: i64, minute: i64) -> Stamp {
    Stamp::from_s(Date::parse(DAY).unwrap().midnight_s() + hour * 3_600 + minute * 60)
}

fn symbols(count: usize) -> Vec<Symbol> {
    let mut all: Vec<Symbol> = OTHERS.iter().map(|text| text.parse().unwrap()).collect();
    for code in Profile::known_codes() {
        let symbol = Symbol::tse(code);
        if all.len() < count && !all.contains(&symbol) {
            all.push(symbol);
        }
    }
    assert_eq!(all.len(), count);
    all
}

fn whole_day(seed: u64, symbols: &[Symbol], per_second: f64, truth: &Path) -> SimHandle {
    common::start(|c: &mut SimConfig| {
        c.source = Source::Market(MarketConfig {
            hours: Hours::Session,
            truth: Some(truth.to_owned()),
            ..MarketConfig::new(seed, symbols.to_vec(), per_second)
        });
        c.speed = Speed::Full;
        c.start = Some(at(7, 50));
        c.end = Some(at(15, 50));
        c.list_limit = symbols.len();
    })
}

fn register(port: u16, symbols: &[Symbol]) {
    let list: Vec<String> = symbols
        .iter()
        .map(|s| format!(r#"{{"Symbol":"{}","Exchange":{}}}"#, s.code, s.exchange))
        .collect();
    let body = format!(r#"{{"Symbols":[{}]}}"#, list.join(","));
    assert_eq!(ask(port, "PUT", "/register", &body).status, 200);
}

/// Reads until the source has ended and everything it sent has arrived.
fn read_day(sim: &SimHandle, symbols: &[Symbol]) -> Checker {
    let mut push = Push::open(sim.port());
    register(sim.port(), symbols);
    let mut checker = Checker::new(symbols, DAY);
    let mut seen = 0;
    loop {
        let ended = sim.counters();
        if ended.source_finished && seen == ended.messages_sent {
            assert!(ended.messages_undelivered == 0 && ended.push_connections == 1);
            return checker;
        }
        // Between two looks at the counters there are always messages left to read.
        let left = if ended.source_finished {
            ended.messages_sent - seen
        } else {
            1
        };
        for _ in 0..left.clamp(1, 1_000) {
            checker.message(&push.text());
            seen += 1;
        }
    }
}

#[test]
fn every_message_of_a_day_of_fifty_symbols_is_consistent() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.csv");
    let symbols = symbols(50);
    let sim = whole_day(20_261_120, &symbols, 40.0, &truth);
    let checker = read_day(&sim, &symbols);
    let summary = checker.finish();
    println!("{summary:?}");
    assert!(summary.delayed_openings > 0 && summary.locked > 0 && summary.mixed > 0);

    let told = volumes_of_counters(&sim, &symbols);
    let tapes = volumes_of_tapes(&sim, &symbols);
    assert_eq!(checker.volumes(), told, "the last message of each symbol was counted");
    sim.stop();
    let truth = volumes_of_truth(&truth);
    for symbol in &symbols {
        let ticker = symbol.ticker();
        let shown = checker.volumes().get(&ticker).copied().unwrap_or(0);
        assert_eq!(truth.get(&ticker).map_or(0, |t| t.0), shown, "{ticker}: the true tape");
        assert_eq!(tapes.get(&ticker).map_or(0, |t| t.0), shown, "{ticker}: /timeandsales");
        let prints = truth.get(&ticker).map_or(0, |t| t.1);
        assert_eq!(tapes.get(&ticker).map_or(0, |t| t.1), prints, "{ticker}: prints");
    }
    let prints: u64 = truth.values().map(|t| t.1).sum();
    assert!(
        prints > summary.volume_raising * 11 / 10,
        "thinning hides trades: {prints} true prints, {} messages raised a volume",
        summary.volume_raising
    );
    assert!(summary.messages > 200_000, "{summary:?}");
    let share = summary.volume_raising * 100 / summary.messages;
    assert!((10..=35).contains(&share), "{share} % of the messages raise the volume");
}

fn volumes_of_counters(sim: &SimHandle, symbols: &[Symbol]) -> BTreeMap<String, i64> {
    let counters = sim.counters();
    let volume = |s: &Symbol| Some((s.ticker(), counters.last_volume(&s.ticker())?));
    symbols.iter().filter_map(volume).collect()
}

/// Volume and number of prints by ticker, as `/timeandsales` tells them; its own limit is off with the others.
fn volumes_of_tapes(sim: &SimHandle, symbols: &[Symbol]) -> BTreeMap<String, (i64, u64)> {
    let mut all = BTreeMap::new();
    for symbol in symbols {
        let path = format!("/timeandsales/{}@{}", symbol.code, symbol.exchange);
        let answer = send(sim.port(), &request("GET", &path, "Connection: close\r\n", ""));
        if answer.status != 200 {
            assert!(
                !symbol.is_equity() || symbol.code.len() == 3,
                "{}: {}",
                symbol.ticker(),
                answer.body
            );
            continue;
        }
        let tape: Value = serde_json::from_str(&answer.body).unwrap();
        let prints = tape["TradingPrice"].as_array().unwrap();
        assert_eq!(tape["TradingPriceCount"].as_u64().unwrap(), prints.len() as u64);
        let volume = prints.iter().map(|p| p["Volume"].as_f64().unwrap() as i64).sum();
        all.insert(symbol.ticker(), (volume, prints.len() as u64));
    }
    all
}

/// Volume and number of prints by ticker in the ground truth; its cumulative column must be the running sum.
fn volumes_of_truth(path: &Path) -> BTreeMap<String, (i64, u64)> {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut lines = file.lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "time,symbol,price,qty,volume,kind");
    let mut all: BTreeMap<String, (i64, u64)> = BTreeMap::new();
    let mut last = String::new();
    for line in lines {
        let field: Vec<&str> = line.split(',').collect();
        assert_eq!(field.len(), 6, "{line}");
        assert!(field[0] >= last.as_str(), "{line}: the truth is in order of time");
        last = field[0].to_owned();
        let qty: i64 = field[3].parse().unwrap();
        assert!(qty > 0, "{line}");
        let sum = all.entry(field[1].to_owned()).or_default();
        *sum = (sum.0 + qty, sum.1 + 1);
        assert_eq!(field[4].parse::<i64>().unwrap(), sum.0, "{line}");
    }
    all
}

/// Everything a client sees and the whole truth, as one text.
fn bytes(seed: u64) -> (Vec<String>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.csv");
    let symbols = symbols(8);
    let sim = whole_day(seed, &symbols, 4.0, &truth);
    let mut push = Push::open(sim.port());
    register(sim.port(), &symbols);
    let mut texts = Vec::new();
    loop {
        let counters = sim.counters();
        if counters.source_finished && texts.len() as u64 == counters.messages_sent {
            sim.stop();
            return (texts, std::fs::read(&truth).unwrap());
        }
        texts.push(push.text());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_two_seeds_differ() {
    let [(first, truth), (again, again_truth), (other, other_truth)] = [7, 7, 8].map(bytes);
    assert!(first == again && truth == again_truth);
    assert!(first != other && truth != other_truth);
    assert!(first.len() > 5_000, "{}", first.len());
}
