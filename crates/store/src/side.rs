//! Tables beside the recorder's own: created with their first row, in a file that may hold a table of that name already.

use std::path::Path;

use rusqlite::Connection;

use crate::error::StoreError;

/// Such a table.
pub(crate) struct SideTable {
    pub(crate) name: &'static str,
    /// Names and types.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// A statement that may be repeated; empty = none.
    pub(crate) index: &'static str,
}

impl SideTable {
    /// Creates the table, or makes sure that the one that stands there is of this kind.
    pub(crate) fn ensure(&self, connection: &Connection, path: &Path) -> Result<(), StoreError> {
        let failed = |e| StoreError::sqlite(path, &format!("creating the table {}", self.name), e);
        let found: Vec<String> = connection
            .prepare("SELECT lower(name) FROM pragma_table_info(?1)")
            .and_then(|mut s| s.query_map([self.name], |row| row.get(0))?.collect())
            .map_err(failed)?;
        if found.is_empty() {
            connection.execute(&self.create(), []).map_err(failed)?;
        }
        let lacking: Vec<&str> = self
            .columns
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !found.is_empty() && !found.iter().any(|f| f == name))
            .collect();
        if !lacking.is_empty() {
            return Err(StoreError::WrongSchema {
                path: path.to_owned(),
                table: self.name.to_owned(),
                why: format!("it lacks {} (it has {})", lacking.join(", "), found.join(", ")),
            });
        }
        if !self.index.is_empty() {
            connection.execute(self.index, []).map_err(failed)?;
        }
        Ok(())
    }

    fn create(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(name, kind)| format!("{name} {kind}"))
            .collect();
        format!("CREATE TABLE {} ({})", self.name, columns.join(", "))
    }
}
