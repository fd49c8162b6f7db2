//! The flags of every command, as clap sees them after [`super::normalise`], and their help.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use ayumi_engine::Symbol;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use log::LevelFilter;

use super::sim::{SIM_EXAMPLES, Sim};
use super::{Command, DemoArgs, Message, StreamArgs, usage, values};
use super::{doctor, export, naut, register, replay, verify};
use crate::clock::TestClock;
use crate::exit::Exit;
use crate::settings::{Mode, NautFlags, Overrides};

/// Records kabu Station's PUSH messages into SQLite, one micro-batch every 300 ms
#[derive(Parser)]
#[command(
    name = "ayumi",
    version,
    after_help = after_help(),
    subcommand_required = true,
    args_override_self = true,
    max_term_width = 100
)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Record: from kabu Station's PUSH (or generated ticks) to SQLite
    #[command(visible_alias = "stream_microbatch", after_help = STREAM_EXAMPLES)]
    Stream(Box<Stream>),
    /// Simulate a kabu Station on this PC, for tests and weekends
    #[command(after_help = SIM_EXAMPLES)]
    Sim(Box<Sim>),
    /// Show it: simulator and recorder together, nothing to configure
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Play a recorded day again: the same rows from the journal, or features from a database
    #[command(visible_alias = "replay_snapshot_stream", after_help = replay::EXAMPLES)]
    Replay(Box<replay::Replay>),
    /// Write a day of a table into a CSV or Parquet file
    #[command(after_help = export::EXAMPLES)]
    Export(Box<export::Export>),
    /// Put a watchlist (CSV) on the station's list, and the daily price limits into price_guard
    #[command(visible_alias = "register_watchlist", after_help = register::EXAMPLES)]
    Register(register::Register),
    /// Take symbols off the station's list
    #[command(after_help = register::UNREGISTER_EXAMPLES)]
    Unregister(register::Unregister),
    /// Follow the features and tell BUY and SELL signals; places no orders
    #[command(visible_alias = "naut_runner", after_help = naut::EXAMPLES)]
    Naut(Box<naut::Naut>),
    /// Check a database: structure, whole windows, volume, gaps; a grade per day and symbol
    #[command(after_help = verify::EXAMPLES)]
    Verify(Box<verify::Verify>),
    /// Say what is in the way: settings, station, token, PUSH, database, disk, clock; each with the fix
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Doctor),
}

const STREAM_EXAMPLES: &str = "\
Examples:
  ayumi stream -Config config/stream_settings.json --probe-board
  ayumi stream -Config config/stream_settings.json --mode mock -Verbose 1
  ayumi stream -Config config/stream_settings.json --check-config

The token comes from the settings file, KABU_TOKEN, KABU_API_KEY or token_file, never from the command line.
PowerShell spellings work for every option: -Config x, -config:x, -ProbeBoard. Exit codes: ayumi --help";

const DEMO_EXAMPLES: &str = "\
Examples:
  ayumi demo
  ayumi demo --duration 30s --db demo.db";

/// `-c`, `-v` of every command. The value of `-Verbose` may be missing and then means 1.
#[derive(Args)]
struct Stream {
    /// The settings file (JSON); also -Config
    #[arg(short, long, value_name = "PATH", action = clap::ArgAction::Append)]
    config: Vec<PathBuf>,
    /// 1 shows INFO and above, 0 only WARNING and above; also -Verbose
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// Where ticks come from, online or mock; beats the file
    #[arg(long, value_name = "MODE", value_parser = mode)]
    mode: Option<Mode>,
    /// What to watch, like 7203,9984@1; beats the file
    #[arg(long, value_name = "LIST", value_parser = List::parse)]
    symbols: Option<List>,
    /// Before starting, ask /board for the first symbol and log the result
    #[arg(long)]
    probe_board: bool,
    /// Stop after that time: 500ms, 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    duration: Option<Duration>,
    /// Mock mode: the same ticks every time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Show the effective settings with their sources, secrets masked, and end
    #[arg(long)]
    check_config: bool,
    /// Test clock: JST start time and speed, like "2026-11-20T07:50:00@60"
    #[arg(long, value_name = "TIME@SPEED", value_parser = TestClock::parse)]
    clock: Option<TestClock>,
    /// Wait for the login at kabu Station before connecting; needs "api_password"
    #[arg(long)]
    wait_login: bool,
    /// Tell what happens as JSON lines on stdout: window_committed, state, gap, stop
    #[arg(long, value_name = "FORMAT", value_parser = ["jsonl"])]
    events: Option<String>,
}

#[derive(Args)]
struct Demo {
    /// Take the symbols from this settings file unless --symbols is given
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// 1 shows log lines from INFO, 0 from WARNING
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// Stop after that time: 500ms, 30s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    duration: Option<Duration>,
    /// The same market every time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What to show, like 7203,9984@1
    #[arg(long, value_name = "LIST", value_parser = List::parse)]
    symbols: Option<List>,
    /// Record into this file instead of a temporary one
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
}

/// One argument that is a list; a bare `Vec` would mean many arguments to clap.
#[derive(Clone, Debug)]
pub(super) struct List(pub(super) Vec<Symbol>);

impl List {
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        values::symbols(written).map(Self)
    }
}

fn mode(written: &str) -> Result<Mode, String> {
    written.parse()
}

/// The commands and flags that exist, for the normaliser.
pub(super) fn definition() -> clap::Command {
    let mut definition = Cli::command();
    definition.build();
    definition
}

/// Parses a line that [`super::normalise`] has put into one spelling.
pub(super) fn parse(args: Vec<OsString>) -> Result<Command, Message> {
    let line = std::iter::once(OsString::from("ayumi")).chain(args);
    match Cli::try_parse_from(line) {
        Ok(cli) => command(cli.command),
        Err(error) => Err(message(&error)),
    }
}

/// What `ayumi` alone says: seven lines.
pub(super) fn greeting() -> String {
    format!(
        "ayumi {}: records kabu Station's PUSH messages into SQLite, one micro-batch every 300 ms.\n\
         \n  \
         ayumi demo                                        see it run: no account, no settings\n  \
         ayumi stream -Config config/stream_settings.json  record\n  \
         ayumi sim --symbols 7203,9984                     a kabu Station to test against\n\
         \n\
         All commands and exit codes: ayumi help. One command with examples: ayumi help stream",
        env!("CARGO_PKG_VERSION")
    )
}

fn after_help() -> String {
    let mut text = String::from(
        "Examples:\n  ayumi demo\n  ayumi stream -Config config/stream_settings.json --probe-board\n  \
         ayumi stream -Config config/stream_settings.json --mode mock -Verbose 1\n  \
         ayumi sim --port 18080 --symbols 7203,9984\n\nExit codes:\n",
    );
    for exit in Exit::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:>3}  {}", exit.code(), exit.meaning());
    }
    text.push_str("\nOptions are also understood as PowerShell writes them: -Config x, -config:x, -Verbose 1.");
    text
}

fn message(error: &clap::Error) -> Message {
    let exit = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    };
    Message {
        text: error.render().to_string().trim_end().to_owned(),
        exit,
    }
}

fn command(sub: Sub) -> Result<Command, Message> {
    Ok(match sub {
        Sub::Stream(stream) => Command::Stream(stream_args(*stream)?),
        Sub::Sim(sim) => Command::Sim(sim.args()),
        Sub::Replay(args) => Command::Replay(replay::args(*args)?),
        Sub::Export(args) => Command::Export(export::args(*args)?),
        Sub::Register(args) => Command::Register(register::args(args)?),
        Sub::Unregister(args) => Command::Unregister(register::unregister_args(args)?),
        Sub::Naut(args) => Command::Naut(naut::args(*args)?),
        Sub::Verify(args) => Command::Verify(verify::args(*args)?),
        Sub::Doctor(args) => Command::Doctor(doctor::args(args)),
        Sub::Demo(demo) => Command::Demo(DemoArgs {
            config: demo.config,
            level: level(demo.verbose),
            duration: demo.duration,
            seed: demo.seed,
            symbols: demo.symbols.map(|list| list.0),
            db: demo.db,
        }),
    })
}

fn stream_args(stream: Stream) -> Result<StreamArgs, Message> {
    let mut files = stream.config;
    files.dedup();
    let config = match files.as_slice() {
        [one] if !one.as_os_str().is_empty() => one.clone(),
        [] | [_] => {
            return Err(usage(
                "the settings file is missing: stream needs -Config <path>",
                "ayumi stream -Config config/stream_settings.json  (or, without any settings: ayumi demo)",
            ));
        }
        [first, second, ..] => {
            let sentence = format!(
                "two settings files are given: {} and {}",
                first.display(),
                second.display()
            );
            return Err(usage(&sentence, "give -Config once"));
        }
    };
    Ok(StreamArgs {
        config,
        level: level(stream.verbose),
        overrides: Overrides {
            mode: stream.mode,
            symbols: stream.symbols.map(|list| list.0),
            // The recorder leaves naut's keys alone; the check is for everything in the file.
            naut: stream.check_config.then(NautFlags::default),
            ..Overrides::default()
        },
        probe_board: stream.probe_board,
        duration: stream.duration,
        seed: stream.seed,
        check_config: stream.check_config,
        clock: stream.clock,
        wait_login: stream.wait_login,
        events: stream.events.is_some(),
    })
}

pub(super) fn level(verbose: u8) -> LevelFilter {
    if verbose == 0 {
        LevelFilter::Warn
    } else {
        LevelFilter::Info
    }
}
