//! kabu Station on the wire: its JSON and its WebSocket frames as typed Rust.
//!
//! Pure: no I/O, no clock. Names are the station's, verbatim (`BidPrice` stays `BidPrice`, although it is the best
//! sell); turning them round is the engine's business. Shared by client, simulator and tests.

pub mod jst;
pub mod num;
pub mod push;
pub mod rest;
pub mod ws;
