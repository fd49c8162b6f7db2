//! Actions out of JSON.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::problem::{Problems, join};
use super::{Action, Lasts, What, merge, short, time};
use crate::faults::{Faults, Takeover};
use crate::feed::{MarketEvent, Side};

/// What an action is made of.
pub(crate) struct Form {
    pub name: &'static str,
    /// Its own fields, in the order in which the short form takes them.
    pub fields: &'static [&'static str],
    /// It may have `for` or `until`.
    pub lasts: bool,
}

/// Every action there is.
pub(crate) const FORMS: &[Form] = &[
    form("reset", &[], false),
    form("close", &["code"], false),
    form("stall", &[], true),
    form("resume", &[], false),
    form("freeze", &[], false),
    form("refuse", &[], true),
    form("listen", &[], false),
    form("kick", &["takeover"], true),
    form("logout", &[], true),
    form("login", &[], false),
    form("replace_token", &[], false),
    form("lose_list", &[], false),
    form("restart", &[], true),
    form("maintenance", &["status"], true),
    form("faults", &["faults"], true),
    form("heal", &[], false),
    form("special_quote", &["side", "symbol"], true),
    form("halt", &["symbol"], true),
    form("limit", &["side", "symbol"], true),
    form("lock", &["symbol"], false),
    form("cross", &["symbol"], false),
    form("zero_quotes", &["symbol"], false),
    form("null_block", &["symbol"], false),
    form("zero_depth", &["symbol"], false),
    form("foreign_depth", &["symbol"], false),
    form("rush", &["factor", "symbol"], true),
    form("silence", &["symbol"], true),
    form("send", &["text"], false),
    form("clock_step", &["by"], false),
    form("end", &[], false),
];

const fn form(name: &'static str, fields: &'static [&'static str], lasts: bool) -> Form {
    Form { name, fields, lasts }
}

/// The form of an action.
pub(crate) fn form_of(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

/// The action of a name, or the problem that there is none.
pub(crate) fn known_form(path: &str, name: &str) -> Result<&'static Form, Problems> {
    form_of(name).ok_or_else(|| {
        let names: Vec<&str> = FORMS.iter().map(|form| form.name).collect();
        let mut problems = Problems::default();
        problems.unknown(&join(path, "do"), name, &names);
        problems
    })
}

/// True when the action of an object may have `for` or `until`.
pub(crate) fn can_last(object: &Map<String, Value>) -> bool {
    let name = object.get("do").and_then(Value::as_str).unwrap_or_default();
    form_of(name).is_some_and(|form| form.lasts)
}

/// One action or a list of them.
///
/// # Errors
/// Everything that is wrong.
pub(crate) fn actions_of(path: &str, value: &Value) -> Result<Vec<Action>, Problems> {
    let Value::Array(items) = value else {
        return action_of(path, &object_of(path, value)?).map(|action| vec![action]);
    };
    let (mut actions, mut problems) = (Vec::new(), Problems::default());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match object_of(&path, item).and_then(|map| action_of(&path, &map)) {
            Ok(action) => actions.push(action),
            Err(more) => problems.0.extend(more.0),
        }
    }
    if items.is_empty() {
        problems.add(path, "the list is empty");
    }
    problems.or(actions)
}

/// The object that a text or an object stands for: `do` is the bare name then, arguments of the short form are fields.
///
/// # Errors
/// When it is neither, or its short form cannot be read.
pub(crate) fn object_of(path: &str, value: &Value) -> Result<Map<String, Value>, Problems> {
    match value {
        Value::String(line) => short::object(path, line),
        Value::Object(map) => match (map.get("do"), map.contains_key("faults")) {
            (Some(Value::String(line)), _) => {
                let mut all = short::object(path, line)?;
                for (key, value) in map.iter().filter(|(key, _)| *key != "do") {
                    all.insert(key.clone(), value.clone());
                }
                Ok(all)
            }
            (None, true) => {
                let mut all = map.clone();
                all.insert("do".to_owned(), Value::from("faults"));
                Ok(all)
            }
            (None, false) => Err(Problems::one(
                &join(path, "do"),
                "missing: what is to happen, for example \"reset\"",
            )),
            (Some(other), _) => {
                let mut problems = Problems::default();
                problems.wrong(&join(path, "do"), other, "the name of an action, for example \"reset\"");
                Err(problems)
            }
        },
        other => {
            let mut problems = Problems::default();
            problems.wrong(
                path,
                other,
                "an action like {\"do\": \"stall\", \"for\": \"30s\"} or \"stall 30s\"",
            );
            Err(problems)
        }
    }
}

/// The action of an object with a bare `do`.
pub(crate) fn action_of(path: &str, map: &Map<String, Value>) -> Result<Action, Problems> {
    let name = map.get("do").and_then(Value::as_str).unwrap_or_default();
    let form = known_form(path, name)?;
    let mut known = vec!["do"];
    known.extend(form.fields);
    if form.name == "send" {
        known.push("message");
    }
    if form.lasts {
        known.extend(["for", "until"]);
    }
    let mut fields = Fields::new(path, map, &known);
    let what = what_of(form, &mut fields);
    let lasts = match (fields.duration("for"), fields.time("until")) {
        (None, None) => Lasts::Open,
        (Some(span), None) => Lasts::For(span),
        (None, Some(time)) => Lasts::Until(time),
        (Some(_), Some(_)) => {
            fields.add("until", "either for or until, not both");
            Lasts::Open
        }
    };
    match what {
        Some(what) => fields.problems.or(Action { what, lasts }),
        None if fields.problems.0.is_empty() => Err(Problems::one(path, format!("{name} is incomplete"))),
        None => Err(fields.problems),
    }
}

const SIDES: &[(&str, Side)] = &[("buy", Side::Buy), ("sell", Side::Sell)];

/// `None` = incomplete or wrong, and then it is among the problems.
fn what_of(form: &Form, fields: &mut Fields<'_>) -> Option<What> {
    Some(match form.name {
        "reset" => What::Reset,
        "close" => What::Close(close_code(fields)),
        "stall" => What::Stall,
        "resume" => What::Resume,
        "freeze" => What::Freeze,
        "refuse" => What::Refuse,
        "listen" => What::Listen,
        "kick" => What::Kick(fields.word("takeover", &[("close", Takeover::Close), ("starve", Takeover::Starve)])),
        "logout" => What::Logout,
        "login" => What::Login,
        "replace_token" => What::ReplaceToken,
        "lose_list" => What::LoseList,
        "restart" => What::Restart,
        "maintenance" => What::Maintenance(maintenance_status(fields)),
        "faults" => What::Faults(faults_map(fields)?),
        "heal" => What::Heal,
        "send" => What::Send(sent_text(fields)?),
        "clock_step" => What::ClockStep(clock_step(fields)?),
        "end" => What::End,
        _ => {
            let event = event_of(form.name, fields)?;
            What::Market(fields.symbols("symbol"), event)
        }
    })
}

fn event_of(name: &str, fields: &mut Fields<'_>) -> Option<MarketEvent> {
    Some(match name {
        "special_quote" => MarketEvent::SpecialQuote(fields.word("side", SIDES).unwrap_or(Side::Buy)),
        "limit" => MarketEvent::Limit(fields.word("side", SIDES).unwrap_or(Side::Buy)),
        "halt" => MarketEvent::Halt,
        "lock" => MarketEvent::Lock,
        "cross" => MarketEvent::Cross,
        "zero_quotes" => MarketEvent::ZeroQuotes,
        "null_block" => MarketEvent::NullBlock,
        "zero_depth" => MarketEvent::ZeroDepth,
        "foreign_depth" => MarketEvent::ForeignDepth,
        "rush" => {
            let factor = fields.whole("factor", 1..=1000).unwrap_or(5);
            MarketEvent::Rush(u32::try_from(factor).unwrap_or(5))
        }
        "silence" => MarketEvent::Silence,
        _ => return None,
    })
}

fn close_code(fields: &mut Fields<'_>) -> u16 {
    let code = fields.whole("code", 1000..=4999).unwrap_or(1001);
    u16::try_from(code).unwrap_or(1001)
}

fn maintenance_status(fields: &mut Fields<'_>) -> u16 {
    let status = fields.take("status", "503 (stopped) or 429 (rate limit on every call)", |v| {
        v.as_u64().filter(|n| matches!(n, 429 | 503))
    });
    if status == Some(429) { 429 } else { 503 }
}

/// The fields of `faults`, tried on a healthy station.
fn faults_map(fields: &mut Fields<'_>) -> Option<Map<String, Value>> {
    let allowed = "an object with fields of faults, like {\"reset_after\": 100}";
    let Some(map) = fields.take("faults", allowed, Value::as_object) else {
        if fields.problems.0.is_empty() {
            fields.add("faults", format!("missing: {allowed}"));
        }
        return None;
    };
    match merge::merged(&Faults::default(), &fields.key("faults"), map) {
        Ok(_) => Some(map.clone()),
        Err(more) => {
            fields.problems.0.extend(more.0);
            None
        }
    }
}

fn sent_text(fields: &mut Fields<'_>) -> Option<String> {
    if let Some(message) = fields.take("message", "a PUSH object", |v| v.is_object().then_some(v)) {
        return Some(message.to_string());
    }
    let text = fields.text("text");
    if text.is_none() && fields.problems.0.is_empty() {
        fields.add("text", "missing: the text to send, or message with an object");
    }
    text.map(str::to_owned)
}

fn clock_step(fields: &mut Fields<'_>) -> Option<i64> {
    let allowed = "how far the clock jumps, like \"+30s\" or \"-9m\"";
    let by = fields.take("by", allowed, |v| time::signed(v.as_str()?).filter(|ns| *ns != 0));
    if by.is_none() && fields.problems.0.is_empty() {
        fields.add("by", format!("missing: {allowed}"));
    }
    by
}
