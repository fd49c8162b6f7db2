//! Whatever is written, how often, and with how many restarts: each window once, and states come back exactly.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use ayumi_engine::batch::{Batch, StateRow};
use ayumi_engine::jst::Date;
use ayumi_engine::num::{Price, Qty};
use ayumi_engine::{Stamp, SymbolId};
use ayumi_store::reader::Reader;
use ayumi_store::{Sink, SqliteSink, window_checksum};
use proptest::prelude::*;
use support::{batch, options, today};

/// A window with a random set of symbols, books and volumes.
fn any_window(n: i64) -> impl Strategy<Value = Batch> {
    prop::collection::vec(
        (0u32..3, any::<bool>(), any::<bool>(), 0i64..1_000_000, 0i64..90_000_000),
        3,
    )
    .prop_map(move |symbols| {
        let mut window = batch(n);
        for (entry, (ticks, known, snapshot, volume, price)) in window.symbols.iter_mut().zip(symbols) {
            entry.ticks = ticks;
            entry.snapshot = snapshot || ticks > 0;
            entry.volume = Qty(volume);
            entry.last_price = Price(price);
            entry.book = entry.book.filter(|_| known);
        }
        window
    })
}

/// Windows in order, each with how often it is written and whether the sink restarts after it.
fn any_run() -> impl Strategy<Value = Vec<(Batch, u8, bool)>> {
    (1usize..6).prop_flat_map(|len| {
        (0..len as i64)
            .map(|n| (any_window(n), 1u8..4, prop::bool::weighted(0.2)))
            .collect::<Vec<_>>()
    })
}

fn any_state() -> impl Strategy<Value = StateRow> {
    (
        0u16..3,
        0i64..2_900_000,
        any::<Option<i64>>(),
        any::<Option<i64>>(),
        any::<Option<i64>>(),
        any::<Option<i64>>(),
        any::<Option<i64>>(),
    )
        .prop_map(|(symbol, day, base, last, last_at, null_at, price)| StateRow {
            symbol: SymbolId(symbol),
            trading_date: Date::from_days(day),
            base: base.map(Qty),
            last: last.map(Qty),
            last_at: last_at.map(Stamp),
            null_at: null_at.map(Stamp),
            last_price: price.map(Price),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s19_writing_again_changes_nothing(run in any_run()) {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder.path().join("day.db"));
        let mut sink = SqliteSink::open(options.clone(), today()).unwrap();
        let (mut expected, mut rows) = (0u64, 0u64);
        for (window, times, restart) in &run {
            expected = expected.wrapping_add(window_checksum(window, &options.tickers));
            for time in 0..*times {
                let written = sink.write(window).unwrap();
                prop_assert_eq!(written.already_stored, time > 0);
                rows += written.rows;
            }
            if *restart {
                drop(sink);
                sink = SqliteSink::open(options.clone(), today()).unwrap();
            }
        }
        prop_assert_eq!(sink.last_window_end_ms().unwrap(), run.last().map(|(w, ..)| w.end_ms));
        drop(sink);
        let verified = Reader::open(&options.path).unwrap().verify().unwrap();
        prop_assert_eq!(verified.damaged, Vec::<i64>::new());
        prop_assert_eq!(verified.windows, run.len() as u64);
        prop_assert_eq!(verified.digest, expected);
        let stored: i64 = ["tick_batch", "orderbook_snapshot", "features_stream", "volume_ledger"]
            .map(|table| support::count(&options.path, table)).iter().sum();
        prop_assert_eq!(stored.unsigned_abs(), rows);
    }

    #[test]
    fn p04_states_come_back_exactly(states in prop::collection::vec(any_state(), 0..12), from in 0i64..2_900_000) {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder.path().join("day.db"));
        let mut sink = SqliteSink::open(options.clone(), today()).unwrap();
        let mut expected: Vec<StateRow> = Vec::new();
        for (n, state) in states.iter().enumerate() {
            let mut window = batch(n as i64);
            window.states = vec![*state];
            sink.write(&window).unwrap();
            expected.retain(|s| (s.symbol, s.trading_date) != (state.symbol, state.trading_date));
            expected.push(*state);
        }
        sink.close().unwrap();
        let from = Date::from_days(from);
        expected.retain(|s| s.trading_date >= from);
        expected.sort_by_key(|s| (s.symbol, s.trading_date));
        let sink = SqliteSink::open(options.clone(), today()).unwrap();
        prop_assert_eq!(sink.load_states(from).unwrap(), expected.clone());
        drop(sink);
        // Another list of symbols: numbers are by the list, rows by the ticker.
        let mut fewer = options;
        fewer.tickers = vec!["285A".to_owned()];
        let sink = SqliteSink::open(fewer, today()).unwrap();
        expected.retain(|s| s.symbol == SymbolId(1));
        expected.iter_mut().for_each(|s| s.symbol = SymbolId(0));
        prop_assert_eq!(sink.load_states(from).unwrap(), expected);
    }
}
