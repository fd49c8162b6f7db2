//! The engine as a whole: worked examples, promises as properties, odd input.

mod days;
mod examples;
mod faults;
mod properties;

use super::*;
use crate::batch::{Cause, LedgerRow};
use crate::settings::TickRule;
use crate::symbol::Symbol;
use ayumi_wire::jst;

/// A stamp on Friday 2026-11-20, a trading day.
fn at(time: &str) -> Stamp {
    let (hms, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let whole = jst::parse(format!("2026-11-20T{hms}+09:00").as_bytes()).expect("a time of day");
    let micros: i64 = format!("{fraction:0<6}").parse().expect("digits");
    Stamp(whole.unix_s * 1_000_000_000 + micros * 1000)
}

fn engine(change: impl FnOnce(&mut EngineSettings), now: &str) -> Engine {
    let mut settings = EngineSettings::new(vec![Symbol::tse("7203"), Symbol::tse("285A")]);
    settings.board_mode = BoardMode::Push;
    change(&mut settings);
    let mut engine = Engine::new(settings, at(now));
    engine.on_line_up(at(now));
    engine
}

fn quote(price: &str, volume: &str) -> String {
    format!(
        r#"{{"Exchange":1,"TradingVolume":{volume},"Sell1":{{"Price":101.0,"Qty":300.0,"Sign":"0101"}},"Buy1":{{"Price":100.0,"Qty":200.0,"Sign":"0101"}},"Symbol":"7203","CurrentPrice":{price},"CurrentPriceTime":"2026-11-20T10:00:00+09:00"}}"#
    )
}

fn drain(engine: &mut Engine, now: &str) -> Vec<Batch> {
    outputs(engine, now)
        .into_iter()
        .filter_map(|o| if let Output::Batch(b) = o { Some(b) } else { None })
        .collect()
}

fn outputs(engine: &mut Engine, now: &str) -> Vec<Output> {
    std::iter::from_fn(|| engine.poll(at(now))).collect()
}

#[test]
fn a_window_holds_what_was_received_in_it() {
    let mut engine = engine(|_| {}, "10:00:00.000");
    engine.on_push(quote("100", "1000").as_bytes(), at("10:00:00.010"));
    engine.on_push(quote("101", "1300").as_bytes(), at("10:00:00.100"));
    engine.on_push(quote("100.5", "1300").as_bytes(), at("10:00:00.299"));
    assert_eq!(engine.next_deadline(at("10:00:00.299")), at("10:00:00.300"));
    engine.on_push(quote("100.5", "1400").as_bytes(), at("10:00:00.300"));
    engine.finish(at("10:00:00.450"));
    let batches = drain(&mut engine, "10:00:00.450");
    let [first, second] = &batches[..] else {
        panic!("two windows, got {batches:?}")
    };
    assert_eq!(
        (first.start_ms, first.end_ms),
        (at("10:00:00").ms(), at("10:00:00.300").ms())
    );
    let row = first.symbols[0];
    assert_eq!(
        (row.ticks, row.upticks, row.downticks, row.trades, row.volume.0),
        (3, 1, 1, 1, 300)
    );
    assert_eq!(row.book.and_then(|b| b.spread_bp()), Some(20_000.0 / 201.0));
    assert_eq!(
        (second.end_ms, second.symbols[0].volume.0),
        (at("10:00:00.451").ms(), 100)
    );
    assert_eq!(second.states[0].last.map(|q| q.0), Some(1400));
}

#[test]
fn the_first_window_begins_where_the_run_begins() {
    let mut engine = engine(|_| {}, "10:00:00.120");
    engine.on_push(quote("100", "1000").as_bytes(), at("10:00:00.130"));
    engine.on_clock(at("10:00:00.300"));
    assert_eq!(drain(&mut engine, "10:00:00.300")[0].start_ms, at("10:00:00.120").ms());
}

#[test]
fn d12_a_gap_goes_to_the_ledger_and_is_no_move() {
    let mut engine = engine(|_| {}, "10:00:00");
    engine.on_push(quote("100", "1000").as_bytes(), at("10:00:00.010"));
    engine.on_line_down(at("10:00:00.020"));
    engine.on_line_up(at("10:00:05"));
    engine.on_push(quote("105", "4000").as_bytes(), at("10:00:05.010"));
    engine.on_push(quote("106", "4100").as_bytes(), at("10:00:05.020"));
    engine.finish(at("10:00:05.1"));
    let batches = drain(&mut engine, "10:00:06");
    let last = batches.last().expect("a window");
    let row = last.symbols[0];
    assert_eq!((row.ticks, row.upticks, row.downticks, row.volume.0), (2, 1, 0, 100));
    let expected = LedgerRow {
        symbol: SymbolId(0),
        trading_date: at("10:00:00").date(),
        cause: Cause::Gap,
        volume: ayumi_wire::num::Qty(3000),
        from: at("10:00:00.010"),
        to: at("10:00:05.010"),
    };
    assert_eq!(last.ledger, [expected]);
}

#[test]
fn n04_a_market_that_is_quiet_again_and_again_is_told_once_a_minute() {
    let mut engine = engine(|_| {}, "10:00:00");
    let mut told = Vec::new();
    for second in (0..90).step_by(5) {
        let at_second = |ms: i64| at("10:00:00").plus_ms(second * 1000 + ms);
        engine.on_push(quote("100", "1000").as_bytes(), at_second(0));
        let outputs = std::iter::from_fn(|| engine.poll(at_second(2_100)));
        let asked = outputs.filter(|o| matches!(o, Output::BoardWanted(_))).count();
        assert_eq!(asked, 1);
        engine.on_board(SymbolId(0), quote("100", "1000").as_bytes(), at_second(2_110));
        while let Some(output) = engine.poll(at_second(2_110)) {
            if let Output::Note(Note::Quiet { unsaid, .. }) = output {
                told.push((second, unsaid));
            }
        }
    }
    assert_eq!(told, [(0, 0), (60, 11)]);
}

#[test]
fn d03_a_guarded_price_moves_the_volume_on_and_nothing_else() {
    let guard = Bounds {
        min: Some(Price::from_yen(90)),
        max: Some(Price::from_yen(110)),
    };
    let mut engine = engine(|s| s.watched[0].guard = guard, "10:00:00");
    for (price, volume, ms) in [
        ("100", "1000", "01"),
        ("1000", "5900", "02"),
        ("1000", "100", "03"),
        ("100", "6000", "04"),
    ] {
        engine.on_push(quote(price, volume).as_bytes(), at(&format!("10:00:00.0{ms}")));
    }
    engine.finish(at("10:00:00.1"));
    let outputs = outputs(&mut engine, "10:00:01");
    let notes = outputs
        .iter()
        .filter(|o| matches!(o, Output::Note(Note::GuardDrop { .. })))
        .count();
    assert_eq!(notes, 1, "one warning per symbol and interval");
    assert_eq!(
        (engine.totals().ledger_by(Cause::Guard), engine.totals().volume),
        (4900, 100)
    );
    assert_eq!(
        (engine.totals().rejected_by(Reason::Guard), engine.totals().ticks),
        (2, 2)
    );
}

#[test]
fn e28_yesterdays_price_before_the_open_is_no_tick_but_at_night_it_counts() {
    let yesterday = r#"{"Symbol":"7203","Exchange":1,"CurrentPrice":2838,"CurrentPriceTime":"2026-11-19T15:30:00+09:00","TradingVolume":2741300}"#;
    let mut engine = engine(|_| {}, "06:29:59");
    engine.on_push(yesterday.as_bytes(), at("06:29:59.9"));
    engine.on_push(yesterday.as_bytes(), at("06:30:00"));
    engine.on_push(yesterday.as_bytes(), at("08:59:59.9"));
    engine.on_push(yesterday.as_bytes(), at("09:00:00"));
    assert_eq!(
        (engine.totals().ticks, engine.totals().rejected_by(Reason::PreOpen)),
        (2, 2)
    );
}

#[test]
fn outside_market_window_volume_is_booked_as_closed() {
    let mut engine = engine(|s| s.market_window = vec![(9 * 3600, 11 * 3600 + 1800)], "11:29:00");
    engine.on_push(quote("100", "1000").as_bytes(), at("11:29:59"));
    engine.on_push(quote("100", "1500").as_bytes(), at("11:30:00"));
    engine.finish(at("11:30:01"));
    assert_eq!(
        (
            engine.totals().ledger_by(Cause::Closed),
            engine.totals().rejected_by(Reason::Closed)
        ),
        (500, 1)
    );
    let batches = drain(&mut engine, "11:30:01");
    assert!(batches[1].symbols.is_empty() && batches[1].ledger.len() == 1);
}

#[test]
fn under_tick_rule_trade_a_quote_is_no_tick() {
    let mut engine = engine(|s| s.tick_rule = TickRule::Trade, "10:00:00");
    for (price, volume) in [("100", "1000"), ("100", "1000"), ("101", "1100"), ("99", "1100")] {
        engine.on_push(quote(price, volume).as_bytes(), at("10:00:00.01"));
    }
    assert_eq!(
        (engine.totals().ticks, engine.totals().rejected_by(Reason::NoTrade)),
        (1, 3)
    );
}

#[test]
fn n06_a_full_queue_folds_ticks_of_the_open_window_without_losing_volume() {
    let mut engine = engine(|_| {}, "10:00:00");
    engine.set_room(2);
    for n in 0..10 {
        engine.on_push(
            quote("100", &(1000 + n * 100).to_string()).as_bytes(),
            at("10:00:00.01"),
        );
    }
    engine.finish(at("10:00:00.1"));
    let batch = drain(&mut engine, "10:00:01").remove(0);
    assert_eq!(
        (
            batch.symbols[0].ticks,
            batch.symbols[0].volume.0,
            batch.symbols[0].trades
        ),
        (2, 900, 9)
    );
    assert_eq!(
        (batch.counts.ticks, batch.counts.merged, batch.counts.messages),
        (2, 8, 10)
    );
}

#[test]
fn off_means_no_books_at_all_and_rest_takes_none_from_push() {
    for mode in [BoardMode::Off, BoardMode::Rest] {
        let mut engine = engine(|s| s.board_mode = mode, "10:00:00");
        engine.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
        engine.finish(at("10:00:00.1"));
        let batch = drain(&mut engine, "10:00:01").remove(0);
        assert_eq!(
            (batch.symbols[0].book, batch.symbols[0].snapshot),
            (None, mode == BoardMode::Rest)
        );
    }
}

#[test]
fn a_board_answer_refreshes_the_book_unless_push_is_newer() {
    let mut engine = engine(|s| s.board_mode = BoardMode::Auto, "10:00:00");
    let asked = outputs(&mut engine, "10:00:00.001");
    assert_eq!(asked, [Output::BoardWanted(SymbolId(0))]);
    engine.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    engine.on_board(SymbolId(0), quote("90", "900").as_bytes(), at("10:00:00.02"));
    assert_eq!((engine.totals().boards_stale, engine.totals().boards), (1, 0));
    engine.on_board(SymbolId(0), quote("90", "1000").as_bytes(), at("10:00:00.03"));
    engine.finish(at("10:00:00.1"));
    let batch = drain(&mut engine, "10:00:00.1").remove(0);
    assert_eq!(batch.symbols[0].book.map(|b| b.source), Some(BookSource::Rest));
    assert_eq!(
        (batch.symbols[0].ticks, batch.counts.messages),
        (1, 1),
        "its price block is ignored"
    );
}

#[test]
fn a_restart_knows_what_it_missed() {
    let mut first = engine(|_| {}, "10:00:00");
    first.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    first.finish(at("10:00:00.1"));
    let states = drain(&mut first, "10:00:01").remove(0).states;
    let mut second = engine(|_| {}, "10:05:00");
    second.restore(&states);
    second.on_push(quote("101", "1700").as_bytes(), at("10:05:00.01"));
    second.finish(at("10:05:00.1"));
    assert_eq!(
        (second.totals().ledger_by(Cause::Gap), second.totals().volume),
        (700, 0)
    );
    assert_eq!(
        drain(&mut second, "10:05:01")[0].states[0].base.map(|q| q.0),
        Some(1000)
    );
}

#[test]
fn odd_messages_are_counted_by_reason_and_told_once() {
    let mut engine = engine(|_| {}, "10:00:00");
    for n in 0..10_000 {
        engine.on_push(
            format!("{{\"Symbol\":\"X{n}\",\"CurrentPrice\":1}}").as_bytes(),
            at("10:00:00.01"),
        );
    }
    for odd in [
        &b"nonsense"[..],
        b"[]",
        b"{}",
        br#"{"Symbol":"7203","Exchange":1,"CurrentPrice":-1}"#,
        br#"{"Symbol":"7203","Exchange":1}"#,
    ] {
        engine.on_push(odd, at("10:00:00.02"));
    }
    engine.on_unreadable(Reason::Binary, at("10:00:00.03"));
    let totals = *engine.totals();
    assert_eq!(
        (
            totals.received,
            totals.rejected_sum(),
            totals.rejected_by(Reason::UnknownSymbol)
        ),
        (10_006, 10_006, 10_000)
    );
    let notes = outputs(&mut engine, "10:00:00.03").len();
    assert_eq!(notes, 6, "one note per odd reason; a missing price is not odd");
}

#[test]
fn derivatives_begin_a_new_trading_date_at_1630() {
    let mut settings = EngineSettings::new(vec!["167060019@2".parse().expect("a future")]);
    settings.board_mode = BoardMode::Push;
    let mut engine = Engine::new(settings, at("16:29:00"));
    let message =
        |volume| format!(r#"{{"Symbol":"167060019","Exchange":2,"CurrentPrice":26720.0,"TradingVolume":{volume}}}"#);
    engine.on_push(message(1000).as_bytes(), at("16:29:59"));
    engine.on_push(message(10).as_bytes(), at("16:30:00"));
    engine.on_push(message(15).as_bytes(), at("16:30:01"));
    engine.finish(at("16:30:02"));
    assert_eq!(
        (engine.totals().volume, engine.totals().ledger_by(Cause::Decrease)),
        (5, 0)
    );
    let dates: Vec<u8> = drain(&mut engine, "16:30:02")
        .iter()
        .map(|b| b.states[0].trading_date.day)
        .collect();
    assert_eq!(dates, [20, 21, 21]);
}

#[test]
fn a_book_grows_old_and_is_unknown_after_the_line_went_down() {
    let mut engine = engine(|s| s.board_max_age_ms = 5_000, "10:00:00");
    engine.on_push(quote("100", "1000").as_bytes(), at("10:00:00.01"));
    let bare = |v: i64| format!(r#"{{"Symbol":"7203","Exchange":1,"CurrentPrice":100,"TradingVolume":{v}}}"#);
    engine.on_push(bare(1100).as_bytes(), at("10:00:04"));
    engine.on_push(bare(1200).as_bytes(), at("10:00:05.4"));
    engine.on_push(quote("100", "1300").as_bytes(), at("10:00:06"));
    engine.on_line_down(at("10:00:06.1"));
    engine.on_push(bare(1400).as_bytes(), at("10:00:07"));
    engine.finish(at("10:00:07.1"));
    let known: Vec<bool> = drain(&mut engine, "10:00:08")
        .iter()
        .map(|b| b.symbols[0].book.is_some())
        .collect();
    assert_eq!(known, [true, true, false, false, false]);
}
