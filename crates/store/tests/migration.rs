//! Every file of the past goes on working; every other shape is refused.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use std::fs;
use std::path::Path;

use ayumi_store::reader::Reader;
use ayumi_store::{Sink, SqliteSink, StoreError};
use support::{batch, count, dump, options, other, today};

const TICKS: &str = "CREATE TABLE tick_batch(ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, \
                     upticks INT, downticks INT, vol_sum REAL, last_price REAL);";
const BOOKS: &str = "CREATE TABLE orderbook_snapshot(ticker TEXT, ts TEXT, bid1 REAL, ask1 REAL, spread_bp REAL, \
                     buy_top3 INT, sell_top3 INT);";
const FEATURES_8: &str = "CREATE TABLE features_stream(ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, \
                          spread_bp REAL, buy_top3 INT, sell_top3 INT, depth_imbalance REAL);";
const FEATURES_14: &str = "CREATE TABLE features_stream(ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, \
                           spread_bp REAL, buy_top3 INT, sell_top3 INT, depth_imbalance REAL, burst_buy INT, \
                           burst_sell INT, burst_score REAL, streak_len INT, surge_vol_ratio REAL, \
                           last_signal_ts TEXT);";

/// Creates a database by hand; rows with naive local times, as the scripts wrote them.
fn script(path: &Path, sql: &str) {
    other(path).execute_batch(sql).unwrap();
}

fn columns(path: &Path, table: &str) -> String {
    dump(
        path,
        &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"),
    )
    .join(",")
}

fn indexes(path: &Path) -> Vec<String> {
    dump(
        path,
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
    )
}

fn write_one(path: &Path) {
    let mut sink = SqliteSink::open(options(path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    sink.close().unwrap();
    let verified = Reader::open(path).unwrap().verify().unwrap();
    assert_eq!((verified.windows, verified.damaged.len()), (1, 0));
}

#[test]
fn golden_schema_of_a_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    write_one(&path);
    assert_eq!(
        columns(&path, "tick_batch"),
        "ticker,ts_window_start,ts_window_end,ticks,upticks,downticks,vol_sum,last_price,window_id,trades"
    );
    assert_eq!(
        columns(&path, "orderbook_snapshot"),
        "ticker,ts,bid1,ask1,spread_bp,buy_top3,sell_top3,window_id,source"
    );
    assert_eq!(
        columns(&path, "features_stream"),
        "ticker,ts,uptick_ratio,vol_sum,spread_bp,buy_top3,sell_top3,depth_imbalance,burst_buy,burst_sell,\
         burst_score,streak_len,surge_vol_ratio,last_signal_ts,window_id"
    );
    assert_eq!(
        indexes(&path),
        [
            "CREATE UNIQUE INDEX ux_features_stream_ts_ticker ON features_stream (ts, ticker)",
            "CREATE UNIQUE INDEX ux_orderbook_snapshot_ts_ticker ON orderbook_snapshot (ts, ticker)",
            "CREATE UNIQUE INDEX ux_tick_batch_ts_window_end_ticker ON tick_batch (ts_window_end, ticker)",
        ]
    );
    for (pragma, value) in [
        ("journal_mode", "wal"),
        ("page_size", "4096"),
        ("application_id", "1635349869"),
    ] {
        assert_eq!(dump(&path, &format!("PRAGMA {pragma}")), [value], "{pragma}");
    }
    assert_eq!(dump(&path, "SELECT version FROM schema_version"), ["1"]);
    assert!(
        !folder.path().join("day.db.before-ayumi").exists(),
        "nothing to back up"
    );
    assert!(!folder.path().join("day.db-wal").exists(), "closed cleanly");
}

#[test]
fn s13_the_8_column_file_of_the_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rss_snapshot.db");
    script(
        &path,
        &format!(
            "{TICKS}{BOOKS}{FEATURES_8}
             INSERT INTO tick_batch VALUES ('7203', '2025-11-19T09:00:00.000', '2025-11-19T09:00:00.300', 1, 0, 0, 100.0, 2800.0);
             INSERT INTO features_stream VALUES ('7203', '2025-11-19T09:00:00.300', 0.0, 100.0, NULL, NULL, NULL, NULL);"
        ),
    );
    write_one(&path);
    assert_eq!(
        dump(&path, "SELECT * FROM tick_batch LIMIT 1"),
        ["7203|2025-11-19T09:00:00.000|2025-11-19T09:00:00.300|1|0|0|100.0|2800.0|-|-"],
        "the old row as it was, our columns empty"
    );
    assert_eq!(
        dump(&path, "SELECT * FROM features_stream LIMIT 1"),
        ["7203|2025-11-19T09:00:00.300|0.0|100.0|-|-|-|-|-|-|-|-|-|-|-"]
    );
    assert!(columns(&path, "features_stream").ends_with(
        "depth_imbalance,burst_buy,burst_sell,burst_score,streak_len,surge_vol_ratio,last_signal_ts,window_id"
    ));
    assert_eq!((count(&path, "tick_batch"), count(&path, "features_stream")), (4, 4));
    let backup = folder.path().join("rss_snapshot.db.before-ayumi");
    assert_eq!(columns(&backup, "features_stream").split(',').count(), 8);
    assert_eq!(count(&backup, "tick_batch"), 1);
    assert!(!folder.path().join("rss_snapshot.db.before-ayumi.tmp").exists());
    // A second start finds nothing to do.
    let schema = dump(&path, "SELECT sql FROM sqlite_schema ORDER BY name");
    SqliteSink::open(options(&path), today()).unwrap().close().unwrap();
    assert_eq!(dump(&path, "SELECT sql FROM sqlite_schema ORDER BY name"), schema);
}

#[test]
fn s13_the_14_column_file_and_columns_of_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rss_snapshot.db");
    script(
        &path,
        &format!(
            "{TICKS}{BOOKS}{FEATURES_14}
             ALTER TABLE tick_batch ADD COLUMN memo TEXT DEFAULT 'mine';
             ALTER TABLE features_stream ADD COLUMN Trades INT NOT NULL DEFAULT 7;
             CREATE TABLE signals (ts TEXT); CREATE VIEW newest AS SELECT max(ts) FROM features_stream;
             INSERT INTO tick_batch (ticker, ts_window_end) VALUES ('7203', '2025-11-19 09:00:00');"
        ),
    );
    write_one(&path);
    assert!(columns(&path, "tick_batch").ends_with("last_price,memo,window_id,trades"));
    assert!(columns(&path, "features_stream").ends_with("last_signal_ts,Trades,window_id"));
    assert_eq!(
        dump(&path, "SELECT DISTINCT memo FROM tick_batch"),
        ["mine"],
        "no value slipped into a column of the user"
    );
    assert_eq!(dump(&path, "SELECT DISTINCT Trades FROM features_stream"), ["7"]);
}

#[test]
fn s13_some_tables_only_and_an_existing_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rss_snapshot.db");
    script(&path, &format!("PRAGMA page_size = 1024; {TICKS}"));
    let backup = folder.path().join("rss_snapshot.db.before-ayumi");
    fs::write(&backup, "precious").unwrap();
    fs::write(folder.path().join("rss_snapshot.db.before-ayumi.tmp"), "cut off").unwrap();
    write_one(&path);
    assert_eq!(fs::read_to_string(&backup).unwrap(), "precious");
}

#[test]
fn s13_old_duplicates_stay_and_ours_never_appear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rss_snapshot.db");
    let old = "INSERT INTO features_stream VALUES ('7203', '2025-11-19T09:00:00.300', 0.5, 1.0, NULL, 1, 1, 0.0);";
    script(&path, &format!("{TICKS}{BOOKS}{FEATURES_8}{old}{old}"));
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    drop(sink);
    // Again, as after a restart; then the same rows under another window start.
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    assert!(sink.write(&batch(0)).unwrap().already_stored);
    let mut overlapping = batch(0);
    overlapping.start_ms += 1;
    overlapping.ledger.clear();
    assert_eq!(sink.write(&overlapping).unwrap().rows, 0);
    sink.close().unwrap();
    assert_eq!((count(&path, "features_stream"), count(&path, "tick_batch")), (5, 3));
    assert_eq!(
        indexes(&path)[0],
        "CREATE INDEX ix_features_stream_ts_ticker ON features_stream (ts, ticker)"
    );
    assert_eq!(
        Reader::open(&path).unwrap().verify().unwrap().damaged,
        Vec::<i64>::new()
    );
}

#[test]
fn s13_states_that_are_kept_by_ticker_first_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    write_one(&path);
    let states = "SELECT * FROM stream_state ORDER BY ticker, trading_date";
    let kept = dump(&path, states);
    script(
        &path,
        "CREATE TABLE old (ticker TEXT, trading_date TEXT, base_volume INTEGER, last_volume INTEGER, last_ns INTEGER,
                           null_ns INTEGER, last_price_e4 INTEGER, window_id INTEGER,
                           PRIMARY KEY (ticker, trading_date)) WITHOUT ROWID;
         INSERT INTO old SELECT * FROM stream_state; DROP TABLE stream_state; ALTER TABLE old RENAME TO stream_state;",
    );
    assert_eq!(dump(&path, states), kept);
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(1)).unwrap();
    sink.close().unwrap();
    let now = dump(&path, states);
    assert_eq!(now.len(), kept.len(), "replaced, not doubled");
    assert_ne!(now, kept);
}

#[test]
fn s13_any_other_shape_is_refused_untouched() {
    let short = "CREATE TABLE tick_batch(ticker TEXT, ts TEXT, price REAL);";
    for (sql, says) in [
        (short.to_owned(), "it lacks ts_window_start, ts_window_end, ticks"),
        (
            format!("{FEATURES_8}CREATE VIEW tick_batch AS SELECT 1"),
            "tick_batch has another shape: it is a view",
        ),
        (
            TICKS.replace("last_price REAL", "last_price REAL, must TEXT NOT NULL"),
            "extra column must is NOT NULL",
        ),
        (
            BOOKS.replace("bid1 REAL", "bid1 REAL NOT NULL"),
            "column bid1 is NOT NULL",
        ),
        (
            TICKS.replace("ticks INT,", "ticks INT AS (1),"),
            "column ticks is a generated one",
        ),
        (
            BOOKS
                .replace("ticker TEXT", "ticker TEXT PRIMARY KEY")
                .replace(");", ") WITHOUT ROWID;"),
            "WITHOUT ROWID",
        ),
        (
            "CREATE TABLE schema_version (installed_rank INT)".to_owned(),
            "schema_version has another shape",
        ),
        (
            "CREATE TABLE schema_version (version, heartbeat); INSERT INTO schema_version VALUES (2, 0)".to_owned(),
            "newer version of this program",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rss_snapshot.db");
        script(&path, &sql);
        let before = fs::read(&path).unwrap();
        let error = SqliteSink::open(options(&path), today()).unwrap_err();
        assert!(
            matches!(error, StoreError::WrongSchema { .. }) && !error.is_retryable(),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{says}");
        assert!(!folder.path().join("rss_snapshot.db.before-ayumi").exists());
    }
}

#[test]
fn s13_a_migration_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rss_snapshot.db");
    // An index of the user has the name of ours: found out only in the middle of the migration.
    script(
        &path,
        &format!("{TICKS}{BOOKS}{FEATURES_8} CREATE INDEX ux_features_stream_ts_ticker ON features_stream (ticker);"),
    );
    let schema = dump(&path, "SELECT sql FROM sqlite_schema ORDER BY name");
    let error = SqliteSink::open(options(&path), today()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("ux_features_stream_ts_ticker already exists"),
        "{error}"
    );
    assert_eq!(dump(&path, "SELECT sql FROM sqlite_schema ORDER BY name"), schema);
}
