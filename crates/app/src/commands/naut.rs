//! `ayumi naut`: settings, then signals as they come, or a day summed up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::settings_of;
use crate::args::NautArgs;
use crate::clock::Clock;
use crate::exit::Exit;
use crate::logging::{self, LogConfig};
use crate::naut::{self, Live};
use crate::settings::{NautFlags, NautSettings, Overrides, Settings};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &NautArgs) -> Exit {
    let overrides = Overrides {
        offline: true,
        symbols_optional: true,
        naut: Some(NautFlags {
            profile: args.profile,
            db_path: args.db.clone(),
        }),
        ..Overrides::default()
    };
    let settings = match settings_of(&args.config, &overrides, args.check_config) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let clock = args.clock.map_or_else(Clock::system, |test| test.clock());
    // To the console alone: the file belongs to the recorder.
    let now = clock.clone();
    let log = logging::init(LogConfig {
        path: None,
        level: args.level,
        now: Arc::new(move || now.now()),
    });
    let exit = start(args, settings, clock).unwrap_or_else(|error| {
        log::error!("naut cannot start: {error}");
        Exit::Bug
    });
    log.flush(Duration::from_millis(300));
    exit
}

fn start(args: &NautArgs, settings: Settings, clock: Clock) -> io::Result<Exit> {
    let stop = signals::flag()?;
    if args.while_stdin {
        stop_with_stdin(Arc::clone(&stop))?;
    }
    for note in settings.notes.iter().filter(|note| note.warning) {
        log::warn!("{}", note.text);
    }
    let naut = settings.naut.expect("it was asked for");
    if args.print_summary {
        return Ok(sum_up(args, naut, &clock, &stop));
    }
    let NautSettings { db_path, rules } = naut;
    log::info!(
        "naut start profile={} window={} cooldown={}s db_path={}",
        rules.profile,
        rules.window,
        rules.cooldown_ms as f64 / 1_000.0,
        db_path.display()
    );
    let setup = Live {
        db: db_path,
        rules,
        behind: args.after_row,
        json: args.json,
        clock,
    };
    Ok(naut::live(setup, &stop).unwrap_or_else(|error| {
        log::error!("{error}");
        Exit::Usage
    }))
}

/// The end of the input is a wish to stop: of the program that started this one, which need not know how its system asks
/// a process to end, and may have died.
fn stop_with_stdin(stop: Arc<AtomicBool>) -> io::Result<()> {
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        // What is written there does not matter; an input that cannot be read has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        stop.store(true, Ordering::Relaxed);
    })?;
    Ok(())
}

fn sum_up(args: &NautArgs, naut: NautSettings, clock: &Clock, stop: &AtomicBool) -> Exit {
    let mut tell = |signal: &ayumi_store::SignalRow| {
        if args.json {
            text::stdout_line(&naut::to_json(signal));
        }
    };
    let today = clock.now().date();
    let summed = match naut::summary(&naut.db_path, naut.rules, today, stop, &mut tell) {
        Ok(summed) => summed,
        Err(error) => {
            log::error!("{error}");
            return Exit::Usage;
        }
    };
    if stop.load(Ordering::Relaxed) {
        log::warn!("stopped before the end of the day's rows: no summary");
    } else if args.json {
        text::stdout_line(&summed.to_json());
    } else {
        text::stdout_line(&summed.table());
    }
    Exit::Done
}
