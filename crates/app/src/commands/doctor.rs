//! `ayumi doctor`: one page about everything that can be in the way.

use crate::args::DoctorArgs;
use crate::clock::Clock;
use crate::doctor::{self, Lang, Level, Request, promises};
use crate::exit::Exit;
use crate::settings::process_env;
use crate::text;

/// Runs the command.
pub fn run(args: &DoctorArgs) -> Exit {
    let lang = args.lang.unwrap_or_else(|| Lang::of(&process_env));
    if args.promises {
        text::stdout_line(&match args.json {
            true => promises::to_json(lang),
            false => promises::text(lang),
        });
        return Exit::Done;
    }
    if !args.json {
        // The page can only be sorted when all is known.
        text::stderr_line(match lang {
            Lang::En => "ayumi doctor: looking (3 seconds at most) ...",
            Lang::Ja => "ayumi doctor: 調べています(最大 3 秒)...",
        });
    }
    let findings = doctor::run(&Request {
        config: args.config.clone(),
        login: args.login,
        push: args.push,
        lang,
        clock: args.clock.map_or_else(Clock::system, |test| test.clock()),
    });
    let page = match args.json {
        true => doctor::to_json(&findings, lang),
        false => doctor::text(&findings, lang, args.verbose),
    };
    text::stdout_line(&page);
    match findings.iter().any(|finding| finding.level >= Level::Warning) {
        true => Exit::Found,
        false => Exit::Done,
    }
}
