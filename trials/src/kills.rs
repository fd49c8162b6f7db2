//! G5: the process is killed at any moment; what it had said to be committed is there, whole, and nothing else is lost.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::random::Random;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;

/// A fresh file after so many kills, so that the checks stay quick.
const PER_FILE: u64 = 100;

/// Kills `n` recorders.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let mut random = Random(seed);
    let began = Instant::now();
    let (mut told, mut beyond) = (0, 0);
    let mut desk = fresh()?;
    let mut expected = Vec::new();
    for kill in 0..n {
        if kill > 0 && kill % PER_FILE == 0 {
            desk = fresh()?;
            expected.clear();
        }
        let mut recorder = Recorder::start(ayumi, &desk, &[], &[])?;
        let context = || format!("kill {kill}, seed {seed}");
        recorder.wait_told(1 + random.below(6) as usize).with_context(context)?;
        std::thread::sleep(Duration::from_micros(random.below(12_000)));
        let acknowledged = recorder.kill()?;
        told += acknowledged.len();
        expected.extend(acknowledged.iter().map(|t| t.window_id));
        let found = check::windows(&desk.db()).with_context(context)?;
        let lost: Vec<i64> = expected.iter().copied().filter(|id| !found.contains(id)).collect();
        ensure!(lost.is_empty(), "{}: committed windows are lost: {lost:?}", context());
        // At most one window may have been committed without its word having come out, per kill.
        let more = found.len() - expected.len();
        ensure!(
            more as u64 <= kill % PER_FILE + 1,
            "{}: {more} windows nobody was told of",
            context()
        );
        beyond = beyond.max(more);
        if kill % 25 == 24 || kill + 1 == n {
            check::whole(&desk.db()).with_context(context)?;
        }
    }
    Ok(Row {
        trial: "g05_kills",
        promise: "G5, G4, G3",
        amount: format!("{n} kills, {told} acknowledged windows"),
        result: format!("0 lost, 0 partial, volume closed; at most {beyond} windows in a file stored but not told yet"),
        took: began.elapsed(),
    })
}

fn fresh() -> Result<Desk> {
    Desk::new(json!({"window_ms": 10, "mock_interval_ms": 2}))
}
