//! What goes wrong, as data. The defaults are a healthy station.

mod messages;
mod millis;
pub(crate) mod ranges;
mod rest;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::messages::{Bend, Dose, How, Messages};
pub use self::rest::{
    BoardAnswer, BoardShape, BoardShapeFault, Maintenance, RestAnswer, RestFault, TapeFault, TapeTrouble,
};

/// Every fault of the simulator. May be changed at run time with [`crate::SimHandle::set_fault`].
///
/// In files: a JSON object with these names. Chances are per mille (fractions allowed), durations are whole milliseconds
/// or texts (`"250ms"`, `"30s"`, `"2m"`, `"1h"`), names that do not exist are errors. Faults of the line are in real
/// time, whatever the speed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seeds everything that is drawn for the line and for messages; `None` = the generated market's seed, 0 for other
    /// sources. The same seed, source and connections give the same bytes.
    pub seed: Option<u64>,
    /// Only `localhost` and `localhost:<port>` are accepted as Host (on in the real station).
    pub host_rule: bool,
    /// Ten info calls and ten registration calls per second of the station's time, then 429 (on in the real station).
    pub rate_limit: bool,
    /// Requests are processed one after another (on in the real station).
    pub serial: bool,
    /// Codes that the station does not know.
    pub bad_symbols: BTreeSet<String>,
    /// How long the first `/board` or `/symbol` of a symbol takes, in the station's time: 1 s in the real station.
    #[serde(with = "millis")]
    pub first_touch: Duration,
    /// Chance per mille that a first touch takes [`Faults::first_touch_timeout`] instead.
    pub first_touch_slow: u16,
    /// The station's own limit for asking upstream, in its time (kabusapi issue 1327).
    #[serde(with = "millis")]
    pub first_touch_timeout: Duration,
    /// How long every `/board` takes, in the station's time: 10 ms in the real station.
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
    /// Nobody can connect; connections that stand are not touched.
    pub refuse: Option<Refusal>,
    /// What an upgrade to WebSocket gets instead of 101.
    pub upgrade: Option<UpgradeFault>,
    /// What happens to the old PUSH client when a new one comes.
    pub takeover: Takeover,
    /// What a client's ping gets.
    pub ping: PingHabit,
    /// A ping of ours so often.
    #[serde(with = "millis::option")]
    pub ping_every: Option<Duration>,
    /// A close frame after this many messages on a connection.
    pub close_after: Option<u64>,
    /// Chance of a close frame after a message.
    #[serde(deserialize_with = "messages::per_mille")]
    pub close_chance: f64,
    /// Code of these close frames; `null` = none at all, as the protocol allows.
    pub close_code: Option<u16>,
    /// Reason of these close frames, cut to 123 bytes.
    pub close_reason: String,
    /// A TCP reset after this many messages on a connection.
    pub reset_after: Option<u64>,
    /// Chance of a TCP reset after a message.
    #[serde(deserialize_with = "messages::per_mille")]
    pub reset_chance: f64,
    /// A TCP reset as soon as more than this many messages fall into 100 ms (kabusapi issue 285: about 40).
    pub reset_on_burst: Option<usize>,
    /// A TCP reset when bytes have waited so long for the client to take them (issue 284); beside
    /// [`crate::SimConfig::slow_reader_limit`], which counts bytes.
    #[serde(with = "millis::option")]
    pub reset_slow_after: Option<Duration>,
    /// Silence after this many messages on a connection.
    pub stall_after: Option<u64>,
    /// Chance of silence from a message on.
    #[serde(deserialize_with = "messages::per_mille")]
    pub stall_chance: f64,
    /// The connection is half-open after this many messages: nothing is read or written any more, no FIN, no RST.
    pub half_open_after: Option<u64>,
    /// The same so long after the upgrade.
    #[serde(with = "millis::option")]
    pub half_open_in: Option<Duration>,
    /// The line carries this many bytes per second only.
    pub drip: Option<u32>,
    /// Every message is sent in this many frames; 0 and 1 = one.
    pub fragment: usize,
    /// A ping between these frames.
    pub fragment_pings: bool,
    /// Byte offsets within the bytes of a message (frame headers included) at which a TCP write ends.
    pub split_at: Vec<usize>,
    /// So many drawn offsets beside these for every message: the first within the frame header, the second within a
    /// UTF-8 character if there is one, the others anywhere.
    pub split_drawn: usize,
    /// Pause after each such part, so that a reader sees them apart; real time.
    #[serde(with = "millis")]
    pub split_pause: Duration,
    /// Chance of an empty text frame before a message.
    #[serde(deserialize_with = "messages::per_mille")]
    pub empty_frames: f64,
    /// Chance that a message is sent as a binary frame.
    #[serde(deserialize_with = "messages::per_mille")]
    pub binary_frames: f64,
    /// What happens to messages on their way to the PUSH client. `/board` keeps showing them as they are: its own
    /// shapes are [`Faults::board_shapes`].
    #[serde(deserialize_with = "messages::checked")]
    pub messages: Messages,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: None,
            host_rule: true,
            rate_limit: true,
            serial: true,
            bad_symbols: BTreeSet::new(),
            first_touch: Duration::from_millis(1_000),
            first_touch_slow: 50,
            first_touch_timeout: Duration::from_millis(5_000),
            board_delay: Duration::from_millis(10),
            board_shapes: Vec::new(),
            tape: Vec::new(),
            maintenance: None,
            wrong_environment_401: false,
            rest: Vec::new(),
            list_lost_after_reconnect: false,
            refuse: None,
            upgrade: None,
            takeover: Takeover::Close,
            ping: PingHabit::Silent,
            ping_every: None,
            close_after: None,
            close_chance: 0.0,
            close_code: Some(1001),
            close_reason: String::new(),
            reset_after: None,
            reset_chance: 0.0,
            reset_on_burst: None,
            reset_slow_after: None,
            stall_after: None,
            stall_chance: 0.0,
            half_open_after: None,
            half_open_in: None,
            drip: None,
            fragment: 1,
            fragment_pings: false,
            split_at: Vec::new(),
            split_drawn: 0,
            split_pause: Duration::ZERO,
            empty_frames: 0.0,
            binary_frames: 0.0,
            messages: Messages::new(),
        }
    }
}

impl Faults {
    /// A station that answers every `/board` and `/symbol` at once, which no real one does.
    pub fn answer_at_once(&mut self) {
        (self.first_touch, self.first_touch_slow, self.board_delay) = (Duration::ZERO, 0, Duration::ZERO);
    }

    /// True when messages are changed on their way.
    pub(crate) fn bends(&self) -> bool {
        !self.messages.is_empty()
    }

    /// True when nothing happens to the frames of messages, nor after them.
    pub(crate) fn is_smooth(&self) -> bool {
        let after = [
            self.close_after,
            self.reset_after,
            self.stall_after,
            self.half_open_after,
        ];
        let chances = [
            self.close_chance,
            self.reset_chance,
            self.stall_chance,
            self.empty_frames,
            self.binary_frames,
        ];
        self.fragment <= 1
            && self.split_at.is_empty()
            && self.split_drawn == 0
            && self.reset_on_burst.is_none()
            && after.iter().all(Option::is_none)
            && chances.iter().all(|chance| *chance <= 0.0)
    }
}

/// How connections are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nobody listens on the port. The first connection after this was set is still accepted, then reset.
    Closed,
    /// Accepted, then reset at once.
    Reset,
    /// Accepted, then closed at once.
    Fin,
    /// Accepted, then nothing.
    Silent,
}

/// What an upgrade to WebSocket gets instead of 101.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[serde(rename_all = "snake_case")]
pub enum Takeover {
    /// It gets a close frame.
    Close,
    /// It stays connected and gets nothing more.
    Starve,
}

/// What a client's ping gets: the station does not answer (kabusapi issue 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PingHabit {
    /// Nothing.
    Silent,
    /// A reset.
    Abort,
    /// A pong, as other servers do.
    Pong,
}

/// What is done to the current PUSH client at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// TCP reset; what was not sent yet is lost.
    Reset,
    /// Everything queued, a close frame with this code, then FIN.
    Close(u16),
    /// The same with a reason, or without a code.
    CloseWith {
        /// The code; `None` = an empty close frame.
        code: Option<u16>,
        /// The reason, cut to 123 bytes; nothing without a code.
        reason: String,
    },
    /// Half-open: the connection stays, nothing is read or written any more; there is no way back.
    HalfOpen,
    /// The connection stays open, the source's messages go nowhere (in [`crate::Speed::Full`] the source pauses).
    Stall,
    /// Ends [`Cut::Stall`].
    Resume,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_data() {
        let faults: Faults = serde_json::from_str(
            r#"{"board_delay":250,"takeover":"starve","rest":[{"path":"/board","times":2,"answer":{"error":{"status":503,"code":4001001}}}]}"#,
        )
        .expect("valid");
        assert_eq!(faults.board_delay, Duration::from_millis(250));
        assert!(faults.host_rule, "what is not named keeps its default");
        let text = serde_json::to_string(&faults).expect("serialises");
        assert_eq!(serde_json::from_str::<Faults>(&text).expect("valid"), faults);
    }

    #[test]
    fn a_healthy_station_bends_nothing() {
        let faults: Faults = serde_json::from_str("{}").expect("valid");
        assert_eq!(faults, Faults::default());
        assert!(faults.is_smooth() && !faults.bends());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, word) in [
            (r#"{"bord_delay":1}"#, "board_delay"),
            (r#"{"messages":{"volume_bak":true}}"#, "volume_back"),
            (r#"{"messages":{"crossed":{"how":"nan"}}}"#, "crossed"),
            (r#"{"messages":{"lag":1001}}"#, "per mille"),
            (r#"{"messages":{"offset":{"offset":"8"}}}"#, "+08:00"),
            (r#"{"messages":{"crossed":{"keys":["VWAP"]}}}"#, "missing_key"),
            (r#"{"reset_chance":-1}"#, "per mille"),
            (r#"{"ping_every":"soon"}"#, "30s"),
        ] {
            let error = serde_json::from_str::<Faults>(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn what_is_used_up_stays_so_in_a_file() {
        let text = r#"{"half_open_in":"2m","messages":{"crossed":{"times":3},"lag":20}}"#;
        let faults: Faults = serde_json::from_str(text).expect("valid");
        assert_eq!(faults.half_open_in, Some(Duration::from_secs(120)));
        assert!(faults.bends());
        faults.messages[&Bend::Crossed].use_up();
        let again: Faults = serde_json::from_value(serde_json::to_value(&faults).expect("data")).expect("valid");
        assert_eq!(again.messages[&Bend::Crossed], Dose::times(2));
        assert_eq!(again.messages[&Bend::Lag], Dose::chance(20.0));
    }
}
