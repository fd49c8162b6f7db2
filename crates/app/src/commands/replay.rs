//! `ayumi replay`: a recorded day again.

mod beside;
mod progress;
mod recorded;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_engine::Symbol;
use ayumi_store::reader::Reader;
use ayumi_store::{Durability, FeatureSink, Options, Purpose, StoreError};
use ayumi_wire::jst::Date;
use log::LevelFilter;

use self::beside::Beside;
use self::progress::{Progress, ROWS_STYLE};
use super::settings_of;
use crate::args::ReplayArgs;
use crate::clock::Clock;
use crate::exit::Exit;
use crate::logging::{self, LogConfig};
use crate::replay::ReplayError;
use crate::replay::snapshot::{self, Day};
use crate::settings::{Overrides, Settings};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &ReplayArgs) -> Exit {
    let overrides = Overrides {
        symbols: args.symbols.clone(),
        offline: true,
        ..Overrides::default()
    };
    let settings = match settings_of(&args.config, &overrides, false) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let log = console_log(args.level);
    let exit = match &args.journal {
        Some(journal) => from_journal(args, &settings, journal),
        None => from_database(args, &settings),
    };
    log.flush(Duration::from_millis(500));
    exit
}

/// The log of a command beside the recorder goes to the console alone: the file belongs to the recorder.
pub(super) fn console_log(level: LevelFilter) -> logging::LogHandle {
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
    recorded::run(args, settings, journal, target).unwrap_or_else(|error| failed(&error))
}

fn failed(error: &ReplayError) -> Exit {
    match error {
        ReplayError::Stopped => {
            log::info!("stopped; what was done until then is stored, the same command goes on from there");
            return Exit::Done;
        }
        error => log::error!("{error}"),
    }
    match error {
        ReplayError::Store(StoreError::Locked { .. }) => Exit::Owned,
        ReplayError::Store(error) if error.is_retryable() => Exit::Unsaved,
        ReplayError::Stopped | ReplayError::Store(_) | ReplayError::Journal(_) => Exit::Usage,
        ReplayError::Thread(_) | ReplayError::TooLate => Exit::Bug,
    }
}

fn from_database(args: &ReplayArgs, settings: &Settings) -> Exit {
    let named = |path: &Option<PathBuf>, other: &Option<PathBuf>| path.clone().or_else(|| other.clone());
    let source = named(&args.source_db, &settings.snapshot_db).unwrap_or_else(|| settings.db_path.clone());
    let target = named(&args.target_db, &settings.features_db).unwrap_or_else(|| match &args.source_db {
        Some(source) => source.clone(),
        None => settings.db_path.clone(),
    });
    let mut naut = None;
    let done = try_database(args, settings, &source, target, &mut naut);
    if let Some(naut) = naut {
        naut.end();
    }
    match done {
        Ok(exit) => exit,
        Err(error) => failed(&error),
    }
}

fn try_database(
    args: &ReplayArgs,
    settings: &Settings,
    source: &Path,
    target: PathBuf,
    naut: &mut Option<Beside>,
) -> Result<Exit, ReplayError> {
    let stop = signals::flag()?;
    let Some(path) = dated(source, args.date) else {
        log::error!(
            "{} stands for one file per day; name the day with --date",
            source.display()
        );
        return Ok(Exit::Usage);
    };
    if !path.is_file() {
        log::error!("there is no database {}; name it with --source-db", path.display());
        return Ok(Exit::Usage);
    }
    let reader = Reader::open(&path)?;
    let Some(date) = args.date.map_or_else(|| reader.newest_day(), |date| Ok(Some(date)))? else {
        log::error!(
            "{} holds no day: neither tick_batch nor today_data has rows",
            path.display()
        );
        return Ok(Exit::Usage);
    };
    let (rows, minutes) = reader.day_size(date)?;
    if rows == 0 {
        log::error!(
            "{} has no rows of {date}; the newest day is the default of --date",
            path.display()
        );
        return Ok(Exit::Usage);
    }
    if minutes {
        log::warn!("tick_batch has no row of {date}; the minutes of today_data stand in, one tick each");
    }
    let mut sink = FeatureSink::open(&options(settings, target.clone()), date)?;
    if args.truncate {
        log::info!("{} feature rows of {date} deleted", sink.truncate(date)?);
    }
    let file = ayumi_store::path_for(&target, date);
    *naut = args.naut.as_ref().and_then(|beside| Beside::start(args, beside, &file));
    let day = Day {
        date,
        tickers: args.symbols.iter().flatten().map(Symbol::ticker).collect(),
        limit: args.limit,
        burst: settings.burst.clone(),
        window_ms: i64::from(settings.window_ms),
        paced: args.speed.is_some(),
    };
    let mut progress = Progress::new(args, rows, ROWS_STYLE, stop);
    log::info!("replaying {rows} rows of {date} from {}{}", path.display(), pace(args));
    let begun = Instant::now();
    let counts = snapshot::run(&reader, sink, &day, &mut progress);
    progress.bar.finish_and_clear();
    let (counts, seconds) = (counts?, begun.elapsed().as_secs_f64());
    log::info!(
        "replay done date={date} rows={} new={} seconds={seconds:.1} rate={:.0}/s into {}",
        counts.read,
        counts.new,
        counts.read as f64 / seconds.max(0.001),
        target.display()
    );
    Ok(Exit::Done)
}

/// What makes it take its time.
fn pace(args: &ReplayArgs) -> String {
    match args.speed {
        Some(speed) => format!(" at {speed} times real time (--no-sleep: no waiting)"),
        None => String::new(),
    }
}

/// The file of a day; `None` when a day is needed to know it.
fn dated(path: &Path, date: Option<Date>) -> Option<PathBuf> {
    let written = path.to_string_lossy();
    match (written.contains("{date}"), date) {
        (false, _) => Some(path.to_owned()),
        (true, Some(date)) => Some(PathBuf::from(written.replace("{date}", &date.to_string()))),
        (true, None) => None,
    }
}

fn options(settings: &Settings, path: PathBuf) -> Options {
    Options {
        path,
        tickers: settings.symbols.iter().map(Symbol::ticker).collect(),
        // A replay can be done again; it need not wait for the disk at every window.
        durability: Durability::Seed,
        window_ms: i64::from(settings.window_ms),
        busy_timeout: Duration::from_millis(250),
        purpose: Purpose::Replay,
    }
}
