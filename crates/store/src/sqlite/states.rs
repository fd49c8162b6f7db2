//! `stream_state`, there and back: exact integers, so that a restart counts on where the last run stopped.

use std::path::Path;
use std::time::Duration;

use ayumi_engine::batch::StateRow;
use ayumi_engine::jst::{self, Date};
use ayumi_engine::num::{Price, Qty};
use ayumi_engine::{Stamp, SymbolId};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::error::StoreError;
use crate::rows::Cell;
use crate::schema::{STREAM_STATE, WINDOW_LOG};

/// Inserts a state, or replaces the one of the same ticker and trading date.
pub(super) fn upsert_sql() -> String {
    let insert = STREAM_STATE.insert_sql(true);
    let values = insert.trim_end_matches("DO NOTHING");
    let set: Vec<String> = STREAM_STATE.columns[2..]
        .iter()
        .map(|c| format!("{0} = excluded.{0}", c.name))
        .collect();
    let conflict = values.replace("ON CONFLICT ", "ON CONFLICT (ticker, trading_date) ");
    format!("{conflict}DO UPDATE SET {}", set.join(", "))
}

/// As [`upsert_sql`], for a replay: a newer state stays, and so does the base of what stands in the file.
pub(super) fn upsert_forward_sql() -> String {
    let sql = upsert_sql().replace(
        "base_volume = excluded.base_volume",
        "base_volume = coalesce(stream_state.base_volume, excluded.base_volume)",
    );
    format!("{sql} WHERE excluded.window_id >= stream_state.window_id")
}

/// The values for [`upsert_sql`].
pub(super) fn cells<'a>(state: &StateRow, ticker: Cell<'a>, window_id: i64) -> [Cell<'a>; 8] {
    let int = |value: Option<i64>| value.map_or(Cell::Null, Cell::Int);
    [
        ticker,
        Cell::Text(state.trading_date.to_string().into()),
        int(state.base.map(|q| q.0)),
        int(state.last.map(|q| q.0)),
        int(state.last_at.map(|s| s.0)),
        int(state.null_at.map(|s| s.0)),
        int(state.last_price.map(|p| p.0)),
        Cell::Int(window_id),
    ]
}

/// States from `date_from` on whose ticker is in the list.
pub(super) fn load(
    connection: &Connection,
    path: &Path,
    tickers: &[String],
    date_from: Date,
) -> Result<Vec<StateRow>, StoreError> {
    let failed = |e| StoreError::sqlite(path, "reading stream_state", e);
    let mut statement = connection
        .prepare(
            "SELECT ticker, trading_date, base_volume, last_volume, last_ns, null_ns, last_price_e4 \
             FROM stream_state WHERE trading_date >= ?1",
        )
        .map_err(failed)?;
    let mut rows = statement.query([date_from.to_string()]).map_err(failed)?;
    let mut states = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (ticker, date): (String, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let Some(symbol) = tickers.iter().position(|t| *t == ticker) else {
            continue;
        };
        let symbol = SymbolId(u16::try_from(symbol).expect("symbol numbers are 16 bits wide"));
        let Some(trading_date) = Date::parse(&date) else {
            return Err(StoreError::BadValue {
                path: path.to_owned(),
                table: STREAM_STATE.name,
                value: date,
            });
        };
        states.push(state(row, symbol, trading_date).map_err(failed)?);
    }
    Ok(states)
}

/// Adds the states of another file for symbols and dates that `states` does not have. Its absence is no problem.
pub(super) fn add_from(path: &Path, tickers: &[String], date_from: Date, states: &mut Vec<StateRow>) {
    if !path.exists() {
        return;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let loaded = Connection::open_with_flags(path, flags)
        .and_then(|c| c.busy_timeout(Duration::from_secs(1)).map(|()| c))
        .map_err(|e| StoreError::sqlite(path, "opening", e))
        .and_then(|c| load(&c, path, tickers, date_from));
    match loaded {
        Ok(older) => {
            for row in older {
                if !states
                    .iter()
                    .any(|s| (s.symbol, s.trading_date) == (row.symbol, row.trading_date))
                {
                    states.push(row);
                }
            }
        }
        Err(error) => log::warn!("the previous day's file is left out: {error}"),
    }
}

/// How many windows a file holds, and the end of the newest.
pub(super) fn windows(connection: &Connection, path: &Path) -> Result<(i64, Option<String>), StoreError> {
    connection
        .query_row("SELECT count(*), max(ts_end) FROM window_log", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(|e| StoreError::sqlite(path, "reading window_log", e))
}

/// End of the newest window.
pub(super) fn last_window_end_ms(connection: &Connection, path: &Path) -> Result<Option<i64>, StoreError> {
    let end: Option<String> = connection
        .query_row(
            "SELECT ts_end FROM window_log ORDER BY window_id DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(|e| StoreError::sqlite(path, "reading window_log", e))?;
    let Some(end) = end else { return Ok(None) };
    let ms = parse_ms(&end).ok_or_else(|| StoreError::BadValue {
        path: path.to_owned(),
        table: WINDOW_LOG.name,
        value: end,
    })?;
    Ok(Some(ms))
}

fn state(row: &Row<'_>, symbol: SymbolId, trading_date: Date) -> rusqlite::Result<StateRow> {
    Ok(StateRow {
        symbol,
        trading_date,
        base: row.get::<_, Option<i64>>(2)?.map(Qty),
        last: row.get::<_, Option<i64>>(3)?.map(Qty),
        last_at: row.get::<_, Option<i64>>(4)?.map(Stamp),
        null_at: row.get::<_, Option<i64>>(5)?.map(Stamp),
        last_price: row.get::<_, Option<i64>>(6)?.map(Price),
    })
}

/// Reads the tables' own time format, `2026-11-20T09:00:00.300+09:00`, to the millisecond.
fn parse_ms(text: &str) -> Option<i64> {
    let ms: i64 = text.get(20..23)?.parse().ok()?;
    let value = jst::parse(text.as_bytes())?.unix_s * 1000 + ms;
    (jst::iso_ms(value) == text).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_times_are_read_back() {
        for ms in [0, 1_763_596_800_300, 1_763_596_800_999, 4_102_444_800_001] {
            assert_eq!(parse_ms(&jst::iso_ms(ms)), Some(ms));
        }
        for text in [
            "",
            "2026-11-20",
            "2026-11-20T09:00:00+09:00",
            "2026-11-20T09:00:00.300+08:00",
        ] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }

    #[test]
    fn a_state_replaces_the_older_one() {
        assert_eq!(
            upsert_sql(),
            "INSERT INTO stream_state (ticker, trading_date, base_volume, last_volume, last_ns, null_ns, \
             last_price_e4, window_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
             ON CONFLICT (ticker, trading_date) DO UPDATE SET base_volume = excluded.base_volume, \
             last_volume = excluded.last_volume, last_ns = excluded.last_ns, null_ns = excluded.null_ns, \
             last_price_e4 = excluded.last_price_e4, window_id = excluded.window_id"
        );
    }
}
