//! S8: the power goes while a database is brought back after the power went. A recorder starts on an image; what it asks
//! of the disk is cut again at a random moment. Every window of the first image is in the second, none partial.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::disk::{Disk, How};
use crate::images::{LEVELS, Level, points, record};
use crate::random::Random;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;
use crate::trace::{self, Op, Trace};

/// Second images from one first image.
const PER_RECOVERY: u64 = 20;

/// What was found over all images.
#[derive(Default)]
struct Tally {
    recoveries: u64,
    images: u64,
    windows: usize,
    worst: usize,
}

/// Makes `n` images of recoveries, a third for each level.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for (place, level) in LEVELS.iter().enumerate() {
        let until = n * (place as u64 + 1) / LEVELS.len() as u64;
        let trace = record(ayumi, level, 50)?;
        while tally.images < until {
            let count = PER_RECOVERY.min(until - tally.images);
            let context = || format!("{}, recovery {}, seed {seed}", level.word, tally.recoveries);
            let context = context();
            recover(ayumi, level, &trace, count, &mut tally, &mut random).context(context)?;
        }
    }
    Ok(Row {
        trial: "s08_power_cut_in_recovery",
        promise: "S8, G6, G4",
        amount: format!(
            "{} images of {} recoveries from power cuts",
            tally.images, tally.recoveries
        ),
        result: format!(
            "0 damaged, 0 partial, 0 of {} windows of the first images lost; at most {} windows lost that the recovering \
             recorder had committed itself",
            tally.windows, tally.worst
        ),
        took: began.elapsed(),
    })
}

/// One first image, a recorder that starts on it, and `count` second images.
fn recover(
    ayumi: &Path,
    level: &Level,
    first: &Trace,
    count: u64,
    tally: &mut Tally,
    random: &mut Random,
) -> Result<()> {
    let desk = Desk::new(json!({
        "durability": level.word, "window_ms": 300, "mock_interval_ms": 100,
    }))?;
    let point = first.ops.len() / 4 + random.below(first.ops.len() as u64 * 3 / 4) as usize;
    let how = How::ALL[random.below(4) as usize];
    let mut disk = Disk::new(first, &[]);
    disk.go_to(point);
    disk.image(how, random, desk.folder())?;
    let before = content(desk.folder())?;
    let safe = windows_of(&before)?;
    let place = || format!("first cut at operation {point} of {} ({how:?})", first.ops.len());
    ensure!(
        disk.safe.is_subset(&safe),
        "{}: windows are lost that were said to be durable",
        place()
    );
    let path = desk.path("trace");
    let args = ["--clock", "2026-11-20T10:05:00@10", "--duration", "3s"];
    let (status, _) = Recorder::start(ayumi, &desk, &trace::wrapper(&path), &args)?.ended()?;
    ensure!(status.success(), "{}: the recorder: {status}\n{}", place(), desk.log());
    let second = trace::read(&path, desk.folder())?;
    let opening = second
        .ops
        .iter()
        .position(|op| matches!(op, Op::Told(_)))
        .unwrap_or(second.ops.len());
    // Half of them before the first new window: that is the recovery itself.
    let mut cuts = points(&second, opening, count / 2, random);
    cuts.extend((0..count - count / 2).map(|_| random.below(opening as u64 + 1) as usize));
    cuts.sort_unstable();
    let mut disk = Disk::new(&second, &before);
    for (image, cut) in cuts.into_iter().enumerate() {
        disk.go_to(cut);
        let how = How::ALL[image % How::ALL.len()];
        let lost = again(&disk, how, &safe, random)
            .with_context(|| format!("{}; second at {cut} of {} ({how:?})", place(), second.ops.len()))?;
        ensure!(
            level.bound.is_none_or(|bound| lost <= bound),
            "{}; second at {cut} ({how:?}): {lost} committed windows are lost",
            place()
        );
        tally.worst = tally.worst.max(lost);
        tally.windows += safe.len();
        tally.images += 1;
    }
    tally.recoveries += 1;
    Ok(())
}

/// Makes a second image and checks it; returns how many windows of the second recorder are lost.
fn again(disk: &Disk<'_>, how: How, safe: &BTreeSet<i64>, random: &mut Random) -> Result<usize> {
    let folder = tempfile::Builder::new().prefix("ayumi-image-").tempdir()?;
    disk.image(how, random, folder.path())?;
    let db = folder.path().join("ticks.db");
    if !db.exists() {
        ensure!(safe.is_empty() && disk.safe.is_empty(), "the database is gone");
        return Ok(disk.told.len());
    }
    let found = check::whole(&db)?.windows;
    let gone = safe.union(&disk.safe).filter(|id| !found.contains(id)).count();
    ensure!(
        gone == 0,
        "{gone} windows are lost that the first image held or that were durable"
    );
    Ok(disk.told.difference(&found).count())
}

/// The database in a folder and what belongs to it, by name.
pub(crate) fn content(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("ticks.db") {
            let bytes = std::fs::read(folder.join(&name))?;
            files.push((name, bytes));
        }
    }
    Ok(files)
}

/// What SQLite finds in a copy: looking changes a file that has to be recovered.
fn windows_of(files: &[(String, Vec<u8>)]) -> Result<BTreeSet<i64>> {
    let folder = tempfile::Builder::new().prefix("ayumi-image-").tempdir()?;
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes)?;
    }
    let db = folder.path().join("ticks.db");
    if !db.exists() {
        return Ok(BTreeSet::new());
    }
    Ok(check::whole(&db)?.windows)
}
