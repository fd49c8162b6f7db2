//! J4: flips in a journal.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ayumi_journal::{Harm, JournalReader, Owned, journal_files};
use serde_json::json;

use super::{Tally, flipped, no_panic};
use crate::random::Random;
use crate::recorder::{self, Desk, Recorder};
use crate::report::Row;

/// So many flips are given to the command.
const ONE_IN: u64 = 50;

/// Turns `n` bits, one at a time.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let mut tally = Tally::default();
    let desk = Desk::new(json!({
        "window_ms": 300, "mock_interval_ms": 100, "journal_dir": "journal", "symbols": &recorder::symbols()[..20],
    }))?;
    let args = ["--clock", "2026-11-20T10:00:00@20", "--duration", "9s"];
    let (status, _) = Recorder::start(ayumi, &desk, &[], &args)?.ended()?;
    ensure!(status.success(), "{status}\n{}", desk.log());
    let file = journal_files(&desk.path("journal"))?.pop().context("no journal")?;
    let bytes = std::fs::read(&file)?;
    let written = read(&file)?.context("the journal is whole")?;
    for flip in 0..n {
        let (torn, at, bit) = flipped(&bytes, &mut random);
        let place = || format!("flip {flip}: bit {bit} of byte {at} of {}, seed {seed}", bytes.len());
        std::fs::write(&file, torn)?;
        match no_panic(|| read(&file)).with_context(place)? {
            None => tally.noticed += 1,
            Some(lines) => {
                ensure!(
                    lines == written,
                    "{}: lines are others than written and nobody says so",
                    place()
                );
                tally.same += 1;
            }
        }
        if flip % ONE_IN == 0 {
            command(ayumi, &desk, &file).with_context(place)?;
            tally.commands += 1;
        }
    }
    Ok(Row {
        trial: "j04_bit_flips",
        promise: "J4",
        amount: format!(
            "{n} flipped bits of a journal of {} kB with {} lines, {} replays",
            bytes.len() >> 10,
            written.len(),
            tally.commands
        ),
        result: format!(
            "{} told as damage, {} without effect, 0 panics, 0 lines silently others",
            tally.noticed, tally.same
        ),
        took: began.elapsed(),
    })
}

/// The lines of a file; `None` when a damage is told.
fn read(file: &Path) -> Result<Option<Vec<Owned>>> {
    let Ok(mut reader) = JournalReader::open(file, None) else {
        return Ok(None);
    };
    let mut lines = Vec::new();
    for line in reader.by_ref() {
        lines.push(line?);
    }
    let told = reader.skipped() > 0 || reader.damages().iter().any(|damage| damage.harm != Harm::Unclosed);
    Ok((!told).then_some(lines))
}

/// `replay` plays what it can and says with its code whether that is all.
fn command(ayumi: &Path, desk: &Desk, file: &Path) -> Result<()> {
    let expected = if read(file)?.is_some() { 0 } else { 1 };
    let journal = file.display().to_string();
    let again = tempfile::Builder::new().prefix("ayumi-again-").tempdir()?;
    let target = again.path().join("again.db").display().to_string();
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        &journal,
        "--target-db",
        &target,
        "--no-sleep",
        "--quiet",
    ];
    let (code, said) = recorder::run(ayumi, desk, &args)?;
    ensure!(
        code == Some(expected),
        "replay ended with {code:?}, not {expected}: {said}"
    );
    Ok(())
}
