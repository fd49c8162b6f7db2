//! The statements of one transaction, prepared once for all of its windows.

use std::collections::BTreeMap;

use ayumi_engine::SymbolId;
use ayumi_engine::batch::{Batch, StateRow};
use ayumi_engine::jst::Date;
use rusqlite::{CachedStatement, Connection};

use super::states;
use super::window::Sql;
use crate::rows::{Cell, WindowRows};

/// Inserts for the windows of a transaction. `'w` is the life of the windows.
pub(super) struct Statements<'c, 'w> {
    data: [Insert<'c>; 4],
    log: Insert<'c>,
    state: Insert<'c>,
    /// States that are not written yet: in a transaction with many windows only the last of each symbol is.
    states: BTreeMap<(SymbolId, Date), Pending<'w>>,
}

/// A state with its ticker and window.
struct Pending<'w> {
    state: StateRow,
    ticker: Cell<'w>,
    window_id: i64,
}

impl<'c, 'w> Statements<'c, 'w> {
    /// Prepares them, or takes them from the connection's cache.
    pub(super) fn new(connection: &'c Connection, sql: &Sql) -> rusqlite::Result<Self> {
        let prepare = |sql: &str| connection.prepare_cached(sql).map(Insert::new);
        let [tick, book, feature, ledger] = &sql.data;
        Ok(Self {
            data: [prepare(tick)?, prepare(book)?, prepare(feature)?, prepare(ledger)?],
            log: prepare(&sql.log)?,
            state: prepare(&sql.state)?,
            states: BTreeMap::new(),
        })
    }

    /// A row of the data table at this place; false when it left a standing row alone.
    pub(super) fn row(&mut self, table: usize, row: &[Cell<'_>]) -> rusqlite::Result<bool> {
        self.data[table].run(row)
    }

    /// A row of `window_log`; false when the window is there.
    pub(super) fn log(&mut self, row: &[Cell<'_>]) -> rusqlite::Result<bool> {
        self.log.run(row)
    }

    /// Takes the states of a window. What [`Statements::write_states`] makes of them is what writing all of them in
    /// order would have made.
    pub(super) fn put_states(&mut self, rows: &WindowRows<'w>, batch: &'w Batch) -> rusqlite::Result<()> {
        for state in &batch.states {
            let next = Pending {
                state: *state,
                ticker: rows.ticker(state.symbol),
                window_id: batch.start_ms,
            };
            let before = self.states.insert((state.symbol, state.trading_date), next);
            if let Some(before) = before.filter(|before| !before.is_hidden_by(state, batch.start_ms)) {
                before.write(&mut self.state)?;
            }
        }
        Ok(())
    }

    /// Writes the states that were taken up to here.
    pub(super) fn write_states(&mut self) -> rusqlite::Result<()> {
        for pending in std::mem::take(&mut self.states).into_values() {
            pending.write(&mut self.state)?;
        }
        Ok(())
    }

    /// To be called before the commit.
    pub(super) fn finish(mut self) -> rusqlite::Result<()> {
        self.write_states()
    }
}

impl Pending<'_> {
    /// True when nothing of this one is left once that one is written. The base of a state that stands may stay, and an
    /// older window may not replace a newer one: whoever differs in these is written in its turn.
    fn is_hidden_by(&self, next: &StateRow, window_id: i64) -> bool {
        self.state.base == next.base && self.window_id <= window_id
    }

    fn write(self, statement: &mut Insert<'_>) -> rusqlite::Result<()> {
        let cells = states::cells(&self.state, self.ticker, self.window_id);
        statement.run(&cells).map(drop)
    }
}

/// An insert that remembers what is bound to it: times are the same in every row of a window, and SQLite copies a text
/// each time it is given one.
struct Insert<'c> {
    statement: CachedStatement<'c>,
    texts: Vec<Option<String>>,
}

impl<'c> Insert<'c> {
    fn new(statement: CachedStatement<'c>) -> Self {
        Self {
            texts: vec![None; statement.parameter_count()],
            statement,
        }
    }

    /// Runs it; false when it changed nothing.
    fn run(&mut self, row: &[Cell<'_>]) -> rusqlite::Result<bool> {
        for (at, cell) in row.iter().enumerate() {
            match (cell, self.texts.get_mut(at)) {
                (Cell::Text(text), Some(Some(bound))) if bound == text => continue,
                (Cell::Text(text), Some(Some(bound))) => {
                    bound.clear();
                    bound.push_str(text);
                }
                (Cell::Text(text), Some(bound)) => *bound = Some(text.to_string()),
                (_, Some(bound)) => *bound = None,
                // One column too many is SQLite's to refuse.
                (_, None) => {}
            }
            self.statement.raw_bind_parameter(at + 1, cell)?;
        }
        Ok(self.statement.raw_execute()? > 0)
    }
}
