//! A kabu Station in a box: REST and PUSH on loopback, with faults on demand.
//!
//! Clients cannot tell it from the original as far as market data goes: bytes, limits, error pairs and bad habits are
//! those of the station. Pure state answers requests (`rest`) and makes messages (`feed`); thin I/O around it
//! (`server`, `push`) owns sockets and clocks, and writes HTTP and WebSocket itself so that every byte is under
//! control. Faults are data ([`Faults`]) that may change while it runs.
//!
//! It refuses to place orders, to listen anywhere but on loopback, and to keep an unbounded queue.

mod action;
mod clock;
mod complete;
mod config;
mod control;
mod counters;
mod exchange;
mod faults;
mod feed;
mod handle;
mod http;
mod journal;
mod push;
mod recording;
mod rest;
mod scenario;
mod script;
mod sent;
mod server;
mod shared;

pub use action::{Action, Lasts, Problem, Problems, Time, What};
pub use config::{CloneSymbol, Hours, MarketConfig, RecordingConfig, Repeat, Seam, SimConfig, SimError, Source, Speed};
pub use counters::{Counters, SymbolCounters};
pub use faults::{
    Bend, BoardAnswer, BoardShape, BoardShapeFault, Cut, Dose, Faults, How, Maintenance, Messages, PingHabit, RawFrame,
    Refusal, RestAnswer, RestFault, Takeover, TapeFault, TapeTrouble, UpgradeFault,
};
pub use feed::{MarketAction, MarketEvent, Side};
pub use handle::{Sim, SimHandle};
pub use recording::{Recorded, read_recording, recording_begins};
pub use scenario::{READY, Scenario, USUAL_RATE, parse_clone, well_known};
pub use script::{Every, Step, When};
