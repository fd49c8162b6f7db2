//! `ayumi naut`: settings, then signals as they come, or a day summed up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::args::NautArgs;
use crate::clock::Clock;
use crate::exit::Exit;
use crate::logging::{self, LogConfig};
use crate::naut::{self, Live};
use crate::settings::{self, NautFlags, NautSettings, Overrides, Settings};
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
    let settings = match settings::load(&args.config, &overrides, &settings::process_env) {
        Ok(settings) => settings,
        Err(error) => {
            text::stderr_line(&error.to_string());
            return Exit::Usage;
        }
    };
    if args.check_config {
        text::stdout_line(&settings.table());
        return Exit::Done;
    }
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
