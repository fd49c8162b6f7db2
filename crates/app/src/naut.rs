//! `ayumi naut`: signals out of feature rows.
//!
//! [`rules`] and [`judge`] decide, and know nothing but numbers: no file, no clock, no text. [`follow`] brings rows as
//! they are recorded, [`keep`] stores what was found, [`live`] and [`summary`] put them together. A row's own time is
//! the only clock of a decision, so the same rows give the same signals, live or replayed, in one pass or in many.
//! Refuses to place orders, and never holds a recorder up.

mod follow;
mod judge;
mod keep;
mod lines;
mod live;
mod rules;
mod signal;
mod summary;
mod tally;

pub use live::{Live, live};
pub use rules::{Gate, Profile, Rules};
pub use signal::to_json;
pub use summary::summary;

#[cfg(test)]
mod tests;
