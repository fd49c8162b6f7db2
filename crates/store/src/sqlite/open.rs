//! Opening: folder, lock, identity, tables, backup, WAL. In this order, so that a file that is not ours is not touched.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::checkpoint::cut;
use super::damage;
use super::database::Database;
use super::identity::names;
use super::outside::is_ours;
use crate::error::{Phase, StoreError};
use crate::lock::{Lock, beside};
use crate::options::{Options, Purpose};
use crate::private;
use crate::schema::{self, DATA_TABLES, Plan};

/// Pages that a replay keeps in memory, in kB.
const REPLAY_CACHE_KB: i64 = 16_384;

/// Opens or creates the database at `path`.
pub(super) fn open(options: &Options, path: &Path) -> Result<Database, StoreError> {
    check_version(rusqlite::version_number(), rusqlite::version())?;
    let absolute = std::path::absolute(path).map_err(|e| StoreError::file(path, "finding the folder", &e))?;
    let canonical = make_file(&absolute)?;
    refuse_second_names(&canonical)?;
    let lock = Lock::take(&canonical)?;
    let prepared = match prepare(options, &absolute) {
        Err(error @ (StoreError::Damaged { .. } | StoreError::NotADatabase { .. }))
            if options.purpose.moves_damaged_aside() && is_ours(&canonical) =>
        {
            damage::move_aside(&canonical, now_ms(), &error)?;
            make_file(&absolute)?;
            prepare(options, &absolute)
        }
        prepared => prepared,
    };
    match prepared {
        Ok((connection, plan)) => {
            let unique = DATA_TABLES.map(|table| is_unique(&plan, table.name));
            Ok(Database::new(connection, absolute, lock, unique, options))
        }
        Err(error @ (StoreError::NotADatabase { .. } | StoreError::Foreign { .. })) => {
            lock.discard();
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// For the name of a file that is moved aside: nothing else here asks the system's clock.
pub(super) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The lock and the write-ahead log go by the name, so a hard link would let two recorders write to one file.
fn refuse_second_names(path: &Path) -> Result<(), StoreError> {
    match names(path).map_err(|e| StoreError::file(path, "finding the file", &e))? {
        0 | 1 => Ok(()),
        links => Err(StoreError::HardLinked {
            path: path.to_owned(),
            links,
        }),
    }
}

/// SQLite up to 3.51.2 can damage a database in WAL mode when several connections write or checkpoint; 3.52.0 was
/// withdrawn.
fn check_version(number: i32, text: &str) -> Result<(), StoreError> {
    if number < 3_051_003 || number == 3_052_000 {
        let version = text.to_owned();
        return Err(StoreError::TooOldSqlite { version });
    }
    Ok(())
}

/// Creates folder and (empty) file where they are missing, and returns the file's one true path.
fn make_file(path: &Path) -> Result<PathBuf, StoreError> {
    let folder = path.parent().unwrap_or(path);
    let unusable = |source: io::Error| StoreError::Folder {
        path: folder.to_owned(),
        phase: Phase::Open,
        source,
    };
    private::create_folder(folder).map_err(unusable)?;
    if path.is_dir() {
        let why = "it is a folder".to_owned();
        return Err(StoreError::NotADatabase {
            path: path.to_owned(),
            why,
        });
    }
    // Only a missing file is opened here: closing one that SQLite has open in this process would drop its locks.
    if !path.exists() {
        // Not create_new: a symbolic link to a file that is missing must lead to that file.
        // SQLite gives its log and its backups the rights of this file.
        private::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| match e.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound => unusable(e),
                _ => StoreError::file(path, "creating the file", &e),
            })?;
    }
    fs::canonicalize(path).map_err(|e| StoreError::file(path, "finding the file", &e))
}

/// Everything up to a connection that is ready for windows, and what the file looks like now.
fn prepare(options: &Options, path: &Path) -> Result<(Connection, Plan), StoreError> {
    let sql = |operation: &'static str| move |e| StoreError::opening(path, operation, e);
    look_first(options, path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(sql("opening"))?;
    connection.busy_timeout(options.busy_timeout).map_err(sql("opening"))?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        // "text" is a column's name and never a text: a misspelt column is an error.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, on).map_err(sql("opening"))?;
    }
    let plan = schema::inspect(&connection, path)?;
    damage::look(&connection, path)?;
    if plan.changes_rows_of_others() {
        back_up(&connection, path)?;
    }
    configure(&connection, path)?;
    if options.purpose == Purpose::Replay {
        // A transaction of a replay is larger than SQLite's cache of 2 MB: its pages would be written twice.
        connection
            .pragma_update(None, "cache_size", -REPLAY_CACHE_KB)
            .map_err(sql("opening"))?;
    }
    migrate(&mut connection, path, &plan)?;
    cut(&connection, options.busy_timeout).map_err(sql("checkpoint after creating the tables"))?;
    let plan = schema::inspect(&connection, path)?;
    Ok((connection, plan))
}

/// A read-only look, because a connection that may write would checkpoint another application's file when it closes.
/// A file that cannot be read this way (left over by a crash) is judged by the connection that can repair it.
fn look_first(options: &Options, path: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let looked = Connection::open_with_flags(path, flags)
        .and_then(|c| c.busy_timeout(options.busy_timeout).map(|()| c))
        .map_err(|e| StoreError::opening(path, "opening", e))
        .and_then(|c| schema::inspect(&c, path));
    match looked {
        Ok(_) | Err(StoreError::ReadOnly { .. } | StoreError::Io { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Settings of the connection and, for a new file, of the file. Not in a transaction: SQLite ignores some there.
fn configure(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let sql = |e| StoreError::opening(path, "switching to WAL mode", e);
    connection.pragma_update(None, "page_size", 4096).map_err(sql)?;
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(sql)?;
    if mode != "wal" {
        return Err(StoreError::Io {
            path: path.to_owned(),
            operation: "switching to WAL mode".to_owned(),
            detail: format!("the file stays in mode \"{mode}\"; is it on a network drive? Put it on a local disk"),
        });
    }
    for (name, value) in [
        ("wal_autocheckpoint", 0),
        ("journal_size_limit", 67_108_864),
        ("mmap_size", 0),
        ("trusted_schema", 0),
        // Only macOS knows these: there a plain sync leaves the data in the disk's cache.
        ("fullfsync", 1),
        ("checkpoint_fullfsync", 1),
    ] {
        connection
            .pragma_update_and_check(None, name, value, |_| Ok(()))
            .or_else(no_answer)
            .map_err(sql)?;
    }
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(sql)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(sql)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Some settings answer with their new value, some with nothing; both are fine.
fn no_answer(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

/// One transaction under synchronous=FULL: tables that vanish in a power cut would take the first windows with them.
/// The heartbeat is written always: it shows now, not at the first window, that the file can be written.
fn migrate(connection: &mut Connection, path: &Path, plan: &Plan) -> Result<(), StoreError> {
    let sql = |e| StoreError::opening(path, "creating the tables", e);
    let started = Instant::now();
    if plan.changes_rows_of_others() {
        log::info!(
            "{}: adding columns and indexes; a large file takes a while",
            path.display()
        );
    }
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sql)?;
    if !plan.is_done() {
        for table in schema::apply(&transaction, plan).map_err(sql)? {
            log::warn!(
                "{}: {table} holds several rows for one time and ticker; they stay, and its index is not unique",
                path.display()
            );
        }
    }
    transaction.execute(super::database::HEARTBEAT, []).map_err(sql)?;
    transaction.commit().map_err(sql)?;
    if plan.changes_rows_of_others() {
        log::info!(
            "{} was brought up to date in {} ms",
            path.display(),
            started.elapsed().as_millis()
        );
    }
    Ok(())
}

/// Copies the file as it is before columns are added to it. One copy is enough: the first is the original.
fn back_up(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let (copy, unfinished) = (beside(path, ".before-ayumi"), beside(path, ".before-ayumi.tmp"));
    if copy.exists() {
        log::info!("{} exists already and stays the backup", copy.display());
        return Ok(());
    }
    let operation = "making a backup before adding columns";
    let file = |e: io::Error| StoreError::file(&unfinished, operation, &e);
    if unfinished.exists() {
        fs::remove_file(&unfinished).map_err(file)?;
    }
    let Some(target) = unfinished.to_str() else {
        return Err(file(io::Error::other("the path is not valid Unicode")));
    };
    // An empty file is what SQLite fills; one that it makes itself could be read by everybody.
    let rights = fs::metadata(path).map_err(file)?.permissions();
    private::options()
        .create_new(true)
        .write(true)
        .open(&unfinished)
        .and_then(|f| f.set_permissions(rights))
        .map_err(file)?;
    connection
        .execute("VACUUM INTO ?1", [target])
        .map_err(|e| StoreError::opening(&unfinished, operation, e))?;
    File::options()
        .write(true)
        .open(&unfinished)
        .and_then(|f| f.sync_all())
        .and_then(|()| fs::rename(&unfinished, &copy))
        .map_err(file)?;
    log::info!("a copy of the file as it was is kept in {}", copy.display());
    Ok(())
}

fn is_unique(plan: &Plan, table: &str) -> bool {
    plan.tables
        .iter()
        .any(|t| t.table.name == table && (t.table.key.is_none() || t.index == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s11_old_sqlite_is_refused() {
        for (number, fine) in [
            (3_040_001, false),
            (3_051_002, false),
            (3_051_003, true),
            (3_052_000, false),
            (3_053_000, true),
            (3_054_001, true),
        ] {
            assert_eq!(check_version(number, "x").is_ok(), fine, "{number}");
        }
        assert!(check_version(rusqlite::version_number(), "bundled").is_ok());
    }
}
