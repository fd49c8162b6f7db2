//! A day of feature rows out of nothing, the same on every machine.

use std::path::Path;

use rusqlite::{Connection, params};

/// The recorder's table without a row.
pub fn empty(path: &Path) -> Connection {
    let db = Connection::open(path).expect("opened");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
         CREATE TABLE features_stream (ticker TEXT, ts TEXT, uptick_ratio REAL, vol_sum REAL, spread_bp REAL,
             buy_top3 INT, sell_top3 INT, depth_imbalance REAL, burst_buy INT, burst_sell INT, burst_score REAL,
             streak_len INT, surge_vol_ratio REAL, last_signal_ts TEXT, window_id INTEGER);
         CREATE UNIQUE INDEX ux_features_stream_ts_ticker ON features_stream (ts, ticker);",
    )
    .expect("created");
    db
}

/// A generated day, the same every time: 20 symbols whose moods last, an hour, a row of each about every 1.5 s.
pub fn generate(path: &Path) {
    let mut db = empty(path);
    let mut seed = 0x0123_4567_89ab_cdef_u64;
    let mut dice = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) % sides
    };
    let transaction = db.transaction().expect("begun");
    let mut mood = [0_i64; 20];
    for window in 0..12_000_i64 {
        for (symbol, mood) in mood.iter_mut().enumerate() {
            if dice(5) > 0 {
                continue;
            }
            if dice(12) == 0 {
                *mood = dice(3) as i64 - 1;
            }
            let noise = dice(9) as i64;
            let uptick = (50 + *mood * 35 + (noise - 4) * 5).clamp(0, 100) as f64 / 100.0;
            let volume = [0, 100, 600, 700, 1_200, 1_300, 2_500, 9_000][dice(8) as usize] as f64;
            let spread = (dice(12) > 0).then(|| 1.0 + dice(60) as f64 / 10.0);
            let imbalance = (dice(12) > 0).then(|| (*mood * 20 + dice(81) as i64 - 40) as f64 / 100.0);
            let burst = (dice(15) == 0).then(|| (dice(2) == 0, dice(100) as f64 / 100.0));
            let ms = 32_400_000 + (window + 1) * 300;
            let ts = format!(
                "2026-11-20T{:02}:{:02}:{:02}.{:03}+09:00",
                ms / 3_600_000,
                ms / 60_000 % 60,
                ms / 1_000 % 60,
                ms % 1_000
            );
            let row = params![
                format!("{}", 1300 + symbol),
                ts,
                uptick,
                volume,
                spread,
                imbalance,
                burst.is_some_and(|(buy, _)| buy),
                burst.is_some_and(|(buy, _)| !buy),
                burst.map_or(0.0, |(_, score)| score),
                ms
            ];
            transaction
                .execute(
                    "INSERT INTO features_stream (ticker, ts, uptick_ratio, vol_sum, spread_bp, depth_imbalance, burst_buy,
                     burst_sell, burst_score, window_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                    row,
                )
                .expect("inserted");
        }
    }
    transaction.commit().expect("committed");
}
