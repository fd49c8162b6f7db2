//! What is not there is never well; what the guard kept out is told; damage has a name.

use serde_json::json;

use super::desk::{Recorded, WIDTH, verify};
use super::support::{self, Desk, TEN};

#[test]
fn what_was_asked_for_and_is_not_there_is_never_well() {
    let recorded = Recorded::new(5);
    for (args, asked, there) in [
        (
            &["--symbols", "1111"][..],
            "nothing was recorded of 1111, so nothing was checked",
            "285A, 7203, 9984",
        ),
        (
            &["--date", "2025-11-18"][..],
            "nothing was recorded of 2025-11-18",
            "on 2025-11-20",
        ),
        (
            &["--date", "2025-11-20", "--symbols", "1111,2222"][..],
            "of 1111, 2222 on 2025-11-20",
            "285A, 7203, 9984",
        ),
    ] {
        let all: Vec<&str> = ["--db", "ticks.db"].iter().chain(args).copied().collect();
        let ended = verify(&recorded.desk, &all).expect(2);
        ended.says(&[asked, there, "next: "]);
        assert!(
            !ended.text().contains("all is well") && ended.out.is_empty(),
            "{}",
            ended.text()
        );
    }
    // One of two: the other is judged.
    let ended = verify(&recorded.desk, &["--db", "ticks.db", "--symbols", "7203,1111"]).expect(1);
    ended.says(&[
        "[x] nothing was recorded of 1111: check code and exchange",
        "7203    A ",
        "something was found",
    ]);
    // Two days of which one is there.
    verify(
        &recorded.desk,
        &["--db", "ticks.db", "--date", "2025-11-19", "--to", "2025-11-20"],
    )
    .expect(0)
    .says(&["all is well"]);
    // Without a question there is nothing to miss, and nothing to praise.
    let empty = Recorded::empty();
    empty.write(|_| vec![]);
    // The last word of a recorder that ended in order, which the sink alone does not write.
    empty.sql("CREATE TABLE health (ts, state, was, why, advice); INSERT INTO health (state) VALUES ('STOPPING')");
    verify(&empty.desk, &["--db", "ticks.db"])
        .expect(0)
        .says(&["nothing was recorded, so nothing is wrong"]);
}

#[test]
fn d03_messages_that_the_guard_dropped_before_the_first_good_price_are_told() {
    let station = support::station(|_| {});
    let guard = json!({"board_mode": "push", "price_guard": {"7203": {"min": 1_000, "max": 3_000}}});
    let desk = Desk::online(station.port(), guard);
    let worker = desk.stream(&["--clock", TEN]);
    support::connected(&station);
    for volume in [500, 700] {
        station.push_text(&support::message::push("7203", 9_000.0, volume));
    }
    station.push_text(&support::message::push("7203", 2_000.0, 1_000));
    support::stored_volume(&desk, 1_000);
    #[cfg(unix)]
    worker.stop().expect(0);
    #[cfg(not(unix))]
    drop(worker.kill());
    let ended = verify(&desk, &["-Config", "c.json"]).expect(0);
    ended.says(&[
        "[i] 2026-11-20: 2 messages were rejected (price guard",
        "before a symbol's first good price of a day there is nothing to count from",
        "7203    A",
        "all is well",
    ]);
    // A day that was not asked for is not told of.
    let recorded = Recorded::new(3);
    let ended = verify(&recorded.desk, &["--db", "ticks.db", "--date", "2025-11-20"]).expect(0);
    ended.says(&["2025-11-20: 3 messages were rejected"]);
}

#[test]
fn s05_damaged_pages_are_named_with_their_table() {
    let recorded = Recorded::empty();
    recorded.write(|feed| (0..3_000).map(|n| feed.window(n * WIDTH, &[100, 100, 100])).collect());
    let db = rusqlite::Connection::open(recorded.desk.db()).unwrap();
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let page_of = |table: &str| -> i64 {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        db.query_row(sql, [table], |row| row.get(0)).unwrap()
    };
    let root = page_of("tick_batch");
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    let whole = std::fs::read(recorded.desk.db()).unwrap();
    // The root names its children: a leaf of the table is hit where the last child begins.
    let at = usize::try_from(root - 1).unwrap() * 4_096;
    let child = u32::from_be_bytes(whole[at + 8..at + 12].try_into().unwrap());
    assert!(
        i64::from(child) <= pages && whole[at] == 5,
        "the table has several pages"
    );
    let mut bytes = whole.clone();
    let from = (child as usize - 1) * 4_096;
    bytes[from..from + 4_096].fill(0xa5);
    std::fs::write(recorded.desk.db(), &bytes).unwrap();
    let ended = verify(&recorded.desk, &["--db", "ticks.db"]).expect(1);
    ended.says(&[
        &format!("the file is damaged in table tick_batch (page {child}): "),
        ".recover",
    ]);
}
