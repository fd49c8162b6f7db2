//! Databases written by the recorder's own sink, window by window.

use std::time::Duration;

use ayumi_engine::batch::{Batch, BookSource, BookView, Burst, Cause, LedgerRow, StateRow, SymbolWindow, WindowCounts};
use ayumi_engine::{Stamp, SymbolId};
use ayumi_store::{Durability, Options, Purpose, Sink, SqliteSink};
use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};

use super::support::process::Ended;
use super::support::{Desk, Worker};

/// 2025-11-20T09:00:00.000+09:00, a Thursday.
pub const START: i64 = 1_763_596_800_000;
pub const WIDTH: i64 = 300;
const HOUR: i64 = 3_600_000;
const TICKERS: [&str; 6] = ["7203", "9984", "285A", "6758", "8306", "167060019@2"];

/// Runs `ayumi verify` in the folder.
pub fn verify(desk: &Desk, args: &[&str]) -> Ended {
    let all: Vec<&str> = ["verify"].iter().chain(args).copied().collect();
    let ended = Worker::start(desk.folder(), &all).ended();
    assert!(!ended.text().contains("panicked"), "{}", ended.text());
    ended
}

/// Counts like the engine does.
pub struct Feed {
    states: Vec<StateRow>,
}

impl Feed {
    fn new(date: Date) -> Self {
        let state = |at: u16| StateRow {
            symbol: SymbolId(at),
            trading_date: date,
            base: Some(Qty(100)),
            last: Some(Qty(100)),
            last_at: Some(Stamp::from_ms(START)),
            null_at: None,
            last_price: Some(Price(28_465_000)),
        };
        Self {
            states: (0..TICKERS.len() as u16).map(state).collect(),
        }
    }

    /// A window that begins so many ms after the first; a symbol with volume 0 has nothing in it.
    pub fn window(&mut self, at: i64, volumes: &[i64]) -> Batch {
        let start_ms = START + at;
        let mut batch = Batch {
            start_ms,
            end_ms: start_ms + WIDTH,
            date: Stamp::from_ms(start_ms).date(),
            symbols: vec![],
            ledger: vec![],
            states: vec![],
            counts: WindowCounts::default(),
            merged_windows: 0,
        };
        for (at, &volume) in volumes.iter().enumerate().filter(|(_, volume)| **volume != 0) {
            let state = &mut self.states[at];
            state.last = state.last.map(|last| Qty(last.0 + volume));
            state.last_at = Some(Stamp::from_ms(start_ms + 1));
            batch.symbols.push(symbol(at as u16, volume));
            batch.states.push(*state);
            batch.counts.ticks += 3;
        }
        batch.counts.rejected = 1;
        batch.counts.messages = batch.counts.ticks + 1;
        batch
    }

    /// Adds volume in no tick to the newest window of a symbol.
    pub fn missed(&mut self, batch: &mut Batch, at: u16, cause: &str, volume: i64) {
        let cause = Cause::ALL.into_iter().find(|c| c.as_str() == cause).unwrap();
        for state in &mut self.states[usize::from(at)..=usize::from(at)] {
            state.last = state.last.map(|last| Qty(last.0 + volume));
            batch.ledger.push(LedgerRow {
                symbol: SymbolId(at),
                trading_date: state.trading_date,
                cause,
                volume: Qty(volume),
                from: Stamp::from_ms(batch.start_ms - 5_000),
                to: Stamp::from_ms(batch.start_ms + 1),
            });
            batch.states.retain(|s| s.symbol != state.symbol);
            batch.states.push(*state);
        }
    }

    /// The next trading date of a symbol.
    fn next_date(&mut self, at: usize) {
        let state = &mut self.states[at];
        state.trading_date = Date::from_days(state.trading_date.days() + 1);
        state.base = state.last;
    }
}

fn symbol(id: u16, volume: i64) -> SymbolWindow {
    SymbolWindow {
        symbol: SymbolId(id),
        ticks: 3,
        upticks: 2,
        downticks: 1,
        trades: 2,
        volume: Qty(volume),
        last_price: Price(28_465_000),
        book: Some(BookView {
            bid1: Some(Price(28_460_000)),
            ask1: Some(Price(28_465_000)),
            buy_top3: Qty(1200),
            sell_top3: Qty(800),
            ordinary: true,
            comparable: true,
            source: BookSource::Push,
        }),
        snapshot: true,
        burst: Burst::COLD,
    }
}

/// A folder with a recorded `ticks.db`.
pub struct Recorded {
    pub desk: Desk,
}

impl Recorded {
    pub fn empty() -> Self {
        Self { desk: Desk::new() }
    }

    /// So many windows of two symbols; a third one has a tick and volume that the guard kept out.
    pub fn new(windows: i64) -> Self {
        let recorded = Self::empty();
        recorded.write(|feed| {
            let third = |n: i64| if n == 0 { 50 } else { 0 };
            let window = |n: i64, feed: &mut Feed| feed.window(n * WIDTH, &[100 + n, 200 + n, third(n)]);
            let mut all: Vec<Batch> = Vec::new();
            for n in 0..windows {
                let mut batch = window(n, feed);
                if n == 3 {
                    feed.missed(&mut batch, 2, "guard", 700);
                }
                all.push(batch);
            }
            all
        });
        recorded
    }

    /// Writes windows as a recorder does, and ends it.
    pub fn write(&self, windows: impl FnOnce(&mut Feed) -> Vec<Batch>) {
        self.write_to("ticks.db", windows);
    }

    fn write_to(&self, name: &str, windows: impl FnOnce(&mut Feed) -> Vec<Batch>) {
        let today = Stamp::from_ms(START).date();
        let options = Options {
            path: self.desk.path(name),
            tickers: TICKERS.map(String::from).to_vec(),
            durability: Durability::Seed,
            window_ms: WIDTH,
            busy_timeout: Duration::from_secs(5),
            purpose: Purpose::Record,
        };
        let mut sink = SqliteSink::open(options, today).unwrap();
        for window in windows(&mut Feed::new(today)) {
            sink.write(&window).unwrap();
        }
        sink.close().unwrap();
    }

    /// Two files of two days; a derivative's second trading date begins in the evening of the first.
    pub fn two_days() -> Desk {
        let recorded = Self::empty();
        recorded.write_to("t-{date}.db", |feed| {
            let first = feed.window(0, &[100, 0, 0, 0, 0, 300]);
            feed.next_date(5);
            let evening = feed.window(8 * HOUR, &[0, 0, 0, 0, 0, 50]);
            feed.next_date(0);
            vec![first, evening, feed.window(24 * HOUR, &[20, 0, 0, 0, 0, 25])]
        });
        recorded.desk
    }

    /// The same file in another folder.
    pub fn copy(&self) -> Self {
        let copy = Self::empty();
        std::fs::copy(self.desk.db(), copy.desk.db()).unwrap();
        copy
    }

    /// Changes it as no recorder would.
    pub fn sql(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.desk.db()).unwrap();
        db.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
}
