//! A window that meets rows of another one: the clock was set back, or `window_ms` changed. Rows that stand win, but
//! no volume is lost: what has no row of its own becomes `volume_ledger` rows of cause `overflow`.
//!
//! Whether a window is new is decided by the sum that must close. In `stream_state` stands how much volume the file
//! accounts for; a window that continues it adds exactly its own sizes and ledger rows to that. One that was stored
//! before (a retry, a replay) does not, since it is counted already.

use std::path::Path;

use ayumi_engine::Stamp;
use ayumi_engine::SymbolId;
use ayumi_engine::batch::{Batch, Cause, LedgerRow, StateRow};
use ayumi_engine::jst::{Date, iso_ms};
use ayumi_engine::num::Qty;
use rusqlite::{OptionalExtension, Transaction};

use super::carry::accounted;
use super::states;
use super::window::{Sql, execute};
use crate::error::StoreError;
use crate::rows::{WindowRows, row_hash};
use crate::schema::VOLUME_LEDGER;

/// Ledger rows that were added to a window: how many, their volume, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Booked {
    pub(super) rows: u64,
    pub(super) volume: i64,
    pub(super) hash: u64,
    /// States that were written with them.
    pub(super) states: u64,
}

/// A window in a transaction, beside what stands in the file.
pub(super) struct Overlap<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) sql: &'a Sql,
    pub(super) path: &'a Path,
    pub(super) rows: &'a WindowRows<'a>,
    pub(super) batch: &'a Batch,
}

impl Overlap<'_> {
    /// The `tick_batch` rows of these symbols were left out of a window that is otherwise stored: their sizes. To be
    /// called before the window's states are written.
    pub(super) fn book_left_out(&self, symbols: &[SymbolId]) -> Result<Booked, StoreError> {
        let mut booked = Booked::default();
        for &symbol in symbols {
            let shares = match self.continuation(symbol)? {
                Some(shares) => shares,
                // Counted already: the same messages, cut into windows in another way.
                None if self.growth(symbol)? <= 0 => continue,
                None => vec![(self.newest_date(symbol), self.size(symbol))],
            };
            self.book_sizes(symbol, &shares, &mut booked)?;
        }
        Ok(booked)
    }

    /// A window with this start is stored already, with other content: the volume of this one, where it is new.
    pub(super) fn book_whole(&self) -> Result<Booked, StoreError> {
        let mut booked = Booked::default();
        let mut symbols: Vec<SymbolId> = self.batch.states.iter().map(|s| s.symbol).collect();
        symbols.dedup();
        for symbol in symbols {
            let Some(shares) = self.continuation(symbol)? else {
                continue;
            };
            let ledger = || self.batch.ledger.iter().filter(|r| r.symbol == symbol);
            let mut known = false;
            for state in self.states_of(symbol) {
                known |= self.stored(state)?.is_some();
            }
            // With no volume in sum (none, or a fall as large as the sizes) a window that is new cannot be told from
            // one that is stored; the sums close without it.
            if known && self.size(symbol) + ledger().map(|r| r.volume.0).sum::<i64>() == 0 {
                continue;
            }
            self.book_sizes(symbol, &shares, &mut booked)?;
            for row in ledger() {
                self.book(row, &mut booked)?;
            }
            for state in self.states_of(symbol) {
                let cells = states::cells(state, self.rows.ticker(symbol), self.batch.start_ms);
                execute(self.transaction, &self.sql.state, &cells).map_err(self.failed("insert into stream_state"))?;
                booked.states += 1;
            }
        }
        Ok(booked)
    }

    /// The symbol's sizes per trading date, when its states continue those of the file: what each has grown by,
    /// without the ledger rows. `None` when the growth is not that of the window.
    fn continuation(&self, symbol: SymbolId) -> Result<Option<Vec<(Date, i64)>>, StoreError> {
        let ledger = || self.batch.ledger.iter().filter(|r| r.symbol == symbol);
        let mut shares = Vec::new();
        for state in self.states_of(symbol) {
            let before = self.stored(state)?.unwrap_or(0);
            let on_date = ledger().filter(|r| r.trading_date == state.trading_date);
            let size = accounted(state) - before - on_date.map(|r| r.volume.0).sum::<i64>();
            shares.push((state.trading_date, size));
        }
        let covered = ledger().all(|r| shares.iter().any(|(date, _)| *date == r.trading_date));
        let total: i64 = shares.iter().map(|(_, size)| size).sum();
        let fits = covered && total == self.size(symbol) && shares.iter().all(|(_, size)| *size >= 0);
        Ok(fits.then_some(shares))
    }

    /// By how much the symbol's states exceed those of the file.
    fn growth(&self, symbol: SymbolId) -> Result<i64, StoreError> {
        self.states_of(symbol).try_fold(0, |sum, state| {
            Ok(sum + accounted(state) - self.stored(state)?.unwrap_or(0))
        })
    }

    /// What the file accounts for, per its `stream_state`.
    fn stored(&self, state: &StateRow) -> Result<Option<i64>, StoreError> {
        let ticker = self.rows.ticker(state.symbol);
        self.transaction
            .query_row(
                "SELECT coalesce(last_volume - base_volume, 0) FROM stream_state WHERE ticker = ?1 AND trading_date = ?2",
                rusqlite::params![ticker, state.trading_date.to_string()],
                |row| row.get(0),
            )
            .optional()
            .map_err(self.failed("reading stream_state"))
    }

    fn book_sizes(&self, symbol: SymbolId, shares: &[(Date, i64)], booked: &mut Booked) -> Result<(), StoreError> {
        for &(trading_date, size) in shares.iter().filter(|(_, size)| *size != 0) {
            let row = LedgerRow {
                symbol,
                trading_date,
                cause: Cause::Overflow,
                volume: Qty(size),
                from: Stamp::from_ms(self.batch.start_ms),
                to: Stamp::from_ms(self.batch.end_ms),
            };
            self.book(&row, booked)?;
        }
        Ok(())
    }

    fn book(&self, row: &LedgerRow, booked: &mut Booked) -> Result<(), StoreError> {
        let cells = self.rows.ledger(row);
        execute(self.transaction, self.sql.ledger(), &cells).map_err(self.failed("insert into volume_ledger"))?;
        booked.rows += 1;
        booked.volume += row.volume.0;
        booked.hash = booked.hash.wrapping_add(row_hash(&VOLUME_LEDGER, &cells));
        Ok(())
    }

    fn states_of(&self, symbol: SymbolId) -> impl Iterator<Item = &StateRow> {
        self.batch.states.iter().filter(move |s| s.symbol == symbol)
    }

    /// Sum of the symbol's sizes in the window.
    fn size(&self, symbol: SymbolId) -> i64 {
        let ticked = self.batch.symbols.iter().filter(|w| w.symbol == symbol && w.ticks > 0);
        ticked.map(|w| w.volume.0).sum()
    }

    fn newest_date(&self, symbol: SymbolId) -> Date {
        let newest = self.states_of(symbol).map(|s| s.trading_date).max();
        newest.unwrap_or(self.batch.date)
    }

    fn failed(&self, operation: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
        move |e| StoreError::sqlite(self.path, operation, e)
    }
}

/// Says what became of a window whose start stands in the file with other content.
pub(super) fn say(path: &Path, batch: &Batch, booked: &Booked) {
    let (path, start) = (path.display(), iso_ms(batch.start_ms));
    if booked.rows > 0 {
        log::warn!(
            "{path}: window {start} is stored already, with other content (was the clock set back?); the stored one \
             stays, the volume {} of ours is in volume_ledger, {} rows",
            booked.volume,
            booked.rows
        );
    } else {
        log::info!("{path}: window {start} is stored already; it stays, and ours brings no volume that is not in it");
    }
}
