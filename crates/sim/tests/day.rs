//! A whole session day through a real socket, every message of it checked against what the station's documents say.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{Hours, MarketConfig, SimHandle, Source, Speed};
use ayumi_wire::jst::Date;
use ayumi_wire::num::Decimal;
use common::{Push, ask, request, send, start};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

const DAY: &str = "2026-11-20";
/// Shares, a letter code, ETFs of unit 1 and 10, an index, a future by day and over the whole day.
const SYMBOLS: [&str; 12] = [
    "7203",
    "9984",
    "8306",
    "9432",
    "6861",
    "285A",
    "1570",
    "1306",
    "1301",
    "101",
    "167120019@23",
    "167120019@2",
];
/// Between two looks whether the day is over.
const LOOK: Duration = Duration::from_millis(100);
const LAST: &str = r#"{"the":"end"}"#;

/// A number of the wire in 1/10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Num(i64);

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        let parsed = Decimal::parse(raw.get()).filter(|d| d.exact);
        parsed
            .map(|d| Self(d.e4))
            .ok_or_else(|| serde::de::Error::custom(raw.get()))
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Level {
    price: Num,
    qty: Num,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    symbol: &'a str,
    exchange: Option<u16>,
    current_price: Option<Num>,
    current_price_time: Option<&'a str>,
    current_price_change_status: Option<&'a str>,
    current_price_status: Option<i32>,
    previous_close: Option<Num>,
    previous_close_time: Option<&'a str>,
    total_market_value: Option<Num>,
    opening_price: Option<Num>,
    high_price: Option<Num>,
    low_price: Option<Num>,
    trading_volume: Option<Num>,
    trading_value: Option<Num>,
    #[serde(rename = "VWAP")]
    vwap: Option<Num>,
    market_order_buy_qty: Option<Num>,
    bid_price: Option<Num>,
    bid_qty: Option<Num>,
    bid_sign: Option<&'a str>,
    ask_price: Option<Num>,
    ask_qty: Option<Num>,
    ask_sign: Option<&'a str>,
    sell1: Option<Level>,
    sell2: Option<Level>,
    sell3: Option<Level>,
    sell9: Option<Level>,
    sell10: Option<Level>,
    buy1: Option<Level>,
    buy2: Option<Level>,
    buy3: Option<Level>,
    buy9: Option<Level>,
    buy10: Option<Level>,
}

fn midnight() -> i64 {
    Date::parse(DAY).unwrap().midnight_s()
}

fn market(truth: &Path) -> SimHandle {
    let symbols: Vec<Symbol> = SYMBOLS.iter().map(|s| s.parse().unwrap()).collect();
    start(|c| {
        c.source = Source::Market(MarketConfig {
            hours: Hours::Session,
            truth: Some(truth.to_owned()),
            ..MarketConfig::new(3, symbols, 8.0)
        });
        c.speed = Speed::Full;
        c.start = Some(Stamp::from_s(midnight() + 7 * 3_600 + 50 * 60));
        c.end = Some(Stamp::from_s(midnight() + 16 * 3_600));
    })
}

fn register_all(port: u16) {
    let entry = |s: &str| {
        let (code, exchange) = s.split_once('@').unwrap_or((s, "1"));
        format!(r#"{{"Symbol":"{code}","Exchange":{exchange}}}"#)
    };
    let list: Vec<String> = SYMBOLS.iter().map(|s| entry(s)).collect();
    let body = format!(r#"{{"Symbols":[{}]}}"#, list.join(","));
    assert_eq!(ask(port, "PUT", "/register", &body).status, 200);
}

/// What was seen of one symbol.
#[derive(Default)]
struct Seen {
    messages: u64,
    raised: u64,
    volume: i64,
    signs: BTreeMap<String, u64>,
    last: Option<(i64, i64)>,
    zeros: u64,
    closed: bool,
}

impl Seen {
    fn check(&mut self, m: &Message<'_>, text: &str) {
        self.messages += 1;
        let volume = m.trading_volume.map_or(0, |v| v.0 / 10_000);
        assert!(volume >= self.volume, "volume fell: {text}");
        self.raised += u64::from(volume > self.volume);
        self.volume = volume;
        *self.signs.entry(m.bid_sign.unwrap_or("null").to_owned()).or_default() += 1;
        self.prices(m, text);
        self.depth(m, text);
        let Some(kind) = m.exchange else { return };
        if kind == 1 {
            phases(m, text, &mut self.zeros, &mut self.closed);
        }
    }

    fn prices(&mut self, m: &Message<'_>, text: &str) {
        let Some(price) = m.current_price else {
            assert!(
                m.high_price.is_none() && m.trading_volume.is_none() && m.vwap.is_none(),
                "{text}"
            );
            return;
        };
        let (high, low) = (m.high_price.unwrap(), m.low_price.unwrap());
        assert!(high >= price && price >= low, "{text}");
        assert!((low..=high).contains(&m.opening_price.unwrap()), "{text}");
        if let Some((before_high, before_low)) = self.last {
            assert!(high.0 >= before_high && low.0 <= before_low, "{text}");
        }
        self.last = Some((high.0, low.0));
        if m.exchange.is_none() {
            return;
        }
        let multiplier = if m.symbol.len() == 9 { 100 } else { 1 };
        let (vwap, volume, value) = (m.vwap.unwrap(), m.trading_volume.unwrap(), m.trading_value.unwrap());
        let product = i128::from(vwap.0) * i128::from(volume.0 / 10_000) * multiplier;
        // The VWAP is rounded to 0.0001: half of that per share.
        let off = (product - i128::from(value.0)).abs();
        assert!(2 * off <= i128::from(volume.0 / 10_000) * multiplier, "{text}");
    }

    fn depth(&self, m: &Message<'_>, text: &str) {
        for (side, up) in [
            ([m.sell1, m.sell2, m.sell3, m.sell9, m.sell10], true),
            ([m.buy1, m.buy2, m.buy3, m.buy9, m.buy10], false),
        ] {
            let levels: Vec<Level> = side.into_iter().flatten().filter(|l| l.price.0 > 0).collect();
            for pair in levels.windows(2) {
                assert_eq!(pair[0].price < pair[1].price, up, "{text}");
                assert!(pair[0].price != pair[1].price, "{text}");
            }
            assert!(levels.iter().all(|l| l.qty.0 > 0), "{text}");
        }
        let (Some(sell), Some(buy)) = (m.bid_price, m.ask_price) else {
            return;
        };
        if m.bid_sign == Some("0101") && m.ask_sign == Some("0101") && sell.0 > 0 && buy.0 > 0 {
            assert!(buy < sell, "{text}");
            assert_eq!((m.sell1.unwrap().price, m.buy1.unwrap().price), (sell, buy), "{text}");
        }
        assert!(sell >= buy || m.bid_sign != Some("0107"), "{text}");
    }
}

/// The phases of a share's day as the message itself tells them.
fn phases(m: &Message<'_>, text: &str, zeros: &mut u64, closed: &mut bool) {
    assert!(
        !*closed || m.current_price_change_status == Some("0061"),
        "nothing after the close: {text}"
    );
    *closed = m.current_price_change_status == Some("0061") && m.current_price_time.unwrap().contains("T15:30:0");
    let zero = m.bid_price == Some(Num(0)) && m.ask_price == Some(Num(0));
    *zeros += u64::from(zero && m.current_price.is_some());
    match (m.current_price, m.bid_sign) {
        (None, Some("0000")) => {
            assert_eq!(m.current_price_change_status, Some(""), "{text}");
            assert!(
                m.bid_price.is_none() && m.ask_price.is_none() && m.sell1.unwrap().price == Num(0),
                "{text}"
            );
            assert!(matches!(m.current_price_status, None | Some(-1)), "{text}");
            assert_eq!(
                m.previous_close_time.is_some(),
                m.total_market_value.is_some(),
                "{text}"
            );
        }
        (None, Some("0107")) => {
            assert_eq!((m.ask_sign, m.current_price_status), (Some("0107"), Some(-1)), "{text}");
            assert_eq!(m.current_price_change_status, Some(""), "{text}");
            assert!(
                m.market_order_buy_qty.unwrap().0 > 0 && m.previous_close.is_some(),
                "{text}"
            );
        }
        (Some(_), Some("0107")) if m.bid_price == m.ask_price => assert_eq!(m.bid_qty, m.ask_qty, "locked: {text}"),
        (Some(_), Some("0101")) => assert_eq!(m.market_order_buy_qty, Some(Num(0)), "{text}"),
        _ => {}
    }
}

/// Tells the other thread when a check has failed.
struct Told<'a>(&'a AtomicBool);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads to the end of the day; what was seen of every symbol.
fn read_day(sim: &SimHandle) -> BTreeMap<String, Seen> {
    let mut push = Push::open(sim.port());
    register_all(sim.port());
    let failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !sim.wait_until(LOOK, |c| c.source_finished) && !failed.load(Ordering::Relaxed) {}
            sim.push_text(LAST);
        });
        let _told = Told(&failed);
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        loop {
            let text = push.text();
            if text == LAST {
                return seen;
            }
            let m: Message<'_> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            let symbol = Symbol {
                code: m.symbol.to_owned(),
                exchange: m.exchange.unwrap_or(1),
            };
            seen.entry(symbol.ticker()).or_default().check(&m, &text);
        }
    })
}

/// Sum, trades and last cumulative volume by ticker.
fn truth_of(path: &Path) -> BTreeMap<String, (i64, u64, i64)> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time,symbol,price,qty,volume,kind"));
    let mut all: BTreeMap<String, (i64, u64, i64)> = BTreeMap::new();
    let mut before = "";
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let [time, symbol, _, qty, volume, _] = fields[..] else {
            panic!("{line}")
        };
        assert!(before <= time, "{line} after {before}");
        before = time;
        let entry = all.entry(symbol.to_owned()).or_default();
        *entry = (
            entry.0 + qty.parse::<i64>().unwrap(),
            entry.1 + 1,
            volume.parse().unwrap(),
        );
        assert_eq!(entry.0, entry.2, "{line}");
    }
    all
}

fn tape_of(port: u16, symbol: &str) -> i64 {
    let symbol: Symbol = symbol.parse().unwrap();
    let answer = send(
        port,
        &request("GET", &format!("/timeandsales/{symbol}"), "Connection: close\r\n", ""),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let value: Value = serde_json::from_str(&answer.body).unwrap();
    let prints = value["TradingPrice"].as_array().unwrap();
    prints.iter().map(|p| p["Volume"].as_f64().unwrap() as i64).sum()
}

#[test]
fn every_message_of_a_day_is_right_and_adds_up_to_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.csv");
    let sim = market(&path);
    let seen = read_day(&sim);
    assert_eq!(seen.len(), SYMBOLS.len());
    let counters = sim.counters();
    let tapes: BTreeMap<&str, i64> = SYMBOLS
        .into_iter()
        .filter(|s| *s != "101")
        .map(|s| (s, tape_of(sim.port(), s)))
        .collect();
    sim.stop();
    let truth = truth_of(&path);
    let (mut prints, mut raised) = (0, 0);
    for (ticker, seen) in &seen {
        if ticker == "101" {
            assert!(seen.messages > 1_000 && seen.volume == 0, "{}", seen.messages);
            continue;
        }
        let (sum, count, _) = truth[ticker];
        assert_eq!(sum, seen.volume, "{ticker}: the truth");
        assert_eq!(
            counters.last_volume(ticker),
            Some(seen.volume),
            "{ticker}: the counters"
        );
        assert_eq!(tapes[ticker.as_str()], seen.volume, "{ticker}: the tape");
        assert!(
            seen.signs["0107"] > 20 && seen.signs["0101"] > 500,
            "{ticker}: {:?}",
            seen.signs
        );
        (prints, raised) = (prints + count, raised + seen.raised);
        if !ticker.contains('@') {
            assert!(
                seen.closed && seen.zeros == 1,
                "{ticker}: {} messages without quotes",
                seen.zeros
            );
        }
    }
    assert!(
        prints * 10 > raised * 14,
        "{prints} trades, {raised} messages that tell of them"
    );
}
