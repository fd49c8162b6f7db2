//! Signals as they come: the database is polled, every new row judged once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ayumi_store::StoreError;
use ayumi_store::reader::FollowedRow;

use super::follow::{Follower, Listener, State};
use super::judge::{Judge, Verdict};
use super::keep::Keeper;
use super::lines::Lines;
use super::rules::{Profile, Rules};
use super::signal;
use super::tally::Tally;
use crate::clock::Clock;
use crate::exit::Exit;

/// Between two polls.
const PAUSE: Duration = Duration::from_millis(250);
/// A wish to stop is heard this often.
const NAP: Duration = Duration::from_millis(25);
/// At a stop: for signals that wait for the database, and for lines that wait for stdout's reader.
const PATIENCE: Duration = Duration::from_millis(400);

/// What is followed, and how.
pub struct Live {
    /// The database; `{date}` in it stands for the JST date.
    pub db: PathBuf,
    /// The rules.
    pub rules: Rules,
    /// Rows behind this row id are new; `None` = those that come from now on.
    pub behind: Option<i64>,
    /// One JSON line per signal on stdout.
    pub json: bool,
    /// Whose date is taken.
    pub clock: Clock,
}

/// Follows until `stop` is raised.
///
/// # Errors
/// The database is there and cannot be used at all.
pub fn live(setup: Live, stop: &AtomicBool) -> Result<Exit, StoreError> {
    let lines = setup.json.then(Lines::start).and_then(|started| {
        let failed = |error| log::error!("no thread for stdout: {error}");
        started.map_err(failed).ok()
    });
    let mut watcher = Watcher {
        profile: setup.rules.profile,
        judge: Judge::new(setup.rules),
        tally: Tally::default(),
        old: 0,
        keeper: Keeper::default(),
        lines,
        stop,
    };
    let mut follower = Follower::new(setup.db, setup.behind);
    let mut said = Said::default();
    while !watcher.stopped() {
        setup.clock.resync();
        let begun = Instant::now();
        let told = follower.poll(setup.clock.now().date(), &mut watcher);
        log::debug!("poll took {} us", begun.elapsed().as_micros());
        said.about(told, watcher.old)?;
        watcher.keeper.flush();
        pause(stop);
    }
    // The reader goes first: then the writer, as the last one, can leave the file tidy.
    drop(follower);
    Ok(watcher.finish())
}

fn pause(stop: &AtomicBool) {
    let until = Instant::now() + PAUSE;
    while !stop.load(Ordering::Relaxed) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(NAP));
    }
}

/// What was said about the database last, so that it is said once.
#[derive(Default)]
struct Said {
    state: Option<State>,
    error: Option<String>,
}

impl Said {
    fn about(&mut self, told: Result<State, StoreError>, old: u64) -> Result<(), StoreError> {
        let state = match told {
            Ok(state) => state,
            Err(error) if self.state.is_none() && self.error.is_none() && !error.is_retryable() => return Err(error),
            Err(error) => {
                let text = error.to_string();
                if self.error.as_ref() != Some(&text) {
                    log::warn!("{text}; trying again");
                }
                self.error = Some(text);
                return Ok(());
            }
        };
        if self.error.take().is_some() || self.state.as_ref() != Some(&state) {
            match &state {
                State::Following(path) => log::info!("following {} (rows before the start: {old})", path.display()),
                State::Waiting(path) => log::info!("waiting for {} with features_stream", path.display()),
            }
        }
        self.state = Some(state);
        Ok(())
    }
}

/// Judges what it is told.
struct Watcher<'s> {
    profile: Profile,
    judge: Judge,
    tally: Tally,
    /// Rows that were there before the start.
    old: u64,
    keeper: Keeper,
    lines: Option<Lines>,
    stop: &'s AtomicBool,
}

impl Watcher<'_> {
    fn finish(self) -> Exit {
        let Tally { rows, unreadable, .. } = self.tally;
        let signals = self.tally.signals();
        if let Some(lines) = self.lines {
            lines.finish(PATIENCE);
        }
        let (stored, unsaved) = self.keeper.finish(PATIENCE);
        log::info!("naut stop rows={rows} signals={signals} stored={stored} unsaved={unsaved} unreadable={unreadable}");
        if unsaved == 0 {
            return Exit::Done;
        }
        log::error!("{unsaved} signals could not be stored; they are in the log above");
        Exit::Unsaved
    }
}

impl Listener for Watcher<'_> {
    fn on_old(&mut self, row: &FollowedRow) {
        self.old += 1;
        if let Some(judged) = signal::row(row) {
            self.judge.judge(&row.ticker, &judged);
        }
    }

    fn on_new(&mut self, path: &Path, row: &FollowedRow) {
        let verdict = signal::row(row).map(|judged| self.judge.judge(&row.ticker, &judged));
        self.tally.count(verdict.as_ref());
        if verdict.is_none() && self.tally.unreadable == 1 {
            log::warn!(
                "row {} of features_stream lacks its time, uptick_ratio or vol_sum; such rows are passed over",
                row.rowid
            );
        }
        let Some(Verdict::Accepted(score)) = verdict else {
            return;
        };
        let found = signal::stored(row, score, self.profile);
        log::info!("{}", signal::line(&found));
        if let Some(lines) = &mut self.lines {
            lines.put(signal::to_json(&found));
        }
        self.keeper.add(path, found);
    }

    fn on_moved(&mut self, path: &Path, why: &str) {
        log::warn!(
            "{}: {why}; going on with the rows that are newer than those judged",
            path.display()
        );
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
