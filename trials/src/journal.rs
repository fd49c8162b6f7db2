//! J1, J2: a recorder with a journal is killed, or the power goes. At most the last second of messages is lost, everything
//! before can be read by `ayumi replay` and as a plain zstd stream, and no stored window lacks its messages.

mod cuts;
mod kills;

pub(crate) use cuts::run as run_cuts;
pub(crate) use kills::run as run_kills;

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ayumi_journal::{Harm, JournalReader, Kind, Owned, journal_files};
use rusqlite::Connection;

use crate::recorder::{self, Desk};

/// The longest time whose messages a kill or a power cut may take, as docs/config.md says.
const LOSS_MS: i64 = 1_000;

/// The lines of a journal, and whether a damage was told beyond a file that was never closed.
struct Lines {
    lines: Vec<Owned>,
    damaged: bool,
}

fn lines(path: &Path) -> Result<Lines> {
    let mut reader = JournalReader::open(path, None)?;
    let mut lines = Vec::new();
    for line in reader.by_ref() {
        lines.push(line?);
    }
    let damaged = reader.skipped() > 0 || reader.damages().iter().any(|damage| damage.harm != Harm::Unclosed);
    Ok(Lines { lines, damaged })
}

/// The newest file of a folder; `None` when there is none.
fn newest(folder: &Path) -> Result<Option<PathBuf>> {
    if !folder.exists() {
        return Ok(None);
    }
    Ok(journal_files(folder)?.pop())
}

/// Whole lines that any zstd program gets from a file, up to where it complains.
fn plain_lines(file: &Path) -> Result<usize> {
    let mut text = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(std::fs::File::open(file)?)?;
    let mut buffer = vec![0; 1 << 16];
    // The cut end is an error, and what came before it is what counts.
    while let Ok(n @ 1..) = decoder.read(&mut buffer) {
        text.extend_from_slice(&buffer[..n]);
    }
    Ok(text.iter().filter(|&&b| b == b'\n').count())
}

/// A window as the database knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    id: i64,
    end_ms: i64,
    messages: i64,
    checksum: i64,
}

/// The windows of a database in their order.
fn windows(db: &Path) -> Result<Vec<Window>> {
    let connection = Connection::open(db)?;
    let mut statement =
        connection.prepare("SELECT window_id, ts_end, messages, checksum FROM window_log ORDER BY window_id")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.map(|row| {
        let (id, end, messages, checksum) = row?;
        let end_ms = ayumi_engine::jst::parse_ms(&end).with_context(|| format!("the end of a window: {end}"))?;
        Ok(Window {
            id,
            end_ms,
            messages,
            checksum,
        })
    })
    .collect()
}

/// Messages of a journal that fall into a span, ms.
fn messages_in(lines: &[Owned], from_ms: i64, to_ms: i64) -> i64 {
    let inside = |line: &&Owned| {
        let ms = line.at_ns.div_euclid(1_000_000);
        matches!(line.kind, Kind::Push | Kind::Odd) && (from_ms..to_ms).contains(&ms)
    };
    lines.iter().filter(inside).count() as i64
}

/// Plays the journal into a new database; its windows, and the exit code.
fn replay(ayumi: &Path, desk: &Desk, journal: &Path) -> Result<(Vec<Window>, i32)> {
    let target = desk.path("again.db");
    for end in ["", "-wal", "-shm", ".lock"] {
        let old = desk.path(&format!("again.db{end}"));
        if old.exists() {
            std::fs::remove_file(old)?;
        }
    }
    let (from, to) = (journal.display().to_string(), target.display().to_string());
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        &from,
        "--target-db",
        &to,
        "--no-sleep",
        "--quiet",
    ];
    let (code, said) = recorder::run(ayumi, desk, &args)?;
    ensure!(matches!(code, Some(0 | 1)), "replay ended with {code:?}: {said}");
    crate::check::whole(&target).context("what the replay wrote")?;
    Ok((windows(&target)?, code.unwrap_or_default()))
}
