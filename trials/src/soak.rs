//! Everything at once for as long as one likes: a recorder and a simulated station at a stated rate, and now and then one
//! of the faults drawn from the seed: resets, silence, lost tokens, lost lists, logouts, kills with a restart, a database
//! locked by another program. Two programs poll the database all the while (X1). At the end the books are closed, `ayumi
//! verify` finds no damage, and neither handles, threads, memory, the write-ahead log nor the log file have grown.

mod faults;
mod poller;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_sim::{MarketConfig, Sim, SimConfig, SimHandle, Source, Speed};
use serde_json::{Value, json};

use crate::check;
use crate::random::Random;
use crate::recorder::{self, Desk, Recorder, symbols};
use crate::report::Row;

use faults::{Fault, Faults};
use poller::Poller;
use watch::Watch;

/// Messages per second, all symbols together: three times a busy day.
const RATE: f64 = 1_000.0;
const POLLERS: usize = 2;
/// Log file: bytes per minute, and for the start.
const LOG_PER_MINUTE: u64 = 512 << 10;

/// Runs for `seconds`.
pub(crate) fn run(ayumi: &Path, seconds: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let station = station(seed)?;
    let desk = Desk::new(json!({
        "mode": "online", "port": station.port(), "api_password": "trial", "journal_dir": "journal",
    }))?;
    let mut recorder = Recorder::start(ayumi, &desk, &[], &[])?;
    recorder
        .wait_told(1)
        .with_context(|| format!("the first window\n{}", desk.log()))?;
    let pollers: Vec<Poller> = (0..POLLERS).map(|_| Poller::start(&desk.db())).collect();
    let mut watch = Watch::new(&desk);
    let mut faults = Faults::default();
    let mut told = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let pause = Duration::from_millis(500 + random.below(5_000)).min(Duration::from_secs(seconds) / 8);
        watch.during(pause, recorder.pid())?;
        let fault = Fault::draw(&mut random);
        let place = || format!("{fault:?} after {} s, seed {seed}", began.elapsed().as_secs());
        faults.count(fault);
        if fault == Fault::Kill {
            told.extend(recorder.kill()?);
            recorder = Recorder::start(ayumi, &desk, &[], &[])?;
            recorder
                .wait_told(1)
                .with_context(|| format!("{}\n{}", place(), desk.log()))?;
            watch.another();
        } else {
            faults::apply(fault, &station, &desk, &mut random).with_context(place)?;
        }
        ensure!(recorder.runs()?, "{}: the recorder ended\n{}", place(), desk.log());
    }
    // It is left alone to come back to rest.
    watch.during(Duration::from_secs(3), recorder.pid())?;
    recorder.ask_to_stop()?;
    let last = recorder.end()?;
    ensure!(last.status.success(), "{}\n{}", last.status, desk.log());
    told.extend(last.told);
    let rows: u64 = pollers.into_iter().map(Poller::end).sum::<Result<u64>>()?;
    let found = check::whole(&desk.db())
        .with_context(|| format!("seed {seed}"))?
        .windows;
    let lost = told.iter().filter(|t| !found.contains(&t.window_id)).count();
    ensure!(lost == 0, "{lost} committed windows are lost, seed {seed}");
    let grades = verify(ayumi, &desk)?;
    let log_bytes = std::fs::metadata(desk.path("stream.log"))?.len();
    let budget = LOG_PER_MINUTE * (seconds / 60 + 1);
    ensure!(
        log_bytes <= budget,
        "the log has {log_bytes} bytes, its budget is {budget}"
    );
    let sent = station.counters().messages_sent;
    Ok(Row {
        trial: "soak",
        promise: "G2, G3, G4, G5, G7, G14, P8, X1",
        amount: format!(
            "{seconds} s at {RATE} messages/s, {sent} sent, {} windows; {faults}",
            found.len()
        ),
        result: format!(
            "0 windows lost, books closed, {rows} rows polled, grades {grades}; {}; log {} kB",
            watch.summary(),
            log_bytes >> 10
        ),
        took: began.elapsed(),
    })
}

fn station(seed: u64) -> Result<SimHandle> {
    let market = MarketConfig::new(seed, symbols().iter().map(|s| Symbol::tse(s)).collect(), RATE);
    Ok(Sim::start(SimConfig {
        source: Source::Market(market),
        speed: Speed::Times(1.0),
        ..SimConfig::default()
    })?)
}

/// No window may be others than written, and every sum closes: no grade D. Gaps are what the faults are for.
fn verify(ayumi: &Path, desk: &Desk) -> Result<String> {
    let (code, said) = recorder::run(ayumi, desk, &["verify", "-Config", "c.json", "--json"])?;
    let json = said.find('{').map(|at| &said[at..]).unwrap_or_default();
    let said: Value = serde_json::from_str(json.lines().next().unwrap_or_default())
        .or_else(|_| serde_json::from_str(json))
        .with_context(|| format!("verify, code {code:?}: {said}"))?;
    let problems: usize = said["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|f| f["problems"].as_array())
        .map(Vec::len)
        .sum();
    let grades = &said["grades"];
    ensure!(
        problems == 0 && grades["D"].as_u64() == Some(0),
        "verify, code {code:?}: {said}"
    );
    let of = |grade: &str| grades[grade].as_u64().unwrap_or_default();
    Ok(format!("A {} B {} C {} D 0", of("A"), of("B"), of("C")))
}
