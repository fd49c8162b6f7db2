//! Settings: `config/stream_settings.json`, read once, validated whole, with the source of every value.
//!
//! Owns the keys of the settings file, their defaults and ranges, and every sentence about a wrong one. It creates
//! nothing on disk, starts nothing, and never shows a secret: excerpts of the file are masked, values of secret keys
//! are not quoted. Keys of other programs in the same file are not its business.

mod build;
mod burst;
mod decode;
mod excerpt;
mod hours;
mod keys;
mod naut;
mod places;
mod problem;
mod reader;
pub mod rewrite;
mod secrets;
mod syntax;
mod table;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_engine::burst::BurstSettings;
use ayumi_wire::num::Price;
use secrecy::SecretString;

pub use decode::{Decoded, decode, decode_cp932};
pub use naut::{NautFlags, NautSettings};
pub use problem::SettingsError;

/// The lookup of an environment variable; tests give their own.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the command line says about settings. It beats the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--mode`.
    pub mode: Option<Mode>,
    /// `--symbols`.
    pub symbols: Option<Vec<Symbol>>,
    /// The command asks no station: a missing token is no problem.
    pub offline: bool,
    /// The command has symbols from elsewhere: an empty list is no problem.
    pub symbols_optional: bool,
    /// The command reads the keys of `ayumi naut`; without it they are another program's.
    pub naut: Option<NautFlags>,
}

/// Reads, decodes and validates the settings file at `path`.
///
/// # Errors
/// [`SettingsError`], whose text names every problem of the file at once, with place, range and next step. Exit code 2.
pub fn load(path: &Path, overrides: &Overrides, env: Env<'_>) -> Result<Settings, SettingsError> {
    let bytes = problem::read_file(path)?;
    let name = path.display().to_string();
    build::settings(&name, &bytes, overrides, env)
}

/// Where a settings file wants its log, whatever else is wrong with it; `None` when that cannot be told.
#[must_use]
pub fn log_path_in(path: &Path) -> Option<PathBuf> {
    build::log_path(&problem::read_file(path).ok()?)
}

/// True when every user of this PC can read a file: its rights and those of all folders above say so. Windows keeps a
/// user's folders to the user.
#[cfg(unix)]
#[must_use]
pub fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let Ok(real) = path.canonicalize() else { return false };
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.permissions().mode());
    mode(&real) & 0o004 != 0 && real.ancestors().skip(1).all(|folder| mode(folder) & 0o001 != 0)
}

/// True when every user of this PC can read a file. Windows keeps a user's folders to the user.
#[cfg(not(unix))]
#[must_use]
pub fn is_open_to_all(_path: &Path) -> bool {
    false
}

/// As [`load`], of a text at hand.
///
/// # Errors
/// As [`load`].
#[cfg(fuzzing)]
pub fn parse(name: &str, bytes: &[u8], overrides: &Overrides, env: Env<'_>) -> Result<Settings, SettingsError> {
    build::settings(name, bytes, overrides, env)
}

/// Settings without a file: defaults, and secrets from the environment.
///
/// # Errors
/// A missing token, or a wrong one.
pub fn without_file(overrides: &Overrides, env: Env<'_>) -> Result<Settings, SettingsError> {
    build::settings("(no settings file)", b"{}", overrides, env)
}

/// The process's environment, as [`load`] wants it. Values that are not Unicode count as missing.
#[must_use]
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Everything the worker can be told, valid. Times and sizes carry their unit in the name or are `Duration`s.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where ticks come from.
    pub mode: Mode,
    /// The station's host name or address.
    pub host: String,
    /// The station's port: 18080, or 18081 for the verification environment.
    pub port: u16,
    /// A host that is not this PC is allowed.
    pub allow_remote: bool,
    /// `X-API-KEY`. Missing in mock mode, and online when only an API password was given.
    pub token: Option<SecretString>,
    /// Where the token is read when neither file nor environment has it.
    pub token_file: Option<PathBuf>,
    /// With it the worker fetches tokens by itself.
    pub api_password: Option<SecretString>,
    /// Missing symbols are registered at start and after a reconnect.
    pub auto_register: bool,
    /// What is watched: at least one (unless [`Overrides::symbols_optional`]), without duplicates, in the order given.
    pub symbols: Vec<Symbol>,
    /// How many symbols `ayumi register` registers at most: the length of the station's list.
    pub register_max: u16,
    /// Inclusive price bounds, for watched symbols with at least one bound.
    pub price_guard: Vec<(Symbol, Option<Price>, Option<Price>)>,
    /// Times of the PUSH connection.
    pub websocket: WebSocket,
    /// Most ticks received but not yet stored.
    pub tick_queue_max: usize,
    /// Mock mode: one tick for every symbol per so many milliseconds.
    pub mock_interval_ms: u32,
    /// Width of a window, 10 to 60,000 ms.
    pub window_ms: u32,
    /// The SQLite file; `{date}` in it stands for the JST trading date.
    pub db_path: PathBuf,
    /// The log file.
    pub log_path: PathBuf,
    /// Where books come from.
    pub board_mode: BoardMode,
    /// Shortest interval between two `/board` calls for one symbol.
    pub rest_poll_ms: u32,
    /// Age up to which features use a book.
    pub board_max_age_ms: u32,
    /// Most windows that wait for the writer before they are merged.
    pub pending_max: usize,
    /// Recording hours in seconds since JST midnight, `[from, to)`, ascending, not overlapping. Empty: always.
    pub market_window: Vec<(u32, u32)>,
    /// Which messages are ticks.
    pub tick_rule: TickRule,
    /// What a power cut may cost.
    pub durability: Durability,
    /// Folder of the journal; `None` = no journal.
    pub journal_dir: Option<PathBuf>,
    /// Database that `replay` reads without a journal; `None` = `db_path`.
    pub snapshot_db: Option<PathBuf>,
    /// Database that `replay` writes features into; `None` = `db_path`.
    pub features_db: Option<PathBuf>,
    /// Section `burst`; `None` = the burst columns stay cold.
    pub burst: Option<BurstSettings>,
    /// Section `settings.naut` and its flat keys; `None` when nobody asked for them.
    pub naut: Option<NautSettings>,
    /// What the user should read at boot.
    pub notes: Vec<Note>,
    /// Where each value came from; keys that are missing here have their default.
    pub sources: BTreeMap<&'static str, Source>,
}

/// The `websocket` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// Longest wait for TCP and the handshake, at least 0.5 s.
    pub connect_timeout: Duration,
    /// Silence after which the line is checked, at least 0.5 s.
    pub recv_timeout: Duration,
    /// First wait after a failed connection, at least 0.1 s.
    pub backoff_initial: Duration,
    /// Longest wait between failed connections, at least `backoff_initial`.
    pub backoff_max: Duration,
    /// At most one guard warning per symbol and this interval, at least 1 s.
    pub guard_log_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Online,
            host: "localhost".to_owned(),
            port: 18080,
            allow_remote: false,
            token: None,
            token_file: None,
            api_password: None,
            auto_register: true,
            symbols: Vec::new(),
            register_max: 50,
            price_guard: Vec::new(),
            websocket: WebSocket {
                connect_timeout: Duration::from_secs(6),
                recv_timeout: Duration::from_secs(2),
                backoff_initial: Duration::from_secs(1),
                backoff_max: Duration::from_secs(30),
                guard_log_interval: Duration::from_secs(60),
            },
            tick_queue_max: 20_000,
            mock_interval_ms: 50,
            window_ms: 300,
            db_path: PathBuf::from("rss_snapshot.db"),
            log_path: PathBuf::from("logs/stream_microbatch.log"),
            board_mode: BoardMode::Auto,
            rest_poll_ms: 500,
            board_max_age_ms: 60_000,
            pending_max: 300,
            market_window: Vec::new(),
            tick_rule: TickRule::Push,
            durability: Durability::Balanced,
            journal_dir: None,
            snapshot_db: None,
            features_db: None,
            burst: None,
            naut: None,
            notes: Vec::new(),
            sources: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Where a key's value came from.
    #[must_use]
    pub fn source(&self, key: &str) -> Source {
        self.sources.get(key).copied().unwrap_or(Source::Default)
    }

    /// Keys of the secrets that stand in the file itself.
    #[must_use]
    pub fn secrets_in_file(&self) -> Vec<&'static str> {
        let keys = ["token", "api_password"].into_iter();
        keys.filter(|key| self.source(key) == Source::File).collect()
    }

    /// What `--check-config` prints: an aligned table of key, value and source with secrets masked, then the notes.
    #[must_use]
    pub fn table(&self) -> String {
        table::render(self)
    }
}

/// Something the user should know at boot that is no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// It deserves a WARNING line: something will not be as the file says.
    pub warning: bool,
    /// One sentence.
    pub text: String,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The settings file.
    File,
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Env(&'static str),
    /// The file named by `token_file`.
    TokenFile,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::TokenFile => f.write_str("token_file"),
        }
    }
}

/// A setting that is one of a few words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$what])* $variant),+ }

        impl $name {
            /// Every word that is understood.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of the settings file.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = String;

            /// Any letter case, blanks around it dropped; the error lists the words.
            fn from_str(text: &str) -> Result<Self, String> {
                let text = text.trim();
                $(if text.eq_ignore_ascii_case($word) { return Ok(Self::$variant); })+
                Err(format!("one of {}", Self::WORDS.join(", ")))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Where ticks come from.
    Mode {
        /// kabu Station's PUSH.
        Online = "online",
        /// Generated, without any network.
        Mock = "mock",
    }
}

words! {
    /// Where books come from.
    BoardMode {
        /// PUSH only.
        Push = "push",
        /// `/board` only.
        Rest = "rest",
        /// PUSH, and `/board` for symbols whose book is old.
        Auto = "auto",
        /// No books.
        Off = "off",
    }
}

words! {
    /// Which messages are ticks.
    TickRule {
        /// Every accepted message with a price.
        Push = "push",
        /// Only messages in which the volume grew.
        Trade = "trade",
    }
}

words! {
    /// What a power cut may cost.
    Durability {
        /// No committed window: every commit is synced.
        Full = "full",
        /// At most one second of windows.
        Balanced = "balanced",
        /// Up to 30 s: never synced on commit, as the scripts did.
        Seed = "seed",
    }
}

#[cfg(test)]
mod tests;
