//! What is wrong with a file or a request: everything at once, each with its key path, what was found and what is
//! allowed.

use std::fmt;

use serde_json::Value;

/// The longest value that is quoted, in characters.
const QUOTE: usize = 60;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `steps[2].for`; empty for the whole.
    pub key: String,
    /// What, in one line.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.is_empty() {
            true => write!(f, "{}", self.what),
            false => write!(f, "{}  {}", self.key, self.what),
        }
    }
}

/// Everything that is wrong, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let lead = if index == 0 { "" } else { "\n" };
            write!(f, "{lead}{problem}")?;
        }
        Ok(())
    }
}

impl Problems {
    /// A single one.
    pub(crate) fn one(key: &str, what: impl Into<String>) -> Self {
        let mut all = Self::default();
        all.add(key, what);
        all
    }

    pub(crate) fn add(&mut self, key: &str, what: impl Into<String>) {
        self.0.push(Problem {
            key: key.to_owned(),
            what: what.into(),
        });
    }

    /// `found <value>  allowed: <allowed>`.
    pub(crate) fn wrong(&mut self, key: &str, value: &Value, allowed: &str) {
        self.add(key, format!("found {}  allowed: {allowed}", quote(value)));
    }

    /// A key nobody knows, with the nearest one that is.
    pub(crate) fn unknown(&mut self, key: &str, name: &str, known: &[&str]) {
        let near = match nearest(name, known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("allowed: {}", known.join(", ")),
        };
        self.add(key, format!("unknown name \"{}\"; {near}", cut(name)));
    }

    /// The value, when nothing is wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

/// A value as it stands in the file, short, on one line.
pub(crate) fn quote(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object {...}".to_owned(),
        Value::Array(_) => "a list [...]".to_owned(),
        plain => cut(&plain.to_string()),
    }
}

/// `key` within `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The known name that was probably meant.
pub(crate) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let name = plain(name);
    let near = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&name, &plain(k)), *k))
        .min_by_key(|(distance, _)| *distance)?;
    let by_prefix = || {
        known
            .iter()
            .copied()
            .find(|k| name.len() >= 3 && plain(k).starts_with(&name))
    };
    if near.0 <= 2 { Some(near.1) } else { by_prefix() }
}

fn cut(text: &str) -> String {
    let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match one_line.char_indices().nth(QUOTE) {
        Some((at, _)) => format!("{}...", &one_line[..at]),
        None => one_line,
    }
}
