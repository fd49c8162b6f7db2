//! Client of kabu Station: the PUSH line, the REST worker and the reconnect policy.
//!
//! Owns sockets, the token and the rules for asking the station. Refuses to know what a message means: bodies and
//! texts are handed out as bytes, decoding belongs to `ayumi-wire`, judging to `ayumi-engine`. Secrets stay in
//! [`secrecy`] types and appear in no `Debug`, `Display` or log line.

mod endpoint;
mod entropy;
pub mod push;
pub mod reconnect;
pub mod rest;
mod text;

pub use push::{ConnectError, Filled, Incoming, LineLost, PushConfig, PushLine};
pub use reconnect::{Ending, Mood, Reconnect};
pub use rest::{Client, Entry, Full, Job, Registered, Registration, Removal, Reply, RestConfig, RestError, RestWorker};
