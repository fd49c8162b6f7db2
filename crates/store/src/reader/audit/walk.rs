//! One data table, row by row in pages.

use std::borrow::Cow;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::windows::{Logged, Part, one};
use super::{AuditedLedger, AuditedTick, Work};
use crate::reader::verify::stored_hash;
use crate::schema::Table;

/// Rows that one read transaction takes at most: some tens of milliseconds.
const ROWS: i64 = 20_000;
/// Position of a table in [`crate::schema::DATA_TABLES`].
const TICKS: usize = 0;
const LEDGER: usize = 3;

/// How a page ended.
pub(super) enum Page {
    /// There may be more.
    More,
    /// The next row belongs to a later window, or there is none.
    Reached,
}

/// Where the reading of a table stands.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) table: &'static Table,
    sql: String,
    /// The last row that was taken.
    behind: i64,
    /// The last row that counts.
    last: i64,
    /// Column with the window's end.
    time: Option<usize>,
}

impl Walk {
    /// Rows behind `behind` up to `last`.
    pub(super) fn new(table: &'static Table, behind: i64, last: i64) -> Self {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|c| match c.sql_type {
                "TEXT" => as_text(c.name),
                other => format!("CAST({} AS {other})", c.name),
            })
            .collect();
        let time = table
            .key
            .and_then(|[time, _]| table.columns.iter().position(|c| c.name == time));
        Self {
            table,
            sql: format!(
                "SELECT window_id, {}, rowid FROM {} WHERE rowid > ?1 AND rowid <= ?2 ORDER BY rowid LIMIT {ROWS}",
                columns.join(", "),
                table.name
            ),
            behind,
            last,
            time: time.map(|at| at + 1),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.behind >= self.last
    }

    pub(super) fn behind(&self) -> i64 {
        self.behind
    }

    /// The last row that counts.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    pub(super) fn give_up(&mut self) {
        self.behind = self.last;
    }

    pub(super) fn estimate(&self) -> u64 {
        self.last.saturating_sub(self.behind).max(0).unsigned_abs()
    }
}

impl Work<'_> {
    /// Takes rows of a table up to the window `last`, at most a page of them.
    pub(super) fn page(&mut self, at: usize, windows: &mut [Logged], last: i64) -> rusqlite::Result<Page> {
        let mut statement = self.reader.connection.prepare_cached(&self.walks[at].sql)?;
        let rowid_at = self.walks[at].table.columns.len() + 1;
        let mut rows = statement.query([self.walks[at].behind, self.walks[at].last])?;
        let (mut taken, mut near) = (0, 0);
        while let Some(row) = rows.next()? {
            let id = match row.get_ref(0)? {
                ValueRef::Integer(id) => Some(id),
                _ => None,
            };
            if id.is_some_and(|id| id > last && id < self.span.to_ms) {
                return Ok(Page::Reached);
            }
            self.walks[at].behind = row.get(rowid_at)?;
            taken += 1;
            match id {
                None => self.audit.of_scripts += 1,
                Some(id) if id < self.span.from_ms || id >= self.span.to_ms => {}
                Some(id) => self.row(at, id, row, windows, &mut near)?,
            }
        }
        if taken < ROWS {
            self.walks[at].give_up();
        }
        Ok(Page::More)
    }

    /// Adds a row to its window and tells it.
    fn row(
        &mut self,
        at: usize,
        id: i64,
        row: &Row<'_>,
        windows: &mut [Logged],
        near: &mut usize,
    ) -> rusqlite::Result<()> {
        self.audit.rows += 1;
        let walk = &self.walks[at];
        let end = walk.time.map(|time| text(row, time)).transpose()?;
        let mut part = Part {
            hash: stored_hash(walk.table, row)?,
            ..Part::default()
        };
        part.rows[at] = 1;
        if at == TICKS {
            part.ticks = row.get::<_, Option<i64>>(4)?.unwrap_or(0);
        }
        if windows.get(*near).is_none_or(|w| w.window.id != id) {
            *near = windows.binary_search_by_key(&id, |w| w.window.id).unwrap_or(usize::MAX);
        }
        let merged = match windows.get_mut(*near) {
            Some(window) => {
                if end.as_deref().is_some_and(|end| end != window.end) {
                    part.elsewhere = 1;
                    part.end = end.map(Cow::into_owned);
                }
                window.part.add(&part);
                is_merged(window)
            }
            None => {
                let look = at == TICKS && self.last_window.is_some();
                let merged = look && one(&self.reader.connection, id)?.as_ref().is_some_and(is_merged);
                part.end = end.map(Cow::into_owned);
                self.strays.entry(id).or_default().add(&part);
                merged
            }
        };
        self.tell(at, id, merged, row)
    }

    fn tell(&mut self, at: usize, window_id: i64, merged: bool, row: &Row<'_>) -> rusqlite::Result<()> {
        match at {
            TICKS => self.watch.tick(&AuditedTick {
                ticker: &text(row, 1)?,
                window_id,
                ticks: row.get::<_, Option<i64>>(4)?.unwrap_or(0),
                vol_sum: row.get::<_, Option<f64>>(7)?.unwrap_or(0.0),
                merged,
            }),
            LEDGER => self.watch.ledger(&AuditedLedger {
                ticker: &text(row, 1)?,
                trading_date: &text(row, 2)?,
                cause: &text(row, 3)?,
                volume: row.get::<_, Option<f64>>(4)?.unwrap_or(0.0),
                ts_start: &text(row, 5)?,
                ts_end: &text(row, 6)?,
            }),
            _ => {}
        }
        Ok(())
    }
}

fn is_merged(window: &Logged) -> bool {
    window.window.merged > 0 || window.window.merged_windows > 0
}

/// A column as text. Not of a blob: a flipped bit makes one of a text, with the same bytes in it.
pub(super) fn as_text(column: &str) -> String {
    format!("CASE typeof({column}) WHEN 'blob' THEN NULL ELSE CAST({column} AS TEXT) END")
}

/// A text as far as it is one.
pub(super) fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<Cow<'r, str>> {
    Ok(match row.get_ref(at)? {
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text),
        _ => Cow::Borrowed(""),
    })
}
