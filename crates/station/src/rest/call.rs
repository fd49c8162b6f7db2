//! A call with everything around it: pace, token, retries.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_wire::rest::{Entry, TokenAnswer, TokenRequest};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroize as _};

use super::http::{Http, Method, Raw, Request};
use super::login::{Login, Why};
use super::pace::Pace;
use super::queue::Shared;
use super::{RestConfig, RestError, Transport};

/// Everything but `/board`: registration of unknown symbols asks upstream.
const LIMIT: Duration = Duration::from_secs(10);

/// The caller of one worker thread, or of one command.
pub(super) struct Caller {
    shared: Arc<Shared>,
    http: Http,
    config: RestConfig,
    pace: Pace,
    login: Login,
    took: Duration,
    renewed: bool,
}

impl Caller {
    pub(super) fn new(config: RestConfig, http: Http, shared: Arc<Shared>) -> Self {
        let scaled = |secs| config.scaled(Duration::from_secs(secs));
        let pace = Pace::new(
            config.scaled(config.spacing),
            config.scaled(config.silence_after_429),
            scaled(30),
        );
        let login = Login::new(scaled(60));
        Self {
            shared,
            http,
            config,
            pace,
            login,
            took: Duration::ZERO,
            renewed: false,
        }
    }

    /// Not before this may the next request start.
    pub(super) fn next_start(&self) -> Option<Instant> {
        self.pace.next()
    }

    /// Real time of the last exchange, without the waiting before it.
    pub(super) fn took(&self) -> Duration {
        self.took
    }

    /// True once after a new token was fetched.
    pub(super) fn take_renewed(&mut self) -> bool {
        std::mem::take(&mut self.renewed)
    }

    /// Calls with the token. A dead token is replaced and the call repeated, if a password allows it.
    pub(super) fn call(&mut self, request: &Request) -> Result<Vec<u8>, RestError> {
        self.took = Duration::ZERO;
        if self.shared.token().is_none() {
            self.renew(Why::Missing)?;
        }
        let error = match self.with_token(request) {
            Ok(body) => return Ok(body),
            Err(e) => e,
        };
        let why = match error {
            RestError::KeyMismatch(_) => Why::Mismatch,
            RestError::NotLoggedIn(_) => Why::NotLoggedIn,
            other => return Err(other),
        };
        if self.renew(why)? {
            self.with_token(request)
        } else {
            Err(error)
        }
    }

    /// As [`Self::call`], for what must get through: waits out a 429 and repeats an internal error once (kabusapi: 500
    /// comes with parallel requests, which then are somebody else's).
    pub(super) fn call_patiently(&mut self, request: &Request) -> Result<Vec<u8>, RestError> {
        let (mut limited, mut broken) = (0, 0);
        loop {
            match self.call(request) {
                Err(RestError::RateLimited(_)) if limited < 3 => limited += 1,
                Err(RestError::Server(a)) if a.status == 500 && broken < 1 => {
                    broken += 1;
                    self.pace
                        .hold(Instant::now(), self.config.scaled(Duration::from_secs(1)));
                }
                other => return other,
            }
        }
    }

    /// Whether somebody is logged in, by a call that changes nothing: no token is fetched for it, and without any token
    /// it is asked all the same. Any answer but [`RestError::NotLoggedIn`] means yes.
    pub(super) fn look(&mut self) -> Result<(), RestError> {
        let request = Request {
            method: Method::Get,
            path: "/kabusapi/apisoftlimit".to_owned(),
            body: Vec::new(),
            limit: LIMIT,
        };
        self.with_token(&request).map(drop)
    }

    fn with_token(&mut self, request: &Request) -> Result<Vec<u8>, RestError> {
        let answer = self.once(request);
        self.login.heard(Instant::now(), answer.as_ref().map(drop));
        answer
    }

    fn once(&mut self, request: &Request) -> Result<Vec<u8>, RestError> {
        let token = self.shared.token();
        let first = self.paced(request, token.as_ref());
        // A kept connection may have been closed just now; asking once more is harmless, all our calls are idempotent.
        let raw = match first {
            Err(RestError::Transport(Transport::Reset)) => self.paced(request, token.as_ref())?,
            other => other?,
        };
        accept(raw, false)
    }

    /// One exchange at its time; tells the pace what came of it.
    fn paced(&mut self, request: &Request, token: Option<&SecretString>) -> Result<Raw, RestError> {
        if !self.shared.wait_until(self.pace.next()) {
            return Err(RestError::Stopped);
        }
        let start = Instant::now();
        self.pace.started(start);
        let outcome = self.http.exchange(request, token, self.config.scaled(request.limit));
        self.took = start.elapsed();
        match &outcome {
            Ok(raw) if raw.status != 200 && matches!(RestError::of(raw, false), RestError::RateLimited(_)) => {
                self.pace.refused(Instant::now());
            }
            Ok(_) => self.pace.answered(),
            Err(_) => {}
        }
        if self.shared.stopping() {
            Err(RestError::Stopped)
        } else {
            outcome
        }
    }

    /// Fetches a token if a password allows it and the time has come; `Ok(true)` = there is a new one.
    fn renew(&mut self, why: Why) -> Result<bool, RestError> {
        let Some(password) = self.config.api_password.clone() else {
            return Ok(false);
        };
        match self.login.allowed(Instant::now(), why) {
            Ok(()) => {}
            // A wrong password is what the user must hear of, and without any token the call is refused anyway.
            Err(Some(e)) if why == Why::Missing || !e.is_retryable() => return Err(e),
            Err(_) => return Ok(false),
        }
        let outcome = self.fetch_token(&password);
        if outcome == Err(RestError::Stopped) {
            return Err(RestError::Stopped);
        }
        let news = self.login.note(Instant::now(), outcome.clone());
        match &outcome {
            Ok(()) => self.announce(why),
            Err(e) if news => log::warn!("no new token: {e}. {}", e.advice()),
            Err(e) => log::debug!("still no new token: {e}"),
        }
        outcome.map(|()| true)
    }

    fn fetch_token(&mut self, password: &SecretString) -> Result<(), RestError> {
        let mut body = TokenRequest {
            api_password: password.expose_secret().to_owned(),
        };
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        body.api_password.zeroize();
        let mut request = Request {
            method: Method::Post,
            path: "/kabusapi/token".to_owned(),
            body: bytes,
            limit: LIMIT,
        };
        let outcome = self.paced(&request, None);
        request.body.zeroize();
        let mut bytes = accept(outcome?, true)?;
        let answer = serde_json::from_slice::<TokenAnswer>(&bytes);
        bytes.zeroize();
        match answer {
            Ok(a) if a.result_code == 0 && !a.token.is_empty() && a.token.bytes().all(|b| b.is_ascii_graphic()) => {
                self.shared.set_token(SecretString::from(a.token));
                self.renewed = true;
                Ok(())
            }
            _ => Err(RestError::BadBody("no token in it")),
        }
    }

    fn announce(&self, why: Why) {
        match why {
            Why::Mismatch => log::warn!(
                "the station's token was replaced (by another program, or kabu Station was restarted); a new one was fetched"
            ),
            Why::Missing | Why::NotLoggedIn => log::info!("a token was fetched from the station"),
        }
    }
}

/// `PUT` with a JSON body and the usual limit.
pub(super) fn put(path: &str, body: Vec<u8>) -> Request {
    Request {
        method: Method::Put,
        path: path.to_owned(),
        body,
        limit: LIMIT,
    }
}

/// The path of a call about one symbol, `/kabusapi/board/7203@1`; nothing in a code can lead it astray.
pub(super) fn path_of(what: &str, entry: &Entry) -> String {
    let mut path = format!("/kabusapi/{what}/");
    for byte in entry.symbol.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            // Writing to a String cannot fail.
            other => drop(write!(path, "%{other:02X}")),
        }
    }
    let _ = write!(path, "@{}", entry.exchange);
    path
}

/// The body of a 200 that is a JSON object by its braces; the rest is for the decoder.
fn accept(raw: Raw, login: bool) -> Result<Vec<u8>, RestError> {
    if raw.status != 200 {
        return Err(RestError::of(&raw, login));
    }
    if raw.html {
        return Err(RestError::BadBody("HTML"));
    }
    let body = raw.body.trim_ascii();
    match (body.first(), body.last()) {
        (None, _) => Err(RestError::BadBody("empty")),
        (Some(b'{'), Some(b'}')) => Ok(raw.body),
        (Some(b'{'), _) => Err(RestError::BadBody("cut off")),
        _ => Err(RestError::BadBody("no JSON object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_be_led_astray() {
        let path = |symbol: &str| {
            path_of(
                "board",
                &Entry {
                    symbol: symbol.to_owned(),
                    exchange: 1,
                },
            )
        };
        assert_eq!(path("285A"), "/kabusapi/board/285A@1");
        assert_eq!(path("../token?x=1#"), "/kabusapi/board/..%2Ftoken%3Fx%3D1%23@1");
    }
}
