//! Stage 7: what a symbol costs beside few and beside many others.

use std::time::Instant;

use anyhow::{Context, Result};
use ayumi_engine::batch::Batch;
use ayumi_engine::output::Output;
use ayumi_engine::{Stamp, Symbol};
use ayumi_hot_path::messages::{self, MORNING, Messages};
use ayumi_hot_path::{engine, settings};
use ayumi_store::{Durability, Sink, SqliteSink};
use tempfile::TempDir;

use crate::cpu;
use crate::plan::Plan;
use crate::rounds::{Series, time};
use crate::store::timed;
use crate::store::windows::{WIDTH_MS, of_all, open, tickers};
use crate::table::{Section, Table};

const COUNTS: [usize; 5] = [1, 10, 50, 100, 500];
/// What the others are compared with: the station's limit.
const USUAL: usize = 50;
/// Messages per run of the engine.
const MESSAGES: usize = 10_500;
/// Messages of a symbol in a window: 10 per second.
const PER_SYMBOL: usize = 3;
/// Windows stored per round.
const WINDOWS: usize = 20;

/// So many symbols: what is needed to measure, and what came out.
struct Case {
    symbols: Vec<Symbol>,
    messages: Messages,
    batches: Vec<Batch>,
    sink: SqliteSink,
    /// Keeps the database.
    _folder: TempDir,
    per_message: Series,
    close: Series,
    store: Series,
}

/// Measures every count of symbols in turn.
pub fn run(plan: &Plan) -> Result<Section> {
    let windows = plan.spin(WINDOWS);
    let mut cases = COUNTS
        .iter()
        .map(|&count| Case::new(count, plan.spin(MESSAGES), (plan.rounds + 1) * windows))
        .collect::<Result<Vec<_>>>()?;
    // The first round warms up.
    for round in 0..=plan.rounds {
        for case in &mut cases {
            let [per_message, close] = case.through_engine();
            let store = case.store(round * windows..(round + 1) * windows)?;
            if round > 0 {
                case.per_message.0.push(per_message);
                case.close.0.push(close);
                case.store.0.push(store);
            }
        }
    }
    section(&cases, windows * plan.rounds)
}

fn section(cases: &[Case], windows: usize) -> Result<Section> {
    let mut table = Table::new([
        "symbols",
        "engine per message",
        "of 50 symbols",
        "closing, per window and symbol",
        "of 50 symbols",
        "storing a window",
        "per window and symbol",
        "of 50 symbols",
    ]);
    let usual = cases
        .iter()
        .find(|case| case.symbols.len() == USUAL)
        .context("50 symbols")?;
    for case in cases {
        let count = case.symbols.len() as f64;
        table.row([
            case.symbols.len().to_string(),
            case.per_message.time(),
            case.per_message.over(&usual.per_message).ratio(),
            case.close.time(),
            case.close.over(&usual.close).ratio(),
            time(case.store.median() * count),
            case.store.time(),
            case.store.over(&usual.store).ratio(),
        ]);
    }
    Ok(Section {
        title: "Cost as symbols grow",
        notes: vec![format!(
            "CPU time. Every symbol has {PER_SYMBOL} messages in each window of 300 ms through the engine, parsing and closing \
             included; *closing* is what the engine does at a window's end, by the wall clock, as it is too short for the \
             other. *Storing* is {windows} windows in which every symbol traded, 3 rows and a state each, through the \
             sink (balanced), checkpoints included. Linear is 1.0: what a window costs by itself (a transaction, its row in \
             window_log) makes few symbols dear, what grows faster than the symbols would make many dear."
        )],
        tables: vec![table],
    })
}

impl Case {
    fn new(count: usize, messages: usize, windows: usize) -> Result<Self> {
        let symbols = messages::symbols(count);
        let batches = of_all(&symbols, windows);
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let date = batches.first().context("no windows")?.date;
        let sink = open(
            &folder.path().join("symbols.db"),
            tickers(&symbols),
            Durability::Balanced,
            date,
        )?;
        Ok(Self {
            messages: messages::mixed(&symbols, messages),
            symbols,
            batches,
            sink,
            _folder: folder,
            per_message: Series::default(),
            close: Series::default(),
            store: Series::default(),
        })
    }

    /// CPU time per message, and the median of a window's closing per symbol, ns.
    fn through_engine(&self) -> [f64; 2] {
        let mut engine = engine(settings(&self.symbols));
        let per_window = PER_SYMBOL * self.symbols.len();
        let gap_ns = WIDTH_MS * 1_000_000 / per_window as i64;
        let mut closing = Series::default();
        let cpu = cpu::thread_ns();
        for (n, message) in self.messages.iter().enumerate() {
            engine.on_push(message, Stamp(MORNING.0 + n as i64 * gap_ns));
            if (n + 1) % per_window == 0 {
                let end = MORNING.plus_ms((n + 1).div_ceil(per_window) as i64 * WIDTH_MS);
                let began = Instant::now();
                engine.on_clock(end);
                while let Some(output) = engine.poll(end) {
                    if let Output::Batch(batch) = std::hint::black_box(output) {
                        engine.recycle(batch);
                    }
                }
                closing.0.push(began.elapsed().as_nanos() as f64);
            }
        }
        let cpu = cpu::thread_ns() - cpu;
        [
            cpu as f64 / self.messages.len() as f64,
            closing.median() / self.symbols.len() as f64,
        ]
    }

    /// Mean CPU time of a window per symbol, ns.
    fn store(&mut self, windows: std::ops::Range<usize>) -> Result<f64> {
        let count = windows.len();
        let [_, cpu] = timed(|| {
            for batch in &self.batches[windows] {
                self.sink.write(batch)?;
            }
            Ok(())
        })?;
        Ok(cpu / (count * self.symbols.len()) as f64)
    }
}
