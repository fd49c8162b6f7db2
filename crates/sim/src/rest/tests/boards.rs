//! `/board` of symbols that have not traded, and how long it takes.

use ayumi_engine::market::{Market, Profile};
use serde_json::Value;

use super::*;

#[test]
fn first_touches_are_slow_and_sometimes_very_slow() {
    let mut s = station(1_000);
    s.faults.first_touch = Duration::from_secs(1);
    s.faults.first_touch_slow = 50;
    let mut delay = |path: &str| {
        s.answer(Instant::now(), Environment::Production, &request("GET", path, ""))
            .delay
    };
    let mut slow = 0;
    for code in 1_000..2_000 {
        let path = |endpoint: &str| format!("/{endpoint}/{code}@1");
        // Every other symbol is met by /symbol first.
        let (first, second) = if code % 2 == 0 {
            ("board", "symbol")
        } else {
            ("symbol", "board")
        };
        let waited = delay(&path(first)).as_millis();
        assert!(matches!(waited, 1_000 | 5_000), "{waited}");
        slow += usize::from(waited == 5_000);
        assert_eq!(delay(&path(second)), Duration::ZERO, "known by then");
    }
    assert!((20..90).contains(&slow), "{slow} of 1,000");
}

/// The station document, section 17: 1,000 ms, one in twenty 5,000 ms, from the cache 10 ms.
#[test]
fn f18_boards_take_as_long_as_the_real_ones_unless_told_otherwise() {
    let waits = |speed| {
        let mut s = Station::new(&SimConfig {
            token: Some("T".into()),
            list_limit: 1_000,
            speed,
            ..SimConfig::default()
        });
        s.faults.rate_limit = false;
        let mut delay = |code: i32| {
            let board = request("GET", &format!("/board/{code}@1"), "");
            let reply = s.answer(Instant::now(), Environment::Production, &board);
            reply.delay.as_micros()
        };
        let first: Vec<u128> = (1_000..2_000).map(&mut delay).collect();
        let cached: BTreeSet<u128> = (1_000..2_000).map(delay).collect();
        (first, cached)
    };
    let (first, cached) = waits(Speed::Times(1.0));
    assert_eq!(cached, [10_000].into());
    let slow = first.iter().filter(|us| **us == 5_010_000).count();
    assert!((25..=75).contains(&slow), "{slow} of 1,000");
    assert!(first.iter().all(|us| [1_010_000, 5_010_000].contains(us)));
    let (first, cached) = waits(Speed::Times(100.0));
    assert!(first.iter().all(|us| [10_100, 50_100].contains(us)) && cached == [100].into());
    let (first, cached) = waits(Speed::Full);
    assert!(
        first.iter().chain(&cached).all(|us| *us == 0),
        "full speed waits for nothing"
    );
}

/// Before its first message a symbol has the shape of its kind, all values null but the signs and the change status.
#[test]
fn untraded_symbols_have_the_shape_of_their_kind() {
    let mut s = station(50);
    let keys = |value: &Value| value.as_object().unwrap().len();
    let of_market = |symbol: &str| -> Vec<String> {
        let profile = Profile::of(&symbol.parse().unwrap(), 1);
        let mut text = Vec::new();
        Market::new(1, vec![profile]).message(0).write(&mut text);
        let value: Value = serde_json::from_slice(&text).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    for (symbol, count, security_type) in [
        ("7203@1", 57, 1),
        ("247A@3", 57, 1),
        ("101@1", 18, 0),
        ("151@1", 18, 0),
        ("145@2", 18, 0),
        ("167120019@2", 51, 901),
        ("167120018@23", 51, 101),
        ("167120005@24", 51, 107),
        ("167120006@2", 51, 907),
    ] {
        let (status, body) = ask(&mut s, "GET", &format!("/board/{symbol}"), "");
        assert_eq!(status, 200, "{symbol}: {body}");
        let board: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (keys(&board), &board["SecurityType"]),
            (count, &security_type.into()),
            "{symbol}"
        );
        let names: Vec<String> = board.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, of_market(symbol), "{symbol}: as once it trades");
        for key in ["CurrentPrice", "CurrentPriceTime", "OpeningPrice", "CurrentPriceStatus"] {
            assert!(board[key].is_null(), "{symbol} {key}");
        }
        assert_eq!(board["CurrentPriceChangeStatus"], "", "{symbol}");
        let (code, exchange) = symbol.split_once('@').unwrap();
        assert_eq!(board["Symbol"], code);
        match board.get("Exchange") {
            None => assert_eq!(count, 18, "{symbol}"),
            Some(told) => assert_eq!(told.to_string(), exchange),
        }
        if count == 18 {
            assert!(board.get("BidSign").is_none() && board.get("TradingVolume").is_none());
            continue;
        }
        assert!(board["TradingVolume"].is_null() && board["BidPrice"].is_null());
        assert_eq!(
            (&board["BidSign"], &board["Sell1"]["Sign"]),
            (&"0000".into(), &"0000".into())
        );
        assert_eq!(board.get("MarketOrderSellQty").is_some(), count == 57, "{symbol}");
    }
}
