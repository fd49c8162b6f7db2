//! Entrances for the fuzzer: readers of files that other people's programs wrote.

use crate::register;
use crate::settings::{self, NautFlags, Overrides};

/// A settings file: it is read or refused, and what is said of it holds none of its secrets.
///
/// # Panics
/// When the table of the effective settings, or an error, shows the secret.
pub fn settings(bytes: &[u8], secret: &str) {
    let overrides = Overrides {
        naut: Some(NautFlags::default()),
        ..Overrides::default()
    };
    let said = match settings::parse("c.json", bytes, &overrides, &|_| None) {
        Ok(settings) => settings.table(),
        Err(error) => error.to_string(),
    };
    assert!(!said.contains(secret), "{said}");
}

/// A watchlist: it is read or refused.
pub fn watchlist(bytes: &[u8]) {
    if let Ok(list) = register::parse("list.csv", bytes, 1) {
        assert!(list.symbols.len() <= bytes.len());
    }
}
