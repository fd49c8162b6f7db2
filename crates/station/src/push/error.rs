//! Why a line could not be opened, and why it ended. Texts are facts; the next step is in `advice()`.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Opening the line failed. Never holds the token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// Not done within `connect_timeout`.
    #[error("timeout after {:.1} s while {stage}", after.as_secs_f64())]
    Timeout {
        /// What was going on: "connecting" or "waiting for the handshake answer".
        stage: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The host name has no address.
    #[error("host not found")]
    HostNotFound,
    /// The peer answered HTTP with another status than 101.
    #[error("handshake answered with HTTP {status}")]
    Handshake {
        /// HTTP status.
        status: u16,
        /// What to do about it.
        advice: &'static str,
    },
    /// The peer answered 101 but does not speak our WebSocket: wrong key, no upgrade, compression nobody asked for.
    #[error("not a WebSocket answer: {0}")]
    NotWebSocket(&'static str),
    /// The peer's answer is no HTTP answer, is cut off or too long.
    #[error("handshake answer unusable: {0}")]
    BadAnswer(&'static str),
    /// The token cannot stand in a header (blank, line break or non-ASCII inside).
    #[error("the token holds characters that cannot be sent")]
    BadToken,
    /// Anything else the operating system said.
    #[error("{}", io_text(*kind, *os))]
    Io {
        /// Portable kind.
        kind: io::ErrorKind,
        /// Code of the operating system, e.g. 10054.
        os: Option<i32>,
    },
}

impl ConnectError {
    /// The next step for the user, in English and ASCII.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Refused => {
                "Start kabu Station, log in and switch the API on (icon </> green); check host and port (18080 production, 18081 verification)."
            }
            Self::Timeout {
                stage: "connecting", ..
            } => {
                "Check host and port, and that no firewall drops the connection; on another machine the station is only reachable through a proxy or tunnel."
            }
            Self::Timeout { .. } => {
                "Something accepts the connection but does not answer: restart kabu Station, or look for another program on this port."
            }
            Self::HostNotFound => "Check the spelling of \"host\"; kabu Station on this machine is \"localhost\".",
            Self::Handshake { advice, .. } => advice,
            Self::NotWebSocket(_) => {
                "Another program or a proxy answers on this port; connect to kabu Station itself, or let the proxy pass the Upgrade headers unchanged."
            }
            Self::BadAnswer(_) => {
                "Another program answers on this port, or kabu Station is just stopping; check the port."
            }
            Self::BadToken => "Copy the token again: 32 letters and digits without blanks or line breaks.",
            Self::Io { .. } => "Check network, firewall and port; the connection is tried again.",
        }
    }

    pub(super) fn from_io(e: &io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::UnexpectedEof => Self::BadAnswer("cut off"),
            // Reset between the handshake of TCP and ours: the socket is no longer connected when it is set up.
            io::ErrorKind::NotConnected => Self::Io {
                kind: io::ErrorKind::ConnectionReset,
                os: e.raw_os_error(),
            },
            kind => Self::Io {
                kind,
                os: e.raw_os_error(),
            },
        }
    }
}

/// An open line ended. What is left in the buffer can still be read with `next`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineLost {
    /// Close frame.
    #[error("closed by the station: {}", close_text(*code, reason))]
    Closed {
        /// Close code, if the frame had one.
        code: Option<u16>,
        /// Its text without control characters, at most 123 bytes.
        reason: String,
    },
    /// The connection ended without a close frame.
    #[error("connection ended by the station without a close frame")]
    Eof,
    /// RST; WinError 10054 on Windows.
    #[error("connection reset by the station")]
    Reset,
    /// The peer broke RFC 6455, or its frame claims more than 64 MiB.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// A message was begun and not finished in time.
    #[error("a message was not finished within {:.1} s", after.as_secs_f64())]
    Unfinished {
        /// The limit.
        after: Duration,
    },
    /// Anything else the operating system said.
    #[error("{}", io_text(*kind, *os))]
    Io {
        /// Portable kind.
        kind: io::ErrorKind,
        /// Code of the operating system.
        os: Option<i32>,
    },
}

impl LineLost {
    pub(super) fn from_io(e: &io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        match e.kind() {
            ConnectionReset | ConnectionAborted | BrokenPipe => Self::Reset,
            UnexpectedEof => Self::Eof,
            kind => Self::Io {
                kind,
                os: e.raw_os_error(),
            },
        }
    }
}

/// The portable wording: the system's own text is localised and of any length.
fn io_text(kind: io::ErrorKind, os: Option<i32>) -> String {
    match os {
        Some(code) => format!("{kind} (os error {code})"),
        None => kind.to_string(),
    }
}

fn close_text(code: Option<u16>, reason: &str) -> String {
    let Some(code) = code else {
        return "no code".to_owned();
    };
    let meaning = if reason.is_empty() { close_meaning(code) } else { reason };
    if meaning.is_empty() {
        code.to_string()
    } else {
        format!("{code} {meaning}")
    }
}

fn close_meaning(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1007 => "invalid data",
        1008 => "policy violation",
        1009 => "message too big",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        _ => "",
    }
}
