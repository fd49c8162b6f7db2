//! G8, S2, S3, S18: the disk fails at the n-th write or sync of a run of ten windows, once or from then on. Nothing that
//! was said to be committed is lost, nothing is partial, and the next run goes on with the same file.
//!
//! A run without faults tells how many points there are; every `step`-th write is tried, and every sync, of which there are
//! few, as long as `step` is below twenty. Two recorders at a time: they mostly wait.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;

use crate::check;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;

/// What fails: the call, the error, once or (+) for ever.
const FAULTS: [(&str, &str, &str); 4] = [
    ("pwrite64", "ENOSPC", ""),
    ("pwrite64", "ENOSPC", "+"),
    ("fsync,fdatasync", "EIO", ""),
    ("fsync,fdatasync", "EIO", "+"),
];
/// Ten windows in 200 ms.
const RUN: [&str; 4] = ["--clock", "2026-11-20T10:00:00@5", "--duration", "1s"];
/// Three more.
const AFTER: [&str; 4] = ["--clock", "2026-11-20T10:05:00@5", "--duration", "300ms"];
const LANES: usize = 2;

/// Fails at every `step`-th point.
pub(crate) fn run(ayumi: &Path, step: u64) -> Result<Vec<Row>> {
    let step_of = |call: &str| if call == "pwrite64" { step } else { step / 20 };
    let row = |fault: &(&'static str, &'static str, &'static str)| one_kind(ayumi, *fault, step_of(fault.0).max(1));
    FAULTS.iter().map(row).collect()
}

fn one_kind(ayumi: &Path, (call, error, ever): (&'static str, &'static str, &'static str), step: u64) -> Result<Row> {
    let began = Instant::now();
    let of_all = calls(ayumi, call)?;
    let tally = Mutex::new((0, 0, 0));
    let next = AtomicU64::new(0);
    let lane = || -> Result<()> {
        loop {
            let when = 1 + next.fetch_add(1, Ordering::Relaxed) * step;
            if when > of_all {
                return Ok(());
            }
            let inject = format!("inject={call}:error={error}:when={when}{ever}");
            let (windows, was_hit) = one(ayumi, call, &inject).with_context(|| inject.clone())?;
            let mut tally = tally.lock().map_err(|_| anyhow!("another lane panicked"))?;
            *tally = (tally.0 + 1, tally.1 + u64::from(was_hit), tally.2 + windows);
        }
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        let ended = lanes
            .into_iter()
            .map(|lane| lane.join().map_err(|_| anyhow!("a lane panicked"))?);
        ended.collect::<Result<Vec<()>>>()
    })?;
    let (tried, hit, told) = tally.into_inner().map_err(|_| anyhow!("a lane panicked"))?;
    Ok(Row {
        trial: match (call, ever) {
            ("pwrite64", "") => "g08_failing_disk, full disk once",
            ("pwrite64", _) => "g08_failing_disk, full disk for ever",
            (_, "") => "g08_failing_disk, failed sync once",
            _ => "g08_failing_disk, failed sync for ever",
        },
        promise: "G8, G4, S2, S3, S18, S19",
        amount: format!("{tried} of {of_all} points, {hit} of them reached, {told} acknowledged windows"),
        result: "0 lost, 0 partial, 0 twice; the next run went on".to_owned(),
        took: began.elapsed(),
    })
}

/// How often a run without faults makes one of these calls in one thread: `strace` counts them by thread and name, so that
/// the n-th of the thread that opens the file and the n-th of the one that writes fail in the same run.
fn calls(ayumi: &Path, call: &str) -> Result<u64> {
    let desk = desk()?;
    let trace = desk.path("trace");
    let words = [
        "strace",
        "-f",
        "-o",
        &trace.display().to_string(),
        "-e",
        &format!("trace={call}"),
    ];
    let (status, _) = Recorder::start(ayumi, &desk, &words.map(str::to_owned), &RUN)?.ended()?;
    ensure!(status.success(), "the run without faults: {status}\n{}", desk.log());
    let text = std::fs::read_to_string(&trace)?;
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let name = rest.trim_start().split('(').next().unwrap_or_default();
        if call.split(',').any(|known| known == name) {
            *counts.entry((thread, name)).or_default() += 1;
        }
    }
    counts.into_values().max().context("no call in the run without faults")
}

fn desk() -> Result<Desk> {
    Desk::new(json!({"window_ms": 100, "mock_interval_ms": 50}))
}

fn one(ayumi: &Path, call: &str, inject: &str) -> Result<(usize, bool)> {
    let desk = desk()?;
    let trace = desk.path("trace");
    let words = ["strace", "-f", "-o", &trace.display().to_string()].map(str::to_owned);
    let mut wrapper = words.to_vec();
    for word in [format!("trace={call}"), inject.to_owned()] {
        wrapper.extend(["-e".to_owned(), word]);
    }
    let mut recorder = Recorder::start(ayumi, &desk, &wrapper, &RUN)?;
    // A disk that stays full is waited for at the start and at the end, longer than this trial wants to.
    let told = match recorder.ended_within(Duration::from_millis(900))? {
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
    let (status, more) = Recorder::start(ayumi, &desk, &[], &AFTER)?.ended()?;
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
