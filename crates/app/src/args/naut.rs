//! The flags of `ayumi naut`.

use std::path::PathBuf;

use clap::Args;

use super::cli::level;
use super::{Message, NautArgs, usage, values};
use crate::clock::TestClock;
use crate::naut::Profile;

pub(super) const EXAMPLES: &str = "\
Examples:
  ayumi naut -Config config/stream_settings.json
  ayumi naut -Config config/stream_settings.json --profile demo --json
  ayumi naut -Config config/stream_settings.json --print-summary

It reads features_stream while ayumi stream writes it, and stores what it finds in the table signals beside it. It
places no orders.";

#[derive(Args)]
pub(super) struct Naut {
    /// The settings file (JSON); also -Config
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// 1 shows INFO and above (the signals), 0 only WARNING and above
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// prod, prodlite or demo; beats the file
    #[arg(long, value_name = "NAME", value_parser = profile)]
    profile: Option<Profile>,
    /// Sum up today's rows (or the newest day's): signals, and reasons why the rest was none; then end
    #[arg(long)]
    print_summary: bool,
    /// One JSON line per signal on stdout
    #[arg(long)]
    json: bool,
    /// Show the effective settings with their sources and end
    #[arg(long)]
    check_config: bool,
    /// Test clock: JST start time and speed, like "2026-11-20T07:50:00@60"; only its date counts
    #[arg(long, value_name = "TIME@SPEED", value_parser = TestClock::parse)]
    clock: Option<TestClock>,
    /// Follow this database, whatever the settings say: for programs that start it
    #[arg(long, value_name = "PATH", hide = true)]
    db: Option<PathBuf>,
    /// Rows behind this row id are new, instead of those that come after the start: for programs that start it
    #[arg(long, value_name = "ROWID", hide = true)]
    after_row: Option<i64>,
    /// Stop when stdin ends: for programs that start it
    #[arg(long, hide = true)]
    while_stdin: bool,
}

fn profile(written: &str) -> Result<Profile, String> {
    written.parse()
}

pub(super) fn args(naut: Naut) -> Result<NautArgs, Message> {
    let Some(config) = naut.config.filter(|path| !path.as_os_str().is_empty()) else {
        return Err(usage(
            "the settings file is missing: naut needs -Config <path>",
            "ayumi naut -Config config/stream_settings.json",
        ));
    };
    Ok(NautArgs {
        config,
        level: level(naut.verbose),
        profile: naut.profile,
        print_summary: naut.print_summary,
        json: naut.json,
        check_config: naut.check_config,
        clock: naut.clock,
        db: naut.db,
        after_row: naut.after_row,
        while_stdin: naut.while_stdin,
    })
}
