//! From a batch to table rows: the one place that turns integers into the tables' texts and floats. Inserting and
//! checksumming both walk these rows, so what is hashed is what is stored.

use std::borrow::Cow;
use std::convert::Infallible;

use ayumi_engine::SymbolId;
use ayumi_engine::batch::{Batch, Burst, LedgerRow, SymbolWindow};
use ayumi_engine::jst::iso_ms;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::schema::{FEATURES_STREAM, ORDERBOOK_SNAPSHOT, TICK_BATCH, Table, VOLUME_LEDGER};

/// Checksum of the rows that a window puts into `tick_batch`, `orderbook_snapshot`, `features_stream` and
/// `volume_ledger`: the wrapping sum of one 64-bit hash per row, so the order of rows does not matter, and sums over
/// windows are checksums of days. `window_log.checksum` holds it (as a signed integer); [`crate::reader`] computes it
/// again from the stored rows. A symbol that is not among `tickers` counts as an empty text.
#[must_use]
pub fn window_checksum(batch: &Batch, tickers: &[String]) -> u64 {
    WindowRows::new(batch, tickers).checksum()
}

/// A window whose rows will not change any more, with their checksum, so that whoever stores it need not compute it.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub(crate) batch: Batch,
    pub(crate) checksum: u64,
}

impl Sealed {
    /// `tickers` are those of the sink's [`crate::Options`].
    #[must_use]
    pub fn new(batch: Batch, tickers: &[String]) -> Self {
        Self {
            checksum: window_checksum(&batch, tickers),
            batch,
        }
    }
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Int(i64),
    Real(f64),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// A float as SQLite gives it back: it stores NaN as NULL, and -0.0 as 0.
    pub(crate) fn real(value: f64) -> Self {
        if value.is_nan() {
            Self::Null
        } else {
            Self::Real(value + 0.0)
        }
    }

    pub(crate) fn real_or_null(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::real)
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The hash of one row: FNV-1a over the table's name and the tagged values, then mixed so that sums of rows that
/// differ in one bit differ everywhere.
pub(crate) fn row_hash(table: &Table, row: &[Cell<'_>]) -> u64 {
    let mut hash = fnv(0xcbf2_9ce4_8422_2325, table.name.as_bytes());
    for cell in row {
        hash = match cell {
            Cell::Null => fnv(hash, &[0]),
            Cell::Int(value) => fnv(fnv(hash, &[1]), &value.to_le_bytes()),
            Cell::Real(value) => fnv(fnv(hash, &[2]), &value.to_bits().to_le_bytes()),
            Cell::Text(text) => fnv(fnv(hash, &[3]), text.as_bytes()),
        };
    }
    // The finishing step of splitmix64.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The rows of one window.
pub(crate) struct WindowRows<'a> {
    batch: &'a Batch,
    tickers: &'a [String],
    start: String,
    end: String,
    /// The checksum, when it is known already.
    sealed: Option<u64>,
}

impl<'a> WindowRows<'a> {
    pub(crate) fn new(batch: &'a Batch, tickers: &'a [String]) -> Self {
        Self {
            batch,
            tickers,
            sealed: None,
            start: iso_ms(batch.start_ms),
            end: iso_ms(batch.end_ms),
        }
    }

    /// With the checksum that the rows have, if that is known.
    pub(crate) fn sealed(self, checksum: Option<u64>) -> Self {
        Self {
            sealed: checksum,
            ..self
        }
    }

    /// [`window_checksum`] of these rows.
    pub(crate) fn checksum(&self) -> u64 {
        if let Some(checksum) = self.sealed {
            return checksum;
        }
        let mut sum = 0u64;
        let Ok(()) = self.try_each(|table, row| {
            sum = sum.wrapping_add(row_hash(table, row));
            Ok::<(), Infallible>(())
        });
        sum
    }

    /// The first symbol without a ticker.
    pub(crate) fn unknown_symbol(&self) -> Option<SymbolId> {
        let windows = self.batch.symbols.iter().map(|w| w.symbol);
        let ledger = self.batch.ledger.iter().map(|r| r.symbol);
        let states = self.batch.states.iter().map(|s| s.symbol);
        windows
            .chain(ledger)
            .chain(states)
            .find(|id| id.index() >= self.tickers.len())
    }

    /// Visits every row of the data tables, table by table, symbols in order.
    pub(crate) fn try_each<E>(
        &self,
        mut visit: impl FnMut(&'static Table, &[Cell<'_>]) -> Result<(), E>,
    ) -> Result<(), E> {
        let ticked = || self.batch.symbols.iter().filter(|w| w.ticks > 0);
        for window in ticked() {
            visit(&TICK_BATCH, &self.tick(window))?;
        }
        for window in self.batch.symbols.iter().filter(|w| w.snapshot) {
            visit(&ORDERBOOK_SNAPSHOT, &self.snapshot(window))?;
        }
        for window in ticked() {
            visit(&FEATURES_STREAM, &self.feature(window))?;
        }
        for row in &self.batch.ledger {
            visit(&VOLUME_LEDGER, &self.ledger(row))?;
        }
        Ok(())
    }

    /// The row of `window_log`.
    pub(crate) fn log(&self, checksum: u64) -> [Cell<'_>; 9] {
        let counts = &self.batch.counts;
        [
            Cell::Int(self.batch.start_ms),
            text(&self.start),
            text(&self.end),
            int(counts.messages),
            int(counts.ticks),
            int(counts.merged),
            Cell::Int(i64::from(self.batch.merged_windows)),
            int(counts.rejected),
            Cell::Int(checksum.cast_signed()),
        ]
    }

    /// The text in the column `ticker`.
    pub(crate) fn ticker(&self, id: SymbolId) -> Cell<'a> {
        text(self.tickers.get(id.index()).map_or("", String::as_str))
    }

    fn window_id(&self) -> Cell<'static> {
        Cell::Int(self.batch.start_ms)
    }

    fn tick(&self, window: &SymbolWindow) -> [Cell<'_>; 10] {
        [
            self.ticker(window.symbol),
            text(&self.start),
            text(&self.end),
            Cell::Int(window.ticks.into()),
            Cell::Int(window.upticks.into()),
            Cell::Int(window.downticks.into()),
            Cell::real(window.volume.shares()),
            Cell::real(window.last_price.yen()),
            self.window_id(),
            Cell::Int(window.trades.into()),
        ]
    }

    fn snapshot(&self, window: &SymbolWindow) -> [Cell<'_>; 9] {
        let book = window.book.as_ref();
        let price = |side: Option<ayumi_engine::num::Price>| Cell::real_or_null(side.map(|p| p.yen()));
        [
            self.ticker(window.symbol),
            text(&self.end),
            price(book.and_then(|b| b.bid1)),
            price(book.and_then(|b| b.ask1)),
            Cell::real_or_null(book.and_then(|b| b.spread_bp())),
            book.map_or(Cell::Null, |b| Cell::Int(b.buy_top3.0)),
            book.map_or(Cell::Null, |b| Cell::Int(b.sell_top3.0)),
            self.window_id(),
            book.map_or(Cell::Null, |b| text(b.source.as_str())),
        ]
    }

    fn feature(&self, window: &SymbolWindow) -> [Cell<'_>; 15] {
        let book = window.book.as_ref();
        let values = [
            Cell::real(window.uptick_ratio()),
            Cell::real(window.volume.shares()),
            Cell::real_or_null(book.and_then(|b| b.spread_bp())),
            book.map_or(Cell::Null, |b| Cell::Int(b.buy_top3.0)),
            book.map_or(Cell::Null, |b| Cell::Int(b.sell_top3.0)),
            Cell::real_or_null(book.and_then(|b| b.depth_imbalance())),
        ];
        let key = [self.ticker(window.symbol), text(&self.end)];
        feature_cells(key, values, &window.burst, self.window_id())
    }

    /// A row of `volume_ledger`, with this window's id.
    pub(crate) fn ledger(&self, row: &LedgerRow) -> [Cell<'_>; 7] {
        [
            self.ticker(row.symbol),
            Cell::Text(row.trading_date.to_string().into()),
            text(row.cause.as_str()),
            Cell::real(row.volume.shares()),
            Cell::Text(iso_ms(row.from.ms()).into()),
            Cell::Text(iso_ms(row.to.ms()).into()),
            self.window_id(),
        ]
    }
}

/// A row of `features_stream`: ticker and time, the six values from `uptick_ratio` to `depth_imbalance`, the burst
/// columns, the window.
pub(crate) fn feature_cells<'a>(
    key: [Cell<'a>; 2],
    values: [Cell<'a>; 6],
    burst: &Burst,
    window_id: Cell<'a>,
) -> [Cell<'a>; 15] {
    let [ticker, ts] = key;
    let [uptick_ratio, vol_sum, spread_bp, buy_top3, sell_top3, depth_imbalance] = values;
    [
        ticker,
        ts,
        uptick_ratio,
        vol_sum,
        spread_bp,
        buy_top3,
        sell_top3,
        depth_imbalance,
        Cell::Int(burst.buy.into()),
        Cell::Int(burst.sell.into()),
        Cell::real(burst.score),
        Cell::Int(burst.streak_len.into()),
        Cell::real(burst.surge_vol_ratio),
        Cell::Text(burst.last_signal_ms.map_or(Cow::Borrowed(""), |ms| iso_ms(ms).into())),
        window_id,
    ]
}

pub(crate) fn text(value: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(value))
}

/// A counter; SQLite's integers are signed.
fn int(count: u64) -> Cell<'static> {
    Cell::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_tell_values_types_and_tables_apart() {
        let rows: [&[Cell<'_>]; 5] = [
            &[Cell::Null],
            &[Cell::Int(0)],
            &[Cell::Real(0.0)],
            &[Cell::Text("".into())],
            &[Cell::Null, Cell::Null],
        ];
        let mut hashes: Vec<u64> = rows.iter().map(|row| row_hash(&TICK_BATCH, row)).collect();
        hashes.push(row_hash(&VOLUME_LEDGER, rows[0]));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 6);
    }

    #[test]
    fn floats_are_hashed_as_the_database_returns_them() {
        assert_eq!(Cell::real(f64::NAN), Cell::Null);
        assert_eq!(
            row_hash(&TICK_BATCH, &[Cell::real(-0.0)]),
            row_hash(&TICK_BATCH, &[Cell::real(0.0)])
        );
    }
}
