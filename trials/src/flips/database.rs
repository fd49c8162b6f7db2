//! S5: flips in a database.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ayumi_store::reader::Reader;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use super::{Tally, flipped, no_panic};
use crate::check;
use crate::random::Random;
use crate::recorder::{self, Desk, Recorder};
use crate::report::Row;

/// So many flips are given to the commands.
const ONE_IN: u64 = 25;
/// What a user gets out of the file.
const TABLES: [&str; 6] = [
    "tick_batch",
    "orderbook_snapshot",
    "features_stream",
    "volume_ledger",
    "window_log",
    "stream_state",
];

/// Turns `n` bits, one at a time.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let mut tally = Tally::default();
    let desk = Desk::new(json!({
        "window_ms": 300, "mock_interval_ms": 100, "symbols": &recorder::symbols()[..20],
    }))?;
    let args = ["--clock", "2026-11-20T10:00:00@20", "--duration", "9s"];
    let (status, _) = Recorder::start(ayumi, &desk, &[], &args)?.ended()?;
    ensure!(status.success(), "{status}\n{}", desk.log());
    let (bytes, rows) = (std::fs::read(desk.db())?, rows(&desk.db())?);
    for flip in 0..n {
        let (torn, at, bit) = flipped(&bytes, &mut random);
        let place = || format!("flip {flip}: bit {bit} of byte {at} of {}, seed {seed}", bytes.len());
        clear(&desk)?;
        std::fs::write(desk.db(), torn)?;
        let noticed = no_panic(|| Ok(notices(&desk.db()))).with_context(place)?;
        let same = self::rows(&desk.db()).is_ok_and(|now| now == rows);
        if noticed {
            tally.noticed += 1;
        } else if same {
            tally.same += 1;
        } else {
            // What the checksums do not cover is for the equations of the command.
            let (code, said) = verify(ayumi, &desk)?;
            ensure!(
                code == 1 || code == 74,
                "{}: rows are others than written and nobody says so: {said}",
                place()
            );
            tally.noticed += 1;
            tally.commands += 1;
        }
        if flip % ONE_IN == 0 {
            commands(ayumi, &desk, same).with_context(place)?;
            tally.commands += 2;
        }
    }
    Ok(Row {
        trial: "s05_bit_flips",
        promise: "S5, G4",
        amount: format!(
            "{n} flipped bits of a database of {} kB, {} commands",
            bytes.len() >> 10,
            tally.commands
        ),
        result: format!(
            "{} noticed, {} in places that hold nothing, 0 panics, 0 rows silently others",
            tally.noticed, tally.same
        ),
        took: began.elapsed(),
    })
}

/// Whether SQLite or a checksum sees it, as every reader of ours asks them.
fn notices(db: &Path) -> bool {
    let sound = || -> Result<bool> {
        let connection = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        Ok(integrity == "ok" && Reader::open(db)?.verify()?.damaged.is_empty())
    };
    !sound().unwrap_or(false)
}

fn rows(db: &Path) -> Result<Vec<Vec<Value>>> {
    let connection = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut all = Vec::new();
    for table in TABLES {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            all.push((0..columns).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()?);
        }
    }
    Ok(all)
}

fn verify(ayumi: &Path, desk: &Desk) -> Result<(i32, String)> {
    let (code, said) = recorder::run(ayumi, desk, &["verify", "-Config", "c.json", "--quiet"])?;
    match code {
        Some(code @ (0 | 1 | 74)) => Ok((code, said)),
        other => bail!("verify ended with {other:?}: {said}"),
    }
}

/// `verify` sees when rows are others; an index that has lost a row alone it does not look at. A recorder goes on, in the
/// file or in a new one, or refuses it.
fn commands(ayumi: &Path, desk: &Desk, same_rows: bool) -> Result<()> {
    let (code, said) = verify(ayumi, desk)?;
    ensure!(code != 0 || same_rows, "verify finds the file well: {said}");
    let args = ["--clock", "2026-11-20T10:05:00@20", "--duration", "2s"];
    let (status, told) = Recorder::start(ayumi, desk, &[], &args)?.ended()?;
    match status.code() {
        Some(0) => {
            let found = check::windows(&desk.db())?;
            ensure!(
                told.iter().all(|t| found.contains(&t.window_id)),
                "windows are lost\n{}",
                desk.log()
            );
            Ok(())
        }
        // A header that says it is no database, or not ours.
        Some(2) if told.is_empty() => Ok(()),
        other => bail!("the recorder ended with {other:?}\n{}", desk.log()),
    }
}

/// Only the settings stay.
fn clear(desk: &Desk) -> Result<()> {
    for entry in std::fs::read_dir(desk.folder())? {
        let path = entry?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("ticks.db"))
        {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
