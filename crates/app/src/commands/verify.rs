//! `ayumi verify`: does a database hold what was recorded?

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ayumi_engine::Symbol;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::settings::{self, Overrides};
use crate::verify::{self, Request, VerifyError, Watch};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Exit {
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
        days: args.days,
        tickers: args.symbols.iter().flatten().map(Symbol::ticker).collect(),
    };
    let mut progress = Progress {
        bar: ProgressBar::hidden(),
        shown: !args.quiet && std::io::stderr().is_terminal(),
        stop,
    };
    let done = verify::run(&request, &mut progress);
    progress.bar.finish_and_clear();
    match done {
        Ok(report) => {
            let said = match args.json {
                true => verify::to_json(&report),
                false => verify::text(&report, args.quiet),
            };
            text::stdout_line(&said);
            if report.is_well() { Exit::Done } else { Exit::Found }
        }
        Err(VerifyError::Stopped) => {
            text::stderr_line(&VerifyError::Stopped.to_string());
            // Whoever acts on the code must not take half a check for "all is well".
            Exit::Found
        }
        Err(error) => {
            text::stderr_line(&format!("error: {error}"));
            match error {
                VerifyError::Unusable(_) => Exit::Input,
                _ => Exit::Usage,
            }
        }
    }
}

/// The database: as given, or that of the settings.
fn database(args: &VerifyArgs) -> Result<PathBuf, Exit> {
    let config = match (&args.db, &args.config) {
        (Some(db), _) => return Ok(db.clone()),
        (None, Some(config)) => config,
        (None, None) => return Err(Exit::Usage),
    };
    let overrides = Overrides {
        offline: true,
        symbols_optional: true,
        ..Overrides::default()
    };
    match settings::load(config, &overrides, &settings::process_env) {
        Ok(settings) => Ok(settings.db_path),
        Err(error) => {
            text::stderr_line(&error.to_string());
            Err(Exit::Usage)
        }
    }
}

/// The bar and the user's wish to stop.
struct Progress {
    bar: ProgressBar,
    shown: bool,
    stop: Arc<AtomicBool>,
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
