//! The pure core of ayumi: from frames to closed windows.
//!
//! No async, clock, environment, files, SQL or threads. Time comes in as a [`Stamp`], requests go out as values.

pub mod backlog;
pub mod batch;
pub mod board_plan;
pub mod book;
pub mod burst;
pub mod calendar;
pub mod counts;
mod engine;
pub mod grid;
pub mod guard;
mod lag;
pub mod market;
pub mod output;
pub mod settings;
pub mod stamp;
pub mod symbol;
pub mod volume;
mod window;

pub use engine::Engine;
pub use lag::Lag;
// What the fields of `batch` are made of, for sinks: they need no dependency on the wire crate.
pub use ayumi_wire::{jst, num};
pub use stamp::Stamp;
pub use symbol::{Symbol, SymbolId};
