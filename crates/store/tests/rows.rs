//! What a window looks like in the tables.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use ayumi_engine::batch::{BookSource, Cause};
use ayumi_engine::jst::{Date, iso_ms};
use ayumi_engine::num::{Price, Qty};
use ayumi_store::reader::Reader;
use ayumi_store::{Sink, SqliteSink, StoreError, Written, window_checksum};
use support::{BATCH_ROWS, START, WIDTH, batch, count, dump, options, today};

#[test]
fn values_of_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut window = batch(0);
    window.symbols[1].book = None;
    window.symbols[1].burst.last_signal_ms = Some(START);
    window.symbols[1].burst.buy = true;
    // Only its book changed: no tick and no feature row.
    window.symbols[2].ticks = 0;
    let empty_side = window.symbols[2].book.as_mut().unwrap();
    (empty_side.ask1, empty_side.sell_top3, empty_side.source) = (None, Qty(0), BookSource::Rest);
    window.symbols[2].last_price = Price(0);
    let written = sink.write(&window).unwrap();
    assert_eq!((written.rows, written.already_stored), (2 + 3 + 2 + 2, false));
    let (start, end) = ("2025-11-20T09:00:00.300+09:00", "2025-11-20T09:00:00.600+09:00");
    assert_eq!(
        dump(&path, "SELECT * FROM tick_batch ORDER BY rowid"),
        [
            format!("7203|{start}|{end}|3|2|1|500.0|2846.5|{START}|2"),
            format!("285A|{start}|{end}|3|2|1|500.0|2846.5|{START}|2"),
        ]
    );
    let spread = window.symbols[0].book.unwrap().spread_bp().unwrap();
    assert_eq!(
        dump(&path, "SELECT * FROM orderbook_snapshot ORDER BY rowid"),
        [
            format!("7203|{end}|2846.0|2846.5|{spread:?}|1200|800|{START}|push"),
            format!("285A|{end}|-|-|-|-|-|{START}|-"),
            format!("167060019@23|{end}|2846.0|-|-|1200|0|{START}|rest"),
        ]
    );
    let ratio = 2.0 / 3.0;
    assert_eq!(
        dump(&path, "SELECT * FROM features_stream ORDER BY rowid"),
        [
            format!("7203|{end}|{ratio:?}|500.0|{spread:?}|1200|800|0.2|0|0|0.0|0|1.0||{START}"),
            format!("285A|{end}|{ratio:?}|500.0|-|-|-|-|1|0|0.0|0|1.0|{start}|{START}"),
        ]
    );
    assert_eq!(
        dump(&path, "SELECT * FROM volume_ledger ORDER BY rowid"),
        [
            format!("7203|2025-11-20|gap|700.0|2025-11-20T08:59:55.300+09:00|2025-11-20T09:00:00.301+09:00|{START}"),
            format!(
                "167060019@23|2025-11-20|decrease|-30.0|2025-11-20T08:59:55.300+09:00|2025-11-20T09:00:00.301+09:00|{START}"
            ),
        ]
    );
    assert_eq!(
        dump(
            &path,
            "SELECT window_id, ts_start, ts_end, messages, ticks, merged, merged_windows, rejected FROM window_log"
        ),
        [format!("{START}|{start}|{end}|12|9|1|0|2")]
    );
    assert_eq!(count(&path, "stream_state"), 3);
}

#[test]
fn s19_a_window_given_twice_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    assert_eq!(sink.write(&batch(0)).unwrap().rows, BATCH_ROWS);
    let again = sink.write(&batch(0)).unwrap();
    assert_eq!((again.rows, again.already_stored), (0, true));
    let first = sink.close().unwrap();
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    assert_eq!(sink.last_window_end_ms().unwrap(), Some(START + WIDTH));
    let again = sink.write(&batch(0)).unwrap();
    assert!(again.already_stored && again.durable, "{again:?}");
    let second = sink.close().unwrap();
    assert_eq!((first.windows, first.rows), (1, BATCH_ROWS));
    assert_eq!(
        (second.windows, second.rows, second.digest),
        (1, 0, first.digest),
        "a replay twice: same digest"
    );
    assert_eq!(count(&path, "tick_batch"), 3);
}

#[test]
fn rows_that_stand_win_and_the_checksum_is_about_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    // The same end under another start: what a change of window_ms between two runs can bring.
    let mut overlapping = batch(0);
    overlapping.start_ms += 100;
    overlapping.symbols[0].volume = Qty(9_999);
    let written = sink.write(&overlapping).unwrap();
    assert_eq!(
        written,
        Written {
            rows: 2,
            durable: false,
            already_stored: false
        },
        "the ledger rows only: by their states, the sizes are counted already"
    );
    let again = sink.write(&overlapping).unwrap();
    assert_eq!((again.rows, again.already_stored), (0, true));
    assert_eq!(
        dump(&path, "SELECT vol_sum FROM tick_batch WHERE ticker = '7203'"),
        ["500.0"]
    );
    let totals = sink.close().unwrap();
    let verified = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!(
        (verified.windows, verified.damaged, verified.digest),
        (2, vec![], totals.digest)
    );
}

#[test]
fn checksums_are_recomputed_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let options = options(&path);
    let tickers = options.tickers.clone();
    let mut sink = SqliteSink::open(options, today()).unwrap();
    let mut expected = 0u64;
    for n in 0..20 {
        let mut window = batch(n);
        window.symbols[0].volume = Qty(n * 100);
        window.symbols[1].burst.score = 1.0 / (n + 1) as f64;
        window.symbols[2].book = None;
        expected = expected.wrapping_add(window_checksum(&window, &tickers));
        sink.write(&window).unwrap();
    }
    assert_eq!(sink.totals().digest, expected);
    sink.close().unwrap();
    let reader = Reader::open(&path).unwrap();
    let verified = reader.verify().unwrap();
    assert_eq!((verified.windows, verified.digest), (20, expected));
    assert_eq!(verified.damaged, Vec::<i64>::new());
    assert_eq!(reader.digest(i64::MIN, i64::MAX).unwrap(), expected);
    let third = START + 2 * WIDTH;
    let hand = support::other(&path);
    hand.execute(
        "UPDATE volume_ledger SET volume = volume + 1 WHERE window_id = ?1",
        [third],
    )
    .unwrap();
    assert_eq!(reader.verify().unwrap().damaged, [third]);
}

#[test]
fn a_symbol_without_ticker_is_refused_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut window = batch(0);
    window.ledger.push(support::ledger(9, 1, Cause::Guard));
    let error = sink.write(&window).unwrap_err();
    assert!(
        matches!(error, StoreError::UnknownSymbol { .. }) && !error.is_retryable(),
        "{error}"
    );
    assert_eq!(count(&path, "window_log"), 0);
}

#[test]
fn t02_a_file_per_day() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&folder.path().join("{date}").join("ticks.db"));
    options.durability = ayumi_store::Durability::Balanced;
    let mut sink = SqliteSink::open(options.clone(), today()).unwrap();
    let first = sink.path().to_owned();
    assert_eq!(first, folder.path().join("2025-11-20").join("ticks.db"));
    let mut evening = batch(0);
    let tomorrow = Date::from_days(today().days() + 1);
    // The night session's trading date begins in the evening before.
    evening.states[2].trading_date = tomorrow;
    sink.write(&evening).unwrap();
    let mut morning = batch((86_400_000 - 9 * 3_600_000) / WIDTH);
    morning.states.truncate(1);
    morning.states[0].trading_date = tomorrow;
    assert_eq!(morning.date, tomorrow, "{}", iso_ms(morning.start_ms));
    sink.write(&morning).unwrap();
    let second = sink.path().to_owned();
    assert_eq!(second, folder.path().join("2025-11-21").join("ticks.db"));
    assert_eq!((count(&first, "tick_batch"), count(&second, "tick_batch")), (3, 3));
    // The first day's lock is free, the second day's is taken.
    SqliteSink::open(options.clone(), today()).unwrap().close().unwrap();
    assert!(matches!(
        SqliteSink::open(options.clone(), tomorrow),
        Err(StoreError::Locked { .. })
    ));
    assert_eq!(sink.close().unwrap().windows, 2);
    let sink = SqliteSink::open(options, tomorrow).unwrap();
    let states = sink.load_states(tomorrow).unwrap();
    assert_eq!(
        states,
        [morning.states[0], evening.states[2]],
        "also the one that stands in yesterday's file"
    );
}

#[test]
fn readers_get_the_newest_rows_with_their_book() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.latest_since(0, 10).unwrap(), []);
    for n in 0..4 {
        let mut window = batch(n);
        window.symbols[1].book = None;
        sink.write(&window).unwrap();
    }
    let rows = reader.latest_since(0, 4).unwrap();
    assert_eq!(rows.iter().map(|r| r.rowid).collect::<Vec<_>>(), [9, 10, 11, 12]);
    let (known, unknown) = (&rows[1], &rows[2]);
    assert_eq!(
        (known.ticker.as_str(), known.bid1, known.ask1),
        ("7203", Some(2846.0), Some(2846.5))
    );
    assert_eq!((known.ticks, known.vol_sum, known.last_price), (3, 500.0, 2846.5));
    assert_eq!(known.ts_end, iso_ms(START + 4 * WIDTH));
    assert!(known.spread_bp.is_some() && known.uptick_ratio.is_some_and(|u| (u - 2.0 / 3.0).abs() < 1e-9));
    assert_eq!(
        (unknown.bid1, unknown.spread_bp, unknown.uptick_ratio.is_some()),
        (None, None, true)
    );
    assert_eq!(reader.latest_since(12, 10).unwrap(), []);
    assert_eq!(reader.counts().unwrap(), (4, 12));
    assert!(matches!(
        Reader::open(&folder.path().join("none.db")),
        Err(StoreError::Io { .. })
    ));
}

#[test]
fn x01_a_poller_sees_whole_windows_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    const WINDOWS: i64 = 150;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..WINDOWS {
                sink.write(&batch(n)).unwrap();
            }
        });
        let reader = Reader::open(&path).unwrap();
        let (mut rowid, mut seen) = (0, Vec::new());
        while seen.len() < 3 * WINDOWS as usize {
            let rows = reader.latest_since(rowid, usize::MAX).unwrap();
            assert_eq!(rows.len() % 3, 0, "whole windows only");
            assert!(
                rows.iter()
                    .all(|r| r.rowid > rowid && r.bid1.is_some() && r.uptick_ratio.is_some())
            );
            rowid = rows.last().map_or(rowid, |r| r.rowid);
            seen.extend(rows.into_iter().map(|r| r.ts_end));
        }
        assert!(seen.is_sorted());
        assert_eq!(reader.verify().unwrap().damaged, Vec::<i64>::new());
    });
}
