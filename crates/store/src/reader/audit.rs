//! Every window of a file against what was written: rows, counts and checksums, in pages.
//!
//! Reads row by row in the order of row ids, thousands at a time; no transaction outlives a page, so a running recorder
//! can cut its log meanwhile. What the file held in one instant at the start is what is checked; rows that come later
//! are left out. Memory grows with the disorder of the rows (a clock that was set back), not with the file.

mod fault;
mod head;
mod suspects;
mod walk;
mod windows;

use std::collections::BTreeMap;

use super::Reader;
use crate::error::StoreError;
use crate::schema::DATA_TABLES;

pub use fault::{DamagedWindow, WindowFault};
pub use head::{Shape, StoredState};
use walk::Walk;
use windows::{Logged, Part};

/// Damaged windows that are described; more are counted.
const DESCRIBED: usize = 200;
/// Windows that are compared in one step.
const WINDOWS: i64 = 2_000;

/// Start and end (Unix ms) of the windows' starts that are checked, `[from, to)`; both at a border of a trading date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First.
    pub from_ms: i64,
    /// Behind the last.
    pub to_ms: i64,
}

impl Span {
    /// Everything.
    pub const ALL: Self = Self {
        from_ms: i64::MIN,
        to_ms: i64::MAX,
    };
}

/// A row of `window_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedWindow {
    /// Its start, Unix ms.
    pub id: i64,
    /// Its end, Unix ms; the start when the file holds no time there.
    pub end_ms: i64,
    /// Messages whose detail was folded into another one's.
    pub merged: i64,
    /// Windows that were folded into it.
    pub merged_windows: i64,
    /// Messages that were rejected while it was open, for whatever reason.
    pub rejected: i64,
}

/// A row of `tick_batch` that a recorder wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuditedTick<'a> {
    /// The symbol.
    pub ticker: &'a str,
    /// Start of its window.
    pub window_id: i64,
    /// Ticks.
    pub ticks: i64,
    /// Their volume.
    pub vol_sum: f64,
    /// Detail of its window was merged under overload.
    pub merged: bool,
}

/// A row of `volume_ledger`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuditedLedger<'a> {
    /// The symbol.
    pub ticker: &'a str,
    /// As it stands in the row.
    pub trading_date: &'a str,
    /// As it stands in the row.
    pub cause: &'a str,
    /// Signed volume.
    pub volume: f64,
    /// When the volume was last known before.
    pub ts_start: &'a str,
    /// When it was seen.
    pub ts_end: &'a str,
}

/// Who is told what is read, as it is read.
pub trait AuditWatch {
    /// About so many rows will be read.
    fn begin(&mut self, rows: u64);
    /// So many are read.
    fn rows(&mut self, done: u64);
    /// True ends the audit early.
    fn stopped(&self) -> bool;
    /// A window of `window_log`, in the order of their starts.
    fn window(&mut self, window: &LoggedWindow);
    /// A row of `tick_batch`.
    fn tick(&mut self, row: &AuditedTick<'_>);
    /// A row of `volume_ledger`.
    fn ledger(&mut self, row: &AuditedLedger<'_>);
}

/// A table that cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which.
    pub table: &'static str,
    /// The last row id (in `window_log`: window) that could be read before it.
    pub behind: i64,
    /// SQLite's words.
    pub detail: String,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// Windows in `window_log`.
    pub windows: u64,
    /// Rows of ours in the four data tables.
    pub rows: u64,
    /// Rows without a window: the scripts wrote them.
    pub of_scripts: u64,
    /// Feature rows of windows that are in no other table: a replay from a snapshot database wrote them.
    pub replayed: u64,
    /// Windows that are not what was written, ascending; at most 200 of them.
    pub damaged: Vec<DamagedWindow>,
    /// How many more there are.
    pub more_damaged: u64,
    /// Tables that could not be read to their end. Windows that cannot be judged for that are not among the damaged.
    pub unreadable: Vec<Unreadable>,
    /// What `stream_state` held at the start.
    pub states: Vec<StoredState>,
    /// Whether it was ended early.
    pub stopped: bool,
}

impl Audit {
    /// All that was read is as it was written.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.more_damaged == 0 && self.unreadable.is_empty()
    }
}

impl Reader {
    /// Compares the windows that start in `span` with their rows.
    ///
    /// # Errors
    /// What SQLite reports before the first page; later it becomes an [`Unreadable`].
    pub fn audit(&self, span: Span, watch: &mut dyn AuditWatch) -> Result<Audit, StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "looking over the tables", e);
        let head = head::Head::read(self, span).map_err(failed)?;
        let mut work = Work {
            reader: self,
            span,
            watch,
            last_window: head.last_window,
            walks: head.walks,
            open: BTreeMap::new(),
            strays: BTreeMap::new(),
            audit: Audit {
                states: head.states,
                of_scripts: head.of_scripts,
                ..Audit::default()
            },
        };
        work.run();
        Ok(work.audit)
    }
}

/// An audit that is going on.
struct Work<'a> {
    reader: &'a Reader,
    span: Span,
    watch: &'a mut dyn AuditWatch,
    /// The newest window at the start; `None` without a readable `window_log`.
    last_window: Option<i64>,
    walks: [Walk; 4],
    /// Windows whose rows did not come where they were expected.
    open: BTreeMap<i64, Logged>,
    /// Rows whose window was not at hand.
    strays: BTreeMap<i64, Part>,
    audit: Audit,
}

impl Work<'_> {
    fn run(&mut self) {
        let rows = self.walks.iter().map(Walk::estimate).sum();
        self.watch.begin(rows);
        let mut behind = None;
        while let Some(mut windows) = self.next_windows(behind) {
            behind = windows.last().map(|w| w.window.id);
            self.take_rows(&mut windows, behind.unwrap_or(i64::MAX));
            for window in windows {
                if window.fault().is_some() {
                    self.open.insert(window.window.id, window);
                }
            }
            if self.watch.stopped() {
                self.audit.stopped = true;
                return;
            }
        }
        self.take_rows(&mut [], i64::MAX);
        self.audit.stopped = self.watch.stopped();
        if !self.audit.stopped {
            self.settle();
        }
    }

    /// The windows behind the last ones; `None` when there are no more.
    fn next_windows(&mut self, behind: Option<i64>) -> Option<Vec<Logged>> {
        let from = behind.map_or(self.span.from_ms, |id| id + 1);
        let to = self.last_window?.min(self.span.to_ms.saturating_sub(1));
        if from > to {
            return None;
        }
        match windows::page(&self.reader.connection, from, to, WINDOWS) {
            Ok(windows) if windows.is_empty() => None,
            Ok(windows) => {
                self.audit.windows += windows.len() as u64;
                for window in &windows {
                    self.watch.window(&window.window);
                }
                Some(windows)
            }
            Err(error) => {
                self.unreadable("window_log", behind.unwrap_or(0), &error);
                None
            }
        }
    }

    /// Reads the rows of every table up to the window `last`.
    fn take_rows(&mut self, windows: &mut [Logged], last: i64) {
        for at in 0..DATA_TABLES.len() {
            while !self.walks[at].is_done() && !self.watch.stopped() {
                match self.page(at, windows, last) {
                    Ok(walk::Page::More) => {}
                    Ok(walk::Page::Reached) => break,
                    Err(error) => {
                        let (table, behind) = (self.walks[at].table.name, self.walks[at].behind());
                        self.unreadable(table, behind, &error);
                        self.walks[at].give_up();
                    }
                }
                self.watch.rows(self.audit.rows + self.audit.of_scripts);
            }
        }
    }

    fn unreadable(&mut self, table: &'static str, behind: i64, error: &rusqlite::Error) {
        self.audit.unreadable.push(Unreadable {
            table,
            behind,
            detail: error.to_string(),
        });
    }

    /// Brings windows and stray rows together; what still does not fit is damaged.
    fn settle(&mut self) {
        for (id, part) in std::mem::take(&mut self.strays) {
            if let Some(window) = self.open.get_mut(&id) {
                window.part.add(&part);
                continue;
            }
            match windows::one(&self.reader.connection, id) {
                // It had all its rows already: these are too many.
                Ok(Some(mut window)) => {
                    window.surplus = true;
                    window.part = part;
                    self.open.insert(id, window);
                }
                Ok(None) => self.orphan(id, &part),
                Err(_) => {}
            }
        }
        self.open.retain(|_, window| window.fault().is_some());
        if !self.open.is_empty() && self.audit.unreadable.is_empty() {
            // Windows that grew since the start: a ledger row of a window that met another one.
            suspects::catch_up(self.reader, &self.walks, &mut self.open);
        }
        // Without a table, no window can be judged.
        let blind = !self.audit.unreadable.is_empty();
        for window in std::mem::take(&mut self.open).into_values() {
            let fault = window.fault().filter(|fault| !blind || fault.is_certain());
            if let Some(fault) = fault {
                let end = window.part.end.as_ref().unwrap_or(&window.end);
                self.damaged((window.window.id, end), fault);
            }
        }
        self.audit.damaged.sort_by_key(|damaged| damaged.window_id);
    }

    /// Rows of ours whose window is not in `window_log`.
    fn orphan(&mut self, id: i64, part: &Part) {
        let [ticks, books, features, ledger] = part.rows;
        if (ticks, books, ledger) == (0, 0, 0) {
            self.audit.replayed += features;
        } else if self.audit.unreadable.iter().all(|u| u.table != "window_log") {
            let end = part.end.clone().unwrap_or_default();
            self.damaged((id, &end), WindowFault::NotLogged);
        }
    }

    fn damaged(&mut self, (window_id, end): (i64, &str), fault: WindowFault) {
        if self.audit.damaged.len() >= DESCRIBED {
            self.audit.more_damaged += 1;
            return;
        }
        let (tickers, pinned) = suspects::tickers(self.reader, window_id, end).unwrap_or_default();
        self.audit.damaged.push(DamagedWindow {
            window_id,
            fault,
            tickers,
            pinned,
        });
    }
}

#[cfg(test)]
mod tests;
