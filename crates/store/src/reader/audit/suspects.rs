//! A closer look at windows that seem damaged.

use std::collections::{BTreeMap, BTreeSet};

use ayumi_engine::jst::iso_ms;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::walk::{Walk, text};
use super::windows::{self, Logged};
use crate::reader::Reader;
use crate::reader::verify::stored_hash;
use crate::schema::{FEATURES_STREAM, ORDERBOOK_SNAPSHOT, TICK_BATCH, Table};

/// The symbols whose rows may be the damaged ones, and whether a missing counterpart says so. `end` is the time of the
/// window's rows.
pub(super) fn tickers(reader: &Reader, window_id: i64, end: &str) -> rusqlite::Result<(Vec<String>, bool)> {
    // Its own id comes first: the end in window_log may be what was changed.
    let of = |table: &Table| of_table(&reader.connection, table, window_id, end);
    let (ticks, books, features) = (of(&TICK_BATCH)?, of(&ORDERBOOK_SNAPSHOT)?, of(&FEATURES_STREAM)?);
    let mut alone: BTreeSet<String> = ticks.symmetric_difference(&features).cloned().collect();
    alone.extend(ticks.difference(&books).cloned());
    if alone.is_empty() {
        let all: BTreeSet<String> = ticks.into_iter().chain(books).chain(features).collect();
        return Ok((all.into_iter().collect(), false));
    }
    Ok((alone.into_iter().collect(), true))
}

fn of_table(connection: &Connection, table: &Table, window_id: i64, end: &str) -> rusqlite::Result<BTreeSet<String>> {
    let Some([time, _]) = table.key else {
        return Ok(BTreeSet::new());
    };
    let sql = format!(
        "SELECT CAST(ticker AS TEXT) FROM {} WHERE {time} = ?1 AND window_id = ?2",
        table.name
    );
    let end = if end.is_empty() {
        iso_ms(window_id)
    } else {
        end.to_owned()
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let tickers = statement.query_map(rusqlite::params![end, window_id], |row| Ok(text(row, 0)?.into_owned()))?;
    tickers.collect()
}

/// Adds what came to the open windows after the audit began, in one instant with their checksums. An error leaves them
/// as they are.
pub(super) fn catch_up(reader: &Reader, walks: &[Walk; 4], open: &mut BTreeMap<i64, Logged>) {
    let mut newer = open.clone();
    let mut add = || {
        let snapshot = reader.connection.unchecked_transaction()?;
        for window in newer.values_mut() {
            if let Some(now) = windows::one(&snapshot, window.window.id)? {
                (window.checksum, window.ticks) = (now.checksum, now.ticks);
            }
        }
        for (at, walk) in walks.iter().enumerate() {
            later(&snapshot, at, walk, &mut newer)?;
        }
        Ok::<(), rusqlite::Error>(())
    };
    if add().is_ok() {
        newer.retain(|_, window| window.fault().is_some());
        *open = newer;
    }
}

fn later(connection: &Connection, at: usize, walk: &Walk, open: &mut BTreeMap<i64, Logged>) -> rusqlite::Result<()> {
    let sql = format!("{} AND rowid > ?1", walk.table.select_sql());
    let Ok(mut statement) = connection.prepare(&sql) else {
        return Ok(());
    };
    let mut rows = statement.query([walk.last()])?;
    while let Some(row) = rows.next()? {
        let ValueRef::Integer(id) = row.get_ref(0)? else {
            continue;
        };
        let Some(window) = open.get_mut(&id) else { continue };
        window.part.hash = window.part.hash.wrapping_add(stored_hash(walk.table, row)?);
        window.part.rows[at] += 1;
        if at == 0 {
            window.part.ticks += row.get::<_, Option<i64>>(4)?.unwrap_or(0);
        }
    }
    Ok(())
}
