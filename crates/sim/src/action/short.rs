//! The short form: `stall 30s`, `special_quote sell 7203 until 09:05:00`, `faults reset_after=3`, `send {...}`.

use serde_json::{Map, Value};

use super::decode::{Form, known_form};
use super::problem::Problems;
use super::time::{self, Time};

/// The object that a line stands for, its `do` the bare name.
pub(crate) fn object(path: &str, line: &str) -> Result<Map<String, Value>, Problems> {
    let line = line.trim();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let name = name.to_ascii_lowercase().replace('-', "_");
    let form = known_form(path, &name)?;
    let mut map = Map::new();
    map.insert("do".to_owned(), Value::from(form.name));
    let rest = rest.trim();
    match form.name {
        _ if rest.is_empty() => {}
        "send" => {
            map.insert("text".to_owned(), Value::from(rest));
        }
        "faults" => faults(path, rest, &mut map)?,
        _ => arguments(path, form, rest, &mut map)?,
    }
    Ok(map)
}

/// A line cut at its blanks.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// `{"a": 1} 30s`, or `a=1 b=x 30s`.
fn faults(path: &str, rest: &str, map: &mut Map<String, Value>) -> Result<(), Problems> {
    let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let (fields, tail) = match stream.next() {
        Some(Ok(Value::Object(fields))) => (fields, rest[stream.byte_offset()..].trim()),
        _ => assignments(rest),
    };
    map.insert("faults".to_owned(), Value::Object(fields));
    ending(path, "faults", &words(tail), map)
}

/// Leading `name=value` words; a value is JSON, or else a text.
fn assignments(rest: &str) -> (Map<String, Value>, &str) {
    let (mut fields, mut rest) = (Map::new(), rest);
    loop {
        let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let Some((name, value)) = word.split_once('=') else {
            return (fields, rest);
        };
        fields.insert(name.to_owned(), json_or_text(value));
        rest = tail.trim_start();
    }
}

fn json_or_text(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
}

/// Words by their shape, in the order of the form's fields, then how long it lasts.
fn arguments(path: &str, form: &Form, rest: &str, map: &mut Map<String, Value>) -> Result<(), Problems> {
    let all = words(rest);
    let (mut at, mut field) = (0, 0);
    while let Some(word) = all.get(at) {
        if let Some((name, value)) = word.split_once('=') {
            map.insert(name.to_owned(), named(name, value));
        } else if let Some(next) = form.fields[field..].iter().position(|name| fits(name, word)) {
            let name = form.fields[field + next];
            map.insert(name.to_owned(), named(name, word));
            field += next + 1;
        } else {
            break;
        }
        at += 1;
    }
    ending(path, form.name, &all[at..], map)
}

/// Nothing, `30s`, `for 30s`, `until 09:05:00` or `09:05:00`.
fn ending(path: &str, name: &str, words: &[&str], map: &mut Map<String, Value>) -> Result<(), Problems> {
    let (key, value) = match words {
        [] => return Ok(()),
        [one] if Time::parse(one).is_some() => ("until", *one),
        [one] if time::duration(one).is_some() => ("for", *one),
        ["for", span] => ("for", *span),
        ["until", time] => ("until", *time),
        [other, ..] => {
            return Err(Problems::one(path, format!("{name}: cannot make sense of \"{other}\"")));
        }
    };
    map.insert(key.to_owned(), Value::from(value));
    Ok(())
}

/// True when a word can be the value of a field.
fn fits(field: &str, word: &str) -> bool {
    let number = || !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    match field {
        "code" | "status" => number(),
        // 1e9 and 2.5 are meant as numbers: no code has an E (codes have no letters that look like digits or signs).
        "factor" => word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) && word.parse::<f64>().is_ok(),
        "side" => ["buy", "sell"].iter().any(|w| w.eq_ignore_ascii_case(word)),
        "takeover" => ["close", "starve"].iter().any(|w| w.eq_ignore_ascii_case(word)),
        "by" => time::signed(word).is_some(),
        "symbol" => {
            !matches!(word, "for" | "until")
                && time::duration(word).is_none()
                && Time::parse(word).is_none()
                && word.split(',').all(|w| w.parse::<ayumi_engine::Symbol>().is_ok())
        }
        _ => false,
    }
}

/// Numbers where a field wants them.
fn named(field: &str, word: &str) -> Value {
    match field {
        "code" | "status" | "factor" => json_or_text(word),
        _ => Value::from(word),
    }
}
