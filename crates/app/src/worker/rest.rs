//! The REST side of the worker: hands requests to the REST thread, and its replies to the engine and the log.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ayumi_engine::settings::EngineSettings;
use ayumi_engine::{Stamp, SymbolId};
use ayumi_station::rest;
use ayumi_station::{Entry, Job, Registration, Reply, RestError, RestWorker};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use super::OnlineSetup;
use super::core::Core;
use super::health::State;
use crate::clock::Clock;
use crate::fault;
use crate::text::redact;

/// After a registration that did not go through, it is tried again this often while the line is up.
const REGISTER_AGAIN: Duration = Duration::from_secs(30);

/// While nobody is logged in, it is looked this often whether somebody is. That is no login attempt, and costs the
/// station nothing: a login is noticed at once, and only then a token is fetched.
const LOOK_AGAIN: Duration = Duration::from_millis(2_500);

/// The REST thread and what is known of it.
pub(super) struct Rest {
    worker: RestWorker,
    entries: Vec<Entry>,
    auto_register: bool,
    probe: bool,
    register_at: Option<Instant>,
    register_again: Duration,
    /// Complaints already made, so that each is made once.
    refused: BTreeSet<Entry>,
    register_error: Option<String>,
    /// It was said that all is registered.
    said_registered: bool,
    board_error: Option<String>,
    /// What the last answer tells of token and login, if nothing good.
    access: Option<(State, String)>,
    /// Symbols that are not on the station's list.
    missing: usize,
    /// The station has answered a call with a token since the start.
    known_in: bool,
    /// A login is waited for.
    waits: bool,
    /// When to look for it; `None` while a look is under way.
    look_at: Option<Instant>,
    look_again: Duration,
    look_error: Option<String>,
    line_up: bool,
}

impl Rest {
    pub(super) fn start(
        online: &OnlineSetup,
        settings: &EngineSettings,
        clock: &Clock,
        tell: mpsc::Sender<Reply>,
    ) -> std::io::Result<Self> {
        let entries = settings
            .watched
            .iter()
            .map(|w| Entry {
                symbol: w.symbol.code.clone(),
                exchange: w.symbol.exchange,
            })
            .collect();
        // One request is in flight, so the channel never fills while the worker lives; when it is gone, nobody waits.
        let worker = rest::spawn(online.rest.clone(), move |reply| {
            fault::point("rest");
            drop(tell.blocking_send(reply));
        });
        if online.rest.token.is_none() && online.rest.api_password.is_some() {
            // Before any token is asked for: a refused attempt would forbid the next one for half a minute.
            let _ = worker.send(Job::Look);
        }
        Ok(Self {
            worker,
            entries,
            auto_register: online.auto_register,
            probe: online.probe,
            register_at: None,
            register_again: clock.scale(REGISTER_AGAIN),
            refused: BTreeSet::new(),
            register_error: None,
            said_registered: false,
            board_error: None,
            access: None,
            missing: 0,
            known_in: false,
            waits: false,
            look_at: None,
            look_again: clock.scale(LOOK_AGAIN),
            look_error: None,
            line_up: false,
        })
    }

    /// Sends the `--probe-board` request; false when none is wanted.
    pub(super) fn probe(&mut self) -> bool {
        let first = self.entries.first().filter(|_| self.probe).cloned();
        first.is_some_and(|entry| self.worker.send(Job::Probe { entry }).is_ok())
    }

    /// The line is up: the list is looked at.
    pub(super) fn line_came_up(&mut self) {
        self.line_up = true;
        self.ensure_registered();
    }

    /// Reads the station's list back and registers what is missing.
    fn ensure_registered(&mut self) {
        self.register_at = None;
        if self.auto_register
            && self
                .worker
                .send(Job::EnsureRegistered {
                    symbols: self.entries.clone(),
                })
                .is_err()
        {
            self.register_at = Some(Instant::now() + self.register_again);
        }
    }

    /// Waits for a login from now on.
    pub(super) fn wait_for_login(&mut self) {
        if !std::mem::replace(&mut self.waits, true) {
            self.look();
        }
    }

    fn look(&mut self) {
        let sent = self.worker.send(Job::Look).is_ok();
        self.look_at = (!sent).then(|| Instant::now() + self.look_again);
    }

    /// Somebody is logged in, or not yet. What is not known any better is asked again.
    fn looked(&mut self, result: &Result<(), RestError>) {
        self.look_at = Some(Instant::now() + self.look_again);
        match result {
            Err(error @ RestError::NotLoggedIn(_)) => self.not_in(error),
            Err(error @ (RestError::Transport(_) | RestError::Maintenance(_))) if self.waits => self.not_in(error),
            // Nothing is known of a login, and nobody waits for one.
            Err(RestError::Transport(_) | RestError::Maintenance(_)) => {}
            // Every other answer comes from a station that somebody is logged in to.
            _ if self.waits => {
                (self.waits, self.look_error) = (false, None);
                self.check_login();
            }
            _ => {}
        }
    }

    fn not_in(&mut self, error: &RestError) {
        self.failed(error);
        let text = error.to_string();
        if self.look_error.as_ref() != Some(&text) {
            // The registration may have said the same.
            if self.register_error.as_ref() != Some(&text) {
                log::warn!("{text}. {}", error.advice());
            }
            self.look_error = Some(text);
        }
    }

    /// Asks whether the token is good, as the registration does; without registration by an empty list, which
    /// changes nothing.
    fn check_login(&mut self) {
        if self.auto_register {
            self.ensure_registered();
        } else if self.worker.send(Job::EnsureRegistered { symbols: Vec::new() }).is_err() {
            self.register_at = Some(Instant::now() + self.register_again);
        }
    }

    /// Whether the station has answered a call with a token.
    pub(super) fn is_known_in(&self) -> bool {
        self.known_in
    }

    /// What is wrong with token, login or list; `None` = nothing that is known.
    pub(super) fn ails(&self) -> Option<(State, String)> {
        let list = || {
            (
                State::Register,
                format!("{} symbols are not on the station's list", self.missing),
            )
        };
        self.access.clone().or_else(|| (self.missing > 0).then(list))
    }

    fn answered(&mut self) {
        (self.access, self.known_in, self.waits) = (None, true, false);
        self.look_error = None;
    }

    /// What a failed call tells. An answer about a symbol, or about too many calls, says that the token is fine.
    fn failed(&mut self, error: &RestError) {
        let state = match error {
            RestError::NotLoggedIn(_) => State::WaitingLogin,
            RestError::KeyMismatch(_)
            | RestError::WrongPassword(_)
            | RestError::ApiDisabled(_)
            | RestError::WrongEnvironment(_)
            | RestError::BadToken => State::Token,
            RestError::Transport(_)
            | RestError::Server(_)
            | RestError::BadBody(_)
            | RestError::NotTheStation(_)
            | RestError::WrongHost(_)
            | RestError::Maintenance(_) => State::RestDown,
            _ => return,
        };
        if state == State::WaitingLogin && !std::mem::replace(&mut self.waits, true) {
            self.look_at = Some(Instant::now() + self.look_again);
        }
        if self.access.as_ref().is_none_or(|(known, _)| *known != state) {
            self.access = Some((state, error.to_string()));
        }
    }

    /// Time passed. While nobody is logged in it is asked without a line, too.
    pub(super) fn tick(&mut self, line_up: bool) {
        self.line_up = line_up;
        if self.waits {
            if self.look_at.is_some_and(|at| Instant::now() >= at) {
                self.look();
            }
        } else if (line_up || !self.known_in) && self.register_at.is_some_and(|at| Instant::now() >= at) {
            self.register_at = None;
            self.check_login();
        }
    }

    /// Asks `/board`; false when the request could not be taken.
    pub(super) fn board(&mut self, symbol: SymbolId) -> bool {
        let entry = self.entries[symbol.index()].clone();
        self.worker
            .send(Job::Board {
                entry,
                tag: u64::from(symbol.0),
            })
            .is_ok()
    }

    pub(super) fn token(&self) -> Option<SecretString> {
        self.worker.token()
    }

    pub(super) fn stop(&self) {
        self.worker.stop();
    }

    pub(super) fn reply(&mut self, reply: Reply, core: &mut Core, now: Stamp) {
        match reply {
            Reply::Board { tag, result, .. } => {
                let symbol = SymbolId(tag as u16);
                match result {
                    Ok(body) => {
                        core.on_board(symbol, &body, now);
                        self.answered();
                        self.board_fine();
                    }
                    Err(error) => {
                        self.failed(&error);
                        core.engine
                            .on_board_failed(!matches!(error, RestError::Transport(_)), now);
                        self.board_failed(symbol, &error);
                    }
                }
            }
            Reply::Registered(registration) => self.registered(registration),
            Reply::Looked(result) => self.looked(&result),
            Reply::Probed { entry, result, took } => say_probe(&entry, &result, took),
            Reply::TokenChanged => self.token_changed(),
        }
    }

    /// The REST thread has said it; here the net under secrets learns the new one. The list is looked at: a station that
    /// was started anew has lost it, and one that could not be filled without the token waits for it. Until then a
    /// healthy line is silent.
    fn token_changed(&mut self) {
        if let Some(token) = self.worker.token() {
            redact::forbid(token.expose_secret());
        }
        if self.register_at.take().is_some() || self.known_in {
            self.check_login();
        }
    }

    fn board_fine(&mut self) {
        if self.board_error.take().is_some() {
            log::info!("/board answers again");
        }
    }

    /// The same complaint is made once, not eight times a second.
    fn board_failed(&mut self, symbol: SymbolId, error: &RestError) {
        let text = error.to_string();
        if self.board_error.as_ref() != Some(&text) {
            let entry = &self.entries[symbol.index()];
            log::warn!(
                "/board {}@{}: {text}; books come from PUSH meanwhile. {}",
                entry.symbol,
                entry.exchange,
                error.advice()
            );
            self.board_error = Some(text);
        }
    }

    fn registered(&mut self, registration: Registration) {
        match &registration.error {
            None => self.answered(),
            Some(error) => self.failed(error),
        }
        self.missing = registration.refused.len() + registration.not_fitting.len();
        for (entry, why) in &registration.refused {
            if self.refused.insert(entry.clone()) {
                log::warn!(
                    "symbol {}@{} was refused by the station ({why}); check the code in \"symbols\". The others go on",
                    entry.symbol,
                    entry.exchange
                );
            }
        }
        if !registration.not_fitting.is_empty() {
            let names: Vec<&str> = registration.not_fitting.iter().map(|e| e.symbol.as_str()).collect();
            log::warn!(
                "the station's list is full ({} entries, code 4002006): {} do not fit. Free slots with ayumi unregister (--all: also of other programs), or shorten \"symbols\"",
                registration.on_list,
                names.join(",")
            );
        }
        match &registration.error {
            None => {
                let added = registration.added.len();
                let mended = self.register_error.take().is_some();
                // On a line that comes and goes a complete list is no news.
                let news = self.auto_register && (added > 0 || mended || !self.said_registered);
                let level = if news { log::Level::Info } else { log::Level::Debug };
                log::log!(level, "registered symbols={} added={added}", registration.registered);
                self.said_registered = true;
            }
            Some(error) => {
                self.register_at = Some(Instant::now() + self.register_again);
                let text = error.to_string();
                if self.register_error.as_ref() != Some(&text) {
                    let read = if self.line_up {
                        " PUSH is read all the same."
                    } else {
                        ""
                    };
                    let again = match self.waits {
                        true => "after the login".to_owned(),
                        false => format!("every {} s", REGISTER_AGAIN.as_secs()),
                    };
                    log::warn!(
                        "registration: {text}. {}{read} Registration is tried again {again}",
                        error.advice()
                    );
                    self.register_error = Some(text);
                }
            }
        }
    }
}

/// The three fixed wordings of `--probe-board`.
fn say_probe(entry: &Entry, result: &Result<Vec<u8>, RestError>, took: Duration) {
    let what = format!("[PROBE] /board {}@{}", entry.symbol, entry.exchange);
    match result {
        Ok(_) => log::info!("{what} OK ({} ms)", took.as_millis()),
        Err(error) => log::warn!("{what} {error}; {}", error.advice()),
    }
}
