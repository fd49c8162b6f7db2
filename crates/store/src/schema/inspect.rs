//! What is in the file already, and whether we can live with it. Changes nothing.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::{APPLICATION_ID, Column, SCHEMA_VERSION, TABLES, Table, VERSION};
use crate::error::StoreError;

/// What the migration has to do for one table.
#[derive(Debug)]
pub(crate) struct TablePlan {
    pub(crate) table: &'static Table,
    pub(crate) exists: bool,
    /// Columns of ours that an existing table lacks.
    pub(crate) missing: Vec<&'static Column>,
    /// Whether the index over the key is there, and unique.
    pub(crate) index: Option<bool>,
}

/// What the migration has to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) tables: Vec<TablePlan>,
}

impl Plan {
    /// True when tables of the scripts get columns: then a copy is kept.
    pub(crate) fn changes_rows_of_others(&self) -> bool {
        self.tables.iter().any(|t| !t.missing.is_empty())
    }

    /// True when nothing is missing.
    pub(crate) fn is_done(&self) -> bool {
        self.tables
            .iter()
            .all(|t| t.exists && t.missing.is_empty() && (t.table.key.is_none() || t.index.is_some()))
    }
}

/// Compares the file with our tables.
///
/// # Errors
/// [`StoreError::Foreign`] for another application's file, [`StoreError::WrongSchema`] for a table that cannot be
/// used as it is, whatever SQLite reports.
pub(crate) fn inspect(connection: &Connection, path: &Path) -> Result<Plan, StoreError> {
    let sql = |e| StoreError::opening(path, "reading the schema", e);
    refuse_foreign(connection, path)?;
    let mut tables = Vec::new();
    for table in TABLES {
        tables.push(inspect_table(connection, path, table)?);
    }
    if tables.iter().any(|t| t.exists && t.table.name == SCHEMA_VERSION.name) {
        let found: Option<i64> = connection
            .query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))
            .map_err(sql)?;
        if let Some(found) = found.filter(|v| *v > VERSION) {
            let why = format!("it was written by a newer version of this program (schema {found}, known is {VERSION})");
            return Err(wrong(path, SCHEMA_VERSION.name, why));
        }
    }
    Ok(Plan { tables })
}

/// Another application's file: by its `application_id`; or it keeps its own `user_version`, and has no table of ours.
fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let sql = |e| StoreError::opening(path, "reading the header", e);
    let pragma = |name: &str| connection.pragma_query_value::<i32, _>(None, name, |row| row.get(0));
    let id = pragma("application_id").map_err(sql)?;
    if id != 0 && id != APPLICATION_ID {
        let why = format!("application_id {:#010x}", id.cast_unsigned());
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            why,
        });
    }
    let user_version = pragma("user_version").map_err(sql)?;
    if id != 0 || user_version == 0 {
        return Ok(());
    }
    for table in TABLES {
        if table_kind(connection, table.name).map_err(sql)?.is_some() {
            return Ok(());
        }
    }
    let why = format!("user_version {user_version}, and no table that we know");
    Err(StoreError::Foreign {
        path: path.to_owned(),
        why,
    })
}

fn inspect_table(connection: &Connection, path: &Path, table: &'static Table) -> Result<TablePlan, StoreError> {
    let sql = |e| StoreError::opening(path, "reading the schema", e);
    let mut plan = TablePlan {
        table,
        exists: false,
        missing: Vec::new(),
        index: None,
    };
    let Some((kind, without_rowid)) = table_kind(connection, table.name).map_err(sql)? else {
        return Ok(plan);
    };
    if kind != "table" {
        return Err(wrong(path, table.name, format!("it is a {kind}")));
    }
    if without_rowid && table.key.is_some() {
        let why = "it is WITHOUT ROWID, and readers follow it by rowid".to_owned();
        return Err(wrong(path, table.name, why));
    }
    let found = found_columns(connection, table.name).map_err(sql)?;
    plan.exists = true;
    plan.missing = compare_columns(table, &found).map_err(|why| wrong(path, table.name, why))?;
    plan.index = find_index(connection, table).map_err(sql)?;
    Ok(plan)
}

/// A column as SQLite describes it.
struct Found {
    name: String,
    not_null: bool,
    has_default: bool,
    primary_key: bool,
    generated: bool,
}

/// The columns that are ours to add, or why the table cannot be used.
fn compare_columns(table: &'static Table, found: &[Found]) -> Result<Vec<&'static Column>, String> {
    let mut missing = Vec::new();
    let mut lacking = Vec::new();
    for column in table.columns {
        match found.iter().find(|f| f.name.eq_ignore_ascii_case(column.name)) {
            None if column.ours => missing.push(column),
            None => lacking.push(column.name),
            Some(f) if f.generated => return Err(format!("column {} is a generated one", column.name)),
            Some(f) if f.not_null && column.nullable => {
                return Err(format!(
                    "column {} is NOT NULL, but what is unknown is stored as NULL",
                    column.name
                ));
            }
            Some(_) => {}
        }
    }
    if !lacking.is_empty() {
        let has: Vec<&str> = found.iter().map(|f| f.name.as_str()).collect();
        return Err(format!("it lacks {} (it has {})", lacking.join(", "), has.join(", ")));
    }
    let blocking = found.iter().find(|f| {
        let known = table.columns.iter().any(|c| c.name.eq_ignore_ascii_case(&f.name));
        !known && f.not_null && !f.has_default && !f.primary_key && !f.generated
    });
    match blocking {
        Some(f) => Err(format!(
            "its extra column {} is NOT NULL without a default, so no row could be added",
            f.name
        )),
        None => Ok(missing),
    }
}

fn found_columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection
        .prepare("SELECT name, \"notnull\", dflt_value IS NOT NULL, pk > 0, hidden > 0 FROM pragma_table_xinfo(?1)")?;
    let rows = statement.query_map([table], |row| {
        Ok(Found {
            name: row.get(0)?,
            not_null: row.get(1)?,
            has_default: row.get(2)?,
            primary_key: row.get(3)?,
            generated: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// "table", "view", "virtual" or "shadow", and whether it is WITHOUT ROWID.
fn table_kind(connection: &Connection, table: &str) -> rusqlite::Result<Option<(String, bool)>> {
    connection
        .query_row(
            "SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
            [table],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
}

/// Looks for an index over exactly the key's columns in their order: a unique one, or the non-unique one that an
/// earlier migration made because old rows collide. A non-unique one of the user does not count.
fn find_index(connection: &Connection, table: &Table) -> rusqlite::Result<Option<bool>> {
    let Some(key) = table.key else { return Ok(None) };
    let mut statement = connection.prepare(
        "SELECT l.name, l.\"unique\", (SELECT group_concat(name) FROM \
         (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) \
         FROM pragma_index_list(?1) AS l WHERE NOT l.partial",
    )?;
    let mut rows = statement.query([table.name])?;
    let mut index = None;
    while let Some(row) = rows.next()? {
        let (name, unique, columns): (String, bool, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let same = columns.is_some_and(|c| c.eq_ignore_ascii_case(&key.join(",")));
        if same && (unique || Some(name) == table.index_name(false)) {
            index = index.max(Some(unique));
        }
    }
    Ok(index)
}

fn wrong(path: &Path, table: &str, why: String) -> StoreError {
    StoreError::WrongSchema {
        path: path.to_owned(),
        table: table.to_owned(),
        why,
    }
}
