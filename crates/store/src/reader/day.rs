//! One stored day again, row by row in the order of time, each with the book that was newest then.

use std::collections::HashMap;

use ayumi_engine::jst::Date;
use rusqlite::{Row, Rows};

use super::Reader;
use crate::error::StoreError;

/// A row of `tick_batch` (or a minute of `today_data`) with the newest book at or before it.
#[derive(Clone, Debug, PartialEq)]
pub struct DayRow {
    /// The symbol.
    pub ticker: String,
    /// Window end as it stands in the file.
    pub ts: String,
    /// Upticks and downticks.
    pub moves: (i64, i64),
    /// Volume.
    pub vol_sum: f64,
    /// Price of the last tick, yen.
    pub last_price: f64,
    /// Start of the window, Unix ms; `None` in a script's rows.
    pub window_id: Option<i64>,
    /// The newest book; `None` when there was none yet.
    pub book: Option<DayBook>,
}

/// What a row of `orderbook_snapshot` says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DayBook {
    /// Basis points; `None` when unknown.
    pub spread_bp: Option<f64>,
    /// Quantity of the first three buy levels; `None` without a book.
    pub buy_top3: Option<i64>,
    /// Quantity of the first three sell levels; `None` without a book.
    pub sell_top3: Option<i64>,
}

impl Reader {
    /// The newest day that `tick_batch` has rows of; else of `today_data`; `None` when both are missing or empty.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn newest_day(&self) -> Result<Option<Date>, StoreError> {
        let mut newest = None;
        for (table, time) in self.sources()? {
            let sql = format!("SELECT max({time}) FROM {table}");
            let text: Option<String> = self.one(&sql)?;
            newest = newest.max(text.and_then(|t| Date::parse(&t.get(..10)?.replace('/', "-"))));
            if newest.is_some() {
                break;
            }
        }
        Ok(newest)
    }

    /// How many rows [`Reader::day`] will give, and whether they are minutes of `today_data`.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn day_size(&self, date: Date) -> Result<(u64, bool), StoreError> {
        let [from, to] = borders(date);
        for (table, time) in self.sources()? {
            let sql = format!("SELECT count(*) FROM {table} WHERE {time} >= '{from}' AND {time} < '{to}'");
            let count: i64 = self.one(&sql)?;
            if count > 0 {
                return Ok((count.unsigned_abs(), table == MINUTES));
            }
        }
        Ok((0, false))
    }

    /// Gives every row of a day, oldest first, until `take` returns false.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn day(&self, date: Date, take: &mut dyn FnMut(DayRow) -> bool) -> Result<(), StoreError> {
        let (_, minutes) = self.day_size(date)?;
        if minutes {
            return self.minutes(date, take);
        }
        let failed = |e| StoreError::sqlite(&self.path, "reading tick_batch", e);
        let window_id = self.column_or_null("tick_batch", "window_id")?;
        let sql = format!(
            "SELECT ticker, ts_window_end, upticks, downticks, vol_sum, last_price, {window_id} FROM tick_batch \
             WHERE ts_window_end >= ?1 AND ts_window_end < ?2 AND ticker IS NOT NULL ORDER BY ts_window_end, rowid"
        );
        let mut ticks = self.connection.prepare(&sql).map_err(failed)?;
        let mut ticks = ticks.query(borders(date)).map_err(failed)?;
        let has_books = self.has_table("orderbook_snapshot")?;
        let mut books = match has_books {
            true => Some(self.connection.prepare(BOOKS).map_err(failed)?),
            false => None,
        };
        let books = books.as_mut().map(|s| s.query(borders(date))).transpose();
        let mut books = Books::new(books.map_err(failed)?).map_err(failed)?;
        while let Some(row) = ticks.next().map_err(failed)? {
            let mut row = tick(row).map_err(failed)?;
            row.book = books.at(&row.ts, &row.ticker).map_err(failed)?;
            if !take(row) {
                break;
            }
        }
        Ok(())
    }

    /// One tick a minute, for days of which only `today_data` is left.
    fn minutes(&self, date: Date, take: &mut dyn FnMut(DayRow) -> bool) -> Result<(), StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "reading today_data", e);
        let columns = self.columns(MINUTES)?;
        let (Some(ticker), Some(time), Some(price)) = (
            named(&columns, &TICKER),
            named(&columns, &TIME),
            named(&columns, &PRICE),
        ) else {
            return Ok(());
        };
        let volume = named(&columns, &VOLUME).map_or("NULL".to_owned(), |v| format!("\"{v}\""));
        let sql = format!(
            "SELECT CAST(\"{ticker}\" AS TEXT), \"{time}\", \"{price}\", {volume} FROM {MINUTES} \
             WHERE \"{time}\" >= ?1 AND \"{time}\" < ?2 AND \"{price}\" IS NOT NULL ORDER BY \"{time}\", rowid"
        );
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(borders(date)).map_err(failed)?;
        let mut last: HashMap<String, f64> = HashMap::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let ticker: String = row.get(0).map_err(failed)?;
            let price: f64 = row.get(2).map_err(failed)?;
            let before = last.insert(ticker.clone(), price).unwrap_or(price);
            let row = DayRow {
                ticker,
                ts: row.get(1).map_err(failed)?,
                moves: (i64::from(price > before), i64::from(price < before)),
                vol_sum: row.get::<_, Option<f64>>(3).map_err(failed)?.unwrap_or(0.0),
                last_price: price,
                window_id: None,
                book: None,
            };
            if !take(row) {
                break;
            }
        }
        Ok(())
    }

    /// The tables that may hold a day, with their time columns.
    fn sources(&self) -> Result<Vec<(&'static str, String)>, StoreError> {
        let mut sources = Vec::new();
        if self.has_table("tick_batch")? {
            sources.push(("tick_batch", "ts_window_end".to_owned()));
        }
        if let Some(time) = named(&self.columns(MINUTES)?, &TIME) {
            sources.push((MINUTES, format!("\"{time}\"")));
        }
        Ok(sources)
    }

    pub(super) fn has_table(&self, table: &str) -> Result<bool, StoreError> {
        Ok(!self.columns(table)?.is_empty())
    }

    fn column_or_null(&self, table: &str, column: &'static str) -> Result<&'static str, StoreError> {
        let there = self.columns(table)?.iter().any(|c| c == column);
        Ok(if there { column } else { "NULL" })
    }

    fn columns(&self, table: &str) -> Result<Vec<String>, StoreError> {
        let failed = |e| StoreError::sqlite(&self.path, "reading the tables", e);
        let mut statement = self
            .connection
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .map_err(failed)?;
        let names = statement.query_map([table], |row| row.get(0)).map_err(failed)?;
        names.collect::<Result<_, _>>().map_err(failed)
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> Result<T, StoreError> {
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|e| StoreError::sqlite(&self.path, "looking for the day", e))
    }
}

const MINUTES: &str = "today_data";
/// Names that minute tables of various scripts use.
const TICKER: [&str; 5] = ["ticker", "symbol", "code", "銘柄コード", "コード"];
const TIME: [&str; 6] = ["ts", "datetime", "timestamp", "time", "dt", "日時"];
const PRICE: [&str; 6] = ["close", "last_price", "price", "last", "終値", "現在値"];
const VOLUME: [&str; 4] = ["volume", "vol_sum", "vol", "出来高"];

const BOOKS: &str = "SELECT ticker, ts, spread_bp, buy_top3, sell_top3 FROM orderbook_snapshot \
                     WHERE ts >= ?1 AND ts < ?2 AND ticker IS NOT NULL ORDER BY ts, rowid";

fn named<'c>(columns: &'c [String], names: &[&str]) -> Option<&'c String> {
    let found = |name: &&str| columns.iter().find(|c| c.eq_ignore_ascii_case(name));
    names.iter().find_map(found)
}

/// The day and the next one, as texts that all our time columns sort against.
fn borders(date: Date) -> [String; 2] {
    [date.to_string(), Date::from_days(date.days() + 1).to_string()]
}

fn tick(row: &Row<'_>) -> rusqlite::Result<DayRow> {
    Ok(DayRow {
        ticker: row.get(0)?,
        ts: row.get(1)?,
        moves: (
            row.get::<_, Option<i64>>(2)?.unwrap_or(0),
            row.get::<_, Option<i64>>(3)?.unwrap_or(0),
        ),
        vol_sum: row.get::<_, Option<f64>>(4)?.unwrap_or(0.0),
        last_price: row.get::<_, Option<f64>>(5)?.unwrap_or(0.0),
        window_id: row.get(6)?,
        book: None,
    })
}

/// The books of the day beside its ticks: both are read once, in step.
struct Books<'s> {
    rows: Option<Rows<'s>>,
    next: Option<(String, String, DayBook)>,
    newest: HashMap<String, DayBook>,
}

impl<'s> Books<'s> {
    fn new(rows: Option<Rows<'s>>) -> rusqlite::Result<Self> {
        let mut books = Self {
            rows,
            next: None,
            newest: HashMap::new(),
        };
        books.next = books.read()?;
        Ok(books)
    }

    /// The newest book of a symbol at or before `ts`; times may only rise.
    fn at(&mut self, ts: &str, ticker: &str) -> rusqlite::Result<Option<DayBook>> {
        while let Some((owner, _, book)) = self.next.take_if(|(_, at, _)| at.as_str() <= ts) {
            self.newest.insert(owner, book);
            self.next = self.read()?;
        }
        Ok(self.newest.get(ticker).copied())
    }

    fn read(&mut self) -> rusqlite::Result<Option<(String, String, DayBook)>> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let Some(row) = rows.next()? else { return Ok(None) };
        let book = DayBook {
            spread_bp: row.get(2)?,
            buy_top3: row.get(3)?,
            sell_top3: row.get(4)?,
        };
        Ok(Some((row.get(0)?, row.get(1)?, book)))
    }
}
