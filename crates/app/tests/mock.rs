//! `--mode mock` from the outside: every spelling of the command line, the same ticks for the same seed, and rows that
//! look like a market. Nothing here has a station.

mod support;

use std::collections::BTreeMap;

use ayumi_sim::{Source, Speed};
use serde_json::json;
use support::{Desk, SUNDAY, Store, TEN, Worker, station};

/// Every way to write the command; the settings want a token and a station, the flag makes them unnecessary.
const SPELLINGS: [&[&str]; 7] = [
    &["stream", "-Config", "c.json", "-Verbose", "1", "--mode", "mock"],
    &["stream", "-config:c.json", "-Mode", "mock", "-Verbose", "0"],
    &["stream", "--config=c.json", "--mode=mock", "-VERBOSE", "0"],
    &["stream_microbatch", "-c", "c.json", "--mode", "mock", "-v", "1"],
    &["-Config", "c.json", "-Mode", "mock", "-Verbose"],
    &["STREAM", "-CONFIG", "c.json", "-mode:MOCK"],
    &["-Config:c.json", "--mode", "mock", "-Symbols", "7203,9984"],
];

#[test]
fn c04_every_spelling_starts_the_mock_market() {
    let runs = SPELLINGS.map(|spelling| {
        let desk = Desk::new();
        desk.settings(&json!({"symbols": ["7203", "9984"]}));
        let args: Vec<&str> = spelling.iter().copied().chain(["--duration", "700ms"]).collect();
        let worker = Worker::start(desk.folder(), &args);
        (spelling, desk, worker)
    });
    for (spelling, desk, worker) in runs {
        let ended = worker.ended().expect(0);
        assert!(
            ended.out.starts_with("[BOOT] mode=mock "),
            "{spelling:?}: {}",
            ended.out
        );
        assert!(
            ended.out.contains(" count=2 symbols=[7203,9984] db_path="),
            "{spelling:?}: {}",
            ended.out
        );
        let quiet = spelling.contains(&"0");
        assert_eq!(ended.err.contains(" INFO "), !quiet, "{spelling:?}: {}", ended.err);
        assert!(!ended.text().contains("ERROR"), "{spelling:?}: {}", ended.text());
        let store = desk.store();
        assert!(store.number("SELECT count(*) FROM tick_batch") > 0, "{spelling:?}");
    }
}

/// Per symbol and number of ticks so far: price, volume so far and book. Which window a tick falls into depends on the
/// clock, what it is does not.
type Sequence = BTreeMap<(String, String), String>;

fn sequence(store: &Store) -> Sequence {
    let rows = store.column(
        "SELECT ticker || ' ' || sum(ticks) OVER sofar || '|' || last_price || ' ' || sum(vol_sum) OVER sofar || ' '
                || sum(upticks) OVER sofar || ' ' || sum(downticks) OVER sofar || ' ' || b.bid1 || ' ' || b.ask1 || ' '
                || b.buy_top3 || ' ' || b.sell_top3
         FROM tick_batch LEFT JOIN orderbook_snapshot b USING (ticker, window_id)
         WINDOW sofar AS (PARTITION BY ticker ORDER BY window_id)",
    );
    let parts = rows.iter().map(|row| {
        let (key, value) = row.split_once('|').expect("two parts");
        let (ticker, ticks) = key.split_once(' ').expect("two parts");
        ((ticker.to_owned(), ticks.to_owned()), value.to_owned())
    });
    parts.collect()
}

#[test]
fn a_seed_gives_the_same_ticks_on_every_day() {
    let settings = json!({"window_ms": 10, "mock_interval_ms": 20});
    let run = |clock: &str, seed: &str| {
        let desk = Desk::mock(settings.clone());
        let worker = desk.stream(&["--seed", seed, "--clock", clock, "--duration", "1500ms"]);
        (desk, worker)
    };
    let runs = [run(TEN, "7"), run(SUNDAY, "7"), run(TEN, "8")];
    let [first, again, other] = runs.map(|(desk, worker)| {
        worker.ended().expect(0);
        sequence(&desk.store())
    });
    let both = |a: &Sequence, b: &Sequence| {
        let pairs: Vec<_> = a.iter().filter_map(|(key, value)| Some((value, b.get(key)?))).collect();
        (pairs.len(), pairs.iter().filter(|(a, b)| a == b).count())
    };
    let (common, same) = both(&first, &again);
    assert!(common > 60, "{common} of {} {}", first.len(), again.len());
    assert_eq!(common, same, "the same sequence");
    let (common, same) = both(&first, &other);
    assert!(same * 10 < common, "another seed, another market: {same} of {common}");
}

#[test]
fn g03_mock_rows_look_like_a_market() {
    let desk = Desk::mock(json!({"window_ms": 100, "mock_interval_ms": 10}));
    let ended = desk
        .stream(&["--seed", "1", "--clock", TEN, "--duration", "3s"])
        .ended()
        .expect(0);
    let totals = ended.totals();
    let store = desk.store();
    store.check(100, 1);
    assert_eq!((totals["rejected"], totals["merged"], totals["ledger"]), (0, 0, 0));
    assert_eq!(store.number("SELECT count(*) FROM volume_ledger"), 0);
    assert_eq!(totals["received"], store.number("SELECT sum(ticks) FROM tick_batch"));
    assert!(totals["received"] > 300, "{totals:?}");
    let none = |sql: &str| assert_eq!(store.number(&format!("SELECT count(*) FROM {sql}")), 0, "{sql}");
    none("orderbook_snapshot WHERE bid1 IS NULL OR ask1 IS NULL OR bid1 >= ask1");
    none("orderbook_snapshot WHERE source <> 'mock' OR spread_bp IS NULL OR buy_top3 <= 0 OR sell_top3 <= 0");
    none("tick_batch WHERE CAST(vol_sum AS INTEGER) % 100 <> 0");
    none(
        "tick_batch t JOIN orderbook_snapshot b USING (ticker, window_id) WHERE last_price NOT BETWEEN 0.9 * bid1 AND 1.1 * ask1",
    );
    none("features_stream WHERE uptick_ratio NOT BETWEEN 0 AND 1 OR depth_imbalance NOT BETWEEN -1 AND 1");
    none(
        "features_stream WHERE burst_buy <> 0 OR burst_sell <> 0 OR burst_score <> 0 OR streak_len <> 0
         OR surge_vol_ratio <> 1 OR last_signal_ts <> ''",
    );
    for ticker in ["7203", "9984", "285A"] {
        let of = |what: &str| store.number(&format!("SELECT {what} FROM tick_batch WHERE ticker = '{ticker}'"));
        assert!(of("sum(vol_sum)") > 0 && of("sum(trades)") > 0, "{ticker} trades");
        assert!(
            of("sum(upticks)") > 0 && of("sum(downticks)") > 0,
            "{ticker} moves both ways"
        );
        // The narrowest spread is one tick; most of the time it stands there.
        let spreads = format!("FROM orderbook_snapshot WHERE ticker = '{ticker}'");
        let tight = store.number(&format!(
            "SELECT 100 * sum(ask1 - bid1 < 1.5 * (SELECT min(ask1 - bid1) {spreads})) / count(*) {spreads}"
        ));
        assert!(tight > 50, "{ticker}: {tight} %");
    }
}

#[test]
fn mock_mode_asks_no_station_even_if_there_is_one() {
    let station = station(|c| {
        c.speed = Speed::Times(1.0);
        c.source = Source::Silent;
    });
    let desk = Desk::mock(json!({"port": station.port(), "board_mode": "rest", "auto_register": true}));
    let mut worker = desk.stream(&["--probe-board"]);
    worker.wait_line("stream_microbatch start");
    desk.stored();
    #[cfg(target_os = "linux")]
    assert_eq!(internet_sockets(worker.pid()), Vec::<String>::new());
    worker.kill();
    assert_eq!(station.counters().connections, 0);
}

/// The sockets of a process that lead out of it, as the kernel lists them.
#[cfg(target_os = "linux")]
fn internet_sockets(pid: u32) -> Vec<String> {
    let handles = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("listed").flatten();
    let links = handles.filter_map(|handle| std::fs::read_link(handle.path()).ok());
    let inodes: Vec<String> = links
        .filter_map(|link| {
            let name = link.to_string_lossy().into_owned();
            Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let tables = ["tcp", "tcp6", "udp", "udp6"].map(|kind| std::fs::read_to_string(format!("/proc/{pid}/net/{kind}")));
    let lines = tables.iter().flatten().flat_map(|table| table.lines());
    let ours = lines.filter(|line| {
        line.split_whitespace()
            .nth(9)
            .is_some_and(|i| inodes.iter().any(|n| n == i))
    });
    ours.map(str::to_owned).collect()
}

#[test]
fn mock_rows_beside_real_ones_are_warned_of() {
    let desk = Desk::mock(json!({}));
    desk.stream(&["--duration", "1s"]).ended().expect(0);
    let again = desk.stream(&["--duration", "100ms"]).ended().expect(0);
    assert!(again.lines("invented ticks").is_empty(), "{}", again.text());
    let hand = rusqlite::Connection::open(desk.db()).expect("opens");
    hand.execute("UPDATE orderbook_snapshot SET source = 'push'", [])
        .expect("real now");
    drop(hand);
    let warned = desk.stream(&["--duration", "100ms"]).ended().expect(0);
    warned.says(&["invented ticks", "set another db_path"]);
}

/// Zones as systems name them, one of which changes its clock, and none at all.
const ZONES: [Option<&str>; 5] = [
    None,
    Some("UTC"),
    Some("America/New_York"),
    Some("Tokyo Standard Time"),
    Some("Pacific/Chatham"),
];

#[test]
fn t04_times_are_japanese_whatever_the_zone_of_the_pc() {
    let runs = ZONES.map(|zone| {
        let desk = Desk::mock(json!({}));
        let args = ["stream", "-Config", "c.json", "--clock", TEN, "--duration", "700ms"];
        let mut command = support::process::command(desk.folder(), &args);
        match zone {
            Some(zone) => command.env("TZ", zone),
            None => command.env_remove("TZ"),
        };
        (zone, desk, Worker::spawn(&mut command))
    });
    for (zone, desk, worker) in runs {
        let ended = worker.ended().expect(0);
        let times = desk.store().column("SELECT DISTINCT ts_window_end FROM tick_batch");
        assert!(!times.is_empty(), "{zone:?}");
        for time in times {
            let japanese = time.starts_with("2026-11-20T10:0") && time.ends_with("+09:00");
            assert!(japanese, "{zone:?}: {time}");
        }
        for line in ended.err.lines() {
            assert!(line.starts_with("2026-11-20 10:0"), "{zone:?}: {line}");
        }
    }
}
