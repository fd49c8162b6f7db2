//! `ayumi demo`: simulator and worker in one process, nothing to configure.

mod screen;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_sim::{MarketConfig, Sim, SimConfig, SimHandle, Source, Speed};
use ayumi_store::reader::Reader;

use super::{sim, stream};
use crate::args::DemoArgs;
use crate::clock::Clock;
use crate::exit::Exit;
use crate::settings::{Mode, Settings};
use crate::text;
use screen::Screen;

/// No secret: simulator and worker of one process agree on it.
const TOKEN: &str = "demo";
/// What a newcomer asks first.
const LOOK_SQL: &str =
    "SELECT ticker, count(*) AS windows, sum(vol_sum) AS volume, max(ts_window_end) FROM tick_batch GROUP BY ticker;";
/// How often the screen looks into the database.
const REFRESH: Duration = Duration::from_millis(1000);
/// The first look comes sooner, so that a newcomer does not stare at nothing.
const FIRST_LOOK: Duration = Duration::from_millis(700);

/// Runs until Ctrl+C or `--duration`.
pub fn run(args: &DemoArgs) -> Exit {
    let prepared = sim::symbols(args.symbols.as_ref(), args.config.as_deref())
        .map_err(|e| e.to_string())
        .and_then(|symbols| prepare(args, &symbols).map_err(|e| format!("error: {e}")));
    match prepared {
        Ok((station, settings)) => {
            let exit = play(args, &settings);
            station.stop();
            say_goodbye(&settings.db_path, exit);
            exit
        }
        Err(message) => {
            text::stderr_line(&message);
            Exit::Usage
        }
    }
}

/// A station on a free port with an invented market, and settings that point to it.
fn prepare(args: &DemoArgs, symbols: &[Symbol]) -> Result<(SimHandle, Settings), String> {
    let db_path = match &args.db {
        Some(path) => path.clone(),
        None => fresh_folder()
            .map_err(|e| format!("no temporary folder: {e}; name a file with --db"))?
            .join("demo.db"),
    };
    let mut config = SimConfig {
        token: Some(TOKEN.to_owned()),
        list_limit: symbols.len().max(50),
        source: Source::Market(MarketConfig::new(seed(args), symbols.to_vec(), sim::RATE)),
        speed: Speed::Times(1.0),
        ..SimConfig::default()
    };
    // Nobody wants to wait for a demonstration as long as for a real station.
    config.faults.answer_at_once();
    let station = Sim::start(config).map_err(|e| e.to_string())?;
    let log_path = db_path.with_extension("log");
    let settings = Settings {
        mode: Mode::Online,
        port: station.port(),
        token: Some(TOKEN.to_owned().into()),
        symbols: symbols.to_vec(),
        db_path,
        log_path,
        ..Settings::default()
    };
    Ok((station, settings))
}

/// The same market each time, unless another seed is given.
fn seed(args: &DemoArgs) -> u64 {
    args.seed.unwrap_or(20_261_120)
}

/// A folder that stays after the demo, so that its database can be looked into.
fn fresh_folder() -> std::io::Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix("ayumi-demo-").tempdir()?.keep())
}

/// The worker on this thread, the screen on another.
fn play(args: &DemoArgs, settings: &Settings) -> Exit {
    say_hello(settings);
    let over = Arc::new(AtomicBool::new(false));
    let screen = {
        let (over, path) = (Arc::clone(&over), settings.db_path.clone());
        let screen = Screen::new(&settings.symbols, seed(args));
        std::thread::spawn(move || watch(&path, screen, &over))
    };
    let clock = Clock::system();
    let log = stream::start_log(settings, args.level, &clock);
    let exit = stream::record(
        settings,
        &stream::Run {
            duration: args.duration,
            ..stream::Run::default()
        },
        &clock,
    );
    over.store(true, Ordering::Relaxed);
    // The screen sleeps at most a second; its end is not worth more.
    drop(screen);
    log.flush(Duration::from_millis(300));
    exit
}

/// Shows what the database holds, as any other program would read it.
fn watch(path: &Path, mut screen: Screen, over: &AtomicBool) {
    std::thread::sleep(FIRST_LOOK);
    let mut reader = None;
    while !over.load(Ordering::Relaxed) {
        if reader.is_none() {
            reader = Reader::open(path).ok();
        }
        if let Some(reader) = &reader
            && let Ok(rows) = reader.latest_since(screen.last_rowid(), 10_000)
        {
            screen.show(&rows, reader.counts().unwrap_or_default());
        }
        std::thread::sleep(REFRESH);
    }
}

fn say_hello(settings: &Settings) {
    text::stdout_line(&format!(
        "ayumi demo: recorder and simulated kabu Station ({} symbols, port {}).",
        settings.symbols.len(),
        settings.port
    ));
    text::stdout_line(&format!(
        "Windows of {} ms go to {}",
        settings.window_ms,
        settings.db_path.display()
    ));
    text::stdout_line("Ctrl+C ends it. No account, no network beyond this PC.");
    text::stdout_line("");
}

fn say_goodbye(path: &Path, exit: Exit) {
    if exit != Exit::Done {
        return;
    }
    text::stdout_line("");
    text::stdout_line(&format!("The database stays here: {}", path.display()));
    text::stdout_line("Look into it, read-only as any reader should, with sqlite3 or any SQLite viewer:");
    text::stdout_line(&format!("  sqlite3 \"file:{}?mode=ro\" \"{LOOK_SQL}\"", path.display()));
}
