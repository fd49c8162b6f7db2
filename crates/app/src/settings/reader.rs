//! Typed access to the JSON tree that collects every problem and note instead of stopping at the first.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::keys::{self, Number};
use super::problem::{Problem, found};
use super::{Note, Source, excerpt};
use crate::text;

/// Longest value that a problem quotes, in characters.
const QUOTE: usize = 60;

/// A settings file being read.
pub(super) struct Reader<'t> {
    /// Name of the file in messages.
    pub name: &'t str,
    /// Its text.
    pub text: &'t str,
    /// Everything wrong so far.
    pub problems: Vec<Problem>,
    /// Everything worth saying so far.
    pub notes: Vec<Note>,
    /// Where values came from so far.
    pub sources: BTreeMap<&'static str, Source>,
}

impl<'t> Reader<'t> {
    /// A reader of `text` with the problems that are known already.
    pub(super) fn new(name: &'t str, text: &'t str, problems: Vec<Problem>) -> Self {
        Self {
            name,
            text,
            problems,
            notes: Vec::new(),
            sources: BTreeMap::new(),
        }
    }

    /// Adds a problem at a place of the file. A second one at or around the same place is not added: it is a
    /// consequence (a backslash that made the syntax wrong, and then a tab in the path).
    pub(super) fn problem(&mut self, at: Range<usize>, key: &str, what: String) {
        let known = |problem: &Problem| {
            problem
                .at
                .as_ref()
                .is_some_and(|other| other.start == at.start || at.contains(&other.start))
        };
        if !self.problems.iter().any(known) {
            self.problems.push(Problem {
                at: Some(at),
                key: key.to_owned(),
                what,
            });
        }
    }

    /// Adds a problem about something that is not there.
    pub(super) fn missing(&mut self, key: &str, what: impl Into<String>) {
        self.problems.push(Problem {
            at: None,
            key: key.to_owned(),
            what: what.into(),
        });
    }

    /// `found <value>  allowed: <allowed>` at the value.
    pub(super) fn wrong(&mut self, value: &Value<'_>, key: &str, allowed: impl Display) {
        let what = found(self.quote(value, key), allowed);
        self.problem(span(value), key, what);
    }

    /// A note; `warning` when something will not be as the file says.
    pub(super) fn note(&mut self, warning: bool, text: String) {
        self.notes.push(Note { warning, text });
    }

    /// A note about a place of the file.
    pub(super) fn note_at(&mut self, at: &Value<'_>, key: &str, text: &str) {
        let (line, column) = excerpt::line_column(self.text, at.start());
        let text = format!("{}:{line}:{column} {key}: {text}", self.name);
        self.note(true, text);
    }

    /// The value as the user wrote it, short, on one line; hidden for secret keys.
    pub(super) fn quote(&self, value: &Value<'_>, key: &str) -> String {
        match value {
            Value::Object(_) => "an object {...}".to_owned(),
            Value::Array(_) => "a list [...]".to_owned(),
            _ if key.split('.').any(keys::is_secret) => "a value that is not shown".to_owned(),
            _ => text::cut(&text::one_line(value.text(self.text)), QUOTE),
        }
    }

    /// The value of `key` in `object`, where `a.b` is the key `b` of the object at `a`; `null` counts as not given.
    pub(super) fn get<'o, 'a>(&self, object: &'o Object<'a>, key: &str) -> Option<&'o Value<'a>> {
        let (mut object, mut key) = (object, key);
        while let Some((section, rest)) = key.split_once('.') {
            match &property(object, section)?.value {
                Value::Object(inner) => (object, key) = (inner, rest),
                _ => return None,
            }
        }
        let value = &property(object, key)?.value;
        (!matches!(value, Value::NullKeyword(_))).then_some(value)
    }

    /// The object at `key`, empty braces counting as one; anything else there is a problem.
    pub(super) fn section<'o, 'a>(&mut self, root: &'o Object<'a>, key: &'static str) -> Option<&'o Object<'a>> {
        match self.get(root, key)? {
            Value::Object(section) => Some(section),
            other => {
                self.wrong(other, key, "an object with its keys in braces { }");
                None
            }
        }
    }

    /// A number in the range of `spec`, from the section that its key path names.
    pub(super) fn number(&mut self, root: &Object<'_>, spec: &Number) -> Option<f64> {
        let value = self.get(root, spec.key)?;
        let allowed = allowed(spec);
        let Some(number) = self.plain_number(value, spec.key) else {
            self.wrong(value, spec.key, allowed);
            return None;
        };
        self.sources.insert(spec.key, Source::File);
        if spec.raise && (0.0..spec.min).contains(&number) {
            let what = format!(
                "{} is too small and was raised to {}",
                self.quote(value, spec.key),
                spec.min
            );
            self.note_at(value, spec.key, &what);
            return Some(spec.min);
        }
        if !(spec.min..=spec.max).contains(&number) || (spec.whole && number.fract() != 0.0) {
            self.wrong(value, spec.key, allowed);
            return None;
        }
        Some(number)
    }

    /// A finite number, also one that stands in quotes (with a note). `None` for everything else.
    pub(super) fn plain_number(&mut self, value: &Value<'_>, key: &str) -> Option<f64> {
        let (written, quoted) = match value {
            Value::NumberLit(number) => (number.value.to_owned(), false),
            Value::StringLit(string) => (text::half_width(string.value.trim()), true),
            _ => return None,
        };
        // Rust's own reader also takes "inf" and "NaN".
        if !written
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'))
        {
            return None;
        }
        let number = written.parse::<f64>().ok().filter(|number| number.is_finite())?;
        if quoted {
            self.note_at(
                value,
                key,
                &format!("the number stands in quotes; it was read as {number}"),
            );
        }
        Some(number)
    }

    /// `true` or `false`, also in quotes or as 1 and 0 (with a note).
    pub(super) fn boolean(&mut self, root: &Object<'_>, key: &'static str) -> Option<bool> {
        let value = self.get(root, key)?;
        let read = match value {
            Value::BooleanLit(literal) => Some(literal.value),
            Value::StringLit(string) => match string.value.trim().to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            Value::NumberLit(number) => match number.value {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        match read {
            Some(read) => {
                if !matches!(value, Value::BooleanLit(_)) {
                    self.note_at(
                        value,
                        key,
                        &format!("it was read as {read}; write {read} without quotes"),
                    );
                }
                self.sources.insert(key, Source::File);
            }
            None => self.wrong(value, key, "true or false"),
        }
        read
    }

    /// One of the words of an enum.
    pub(super) fn word<T: FromStr<Err = String>>(&mut self, root: &Object<'_>, key: &'static str) -> Option<T> {
        let value = self.get(root, key)?;
        let written = match value {
            Value::StringLit(string) => text::half_width(&string.value),
            _ => String::new(),
        };
        match written.parse() {
            Ok(word) => {
                self.sources.insert(key, Source::File);
                Some(word)
            }
            Err(allowed) => {
                self.wrong(value, key, allowed);
                None
            }
        }
    }

    /// A text without control characters, also written as a number (with a note). An empty one counts as not given
    /// when `may_be_empty`, else it is a problem.
    pub(super) fn text(&mut self, root: &Object<'_>, key: &'static str, may_be_empty: bool) -> Option<String> {
        let value = self.get(root, key)?;
        let written = match value {
            Value::StringLit(string) => string.value.to_string(),
            Value::NumberLit(number) => {
                self.note_at(value, key, "the number was read as a text; put it in quotes");
                number.value.to_owned()
            }
            _ => {
                self.wrong(value, key, "a text in double quotes");
                return None;
            }
        };
        if written.chars().any(char::is_control) {
            // The usual cause is a Windows path, "C:\temp\new.db", whose \t and \n are a tab and a line break.
            let allowed = "a text without line breaks and tabs; in paths write / or \\\\, like \"C:/temp/rss.db\"";
            self.wrong(value, key, allowed);
            return None;
        }
        if written.trim().is_empty() {
            if !may_be_empty {
                self.wrong(value, key, "a text that is not empty");
            }
            return None;
        }
        self.sources.insert(key, Source::File);
        Some(written)
    }

    /// Refuses keys that stand twice in one object: one of the two values would be ignored, and nobody knows which.
    pub(super) fn refuse_duplicates(&mut self, object: &Object<'_>, section: &str) {
        for (index, property) in object.properties.iter().enumerate() {
            let name = property.name.as_str();
            let Some(first) = object.properties[..index]
                .iter()
                .find(|earlier| earlier.name.as_str() == name)
            else {
                continue;
            };
            let (line, _) = excerpt::line_column(self.text, first.range.start);
            let name_end = property.range.start + property.name.range().end - property.name.range().start;
            self.problem(
                property.range.start..name_end,
                &join(section, name),
                format!("this key stands in line {line} already: remove one of the two"),
            );
        }
    }

    /// Names keys that look like misspelt ones of `ours`.
    pub(super) fn name_misspelt(&mut self, object: &Object<'_>, section: &str, ours: &[&str]) {
        for property in &object.properties {
            let name = property.name.as_str();
            if let Some(advice) = keys::advice(section, name, ours) {
                let (line, column) = excerpt::line_column(self.text, property.range.start);
                let key = text::one_line(&join(section, name)).into_owned();
                let text = format!("{}:{line}:{column} {key}: unknown key, ignored; {advice}", self.name);
                self.note(true, text);
            }
        }
    }
}

/// The first property of that name.
pub(super) fn property<'o, 'a>(object: &'o Object<'a>, key: &str) -> Option<&'o ObjectProp<'a>> {
    object.properties.iter().find(|property| property.name.as_str() == key)
}

/// The bytes of a value.
pub(super) fn span(value: &Value<'_>) -> Range<usize> {
    let range = value.range();
    // An object or a list is pointed at by its first sign: its lines may be many.
    match value {
        Value::Object(_) | Value::Array(_) => range.start..range.start + 1,
        _ => range.start..range.end,
    }
}

/// `section.key`.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

fn allowed(spec: &Number) -> String {
    let kind = if spec.whole { "a whole number" } else { "a number" };
    format!("{kind} from {} to {}", spec.min, spec.max)
}
