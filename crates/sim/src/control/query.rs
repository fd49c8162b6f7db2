//! What is asked of the counters.

use serde_json::Value;

use super::{LONGEST_WAIT, USUAL_WAIT};
use crate::action::nearest;
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

/// All counters as JSON.
pub(super) fn counters(shared: &Shared) -> Value {
    serde_json::to_value(shared.tally.snapshot()).unwrap_or_default()
}

/// A counter by its path: `messages_sent`, `symbols.7203.last_volume`, `rest_requests.GET /board`. `None` = it has
/// counted nothing yet.
pub(super) fn counter(all: &Value, path: &str) -> Result<Option<f64>, String> {
    let first = path.split('.').next().unwrap_or_default();
    if all.get(first).is_none() {
        let known: Vec<&str> = all
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        return Err(match nearest(first, &known) {
            Some(near) => format!("unknown counter \"{first}\"; did you mean \"{near}\"?"),
            None => format!("unknown counter \"{first}\"; there are: {}", known.join(", ")),
        });
    }
    Ok(find(all, path))
}

/// Names may have dots themselves, so every cut is tried.
fn find(value: &Value, path: &str) -> Option<f64> {
    if let Some(found) = value.get(path) {
        return found
            .as_f64()
            .or_else(|| found.as_bool().map(|yes| f64::from(u8::from(yes))));
    }
    path.match_indices('.')
        .find_map(|(at, _)| find(value.get(&path[..at])?, &path[at + 1..]))
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
        let all = serde_json::json!({"messages_sent": 5, "source_finished": true, "rest_statuses": {"200": 2},
            "symbols": {"7203": {"last_volume": 300, "first_volume_queued": null}}, "rest_requests": {"GET /a.b": 1}});
        assert_eq!(counter(&all, "messages_sent"), Ok(Some(5.0)));
        assert_eq!(counter(&all, "source_finished"), Ok(Some(1.0)));
        assert_eq!(counter(&all, "symbols.7203.last_volume"), Ok(Some(300.0)));
        assert_eq!(counter(&all, "symbols.7203.first_volume_queued"), Ok(None));
        assert_eq!(counter(&all, "symbols.9984.last_volume"), Ok(None), "not yet");
        assert_eq!(counter(&all, "rest_statuses.200"), Ok(Some(2.0)));
        assert_eq!(counter(&all, "rest_requests.GET /a.b"), Ok(Some(1.0)));
        assert!(counter(&all, "message_sent").is_err_and(|e| e.contains("did you mean \"messages_sent\"?")));
    }
}
