//! When the database was taken away during a run: what the file that follows must know so that its own sizes and
//! ledger rows add up. The engine goes on counting from the base of the lost file, whose rows are not in the new one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ayumi_engine::SymbolId;
use ayumi_engine::batch::{Batch, StateRow};
use ayumi_engine::jst::Date;
use ayumi_engine::num::Qty;

/// Per symbol and trading date: how far the base in the file in use lies above the engine's.
#[derive(Debug, Default)]
pub(super) struct Carry {
    above: BTreeMap<(SymbolId, Date), i64>,
    /// A file was lost, and the one that follows is not open yet.
    moving: bool,
}

impl Carry {
    /// A file is lost with these states in it: what it accounts for is in no row of the next one.
    pub(super) fn lost(&mut self, states: &[StateRow]) {
        self.moving = true;
        self.add(states, 1);
    }

    /// Whether the file that is being opened takes the place of a lost one.
    pub(super) fn is_moving(&self) -> bool {
        self.moving
    }

    /// The next file is open with these states in it: an older copy, say, whose own rows count.
    pub(super) fn found(&mut self, states: &[StateRow]) {
        self.moving = false;
        self.add(states, -1);
    }

    /// The batch with the bases of the file in use.
    pub(super) fn rebase<'a>(&self, batch: &'a Batch) -> Cow<'a, Batch> {
        if self.above.is_empty() {
            return Cow::Borrowed(batch);
        }
        let mut batch = batch.clone();
        for state in &mut batch.states {
            let above = self.above.get(&(state.symbol, state.trading_date));
            state.base = state
                .base
                .map(|base| Qty(base.0.saturating_add(above.copied().unwrap_or(0))));
        }
        Cow::Owned(batch)
    }

    fn add(&mut self, states: &[StateRow], sign: i64) {
        for state in states {
            let above = self.above.entry((state.symbol, state.trading_date)).or_default();
            *above = above.saturating_add(accounted(state).saturating_mul(sign));
        }
    }
}

/// The volume that a file with this state holds in sizes and ledger rows.
pub(super) fn accounted(state: &StateRow) -> i64 {
    match (state.last, state.base) {
        (Some(last), Some(base)) => last.0.saturating_sub(base.0),
        _ => 0,
    }
}
