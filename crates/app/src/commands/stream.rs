//! `ayumi stream`: settings, log, database, then the worker.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_engine::batch::{BookSource, StateRow};
use ayumi_engine::burst::Bursts;
use ayumi_engine::guard::Bounds;
use ayumi_engine::settings::{self as engine, EngineSettings, Watched};
use ayumi_journal::{Journal, JournalConfig, JournalError};
use ayumi_station::{PushConfig, RestConfig};
use ayumi_store::{Options, Purpose, SqliteSink, StoreError};
use log::LevelFilter;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::args::StreamArgs;
use crate::clock::Clock;
use crate::events::Events;
use crate::exit::Exit;
use crate::logging::{self, LogConfig, LogHandle};
use crate::settings::{self, BoardMode, Durability, Mode, Settings, Source, TickRule};
use crate::worker::{self, OnlineSetup, Setup, SourceSetup};
use crate::{fault, signals, text};

/// Patience of one statement with a locked database; the writer tries again by itself.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
/// Shortest time between two REST requests: 8 per second, under the station's 10.
const REST_SPACING: Duration = Duration::from_millis(125);
/// A database that is locked at start is complained about this often.
const LOCKED_REMINDER: Duration = Duration::from_secs(5);

/// Runs the command.
pub fn run(args: &StreamArgs) -> Exit {
    let clock = args.clock.map_or_else(Clock::system, |test| test.clock());
    let settings = match settings_of(args, &clock) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let log = start_log(&settings, args.level, &clock);
    let events = if args.events {
        Events::stdout()
    } else {
        Events::default()
    };
    boot_lines(&settings, &events, &clock);
    let run = Run {
        duration: args.duration,
        seed: args.seed,
        probe_board: args.probe_board,
        wait_login: args.wait_login,
        events,
    };
    let exit = record(&settings, &run, &clock);
    log.flush(Duration::from_millis(500));
    exit
}

/// The settings of a run. What is wrong with them stands on the console, and in the log of earlier runs.
fn settings_of(args: &StreamArgs, clock: &Clock) -> Result<Settings, Exit> {
    let refuse = |text: &str, log_path: Option<PathBuf>| {
        text::stderr_line(text);
        if let Some(path) = log_path {
            logging::add_to_existing(&path, clock.now(), text);
        }
        Err(Exit::Usage)
    };
    let mut settings = match settings::load(&args.config, &args.overrides, &settings::process_env) {
        Ok(settings) => settings,
        // Somebody looks at the console.
        Err(error) if args.check_config => return refuse(&error.to_string(), None),
        Err(error) => return refuse(&error.to_string(), settings::log_path_in(&args.config)),
    };
    if args.check_config {
        text::stdout_line(&settings.table());
        return Err(Exit::Done);
    }
    if args.wait_login && settings.mode == Mode::Online && settings.api_password.is_none() {
        let text = "error: --wait-login needs the API password, because after a login a new token must be fetched\n\
                    next:  set \"api_password\" in the settings file, or the environment variable KABU_API_PASSWORD";
        return refuse(text, Some(settings.log_path));
    }
    let (keys, path) = (settings.secrets_in_file(), args.config.display());
    if !keys.is_empty() && settings::is_open_to_all(&args.config) {
        settings.notes.push(settings::Note {
            text: format!(
                "every user of this PC can read {path}, which holds a secret ({}): chmod 600 \"{path}\"",
                keys.join(", ")
            ),
            warning: true,
        });
    }
    Ok(settings)
}

/// What the command line says about one run, beside the settings.
#[derive(Clone, Default)]
pub(super) struct Run {
    /// Stop after that much time of the worker's clock.
    pub duration: Option<Duration>,
    /// Seed of the mock market; without one every run differs.
    pub seed: Option<u64>,
    /// Ask `/board` for the first symbol before starting.
    pub probe_board: bool,
    /// Do not connect before somebody is logged in.
    pub wait_login: bool,
    /// Who is told what happens.
    pub events: Events,
}

/// Opens the database and runs the worker on it.
pub(super) fn record(settings: &Settings, run: &Run, clock: &Clock) -> Exit {
    let (sink, states) = match open_store(settings, clock) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Exit::Done,
        Err(error) => {
            log::error!("{error}");
            return if matches!(error, StoreError::Locked { .. }) {
                Exit::Owned
            } else {
                Exit::Usage
            };
        }
    };
    if settings.mode == Mode::Mock && sink.holds_real_books() {
        log::warn!(
            "mode mock writes invented ticks into {}, which holds real ones; set another db_path for trying things out",
            sink.path().display()
        );
    }
    let stored_until_ms = match sink.last_window_end_ms() {
        Ok(end) => end,
        Err(error) => {
            log::error!("{error}");
            return Exit::Usage;
        }
    };
    let bursts = match bursts(settings, &sink, clock) {
        Ok(bursts) => bursts,
        Err(error) => {
            log::error!("{error}");
            return Exit::Usage;
        }
    };
    let journal = match open_journal(settings) {
        Ok(journal) => journal,
        Err(error) => {
            log::error!("{error}; set another journal_dir, or remove the key");
            return Exit::Usage;
        }
    };
    let setup = Setup {
        engine: engine_settings(settings),
        clock: clock.clone(),
        source: source(settings, run, clock),
        sink,
        states,
        stored_until_ms,
        pending_max: settings.pending_max,
        duration: run.duration,
        bursts,
        journal,
        events: run.events.clone(),
    };
    log::info!("stream_microbatch start");
    worker::run(setup).unwrap_or_else(|error| {
        log::error!("the worker cannot start: {error}");
        Exit::Bug
    })
}

/// Starts the log and tells it what must never appear in it.
pub(super) fn start_log(settings: &Settings, level: LevelFilter, clock: &Clock) -> LogHandle {
    let clock = clock.clone();
    let log = logging::init(LogConfig {
        path: Some(settings.log_path.clone()),
        level,
        now: Arc::new(move || {
            // Every thread that logs passes here.
            fault::here();
            clock.now()
        }),
    });
    for secret in [&settings.token, &settings.api_password].into_iter().flatten() {
        log.forbid(secret.expose_secret());
    }
    log
}

/// `[BOOT]` on stdout whatever the level, then what else deserves a line.
fn boot_lines(settings: &Settings, events: &Events, clock: &Clock) {
    let tickers: Vec<String> = settings.symbols.iter().map(Symbol::ticker).collect();
    let source = if matches!(settings.source("symbols"), Source::Flag(_)) {
        "CLI"
    } else {
        "CONFIG"
    };
    let durability = durability(settings.durability);
    let boot = format!(
        "[BOOT] mode={} source={source} host={} port={} count={} symbols=[{}] db_path={} durability={durability}({})",
        settings.mode,
        settings.host,
        settings.port,
        tickers.len(),
        tickers.join(","),
        settings.db_path.display(),
        durability.loss_bound_text(i64::from(settings.window_ms)),
    );
    // Stdout belongs to the events then.
    if events.is_on() {
        text::stderr_line(&boot);
        let loss = durability.loss_bound_text(i64::from(settings.window_ms));
        let fields = json!({
            "version": env!("CARGO_PKG_VERSION"), "pid": std::process::id(), "mode": settings.mode.to_string(),
            "symbols": tickers, "db_path": settings.db_path.display().to_string(),
            "durability": durability.to_string(), "loss": loss, "window_ms": settings.window_ms,
        });
        events.tell("boot", clock.now(), fields);
    } else {
        text::stdout_line(&boot);
    }
    log::info!(
        "[GUARD] price guard configured for {} symbols",
        settings.price_guard.len()
    );
    for note in &settings.notes {
        if note.warning {
            log::warn!("{}", note.text);
        } else {
            log::info!("{}", note.text);
        }
    }
}

/// Opens the database; one that another program has locked at this moment is waited for. `None`: a stop was asked for
/// meanwhile.
fn open_store(settings: &Settings, clock: &Clock) -> Result<Option<(SqliteSink, Vec<StateRow>)>, StoreError> {
    let options = Options {
        path: settings.db_path.clone(),
        tickers: settings.symbols.iter().map(Symbol::ticker).collect(),
        durability: durability(settings.durability),
        window_ms: i64::from(settings.window_ms),
        busy_timeout: BUSY_TIMEOUT,
        purpose: Purpose::Record,
    };
    let mut said: Option<std::time::Instant> = None;
    let mut waiting = None;
    loop {
        let today = clock.now().date();
        let opened = SqliteSink::open(options.clone(), today).and_then(|sink| {
            let states = sink.load_states(today)?;
            Ok((sink, states))
        });
        match opened {
            Err(error) if error.is_retryable() => {
                // Before it is said that Ctrl+C stops.
                let waiting = waiting.get_or_insert_with(Waiting::begin);
                if said.is_none_or(|at| at.elapsed() >= LOCKED_REMINDER) {
                    log::warn!("{error}; waiting for it, nothing is recorded yet (Ctrl+C stops)");
                    said = Some(std::time::Instant::now());
                }
                if waiting.pause(BUSY_TIMEOUT) {
                    return Ok(None);
                }
            }
            other => return other.map(Some),
        }
    }
}

/// Listens for a stop while there is no worker yet that could.
struct Waiting(std::io::Result<(tokio::runtime::Runtime, tokio::sync::mpsc::Receiver<&'static str>)>);

impl Waiting {
    fn begin() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self(runtime.and_then(|runtime| {
            let stop = runtime.block_on(async { signals::listen() })?;
            Ok((runtime, stop))
        }))
    }

    /// Waits; true when a stop was asked for.
    fn pause(&mut self, pause: Duration) -> bool {
        let Ok((runtime, stop)) = &mut self.0 else {
            std::thread::sleep(pause);
            return false;
        };
        let signal = runtime.block_on(async { tokio::time::timeout(pause, stop.recv()).await });
        let Ok(Some(signal)) = signal else { return false };
        log::info!("stopping ({signal}); nothing was recorded");
        true
    }
}

/// The look-back of the burst columns, as today's stored rows leave it.
fn bursts(settings: &Settings, sink: &SqliteSink, clock: &Clock) -> Result<Option<Bursts>, StoreError> {
    let Some(mut bursts) = new_bursts(settings) else {
        return Ok(None);
    };
    sink.restore_bursts(&mut bursts, clock.now().date())?;
    Ok(Some(bursts))
}

/// An empty look-back; `None` when the settings have no section `burst`.
pub(super) fn new_bursts(settings: &Settings) -> Option<Bursts> {
    let burst = settings.burst.clone()?;
    Some(Bursts::new(
        burst,
        settings.symbols.len(),
        i64::from(settings.window_ms),
    ))
}

fn open_journal(settings: &Settings) -> Result<Option<Journal>, JournalError> {
    let start = |folder: &PathBuf| {
        let mut config = JournalConfig::new(folder.clone());
        if settings.durability == Durability::Seed {
            config.sync_every = None;
        }
        Journal::start(config)
    };
    settings.journal_dir.as_ref().map(start).transpose()
}

fn source(settings: &Settings, run: &Run, clock: &Clock) -> SourceSetup {
    match settings.mode {
        Mode::Mock => SourceSetup::Mock {
            seed: run.seed.unwrap_or_else(|| clock.now().0 as u64),
            interval: Duration::from_millis(u64::from(settings.mock_interval_ms)),
        },
        Mode::Online => SourceSetup::Online(Box::new(OnlineSetup {
            push: PushConfig {
                host: settings.host.clone(),
                port: settings.port,
                token: settings.token.clone(),
                connect_timeout: settings.websocket.connect_timeout,
                ..PushConfig::default()
            },
            rest: RestConfig {
                host: settings.host.clone(),
                port: settings.port,
                token: settings.token.clone(),
                api_password: settings.api_password.clone(),
                spacing: REST_SPACING,
                time_scale: clock.speed(),
                ..RestConfig::default()
            },
            backoff: (settings.websocket.backoff_initial, settings.websocket.backoff_max),
            auto_register: settings.auto_register,
            probe: run.probe_board,
            wait_login: run.wait_login,
        })),
    }
}

/// The core's part of the settings. The mock market brings its books with it and asks nobody.
pub(super) fn engine_settings(settings: &Settings) -> EngineSettings {
    let guard_of = |symbol: &Symbol| {
        let found = settings.price_guard.iter().find(|(guarded, ..)| guarded == symbol);
        found.map_or(Bounds::default(), |&(_, min, max)| Bounds { min, max })
    };
    let mock = settings.mode == Mode::Mock;
    EngineSettings {
        watched: settings
            .symbols
            .iter()
            .map(|s| Watched {
                symbol: s.clone(),
                guard: guard_of(s),
            })
            .collect(),
        window_ms: i64::from(settings.window_ms),
        tick_rule: match settings.tick_rule {
            TickRule::Push => engine::TickRule::Push,
            TickRule::Trade => engine::TickRule::Trade,
        },
        board_mode: match settings.board_mode {
            BoardMode::Off => engine::BoardMode::Off,
            _ if mock => engine::BoardMode::Push,
            BoardMode::Push => engine::BoardMode::Push,
            BoardMode::Rest => engine::BoardMode::Rest,
            BoardMode::Auto => engine::BoardMode::Auto,
        },
        rest_poll_ms: i64::from(settings.rest_poll_ms),
        board_max_age_ms: i64::from(settings.board_max_age_ms),
        tick_queue_max: settings.tick_queue_max as u64,
        recv_timeout_ms: ms(settings.websocket.recv_timeout),
        guard_log_interval_ms: ms(settings.websocket.guard_log_interval),
        market_window: settings.market_window.clone(),
        source: if mock { BookSource::Mock } else { BookSource::Push },
    }
}

fn durability(setting: Durability) -> ayumi_store::Durability {
    match setting {
        Durability::Seed => ayumi_store::Durability::Seed,
        Durability::Balanced => ayumi_store::Durability::Balanced,
        Durability::Full => ayumi_store::Durability::Full,
    }
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
