//! Promises over random histories on a virtual clock.

use proptest::prelude::*;

use super::*;
use crate::backlog::Backlog;

#[derive(Clone, Debug)]
enum Event {
    Push {
        symbol: bool,
        price: i64,
        volume: Option<i64>,
        levels: u8,
    },
    Raw(Vec<u8>),
    Board {
        volume: i64,
    },
    LineDown,
    LineUp,
    Clock,
    Finish,
}

fn event() -> impl Strategy<Value = Event> {
    let volume = prop::option::weighted(0.9, prop_oneof![8 => 0i64..50_000, 1 => Just(0)]);
    prop_oneof![
        20 => (any::<bool>(), -1i64..120, volume, 0u8..4).prop_map(|(symbol, price, volume, levels)| Event::Push { symbol, price, volume, levels }),
        2 => prop::collection::vec(any::<u8>(), 0..30).prop_map(Event::Raw),
        2 => (0i64..50_000).prop_map(|volume| Event::Board { volume }),
        1 => Just(Event::LineDown),
        1 => Just(Event::LineUp),
        2 => Just(Event::Clock),
        1 => Just(Event::Finish),
    ]
}

fn text(symbol: bool, price: i64, volume: Option<i64>, levels: u8) -> String {
    let code = if symbol { "7203" } else { "285A" };
    let volume = volume.map_or("null".into(), |v| v.to_string());
    let book = match levels {
        0 => String::new(),
        n => format!(
            r#","Buy1":{{"Price":{},"Qty":{n}00,"Sign":"0101"}},"Sell1":{{"Price":{},"Qty":200,"Sign":"0101"}}"#,
            price.max(1),
            price.max(1) + 1
        ),
    };
    format!(r#"{{"Symbol":"{code}","Exchange":1,"CurrentPrice":{price},"TradingVolume":{volume}{book}}}"#)
}

#[derive(Clone, Debug)]
struct History {
    events: Vec<(u32, Event)>,
    window_ms: i64,
    trade_rule: bool,
    guard: bool,
    tick_queue_max: u64,
}

fn history() -> impl Strategy<Value = History> {
    let events = prop::collection::vec((0u32..900, event()), 1..120);
    (
        events,
        prop_oneof![Just(300i64), 10i64..5_000],
        any::<bool>(),
        any::<bool>(),
        1u64..60,
    )
        .prop_map(|(events, window_ms, trade_rule, guard, tick_queue_max)| History {
            events,
            window_ms,
            trade_rule,
            guard,
            tick_queue_max,
        })
}

/// Plays a history into a fresh engine with a backlog behind it that is emptied now and then.
fn play(history: &History) -> (Vec<Batch>, Totals, u64) {
    let mut engine = engine(
        |s| {
            s.window_ms = history.window_ms;
            s.board_mode = BoardMode::Auto;
            s.tick_rule = if history.trade_rule {
                TickRule::Trade
            } else {
                TickRule::Push
            };
            if history.guard {
                s.watched[0].guard = Bounds {
                    min: Some(Price::from_yen(20)),
                    max: Some(Price::from_yen(100)),
                };
            }
        },
        "10:00:00",
    );
    let mut backlog = Backlog::new(history.tick_queue_max, 8);
    let mut out = Vec::new();
    let mut now = at("10:00:00");
    for (n, (ms, event)) in history.events.iter().enumerate() {
        now = now.plus_ms(i64::from(*ms));
        match event {
            Event::Push {
                symbol,
                price,
                volume,
                levels,
            } => engine.on_push(text(*symbol, *price, *volume, *levels).as_bytes(), now),
            Event::Raw(bytes) => engine.on_push(bytes, now),
            Event::Board { volume } => engine.on_board(SymbolId(0), text(true, 50, Some(*volume), 2).as_bytes(), now),
            Event::LineDown => engine.on_line_down(now),
            Event::LineUp => engine.on_line_up(now),
            Event::Clock => engine.on_clock(now),
            Event::Finish => engine.finish(now),
        }
        while let Some(output) = engine.poll(now) {
            if let Output::Batch(batch) = output {
                backlog.push(batch);
            }
        }
        engine.set_room(backlog.room());
        if n % 7 == 0 {
            let popped = backlog.pop();
            popped.iter().for_each(|b| backlog.stored(b));
            out.extend(popped);
        }
    }
    engine.finish(now);
    while let Some(output) = engine.poll(now) {
        if let Output::Batch(batch) = output {
            backlog.push(batch);
        }
    }
    let merged = backlog.merged().0;
    out.extend(std::iter::from_fn(|| backlog.pop()));
    (out, *engine.totals(), merged)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn g02_nothing_uncounted(history in history()) {
        let (batches, totals, merged_later) = play(&history);
        let sum = |f: fn(&Batch) -> u64| batches.iter().map(f).sum::<u64>();
        prop_assert_eq!(totals.received, totals.ticks + totals.rejected_sum());
        prop_assert_eq!(sum(|b| b.counts.messages), totals.received);
        prop_assert_eq!(sum(|b| b.counts.rejected), totals.rejected_sum());
        prop_assert_eq!(sum(|b| b.counts.merged), totals.merged + merged_later);
        prop_assert_eq!(sum(|b| b.counts.ticks) + sum(|b| b.counts.merged), totals.ticks);
        for b in &batches {
            prop_assert_eq!(b.counts.messages, b.counts.ticks + b.counts.merged + b.counts.rejected);
            prop_assert_eq!(b.counts.ticks, b.symbols.iter().map(|r| u64::from(r.ticks)).sum::<u64>());
        }
    }

    #[test]
    fn g03_volume_conserved(history in history()) {
        let (batches, totals, _) = play(&history);
        for symbol in [SymbolId(0), SymbolId(1)] {
            let rows = batches.iter().flat_map(|b| &b.symbols).filter(|r| r.symbol == symbol);
            let sizes: i64 = rows.map(|r| r.volume.0).sum();
            let ledger: i64 = batches.iter().flat_map(|b| &b.ledger).filter(|r| r.symbol == symbol).map(|r| r.volume.0).sum();
            let state = batches.iter().flat_map(|b| &b.states).rfind(|s| s.symbol == symbol);
            let growth = state.map_or(0, |s| s.last.map_or(0, |q| q.0) - s.base.map_or(0, |q| q.0));
            prop_assert_eq!(sizes + ledger, growth, "symbol {:?}", symbol);
        }
        let stored: i64 = batches.iter().flat_map(|b| &b.symbols).map(|r| r.volume.0).sum();
        prop_assert_eq!(stored, totals.volume);
    }

    #[test]
    fn windows_are_in_order_on_the_grid_and_never_overlap(history in history()) {
        let (batches, ..) = play(&history);
        prop_assert!(batches.windows(2).all(|w| w[0].end_ms <= w[1].start_ms));
        for b in &batches {
            prop_assert!(b.start_ms < b.end_ms);
            prop_assert!(b.symbols.windows(2).all(|w| w[0].symbol < w[1].symbol), "one row per symbol");
            if b.merged_windows == 0 {
                prop_assert!(b.end_ms - b.start_ms <= history.window_ms);
            }
        }
    }

    #[test]
    fn j05_the_same_input_gives_the_same_output(history in history()) {
        let (first, totals, _) = play(&history);
        let (second, again, _) = play(&history);
        prop_assert_eq!(first, second);
        prop_assert_eq!(totals, again);
    }

    #[test]
    fn g01_a_window_is_never_late(history in history()) {
        let mut engine = engine(|s| s.window_ms = history.window_ms, "10:00:00");
        let mut now = at("10:00:00");
        for (ms, event) in &history.events {
            let target = now.plus_ms(i64::from(*ms));
            // The shell wakes at each deadline: then the window that ended comes out at its end, not later.
            while engine.next_deadline(now) <= target {
                now = engine.next_deadline(now).max(now.plus_ms(1));
                engine.on_clock(now);
                while let Some(output) = engine.poll(now) {
                    if let Output::Batch(batch) = output {
                        prop_assert!(now.ms() - batch.end_ms <= 1, "{} ms late", now.ms() - batch.end_ms);
                    }
                }
            }
            now = target;
            if let Event::Push { symbol, price, volume, levels } = event {
                engine.on_push(text(*symbol, *price, *volume, *levels).as_bytes(), now);
            }
        }
    }
}
