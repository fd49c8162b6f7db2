//! J2: the power goes at any moment, under `full` and `balanced`. What was synced is read back line by line, what is
//! missing came in within the last second, and nothing that was not written is read.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ayumi_journal::Owned;
use serde_json::json;

use super::{LOSS_MS, Lines, lines, newest, plain_lines, replay};
use crate::disk::{Disk, How};
use crate::images::points;
use crate::random::Random;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;
use crate::trace::{self, Trace};

const PER_TRACE: u64 = 100;
/// So many images are replayed.
const ONE_IN: usize = 20;

#[derive(Default)]
struct Tally {
    messages: usize,
    worst_ms: i64,
    replays: u64,
    /// Images with lines behind the synced ones that nobody wrote, all of them told as damage.
    strange: u64,
}

/// Makes `n` images, half of them for each level.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Vec<Row>> {
    let row = |word: &'static str, n: u64| level_row(ayumi, word, n, seed);
    Ok(vec![row("full", n.div_ceil(2))?, row("balanced", n / 2)?])
}

fn level_row(ayumi: &Path, word: &'static str, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let mut tally = Tally::default();
    let mut made = 0;
    while made < n {
        let desk = Desk::new(json!({
            "durability": word, "window_ms": 300, "mock_interval_ms": 100, "journal_dir": "journal",
        }))?;
        let trace = record(ayumi, &desk)?;
        let all = lines(&desk.path("journal"))?.lines;
        tally.messages += all.len();
        let count = PER_TRACE.min(n - made);
        let mut disk = Disk::new(&trace, &[]);
        for (image, point) in points(&trace, 0, count, &mut random).into_iter().enumerate() {
            disk.go_to(point);
            let how = How::ALL[image % How::ALL.len()];
            let play = image % ONE_IN == 0;
            let cut = Cut {
                ayumi,
                desk: &desk,
                all: &all,
                disk: &disk,
                at_us: time(&trace, point),
            };
            cut.check(how, play, &mut random, &mut tally).with_context(|| {
                format!(
                    "{word}: image {image} ({how:?}) at operation {point} of {}, seed {seed}",
                    trace.ops.len()
                )
            })?;
        }
        made += count;
    }
    Ok(Row {
        trial: if word == "full" {
            "j02_journal_power_cut, full"
        } else {
            "j02_journal_power_cut, balanced"
        },
        promise: "J2, J4",
        amount: format!("{n} power-cut images of journals with {} lines", tally.messages),
        result: format!(
            "at most the last {} ms are missing (bound: {LOSS_MS}), every synced line read back, {} replays, {} images with \
             garbage behind them, told as damage",
            tally.worst_ms, tally.replays, tally.strange
        ),
        took: began.elapsed(),
    })
}

/// Six seconds in real time: how much is lost is a question of time.
fn record(ayumi: &Path, desk: &Desk) -> Result<Trace> {
    let path = desk.path("trace");
    let recorder = Recorder::start(ayumi, desk, &trace::wrapper(&path), &["--duration", "6s"])?;
    let (status, _) = recorder.ended()?;
    ensure!(status.success(), "the recorder under strace: {status}\n{}", desk.log());
    trace::read(&path, desk.folder())
}

/// The latest moment, us, at which the power may have gone: just before the next operation.
fn time(trace: &Trace, point: usize) -> i64 {
    trace
        .times
        .get(point)
        .or(trace.times.last())
        .copied()
        .unwrap_or_default()
}

/// A power cut.
struct Cut<'a> {
    ayumi: &'a Path,
    desk: &'a Desk,
    /// What the recorder had put into its journal at its end.
    all: &'a [Owned],
    disk: &'a Disk<'a>,
    at_us: i64,
}

impl Cut<'_> {
    fn check(&self, how: How, play: bool, random: &mut Random, tally: &mut Tally) -> Result<()> {
        let synced = self.image(How::Nothing, random)?.1.lines.len();
        let (folder, found) = self.image(how, random)?;
        let same = found.lines.iter().zip(self.all).take_while(|(a, b)| a == b).count();
        ensure!(same >= synced, "{synced} lines were synced, {same} are read back");
        if same < found.lines.len() {
            ensure!(
                found.damaged,
                "line {same} is not what was written, and no damage is told"
            );
            tally.strange += 1;
        }
        let missing = self.all.get(same).filter(|line| line.at_ns < self.at_us * 1_000);
        let missing_ms = missing.map_or(0, |line| (self.at_us * 1_000 - line.at_ns) / 1_000_000);
        ensure!(missing_ms <= LOSS_MS, "the last {missing_ms} ms are missing");
        tally.worst_ms = tally.worst_ms.max(missing_ms);
        let journal = folder.path().join("journal");
        let Some(file) = newest(&journal)? else { return Ok(()) };
        // Other programs lose what they unpacked in the same step when garbage follows; a cut end is none.
        if matches!(how, How::Nothing | How::Everything) {
            let plain = plain_lines(&file)?;
            ensure!(plain >= synced, "zstd reads {plain} of {synced} lines that were synced");
        }
        if play && synced > 0 {
            let (_, code) = replay(self.ayumi, self.desk, &journal)?;
            ensure!(
                code == i32::from(found.damaged),
                "replay ended with {code}, damaged: {}",
                found.damaged
            );
            tally.replays += 1;
        }
        Ok(())
    }

    fn image(&self, how: How, random: &mut Random) -> Result<(tempfile::TempDir, Lines)> {
        let folder = tempfile::Builder::new().prefix("ayumi-image-").tempdir()?;
        self.disk.image(how, random, folder.path())?;
        let journal = folder.path().join("journal");
        let found = match newest(&journal)? {
            Some(_) => lines(&journal)?,
            None => Lines {
                lines: Vec::new(),
                damaged: false,
            },
        };
        Ok((folder, found))
    }
}
