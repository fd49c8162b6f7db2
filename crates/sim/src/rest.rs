//! The REST side as pure state: session, registration list, rate limits, boards. Time comes in as an argument.
//!
//! The order of the checks is ours where no source tells it: path, method, maintenance, login, key, rate, media type,
//! then path argument, query or body. A family of endpoints a file. Orders are refused (`other`).

mod board;
mod boards;
mod body;
mod dice;
mod endpoint;
mod limiter;
mod list;
mod listed;
mod members;
mod other;
mod ranking;
mod registry;
mod session;
mod shape;
mod symbols;
mod tape;
mod verification;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::rest::code;

pub(crate) use self::boards::Boards;
use self::dice::Dice;
use self::endpoint::{Class, Endpoint};
pub(crate) use self::endpoint::{api_path, counted_as, host_is_local};
use self::limiter::Limiter;
use self::registry::Registry;
pub(crate) use self::session::Session;
pub(crate) use self::tape::Tapes;
use self::verification::Verification;
use crate::config::{SimConfig, Source, Speed};
use crate::faults::{BoardAnswer, Faults, Maintenance, RestAnswer};
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
    verification: Verification,
    registry: Registry,
    touched: BTreeSet<Symbol>,
    tape_turns: BTreeMap<Symbol, Arc<tokio::sync::Mutex<()>>>,
    limits: Limits,
    dice: Dice,
    /// The market's, so that symbols are what the market makes them; 0 without one.
    seed: u64,
    speed: Speed,
}

/// Both are served by one application: one login, one list, one count of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Environment {
    Production,
    /// For tests of a connection: no market data.
    Verification,
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
    /// [`Station::tape`], at once when there are more trades than known.
    NextTrade {
        symbol: Symbol,
        known: usize,
    },
    /// Only this many bytes, then close.
    Truncated(Answer, usize),
    /// Nothing, the connection stays open.
    Never,
    /// TCP reset.
    Reset,
}

/// A call that has passed the checks.
struct Call<'a> {
    endpoint: Endpoint,
    path: &'a str,
    /// What follows the endpoint in the path.
    argument: &'a str,
    request: &'a Request,
}

/// One count a class of calls.
struct Limits {
    info: Limiter,
    register: Limiter,
    wallet: Limiter,
    order: Limiter,
    tape: Limiter,
}

impl Limits {
    fn new(second: Duration) -> Self {
        Self {
            info: Limiter::new(second, 10),
            register: Limiter::new(second, 10),
            wallet: Limiter::new(second, 10),
            order: Limiter::new(second, 5),
            tape: Limiter::new(second, 2),
        }
    }

    fn allow(&mut self, class: Class, now: Instant) -> bool {
        match class {
            Class::Free => true,
            Class::Info => self.info.allows(now),
            Class::Register => self.register.allows(now),
            Class::Wallet => self.wallet.allows(now),
            Class::Order => self.order.allows(now),
            Class::TimeAndSales => self.tape.allows(now),
        }
    }
}

impl Station {
    pub(crate) fn new(config: &SimConfig) -> Self {
        let seed = match &config.source {
            Source::Market(market) => market.seed,
            _ => 0,
        };
        Self {
            now: config.start.unwrap_or_default(),
            faults: config.faults.clone(),
            session: Session::new(config.token.clone(), config.password.clone()),
            boards: Boards::new(config.require_registration),
            tapes: Tapes::default(),
            overrides: BTreeMap::new(),
            verification: Verification::new(config.verification_password.clone()),
            registry: Registry::new(config.list_limit),
            touched: BTreeSet::new(),
            tape_turns: BTreeMap::new(),
            limits: Limits::new(config.speed.real(Duration::from_secs(1))),
            dice: Dice::new(config.faults.seed.unwrap_or(seed)),
            seed,
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

    /// Restarts the application: list and tokens are gone, everything has to be asked upstream again.
    pub(crate) fn restart(&mut self) {
        self.touched.clear();
        self.lose_list();
        self.session.replace_token();
        self.verification.session.replace_token();
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, now: Instant, environment: Environment, request: &Request) -> Reply {
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
            Some(RestAnswer::Late { delay }) => self.usual(now, environment, path, request).later(delay),
            Some(RestAnswer::Truncated { bytes }) => match self.usual(now, environment, path, request) {
                Reply {
                    delay,
                    act: Act::Answer(answer),
                } => Reply {
                    delay,
                    act: Act::Truncated(answer, bytes),
                },
                other => other,
            },
            None => self.usual(now, environment, path, request),
        }
    }

    /// Held while a request for a tape is worked at: a second one for the same symbol waits for the first, even when
    /// requests are not processed one after another.
    pub(crate) fn tape_turn(&mut self, request: &Request) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let path = request.path();
        let (endpoint, _, argument) = Endpoint::of(api_path(&path)?)?;
        let symbol = (endpoint == Endpoint::TimeAndSales).then(|| self.named(argument).ok())??;
        Some(Arc::clone(self.tape_turns.entry(symbol).or_default()))
    }

    fn next_fault(&mut self, path: &str) -> Option<RestAnswer> {
        let dice = &mut self.dice;
        let fault = self.faults.rest.iter_mut().find(|fault| {
            let fits = path.starts_with(&fault.path) && fault.times != Some(0);
            fits && fault.chance.is_none_or(|chance| dice.chance(chance))
        })?;
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        Some(fault.answer.clone())
    }

    fn usual(&mut self, now: Instant, environment: Environment, path: &str, request: &Request) -> Reply {
        let answered = self
            .checked(now, environment, path, request)
            .and_then(|call| self.dispatched(environment, &call));
        answered.unwrap_or_else(Reply::now)
    }

    fn checked<'a>(
        &mut self,
        now: Instant,
        environment: Environment,
        path: &'a str,
        request: &'a Request,
    ) -> Result<Call<'a>, Answer> {
        let found = Endpoint::of(path).ok_or_else(|| Answer::error(400, code::BAD_PATH))?;
        let (endpoint, _, argument) = found;
        if request.method != endpoint.method() {
            return Err(Answer::error(405, code::METHOD));
        }
        match self.faults.maintenance {
            Some(Maintenance::Stopped) => return Err(Answer::error(503, code::INTERNAL)),
            Some(Maintenance::RateLimit) => return Err(Answer::error(429, code::RATE_LIMIT)),
            None => {}
        }
        if !self.session.is_logged_in() {
            return Err(Answer::error(401, code::NOT_LOGGED_IN[0]));
        }
        if endpoint != Endpoint::Token && !self.accepts(environment, request.header("x-api-key")) {
            return Err(Answer::error(401, code::KEY_MISMATCH));
        }
        if self.faults.rate_limit && !self.limits.allow(endpoint.class(), now) {
            return Err(Answer::error(429, code::RATE_LIMIT));
        }
        let media = request.header("content-type").and_then(|v| v.split(';').next());
        let is_json = media.is_some_and(|m| m.trim().eq_ignore_ascii_case("application/json"));
        if endpoint.has_body() && !is_json {
            return Err(Answer::error(415, code::MEDIA_TYPE));
        }
        Ok(Call {
            endpoint,
            path,
            argument,
            request,
        })
    }

    fn accepts(&self, environment: Environment, key: Option<&str>) -> bool {
        match environment {
            Environment::Production => self.session.accepts(key),
            Environment::Verification => {
                self.verification.issued_at == self.session.logouts() && self.verification.session.accepts(key)
            }
        }
    }

    fn dispatched(&mut self, environment: Environment, call: &Call<'_>) -> Result<Reply, Answer> {
        if environment == Environment::Verification
            && let Some(answered) = self.verify(call)
        {
            return answered;
        }
        let (request, argument) = (call.request, call.argument);
        match call.endpoint {
            Endpoint::Token => self.token(environment, &request.body).map(Reply::now),
            Endpoint::Register => self.add(&request.body).map(Reply::now),
            Endpoint::Unregister => self.remove(&request.body).map(Reply::now),
            Endpoint::UnregisterAll => Ok(Reply::now(self.remove_all())),
            Endpoint::Board => self.board(argument),
            Endpoint::Symbol => self.symbol(argument, request),
            Endpoint::PrimaryExchange => self.primary_exchange(argument),
            Endpoint::Ranking => self.ranking(request),
            Endpoint::FutureName => self.future_name(request),
            Endpoint::OptionName | Endpoint::WeeklyOptionName => self.option_name(request),
            Endpoint::TimeAndSales => self.named(argument).map(|symbol| self.time_and_sales(symbol)),
            Endpoint::SoftLimit => Ok(other::soft_limit()),
            Endpoint::Regulations => self.regulations(argument),
            Endpoint::MarginPremium => self.margin_premium(argument),
            Endpoint::FxRate => Err(other::no_rates()),
            Endpoint::Wallet => Ok(other::wallet(environment, call.path)),
            Endpoint::Orders => Ok(other::no_orders()),
            Endpoint::SendOrder | Endpoint::CancelOrder => Err(other::refused()),
        }
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
