//! `window_log` page by page, and what was found of each window's rows.

use ayumi_engine::jst::{iso_ms, parse_ms};
use rusqlite::{Connection, OptionalExtension, Row};

use super::walk::{as_text, text};
use super::{LoggedWindow, WindowFault};

/// The columns that [`logged`] reads. The casts make whatever a damaged page holds readable.
fn columns() -> String {
    format!(
        "window_id, {}, {}, CAST(messages AS INTEGER), CAST(ticks AS INTEGER), CAST(merged AS INTEGER), \
         CAST(merged_windows AS INTEGER), CAST(rejected AS INTEGER), CAST(checksum AS INTEGER)",
        as_text("ts_start"),
        as_text("ts_end")
    )
}

/// Rows of one window, summed up.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Wrapping sum of the rows' hashes.
    pub(super) hash: u64,
    /// Rows per table.
    pub(super) rows: [u64; 4],
    /// Sum of `tick_batch.ticks`.
    pub(super) ticks: i64,
    /// Rows whose time is not the window's end.
    pub(super) elsewhere: u64,
    /// The rows' time, when the window was not at hand or says another one.
    pub(super) end: Option<String>,
}

impl Part {
    pub(super) fn add(&mut self, other: &Self) {
        self.hash = self.hash.wrapping_add(other.hash);
        for (sum, more) in self.rows.iter_mut().zip(other.rows) {
            *sum += more;
        }
        self.ticks = self.ticks.saturating_add(other.ticks);
        self.elsewhere += other.elsewhere;
        if self.end.is_none() {
            self.end.clone_from(&other.end);
        }
    }
}

/// A row of `window_log` beside the rows that were found.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) window: LoggedWindow,
    /// `ts_end` as it stands there.
    pub(super) end: String,
    pub(super) ticks: i64,
    pub(super) checksum: u64,
    /// The row fits itself: id and start, start and end, the counts.
    fits: bool,
    pub(super) part: Part,
    /// `part` holds what came beside a complete window.
    pub(super) surplus: bool,
}

impl Logged {
    /// What is wrong with the window, if anything.
    pub(super) fn fault(&self) -> Option<WindowFault> {
        let [ticks, books, features, ledger] = self.part.rows;
        let (found, logged) = (self.part.ticks, self.ticks);
        if self.surplus {
            return Some(WindowFault::Surplus);
        }
        if self.part.hash == self.checksum {
            return match found.cmp(&logged) {
                _ if !self.fits || self.part.elsewhere > 0 => Some(WindowFault::LogChanged),
                std::cmp::Ordering::Less => Some(WindowFault::Displaced { found, logged }),
                std::cmp::Ordering::Greater => Some(WindowFault::LogChanged),
                std::cmp::Ordering::Equal => None,
            };
        }
        Some(if ticks + books + features + ledger == 0 {
            WindowFault::NoRows
        } else if found < logged {
            WindowFault::TicksMissing { found, logged }
        } else if ticks != features || books < ticks {
            WindowFault::RowsMissing { ticks, books, features }
        } else {
            WindowFault::Changed
        })
    }
}

/// Windows from `from` to `to`, ascending, at most `limit`.
pub(super) fn page(connection: &Connection, from: i64, to: i64, limit: i64) -> rusqlite::Result<Vec<Logged>> {
    let sql = format!(
        "SELECT {} FROM window_log WHERE window_id >= ?1 AND window_id <= ?2 ORDER BY window_id LIMIT ?3",
        columns()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([from, to, limit], logged)?;
    rows.collect()
}

/// One window.
pub(super) fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<Logged>> {
    let sql = format!("SELECT {} FROM window_log WHERE window_id = ?1", columns());
    connection.prepare_cached(&sql)?.query_row([id], logged).optional()
}

fn logged(row: &Row<'_>) -> rusqlite::Result<Logged> {
    let number = |at| row.get::<_, Option<i64>>(at);
    let id: i64 = row.get(0)?;
    let (start, end) = (text(row, 1)?, text(row, 2)?);
    let end_ms = parse_ms(&end).filter(|ms| iso_ms(*ms) == end);
    let (messages, ticks) = (number(3)?, number(4)?.unwrap_or(-1));
    let (merged, rejected) = (number(5)?.unwrap_or(-1), number(7)?.unwrap_or(-1));
    let sum = ticks.saturating_add(merged).saturating_add(rejected);
    let merged_windows = number(6)?;
    let plausible = |ms: i64| (0..4_102_444_800_000).contains(&ms);
    let fits = end_ms.is_some_and(|ms| ms > id)
        && plausible(id)
        && start == iso_ms(id)
        && messages == Some(sum)
        && [ticks, merged, rejected].iter().all(|n| *n >= 0)
        && merged_windows.is_some_and(|n| n >= 0);
    Ok(Logged {
        window: LoggedWindow {
            id,
            end_ms: end_ms.unwrap_or(id),
            merged,
            merged_windows: merged_windows.unwrap_or(0),
            rejected: rejected.max(0),
        },
        end: end.into_owned(),
        ticks,
        checksum: number(8)?.unwrap_or(0).cast_unsigned(),
        fits,
        part: Part::default(),
        surplus: false,
    })
}
