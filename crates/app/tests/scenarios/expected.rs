//! What a scenario must have brought, beyond what holds after every run.

use super::support::pair::Day;

/// Trading at the limit: one side of the book is empty, the other has the sign of a special quote, so neither spread
/// nor imbalance has a meaning.
pub fn locked(day: &Day, empty: &str, full: &str) {
    let at_limit = |tickers: &str| {
        day.store.number(&format!(
            "SELECT count(*) FROM features_stream WHERE ticker {tickers} AND {empty}_top3 = 0 AND {full}_top3 > 0
             AND spread_bp IS NULL AND depth_imbalance IS NULL"
        ))
    };
    assert!(at_limit("= '7203'") > 5, "{} rows at the limit", at_limit("= '7203'"));
    assert_eq!(at_limit("<> '7203'"), 0);
}

/// Nothing of 9984 for two minutes while the others trade, then an auction.
pub fn halted(day: &Day) {
    let pause = |ticker: &str| {
        day.store.number(&format!(
            "SELECT max(pause) FROM (SELECT window_id - lag(window_id) OVER (ORDER BY window_id) AS pause
             FROM tick_batch WHERE ticker = '{ticker}' AND vol_sum > 0)"
        ))
    };
    assert!(pause("9984") >= 100_000, "{} ms", pause("9984"));
    assert!(pause("7203") < 60_000, "{} ms", pause("7203"));
    assert!(day.truth.auctions("9984").contains(&"resume"));
}

/// One trading date on both sides of midnight, although the station's dates are a day late; no lag is made of that.
pub fn midnight(day: &Day) {
    assert!(day.sent.count("faults.yesterday") > 100);
    let dates = day.store.column("SELECT DISTINCT trading_date FROM stream_state");
    assert_eq!(dates, ["2026-11-21"]);
    let after = "SELECT count(*) FROM tick_batch WHERE ts_window_end > '2026-11-21T00:00:05'";
    assert!(day.store.number(after) > 50);
    for line in day.worker.lines(" heartbeat ") {
        assert!(!line.contains("lag_p99=30.0s"), "{line}");
    }
}

/// 7203 is bid up until 09:03, 9984 offered down until 09:02; the worker's clock is at most a few seconds behind.
pub fn opened_late(day: &Day) {
    let first = |ticker: &str| {
        let sql = format!("SELECT min(ts_window_end) FROM tick_batch WHERE ticker = '{ticker}'");
        day.store.one::<String>(&sql).split_off(11)
    };
    assert!(first("7203").as_str() > "09:02:30", "{}", first("7203"));
    assert!(first("9984").as_str() > "09:01:30", "{}", first("9984"));
    assert!(first("8306").as_str() < "09:01:30", "{}", first("8306"));
    assert!(day.totals["rejected.no_price"] > 50, "special quotes have no price");
}

/// An hour of silence and no alarm; both auctions around it are in the tables.
pub fn lunch(day: &Day) {
    for ticker in day.sent.last_volumes().keys() {
        assert!(day.truth.auctions(ticker).contains(&"afternoon_open"), "{ticker}");
    }
    let lost = day.worker.lines("disconnected");
    assert_eq!(lost, Vec::<String>::new());
    let pause = "SELECT max(pause) FROM (SELECT window_id - lag(window_id) OVER (ORDER BY window_id) AS pause
                 FROM (SELECT DISTINCT window_id FROM tick_batch WHERE ticks > 0))";
    assert!(day.store.number(pause) > 1_500_000, "half an hour without any message");
}

/// The last trade is that of the closing auction, and the day's volume is the sum of all trades.
pub fn closed(day: &Day) {
    assert_eq!(day.sent.last_volumes(), day.truth.sums());
    for ticker in day.sent.last_volumes().keys() {
        assert_eq!(day.truth.auctions(ticker).last(), Some(&"close"), "{ticker}");
        assert!(day.truth.ends_in_auction(ticker), "{ticker}");
    }
}

/// Dozens of cuts, and every share that was missed is in the ledger.
pub fn flaky(day: &Day) {
    let (cuts, lines) = (day.sent.count("actions.reset"), day.sent.count("push_connections"));
    assert!(cuts >= 40 && lines > cuts * 3 / 4, "{cuts} cuts, {lines} lines");
    assert!(day.store.ledger("gap") > 0);
    assert_eq!(day.store.ledger("decrease"), 0);
    // A cut every few seconds is worth a word, but not ten.
    let said = day.worker.err.lines().count();
    assert!(said < 250, "{said} lines:\n{}", day.worker.err);
}

/// Back without a hand: the list is filled again as soon as there is a token, and then there are messages.
pub fn restarted(day: &Day) {
    assert_eq!(day.sent.count("rest_requests.POST /token"), 2, "{}", day.worker.text());
    assert!(day.store.ledger("gap") > 0);
    let dead = day.worker.lines("the line is dead");
    assert_eq!(dead, Vec::<String>::new(), "a line without a list is not dead");
}

/// Half a minute of 429 is met with silence: a call a second at most, not eight.
pub fn limited(day: &Day) {
    let refused = day.sent.count("rest_statuses.429");
    assert!((1..=28).contains(&refused), "{refused} calls were refused with 429");
    assert!(day.sent.count("rest_statuses.503") <= 60);
}

/// What is no message is counted by its reason; every message that has a price is a tick.
pub fn dirty(day: &Day) {
    let broken = ["malformed", "mutated", "missing_key", "odd_values"];
    let most: u64 = broken
        .iter()
        .map(|name| day.sent.count(&format!("faults.{name}")))
        .sum();
    let parts = day.totals.iter().filter(|(name, _)| name.starts_with("rejected."));
    let odd: i64 = parts
        .clone()
        .filter(|(name, _)| *name != "rejected.no_price")
        .map(|(_, n)| n)
        .sum();
    assert!(odd > 0 && odd as u64 <= most, "{odd} of {most}");
    assert_eq!(parts.map(|(_, n)| n).sum::<i64>(), day.totals["rejected"]);
    assert!(day.totals["rejected.no_price"] as u64 >= day.sent.count("faults.null_block") / 2);
    assert_eq!(day.totals["ledger.decrease"], -1_000);
    assert_eq!(day.store.ledger("decrease"), -1_000);
}
