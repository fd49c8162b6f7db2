//! G6: the power goes at any moment. From what a recorder asked the disk to do, files are put together as a disk may hold
//! them then: only what was synced, all of it, or any part of what was not, with torn sectors and garbage in them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::random::Random;
use crate::recorder::{Desk, Recorder, symbols};
use crate::report::Row;
use crate::trace::{self, Op, Trace};

const SECTOR: usize = 512;
/// Images from one trace.
const PER_TRACE: u64 = 100;

/// A durability level and the most committed windows that it may lose.
struct Level {
    word: &'static str,
    bound: Option<usize>,
}

const LEVELS: [Level; 3] = [
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
        let mut points: Vec<usize> = (0..count)
            .map(|_| random.below(trace.ops.len() as u64 + 1) as usize)
            .collect();
        points.sort_unstable();
        let mut disk = Disk::new(&trace);
        for (image, point) in points.into_iter().enumerate() {
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
fn record(ayumi: &Path, level: &Level, count: usize) -> Result<Trace> {
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

/// What is left of the writes that were not synced.
#[derive(Clone, Copy, Debug)]
enum How {
    Nothing,
    Everything,
    Some,
    Torn,
}

impl How {
    const ALL: [Self; 4] = [Self::Nothing, Self::Everything, Self::Some, Self::Torn];
}

/// The disk while the operations go by.
struct Disk<'t> {
    trace: &'t Trace,
    at: usize,
    files: Vec<File<'t>>,
    told: BTreeSet<i64>,
    safe: BTreeSet<i64>,
}

#[derive(Default)]
struct File<'t> {
    /// Whether it is there after a power cut, and whether it is there now.
    kept: bool,
    there: bool,
    synced: Vec<u8>,
    /// Not synced yet.
    pending: Vec<&'t Op>,
}

impl<'t> Disk<'t> {
    fn new(trace: &'t Trace) -> Self {
        Self {
            trace,
            at: 0,
            files: trace.files.iter().map(|_| File::default()).collect(),
            told: BTreeSet::new(),
            safe: BTreeSet::new(),
        }
    }

    /// Lets the operations before `point` happen.
    fn go_to(&mut self, point: usize) {
        for op in &self.trace.ops[self.at..point] {
            match op {
                Op::Create(file) => {
                    let file = &mut self.files[*file];
                    if !file.there {
                        file.there = true;
                        file.synced.clear();
                    }
                }
                Op::Write(file, ..) | Op::Truncate(file, _) => self.files[*file].pending.push(op),
                Op::Sync(file) => {
                    let file = &mut self.files[*file];
                    for op in std::mem::take(&mut file.pending) {
                        apply(op, &mut file.synced, |_| Sector::New);
                    }
                }
                Op::Unlink(file) => {
                    let file = &mut self.files[*file];
                    file.there = false;
                    file.pending.clear();
                }
                Op::SyncFolder => {
                    for file in &mut self.files {
                        file.kept = file.there;
                        if !file.there {
                            file.synced.clear();
                        }
                    }
                }
                Op::Told(told) => {
                    self.told.insert(told.window_id);
                    if told.durable {
                        self.safe.extend(&self.told);
                    }
                }
            }
        }
        self.at = point;
    }
}

/// Makes one image, has SQLite open it, checks it; returns how many committed windows are lost.
fn cut(disk: &Disk<'_>, how: How, random: &mut Random) -> Result<usize> {
    let folder = tempfile::Builder::new().prefix("ayumi-image-").tempdir()?;
    for (name, file) in disk.trace.files.iter().zip(&disk.files) {
        // What was created or deleted since the folder was synced may be there or not.
        let there = match how {
            How::Nothing => file.kept,
            How::Everything => file.there,
            How::Some | How::Torn => {
                if random.one_in(2) {
                    file.kept
                } else {
                    file.there
                }
            }
        };
        if there {
            std::fs::write(folder.path().join(name), content(file, how, random))?;
        }
    }
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

/// What becomes of a sector of a write.
enum Sector {
    Old,
    New,
    Garbage,
}

fn content(file: &File<'_>, how: How, random: &mut Random) -> Vec<u8> {
    let mut bytes = file.synced.clone();
    for op in &file.pending {
        match how {
            How::Nothing => {}
            How::Everything => apply(op, &mut bytes, |_| Sector::New),
            How::Some => {
                if random.one_in(2) {
                    apply(op, &mut bytes, |_| Sector::New);
                }
            }
            How::Torn => apply(op, &mut bytes, |_| match random.below(8) {
                0..=3 => Sector::New,
                4..=6 => Sector::Old,
                _ => Sector::Garbage,
            }),
        }
    }
    bytes
}

/// Lets an operation happen to a file, sector by sector.
fn apply(op: &Op, bytes: &mut Vec<u8>, mut fate: impl FnMut(usize) -> Sector) {
    match op {
        Op::Write(_, offset, data) => {
            let offset = *offset as usize;
            if bytes.len() < offset + data.len() {
                bytes.resize(offset + data.len(), 0);
            }
            let mut at = 0;
            while at < data.len() {
                // Sectors are aligned in the file.
                let end = data.len().min(at + SECTOR - (offset + at) % SECTOR);
                let place = &mut bytes[offset + at..offset + end];
                match fate((offset + at) / SECTOR) {
                    Sector::Old => {}
                    Sector::New => place.copy_from_slice(&data[at..end]),
                    Sector::Garbage => place.fill(0xA5),
                }
                at = end;
            }
        }
        Op::Truncate(_, length) => {
            if matches!(fate(0), Sector::New) {
                bytes.resize(*length as usize, 0);
            }
        }
        _ => {}
    }
}
