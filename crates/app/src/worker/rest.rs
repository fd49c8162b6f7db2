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
use crate::text::redact;

/// After a registration that did not go through, it is tried again this often while the line is up.
const REGISTER_AGAIN: Duration = Duration::from_secs(30);

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
        let worker = rest::spawn(online.rest.clone(), move |reply| drop(tell.blocking_send(reply)));
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
        })
    }

    /// Sends the `--probe-board` request; false when none is wanted.
    pub(super) fn probe(&mut self) -> bool {
        let first = self.entries.first().filter(|_| self.probe).cloned();
        first.is_some_and(|entry| self.worker.send(Job::Probe { entry }).is_ok())
    }

    /// Reads the station's list back and registers what is missing.
    pub(super) fn ensure_registered(&mut self) {
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

    /// Asks whether somebody is logged in, as the registration does; without registration by an empty list, which
    /// changes nothing.
    pub(super) fn check_login(&mut self) {
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
        (self.access, self.known_in) = (None, true);
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
        if self.access.as_ref().is_none_or(|(known, _)| *known != state) {
            self.access = Some((state, error.to_string()));
        }
    }

    /// Time passed. While nobody is logged in it is asked without a line, too.
    pub(super) fn tick(&mut self, line_up: bool) {
        let waits_for_login = !self.known_in;
        if (line_up || waits_for_login) && self.register_at.is_some_and(|at| Instant::now() >= at) {
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
            Reply::Probed { entry, result, took } => say_probe(&entry, &result, took),
            Reply::TokenChanged => self.token_changed(),
        }
    }

    /// The REST thread has said it; here the net under secrets learns the new one. A list that could not be filled
    /// without it is filled at once: until then a healthy line is silent.
    fn token_changed(&mut self) {
        if let Some(token) = self.worker.token() {
            redact::forbid(token.expose_secret());
        }
        if self.register_at.take().is_some() {
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
                    log::warn!(
                        "registration: {text}. {} PUSH is read all the same; registration is tried again every {} s",
                        error.advice(),
                        REGISTER_AGAIN.as_secs()
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
