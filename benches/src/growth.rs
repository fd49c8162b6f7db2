//! Stage 6: what a window costs in a database that holds many already.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::batch::Batch;
use ayumi_engine::jst::Date;
use ayumi_engine::{Symbol, SymbolId};
use ayumi_hot_path::messages;
use ayumi_store::{Durability, Sink, SqliteSink};
use rusqlite::Connection;

use crate::plan::Plan;
use crate::rounds::{Series, digits, thousands};
use crate::store::timed;
use crate::store::windows::{WIDTH_MS, at_rate, open, tickers};
use crate::table::{Section, Table};

/// Symbols of the windows that are measured.
const SYMBOLS: usize = 50;
/// Symbols in the database: what is watched changes over the months.
const ALL: usize = 200;
const RATE: usize = 500;
/// Windows in a transaction while a database is filled.
const BULK: usize = 200;
const WARM_UP: usize = 20;
/// The session opens at 09:00 JST.
const OPENING_S: i64 = 9 * 3600;

/// A database of a certain size.
struct Grown {
    rows: u64,
    days: String,
    bytes: u64,
    opened: Duration,
    sink: SqliteSink,
    /// Of each round: mean CPU time and median wall time of a window, ns.
    cpu: Series,
    wall: Series,
}

/// Days of a year of recording into one file.
const YEAR: i64 = 250;

/// Fills databases, then stores the same windows into all of them in turn.
pub fn run(plan: &Plan, mut say: impl FnMut(&str)) -> Result<Section> {
    let all = messages::symbols(ALL);
    let per_round = (plan.windows / plan.rounds).max(10);
    let batches = at_rate(&all[..SYMBOLS], RATE, WARM_UP + per_round * plan.rounds);
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut grown = Vec::new();
    for &rows in plan.grown {
        let began = Instant::now();
        let days = if rows == 0 {
            0
        } else {
            (rows / 200_000).clamp(5, 250) as i64
        };
        grown.push(grow(folder.path(), &all, (rows, days), &batches)?);
        if began.elapsed() > Duration::from_secs(20) {
            say(&format!(
                "{} rows stored in {:.0} s",
                thousands(rows as f64),
                began.elapsed().as_secs_f64()
            ));
        }
    }
    grown.push(grow(folder.path(), &all, (plan.grown[1], YEAR), &batches)?);
    let (warm_up, measured) = batches.split_at(WARM_UP);
    for batch in warm_up {
        for one in &mut grown {
            one.sink.write(batch)?;
        }
    }
    for round in measured.chunks(per_round) {
        measure(&mut grown, round)?;
    }
    section(&grown, measured)
}

/// One round: every window into every database, each time beginning with another one.
fn measure(grown: &mut [Grown], round: &[Batch]) -> Result<()> {
    let mut times = vec![[Series::default(), Series::default()]; grown.len()];
    for (n, batch) in round.iter().enumerate() {
        for step in 0..grown.len() {
            let at = (n + step) % grown.len();
            let [wall, cpu] = timed(|| Ok(grown[at].sink.write(batch).map(drop)?))?;
            times[at][0].0.push(wall);
            times[at][1].0.push(cpu);
        }
    }
    for (one, [wall, cpu]) in grown.iter_mut().zip(times) {
        one.wall.0.push(wall.median());
        // The mean: copying the log into the main file, every thirty windows or so, is a part of the cost.
        one.cpu.0.push(cpu.0.iter().sum::<f64>() / round.len() as f64);
    }
    Ok(())
}

fn section(grown: &[Grown], measured: &[Batch]) -> Result<Section> {
    let mut table = Table::new([
        "rows before",
        "days",
        "database",
        "opened in",
        "CPU per window",
        "wall",
        "CPU, of the empty one (goal 0.8x to 1.2x)",
        "wall, of the empty one (goal 0.8x to 1.2x)",
    ]);
    let empty = grown.first().context("no database")?;
    for one in grown {
        table.row([
            thousands(one.rows as f64),
            one.days.clone(),
            format!("{} MB", thousands(one.bytes as f64 / 1048576.0)),
            format!("{:.1} ms", one.opened.as_secs_f64() * 1e3),
            one.cpu.time(),
            one.wall.time(),
            one.cpu.over(&empty.cpu).ratio(),
            one.wall.over(&empty.wall).ratio(),
        ]);
    }
    let rows: usize = measured.iter().map(rows_of).sum();
    Ok(Section {
        title: "Cost as the database grows",
        notes: vec![format!(
            "{} windows at {RATE} messages/s, {} rows each, through the sink (balanced) into databases of \
             different size, in turn, on this thread. The rows before are those of tick_batch, orderbook_snapshot \
             and features_stream, of {ALL} symbols, {SYMBOLS} in a window, on so many days; the file was closed \
             and opened again, with SQLite's check of its pages, which ends after a second. CPU is the mean of a \
             round, so that checkpoints are in it, wall the median. Flat is 1.0. The last one has the days of a \
             year, because `stream_state` keeps a row per symbol and day.",
            thousands(measured.len() as f64),
            digits(rows as f64 / measured.len() as f64),
        )],
        tables: vec![table],
    })
}

/// Makes a database with at least so many rows of so many days and opens it anew.
fn grow(folder: &Path, all: &[Symbol], (rows, days): (u64, i64), like: &[Batch]) -> Result<Grown> {
    let path: PathBuf = folder.join(format!("{rows}_{days}.db"));
    let date = like.first().context("no windows")?.date;
    let mut sink = open(&path, tickers(all), Durability::Seed, date)?;
    for day in 0..days {
        let until = rows * (day as u64 + 1) / days as u64;
        fill_day(&mut sink, like, Date::from_days(date.days() - days + day), until)?;
    }
    sink.close()?;
    let mut grown = reopened(&path, all, date)?;
    ensure!(grown.rows >= rows, "{} rows instead of {rows}", grown.rows);
    grown.days = days.to_string();
    Ok(grown)
}

fn reopened(path: &Path, all: &[Symbol], date: Date) -> Result<Grown> {
    let rows = count(path)?;
    let bytes = std::fs::metadata(path)?.len();
    let began = Instant::now();
    let sink = open(path, tickers(all), Durability::Balanced, date)?;
    Ok(Grown {
        rows,
        days: String::new(),
        bytes,
        opened: began.elapsed(),
        sink,
        cpu: Series::default(),
        wall: Series::default(),
    })
}

/// Windows from 09:00 on until the run has stored `until` rows.
fn fill_day(sink: &mut SqliteSink, like: &[Batch], date: Date, until: u64) -> Result<()> {
    let opening_ms = (date.midnight_s() + OPENING_S) * 1000;
    let (mut planned, mut chunk) = (sink.totals().rows, Vec::with_capacity(BULK));
    for (n, batch) in like.iter().cycle().enumerate() {
        if planned >= until {
            break;
        }
        let batch = moved(batch, date, opening_ms + n as i64 * WIDTH_MS, n);
        planned += rows_of(&batch) as u64;
        chunk.push(batch);
        if chunk.len() == BULK {
            sink.write_all(&chunk)?;
            chunk.clear();
        }
    }
    Ok(sink.write_all(&chunk)?)
}

/// The window at another time, and of another part of the symbols from window to window.
fn moved(batch: &Batch, date: Date, start_ms: i64, n: usize) -> Batch {
    let mut batch = batch.clone();
    (batch.start_ms, batch.end_ms, batch.date) = (start_ms, start_ms + WIDTH_MS, date);
    let by = (SYMBOLS * (n % (ALL / SYMBOLS))) as u16;
    for row in &mut batch.symbols {
        row.symbol = SymbolId(row.symbol.0 + by);
    }
    for state in &mut batch.states {
        (state.symbol, state.trading_date) = (SymbolId(state.symbol.0 + by), date);
    }
    batch
}

/// Rows in the three large tables.
fn rows_of(batch: &Batch) -> usize {
    let rows = batch.symbols.iter();
    rows.map(|row| 2 * usize::from(row.ticks > 0) + usize::from(row.snapshot))
        .sum()
}

fn count(path: &Path) -> Result<u64> {
    let connection = Connection::open(path)?;
    let mut sum = 0;
    for table in ["tick_batch", "orderbook_snapshot", "features_stream"] {
        // Nothing is ever deleted: the last row's number is their count.
        let sql = format!("SELECT coalesce(max(rowid), 0) FROM {table}");
        sum += connection
            .query_row(&sql, [], |row| row.get::<_, i64>(0))?
            .unsigned_abs();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_filled_as_far_as_asked() {
        let all = messages::symbols(ALL);
        let like = at_rate(&all[..SYMBOLS], RATE, 25);
        let folder = tempfile::tempdir().unwrap();
        let grown = grow(folder.path(), &all, (20_000, 20), &like).unwrap();
        assert!((20_000..30_000).contains(&grown.rows), "{}", grown.rows);
        assert_eq!(grown.days, "20");
        let connection = Connection::open(folder.path().join("20000_20.db")).unwrap();
        let tickers = "SELECT count(DISTINCT ticker) FROM tick_batch";
        let tickers: i64 = connection.query_row(tickers, [], |row| row.get(0)).unwrap();
        assert!(tickers > 150, "{tickers}");
    }
}
