//! The flags of `ayumi doctor`.

use std::path::PathBuf;

use clap::Args;

use super::DoctorArgs;
use crate::clock::TestClock;
use crate::doctor::Lang;

pub(super) const EXAMPLES: &str = "\
Examples:
  ayumi doctor
  ayumi doctor -Config config/stream_settings.json -v
  ayumi doctor --lang ja --json
  ayumi doctor --promises

It changes nothing, sends at most six requests, and takes three seconds at most. Code 0: all is well, 1: something was
found; each line says what to do.";

#[derive(Args)]
pub(super) struct Doctor {
    /// The settings file (JSON); also -Config [default: config/stream_settings.json if it exists]
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Also show what is fine; also -Verbose
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "0", default_missing_value = "1",
          value_parser = super::values::verbose)]
    verbose: u8,
    /// ja or en [default: ja when LC_ALL or LANG begins with ja]
    #[arg(long, value_name = "LANG", value_parser = lang)]
    lang: Option<Lang>,
    /// The result as one JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Print what is promised instead (G1 to G14), each with its number and proof
    #[arg(long)]
    promises: bool,
    /// Fetch a token with the API password, too: the one in use dies
    #[arg(long)]
    login: bool,
    /// Try PUSH; beside the running recorder of this database it is not tried, and the page says so
    #[arg(long)]
    push: bool,
    /// Test clock: JST start time and speed, like "2026-11-20T07:50:00@60"
    #[arg(long, value_name = "TIME@SPEED", value_parser = TestClock::parse)]
    clock: Option<TestClock>,
}

fn lang(written: &str) -> Result<Lang, String> {
    written.parse()
}

pub(super) fn args(doctor: Doctor) -> DoctorArgs {
    DoctorArgs {
        config: doctor.config.filter(|path| !path.as_os_str().is_empty()),
        verbose: doctor.verbose == 1,
        lang: doctor.lang,
        json: doctor.json,
        promises: doctor.promises,
        login: doctor.login,
        push: doctor.push,
        clock: doctor.clock,
    }
}
