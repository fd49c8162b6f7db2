//! The tables: names, columns in order, types, keys. Everything else (inserts, checks, migration, verification) is
//! derived from these lists, so that they cannot disagree.

mod inspect;
mod migrate;

pub(crate) use inspect::{Plan, inspect};
pub(crate) use migrate::apply;

/// `PRAGMA application_id` of our files: "ayum".
pub(crate) const APPLICATION_ID: i32 = 0x6179_756d;

/// Version of the tables, in `schema_version`.
pub(crate) const VERSION: i64 = 1;

/// A column as we write it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) sql_type: &'static str,
    /// We store NULL there when something is unknown.
    pub(crate) nullable: bool,
    /// Not in the scripts' files: added to them by the migration.
    pub(crate) ours: bool,
}

/// A table as we write it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// Time and ticker columns of the unique index. Time first: rows then append instead of touching one page per
    /// symbol, a fifth of the write-ahead log.
    pub(crate) key: Option<[&'static str; 2]>,
    /// What follows the columns inside the parentheses, and after them.
    tail: &'static str,
}

const fn col(name: &'static str, sql_type: &'static str) -> Column {
    Column {
        name,
        sql_type,
        nullable: false,
        ours: false,
    }
}

impl Column {
    const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    const fn ours(mut self) -> Self {
        self.ours = true;
        self
    }
}

/// One row per symbol and window with ticks.
pub(crate) static TICK_BATCH: Table = Table {
    name: "tick_batch",
    columns: &[
        col("ticker", "TEXT"),
        col("ts_window_start", "TEXT"),
        col("ts_window_end", "TEXT"),
        col("ticks", "INT"),
        col("upticks", "INT"),
        col("downticks", "INT"),
        col("vol_sum", "REAL"),
        col("last_price", "REAL"),
        col("window_id", "INTEGER").ours(),
        col("trades", "INT").ours(),
    ],
    key: Some(["ts_window_end", "ticker"]),
    tail: ")",
};

/// The book at a window's end.
pub(crate) static ORDERBOOK_SNAPSHOT: Table = Table {
    name: "orderbook_snapshot",
    columns: &[
        col("ticker", "TEXT"),
        col("ts", "TEXT"),
        col("bid1", "REAL").or_null(),
        col("ask1", "REAL").or_null(),
        col("spread_bp", "REAL").or_null(),
        col("buy_top3", "INT").or_null(),
        col("sell_top3", "INT").or_null(),
        col("window_id", "INTEGER").ours(),
        col("source", "TEXT").or_null().ours(),
    ],
    key: Some(["ts", "ticker"]),
    tail: ")",
};

/// One row per symbol and window with ticks. The scripts' older files end after `depth_imbalance`.
pub(crate) static FEATURES_STREAM: Table = Table {
    name: "features_stream",
    columns: &[
        col("ticker", "TEXT"),
        col("ts", "TEXT"),
        col("uptick_ratio", "REAL"),
        col("vol_sum", "REAL"),
        col("spread_bp", "REAL").or_null(),
        col("buy_top3", "INT").or_null(),
        col("sell_top3", "INT").or_null(),
        col("depth_imbalance", "REAL").or_null(),
        col("burst_buy", "INT").ours(),
        col("burst_sell", "INT").ours(),
        col("burst_score", "REAL").ours(),
        col("streak_len", "INT").ours(),
        col("surge_vol_ratio", "REAL").ours(),
        col("last_signal_ts", "TEXT").ours(),
        col("window_id", "INTEGER").ours(),
    ],
    key: Some(["ts", "ticker"]),
    tail: ")",
};

/// Volume that is in no tick.
pub(crate) static VOLUME_LEDGER: Table = Table {
    name: "volume_ledger",
    columns: &[
        col("ticker", "TEXT"),
        col("trading_date", "TEXT"),
        col("cause", "TEXT"),
        col("volume", "REAL"),
        col("ts_start", "TEXT"),
        col("ts_end", "TEXT"),
        col("window_id", "INTEGER"),
    ],
    key: None,
    tail: ")",
};

/// What a restart must know. Times in ns and prices in 1/10,000 yen, because they must come back exactly.
pub(crate) static STREAM_STATE: Table = Table {
    name: "stream_state",
    columns: &[
        col("ticker", "TEXT"),
        col("trading_date", "TEXT"),
        col("base_volume", "INTEGER").or_null(),
        col("last_volume", "INTEGER").or_null(),
        col("last_ns", "INTEGER").or_null(),
        col("null_ns", "INTEGER").or_null(),
        col("last_price_e4", "INTEGER").or_null(),
        col("window_id", "INTEGER"),
    ],
    key: None,
    // The date first: today's rows lie side by side however many days the file holds, so that a window touches the same
    // few pages in the first week and after a year. Files with the ticker first work as well.
    tail: ", PRIMARY KEY (trading_date, ticker)) WITHOUT ROWID",
};

/// One row per window; its key decides whether a window is stored already. Times in ms of a window's start are unique
/// even when `window_ms` changes between two runs.
pub(crate) static WINDOW_LOG: Table = Table {
    name: "window_log",
    columns: &[
        col("window_id", "INTEGER"),
        col("ts_start", "TEXT"),
        col("ts_end", "TEXT"),
        col("messages", "INT"),
        col("ticks", "INT"),
        col("merged", "INT"),
        col("merged_windows", "INT"),
        col("rejected", "INT"),
        col("checksum", "INTEGER"),
    ],
    key: None,
    tail: ", PRIMARY KEY (window_id))",
};

/// One row. `heartbeat` grows with every commit that only makes others durable: SQLite skips a write that changes
/// nothing.
pub(crate) static SCHEMA_VERSION: Table = Table {
    name: "schema_version",
    columns: &[col("version", "INTEGER"), col("heartbeat", "INTEGER")],
    key: None,
    tail: ")",
};

/// The tables that the checksum of a window covers.
pub(crate) static DATA_TABLES: [&Table; 4] = [&TICK_BATCH, &ORDERBOOK_SNAPSHOT, &FEATURES_STREAM, &VOLUME_LEDGER];

/// Every table of ours, in the order of creation.
pub(crate) static TABLES: [&Table; 7] = [
    &TICK_BATCH,
    &ORDERBOOK_SNAPSHOT,
    &FEATURES_STREAM,
    &VOLUME_LEDGER,
    &STREAM_STATE,
    &WINDOW_LOG,
    &SCHEMA_VERSION,
];

impl Table {
    fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|c| c.name).collect()
    }

    fn create_sql(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("{} {}", c.name, c.sql_type))
            .collect();
        format!("CREATE TABLE {} ({}{}", self.name, columns.join(", "), self.tail)
    }

    /// Name of the index over [`Table::key`]: `ux_` when it is unique, `ix_` when old rows collide.
    fn index_name(&self, unique: bool) -> Option<String> {
        let [time, ticker] = self.key?;
        let prefix = if unique { "ux" } else { "ix" };
        Some(format!("{prefix}_{}_{time}_{ticker}", self.name))
    }

    /// The insert that leaves a standing row with the same key alone (and then changes no row). With a list of
    /// columns, so that columns of the user stay out of it.
    pub(crate) fn insert_sql(&self, unique: bool) -> String {
        let names = self.names();
        let marks: Vec<String> = (1..=names.len()).map(|i| format!("?{i}")).collect();
        let head = format!("INSERT INTO {} ({})", self.name, names.join(", "));
        match self.key {
            Some(key) if !unique => {
                let same = key.map(|column| {
                    let at = names
                        .iter()
                        .position(|n| *n == column)
                        .expect("a key names columns of its table");
                    format!("{column} = ?{}", at + 1)
                });
                format!(
                    "{head} SELECT {} WHERE NOT EXISTS (SELECT 1 FROM {} WHERE {})",
                    marks.join(", "),
                    self.name,
                    same.join(" AND ")
                )
            }
            // Not OR IGNORE: that would swallow NOT NULL and CHECK of a user's column, too.
            _ => format!("{head} VALUES ({}) ON CONFLICT DO NOTHING", marks.join(", ")),
        }
    }

    /// Reads back what [`Table::insert_sql`] wrote, as the types we wrote, window by window's rows.
    pub(crate) fn select_sql(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|c| format!("CAST({} AS {})", c.name, c.sql_type))
            .collect();
        format!(
            "SELECT window_id, {} FROM {} WHERE window_id IS NOT NULL",
            columns.join(", "),
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_schema() {
        let sql: Vec<String> = TABLES.iter().map(|t| t.create_sql()).collect();
        assert_eq!(
            sql,
            [
                "CREATE TABLE tick_batch (ticker TEXT, ts_window_start TEXT, ts_window_end TEXT, ticks INT, \
                 upticks INT, downticks INT, vol_sum REAL, last_price REAL, window_id INTEGER, trades INT)",
                "CREATE TABLE orderbook_snapshot (ticker TEXT, ts TEXT, bid1 REAL, ask1 REAL, spread_bp REAL, \
                 buy_top3 INT, sell_top3 INT, window_id INTEGER, source TEXT)",
                "CREATE TABLE features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, \
                 spread_bp REAL, buy_top3 INT, sell_top3 INT, depth_imbalance REAL, burst_buy INT, burst_sell INT, \
                 burst_score REAL, streak_len INT, surge_vol_ratio REAL, last_signal_ts TEXT, window_id INTEGER)",
                "CREATE TABLE volume_ledger (ticker TEXT, trading_date TEXT, cause TEXT, volume REAL, \
                 ts_start TEXT, ts_end TEXT, window_id INTEGER)",
                "CREATE TABLE stream_state (ticker TEXT, trading_date TEXT, base_volume INTEGER, \
                 last_volume INTEGER, last_ns INTEGER, null_ns INTEGER, last_price_e4 INTEGER, window_id INTEGER, \
                 PRIMARY KEY (trading_date, ticker)) WITHOUT ROWID",
                "CREATE TABLE window_log (window_id INTEGER, ts_start TEXT, ts_end TEXT, messages INT, ticks INT, \
                 merged INT, merged_windows INT, rejected INT, checksum INTEGER, PRIMARY KEY (window_id))",
                "CREATE TABLE schema_version (version INTEGER, heartbeat INTEGER)",
            ]
        );
    }

    #[test]
    fn inserts_name_their_columns() {
        assert_eq!(
            SCHEMA_VERSION.insert_sql(true),
            "INSERT INTO schema_version (version, heartbeat) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
        );
        assert!(
            ORDERBOOK_SNAPSHOT
                .insert_sql(false)
                .ends_with("WHERE NOT EXISTS (SELECT 1 FROM orderbook_snapshot WHERE ts = ?2 AND ticker = ?1)")
        );
    }

    #[test]
    fn x05_the_document_names_every_column_and_every_snippet_is_read_only() {
        let text = include_str!("../../../docs/schema.md");
        for table in TABLES {
            let section = text.split("\n## ").find(|s| s.starts_with(table.name));
            let section = section.unwrap_or_else(|| panic!("no section {}", table.name));
            for column in table.columns {
                let shared = ["ticker", "trading_date"].contains(&column.name);
                let name = format!("`{}`", column.name);
                assert!(shared || section.contains(&name), "{}.{}", table.name, column.name);
            }
        }
        let snippets: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
        assert!(snippets.len() >= 2 && snippets.iter().all(|s| s.contains("mode=ro")));
    }
}
