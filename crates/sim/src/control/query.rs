//! What is asked of the counters.

use serde_json::Value;

use super::{LONGEST_WAIT, USUAL_WAIT};
use crate::action::{FORMS, nearest};
use crate::counters::Counters;
use crate::faults::Bend;
use crate::shared::Shared;

/// What `/wait` waits for.
#[derive(Debug, PartialEq)]
pub(super) struct Wait {
    pub counter: String,
    pub at_least: f64,
    pub timeout_ms: u64,
}

impl Wait {
    /// Reads `/wait?counter=messages_sent&at_least=100&timeout_ms=5000`.
    pub(super) fn read(target: &str) -> Result<Self, String> {
        let mut wait = Self {
            counter: String::new(),
            at_least: 1.0,
            timeout_ms: USUAL_WAIT,
        };
        let query = target.split_once('?').map_or("", |(_, query)| query);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            match name {
                "counter" => wait.counter = value,
                "at_least" => {
                    wait.at_least = value.parse().map_err(|_| "at_least must be a number".to_owned())?;
                }
                "timeout_ms" => {
                    let ms = value.parse().ok().filter(|ms| *ms <= LONGEST_WAIT);
                    wait.timeout_ms = ms.ok_or(format!("timeout_ms must be a number up to {LONGEST_WAIT}"))?;
                }
                other => {
                    return Err(format!(
                        "unknown name \"{other}\"; allowed: counter, at_least, timeout_ms"
                    ));
                }
            }
        }
        match wait.counter.is_empty() {
            true => Err("say which counter: /wait?counter=messages_sent&at_least=100&timeout_ms=5000".to_owned()),
            false => Ok(wait),
        }
    }
}

/// All counters as JSON; what can be counted and was not yet is 0.
pub(super) fn counters(shared: &Shared) -> Value {
    let mut all = serde_json::to_value(shared.tally.snapshot()).unwrap_or_default();
    let names = [
        ("actions", FORMS.iter().map(|form| form.name).collect::<Vec<_>>()),
        (
            "faults",
            LINE_FAULTS.into_iter().chain(Bend::ALL.map(Bend::name)).collect(),
        ),
    ];
    for (map, names) in names {
        if let Some(map) = all.get_mut(map).and_then(Value::as_object_mut) {
            for name in names {
                map.entry(name).or_insert(Value::from(0));
            }
        }
    }
    all
}

/// Faults of the line that are counted, by the names of their fields.
const LINE_FAULTS: [&str; 14] = [
    "refuse",
    "ping_every",
    "close_after",
    "close_chance",
    "reset_after",
    "reset_chance",
    "reset_on_burst",
    "reset_slow_after",
    "stall_after",
    "stall_chance",
    "half_open_after",
    "half_open_in",
    "empty_frames",
    "binary_frames",
];

/// A counter that is a number of its own.
type Plain = (&'static str, fn(&Counters) -> u64);

const PLAIN: [Plain; 18] = [
    ("push_connections", |c| c.push_connections),
    ("push_clients_now", |c| c.push_clients_now),
    ("push_refused", |c| c.push_refused),
    ("takeovers", |c| c.takeovers),
    ("messages_sent", |c| c.messages_sent),
    ("bytes_sent", |c| c.bytes_sent),
    ("messages_undelivered", |c| c.messages_undelivered),
    ("messages_unregistered", |c| c.messages_unregistered),
    ("lines_skipped", |c| c.lines_skipped),
    ("source_finished", |c| u64::from(c.source_finished)),
    ("slow_reader_resets", |c| c.slow_reader_resets),
    ("pings_received", |c| c.pings_received),
    ("pongs_received", |c| c.pongs_received),
    ("client_frames", |c| c.client_frames),
    ("client_closes", |c| c.client_closes),
    ("rate_limited", |c| c.rate_limited),
    ("bad_hosts", |c| c.bad_hosts),
    ("connections", |c| c.connections),
];
/// Counters by name.
const MAPS: [&str; 5] = ["rest_requests", "rest_statuses", "actions", "faults", "symbols"];
/// What is counted of a symbol.
const OF_SYMBOL: [&str; 5] = [
    "messages",
    "queued",
    "last_volume",
    "first_volume_queued",
    "last_volume_queued",
];

/// A counter by its path: `messages_sent`, `symbols.7203.last_volume`, `rest_requests.GET /board`. `None` = it has
/// counted nothing yet.
pub(super) fn counter(all: &Counters, path: &str) -> Result<Option<f64>, String> {
    if let Some((_, read)) = PLAIN.iter().find(|(name, _)| *name == path) {
        return Ok(Some(read(all) as f64));
    }
    let (map, name) = path.split_once('.').unwrap_or((path, ""));
    if MAPS.contains(&map) && name.is_empty() {
        return Err(format!(
            "{map} are many counters; say which, like {map}.<name> (GET /counters has them)"
        ));
    }
    let count = match map {
        "rest_requests" => all.rest_requests.get(name),
        "rest_statuses" => name.parse().ok().and_then(|status: u16| all.rest_statuses.get(&status)),
        "actions" => all.actions.get(name),
        "faults" => all.faults.get(name),
        "symbols" => return of_symbol(all, name),
        _ => return Err(unknown(map)),
    };
    Ok(count.map(|count| *count as f64))
}

fn of_symbol(all: &Counters, name: &str) -> Result<Option<f64>, String> {
    let (ticker, field) = name.rsplit_once('.').unwrap_or((name, ""));
    if !OF_SYMBOL.contains(&field) {
        return Err(format!(
            "say what of the symbol: symbols.{ticker}. and one of {}",
            OF_SYMBOL.join(", ")
        ));
    }
    let volume = |volume: Option<i64>| volume.map(|n| n as f64);
    Ok(all.symbols.get(ticker).and_then(|symbol| match field {
        "messages" => Some(symbol.messages as f64),
        "queued" => Some(symbol.queued as f64),
        "last_volume" => volume(symbol.last_volume),
        "first_volume_queued" => volume(symbol.first_volume_queued),
        _ => volume(symbol.last_volume_queued),
    }))
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = PLAIN.iter().map(|(name, _)| *name).chain(MAPS).collect();
    match nearest(name, &known) {
        Some(near) => format!("unknown counter \"{name}\"; did you mean \"{near}\"?"),
        None => format!("unknown counter \"{name}\"; there are: {}", known.join(", ")),
    }
}

/// Percent escapes, and `+` for a blank.
fn decoded(text: &str) -> String {
    let plain = text.replace('+', " ");
    crate::http::percent_decoded(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read() {
        let wait = Wait::read("/wait?counter=rest_requests.GET+%2Fboard&at_least=3&timeout_ms=50").expect("valid");
        assert_eq!(wait.counter, "rest_requests.GET /board");
        assert_eq!((wait.at_least, wait.timeout_ms), (3.0, 50));
        for wrong in [
            "/wait",
            "/wait?counter=",
            "/wait?counter=x&at_least=y",
            "/wait?counter=x&timeout_ms=600001",
            "/wait?c=1",
        ] {
            assert!(Wait::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counters_are_found_by_their_path() {
        let mut all = Counters {
            messages_sent: 5,
            source_finished: true,
            ..Counters::default()
        };
        all.rest_statuses.insert(200, 2);
        all.rest_requests.insert("GET /a.b".to_owned(), 1);
        let symbol = all.symbols.entry("7203".to_owned()).or_default();
        symbol.last_volume = Some(300);
        for (path, value) in [
            ("messages_sent", Some(5.0)),
            ("source_finished", Some(1.0)),
            ("symbols.7203.last_volume", Some(300.0)),
            ("symbols.7203.messages", Some(0.0)),
            ("symbols.7203.first_volume_queued", None),
            ("symbols.9984.last_volume", None),
            ("rest_statuses.200", Some(2.0)),
            ("rest_requests.GET /a.b", Some(1.0)),
            ("actions.stall", None),
        ] {
            assert_eq!(counter(&all, path), Ok(value), "{path}");
        }
        assert!(counter(&all, "message_sent").is_err_and(|e| e.contains("did you mean \"messages_sent\"?")));
        for wrong in ["symbols", "symbols.7203", "symbols.7203.volume", "actions", "x"] {
            assert!(counter(&all, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_counter_can_be_waited_for() {
        let all = serde_json::to_value(Counters::default()).expect("data");
        for name in all.as_object().expect("an object").keys() {
            let known = PLAIN.iter().any(|(plain, _)| plain == name) || MAPS.contains(&name.as_str());
            assert!(known, "{name}");
        }
    }
}
