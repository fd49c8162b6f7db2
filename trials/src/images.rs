//! G6: the power goes at any moment. From what a recorder asked the disk to do, files are put together as a disk may hold
//! them then (see `disk.rs`), opened and checked: nothing damaged, nothing partial, no more windows lost than the level says.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::disk::{Disk, How};
use crate::random::Random;
use crate::recorder::{Desk, Recorder, symbols};
use crate::report::Row;
use crate::trace::{self, Trace};

/// Images from one trace.
const PER_TRACE: u64 = 100;

/// A durability level and the most committed windows that it may lose.
pub(crate) struct Level {
    pub(crate) word: &'static str,
    pub(crate) bound: Option<usize>,
}

pub(crate) const LEVELS: [Level; 3] = [
    Level {
        word: "full",
        bound: Some(0),
    },
    // 300 ms windows: every fourth commit waits for the disk.
    Level {
        word: "balanced",
        bound: Some(3),
    },
    // As the scripts: what a checkpoint has not written may be gone.
    Level {
        word: "seed",
        bound: None,
    },
];

/// Puts `n` images together for each level.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Vec<Row>> {
    LEVELS.iter().map(|level| level_row(ayumi, level, n, seed)).collect()
}

fn level_row(ayumi: &Path, level: &Level, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let (mut worst, mut made, mut losing) = (0, 0, 0);
    while made < n {
        // Few symbols fill fewer pages, so the checkpoint comes later.
        let few = made / PER_TRACE % 2 == 1;
        let trace = record(ayumi, level, if few { 5 } else { 50 })?;
        let count = PER_TRACE.min(n - made);
        let mut disk = Disk::new(&trace, &[]);
        for (image, point) in points(&trace, 0, count, &mut random).into_iter().enumerate() {
            disk.go_to(point);
            let how = How::ALL[image % How::ALL.len()];
            let lost = cut(&disk, how, &mut random).with_context(|| {
                format!(
                    "{}: image {image} ({how:?}) at operation {point} of {}, seed {seed}",
                    level.word,
                    trace.ops.len()
                )
            })?;
            ensure!(
                level.bound.is_none_or(|bound| lost <= bound),
                "{}: {lost} committed windows are lost at operation {point} ({how:?}), seed {seed}",
                level.word
            );
            worst = worst.max(lost);
            losing += u64::from(lost > 0);
        }
        made += count;
    }
    let bound = level.bound.map_or("its checkpoint".to_owned(), |b| b.to_string());
    Ok(Row {
        trial: match level.word {
            "full" => "g06_power_cut, full",
            "balanced" => "g06_power_cut, balanced",
            _ => "g06_power_cut, seed",
        },
        promise: "G6, G4",
        amount: format!("{n} power-cut images"),
        result: format!(
            "0 damaged, 0 partial, at most {worst} committed windows lost (bound: {bound}), in {losing} images"
        ),
        took: began.elapsed(),
    })
}

/// Eighty windows under strace.
pub(crate) fn record(ayumi: &Path, level: &Level, count: usize) -> Result<Trace> {
    let desk = Desk::new(json!({
        "durability": level.word, "window_ms": 300, "mock_interval_ms": 100, "symbols": &symbols()[..count],
    }))?;
    let path = desk.path("trace");
    let args = ["--clock", "2026-11-20T10:00:00@10", "--duration", "24s"];
    let recorder = Recorder::start(ayumi, &desk, &trace::wrapper(&path), &args)?;
    let (status, _) = recorder.ended()?;
    ensure!(status.success(), "the recorder under strace: {status}\n{}", desk.log());
    trace::read(&path, desk.folder())
}

/// Random places in a trace from an operation on, in order.
pub(crate) fn points(trace: &Trace, from: usize, count: u64, random: &mut Random) -> Vec<usize> {
    let span = (trace.ops.len() - from) as u64 + 1;
    let mut points: Vec<usize> = (0..count).map(|_| from + random.below(span) as usize).collect();
    points.sort_unstable();
    points
}

/// Makes one image, has SQLite open it, checks it; returns how many committed windows are lost.
fn cut(disk: &Disk<'_>, how: How, random: &mut Random) -> Result<usize> {
    let folder = tempfile::Builder::new().prefix("ayumi-image-").tempdir()?;
    disk.image(how, random, folder.path())?;
    let db = folder.path().join("ticks.db");
    if !db.exists() {
        ensure!(
            disk.safe.is_empty(),
            "the database is not there although windows were durable"
        );
        return Ok(disk.told.len());
    }
    let found = check::whole(&db)?.windows;
    let gone = disk.safe.difference(&found).count();
    ensure!(gone == 0, "{gone} windows are lost that were said to be durable");
    Ok(disk.told.difference(&found).count())
}
