//! Scenario files: everything that `ayumi sim` can be told, as JSON with comments. Reads text, opens no file.
//!
//! Secrets are no part of it: token and password belong to the command line of the simulator.

mod comments;
mod ready;

use std::path::PathBuf;
use std::time::Duration;

use ayumi_engine::market::Profile;
use ayumi_engine::{Stamp, Symbol};
use serde_json::Value;

pub use self::ready::READY;
use crate::action::time::{duration, nanos};
use crate::action::{Fields, Problems, Time, json, merged};
use crate::config::{CloneSymbol, Hours, MarketConfig, RecordingConfig, Repeat, Seam, SimConfig, Source, Speed};
use crate::faults::Faults;
use crate::script::{Step, steps_of};

/// Messages per second of a generated market unless told otherwise: about what ten busy stocks send.
pub const USUAL_RATE: f64 = 60.0;
/// Symbols of a generated market unless told otherwise.
const USUAL_SYMBOLS: usize = 10;

/// What a simulator is to play, before the command line has its say. `None` = not said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// One sentence, English.
    pub about: Option<String>,
    /// The same in Japanese.
    pub about_ja: Option<String>,
    /// Draws the market, chances and intervals.
    pub seed: Option<u64>,
    /// What is traded.
    pub symbols: Option<Vec<Symbol>>,
    /// Messages per simulated second, all symbols together.
    pub rate: Option<f64>,
    /// When it trades; not said: as the exchange does when there is a start, at any hour when there is none.
    pub hours: Option<Hours>,
    /// Where the simulated clock starts; a time of day means today, with a recording its first day.
    pub start: Option<Time>,
    /// Where the source ends; a time of day means the next one after the start.
    pub end: Option<Time>,
    /// How fast the clock runs.
    pub speed: Option<Speed>,
    /// Price paths to follow.
    pub prices: Option<PathBuf>,
    /// Where the ground truth is written.
    pub truth: Option<PathBuf>,
    /// Slots of the registration list.
    pub limit: Option<usize>,
    /// A recording instead of a generated market.
    pub play: Option<PathBuf>,
    /// How often the recording is played.
    pub repeat: Option<Repeat>,
    /// How a pass over the recording follows the one before.
    pub seam: Option<Seam>,
    /// Further symbols made from recorded ones.
    pub clones: Vec<CloneSymbol>,
    /// False: time begins at once, not with the first client.
    pub wait: Option<bool>,
    /// What goes wrong from the start.
    pub faults: Faults,
    /// What happens when.
    pub steps: Vec<Step>,
}

/// Every key of a scenario file.
const KEYS: [&str; 19] = [
    "about", "about_ja", "seed", "symbols", "rate", "hours", "start", "end", "speed", "prices", "truth", "limit",
    "play", "loop", "seam", "clones", "wait", "faults", "steps",
];
/// Keys that make no sense beside `play`.
const MARKET_ONLY: [&str; 5] = ["symbols", "rate", "hours", "prices", "truth"];
/// Keys that make no sense without `play`.
const RECORDING_ONLY: [&str; 3] = ["loop", "seam", "clones"];

impl Scenario {
    /// Reads a scenario. `//` and `/* */` comments and a byte order mark are allowed.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its key path.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let plain = comments::blanked(text);
        let value = json(&plain).map_err(|e| {
            // A key that stands twice is JSON, but nothing that anybody can mean.
            let no_json = if e.is_data() { "" } else { "no JSON: " };
            let what = format!("line {}, column {}: {no_json}{}", e.line(), e.column(), reason(&e));
            Problems::one("", what)
        })?;
        let Value::Object(map) = &value else {
            return Err(Problems::one("", "a scenario is an object { \"about\": ... }"));
        };
        let mut fields = Fields::new("", map, &KEYS);
        let mut scenario = Self::plain(&mut fields);
        scenario.nested(&mut fields);
        let (wrong, why) = match scenario.play {
            Some(_) => (
                &MARKET_ONLY[..],
                "belongs to a generated market; with play it means nothing",
            ),
            None => (&RECORDING_ONLY[..], "belongs to a recording; name one with play"),
        };
        for key in wrong {
            if fields.get(key).is_some() {
                fields.add(key, why);
            }
        }
        fields.problems.or(scenario)
    }

    fn plain(fields: &mut Fields<'_>) -> Self {
        Self {
            about: fields.text("about").map(str::to_owned),
            about_ja: fields.text("about_ja").map(str::to_owned),
            seed: fields.whole("seed", 0..=u64::MAX),
            rate: fields.number("rate", 0.01..=1e6),
            hours: fields.word("hours", &[("session", Hours::Session), ("always", Hours::Always)]),
            start: fields.time("start"),
            end: fields.time("end"),
            speed: fields.take("speed", "a factor from 0.001 to 100000, or \"full\"", speed),
            prices: fields.text("prices").map(PathBuf::from),
            truth: fields.text("truth").map(PathBuf::from),
            limit: fields.whole("limit", 1..=10_000).and_then(|n| usize::try_from(n).ok()),
            play: fields.text("play").map(PathBuf::from),
            repeat: fields.take("loop", "true, or how often, like 3", repeat),
            seam: fields.word("seam", &[("go_on", Seam::GoOn), ("new_day", Seam::NewDay)]),
            wait: fields.boolean("wait"),
            ..Self::default()
        }
    }

    fn nested(&mut self, fields: &mut Fields<'_>) {
        self.symbols = match fields.get("symbols") {
            None => None,
            Some(Value::Number(_)) => fields
                .whole("symbols", 1..=known())
                .map(|n| well_known(usize::try_from(n).unwrap_or(USUAL_SYMBOLS))),
            Some(_) => Some(fields.symbols("symbols")),
        };
        if let Some(Value::Array(items)) = fields.get("clones") {
            for (index, item) in items.iter().enumerate() {
                match item.as_str().and_then(clone_of) {
                    Some(clone) => self.clones.push(clone),
                    None => fields.wrong(&format!("clones[{index}]"), item, CLONE),
                }
            }
        } else if let Some(other) = fields.get("clones") {
            fields.wrong("clones", other, "a list like [\"9984=7203\", \"8306=7203+2s\"]");
        }
        if let Some(change) = fields.take("faults", "an object with fields of faults", Value::as_object) {
            match merged(&Faults::default(), "faults", change) {
                Ok(faults) => self.faults = faults,
                Err(more) => fields.problems.0.extend(more.0),
            }
        }
        if let Some(list) = fields.get("steps") {
            match steps_of("steps", list) {
                Ok(steps) => self.steps = steps,
                Err(more) => fields.problems.0.extend(more.0),
            }
        }
    }

    /// One of the scenarios that are built in, by its name.
    #[must_use]
    pub fn ready(name: &str) -> Option<&'static str> {
        READY.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// What a simulator is started with; `now` tells which day today is, and for a recording should be its beginning
    /// ([`crate::recording_begins`]). Ports, token and password are the usual ones.
    #[must_use]
    pub fn config(&self, now: Stamp) -> SimConfig {
        let usual = SimConfig::default();
        let start = self.start.map(|time| time.on(now.date()));
        let after_start = Stamp(start.unwrap_or(now).0.saturating_add(1));
        SimConfig {
            list_limit: self.limit.unwrap_or(usual.list_limit),
            source: self.source(),
            speed: self.speed.unwrap_or(usual.speed),
            start,
            end: self.end.map(|time| time.next_from(after_start)),
            faults: self.faults.clone(),
            wait_for_client: self.wait.unwrap_or(usual.wait_for_client),
            script: self.steps.clone(),
            script_seed: self.seed(),
            ..usual
        }
    }

    /// The seed that is used.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// The hours that are used.
    #[must_use]
    pub fn hours(&self) -> Hours {
        let usual = if self.start.is_some() {
            Hours::Session
        } else {
            Hours::Always
        };
        self.hours.unwrap_or(usual)
    }

    fn source(&self) -> Source {
        if let Some(path) = &self.play {
            return Source::Recording(RecordingConfig {
                repeat: self.repeat.unwrap_or_default(),
                seam: self.seam.unwrap_or_default(),
                clones: self.clones.clone(),
                ..RecordingConfig::new(path)
            });
        }
        let symbols = self.symbols.clone().unwrap_or_else(|| well_known(USUAL_SYMBOLS));
        Source::Market(MarketConfig {
            hours: self.hours(),
            prices: self.prices.clone(),
            truth: self.truth.clone(),
            ..MarketConfig::new(self.seed(), symbols, self.rate.unwrap_or(USUAL_RATE))
        })
    }
}

/// The `n` best known symbols, or as many as there are.
#[must_use]
pub fn well_known(n: usize) -> Vec<Symbol> {
    Profile::known_codes().take(n).map(Symbol::tse).collect()
}

/// Reads a clone: `9984=7203` or, moving later, `9984=7203+2s`.
///
/// # Errors
/// What is allowed.
pub fn parse_clone(text: &str) -> Result<CloneSymbol, String> {
    clone_of(text).ok_or_else(|| format!("found \"{text}\"  allowed: {CLONE}"))
}

const CLONE: &str = "a new symbol, = and a recorded one, like \"9984=7203\" or, moving 2 s later, \"9984=7203+2s\"";

fn clone_of(text: &str) -> Option<CloneSymbol> {
    let (to, from) = text.split_once('=')?;
    let (from, offset) = match from.split_once('+') {
        Some((from, offset)) => (from, duration(offset.trim())?),
        None => (from, Duration::ZERO),
    };
    (nanos(offset) < nanos(Duration::from_secs(86_400))).then_some(CloneSymbol {
        from: from.parse().ok()?,
        to: to.parse().ok()?,
        offset,
    })
}

fn known() -> u64 {
    u64::try_from(Profile::known_codes().count()).unwrap_or(u64::MAX)
}

fn speed(value: &Value) -> Option<Speed> {
    match value {
        Value::String(text) if text.eq_ignore_ascii_case("full") => Some(Speed::Full),
        other => other
            .as_f64()
            .filter(|x| (0.001..=100_000.0).contains(x))
            .map(Speed::Times),
    }
}

fn repeat(value: &Value) -> Option<Repeat> {
    match value {
        Value::Bool(true) => Some(Repeat::Forever),
        Value::Bool(false) => Some(Repeat::Times(1)),
        other => {
            let times = other.as_u64().filter(|n| *n > 0)?;
            u32::try_from(times).ok().map(Repeat::Times)
        }
    }
}

/// Without the place, which is said before it.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests;
