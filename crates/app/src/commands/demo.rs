//! `ayumi demo`: simulator and worker in one process, nothing to configure.

mod screen;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_sim::{Sim, SimConfig, SimHandle, Source, Speed};
use ayumi_store::reader::Reader;

use super::{sim, stream};
use crate::args::{DemoArgs, StreamArgs};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::settings::{Mode, Settings};
use crate::text;
use screen::Screen;

/// Messages per second of the invented market, all symbols together: about what ten busy stocks send.
const RATE: f64 = 60.0;
/// How often the screen looks into the database.
const REFRESH: Duration = Duration::from_millis(1000);
/// The first look comes sooner, so that a newcomer does not stare at nothing.
const FIRST_LOOK: Duration = Duration::from_millis(700);

/// Runs until Ctrl+C or `--duration`.
pub fn run(args: &DemoArgs) -> Exit {
    let symbols = args.symbols.clone().unwrap_or_else(sim::default_symbols);
    match prepare(args, &symbols) {
        Ok((station, settings)) => {
            let exit = play(args, &settings, &symbols);
            station.stop();
            say_goodbye(&settings.db_path, exit);
            exit
        }
        Err(message) => {
            text::stderr_line(&format!("error: {message}"));
            Exit::Usage
        }
    }
}

/// A station on a free port with an invented market, and settings that point to it.
fn prepare(args: &DemoArgs, symbols: &[Symbol]) -> Result<(SimHandle, Settings), String> {
    let db_path = match &args.db {
        Some(path) => path.clone(),
        None => fresh_folder().map_err(|e| format!("no temporary folder: {e}; name a file with --db"))?.join("demo.db"),
    };
    let station = Sim::start(SimConfig {
        list_limit: symbols.len().max(50),
        source: Source::Market { seed: args.seed, symbols: symbols.to_vec(), per_second: RATE },
        speed: Speed::Times(1.0),
        ..SimConfig::default()
    })
    .map_err(|e| e.to_string())?;
    let log_path = db_path.with_extension("log");
    let settings = Settings {
        mode: Mode::Online,
        port: station.port(),
        symbols: symbols.to_vec(),
        db_path,
        log_path,
        ..Settings::default()
    };
    Ok((station, settings))
}

/// A folder that stays after the demo, so that its database can be looked into.
fn fresh_folder() -> std::io::Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix("ayumi-demo-").tempdir()?.keep())
}

/// The worker on this thread, the screen on another.
fn play(args: &DemoArgs, settings: &Settings, symbols: &[Symbol]) -> Exit {
    say_hello(settings, symbols.len());
    let over = Arc::new(AtomicBool::new(false));
    let screen = {
        let (over, path) = (Arc::clone(&over), settings.db_path.clone());
        let screen = Screen::new(symbols, args.seed);
        std::thread::spawn(move || watch(&path, screen, &over))
    };
    let clock = Clock::system();
    let log = stream::start_log(settings, false, &clock);
    let worker = StreamArgs { duration: args.duration, ..StreamArgs::for_demo() };
    let exit = stream::record(settings, &worker, &clock);
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

fn say_hello(settings: &Settings, symbols: usize) {
    text::stdout_line(&format!(
        "ayumi demo: an invented market of {symbols} symbols, a simulated kabu Station on port {}, and the recorder.",
        settings.port
    ));
    text::stdout_line(&format!("Windows of {} ms go to {}", settings.window_ms, settings.db_path.display()));
    text::stdout_line("Ctrl+C ends it. No account, no network beyond this PC.");
    text::stdout_line("");
}

fn say_goodbye(path: &Path, exit: Exit) {
    if exit != Exit::Done {
        return;
    }
    text::stdout_line("");
    text::stdout_line(&format!("The database stays here: {}", path.display()));
    text::stdout_line("Look into it, for example with the sqlite3 command line or any SQLite viewer:");
    text::stdout_line("  SELECT ticker, count(*) AS windows, sum(vol_sum) AS volume, max(ts_window_end) FROM tick_batch GROUP BY ticker;");
}
