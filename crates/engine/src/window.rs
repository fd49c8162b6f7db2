//! The open window: what its symbols have done so far.

use ayumi_wire::num::{Price, Qty};

use crate::batch::{LedgerRow, SymbolWindow, WindowCounts};
use crate::symbol::SymbolId;

/// One symbol's part of the open window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    /// Listed in [`OpenWindow::touched`].
    pub(crate) touched: bool,
    pub(crate) ticks: u32,
    pub(crate) upticks: u32,
    pub(crate) downticks: u32,
    pub(crate) trades: u32,
    pub(crate) volume: Qty,
    pub(crate) last_price: Price,
    pub(crate) snapshot: bool,
    pub(crate) state_changed: bool,
}

impl Part {
    /// Adds a tick. `folded`: it counts as merged, so only its price, move and size are kept.
    pub(crate) fn tick(&mut self, price: Price, previous: Option<Price>, size: Qty, folded: bool) {
        self.ticks += u32::from(!folded);
        if let Some(previous) = previous {
            self.upticks += u32::from(price > previous);
            self.downticks += u32::from(price < previous);
        }
        self.trades += u32::from(size.0 > 0);
        self.volume.0 = self.volume.0.saturating_add(size.0);
        self.last_price = price;
        self.snapshot = true;
    }

    /// True when a row stands for this part.
    pub(crate) fn has_row(&self) -> bool {
        self.ticks > 0 || self.snapshot
    }
}

/// Borders, counters and lists of the open window; its vectors are reused.
#[derive(Debug, Default)]
pub(crate) struct OpenWindow {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) counts: WindowCounts,
    pub(crate) touched: Vec<SymbolId>,
    pub(crate) ledger: Vec<LedgerRow>,
}

impl OpenWindow {
    /// True when there is nothing to store.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.messages == 0 && self.touched.is_empty()
    }
}

/// Folds the earlier of two neighbouring rows of a symbol into the later one: price and book of the later, sizes and
/// moves added up. The ticks of the earlier row are merged and returned.
pub(crate) fn fold(earlier: &SymbolWindow, later: &mut SymbolWindow) -> u32 {
    later.upticks += earlier.upticks;
    later.downticks += earlier.downticks;
    later.trades += earlier.trades;
    later.volume.0 = later.volume.0.saturating_add(earlier.volume.0);
    later.snapshot |= earlier.snapshot;
    if later.ticks == 0 {
        later.ticks = earlier.ticks;
        later.last_price = earlier.last_price;
        return 0;
    }
    earlier.ticks
}
