//! A recorded trading day, played by the simulator over a real WebSocket into the real binary. What must come out is
//! computed here from the recording alone. The recording is no part of the repository: `AYUMI_REALDATA` names its
//! folder, and without it these tests say that they are skipped.
#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Instant;

use ayumi_engine::Stamp;
use ayumi_sim::{RecordingConfig, SimConfig, SimHandle, Source, Speed};
use serde_json::{Value, json};
use support::{Desk, Store, at_station, skip, station, station_again, wait_for};

/// What the recording holds, in its own order.
struct Recording {
    path: PathBuf,
    messages: Vec<Message>,
}

#[derive(Clone, Copy)]
struct Message {
    at: f64,
    price: f64,
    volume: i64,
}

const FIRST_SECOND: i64 = 1_761_869_097;
const WINDOW_MS: i64 = 300;

fn recording() -> Option<Recording> {
    let folder = std::env::var_os("AYUMI_REALDATA").map(PathBuf::from);
    let path = folder.map(|folder| folder.join("push_247A_20251031.jsonl.gz"));
    let Some(path) = path.filter(|path| path.exists()) else {
        skip("AYUMI_REALDATA does not name a folder with push_247A_20251031.jsonl.gz");
        return None;
    };
    let file = std::fs::File::open(&path).expect("opened");
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let messages = lines.map(|line| {
        let line: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        let number = |name: &str| line["msg"][name].as_f64().expect("a number");
        Message {
            at: line["t_recv"].as_f64().expect("a time"),
            price: number("CurrentPrice"),
            volume: number("TradingVolume") as i64,
        }
    });
    let messages: Vec<Message> = messages.collect();
    assert_eq!(messages.len(), 29_737);
    assert!(
        messages.is_sorted_by(|a, b| a.volume <= b.volume),
        "volume never falls in it"
    );
    Some(Recording { path, messages })
}

impl Recording {
    fn growth(&self) -> i64 {
        self.messages.last().expect("some").volume - self.messages[0].volume
    }

    /// Ups and downs from one price to the next, among the messages that pass.
    fn moves(&self, passes: impl Fn(&Message) -> bool) -> (i64, i64) {
        let prices: Vec<f64> = self.messages.iter().filter(|m| passes(m)).map(|m| m.price).collect();
        let count = |up: bool| {
            prices
                .windows(2)
                .filter(|p| p[0] != p[1] && (p[1] > p[0]) == up)
                .count() as i64
        };
        (count(true), count(false))
    }

    /// Growth that came with messages that do not pass.
    fn growth_without(&self, passes: impl Fn(&Message) -> bool) -> i64 {
        let pairs = self.messages.windows(2).filter(|pair| !passes(&pair[1]));
        pairs.map(|pair| pair[1].volume - pair[0].volume).sum()
    }

    fn station(&self, change: impl FnOnce(&mut SimConfig)) -> SimHandle {
        station(|config| self.set(config, change))
    }

    fn set(&self, config: &mut SimConfig, change: impl FnOnce(&mut SimConfig)) {
        config.source = Source::Recording(RecordingConfig::new(&self.path));
        // Nobody is reset because the machine that runs the tests is slow.
        config.slow_reader_limit = 1 << 30;
        change(config);
    }
}

/// A worker's clock that shows `offset` seconds after the begin of the recording.
fn clock(offset: i64, speed: u32) -> String {
    let time = ayumi_wire::jst::iso_s(FIRST_SECOND + offset);
    format!("{}@{speed}", &time[..19])
}

/// Settings under which an accelerated day loses no detail; the silence watch is not meant for a thousandfold clock.
fn desk(station: &SimHandle, more: Value) -> Desk {
    let mut settings = json!({
        "symbols": ["247A"], "tick_queue_max": 1_000_000, "pending_max": 100_000,
        "websocket": {"recv_timeout": 600.0},
    });
    for (key, value) in more.as_object().expect("settings") {
        settings[key] = value.clone();
    }
    Desk::online(station.port(), settings)
}

/// Waits until the station has sent everything and the worker has received it.
fn played(station: &SimHandle) {
    at_station(station, "the end of the recording", |c| c.source_finished);
}

fn counted(store: &Store) -> i64 {
    store.number("SELECT sum(messages) FROM window_log")
}

/// The last volume that is stored, and nothing before it missing.
fn closes(store: &Store, recording: &Recording) {
    store.check(WINDOW_MS, 2);
    let state = store.column("SELECT base_volume || ' ' || last_volume FROM stream_state WHERE ticker = '247A'");
    let (first, last) = (
        recording.messages[0].volume,
        recording.messages.last().expect("some").volume,
    );
    assert_eq!(state, [format!("{first} {last}")]);
    let booked = store.number("SELECT sum(volume) FROM volume_ledger");
    assert_eq!(store.sizes() + booked, recording.growth());
}

#[test]
fn g03_a_recorded_day_is_stored_to_the_last_share() {
    let Some(recording) = recording() else { return };
    let station = recording.station(|c| c.speed = Speed::Times(1500.0));
    let desk = desk(&station, json!({}));
    let worker = desk.stream(&["--clock", &clock(0, 1500)]);
    played(&station);
    let store = desk.stored();
    wait_for("all messages in the database", || {
        (counted(&store) == 29_737).then_some(())
    });
    let ended = worker.stop().expect(0);
    let totals = ended.totals();
    assert_eq!(station.counters().messages_sent, 29_737);
    assert_eq!(
        (totals["received"], totals["stored"], totals["rejected"]),
        (29_737, 29_737, 0)
    );
    assert_eq!((totals["merged"], totals["ledger"]), (0, 0));
    closes(&store, &recording);
    assert_eq!(store.sizes(), recording.growth());
    let moves = (
        store.number("SELECT sum(upticks) FROM tick_batch"),
        store.number("SELECT sum(downticks) FROM tick_batch"),
    );
    assert_eq!(moves, recording.moves(|_| true));
    let last: f64 = store.one("SELECT last_price FROM tick_batch ORDER BY window_id DESC LIMIT 1");
    assert_eq!(last, recording.messages.last().expect("some").price);
    assert!(store.number("SELECT count(*) FROM orderbook_snapshot WHERE spread_bp > 0") > 1_000);
}

#[test]
fn g02_a_day_at_full_speed_with_a_guard_is_counted_by_cause() {
    let Some(recording) = recording() else { return };
    let passes = |m: &Message| (2000.0..=2100.0).contains(&m.price);
    let station = recording.station(|c| c.speed = Speed::Full);
    let guard = json!({"price_guard": {"247A": {"min": 2000, "max": 2100}}});
    let desk = desk(&station, guard);
    let worker = desk.stream(&["--clock", &clock(0, 20)]);
    played(&station);
    let store = desk.stored();
    wait_for("all messages in the database", || {
        (counted(&store) == 29_737).then_some(())
    });
    let ended = worker.stop().expect(0);
    let totals = ended.totals();
    let dropped = recording.messages.iter().filter(|m| !passes(m)).count() as i64;
    assert!(dropped > 0);
    assert_eq!((totals["received"], totals["rejected.guard"]), (29_737, dropped));
    assert_eq!((totals["rejected"], totals["stored"]), (dropped, 29_737 - dropped));
    assert_eq!(store.number("SELECT sum(rejected) FROM window_log"), dropped);
    closes(&store, &recording);
    let guarded = recording.growth_without(passes);
    assert!(guarded > 0);
    assert_eq!((store.ledger("guard"), totals["ledger.guard"]), (guarded, guarded));
    assert_eq!(store.sizes(), recording.growth() - guarded);
    let moves = (
        store.number("SELECT sum(upticks) FROM tick_batch"),
        store.number("SELECT sum(downticks) FROM tick_batch"),
    );
    assert_eq!(moves, recording.moves(passes));
    ended.says(&["price guard drop symbol=247A price=", "bounds=(2000, 2100)"]);
}

#[test]
fn g10_a_station_that_is_restarted_leaves_a_marked_gap() {
    let Some(recording) = recording() else { return };
    let station = recording.station(|c| c.speed = Speed::Times(3000.0));
    let desk = desk(&station, json!({}));
    let worker = desk.stream(&["--clock", &clock(0, 3000)]);
    at_station(&station, "a third of the day", |c| c.messages_sent > 10_000);
    let port = station.port();
    station.stop();
    // The new one begins where nothing of the old one can have been.
    let resumed = recording.messages[20_000];
    let station = station_again(port, |config| {
        recording.set(config, |c| {
            c.speed = Speed::Times(3000.0);
            c.start = Some(Stamp::from_ms((resumed.at * 1000.0) as i64));
        });
    });
    played(&station);
    let store = desk.stored();
    let last = recording.messages.last().expect("some").volume;
    wait_for("the last volume", || {
        (store.number("SELECT last_volume FROM stream_state") == last).then_some(())
    });
    let ended = worker.stop().expect(0);
    let totals = ended.totals();
    ended.says(&[
        "disconnected from PUSH server",
        "connected (symbols=1)",
        "-> volume_ledger (gap)",
    ]);
    closes(&store, &recording);
    let gap = store.ledger("gap");
    assert!(gap > 0);
    assert_eq!(totals["ledger.gap"], gap);
    assert_eq!(totals["received"], counted(&store));
}

#[test]
fn g05_a_worker_that_is_killed_and_restarted_closes_its_books() {
    let Some(recording) = recording() else { return };
    let speed = 3000;
    let station = recording.station(|c| c.speed = Speed::Times(f64::from(speed)));
    let desk = desk(&station, json!({}));
    let began = Instant::now();
    let worker = desk.stream(&["--clock", &clock(0, speed)]);
    at_station(&station, "a third of the day", |c| c.messages_sent > 10_000);
    worker.kill();
    let store = desk.store();
    let before = (counted(&store), store.sizes());
    assert!(before.0 > 0, "something was stored");
    // A few hundred messages go by while nobody listens.
    at_station(&station, "missed messages", |c| c.messages_undelivered > 300);
    let offset = (began.elapsed().as_secs_f64() * f64::from(speed)) as i64 + 1;
    let worker = desk.stream(&["--clock", &clock(offset, speed)]);
    played(&station);
    let last = recording.messages.last().expect("some").volume;
    wait_for("the last volume", || {
        (store.number("SELECT last_volume FROM stream_state") == last).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    closes(&store, &recording);
    let gap = store.ledger("gap");
    assert!(gap > 0);
    assert_eq!(totals["ledger.gap"], gap);
    assert_eq!(counted(&store), before.0 + totals["received"]);
    assert_eq!(store.sizes(), before.1 + totals["volume"]);
}
