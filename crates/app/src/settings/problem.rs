//! What is wrong with a settings file, as one text that names everything at once.

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use super::{Note, excerpt};
use crate::text;

/// A settings file is a few kilobytes; more than this is the wrong file.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Why there are no settings. Its text is complete: place, what was found, what is allowed, the next step; it never
/// contains a secret. Always exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file could not be read as text.
    #[error("error: cannot read the settings file {path}: {why}\n  next: {next}")]
    Unreadable {
        /// As the user wrote it.
        path: String,
        /// One sentence.
        why: String,
        /// What to do.
        next: String,
    },
    /// The file was read; these problems are in it, or in the environment that belongs to it.
    #[error("{}", listed(.path, .problems, .warnings))]
    Invalid {
        /// As the user wrote it.
        path: String,
        /// Each with its place and an excerpt, in the order of the file.
        problems: Vec<String>,
        /// What would have been a warning: a missing key may be there, misspelt.
        warnings: Vec<String>,
    },
}

fn listed(path: &str, problems: &[String], warnings: &[String]) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    let warnings: String = warnings.iter().map(|warning| format!("\nWARNING: {warning}")).collect();
    let quoted = if path.contains(char::is_whitespace) {
        format!("\"{path}\"")
    } else {
        path.to_owned()
    };
    format!(
        "error: {count} in the settings {path}\n\n{}{warnings}\n\n  next: correct the file, then check it with: \
         ayumi stream -Config {quoted} --check-config",
        problems.join("\n")
    )
}

/// One problem before it is put into words.
#[derive(Debug)]
pub(super) struct Problem {
    /// Where in the text; `None` for what is missing or is not in the file.
    pub at: Option<Range<usize>>,
    /// The key path, `price_guard.7203.min`; empty for the file as a whole.
    pub key: String,
    /// The rest of the sentence.
    pub what: String,
}

/// `found ...  allowed: ...`, the usual form of [`Problem::what`].
pub(super) fn found(found: impl fmt::Display, allowed: impl fmt::Display) -> String {
    format!("found {found}  allowed: {allowed}")
}

/// Puts the problems of a file into words, in the order of the file, those without a place last.
pub(super) fn report(
    path: &str,
    source: &str,
    mut problems: Vec<Problem>,
    notes: Vec<Note>,
    hidden: &[Range<usize>],
) -> SettingsError {
    problems.sort_by_key(|problem| problem.at.as_ref().map_or(usize::MAX, |at| at.start));
    let problems = problems
        .iter()
        .map(|problem| in_words(path, source, problem, hidden))
        .collect();
    SettingsError::Invalid {
        path: path.to_owned(),
        problems,
        warnings: notes
            .into_iter()
            .filter(|note| note.warning)
            .map(|note| note.text)
            .collect(),
    }
}

fn in_words(path: &str, source: &str, problem: &Problem, hidden: &[Range<usize>]) -> String {
    let key = if problem.key.is_empty() {
        String::new()
    } else {
        format!("  {}", text::cut(&text::one_line(&problem.key), 80))
    };
    match &problem.at {
        Some(at) => {
            let (line, column) = excerpt::line_column(source, at.start);
            let lines = excerpt::excerpt(source, at, hidden);
            format!("{path}:{line}:{column}{key}  {}\n{lines}", problem.what)
        }
        None => format!("{path}{key}  {}", problem.what),
    }
}

/// The bytes of the settings file.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, SettingsError> {
    let error = |why: String, next: String| SettingsError::Unreadable {
        path: path.display().to_string(),
        why,
        next,
    };
    if path.is_dir() {
        let example = path.join("stream_settings.json");
        return Err(error(
            "it is a folder, not a file".to_owned(),
            format!("name the file in it, for example -Config {}", example.display()),
        ));
    }
    // A pipe or a device would be waited for, for ever.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(error(
            "it is no file (a pipe or a device)".to_owned(),
            "correct the path after -Config".to_owned(),
        ));
    }
    let read = || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 <= LARGEST => Ok(bytes),
        Ok(_) => Err(error(
            "it is larger than 8 MB, so it is no settings file".to_owned(),
            "correct the path after -Config".to_owned(),
        )),
        Err(io) if io.kind() == std::io::ErrorKind::NotFound => {
            let here = std::env::current_dir().map_or_else(|_| ".".to_owned(), |dir| dir.display().to_string());
            Err(error(
                format!("there is no such file (the current folder is {here})"),
                "correct the path after -Config, or copy config/stream_settings.example.json there".to_owned(),
            ))
        }
        Err(io) => Err(error(
            io.to_string(),
            "check the rights of the file, then start again".to_owned(),
        )),
    }
}
