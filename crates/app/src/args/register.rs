//! The flags of `ayumi register` and `ayumi unregister`.

use std::path::PathBuf;

use clap::Args;
use log::LevelFilter;

use super::cli::level;
use super::{Message, usage, values};

pub(super) const EXAMPLES: &str = "\
Examples:
  ayumi register -Config config/stream_settings.json -Input watchlist.csv -DryRun
  ayumi register -Config config/stream_settings.json -Input watchlist.csv -Max 50 --write-guard

The CSV may be UTF-8, UTF-16 or CP932, with commas, semicolons or tabs. Its column of codes is called code, symbol or
ticker, or is the only one. Exit code 3: at least one symbol was refused or did not fit.";

pub(super) const UNREGISTER_EXAMPLES: &str = "\
Examples:
  ayumi unregister -Config config/stream_settings.json                        the symbols of the settings file
  ayumi unregister -Config config/stream_settings.json -Input watchlist.csv   those of a watchlist
  ayumi unregister -Config config/stream_settings.json --all                  everything, also of other programs";

const NEXT: &str = "ayumi register -Config config/stream_settings.json -Input watchlist.csv";

/// `ayumi register`.
#[derive(Clone, Debug)]
pub struct RegisterArgs {
    /// `-Config`: the settings file.
    pub config: PathBuf,
    /// `-Verbose`.
    pub level: LevelFilter,
    /// `-Input`: the watchlist.
    pub input: PathBuf,
    /// `-Max`: at most so many symbols; `None` = the setting `register_max`.
    pub max: Option<u16>,
    /// `-Exchange`: of codes without one.
    pub exchange: u16,
    /// `-DryRun`: send nothing, write nothing.
    pub dry_run: bool,
    /// `--write-guard`: the daily price limits go into `price_guard`.
    pub write_guard: bool,
}

/// `ayumi unregister`.
#[derive(Clone, Debug)]
pub struct UnregisterArgs {
    /// `-Config`; without it the station of this PC, with the token of the environment.
    pub config: Option<PathBuf>,
    /// `-Verbose`.
    pub level: LevelFilter,
    /// `-Input`: a watchlist; `None` = the symbols of the settings file.
    pub input: Option<PathBuf>,
    /// `-Exchange`: of codes without one.
    pub exchange: u16,
    /// `--all`: everything on the list.
    pub all: bool,
    /// `-DryRun`: send nothing.
    pub dry_run: bool,
}

#[derive(Args)]
pub(super) struct Register {
    /// The settings file (JSON); also -Config
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// 1 shows INFO and above, 0 only WARNING and above; also -Verbose
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// The watchlist (CSV)
    #[arg(short, long, value_name = "CSV")]
    input: Option<PathBuf>,
    /// Only the first so many symbols; beats register_max of the settings file (50)
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    max: Option<u16>,
    /// The exchange of codes without one: 1, 2, 3, 5, 6, 23 or 24
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = values::exchange)]
    exchange: u16,
    /// Send nothing and write nothing, only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Write the daily price limits of the symbols into price_guard of the settings file
    #[arg(long)]
    write_guard: bool,
}

#[derive(Args)]
pub(super) struct Unregister {
    /// The settings file (JSON); also -Config
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// 1 shows INFO and above, 0 only WARNING and above; also -Verbose
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// The symbols of this watchlist (CSV) instead of those of the settings file
    #[arg(short, long, value_name = "CSV")]
    input: Option<PathBuf>,
    /// The exchange of codes without one: 1, 2, 3, 5, 6, 23 or 24
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = values::exchange)]
    exchange: u16,
    /// Everything on the list, also what other programs registered
    #[arg(long, conflicts_with = "input")]
    all: bool,
    /// Send nothing, only show what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn args(register: Register) -> Result<RegisterArgs, Message> {
    let given = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
    let Some(config) = given(register.config) else {
        return Err(usage(
            "the settings file is missing: register needs -Config <path>",
            NEXT,
        ));
    };
    let Some(input) = given(register.input) else {
        return Err(usage("the watchlist is missing: register needs -Input <csv>", NEXT));
    };
    Ok(RegisterArgs {
        config,
        level: level(register.verbose),
        input,
        max: register.max,
        exchange: register.exchange,
        dry_run: register.dry_run,
        write_guard: register.write_guard,
    })
}

pub(super) fn unregister_args(unregister: Unregister) -> Result<UnregisterArgs, Message> {
    if unregister.config.is_none() && unregister.input.is_none() && !unregister.all {
        return Err(usage(
            "nothing says what to take off the list: -Config <path> (its symbols), -Input <csv>, or --all",
            "ayumi unregister -Config config/stream_settings.json",
        ));
    }
    Ok(UnregisterArgs {
        config: unregister.config,
        level: level(unregister.verbose),
        input: unregister.input,
        exchange: unregister.exchange,
        all: unregister.all,
        dry_run: unregister.dry_run,
    })
}
