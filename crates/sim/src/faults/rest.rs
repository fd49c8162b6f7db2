//! What goes wrong on the REST side.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::millis;

/// A REST answer that replaces the usual one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestFault {
    /// Path prefix after `/kabusapi`, for example `/register`; empty = every REST path.
    pub path: String,
    /// How often it happens; `None` = always.
    pub times: Option<u32>,
    /// Chance per mille, drawn from the seed; `None` = certain. A request that it spares goes to the next rule.
    pub chance: Option<u16>,
    /// The answer.
    pub answer: RestAnswer,
}

impl RestFault {
    /// Always this answer for paths that begin so.
    #[must_use]
    pub fn always(path: impl Into<String>, answer: RestAnswer) -> Self {
        Self {
            path: path.into(),
            times: None,
            chance: None,
            answer,
        }
    }

    /// So many times only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// With this chance per mille only.
    #[must_use]
    pub fn chance(mut self, per_mille: u16) -> Self {
        self.chance = Some(per_mille);
        self
    }
}

/// When `/board` has which odd shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardShapeFault {
    /// As in the counters: `7203`, `167060019@23`; `None` = every symbol.
    #[serde(default)]
    pub symbol: Option<String>,
    /// Only the first `/board` of a symbol; else always, until the rule is taken away.
    #[serde(default)]
    pub first_touch: bool,
    /// What it looks like.
    pub shape: BoardShape,
}

/// Bodies of `/board` that users have seen, all with status 200 (kabusapi issues in brackets).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardShape {
    /// Price, volume and best quotes null, the depth filled (162, 637, 1376, 1139).
    NullBlock,
    /// The depth all 0.0, `BidPrice` and `AskPrice` valid (211).
    ZeroDepth,
    /// A depth that belongs to another moment (148).
    ForeignDepth,
    /// No price though trading has begun, quotes locked (1351).
    Unopened,
    /// Both quotes at the upper limit, no sell side (832).
    LimitUp,
    /// `Sell1` = `Buy1`, no other sell level, volume and best quotes null (771).
    LimitUpNull,
}

/// What goes wrong with `/timeandsales` (429 and other answers: [`RestFault`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeFault {
    /// As in the counters; `None` = every symbol.
    #[serde(default)]
    pub symbol: Option<String>,
    /// What happens.
    pub trouble: TapeTrouble,
}

/// The trouble of a [`TapeFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TapeTrouble {
    /// A window of the application shows this symbol's tape: the answer waits for the next trade, 30 s of the station's
    /// time at most (kabusapi issue 1323). Other requests wait too.
    Lock,
    /// The previous day's trades make the body at least this many bytes long (issue 1280: 8 to 9 MB); at most 64 MiB.
    Huge {
        /// Bytes.
        bytes: usize,
    },
}

/// How maintenance looks from the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Maintenance {
    /// Single calls get 429 4001006 (kabusapi issue 440).
    RateLimit,
    /// 503.
    Stopped,
}

/// The answer of a [`RestFault`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestAnswer {
    /// The station's error object.
    Error {
        /// HTTP status.
        status: u16,
        /// The station's code.
        code: i64,
    },
    /// HTML as http.sys sends it.
    Html {
        /// HTTP status.
        status: u16,
    },
    /// Any body, labelled as JSON.
    Body {
        /// HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The usual answer after a while.
    Late {
        /// The delay, real time whatever the speed: it aims at the client's timeout.
        #[serde(with = "millis")]
        delay: Duration,
    },
    /// The usual answer, cut after this many bytes, then the connection is closed.
    Truncated {
        /// Bytes that still arrive, headers included.
        bytes: usize,
    },
    /// No answer; the connection stays open.
    Never,
    /// The connection is reset.
    Reset,
}

/// What `/board` answers for one symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardAnswer {
    /// The usual answer.
    Usual,
    /// This body with status 200.
    Body(String),
    /// The usual body in another shape.
    Shape(BoardShape),
    /// This status and body.
    Status(u16, String),
    /// The inner answer after a while of real time; other requests wait too.
    Delay(#[serde(with = "millis")] Duration, Box<BoardAnswer>),
    /// No answer; the connection stays open, other requests are served.
    Never,
}
