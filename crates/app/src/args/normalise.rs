//! One spelling out of many: PowerShell habits become what clap understands.
//!
//! The scripts are called as `-Config x -Verbose 1`; people also type `-config:x`, `-Config=x`, `--Config x`, `-v0`,
//! leave the command out, or paste a dash that a word processor made longer. PowerShell adds its own: it passes
//! `7203,9984` as two arguments, and splits `-Config=a.json` into `-Config=a` and `.json` (PowerShell issue 6291).
//! The flags are read from clap's own definition, so that there is no second list of them.

use std::ffi::OsString;

use clap::ArgAction;

use super::{Message, cli, usage};

/// The line in one spelling: command first, then `--long=value`, `--switch`.
pub(super) fn normalise(args: Vec<OsString>) -> Result<Vec<OsString>, Message> {
    let definition = cli::definition();
    let args: Vec<OsString> = args.into_iter().map(plain_dash).collect();
    if is_top_level(&args) {
        return Ok(top_level(&args, &definition));
    }
    let (command, rest) = split_command(args, &definition)?;
    let Some(known) = find_command(&definition, &command) else {
        // clap names the commands that are near.
        return Ok(std::iter::once(OsString::from(command)).chain(rest).collect());
    };
    let mut line = vec![OsString::from(known.get_name())];
    Walk {
        flags: &flags_of(known),
        command: known.get_name(),
        rest: rest.into_iter().peekable(),
        line: &mut line,
    }
    .run()?;
    Ok(line)
}

/// A flag of a command.
struct Flag {
    long: String,
    short: Option<char>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Present or not.
    Switch,
    /// With a value.
    Value,
    /// With a value that may be missing: `-Verbose`.
    Optional,
    /// With a value that PowerShell may have cut at its commas: `--symbols`.
    List,
    /// With a path, which PowerShell may have cut at its first dot.
    Path,
}

fn is_path(long: &str) -> bool {
    matches!(
        long,
        "config" | "input" | "play" | "db" | "scenario" | "prices" | "truth" | "out"
    )
}

fn flags_of(command: &clap::Command) -> Vec<Flag> {
    let flag = |arg: &clap::Arg| {
        let long = arg.get_long()?.to_owned();
        let kind = match arg.get_action() {
            ArgAction::Set | ArgAction::Append if matches!(long.as_str(), "symbols" | "clone") => Kind::List,
            ArgAction::Set if arg.get_num_args().is_some_and(|n| n.min_values() == 0) => Kind::Optional,
            ArgAction::Set | ArgAction::Append if is_path(&long) => Kind::Path,
            ArgAction::Set | ArgAction::Append => Kind::Value,
            _ => Kind::Switch,
        };
        Some(Flag {
            long,
            short: arg.get_short(),
            kind,
        })
    };
    command.get_arguments().filter_map(flag).collect()
}

/// Dashes that editors and input methods make (`–`, `—`, `―`, `−`, `－`), at the start of an argument.
fn plain_dash(arg: OsString) -> OsString {
    let Some(text) = arg.to_str() else {
        return arg;
    };
    let is_dash = |c: char| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}');
    if !text.starts_with(is_dash) {
        return arg;
    }
    let tail = text.trim_start_matches(is_dash);
    let dashes = text.chars().count() - tail.chars().count();
    // A word processor makes one long dash out of two short ones; either way the name decides.
    format!("{}{tail}", "-".repeat(dashes.min(2))).into()
}

fn is_help(arg: &str) -> bool {
    matches!(
        arg.to_ascii_lowercase().as_str(),
        "-h" | "--help" | "-help" | "-?" | "/?" | "/h" | "/help"
    )
}

/// Help and version asked of `ayumi` itself.
fn is_top_level(args: &[OsString]) -> bool {
    let first = args.first().and_then(|arg| arg.to_str()).unwrap_or_default();
    is_help(first)
        || first == "-V"
        || first.eq_ignore_ascii_case("help")
        || matches!(
            first.to_ascii_lowercase().as_str(),
            "--version" | "-version" | "version"
        )
}

fn top_level(args: &[OsString], definition: &clap::Command) -> Vec<OsString> {
    let first = args
        .first()
        .and_then(|arg| arg.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    if first == "-v" || first.contains("version") {
        return vec!["--version".into()];
    }
    let about = args
        .get(1)
        .and_then(|arg| arg.to_str())
        .filter(|arg| !arg.starts_with(['-', '/']));
    match about {
        Some(name) if first == "help" => {
            let known = find_command(definition, name).map_or(name, clap::Command::get_name);
            vec!["help".into(), known.into()]
        }
        _ => vec!["--help".into()],
    }
}

fn find_command<'d>(definition: &'d clap::Command, name: &str) -> Option<&'d clap::Command> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let is_named = |command: &&clap::Command| {
        command.get_name() != "help"
            && command
                .get_name_and_visible_aliases()
                .iter()
                .any(|known| *known == name)
    };
    definition.get_subcommands().find(is_named)
}

/// The command and everything else. A line without a command, but with a settings file, means `stream`.
fn split_command(mut args: Vec<OsString>, definition: &clap::Command) -> Result<(String, Vec<OsString>), Message> {
    let stream = find_command(definition, "stream").map(flags_of).unwrap_or_default();
    let (mut is_value, mut has_config) = (false, false);
    for index in 0..args.len() {
        let text = args[index].to_str().unwrap_or_default();
        let is_command = find_command(definition, text).is_some();
        if std::mem::take(&mut is_value) && !is_command {
            continue;
        }
        match Written::from_arg(text) {
            Some(written) => {
                let flag = written.find(&stream);
                has_config |= flag.is_some_and(|flag| flag.long == "config");
                is_value = written.value.is_none() && flag.is_some_and(|flag| flag.kind != Kind::Switch);
            }
            // Further down, what is no command may be the rest of a list that PowerShell cut.
            None if index == 0 || is_command => {
                let command = text.to_owned();
                args.remove(index);
                return Ok((command, args));
            }
            None => {}
        }
    }
    if has_config {
        return Ok(("stream".to_owned(), args));
    }
    Err(usage(
        "no command is given",
        "ayumi stream -Config config/stream_settings.json, or ayumi help for all commands",
    ))
}

/// An argument that starts with a dash, taken apart.
#[derive(Clone, Copy)]
struct Written<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// `None` for what is no option: a value, a negative number, `-` and `--`.
    fn from_arg(text: &'a str) -> Option<Self> {
        let tail = text.strip_prefix("--").or_else(|| text.strip_prefix('-'))?;
        if !tail.starts_with(|c: char| c.is_ascii_alphabetic() || c == '?') {
            return None;
        }
        match tail.find(['=', ':']) {
            Some(at) => Some(Self {
                name: &tail[..at],
                // PowerShell passes `-Config: x` as `-Config:` and `x`.
                value: Some(&tail[at + 1..]).filter(|value| !value.is_empty()),
            }),
            None => Some(Self {
                name: tail,
                value: None,
            }),
        }
    }

    /// The flag meant: by its long name in any letter case, with or without dashes inside, or by its letter.
    fn find<'f>(&self, flags: &'f [Flag]) -> Option<&'f Flag> {
        let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
        let name = plain(self.name);
        flags.iter().find(|flag| {
            let letter = flag.short.map(|short| short.to_ascii_lowercase().to_string());
            plain(&flag.long) == name || letter.is_some_and(|letter| letter == name)
        })
    }
}

/// One pass over the arguments after the command.
struct Walk<'a> {
    flags: &'a [Flag],
    command: &'a str,
    rest: std::iter::Peekable<std::vec::IntoIter<OsString>>,
    line: &'a mut Vec<OsString>,
}

impl Walk<'_> {
    fn run(mut self) -> Result<(), Message> {
        while let Some(arg) = self.rest.next() {
            let text = arg.to_str().unwrap_or_default().to_owned();
            if text == "--" {
                self.line.push(arg);
                self.line.extend(self.rest.by_ref());
            } else if is_help(&text) {
                self.line.push("--help".into());
            } else if let Some(written) = Written::from_arg(&text) {
                let flags = self.flags;
                match written.find(flags) {
                    Some(flag) => self.take(flag, written.value)?,
                    None => self.attached(written)?,
                }
            } else {
                self.line.push(arg);
            }
        }
        Ok(())
    }

    fn take(&mut self, flag: &Flag, value: Option<&str>) -> Result<(), Message> {
        let value = value.map(OsString::from);
        match flag.kind {
            Kind::Switch => return self.switch(flag, value),
            Kind::Value => {
                let value = value.or_else(|| self.next_value());
                self.push(flag, value);
            }
            Kind::Path => {
                let value = match value {
                    Some(head) => Some(self.with_tail(head)),
                    None => self.next_value(),
                };
                self.push(flag, value);
            }
            Kind::Optional => {
                let value = value.or_else(|| self.next_if(is_switch_value));
                self.push(flag, Some(value.unwrap_or_else(|| "1".into())));
            }
            Kind::List => {
                let mut items: Vec<OsString> = value.into_iter().collect();
                while let Some(item) = self.next_value() {
                    items.push(item);
                }
                let value = (!items.is_empty()).then(|| items.join(",".as_ref()));
                self.push(flag, value);
            }
        }
        Ok(())
    }

    fn switch(&mut self, flag: &Flag, value: Option<OsString>) -> Result<(), Message> {
        match value.as_ref().map(|value| value.to_string_lossy().to_ascii_lowercase()) {
            None => self.line.push(format!("--{}", flag.long).into()),
            Some(value) if matches!(value.as_str(), "true" | "$true" | "1") => {
                self.line.push(format!("--{}", flag.long).into());
            }
            Some(value) if matches!(value.as_str(), "false" | "$false" | "0") => {}
            Some(_) => {
                let sentence = format!("--{} takes no value", flag.long);
                return Err(usage(&sentence, &format!("ayumi help {}", self.command)));
            }
        }
        Ok(())
    }

    /// `-v0`, `-v1`; everything else is unknown here.
    fn attached(&mut self, written: Written<'_>) -> Result<(), Message> {
        let level = written
            .name
            .strip_prefix(['v', 'V'])
            .filter(|level| matches!(*level, "0" | "1"));
        match (level, self.flags.iter().find(|flag| flag.kind == Kind::Optional)) {
            (Some(level), Some(flag)) => {
                self.push(flag, Some(level.into()));
                Ok(())
            }
            _ => Err(self.unknown(written.name)),
        }
    }

    fn push(&mut self, flag: &Flag, value: Option<OsString>) {
        let mut arg = OsString::from(format!("--{}", flag.long));
        if let Some(value) = value {
            arg.push("=");
            arg.push(value);
        }
        // Without a value clap says that one is missing.
        self.line.push(arg);
    }

    /// The next argument when it is a value, that is, no option that this command knows.
    fn next_value(&mut self) -> Option<OsString> {
        let flags = self.flags;
        self.rest.next_if(|next| {
            let text = next.to_str().unwrap_or_default();
            let option = Written::from_arg(text).is_some_and(|written| written.find(flags).is_some());
            !option && !is_help(text) && text != "--"
        })
    }

    fn next_if(&mut self, test: impl Fn(&str) -> bool) -> Option<OsString> {
        self.rest.next_if(|next| next.to_str().is_some_and(&test))
    }

    /// A path and the piece from its first dot on, which PowerShell passes as an argument of its own.
    fn with_tail(&mut self, mut head: OsString) -> OsString {
        if let Some(tail) = self.next_if(|next| next.starts_with('.') && !next.contains(['/', '\\'])) {
            head.push(tail);
        }
        head
    }

    /// Never quotes a value: it could be a token.
    fn unknown(&self, name: &str) -> Message {
        let help = format!("ayumi help {}", self.command);
        let lower = name.to_ascii_lowercase();
        if ["token", "password", "apikey", "api-key", "apipassword", "api-password"].contains(&lower.as_str()) {
            return usage(
                "a token or password is not given on the command line, where every program of this PC can read it",
                "put it into the settings file or into the environment variable KABU_TOKEN (KABU_API_PASSWORD)",
            );
        }
        let distance = |flag: &&Flag| strsim::damerau_levenshtein(&flag.long, &lower);
        let near = self
            .flags
            .iter()
            .min_by_key(distance)
            .filter(|flag| distance(flag) <= 2 || (lower.len() >= 3 && flag.long.starts_with(&lower)));
        let name = crate::text::cut(&crate::text::one_line(name), 40);
        match near {
            Some(flag) => usage(
                &format!(
                    "{} has no option \"{name}\"; did you mean --{}?",
                    self.command, flag.long
                ),
                &help,
            ),
            None => usage(&format!("{} has no option \"{name}\"", self.command), &help),
        }
    }
}

fn is_switch_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
        || matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "$true" | "$false"
        )
}
