//! The one vocabulary for everything that can happen to a simulated station: in scenario files, on the command line
//! and over the control port.
//!
//! An action is a flat JSON object, `{"do": "stall", "for": "30s"}`, or one line, `stall 30s`. This module only reads;
//! [`crate::script`] decides when, and does it.

mod decode;
mod fields;
mod merge;
mod problem;
mod short;
mod strict;
pub(crate) mod time;

use std::fmt;
use std::time::Duration;

use ayumi_engine::Stamp;
use serde_json::{Map, Value};

use crate::faults::Takeover;
use crate::feed::{MarketEvent, Side};

pub(crate) use self::decode::{FORMS, action_of, actions_of, can_last, object_of};
pub(crate) use self::fields::Fields;
pub(crate) use self::merge::{Leaf, as_json, leaves, merged};
pub use self::problem::{Problem, Problems};
pub(crate) use self::problem::{join, nearest};
pub(crate) use self::strict::json;
pub use self::time::Time;

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What.
    pub what: What,
    /// Until when; what cannot be undone has no end.
    pub lasts: Lasts,
}

/// How long an action lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lasts {
    /// Until something else ends it.
    #[default]
    Open,
    /// So long.
    For(Duration),
    /// Until the next such time.
    Until(Time),
}

impl Lasts {
    /// The end of something that begins at `now`.
    #[must_use]
    pub fn end(self, now: Stamp) -> Option<Stamp> {
        match self {
            Self::Open => None,
            Self::For(span) => Some(Stamp(now.0.saturating_add(time::nanos(span)))),
            Self::Until(time) => Some(time.next_from(now)),
        }
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// TCP reset of the PUSH client; what was not sent yet is lost.
    Reset,
    /// A close frame with this code to the PUSH client.
    Close(u16),
    /// The PUSH line stays open and nothing comes.
    Stall,
    /// Ends [`What::Stall`].
    Resume,
    /// Half-open: the PUSH client's connection stays, the station has forgotten it and reads nothing more from it.
    Freeze,
    /// Nobody listens: connections are refused, standing ones stay.
    Refuse,
    /// People can connect again.
    Listen,
    /// Another program opens PUSH and takes the place of the client, for a second unless told otherwise.
    Kick(Option<Takeover>),
    /// The forced logout; PUSH goes on.
    Logout,
    /// Ends [`What::Logout`]; a new token has to be issued.
    Login,
    /// Another program issued a token.
    ReplaceToken,
    /// The registration list is empty.
    LoseList,
    /// The application starts anew: list and token are gone, the line is cut, and for as long as it lasts nobody
    /// listens.
    Restart,
    /// REST refuses every call with this status.
    Maintenance(u16),
    /// These fields of [`crate::Faults`], by their JSON names.
    Faults(Map<String, Value>),
    /// All faults are as they were at the start.
    Heal,
    /// Something in the market, for these symbols; none = all.
    Market(Vec<ayumi_engine::Symbol>, MarketEvent),
    /// This text as a PUSH message, registered or not.
    Send(String),
    /// The station's own clock jumps by so many ns; the market goes on.
    ClockStep(i64),
    /// The source and the script end.
    End,
}

impl Action {
    /// One action or several, as JSON (`{"do": ...}` or a list) or in short form (`stall 30s`).
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Vec<Self>, Problems> {
        let text = text.trim();
        if !text.starts_with(['{', '[', '"']) {
            return actions_of("", &Value::String(text.to_owned()));
        }
        let value = json(text).map_err(|e| Problems::one("", format!("no JSON: {e}")))?;
        actions_of("", &value)
    }

    /// The name in files, counters and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.what.name()
    }
}

impl From<What> for Action {
    /// Without an end.
    fn from(what: What) -> Self {
        Self {
            what,
            lasts: Lasts::Open,
        }
    }
}

impl What {
    /// The name in files, counters and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Close(_) => "close",
            Self::Stall => "stall",
            Self::Resume => "resume",
            Self::Freeze => "freeze",
            Self::Refuse => "refuse",
            Self::Listen => "listen",
            Self::Kick(_) => "kick",
            Self::Logout => "logout",
            Self::Login => "login",
            Self::ReplaceToken => "replace_token",
            Self::LoseList => "lose_list",
            Self::Restart => "restart",
            Self::Maintenance(_) => "maintenance",
            Self::Faults(_) => "faults",
            Self::Heal => "heal",
            Self::Market(_, event) => event_name(*event),
            Self::Send(_) => "send",
            Self::ClockStep(_) => "clock_step",
            Self::End => "end",
        }
    }
}

impl fmt::Display for Action {
    /// As a person would say it; never the text of a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        match &self.what {
            What::Close(code) => write!(f, " {code}")?,
            What::Kick(Some(Takeover::Close)) => write!(f, " close")?,
            What::Kick(Some(Takeover::Starve)) => write!(f, " starve")?,
            What::Maintenance(status) => write!(f, " {status}")?,
            What::Faults(map) => write!(f, " {}", Value::Object(map.clone()))?,
            What::ClockStep(ns) => {
                let sign = if *ns < 0 { '-' } else { '+' };
                write!(f, " {sign}{}", time::written(Duration::from_nanos(ns.unsigned_abs())))?;
            }
            What::Market(symbols, event) => {
                match event {
                    MarketEvent::SpecialQuote(side) | MarketEvent::Limit(side) => write!(f, " {}", side_name(*side))?,
                    MarketEvent::Rush(factor) => write!(f, " {factor}")?,
                    _ => {}
                }
                for symbol in symbols {
                    write!(f, " {}", symbol.ticker())?;
                }
            }
            _ => {}
        }
        match self.lasts {
            Lasts::Open => Ok(()),
            Lasts::For(span) => write!(f, " {}", time::written(span)),
            Lasts::Until(time) => write!(f, " until {time}"),
        }
    }
}

fn event_name(event: MarketEvent) -> &'static str {
    match event {
        MarketEvent::SpecialQuote(_) => "special_quote",
        MarketEvent::Halt => "halt",
        MarketEvent::Limit(_) => "limit",
        MarketEvent::Lock => "lock",
        MarketEvent::Cross => "cross",
        MarketEvent::ZeroQuotes => "zero_quotes",
        MarketEvent::NullBlock => "null_block",
        MarketEvent::ZeroDepth => "zero_depth",
        MarketEvent::ForeignDepth => "foreign_depth",
        MarketEvent::Rush(_) => "rush",
        MarketEvent::Silence => "silence",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

#[cfg(test)]
mod tests;
