//! The REST side as pure state: session, registration list, rate limits, boards. Time comes in as an argument.
//!
//! The order of the checks is ours where no source tells it: path, method, login, key, rate, media type, body.

mod boards;
mod limiter;
mod registry;
mod session;
mod tape;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::rest::{Entry, RegisterAnswer, RegisterRequest, TokenAnswer, TokenRequest, code};

pub(crate) use self::boards::Boards;
use self::limiter::Limiter;
use self::registry::{Full, Registry};
pub(crate) use self::session::Session;
pub(crate) use self::tape::Tapes;
use crate::config::{SimConfig, Speed};
use crate::faults::{BoardAnswer, Faults, RestAnswer};
use crate::http::{Answer, Request};

/// Everything behind the REST port.
pub(crate) struct Station {
    /// What the station believes the time to be, kept by [`crate::shared::Shared::station`]: simulated, and stepped by
    /// faults.
    pub now: Stamp,
    pub faults: Faults,
    pub session: Session,
    pub boards: Boards,
    pub tapes: Tapes,
    pub overrides: BTreeMap<Symbol, BoardAnswer>,
    registry: Registry,
    touched: BTreeSet<Symbol>,
    info: Limiter,
    register: Limiter,
    speed: Speed,
}

/// What to do with a request.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    /// Wait this long first.
    pub delay: Duration,
    /// Then do this.
    pub act: Act,
}

/// How a request ends.
#[derive(Debug, PartialEq)]
pub(crate) enum Act {
    Answer(Answer),
    /// Only this many bytes, then close.
    Truncated(Answer, usize),
    /// Nothing, the connection stays open.
    Never,
    /// TCP reset.
    Reset,
}

/// The endpoints served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Token,
    Register,
    Unregister,
    UnregisterAll,
    Board,
}

impl Endpoint {
    fn of(path: &str) -> Option<Self> {
        Some(match path.to_ascii_lowercase().as_str() {
            "/token" => Self::Token,
            "/register" => Self::Register,
            "/unregister" => Self::Unregister,
            "/unregister/all" => Self::UnregisterAll,
            p if p.starts_with("/board/") => Self::Board,
            _ => return None,
        })
    }

    fn method(self) -> &'static str {
        match self {
            Self::Token => "POST",
            Self::Board => "GET",
            Self::Register | Self::Unregister | Self::UnregisterAll => "PUT",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Token => "/token",
            Self::Register => "/register",
            Self::Unregister => "/unregister",
            Self::UnregisterAll => "/unregister/all",
            Self::Board => "/board",
        }
    }
}

/// How a request is counted: `GET /board`; unknown paths share one name, so that the counters stay bounded.
pub(crate) fn counted_as(request: &Request) -> String {
    let path = request.path();
    let name = api_path(&path).and_then(Endpoint::of).map_or("other", Endpoint::name);
    let method = match request.method.as_str() {
        known @ ("GET" | "PUT" | "POST" | "DELETE" | "HEAD" | "OPTIONS") => known,
        _ => "OTHER",
    };
    format!("{method} {name}")
}

/// The part after `/kabusapi`; `None` = outside of what http.sys gives to the station.
pub(crate) fn api_path(path: &str) -> Option<&str> {
    let prefix = path.get(..9)?;
    let rest = &path[9..];
    (prefix.eq_ignore_ascii_case("/kabusapi") && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// The Host rule of http.sys: `localhost` with or without this port.
pub(crate) fn host_is_local(request: &Request, port: u16) -> bool {
    let host = request.header("host").unwrap_or_default();
    let (name, given) = match host.rsplit_once(':') {
        Some((name, given)) => (name, given.parse().ok()),
        None => (host, Some(port)),
    };
    name.eq_ignore_ascii_case("localhost") && given == Some(port)
}

impl Station {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            now: config.start.unwrap_or_default(),
            faults: config.faults.clone(),
            session: Session::new(config.token.clone(), config.password.clone()),
            boards: Boards::new(config.require_registration),
            tapes: Tapes::default(),
            overrides: BTreeMap::new(),
            registry: Registry::new(config.list_limit),
            touched: BTreeSet::new(),
            info: Limiter::new(config.speed.real(Duration::from_secs(1))),
            register: Limiter::new(config.speed.real(Duration::from_secs(1))),
            speed: config.speed,
        }
    }

    /// The board of a symbol that the source shows, made when new.
    pub(crate) fn slot(&mut self, symbol: &Symbol) -> usize {
        match self.boards.slot(symbol) {
            Some(slot) => slot,
            None => self.boards.insert(symbol, self.registry.has_push(symbol)),
        }
    }

    /// True when at least one symbol is registered for PUSH.
    pub(crate) fn has_registered(&self) -> bool {
        !self.registry.is_empty()
    }

    /// True when some `/board` was asked for.
    pub(crate) fn has_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Empties the list, as a restart of the application does.
    pub(crate) fn lose_list(&mut self) {
        self.registry.clear();
        self.boards.registered(&self.registry);
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, now: Instant, request: &Request) -> Reply {
        let path = request.path();
        let Some(path) = api_path(&path) else {
            return Reply::now(Answer::html(404, "Not Found"));
        };
        let fault = self.next_fault(path);
        match fault {
            Some(RestAnswer::Error { status, code }) => Reply::now(Answer::error(status, code)),
            Some(RestAnswer::Html { status }) => Reply::now(Answer::html(status, "Fault")),
            Some(RestAnswer::Body { status, body }) => Reply::now(Answer::json(status, body)),
            Some(RestAnswer::Never) => Reply::act(Act::Never),
            Some(RestAnswer::Reset) => Reply::act(Act::Reset),
            Some(RestAnswer::Late { delay }) => self.usual(now, path, request).later(delay),
            Some(RestAnswer::Truncated { bytes }) => match self.usual(now, path, request) {
                Reply {
                    delay,
                    act: Act::Answer(answer),
                } => Reply {
                    delay,
                    act: Act::Truncated(answer, bytes),
                },
                other => other,
            },
            None => self.usual(now, path, request),
        }
    }

    fn next_fault(&mut self, path: &str) -> Option<RestAnswer> {
        let fits = |f: &&mut crate::faults::RestFault| path.starts_with(&f.path) && f.times != Some(0);
        let fault = self.faults.rest.iter_mut().find(fits)?;
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        Some(fault.answer.clone())
    }

    fn usual(&mut self, now: Instant, path: &str, request: &Request) -> Reply {
        match self.checked(now, path, request) {
            Ok(reply) => reply,
            Err(answer) => Reply::now(answer),
        }
    }

    fn checked(&mut self, now: Instant, path: &str, request: &Request) -> Result<Reply, Answer> {
        let endpoint = Endpoint::of(path).ok_or_else(|| Answer::error(400, code::BAD_PATH))?;
        if request.method != endpoint.method() {
            return Err(Answer::error(405, code::METHOD));
        }
        if !self.session.is_logged_in() {
            return Err(Answer::error(401, code::NOT_LOGGED_IN[0]));
        }
        if endpoint != Endpoint::Token && !self.session.accepts(request.header("x-api-key")) {
            return Err(Answer::error(401, code::KEY_MISMATCH));
        }
        let limiter = match endpoint {
            Endpoint::Token => None,
            Endpoint::Board => Some(&mut self.info),
            _ => Some(&mut self.register),
        };
        if self.faults.rate_limit && limiter.is_some_and(|l| !l.allows(now)) {
            return Err(Answer::error(429, code::RATE_LIMIT));
        }
        let json = || {
            let media = request.header("content-type").and_then(|v| v.split(';').next());
            match media.is_some_and(|m| m.trim().eq_ignore_ascii_case("application/json")) {
                true => Ok(()),
                false => Err(Answer::error(415, code::MEDIA_TYPE)),
            }
        };
        match endpoint {
            Endpoint::Board => Ok(self.board(&path["/board/".len()..])),
            Endpoint::UnregisterAll => {
                self.touched.clear();
                self.lose_list();
                Ok(Reply::now(self.list()))
            }
            Endpoint::Token => json().and_then(|()| self.token(&request.body)).map(Reply::now),
            Endpoint::Register => json().and_then(|()| self.add(&request.body)).map(Reply::now),
            Endpoint::Unregister => json().and_then(|()| self.remove(&request.body)).map(Reply::now),
        }
    }

    fn token(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        let request: TokenRequest = read(body)?;
        match self.session.issue(&request.api_password) {
            Some(token) => Ok(to_json(&TokenAnswer { result_code: 0, token })),
            None => Err(Answer::error(401, code::WRONG_PASSWORD)),
        }
    }

    /// Adds; unknown codes are left out and reported without saying which, as the station does. A request that does
    /// not fit adds nothing.
    fn add(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        let (good, bad) = self.sorted_out(body)?;
        if bad > 0 && good.is_empty() {
            return Err(Answer::error(400, code::NONE_REGISTERED));
        }
        let added = self.registry.add_push(&good);
        self.boards.registered(&self.registry);
        match added {
            Err(Full) => Err(Answer::error(400, code::LIST_FULL)),
            Ok(()) if bad > 0 => Err(Answer::error(400, code::SOME_REGISTERED)),
            Ok(()) => Ok(self.list()),
        }
    }

    fn remove(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        let (good, bad) = self.sorted_out(body)?;
        for symbol in &good {
            self.registry.remove(symbol);
            self.touched.remove(symbol);
        }
        self.boards.registered(&self.registry);
        match (bad, good.is_empty()) {
            (0, _) => Ok(self.list()),
            (_, true) => Err(Answer::error(400, 4_001_020)),
            (_, false) => Err(Answer::error(400, 4_001_021)),
        }
    }

    /// The known symbols of a request, and how many unknown ones it named.
    fn sorted_out(&self, body: &[u8]) -> Result<(Vec<Symbol>, usize), Answer> {
        let request: RegisterRequest = read(body)?;
        let named = request.symbols.len();
        let good: Vec<Symbol> = request
            .symbols
            .into_iter()
            .map(|e| Symbol {
                code: e.symbol,
                exchange: e.exchange,
            })
            .filter(|s| self.knows(s))
            .collect();
        let bad = named - good.len();
        Ok((good, bad))
    }

    fn knows(&self, symbol: &Symbol) -> bool {
        let code = symbol.code.as_str();
        (3..=12).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            && matches!(symbol.exchange, 1 | 2 | 3 | 5 | 6 | 23 | 24)
            && !self.faults.bad_symbols.contains(code)
    }

    fn board(&mut self, name: &str) -> Reply {
        let symbol = name.split_once('@').and_then(|(code, exchange)| {
            Some(Symbol {
                code: code.to_owned(),
                exchange: exchange.parse().ok()?,
            })
        });
        let Some(symbol) = symbol.filter(|s| self.knows(s)) else {
            return Reply::now(Answer::error(400, code::UNKNOWN_SYMBOL));
        };
        if self.registry.touch(&symbol) == Err(Full) {
            return Reply::now(Answer::error(400, code::LIST_FULL));
        }
        let first = match self.touched.insert(symbol.clone()) {
            true => self.faults.first_touch,
            false => Duration::ZERO,
        };
        let answer = self.overrides.get(&symbol).cloned().unwrap_or(BoardAnswer::Usual);
        let work = self.speed.real(self.faults.board_delay.saturating_add(first));
        self.board_reply(&symbol, answer).later(work)
    }

    fn board_reply(&self, symbol: &Symbol, answer: BoardAnswer) -> Reply {
        match answer {
            BoardAnswer::Usual | BoardAnswer::Shape(_) => Reply::now(Answer::json(200, self.boards.text(symbol))),
            BoardAnswer::Body(body) => Reply::now(Answer::json(200, body)),
            BoardAnswer::Status(status, body) => Reply::now(Answer::json(status, body)),
            BoardAnswer::Delay(delay, inner) => self.board_reply(symbol, *inner).later(delay),
            BoardAnswer::Never => Reply::act(Act::Never),
        }
    }

    fn list(&self) -> Answer {
        let regist_list = self.registry.push_symbols().map(entry).collect();
        to_json(&RegisterAnswer { regist_list })
    }
}

impl Reply {
    fn now(answer: Answer) -> Self {
        Self::act(Act::Answer(answer))
    }

    fn act(act: Act) -> Self {
        Self {
            delay: Duration::ZERO,
            act,
        }
    }

    fn later(mut self, delay: Duration) -> Self {
        self.delay = self.delay.saturating_add(delay);
        self
    }
}

fn entry(symbol: &Symbol) -> Entry {
    Entry {
        symbol: symbol.code.clone(),
        exchange: symbol.exchange,
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|_| Answer::error(400, code::BAD_BODY))
}

fn to_json(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Answer::json(200, body),
        Err(_) => Answer::error(500, code::INTERNAL),
    }
}

#[cfg(test)]
mod tests;
