//! G8, S2, S3, S18: the disk fails at the n-th write or sync, once or from then on. Nothing that was said to be committed
//! is lost, nothing is partial, and the next run goes on with the same file.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;

/// What fails, and how far apart the points are.
const FAULTS: [(&str, &str, &str, u64); 4] = [
    ("pwrite64", "ENOSPC", "", 7),
    ("pwrite64", "ENOSPC", "+", 7),
    ("fsync,fdatasync", "EIO", "", 1),
    ("fsync,fdatasync", "EIO", "+", 1),
];

/// Fails at `n` points in all.
pub(crate) fn run(ayumi: &Path, n: u64) -> Result<Vec<Row>> {
    FAULTS
        .iter()
        .map(|fault| one_kind(ayumi, *fault, n.div_ceil(FAULTS.len() as u64)))
        .collect()
}

fn one_kind(ayumi: &Path, (call, error, ever, step): (&str, &str, &str, u64), n: u64) -> Result<Row> {
    let began = Instant::now();
    let (mut told, mut hit) = (0, 0);
    for i in 0..n {
        let when = 1 + i * step;
        let inject = format!("inject={call}:error={error}:when={when}{ever}");
        let (windows, was_hit) = one(ayumi, call, &inject).with_context(|| inject.clone())?;
        told += windows;
        hit += u64::from(was_hit);
    }
    Ok(Row {
        trial: match (call, ever) {
            ("pwrite64", "") => "g08_failing_disk, full disk once",
            ("pwrite64", _) => "g08_failing_disk, full disk for ever",
            (_, "") => "g08_failing_disk, failed sync once",
            _ => "g08_failing_disk, failed sync for ever",
        },
        promise: "G8, G4, S2, S3, S18, S19",
        amount: format!("{n} points, {hit} of them reached, {told} acknowledged windows"),
        result: "0 lost, 0 partial, 0 twice; the next run went on".to_owned(),
        took: began.elapsed(),
    })
}

fn one(ayumi: &Path, call: &str, inject: &str) -> Result<(usize, bool)> {
    let desk = Desk::new(json!({"window_ms": 100, "mock_interval_ms": 20}))?;
    let trace = desk.path("trace");
    let words = ["strace", "-f", "-o", &trace.display().to_string()].map(str::to_owned);
    let mut wrapper = words.to_vec();
    for word in [format!("trace={call}"), inject.to_owned()] {
        wrapper.extend(["-e".to_owned(), word]);
    }
    let mut recorder = Recorder::start(ayumi, &desk, &wrapper, &["--duration", "1s"])?;
    // A disk that stays full is waited for at the start and at the end, longer than this trial wants to.
    let told = match recorder.ended_within(Duration::from_millis(1_800))? {
        Some(told) => told,
        None => {
            recorder.ask_to_stop()?;
            recorder.ended()?.1
        }
    };
    let hit = std::fs::read_to_string(&trace)?.contains("(INJECTED)");
    if !desk.db().exists() {
        ensure!(told.is_empty(), "no database, but windows were told");
        return Ok((0, hit));
    }
    after(&desk, &told)?;
    // And on with a disk that is well again.
    let (status, more) = Recorder::start(ayumi, &desk, &[], &["--duration", "300ms"])?.ended()?;
    ensure!(status.success(), "the next run: {status}\n{}", desk.log());
    after(&desk, &told)?;
    after(&desk, &more)?;
    Ok((told.len(), hit))
}

fn after(desk: &Desk, told: &[crate::recorder::Told]) -> Result<()> {
    let found = check::whole(&desk.db())?.windows;
    let lost: Vec<i64> = told
        .iter()
        .map(|t| t.window_id)
        .filter(|id| !found.contains(id))
        .collect();
    ensure!(lost.is_empty(), "committed windows are lost: {lost:?}\n{}", desk.log());
    Ok(())
}
