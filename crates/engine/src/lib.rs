//! The pure core of ayumi: from frames to closed windows.
//!
//! No async, clock, environment, files, SQL or threads. Time comes in as a [`Stamp`], requests go out as values.

pub mod batch;
pub mod stamp;
pub mod symbol;

// What the fields of `batch` are made of, for sinks: they need no dependency on the wire crate.
pub use ayumi_wire::{jst, num};
pub use stamp::Stamp;
pub use symbol::{Symbol, SymbolId};
