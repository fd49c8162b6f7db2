//! The newest feature rows of a day, read back for the burst columns.

use std::path::Path;

use ayumi_engine::SymbolId;
use ayumi_engine::burst::{Bursts, Row};
use ayumi_engine::jst::{self, Date};
use rusqlite::Connection;

use crate::error::StoreError;

/// Feeds as many of each symbol's newest rows as its look-back remembers, oldest first. Walks the index by time from
/// its end: rows of symbols that have enough already are not read.
pub(super) fn restore(
    connection: &Connection,
    path: &Path,
    tickers: &[String],
    date: Date,
    bursts: &mut Bursts,
) -> Result<(), StoreError> {
    let failed = |e| StoreError::sqlite(path, "reading features_stream", e);
    let mut statement = connection
        .prepare(
            "SELECT ticker, ts, uptick_ratio, vol_sum, spread_bp, depth_imbalance, last_signal_ts \
             FROM features_stream WHERE ts >= ?1 AND ts < ?2 ORDER BY ts DESC",
        )
        .map_err(failed)?;
    let next_day = Date::from_days(date.days() + 1);
    let mut rows = statement
        .query([date.to_string(), next_day.to_string()])
        .map_err(failed)?;
    let mut found: Vec<Vec<(Row, Option<i64>)>> = vec![Vec::new(); tickers.len()];
    let mut wanting = tickers.len();
    while wanting > 0
        && let Some(row) = rows.next().map_err(failed)?
    {
        let ticker = row.get_ref(0).map_err(failed)?.as_str().unwrap_or_default();
        let Some(at) = tickers.iter().position(|t| t == ticker) else {
            continue;
        };
        if found[at].len() == bursts.memory() {
            continue;
        }
        if let Some(read) = feature(row, date).map_err(failed)? {
            found[at].push(read);
            wanting -= usize::from(found[at].len() == bursts.memory());
        }
    }
    for (at, rows) in found.iter().enumerate() {
        let symbol = SymbolId(u16::try_from(at).expect("symbol numbers are 16 bits wide"));
        for (row, last_signal_ms) in rows.iter().rev() {
            bursts.restore(symbol, *row, *last_signal_ms);
        }
    }
    Ok(())
}

/// A row of a script may lack what is needed; it is passed over.
fn feature(row: &rusqlite::Row<'_>, date: Date) -> rusqlite::Result<Option<(Row, Option<i64>)>> {
    let (ts, last): (Option<String>, Option<String>) = (row.get(1)?, row.get(6)?);
    let (uptick_ratio, vol_sum): (Option<f64>, Option<f64>) = (row.get(2)?, row.get(3)?);
    let (Some(end_ms), Some(uptick_ratio), Some(vol_sum)) =
        (ts.as_deref().and_then(jst::parse_ms), uptick_ratio, vol_sum)
    else {
        return Ok(None);
    };
    let row = Row {
        date,
        end_ms,
        uptick_ratio,
        vol_sum,
        spread_bp: row.get(4)?,
        depth_imbalance: row.get(5)?,
    };
    Ok(Some((row, last.as_deref().and_then(jst::parse_ms))))
}
