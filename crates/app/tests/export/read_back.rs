//! Parquet files as another reader sees them, and the tables they were made from.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use rusqlite::Connection;
use rusqlite::types::Value;

/// `rows` rows of every kind of column, of 50 symbols.
pub fn many(path: &Path, rows: u32) {
    let db = Connection::open(path).expect("opened");
    db.execute_batch(&format!(
        "CREATE TABLE many (ticker TEXT, ts TEXT, trading_date TEXT, vol_sum REAL, last_price REAL, spread_bp REAL,
            buy_top3 INT, last_signal_ts TEXT, cause TEXT);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows})
         INSERT INTO many SELECT CAST(7200 + i % 50 AS TEXT),
            strftime('%Y-%m-%dT%H:%M:%S', 1795168800 + i / 150, 'unixepoch') || printf('.%d00+09:00', 3 * (i / 50 % 3)),
            '2026-11-20', 100.0 * (i % 7), (28475 + i % 1000) / 10.0, iif(i % 5 = 0, NULL, i / 7.0), iif(i % 3 = 0, NULL, -i),
            iif(i % 2 = 0, '', '2026-11-20T09:00:00.300+09:00'), iif(i % 11 = 0, NULL, 'gap')
         FROM n;"
    ))
    .expect("filled");
}

/// The rows of a Parquet file, as its own reader sees them, and the schema as text.
pub fn parquet_rows(path: &Path) -> (Vec<Vec<Field>>, Vec<String>, usize) {
    let reader = SerializedFileReader::new(File::open(path).expect("opened")).expect("a Parquet file");
    let mut schema = Vec::new();
    parquet::schema::printer::print_schema(&mut schema, reader.metadata().file_metadata().schema());
    let schema = String::from_utf8(schema).expect("text");
    let fields = schema.lines().filter_map(|line| line.trim().strip_suffix(';'));
    let rows = reader.get_row_iter(None).expect("rows");
    let rows = rows.map(|row| {
        row.expect("a row")
            .into_columns()
            .into_iter()
            .map(|(_, field)| field)
            .collect()
    });
    (
        rows.collect(),
        fields.map(str::to_owned).collect(),
        reader.num_row_groups(),
    )
}

/// What a value of the database is in a Parquet file.
pub fn as_field(value: &Value, wanted: &Field) -> Field {
    let ms = |text: &str| ayumi_wire::jst::parse_ms(text).expect("a time of ours");
    match (value, wanted) {
        (Value::Null, _) => Field::Null,
        (Value::Text(text), _) if text.is_empty() => Field::Null,
        (Value::Text(text), Field::TimestampMillis(_)) => Field::TimestampMillis(ms(text)),
        (Value::Text(text), Field::Date(_)) => {
            let days = ayumi_wire::jst::Date::parse(text).expect("a date").days();
            Field::Date(i32::try_from(days).expect("in range"))
        }
        (Value::Text(text), _) => Field::Str(text.clone()),
        (Value::Integer(n), _) => Field::Long(*n),
        (Value::Real(x), Field::Long(_)) => Field::Long(*x as i64),
        (Value::Real(x), Field::Decimal(_)) => {
            let e4 = (x * 10_000.0).round() as i64;
            Field::Decimal(parquet::data_type::Decimal::from_i64(e4, 18, 4))
        }
        (Value::Real(x), _) => Field::Double(*x),
        (Value::Blob(_), _) => panic!("no blobs here"),
    }
}

/// What a query gives.
pub fn sql_rows(path: &Path, sql: &str) -> Vec<Vec<Value>> {
    let db = Connection::open(path).expect("opened");
    let mut statement = db.prepare(sql).expect("valid");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
    rows.expect("runs").map(|row| row.expect("a row")).collect()
}
