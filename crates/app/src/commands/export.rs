//! `ayumi export`: a table into a CSV or Parquet file.

use std::time::{Duration, Instant};

use ayumi_engine::Symbol;

use super::bar::RowsBar;
use super::database;
use super::replay::console_log;
use crate::args::ExportArgs;
use crate::exit::Exit;
use crate::export::{self, Days, ExportError, Request, Summary};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &ExportArgs) -> Exit {
    let db = match database(args.db.as_ref(), args.config.as_ref(), args.symbols.as_ref()) {
        Ok(db) => db,
        Err(exit) => return exit,
    };
    let stop = match signals::flag() {
        Ok(stop) => stop,
        Err(error) => {
            text::stderr_line(&format!("error: the system takes no signal handler: {error}"));
            return Exit::Bug;
        }
    };
    let request = Request {
        db,
        table: args.table.clone(),
        days: Days {
            from: args.from,
            to: args.to,
        },
        tickers: args.symbols.iter().flatten().map(Symbol::ticker).collect(),
        out: args.out.clone(),
        excel: args.excel,
        force: args.force,
    };
    let mut progress = RowsBar::new(args.quiet, stop);
    let begun = Instant::now();
    let done = export::run(&request, &mut progress);
    progress.clear();
    match done {
        Ok(summary) => {
            say(args, &summary, begun.elapsed());
            Exit::Done
        }
        Err(error) => {
            let before = if matches!(error, ExportError::Stopped) {
                ""
            } else {
                "error: "
            };
            text::stderr_line(&format!("{before}{error}"));
            exit(&error)
        }
    }
}

fn exit(error: &ExportError) -> Exit {
    match error {
        ExportError::Stopped => Exit::Done,
        ExportError::Full(_) | ExportError::Write { .. } => Exit::Unsaved,
        ExportError::Refused { .. } => Exit::Bug,
        _ => Exit::Usage,
    }
}

fn say(args: &ExportArgs, summary: &Summary, took: Duration) {
    let log = console_log(args.level);
    for note in &summary.notes {
        log::warn!("{note}");
    }
    let seconds = took.as_secs_f64();
    log::info!(
        "export done table={} rows={} bytes={} databases={} seconds={seconds:.1} rate={:.0}/s file={}",
        args.table,
        summary.rows,
        summary.bytes,
        summary.databases,
        summary.rows as f64 / seconds.max(0.001),
        args.out.display(),
    );
    log.flush(Duration::from_millis(500));
}
