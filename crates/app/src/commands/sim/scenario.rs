//! What is to be played: a scenario file or a ready one, and the command line on top of it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ayumi_sim::{READY, Repeat, Scenario};

use crate::args::SimArgs;
use crate::text;

/// Where ready scenarios may lie, changed by their user.
const FOLDER: &str = "config/scenarios";
/// A scenario is a few kilobytes; more than this is the wrong file.
const LARGEST: u64 = 4 << 20;

/// The scenario with everything the command line says.
///
/// # Errors
/// What is wrong, with the next step.
pub(super) fn of(args: &SimArgs) -> Result<Scenario, String> {
    let mut scenario = match &args.scenario {
        Some(name) => read(name)?,
        None => Scenario::default(),
    };
    if let Some(path) = &args.play {
        scenario.play = Some(path.clone());
    }
    if scenario.play.is_none() {
        // The scenario's own symbols are not asked about when a settings file was named.
        let own = scenario.symbols.as_ref().filter(|_| args.config.is_none());
        let named = args.symbols.as_ref().or(own);
        let mut symbols = super::symbols(named, args.config.as_deref()).map_err(|error| error.to_string())?;
        let mut seen = HashSet::new();
        symbols.retain(|symbol| seen.insert(symbol.clone()));
        scenario.symbols = Some(symbols);
    }
    set(&mut scenario.seed, args.seed);
    set(&mut scenario.rate, args.rate);
    set(&mut scenario.hours, args.hours);
    set(&mut scenario.start, args.start);
    set(&mut scenario.end, args.end);
    set(&mut scenario.speed, args.speed);
    set(&mut scenario.prices, args.prices.clone());
    set(&mut scenario.truth, args.truth.clone());
    set(&mut scenario.limit, args.limit.map(usize::from));
    if args.again {
        scenario.repeat = Some(Repeat::Forever);
    }
    scenario.clones.extend(args.clones.iter().cloned());
    scenario.steps.extend(args.steps.iter().cloned());
    Ok(scenario)
}

/// The names of the ready scenarios and what they are.
pub(super) fn list() -> String {
    let width = READY.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, text): &(&str, &str)| {
        let about = Scenario::parse(text)
            .ok()
            .and_then(|scenario| scenario.about)
            .unwrap_or_default();
        format!("{name:width$}  {about}")
    };
    READY.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn set<T>(value: &mut Option<T>, said: Option<T>) {
    if said.is_some() {
        *value = said;
    }
}

/// A file, or the file of that name in the folder for scenarios, or a ready one.
fn read(name: &str) -> Result<Scenario, String> {
    let text = match file_of(name) {
        Some(path) => {
            let text =
                text_of(&path).map_err(|why| format!("error: cannot read the scenario {}: {why}", path.display()))?;
            (path.display().to_string(), text)
        }
        None => match Scenario::ready(&name.to_ascii_lowercase()) {
            Some(text) => (name.to_owned(), text.to_owned()),
            None => return Err(unknown(name)),
        },
    };
    let (name, text) = text;
    Scenario::parse(&text).map_err(|problems| {
        let count = match problems.0.len() {
            1 => "1 problem".to_owned(),
            n => format!("{n} problems"),
        };
        format!(
            "error: {count} in the scenario {name}\n\n{problems}\n\n  next: correct the file; docs/sim.md has every key"
        )
    })
}

fn file_of(name: &str) -> Option<PathBuf> {
    let places = [PathBuf::from(name), Path::new(FOLDER).join(format!("{name}.json"))];
    places.into_iter().find(|path| path.is_file())
}

/// The text of a file, whatever Unicode encoding its first bytes name.
fn text_of(path: &Path) -> Result<String, String> {
    let size = path.metadata().map_err(|e| e.to_string())?.len();
    if size > LARGEST {
        return Err("it is larger than 4 MB, so it is no scenario".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let (text, _, broken) = encoding_rs::UTF_8.decode(&bytes);
    match broken {
        true => Err("it is not UTF-8; save it as UTF-8".to_owned()),
        false => Ok(text.into_owned()),
    }
}

fn unknown(name: &str) -> String {
    let near = READY
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(known, &name.to_ascii_lowercase()), *known))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let meant = near.map_or(String::new(), |(_, known)| format!("; did you mean {known}?"));
    let name = text::cut(&text::one_line(name), 80);
    format!(
        "error: there is no scenario \"{name}\", neither as a file nor by name{meant}\n  next: ayumi sim --scenario list"
    )
}

#[cfg(test)]
mod tests {
    use ayumi_engine::Symbol;
    use ayumi_sim::{Hours, Time};

    use super::*;
    use crate::args::{Command, parse};

    fn args(words: &[&str]) -> SimArgs {
        match parse(["sim"].iter().chain(words).map(std::ffi::OsString::from)) {
            Ok(Command::Sim(args)) => args,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn the_command_line_beats_the_file() {
        let plain = of(&args(&["--scenario", "opening-rush"])).expect("ready");
        assert_eq!(
            (plain.symbols.as_ref().map(Vec::len), plain.rate),
            (Some(50), Some(150.0))
        );
        let words = [
            "--scenario",
            "Opening-Rush",
            "--symbols",
            "7203",
            "--rate",
            "9",
            "--start",
            "10:00",
            "--do",
            "+1s reset",
        ];
        let scenario = of(&args(&words)).expect("ready");
        assert_eq!(
            (scenario.symbols, scenario.rate),
            (Some(vec![Symbol::tse("7203")]), Some(9.0))
        );
        assert_eq!(
            (scenario.start, scenario.steps.len()),
            (Time::parse("10:00"), plain.steps.len() + 1)
        );
    }

    #[test]
    fn a_symbol_named_twice_is_one() {
        let symbols = of(&args(&["--symbols", "7203,9984,7203@1"])).expect("valid").symbols;
        assert_eq!(symbols, Some(["7203", "9984"].map(Symbol::tse).to_vec()));
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        let wrong = |words: &[&str]| {
            let words = ["sim"].iter().chain(words).map(std::ffi::OsString::from);
            match parse(words) {
                Ok(other) => panic!("{other:?}"),
                Err(message) => message.text,
            }
        };
        assert!(wrong(&["--limit", "10001"]).contains("10000"));
        for flag in ["--token", "--password"] {
            assert!(wrong(&[flag, ""]).contains("must not be empty"), "{flag}");
        }
        assert_eq!(args(&["--limit", "10000"]).limit, Some(10_000));
    }

    #[test]
    fn a_start_means_the_exchanges_hours() {
        let hours = |words: &[&str]| of(&args(words)).expect("valid").hours();
        assert_eq!(hours(&[]), Hours::Always);
        assert_eq!(hours(&["--start", "08:59:30"]), Hours::Session);
        assert_eq!(hours(&["--start", "08:59:30", "--hours", "always"]), Hours::Always);
        assert_eq!(hours(&["--hours", "session"]), Hours::Session);
    }

    #[test]
    fn files_are_read_and_their_problems_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my scenario.json");
        let name = path.to_str().expect("UTF-8").to_owned();
        let utf16: Vec<u8> = "\u{feff}{\"seed\": 9}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        std::fs::write(&path, utf16).expect("written");
        assert_eq!(of(&args(&["--scenario", &name])).map(|s| s.seed), Ok(Some(9)));
        std::fs::write(&path, r#"{"seeed": 9, "rate": "x"}"#).expect("written");
        let said = of(&args(&["--scenario", &name])).expect_err("wrong");
        assert!(
            said.contains("2 problems") && said.contains("did you mean \"seed\"?"),
            "{said}"
        );
        std::fs::write(&path, b"{\"about\": \"\x83\x65\"}").expect("written");
        assert!(of(&args(&["--scenario", &name])).is_err_and(|said| said.contains("UTF-8")));
        let said = of(&args(&["--scenario", "openning-rush"])).expect_err("unknown");
        assert!(
            said.contains("did you mean opening-rush?") && said.contains("--scenario list"),
            "{said}"
        );
    }

    #[test]
    fn the_list_has_every_ready_scenario() {
        let list = list();
        assert!(
            list.is_ascii() && list.lines().count() == READY.len() && list.contains("limit-up"),
            "{list}"
        );
    }
}
