//! `ayumi replay`: a recorded day again.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ayumi_engine::{Stamp, Symbol};
use ayumi_store::{Durability, Options, StoreError};
use ayumi_wire::jst;
use indicatif::{ProgressBar, ProgressStyle};
use log::LevelFilter;

use super::stream::{engine_settings, new_bursts};
use crate::args::ReplayArgs;
use crate::clock::Clock;
use crate::exit::Exit;
use crate::journal::fingerprint;
use crate::logging::{self, LogConfig};
use crate::replay::{self, Plan, ReplayError, Setup, Summary, Watch};
use crate::settings::{self, Overrides, Settings};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &ReplayArgs) -> Exit {
    let overrides = Overrides {
        mode: None,
        symbols: args.symbols.clone(),
        offline: true,
    };
    let settings = match settings::load(&args.config, &overrides, &settings::process_env) {
        Ok(settings) => settings,
        Err(error) => {
            text::stderr_line(&error.to_string());
            return Exit::Usage;
        }
    };
    let log = console_log(args.level);
    let exit = match &args.journal {
        Some(journal) => from_journal(args, &settings, journal),
        None => {
            text::stderr_line("error: --journal is missing");
            Exit::Usage
        }
    };
    log.flush(Duration::from_millis(500));
    exit
}

/// The log of a replay goes to the console alone: the file belongs to the recorder.
fn console_log(level: LevelFilter) -> logging::LogHandle {
    let clock = Clock::system();
    logging::init(LogConfig {
        path: None,
        level,
        now: Arc::new(move || clock.now()),
    })
}

fn from_journal(args: &ReplayArgs, settings: &Settings, journal: &Path) -> Exit {
    let Some(target) = &args.target_db else {
        text::stderr_line(
            "error: --journal needs --target-db, the database to write into\n  \
             next: ayumi replay -Config c.json --journal journal --target-db again.db",
        );
        return Exit::Usage;
    };
    match try_journal(args, settings, journal, target) {
        Ok(exit) => exit,
        Err(error) => {
            log::error!("{error}");
            match error {
                ReplayError::Stopped => Exit::Done,
                ReplayError::Store(StoreError::Locked { .. }) => Exit::Owned,
                ReplayError::Store(error) if error.is_retryable() => Exit::Unsaved,
                ReplayError::Store(_) | ReplayError::Journal(_) => Exit::Usage,
                ReplayError::Thread(_) => Exit::Bug,
            }
        }
    }
}

fn try_journal(args: &ReplayArgs, settings: &Settings, journal: &Path, target: &Path) -> Result<Exit, ReplayError> {
    let stop = signals::flag()?;
    let plan = replay::survey(journal, args.date)?;
    let engine = engine_settings(settings);
    if plan.settings.iter().any(|then| *then != fingerprint(&engine)) && args.symbols.is_none() {
        log::warn!(
            "these settings are not those of the recording (symbols, window_ms, guards, ...): the rows may differ"
        );
    }
    let options = Options {
        path: target.to_owned(),
        tickers: settings.symbols.iter().map(Symbol::ticker).collect(),
        // A replay can be done again; it need not wait for the disk at every window.
        durability: Durability::Seed,
        window_ms: i64::from(settings.window_ms),
        busy_timeout: Duration::from_millis(250),
    };
    let mut progress = Progress::new(args, &plan, stop);
    let setup = Setup {
        journal: journal.to_owned(),
        date: args.date,
        engine,
        options,
        bursts: new_bursts(settings),
    };
    let begun = Instant::now();
    let summary = replay::run(setup, &plan, &mut progress);
    progress.bar.finish_and_clear();
    say(args, &summary?, begun.elapsed());
    Ok(Exit::Done)
}

fn say(args: &ReplayArgs, summary: &Summary, took: Duration) {
    for damage in &summary.damages {
        log::warn!(
            "{}: the end cannot be read ({}); {} whole lines before it were played",
            damage.path.display(),
            damage.why,
            damage.lines
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

/// The bar, the pace and the user's wish to stop.
struct Progress {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    speed: Option<f64>,
    max_sleep: Duration,
    last: Option<Stamp>,
}

impl Progress {
    fn new(args: &ReplayArgs, plan: &Plan, stop: Arc<AtomicBool>) -> Self {
        let shown = !args.quiet && std::io::stderr().is_terminal();
        let bar = if shown {
            ProgressBar::new(plan.bytes)
        } else {
            ProgressBar::hidden()
        };
        let style = "{bar:30} {percent:>3} %  {msg}  {bytes_per_sec}  left {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            // Characters that every console has.
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            stop,
            speed: args.speed,
            max_sleep: args.max_sleep,
            last: None,
        }
    }
}

impl Watch for Progress {
    fn on_block(&mut self, bytes: u64, messages: u64, at: Stamp) {
        self.bar.set_position(bytes);
        let time = jst::iso_s(at.s());
        self.bar.set_message(format!(
            "{messages} messages, at {}",
            time.get(..19).unwrap_or_default()
        ));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn pace(&mut self, at: Stamp) -> bool {
        let before = self.last.replace(at);
        if let (Some(speed), Some(before)) = (self.speed, before) {
            let gap = Duration::from_millis(u64::try_from(at.ms_since(before)).unwrap_or(0));
            let mut left = gap.div_f64(speed).min(self.max_sleep);
            while !left.is_zero() && !self.stopped() {
                let nap = left.min(Duration::from_millis(100));
                std::thread::sleep(nap);
                left -= nap;
            }
        }
        !self.stopped()
    }
}
