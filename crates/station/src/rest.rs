//! The REST worker: one thread, one request in flight, never in the way of a window.
//!
//! The station serialises parallel calls, and they once coincided with a reset of the PUSH line (kabusapi #213, #1350):
//! everything REST goes through this one queue. It owns the pace, the silence after a 429 and the token. It refuses to
//! read quotes (bodies are handed out as bytes) and never unregisters anything.
//!
//! [`Client`] is the same for a command that has nothing else to do: it waits for each answer, and it unregisters when
//! the user asks for it.

mod call;
mod client;
mod error;
mod http;
mod login;
mod pace;
mod queue;
mod register;
mod remove;
mod worker;

use std::time::Duration;

use secrecy::SecretString;

pub use ayumi_wire::rest::Entry;
pub use client::Client;
pub use error::{Answer, RestError, Transport};
pub use queue::Full;
pub use worker::{RestWorker, spawn};

/// Where the station is and how gently to ask it.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// `localhost`, `127.0.0.1` and `::1` all mean this machine and try both loopback families.
    pub host: String,
    /// 18080 production, 18081 verification.
    pub port: u16,
    /// Token to start with; reused, because fetching one kills everybody else's.
    pub token: Option<SecretString>,
    /// With it the worker fetches a token itself when it has none or the station says it is dead.
    pub api_password: Option<SecretString>,
    /// Shortest time between the starts of two requests; 125 ms = 8 per second.
    pub spacing: Duration,
    /// Silence of all requests after a 429; a retry within 1 s prolongs the lock-out (kabusapi #698, #1339).
    pub silence_after_429: Duration,
    /// Speed of the test clock: all durations of this worker are divided by it (time limits of a request stay at
    /// least 1 s). 1.0 is real time; a value that is no positive number counts as 1.0.
    pub time_scale: f64,
}

impl Default for RestConfig {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 18080,
            token: None,
            api_password: None,
            spacing: Duration::from_millis(125),
            silence_after_429: Duration::from_millis(1100),
            time_scale: 1.0,
        }
    }
}

impl RestConfig {
    /// `real` on the test clock.
    fn scaled(&self, real: Duration) -> Duration {
        let scale = if self.time_scale.is_finite() && self.time_scale > 0.0 {
            self.time_scale
        } else {
            1.0
        };
        Duration::try_from_secs_f64(real.as_secs_f64() / scale).unwrap_or(Duration::MAX)
    }
}

/// What to ask. Everything but [`Job::Board`] goes before waiting boards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Read the registration list back and add what is missing; most important symbol first.
    EnsureRegistered {
        /// What should be registered.
        symbols: Vec<Entry>,
    },
    /// `GET /board`.
    Board {
        /// Of which symbol.
        entry: Entry,
        /// Comes back with the reply.
        tag: u64,
    },
    /// Whether somebody is logged in at the station. Fetches no token, so it may be asked often.
    Look,
    /// `GET /board` as a test of the whole way to the station.
    Probe {
        /// Of which symbol.
        entry: Entry,
    },
}

/// What came of a job, in the order of completion.
#[derive(Debug)]
pub enum Reply {
    /// Of [`Job::EnsureRegistered`].
    Registered(Registration),
    /// Of [`Job::Board`].
    Board {
        /// The job's.
        tag: u64,
        /// The job's.
        entry: Entry,
        /// The body as it came: one JSON object by its braces, not parsed.
        result: Result<Vec<u8>, RestError>,
        /// Real time from sending to the last byte; without waiting for the pace.
        took: Duration,
    },
    /// Of [`Job::Look`]: [`RestError::NotLoggedIn`] or any other answer, which comes from a station with a login.
    Looked(Result<(), RestError>),
    /// Of [`Job::Probe`].
    Probed {
        /// The job's.
        entry: Entry,
        /// As for a board.
        result: Result<Vec<u8>, RestError>,
        /// As for a board.
        took: Duration,
    },
    /// A new token was fetched: [`RestWorker::token`] has it.
    TokenChanged,
}

/// What the registration list looks like now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// How many of the wanted symbols are on the list.
    pub registered: usize,
    /// How many entries the list has in all, those of other programs included.
    pub on_list: usize,
    /// Added by this job.
    pub added: Vec<Entry>,
    /// Refused by the station, each with its reason.
    pub refused: Vec<(Entry, String)>,
    /// Did not fit: the list is full.
    pub not_fitting: Vec<Entry>,
    /// What ended the job early; the other fields say how far it came.
    pub error: Option<RestError>,
}

/// What [`Client::register`] did, and the list it left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// As of [`Job::EnsureRegistered`].
    pub report: Registration,
    /// The whole list as last seen, those of other programs included.
    pub list: Vec<Entry>,
}

/// What came of taking symbols off the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Were on the list and are gone.
    pub removed: Vec<Entry>,
    /// Were asked for but not on the list.
    pub absent: Vec<Entry>,
    /// Are still there, with the station's reason.
    pub remaining: Vec<(Entry, String)>,
    /// The whole list as last seen.
    pub list: Vec<Entry>,
    /// What ended it early; the other fields say how far it came.
    pub error: Option<RestError>,
}
