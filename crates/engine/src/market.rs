//! An invented market that behaves like a real one: order books that trades hit, for the mock mode and the simulator.
//!
//! Pure and deterministic: integers and an own random generator, so that one seed gives the same bytes on every
//! machine. Time is an argument and reaches time fields only; prices, sizes and books depend on the seed and on the
//! order of calls per symbol, not on the clock nor on the other symbols. It refuses to know sessions and faults: who
//! drives it decides when what happens.

mod book;
mod events;
mod flow;
mod ladder;
mod limits;
mod profile;
mod rng;
mod session;
mod symbol;
pub mod ticksize;

use ayumi_wire::num::Qty;
use ayumi_wire::push::encode;

pub use events::{Phase, Print, Side, Step, Trade, View};
pub use limits::daily_limits;
pub use profile::{Month, Profile};

use crate::Stamp;
use symbol::SymbolMarket;

/// Several symbols, each with its own book and its own random numbers.
#[derive(Clone, Debug)]
pub struct Market {
    profiles: Vec<Profile>,
    symbols: Vec<SymbolMarket>,
}

impl Market {
    /// A market before its opening: every message is null but for names and the previous close.
    #[must_use]
    pub fn new(seed: u64, profiles: Vec<Profile>) -> Self {
        let symbols = profiles.iter().map(|p| SymbolMarket::new(seed, p)).collect();
        Self { profiles, symbols }
    }

    /// The symbols; every `index` below is a position in this list.
    #[must_use]
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// Advances one symbol by one event: the first of a day is the opening auction, later about one in five trades and
    /// the others change quotes only, as measured on real messages. In a call or a special quote it moves orders only, at
    /// the limit it goes on as [`Market::limit`], and in a halt, a break or after the close it does nothing. Does not
    /// allocate.
    ///
    /// # Panics
    /// When `index` is not a position in [`Market::profiles`].
    pub fn step(&mut self, index: usize, now: Stamp) -> Step {
        self.symbols[index].step(&self.profiles[index], now)
    }

    /// Lets a symbol go on from a cumulative volume that was shown before (a restart on the same day), as if it had been
    /// traded at the previous close: the book stands around that price, and the first event is an ordinary trade, no
    /// opening auction. A volume of 0 changes nothing: the auction is still to come. Call it before the first event.
    ///
    /// # Panics
    /// As [`Market::step`].
    pub fn go_on_from(&mut self, index: usize, volume: Qty) {
        self.symbols[index].go_on_from(&self.profiles[index], volume);
    }

    /// The state of one symbol as the station would send it: for PUSH and `/board` alike.
    ///
    /// # Panics
    /// As [`Market::step`].
    #[must_use]
    pub fn message(&self, index: usize) -> &encode::Message {
        self.symbols[index].message()
    }

    /// One event that always trades (an index gets a new price), and the state after it: what the mock mode needs.
    ///
    /// # Panics
    /// As [`Market::step`].
    pub fn tick(&mut self, index: usize, now: Stamp) -> &encode::Message {
        self.symbols[index].trade_now(&self.profiles[index], now);
        self.symbols[index].message()
    }
}

#[cfg(test)]
mod tests;
