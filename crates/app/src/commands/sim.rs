//! `ayumi sim`: the kabu Station simulator as a program.

use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_sim::{Sim, SimConfig, SimHandle, Source, Speed};

use crate::args::SimArgs;
use crate::exit::Exit;
use crate::{signals, text};

/// What a generated market trades when nobody says.
const SYMBOLS: [&str; 10] = ["7203", "9984", "8306", "6758", "9432", "7974", "6861", "285A", "1570", "8035"];
/// How often the end of a recording is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// The symbols of a market that nobody named.
pub(super) fn default_symbols() -> Vec<Symbol> {
    SYMBOLS.iter().map(|code| Symbol::tse(code)).collect()
}

/// Runs until Ctrl+C.
pub fn run(args: &SimArgs) -> Exit {
    let handle = match Sim::start(config(args)) {
        Ok(handle) => handle,
        Err(error) => {
            text::stderr_line(&format!("error: {error}"));
            return Exit::Usage;
        }
    };
    text::stdout_line(&format!("ready port={} {}", handle.port(), what(args)));
    match serve(&handle) {
        Ok(()) => Exit::Done,
        Err(error) => {
            text::stderr_line(&format!("error: {error}"));
            Exit::Bug
        }
    }
}

fn config(args: &SimArgs) -> SimConfig {
    let symbols = args.symbols.clone().unwrap_or_else(default_symbols);
    SimConfig {
        port: args.port,
        token: args.token.clone(),
        password: args.password.clone(),
        list_limit: args.limit,
        source: match &args.play {
            Some(path) => Source::Recording { path: path.clone() },
            None => Source::Market { seed: args.seed, symbols, per_second: args.rate },
        },
        speed: args.speed.map_or(Speed::Full, Speed::Times),
        start: args.start,
        ..SimConfig::default()
    }
}

fn what(args: &SimArgs) -> String {
    match &args.play {
        Some(path) => format!("recording={} (starts with the first registered PUSH client)", path.display()),
        None => format!("market seed={} rate={}/s", args.seed, args.rate),
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
