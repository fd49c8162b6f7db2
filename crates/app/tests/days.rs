//! Days and hours: what a trading date divides, what is closed, and clocks that are behind.
#![cfg(unix)]

mod support;

use serde_json::json;
use support::message::{bent, push};
use support::{Desk, Store, TEN, at_station, connected, line, station, stored_volume, wait_for};

#[test]
fn closed_hours_and_repeated_messages_go_to_the_right_account() {
    let station = station(|_| {});
    let settings = json!({"board_mode": "push", "market_window": "09:00-11:30,12:30-15:30", "tick_rule": "trade"});
    let desk = Desk::online(station.port(), settings);
    let worker = desk.stream(&["--clock", "2026-11-20T11:29:57@1"]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    for _ in 0..5 {
        station.push_text(&push("7203", 2001.0, 1_200));
    }
    let store = stored_volume(&desk, 1_200);
    let mut volume = 1_200;
    wait_for("the break", || {
        volume += 100;
        station.push_text(&push("7203", 2001.0, volume));
        (store.ledger("closed") > 0).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    assert_eq!(totals["rejected.no_trade"], 5);
    assert!(totals["rejected.closed"] > 0 && totals["ledger.closed"] > 0);
    assert_eq!(store.sizes() + store.ledger("closed"), volume - 1_000);
    store.check(300, 1);
    let last = store.column("SELECT max(ts_window_end) FROM tick_batch");
    assert_eq!(last, ["2026-11-20T11:30:00.000+09:00"]);
}

#[test]
fn t02_midnight_begins_a_new_file_and_a_new_base() {
    let station = station(|_| {});
    let desk = Desk::online(
        station.port(),
        json!({"board_mode": "push", "db_path": "ticks-{date}.db"}),
    );
    let worker = desk.stream(&["--clock", "2026-11-19T23:59:58@1"]);
    connected(&station);
    let tomorrow = desk.path("ticks-2026-11-20.db");
    let mut volume = 5_000;
    wait_for("the new day", || {
        volume += 100;
        station.push_text(&push("7203", 2000.0, volume));
        let store = Store::try_open(&tomorrow)?;
        (store.try_number("SELECT count(*) FROM tick_batch")? > 2).then_some(())
    });
    let totals = worker.stop().expect(0).totals();
    let (before, after) = (Store::open(&desk.path("ticks-2026-11-19.db")), Store::open(&tomorrow));
    before.check(300, 1);
    after.check(300, 1);
    let messages = |store: &Store| store.number("SELECT sum(messages) FROM window_log");
    assert_eq!(messages(&before) + messages(&after), totals["received"]);
    assert_eq!(before.sizes() + after.sizes(), totals["volume"]);
    let none = "SELECT count(*) FROM tick_batch WHERE ts_window_start <";
    assert_eq!(after.number(&format!("{none} '2026-11-20'")), 0);
    assert_eq!(
        before.number(&format!("{none} '2026-11-20'")),
        before.number("SELECT count(*) FROM tick_batch")
    );
}

#[test]
fn t01_a_clock_that_is_a_little_behind_the_last_run_waits_for_it() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut volume = 1_000;
    // The second and third run begin inside of what the first has stored; time stands still until it is over.
    for (run, clock) in [
        "2026-11-20T10:00:03@1",
        "2026-11-20T10:00:02@1",
        "2026-11-20T10:00:00@1",
    ]
    .iter()
    .enumerate()
    {
        let worker = desk.stream(&["--clock", clock]);
        line(&station, run as u64 + 1);
        station.push_text(&push("7203", 2000.0, volume));
        volume += 100;
        station.push_text(&push("7203", 2001.0, volume));
        at_station(&station, "both messages", |c| c.messages_sent == 2 * (run as u64 + 1));
        let totals = worker.stop().expect(0).totals();
        assert_eq!(totals["received"], 2, "run {run}");
        volume += 50;
    }
    let store = desk.store();
    store.check(300, 3);
    assert_eq!((store.sizes(), store.ledger("gap")), (300, 100));
    assert_eq!(store.number("SELECT sum(messages) FROM window_log"), 6);
}

/// A message before the open: no price, no volume.
fn before_the_open() -> String {
    let nulls = json!({
        "CurrentPrice": null, "CurrentPriceTime": null, "OpeningPriceTime": null, "TradingVolume": null,
        "TradingVolumeTime": null, "BidSign": "0107", "AskSign": "0107",
    });
    bent("7203", 2000.0, 0, nulls)
}

fn opening_print(volume: i64) -> String {
    let nine = "2026-11-20T09:00:00+09:00";
    bent(
        "7203",
        2000.0,
        volume,
        json!({"CurrentPriceTime": nine, "OpeningPriceTime": nine}),
    )
}

#[test]
fn d11_the_opening_auction_is_a_tick_for_those_who_were_there() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let worker = desk.stream(&["--clock", "2026-11-20T08:59:58@1"]);
    connected(&station);
    station.push_text(&before_the_open());
    let store = desk.stored();
    let mut silent = 1;
    wait_for("nine o'clock", || {
        station.push_text(&before_the_open());
        silent += 1;
        (store.column("SELECT max(ts_end) FROM window_log")[0].as_str() > "2026-11-20T09:00:00.3").then_some(())
    });
    station.push_text(&opening_print(50_000));
    stored_volume(&desk, 50_000);
    let totals = worker.stop().expect(0).totals();
    assert_eq!((store.sizes(), totals["ledger"]), (50_000, 0));
    assert_eq!((totals["rejected.no_price"], totals["stored"]), (silent, 1));
    store.check(300, 1);
}

#[test]
fn d11_the_opening_auction_is_a_gap_for_those_who_were_down() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let worker = desk.stream(&["--clock", "2026-11-20T08:59:40@1"]);
    connected(&station);
    station.push_text(&before_the_open());
    let store = desk.stored();
    worker.kill();
    let worker = desk.stream(&["--clock", "2026-11-20T09:00:05@1"]);
    line(&station, 2);
    station.push_text(&opening_print(50_000));
    station.push_text(&push("7203", 2001.0, 50_100));
    stored_volume(&desk, 50_100);
    worker.stop().expect(0);
    // Where it went is known, and nothing of it is counted twice or not at all.
    assert_eq!((store.sizes(), store.ledger("gap")), (100, 50_000));
    assert_eq!(store.number("SELECT base_volume FROM stream_state"), 0);
    store.check(300, 2);
}

#[test]
fn names_in_japanese_and_other_exchanges_are_kept() {
    let station = station(|_| {});
    let settings = json!({
        "symbols": ["7203", "7203@3", "167060019@23", 285], "board_mode": "push",
        "db_path": "記録/株価 データ.db", "log_path": "記録/ログ.log",
    });
    let desk = Desk::online(station.port(), settings);
    let mut worker = desk.stream(&["--clock", TEN]);
    worker.wait_line("registered symbols=4 added=4");
    for (symbol, exchange) in [
        ("7203", json!(1)),
        ("7203", json!(3)),
        ("167060019", json!(23)),
        ("285", json!(1)),
    ] {
        station.push_text(&bent(symbol, 2000.0, 1_000, json!({"Exchange": exchange})));
        station.push_text(&bent(symbol, 2000.0, 1_100, json!({"Exchange": exchange})));
    }
    at_station(&station, "all messages", |c| c.messages_sent == 8);
    worker.stop().expect(0);
    let store = Store::open(&desk.path("記録/株価 データ.db"));
    store.check(300, 1);
    let rows = store.column("SELECT ticker || ' ' || vol_sum FROM tick_batch ORDER BY 1");
    assert_eq!(rows, ["167060019@23 100.0", "285 100.0", "7203 100.0", "7203@3 100.0"]);
    assert!(desk.path("記録/ログ.log").exists());
}
