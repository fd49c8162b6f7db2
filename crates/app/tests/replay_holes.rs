//! Replays of what is not whole, or into what is not empty: the books of the target close, or it is refused.
#![cfg(unix)]

mod support;

use ayumi_sim::SimHandle;
use serde_json::json;
use support::again::replay;
use support::message::push;
use support::process::command;
use support::{Desk, Store, connected, station, stored_volume};

/// One run of the worker at this minute, in which two symbols trade up to `volume`.
fn run(station: &SimHandle, desk: &Desk, minute: u32, volume: i64) {
    let worker = desk.stream(&["--clock", &format!("2026-11-20T10:{minute:02}:00@1")]);
    connected(station);
    for step in [200, 100, 0] {
        for symbol in ["8306", "7203"] {
            station.push_text(&push(symbol, 2000.0, volume - step));
        }
        stored_volume(desk, volume - step);
    }
    worker.stop().expect(0);
}

fn desk() -> (SimHandle, Desk) {
    let station = station(|_| {});
    let desk = Desk::online(
        station.port(),
        json!({"symbols": ["7203", "8306"], "journal_dir": "journal", "board_mode": "push"}),
    );
    (station, desk)
}

#[test]
fn g03_a_database_that_was_another_one_in_between_is_a_gap_in_the_replay() {
    let (station, desk) = desk();
    run(&station, &desk, 0, 1_000);
    std::fs::rename(desk.db(), desk.path("moved.db")).expect("moved");
    run(&station, &desk, 5, 5_000);
    replay(&desk, "again.db", &[]);
    let again = Store::open(&desk.path("again.db"));
    again.check(300, 2);
    // From 1,000 to the first message of the second run, for each symbol.
    assert_eq!(again.ledger("gap"), 2 * 3_800);
}

#[test]
fn g03_a_journal_without_its_middle_has_a_gap_there() {
    let (station, desk) = desk();
    for (minute, volume) in [(0, 1_000), (5, 5_000), (10, 9_000)] {
        run(&station, &desk, minute, volume);
    }
    let mut files: Vec<_> = std::fs::read_dir(desk.path("journal"))
        .expect("a journal")
        .map(|file| file.expect("listed").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 3, "{files:?}");
    std::fs::remove_file(&files[1]).expect("removed");
    replay(&desk, "again.db", &[]);
    let again = Store::open(&desk.path("again.db"));
    again.check(300, 2);
    assert_eq!(again.ledger("gap"), 2 * 7_800);
}

#[test]
fn j06_a_replay_of_other_symbols_into_the_same_target_is_refused_and_changes_nothing() {
    let (station, desk) = desk();
    run(&station, &desk, 0, 1_000);
    replay(&desk, "again.db", &["--symbols", "7203"]);
    let before = Store::open(&desk.path("again.db")).column("SELECT ticker || vol_sum FROM tick_batch ORDER BY rowid");
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        "journal",
        "--target-db",
        "again.db",
        "--no-sleep",
    ];
    let out = command(desk.folder(), &args).output().expect("runs");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success(), "{said}");
    assert!(
        said.contains("holds other rows") && said.contains("--target-db"),
        "{said}"
    );
    let again = Store::open(&desk.path("again.db"));
    assert_eq!(
        again.column("SELECT ticker || vol_sum FROM tick_batch ORDER BY rowid"),
        before
    );
    again.check(300, 1);
}

#[test]
fn g03_a_replay_into_the_days_own_database_does_not_set_it_back() {
    let (station, desk) = desk();
    run(&station, &desk, 0, 1_000);
    run(&station, &desk, 5, 5_000);
    let state =
        "SELECT ticker || ' ' || base_volume || ' ' || last_volume || ' ' || window_id FROM stream_state ORDER BY 1";
    let before = desk.store().column(state);
    replay(&desk, "ticks.db", &[]);
    assert_eq!(desk.store().column(state), before);
    run(&station, &desk, 10, 9_000);
    desk.store().check(300, 3);
}

#[test]
fn c04_a_replay_that_would_bring_back_less_than_it_deletes_is_refused() {
    let desk = Desk::mock(json!({}));
    let base = ["replay", "-Config", "c.json", "--no-sleep"];
    for (more, word) in [
        (vec!["--truncate", "--symbols", "7203"], "--truncate deletes"),
        (vec!["--truncate", "--limit", "5"], "--truncate deletes"),
        (vec!["--digest"], "--digest is the digest of a journal"),
    ] {
        let args: Vec<&str> = base.iter().copied().chain(more).collect();
        let out = command(desk.folder(), &args).output().expect("runs");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(2) && said.contains(word), "{said}");
    }
}
