//! Fields of [`Faults`] by their JSON names. Generic, so that a new fault needs no word here.

use serde_json::{Map, Value};

use super::problem::{Problems, join};
use super::time;
use crate::faults::Faults;

/// `faults` with these fields replaced. Durations may also be written as `"5s"`.
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
    for (name, value) in change {
        let key = join(path, name);
        if !known.contains(&name.as_str()) {
            problems.unknown(&key, name, &known);
            continue;
        }
        let before = all.insert(name.clone(), value.clone());
        let Err(error) = read(&all) else { continue };
        all.insert(name.clone(), with_durations(value));
        if read(&all).is_err() {
            let usual = as_json(&Faults::default())
                .get(name)
                .map(Value::to_string)
                .unwrap_or_default();
            problems.add(
                &key,
                format!("found {}  {error} (usually {usual})", super::problem::quote(value)),
            );
            all.insert(name.clone(), before.unwrap_or_default());
        }
    }
    if !problems.0.is_empty() {
        return Err(problems);
    }
    read(&all).map_err(|e| Problems::one(path, e.to_string()))
}

/// The faults as they stand in files.
pub(crate) fn as_json(faults: &Faults) -> Value {
    serde_json::to_value(faults).unwrap_or_default()
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
