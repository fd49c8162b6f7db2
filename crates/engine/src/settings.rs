//! What the engine must be told; validated by the shell.

use crate::batch::BookSource;
use crate::guard::Bounds;
use crate::symbol::Symbol;

/// Where books come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardMode {
    /// From PUSH only.
    Push,
    /// From `/board` only.
    Rest,
    /// From PUSH, and from `/board` for symbols whose book is older than `rest_poll_ms`.
    Auto,
    /// No books at all.
    Off,
}

/// Which messages are ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickRule {
    /// Every accepted message with a price.
    Push,
    /// Only messages in which the cumulative volume grew.
    Trade,
}

/// One watched symbol with its price guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Which.
    pub symbol: Symbol,
    /// Its bounds; the default bounds nothing.
    pub guard: Bounds,
}

/// Everything that shapes the engine's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Watched symbols; a [`crate::SymbolId`] is a position in this list. At most 65,535.
    pub watched: Vec<Watched>,
    /// Width of a window, milliseconds.
    pub window_ms: i64,
    /// Which messages are ticks.
    pub tick_rule: TickRule,
    /// Where books come from.
    pub board_mode: BoardMode,
    /// Shortest interval between two `/board` calls for one symbol, milliseconds.
    pub rest_poll_ms: i64,
    /// Age from which a book counts as unknown, milliseconds.
    pub board_max_age_ms: i64,
    /// Ticks received but not yet stored.
    pub tick_queue_max: u64,
    /// Silence after which the line is checked in session hours, milliseconds.
    pub recv_timeout_ms: i64,
    /// At most one guard warning per symbol and this interval, milliseconds; odd messages likewise per reason.
    pub guard_log_interval_ms: i64,
    /// Recorded hours as seconds of the day, [from, to); empty = always.
    pub market_window: Vec<(u32, u32)>,
    /// What feeds [`crate::Engine::on_push`]: the station or the mock market.
    pub source: BookSource,
}

impl EngineSettings {
    /// The defaults of the settings file for a list of symbols without guards.
    #[must_use]
    pub fn new(symbols: Vec<Symbol>) -> Self {
        Self {
            watched: symbols
                .into_iter()
                .map(|symbol| Watched {
                    symbol,
                    guard: Bounds::default(),
                })
                .collect(),
            window_ms: 300,
            tick_rule: TickRule::Push,
            board_mode: BoardMode::Auto,
            rest_poll_ms: 500,
            board_max_age_ms: 60_000,
            tick_queue_max: 20_000,
            recv_timeout_ms: 2_000,
            guard_log_interval_ms: 60_000,
            market_window: Vec::new(),
            source: BookSource::Push,
        }
    }

    /// True when `second` of the day is recorded.
    #[must_use]
    pub fn is_open(&self, second: u32) -> bool {
        self.market_window.is_empty()
            || self
                .market_window
                .iter()
                .any(|&(from, to)| (from..to).contains(&second))
    }
}
