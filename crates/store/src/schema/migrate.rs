//! Adds what is missing. Never drops, never rewrites a row.

use rusqlite::{Connection, ErrorCode};

use super::inspect::{Plan, TablePlan};
use super::{APPLICATION_ID, SCHEMA_VERSION, Table, VERSION};

/// Creates tables, columns and indexes as planned; to be called inside a transaction. Returns the tables whose key is
/// not unique because old rows collide.
///
/// # Errors
/// Whatever SQLite reports; the transaction is to be rolled back then.
pub(crate) fn apply(connection: &Connection, plan: &Plan) -> rusqlite::Result<Vec<&'static str>> {
    let mut colliding = Vec::new();
    for part in &plan.tables {
        if !part.exists {
            connection.execute(&part.table.create_sql(), [])?;
        }
        for column in &part.missing {
            let name = part.table.name;
            connection.execute(
                &format!("ALTER TABLE {name} ADD COLUMN {} {}", column.name, column.sql_type),
                [],
            )?;
        }
        if !ensure_index(connection, part)? {
            colliding.push(part.table.name);
        }
    }
    let rows: i64 = connection.query_row("SELECT count(*) FROM schema_version", [], |row| row.get(0))?;
    if rows == 0 {
        connection.execute(&SCHEMA_VERSION.insert_sql(true), [VERSION, 0])?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(colliding)
}

/// Returns whether the table's key is unique (true for tables without a key).
fn ensure_index(connection: &Connection, part: &TablePlan) -> rusqlite::Result<bool> {
    if part.table.key.is_none() {
        return Ok(true);
    }
    if let Some(unique) = part.index {
        return Ok(unique);
    }
    match create_index(connection, part.table, true) {
        Ok(()) => Ok(true),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            create_index(connection, part.table, false)?;
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

fn create_index(connection: &Connection, table: &Table, unique: bool) -> rusqlite::Result<()> {
    let (Some(key), Some(name)) = (table.key, table.index_name(unique)) else {
        return Ok(());
    };
    let word = if unique { "UNIQUE " } else { "" };
    let sql = format!("CREATE {word}INDEX {name} ON {} ({})", table.name, key.join(", "));
    connection.execute(&sql, [])?;
    Ok(())
}
