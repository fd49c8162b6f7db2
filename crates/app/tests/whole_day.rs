//! Whole trading days, from 07:50 to 15:35, through `ayumi sim` and `ayumi stream` as two programs: one on an accelerated
//! clock, with lunch and auctions where they belong, and one at full speed.
//!
//! `AYUMI_WHOLE_DAY=150` makes the day at full speed as busy as that many messages per second at 10:00, all fifty symbols
//! together; without it, it is short enough for every run of the tests.
#![cfg(unix)]

mod support;

use std::io::Write;

use ayumi_sim::well_known;
use ayumi_wire::jst::Date;
use serde_json::{Value, json};
use support::pair::{Day, Plan};
use support::still::undisturbed;

/// A trading day.
const DAY: &str = "2026-11-20";
/// Shares of all price ranges, a letter code, ETFs of unit 1 and 10, and an index, which has no volume.
const SYMBOLS: [&str; 16] = [
    "7203", "9984", "8306", "6758", "9432", "7974", "6861", "8035", "285A", "1570", "1306", "1321", "1301", "3905",
    "5401", "101",
];
/// Messages per second at 10:00 of the fifty symbols at full speed.
const RATE: &str = "20";

fn plan(symbols: Vec<String>, rate: &str, speed: Option<u32>, settings: Value) -> Plan {
    let list = symbols.join(",");
    let sim = [
        "--seed",
        "1",
        "--symbols",
        &list,
        "--rate",
        rate,
        "--hours",
        "session",
        "--end",
        "15:35:00",
    ];
    Plan {
        sim: sim.map(str::to_owned).to_vec(),
        symbols,
        start_s: Date::parse(DAY).expect("a date").midnight_s() + 7 * 3_600 + 50 * 60,
        speed,
        window_ms: 300,
        password: false,
        whole: true,
        settings,
    }
}

/// The day's volumes are the sums of all true trades, to the last share, with nothing in the ledger.
fn to_the_last_share(day: &Day) {
    day.check_from_the_open();
    assert_eq!(day.sent.last_volumes(), day.truth.sums());
    assert_eq!(day.store.number("SELECT count(*) FROM volume_ledger"), 0);
    assert_eq!(day.totals["volume"], day.truth.sums().values().sum::<i64>());
}

#[test]
fn g03_a_day_on_an_accelerated_clock_is_stored_to_the_last_share() {
    undisturbed("the day", 2_000, accelerated);
}

fn accelerated(speed: u32) {
    let symbols = SYMBOLS.map(str::to_owned).to_vec();
    let mut plan = plan(symbols, "3", Some(speed), json!({"rest_poll_ms": 60_000}));
    plan.window_ms = 15_000;
    let day = plan.run("the day");
    to_the_last_share(&day);
    assert_eq!(
        day.sent.last_volumes().len(),
        SYMBOLS.len() - 1,
        "an index has no volume"
    );
    for ticker in day.sent.last_volumes().keys() {
        let auctions = day.truth.auctions(ticker);
        let ends = (auctions.first(), auctions.last(), day.truth.ends_in_auction(ticker));
        assert_eq!(ends, (Some(&"open"), Some(&"close"), true), "{ticker}");
        assert!(
            auctions.contains(&"morning_close") || auctions.contains(&"afternoon_open"),
            "{ticker}: {auctions:?}"
        );
    }
    let ticks = "SELECT count(*) FROM tick_batch WHERE ticker = '101' AND last_price > 0 AND vol_sum = 0";
    assert!(day.store.number(ticks) > 100, "an index has prices");
    // Before the open, at lunch and after the close nothing comes, and that is no dead line.
    assert_eq!(day.alarms(&[]), Vec::<String>::new(), "{}", day.worker.text());
    let pause = "SELECT max(pause) FROM (SELECT window_id - lag(window_id) OVER (ORDER BY window_id) AS pause
                 FROM (SELECT DISTINCT window_id FROM tick_batch WHERE ticks > 0))";
    assert!(day.store.number(pause) > 1_500_000, "lunch");
    assert!(day.worker.lines(" heartbeat ").len() > 300, "a word a minute");
}

#[test]
fn g02_a_day_of_fifty_symbols_at_full_speed_is_stored_to_the_last_share() {
    let rate = std::env::var("AYUMI_WHOLE_DAY").unwrap_or_else(|_| RATE.to_owned());
    let symbols: Vec<String> = well_known(50).iter().map(ayumi_engine::Symbol::ticker).collect();
    // The station's limits count in real seconds at full speed, so the books come from PUSH.
    let day = plan(symbols, &rate, None, json!({"board_mode": "push"})).run("the day");
    to_the_last_share(&day);
    assert_eq!(day.sent.last_volumes().len(), 50);
    assert_eq!(day.totals["merged"], 0);
    assert_eq!(day.alarms(&[]), Vec::<String>::new(), "{}", day.worker.text());
    let messages = day.sent.count("messages_sent");
    let line = format!(
        "a day of 50 symbols at full speed: {messages} messages in {:.1} s, {:.0} a second (build of the tests)\n",
        day.seconds,
        messages as f64 / day.seconds
    );
    std::io::stderr().write_all(line.as_bytes()).expect("stderr");
}

#[test]
fn n06_a_flood_beyond_the_queue_keeps_every_share_and_is_told_once_and_every_five_seconds() {
    let symbols: Vec<String> = well_known(50).iter().map(ayumi_engine::Symbol::ticker).collect();
    let usual = json!({"board_mode": "push", "tick_queue_max": 1_000, "pending_max": 300});
    let day = plan(symbols, "15", None, usual).run("the flood");
    to_the_last_share(&day);
    assert!(day.totals["merged"] > 10_000, "{}", day.worker.text());
    let state = "state OK -> DEGRADED(OVERFLOW)";
    let told = day.alarms(&[state]);
    let most = 3 + day.seconds as usize / 5;
    assert!(told.len() <= most, "{} lines: {told:#?}", told.len());
    assert!(told[0].contains("[PushTickReceiver] tick queue full"), "{told:?}");
    assert_eq!(
        day.alarms(&["[PushTickReceiver] tick queue ", state]),
        Vec::<String>::new()
    );
    let states = day.worker.lines(state).len();
    assert!((1..=most).contains(&states), "{states} times {state}");
}
