//! The core in steady state takes nothing from the heap: neither for a message, nor for the window that it closes.
//!
//! A binary of its own, because the counting allocator takes the place of the usual one in all of it. It counts per
//! thread, so the tests do not disturb each other.

use allocation_counter::{AllocationInfo, measure};
use ayumi_engine::backlog::Backlog;
use ayumi_engine::burst::{BurstSettings, Bursts};
use ayumi_engine::market::{Market, Profile};
use ayumi_engine::output::Output;
use ayumi_engine::settings::{BoardMode, EngineSettings};
use ayumi_engine::{Engine, Stamp, Symbol};

/// Friday 2026-11-20, 10:00 JST.
const MORNING: Stamp = Stamp::from_s(1_795_136_400);
const SEED: u64 = 20_261_120;

/// A worker without its threads: what a message passes through from the socket to the writer, and back.
struct Desk {
    market: Market,
    engine: Engine,
    backlog: Backlog,
    bursts: Bursts,
    /// The message as it came in.
    text: Vec<u8>,
    now: Stamp,
    windows: u64,
}

/// What was allocated, apart for messages that close a window and those that do not.
#[derive(Debug, Default)]
struct Counted {
    within_windows: AllocationInfo,
    at_closes: AllocationInfo,
    closes: u64,
}

impl Desk {
    /// Mostly shares, a future and an index; all columns.
    fn new() -> Self {
        let mut symbols: Vec<Symbol> = (0..48).map(|n| Symbol::tse(&format!("{}", 1301 + 7 * n))).collect();
        symbols.push("167060019@23".parse().expect("a future"));
        symbols.push(Symbol::tse("101"));
        let settings = EngineSettings {
            board_mode: BoardMode::Push,
            ..EngineSettings::new(symbols.clone())
        };
        let mut engine = Engine::new(settings.clone(), MORNING);
        engine.on_line_up(MORNING);
        Self {
            market: Market::new(SEED, symbols.iter().map(|s| Profile::of(s, SEED)).collect()),
            backlog: Backlog::new(settings.tick_queue_max, 8),
            bursts: Bursts::new(BurstSettings::default(), symbols.len(), settings.window_ms),
            engine,
            text: Vec::with_capacity(4_096),
            now: MORNING,
            windows: 0,
        }
    }

    /// The next message, two milliseconds later; `open` = the market trades.
    fn next_message(&mut self, n: usize, open: bool) {
        let index = n % 50;
        self.now = self.now.plus_ms(2);
        if open {
            self.market.step(index, self.now);
        }
        self.text.clear();
        self.market.message(index).write(&mut self.text);
    }

    /// A message through parser and engine; the writer's part of a window that it closed; the stored window's memory
    /// back to the engine.
    fn receive(&mut self) {
        self.engine.on_push(&self.text, self.now);
        while let Some(output) = self.engine.poll(self.now) {
            let Output::Batch(batch) = output else { continue };
            assert_eq!(self.backlog.push(batch), [0; 0], "nothing is merged");
            let mut batch = self.backlog.pop().expect("it was put in");
            self.bursts.on_batch(&mut batch);
            self.backlog.stored(&batch);
            self.engine.recycle(batch);
            self.windows += 1;
        }
        self.engine.set_room(self.backlog.room());
        assert!(self.engine.next_deadline(self.now) > self.now);
    }

    fn count(&mut self, messages: usize, open: bool) -> Counted {
        let mut counted = Counted::default();
        for n in 0..messages {
            self.next_message(n, open);
            let windows = self.windows;
            let cost = measure(|| self.receive());
            if self.windows == windows {
                counted.within_windows += cost;
            } else {
                counted.at_closes += cost;
                counted.closes += self.windows - windows;
            }
        }
        counted
    }
}

#[test]
fn the_counter_counts() {
    let cost = measure(|| drop(std::hint::black_box(vec![1u8, 2, 3])));
    assert_eq!((cost.count_total, cost.bytes_total), (1, 3));
}

#[test]
fn an_engine_with_all_columns_allocates_nothing_in_steady_state() {
    let mut desk = Desk::new();
    let begin = desk.count(3_000, true);
    assert!(
        begin.within_windows.count_total > 0,
        "the first windows make room: {begin:?}"
    );
    let steady = desk.count(100_000, true);
    assert!(steady.closes > 600, "{steady:?}");
    assert_eq!(desk.engine.totals().received, 103_000);
    assert!(desk.engine.totals().ticks > 90_000, "{:?}", desk.engine.totals());
    assert_eq!(steady.within_windows.count_total, 0, "per message: {steady:?}");
    assert_eq!(steady.at_closes.count_total, 0, "per window: {steady:?}");
}

#[test]
fn messages_without_a_price_allocate_nothing_either() {
    let mut desk = Desk::new();
    desk.count(3_000, false);
    let steady = desk.count(10_000, false);
    assert_eq!(desk.engine.totals().ticks, 0);
    assert!(steady.closes > 60, "{steady:?}");
    assert_eq!(steady.within_windows.count_total, 0, "per message: {steady:?}");
    assert_eq!(steady.at_closes.count_total, 0, "per window: {steady:?}");
}

#[test]
fn a_batch_that_is_kept_costs_its_lists_and_nothing_else() {
    let mut desk = Desk::new();
    desk.count(3_000, true);
    let mut kept = Vec::with_capacity(100);
    let mut cost = AllocationInfo::default();
    for n in 0..3_000 {
        desk.next_message(n, true);
        cost += measure(|| {
            desk.engine.on_push(&desk.text, desk.now);
            let outputs = std::iter::from_fn(|| desk.engine.poll(desk.now));
            kept.extend(outputs.filter_map(|output| match output {
                Output::Batch(batch) => Some(batch),
                _ => None,
            }));
        });
    }
    assert!(kept.len() >= 19, "{} windows", kept.len());
    assert!(
        cost.count_total <= 2 * kept.len() as u64,
        "symbols and states: {cost:?} for {} windows",
        kept.len()
    );
}
