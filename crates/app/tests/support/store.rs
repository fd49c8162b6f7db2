//! The database as another program reads it, and what must hold in it whatever happened.

use std::path::Path;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};

/// A read-only connection.
pub struct Store {
    connection: Connection,
    path: std::path::PathBuf,
}

/// Milliseconds since 1970 of a time column.
pub fn ms(column: &str) -> String {
    format!("(CAST(strftime('%s', {column}) AS INTEGER) * 1000 + CAST(substr({column}, 21, 3) AS INTEGER))")
}

impl Store {
    /// Opens a database that is there.
    pub fn open(path: &Path) -> Self {
        Self::try_open(path).unwrap_or_else(|| panic!("{} cannot be opened", path.display()))
    }

    /// Opens a database if it is there already.
    pub fn try_open(path: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).ok()?;
        connection.busy_timeout(super::PATIENCE).ok()?;
        Some(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// One value.
    pub fn one<T: FromSql>(&self, sql: &str) -> T {
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// One whole number; a sum of shares is one.
    pub fn number(&self, sql: &str) -> i64 {
        self.try_number(sql).unwrap_or_else(|| panic!("{sql}: no number"))
    }

    /// One whole number, if the tables are there.
    pub fn try_number(&self, sql: &str) -> Option<i64> {
        let sql = format!("SELECT CAST(coalesce(({sql}), 0) AS INTEGER)");
        self.connection.query_row(&sql, [], |row| row.get(0)).ok()
    }

    /// All values of the first column as text.
    pub fn column(&self, sql: &str) -> Vec<String> {
        let text = |row: &rusqlite::Row<'_>| {
            let value = row.get_ref(0)?;
            Ok(match value {
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{:?}", rusqlite::types::Value::try_from(other)),
            })
        };
        let mut statement = self.connection.prepare(sql).expect("valid SQL");
        let rows = statement.query_map([], text).expect("runs");
        rows.map(|row| row.expect("a row")).collect()
    }

    /// Volume in the ledger for a cause.
    pub fn ledger(&self, cause: &str) -> i64 {
        self.number(&format!(
            "SELECT sum(volume) FROM volume_ledger WHERE cause = '{cause}'"
        ))
    }

    /// Volume in ticks.
    pub fn sizes(&self) -> i64 {
        self.number("SELECT sum(vol_sum) FROM tick_batch")
    }

    /// Everything that holds in every database: whole windows, checksums, no overlap, no duplicate, books that can be,
    /// volume that closes. `cut` is the number of runs, each of which may cut its first and its last window.
    pub fn check(&self, window_ms: i64, runs: i64) {
        assert_eq!(self.one::<String>("PRAGMA integrity_check"), "ok");
        let verified = ayumi_store::reader::Reader::open(&self.path)
            .and_then(|reader| reader.verify())
            .expect("verified");
        assert_eq!(
            verified.damaged,
            Vec::<i64>::new(),
            "windows with other rows than were written"
        );
        self.check_windows(window_ms, runs);
        self.check_rows();
        self.check_volume();
    }

    fn check_windows(&self, window_ms: i64, runs: i64) {
        let none = |what: &str, sql: String| assert_eq!(self.number(&sql), 0, "{what}: {sql}");
        let (start, end) = (ms("ts_start"), ms("ts_end"));
        none(
            "id is not the start, or start is not before the end",
            format!("SELECT count(*) FROM window_log WHERE window_id <> {start} OR {start} >= {end}"),
        );
        none(
            "windows overlap",
            format!(
                "SELECT count(*) FROM (SELECT {start} AS s, lag({end}) OVER (ORDER BY window_id) AS before
                 FROM window_log) WHERE before > s"
            ),
        );
        let off_grid = |edge: &str| format!("SELECT count(*) FROM window_log WHERE {edge} % {window_ms} <> 0");
        let (cut_starts, cut_ends) = (self.number(&off_grid(&start)), self.number(&off_grid(&end)));
        assert!(
            cut_starts <= runs && cut_ends <= runs,
            "{cut_starts} starts, {cut_ends} ends off the grid"
        );
        none(
            "a window is wider than the grid although nothing was merged",
            format!("SELECT count(*) FROM window_log WHERE merged_windows = 0 AND {end} - {start} > {window_ms}"),
        );
        none(
            "messages are not ticks + merged + rejected",
            "SELECT count(*) FROM window_log WHERE messages <> ticks + merged + rejected".to_owned(),
        );
    }

    fn check_rows(&self) {
        let none = |what: &str, sql: String| assert_eq!(self.number(&sql), 0, "{what}: {sql}");
        for (table, time) in [
            ("tick_batch", "ts_window_end"),
            ("features_stream", "ts"),
            ("orderbook_snapshot", "ts"),
        ] {
            for key in ["window_id", time] {
                none(
                    "duplicates",
                    format!("SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY ticker, {key} HAVING count(*) > 1)"),
                );
            }
            none(
                "rows outside of their window",
                format!(
                    "SELECT count(*) FROM {table} t LEFT JOIN window_log w USING (window_id)
                     WHERE w.window_id IS NULL OR t.{time} <> w.ts_end"
                ),
            );
        }
        none(
            "start of a row is not that of its window",
            "SELECT count(*) FROM tick_batch JOIN window_log USING (window_id) WHERE ts_window_start <> ts_start"
                .into(),
        );
        none(
            "spread where there is none",
            "SELECT count(*) FROM orderbook_snapshot WHERE spread_bp IS NOT NULL AND NOT (bid1 < ask1
             AND abs(spread_bp - (ask1 - bid1) / ((ask1 + bid1) / 2) * 10000) < 1e-6)"
                .into(),
        );
        // By time and symbol, which both tables have an index for; a full join would compare every row with every other.
        for (one, other) in [("tick_batch", "features_stream"), ("features_stream", "tick_batch")] {
            let time = |table: &str| if table == "tick_batch" { "ts_window_end" } else { "ts" };
            none(
                "a tick without its feature row, or the other way round",
                format!(
                    "SELECT count(*) FROM {one} a LEFT JOIN {other} b ON b.{} = a.{} AND b.ticker = a.ticker
                     WHERE a.vol_sum IS NOT b.vol_sum OR a.window_id IS NOT b.window_id",
                    time(other),
                    time(one)
                ),
            );
        }
        none(
            "counts that cannot be",
            // Under overload merged messages leave their moves and sizes behind, but are no ticks of their own.
            "SELECT count(*) FROM tick_batch JOIN window_log w USING (window_id) WHERE tick_batch.ticks < 1
             OR vol_sum < 0 OR last_price <= 0
             OR w.merged = 0 AND (upticks + downticks > tick_batch.ticks OR trades > tick_batch.ticks)"
                .into(),
        );
        assert_eq!(
            self.number("SELECT sum(ticks) FROM tick_batch"),
            self.number("SELECT sum(ticks) FROM window_log")
        );
    }

    /// Sizes + ledger = last - base, per symbol. Only for databases of one trading date.
    fn check_volume(&self) {
        let sql = "SELECT s.ticker || ': ' || (last_volume - base_volume) || ' = ' || sizes || ' + ' || booked FROM
            (SELECT ticker, last_volume, base_volume,
                    (SELECT coalesce(sum(vol_sum), 0) FROM tick_batch t WHERE t.ticker = s.ticker AND window_id IS NOT NULL) AS sizes,
                    (SELECT coalesce(sum(volume), 0) FROM volume_ledger l WHERE l.ticker = s.ticker) AS booked
             FROM stream_state s) s
            WHERE last_volume - base_volume <> sizes + booked";
        assert_eq!(self.column(sql), Vec::<String>::new(), "volume does not close");
        let dates = "SELECT count(DISTINCT trading_date) FROM stream_state WHERE last_volume IS NOT NULL";
        assert!(self.number(dates) <= 1, "this check is for one trading date");
    }
}
