//! A recording played several times: time goes on, and volume with it or a day later anew ([`Seam`]).

use std::collections::HashMap;

use ayumi_engine::Stamp;
use ayumi_wire::num::Decimal;

use super::{Lines, Recorded, pass};
use crate::config::{RecordingConfig, Repeat, Seam, SimError};
use crate::push::{Fields, moved};

const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;
/// What a later pass takes from the end of the first: the range of prices is that of all passes.
const RANGE: [&str; 6] = [
    "OpeningPrice",
    "OpeningPriceTime",
    "HighPrice",
    "HighPriceTime",
    "LowPrice",
    "LowPriceTime",
];

/// Pass after pass.
pub(super) struct Repeats {
    config: RecordingConfig,
    lines: Lines,
    /// Passes before this one.
    pass: i64,
    /// Seconds from one pass to the next, known at the end of the first.
    step_s: i64,
    /// The day goes on; else passes are whole days apart.
    goes_on: bool,
    first: Option<Stamp>,
    last: Stamp,
    symbols: HashMap<String, Course>,
}

/// What the first pass has shown of a symbol.
#[derive(Default)]
struct Course {
    /// Volume and value that it began with, in shares and in 1/10,000 yen; 0 when it began with none.
    begin: (i64, i64),
    /// Those that it ended with.
    end: (i64, i64),
    /// Opening, high and low at its end.
    range: Vec<(&'static str, String)>,
}

impl Repeats {
    /// `first` is the first pass.
    pub fn new(config: RecordingConfig, first: Lines) -> Self {
        Self {
            goes_on: config.seam == Seam::GoOn,
            config,
            lines: first,
            pass: 0,
            step_s: 0,
            first: None,
            last: Stamp(0),
            symbols: HashMap::new(),
        }
    }

    /// Opens the next pass; false when there is none.
    fn again(&mut self) -> bool {
        // A recording without any message would be repeated without end.
        let Some(first) = self.first else { return false };
        self.pass += 1;
        if matches!(self.config.repeat, Repeat::Times(times) if self.pass >= i64::from(times)) {
            return false;
        }
        if self.pass == 1 {
            let days = self.last.date().days() - first.date().days();
            self.goes_on &= days == 0;
            let span = self.last.0.saturating_sub(first.0);
            self.step_s = match self.goes_on {
                // One to two seconds between the passes, so that times move by whole seconds.
                true => span / SECOND_NS + 2,
                false => (days + 1) * DAY_S,
            };
        }
        match pass(&self.config) {
            Ok(lines) => {
                self.lines = lines;
                true
            }
            Err(e) => {
                log::error!("the recording cannot be played again: {e}");
                false
            }
        }
    }

    fn learn(&mut self, recorded: &Recorded) {
        self.first.get_or_insert(recorded.at);
        self.last = self.last.max(recorded.at);
        let Some(fields) = Fields::split(&recorded.text) else {
            return;
        };
        let now = sums(&fields);
        let known = self.symbols.contains_key(&recorded.symbol);
        let course = self.symbols.entry(recorded.symbol.clone()).or_default();
        if !known {
            course.begin = now.unwrap_or_default();
        }
        course.end = now.unwrap_or(course.end);
        for key in RANGE {
            if let Some(raw) = fields.get(key).filter(|raw| *raw != "null") {
                course.range.retain(|(k, _)| *k != key);
                course.range.push((key, raw.to_owned()));
            }
        }
    }

    /// A message of a later pass.
    fn later(&self, mut recorded: Recorded) -> Recorded {
        let shift_s = self.pass.saturating_mul(self.step_s);
        recorded.at = Stamp(recorded.at.0.saturating_add(shift_s.saturating_mul(SECOND_NS)));
        if let Some(mut fields) = Fields::split(&recorded.text) {
            moved(&mut fields, shift_s);
            if let Some(course) = self.symbols.get(&recorded.symbol).filter(|_| self.goes_on) {
                self.risen(&mut fields, course);
            }
            recorded.text = fields.written().into_bytes();
        }
        recorded
    }

    /// Volume and value on top of those of the passes before.
    fn risen(&self, fields: &mut Fields, course: &Course) {
        for (key, raw) in &course.range {
            fields.set(key, raw);
        }
        let Some((volume, value)) = sums(fields) else { return };
        let grown = |begin: i64, end: i64| end.saturating_sub(begin).max(0).saturating_mul(self.pass);
        let volume = volume.saturating_add(grown(course.begin.0, course.end.0));
        let value = value.saturating_add(grown(course.begin.1, course.end.1));
        fields.set("TradingVolume", &format!("{volume}.0"));
        if fields.number("TradingValue").is_some() {
            fields.set("TradingValue", &decimal(value));
        }
        if fields.number("VWAP").is_some() && volume > 0 && value > 0 {
            fields.set("VWAP", &decimal((value + volume / 2) / volume));
        }
    }
}

impl Iterator for Repeats {
    type Item = Result<Recorded, SimError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.next() {
                Some(Ok(recorded)) if self.pass == 0 => {
                    self.learn(&recorded);
                    return Some(Ok(recorded));
                }
                Some(Ok(recorded)) => return Some(Ok(self.later(recorded))),
                Some(Err(e)) => return Some(Err(e)),
                None if self.again() => {}
                None => return None,
            }
        }
    }
}

/// Cumulative volume in shares and value in 1/10,000 yen.
fn sums(fields: &Fields) -> Option<(i64, i64)> {
    let volume = fields.number("TradingVolume").and_then(Decimal::whole)?.0;
    Some((volume, fields.number("TradingValue").map_or(0, |value| value.e4)))
}

/// 1/10,000 as a decimal with at least one digit behind the point.
fn decimal(e4: i64) -> String {
    let digits = format!("{}.{:04}", e4 / 10_000, e4 % 10_000);
    let kept = digits.trim_end_matches('0');
    match kept.ends_with('.') {
        true => format!("{kept}0"),
        false => kept.to_owned(),
    }
}
