//! X1: a program that follows the database while it is written. It sees whole windows only, and nothing appears later
//! before what it has read already.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use rusqlite::{Connection, OpenFlags};

/// Rows before the last one that are counted again.
const BEHIND: i64 = 2_000;

/// A thread that polls until it is ended.
pub(super) struct Poller {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64>>,
}

impl Poller {
    pub(super) fn start(db: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, db) = (Arc::clone(&stop), db.to_owned());
        Self {
            stop,
            thread: std::thread::spawn(move || follow(db, &flag)),
        }
    }

    /// Rows that it has read.
    pub(super) fn end(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("a poller panicked"))?
    }
}

fn follow(db: PathBuf, stop: &AtomicBool) -> Result<u64> {
    let (mut last, mut window, mut read, mut behind) = (0, 0, 0, None);
    while !stop.load(Ordering::Relaxed) {
        // As the recipes say: read-only, a short step, closed again.
        let mut connection = Connection::open_with_flags(&db, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let step = connection.transaction()?;
        let count = "SELECT count(*) FROM features_stream WHERE rowid BETWEEN ?1 AND ?2";
        if let Some((from, to, counted)) = behind {
            let now: i64 = step.query_row(count, [from, to], |row| row.get(0))?;
            ensure!(now == counted, "{counted} rows up to {to} have become {now}");
        }
        let mut statement =
            step.prepare("SELECT rowid, window_id FROM features_stream WHERE rowid > ?1 ORDER BY rowid")?;
        let rows: Vec<(i64, i64)> = statement
            .query_map([last], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for chunk in rows.chunk_by(|a, b| a.1 == b.1) {
            let id = chunk[0].1;
            ensure!(id > window, "window {id} comes behind {window}");
            let sql = "SELECT count(*) FROM tick_batch WHERE window_id = ?1
                       AND ts_window_end = (SELECT ts_end FROM window_log WHERE window_id = ?1)";
            let ticks: i64 = step.query_row(sql, [id], |row| row.get(0))?;
            ensure!(
                ticks == chunk.len() as i64,
                "window {id}: {ticks} ticks, {} features",
                chunk.len()
            );
            window = id;
        }
        read += rows.len() as u64;
        last = rows.last().map_or(last, |(rowid, _)| *rowid);
        let counted: i64 = step.query_row(count, [last - BEHIND, last], |row| row.get(0))?;
        behind = Some((last - BEHIND, last, counted));
        drop(statement);
        drop(step);
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(read)
}
