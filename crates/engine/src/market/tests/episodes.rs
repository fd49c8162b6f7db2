//! What happens on some days only: special quotes, halts, the day's limits.

use ayumi_wire::num::Price;
use ayumi_wire::push::Level;

use super::day::{at, date, morning, quotes, trading};
use super::*;

#[test]
fn a_special_quote_walks_until_the_auction() {
    for side in [Side::Buy, Side::Sell] {
        let mut market = morning("7203", 9);
        market.call(0, at("08:59:00"));
        let mut last = market.profiles()[0].previous_close;
        for minute in 0..6 {
            market.special(0, at("09:00:00").plus_ms(minute * 60_000), side);
            let message = market.message(0);
            assert_eq!((message.current_price, message.trading_volume), (None, None));
            assert_eq!(
                (message.current_price_change_status, message.current_price_status),
                (Some(""), Some(-1))
            );
            // 50 yen a step from 2,000 to 3,000 yen.
            let moved = (message.bid_price.unwrap().0 - last.0) * if side == Side::Buy { 1 } else { -1 };
            assert_eq!(moved, 500_000);
            last = message.bid_price.unwrap();
            for _ in 0..20 {
                assert_eq!(market.step(0, at("09:03:00")).traded, None);
                assert_eq!(
                    (market.message(0).bid_price, market.message(0).ask_price),
                    (Some(last), Some(last))
                );
            }
        }
        let trade = market.auction(0, at("09:06:00"), Print::Open).traded.unwrap();
        assert_eq!((trade.price, market.message(0).opening_price), (last, Some(last)));
        market.open_book(0, at("09:06:00"));
        for _ in 0..500 {
            market.step(0, at("09:10:00"));
        }
        let off = (market.message(0).current_price.unwrap().0 - last.0).abs();
        assert!(off < 300_000, "trading goes on where the quote ended, not {off} away");
    }
}

#[test]
fn a_halt_ends_with_an_auction() {
    let mut market = trading("285A", 4);
    let before = market.message(0).clone();
    market.halt(0, at("10:00:00"));
    let message = market.message(0);
    assert_eq!(
        (message.current_price_status, message.bid_sign, message.buy1_sign),
        (Some(6), Some("0108"), Some("0108"))
    );
    assert_eq!(
        (message.current_price, message.trading_volume),
        (before.current_price, before.trading_volume)
    );
    assert_eq!(market.step(0, at("10:05:00")), Step::default());
    market.lift(0, at("10:20:00"));
    assert_eq!(market.message(0).current_price_status, Some(7));
    for _ in 0..30 {
        market.call(0, at("10:21:00"));
        assert_eq!(
            (market.message(0).current_price_status, market.message(0).ask_sign),
            (Some(7), Some("0107"))
        );
    }
    assert!(market.auction(0, at("10:30:00"), Print::Resume).traded.is_some());
    let message = market.message(0);
    assert_eq!(
        (message.current_price_change_status, message.current_price_status),
        (Some("0059"), Some(1))
    );
    market.open_book(0, at("10:30:00"));
    market.tick(0, at("10:30:01"));
    assert_ne!(market.message(0).current_price_change_status, Some("0059"));
}

#[test]
fn the_price_runs_to_its_limit_and_back() {
    for code in ["7203", "247A", "1570", "9432", "167060019@23"] {
        for side in [Side::Buy, Side::Sell] {
            let mut market = trading(code, 6);
            let (lowest, highest) = market.limits(0);
            let limit = if side == Side::Buy { highest } else { lowest };
            let (mut calls, mut run) = (0, Vec::new());
            while market.phase(0) != Phase::Limit(side) {
                market.limit(0, at("10:00:00"), side, &mut |trade| run.push(trade));
                calls += 1;
                assert!(calls < 40);
            }
            assert!(
                calls >= 8 && run.len() > 2 * calls,
                "{calls} calls, {} trades",
                run.len()
            );
            let onward = |w: &[Trade]| {
                if side == Side::Buy {
                    w[0].price <= w[1].price
                } else {
                    w[0].price >= w[1].price
                }
            };
            assert!(run.windows(2).skip(1).all(onward));
            assert_eq!(run.last().unwrap().price, limit);
            let trades = (0..400)
                .filter_map(|_| market.step(0, at("10:30:00")).traded)
                .collect::<Vec<_>>();
            assert!((50..200).contains(&trades.len()) && trades.iter().all(|t| t.price == limit && t.side != side));
            let mut freed = Vec::new();
            market.off_limit(0, at("11:00:00"), &mut |trade| freed.push(trade));
            assert_eq!((freed.len(), freed[0].price, market.phase(0)), (1, limit, Phase::Open));
            for _ in 0..2_000 {
                market.step(0, at("11:10:00"));
            }
            assert_ne!(market.message(0).buy[0].price, limit);
            let away = (market.message(0).current_price.unwrap().0 - limit.0).abs();
            assert!(away > 0 && away < (highest.0 - lowest.0) / 10, "{away}");
        }
    }
}

#[test]
fn a_limit_without_a_price_is_settled_at_the_close() {
    let mut market = morning("7203", 8);
    market.call(0, at("08:59:00"));
    let mut none = |trade: Trade| panic!("{trade:?}");
    while market.phase(0) != Phase::Limit(Side::Buy) {
        market.limit(0, at("09:00:00"), Side::Buy, &mut none);
    }
    for print in [Print::Open, Print::MorningClose, Print::AfternoonOpen] {
        assert_eq!(market.auction(0, at("10:00:00"), print), Step::default());
        assert_eq!(market.step(0, at("10:00:00")), Step::default());
        market.call(0, at("12:05:00"));
    }
    let message = market.message(0);
    assert_eq!(
        (message.current_price, message.trading_volume, message.opening_price),
        (None, None, None)
    );
    assert_eq!((message.ask_sign, message.sell[0]), (Some("0102"), Level::default()));
    let trade = market.auction(0, at("15:30:00"), Print::Close).traded.unwrap();
    assert_eq!(trade.price, market.limits(0).1);
    let message = market.message(0).clone();
    assert_eq!(message.current_price_change_status, Some("0066"));
    market.open_book(0, at("15:30:00"));
    assert_eq!(market.message(0).sell, message.sell, "the queue is still there");
}

#[test]
fn a_limit_that_moves_lets_go() {
    let mut market = trading("247A", 2);
    while market.phase(0) != Phase::Limit(Side::Buy) {
        market.limit(0, at("10:00:00"), Side::Buy, &mut |_| {});
    }
    let limit = market.limits(0).1;
    market.follow(0, Price(limit.0 + limit.0 / 50));
    assert_eq!(market.phase(0), Phase::Open);
    for _ in 0..20 {
        market.step(0, at("10:01:00"));
        assert_eq!(market.message(0).bid_sign, Some("0101"));
    }
    assert!(market.message(0).buy[0].price > limit);
}

#[test]
fn absurd_prices_are_not_believed() {
    let mut market = trading("7203", 1);
    for price in [i64::MAX, i64::MIN, 0, -1, 1, i64::MAX / 2] {
        market.follow(0, Price(price));
        market.fit(0, Price(price), Price(price));
        market.step(0, at("10:00:00"));
        market.new_day(0, date("2026-09-24"), Some(Price(price)));
        for _ in 0..50 {
            market.step(0, at("10:00:00"));
            let (sell, buy) = quotes(&market);
            assert!(buy.price.0 > 0 && buy.price < sell.price);
        }
    }
}
