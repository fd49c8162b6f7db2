//! Closed windows that wait for the writer, and what happens when there are too many: neighbours are merged, oldest
//! first. Detail is lost, volume never.

use std::collections::VecDeque;

use crate::batch::{Batch, LedgerRow, StateRow, SymbolWindow};
use crate::calendar::DERIVATIVES_ROLL;
use crate::window::fold;

/// Waiting windows with their limits.
#[derive(Debug)]
pub struct Backlog {
    waiting: VecDeque<Batch>,
    /// Ticks in `waiting`.
    ticks: u64,
    /// Ticks in windows handed to the writer and not stored yet.
    in_hand: u64,
    max_ticks: u64,
    max_windows: usize,
    /// Where the next merge begins, so that every neighbour is merged once before any is merged twice.
    cursor: usize,
    merged_ticks: u64,
    merged_windows: u64,
}

impl Backlog {
    /// An empty backlog for at most `max_ticks` ticks (setting `tick_queue_max`) in at most `max_windows` windows
    /// (setting `pending_max`, at least 2).
    #[must_use]
    pub fn new(max_ticks: u64, max_windows: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            ticks: 0,
            in_hand: 0,
            max_ticks,
            max_windows: max_windows.max(2),
            cursor: 0,
            merged_ticks: 0,
            merged_windows: 0,
        }
    }

    /// Adds a closed window and merges as far as the limits ask. Returns the starts (Unix ms) of windows that were
    /// merged into the one before them, in the order of merging: whoever joins the same windows gets the same rows.
    pub fn push(&mut self, batch: Batch) -> Vec<i64> {
        self.ticks += batch.counts.ticks;
        self.waiting.push_back(batch);
        let mut absorbed = Vec::new();
        while self.ticks + self.in_hand > self.max_ticks || self.waiting.len() > self.max_windows {
            let Some(start_ms) = self.merge_one() else { break };
            absorbed.push(start_ms);
        }
        absorbed
    }

    /// Hands the oldest window to the writer; it counts as unstored until [`Backlog::stored`].
    pub fn pop(&mut self) -> Option<Batch> {
        let batch = self.waiting.pop_front()?;
        self.cursor = self.cursor.saturating_sub(1);
        self.ticks -= batch.counts.ticks;
        self.in_hand += batch.counts.ticks;
        Some(batch)
    }

    /// A window that was handed out is stored.
    pub fn stored(&mut self, batch: &Batch) {
        self.in_hand -= batch.counts.ticks;
    }

    /// Waiting windows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Ticks not stored yet, waiting or in the writer's hand.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks + self.in_hand
    }

    /// How many ticks the open window may still take: at least one, so that it is never without any.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.max_ticks.saturating_sub(self.ticks()).max(1)
    }

    /// True when the limits bind.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.ticks() >= self.max_ticks || self.waiting.len() >= self.max_windows
    }

    /// Ticks and windows merged away so far.
    #[must_use]
    pub fn merged(&self) -> (u64, u64) {
        (self.merged_ticks, self.merged_windows)
    }

    /// Merges the next pair of neighbours of the same trading dates; the start of the later one, `None` without a pair.
    fn merge_one(&mut self) -> Option<i64> {
        let pairs = self.waiting.len().saturating_sub(1);
        for step in 0..pairs {
            let at = (self.cursor + step) % pairs;
            if same_trading_dates(&self.waiting[at], &self.waiting[at + 1]) {
                let earlier = self.waiting.remove(at).expect("the index is below the length");
                let start_ms = self.waiting[at].start_ms;
                let merged = merge(earlier, &mut self.waiting[at]);
                self.ticks -= merged;
                self.merged_ticks += merged;
                self.merged_windows += 1;
                self.cursor = at + 1;
                return Some(start_ms);
            }
        }
        None
    }
}

/// One calendar day, and the same side of 16:30, where derivatives begin a new trading date: a row must not hold sizes
/// of two.
fn same_trading_dates(a: &Batch, b: &Batch) -> bool {
    let side = |batch: &Batch| {
        let second = batch.start_ms.div_euclid(1000) - batch.date.midnight_s();
        (batch.date, second >= i64::from(DERIVATIVES_ROLL))
    };
    side(a) == side(b)
}

/// Merges `earlier` into `later`, which then spans both; returns the ticks that were merged away. The order in which
/// neighbours are merged does not change the outcome.
pub fn merge(earlier: Batch, later: &mut Batch) -> u64 {
    later.start_ms = earlier.start_ms;
    let merged = merge_symbols(&earlier.symbols, &mut later.symbols);
    merge_states(earlier.states, &mut later.states);
    merge_ledger(earlier.ledger, &mut later.ledger);
    later.counts.messages += earlier.counts.messages;
    later.counts.rejected += earlier.counts.rejected;
    later.counts.merged += earlier.counts.merged + merged;
    later.counts.ticks += earlier.counts.ticks - merged;
    later.merged_windows += earlier.merged_windows + 1;
    merged
}

fn merge_symbols(earlier: &[SymbolWindow], later: &mut Vec<SymbolWindow>) -> u64 {
    let mut merged = 0;
    for row in earlier {
        match later.binary_search_by_key(&row.symbol, |r| r.symbol) {
            Ok(at) => merged += u64::from(fold(row, &mut later[at])),
            Err(at) => later.insert(at, *row),
        }
    }
    merged
}

/// The later state of a symbol and date stands.
fn merge_states(earlier: Vec<StateRow>, later: &mut Vec<StateRow>) {
    for row in earlier {
        if !later
            .iter()
            .any(|r| (r.symbol, r.trading_date) == (row.symbol, row.trading_date))
        {
            later.push(row);
        }
    }
    later.sort_by_key(|r| (r.symbol, r.trading_date));
}

/// Rows of one symbol, date and cause become one; falls and growths stay apart by their cause.
fn merge_ledger(earlier: Vec<LedgerRow>, later: &mut Vec<LedgerRow>) {
    let mut all = earlier;
    all.append(later);
    for row in all {
        let same =
            |r: &&mut LedgerRow| (r.symbol, r.trading_date, r.cause) == (row.symbol, row.trading_date, row.cause);
        match later.iter_mut().find(same) {
            Some(kept) => {
                kept.volume.0 = kept.volume.0.saturating_add(row.volume.0);
                kept.to = row.to;
            }
            None => later.push(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{Burst, Cause, WindowCounts};
    use crate::symbol::SymbolId;
    use ayumi_wire::jst::Date;
    use ayumi_wire::num::{Price, Qty};
    use proptest::prelude::*;

    fn batch(n: i64, rows: &[(u16, u32, i64)]) -> Batch {
        let date = Date {
            year: 2026,
            month: 11,
            day: 20,
        };
        let mut symbols: Vec<SymbolWindow> = rows
            .iter()
            .map(|&(symbol, ticks, volume)| SymbolWindow {
                symbol: SymbolId(symbol),
                ticks,
                upticks: 1,
                downticks: 0,
                trades: 1,
                volume: Qty(volume),
                last_price: Price(n),
                book: None,
                snapshot: true,
                burst: Burst::COLD,
            })
            .collect();
        symbols.sort_by_key(|r| r.symbol);
        symbols.dedup_by_key(|r| r.symbol);
        let ticks = symbols.iter().map(|r| u64::from(r.ticks)).sum();
        let ledger = vec![LedgerRow {
            symbol: SymbolId(0),
            trading_date: date,
            cause: Cause::Guard,
            volume: Qty(7),
            from: crate::Stamp::from_ms(n * 300),
            to: crate::Stamp::from_ms(n * 300 + 1),
        }];
        let counts = WindowCounts {
            messages: ticks + 3,
            ticks,
            merged: 0,
            rejected: 3,
        };
        Batch {
            start_ms: n * 300,
            end_ms: n * 300 + 300,
            date,
            symbols,
            ledger,
            states: Vec::new(),
            counts,
            merged_windows: 0,
        }
    }

    proptest! {
        #[test]
        fn n06_merging_keeps_volume_order_and_counts(
            windows in prop::collection::vec(prop::collection::vec((0u16..4, 1u32..50, 0i64..1000), 1..4), 1..60),
            max_ticks in 1u64..400, max_windows in 2usize..20, pop_every in 1usize..10,
        ) {
            let mut backlog = Backlog::new(max_ticks, max_windows);
            let (mut out, mut volume, mut messages) = (Vec::new(), 0, 0);
            for (n, rows) in windows.iter().enumerate() {
                let batch = batch(n as i64, rows);
                volume += batch.symbols.iter().map(|r| r.volume.0).sum::<i64>();
                messages += batch.counts.messages;
                backlog.push(batch);
                prop_assert!(backlog.len() <= max_windows);
                if n % pop_every == 0 {
                    let batch = backlog.pop().expect("just pushed");
                    backlog.stored(&batch);
                    out.push(batch);
                }
            }
            while let Some(batch) = backlog.pop() {
                backlog.stored(&batch);
                out.push(batch);
            }
            prop_assert_eq!(backlog.ticks(), 0);
            prop_assert_eq!(out.iter().flat_map(|b| &b.symbols).map(|r| r.volume.0).sum::<i64>(), volume);
            prop_assert_eq!(out.iter().flat_map(|b| &b.ledger).map(|r| r.volume.0).sum::<i64>(), 7 * windows.len() as i64);
            prop_assert_eq!(out.iter().map(|b| b.counts.messages).sum::<u64>(), messages);
            prop_assert_eq!(out.iter().map(|b| b.counts.merged).sum::<u64>(), backlog.merged().0);
            for b in &out {
                prop_assert_eq!(b.counts.messages, b.counts.ticks + b.counts.merged + b.counts.rejected);
                prop_assert_eq!(b.counts.ticks, b.symbols.iter().map(|r| u64::from(r.ticks)).sum::<u64>());
            }
            prop_assert!(out.windows(2).all(|w| w[0].end_ms <= w[1].start_ms));
        }
    }

    #[test]
    fn windows_of_two_days_are_never_merged() {
        let mut backlog = Backlog::new(1_000, 2);
        let mut next_day = batch(1, &[(0, 1, 1)]);
        next_day.date.day = 21;
        backlog.push(batch(0, &[(0, 1, 1)]));
        backlog.push(next_day);
        assert_eq!((backlog.len(), backlog.merged()), (2, (0, 0)));
    }
}
