//! P5: memory runs out. The database is locked while messages flood in and queues far larger than the default may grow;
//! then the process gets no more memory from the system. However it ends, what was said to be committed is there, whole,
//! and the next run goes on.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::Connection;
use serde_json::json;

use crate::check;
use crate::random::Random;
use crate::recorder::{Desk, Recorder, Told};
use crate::report::Row;

/// It has to run out within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starves `n` recorders.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let (mut told, mut ends) = (0, std::collections::BTreeMap::<String, u64>::new());
    for round in 0..n {
        let (end, windows) = one(ayumi, &mut random).with_context(|| format!("round {round}, seed {seed}"))?;
        *ends.entry(end).or_default() += 1;
        told += windows;
    }
    let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{count} x {end}")).collect();
    Ok(Row {
        trial: "p05_out_of_memory",
        promise: "P5, G5, G4",
        amount: format!(
            "{n} recorders without further memory while the database is locked, {told} acknowledged windows"
        ),
        result: format!(
            "0 lost, 0 partial, the next run went on; they ended by {}",
            ends.join(", ")
        ),
        took: began.elapsed(),
    })
}

fn one(ayumi: &Path, random: &mut Random) -> Result<(String, usize)> {
    let desk = Desk::new(json!({
        "window_ms": 50, "mock_interval_ms": 1, "tick_queue_max": 10_000_000, "pending_max": 100_000,
    }))?;
    let mut recorder = Recorder::start(ayumi, &desk, &[], &[])?;
    recorder.wait_told(3)?;
    let other = Connection::open(desk.db())?;
    other.busy_timeout(Duration::from_secs(5))?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let limit = size_bytes(recorder.pid())? + (1 << 20) + random.below(4 << 20);
    let set = Command::new("prlimit")
        .args([format!("--pid={}", recorder.pid()), format!("--as={limit}")])
        .status();
    ensure!(
        set.context("prlimit (util-linux) is needed")?.success(),
        "prlimit failed"
    );
    let deadline = Instant::now() + PATIENCE;
    while recorder.runs()? {
        if Instant::now() > deadline {
            bail!("it does not run out of memory");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let end = recorder.end()?;
    ensure!(!end.status.success(), "it ended as if all was well");
    drop(other);
    after(&desk, &end.told)?;
    let (status, more) = Recorder::start(ayumi, &desk, &[], &["--duration", "500ms"])?.ended()?;
    ensure!(status.success(), "the next run: {status}\n{}", desk.log());
    after(&desk, &more)?;
    after(&desk, &end.told)?;
    Ok((end.status.to_string(), end.told.len()))
}

fn after(desk: &Desk, told: &[Told]) -> Result<()> {
    let found = check::whole(&desk.db())?.windows;
    let lost = told.iter().filter(|t| !found.contains(&t.window_id)).count();
    ensure!(lost == 0, "{lost} committed windows are lost\n{}", desk.log());
    Ok(())
}

/// Address space of a process.
fn size_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmSize:"))
        .context("no VmSize")?;
    let kb: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kb << 10)
}
