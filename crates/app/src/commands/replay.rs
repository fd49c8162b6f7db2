//! `ayumi replay`: a recorded day again.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ayumi_engine::{Stamp, Symbol};
use ayumi_store::reader::{FeatureReader, Reader};
use ayumi_store::{Durability, FeatureSink, Options, StoreError};
use ayumi_wire::jst::{self, Date};
use indicatif::{ProgressBar, ProgressStyle};
use log::LevelFilter;

use super::stream::{engine_settings, new_bursts};
use crate::args::{NautBeside, ReplayArgs};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::journal::fingerprint;
use crate::logging::{self, LogConfig};
use crate::replay::snapshot::{self, Day};
use crate::replay::{self, ReplayError, Setup, Summary, Watch};
use crate::settings::{self, Overrides, Settings};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &ReplayArgs) -> Exit {
    let overrides = Overrides {
        symbols: args.symbols.clone(),
        offline: true,
        ..Overrides::default()
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
    try_journal(args, settings, journal, target).unwrap_or_else(|error| failed(&error))
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
        ReplayError::Thread(_) => Exit::Bug,
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
    if let (Some(child), Some(beside)) = (naut, &args.naut) {
        end_naut(child, beside);
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
    naut: &mut Option<Child>,
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
    *naut = args.naut.as_ref().and_then(|beside| start_naut(args, beside, &file));
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
    }
}

/// `ayumi naut` with the same settings on the file that is written, its output on this console. What the replay adds is
/// new to it, however long its start takes.
fn start_naut(args: &ReplayArgs, beside: &NautBeside, file: &Path) -> Option<Child> {
    let newest = FeatureReader::open(file).and_then(|reader| reader.map_or(Ok(None), |reader| reader.newest()));
    let behind = newest.ok().flatten().map_or(0, |mark| mark.rowid);
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("ayumi"));
    let started = Command::new(program)
        .args(["naut".as_ref(), "-Config".as_ref(), args.config.as_os_str()])
        .args(["--db".as_ref(), file.as_os_str()])
        .arg(format!("--after-row={behind}"))
        .args(&beside.extra)
        .spawn();
    started
        .inspect_err(|error| log::error!("naut cannot be started: {error}; the replay goes on without it"))
        .ok()
}

/// Gives it time to see the last rows, then ends it.
fn end_naut(mut child: Child, beside: &NautBeside) {
    if beside.leave {
        log::info!("naut goes on (pid {})", child.id());
        return;
    }
    let deadline = Instant::now() + beside.grace;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(20));
    }
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
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
    let mut progress = Progress::new(args, plan.bytes, BYTES_STYLE, stop);
    let setup = Setup {
        journal: journal.to_owned(),
        date: args.date,
        engine,
        options: options(settings, target.to_owned()),
        bursts: new_bursts(settings),
    };
    log::info!(
        "replaying {} messages from {}{}",
        plan.messages,
        journal.display(),
        pace(args)
    );
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

const BYTES_STYLE: &str = "{bar:30} {percent:>3} %  {msg}  {bytes_per_sec}  left {eta}";
const ROWS_STYLE: &str = "{bar:30} {percent:>3} %  {msg}  {per_sec}  left {eta}";

/// The bar, the pace and the user's wish to stop.
struct Progress {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    speed: Option<f64>,
    max_sleep: Duration,
    last: Option<Stamp>,
}

impl Progress {
    fn new(args: &ReplayArgs, whole: u64, style: &str, stop: Arc<AtomicBool>) -> Self {
        let shown = !args.quiet && std::io::stderr().is_terminal();
        let bar = if shown {
            ProgressBar::new(whole)
        } else {
            ProgressBar::hidden()
        };
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

    fn on_rows(&mut self, rows: u64, at: Stamp) {
        // Each look at the bar costs as much as a row.
        if rows.is_multiple_of(512) || self.speed.is_some() {
            self.bar.set_position(rows);
            self.bar
                .set_message(jst::iso_s(at.s()).get(..19).unwrap_or_default().to_owned());
        }
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
