//! What a file holds in one instant: shape, ends of the tables, `stream_state`.

use ayumi_engine::jst::iso_ms;
use rusqlite::{Connection, OptionalExtension};

use super::Span;
use super::walk::{Walk, as_text, text};
use crate::error::StoreError;
use crate::reader::Reader;
use crate::schema::{APPLICATION_ID, DATA_TABLES, STREAM_STATE, Table, WINDOW_LOG, inspect};

/// Which of our tables are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The file bears our mark: a recorder had it open.
    pub marked: bool,
    /// Tables of ours that are there.
    pub tables: Vec<&'static str>,
    /// Tables of ours that are not.
    pub missing: Vec<&'static str>,
}

/// A row of `stream_state`, as far as the volume equation needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredState {
    /// The symbol.
    pub ticker: String,
    /// As it stands there.
    pub trading_date: String,
    /// Where the accounting starts.
    pub base: Option<i64>,
    /// The last cumulative volume.
    pub last: Option<i64>,
}

impl Reader {
    /// Which of our tables the file has, and whether they have our shape.
    ///
    /// # Errors
    /// [`StoreError::Foreign`], [`StoreError::WrongSchema`], or what SQLite reports.
    pub fn shape(&self) -> Result<Shape, StoreError> {
        let failed = |e| StoreError::opening(&self.path, "reading the schema", e);
        let plan = inspect(&self.connection, &self.path)?;
        let id = self
            .connection
            .pragma_query_value::<i32, _>(None, "application_id", |row| row.get(0))
            .map_err(failed)?;
        let of = |there: bool| {
            let tables = plan.tables.iter().filter(move |t| t.exists == there);
            tables.map(|t| t.table.name).collect()
        };
        Ok(Shape {
            marked: id == APPLICATION_ID,
            tables: of(true),
            missing: of(false),
        })
    }

    /// Everything in `stream_state`; nothing when there is no such table.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn states(&self) -> Result<Vec<StoredState>, StoreError> {
        states(&self.connection).map_err(|e| StoreError::sqlite(&self.path, "reading stream_state", e))
    }
}

/// Where the audit begins and ends.
pub(super) struct Head {
    pub(super) last_window: Option<i64>,
    pub(super) walks: [Walk; 4],
    pub(super) states: Vec<StoredState>,
    /// Rows of tables that have no column for the window.
    pub(super) of_scripts: u64,
}

impl Head {
    /// One short transaction: whatever is committed later is not looked at.
    pub(super) fn read(reader: &Reader, span: Span) -> rusqlite::Result<Self> {
        let snapshot = reader.connection.unchecked_transaction()?;
        let mut of_scripts = 0;
        let mut walks = Vec::with_capacity(DATA_TABLES.len());
        for table in DATA_TABLES {
            let columns = columns(&snapshot, table)?;
            let ours = columns.iter().any(|c| c.eq_ignore_ascii_case("window_id"));
            let (behind, last) = match ours {
                true => ends(&snapshot, table, span)?,
                false => (0, 0),
            };
            if !ours && !columns.is_empty() {
                let sql = format!("SELECT count(*) FROM {}", table.name);
                of_scripts += snapshot.query_row(&sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs();
            }
            walks.push(Walk::new(table, behind, last));
        }
        let last_window = match columns(&snapshot, &WINDOW_LOG)?.is_empty() {
            true => None,
            // By the end of the tree; an aggregate of a damaged page would be an answer, too.
            false => snapshot
                .query_row(
                    "SELECT window_id FROM window_log ORDER BY window_id DESC LIMIT 1",
                    [],
                    |r| r.get(0),
                )
                .optional()?,
        };
        let walks: [Walk; 4] = walks.try_into().expect("one for each data table");
        Ok(Self {
            last_window,
            walks,
            states: states(&snapshot)?,
            of_scripts,
        })
    }
}

/// The row before the first and the last row that may belong to windows of the span, by the index over the time.
fn ends(connection: &Connection, table: &Table, span: Span) -> rusqlite::Result<(i64, i64)> {
    let whole = format!("SELECT min(rowid), max(rowid) FROM {}", table.name);
    let ends = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?));
    let (first, last) = match table.key {
        Some([time, _]) if span != Span::ALL => {
            let sql = format!("{whole} WHERE {time} > ?1 AND {time} <= ?2");
            connection.query_row(&sql, [iso_ms(span.from_ms), iso_ms(span.to_ms)], ends)?
        }
        // Two queries: SQLite takes the ends of the tree only one at a time.
        _ => {
            let end = |what: &str| {
                connection.query_row(&format!("SELECT {what}(rowid) FROM {}", table.name), [], |r| r.get(0))
            };
            (end("min")?, end("max")?)
        }
    };
    Ok(match (first, last) {
        (Some(first), Some(last)) => (first.saturating_sub(1), last),
        _ => (0, 0),
    })
}

fn columns(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table.name], |row| row.get(0))?;
    names.collect()
}

fn states(connection: &Connection) -> rusqlite::Result<Vec<StoredState>> {
    if columns(connection, &STREAM_STATE)?.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare(&format!(
        "SELECT {}, {}, CAST(base_volume AS INTEGER), CAST(last_volume AS INTEGER) FROM stream_state",
        as_text("ticker"),
        as_text("trading_date")
    ))?;
    let rows = statement.query_map([], |row| {
        Ok(StoredState {
            ticker: text(row, 0)?.into_owned(),
            trading_date: text(row, 1)?.into_owned(),
            base: row.get(2)?,
            last: row.get(3)?,
        })
    })?;
    rows.collect()
}
