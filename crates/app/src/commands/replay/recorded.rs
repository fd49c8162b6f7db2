//! `ayumi replay --journal`: once through when the target is new, else after a first look.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_journal::{Harm, JournalReader};
use ayumi_store::{StoreError, is_dated};

use super::progress::{BYTES_STYLE, Progress};
use super::{options, pace};
use crate::args::ReplayArgs;
use crate::commands::stream::{engine_settings, new_bursts};
use crate::exit::Exit;
use crate::journal::fingerprint;
use crate::replay::{self, Plan, ReplayError, Setup, Summary};
use crate::settings::Settings;
use crate::{signals, text};

/// What waited for the live database is all that later lines can tell of: `pending_max` windows, one that was being
/// written, one that was open, and some for the lines to come.
const SPARE: usize = 16;
/// More are not kept in memory, whatever was allowed to wait live: 48 MB with 50 symbols in each.
const MOST_AHEAD: usize = 4_096;

/// Replays the journal into the target.
pub(super) fn run(args: &ReplayArgs, settings: &Settings, journal: &Path, target: &Path) -> Result<Exit, ReplayError> {
    let stop = signals::flag()?;
    let (bytes, _) = JournalReader::open(journal, args.date)?.packed();
    log::info!(
        "replaying {:.1} MB of journal from {}{}",
        bytes as f64 / 1e6,
        journal.display(),
        pace(args)
    );
    let begun = Instant::now();
    let play = |plan: Option<&Plan>| {
        let mut progress = Progress::new(args, bytes, BYTES_STYLE, Arc::clone(&stop));
        let summary = replay::run(setup(args, settings, journal, target), plan, &mut progress);
        progress.bar.finish_and_clear();
        summary
    };
    let looked = || replay::survey(journal, args.date);
    let summary = match may_begin_anew(args, target) {
        false => play(Some(&looked()?))?,
        true => match play(None) {
            Err(ReplayError::TooLate) => {
                log::info!(
                    "windows were merged or lost long after their end: once more, after a look at all of the journal"
                );
                discard(target)?;
                play(Some(&looked()?))?
            }
            played => played?,
        },
    };
    say(args, &summary, begun.elapsed());
    Ok(if summary.is_whole() { Exit::Done } else { Exit::Found })
}

/// Without a first look at the journal a replay may find out too late that it stored other windows than the recorder
/// did. Then the target is made once more, so nobody else may have written into it, or follow it.
fn may_begin_anew(args: &ReplayArgs, target: &Path) -> bool {
    args.speed.is_none() && std::fs::symlink_metadata(target).is_err() && !is_dated(target)
}

/// Takes a target away that this command has made.
fn discard(target: &Path) -> Result<(), ReplayError> {
    for ending in ["-wal", "-shm", ""] {
        let mut file = target.as_os_str().to_owned();
        file.push(ending);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let (path, operation) = (file.into(), "taking it away to make it anew".to_owned());
                let detail = error.to_string();
                return Err(StoreError::Io {
                    path,
                    operation,
                    detail,
                }
                .into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn setup(args: &ReplayArgs, settings: &Settings, journal: &Path, target: &Path) -> Setup {
    let engine = engine_settings(settings);
    Setup {
        journal: journal.to_owned(),
        date: args.date,
        // Symbols named for this replay are meant to differ.
        expected: args.symbols.is_none().then(|| fingerprint(&engine)),
        engine,
        options: options(settings, target.to_owned()),
        bursts: new_bursts(settings),
        ahead: (settings.pending_max + SPARE).min(MOST_AHEAD),
        paced: args.speed.is_some(),
    }
}

fn say(args: &ReplayArgs, summary: &Summary, took: Duration) {
    for damage in &summary.damages {
        let (path, lines) = (damage.path.display(), damage.lines);
        match damage.harm {
            Harm::Unclosed => log::info!(
                "{path} was not closed (a kill, or it is being written); all {lines} lines in it were played"
            ),
            Harm::Tail => log::warn!(
                "{path}: what comes behind line {lines} cannot be read and is passed over ({}); the lines before were played",
                damage.why
            ),
            Harm::Checksum => log::warn!(
                "{path}: all {lines} lines were played, but any of them may be wrong: the file's checksum differs. Take a \
                 copy of the file if there is one"
            ),
        }
    }
    if summary.foreign > 0 {
        log::warn!(
            "{} lines that are no lines of a journal were passed over",
            summary.foreign
        );
    }
    let Summary { played, totals, .. } = summary;
    let seconds = took.as_secs_f64();
    log::info!(
        "replay done runs={} messages={} boards={} lost={} unstored={} windows={} rows={} seconds={seconds:.1} rate={:.0}/s",
        played.runs,
        played.messages,
        played.boards,
        played.lost,
        played.unstored,
        totals.windows,
        totals.rows,
        played.messages as f64 / seconds.max(0.001),
    );
    if args.digest {
        text::stdout_line(&format!("digest={:016x} windows={}", totals.digest, totals.windows));
    }
}
