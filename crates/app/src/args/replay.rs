//! The flags of `ayumi replay`.

use std::path::PathBuf;
use std::time::Duration;

use ayumi_wire::jst::Date;
use clap::Args;

use super::cli::{List, level};
use super::{Message, NautBeside, ReplayArgs, usage, values};

pub(super) const EXAMPLES: &str = "\
Examples:
  ayumi replay -Config config/stream_settings.json --journal journal --target-db again.db --no-sleep --digest
  ayumi replay -Config config/stream_settings.json --date 2026-11-20 --no-sleep

With --journal the rows come out as they were recorded, byte for byte. Without it a recorded database is the source, as
with replay_snapshot_stream.py: its features are computed again. A second run adds nothing.";

#[derive(Args)]
pub(super) struct Replay {
    /// The settings file (JSON); also -Config
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// 1 shows INFO and above, 0 only WARNING and above
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// Play this journal: a folder or one file
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Without --journal: the recorded database; else snapshot_db, db_path or rss_snapshot.db
    #[arg(long, value_name = "PATH", conflicts_with = "journal")]
    source_db: Option<PathBuf>,
    /// Write into this database; without --journal else features_db, db_path or the source
    #[arg(long, value_name = "PATH")]
    target_db: Option<PathBuf>,
    /// One day of it, JST
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = values::date)]
    date: Option<Date>,
    /// Only these, like 7203,9984@1
    #[arg(long, value_name = "LIST", value_parser = List::parse)]
    symbols: Option<List>,
    /// So many times real time; 0 = no waiting
    #[arg(long, value_name = "X", default_value = "1", value_parser = values::replay_speed)]
    speed: f64,
    /// No waiting, as --speed 0
    #[arg(long)]
    no_sleep: bool,
    /// The longest wait between two rows
    #[arg(long, value_name = "SECONDS", default_value = "2.5", value_parser = values::seconds)]
    max_sleep: Duration,
    /// At most so many rows; 0 = all
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "journal")]
    limit: u64,
    /// Delete the day's features first
    #[arg(long, conflicts_with = "journal")]
    truncate: bool,
    /// Start ayumi naut beside it
    #[arg(long, conflicts_with = "journal")]
    run_naut: bool,
    /// Further flags for naut
    #[arg(
        long,
        value_name = "FLAGS",
        requires = "run_naut",
        allow_hyphen_values = true,
        default_value = ""
    )]
    naut_extra: String,
    /// How long naut may go on after the last row
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = values::seconds)]
    naut_grace: Duration,
    /// Leave naut running
    #[arg(long, requires = "run_naut")]
    leave_naut: bool,
    /// No progress bar
    #[arg(long)]
    quiet: bool,
    /// Print a digest of what was written; stream prints the same at stop
    #[arg(long)]
    digest: bool,
}

pub(super) fn args(replay: Replay) -> Result<ReplayArgs, Message> {
    let Some(config) = replay.config.filter(|path| !path.as_os_str().is_empty()) else {
        return Err(usage(
            "the settings file is missing: replay needs -Config <path>",
            "ayumi replay -Config config/stream_settings.json --journal journal --target-db again.db --no-sleep",
        ));
    };
    if replay.truncate && (replay.symbols.is_some() || replay.limit > 0) {
        return Err(usage(
            "--truncate deletes the features of the whole day, and --symbols or --limit would bring back only a part",
            "leave --symbols and --limit out, or --truncate",
        ));
    }
    if replay.digest && replay.journal.is_none() {
        return Err(usage(
            "--digest is the digest of a journal's replay; features alone have none",
            "leave --digest out, or give --journal <folder>",
        ));
    }
    let waits = !replay.no_sleep && replay.speed > 0.0;
    Ok(ReplayArgs {
        config,
        level: level(replay.verbose),
        journal: replay.journal,
        source_db: replay.source_db,
        target_db: replay.target_db,
        limit: replay.limit,
        truncate: replay.truncate,
        naut: replay.run_naut.then(|| NautBeside {
            extra: replay.naut_extra.split_whitespace().map(str::to_owned).collect(),
            grace: replay.naut_grace,
            leave: replay.leave_naut,
        }),
        date: replay.date,
        symbols: replay.symbols.map(|list| list.0),
        speed: waits.then_some(replay.speed),
        max_sleep: replay.max_sleep,
        quiet: replay.quiet,
        digest: replay.digest,
    })
}
