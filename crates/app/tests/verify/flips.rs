//! Bits that flip and files that are cut: never a panic, never "all is well" about changed rows.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::desk::{Recorded, verify};

/// What a flipped bit may not change silently. Left out: what only a restart needs, and the count of merged windows.
const CONTENT: [&str; 6] = [
    "SELECT * FROM tick_batch ORDER BY rowid",
    "SELECT * FROM orderbook_snapshot ORDER BY rowid",
    "SELECT * FROM features_stream ORDER BY rowid",
    "SELECT * FROM volume_ledger ORDER BY rowid",
    "SELECT window_id, ts_start, ts_end, messages, ticks, merged, rejected, checksum FROM window_log ORDER BY 1",
    "SELECT ticker, trading_date, base_volume, last_volume FROM stream_state ORDER BY 1, 2",
];

/// Every value of the content; `None` when it cannot be read.
fn content(path: &Path) -> Option<Vec<Value>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).ok()?;
    let mut all = Vec::new();
    for sql in CONTENT {
        let mut statement = db.prepare(sql).ok()?;
        let width = statement.column_count();
        let mut rows = statement.query([]).ok()?;
        while let Some(row) = rows.next().ok()? {
            for at in 0..width {
                all.push(row.get(at).ok()?);
            }
        }
    }
    Some(all)
}

/// Positions spread over the file by a fixed sequence, so that a failure can be repeated.
fn positions(bytes: usize, count: usize) -> impl Iterator<Item = (usize, u8)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 8) as usize % bytes, 1 << (state % 8))
    })
}

#[test]
fn s05_flipped_bits_never_pass_for_well() {
    let recorded = Recorded::new(60);
    let bytes = std::fs::read(recorded.desk.db()).unwrap();
    let before = content(&recorded.desk.db()).unwrap();
    let path = recorded.desk.path("flipped.db");
    let (mut changed, mut found) = (0, 0);
    for (at, bit) in positions(bytes.len(), 300) {
        let mut flipped = bytes.clone();
        flipped[at] ^= bit;
        std::fs::write(&path, &flipped).unwrap();
        let same = content(&path).as_ref() == Some(&before);
        let ended = verify(&recorded.desk, &["--db", "flipped.db", "--quiet"]);
        let code = ended.code.unwrap();
        assert!(
            [0, 1, 74].contains(&code),
            "byte {at} bit {bit}: {code} {}",
            ended.text()
        );
        if !same && code == 0 {
            let now = content(&path).unwrap();
            let other: Vec<_> = before.iter().zip(&now).filter(|(a, b)| a != b).collect();
            panic!("byte {at} bit {bit} changed {other:?}: {}", ended.text());
        }
        changed += usize::from(!same);
        found += usize::from(code != 0);
    }
    assert!(changed > 60 && found >= changed, "{changed} changed, {found} found");
}

#[test]
fn s05_a_cut_file_is_found_with_the_way_out() {
    let recorded = Recorded::new(60);
    let bytes = std::fs::read(recorded.desk.db()).unwrap();
    let path = recorded.desk.path("cut.db");
    for keep in [
        1,
        50,
        99,
        100,
        512,
        4_095,
        4_096,
        8_192,
        20_000,
        bytes.len() / 2,
        bytes.len() - 4_096,
        bytes.len() - 1,
    ] {
        std::fs::write(&path, &bytes[..keep]).unwrap();
        let ended = verify(&recorded.desk, &["--db", "cut.db"]);
        assert!(
            matches!(ended.code, Some(1 | 74)),
            "{keep}: {:?} {}",
            ended.code,
            ended.text()
        );
        let told = |words: &str| ended.text().contains(words);
        assert!(
            told(".recover") || (keep < 512 && told("nothing was checked")),
            "{keep}: {}",
            ended.text()
        );
    }
}
