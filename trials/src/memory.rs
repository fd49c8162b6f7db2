//! G14: memory has a limit, and does not grow while the recorder runs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_sim::{MarketConfig, Sim, SimConfig, Source, Speed};
use serde_json::json;

use crate::check;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;

/// Messages per second over a hundred symbols: six times a busy day.
const RATE: f64 = 2_000.0;
const LIMIT_KB: u64 = 64 << 10;
const TOKEN: &str = "trial";

/// Records for `seconds`.
pub(crate) fn run(ayumi: &Path, seconds: u64) -> Result<Row> {
    let began = Instant::now();
    let symbols: Vec<String> = (0..100).map(|i| (1301 + 7 * i).to_string()).collect();
    let station = Sim::start(SimConfig {
        token: Some(TOKEN.to_owned()),
        list_limit: 100,
        source: Source::Market(MarketConfig::new(
            1,
            symbols.iter().map(|s| Symbol::tse(s)).collect(),
            RATE,
        )),
        speed: Speed::Times(1.0),
        ..SimConfig::default()
    })?;
    let desk = Desk::new(json!({
        "mode": "online", "port": station.port(), "token": TOKEN, "board_mode": "push", "symbols": symbols,
    }))?;
    let mut recorder = Recorder::start(ayumi, &desk, &[], &[])?;
    recorder.wait_told(3)?;
    let mut samples = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        samples.extend(resident_kb(recorder.pid()));
        std::thread::sleep(Duration::from_millis(100));
    }
    recorder.ask_to_stop()?;
    let (status, _) = recorder.ended()?;
    ensure!(status.success(), "{status}\n{}", desk.log());
    check::whole(&desk.db())?;
    let most = samples.iter().copied().max().context("no sample: /proc is needed")?;
    ensure!(most <= LIMIT_KB, "{most} kB resident");
    let third = samples.len() / 3;
    let early = samples[..third.max(1)].iter().copied().max().unwrap_or_default();
    let late = samples[samples.len() - third.max(1)..]
        .iter()
        .copied()
        .max()
        .unwrap_or_default();
    // A page more or less is no leak; a megabyte in the last third of a long run would be.
    ensure!(late <= early + (4 << 10), "{early} kB at first, {late} kB at last");
    Ok(Row {
        trial: "g14_memory",
        promise: "G14, P8",
        amount: format!(
            "100 symbols, {RATE} messages/s, {seconds} s, {} sent",
            station.counters().messages_sent
        ),
        result: format!("at most {most} kB resident; first third {early} kB, last third {late} kB"),
        took: began.elapsed(),
    })
}

fn resident_kb(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
