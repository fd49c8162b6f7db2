//! `ayumi naut` from the outside: beside a recorder, over midnight, over a recorded day; always the same signals.

#[path = "naut/day.rs"]
mod day;
#[path = "naut/oracle.rs"]
mod oracle;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use day::{empty, generate};
use serde_json::{Value, json};
use support::process::{Ended, command};
use support::{Desk, Store, Worker, wait_for};

const WORDS: [&str; 7] = ["cooldown", "streak", "vol", "spread", "uptick", "imb", "base"];

/// `ts`, ticker and side of a signal.
type Key = (String, String, String);

/// Runs it to its end.
fn naut(desk: &Desk, args: &[&str]) -> Ended {
    let all: Vec<&str> = ["naut", "-Config", "c.json"].iter().chain(args).copied().collect();
    Worker::start(desk.folder(), &all).ended()
}

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect()
}

fn key(signal: &Value) -> Key {
    let text = |name: &str| signal[name].as_str().expect("a text").to_owned();
    (text("ts"), text("ticker"), text("side"))
}

/// The signals and the counts of one pass over the day.
fn sum(desk: &Desk, args: &[&str]) -> (Vec<Key>, Value) {
    let all: Vec<&str> = ["--print-summary", "--json", "-v0"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let ended = naut(desk, &all).expect(0);
    let mut said = lines(&ended.out);
    let counts = said.pop().expect("the summary");
    (said.iter().map(key).collect(), counts)
}

fn table(store: &Store) -> Vec<Key> {
    let rows = store.column("SELECT ts || ' ' || ticker || ' ' || side FROM signals ORDER BY rowid");
    let parts = rows.iter().map(|row| {
        let mut words = row.split(' ').map(str::to_owned);
        let mut next = || words.next().expect("three words");
        (next(), next(), next())
    });
    parts.collect()
}

/// Everything that one pass says about the day in the desk's database, compared with the oracle.
fn agrees(desk: &Desk, db: &Path, clock: &str) -> BTreeMap<&'static str, usize> {
    let rows = oracle::rows(db);
    let mut found = BTreeMap::new();
    for profile in &oracle::PROFILES {
        let (signals, counts) = sum(desk, &["--profile", profile.name, "--clock", clock]);
        let (expected, skipped) = oracle::judge(profile, 5_000, &rows);
        assert_eq!(signals, expected, "{}", profile.name);
        let said = WORDS.map(|word| counts["skipped"][word].as_u64().expect("a number"));
        assert_eq!(said, skipped, "{} {WORDS:?}", profile.name);
        let count = |what: &str| expected.iter().filter(|(.., side)| side == what).count();
        assert_eq!(counts["accepted"], json!({"BUY": count("BUY"), "SELL": count("SELL")}));
        assert_eq!(counts["rows"], rows.len());
        found.insert(profile.name, expected.len());
    }
    found
}

#[test]
fn a_generated_day_gives_the_signals_and_the_counts_that_the_rules_give() {
    let desk = Desk::new();
    desk.settings(&json!({}));
    generate(&desk.db());
    let found = agrees(&desk, &desk.db(), "2026-11-20T15:00:00");
    // The golden run: the same day, the same numbers, on every machine.
    let golden = BTreeMap::from([("demo", 9_363), ("prod", 2_385), ("prodlite", 3_363)]);
    assert_eq!(found, golden);
    // Today has no rows: the newest day is summed up. For people it is a table.
    let ended = naut(&desk, &["--print-summary", "--clock", "2026-11-24T08:00:00"]).expect(0);
    assert!(
        ended.out.starts_with("naut summary 2026-11-20 profile=prod db="),
        "{}",
        ended.text()
    );
    for word in ["rows", "accepted", "BUY", "SELL", "skipped"].iter().chain(&WORDS) {
        let line = ended
            .out
            .lines()
            .find(|line| line.split_whitespace().next() == Some(word));
        assert!(line.is_some(), "{word}\n{}", ended.out);
    }
    assert_eq!(
        desk.store()
            .number("SELECT count(*) FROM sqlite_schema WHERE name = 'signals'"),
        0,
        "a look only"
    );
}

#[test]
fn a_second_run_over_the_same_rows_finds_the_same_and_adds_nothing() {
    let desk = Desk::new();
    desk.settings(&json!({}));
    generate(&desk.db());
    let args = [
        "naut",
        "-Config",
        "c.json",
        "-Profile",
        "prodlite",
        "--json",
        "-Verbose",
        "0",
        "--after-row",
        "0",
    ];
    let (expected, _) = sum(&desk, &["--profile", "prodlite"]);
    for run in 0..2 {
        let worker = Worker::start(desk.folder(), &args);
        wait_for("the last signal", || {
            (worker.lines("\"side\":").len() == expected.len()).then_some(())
        });
        wait_for("the table", || {
            let stored = Store::open(&desk.db()).try_number("SELECT count(*) FROM signals")?;
            (stored == expected.len() as i64).then_some(())
        });
        let ended = worker.kill();
        let keys: Vec<Key> = lines(&ended.out).iter().map(key).collect();
        assert_eq!(keys, expected, "run {run}");
        assert_eq!(table(&desk.store()), expected, "run {run}");
    }
}

#[cfg(unix)]
mod beside_a_recorder {
    use super::*;
    use ayumi_engine::Symbol;
    use ayumi_sim::{MarketConfig, Source, Speed};
    use std::time::Duration;
    use support::{TEN, station};

    const SYMBOLS: [&str; 4] = ["7203", "8306", "9984", "285A"];

    fn settings() -> Value {
        let easy = json!({"vol_gate": 1, "vol_sum_gate": 1, "max_spread_bp": 100, "imb_thr": 0, "cooldown_sec": 1,
                          "uptick_thr_buy": 0.5, "uptick_thr_sell": 0.5});
        json!({"symbols": SYMBOLS, "window_ms": 100, "mock_interval_ms": 20, "board_mode": "push", "burst": easy,
               "settings": {"naut": {"profile": "demo", "cooldown_sec": 0.5}}})
    }

    fn follow(desk: &Desk, clock: &str) -> Worker {
        let args = ["naut_runner", "-Config", "c.json", "-Json", "--clock", clock];
        let mut naut = Worker::start(desk.folder(), &args);
        naut.wait_line("naut start profile=demo window=4 cooldown=0.5s db_path=");
        naut
    }

    fn told(naut: &Worker) -> Vec<Key> {
        naut.lines("\"side\":")
            .iter()
            .map(|line| key(&serde_json::from_str(line).expect("JSON")))
            .collect()
    }

    /// Waits until the follower has told exactly these.
    fn tells(naut: &Worker, expected: &[Key]) {
        wait_for("the last signals", || {
            (told(naut).len() >= expected.len()).then_some(())
        });
        assert_eq!(told(naut), expected);
    }

    #[test]
    fn live_signals_are_those_of_the_recorded_day() {
        let station = station(|c| {
            c.source = Source::Market(MarketConfig::new(5, SYMBOLS.map(Symbol::tse).to_vec(), 300.0));
            c.speed = Speed::Times(1.0);
        });
        let desk = Desk::online(station.port(), settings());
        let mut naut = follow(&desk, TEN);
        naut.wait_line("waiting for ");
        let worker = desk.stream(&["--clock", TEN]);
        naut.wait_line("following ");
        naut.wait_lines("\"side\":", 12);
        let totals = worker.stop().expect(0).totals();
        assert_eq!(totals["merged"], 0);
        let (expected, counts) = sum(&desk, &["--clock", TEN]);
        assert!(counts["rows"].as_u64() > Some(50), "{counts}");
        tells(&naut, &expected);
        wait_for("the table", || {
            (table(&desk.store()).len() == expected.len()).then_some(())
        });
        let ended = naut.stop().expect(0);
        assert!(ended.took < Duration::from_secs(1), "{:?}", ended.took);
        assert_eq!(ended.lines("waiting for ").len(), 1, "said once: {}", ended.text());
        let logged: BTreeSet<String> = ended.lines(" INFO [").into_iter().collect();
        assert_eq!(logged.len(), expected.len());
        for (ts, ticker, side) in &expected {
            let part = format!("[{side}] {ticker} ts={ts} uptick=");
            assert!(
                logged
                    .iter()
                    .any(|line| line.contains(&part) && line.ends_with("thr=0.60")),
                "{part}"
            );
        }
        // The recorder's own checks do not mind the table, and neither does its next start.
        let store = desk.store();
        store.check(100, 1);
        assert_eq!(table(&store), expected);
        drop(store);
        let again = [
            "--mode",
            "mock",
            "--clock",
            "2026-11-20T10:30:00@1",
            "--duration",
            "500ms",
        ];
        desk.stream(&again).ended().expect(0);
        let verified = ayumi_store::reader::Reader::open(&desk.db()).and_then(|reader| reader.verify());
        assert_eq!(verified.expect("verified").damaged.len(), 0);
        assert_eq!(table(&desk.store()), expected);
    }

    #[test]
    fn t02_midnight_and_a_deleted_file_lose_no_signal() {
        let desk = Desk::mock(settings());
        let mut all = settings();
        all["mode"] = "mock".into();
        all["db_path"] = "ticks-{date}.db".into();
        desk.settings(&all);
        let clock = "2026-11-19T23:59:57@1";
        let mut naut = follow(&desk, clock);
        let args = ["--seed", "3", "--clock", clock, "--duration", "6s"];
        desk.stream(&args).ended().expect(0);
        naut.wait_line("ticks-2026-11-20.db (rows before");
        let days = ["2026-11-19", "2026-11-20"].map(|day| {
            let mut one = all.clone();
            one["db_path"] = format!("ticks-{day}.db").into();
            desk.settings(&one);
            sum(&desk, &["--clock", &format!("{day}T12:00:00")]).0
        });
        assert!(days.iter().all(|signals| !signals.is_empty()), "{days:?}");
        tells(&naut, &days.concat());
        // The file goes while it is followed, and the recorder makes a new one. What is known of the day stays known.
        let today = desk.path("ticks-2026-11-20.db");
        let mut rows = oracle::rows(&today);
        let files = desk.files();
        for name in files.iter().filter(|name| name.starts_with("ticks-2026-11-20")) {
            std::fs::remove_file(desk.path(name)).expect("removed");
        }
        naut.wait_line("deleted, moved or replaced");
        desk.settings(&all);
        let again = ["--seed", "4", "--clock", "2026-11-20T00:01:00@1", "--duration", "3s"];
        desk.stream(&again).ended().expect(0);
        let fresh = oracle::rows(&today);
        assert!(fresh.len() > 20, "{}", fresh.len());
        rows.extend(fresh);
        let (expected, _) = oracle::judge(&oracle::PROFILES[2], 500, &rows);
        assert!(expected.len() > days[1].len());
        tells(&naut, &[&days[0][..], &expected[..]].concat());
        naut.stop().expect(0);
    }

    #[test]
    fn beside_a_replay_the_signals_are_those_of_the_recorded_day() {
        let desk = Desk::mock(settings());
        let args = ["--seed", "9", "--clock", TEN, "--duration", "3s"];
        desk.stream(&args).ended().expect(0);
        let replay = [
            "replay",
            "-Config",
            "c.json",
            "--target-db",
            "again.db",
            "--no-sleep",
            "--run-naut",
            "--naut-grace",
            "2",
        ];
        let extra = ["--naut-extra", "--json -v0"];
        let all: Vec<&str> = replay.iter().chain(&extra).copied().collect();
        let ended = Worker::start(desk.folder(), &all).ended().expect(0);
        let told: Vec<Value> = ended
            .lines("\"side\":")
            .iter()
            .map(|l| serde_json::from_str(l).expect("JSON"))
            .collect();
        let told: Vec<Key> = told.iter().map(key).collect();
        let (expected, _) = sum(&desk, &["--db", "again.db"]);
        assert!(expected.len() > 5 && told == expected, "{told:?}\n{expected:?}");
        assert_eq!(table(&Store::open(&desk.path("again.db"))), expected);
        // It was asked to end and had its time: nobody ended it by force.
        let grace = Duration::from_secs(2);
        assert!(ended.lived > grace, "{:?}", ended.lived);
        let told = Worker::start(desk.folder(), &replay).ended().expect(0);
        told.says(&["naut stop rows=0 signals=0"]);
        assert_eq!(told.lines("by force"), Vec::<String>::new());
        // The bursts are computed anew from the same rows: the recorded day says the same.
        assert_eq!(sum(&desk, &[]).0, expected);
    }

    #[test]
    fn beside_a_replay_a_naut_that_ends_at_once_is_told() {
        let desk = Desk::mock(settings());
        let args = ["--seed", "9", "--clock", TEN, "--duration", "2s"];
        desk.stream(&args).ended().expect(0);
        let replay = ["replay", "-Config", "c.json", "--target-db", "again.db", "--no-sleep"];
        let beside = ["--run-naut", "--naut-extra", "--no-such-flag"];
        let all: Vec<&str> = replay.iter().chain(&beside).copied().collect();
        let ended = Worker::start(desk.folder(), &all).ended().expect(0);
        ended.says(&["ERROR naut ended by itself", "no option \"no-such-flag\""]);
        assert!(Store::open(&desk.path("again.db")).number("SELECT count(*) FROM features_stream") > 0);
    }

    #[test]
    fn g11_naut_stops_within_a_second_whatever_it_is_doing() {
        // Nothing there; a day being read; stdout unread.
        let empty = Desk::mock(settings());
        let mut waiting = follow(&empty, TEN);
        waiting.wait_line("waiting for ");
        let ended = waiting.stop_with("INT").expect(0);
        assert!(ended.took < Duration::from_secs(1), "{:?}", ended.took);
        let desk = Desk::new();
        desk.settings(&json!({}));
        generate(&desk.db());
        let mut child = command(
            desk.folder(),
            &[
                "naut",
                "-Config",
                "c.json",
                "--profile",
                "demo",
                "--json",
                "--after-row",
                "0",
            ],
        )
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
        wait_for("signals", || {
            let stored = Store::try_open(&desk.db())?.try_number("SELECT count(*) FROM signals")?;
            (stored > 1_000).then_some(())
        });
        let asked = std::time::Instant::now();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
        let status = wait_for("the end", || child.try_wait().expect("can be asked"));
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn a_locked_database_delays_the_table_and_nothing_else() {
    let desk = Desk::new();
    desk.settings(&json!({"settings": {"naut": {"profile": "demo", "window": 1}}}));
    let connection = empty(&desk.db());
    let mut naut = Worker::start(desk.folder(), &["naut", "-Config", "c.json", "--json"]);
    naut.wait_line("following ");
    connection
        .execute_batch(
            "BEGIN IMMEDIATE;
             INSERT INTO features_stream (ticker, ts, uptick_ratio, vol_sum) VALUES ('7203', '2026-11-20T10:00:00.300+09:00', 1.0, 5.0);
             COMMIT; BEGIN IMMEDIATE;",
        )
        .expect("locked");
    let line = naut.wait_line("[BUY] 7203 ts=2026-11-20T10:00:00.300+09:00 uptick=1.00 imb=- spr=- vol=5 | base=0.85");
    assert!(line.ends_with("adj=0.85 bonus=0.00 thr=0.60"), "{line}");
    let stored = || Store::open(&desk.db()).try_number("SELECT count(*) FROM signals");
    assert_eq!(stored().unwrap_or(0), 0, "the lock is held");
    connection.execute_batch("COMMIT").expect("let go");
    wait_for("the signal in the table", || (stored() == Some(1)).then_some(()));
    naut.kill();
}

#[test]
fn c04_what_is_wrong_is_said_with_the_next_step_and_code_2() {
    let desk = Desk::new();
    let ended = naut_alone(&desk, &["naut"]).expect(2);
    ended.says(&["naut needs -Config <path>", "next:"]);
    desk.settings(&json!({"BUY_VOL_MIN": "many", "settings": {"naut": {"window": 0, "profile": "fast"}}}));
    let ended = naut(&desk, &[]).expect(2);
    ended.says(&[
        "error: 3 problems",
        "BUY_VOL_MIN",
        "settings.naut.window",
        "one of prod, prodlite, demo",
        "next:",
    ]);
    desk.settings(&json!({}));
    naut(&desk, &["--profile", "fast"])
        .expect(2)
        .says(&["one of prod, prodlite, demo"]);
    naut(&desk, &["--print-summary"])
        .expect(2)
        .says(&["there is no database with features_stream", "ayumi stream"]);
    assert_eq!(desk.files(), ["c.json"], "nothing was created");
    std::fs::write(desk.db(), "no database".repeat(1_000)).expect("written");
    naut(&desk, &[]).expect(2).says(&["no SQLite database"]);
    naut(&desk, &["--print-summary"])
        .expect(2)
        .says(&["no SQLite database"]);
    let ended = naut(&desk, &["-CheckConfig", "-Profile", "demo"]).expect(0);
    ended.says(&["settings.naut.profile", "flag --profile", "uptick >= 0.4"]);
}

fn naut_alone(desk: &Desk, args: &[&str]) -> Ended {
    Worker::start(desk.folder(), args).ended()
}
