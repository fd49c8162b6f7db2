use super::*;

fn log(ticks: i64, checksum: u64) -> Logged {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection
        .execute_batch(&format!(
            "CREATE TABLE window_log (window_id INTEGER PRIMARY KEY, ts_start, ts_end, messages, ticks, merged, \
             merged_windows, rejected, checksum);
             INSERT INTO window_log VALUES (1763596800300, '2025-11-20T09:00:00.300+09:00', \
             '2025-11-20T09:00:00.600+09:00', {}, {ticks}, 0, 0, 2, {checksum})",
            ticks + 2
        ))
        .unwrap();
    windows::one(&connection, 1_763_596_800_300).unwrap().unwrap()
}

#[test]
fn g04_what_is_wrong_with_a_window_is_named() {
    let fault = |rows: [u64; 4], ticks: i64, hash: u64, elsewhere: u64| {
        let mut window = log(12, 7);
        window.part = Part {
            hash,
            rows,
            ticks,
            elsewhere,
            end: None,
        };
        window.fault()
    };
    assert_eq!(fault([3, 3, 3, 0], 12, 7, 0), None);
    assert_eq!(fault([0; 4], 0, 0, 0), Some(WindowFault::NoRows));
    assert_eq!(
        fault([2, 3, 3, 0], 8, 6, 0),
        Some(WindowFault::TicksMissing { found: 8, logged: 12 })
    );
    let missing = |ticks, books, features| Some(WindowFault::RowsMissing { ticks, books, features });
    assert_eq!(fault([3, 3, 2, 0], 12, 6, 0), missing(3, 3, 2));
    assert_eq!(fault([3, 2, 3, 0], 12, 6, 0), missing(3, 2, 3));
    assert_eq!(fault([3, 3, 3, 0], 12, 6, 0), Some(WindowFault::Changed));
    assert_eq!(fault([3, 3, 3, 0], 12, 7, 1), Some(WindowFault::LogChanged));
    assert_eq!(
        fault([3, 3, 3, 0], 11, 7, 0),
        Some(WindowFault::Displaced { found: 11, logged: 12 })
    );
    assert_eq!(fault([3, 3, 3, 0], 13, 7, 0), Some(WindowFault::LogChanged));
}
