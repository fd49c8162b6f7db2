//! Steps out of JSON: `{"at": "09:00:05", "do": "stall", "for": "30s"}`, or one line: `09:00:05 stall 30s`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Every, Step, When};
use crate::action::time::{DURATION, TIME, duration};
use crate::action::{Action, Fields, Problems, Time, action_of, can_last, join, json, object_of};

/// What says when, beside what happens.
const WHEN: [&str; 5] = ["at", "after", "every", "times", "chance"];
/// Anything more often is a loop.
const SHORTEST: Duration = Duration::from_millis(1);

impl Step {
    /// Reads a step as the command line has it: `09:00:05 reset`, `+30s stall 10s`, or a JSON object.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let text = text.trim();
        if text.starts_with('{') {
            let value = json(text).map_err(|e| Problems::one("", format!("no JSON: {e}")))?;
            return step_of("", &value);
        }
        let (when, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (when, rest) = match rest.split_once(char::is_whitespace) {
            // A date and a time with a blank between.
            Some((time, tail)) if Time::parse(&format!("{when}T{time}")).is_some() => (format!("{when}T{time}"), tail),
            _ => (when.to_owned(), rest),
        };
        let when = match (Time::parse(&when), when.strip_prefix('+').and_then(duration)) {
            (Some(time), _) => When::At(time),
            (None, Some(span)) => When::After(span),
            (None, None) => {
                let what = format!(
                    "found \"{when}\"  allowed: first {TIME}, or \"+30s\" after the beginning, then what happens"
                );
                return Err(Problems::one("", what));
            }
        };
        Ok(Self::once(when, Action::parse(rest)?))
    }
}

/// The list of steps.
///
/// # Errors
/// Everything that is wrong.
pub(crate) fn steps_of(path: &str, value: &Value) -> Result<Vec<Step>, Problems> {
    let mut problems = Problems::default();
    let Value::Array(items) = value else {
        problems.wrong(
            path,
            value,
            "a list of steps [{\"at\": \"09:00:05\", \"do\": \"reset\"}]",
        );
        return Err(problems);
    };
    let mut steps = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match step_of(&format!("{path}[{index}]"), item) {
            Ok(step) => steps.push(step),
            Err(more) => problems.0.extend(more.0),
        }
    }
    problems.or(steps)
}

fn step_of(path: &str, value: &Value) -> Result<Step, Problems> {
    if let Value::String(line) = value {
        return Step::parse(line).map_err(|problems| under(path, problems));
    }
    let Value::Object(map) = value else {
        let mut problems = Problems::default();
        problems.wrong(
            path,
            value,
            "a step like {\"at\": \"09:00:05\", \"do\": \"stall\", \"for\": \"30s\"}",
        );
        return Err(problems);
    };
    // `until` ends the repetition where there is one, else what happens.
    let repeats = map.contains_key("every");
    let ours = |key: &str| WHEN.contains(&key) || (key == "until" && repeats);
    let (when, what): (Map<_, _>, Map<_, _>) = map.clone().into_iter().partition(|(key, _)| ours(key));
    let (step, mut problems) = timing(path, &when);
    match actions_of(path, &what) {
        Ok(actions) => problems.or(Step { actions, ..step }),
        Err(more) => {
            problems.0.extend(more.0);
            Err(problems)
        }
    }
}

fn timing(path: &str, map: &Map<String, Value>) -> (Step, Problems) {
    let mut fields = Fields::new(path, map, &[&WHEN[..], &["until"]].concat());
    let at = fields.time("at");
    let after = fields.take("after", DURATION, |v| duration(v.as_str()?));
    let when = match (at, after) {
        (Some(time), None) => When::At(time),
        (None, Some(span)) => When::After(span),
        (Some(_), Some(_)) => {
            fields.add("after", "either at or after, not both");
            When::After(Duration::ZERO)
        }
        (None, None) => {
            if fields.get("at").is_none() && fields.get("after").is_none() {
                fields.add("at", format!("missing: {TIME}, or after with {DURATION}"));
            }
            When::After(Duration::ZERO)
        }
    };
    let allowed = "a time with its unit, like \"30s\", or two of them to draw from, like \"2s..10s\"";
    let every = fields.take("every", allowed, |v| every(v.as_str()?));
    let times = fields.whole("times", 1..=u64::from(u32::MAX));
    if times.is_some() && fields.get("every").is_none() {
        fields.add(
            "times",
            "how often it happens needs every, for example \"every\": \"5s\"",
        );
    }
    let chance = fields.whole("chance", 1..=1000).unwrap_or(1000);
    let step = Step {
        when,
        every,
        until: fields.time("until"),
        times: times.and_then(|n| u32::try_from(n).ok()),
        chance: u16::try_from(chance).unwrap_or(1000),
        actions: Vec::new(),
    };
    (step, fields.problems)
}

fn every(text: &str) -> Option<Every> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let (least, most) = (duration(least)?, duration(most)?);
    (least >= SHORTEST && most >= least).then_some(Every { least, most })
}

/// What happens: the object itself, or the list in its `do`. `for` and `until` beside a list are for all in it that can
/// last.
fn actions_of(path: &str, map: &Map<String, Value>) -> Result<Vec<Action>, Problems> {
    let Some(Value::Array(items)) = map.get("do") else {
        let object = object_of(path, &Value::Object(map.clone()))?;
        return action_of(path, &object).map(|action| vec![action]);
    };
    let list = join(path, "do");
    let mut fields = Fields::new(path, map, &["do", "for", "until"]);
    let ends: Map<String, Value> = ["for", "until"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), map.get(*key)?.clone())))
        .collect();
    if items.is_empty() {
        fields.add("do", "the list is empty");
    }
    let (mut actions, mut lasting) = (Vec::new(), ends.is_empty());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{list}[{index}]");
        let action = object_of(&path, item).and_then(|mut object| {
            let open = !object.contains_key("for") && !object.contains_key("until");
            if open && can_last(&object) {
                lasting = true;
                object.extend(ends.clone());
            }
            action_of(&path, &object)
        });
        match action {
            Ok(action) => actions.push(action),
            Err(more) => fields.problems.0.extend(more.0),
        }
    }
    if !lasting && fields.problems.0.is_empty() {
        fields.add("do", "nothing in this list can last: leave for and until away");
    }
    fields.problems.or(actions)
}

fn under(path: &str, problems: Problems) -> Problems {
    let moved = problems.0.into_iter().map(|mut problem| {
        problem.key = match problem.key.is_empty() {
            true => path.to_owned(),
            false => join(path, &problem.key),
        };
        problem
    });
    Problems(moved.collect())
}
