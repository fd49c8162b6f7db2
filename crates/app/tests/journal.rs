//! Nothing forgotten: what the journal holds gives the same rows again, whatever happened while it was written.
#![cfg(unix)]

mod support;

use std::path::PathBuf;
use std::process::Command;

use ayumi_engine::{Stamp, Symbol};
use ayumi_journal::{JournalReader, Kind, Owned};
use ayumi_sim::{Cut, Hours, MarketConfig, Recorded, RecordingConfig, SimHandle, Source, Speed};
use serde_json::{Value, json};
use support::again::{TABLES, digest_in, replay, rows, same_rows};
use support::message::push;
use support::process::command;
use support::{Desk, Store, TEN, at_once, at_station, connected, line, skip, station, stored_volume};

fn market(seed: u64, per_second: f64) -> SimHandle {
    station(|c| {
        let symbols = ["7203", "8306", "9984", "285A"].map(Symbol::tse).to_vec();
        c.source = Source::Market(MarketConfig::new(seed, symbols, per_second));
        c.speed = Speed::Times(5.0);
    })
}

/// Prices that walk in and out of the guard's bounds, volumes that grow: a day of invented messages, 1 ms apart.
fn lines(seed: i64) -> SimHandle {
    let symbols = ["7203", "8306", "9984", "285A"];
    let line = |n: i64| {
        let symbol = symbols[(n * 7 + seed) as usize % 4];
        let price = 2_000.0 + f64::from(((n * 13 + seed * 5) % 101) as i32);
        Recorded {
            at: Stamp::from_ms(n),
            text: push(symbol, price, 1_000 + n / 3 * 100).into_bytes(),
            symbol: symbol.to_owned(),
        }
    };
    station(|c| c.source = Source::Lines((0..60_000).map(line).collect()))
}

fn desk(station: &SimHandle, more: Value) -> Desk {
    let mut settings = json!({
        "symbols": ["7203", "8306", "9984", "285A"], "journal_dir": "journal", "rest_poll_ms": 500,
        "price_guard": {"9984": {"min": 2030, "max": 2060}},
    });
    for (key, value) in more.as_object().expect("settings") {
        settings[key] = value.clone();
    }
    Desk::online(station.port(), settings)
}

fn journal(desk: &Desk) -> Vec<Owned> {
    let reader = JournalReader::open(&desk.path("journal"), None).expect("a journal");
    reader.map(|line| line.expect("readable")).collect()
}

#[test]
fn j05_a_replay_gives_the_rows_of_the_day_with_cuts_guards_boards_and_restarts() {
    at_once([1, 2, 3], |seed| {
        let station = lines(seed);
        let desk = desk(&station, json!({}));
        let mut digests = 0u64;
        for run in 0..3 {
            let worker = desk.stream(&["--clock", &format!("2026-11-20T10:0{run}:00@5")]);
            line(&station, 2 * run + 1);
            let sent = station.counters().messages_sent;
            at_station(&station, "some messages", |c| c.messages_sent > sent + 1_000);
            station.cut(Cut::Reset);
            line(&station, 2 * run + 2);
            let sent = station.counters().messages_sent;
            at_station(&station, "more messages", |c| c.messages_sent > sent + 1_000);
            let ended = worker.stop().expect(0);
            digests = digests.wrapping_add(u64::from_str_radix(&digest_in(&ended.err), 16).expect("hex"));
        }
        let said = replay(&desk, "again.db", &[]);
        assert!(said.contains("runs=3") && said.contains("lost=0"), "{said}");
        assert_eq!(
            digest_in(&said),
            format!("{digests:016x}"),
            "the sum of what the runs printed"
        );
        same_rows(&desk, "again.db");
        let boards = Store::open(&desk.db()).number("SELECT count(*) FROM orderbook_snapshot WHERE source = 'rest'");
        let ledger = Store::open(&desk.db());
        let volumes = ["guard", "gap"].map(|cause| ledger.ledger(cause));
        assert!(
            volumes.iter().all(|v| *v > 0),
            "the run had what it is meant to have: {volumes:?}"
        );
        assert!(
            said.contains("boards=") && (boards > 0 || !said.contains("boards=0 ")),
            "{said}"
        );
        // A second time nothing changes.
        let second = replay(&desk, "again.db", &[]);
        assert_eq!(digest_in(&second), digest_in(&said));
        same_rows(&desk, "again.db");
    });
}

/// Runs the worker over a source to its end, replays the journal, and compares everything.
fn live_is_replayed(station: &SimHandle, clock: &str, symbols: Value) {
    let desk = Desk::online(
        station.port(),
        json!({"symbols": symbols, "journal_dir": "journal", "burst": {}, "price_guard": {"7203": {"min": 2700}}}),
    );
    let worker = desk.stream(&["--clock", clock]);
    at_station(station, "the end", |c| c.source_finished);
    let ended = worker.stop().expect(0);
    let received = ended.totals()["received"];
    assert!(received > 10_000, "{received}");
    let said = replay(&desk, "again.db", &[]);
    assert_eq!(digest_in(&said), digest_in(&ended.err));
    assert!(said.contains(&format!("messages={received} ")), "{said}");
    same_rows(&desk, "again.db");
}

#[test]
fn j05_an_accelerated_day_is_replayed_bit_for_bit() {
    at_once([11, 12, 13], |seed| {
        let station = station(|c| {
            let symbols = ["7203", "8306", "9984", "285A", "1570", "101"];
            c.source = Source::Market(MarketConfig {
                hours: Hours::Session,
                ..MarketConfig::new(seed, symbols.map(Symbol::tse).to_vec(), 3.0)
            });
            c.start = Some(jst("2026-11-20T07:50:00+09:00"));
            c.end = Some(jst("2026-11-20T15:40:00+09:00"));
            c.speed = Speed::Times(2_500.0);
            c.slow_reader_limit = 1 << 30;
        });
        let symbols = json!(["7203", "8306", "9984", "285A", "1570", "101"]);
        live_is_replayed(&station, "2026-11-20T07:50:00@2500", symbols);
    });
}

#[test]
fn j05_a_recorded_day_is_replayed_bit_for_bit() {
    let folder = std::env::var_os("AYUMI_REALDATA").map(PathBuf::from);
    let path = folder.map(|folder| folder.join("push_247A_20251031.jsonl.gz"));
    let Some(path) = path.filter(|path| path.exists()) else {
        return skip("AYUMI_REALDATA does not name a folder with push_247A_20251031.jsonl.gz");
    };
    at_once([1_800.0, 2_000.0, 2_200.0], |speed| {
        let station = station(|c| {
            c.source = Source::Recording(RecordingConfig::new(&path));
            c.speed = Speed::Times(speed);
            c.slow_reader_limit = 1 << 30;
        });
        live_is_replayed(&station, &format!("2025-10-31T09:04:50@{speed}"), json!(["247A"]));
    });
}

fn jst(text: &str) -> Stamp {
    Stamp::from_ms(ayumi_wire::jst::parse_ms(text).expect("a time"))
}

#[test]
fn j01_after_a_kill_every_stored_window_is_in_the_replay() {
    at_once([4, 5, 6], |seed| {
        let station = market(seed, 600.0);
        let desk = desk(&station, json!({"window_ms": 100}));
        for run in 0..3 {
            let worker = desk.stream(&["--clock", &format!("2026-11-20T10:0{run}:00@5")]);
            line(&station, run + 1);
            let sent = station.counters().messages_sent;
            at_station(&station, "some messages", |c| c.messages_sent > sent + 1_500);
            worker.kill();
        }
        let last = desk.stream(&["--clock", "2026-11-20T10:05:00@5"]);
        line(&station, 4);
        let sent = station.counters().messages_sent;
        at_station(&station, "the last messages", |c| c.messages_sent > sent + 500);
        last.stop().expect(0);
        let said = replay(&desk, "again.db", &[]);
        assert!(said.contains("runs=4"), "{said}");
        same_rows(&desk, "again.db");
        Store::open(&desk.path("again.db")).check(100, 4);
    });
}

#[test]
fn j01_a_kill_without_a_run_after_it_leaves_one_open_window_more() {
    let station = market(7, 600.0);
    let desk = desk(&station, json!({"window_ms": 100}));
    let worker = desk.stream(&["--clock", "2026-11-20T10:00:00@5"]);
    line(&station, 1);
    at_station(&station, "some messages", |c| c.messages_sent > 2_000);
    worker.kill();
    replay(&desk, "again.db", &[]);
    let (live, again) = (rows(&desk.db()), rows(&desk.path("again.db")));
    for ((table, live), again) in TABLES.iter().zip(live).zip(again) {
        let missing: Vec<&String> = live.iter().filter(|row| again.binary_search(row).is_err()).collect();
        assert!(missing.is_empty(), "{table}: {missing:?}");
        if *table == "window_log" {
            assert!(
                again.len() <= live.len() + 3,
                "{} live, {} replayed",
                live.len(),
                again.len()
            );
        }
    }
}

#[test]
fn j05_windows_merged_under_overload_are_merged_in_the_replay() {
    let station = market(8, 2_000.0);
    let desk = desk(
        &station,
        json!({"window_ms": 50, "tick_queue_max": 1000, "pending_max": 4}),
    );
    let worker = desk.stream(&["--clock", "2026-11-20T10:00:00@5"]);
    line(&station, 1);
    at_station(&station, "some messages", |c| c.messages_sent > 2_000);
    let blocker = rusqlite::Connection::open(desk.db()).expect("opened");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let sent = station.counters().messages_sent;
    at_station(&station, "many messages", |c| c.messages_sent > sent + 15_000);
    blocker.execute_batch("ROLLBACK").expect("unlocked");
    let sent = station.counters().messages_sent;
    at_station(&station, "the rest", |c| c.messages_sent > sent + 2_000);
    worker.stop().expect(0);
    let merged = Store::open(&desk.db()).number("SELECT sum(merged) FROM window_log");
    assert!(merged > 0, "the lock was long enough to make it merge");
    replay(&desk, "again.db", &[]);
    same_rows(&desk, "again.db");
}

#[test]
fn j01_the_journal_holds_what_came_in_letter_by_letter() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"journal_dir": "journal", "board_mode": "push"}));
    let worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    let mut sent = Vec::new();
    for n in 0..500 {
        let text = match n % 100 {
            50 => "not JSON at all \u{1F600}".to_owned(),
            60 => "{\n}".to_owned(),
            _ => push("7203", 2_000.0, 1_000 + n),
        };
        station.push_text(&text);
        sent.push(text);
    }
    stored_volume(&desk, 1_499);
    worker.stop().expect(0);
    let lines = journal(&desk);
    let got: Vec<String> = lines
        .iter()
        .filter(|l| matches!(l.kind, Kind::Push | Kind::Odd))
        .map(|l| String::from_utf8(l.payload.clone()).expect("text"))
        .collect();
    assert_eq!(got, sent);
    assert!(lines.is_sorted_by_key(|l| l.at_ns));
    let words: Vec<String> = lines
        .iter()
        .filter(|l| l.kind == Kind::Event)
        .map(|l| {
            String::from_utf8_lossy(&l.payload)
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|word| word != "room")
        .collect();
    assert_eq!(words, ["start", "up", "stop"]);
}

#[test]
fn a_replay_refuses_what_cannot_be() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"journal_dir": "journal", "board_mode": "push"}));
    let worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2_000.0, 1_000));
    stored_volume(&desk, 1_000);
    let run = |args: &[&str]| {
        let all: Vec<&str> = ["replay", "-Config", "c.json"].iter().chain(args).copied().collect();
        let out = command(desk.folder(), &all).output().expect("runs");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, said) = run(&["--journal", "journal", "--target-db", "ticks.db", "--no-sleep"]);
    assert_eq!(code, Some(5), "{said}");
    let (code, said) = run(&["--journal", "nowhere", "--target-db", "again.db"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = run(&["--journal", "journal"]);
    assert!(code == Some(2) && said.contains("--target-db"), "{said}");
    let (code, said) = run(&[
        "--journal",
        "journal",
        "--target-db",
        "again.db",
        "--date",
        "2020-01-01",
    ]);
    assert!(code == Some(2) && said.contains("2020-01-01"), "{said}");
    worker.stop().expect(0);
    // A tail that is cut is played up to there, and said.
    let file = std::fs::read_dir(desk.path("journal"))
        .expect("listed")
        .next()
        .expect("a file")
        .expect("named");
    let bytes = std::fs::read(file.path()).expect("read");
    std::fs::write(file.path(), &bytes[..bytes.len() - 5]).expect("cut");
    let (code, said) = run(&["--journal", "journal", "--target-db", "again.db", "--no-sleep"]);
    assert!(
        code == Some(1) && said.contains("cannot be read and is passed over"),
        "{said}"
    );
}

#[test]
fn j03_a_journal_that_cannot_be_written_does_not_stop_the_recording() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"journal_dir": "journal", "board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    std::fs::remove_dir_all(desk.path("journal")).expect("removed");
    // The open file goes on without a name; a new part cannot be made.
    std::fs::write(desk.path("journal"), "in the way").expect("written");
    station.push_text(&push("7203", 2_000.0, 1_000));
    station.push_text(&push("7203", 2_001.0, 1_300));
    let store = stored_volume(&desk, 1_300);
    assert_eq!(store.sizes(), 300);
    assert!(worker.is_running());
    worker.stop().expect(0);
    let taken = desk.path("taken");
    std::fs::write(&taken, "x").expect("written");
    desk.settings(&json!({"port": station.port(), "token": support::TOKEN, "symbols": ["7203"], "journal_dir": taken}));
    let out = Command::new(env!("CARGO_BIN_EXE_ayumi"))
        .current_dir(desk.folder())
        .args(["stream", "-Config", "c.json"])
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(2) && said.contains("journal_dir"), "{said}");
}
