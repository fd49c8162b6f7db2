//! The command line: PowerShell's spellings and everybody else's, parsed into plain structs.
//!
//! Nothing happens while parsing: no file is opened, no socket, no clock. What is wrong with a line becomes a
//! [`Message`] with the next step.

mod cli;
mod doctor;
mod export;
mod naut;
mod normalise;
mod register;
mod replay;
mod sim;
mod values;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_sim::{CloneSymbol, Hours, Speed, Step, Time};
use ayumi_wire::jst::Date;
use log::LevelFilter;
use secrecy::SecretString;

use crate::clock::TestClock;
use crate::doctor::Lang;
use crate::exit::Exit;
use crate::naut::Profile;
use crate::settings::Overrides;

pub use register::{RegisterArgs, UnregisterArgs};

/// What to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Record.
    Stream(StreamArgs),
    /// Be a kabu Station.
    Sim(SimArgs),
    /// Show what recording looks like.
    Demo(DemoArgs),
    /// Play a recorded day again.
    Replay(ReplayArgs),
    /// Write a table into a file for other programs.
    Export(ExportArgs),
    /// Put a watchlist on the station's list.
    Register(RegisterArgs),
    /// Take symbols off it.
    Unregister(UnregisterArgs),
    /// Tell signals.
    Naut(NautArgs),
    /// Check a database.
    Verify(VerifyArgs),
    /// Say what is in the way.
    Doctor(DoctorArgs),
}

/// `ayumi stream`.
#[derive(Clone, Debug)]
pub struct StreamArgs {
    /// `-Config`: the settings file.
    pub config: PathBuf,
    /// `-Verbose`: `Info` for 1 (default), `Warn` for 0.
    pub level: LevelFilter,
    /// `--mode` and `--symbols`, which beat the file.
    pub overrides: Overrides,
    /// `--probe-board`: ask `/board` for the first symbol before starting.
    pub probe_board: bool,
    /// `--duration`: stop after that much time of the worker's clock.
    pub duration: Option<Duration>,
    /// `--seed`: the same mock ticks every time.
    pub seed: Option<u64>,
    /// `--check-config`: show the effective settings and end.
    pub check_config: bool,
    /// `--clock`: start time and speed of the worker's clock.
    pub clock: Option<TestClock>,
    /// `--wait-login`: do not connect before somebody is logged in at the station.
    pub wait_login: bool,
    /// `--events jsonl`: tell on stdout what happens.
    pub events: bool,
}

/// `ayumi sim`. What is `None` is left to the scenario.
#[derive(Clone, Debug)]
pub struct SimArgs {
    /// `-Config`: a settings file whose symbols are generated when `--symbols` is missing.
    pub config: Option<PathBuf>,
    /// `-Verbose`.
    pub level: LevelFilter,
    /// `--port`; 0 lets the system choose a free one.
    pub port: u16,
    /// `--verification-port`: the second environment; 0 lets the system choose.
    pub verification_port: Option<u16>,
    /// `--control`: the port for actions from outside; 0 lets the system choose.
    pub control: Option<u16>,
    /// `--token`: the token the simulator starts with.
    pub token: Option<SecretString>,
    /// `--password`: the API password that POST /token wants.
    pub password: Option<SecretString>,
    /// `--scenario`: a file, or the name of a ready one, or `list`.
    pub scenario: Option<String>,
    /// `--do`: steps beside those of the scenario.
    pub steps: Vec<Step>,
    /// `--play`: a recording to play instead of a generated market.
    pub play: Option<PathBuf>,
    /// `--loop`: play it again and again.
    pub again: bool,
    /// `--clone`: further symbols made from recorded ones.
    pub clones: Vec<CloneSymbol>,
    /// `--seed` of the generated market.
    pub seed: Option<u64>,
    /// `--symbols` of the generated market.
    pub symbols: Option<Vec<Symbol>>,
    /// `--rate`: messages per second of the generated market, all symbols together.
    pub rate: Option<f64>,
    /// `--hours` of the generated market.
    pub hours: Option<Hours>,
    /// `--prices`: paths that the generated market follows.
    pub prices: Option<PathBuf>,
    /// `--truth`: where every true trade is written.
    pub truth: Option<PathBuf>,
    /// `--speed`.
    pub speed: Option<Speed>,
    /// `--start`: the JST time at which the simulated clock starts.
    pub start: Option<Time>,
    /// `--end`: the JST time at which the source ends.
    pub end: Option<Time>,
    /// `--limit`: how many symbols can be registered.
    pub limit: Option<u16>,
}

/// `ayumi demo`.
#[derive(Clone, Debug)]
pub struct DemoArgs {
    /// `-Config`: a settings file whose symbols are shown when `--symbols` is missing.
    pub config: Option<PathBuf>,
    /// `-Verbose`: the log lines that are shown; warnings only unless asked for.
    pub level: LevelFilter,
    /// `--duration`: stop after that time.
    pub duration: Option<Duration>,
    /// `--seed` of the generated market.
    pub seed: Option<u64>,
    /// `--symbols` of the generated market.
    pub symbols: Option<Vec<Symbol>>,
    /// `--db`: where to record, instead of a temporary file.
    pub db: Option<PathBuf>,
}

/// `ayumi replay`.
#[derive(Clone, Debug)]
pub struct ReplayArgs {
    /// `-Config`: the settings file.
    pub config: PathBuf,
    /// `-Verbose`.
    pub level: LevelFilter,
    /// `--journal`: folder or file.
    pub journal: Option<PathBuf>,
    /// `--source-db`: the recorded database.
    pub source_db: Option<PathBuf>,
    /// `--target-db`.
    pub target_db: Option<PathBuf>,
    /// `--limit`: at most so many rows; 0 = all.
    pub limit: u64,
    /// `--truncate`: the day's features are deleted first.
    pub truncate: bool,
    /// `--run-naut`: signals beside it.
    pub naut: Option<NautBeside>,
    /// `--date`: one day.
    pub date: Option<Date>,
    /// `--symbols`, which beats the file.
    pub symbols: Option<Vec<Symbol>>,
    /// `--speed`, `None` = no waiting.
    pub speed: Option<f64>,
    /// `--max-sleep`: the longest wait between two rows.
    pub max_sleep: Duration,
    /// `--quiet`: no progress bar.
    pub quiet: bool,
    /// `--digest`.
    pub digest: bool,
}

/// `--run-naut` and what belongs to it.
#[derive(Clone, Debug)]
pub struct NautBeside {
    /// `--naut-extra`: further flags for it.
    pub extra: Vec<String>,
    /// `--naut-grace`: how long it may go on after the last row.
    pub grace: Duration,
    /// `--leave-naut`: it is not ended at all.
    pub leave: bool,
}

/// `ayumi export`.
#[derive(Clone, Debug)]
pub struct ExportArgs {
    /// `-Config`: the settings file whose database is exported.
    pub config: Option<PathBuf>,
    /// `--db`, which beats the settings file. One of the two is there.
    pub db: Option<PathBuf>,
    /// `-Verbose`.
    pub level: LevelFilter,
    /// `--table`.
    pub table: String,
    /// `--date`: the first day, JST.
    pub from: Date,
    /// `--to`: the last day; the first one when it is not given. Never before it.
    pub to: Date,
    /// `--symbols`.
    pub symbols: Option<Vec<Symbol>>,
    /// `--out`.
    pub out: PathBuf,
    /// `--excel`.
    pub excel: bool,
    /// `--force`: replace the file.
    pub force: bool,
    /// `--quiet`: no progress bar.
    pub quiet: bool,
}

/// `ayumi naut`.
#[derive(Clone, Debug)]
pub struct NautArgs {
    /// `-Config`: the settings file.
    pub config: PathBuf,
    /// `-Verbose`.
    pub level: LevelFilter,
    /// `--profile`, which beats the file.
    pub profile: Option<Profile>,
    /// `--print-summary`: count a day and end.
    pub print_summary: bool,
    /// `--json`: one line per signal on stdout.
    pub json: bool,
    /// `--check-config`: show the effective settings and end.
    pub check_config: bool,
    /// `--clock`: whose date is today.
    pub clock: Option<TestClock>,
    /// `--db`: beats the file.
    pub db: Option<PathBuf>,
    /// `--after-row`: rows behind it are new.
    pub after_row: Option<i64>,
    /// `--while-stdin`: the end of the input is the end.
    pub while_stdin: bool,
}

/// `ayumi verify`.
#[derive(Clone, Debug)]
pub struct VerifyArgs {
    /// `-Config`: the settings file whose database is checked.
    pub config: Option<PathBuf>,
    /// `--db`, which beats the settings file. One of the two is there.
    pub db: Option<PathBuf>,
    /// `--date` and `--to`: first and last trading day; `None` = all.
    pub days: Option<(Date, Date)>,
    /// `--symbols`.
    pub symbols: Option<Vec<Symbol>>,
    /// `--json`.
    pub json: bool,
    /// `--quiet` or `-Verbose 0`: only what is not fine, no progress bar.
    pub quiet: bool,
}

/// `ayumi doctor`.
#[derive(Clone, Debug)]
pub struct DoctorArgs {
    /// `-Config`: the settings file; `None` = the usual place.
    pub config: Option<PathBuf>,
    /// `-Verbose`: also what is fine.
    pub verbose: bool,
    /// `--lang`; `None` = the environment's.
    pub lang: Option<Lang>,
    /// `--json`.
    pub json: bool,
    /// `--promises`: the promise sheet instead.
    pub promises: bool,
    /// `--login`: a token may be fetched.
    pub login: bool,
    /// `--push`: say why PUSH is not tried beside the recorder of this database.
    pub push: bool,
    /// `--clock`: whose time it is.
    pub clock: Option<TestClock>,
}

/// Something to say instead of doing anything: help, the version, or what is wrong with the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Complete text, without a line break at the end.
    pub text: String,
    /// How the process ends after it. [`Exit::Done`] goes to stdout, everything else to stderr.
    pub exit: Exit,
}

/// Parses the arguments without the program's name.
///
/// # Errors
/// The text to print and the exit code: 0 for help and version, 2 for everything that cannot be understood.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Message> {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.is_empty() {
        return Err(Message {
            text: cli::greeting(),
            exit: Exit::Usage,
        });
    }
    cli::parse(normalise::normalise(args)?)
}

fn usage(sentence: &str, next: &str) -> Message {
    Message {
        text: format!("error: {sentence}\n  next: {next}"),
        exit: Exit::Usage,
    }
}

#[cfg(test)]
mod tests;
