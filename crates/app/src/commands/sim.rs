//! `ayumi sim`: the kabu Station simulator as a program.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_sim::{MarketConfig, RecordingConfig, Sim, SimConfig, SimHandle, Source, Speed};
use log::LevelFilter;
use secrecy::ExposeSecret;

use crate::args::{self, SimArgs};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::logging::{self, LogConfig, LogHandle};
use crate::settings::{self, Mode, Overrides, SettingsError};
use crate::{signals, text};

/// What a generated market trades when nobody says.
const SYMBOLS: [&str; 10] = [
    "7203", "9984", "8306", "6758", "9432", "7974", "6861", "285A", "1570", "8035",
];
/// Messages per second of a generated market, all symbols together: about what ten busy stocks send.
pub(super) const RATE: f64 = 60.0;
/// How often the end of a recording is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// What a generated market trades: the symbols of the command line, of a settings file, or well-known ones.
pub(super) fn symbols(named: Option<&Vec<Symbol>>, config: Option<&Path>) -> Result<Vec<Symbol>, SettingsError> {
    match (named, config) {
        (Some(named), _) => Ok(named.clone()),
        (None, Some(path)) => {
            // In mock mode a file needs no token; only its symbols are wanted.
            let overrides = Overrides {
                mode: Some(Mode::Mock),
                symbols: None,
            };
            Ok(settings::load(path, &overrides, &settings::process_env)?.symbols)
        }
        (None, None) => Ok(SYMBOLS.iter().map(|code| Symbol::tse(code)).collect()),
    }
}

/// Runs until Ctrl+C.
pub fn run(args: &SimArgs) -> Exit {
    let symbols = match symbols(args.symbols.as_ref(), args.config.as_deref()) {
        Ok(symbols) => symbols,
        Err(error) => {
            text::stderr_line(&error.to_string());
            return Exit::Usage;
        }
    };
    let log = console_log(args.level);
    let exit = simulate(args, symbols);
    log.flush(Duration::from_millis(500));
    exit
}

fn simulate(args: &SimArgs, symbols: Vec<Symbol>) -> Exit {
    let handle = match Sim::start(config(args, symbols)) {
        Ok(handle) => handle,
        Err(error) => {
            text::stderr_line(&format!("error: {error}"));
            return Exit::Usage;
        }
    };
    text::stdout_line(&format!("ready port={} {}", handle.port(), what(args)));
    let served = serve(&handle);
    handle.stop();
    match served {
        Ok(()) => Exit::Done,
        Err(error) => {
            text::stderr_line(&format!("error: {error}"));
            Exit::Bug
        }
    }
}

/// What the simulator has to say, such as a broken line of a recording, goes to the console alone.
fn console_log(level: LevelFilter) -> LogHandle {
    let clock = Clock::system();
    logging::init(LogConfig {
        path: None,
        level,
        now: Arc::new(move || clock.now()),
    })
}

fn config(args: &SimArgs, symbols: Vec<Symbol>) -> SimConfig {
    let secret = |secret: &Option<secrecy::SecretString>| secret.as_ref().map(|s| s.expose_secret().to_owned());
    SimConfig {
        port: args.port,
        token: secret(&args.token),
        password: secret(&args.password),
        list_limit: usize::from(args.limit),
        source: match &args.play {
            Some(path) => Source::Recording(RecordingConfig::new(path)),
            None => Source::Market(MarketConfig::new(seed(args), symbols, rate(args))),
        },
        speed: match args.speed {
            args::Speed::Times(times) => Speed::Times(times),
            args::Speed::Full => Speed::Full,
        },
        start: args.start,
        ..SimConfig::default()
    }
}

fn seed(args: &SimArgs) -> u64 {
    args.seed.unwrap_or(1)
}

fn rate(args: &SimArgs) -> f64 {
    args.rate.unwrap_or(RATE)
}

fn what(args: &SimArgs) -> String {
    match &args.play {
        Some(path) => format!(
            "recording={} (starts with the first registered PUSH client)",
            path.display()
        ),
        None => format!("market seed={} rate={}/s", seed(args), rate(args)),
    }
}

/// Waits for the signal; says when the recording is over.
fn serve(handle: &SimHandle) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut stop = signals::listen()?;
        let mut finished = false;
        loop {
            tokio::select! {
                biased;
                _ = stop.recv() => break,
                () = tokio::time::sleep(LOOK) => {
                    let counters = handle.counters();
                    if counters.source_finished && !std::mem::replace(&mut finished, true) {
                        text::stdout_line(&format!(
                            "finished sent={} undelivered={}",
                            counters.messages_sent, counters.messages_undelivered
                        ));
                    }
                }
            }
        }
        Ok(())
    })
}
