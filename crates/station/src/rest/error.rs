//! Why a REST call failed, in the station's terms: decided on `Code`, never on `Message` (kabusapi #507).

use std::fmt;
use std::time::Duration;

use ayumi_wire::rest::{ErrorBody, code};
use thiserror::Error;

use super::http::Raw;
use crate::text;

/// Status, code and message of an error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Code` of the body; 0 if the body is none of the station's.
    pub code: i64,
    /// `Message` without control characters, at most 200 characters.
    pub message: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if self.code != 0 {
            write!(f, " {}", self.code)?;
        }
        if self.message.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.message)
        }
    }
}

/// No answer came.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Transport {
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// No connection in time. Windows takes about 2 s to refuse on loopback, so this too can mean that nobody listens.
    #[error("no connection within {:.1} s", .0.as_secs_f64())]
    NoConnection(Duration),
    /// Connected, but no complete answer in time.
    #[error("timeout after {:.1} s", .0.as_secs_f64())]
    Timeout(Duration),
    /// The connection ended before an answer.
    #[error("connection reset")]
    Reset,
    /// The host name has no address.
    #[error("host not found")]
    HostNotFound,
    /// The answer is not HTTP, or anything else went wrong.
    #[error("{0}")]
    Other(String),
}

/// A failed call. Short facts in `Display`, the next step in [`RestError::advice`]. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestError {
    /// 4001007, 4001017: nobody is logged in at the station.
    #[error("{0}")]
    NotLoggedIn(Answer),
    /// 4001009: the token is not the current one.
    #[error("{0}")]
    KeyMismatch(Answer),
    /// 4001013: the API password is wrong.
    #[error("{0}")]
    WrongPassword(Answer),
    /// 4001008 or another 403: the API is not enabled.
    #[error("{0}")]
    ApiDisabled(Answer),
    /// 400 to `POST /token`: port and API password belong to different environments (kabusapi #1370).
    #[error("{0}")]
    WrongEnvironment(Answer),
    /// HTML 400: the `Host` header was refused, so something in between rewrites it.
    #[error("{0}")]
    WrongHost(Answer),
    /// Not the station's answer: HTML, a redirect, a login page.
    #[error("{0}")]
    NotTheStation(Answer),
    /// 429, 4001006.
    #[error("{0}")]
    RateLimited(Answer),
    /// 4002006: the registration list is full.
    #[error("{0}")]
    ListFull(Answer),
    /// 4002001: no such symbol.
    #[error("{0}")]
    UnknownSymbol(Answer),
    /// 4001018, 4001019: none or only some symbols could be registered; the answer does not say which.
    #[error("{0}")]
    SomeNotRegistered(Answer),
    /// 4001020, 4001021: none or only some symbols could be taken off the list; the answer does not say which.
    #[error("{0}")]
    SomeNotRemoved(Answer),
    /// 503.
    #[error("{0}")]
    Maintenance(Answer),
    /// Any other error answer.
    #[error("{0}")]
    Server(Answer),
    /// No answer.
    #[error("error: {0}")]
    Transport(#[from] Transport),
    /// 200, but the body is empty, cut off, too long or no JSON object.
    #[error("HTTP 200 with an unusable body: {0}")]
    BadBody(&'static str),
    /// The token cannot stand in a header.
    #[error("error: the token holds characters that cannot be sent")]
    BadToken,
    /// The worker was told to stop.
    #[error("error: stopped")]
    Stopped,
}

impl RestError {
    /// The next step for the user, in English and ASCII.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotLoggedIn(_) => "Log in to kabu Station (two-factor); if it looks logged in, restart it.",
            Self::KeyMismatch(_) => {
                "Another program fetched a new token, or kabu Station was restarted or logged in to anew: set the current token, or set \"api_password\" so that it is fetched automatically."
            }
            Self::WrongPassword(_) => {
                "Correct \"api_password\": production and verification have different API passwords."
            }
            Self::ApiDisabled(_) => {
                "Enable the API in kabu Station (Professional or Premium plan, API switch on) and restart it."
            }
            Self::WrongEnvironment(_) => {
                "Port and API password belong to different environments: 18080 is production, 18081 verification."
            }
            Self::WrongHost(_) => {
                "A proxy in between must set \"Host: localhost\"; or use an SSH tunnel that ends at localhost."
            }
            Self::NotTheStation(_) => "Another program or a proxy answers on this port: check host and port.",
            Self::RateLimited(_) => {
                "Too many requests; all requests pause. If it goes on, another program asks too, or the station is in maintenance."
            }
            Self::ListFull(_) => {
                "The station's list is full: `ayumi unregister` frees the slots of symbols, with --all of all programs; or shorten \"symbols\"."
            }
            Self::UnknownSymbol(_) => "Check code and exchange (code@exchange); delisted codes are unknown too.",
            Self::SomeNotRegistered(_) => "One of the symbols is unknown or delisted, or the list is full.",
            Self::SomeNotRemoved(_) => "Some symbols were not on the list: read it back to see what is left.",
            Self::Maintenance(_) => "The station is in maintenance or starting; it is asked again later.",
            Self::Server(answer) => server_advice(answer),
            Self::Transport(Transport::Refused | Transport::NoConnection(_)) => {
                "Start kabu Station, log in and switch the API on (icon </> green); check host and port (18080 production, 18081 verification)."
            }
            Self::Transport(Transport::HostNotFound) => {
                "Check the spelling of \"host\"; kabu Station on this machine is \"localhost\"."
            }
            Self::Transport(_) => "It is asked again; if it stays, restart kabu Station.",
            Self::BadBody(_) => "It is asked again; if it stays, check that kabu Station itself listens on this port.",
            Self::BadToken => "Copy the token again: 32 letters and digits without blanks or line breaks.",
            Self::Stopped => "Nothing to do.",
        }
    }

    /// True if the same call may succeed later without anybody changing the settings.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotLoggedIn(_)
            | Self::KeyMismatch(_)
            | Self::RateLimited(_)
            | Self::Maintenance(_)
            | Self::Transport(_)
            | Self::BadBody(_) => true,
            Self::Server(answer) => answer.status >= 500,
            _ => false,
        }
    }

    /// Sorts an error answer. `login` = it answers `POST /token`.
    pub(super) fn of(raw: &Raw, login: bool) -> Self {
        let body = if raw.html {
            None
        } else {
            serde_json::from_slice::<ErrorBody>(&raw.body).ok()
        };
        let html = raw.html;
        let (code, message) = body.map_or((0, String::new()), |b| (b.code, text::sanitised(&b.message)));
        let message = if html {
            "HTML answer, not the station's".to_owned()
        } else {
            message
        };
        let answer = Answer {
            status: raw.status,
            code,
            message,
        };
        match (code, raw.status) {
            (c, _) if code::NOT_LOGGED_IN.contains(&c) => Self::NotLoggedIn(answer),
            (code::KEY_MISMATCH, _) => Self::KeyMismatch(answer),
            (code::WRONG_PASSWORD, _) => Self::WrongPassword(answer),
            (code::API_DISABLED, _) => Self::ApiDisabled(answer),
            (code::RATE_LIMIT, _) | (_, 429) => Self::RateLimited(answer),
            (code::LIST_FULL, _) => Self::ListFull(answer),
            (code::UNKNOWN_SYMBOL, _) => Self::UnknownSymbol(answer),
            (code::NONE_REGISTERED | code::SOME_REGISTERED, _) => Self::SomeNotRegistered(answer),
            (code::NONE_REMOVED | code::SOME_REMOVED, _) => Self::SomeNotRemoved(answer),
            (_, 503) => Self::Maintenance(answer),
            (0, 400) if html => Self::WrongHost(answer),
            (0, status) if html || (300..400).contains(&status) => Self::NotTheStation(answer),
            (_, 403) => Self::ApiDisabled(answer),
            (_, 400) if login => Self::WrongEnvironment(answer),
            _ => Self::Server(answer),
        }
    }
}

fn server_advice(answer: &Answer) -> &'static str {
    match answer.status {
        401 => "Check token and API password.",
        404 => "The address is unknown there: check the port (18080 production, 18081 verification).",
        500..=599 => "The station has an internal error; it is asked again. If it stays, restart kabu Station.",
        _ => "The station refused the request; please report it with this line.",
    }
}
