//! A generated market as a source: which symbol moves, and when, drawn from the seed.

use ayumi_engine::market::{Market, Profile};
use ayumi_engine::{Stamp, Symbol};
use serde::{Deserialize, Serialize};

use super::Item;
use crate::config::MarketConfig;
use crate::rest::Station;

/// Something that happens in the market beside what the session script says.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketAction {
    /// Whom it happens to; `None` = every symbol.
    pub symbol: Option<Symbol>,
    /// What happens.
    pub event: MarketEvent,
    /// When it ends, for events that last; `None` = with the session.
    pub until: Option<Stamp>,
}

/// What can happen in a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketEvent {
    /// No price is found: a special quote (0102) walks to this side until it ends with an auction. Before the open this
    /// delays the opening.
    SpecialQuote(Side),
    /// Trading is halted, then resumed by an auction (0059).
    Halt,
    /// The price runs to the day's limit on this side and stays there.
    Limit(Side),
    /// One message with equal best prices and quantities on both sides, then the book as it was.
    Lock,
    /// One message with the best buy above the best sell, then the book as it was.
    Cross,
    /// One message whose best quotes are all 0, price and volume unchanged.
    ZeroQuotes,
    /// One message whose price, volume and best-quote block is null.
    NullBlock,
    /// This many times as many events.
    Rush(u32),
    /// Nothing moves, no message comes.
    Silence,
}

/// A side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Too many buyers: prices rise.
    Buy,
    /// Too many sellers: prices fall.
    Sell,
}

/// The market, its clock and its dice. Integers only: the same seed gives the same bytes on every machine.
pub(crate) struct MarketFeed {
    market: Market,
    /// One per symbol, in the market's order.
    slots: Vec<usize>,
    dice: u64,
    /// Mean simulated time between messages, ns.
    mean_gap: u64,
    next: Stamp,
}

impl MarketFeed {
    /// A market before its opening, its first message due at `start`.
    pub(crate) fn new(config: &MarketConfig, start: Stamp) -> Self {
        let (seed, symbols, per_second) = (config.seed, &config.symbols, config.per_second);
        let mut seen = std::collections::BTreeSet::new();
        let profiles = symbols
            .iter()
            .filter(|s| seen.insert(*s))
            .map(|s| Profile::of(s, seed))
            .collect();
        Self {
            market: Market::new(seed, profiles),
            slots: Vec::new(),
            dice: seed ^ 0x5EED_0F7E_ED5E_ED00,
            mean_gap: (1e9 / per_second) as u64,
            next: start,
        }
    }

    /// Shows every symbol's first state on `/board`.
    pub(crate) fn prime(&mut self, station: &mut Station) {
        let mut text = Vec::with_capacity(2048);
        for (index, profile) in self.market.profiles().iter().enumerate() {
            let slot = station.slot(&profile.symbol);
            text.clear();
            self.market.message(index).write(&mut text);
            station.boards.update(slot, &text);
            self.slots.push(slot);
        }
    }

    pub(crate) fn begin(&mut self, now: Stamp) {
        self.next = now;
    }

    pub(crate) fn peek(&self) -> Option<Stamp> {
        (!self.slots.is_empty()).then_some(self.next)
    }

    pub(crate) fn take(&mut self, out: &mut Vec<u8>) -> Option<Item> {
        let index = self.below(self.slots.len() as u64) as usize;
        let &slot = self.slots.get(index)?;
        let at = self.next;
        self.market.step(index, at);
        let message = self.market.message(index);
        message.write(out);
        let volume = message.trading_volume.map(|q| q.0);
        // Between nothing and twice the mean: messages come unevenly, as they do.
        let gap = self.below(2 * self.mean_gap + 1);
        self.next = Stamp(at.0.saturating_add(gap as i64));
        Some(Item { at, slot, volume })
    }

    /// Lets something happen.
    pub(crate) fn act(&mut self, action: &MarketAction, now: Stamp) {
        log::debug!("{action:?} at {}", now.0);
    }

    /// A draw from 0 to `n` - 1 (splitmix64).
    fn below(&mut self, n: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.dice;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        ((u128::from(x) * u128::from(n)) >> 64) as u64
    }
}
