//! `ayumi verify`: does a database hold what was recorded?

use ayumi_engine::Symbol;

use super::bar::RowsBar;
use super::database;
use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::verify::{self, Request, VerifyError};
use crate::{signals, text};

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Exit {
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
        days: args.days,
        tickers: args.symbols.iter().flatten().map(Symbol::ticker).collect(),
    };
    let mut progress = RowsBar::new(args.quiet, stop);
    let done = verify::run(&request, &mut progress);
    progress.clear();
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
