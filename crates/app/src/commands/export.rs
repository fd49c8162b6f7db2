//! `ayumi export`: a table into a CSV or Parquet file.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ayumi_engine::Symbol;
use indicatif::{ProgressBar, ProgressStyle};

use super::replay::console_log;
use super::settings_of;
use crate::args::ExportArgs;
use crate::exit::Exit;
use crate::export::{self, Days, ExportError, Request, Summary, Watch};
use crate::settings::Overrides;
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &ExportArgs) -> Exit {
    let db = match database(args) {
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
    let mut progress = Progress::new(args.quiet, stop);
    let begun = Instant::now();
    let done = export::run(&request, &mut progress);
    progress.bar.finish_and_clear();
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

/// The database: as given, or that of the settings.
fn database(args: &ExportArgs) -> Result<PathBuf, Exit> {
    let config = match (&args.db, &args.config) {
        (Some(db), _) => return Ok(db.clone()),
        (None, Some(config)) => config,
        (None, None) => return Err(Exit::Usage),
    };
    let overrides = Overrides {
        symbols: args.symbols.clone(),
        offline: true,
        // A file without symbols has a database all the same.
        symbols_optional: true,
        ..Overrides::default()
    };
    Ok(settings_of(config, &overrides, false)?.db_path)
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

/// The bar and the user's wish to stop.
struct Progress {
    bar: ProgressBar,
    shown: bool,
    stop: Arc<AtomicBool>,
}

impl Progress {
    fn new(quiet: bool, stop: Arc<AtomicBool>) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            shown: !quiet && std::io::stderr().is_terminal(),
            stop,
        }
    }
}

impl Watch for Progress {
    fn begin(&mut self, rows: u64) {
        if !self.shown {
            return;
        }
        self.bar = ProgressBar::new(rows);
        let style = "{bar:30} {percent:>3} %  {human_pos} rows  {per_sec:0}  left {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            // Characters that every console has.
            self.bar.set_style(style.progress_chars("=> "));
        }
    }

    fn rows(&mut self, done: u64) {
        self.bar.set_position(done);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
