//! A station that misbehaves: resets, silence, take-overs, refusals. The worker goes on, and says in log and ledger
//! what was missed.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use ayumi_engine::Symbol;
use ayumi_sim::{BoardAnswer, Cut, MarketConfig, SimHandle, Source, Speed, Takeover};
use serde_json::json;
use support::message::{self, push};
use support::{Desk, TEN, at_once, at_station, connected, line, station, stored_volume, takeover};

fn answer_board(station: &SimHandle, volume: i64) {
    station.set_board("7203", 1, BoardAnswer::Body(push("7203", 2000.0, volume)));
}

#[test]
fn n02_a_reset_in_a_burst_is_answered_within_250_ms_and_g10_marked() {
    const CUTS: i64 = 8;
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    let mut volume = 1_000;
    station.push_text(&push("7203", 2000.0, volume));
    let mut waits = Vec::new();
    let began = Instant::now();
    for cut in 1..=CUTS {
        // 42 messages in one go, a part of a frame, then the reset.
        for _ in 0..42 {
            volume += 100;
            station.push_text(&push("7203", 2000.0, volume));
        }
        station.push_bytes(b"\x81\x7E\x05\x00{\"Symbol\":\"72");
        at_station(&station, "the burst", |c| c.messages_sent >= 43 * cut as u64);
        let cut_at = Instant::now();
        station.cut(Cut::Reset);
        line(&station, cut as u64 + 1);
        waits.push(cut_at.elapsed());
        // What moved in between shows in the next message.
        volume += 300;
        station.push_text(&push("7203", 2000.0, volume));
        worker.wait_lines("connected (symbols=1)", cut as usize + 1);
        stored_volume(&desk, volume);
    }
    waits.sort();
    assert!(waits[waits.len() / 2] <= Duration::from_millis(250), "{waits:?}");
    assert!(waits[waits.len() - 1] <= Duration::from_secs(1), "{waits:?}");
    assert!(
        began.elapsed() >= Duration::from_millis(250) * (CUTS as u32 - 1),
        "never more than 4 attempts a second"
    );
    let ended = worker.stop().expect(0);
    assert_eq!(
        ended
            .lines("WARNING disconnected from PUSH server (connection reset")
            .len(),
        CUTS as usize
    );
    assert!(
        !ended.text().contains("retry in"),
        "no backoff after a line that delivered: {}",
        ended.text()
    );
    let store = desk.store();
    assert_eq!(
        store.number("SELECT count(*) FROM volume_ledger WHERE cause = 'gap'"),
        CUTS
    );
    assert!(store.ledger("gap") >= 300 * CUTS);
    assert_eq!(
        store.number("SELECT count(*) FROM volume_ledger WHERE ts_start >= ts_end"),
        0
    );
    assert_eq!(store.sizes() + store.ledger("gap"), volume - 1_000);
    store.check(300, 1);
}

#[test]
fn g09_a_refusal_after_a_healthy_line_does_not_hammer() {
    let station = station(|_| {});
    let port = station.port();
    let desk = Desk::online(port, json!({"websocket": {"backoff_initial": 0.5, "backoff_max": 2.0}}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    stored_volume(&desk, 1_000);
    station.stop();
    let began = Instant::now();
    let retries = worker.wait_lines("PUSH connection error: connection refused (retry in", 3);
    // 0.5 s, then 1 s, jitter only lengthens.
    assert!(began.elapsed() >= Duration::from_millis(1_450), "{:?}", began.elapsed());
    let wait = |line: &str| -> f64 {
        let said = line.split("(retry in ").nth(1).and_then(|rest| rest.split_once("s)"));
        said.and_then(|(number, _)| number.parse().ok())
            .expect("a number of seconds")
    };
    let waits: Vec<f64> = retries.iter().map(|line| wait(line)).collect();
    assert!(
        (0.5..=0.7).contains(&waits[0]) && (1.0..=1.3).contains(&waits[1]) && waits[2] == 2.0,
        "{waits:?}"
    );
    let station = support::station_again(port, |_| {});
    worker.wait_lines("connected (symbols=1)", 2);
    connected(&station);
    station.push_text(&push("7203", 2001.0, 1_700));
    let store = stored_volume(&desk, 1_700);
    worker.stop().expect(0);
    assert_eq!(store.ledger("gap"), 700);
    store.check(300, 1);
}

#[test]
fn n04_a_silent_line_is_found_dead_by_board_in_every_mode() {
    at_once(["push", "off", "auto", "rest"], |mode| {
        let station = station(|_| {});
        let desk = Desk::online(station.port(), json!({"board_mode": mode}));
        let mut worker = desk.stream(&["--clock", TEN]);
        connected(&station);
        station.push_text(&push("7203", 2000.0, 1_000));
        stored_volume(&desk, 1_000);
        answer_board(&station, 1_500);
        station.cut(Cut::Stall);
        let silent = Instant::now();
        let said = worker.wait_line("disconnected from PUSH server");
        assert!(
            silent.elapsed() < Duration::from_secs(5),
            "{mode}: {:?}",
            silent.elapsed()
        );
        assert!(
            said.contains("the volume of 7203 moved from 1000 to 1500: the line is dead"),
            "{mode}: {said}"
        );
        line(&station, 2);
        worker.wait_lines("connected (symbols=1)", 2);
        station.push_text(&push("7203", 2000.0, 1_600));
        let store = stored_volume(&desk, 1_600);
        let ended = worker.stop().expect(0);
        assert_eq!(store.ledger("gap"), 600, "{mode}");
        assert_eq!(station.counters().push_connections, 2, "{mode}: {}", ended.text());
        assert_eq!(station.counters().pings_received, 0);
        store.check(300, 1);
    });
}

#[test]
fn n04_a_line_is_dead_when_board_does_not_answer_either() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:00:00@10"]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    station.set_board("7203", 1, BoardAnswer::Never);
    station.cut(Cut::Stall);
    let said = worker.wait_line("disconnected from PUSH server");
    assert!(said.contains("and /board does not answer either"), "{said}");
    line(&station, 2);
    worker.stop().expect(0);
}

#[test]
fn n04_a_quiet_market_is_no_dead_line() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:00:00@20"]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    let said = worker.wait_line("the market is quiet and the line is kept");
    assert!(said.contains(" INFO no PUSH for "), "{said}");
    at_station(&station, "further looks", |c| c.rest("GET /board") >= 5);
    let ended = worker.stop().expect(0);
    assert_eq!(ended.lines("the market is quiet").len(), 1, "said once a silence");
    assert_eq!(station.counters().push_connections, 1, "{}", ended.text());
}

#[test]
fn n04_outside_the_session_silence_is_never_an_alarm() {
    let clocks = [
        "2026-11-22T10:00:00@30",
        "2026-11-20T11:31:00@30",
        "2026-11-20T15:31:00@30",
        "2026-11-23T10:00:00@30",
        "2026-11-20T07:00:00@30",
    ];
    at_once(clocks, |clock| {
        let station = station(|_| {});
        let desk = Desk::online(station.port(), json!({}));
        let worker = desk.stream(&["--clock", clock]);
        connected(&station);
        station.push_text(&push("7203", 2000.0, 1_000));
        answer_board(&station, 9_000);
        // Once at the start, then once a minute.
        at_station(&station, "two minutes", |c| c.rest("GET /board") >= 3);
        let ended = worker.stop().expect(0);
        assert!(!ended.text().contains("WARNING"), "{clock}: {}", ended.text());
        assert_eq!(station.counters().push_connections, 1, "{clock}: {}", ended.text());
    });
}

#[test]
fn n11_a_takeover_with_close_is_a_reconnect_with_a_gap() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    stored_volume(&desk, 1_000);
    let _other = takeover(station.port());
    let said = worker.wait_line("disconnected from PUSH server");
    assert!(said.contains("closed by the station: 1000"), "{said}");
    line(&station, 3);
    worker.wait_lines("connected (symbols=1)", 2);
    station.push_text(&push("7203", 2000.0, 1_200));
    let store = stored_volume(&desk, 1_200);
    worker.stop().expect(0);
    assert_eq!(store.ledger("gap"), 200);
}

#[test]
fn n11_a_takeover_that_starves_us_is_found_by_board() {
    let station = station(|c| c.faults.takeover = Takeover::Starve);
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    stored_volume(&desk, 1_000);
    let _other = takeover(station.port());
    station.push_text(&push("7203", 2000.0, 1_100));
    worker.wait_line("moved from 1000 to 1100: the line is dead");
    line(&station, 3);
    worker.wait_lines("connected (symbols=1)", 2);
    station.push_text(&push("7203", 2000.0, 1_300));
    let store = stored_volume(&desk, 1_300);
    worker.stop().expect(0);
    assert_eq!(store.ledger("gap"), 300);
}

#[test]
fn n14_a_market_in_pieces_is_stored_whole() {
    let codes = ["7203", "8306", "9984", "285A"];
    let station = station(|c| {
        c.source = Source::Market(MarketConfig::new(3, codes.map(Symbol::tse).to_vec(), 400.0));
        c.speed = Speed::Times(2.0);
        c.faults.fragment = 3;
        c.faults.split_at = vec![1, 2, 3, 5, 400, 401, 1_000];
    });
    let desk = Desk::online(station.port(), json!({"symbols": codes, "board_mode": "push"}));
    let worker = desk.stream(&["--clock", TEN]);
    at_station(&station, "a thousand messages", |c| c.messages_sent > 1_000);
    let port = station.port();
    let counters = station.counters();
    assert_eq!(counters.push_connections, 1);
    // What was queued by then must be on the wire before the station goes.
    let queued: u64 = counters.symbols.values().map(|s| s.queued).sum();
    at_station(&station, "what was queued", |c| c.messages_sent >= queued);
    station.stop();
    let station = support::station_again(port, |_| {});
    line(&station, 1);
    let totals = worker.stop().expect(0).totals();
    assert!(totals["received"] > 1_000);
    assert_eq!((totals["rejected"], totals["merged"], totals["ledger"]), (0, 0, 0));
    let store = desk.store();
    store.check(300, 1);
    for (ticker, sent) in &station_growth(&counters) {
        let sql = format!("SELECT sum(vol_sum) FROM tick_batch WHERE ticker = '{ticker}'");
        let stored = store.number(&sql);
        assert!(
            stored >= *sent && *sent > 0,
            "{ticker}: {stored} stored, {sent} sent by then"
        );
    }
}

/// How far the volume of each symbol had grown on the wire.
fn station_growth(counters: &ayumi_sim::Counters) -> Vec<(String, i64)> {
    let growth = |s: &ayumi_sim::SymbolCounters| Some(s.last_volume_queued? - s.first_volume_queued?);
    let symbols = counters.symbols.iter();
    symbols
        .filter_map(|(ticker, s)| Some((ticker.clone(), growth(s)?)))
        .collect()
}

#[test]
fn d20_symbols_without_a_price_are_told_once_and_all_of_them_with_the_way_out() {
    let nulls = |symbol: &str| message::bent(symbol, 2000.0, 0, json!({"CurrentPrice": null, "TradingVolume": null}));
    let station = station(|_| {});
    let settings = json!({"symbols": ["7203", "9984"], "board_mode": "push"});
    // Everything is null a minute after the open.
    let desk = Desk::online(station.port(), settings.clone());
    let mut worker = desk.stream(&["--clock", "2026-11-20T09:01:30@1"]);
    connected(&station);
    for _ in 0..2 {
        station.push_text(&nulls("7203"));
        station.push_text(&nulls("9984"));
        worker.wait_line("every message comes without a price (2 symbols): restart kabu Station");
    }
    let ended = worker.stop().expect(0);
    assert_eq!(ended.lines("without a price").len(), 1, "{}", ended.text());
    // One of two, an hour after the open.
    let desk = Desk::online(station.port(), settings);
    let mut worker = desk.stream(&["--clock", "2026-11-20T10:05:00@1"]);
    worker.wait_line("connected (symbols=2)");
    line(&station, 2);
    station.push_text(&push("7203", 2000.0, 1_000));
    station.push_text(&nulls("9984"));
    worker.wait_line("no price since the open: 9984; their messages come without one");
    station.push_text(&push("7203", 2001.0, 1_400));
    stored_volume(&desk, 1_400);
    assert!(!worker.stop().expect(0).text().contains("restart kabu Station"));
}

#[test]
fn n16_t06_a_worker_that_slept_goes_on_with_one_gap_and_no_flood_of_windows() {
    const ASLEEP: Duration = Duration::from_secs(5);
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "push"}));
    let mut worker = desk.stream(&["--clock", TEN]);
    connected(&station);
    station.push_text(&push("7203", 2000.0, 1_000));
    station.push_text(&push("7203", 2000.0, 1_100));
    let store = stored_volume(&desk, 1_100);
    let before = store.number("SELECT count(*) FROM window_log");
    worker.signal("STOP");
    // The PC sleeps for a while, which is the fault; meanwhile the line dies.
    station.cut(Cut::Reset);
    let slept = Instant::now();
    support::wait_for("the end of the sleep", || (slept.elapsed() >= ASLEEP).then_some(()));
    worker.signal("CONT");
    let awake = Instant::now();
    line(&station, 2);
    assert!(awake.elapsed() < Duration::from_secs(1), "{:?}", awake.elapsed());
    worker.wait_lines("connected (symbols=1)", 2);
    station.push_text(&push("7203", 2005.0, 1_900));
    station.push_text(&push("7203", 2005.0, 2_000));
    stored_volume(&desk, 2_000);
    let ended = worker.stop().expect(0);
    assert!(!ended.text().contains("ERROR"), "{}", ended.text());
    assert_eq!(store.ledger("gap"), 800);
    assert_eq!(store.number("SELECT count(*) FROM volume_ledger"), 1);
    let after = store.number("SELECT count(*) FROM window_log") - before;
    assert!(after <= 4, "{after} windows for two messages");
    store.check(300, 1);
}
