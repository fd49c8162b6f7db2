//! The flags of `ayumi verify`.

use std::path::PathBuf;

use ayumi_wire::jst::Date;
use clap::Args;

use super::cli::List;
use super::{Message, VerifyArgs, usage, values};

pub(super) const EXAMPLES: &str = "\
Examples:
  ayumi verify -Config config/stream_settings.json
  ayumi verify --db rss_snapshot.db --date 2026-11-20
  ayumi verify --db rss_snapshot.db --date 2026-11-16 --to 2026-11-20 --symbols 7203,9984 --json

Grades: A nothing is missing; B small gaps, marked; C detail lost under overload, or a large gap; D damaged, or volume
that does not add up. Code 0 for A and B, 1 when something was found. The recorder may be running meanwhile: the
database is only read, in short steps.";

#[derive(Args)]
pub(super) struct Verify {
    /// The settings file (JSON), whose db_path is checked; also -Config
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Check this database; beats the settings file. {date} in it stands for the day
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
    /// 0 shows as little as with quiet; also -Verbose
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// Only this trading day, JST
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = values::date)]
    date: Option<Date>,
    /// The last day of a range that begins with --date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = values::date)]
    to: Option<Date>,
    /// Show and judge only these, like 7203,9984@1
    #[arg(long, value_name = "LIST", value_parser = List::parse)]
    symbols: Option<List>,
    /// The result as one JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Only what is not fine and the summary; no progress bar
    #[arg(long)]
    quiet: bool,
}

pub(super) fn args(verify: Verify) -> Result<VerifyArgs, Message> {
    let given = |path: &PathBuf| !path.as_os_str().is_empty();
    let (config, db) = (verify.config.filter(given), verify.db.filter(given));
    if config.is_none() && db.is_none() {
        return Err(usage(
            "the database is missing: -Config <path> or --db <path>",
            "ayumi verify -Config config/stream_settings.json",
        ));
    }
    let days = match (verify.date, verify.to) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(usage(
                "--to needs --date, the first day",
                "--date YYYY-MM-DD --to YYYY-MM-DD",
            ));
        }
        (Some(from), to) => Some((from, to.unwrap_or(from))),
    };
    if let Some((from, to)) = days.filter(|(from, to)| to < from) {
        let sentence = format!("--to {to} lies before --date {from}");
        return Err(usage(&sentence, &format!("--date {to} --to {from}")));
    }
    Ok(VerifyArgs {
        config,
        db,
        days,
        symbols: verify.symbols.map(|list| list.0),
        json: verify.json,
        quiet: verify.quiet || verify.verbose == 0,
    })
}
