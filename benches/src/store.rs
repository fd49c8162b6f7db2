//! Stage 5: a closed window, handed to the sink, until it is committed.

pub(crate) mod bare;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ayumi_engine::batch::Batch;
use ayumi_engine::output::Output;
use ayumi_engine::settings::{BoardMode, EngineSettings};
use ayumi_engine::{Engine, Symbol};
use ayumi_hot_path::messages::{self, MORNING};
use ayumi_store::{Durability, Options, Purpose, Sink, SqliteSink};

use crate::cpu;
use crate::plan::Plan;
use crate::rounds::Series;
use crate::table::{Section, Table};
use bare::Bare;

const SYMBOLS: usize = 50;

/// One way to store windows.
struct Way {
    name: &'static str,
    store: Box<dyn FnMut(usize) -> Result<()>>,
    wall: Series,
    cpu: Series,
}

/// Stores the same windows in several ways, window by window in turn.
pub fn run(plan: &Plan) -> Result<Section> {
    let symbols = messages::symbols(SYMBOLS);
    let batches = batches(&symbols, plan.windows + 20);
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut ways = ways(folder.path(), &symbols, &batches)?;
    for window in 0..batches.len() {
        for way in &mut ways {
            let (wall, cpu) = (Instant::now(), cpu::thread_ns());
            (way.store)(window)?;
            let (wall, cpu) = (wall.elapsed(), cpu::thread_ns() - cpu);
            // The first windows fill caches and grow the files.
            if window >= 20 {
                way.wall.0.push(wall.as_nanos() as f64);
                way.cpu.0.push(cpu as f64);
            }
        }
    }
    let rows = batches.iter().map(|b| b.symbols.len()).sum::<usize>() as f64 / batches.len() as f64;
    Ok(section(&ways, rows, plan.windows))
}

fn section(ways: &[Way], rows: f64, windows: usize) -> Section {
    let mut table = Table::new([
        "stored by",
        "CPU",
        "wall p50",
        "p90",
        "p99",
        "largest",
        "CPU / bare",
        "p50 / bare",
        "p99 / bare (goal 3x)",
    ]);
    let ways_of = |name: &str| ways.iter().find(|way| way.name == name);
    for way in ways {
        let ratio = |of: fn(&Way) -> f64| match ways_of(BARE) {
            Some(bare) => format!("{}x", crate::rounds::digits(of(way) / of(bare))),
            None => "-".to_owned(),
        };
        let time = |q: f64| crate::rounds::time(way.wall.quantile(q));
        table.row([
            way.name.to_owned(),
            crate::rounds::time(way.cpu.median()),
            time(0.5),
            time(0.9),
            time(0.99),
            time(1.0),
            ratio(|way| way.cpu.median()),
            ratio(|way| way.wall.median()),
            ratio(|way| way.wall.quantile(0.99)),
        ]);
    }
    Section {
        title: "Window close to committed",
        notes: vec![format!(
            "{windows} windows of {rows:.0} symbols x 3 rows, one transaction each, back to back and in turn. *bare* is \
             the same rows through prepared statements into the same tables and indexes, WAL, default checkpoints, and \
             nothing else. The sink adds the states of {rows:.0} symbols for a restart, the window's log row and \
             checksum, its own checkpoints, and what its durability asks of the disk (balanced: every fourth commit \
             waits for it; full: every one; seed: none)."
        )],
        tables: vec![table],
    }
}

const BARE: &str = "bare SQLite, NORMAL";

fn ways(folder: &Path, symbols: &[Symbol], batches: &[Batch]) -> Result<Vec<Way>> {
    let rows = bare::rows_of(&folder.join("source.db"), |path| {
        let mut sink = open(path, symbols, Durability::Seed, batches)?;
        for batch in batches {
            sink.write(batch)?;
        }
        sink.close()?;
        Ok(())
    })?;
    let mut ways = Vec::new();
    for (name, full) in [(BARE, false), ("bare SQLite, FULL", true)] {
        let path = folder.join(format!("bare_{full}.db"));
        // The sink's own tables and indexes, empty.
        open(&path, symbols, Durability::Seed, batches)?.close()?;
        let mut bare = Bare::open(&path, full, rows.clone())?;
        ways.push(way(name, move |window| bare.store(window)));
    }
    let levels = [
        ("ayumi, seed", Durability::Seed),
        ("ayumi, balanced (default)", Durability::Balanced),
        ("ayumi, full", Durability::Full),
    ];
    for (name, durability) in levels {
        let mut sink = open(&folder.join(format!("{durability}.db")), symbols, durability, batches)?;
        let batches = batches.to_vec();
        ways.push(way(name, move |window| Ok(sink.write(&batches[window]).map(drop)?)));
    }
    Ok(ways)
}

fn way(name: &'static str, store: impl FnMut(usize) -> Result<()> + 'static) -> Way {
    Way {
        name,
        store: Box::new(store),
        wall: Series::default(),
        cpu: Series::default(),
    }
}

fn open(path: &Path, symbols: &[Symbol], durability: Durability, batches: &[Batch]) -> Result<SqliteSink> {
    let options = Options {
        path: path.to_owned(),
        tickers: symbols.iter().map(Symbol::ticker).collect(),
        durability,
        window_ms: 300,
        busy_timeout: Duration::from_secs(1),
        purpose: Purpose::Record,
    };
    let date = batches.first().context("no windows")?.date;
    Ok(SqliteSink::open(options, date)?)
}

/// Windows as the engine closes them, with two messages of every symbol in each.
fn batches(symbols: &[Symbol], windows: usize) -> Vec<Batch> {
    let per_window = 2 * symbols.len();
    let messages = messages::mixed(symbols, per_window * windows);
    let mut engine = Engine::new(
        EngineSettings {
            board_mode: BoardMode::Push,
            ..EngineSettings::new(symbols.to_vec())
        },
        MORNING,
    );
    engine.on_line_up(MORNING);
    let mut batches = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let (window, place) = (n / per_window, n % per_window);
        let now = MORNING.plus_ms(300 * window as i64 + 2 * place as i64);
        engine.on_push(message, now);
        while let Some(output) = engine.poll(now) {
            if let Output::Batch(batch) = output {
                batches.push(batch);
            }
        }
    }
    batches
}
