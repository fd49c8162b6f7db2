//! What numbers of faults are allowed: what lies outside would quietly do nothing, or something else.

use serde_json::Value;

use super::{Faults, RestAnswer, TapeTrouble, UpgradeFault};

/// A field, its least and most as it stands in JSON (durations in ms), and both in words. Null is judged elsewhere.
struct Range(&'static str, f64, f64, &'static str);

/// Nobody counts beyond this.
const MOST: f64 = 1e15;
const DAY_MS: f64 = 86_400_000.0;
const CHANCE: &str = "a chance per mille, 0 to 1000";
const COUNT: &str = "a whole number of messages from 1, or null";
const SPAN: &str = "a duration from 0 to 24h, like \"250ms\" or \"5s\"";
const SPAN_OR_NULL: &str = "a duration from 0 to 24h, like \"250ms\" or \"5s\", or null";
const SPAN_FROM_1: &str = "a duration from 1ms to 24h, like \"250ms\" or \"5s\", or null";
const STATUS: &str = "an HTTP status from 200 to 599";
/// The largest tape, bytes.
const TAPE_BYTES: usize = 64 << 20;

const RANGES: [Range; 24] = [
    Range("first_touch", 0.0, DAY_MS, SPAN),
    Range("first_touch_slow", 0.0, 1_000.0, CHANCE),
    Range("first_touch_timeout", 0.0, DAY_MS, SPAN),
    Range("board_delay", 0.0, DAY_MS, SPAN),
    Range("ping_every", 1.0, DAY_MS, SPAN_FROM_1),
    Range("close_after", 1.0, MOST, COUNT),
    Range("close_chance", 0.0, 1_000.0, CHANCE),
    Range(
        "close_code",
        1_000.0,
        4_999.0,
        "a whole number from 1000 to 4999, or null",
    ),
    Range("reset_after", 1.0, MOST, COUNT),
    Range("reset_chance", 0.0, 1_000.0, CHANCE),
    Range(
        "reset_on_burst",
        1.0,
        1e6,
        "a whole number of messages from 1 to 1000000, or null",
    ),
    Range("reset_slow_after", 1.0, DAY_MS, SPAN_FROM_1),
    Range("stall_after", 1.0, MOST, COUNT),
    Range("stall_chance", 0.0, 1_000.0, CHANCE),
    Range("half_open_after", 1.0, MOST, COUNT),
    Range("half_open_in", 0.0, DAY_MS, SPAN_OR_NULL),
    Range(
        "drip",
        1.0,
        1e9,
        "a whole number of bytes per second from 1 to 1000000000, or null",
    ),
    Range("fragment", 0.0, 10_000.0, "a whole number of frames from 0 to 10000"),
    Range("split_drawn", 0.0, 10_000.0, "a whole number from 0 to 10000"),
    Range("split_pause", 0.0, DAY_MS, SPAN),
    Range("empty_frames", 0.0, 1_000.0, CHANCE),
    Range("binary_frames", 0.0, 1_000.0, CHANCE),
    Range("seed", 0.0, f64::MAX, "a whole number from 0, or null"),
    Range(
        "upgrade",
        0.0,
        f64::MAX,
        "one of the answers in docs/sim.md, like {\"status\": 503}, or null",
    ),
];

/// What is wrong with a field: where within it, what was found, what is allowed.
pub(crate) type Wrong = (String, String, &'static str);

/// What is allowed in a field, when it is a number.
pub(crate) fn allowed(field: &str) -> Option<&'static str> {
    RANGES.iter().find(|range| range.0 == field).map(|range| range.3)
}

/// What lies outside of its range in a field; `all` are the same faults as JSON.
pub(crate) fn wrong(faults: &Faults, all: &Value, field: &str) -> Option<Wrong> {
    let found = all.get(field)?;
    let range = RANGES.iter().find(|range| range.0 == field);
    if let Some(Range(_, least, most, allowed)) = range
        && let Some(number) = found.as_f64()
        && !(*least..=*most).contains(&number)
    {
        return Some((String::new(), found.to_string(), allowed));
    }
    match field {
        "upgrade" => match faults.upgrade {
            Some(UpgradeFault::Status(status)) => status_wrong(".status", status),
            _ => None,
        },
        "rest" => faults.rest.iter().enumerate().find_map(|(n, rule)| {
            let at = |wrong: Wrong| (format!("[{n}]{}", wrong.0), wrong.1, wrong.2);
            let chance = rule.chance.filter(|chance| *chance > 1_000);
            let chance = chance.map(|chance| (".chance".to_owned(), chance.to_string(), CHANCE));
            chance.or_else(|| answer_wrong(&rule.answer)).map(at)
        }),
        "tape" => faults.tape.iter().enumerate().find_map(|(n, rule)| match rule.trouble {
            TapeTrouble::Huge { bytes } if bytes > TAPE_BYTES => Some((
                format!("[{n}].trouble.huge.bytes"),
                bytes.to_string(),
                "a whole number of bytes up to 67108864 (64 MiB)",
            )),
            _ => None,
        }),
        _ => None,
    }
}

fn answer_wrong(answer: &RestAnswer) -> Option<Wrong> {
    match answer {
        RestAnswer::Error { status, .. } => status_wrong(".answer.error.status", *status),
        RestAnswer::Html { status } => status_wrong(".answer.html.status", *status),
        RestAnswer::Body { status, .. } => status_wrong(".answer.body.status", *status),
        RestAnswer::Late { delay } if delay.as_millis() as f64 > DAY_MS => Some((
            ".answer.late.delay".to_owned(),
            format!("{} ms", delay.as_millis()),
            SPAN,
        )),
        _ => None,
    }
}

fn status_wrong(place: &str, status: u16) -> Option<Wrong> {
    let fits = (200..=599).contains(&status);
    (!fits).then(|| (place.to_owned(), status.to_string(), STATUS))
}
