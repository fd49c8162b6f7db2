//! A database as the export reads it: read-only, and page by page, so that a recorder that runs meanwhile can go on
//! reusing its log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ayumi_wire::jst::Date;
use rusqlite::types::{ToSql, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, Statement};

use super::Cells;
use super::error::{Days, ExportError};

/// How long a query waits for a lock. The recorder's readers wait for nobody; files of the scripts may be locked.
const BUSY: Duration = Duration::from_secs(5);

/// Rows per read transaction: some 50 ms.
const PAGE: usize = 20_000;
const READING: &str = "reading rows";

/// Columns that hold a row's time, the one that counts first.
const TIMES: [&str; 10] = [
    "ts_window_end",
    "ts",
    "ts_end",
    "datetime",
    "timestamp",
    "trading_date",
    "date",
    "time",
    "ts_start",
    "created_at",
];

/// A table that can be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// As it is written in the file.
    pub name: String,
    /// Name and declared type, in order.
    pub columns: Vec<(String, String)>,
    /// The column with the row's time.
    pub time: String,
    /// The column with the symbol.
    pub ticker: Option<String>,
    /// Rows have an id, so they can be read page by page.
    rowid: bool,
}

/// Which rows of a table.
#[derive(Clone, Debug)]
pub struct Selection {
    /// By the date of the row's time.
    pub days: Days,
    /// Empty = all.
    pub tickers: Vec<String>,
}

/// What a table holds of a selection: the rows that are there now. Later ones are not exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Rows.
    pub rows: u64,
    first: i64,
    last: i64,
}

/// An open database.
pub struct Source {
    connection: Connection,
    path: PathBuf,
}

impl Source {
    /// Opens a file that exists.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |source| database(path, "opening", source);
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.pragma_update(None, "query_only", 1).map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// The tables that have a time, sorted by name.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn tables(&self) -> Result<Vec<Table>, ExportError> {
        self.read_tables()
            .map_err(|source| database(&self.path, "reading the list of tables", source))
    }

    fn read_tables(&self) -> rusqlite::Result<Vec<Table>> {
        let mut statement = self.connection.prepare(
            "SELECT name, NOT wr FROM pragma_table_list \
             WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name",
        )?;
        let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let names = names.collect::<rusqlite::Result<Vec<(String, bool)>>>()?;
        let mut columns_of = self
            .connection
            .prepare("SELECT name, type FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
        let mut tables = Vec::new();
        for (name, rowid) in names {
            let columns = columns_of.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let columns = columns.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
            let find = |wanted: &str| columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            let Some((time, _)) = TIMES.iter().find_map(|time| find(time)) else {
                continue;
            };
            let ticker = ["ticker", "symbol", "code"].iter().find_map(|name| find(name));
            tables.push(Table {
                time: time.clone(),
                ticker: ticker.map(|(name, _)| name.clone()),
                name,
                columns,
                rowid,
            });
        }
        Ok(tables)
    }

    /// Counts the rows of a selection.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn extent(&self, table: &Table, selection: &Selection) -> Result<Extent, ExportError> {
        let (condition, values) = condition(table, selection);
        let id = if table.rowid { "rowid" } else { "0" };
        let sql = format!(
            "SELECT count(*), coalesce(min({id}), 0), coalesce(max({id}), 0) FROM {} WHERE {condition}",
            quoted(&table.name)
        );
        let extent = self.connection.query_row(&sql, bound(&values).as_slice(), |row| {
            Ok(Extent {
                rows: row.get::<_, i64>(0)?.unsigned_abs(),
                first: row.get(1)?,
                last: row.get(2)?,
            })
        });
        extent.map_err(|source| database(&self.path, "counting rows", source))
    }

    /// Days that have rows, ascending.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn days(&self, table: &Table) -> Result<Vec<String>, ExportError> {
        let (name, time) = (quoted(&table.name), quoted(&table.time));
        let sql = format!(
            "SELECT DISTINCT substr({time}, 1, 10) FROM {name} \
             WHERE {time} GLOB '[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]*' ORDER BY 1"
        );
        self.texts(&sql, &[])
    }

    /// Symbols that have rows on these days, ascending.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn tickers(&self, table: &Table, days: Days) -> Result<Vec<String>, ExportError> {
        let Some(ticker) = &table.ticker else {
            return Ok(Vec::new());
        };
        let all = Selection {
            days,
            tickers: Vec::new(),
        };
        let (condition, values) = condition(table, &all);
        let (name, ticker) = (quoted(&table.name), quoted(ticker));
        let sql = format!("SELECT DISTINCT CAST({ticker} AS TEXT) FROM {name} WHERE {condition} ORDER BY 1");
        self.texts(&sql, &values)
    }

    fn texts(&self, sql: &str, values: &[(String, Value)]) -> Result<Vec<String>, ExportError> {
        let read = || {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map(bound(values).as_slice(), |row| row.get::<_, Option<String>>(0))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let found = read().map_err(|source| database(&self.path, "looking for days", source))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The rows of an extent, page by page, in the order in which they were written. A cell is one of `columns`, in
    /// their order; NULL for one that this table lacks. A table without row ids comes as one page: ours among them are
    /// small.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn pages(
        &self,
        table: &Table,
        selection: &Selection,
        extent: Extent,
        columns: &[&str],
    ) -> Result<Pages<'_>, ExportError> {
        let has = |column: &str| table.columns.iter().any(|(name, _)| name.eq_ignore_ascii_case(column));
        let columns: Vec<String> = columns
            .iter()
            .map(|column| if has(column) { quoted(column) } else { "NULL".to_owned() })
            .collect();
        let (name, columns) = (quoted(&table.name), columns.join(", "));
        let (condition, mut values) = condition(table, selection);
        values.push((":start".to_owned(), extent.first.into()));
        values.push((":last".to_owned(), extent.last.into()));
        let sql = if table.rowid {
            // NOT INDEXED: in the order of the row ids, so that a page begins where the one before ended.
            format!(
                "SELECT rowid, {columns} FROM {name} NOT INDEXED WHERE {condition} AND rowid BETWEEN :start AND :last \
                 ORDER BY rowid LIMIT {PAGE}"
            )
        } else {
            format!("SELECT :start AND :last, {columns} FROM {name} WHERE {condition}")
        };
        let statement = self.connection.prepare(&sql);
        Ok(Pages {
            statement: statement.map_err(|source| database(&self.path, READING, source))?,
            path: &self.path,
            values,
            paged: table.rowid,
            start: (extent.rows > 0).then_some(extent.first),
        })
    }
}

/// Rows that are still to be read.
pub struct Pages<'a> {
    statement: Statement<'a>,
    path: &'a Path,
    values: Vec<(String, Value)>,
    paged: bool,
    start: Option<i64>,
}

impl Pages<'_> {
    /// Visits the rows of one page, in one short read transaction; false when there was none left.
    ///
    /// # Errors
    /// What SQLite reports, and what the visitor answers.
    pub fn next<E: From<ExportError>>(
        &mut self,
        mut visit: impl FnMut(&dyn Cells) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(start) = self.start.take() else {
            return Ok(false);
        };
        for (name, value) in &mut self.values {
            if name == ":start" {
                *value = start.into();
            }
        }
        let failed = |source| E::from(database(self.path, READING, source));
        let (mut count, mut newest) = (0, None);
        let mut rows = self.statement.query(bound(&self.values).as_slice()).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            visit(&Selected(row))?;
            newest = Some(row.get::<_, i64>(0).map_err(failed)?);
            count += 1;
        }
        if self.paged && count == PAGE {
            self.start = newest.and_then(|id| id.checked_add(1));
        }
        Ok(true)
    }
}

/// A row behind its id.
struct Selected<'a>(&'a Row<'a>);

impl Cells for Selected<'_> {
    fn cell(&self, at: usize) -> ValueRef<'_> {
        self.0.get_ref(at + 1).expect("as many columns as were selected")
    }
}

/// The rows of a selection, as a condition and its values.
///
/// A window that ends at midnight belongs to the day that it ends, not to the one that begins then: it stands in that
/// day's file.
fn condition(table: &Table, selection: &Selection) -> (String, Vec<(String, Value)>) {
    let time = quoted(&table.time);
    let (from, next) = (selection.days.from, Date::from_days(selection.days.to.days() + 1));
    let midnight = |day: Date| format!("{day}T00:00:00.000+09:00");
    let texts = [
        (":from", from.to_string()),
        (":next", next.to_string()),
        (":begin", midnight(from)),
        (":end", midnight(next)),
    ];
    let mut values: Vec<(String, Value)> = texts.map(|(name, text)| (name.to_owned(), text.into())).to_vec();
    values.extend(named(&selection.tickers));
    let condition = format!(
        "{time} >= :from AND {time} <= :end AND ({time} < :next OR {time} = :end) AND {time} <> :begin AND {}",
        of_tickers(table, &selection.tickers)
    );
    (condition, values)
}

fn of_tickers(table: &Table, tickers: &[String]) -> String {
    match &table.ticker {
        Some(ticker) if !tickers.is_empty() => {
            let marks: Vec<String> = named(tickers).into_iter().map(|(name, _)| name).collect();
            format!("CAST({} AS TEXT) IN ({})", quoted(ticker), marks.join(", "))
        }
        _ => "1".to_owned(),
    }
}

fn named(tickers: &[String]) -> Vec<(String, Value)> {
    let tickers = tickers.iter().enumerate();
    tickers
        .map(|(at, ticker)| (format!(":t{at}"), ticker.clone().into()))
        .collect()
}

fn bound(values: &[(String, Value)]) -> Vec<(&str, &dyn ToSql)> {
    let values = values.iter();
    values
        .map(|(name, value)| (name.as_str(), value as &dyn ToSql))
        .collect()
}

/// A name of the file in SQL: it may be anything.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn database(path: &Path, what: &'static str, source: rusqlite::Error) -> ExportError {
    ExportError::Database {
        path: path.to_owned(),
        what,
        source,
    }
}
