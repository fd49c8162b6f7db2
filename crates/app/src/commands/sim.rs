//! `ayumi sim`: the kabu Station simulator as a program.

mod scenario;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_engine::Symbol;
use ayumi_sim::{Counters, Hours, Scenario, Sim, SimConfig, SimError, SimHandle, Speed, USUAL_RATE, recording_begins};
use log::LevelFilter;
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, oneshot};

use crate::args::SimArgs;
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
pub(super) const RATE: f64 = USUAL_RATE;
/// How often the end of a recording is looked for.
const LOOK: Duration = Duration::from_millis(200);
/// A start that takes longer says what it does, again and again.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a generated market trades: the symbols of the command line, of a settings file, or well-known ones.
pub(super) fn symbols(named: Option<&Vec<Symbol>>, config: Option<&Path>) -> Result<Vec<Symbol>, SettingsError> {
    match (named, config) {
        (Some(named), _) => Ok(named.clone()),
        (None, Some(path)) => {
            // In mock mode a file needs no token; only its symbols are wanted.
            let overrides = Overrides {
                mode: Some(Mode::Mock),
                ..Overrides::default()
            };
            Ok(settings::load(path, &overrides, &settings::process_env)?.symbols)
        }
        (None, None) => Ok(SYMBOLS.iter().map(|code| Symbol::tse(code)).collect()),
    }
}

/// Runs until Ctrl+C.
pub fn run(args: &SimArgs) -> Exit {
    if args
        .scenario
        .as_deref()
        .is_some_and(|name| name.eq_ignore_ascii_case("list"))
    {
        text::stdout_line(&scenario::list());
        return Exit::Done;
    }
    let scenario = match scenario::of(args) {
        Ok(scenario) => scenario,
        Err(message) => {
            text::stderr_line(&message);
            return Exit::Usage;
        }
    };
    let log = console_log(args.level);
    let exit = simulate(args, &scenario);
    log.flush(Duration::from_millis(500));
    exit
}

fn simulate(args: &SimArgs, scenario: &Scenario) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}"), Exit::Bug),
    };
    runtime.block_on(async {
        let mut stop = match signals::listen() {
            Ok(stop) => stop,
            Err(error) => return failed(&format!("cannot hear Ctrl+C: {error}"), Exit::Bug),
        };
        let handle = match started(args, scenario, &mut stop).await {
            Ok(Some(handle)) => handle,
            Ok(None) => {
                text::stdout_line("stopped before it was ready");
                return Exit::Done;
            }
            Err(error) => return failed(&error.to_string(), Exit::Usage),
        };
        text::stdout_line(&ready(args, scenario, &handle));
        serve(&handle, &mut stop).await;
        text::stdout_line(&summary(&handle.counters()));
        handle.stop();
        Exit::Done
    })
}

fn failed(what: &str, exit: Exit) -> Exit {
    text::stderr_line(&format!("error: {what}"));
    exit
}

/// Starts the simulator on a thread of its own, so that a signal is heard while thousands of symbols are made or a file
/// is read. `None` = stopped by a signal: the thread ends with the process.
async fn started(
    args: &SimArgs,
    scenario: &Scenario,
    stop: &mut mpsc::Receiver<&'static str>,
) -> Result<Option<SimHandle>, SimError> {
    let what = match &scenario.play {
        Some(path) => format!("reading {}", path.display()),
        None => format!(
            "making a market of {} symbols",
            scenario.symbols.as_ref().map_or(0, Vec::len)
        ),
    };
    let (tell, mut told) = oneshot::channel();
    let (args, scenario) = (args.clone(), scenario.clone());
    let begun = Instant::now();
    let start = move || {
        // Nobody listens after a signal; then the handle's end stops the simulator.
        let _ = tell.send(config(&args, &scenario).and_then(Sim::start));
    };
    std::thread::Builder::new()
        .name("start".into())
        .spawn(start)
        .map_err(SimError::Thread)?;
    loop {
        tokio::select! {
            biased;
            _ = stop.recv() => return Ok(None),
            answer = &mut told => return match answer {
                Ok(started) => started.map(Some),
                Err(_) => Err(SimError::Setting("the simulator could not be started; the reason stands above")),
            },
            () = tokio::time::sleep(PATIENCE) => {
                text::stderr_line(&format!("{what}: {} s so far", begun.elapsed().as_secs()));
            }
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

fn config(args: &SimArgs, scenario: &Scenario) -> Result<SimConfig, SimError> {
    // A time of day means today, with a recording its first day.
    let today = match &scenario.play {
        Some(path) => recording_begins(path)?,
        None => Clock::system().now(),
    };
    let secret = |secret: &Option<secrecy::SecretString>| secret.as_ref().map(|s| s.expose_secret().to_owned());
    Ok(SimConfig {
        port: args.port,
        verification_port: args.verification_port,
        control_port: args.control,
        token: secret(&args.token),
        password: secret(&args.password),
        ..scenario.config(today)
    })
}

/// The one line that says what there is now: ports, what plays, when its time begins.
fn ready(args: &SimArgs, scenario: &Scenario, handle: &SimHandle) -> String {
    let mut line = format!("ready port={}", handle.port());
    let mut add = |word: String| {
        line.push(' ');
        line.push_str(&word);
    };
    if let Some(port) = handle.verification_port() {
        add(format!("verification={port}"));
    }
    if let Some(port) = handle.control_port() {
        add(format!("control={port}"));
    }
    if let Some(name) = &args.scenario {
        add(format!("scenario={}", text::one_line(name)));
    }
    match &scenario.play {
        Some(path) => add(format!("recording={}", path.display())),
        None => {
            let hours = match scenario.hours() {
                Hours::Session => "session",
                Hours::Always => "always",
            };
            let symbols = scenario.symbols.as_ref().map_or(0, Vec::len);
            let rate = scenario.rate.unwrap_or(USUAL_RATE);
            add(format!(
                "market seed={} symbols={symbols} rate={rate}/s hours={hours}",
                scenario.seed()
            ));
        }
    }
    if let Some(start) = scenario.start {
        add(format!("start={start}"));
    }
    match scenario.speed {
        Some(Speed::Times(times)) => add(format!("speed={times}")),
        Some(Speed::Full) => add("speed=full".to_owned()),
        None => {}
    }
    if !scenario.steps.is_empty() {
        add(format!("steps={}", scenario.steps.len()));
    }
    if scenario.wait != Some(false) {
        add("(starts with the first registered PUSH client)".to_owned());
    }
    line
}

/// What it was, in one line.
fn summary(counters: &Counters) -> String {
    let sum = |map: &std::collections::BTreeMap<String, u64>| map.values().sum::<u64>();
    let resets = counters.actions.get("reset").copied().unwrap_or(0)
        + counters.slow_reader_resets
        + counters
            .faults
            .iter()
            .filter(|(name, _)| name.starts_with("reset"))
            .map(|(_, n)| n)
            .sum::<u64>();
    format!(
        "stopped sent={} undelivered={} connections={} resets={resets} rest={} faults={} actions={}",
        counters.messages_sent,
        counters.messages_undelivered,
        counters.push_connections,
        sum(&counters.rest_requests),
        sum(&counters.faults),
        sum(&counters.actions),
    )
}

/// Waits for the signal; says when the recording is over.
async fn serve(handle: &SimHandle, stop: &mut mpsc::Receiver<&'static str>) {
    let mut finished = false;
    loop {
        tokio::select! {
            biased;
            _ = stop.recv() => return,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, parse};

    #[test]
    fn a_time_of_day_is_one_of_the_recordings_first_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rec.jsonl");
        // 2026-11-20 09:00:00 JST.
        let line = r#"{"t_recv":1795132800.0,"msg":{"Symbol":"7203","Exchange":1,"TradingVolume":100.0}}"#;
        std::fs::write(&path, line).expect("written");
        let play = path.to_str().expect("UTF-8");
        let words = ["sim", "--play", play, "--start", "09:10:00", "--end", "09:20"];
        let Ok(Command::Sim(args)) = parse(words.iter().map(std::ffi::OsString::from)) else {
            panic!("valid");
        };
        let config = config(&args, &scenario::of(&args).expect("valid")).expect("it can be read");
        assert_eq!(config.start.map(|at| at.s()), Some(1_795_133_400));
        assert_eq!(config.end.map(|at| at.s()), Some(1_795_134_000));
    }
}
