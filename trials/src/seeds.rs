//! G2, G3, G4 and T1 on a virtual clock: recorder, station and storage in one thread, with faults drawn from a seed. The
//! seed makes the same run again, to the digest of its rows.
//!
//! The engine, the backlog, the reconnect policy and the SQLite sink are those of the product; the loop around them is
//! this file's, because the product's waits for real sockets and threads.

mod storage;
mod world;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::check;
use crate::report::Row;
use world::{Tally, World};

/// Every so many seeds the run is made twice.
const TWICE: u64 = 10;

/// Runs the seeds `first` to `first + n - 1`.
pub(crate) fn run(n: u64, first: u64) -> Result<Row> {
    let began = Instant::now();
    let mut total = Tally::default();
    for seed in first..first + n {
        let tally = one(seed).with_context(|| format!("seed {seed}"))?;
        if seed % TWICE == 0 {
            let again = one(seed).with_context(|| format!("seed {seed}, again"))?;
            ensure!(
                again == tally,
                "seed {seed} is not the same twice: {tally:?} and {again:?}"
            );
        }
        total.add(&tally);
    }
    Ok(Row {
        trial: "g03_seeds",
        promise: "G2, G3, G4, D5, D6, N3, S19, T1",
        amount: format!(
            "{n} seeds: {} messages in {} h of virtual time, {} resets, {} kills, {} restarts, {} locks, {} clock jumps",
            total.messages,
            total.virtual_s / 3600,
            total.resets,
            total.kills,
            total.restarts,
            total.locks,
            total.jumps
        ),
        result: format!(
            "0 shares lost, 0 partial windows, every message counted, {} windows",
            total.windows
        ),
        took: began.elapsed(),
    })
}

fn one(seed: u64) -> Result<Tally> {
    let folder = tempfile::Builder::new().prefix("ayumi-seed-").tempdir()?;
    let db = folder.path().join("ticks.db");
    let mut world = World::new(seed, &db)?;
    world.live()?;
    let mut tally = world.finish()?;
    let found = check::whole(&db)?;
    tally.windows = found.windows.len() as u64;
    newest(&db, &world)?;
    Ok(tally)
}

/// The baseline of every symbol is the last volume that reached the recorder.
fn newest(db: &Path, world: &World) -> Result<()> {
    let connection = rusqlite::Connection::open(db)?;
    for (ticker, volume) in world.delivered() {
        let sql = "SELECT last_volume FROM stream_state WHERE ticker = ?1 ORDER BY trading_date DESC LIMIT 1";
        let known: Option<i64> = connection.query_row(sql, [ticker], |row| row.get(0))?;
        ensure!(
            known == Some(volume),
            "{ticker}: {volume} was delivered last, {known:?} is known"
        );
    }
    Ok(())
}
