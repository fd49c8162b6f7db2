//! The flags of `ayumi export`.

use std::path::PathBuf;

use ayumi_wire::jst::Date;
use clap::Args;

use super::cli::{List, level};
use super::{ExportArgs, Message, usage, values};

pub(super) const EXAMPLES: &str = "\
Examples:
  ayumi export -Config config/stream_settings.json --table tick_batch --date 2026-11-20 --out ticks.parquet
  ayumi export --db rss_snapshot.db --table features_stream --date 2026-11-16 --to 2026-11-20 --out week.csv
  ayumi export --db rss_snapshot.db --table tick_batch --date 2026-11-20 --symbols 7203,9984 --out t.csv --excel

The recorder may be running meanwhile: the database is only read, in short steps. The types are in docs/schema.md.";

/// A day's line, for everybody who left something out.
const WHOLE_LINE: &str =
    "ayumi export -Config config/stream_settings.json --table tick_batch --date 2026-11-20 --out ticks.csv";

/// The longest range: ten years. A file per day is looked for.
const MOST_DAYS: i64 = 3_660;

#[derive(Args)]
pub(super) struct Export {
    /// The settings file (JSON), whose db_path is exported; also -Config
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Export this database; beats the settings file. {date} in it stands for the day
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
    /// 1 shows INFO and above, 0 only WARNING and above
    #[arg(short, long, value_name = "0|1", num_args = 0..=1, default_value = "1", default_missing_value = "1",
          value_parser = values::verbose)]
    verbose: u8,
    /// Which table: tick_batch, features_stream, ...
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// The day, JST
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = values::date)]
    date: Option<Date>,
    /// The last day of a range that begins with --date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = values::date)]
    to: Option<Date>,
    /// Only these, like 7203,9984@1
    #[arg(long, value_name = "LIST", value_parser = List::parse)]
    symbols: Option<List>,
    /// The file to write; .csv or .parquet decides the format
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// CSV for Excel: BOM, CRLF, times that Excel reads, no text taken for a formula
    #[arg(long)]
    excel: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// No progress bar
    #[arg(long)]
    quiet: bool,
}

pub(super) fn args(export: Export) -> Result<ExportArgs, Message> {
    let missing = |what: &str| usage(&format!("{what} is missing"), WHOLE_LINE);
    let given = |path: &PathBuf| !path.as_os_str().is_empty();
    let (config, db) = (export.config.filter(given), export.db.filter(given));
    if config.is_none() && db.is_none() {
        return Err(missing("the database: -Config <path> or --db <path>"));
    }
    let table = export.table.filter(|name| !name.trim().is_empty());
    let table = table.ok_or_else(|| missing("the table: --table <name>"))?;
    let from = export.date.ok_or_else(|| missing("the day: --date YYYY-MM-DD"))?;
    let out = export
        .out
        .filter(given)
        .ok_or_else(|| missing("the file: --out FILE"))?;
    let to = export.to.unwrap_or(from);
    if to < from {
        let sentence = format!("--to {to} lies before --date {from}");
        return Err(usage(&sentence, &format!("--date {to} --to {from}")));
    }
    if to.days() - from.days() > MOST_DAYS {
        return Err(usage("the range is longer than ten years", "export it in parts"));
    }
    Ok(ExportArgs {
        config,
        db,
        level: level(export.verbose),
        table: table.trim().to_owned(),
        from,
        to,
        symbols: export.symbols.map(|list| list.0),
        out,
        excel: export.excel,
        force: export.force,
        quiet: export.quiet,
    })
}
