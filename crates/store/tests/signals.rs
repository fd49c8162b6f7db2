//! Signals beside a recorder: a table that is nobody's but naut's, in a file that is the recorder's.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use ayumi_engine::jst::Date;
use ayumi_store::reader::{FeatureReader, Mark, Reader};
use ayumi_store::{SignalRow, SignalWriter, Sink, SqliteSink, StoreError};
use support::{START, WIDTH, batch, count, dump, options, other, today};

fn signal(n: i64, profile: &'static str) -> SignalRow {
    SignalRow {
        ts: ayumi_engine::jst::iso_ms(START + (n + 1) * WIDTH),
        ticker: "7203".to_owned(),
        side: "BUY",
        uptick_ratio: 0.75,
        depth_imbalance: Some(0.2),
        spread_bp: None,
        vol_sum: 500.0,
        base: 0.63,
        bonus: 0.07,
        score: 0.70,
        profile,
        window_id: Some(START + n * WIDTH),
    }
}

#[test]
fn the_recorder_does_not_mind_the_table_while_running_at_a_restart_nor_in_its_checks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut writer = SignalWriter::open(&path).unwrap();
    for n in 0..20 {
        sink.write(&batch(n)).unwrap();
        assert_eq!(writer.write(&[signal(n, "prod")]).unwrap(), 1);
        assert_eq!(writer.write(&[signal(n, "prod")]).unwrap(), 0, "a row that stands wins");
    }
    let digest = sink.totals().digest;
    sink.close().unwrap();
    // Opened again: no migration, no backup, the same windows left alone.
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    assert!(sink.write(&batch(3)).unwrap().already_stored);
    sink.write(&batch(20)).unwrap();
    assert_eq!(writer.write(&[signal(20, "prod"), signal(20, "demo")]).unwrap(), 2);
    drop(writer);
    sink.close().unwrap();
    let verified = Reader::open(&path).unwrap().verify().unwrap();
    assert_eq!((verified.windows, verified.damaged.len()), (21, 0));
    assert_ne!(verified.digest, digest);
    assert_eq!(count(&path, "signals"), 22);
    assert!(!folder.path().join("day.db.before-ayumi").exists());
    let first = &dump(&path, "SELECT * FROM signals ORDER BY rowid")[0];
    let ts = &signal(0, "prod").ts;
    assert_eq!(
        *first,
        format!("{ts}|7203|BUY|0.75|0.2|-|500.0|0.63|0.07|0.7|prod|{START}")
    );
}

#[test]
fn without_a_recorder_the_file_is_left_tidy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    sink.close().unwrap();
    let reader = FeatureReader::open(&path).unwrap().unwrap();
    let mut writer = SignalWriter::open(&path).unwrap();
    writer.write(&[signal(0, "prod")]).unwrap();
    drop((reader, writer));
    assert!(!folder.path().join("day.db-wal").exists(), "nothing is left in a log");
    assert_eq!(count(&path, "signals"), 1);
}

#[test]
fn a_lost_race_can_be_tried_again_and_a_missing_file_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    assert!(SignalWriter::open(&path).unwrap_err().is_retryable());
    assert!(!path.exists());
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    sink.write(&batch(0)).unwrap();
    let mut writer = SignalWriter::open(&path).unwrap();
    let recorder = other(&path);
    recorder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = writer.write(&[signal(0, "prod")]).unwrap_err();
    assert!(
        matches!(error, StoreError::Busy { .. }) && error.is_retryable(),
        "{error}"
    );
    recorder.execute_batch("COMMIT").unwrap();
    assert_eq!(writer.write(&[signal(0, "prod")]).unwrap(), 1);
}

#[test]
fn a_table_of_another_shape_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    drop(SqliteSink::open(options(&path), today()).unwrap());
    other(&path)
        .execute_batch("CREATE TABLE signals (ts TEXT, mine TEXT)")
        .unwrap();
    let error = SignalWriter::open(&path)
        .unwrap()
        .write(&[signal(0, "prod")])
        .unwrap_err();
    assert!(
        !error.is_retryable() && error.to_string().contains("table signals"),
        "{error}"
    );
    assert_eq!(count(&path, "signals"), 0);
}

#[test]
fn features_are_followed_by_row_id_and_found_again_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    assert!(FeatureReader::open(&path).unwrap().is_none());
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let reader = FeatureReader::open(&path).unwrap().unwrap();
    assert_eq!((reader.newest().unwrap(), reader.day(today()).unwrap()), (None, None));
    assert_eq!((reader.newest_day().unwrap(), reader.behind("").unwrap()), (None, 0));
    for n in 0..3 {
        sink.write(&batch(n)).unwrap();
    }
    let rows = reader.after(0, 5).unwrap();
    assert_eq!(rows.iter().map(|row| row.rowid).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!((rows[0].ticker.as_str(), rows[0].vol_sum), ("7203", Some(500.0)));
    assert_eq!((rows[0].depth_imbalance, rows[0].window_id), (Some(0.2), Some(START)));
    assert!(!rows[0].burst_buy && rows[0].burst_score == 0.0);
    assert_eq!(reader.after(9, 5).unwrap(), []);
    let newest = reader.newest().unwrap().unwrap();
    assert_eq!((newest.rowid, newest.ticker.as_str()), (9, "167060019@23"));
    assert!(reader.holds(&newest).unwrap());
    let moved = Mark { rowid: 8, ..newest };
    assert!(!reader.holds(&moved).unwrap());
    assert_eq!(reader.behind(&rows[0].ts).unwrap(), 3);
    assert_eq!(reader.behind(&moved.ts).unwrap(), 9);
    assert_eq!(reader.day(today()).unwrap(), Some((0, 9)));
    assert_eq!(reader.day(Date::from_days(today().days() + 1)).unwrap(), None);
    assert_eq!(reader.newest_day().unwrap(), Some(today()));
    assert!(!reader.is_elsewhere());
}
