//! What holds after every message, checked on the encoded JSON: what a client of the station could see.

mod day;
mod episodes;
mod operations;

use std::collections::BTreeMap;

use ayumi_wire::jst;
use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Kind;
use serde_json::Value;

use super::*;
use crate::Symbol;

/// Friday, 2026-09-18, 09:00:00 JST.
fn nine() -> i64 {
    jst::parse(b"2026-09-18T09:00:00+09:00").unwrap().unix_s
}

fn profiles(codes: &[&str], seed: u64) -> Vec<Profile> {
    codes
        .iter()
        .map(|code| Profile::of(&code.parse::<Symbol>().unwrap(), seed))
        .collect()
}

fn encoded(market: &Market, index: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(4_096);
    market.message(index).write(&mut out);
    out
}

/// What is compared between two messages of one symbol, and counted over all of them.
#[derive(Default)]
struct Watch {
    last: Option<Value>,
    messages: u32,
    one_tick: u32,
    trades: u32,
    repeated: u32,
    gaps: u32,
    pairs: u32,
    sum: i128,
    sizes: BTreeMap<i64, u32>,
    price_range: Option<(i64, i64)>,
}

/// A number of the message in 1/10,000.
fn e4(value: &Value, key: &str) -> i64 {
    let number = value[key].as_f64().unwrap_or_else(|| panic!("{key} in {value}"));
    (number * 10_000.0).round() as i64
}

fn whole(value: &Value, key: &str) -> i64 {
    let e4 = e4(value, key);
    assert_eq!(e4 % 10_000, 0, "{key}");
    e4 / 10_000
}

fn second(value: &Value, key: &str) -> i64 {
    let time = jst::parse(value[key].as_str().unwrap().as_bytes()).unwrap();
    assert!(time.jst_offset);
    time.unix_s
}

fn levels(value: &Value, side: &str) -> Vec<(i64, i64)> {
    let level = |n| &value[format!("{side}{n}")];
    (1..=10)
        .map(|n| (e4(level(n), "Price"), whole(level(n), "Qty")))
        .collect()
}

impl Watch {
    fn message(&mut self, profile: &Profile, json: &[u8], step: Step, now_s: i64) {
        let value: Value = serde_json::from_slice(json).unwrap();
        self.messages += 1;
        self.prices(profile, &value);
        self.times(&value, now_s);
        if profile.kind != Kind::Index {
            self.book(profile, &value);
            self.volume(profile, &value, step);
            if let (Some(last), Some(trade)) = (&self.last, step.traded) {
                consumed(last, &value, trade);
            }
        }
        self.last = Some(value);
    }

    fn prices(&mut self, profile: &Profile, value: &Value) {
        let price = e4(value, "CurrentPrice");
        let (high, low, open) = (e4(value, "HighPrice"), e4(value, "LowPrice"), e4(value, "OpeningPrice"));
        assert!(high >= price && price >= low && high >= open && open >= low);
        assert!(ticksize::is_valid(profile.group, Price(price)), "{price}");
        let rules = profile.rules();
        assert!((rules.lowest.0..=rules.highest.0).contains(&low) && high <= rules.highest.0);
        let close = e4(value, "PreviousClose");
        assert_eq!(close, profile.previous_close.0);
        assert_eq!(e4(value, "ChangePreviousClose"), price - close);
        let percent = (price - close) as f64 * 100.0 / close as f64;
        assert!((value["ChangePreviousClosePer"].as_f64().unwrap() - percent).abs() < 0.00501);
        let (range_low, range_high) = self.price_range.unwrap_or((price, price));
        self.price_range = Some((range_low.min(price), range_high.max(price)));
        let before = self.last.as_ref().map_or(close, |last| e4(last, "CurrentPrice"));
        let status = value["CurrentPriceChangeStatus"].as_str().unwrap();
        let traded = self.last.as_ref().is_none_or(|last| {
            profile.kind == Kind::Index || whole(last, "TradingVolume") < whole(value, "TradingVolume")
        });
        if traded {
            let expected = match price.cmp(&before) {
                std::cmp::Ordering::Equal => "0056",
                std::cmp::Ordering::Greater => "0057",
                std::cmp::Ordering::Less => "0058",
            };
            assert_eq!(status, expected);
            self.repeated += u32::from(price == before);
        }
        if let Some(last) = &self.last {
            assert_eq!(open, e4(last, "OpeningPrice"));
            assert_eq!(value["OpeningPriceTime"], last["OpeningPriceTime"]);
            assert!(high >= e4(last, "HighPrice") && low <= e4(last, "LowPrice"));
            assert!(traded || (status == last["CurrentPriceChangeStatus"] && price == before));
        }
    }

    fn times(&self, value: &Value, now_s: i64) {
        for key in [
            "CurrentPriceTime",
            "TradingVolumeTime",
            "BidTime",
            "AskTime",
            "OpeningPriceTime",
            "HighPriceTime",
            "LowPriceTime",
        ] {
            if value[key].is_null() {
                continue;
            }
            let time = second(value, key);
            assert!(time <= now_s, "{key}");
            if let Some(last) = &self.last {
                assert!(time >= second(last, key), "{key}");
                // A time that moved is the time of this message.
                assert!(time == second(last, key) || time == now_s, "{key}");
            }
        }
        assert_eq!(value["PreviousCloseTime"], "2026-09-17T00:00:00+09:00");
    }

    fn book(&mut self, profile: &Profile, value: &Value) {
        let (sell, buy) = (levels(value, "Sell"), levels(value, "Buy"));
        // Bid is the best sell, Ask the best buy.
        assert_eq!((e4(value, "BidPrice"), whole(value, "BidQty")), sell[0]);
        assert_eq!((e4(value, "AskPrice"), whole(value, "AskQty")), buy[0]);
        for (name, shown) in [("Bid", "Sell1"), ("Ask", "Buy1")] {
            assert_eq!(value[format!("{name}Sign")], "0101");
            assert_eq!(value[shown]["Sign"], "0101");
            assert_eq!(value[shown]["Time"], value[format!("{name}Time")]);
        }
        let rules = profile.rules();
        for (price, qty) in sell.iter().chain(&buy) {
            assert!(ticksize::is_valid(profile.group, Price(*price)), "{price}");
            assert!((rules.lowest.0..=rules.highest.0).contains(price));
            assert!(*qty > 0 && qty % profile.unit == 0);
        }
        assert!(buy[0].0 < sell[0].0);
        let (mut spread, mut at) = (0, Price(buy[0].0));
        while at.0 < sell[0].0 {
            (spread, at) = (spread + 1, ticksize::up(profile.group, at));
        }
        // Four of the coarser ticks at a border of the table are more of the finer ones.
        assert!(spread <= 4 || ticksize::tick(profile.group, Price(buy[9].0)) != ticksize::tick(profile.group, at));
        self.one_tick += u32::from(spread == 1);
        for pair in sell.windows(2) {
            assert!(pair[0].0 < pair[1].0);
            self.gaps += u32::from(ticksize::up(profile.group, Price(pair[0].0)).0 != pair[1].0);
        }
        for pair in buy.windows(2) {
            assert!(pair[0].0 > pair[1].0);
            self.gaps += u32::from(ticksize::down(profile.group, Price(pair[0].0)).0 != pair[1].0);
        }
        self.pairs += 18;
        if profile.kind == Kind::Stock {
            assert!(whole(value, "OverSellQty") > 0 && whole(value, "UnderBuyQty") > 0);
            assert_eq!(
                (whole(value, "MarketOrderSellQty"), whole(value, "MarketOrderBuyQty")),
                (0, 0)
            );
        }
    }

    fn volume(&mut self, profile: &Profile, value: &Value, step: Step) {
        let volume = whole(value, "TradingVolume");
        let before = self.last.as_ref().map_or(0, |last| whole(last, "TradingVolume"));
        match step.traded {
            Some(trade) => {
                assert_eq!(volume - before, trade.qty.0);
                assert_eq!(e4(value, "CurrentPrice"), trade.price.0);
                assert!(trade.qty.0 > 0 && trade.qty.0 % profile.unit == 0);
                self.sum += i128::from(trade.price.0) * i128::from(trade.qty.0);
                self.trades += 1;
                if self.last.is_some() {
                    *self.sizes.entry(trade.qty.0 / profile.unit).or_default() += 1;
                }
            }
            None => assert_eq!(volume, before),
        }
        let turnover = self.sum * i128::from(profile.multiplier);
        assert_eq!(i128::from(e4(value, "TradingValue")), turnover);
        let rounding = (i128::from(e4(value, "VWAP")) * i128::from(volume) - self.sum).abs();
        assert!(2 * rounding <= i128::from(volume), "{rounding} {volume}");
    }

    fn looks_real(&self, profile: &Profile) {
        let name = &profile.name;
        let percent = |part: u32, all: u32| part * 100 / all.max(1);
        assert!(
            percent(self.one_tick, self.messages) > 60,
            "{name}: {} % one tick",
            percent(self.one_tick, self.messages)
        );
        let gaps = self.gaps * 1_000 / self.pairs;
        assert!((2..250).contains(&gaps), "{name}: {gaps} of 1,000 levels after a gap");
        // The average is far above the usual size: a heavy tail.
        let average = profile.trade_units;
        let count = |range: std::ops::RangeInclusive<i64>| self.sizes.range(range).map(|(_, n)| n).sum::<u32>();
        let all = count(0..=i64::MAX);
        assert!(percent(count(0..=average), all) > 60, "{name}: {:?}", self.sizes);
        assert!(count(2 * average + 1..=i64::MAX) > 0, "{name}: {:?}", self.sizes);
        assert!(
            (20..95).contains(&percent(self.repeated, self.trades)),
            "{name}: {} % at the same price",
            percent(self.repeated, self.trades)
        );
    }
}

/// The trade happened at a price that was the best of the other side, and took exactly its size from there.
fn consumed(last: &Value, value: &Value, trade: Trade) {
    let side = match trade.side {
        Side::Buy => "Sell",
        Side::Sell => "Buy",
    };
    let (price, qty) = levels(last, side)[0];
    assert_eq!(price, trade.price.0);
    assert!(trade.qty.0 <= qty);
    let left = levels(value, side)
        .iter()
        .find(|level| level.0 == price)
        .map_or(0, |level| level.1);
    assert_eq!(left, qty - trade.qty.0);
}

const CODES: [&str; 12] = [
    "7203",
    "9984",
    "8306",
    "9432",
    "6861",
    "247A",
    "1570",
    "1306",
    "4321",
    "999A",
    "167060019@23",
    "165120018@2",
];

#[test]
fn every_message_holds_together() {
    for seed in 1..=3u64 {
        let mut market = Market::new(seed, profiles(&CODES, seed));
        for (index, code) in CODES.iter().enumerate() {
            let mut watch = Watch::default();
            for event in 0..3_000 {
                let now_s = nine() + event / 20;
                let step = market.step(index, Stamp::from_ms(now_s * 1_000 + event % 20 * 50));
                watch.message(&market.profiles()[index], &encoded(&market, index), step, now_s);
            }
            watch.looks_real(&market.profiles()[index]);
            let share = watch.trades * 100 / watch.messages;
            assert!((13..28).contains(&share), "{code}: {share} % of the events trade");
        }
    }
}

#[test]
fn every_tick_of_the_mock_trades_and_holds_together() {
    for seed in 10..=11u64 {
        let mut market = Market::new(seed, profiles(&CODES, seed));
        for index in 0..CODES.len() {
            let mut watch = Watch::default();
            for event in 0..3_000 {
                let now_s = nine() + event / 20;
                let before = watch.last.as_ref().map_or(0, |last| whole(last, "TradingVolume"));
                let qty = market.tick(index, Stamp::from_s(now_s)).trading_volume.unwrap().0 - before;
                let price = market.message(index).current_price.unwrap();
                let sold = watch
                    .last
                    .as_ref()
                    .is_some_and(|last| levels(last, "Buy")[0].0 == price.0);
                let side = if sold { Side::Sell } else { Side::Buy };
                let step = Step {
                    traded: Some(Trade {
                        price,
                        qty: Qty(qty),
                        side,
                    }),
                };
                watch.message(&market.profiles()[index], &encoded(&market, index), step, now_s);
            }
            watch.looks_real(&market.profiles()[index]);
        }
    }
}

#[test]
fn an_index_moves_without_trading() {
    let mut market = Market::new(5, profiles(&["101", "145@2"], 5));
    for index in 0..2 {
        let mut watch = Watch::default();
        for event in 0..2_000 {
            let step = market.step(index, Stamp::from_s(nine() + event));
            assert_eq!(step.traded, None);
            watch.message(
                &market.profiles()[index],
                &encoded(&market, index),
                step,
                nine() + event,
            );
        }
        let (low, high) = watch.price_range.unwrap();
        assert!(low < high);
    }
}

/// An hour at 20 events a second: alive, but far from the limits.
#[test]
fn an_hour_stays_in_a_day_s_range() {
    for seed in 0..6 {
        let mut market = Market::new(seed, profiles(&["7203", "285A", "9432", "8306"], seed));
        for index in 0..market.profiles().len() {
            for event in 0..72_000 {
                if seed % 2 == 0 {
                    market.tick(index, Stamp::from_s(nine() + event / 20));
                } else {
                    market.step(index, Stamp::from_s(nine() + event / 20));
                }
            }
            let (profile, message) = (&market.profiles()[index], market.message(index));
            let (high, low) = (message.high_price.unwrap().0, message.low_price.unwrap().0);
            let per_mille = (high - low) * 1_000 / profile.previous_close.0;
            assert!((2..150).contains(&per_mille), "{}: {per_mille} per mille", profile.name);
            assert!(low > profile.rules().lowest.0 && high < profile.rules().highest.0);
        }
    }
}

/// Penny shares and narrow limits: fewer levels, but never a broken book.
#[test]
fn any_previous_close_gives_a_market() {
    for yen_e1 in [0, 1, 10, 20, 55, 300, 29_990, 30_000, 50_000_000, 600_000_000] {
        for group in [
            ticksize::Group::Share,
            ticksize::Group::Topix500,
            ticksize::Group::Fixed(Price(0)),
        ] {
            let profile = Profile {
                previous_close: Price(yen_e1 * 1_000),
                group,
                unit: 0,
                trade_units: 0,
                depth: 0,
                ..Profile::of(&Symbol::tse("7203"), 0)
            };
            let mut market = Market::new(3, vec![profile]);
            for event in 0..2_000 {
                let step = market.step(0, Stamp::from_s(nine() + event));
                assert!(step.traded.is_none_or(|trade| trade.qty.0 > 0));
                let message = market.message(0);
                let (sell, buy) = (message.sell[0], message.buy[0]);
                assert!(buy.price < sell.price && buy.qty.0 > 0 && sell.qty.0 > 0, "{message:?}");
            }
        }
    }
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_gives_others() {
    let bytes = |seed: u64, delay_s: i64, order: [usize; 3]| {
        let mut market = Market::new(seed, profiles(&["7203", "9984", "101"], 1));
        let mut out = vec![Vec::new(); 3];
        for event in 0..500 {
            for index in order {
                if event % 3 == 0 {
                    market.tick(index, Stamp::from_s(nine() + event + delay_s));
                } else {
                    market.step(index, Stamp::from_s(nine() + event + delay_s));
                }
                market.message(index).write(&mut out[index]);
            }
        }
        out
    };
    let first = bytes(1, 0, [0, 1, 2]);
    assert_eq!(first, bytes(1, 0, [0, 1, 2]));
    assert_eq!(first, bytes(1, 0, [2, 0, 1]), "symbols do not disturb each other");
    assert_ne!(first, bytes(2, 0, [0, 1, 2]));
    assert_ne!(first[0].len(), 0);
    // Later on the same day: only the digits of the times differ.
    let later = bytes(1, 3_600, [0, 1, 2]);
    let timeless = |all: &[Vec<u8>]| {
        all.iter()
            .map(|out| String::from_utf8_lossy(out).replace("T10:", "T09:"))
            .collect::<Vec<_>>()
    };
    assert_eq!(timeless(&first), timeless(&later));
}

/// The sequence is part of the promise to users of `--seed`: a change of it should be a decision.
#[test]
fn the_sequence_is_pinned() {
    let mut market = Market::new(42, profiles(&["7203", "167060019@2", "101"], 42));
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for event in 0..3_000 {
        for index in 0..3 {
            market.step(index, Stamp::from_s(nine() + event / 20));
            for byte in encoded(&market, index) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    assert_eq!(format!("{hash:016x}"), "684b5beba30dd444");
}

/// The auction of these symbols prints 60 to 400 usual trades at once; nothing like it may follow a restart.
#[test]
fn a_continued_market_goes_on_without_an_opening_print() {
    const BEFORE: i64 = 1_234_500;
    for seed in 1..=30 {
        for ticks in [false, true] {
            let mut market = Market::new(seed, profiles(&CODES, seed));
            for index in 0..CODES.len() {
                market.go_on_from(index, Qty(BEFORE));
                let profile = market.profiles()[index].clone();
                let step = if ticks {
                    market.tick(index, Stamp::from_s(nine()));
                    Step::default()
                } else {
                    market.step(index, Stamp::from_s(nine()))
                };
                let message = market.message(index);
                let qty = message.trading_volume.unwrap().0 - BEFORE;
                assert!(step.traded.is_none_or(|trade| trade.qty.0 == qty));
                assert!((1..60 * profile.trade_units * profile.unit).contains(&qty), "{qty}");
                let (first, close) = (message.current_price.unwrap().0, profile.previous_close);
                let off = (first - close.0).abs() / ticksize::tick(profile.group, close).0;
                assert!(off <= 4, "{} ticks from the previous close", off);
                assert!(message.buy[0].price < message.sell[0].price);
                assert_eq!(message.opening_price, message.current_price);
            }
        }
    }
    // Nothing was traded before: the auction is still to come.
    let [mut fresh, mut zero] = [(); 2].map(|()| Market::new(7, profiles(&["7203"], 7)));
    zero.go_on_from(0, Qty(0));
    let now = Stamp::from_s(nine());
    assert_eq!(fresh.step(0, now), zero.step(0, now));
}

#[test]
fn the_clock_of_the_caller_may_step_back() {
    let mut market = Market::new(1, profiles(&["7203"], 1));
    market.step(0, Stamp::from_s(nine() + 10));
    market.tick(0, Stamp::from_s(nine()));
    assert_eq!(market.message(0).current_price_time.unwrap().0, nine() + 10);
}

#[test]
fn before_the_first_event_all_is_null() {
    let market = Market::new(1, profiles(&["7203", "167060019@2", "101"], 1));
    for index in 0..3 {
        let value: Value = serde_json::from_slice(&encoded(&market, index)).unwrap();
        for key in [
            "CurrentPrice",
            "TradingVolume",
            "OpeningPrice",
            "BidPrice",
            "AskPrice",
            "PreviousCloseTime",
        ] {
            assert!(value[key].is_null(), "{key}");
        }
        assert_eq!(value["CurrentPriceChangeStatus"], "");
        assert_eq!(e4(&value, "CalcPrice"), market.profiles()[index].previous_close.0);
    }
}

/// What the station's own decoder shape expects: every message stays on the decoder's fast path.
#[test]
fn messages_are_what_the_decoder_calls_ordinary() {
    let mut market = Market::new(8, profiles(&CODES, 8));
    for index in 0..CODES.len() {
        for event in 0..200 {
            market.step(index, Stamp::from_s(nine() + event));
            let json = encoded(&market, index);
            assert!(json.len() < 2_300, "{}", json.len());
            assert!(ayumi_wire::push::is_fast(&json), "{}", String::from_utf8_lossy(&json));
            let push = ayumi_wire::push::decode(&json).unwrap();
            assert_eq!(push.current_price, market.message(index).current_price);
            assert_eq!(push.trading_volume, market.message(index).trading_volume);
            assert_eq!(
                (push.sell, push.buy),
                (market.message(index).sell, market.message(index).buy)
            );
            assert_eq!(push.bad, Default::default());
        }
    }
}
