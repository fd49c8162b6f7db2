//! `ayumi export` as a user runs it: bytes of CSV files, Parquet files read back by another reader, and every way in
//! which there is nothing to write.

#[path = "export/read_back.rs"]
mod read_back;
mod support;

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use read_back::{as_field, many, parquet_rows, sql_rows};
use rusqlite::Connection;
use serde_json::json;
use support::process::Ended;
use support::{Desk, TEN, Worker};

/// Runs `ayumi export` with what stands in the line, blanks between.
fn export(desk: &Desk, line: &str) -> Ended {
    let line = format!("export {line}");
    let args: Vec<&str> = line.split_whitespace().collect();
    Worker::start(desk.folder(), &args).ended()
}

/// A small day: NULLs, odd tickers, a window that ends at midnight, and its neighbours.
fn small(path: &Path) {
    let db = Connection::open(path).expect("opened");
    db.execute_batch(
        "CREATE TABLE tick_batch (ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, upticks INT,
            downticks INT, vol_sum REAL, last_price REAL, window_id INTEGER, trades INT);
         CREATE UNIQUE INDEX ux_tick_batch_ts_window_end_ticker ON tick_batch (ts_window_end, ticker);
         INSERT INTO tick_batch VALUES
            ('7203', '2026-11-19T23:59:59.700+09:00', '2026-11-20T00:00:00.000+09:00', 9, 9, 9, 9, 9, 9, 9),
            ('7203', '2026-11-20T09:00:00.000+09:00', '2026-11-20T09:00:00.300+09:00', 3, 1, 0, 6900.0, 2847.5, 1795132800000, 2),
            ('285A', '2026-11-20T09:00:00.000+09:00', '2026-11-20T09:00:00.300+09:00', 1, 0, 0, 0.0, 2844.0556, NULL, NULL),
            ('a,\"b\"', '2026-11-20T09:00:00.300+09:00', '2026-11-20T09:00:00.600+09:00', 1, 0, 0, 100.0, 0.1, 1, 1),
            ('=1+1', '2026-11-20T09:00:00.300+09:00', '2026-11-20T09:00:00.600+09:00', 1, 0, 0, 100.0, 3000.0, 1, 1),
            ('株', '2026-11-20T09:00:00.300+09:00', '2026-11-20T09:00:00.600+09:00', 1, 0, 0, NULL, NULL, 1, 1),
            ('7203', '2026-11-20T23:59:59.700+09:00', '2026-11-21T00:00:00.000+09:00', 1, 0, 0, 100.0, 2848.0, 1, 1),
            ('7203', '2026-11-21T00:00:00.000+09:00', '2026-11-21T00:00:00.300+09:00', 9, 9, 9, 9, 9, 9, 9);
         CREATE TABLE window_log (window_id INTEGER, ts_start TEXT, ts_end TEXT, messages INT, PRIMARY KEY (window_id));
         CREATE TABLE notes (what TEXT);",
    )
    .expect("filled");
}

const CSV: &str = "\
ticker,ts_window_start,ts_window_end,ticks,upticks,downticks,vol_sum,last_price,window_id,trades
7203,2026-11-20T09:00:00.000+09:00,2026-11-20T09:00:00.300+09:00,3,1,0,6900,2847.5,1795132800000,2
285A,2026-11-20T09:00:00.000+09:00,2026-11-20T09:00:00.300+09:00,1,0,0,0,2844.0556,,
\"a,\"\"b\"\"\",2026-11-20T09:00:00.300+09:00,2026-11-20T09:00:00.600+09:00,1,0,0,100,0.1,1,1
=1+1,2026-11-20T09:00:00.300+09:00,2026-11-20T09:00:00.600+09:00,1,0,0,100,3000.0,1,1
株,2026-11-20T09:00:00.300+09:00,2026-11-20T09:00:00.600+09:00,1,0,0,,,1,1
7203,2026-11-20T23:59:59.700+09:00,2026-11-21T00:00:00.000+09:00,1,0,0,100,2848.0,1,1
";

#[test]
fn csv_to_the_byte() {
    let desk = Desk::new();
    small(&desk.db());
    let args = "--db ticks.db --table TICK_BATCH --date 2026-11-20 --out t.CSV";
    let ended = export(&desk, args).expect(0);
    ended.says(&[
        "export done table=TICK_BATCH rows=6 bytes=",
        " databases=1 ",
        " file=t.CSV",
    ]);
    assert_eq!(std::fs::read_to_string(desk.path("t.CSV")).expect("written"), CSV);
    assert_eq!(desk.files(), ["t.CSV", "ticks.db"], "nothing else is left");

    // PowerShell's spelling, and the settings' database.
    desk.settings(&json!({"mode": "mock", "symbols": ["7203"]}));
    let args = "-Config c.json -Table tick_batch -Date 2026-11-20 -Out u.csv -Verbose 0";
    let ended = export(&desk, args).expect(0);
    assert_eq!(ended.text(), "", "quiet at level 0");
    assert_eq!(std::fs::read_to_string(desk.path("u.csv")).expect("written"), CSV);
}

#[test]
fn sec14_csv_for_excel() {
    let desk = Desk::new();
    small(&desk.db());
    let args = "--db ticks.db --table tick_batch --date 2026-11-20 --out t.csv --excel";
    export(&desk, args).expect(0);
    let expected = CSV
        .replace('\n', "\r\n")
        .replace("+09:00", "")
        .replace("-20T", "-20 ")
        .replace("-21T", "-21 ")
        .replace("=1+1", "'=1+1");
    let bytes = std::fs::read(desk.path("t.csv")).expect("written");
    assert_eq!(&bytes[..3], b"\xEF\xBB\xBF");
    assert_eq!(std::str::from_utf8(&bytes[3..]), Ok(expected.as_str()));
}

/// A day of the scripts (8 columns, no index) and one of ours.
fn two_days(desk: &Desk) {
    let old = Connection::open(desk.path("f-2026-11-19.db")).expect("opened");
    old.execute_batch(
        "CREATE TABLE features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL,
            buy_top3 INT, sell_top3 INT, depth_imbalance REAL);
         INSERT INTO features_stream VALUES ('7203', '2026-11-19T09:00:00.300', 0.25, 100, NULL, NULL, 300, -1.0),
            ('9984', '2026-11-19T09:00:00.300', 0.1, 200, 3.3333333333333335, 1, 2, 0.5);",
    )
    .expect("filled");
    let new = Connection::open(desk.path("f-2026-11-20.db")).expect("opened");
    new.execute_batch(
        "CREATE TABLE features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL,
            buy_top3 INT, sell_top3 INT, depth_imbalance REAL, burst_buy INT, last_signal_ts TEXT, window_id INTEGER);
         INSERT INTO features_stream VALUES
            ('7203', '2026-11-20T09:00:00.300+09:00', 1.0, 100, 1e-7, 1, 2, 0.0, 1, '', 7),
            ('9984', '2026-11-20T09:00:00.300+09:00', 0.5, 0, 2.5, 1, 2, 0.5, 0, '2026-11-20T09:00:00.000+09:00', 7);",
    )
    .expect("filled");
}

#[test]
fn a_range_goes_over_files_and_shapes() {
    let desk = Desk::new();
    two_days(&desk);
    desk.settings(&json!({"mode": "mock", "symbols": ["7203"], "db_path": "f-{date}.db"}));
    let args = "-Config c.json --table features_stream --date 2026-11-16 --to 2026-11-22";
    let all = export(&desk, &format!("{args} --out all.csv")).expect(0);
    all.says(&["rows=4 ", " databases=2 "]);
    let header = "ticker,ts,uptick_ratio,vol_sum,spread_bp,buy_top3,sell_top3,depth_imbalance,burst_buy,last_signal_ts,window_id\n";
    let old = "7203,2026-11-19T09:00:00.300,0.25,100,,,300,-1.0,,,\n";
    let old_9984 = "9984,2026-11-19T09:00:00.300,0.1,200,3.3333333333333335,1,2,0.5,,,\n";
    let new = "7203,2026-11-20T09:00:00.300+09:00,1.0,100,1e-7,1,2,0.0,1,,7\n";
    let new_9984 = "9984,2026-11-20T09:00:00.300+09:00,0.5,0,2.5,1,2,0.5,0,2026-11-20T09:00:00.000+09:00,7\n";
    let read = |name: &str| std::fs::read_to_string(desk.path(name)).expect("written");
    assert_eq!(read("all.csv"), [header, old, old_9984, new, new_9984].concat());

    export(&desk, &format!("{args} --out some.csv -Symbols 9984 6758"))
        .expect(0)
        .says(&["rows=2 "]);
    assert_eq!(read("some.csv"), [header, old_9984, new_9984].concat());

    // One file alone keeps its own, fewer columns.
    let one = "--db f-{date}.db --table features_stream --date 2026-11-19 --out old.csv";
    export(&desk, one).expect(0);
    let eight = |line: &str| {
        line.replace(",burst_buy,last_signal_ts,window_id", "")
            .replace(",,,\n", "\n")
    };
    assert_eq!(read("old.csv"), [eight(header), eight(old), eight(old_9984)].concat());
}

#[test]
fn what_cannot_be_exported_is_told_with_the_next_step() {
    let desk = Desk::new();
    small(&desk.db());
    two_days(&desk);
    std::fs::write(desk.path("there.csv"), "mine").expect("written");
    std::fs::write(
        desk.path("no.db"),
        "no database at all, but long enough to be looked at by SQLite: 0123456789",
    )
    .expect("written");
    let before = desk.files();
    let base = "--db ticks.db --table tick_batch --date 2026-11-20 --out t.csv";
    let cases: [(&str, &[&str]); 16] = [
        (
            "--table tick_bach",
            &[
                "no table tick_bach",
                "did you mean tick_batch?",
                "choose one of tick_batch, window_log",
            ],
        ),
        (
            "--table notes",
            &["no table notes with a time", "next: choose one of tick_batch"],
        ),
        (
            "--table window_log",
            &["window_log has no rows of 2026-11-20", "next: look into another table"],
        ),
        (
            "--table window_log --symbols 7203",
            &["no column ticker", "leave --symbols out"],
        ),
        (
            "--date 2026-11-24",
            &[
                "tick_batch has no rows of 2026-11-24\n",
                "choose from 2026-11-20, 2026-11-21",
            ],
        ),
        (
            "--symbols 6758",
            &["no rows of 2026-11-20 for 6758", "next: choose from 285A, 7203, =1+1"],
        ),
        (
            "--to 2026-11-19",
            &["--to 2026-11-19 lies before --date 2026-11-20", "next:"],
        ),
        ("--to 2046-11-19", &["longer than ten years"]),
        ("--db none.db", &["there is no database none.db", "next: check db_path"]),
        (
            "--db f-{date}.db --date 2026-11-24",
            &["of 2026-11-24; there are 2026-11-19, 2026-11-20\n"],
        ),
        ("--db no.db", &["no.db cannot be read", "next: name an SQLite file"]),
        (
            "--out t.xlsx",
            &["t.xlsx is neither .csv nor .parquet", "next: give --out"],
        ),
        ("--out t.parquet --excel", &["--excel is for CSV"]),
        ("--out there.csv", &["there.csv exists already", "add --force"]),
        ("--out nowhere/t.csv", &["the folder nowhere does not exist"]),
        ("--tabel x", &["did you mean --table?"]),
    ];
    support::at_once(cases, |(args, parts)| {
        let ended = export(&desk, &format!("{base} {args}")).expect(2);
        ended.says(parts);
        assert!(
            ended.err.starts_with("error: ") && ended.err.contains("next: "),
            "{}",
            ended.err
        );
    });
    for (left_out, said) in [
        ("--db ticks.db", "--db <path>"),
        ("--table tick_batch", "--table <name>"),
        ("--date 2026-11-20", "--date YYYY-MM-DD"),
        ("--out t.csv", "--out FILE"),
    ] {
        let ended = export(&desk, &base.replace(left_out, "")).expect(2);
        ended.says(&["is missing", said, "next: ayumi export -Config"]);
    }
    assert_eq!(desk.files(), before, "nothing was made, nothing is gone");
    assert_eq!(std::fs::read(desk.path("there.csv")).expect("kept"), b"mine");
    export(&desk, &format!("{base} --out there.csv --force")).expect(0);
    assert_eq!(std::fs::read_to_string(desk.path("there.csv")).expect("replaced"), CSV);
}

#[test]
fn a_database_is_never_written_over() {
    let desk = Desk::new();
    small(&desk.path("odd.csv"));
    let before = std::fs::read(desk.path("odd.csv")).expect("there");
    let args = "--db odd.csv --table tick_batch --date 2026-11-20 --out ./odd.csv --force";
    export(&desk, args).expect(2).says(&["names the database itself"]);
    assert_eq!(std::fs::read(desk.path("odd.csv")).expect("there"), before);
}

#[test]
fn parquet_holds_what_the_table_holds_with_its_types() {
    let desk = Desk::new();
    many(&desk.db(), 120_001);
    let args = "--db ticks.db --table many --date 2026-11-20 --out m.parquet";
    export(&desk, args).expect(0).says(&["rows=120001 "]);
    let (rows, schema, groups) = parquet_rows(&desk.path("m.parquet"));
    assert_eq!(
        schema,
        [
            "OPTIONAL BYTE_ARRAY ticker (STRING)",
            "OPTIONAL INT64 ts (TIMESTAMP(MILLIS,true))",
            "OPTIONAL INT32 trading_date (DATE)",
            "OPTIONAL INT64 vol_sum",
            "OPTIONAL INT64 last_price (DECIMAL(18,4))",
            "OPTIONAL DOUBLE spread_bp",
            "OPTIONAL INT64 buy_top3",
            "OPTIONAL INT64 last_signal_ts (TIMESTAMP(MILLIS,true))",
            "OPTIONAL BYTE_ARRAY cause (STRING)",
        ]
    );
    assert_eq!(groups, 2, "row groups of 100,000");
    let stored = sql_rows(&desk.db(), "SELECT * FROM many ORDER BY rowid");
    assert_eq!(rows.len(), stored.len());
    for (at, (row, stored)) in rows.iter().zip(&stored).enumerate() {
        let expected: Vec<Field> = stored
            .iter()
            .zip(row)
            .map(|(value, field)| as_field(value, field))
            .collect();
        assert_eq!(*row, expected, "row {at}");
    }
    // The file is compressed and tickers are a dictionary: 50 symbols cost next to nothing.
    let reader = SerializedFileReader::new(File::open(desk.path("m.parquet")).expect("opened")).expect("Parquet");
    let ticker = reader.metadata().row_group(0).column(0);
    assert!(ticker.dictionary_page_offset().is_some());
    assert!(ticker.compressed_size() < 100_000, "{}", ticker.compressed_size());
    assert!(format!("{:?}", ticker.compression()).contains("ZSTD"));
}

#[test]
fn a_value_that_does_not_fit_gets_a_wider_column_and_a_warning() {
    let desk = Desk::new();
    let db = Connection::open(desk.db()).expect("opened");
    db.execute_batch(
        "CREATE TABLE odd (ticker TEXT, ts TEXT, seen_ts TEXT, vol_sum REAL, last_price REAL, bid1 REAL, buy_top3 INT, x);
         INSERT INTO odd VALUES ('7203', '2026-11-20 09:00:00.123456', '2026-11-20T00:00:00Z', 100.5, 0.1 + 0.2, 'none', x'00ff', 1),
            ('9984', '2026-11-20T09:00:01', NULL, 100, 1, 2.5, 9, 2.5);",
    )
    .expect("filled");
    let args = "--db ticks.db --table odd --date 2026-11-20";
    let ended = export(&desk, &format!("{args} --out o.parquet")).expect(0);
    ended.says(&[
        "column ts holds \"2026-11-20 09:00:00.123456\", which is no TIMESTAMP (ms); it is written as TIMESTAMP (us)",
        "column vol_sum holds 100.5, which is no INT64; it is written as DOUBLE",
        "column last_price holds 0.30000000000000004, which is no DECIMAL(18,4); it is written as DOUBLE",
        "column bid1 holds \"none\"",
        "column buy_top3 holds binary data",
    ]);
    let (rows, ..) = parquet_rows(&desk.path("o.parquet"));
    let text = |text: &str| Field::Str(text.to_owned());
    let nine = 1_795_132_800_000_000;
    let first = [
        text("7203"),
        Field::TimestampMicros(nine + 123_456),
        text("2026-11-20T00:00:00Z"),
        Field::Double(100.5),
        Field::Double(0.1 + 0.2),
        text("none"),
        text("x'00ff'"),
        Field::Double(1.0),
    ];
    let second = [
        text("9984"),
        Field::TimestampMicros(nine + 1_000_000),
        Field::Null,
        Field::Double(100.0),
        Field::Double(1.0),
        text("2.5"),
        text("9"),
        Field::Double(2.5),
    ];
    assert_eq!(rows, [first, second]);
    export(&desk, &format!("{args} --out o.csv")).expect(0);
    assert_eq!(
        std::fs::read_to_string(desk.path("o.csv")).expect("written"),
        "ticker,ts,seen_ts,vol_sum,last_price,bid1,buy_top3,x\n\
         7203,2026-11-20 09:00:00.123456,2026-11-20T00:00:00Z,100.5,0.30000000000000004,none,x'00ff',1\n\
         9984,2026-11-20T09:00:01,,100,1.0,2.5,9,2.5\n"
    );
}

#[test]
fn a_damaged_database_leaves_no_half_file() {
    let desk = Desk::new();
    many(&desk.db(), 60_000);
    let mut bytes = std::fs::read(desk.db()).expect("read");
    let (from, to) = (bytes.len() * 3 / 4, bytes.len() * 3 / 4 + 16_384);
    bytes[from..to].fill(0xFF);
    std::fs::write(desk.db(), bytes).expect("written");
    for out in ["m.csv", "m.parquet"] {
        export(
            &desk,
            &format!("--db ticks.db --table many --date 2026-11-20 --out {out}"),
        )
        .expect(2)
        .says(&["ticks.db cannot be read", "next: `sqlite3 FILE .recover`"]);
        assert_eq!(desk.files(), ["ticks.db"]);
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_file() {
    let desk = Desk::new();
    many(&desk.db(), 60_000);
    for out in ["m.csv", "m.parquet"] {
        // A limit on the size of files stands for the disk: the same answer in the middle of the same write.
        let line = format!(
            "trap '' XFSZ; ulimit -f 64; exec '{}' export --db ticks.db --table many --date 2026-11-20 --out {out}",
            env!("CARGO_BIN_EXE_ayumi")
        );
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line]).current_dir(desk.folder());
        let ended = Worker::spawn(&mut shell).ended().expect(75);
        ended.says(&[
            "no space left for m.",
            "nothing was kept of it",
            "next: free some disk space",
        ]);
        assert_eq!(desk.files(), ["ticks.db"]);
    }
}

#[test]
fn a_running_recorder_is_not_disturbed() {
    let desk = Desk::mock(json!({"window_ms": 20, "mock_interval_ms": 5}));
    let mut worker = desk.stream(&["--seed", "1", "--clock", TEN]);
    worker.wait_line("stream_microbatch start");
    desk.stored();
    let tables = [
        "tick_batch",
        "orderbook_snapshot",
        "features_stream",
        "window_log",
        "stream_state",
    ];
    let run = |table: &str, out: &str| {
        let line = format!("--db ticks.db --date 2026-11-20 --force --table {table} --out {out}");
        export(&desk, &line).expect(0);
    };
    for table in tables {
        run(table, "live.csv");
        run(table, "live.parquet");
    }
    assert!(worker.is_running());
    let ended = worker.kill();
    assert!(
        !ended.text().contains("WARN") && !ended.text().contains("ERROR"),
        "{}",
        ended.text()
    );
    desk.store().check(20, 1);
    for table in tables {
        let out = format!("{table}.parquet");
        run(table, &out);
        let (rows, schema, _) = parquet_rows(&desk.path(&out));
        let order = if table == "stream_state" { "ticker" } else { "rowid" };
        let stored = sql_rows(&desk.db(), &format!("SELECT * FROM {table} ORDER BY {order}"));
        assert_eq!(rows.len(), stored.len(), "{table}");
        for (row, stored) in rows.iter().zip(&stored) {
            let expected: Vec<Field> = stored
                .iter()
                .zip(row)
                .map(|(value, field)| as_field(value, field))
                .collect();
            assert_eq!(*row, expected, "{table}");
        }
        let all_typed = schema
            .iter()
            .all(|field| !field.contains(" ts") || field.contains("TIMESTAMP"));
        assert!(all_typed, "{schema:?}");
    }
}
