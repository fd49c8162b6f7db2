//! Stage 5: a closed window, handed to the writer, until it is committed.

pub(crate) mod bare;
pub(crate) mod windows;
mod writer;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use ayumi_engine::Symbol;
use ayumi_engine::batch::Batch;
use ayumi_hot_path::messages;
use ayumi_store::{Durability, Sink};

use crate::cpu;
use crate::plan::Plan;
use crate::rounds::{Series, digits, thousands, time};
use crate::table::{Section, Table};
use bare::Bare;
use windows::{at_rate, open, tickers};
use writer::Writer;

const SYMBOLS: usize = 50;
/// An ordinary minute, a busy one, and more than any opening.
const RATES: [usize; 3] = [500, 5_000, 50_000];
/// The first windows fill caches and grow the files.
const WARM_UP: usize = 20;

const BARE: &str = "bare SQLite, NORMAL";
const OURS: &str = "ayumi, balanced (default)";

/// Stores a window by its number: wall and CPU time, ns.
type Store = Box<dyn FnMut(usize) -> Result<[f64; 2]>>;

/// One way to store windows.
struct Way {
    name: &'static str,
    store: Store,
    wall: Series,
    cpu: Series,
}

/// Stores the same windows in several ways, window by window in turn: at every rate, and at the first with every
/// durability.
pub fn run(plan: &Plan) -> Result<Section> {
    let symbols = messages::symbols(SYMBOLS);
    let mut rates = Table::new([
        "messages/s",
        "symbols per window",
        "stored by",
        "CPU",
        "wall p50",
        "p99",
        "p99.9",
        "largest",
        "p50 / bare",
        "p99 / bare (goal 3x)",
    ]);
    let mut levels = Table::new([
        "at 500 messages/s",
        "CPU",
        "wall p50",
        "p99",
        "CPU / bare",
        "p50 / bare",
    ]);
    for rate in RATES {
        let batches = at_rate(&symbols, rate, plan.windows + WARM_UP);
        let ways = measure(&symbols, &batches, rate == RATES[0])?;
        let bare = ways.iter().find(|way| way.name == BARE).context("the floor")?;
        for way in ways.iter().filter(|way| [BARE, OURS].contains(&way.name)) {
            rates.row(rate_row(rate, mean_symbols(&batches), way, bare));
        }
        for way in ways.iter().filter(|_| rate == RATES[0]) {
            levels.row(level_row(way, bare));
        }
    }
    Ok(section(plan, rates, levels))
}

fn measure(symbols: &[Symbol], batches: &[Batch], every_level: bool) -> Result<Vec<Way>> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut ways = ways(folder.path(), symbols, batches, every_level)?;
    let count = ways.len();
    for window in 0..batches.len() {
        for step in 0..count {
            let way = &mut ways[(window + step) % count];
            let [wall, cpu] = (way.store)(window)?;
            if window >= WARM_UP {
                way.wall.0.push(wall);
                way.cpu.0.push(cpu);
            }
        }
    }
    Ok(ways)
}

fn mean_symbols(batches: &[Batch]) -> f64 {
    batches.iter().map(|b| b.symbols.len()).sum::<usize>() as f64 / batches.len() as f64
}

fn rate_row(rate: usize, symbols: f64, way: &Way, bare: &Way) -> [String; 10] {
    let wall = |q: f64| time(way.wall.quantile(q));
    let over = |q: f64| format!("{}x", digits(way.wall.quantile(q) / bare.wall.quantile(q)));
    [
        thousands(rate as f64),
        format!("{symbols:.1}"),
        way.name.to_owned(),
        time(way.cpu.median()),
        wall(0.5),
        wall(0.99),
        wall(0.999),
        wall(1.0),
        over(0.5),
        over(0.99),
    ]
}

fn level_row(way: &Way, bare: &Way) -> [String; 6] {
    let over = |a: f64, b: f64| format!("{}x", digits(a / b));
    [
        way.name.to_owned(),
        time(way.cpu.median()),
        time(way.wall.median()),
        time(way.wall.quantile(0.99)),
        over(way.cpu.median(), bare.cpu.median()),
        over(way.wall.median(), bare.wall.median()),
    ]
}

fn section(plan: &Plan, rates: Table, levels: Table) -> Section {
    Section {
        title: "Window close to committed",
        notes: vec![
            format!(
                "{} windows of 300 ms of {SYMBOLS} watched symbols per rate, as the engine closes them when messages \
                 come at that rate, the busiest symbol ten times as often as the quietest; three rows for each symbol \
                 that traded. One transaction each, back to back and in turn. *ayumi* counts from the moment at which the \
                 window leaves the engine: hand-over to the writer's thread, the sink with the states for a restart, \
                 the window's log row and checksum, and its own checkpoints. *bare* is the very same rows through \
                 prepared statements into the same tables and indexes on the thread that counts, WAL, default \
                 checkpoints, and nothing else.",
                thousands(plan.windows as f64)
            ),
            "What durability asks of the disk: balanced: every fourth commit waits for it; full: every one; seed: none."
                .to_owned(),
        ],
        tables: vec![rates, levels],
    }
}

/// The floor and the default; with `every_level` the other durabilities, too.
fn ways(folder: &Path, symbols: &[Symbol], batches: &[Batch], every_level: bool) -> Result<Vec<Way>> {
    let date = batches.first().context("no windows")?.date;
    let sink = |name: &str, durability| open(&folder.join(name), tickers(symbols), durability, date);
    let rows = bare::rows_of(&folder.join("source.db"), |_| {
        let mut source = sink("source.db", Durability::Seed)?;
        for batch in batches {
            source.write(batch)?;
        }
        source.close()?;
        Ok(())
    })?;
    let mut ways = Vec::new();
    for (name, full) in [(BARE, false), ("bare SQLite, FULL", true)] {
        let file = format!("bare_{full}.db");
        // The sink's own tables and indexes, empty.
        sink(&file, Durability::Seed)?.close()?;
        let mut bare = Bare::open(&folder.join(file), full, rows.clone())?;
        ways.push(way(name, move |window| timed(|| bare.store(window))));
    }
    let levels = [
        ("ayumi, seed", Durability::Seed),
        (OURS, Durability::Balanced),
        ("ayumi, full", Durability::Full),
    ];
    for (name, durability) in levels {
        let writer = Writer::start(sink(&format!("{durability}.db"), durability)?)?;
        let batches = batches.to_vec();
        ways.push(way(name, move |window| writer.store(batches[window].clone())));
    }
    ways.retain(|way| every_level || [BARE, OURS].contains(&way.name));
    Ok(ways)
}

fn way(name: &'static str, store: impl FnMut(usize) -> Result<[f64; 2]> + 'static) -> Way {
    Way {
        name,
        store: Box::new(store),
        wall: Series::default(),
        cpu: Series::default(),
    }
}

/// Wall and CPU time of this thread, ns.
pub(crate) fn timed(store: impl FnOnce() -> Result<()>) -> Result<[f64; 2]> {
    let (cpu, wall) = (cpu::thread_ns(), Instant::now());
    store()?;
    let wall = wall.elapsed();
    Ok([wall.as_nanos() as f64, (cpu::thread_ns() - cpu) as f64])
}
