//! A morning that has everything at once: an opening burst against a locked database, so that windows are merged, reset
//! lines, guarded prices, books by `/board`, an orderly restart and a kill. The replay of its journal is the database.
//!
//! Three mornings at the same time, each with a market of its own; `AYUMI_MORNINGS=20` makes it so many.
#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use ayumi_engine::{Stamp, Symbol};
use ayumi_journal::{JournalReader, Kind};
use ayumi_sim::{Cut, Hours, MarketConfig, SimHandle, Source, Speed, well_known};
use ayumi_store::reader::Reader;
use rusqlite::Connection;
use serde_json::{Value, json};
use support::again::{TABLES, digest_in, replay, rows, same_rows};
use support::{Desk, Store, TOKEN, Worker, at_once, at_station, line, station, wait_for};

/// Of both clocks.
const SPEED: f64 = 20.0;
const START: &str = "2026-11-20T08:59:30+09:00";
const OPEN: &str = "2026-11-20T09:00:00+09:00";
/// A tenth of a real second.
const WINDOW_MS: i64 = 2_000;

#[test]
fn j05_a_morning_with_everything_in_it_is_replayed_bit_for_bit() {
    let mornings = std::env::var("AYUMI_MORNINGS").map_or(3, |n| n.parse().expect("a number"));
    at_once((21..).take(mornings), |seed| {
        let symbols = well_known(12);
        let station = market(seed, symbols.clone());
        let desk = desk(&station, &symbols);
        let first = opening(&station, &desk);
        killed(&station, &desk);
        replayed_after_the_kill(&desk);
        let last = digest_in(&third(&station, &desk));
        replayed(&desk, [first, last]);
    });
}

fn market(seed: u64, symbols: Vec<Symbol>) -> SimHandle {
    station(|c| {
        c.source = Source::Market(MarketConfig {
            hours: Hours::Session,
            ..MarketConfig::new(seed, symbols, 40.0)
        });
        c.start = Some(jst(START));
        c.speed = Speed::Times(SPEED);
        c.slow_reader_limit = 1 << 30;
    })
}

/// Little room, so that an overload merges; a third of the symbols may not be cheaper than yesterday.
fn desk(station: &SimHandle, symbols: &[Symbol]) -> Desk {
    let tickers: Vec<String> = symbols.iter().map(Symbol::ticker).collect();
    let guards = tickers.iter().step_by(3).map(|ticker| {
        let limits = ask(station, &format!("/symbol/{ticker}@1"));
        let limit = |name: &str| limits[name].as_f64().unwrap_or_else(|| panic!("{name}: {limits}"));
        (
            ticker.clone(),
            json!({"min": f64::midpoint(limit("LowerLimit"), limit("UpperLimit"))}),
        )
    });
    let guards: serde_json::Map<String, Value> = guards.collect();
    Desk::online(
        station.port(),
        json!({
            "symbols": tickers, "journal_dir": "journal", "price_guard": guards, "burst": {}, "window_ms": WINDOW_MS,
            "tick_queue_max": 500, "pending_max": 4, "rest_poll_ms": 10_000, "websocket": {"recv_timeout": 60},
        }),
    )
}

/// The opening against a locked database, and a reset line; the digest that the orderly stop tells.
fn opening(station: &SimHandle, desk: &Desk) -> String {
    let worker = desk.stream(&["--clock", &format!("{}@{SPEED}", &START[..19])]);
    line(station, 1);
    desk.stored();
    let blocker = Connection::open(desk.db()).expect("opened");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("locked");
    wait_for("the open", || (station.now() > jst(OPEN)).then_some(()));
    let sent = station.counters().messages_sent;
    at_station(station, "the burst", |c| c.messages_sent > sent + 2_000);
    station.cut(Cut::Reset);
    line(station, 2);
    more(station, 1_500);
    blocker.execute_batch("ROLLBACK").expect("unlocked");
    more(station, 1_000);
    let ended = worker.stop().expect(0);
    assert!(ended.totals()["merged"] > 0, "the lock made it merge: {}", ended.err);
    digest_in(&ended.err)
}

/// A run with another reset line that is killed while messages come.
fn killed(station: &SimHandle, desk: &Desk) {
    let worker = again(station, desk);
    line(station, 3);
    more(station, 1_000);
    station.cut(Cut::Reset);
    line(station, 4);
    more(station, 1_000);
    // Not while a slow disk holds up the writer: what waits for it is more than one window.
    let store = desk.store();
    wait_for("the writer", || {
        let newest = store.number("SELECT max(window_id) FROM window_log");
        (newest + 3 * WINDOW_MS > station.now().ms()).then_some(())
    });
    worker.kill();
}

/// Whatever was committed is there, unchanged. What there is more is later than all of it: the window that the writer had
/// in its hands, and the open one.
fn replayed_after_the_kill(desk: &Desk) {
    let said = replay(desk, "killed.db", &[]);
    assert!(said.contains("runs=2"), "{said}");
    let (live, replayed) = (rows(&desk.db()), rows(&desk.path("killed.db")));
    for ((table, live), replayed) in TABLES.iter().zip(live).zip(replayed) {
        let missing: Vec<&String> = live.iter().filter(|row| replayed.binary_search(row).is_err()).collect();
        assert!(missing.is_empty(), "{table}: {missing:?}");
    }
    let newest = Store::open(&desk.db()).number("SELECT max(window_id) FROM window_log");
    let count = |desk: &Desk, name: &str, more: &str| {
        let sql = format!("SELECT count(*) FROM window_log {more}");
        Store::open(&desk.path(name)).number(&sql)
    };
    let later = count(desk, "killed.db", &format!("WHERE window_id > {newest}"));
    assert!(later <= 2, "{later} windows more");
    assert_eq!(count(desk, "killed.db", "") - later, count(desk, "ticks.db", ""));
}

/// The last run; what it said.
fn third(station: &SimHandle, desk: &Desk) -> String {
    let worker = again(station, desk);
    line(station, 5);
    more(station, 1_500);
    worker.stop().expect(0).err
}

/// Three replays of all of it.
fn replayed(desk: &Desk, ends: [String; 2]) {
    let verified = Reader::open(&desk.db())
        .and_then(|reader| reader.verify())
        .expect("verified");
    assert_eq!(verified.damaged, Vec::<i64>::new());
    let live = format!("{:016x}", verified.digest);
    for name in ["one.db", "two.db", "three.db"] {
        let said = replay(desk, name, &[]);
        assert!(said.contains("runs=3") && said.contains("lost=0"), "{said}");
        assert_eq!(digest_in(&said), live, "{name}");
        assert!(!said.contains("boards=0 "), "{said}");
        same_rows(desk, name);
    }
    assert!(ends.iter().all(|end| *end != live), "each run is a part");
    had_everything(&desk.store(), &live);
    had_a_burst(desk);
}

fn had_everything(store: &Store, digest: &str) {
    store.check(WINDOW_MS, 3);
    let windows = |what: &str| store.number(&format!("SELECT {what} FROM window_log"));
    // Some messages of a guarded symbol are dropped and others are ticks.
    let guarded = store.number(
        "SELECT count(DISTINCT ticker) FROM volume_ledger l WHERE cause = 'guard'
         AND EXISTS (SELECT 1 FROM tick_batch t WHERE t.ticker = l.ticker)",
    );
    let told = [
        ("windows", windows("count(*)")),
        ("messages", windows("sum(messages)")),
        ("merged", windows("sum(merged)")),
        ("merged_windows", windows("sum(merged_windows)")),
        ("rejected", windows("sum(rejected)")),
        ("guard", store.ledger("guard")),
        ("gap", store.ledger("gap")),
        (
            "boards",
            store.number("SELECT count(*) FROM orderbook_snapshot WHERE source = 'rest'"),
        ),
        ("guarded", guarded),
    ];
    let text: String = told.iter().map(|(what, count)| format!(" {what}={count}")).collect();
    std::io::stderr()
        .write_all(format!("digest={digest}{text}\n").as_bytes())
        .expect("stderr");
    for (what, count) in told {
        assert!(count > 0, "a morning without {what}:{text}");
    }
}

/// The first ten seconds after the open are busier than the last ten of the piece, which are busy, too.
fn had_a_burst(desk: &Desk) {
    let lines = JournalReader::open(&desk.path("journal"), None).expect("a journal");
    let pushed = lines
        .map(|line| line.expect("readable"))
        .filter(|line| line.kind == Kind::Push);
    let times: Vec<i64> = pushed.map(|line| line.at_ns / 1_000_000).collect();
    let within = |from: i64| times.iter().filter(|at| (from..from + 10_000).contains(*at)).count();
    let (open, calm) = (within(jst(OPEN).ms()), within(times[times.len() - 1] - 10_000));
    assert!(open > calm, "{open} messages at the open, {calm} later");
}

/// The worker once more, at the station's time.
fn again(station: &SimHandle, desk: &Desk) -> Worker {
    let now = ayumi_wire::jst::iso_ms(station.now().ms());
    desk.stream(&["--clock", &format!("{}@{SPEED}", &now[..19])])
}

fn more(station: &SimHandle, messages: u64) {
    let sent = station.counters().messages_sent;
    at_station(station, "more messages", |c| c.messages_sent > sent + messages);
}

/// A question to the station's REST side.
fn ask(station: &SimHandle, path: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", station.port())).expect("the station");
    let request =
        format!("GET /kabusapi{path} HTTP/1.1\r\nHost: localhost\r\nX-API-KEY: {TOKEN}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
}

fn jst(text: &str) -> Stamp {
    Stamp::from_ms(ayumi_wire::jst::parse_ms(text).expect("a time"))
}
