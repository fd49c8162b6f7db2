//! What a simulator is started with, and why it could not start.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};

use crate::action::Problems;
use crate::faults::Faults;
use crate::recording::Recorded;
use crate::script::Step;

/// Everything the simulator is told at its start. `SimConfig::default()` is a silent station on a free port.
#[derive(Clone)]
pub struct SimConfig {
    /// Port on 127.0.0.1 and ::1; 0 = any free one.
    pub port: u16,
    /// Port of the verification environment (the real one is 18081); 0 = any free one, `None` = it does not listen. It
    /// has a token of its own and no market data.
    pub verification_port: Option<u16>,
    /// A token that is valid from the start and that `POST /token` always answers; `None` = a new one every time.
    pub token: Option<String>,
    /// The API password; `None` = any is accepted.
    pub password: Option<String>,
    /// The API password of the verification environment; `None` = any is accepted but the other environment's.
    pub verification_password: Option<String>,
    /// Slots of the registration list, symbols touched by `/board` included.
    pub list_limit: usize,
    /// Where messages come from.
    pub source: Source,
    /// How fast the source runs, and the station's own time with it.
    pub speed: Speed,
    /// Recording: begin at this recorded time, earlier messages only update what `/board` answers.
    /// Market: the simulated wall clock starts here (`None` = now).
    pub start: Option<Stamp>,
    /// The source ends before its first message later than this, and what `/board` shows stays; `None` = never.
    pub end: Option<Stamp>,
    /// What goes wrong.
    pub faults: Faults,
    /// Port for counters, faults and actions from outside, on 127.0.0.1 and ::1; 0 = any free one, `None` = none.
    pub control_port: Option<u16>,
    /// What happens when, on the simulated clock.
    pub script: Vec<Step>,
    /// Draws chances and intervals of the script.
    pub script_seed: u64,
    /// The source starts with the first PUSH client that has at least one registered symbol; a market also with the
    /// first `/board`. In [`Speed::Full`] the source always waits for a PUSH client, because the client is the clock.
    pub wait_for_client: bool,
    /// PUSH only for symbols registered with `PUT /register`, as the station does. False: all symbols of the source.
    pub require_registration: bool,
    /// With [`Speed::Times`], a client that leaves this many bytes unread (beyond the socket's own buffers) is reset,
    /// as the station does with slow readers (kabusapi issue 284).
    pub slow_reader_limit: usize,
    /// Every PUSH text is also written into this new file when it is queued for a client, as `<length> <payload>` and a
    /// line break; what a line took with it when it was cut is in it, too. Whole when the simulator has stopped.
    /// `None` = nowhere.
    pub sent_log: Option<PathBuf>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            port: 0,
            verification_port: None,
            token: None,
            password: None,
            verification_password: None,
            list_limit: 50,
            source: Source::Silent,
            speed: Speed::Times(1.0),
            start: None,
            end: None,
            faults: Faults::default(),
            control_port: None,
            script: Vec::new(),
            script_seed: 1,
            wait_for_client: true,
            require_registration: true,
            slow_reader_limit: 4 << 20,
            sent_log: None,
        }
    }
}

impl std::fmt::Debug for SimConfig {
    /// Without token and password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimConfig")
            .field("port", &self.port)
            .field("verification_port", &self.verification_port)
            .field("list_limit", &self.list_limit)
            .field("source", &self.source)
            .field("speed", &self.speed)
            .field("start", &self.start)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Where messages come from.
#[derive(Clone)]
pub enum Source {
    /// Nowhere; only [`crate::SimHandle::push_raw`] and [`crate::SimHandle::push_text`] send.
    Silent,
    /// What was recorded before.
    Recording(RecordingConfig),
    /// Messages from memory, sent as they are.
    Lines(Vec<Recorded>),
    /// A generated market.
    Market(MarketConfig),
}

/// A recording and how it is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingConfig {
    /// A file of `{"t_recv": <unix seconds>, "msg": {...}}` lines (or bare PUSH objects), or a journal; plain, gzip or
    /// zstd, told by their first bytes. A folder: all its files in the order of their names.
    pub path: PathBuf,
    /// How often it is played.
    pub repeat: Repeat,
    /// What every pass after the first is.
    pub seam: Seam,
    /// Further symbols made from recorded ones. Symbols of the list that are not recorded themselves need one.
    pub clones: Vec<CloneSymbol>,
}

impl RecordingConfig {
    /// The recording as it is, once.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            repeat: Repeat::default(),
            seam: Seam::default(),
            clones: Vec::new(),
        }
    }
}

/// How often a recording is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// So many passes; 0 counts as 1.
    Times(u32),
    /// Without end.
    Forever,
}

impl Default for Repeat {
    fn default() -> Self {
        Self::Times(1)
    }
}

/// How a pass over a recording follows the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seam {
    /// One to two seconds later, the same day going on: time digits move on, cumulative volume and value go on rising
    /// from where they ended, opening, high and low stay. A recording of several days begins a new day instead.
    #[default]
    GoOn,
    /// Whole days later, at the recorded times of the day: only the dates move, volume starts anew. The night between
    /// passes like any other time, so this is for high speeds.
    NewDay,
}

/// A symbol made from a recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloneSymbol {
    /// The recorded symbol.
    pub from: Symbol,
    /// The code and exchange of the copy.
    pub to: Symbol,
    /// How much later the copy moves; its time digits move by the same, in whole seconds. As much of the recording is
    /// kept in memory.
    pub offset: Duration,
}

/// A generated market.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// The same seed gives the same messages.
    pub seed: u64,
    /// What is traded.
    pub symbols: Vec<Symbol>,
    /// Messages per simulated second, all symbols together: with [`Hours::Always`] their mean, with [`Hours::Session`]
    /// what a calm hour (10:00) brings on average; openings bring several times as many. More than 3 per symbol are
    /// more than a station sends: its 400 ms of thinning shrink then.
    pub per_second: f64,
    /// When it trades.
    pub hours: Hours,
    /// Price paths to follow: a CSV of `date,symbol,time,price` at 1 s, plain or gzip; `None` = invented
    /// ones. With [`Hours::Session`] the first day follows that of the start's date, or one drawn from the seed;
    /// symbols that are not in it, later days, and [`Hours::Always`] are invented.
    pub prices: Option<PathBuf>,
    /// Where every true trade is written, as CSV of `time,symbol,price,qty,volume,kind`; an older file is replaced.
    /// `None` = nowhere.
    pub truth: Option<PathBuf>,
}

impl MarketConfig {
    /// A market that trades at any hour, on invented paths.
    #[must_use]
    pub fn new(seed: u64, symbols: Vec<Symbol>, per_second: f64) -> Self {
        Self {
            seed,
            symbols,
            per_second,
            hours: Hours::Always,
            prices: None,
            truth: None,
        }
    }
}

/// When a generated market trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hours {
    /// Continuously, at any hour of any day.
    #[default]
    Always,
    /// As the exchange does: pre-open, auctions, lunch, close. The day of the start is a trading day whatever the
    /// calendar says; the days after it follow the calendar.
    Session,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silent => write!(f, "Silent"),
            Self::Recording(r) => write!(f, "Recording({})", r.path.display()),
            Self::Lines(lines) => write!(f, "Lines({})", lines.len()),
            Self::Market(m) => write!(
                f,
                "Market(seed {}, {} symbols, {}/s)",
                m.seed,
                m.symbols.len(),
                m.per_second
            ),
        }
    }
}

/// How fast a source runs.
///
/// With [`Speed::Times`] the station's own time runs as fast: the seconds of its rate limits, and how long it works at a
/// `/board` ([`crate::Faults::first_touch`], [`crate::Faults::board_delay`]). [`Speed::Full`] has no such factor: the
/// limits keep real time there, and the station works in no time. Always in real time: injected faults that aim at a client's socket timeouts
/// ([`crate::RestAnswer::Late`], [`crate::BoardAnswer::Delay`], [`crate::Faults::split_pause`]), and the sockets' own
/// timeouts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Source time divided by this factor: 1.0 = original gaps.
    Times(f64),
    /// As fast as the client reads; the source pauses while there is no client.
    Full,
}

impl Speed {
    /// What so much of the station's time takes; at least a nanosecond of any, so that no limit vanishes.
    pub(crate) fn real(self, station: Duration) -> Duration {
        match self {
            Self::Full => station,
            Self::Times(_) if station.is_zero() => station,
            Self::Times(factor) => Duration::try_from_secs_f64(station.as_secs_f64() / factor)
                .unwrap_or(Duration::MAX)
                .max(Duration::from_nanos(1)),
        }
    }
}

/// Why a simulator did not start, or a recording could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// Somebody listens there already.
    #[error(
        "port {port} is already in use: kabu Station or another simulator may be running. Stop it, or choose another \
         port (0 = any free one)"
    )]
    PortTaken {
        /// The port asked for.
        port: u16,
    },
    /// The system refused to listen for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime or its thread could not be created.
    #[error("cannot start the simulator's thread: {0}")]
    Thread(io::Error),
    /// The recording cannot be opened or read.
    #[error("cannot read the recording {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of the recording is no message.
    #[error(
        "{path}, line {line}: {reason}; expected {{\"t_recv\": <unix seconds>, \"msg\": {{...}}}} or a PUSH object"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The recording has no message at all.
    #[error("the recording {path} is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file of price paths cannot be used.
    #[error("the price paths {path}, line {line}: {reason}; expected a CSV of date,symbol,time,price, plain or gzip")]
    Prices {
        /// The file.
        path: PathBuf,
        /// Counted from 1; 0 = the file could not be opened.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The ground truth cannot be written.
    #[error("cannot write the ground truth {path}: {source}; choose a folder that exists and may be written")]
    Truth {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log of what is sent cannot be made.
    #[error("cannot make {path} for what is sent: {source}; name a new file in a folder that may be written")]
    SentLog {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in the script can never happen.
    #[error("the script has what cannot happen here:\n{0}")]
    Script(Problems),
    /// A clone of a symbol that was not recorded.
    #[error("the recording {path} has no {missing} to clone. It has: {known}")]
    Clone {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        missing: String,
        /// What there is.
        known: String,
    },
    /// A number in the settings makes no sense.
    #[error("{0}")]
    Setting(&'static str),
}
