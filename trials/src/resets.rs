//! G9, N2: the station resets the line again and again, in the middle of what it sends. Every share is in a tick or in the
//! ledger, and no handle leaks.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_sim::{Cut, MarketConfig, Sim, SimConfig, Source, Speed};
use serde_json::json;

use crate::check;
use crate::random::Random;
use crate::recorder::{Desk, Recorder, symbols};
use crate::report::Row;

const TOKEN: &str = "trial";
const PATIENCE: Duration = Duration::from_secs(60);
/// The clocks of station and recorder run this much faster: attempts in a storm are a second apart.
const SPEED: f64 = 20.0;

/// Resets the line `n` times.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let station = Sim::start(SimConfig {
        token: Some(TOKEN.to_owned()),
        source: Source::Market(MarketConfig::new(
            seed,
            symbols().iter().map(|s| Symbol::tse(s)).collect(),
            200.0,
        )),
        speed: Speed::Times(SPEED),
        ..SimConfig::default()
    })?;
    let desk = Desk::new(json!({
        "mode": "online", "port": station.port(), "token": TOKEN, "board_mode": "push",
    }))?;
    let clock = format!("2026-11-20T09:30:00@{SPEED}");
    let mut recorder = Recorder::start(ayumi, &desk, &[], &["--clock", &clock])?;
    recorder.wait_told(3)?;
    let handles = open_handles(recorder.pid());
    for reset in 1..=n {
        let sent = station.counters().messages_sent;
        let more = 1 + random.below(100);
        let flowed = station.wait_until(PATIENCE, |c| c.messages_sent >= sent + more);
        ensure!(flowed, "no messages after reset {}", reset - 1);
        station.cut(Cut::Reset);
        let back = station.wait_until(PATIENCE, |c| c.push_connections > reset && c.push_clients_now == 1);
        ensure!(back, "no line after reset {reset}\n{}", desk.log());
    }
    let sent = station.counters().messages_sent;
    let flowed = station.wait_until(PATIENCE, |c| c.messages_sent >= sent + 500);
    ensure!(flowed, "no messages after the last reset");
    let after = open_handles(recorder.pid());
    recorder.ask_to_stop()?;
    let (status, told) = recorder.ended()?;
    ensure!(status.success(), "{status}\n{}", desk.log());
    ensure!(after <= handles + 2, "handles: {handles} before, {after} after");
    check::whole(&desk.db())?;
    let (gaps, volume) = gaps(&desk.db())?;
    Ok(Row {
        trial: "g09_resets",
        promise: "N2, G3, G9, G10",
        amount: format!("{n} resets, {} messages sent", station.counters().messages_sent),
        result: format!(
            "volume closed over {} windows; {gaps} gap rows with {volume} shares; handles {handles} -> {after}",
            told.len()
        ),
        took: began.elapsed(),
    })
}

fn gaps(db: &Path) -> Result<(i64, i64)> {
    let connection = rusqlite::Connection::open(db)?;
    let sql = "SELECT count(*), CAST(coalesce(sum(volume), 0) AS INTEGER) FROM volume_ledger WHERE cause = 'gap'";
    connection
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .context("the ledger")
}

/// Open files of a process; 0 where the system does not tell.
fn open_handles(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}
