//! What must hold in every database, however its recorder ended.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ayumi_store::reader::Reader;
use rusqlite::{Connection, OpenFlags};

/// What a database holds.
pub(crate) struct Found {
    /// Ids of the windows in `window_log`.
    pub(crate) windows: BTreeSet<i64>,
}

/// Ids of the windows; recovers the file like any writer would, so that also an image can be read.
pub(crate) fn windows(db: &Path) -> Result<BTreeSet<i64>> {
    let connection = open(db)?;
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_master WHERE name = 'window_log'",
        [],
        |row| row.get(0),
    )?;
    if tables == 0 {
        return Ok(BTreeSet::new());
    }
    let mut statement = connection.prepare("SELECT window_id FROM window_log")?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// The whole check: SQLite's own, whole windows with their checksums, messages and volume that add up.
pub(crate) fn whole(db: &Path) -> Result<Found> {
    let windows = windows(db)?;
    let connection = open(db)?;
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(integrity == "ok", "integrity_check: {integrity}");
    if !windows.is_empty() {
        let verified = Reader::open(db).and_then(|reader| reader.verify()).context("verify")?;
        ensure!(verified.damaged.is_empty(), "partial windows: {:?}", verified.damaged);
        books(&connection)?;
    }
    Ok(Found { windows })
}

/// Messages and shares: nothing uncounted, volume conserved.
fn books(connection: &Connection) -> Result<()> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let uncounted = number("SELECT count(*) FROM window_log WHERE messages <> ticks + merged + rejected")?;
    ensure!(uncounted == 0, "{uncounted} windows whose messages do not add up");
    let mut statement = connection.prepare(
        "SELECT s.ticker, s.trading_date, s.last_volume - s.base_volume,
                (SELECT coalesce(sum(vol_sum), 0) FROM tick_batch t
                  WHERE t.ticker = s.ticker AND substr(t.ts_window_start, 1, 10) = s.trading_date)
              + (SELECT coalesce(sum(volume), 0) FROM volume_ledger l
                  WHERE l.ticker = s.ticker AND l.trading_date = s.trading_date)
         FROM stream_state s WHERE s.last_volume IS NOT NULL AND s.base_volume IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (growth, booked): (f64, f64) = (row.get::<_, i64>(2)? as f64, row.get(3)?);
        if growth != booked {
            let (ticker, date): (String, String) = (row.get(0)?, row.get(1)?);
            bail!("{ticker} {date}: the volume grew by {growth}, sizes and ledger are {booked}");
        }
    }
    Ok(())
}

fn open(db: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(db, flags).with_context(|| format!("opening {}", db.display()))
}
