//! What goes wrong, as data. The defaults are a healthy station.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Every fault of the simulator. May be changed at run time with [`crate::SimHandle::set_fault`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Faults {
    /// Only `localhost` and `localhost:<port>` are accepted as Host (on in the real station).
    pub host_rule: bool,
    /// Ten info calls and ten registration calls per second of the station's time, then 429 (on in the real station).
    pub rate_limit: bool,
    /// Requests are processed one after another (on in the real station).
    pub serial: bool,
    /// Codes that the station does not know.
    pub bad_symbols: BTreeSet<String>,
    /// How long the first `/board` or `/symbol` of a symbol takes, in the station's time; the real station needs 1 s
    /// and more.
    #[serde(with = "millis")]
    pub first_touch: Duration,
    /// Chance per mille that a first touch takes [`Faults::first_touch_timeout`] instead.
    pub first_touch_slow: u16,
    /// The station's own limit for asking upstream, in its time (kabusapi issue 1327).
    #[serde(with = "millis")]
    pub first_touch_timeout: Duration,
    /// How long every `/board` takes, in the station's time.
    #[serde(with = "millis")]
    pub board_delay: Duration,
    /// Odd `/board` bodies; the first rule that fits is taken.
    pub board_shapes: Vec<BoardShapeFault>,
    /// `/timeandsales` in trouble; the first rule that fits is taken.
    pub tape: Vec<TapeFault>,
    /// The station is in maintenance.
    pub maintenance: Option<Maintenance>,
    /// The password of the other environment gets 401 4001013 (kabusapi issue 1167) instead of 400 4001005 (1370).
    pub wrong_environment_401: bool,
    /// Answers instead of the usual ones; the first rule that fits is taken.
    pub rest: Vec<RestFault>,
    /// The registration list is empty after a PUSH connection ended.
    pub list_lost_after_reconnect: bool,
    /// What an upgrade to WebSocket gets instead of 101.
    pub upgrade: Option<UpgradeFault>,
    /// What happens to the old PUSH client when a new one comes.
    pub takeover: Takeover,
    /// What a client's ping gets.
    pub ping: PingHabit,
    /// A close frame after this many messages on a connection.
    pub close_after: Option<u64>,
    /// A TCP reset after this many messages on a connection.
    pub reset_after: Option<u64>,
    /// Silence after this many messages on a connection.
    pub stall_after: Option<u64>,
    /// Every message is sent in this many frames; 0 and 1 = one.
    pub fragment: usize,
    /// Byte offsets within the bytes of a message (frame headers included) at which a TCP write ends.
    pub split_at: Vec<usize>,
    /// Pause after each such part, so that a reader sees them apart; real time.
    #[serde(with = "millis")]
    pub split_pause: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            host_rule: true,
            rate_limit: true,
            serial: true,
            bad_symbols: BTreeSet::new(),
            first_touch: Duration::ZERO,
            first_touch_slow: 0,
            first_touch_timeout: Duration::from_millis(5_000),
            board_delay: Duration::ZERO,
            board_shapes: Vec::new(),
            tape: Vec::new(),
            maintenance: None,
            wrong_environment_401: false,
            rest: Vec::new(),
            list_lost_after_reconnect: false,
            upgrade: None,
            takeover: Takeover::Close,
            ping: PingHabit::Silent,
            close_after: None,
            reset_after: None,
            stall_after: None,
            fragment: 1,
            split_at: Vec::new(),
            split_pause: Duration::ZERO,
        }
    }
}

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

/// What an upgrade to WebSocket gets instead of 101.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UpgradeFault {
    /// This status with the station's kind of error body.
    Status(u16),
    /// The HTML 400 of http.sys.
    Html,
    /// 101 with a wrong `Sec-WebSocket-Accept`.
    WrongAccept,
    /// 101 that claims `permessage-deflate`, offered or not.
    Compression,
    /// These bytes, then the connection is closed.
    Garbage(Vec<u8>),
    /// No answer; the connection stays open.
    Never,
    /// The connection is reset.
    Reset,
}

/// What happens to the old PUSH client when a new one comes. Both were seen (kabusapi issues 1266, 465, 818).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Takeover {
    /// It gets a close frame.
    Close,
    /// It stays connected and gets nothing more.
    Starve,
}

/// What a client's ping gets: the station does not answer (kabusapi issue 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PingHabit {
    /// Nothing.
    Silent,
    /// A reset.
    Abort,
    /// A pong, as other servers do.
    Pong,
}

/// What is done to the current PUSH client at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    /// TCP reset; what was not sent yet is lost.
    Reset,
    /// Everything queued, a close frame with this code, then FIN.
    Close(u16),
    /// The connection stays open, the source's messages go nowhere (in [`crate::Speed::Full`] the source pauses).
    Stall,
    /// Ends [`Cut::Stall`].
    Resume,
}

/// What `/board` answers for one symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// A WebSocket frame of any kind, for tests of a client's reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawFrame {
    /// The FIN bit.
    pub fin: bool,
    /// Low four bits of the first byte; reserved ones are allowed.
    pub opcode: u8,
    /// Payload, sent unmasked.
    pub payload: Vec<u8>,
    /// Offsets within the frame's bytes (header included) at which a TCP write ends.
    pub split_at: Vec<usize>,
}

impl RawFrame {
    /// A whole text message in one frame.
    #[must_use]
    pub fn text(payload: impl Into<Vec<u8>>) -> Self {
        Self::of(true, 1, payload)
    }

    /// A frame sent with one write.
    #[must_use]
    pub fn of(fin: bool, opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            fin,
            opcode,
            payload: payload.into(),
            split_at: Vec::new(),
        }
    }

    /// The same frame, its writes ending at these offsets.
    #[must_use]
    pub fn split(mut self, at: impl Into<Vec<usize>>) -> Self {
        self.split_at = at.into();
        self
    }
}

/// Durations as whole milliseconds in files.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_data() {
        let faults: Faults = serde_json::from_str(
            r#"{"board_delay":250,"takeover":"Starve","rest":[{"path":"/board","times":2,"answer":{"Error":{"status":503,"code":4001001}}}]}"#,
        )
        .expect("valid");
        assert_eq!(faults.board_delay, Duration::from_millis(250));
        assert!(faults.host_rule, "what is not named keeps its default");
        let text = serde_json::to_string(&faults).expect("serialises");
        assert_eq!(serde_json::from_str::<Faults>(&text).expect("valid"), faults);
    }
}
