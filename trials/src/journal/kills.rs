//! J1: killed at any moment. Every stored window has its messages in the journal, what came in longer ago than a second is
//! there, and a replay gives the windows that were stored, to their checksums; of windows of a minute, in which most runs
//! store nothing, their bounds and messages.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use ayumi_journal::journal_files;
use serde_json::json;

use super::{LOSS_MS, Window, lines, messages_in, newest, plain_lines, replay, windows};
use crate::check;
use crate::random::Random;
use crate::recorder::{Desk, Recorder, Told, symbols};
use crate::report::Row;

/// A fresh database and journal after so many kills.
const PER_FILE: u64 = 50;
/// So many kills come within a long window.
const ONE_IN: u64 = 20;

#[derive(Default)]
struct Tally {
    told: usize,
    lines: u64,
    replays: u64,
    worst_ms: i64,
}

/// Kills `n` recorders, one in twenty of them in a window so long that nothing but the clock hands its lines over.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let mut tally = Tally::default();
    let patient = n / ONE_IN;
    let mut made = 0;
    while made < n {
        let long = made >= n - patient;
        let border = if long { n } else { n - patient };
        let count = PER_FILE.min(border - made);
        one_file(ayumi, long, made..made + count, &mut random, &mut tally).with_context(|| format!("seed {seed}"))?;
        made += count;
    }
    Ok(Row {
        trial: "j01_journal_kills",
        promise: "J1, J5, G5",
        amount: format!(
            "{n} kills, {} acknowledged windows, {} lines in the journals, {} replays",
            tally.told, tally.lines, tally.replays
        ),
        result: format!(
            "every stored window has its messages; at most the last {} ms are missing; replays gave the stored windows",
            tally.worst_ms
        ),
        took: began.elapsed(),
    })
}

fn one_file(ayumi: &Path, long: bool, kills: Range<u64>, random: &mut Random, tally: &mut Tally) -> Result<()> {
    let desk = if long {
        // Neither a border nor a full block comes before the clock.
        Desk::new(json!({
            "window_ms": 60_000, "mock_interval_ms": 50, "symbols": &symbols()[..5], "journal_dir": "journal",
        }))?
    } else {
        Desk::new(json!({"window_ms": 20, "mock_interval_ms": 5, "journal_dir": "journal"}))?
    };
    let mut seen = i64::MIN;
    for kill in kills.clone() {
        let context = || format!("kill {kill}");
        let mut recorder = Recorder::start(ayumi, &desk, &[], &[])?;
        if long {
            wait_for_file(&desk.path("journal"), kill - kills.start + 1).with_context(context)?;
            std::thread::sleep(Duration::from_millis(600 + random.below(700)));
        } else {
            recorder.wait_told(1 + random.below(6) as usize).with_context(context)?;
            std::thread::sleep(Duration::from_micros(random.below(25_000)));
        }
        let killed_ms = now_ms();
        let told = recorder.kill()?;
        tally.told += told.len();
        seen = one_kill(&desk, killed_ms, &told, seen, tally).with_context(context)?;
    }
    check::whole(&desk.db())?;
    // Windows behind the newest stored one are those of the last run, which nobody can know to be lost.
    let stored = windows(&desk.db())?;
    let (mut again, _) = replay(ayumi, &desk, &desk.path("journal"))?;
    again.retain(|window| window.id <= seen);
    if long {
        // Most of these runs are killed before they have stored anything, and nobody can tell their windows from those
        // of a database that is another one by now: the replay keeps them (docs/design/journal.md, "Kills"). What was
        // stored must be among them.
        let same = |a: &Window, b: &Window| (a.id, a.end_ms, a.messages) == (b.id, b.end_ms, b.messages);
        let missing = stored
            .iter()
            .find(|window| !again.iter().any(|other| same(window, other)));
        ensure!(
            missing.is_none(),
            "kills {kills:?}: {missing:?} is stored and not in the replay"
        );
        tally.replays += 1;
        return Ok(());
    }
    let differ = stored.iter().zip(&again).find(|(a, b)| a != b);
    ensure!(
        stored.len() == again.len() && differ.is_none(),
        "kills {kills:?}: {} windows are stored, the replay has {}; first difference {differ:?}",
        stored.len(),
        again.len()
    );
    tally.replays += 1;
    Ok(())
}

/// What a kill has left; the newest window that is stored. `seen`: that of the kill before.
fn one_kill(desk: &Desk, killed_ms: i64, told: &[Told], seen: i64, tally: &mut Tally) -> Result<i64> {
    let newest = newest(&desk.path("journal"))?.context("no journal")?;
    let read = lines(&newest)?;
    let plain = plain_lines(&newest)?;
    ensure!(
        plain >= read.lines.len(),
        "zstd reads {plain} lines, replay {}",
        read.lines.len()
    );
    let stored = windows(&desk.db())?;
    for window in stored.iter().filter(|window| window.id > seen) {
        let found = messages_in(&read.lines, window.id, window.end_ms);
        ensure!(found == window.messages, "{window:?}, the journal has {found} messages");
    }
    let lost = told
        .iter()
        .filter(|t| !stored.iter().any(|window| window.id == t.window_id))
        .count();
    ensure!(lost == 0, "{lost} committed windows are lost");
    let last = read.lines.last().context("an empty journal")?;
    let missing_ms = killed_ms - last.at_ns.div_euclid(1_000_000);
    ensure!(missing_ms <= LOSS_MS, "the last {missing_ms} ms are missing");
    tally.worst_ms = tally.worst_ms.max(missing_ms);
    tally.lines += read.lines.len() as u64;
    Ok(stored.last().map_or(seen, |window| window.id))
}

/// Waits until a folder holds so many journal files with something in the newest.
fn wait_for_file(folder: &Path, count: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let files = if folder.exists() {
            journal_files(folder)?
        } else {
            Vec::new()
        };
        if files.len() as u64 >= count && files.last().is_some_and(|f| f.metadata().is_ok_and(|m| m.len() > 0)) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("no journal file {count}")
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
