//! Replays of a desk's journal, and comparisons of databases row by row.

use std::path::Path;

use super::process::command;
use super::{Desk, Store};

/// What a replay must bring back.
pub const TABLES: [&str; 5] = [
    "tick_batch",
    "orderbook_snapshot",
    "features_stream",
    "volume_ledger",
    "window_log",
];

/// Replays the journal into `name`, and returns what it said.
pub fn replay(desk: &Desk, name: &str, more: &[&str]) -> String {
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        "journal",
        "--target-db",
        name,
        "--no-sleep",
        "--digest",
    ];
    let all: Vec<&str> = args.iter().chain(more).copied().collect();
    let out = command(desk.folder(), &all).output().expect("runs");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(out.status.code(), Some(0), "{text}");
    text
}

/// Every row of every table as text.
pub fn rows(path: &Path) -> Vec<Vec<String>> {
    let store = Store::open(path);
    let all = |table: &&str| {
        let columns = store.column(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"));
        let quoted: Vec<String> = columns.iter().map(|c| format!("quote({c})")).collect();
        store.column(&format!(
            "SELECT {} FROM {table} ORDER BY 1",
            quoted.join(" || ',' || ")
        ))
    };
    TABLES.iter().map(all).collect()
}

/// Asserts that a replayed database holds what the live one does, and nothing else.
pub fn same_rows(desk: &Desk, replayed: &str) {
    let (live, again) = (rows(&desk.db()), rows(&desk.path(replayed)));
    for ((table, live), again) in TABLES.iter().zip(live).zip(again) {
        assert!(table.starts_with("volume") || !live.is_empty(), "{table} is empty");
        let differs = live.iter().zip(&again).find(|(a, b)| a != b);
        assert!(
            live == again,
            "{table}: {} live, {} replayed, first {differs:?}",
            live.len(),
            again.len()
        );
    }
}

/// The digest that a command printed.
pub fn digest_in(text: &str) -> String {
    let at = text.find("digest=").expect("a digest") + 7;
    text[at..at + 16].to_owned()
}
