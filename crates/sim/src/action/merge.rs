//! Fields of [`Faults`] by their JSON names. Generic, so that a new fault needs no word here.
//!
//! A field that is a map (`messages`) is changed entry by entry, null takes an entry away; every other field is
//! replaced.

use serde_json::{Map, Value};

use super::problem::{Problems, join, nearest, quote};
use super::time;
use crate::faults::{Faults, ranges};

/// One field, or one entry of a field that is a map: `fragment`, `messages.crossed`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leaf(String, Option<String>);

impl Leaf {
    /// A whole field.
    #[cfg(test)]
    pub(crate) fn field(name: &str) -> Self {
        Self(name.to_owned(), None)
    }

    /// What is not the same in both, as [`as_json`] has them.
    pub(crate) fn that_differ(before: &Value, after: &Value) -> Vec<Self> {
        let (Value::Object(before_all), Value::Object(after_all)) = (before, after) else {
            return Vec::new();
        };
        let mut all = leaves(before_all);
        all.extend(leaves(after_all));
        all.sort();
        all.dedup();
        all.retain(|leaf| leaf.of(before) != leaf.of(after));
        all
    }

    /// What it is in faults as JSON; null when it is not there.
    pub(crate) fn of(&self, all: &Value) -> Value {
        let field = all.get(&self.0);
        let value = match &self.1 {
            None => field,
            Some(entry) => field.and_then(|field| field.get(entry)),
        };
        value.cloned().unwrap_or_default()
    }

    /// Makes it so in a change.
    pub(crate) fn put(&self, change: &mut Map<String, Value>, value: Value) {
        match &self.1 {
            None => {
                change.insert(self.0.clone(), value);
            }
            Some(entry) => {
                let field = change
                    .entry(self.0.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(field) = field {
                    field.insert(entry.clone(), value);
                }
            }
        }
    }

    fn key(&self, path: &str) -> String {
        let key = join(path, &self.0);
        self.1.as_ref().map_or(key.clone(), |entry| join(&key, entry))
    }
}

/// The fields and entries that a change is about.
pub(crate) fn leaves(change: &Map<String, Value>) -> Vec<Leaf> {
    let usual = as_json(&Faults::default());
    let mut leaves = Vec::new();
    for (name, value) in change {
        match (value, usual.get(name)) {
            (Value::Object(entries), Some(Value::Object(_))) => {
                leaves.extend(entries.keys().map(|entry| Leaf(name.clone(), Some(entry.clone()))));
            }
            _ => leaves.push(Leaf(name.clone(), None)),
        }
    }
    leaves
}

/// `faults` with this change. Durations may also be written as `"5s"`.
///
/// # Errors
/// Unknown names with the nearest known one, and values that do not fit; nothing is changed then.
pub(crate) fn merged(faults: &Faults, path: &str, change: &Map<String, Value>) -> Result<Faults, Problems> {
    let mut problems = Problems::default();
    let Value::Object(mut all) = as_json(faults) else {
        return Ok(faults.clone());
    };
    let known: Vec<String> = all.keys().cloned().collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let asked = Value::Object(change.clone());
    for leaf in leaves(change) {
        if !known.contains(&leaf.0.as_str()) {
            problems.unknown(&leaf.key(path), &leaf.0, &known);
        } else if let Err((place, what)) = set(&mut all, &leaf, &leaf.of(&asked)) {
            problems.add(&(leaf.key(path) + &place), what);
        }
    }
    if !problems.0.is_empty() {
        return Err(problems);
    }
    let mut new = read(&all).map_err(|e| Problems::one(path, e.to_string()))?;
    if !change.contains_key("messages") {
        // How often each was applied is not in the JSON.
        new.messages.clone_from(&faults.messages);
    }
    Ok(new)
}

/// The faults as they stand in files.
pub(crate) fn as_json(faults: &Faults) -> Value {
    serde_json::to_value(faults).unwrap_or_default()
}

/// Sets one leaf; what does not fit is taken back, and told with its place within the leaf.
fn set(all: &mut Map<String, Value>, leaf: &Leaf, value: &Value) -> Result<(), (String, String)> {
    let before = all.clone();
    write(all, leaf, value.clone());
    let first = read(all);
    let faults = first.or_else(|error| {
        write(all, leaf, with_durations(value));
        read(all).map_err(|_| error)
    });
    let wrong = match faults {
        Ok(faults) => match ranges::wrong(&faults, &as_json(&faults), &leaf.0) {
            None => return Ok(()),
            Some((place, found, allowed)) => (place, format!("found {found}  allowed: {allowed}")),
        },
        Err(error) => (String::new(), unreadable(leaf, value, &error)),
    };
    *all = before;
    Err(wrong)
}

/// Why a value is none of its leaf, with what is.
fn unreadable(leaf: &Leaf, value: &Value, error: &serde_json::Error) -> String {
    let usual = leaf.of(&as_json(&Faults::default()));
    let name = leaf.1.as_deref().or(value.as_str()).unwrap_or_default();
    let error = error.to_string();
    match (meant(name, &error), ranges::allowed(&leaf.0)) {
        (Some(near), _) => format!("found {}  {error}; did you mean \"{near}\"?", quote(value)),
        (None, Some(allowed)) => format!("found {}  allowed: {allowed}", quote(value)),
        (None, None) if usual.is_null() => format!("found {}  {error}", quote(value)),
        (None, None) => format!("found {}  {error} (usually {usual})", quote(value)),
    }
}

fn write(all: &mut Map<String, Value>, leaf: &Leaf, value: Value) {
    match (&leaf.1, all.get_mut(&leaf.0)) {
        (Some(entry), Some(Value::Object(field))) if value.is_null() => {
            field.remove(entry);
        }
        (Some(entry), Some(Value::Object(field))) => {
            field.insert(entry.clone(), value);
        }
        _ => {
            all.insert(leaf.0.clone(), value);
        }
    }
}

/// The nearest of the names that serde expected: they stand in backticks behind the wrong one.
fn meant(name: &str, error: &str) -> Option<String> {
    let (_, expected) = error.split_once("expected ")?;
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    nearest(name, &names).map(str::to_owned)
}

fn read(all: &Map<String, Value>) -> Result<Faults, serde_json::Error> {
    serde_json::from_value(Value::Object(all.clone()))
}

/// Texts that are durations become milliseconds, as [`Faults`] has them.
fn with_durations(value: &Value) -> Value {
    match value {
        Value::String(text) => match time::duration(text) {
            Some(span) => Value::from(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(with_durations).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), with_durations(v))).collect()),
        other => other.clone(),
    }
}
