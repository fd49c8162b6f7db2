//! The REST side for a command: one call after the other, the caller waits. Pace, token and patience are the worker's.

use std::sync::Arc;
use std::time::Duration;

use ayumi_wire::rest::Entry;
use secrecy::SecretString;

use super::call::{self, Caller};
use super::http::{Http, Method, Request};
use super::queue::Shared;
use super::{Registered, Removal, RestConfig, RestError, register, remove};

/// The first touch of a symbol asks upstream and takes up to 5 s (kabusapi #416).
const SYMBOL_LIMIT: Duration = Duration::from_secs(8);

/// Asks the station and waits for the answers.
pub struct Client {
    caller: Caller,
    shared: Arc<Shared>,
}

impl Client {
    /// Connects with the first call.
    #[must_use]
    pub fn new(config: RestConfig) -> Self {
        let shared = Arc::new(Shared::default());
        if let Some(token) = config.token.clone() {
            shared.set_token(token);
        }
        let http = Http::new(&config);
        Self {
            caller: Caller::new(config, http, Arc::clone(&shared)),
            shared,
        }
    }

    /// The current token: the configured one, or the one fetched last.
    #[must_use]
    pub fn token(&self) -> Option<SecretString> {
        self.shared.token()
    }

    /// Registers `symbols` in one request, finds out what was refused, and reads the list back.
    pub fn register(&mut self, symbols: &[Entry]) -> Registered {
        register::add(&mut self.caller, symbols)
    }

    /// Takes `symbols` off the list and reads it back.
    pub fn unregister(&mut self, symbols: &[Entry]) -> Removal {
        remove::some(&mut self.caller, symbols)
    }

    /// Takes everything off the list, also what other programs registered, and reads it back.
    pub fn unregister_all(&mut self) -> Removal {
        remove::all(&mut self.caller)
    }

    /// The station's list, in one request that changes nothing and is not repeated when the station refuses.
    ///
    /// # Errors
    /// [`RestError`] at once.
    pub fn list(&mut self) -> Result<Vec<Entry>, RestError> {
        let request = call::put("/kabusapi/register", br#"{"Symbols":[]}"#.to_vec());
        register::list_of(&self.caller.call(&request)?)
    }

    /// `GET /board`: one JSON object by its braces, not parsed; not repeated when the station refuses. Takes a slot of
    /// the list unless the symbol has one.
    ///
    /// # Errors
    /// [`RestError`] at once.
    pub fn board(&mut self, entry: &Entry) -> Result<Vec<u8>, RestError> {
        self.caller.call(&Request {
            method: Method::Get,
            path: call::path_of("board", entry),
            body: Vec::new(),
            limit: SYMBOL_LIMIT,
        })
    }

    /// `GET /symbol`: one JSON object by its braces, not parsed. Takes a slot of the list unless the symbol has one.
    ///
    /// # Errors
    /// [`RestError`] after the usual patience with a 429.
    pub fn symbol(&mut self, entry: &Entry) -> Result<Vec<u8>, RestError> {
        self.caller.call_patiently(&Request {
            method: Method::Get,
            path: call::path_of("symbol", entry) + "?addinfo=false",
            body: Vec::new(),
            limit: SYMBOL_LIMIT,
        })
    }
}
