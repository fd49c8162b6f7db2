//! S17: the power goes in the first seconds of a file, from its very first write on. Tables are there all or not at all,
//! and for good before the first window is told. S13: the same for the file of the scripts while columns are added to it:
//! every old row is there, and a copy of the old file as soon as it has changed. A recorder starts on such a file and
//! goes on.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::json;

use crate::check;
use crate::disk::{Disk, How};
use crate::images::{LEVELS, points};
use crate::random::Random;
use crate::recorder::{Desk, Recorder, symbols};
use crate::recovery::content;
use crate::report::Row;
use crate::trace::{self, Op, Trace};

const PER_TRACE: u64 = 50;
/// So many images are gone on with.
const ONE_IN: usize = 10;
const TABLES: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('tick_batch', \
                      'orderbook_snapshot', 'features_stream', 'volume_ledger', 'stream_state', 'window_log', 'schema_version')";
/// Rows of each table in the file of the scripts.
const OLD_ROWS: i64 = 1_500;

/// Half of `n` images for a new file, half for one of the scripts.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Vec<Row>> {
    Ok(vec![
        row(ayumi, false, n.div_ceil(2), seed)?,
        row(ayumi, true, n / 2, seed)?,
    ])
}

fn row(ayumi: &Path, old: bool, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let (mut made, mut empty, mut went_on) = (0, 0, 0);
    while made < n {
        let level = &LEVELS[(made / PER_TRACE) as usize % LEVELS.len()];
        let keys = json!({"durability": level.word, "window_ms": 100, "mock_interval_ms": 50});
        let desk = Desk::new(keys.clone())?;
        if old {
            scripts_file(&desk.db())?;
        }
        let before = content(desk.folder())?;
        let trace = record(ayumi, &desk)?;
        let count = PER_TRACE.min(n - made);
        let told = trace
            .ops
            .iter()
            .position(|op| matches!(op, Op::Told(_)))
            .unwrap_or(trace.ops.len());
        let mut cuts: Vec<usize> = (0..count * 3 / 4)
            .map(|_| random.below(told as u64 + 1) as usize)
            .collect();
        cuts.extend(points(&trace, told, count - count * 3 / 4, &mut random));
        cuts.sort_unstable();
        let mut disk = Disk::new(&trace, &before);
        for (image, cut) in cuts.into_iter().enumerate() {
            disk.go_to(cut);
            let how = How::ALL[image % How::ALL.len()];
            let place = || {
                format!(
                    "{}, operation {cut} of {} ({how:?}), seed {seed}",
                    level.word,
                    trace.ops.len()
                )
            };
            let desk = Desk::new(keys.clone())?;
            disk.image(how, &mut random, desk.folder())?;
            let tables = one(&disk, &desk, old).with_context(place)?;
            empty += u64::from(!tables);
            if image % ONE_IN == 0 {
                go_on(ayumi, &desk, old).with_context(place)?;
                went_on += 1;
            }
        }
        made += count;
    }
    let (trial, what) = match old {
        false => ("s17_first_seconds, new file", "before the tables were there"),
        true => ("s17_first_seconds, file of the scripts", "as the scripts left them"),
    };
    Ok(Row {
        trial,
        promise: if old { "S13, S17, G6" } else { "S17, G6" },
        amount: format!("{n} power-cut images from the first write on, {empty} of them {what}"),
        result: format!("0 damaged, 0 without tables once a window was told, {went_on} of {went_on} gone on with"),
        took: began.elapsed(),
    })
}

fn record(ayumi: &Path, desk: &Desk) -> Result<Trace> {
    let path = desk.path("trace");
    let args = ["--clock", "2026-11-20T10:00:00@5", "--duration", "1500ms"];
    let (status, _) = Recorder::start(ayumi, desk, &trace::wrapper(&path), &args)?.ended()?;
    ensure!(status.success(), "the recorder under strace: {status}\n{}", desk.log());
    trace::read(&path, desk.folder())
}

/// Checks an image; tells whether our tables are there.
fn one(disk: &Disk<'_>, desk: &Desk, old: bool) -> Result<bool> {
    let db = desk.db();
    if !db.exists() {
        ensure!(!old, "the file of the scripts is gone");
        ensure!(disk.told.is_empty(), "the file is gone although windows were told");
        return Ok(false);
    }
    let found = check::whole(&db)?.windows;
    ensure!(
        disk.safe.is_subset(&found),
        "windows are lost that were said to be durable"
    );
    let tables: i64 = Connection::open(&db)?.query_row(TABLES, [], |row| row.get(0))?;
    ensure!([0, 7].contains(&tables) || (old && tables == 3), "{tables} of 7 tables");
    let ours = tables == 7;
    ensure!(
        ours || disk.told.is_empty(),
        "a window was told and the tables are gone"
    );
    if old {
        old_rows(&db)?;
        let copy = desk.path("ticks.db.before-ayumi");
        ensure!(
            copy.exists() || !ours,
            "the file was changed and there is no copy of it"
        );
        if copy.exists() {
            old_rows(&copy)?;
            let columns = "SELECT count(*) FROM pragma_table_info('features_stream')";
            let columns: i64 = Connection::open(&copy)?.query_row(columns, [], |row| row.get(0))?;
            ensure!(columns == 8, "the copy has {columns} columns");
        }
    }
    Ok(ours)
}

/// A recorder starts on the image and records.
fn go_on(ayumi: &Path, desk: &Desk, old: bool) -> Result<()> {
    let before = if desk.db().exists() {
        check::windows(&desk.db())?
    } else {
        [].into()
    };
    let args = ["--clock", "2026-11-20T10:05:00@5", "--duration", "1s"];
    let (status, told) = Recorder::start(ayumi, desk, &[], &args)?.ended()?;
    ensure!(
        status.success() && !told.is_empty(),
        "the next run: {status}\n{}",
        desk.log()
    );
    let found = check::whole(&desk.db())?.windows;
    let told = told.iter().map(|t| t.window_id);
    let lost = before
        .iter()
        .copied()
        .chain(told)
        .filter(|id| !found.contains(id))
        .count();
    ensure!(lost == 0, "{lost} windows are lost after the next run\n{}", desk.log());
    if old {
        old_rows(&desk.db())?;
        old_rows(&desk.path("ticks.db.before-ayumi")).context("the copy")?;
    }
    Ok(())
}

/// The tables of the scripts in their oldest form, with rows of the day before.
fn scripts_file(db: &Path) -> Result<()> {
    let mut connection = Connection::open(db)?;
    connection.execute_batch(
        "CREATE TABLE tick_batch(ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, upticks INT,
                                 downticks INT, vol_sum REAL, last_price REAL);
         CREATE TABLE orderbook_snapshot(ticker TEXT, ts TEXT, bid1 REAL, ask1 REAL, spread_bp REAL, buy_top3 INT,
                                         sell_top3 INT);
         CREATE TABLE features_stream(ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL,
                                      buy_top3 INT, sell_top3 INT, depth_imbalance REAL);",
    )?;
    let symbols = symbols();
    let transaction = connection.transaction()?;
    for row in 0..OLD_ROWS {
        let ticker = &symbols[row as usize % symbols.len()];
        let time = format!("2026-11-19T09:{:02}:{:02}.000", row / 60 % 60, row % 60);
        let values = rusqlite::params![ticker, time, row];
        transaction.execute("INSERT INTO tick_batch VALUES (?1, ?2, ?2, 1, 0, 0, ?3, 100.0)", values)?;
        transaction.execute("INSERT INTO orderbook_snapshot VALUES (?1, ?2, 1, 2, 3, 4, ?3)", values)?;
        transaction.execute(
            "INSERT INTO features_stream VALUES (?1, ?2, 0.5, ?3, 1, 2, 3, 0.1)",
            values,
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether every row of the scripts is there, as it was.
fn old_rows(db: &Path) -> Result<()> {
    let connection = Connection::open(db)?;
    let sum = OLD_ROWS * (OLD_ROWS - 1) / 2;
    for (table, time, number) in [
        ("tick_batch", "ts_window_end", "vol_sum"),
        ("orderbook_snapshot", "ts", "sell_top3"),
        ("features_stream", "ts", "vol_sum"),
    ] {
        let sql = format!("SELECT count(*), CAST(total({number}) AS INTEGER) FROM {table} WHERE {time} < '2026-11-20'");
        let found: (i64, i64) = connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        ensure!(
            found == (OLD_ROWS, sum),
            "{table}: {found:?} rows of the scripts and their sum"
        );
    }
    Ok(())
}
