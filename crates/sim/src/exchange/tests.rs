mod prices;

use std::collections::BTreeMap;

use ayumi_engine::market::Profile;
use ayumi_wire::jst::Date;
use serde_json::Value;

use super::*;

const DAY: &str = "2026-11-20";

fn at(hour: i64, minute: i64, second: i64) -> Stamp {
    at_on(DAY, hour, minute, second)
}

fn at_on(day: &str, hour: i64, minute: i64, second: i64) -> Stamp {
    Stamp::from_s(Date::parse(day).unwrap().midnight_s() + (hour * 60 + minute) * 60 + second)
}

fn symbols(list: &str) -> Vec<Symbol> {
    list.split(' ').map(|s| s.parse().unwrap()).collect()
}

fn open_with(list: &str, start: Stamp, change: impl FnOnce(&mut Setup<'_>)) -> Exchange {
    let symbols = symbols(list);
    let mut setup = Setup {
        seed: 1,
        symbols: &symbols,
        per_second: 2.0 * symbols.len() as f64,
        hours: Hours::Session,
        start,
        paths: BTreeMap::new(),
    };
    change(&mut setup);
    let mut exchange = Exchange::open(&setup);
    exchange.pass_to(start);
    exchange
}

fn open(list: &str, start: Stamp) -> Exchange {
    open_with(list, start, |_| {})
}

/// Messages up to `end`, with their times and symbols.
fn run(exchange: &mut Exchange, end: Stamp) -> Vec<(Stamp, usize, Value)> {
    let mut all = Vec::new();
    let mut text = Vec::new();
    while exchange.peek().is_some_and(|at| at <= end) {
        text.clear();
        if let Some(sent) = exchange.take(&mut text) {
            all.push((sent.at, sent.index, serde_json::from_slice(&text).unwrap()));
        }
    }
    all
}

fn truth(exchange: &mut Exchange, end: Stamp) -> Vec<Print> {
    std::iter::from_fn(|| exchange.print(end)).collect()
}

fn text_of(messages: &[(Stamp, usize, Value)], index: usize) -> Vec<String> {
    let own = messages.iter().filter(|m| m.1 == index);
    own.map(|m| m.2.to_string()).collect()
}

#[test]
fn a_seed_gives_the_same_day_and_the_same_truth() {
    let day = |seed| {
        let mut exchange = open_with("7203 1570 285A", at(8, 59, 0), |s| s.seed = seed);
        let messages = run(&mut exchange, at(9, 10, 0));
        (messages, truth(&mut exchange, at(9, 10, 0)))
    };
    let first = day(7);
    assert!(first == day(7));
    let other = day(8);
    assert!(first.0 != other.0 && first.1 != other.1);
}

#[test]
fn one_symbol_more_changes_no_byte_of_the_others() {
    for hours in [Hours::Session, Hours::Always] {
        let day = |list: &str| run(&mut open_with(list, at(8, 59, 0), |s| s.hours = hours), at(9, 5, 0));
        let (two, three) = (day("7203 285A"), day("7203 1570 285A"));
        assert!(text_of(&two, 0) == text_of(&three, 0), "{hours:?}");
        assert!(text_of(&two, 1) == text_of(&three, 2), "{hours:?}");
        assert!(text_of(&two, 0).len() > 100);
    }
}

#[test]
fn looking_ahead_changes_nothing() {
    let end = at(12, 31, 0);
    let plain = run(&mut open("7203 101", at(11, 29, 0)), end);
    let mut exchange = open("7203 101", at(11, 29, 0));
    let mut text = Vec::new();
    for (at, index, message) in plain {
        assert_eq!((exchange.peek(), exchange.peek()), (Some(at), Some(at)));
        text.clear();
        let sent = exchange.take(&mut text).unwrap();
        assert_eq!((sent.at, sent.index), (at, index));
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), message);
    }
}

#[test]
fn lunch_and_evening_are_silent() {
    let mut exchange = open("7203 9984 1570", at(11, 29, 0));
    let times: Vec<Stamp> = run(&mut exchange, at(20, 0, 0)).iter().map(|m| m.0).collect();
    let silent = |from: Stamp, to: Stamp| !times.iter().any(|t| (from..to).contains(t));
    assert!(silent(at(11, 30, 0).plus_ms(150), at(12, 5, 0).plus_ms(80)));
    assert!(silent(at(15, 30, 1), at(20, 0, 0)));
    assert!(!silent(at(15, 30, 0).plus_ms(400), at(15, 30, 1)), "the last book");
    assert!(times.is_sorted());
}

#[test]
fn a_start_in_the_middle_shows_a_day_that_has_begun() {
    let mut exchange = open("7203 167120018@2 101", at(10, 17, 0));
    let prints = truth(&mut exchange, at(10, 17, 0));
    for (index, opened) in [(0, "2026-11-20T09"), (1, "2026-11-19T17"), (2, "2026-11-20T09")] {
        let mut text = Vec::new();
        exchange.show(index, &mut text);
        let m: Value = serde_json::from_slice(&text).unwrap();
        assert!(m["OpeningPriceTime"].as_str().unwrap().starts_with(opened), "{m}");
        let traded: i64 = prints.iter().filter(|p| p.index == index).map(|p| p.qty.0).sum();
        if index < 2 {
            // What was traded in the last moments may not have been sent yet.
            let shown = m["TradingVolume"].as_f64().unwrap() as i64;
            assert!(
                shown > 0 && shown <= traded && traded - shown < traded / 10,
                "{shown} of {traded}"
            );
        }
    }
    assert!(exchange.peek().unwrap() >= at(10, 17, 0));
}

#[test]
fn a_run_over_midnight_reaches_the_next_trading_day() {
    // The Monday after is a holiday.
    let mut exchange = open_with("7203", at_on("2026-11-20", 15, 0, 0), |s| s.per_second = 0.2);
    let messages = run(&mut exchange, at_on("2026-11-24", 9, 30, 0));
    let volumes: Vec<Option<f64>> = messages.iter().map(|m| m.2["TradingVolume"].as_f64()).collect();
    let null = volumes
        .iter()
        .position(Option::is_none)
        .expect("a new day begins with nulls");
    assert_eq!(messages[null].0.date(), Date::parse("2026-11-24").unwrap());
    let close = messages[null - 1].2["CurrentPrice"].clone();
    let last = &messages.last().unwrap().2;
    assert_eq!(last["PreviousClose"], close);
    assert!(volumes[null - 1].unwrap() > last["TradingVolume"].as_f64().unwrap());
    assert!(last["PreviousCloseTime"].as_str().unwrap().starts_with("2026-11-20"));
}

#[test]
fn quotes_alone_keep_their_distance() {
    let mut exchange = open("7203 9432", at(10, 0, 0));
    let mut last: BTreeMap<usize, (Stamp, Value)> = BTreeMap::new();
    let mut gaps = Vec::new();
    for (at, index, m) in run(&mut exchange, at(11, 0, 0)) {
        let price_part = Value::from(vec![m["TradingVolume"].clone(), m["CurrentPriceTime"].clone()]);
        if let Some((before, part)) = last.insert(index, (at, price_part.clone()))
            && part == price_part
        {
            gaps.push(at.ms_since(before));
        }
    }
    gaps.sort_unstable();
    assert!(
        gaps[gaps.len() / 2] >= 390,
        "quote-only median {} ms",
        gaps[gaps.len() / 2]
    );
}

#[test]
fn the_tape_knows_more_than_the_messages() {
    let mut exchange = open("7203 9432 1570 101", at(9, 30, 0));
    let before = truth(&mut exchange, at(9, 30, 0)).len();
    assert!(before > 100);
    let mut raised = 0;
    let mut volumes = BTreeMap::new();
    let messages = run(&mut exchange, at(11, 0, 0));
    for (_, index, m) in &messages {
        let volume = m["TradingVolume"].as_f64();
        raised += usize::from(volumes.insert(*index, volume) < Some(volume));
    }
    let prints = truth(&mut exchange, at(11, 0, 0));
    assert!(
        prints.len() * 10 > raised * 15,
        "{} prints, {raised} messages with volume",
        prints.len()
    );
    assert!(prints.windows(2).all(|w| w[0].at <= w[1].at), "in the order of time");
    let share = raised * 100 / messages.len();
    assert!((14..30).contains(&share), "{share} %");
}

fn action(event: MarketEvent, until: Option<Stamp>) -> MarketAction {
    MarketAction {
        symbol: Some(Symbol::tse("7203")),
        event,
        until,
    }
}

fn signs(messages: &[(Stamp, usize, Value)], from: Stamp, to: Stamp) -> Vec<(String, String)> {
    let of = |m: &Value, key: &str| m[key].as_str().unwrap_or("null").to_owned();
    let inside = messages.iter().filter(|m| m.0 > from && m.0 < to && m.1 == 0);
    inside.map(|m| (of(&m.2, "BidSign"), of(&m.2, "AskSign"))).collect()
}

#[test]
fn a_special_quote_delays_the_opening() {
    let mut exchange = open("7203", at(8, 30, 0));
    exchange.act(
        &action(MarketEvent::SpecialQuote(Side::Buy), Some(at(9, 7, 0))),
        at(8, 30, 0),
    );
    let messages = run(&mut exchange, at(9, 10, 0));
    let special = signs(&messages, at(9, 0, 1), at(9, 7, 0));
    assert!(
        special.len() > 10 && special.iter().all(|s| s.0 == "0102" || s.1 == "0102"),
        "{special:?}"
    );
    for (at_, _, m) in &messages {
        assert_eq!(m["CurrentPrice"].is_null(), *at_ < at(9, 7, 0), "{at_:?} {m}");
    }
    let opening = &messages.last().unwrap().2["OpeningPriceTime"];
    assert_eq!(opening, "2026-11-20T09:07:00+09:00");
}

#[test]
fn a_halt_ends_with_an_auction() {
    let mut exchange = open("7203", at(10, 0, 0));
    exchange.act(&action(MarketEvent::Halt, Some(at(10, 10, 0))), at(10, 0, 0));
    let messages = run(&mut exchange, at(10, 20, 0));
    let first = messages
        .iter()
        .find(|m| m.2["CurrentPriceStatus"] == 6)
        .expect("halted");
    assert!(first.0 < at(10, 0, 2));
    assert!(!messages.iter().any(|m| m.0 > at(10, 0, 5) && m.0 < at(10, 10, 0)));
    assert!(messages.iter().any(|m| m.2["CurrentPriceChangeStatus"] == "0059"));
    assert_eq!(messages.last().unwrap().2["CurrentPriceStatus"], 1);
}

#[test]
fn a_halt_before_the_open_leaves_the_opening_to_the_script() {
    let mut exchange = open("7203", at(8, 30, 0));
    exchange.act(&action(MarketEvent::Halt, Some(at(8, 40, 0))), at(8, 31, 0));
    for (when, _, m) in run(&mut exchange, at(9, 5, 0)) {
        assert!(when > at(9, 0, 0) || m["CurrentPrice"].is_null(), "{m}");
    }
    let mut text = Vec::new();
    exchange.show(0, &mut text);
    assert!(
        String::from_utf8(text)
            .unwrap()
            .contains("\"OpeningPriceTime\":\"2026-11-20T09:00:0")
    );
}

#[test]
fn a_limit_lasts_until_the_close_or_its_end() {
    let mut exchange = open("7203", at(10, 0, 0));
    exchange.act(&action(MarketEvent::Limit(Side::Buy), None), at(10, 0, 0));
    let high = exchange.market.limits(0).1.yen();
    let messages = run(&mut exchange, at(16, 0, 0));
    let last = &messages.last().unwrap().2;
    assert_eq!(
        (last["CurrentPrice"].as_f64(), last["HighPrice"].as_f64()),
        (Some(high), Some(high))
    );
    assert_eq!(last["CurrentPriceTime"], "2026-11-20T15:30:00+09:00");

    let mut exchange = open("7203", at(10, 0, 0));
    exchange.act(
        &action(MarketEvent::Limit(Side::Sell), Some(at(13, 0, 0))),
        at(10, 0, 0),
    );
    let messages = run(&mut exchange, at(14, 0, 0));
    let low = exchange.market.limits(0).0.yen();
    let at_one = messages.iter().rfind(|m| m.0 < at(13, 0, 0)).unwrap();
    assert_eq!(at_one.2["CurrentPrice"].as_f64(), Some(low));
    assert!(messages.last().unwrap().2["BidSign"] == "0101" && messages.last().unwrap().2["AskSign"] == "0101");
}

#[test]
fn distorted_messages_come_once() {
    for (event, shape) in [
        (MarketEvent::Lock, 0),
        (MarketEvent::Cross, 1),
        (MarketEvent::ZeroQuotes, 2),
        (MarketEvent::NullBlock, 3),
    ] {
        let mut exchange = open("7203", at(10, 0, 0));
        exchange.act(&action(event, None), at(10, 0, 30));
        let odd = |m: &Value| match (m["BidPrice"].as_f64(), m["AskPrice"].as_f64()) {
            (Some(sell), Some(buy)) if sell == 0.0 && buy == 0.0 => shape == 2,
            (Some(sell), Some(buy)) if sell == buy => shape == 0,
            (Some(sell), Some(buy)) => sell < buy && shape == 1,
            _ => shape == 3 && m["TradingVolume"].is_null(),
        };
        let messages = run(&mut exchange, at(10, 2, 0));
        let found: Vec<usize> = (0..messages.len()).filter(|&n| odd(&messages[n].2)).collect();
        assert_eq!(found.len(), 1, "{event:?}");
        assert_eq!(messages[found[0]].0, at(10, 0, 30));
        assert!(
            messages[found[0] + 1].0.ms_since(at(10, 0, 30)) <= 400,
            "the true state follows"
        );
    }
}

#[test]
fn silence_and_rush() {
    let mut exchange = open("7203", at(10, 0, 0));
    exchange.act(&action(MarketEvent::Silence, Some(at(10, 5, 0))), at(10, 0, 0));
    let mut messages = run(&mut exchange, at(10, 10, 0));
    exchange.act(&action(MarketEvent::Rush(10), Some(at(10, 20, 0))), at(10, 10, 0));
    messages.extend(run(&mut exchange, at(10, 30, 0)));
    let count = |from, to| messages.iter().filter(|m| m.0 >= from && m.0 < to).count();
    assert_eq!(count(at(10, 0, 0).plus_ms(1), at(10, 5, 0)), 0);
    assert!(count(at(10, 5, 0), at(10, 10, 0)) > 20);
    assert!(count(at(10, 10, 0), at(10, 20, 0)) > 3 * count(at(10, 20, 0), at(10, 30, 0)));
    let mut last = 0.0;
    for m in &messages {
        let volume = m.2["TradingVolume"].as_f64().unwrap();
        assert!(volume >= last);
        last = volume;
    }
}

#[test]
fn any_action_at_any_time_keeps_the_day_going() {
    let all = [
        MarketEvent::SpecialQuote(Side::Sell),
        MarketEvent::Halt,
        MarketEvent::Limit(Side::Buy),
        MarketEvent::Lock,
        MarketEvent::Cross,
        MarketEvent::ZeroQuotes,
        MarketEvent::NullBlock,
        MarketEvent::ZeroDepth,
        MarketEvent::ForeignDepth,
        MarketEvent::Rush(3),
        MarketEvent::Silence,
    ];
    let mut dice = Dice::new(5, "any", "action");
    for seed in 0..4 {
        let mut exchange = open_with("7203 1570 101 167120018@23", at(7, 50, 0), |s| {
            (s.seed, s.per_second) = (seed, 0.6);
        });
        let mut now = at(7, 50, 0);
        while now < at(15, 50, 0) {
            let event = all[dice.below(all.len() as i64) as usize];
            let until = dice.chance(700).then(|| now.plus_ms(dice.between(1_000, 1_800_000)));
            exchange.act(
                &MarketAction {
                    symbol: None,
                    event,
                    until,
                },
                now,
            );
            now = now.plus_ms(dice.between(1_000, 1_200_000));
            let messages = run(&mut exchange, now);
            assert!(messages.iter().map(|m| m.0).is_sorted());
        }
        // The next day is an ordinary one.
        let messages = run(&mut exchange, at_on("2026-11-24", 10, 0, 0));
        for index in [0, 1] {
            let last = messages.iter().rfind(|m| m.1 == index).unwrap();
            assert_eq!(
                (last.2["BidSign"].as_str(), last.0.date()),
                (Some("0101"), at_on("2026-11-24", 0, 0, 0).date())
            );
        }
        let mut sums: BTreeMap<usize, i64> = BTreeMap::new();
        for print in truth(&mut exchange, at(15, 50, 0)) {
            let sum = sums.entry(print.index).or_default();
            *sum += print.qty.0;
            assert_eq!(print.volume.0, *sum, "nothing is missing on the tape: {print:?}");
        }
    }
}

#[test]
fn a_path_is_followed() {
    let path = Path {
        previous_close: Price::from_yen(2_760),
        points: (0..23_400)
            .map(|s| (32_400 + s, Price(28_000_000 + i64::from(s) * 100 / 5 * 5)))
            .filter(|(s, _)| *s < 41_400 || *s >= 45_000)
            .collect(),
    };
    let mut exchange = open_with("7203 9984", at(8, 0, 0), |s| {
        s.paths.insert(Symbol::tse("7203"), path.clone());
    });
    for (when, index, m) in run(&mut exchange, at(11, 29, 0)) {
        if index == 0 {
            assert_eq!(m["PreviousClose"].as_f64(), Some(2_760.0));
        }
        let Some(price) = m["CurrentPrice"].as_f64().filter(|_| index == 0) else {
            continue;
        };
        let second = when.second_of_day();
        let expected = path
            .points
            .iter()
            .rfind(|p| p.0 <= second)
            .map_or(2_800.0, |p| p.1.yen());
        assert!(
            (price - expected).abs() < expected / 100.0,
            "{when:?}: {price}, not {expected}"
        );
    }
}

#[test]
fn a_late_path_opens_late() {
    let path = Path {
        previous_close: Price::from_yen(2_800),
        points: vec![
            (9 * 3_600 + 240, Price::from_yen(2_600)),
            (9 * 3_600 + 241, Price::from_yen(2_601)),
        ],
    };
    let mut exchange = open_with("7203", at(8, 0, 0), |s| {
        s.paths.insert(Symbol::tse("7203"), path);
    });
    let messages = run(&mut exchange, at(9, 10, 0));
    let first = messages.iter().find(|m| !m.2["CurrentPrice"].is_null()).unwrap();
    assert_eq!(first.0.s(), at(9, 4, 0).s());
    let price = first.2["OpeningPrice"].as_f64().unwrap();
    assert!((price - 2_600.0).abs() < 20.0, "{price}");
}

#[test]
fn at_any_hour_the_rate_is_what_was_asked_for() {
    let mut exchange = open_with("7203 1570 285A 101", at(3, 0, 0), |s| {
        (s.hours, s.per_second) = (Hours::Always, 100.0);
    });
    let count = run(&mut exchange, at(3, 1, 40)).len();
    assert!((9_700..10_300).contains(&count), "{count}");
}

#[test]
fn the_opening_comes_in_packets() {
    let list: Vec<&str> = Profile::known_codes().take(50).collect();
    let mut exchange = open(&list.join(" "), at(8, 59, 0));
    let times: Vec<Stamp> = run(&mut exchange, at(9, 0, 30))
        .iter()
        .map(|m| m.0)
        .filter(|t| *t > at(9, 0, 0))
        .collect();
    let gaps: Vec<i64> = times.windows(2).map(|w| w[1].0 - w[0].0).collect();
    assert!(gaps.iter().all(|&gap| gap >= LINE_GAP));
    let close = gaps.iter().filter(|&&gap| gap == LINE_GAP).count();
    assert!(close * 10 > gaps.len() * 6, "{close} of {}", gaps.len());
    let second = |s| times.iter().filter(|t| t.s() == at(9, 0, s).s()).count();
    assert!(
        (3..20).any(|s| second(s) > 300),
        "{:?}",
        (0..20).map(second).collect::<Vec<_>>()
    );
}
