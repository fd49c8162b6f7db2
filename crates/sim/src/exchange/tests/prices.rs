//! How far prices go on days on which nobody asks for anything.

use super::*;

/// One symbol's day, in 1/10,000 of the previous close.
struct Moved {
    symbol: String,
    gap: i64,
    day: i64,
    /// Between the high and the low.
    range: i64,
    /// Opened by a special quote.
    late: bool,
}

/// Forty shares of the table, the cheap 9432 and 9434 among them, and ten unknown ones below 400 yen whose step is a
/// whole yen.
fn fifty(seed: u64) -> Vec<Symbol> {
    let known = Profile::known_codes().take(40).map(Symbol::tse);
    let cheap = (2_000..9_999)
        .map(|code| Symbol::tse(&code.to_string()))
        .filter(|symbol| {
            let profile = Profile::of(symbol, seed);
            profile.price_range_group() == "10000" && profile.previous_close < Price::from_yen(400)
        });
    known.chain(cheap.take(10)).collect()
}

/// A whole day of these symbols, each with so many messages per second.
fn day_of(symbols: &[Symbol], seed: u64, rate: f64) -> Vec<Moved> {
    let mut exchange = Exchange::open(&Setup {
        seed,
        symbols,
        per_second: rate * symbols.len() as f64,
        hours: Hours::Session,
        start: at(7, 50, 0),
        paths: BTreeMap::new(),
    });
    exchange.pass_to(at(16, 0, 0));
    let moved = |(desk, symbol): (&Desk, &Symbol)| {
        let m = desk.shown();
        let close = m.previous_close.unwrap().0;
        let away = |price: Option<Price>| (price.unwrap().0 - close) * 10_000 / close;
        Moved {
            symbol: format!("{symbol} of seed {seed}"),
            gap: away(m.opening_price),
            day: away(m.current_price),
            range: away(m.high_price) - away(m.low_price),
            late: m.opening_price_time.unwrap().0 > at(9, 0, 10).s(),
        }
    };
    exchange.desks.iter().zip(symbols).map(moved).collect()
}

/// The absolute value that so many of a hundred do not exceed.
fn quantile(moves: &[Moved], percent: usize, of: impl Fn(&Moved) -> i64) -> i64 {
    let mut all: Vec<i64> = moves.iter().map(|m| of(m).abs()).collect();
    all.sort_unstable();
    all[(all.len() - 1) * percent / 100]
}

/// What shares do on an ordinary day: half of them end more than 1 to 2 % away from yesterday, one in a hundred 10 %.
fn plausible(moves: &[Moved], rate: f64) {
    let of = |percent, what: fn(&Moved) -> i64| quantile(moves, percent, what);
    let (half, most) = (of(50, |m| m.day), of(99, |m| m.day));
    assert!(
        (80..=200).contains(&half),
        "{rate}/s: half of the days move {half} or more"
    );
    assert!(most < 1_000, "{rate}/s: one day in a hundred moves {most}");
    let (half, most) = (of(50, |m| m.gap), of(99, |m| m.gap));
    assert!(
        (30..=120).contains(&half),
        "{rate}/s: half of the gaps are {half} or more"
    );
    assert!(most < 700, "{rate}/s: one gap in a hundred is {most}");
    for m in moves {
        let (day, gap, range) = (m.day.abs(), m.gap.abs(), m.range);
        // Nobody asked for a limit, which is 20 % away and more.
        assert!(
            day < 1_500 && gap < 1_200 && range < 2_000,
            "{}: {day} {gap} {range}",
            m.symbol
        );
    }
}

#[test]
fn open_gaps_and_day_moves_are_those_of_a_stock_exchange() {
    // A quiet and the usual market of fifty; the rate must not decide how far prices go.
    for (seeds, rate) in [(1..=8, 0.1), (1..=3, 1.2)] {
        let moves: Vec<Moved> = seeds.flat_map(|seed| day_of(&fifty(seed), seed, rate)).collect();
        plausible(&moves, rate);
        let late: Vec<&Moved> = moves.iter().filter(|m| m.late).collect();
        assert!(!late.is_empty() && late.len() * 10 < moves.len(), "{} late", late.len());
        // Renewed every three minutes, a special quote makes three steps at most until 09:06:40.
        for m in late {
            assert!(m.gap.abs() < 1_200, "{} opened {} away", m.symbol, m.gap);
        }
    }
}

#[test]
fn cheap_shares_are_no_wilder_than_others() {
    let symbols = [symbols("9432 9434"), fifty(1).split_off(40)].concat();
    let moves: Vec<Moved> = (1..=2).flat_map(|seed| day_of(&symbols, seed, 6.0)).collect();
    let half = quantile(&moves, 50, |m| m.day);
    assert!((40..=300).contains(&half), "{half}");
    for m in &moves {
        let most = if m.symbol.starts_with("943") { 700 } else { 1_200 };
        assert!(
            m.day.abs() < most && m.range < 2 * most,
            "{}: {} {}",
            m.symbol,
            m.day,
            m.range
        );
    }
}

/// The exchange renews a special quote (特別気配) every three minutes, by one step of its table (更新値幅).
#[test]
fn a_special_quote_moves_every_three_minutes() {
    let mut exchange = open("7203", at(8, 59, 0));
    exchange.act(
        &action(MarketEvent::SpecialQuote(Side::Sell), Some(at(9, 10, 0))),
        at(8, 59, 0),
    );
    let mut steps: Vec<(Stamp, i64)> = Vec::new();
    for (when, _, m) in run(&mut exchange, at(9, 9, 59)) {
        if when < at(9, 0, 0) || m["BidSign"] != "0102" {
            continue;
        }
        let price = (m["BidPrice"].as_f64().unwrap() * 10_000.0) as i64;
        if steps.last().is_none_or(|last| last.1 != price) {
            steps.push((when, price));
        }
    }
    assert_eq!(steps.len(), 4, "{steps:?}");
    for pair in steps.windows(2) {
        let apart = pair[1].0.ms_since(pair[0].0);
        assert!((179_000..=181_000).contains(&apart), "{apart} ms");
        assert_eq!(pair[0].1 - pair[1].1, 500_000, "50 yen a step from 2,000 to 3,000 yen");
    }
}
