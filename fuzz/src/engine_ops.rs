//! Any sequence of messages, answers, line events and jumps of the clock, drawn from the bytes: no panic, every message
//! counted, every share in a tick or in the ledger, windows in order and never overlapping.
#![no_main]

use std::collections::BTreeMap;

use ayumi_engine::backlog::Backlog;
use ayumi_engine::batch::Batch;
use ayumi_engine::guard::Bounds;
use ayumi_engine::num::Price;
use ayumi_engine::output::Output;
use ayumi_engine::settings::{BoardMode, EngineSettings, TickRule};
use ayumi_engine::{Engine, Stamp, Symbol, SymbolId};
use libfuzzer_sys::fuzz_target;

const CODES: [&str; 3] = ["7203", "9984", "285A"];

/// Takes numbers from the bytes; zeros when they are used up.
struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl Bytes<'_> {
    fn next(&mut self) -> i64 {
        i64::from(self.0.next().copied().unwrap_or_default())
    }
}

/// What stands in the rows so far.
#[derive(Default)]
struct Books {
    /// Sizes and ledger by symbol and trading date (days).
    booked: BTreeMap<(u16, i64), i64>,
    /// Growth that the states tell.
    grown: BTreeMap<(u16, i64), i64>,
    messages: u64,
    until: i64,
}

impl Books {
    fn take(&mut self, batch: &Batch) {
        assert!(
            batch.start_ms < batch.end_ms && batch.start_ms >= self.until,
            "windows overlap"
        );
        self.until = batch.end_ms;
        let counts = batch.counts;
        assert_eq!(counts.messages, counts.ticks + counts.merged + counts.rejected);
        self.messages += counts.messages;
        for row in &batch.ledger {
            *self.booked.entry((row.symbol.0, row.trading_date.days())).or_default() += row.volume.0;
        }
        // Stocks: the trading date of a tick is the date of its window.
        for row in &batch.symbols {
            *self.booked.entry((row.symbol.0, batch.date.days())).or_default() += row.volume.0;
        }
        for state in &batch.states {
            if let (Some(base), Some(last)) = (state.base, state.last) {
                self.grown
                    .insert((state.symbol.0, state.trading_date.days()), last.0 - base.0);
            }
        }
    }
}

fn settings(bytes: &mut Bytes<'_>) -> EngineSettings {
    let mut settings = EngineSettings::new(CODES.map(Symbol::tse).to_vec());
    settings.window_ms = [50, 300, 1_000, 60_000][bytes.next() as usize % 4];
    settings.tick_rule = [TickRule::Push, TickRule::Trade][bytes.next() as usize % 2];
    settings.board_mode =
        [BoardMode::Off, BoardMode::Push, BoardMode::Rest, BoardMode::Auto][bytes.next() as usize % 4];
    settings.tick_queue_max = [1, 5, 20_000][bytes.next() as usize % 3];
    settings.watched[0].guard = Bounds {
        min: Some(Price::from_yen(1_000)),
        max: Some(Price::from_yen(1_100)),
    };
    settings
}

/// A message of one of the symbols, or of none, whole or cut.
fn message(bytes: &mut Bytes<'_>, now: Stamp) -> Vec<u8> {
    let (code, shape) = (bytes.next(), bytes.next());
    let price = 900 + bytes.next();
    let volume = bytes.next() * 100 + bytes.next() * 25_600;
    let code = CODES.get(code as usize % 4).copied().unwrap_or("0000");
    let time = ayumi_engine::jst::iso_s(now.s() - bytes.next() % 5);
    let (price, volume) = match shape % 8 {
        0 => ("null".to_owned(), "null".to_owned()),
        1 => (price.to_string(), "null".to_owned()),
        2 => ("null".to_owned(), volume.to_string()),
        3 => (format!("-{price}"), volume.to_string()),
        _ => (format!("{price}.5"), volume.to_string()),
    };
    let mut text = format!(
        "{{\"TradingVolume\":{volume},\"CurrentPrice\":{price},\"CurrentPriceTime\":\"{time}\",\"Symbol\":\"{code}\",\"Exchange\":1,\
         \"BidPrice\":{price},\"AskPrice\":{price}}}"
    );
    if shape > 250 {
        text.truncate(text.len() / 2);
    }
    text.into_bytes()
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes.iter());
    let settings = settings(&mut bytes);
    let mut now = Stamp::from_s(1_763_596_800 + bytes.next() * 300);
    let mut engine = Engine::new(settings.clone(), now);
    let mut backlog = Backlog::new(settings.tick_queue_max, 3);
    let mut books = Books::default();
    for _ in 0..bytes.0.len() {
        if bytes.0.len() == 0 {
            break;
        }
        match bytes.next() % 16 {
            0..=7 => engine.on_push(&message(&mut bytes, now), now),
            8 => engine.on_line_down(now),
            9 => engine.on_line_up(now),
            10 => engine.on_board(SymbolId(bytes.next() as u16 % 3), &message(&mut bytes, now), now),
            11 => engine.on_board_failed(bytes.next() > 127, now),
            12 => {
                now = now.plus_ms(bytes.next() * 40);
                engine.on_clock(now);
            }
            13 => now = engine.next_deadline(now).min(now.plus_ms(60_000)).max(now),
            14 => {
                if let Some(batch) = backlog.pop() {
                    books.take(&batch);
                    backlog.stored(&batch);
                }
            }
            _ => now = now.plus_ms(bytes.next() * bytes.next() * 50),
        }
        while let Some(output) = engine.poll(now) {
            if let Output::Batch(batch) = output {
                backlog.push(batch);
            }
        }
        engine.set_room(backlog.room());
    }
    engine.finish(now);
    while let Some(output) = engine.poll(now) {
        if let Output::Batch(batch) = output {
            backlog.push(batch);
        }
    }
    while let Some(batch) = backlog.pop() {
        books.take(&batch);
        backlog.stored(&batch);
    }
    assert_eq!(books.messages, engine.totals().received, "every message is in a window");
    for (key, grown) in &books.grown {
        assert_eq!(books.booked.get(key).copied().unwrap_or(0), *grown, "{key:?}");
    }
});
