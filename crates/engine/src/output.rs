//! What the engine asks for and tells; carried out by the shell.

use ayumi_wire::num::{Price, Qty};

use crate::batch::Batch;
use crate::counts::Reason;
use crate::guard::Bounds;
use crate::symbol::SymbolId;

/// One output of [`crate::Engine::poll`].
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// A closed window to store.
    Batch(Batch),
    /// Ask `/board` for this symbol and hand the answer to [`crate::Engine::on_board`]. At most one is outstanding.
    BoardWanted(SymbolId),
    /// The line is dead: drop it and connect again.
    Reconnect(DeadLine),
    /// Something worth a log line; limited in rate by the engine.
    Note(Note),
}

/// How a silent line was found dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLine {
    /// `/board` shows a higher volume than the last PUSH.
    VolumeMoved {
        /// Which symbol was asked.
        symbol: SymbolId,
        /// Last volume of PUSH (or of the previous look).
        seen: Qty,
        /// Volume of `/board`.
        board: Qty,
        /// Silence, milliseconds.
        silent_ms: i64,
    },
    /// `/board` did not answer either.
    NoAnswer {
        /// Silence, milliseconds.
        silent_ms: i64,
    },
}

/// Countable events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A price outside the guard.
    GuardDrop {
        /// Which symbol.
        symbol: SymbolId,
        /// The price.
        price: Price,
        /// Its bounds.
        bounds: Bounds,
        /// Drops of this symbol since the last note.
        unsaid: u64,
    },
    /// A message that could not be used.
    Odd {
        /// Why.
        reason: Reason,
        /// Its beginning, printable ASCII.
        sample: String,
        /// Messages of this reason since the last note.
        unsaid: u64,
    },
    /// Volume missed while the line or the worker was down.
    GapVolume {
        /// Which symbol.
        symbol: SymbolId,
        /// How much.
        volume: Qty,
        /// How long nothing was known, milliseconds.
        span_ms: i64,
        /// Gaps and falls of this symbol since the last note.
        unsaid: u64,
    },
    /// The cumulative volume fell.
    VolumeFell {
        /// Which symbol.
        symbol: SymbolId,
        /// How far (positive).
        by: Qty,
        /// Gaps and falls of this symbol since the last note.
        unsaid: u64,
    },
    /// The station's times carry another offset than +09:00; said once.
    ForeignOffset,
    /// A silent line was checked and is alive; said once per silence, and once a minute in a market of many.
    Quiet {
        /// Silence, milliseconds.
        silent_ms: i64,
        /// Silences like it since the last note.
        unsaid: u64,
    },
}
