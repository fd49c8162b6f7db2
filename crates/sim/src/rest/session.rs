//! Login and token.

use std::hash::{BuildHasher, RandomState};

/// Who is logged in, and which token is the current one.
pub(crate) struct Session {
    fixed: Option<String>,
    password: Option<String>,
    logged_in: bool,
    /// Logouts so far: what was issued before one is dead.
    logouts: u64,
    token: Option<String>,
}

impl Session {
    /// A logged-in station. A fixed token is valid from the start.
    pub(crate) fn new(fixed: Option<String>, password: Option<String>) -> Self {
        Self {
            token: fixed.clone(),
            fixed,
            password,
            logged_in: true,
            logouts: 0,
        }
    }

    pub(crate) fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// True for the current token.
    pub(crate) fn accepts(&self, key: Option<&str>) -> bool {
        key.is_some() && key == self.token.as_deref()
    }

    /// True when this is the password asked for here; false when any is accepted.
    pub(crate) fn has_password(&self, password: &str) -> bool {
        self.password.as_deref() == Some(password)
    }

    /// How often a person was logged out.
    pub(crate) fn logouts(&self) -> u64 {
        self.logouts
    }

    /// A new token, which kills the old one; `None` = wrong password.
    pub(crate) fn issue(&mut self, password: &str) -> Option<String> {
        if self.password.as_deref().is_some_and(|p| p != password) {
            return None;
        }
        let token = self.fixed.clone().unwrap_or_else(new_token);
        self.token = Some(token.clone());
        Some(token)
    }

    /// The forced logout of the early morning: the token dies.
    pub(crate) fn logout(&mut self) {
        self.logged_in = false;
        self.logouts += 1;
        self.token = None;
    }

    /// A person logged in again; a new token has to be issued.
    pub(crate) fn login(&mut self) {
        self.logged_in = true;
    }

    /// Another program issued a token: the old one is dead.
    pub(crate) fn replace_token(&mut self) {
        self.token = None;
    }
}

/// 32 hexadecimal digits that no earlier run had: a client that reuses an old token must fail.
fn new_token() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}
