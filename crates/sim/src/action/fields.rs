//! A JSON object read field by field, every problem collected.

use std::ops::RangeInclusive;
use std::time::Duration;

use ayumi_engine::Symbol;
use serde_json::{Map, Value};

use super::problem::{Problems, join};
use super::time::{self, DURATION, TIME, Time};

/// What is allowed where symbols stand.
const SYMBOLS: &str = "a code like \"7203\" or \"167060019@23\", or a list of them";

/// An object and where it stands.
pub(crate) struct Fields<'m> {
    path: &'m str,
    map: &'m Map<String, Value>,
    pub problems: Problems,
}

impl<'m> Fields<'m> {
    /// Every key that is not among `known` is a problem.
    pub(crate) fn new(path: &'m str, map: &'m Map<String, Value>, known: &[&str]) -> Self {
        let mut problems = Problems::default();
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            problems.unknown(&join(path, name), name, known);
        }
        Self { path, map, problems }
    }

    /// The value at a key; null counts as not given.
    pub(crate) fn get(&self, key: &str) -> Option<&'m Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn key(&self, key: &str) -> String {
        join(self.path, key)
    }

    /// A problem with the value at a key.
    pub(crate) fn wrong(&mut self, key: &str, value: &Value, allowed: &str) {
        self.problems.wrong(&join(self.path, key), value, allowed);
    }

    /// A problem that is no wrong value.
    pub(crate) fn add(&mut self, key: &str, what: impl Into<String>) {
        self.problems.add(&join(self.path, key), what);
    }

    /// What `read` makes of the value; nothing of a given value is a problem.
    pub(crate) fn take<T>(&mut self, key: &str, allowed: &str, read: impl FnOnce(&'m Value) -> Option<T>) -> Option<T> {
        let value = self.get(key)?;
        let taken = read(value);
        if taken.is_none() {
            self.wrong(key, value, allowed);
        }
        taken
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<&'m str> {
        self.take(key, "a text in quotes", |v| {
            v.as_str().filter(|text| !text.trim().is_empty())
        })
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Option<bool> {
        self.take(key, "true or false", Value::as_bool)
    }

    pub(crate) fn whole(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.take(key, &allowed, |v| v.as_u64().filter(|n| range.contains(n)))
    }

    pub(crate) fn number(&mut self, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        self.take(key, &allowed, |v| v.as_f64().filter(|n| range.contains(n)))
    }

    pub(crate) fn duration(&mut self, key: &str) -> Option<Duration> {
        let above_0 = |v: &Value| time::duration(v.as_str()?).filter(|span| !span.is_zero());
        self.take(key, DURATION, above_0)
    }

    pub(crate) fn time(&mut self, key: &str) -> Option<Time> {
        self.take(key, TIME, |v| Time::parse(v.as_str()?))
    }

    /// One of some words, in any letter case.
    pub(crate) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<String> = words.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        self.take(key, &names.join(" or "), |v| {
            let written = v.as_str()?;
            let found = words.iter().find(|(name, _)| name.eq_ignore_ascii_case(written))?;
            Some(found.1)
        })
    }

    /// Symbols: one text with commas or blanks between, or a list; a number is a code too.
    pub(crate) fn symbols(&mut self, key: &str) -> Vec<Symbol> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let items: Vec<String> = match value {
            Value::Array(items) => items.iter().map(plain).collect(),
            one => plain(one).split([',', ' ']).map(str::to_owned).collect(),
        };
        let items = items.iter().filter(|item| !item.trim().is_empty());
        let mut symbols = Vec::new();
        for item in items {
            match item.parse::<Symbol>() {
                Ok(symbol) => symbols.push(symbol),
                Err(error) => self.add(key, error.to_string()),
            }
        }
        if symbols.is_empty() && self.problems.0.is_empty() {
            self.wrong(key, value, SYMBOLS);
        }
        symbols
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
