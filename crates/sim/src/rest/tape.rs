//! The tape: every trade of every symbol, as `/timeandsales` tells it.

use ayumi_engine::Stamp;
use ayumi_wire::num::{Price, Qty};

/// One line of the tape. The station tells seconds, so that is what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    /// Unix second.
    pub second: i64,
    pub price: Price,
    pub qty: Qty,
}

/// One tape per slot of [`super::Boards`], oldest trade first. 24 bytes a trade: a day of 50 busy symbols is about 50 MB.
#[derive(Default)]
pub(crate) struct Tapes(Vec<Vec<Print>>);

impl Tapes {
    /// A trade happened.
    pub(crate) fn note(&mut self, slot: usize, at: Stamp, price: Price, qty: Qty) {
        if self.0.len() <= slot {
            self.0.resize_with(slot + 1, Vec::new);
        }
        self.0[slot].push(Print {
            second: at.s(),
            price,
            qty,
        });
    }

    /// The trades of one symbol.
    pub(crate) fn of(&self, slot: usize) -> &[Print] {
        self.0.get(slot).map_or(&[], Vec::as_slice)
    }
}
