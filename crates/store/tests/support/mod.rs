//! Batches to write and databases to look into.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::Path;
use std::time::Duration;

use ayumi_engine::batch::{Batch, BookSource, BookView, Burst, Cause, LedgerRow, StateRow, SymbolWindow, WindowCounts};
use ayumi_engine::jst::Date;
use ayumi_engine::num::{Price, Qty};
use ayumi_engine::{Stamp, SymbolId};
use ayumi_store::{Durability, Options, Purpose};
use rusqlite::Connection;

/// 2025-11-20T09:00:00.300+09:00.
pub const START: i64 = 1_763_596_800_300;
pub const WIDTH: i64 = 300;

pub fn today() -> Date {
    Stamp::from_ms(START).date()
}

pub fn options(path: &Path) -> Options {
    Options {
        path: path.to_owned(),
        tickers: ["7203", "285A", "167060019@23"].map(String::from).to_vec(),
        durability: Durability::Seed,
        window_ms: WIDTH,
        busy_timeout: Duration::from_millis(50),
        purpose: Purpose::Record,
    }
}

pub fn book() -> BookView {
    BookView {
        bid1: Some(Price::from_yen(2846)),
        ask1: Some(Price(28_465_000)),
        buy_top3: Qty(1200),
        sell_top3: Qty(800),
        ordinary: true,
        comparable: true,
        source: BookSource::Push,
    }
}

pub fn symbol(id: u16) -> SymbolWindow {
    SymbolWindow {
        symbol: SymbolId(id),
        ticks: 3,
        upticks: 2,
        downticks: 1,
        trades: 2,
        volume: Qty(500),
        last_price: Price(28_465_000),
        book: Some(book()),
        snapshot: true,
        burst: Burst::COLD,
    }
}

pub fn ledger(id: u16, volume: i64, cause: Cause) -> LedgerRow {
    LedgerRow {
        symbol: SymbolId(id),
        trading_date: today(),
        cause,
        volume: Qty(volume),
        from: Stamp::from_ms(START - 5_000),
        to: Stamp::from_ms(START + 1),
    }
}

pub fn state(id: u16, last: i64) -> StateRow {
    StateRow {
        symbol: SymbolId(id),
        trading_date: today(),
        base: Some(Qty(100)),
        last: Some(Qty(last)),
        last_at: Some(Stamp(START * 1_000_000 + 123_456)),
        null_at: None,
        last_price: Some(Price(28_465_000)),
    }
}

/// The n-th window of the day: all three symbols, two ledger rows, states.
pub fn batch(n: i64) -> Batch {
    let start_ms = START + n * WIDTH;
    Batch {
        start_ms,
        end_ms: start_ms + WIDTH,
        date: Stamp::from_ms(start_ms).date(),
        symbols: (0..3).map(symbol).collect(),
        ledger: vec![ledger(0, 700, Cause::Gap), ledger(2, -30, Cause::Decrease)],
        states: (0..3).map(|id| state(id, 1000 + n)).collect(),
        counts: WindowCounts {
            messages: 12,
            ticks: 9,
            merged: 1,
            rejected: 2,
        },
        merged_windows: 0,
    }
}

/// Rows that [`batch`] stands for.
pub const BATCH_ROWS: u64 = 3 + 3 + 3 + 2;

/// A second connection, as another program would have it.
pub fn other(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::ZERO).unwrap();
    connection
}

pub fn count(path: &Path, table: &str) -> i64 {
    other(path)
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
        .unwrap()
}

/// Every row of a query as text, columns joined by `|`, NULL as `-`.
pub fn dump(path: &Path, sql: &str) -> Vec<String> {
    let connection = other(path);
    let mut statement = connection.prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement
        .query_map([], |row| {
            let cells: Vec<String> = (0..width)
                .map(|at| match row.get_ref(at).unwrap() {
                    rusqlite::types::ValueRef::Null => "-".to_owned(),
                    rusqlite::types::ValueRef::Integer(value) => value.to_string(),
                    rusqlite::types::ValueRef::Real(value) => format!("{value:?}"),
                    rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    rusqlite::types::ValueRef::Blob(_) => "blob".to_owned(),
                })
                .collect();
            Ok(cells.join("|"))
        })
        .unwrap();
    rows.map(Result::unwrap).collect()
}
