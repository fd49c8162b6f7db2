//! A day as the station document describes it.

use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::Time;

use super::*;

/// A clock time of the usual day, Friday 2026-09-18.
pub(super) fn at(clock: &str) -> Stamp {
    let text = format!("2026-09-18T{clock}+09:00");
    Stamp::from_s(jst::parse(text.as_bytes()).unwrap().unix_s)
}

pub(super) fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// One symbol on the morning of the usual day, its last night's news already told.
pub(super) fn morning(code: &str, seed: u64) -> Market {
    let mut market = Market::new(seed, profiles(&[code], seed));
    market.new_day(0, date("2026-09-18"), None);
    market.announce(0, at("07:56:00"));
    market.ready(0);
    market
}

/// The same at 09:30, after an ordinary opening and some trading.
pub(super) fn trading(code: &str, seed: u64) -> Market {
    let mut market = morning(code, seed);
    for _ in 0..200 {
        market.call(0, at("08:30:00"));
    }
    market.auction(0, at("09:00:00"), Print::Open);
    market.open_book(0, at("09:00:00"));
    for _ in 0..500 {
        market.step(0, at("09:30:00"));
    }
    market
}

pub(super) fn quotes(market: &Market) -> (Level, Level) {
    (market.message(0).sell[0], market.message(0).buy[0])
}

/// Every value of a JSON object with numbers and names made alike: what remains is which keys there are, what is null,
/// the codes, and which levels are empty.
fn outline(value: &Value) -> Value {
    match value {
        Value::Object(keys) => keys
            .iter()
            .map(|(key, value)| {
                (
                    key.clone(),
                    if key.ends_with("Name") {
                        Value::Null
                    } else {
                        outline(value)
                    },
                )
            })
            .collect(),
        Value::Number(n) => (if n.as_f64() == Some(0.0) { 0 } else { 1 }).into(),
        Value::String(text) if text.contains('T') => "time".into(),
        other => other.clone(),
    }
}

#[test]
fn the_morning_has_the_documented_shapes() {
    let expected = |text: &str| outline(&serde_json::from_str(text).unwrap());
    let shown = |market: &Market| outline(&serde_json::from_slice(&encoded(market, 0)).unwrap());
    let mut market = Market::new(3, profiles(&["7203"], 3));
    market.new_day(0, date("2026-09-18"), None);
    let early = expected(include_str!(
        "../../../../../testdata/synthetic_board_stock_before0800_7203.json"
    ));
    assert_eq!(shown(&market), early);
    let stale = market.message(0).previous_close;
    assert_ne!(stale, Some(market.profiles()[0].previous_close));
    market.refresh_close(0);
    assert_eq!(shown(&market), early);
    assert_eq!(
        market.message(0).previous_close,
        Some(market.profiles()[0].previous_close)
    );
    market.announce(0, at("07:56:00"));
    let message = market.message(0);
    assert_eq!(message.total_market_value, Some(Price(28_350_000 * 15_795_000_000)));
    assert_eq!(message.previous_close_time, Some(Time(date("2026-09-17").midnight_s())));
    market.ready(0);
    market.call(0, at("08:00:03"));
    let preopen = expected(include_str!(
        "../../../../../testdata/synthetic_board_stock_preopen_observed_shape_7203.json"
    ));
    assert_eq!(shown(&market), preopen);
}

#[test]
fn a_day_follows_the_day_before() {
    for code in ["7203", "1570", "167060019@23", "101"] {
        let mut market = trading(code, 2);
        market.auction(0, at("15:30:00"), Print::Close);
        let (first, last) = (market.profiles()[0].previous_close, market.message(0).current_price);
        // Over a weekend and three holidays.
        market.new_day(0, date("2026-09-24"), None);
        assert_eq!(market.message(0).previous_close, Some(first), "stale");
        assert_eq!(
            (market.message(0).current_price, market.phase(0)),
            (None, Phase::Before)
        );
        let morning = Stamp::from_s(date("2026-09-24").midnight_s() + 7 * 3_600);
        market.announce(0, morning);
        assert_eq!(market.message(0).previous_close, last);
        assert_eq!(
            market.message(0).previous_close_time,
            Some(Time(date("2026-09-18").midnight_s()))
        );
        market.step(0, morning.plus_ms(2 * 3_600_000));
        let change = market.message(0).current_price.unwrap().0 - last.unwrap().0;
        assert_eq!(market.message(0).change_previous_close, Some(Price(change)));
    }
}

#[test]
fn the_first_day_knows_holidays_and_a_given_close() {
    let mut market = Market::new(1, profiles(&["7203"], 1));
    // Not a price of this tick table.
    market.new_day(0, date("2026-09-24"), Some(Price(31_002_000)));
    market.announce(0, Stamp::from_s(date("2026-09-24").midnight_s()));
    let message = market.message(0);
    assert_eq!(message.previous_close, Some(Price::from_yen(3_100)));
    assert_eq!(message.previous_close_time, Some(Time(date("2026-09-18").midnight_s())));
    assert_eq!(market.limits(0), (Price::from_yen(2_400), Price::from_yen(3_800)));
}

#[test]
fn a_call_gathers_at_its_touch() {
    for code in ["7203", "247A", "1570", "6861", "9432"] {
        let mut ratios = Vec::new();
        for seed in 1..=8 {
            let mut market = morning(code, seed);
            for _ in 0..300 {
                market.call(0, at("08:30:00"));
                let sell = &market.message(0).sell;
                ratios.push(sell[0].qty.0 * 10 / sell[1].qty.0);
            }
        }
        ratios.sort_unstable();
        let median = ratios[ratios.len() / 2];
        assert!(
            (35..90).contains(&median),
            "{code}: level 1 is {median} tenths of level 2"
        );
    }
}

#[test]
fn the_opening_prints_what_the_call_could_execute() {
    for seed in 1..=40 {
        let mut market = morning("7203", seed);
        for _ in 0..100 {
            market.call(0, at("08:59:00"));
        }
        let (sell, buy) = quotes(&market);
        let trade = market.auction(0, at("09:00:00"), Print::Open).traded.unwrap();
        assert_eq!(trade.qty, sell.qty.min(buy.qty));
        assert_eq!(
            trade.price,
            if trade.side == Side::Sell {
                buy.price
            } else {
                sell.price
            }
        );
        let message = market.message(0);
        assert_eq!(
            (message.trading_volume, message.opening_price),
            (Some(trade.qty), Some(trade.price))
        );
        assert_eq!(quotes(&market), (sell, buy), "the print comes before the book");
        assert_eq!(message.bid_sign, Some("0107"));
        market.open_book(0, at("09:00:00"));
        let (sell, buy) = quotes(&market);
        assert!(buy.price <= trade.price && trade.price <= sell.price && buy.price < sell.price);
        assert_eq!(market.message(0).bid_sign, Some("0101"));
    }
}

#[test]
fn a_locked_call_prints_its_quote() {
    for seed in 1..=40 {
        let mut market = trading("247A", seed);
        market.auction(0, at("11:30:00"), Print::MorningClose);
        assert_eq!(market.step(0, at("11:40:00")), Step::default());
        for _ in 0..50 {
            market.call(0, at("12:05:00"));
        }
        let before = market.message(0).clone();
        market.lock(0, at("12:29:59"));
        let (sell, buy) = quotes(&market);
        assert_eq!(sell, buy);
        let message = market.message(0);
        assert_eq!((message.bid_price, message.ask_qty), (Some(sell.price), Some(sell.qty)));
        assert_eq!(message.trading_volume, before.trading_volume);
        let trade = market.auction(0, at("12:30:00"), Print::AfternoonOpen).traded.unwrap();
        assert_eq!((trade.price, trade.qty), (sell.price, sell.qty));
        assert_eq!(market.message(0).opening_price, before.opening_price);
    }
}

#[test]
fn the_ways_to_close() {
    let mut market = trading("7203", 5);
    for _ in 0..50 {
        market.call(0, at("15:25:00"));
    }
    let trade = market.auction(0, at("15:30:00"), Print::Close).traded.unwrap();
    market.open_book(0, at("15:30:00"));
    let message = market.message(0);
    assert_eq!(message.current_price, Some(trade.price));
    assert_eq!(
        (message.current_price_change_status, message.current_price_status),
        (Some("0061"), Some(1))
    );
    assert_eq!(
        (message.bid_sign, message.market_order_buy_qty),
        (Some("0101"), Some(Qty(0)))
    );
    market.after_close(0, at("15:31:00"));
    assert_eq!(market.message(0).sell1_sign, Some("0109"));
    let quiet = market.message(0).clone();
    assert_eq!(market.step(0, at("15:40:00")), Step::default());
    assert_eq!(*market.message(0), quiet);

    let mut market = trading("7203", 5);
    let volume = market.message(0).trading_volume;
    assert_eq!(
        market.auction(0, at("15:30:00"), Print::CloseContinuous),
        Step::default()
    );
    assert_eq!(market.message(0).current_price_change_status, Some("0060"));
    assert_eq!(
        (market.message(0).trading_volume, market.phase(0)),
        (volume, Phase::Closed)
    );
}

/// A share of 250 yen with a step of one, which is 0.4 %: large orders hit two levels and leave the price where it was.
#[test]
fn large_orders_do_not_carry_a_cheap_share_away() {
    for seed in 1..=5 {
        let cheap = Profile {
            previous_close: Price::from_yen(250),
            group: ticksize::Group::Share,
            ..profiles(&["7203"], seed).remove(0)
        };
        let mut market = Market::new(seed, vec![cheap]);
        market.step(0, at("09:00:00"));
        let opened = market.message(0).opening_price.unwrap();
        for _ in 0..2_000 {
            let mut trades = Vec::new();
            market.sweep(0, at("10:00:00"), None, &mut |trade| trades.push(trade));
            assert_eq!(trades.len(), 2, "{trades:?}");
            for _ in 0..8 {
                market.step(0, at("10:00:00"));
            }
        }
        let message = market.message(0);
        let (high, low) = (message.high_price.unwrap(), message.low_price.unwrap());
        assert!(high.0 - low.0 <= 200_000, "seed {seed}: {low} to {high} after {opened}");
    }
}

/// Half of the moves of many days are larger than this, in 1/10,000.
fn usual_move(events: i64) -> i64 {
    let one = |seed| {
        let mut market = Market::new(seed, profiles(&["7203"], 1));
        market.expect(0, events);
        market.new_day(0, date("2026-09-18"), None);
        for _ in 0..events {
            market.step(0, at("10:00:00"));
        }
        let message = market.message(0);
        let opened = message.opening_price.unwrap().0;
        ((message.current_price.unwrap().0 - opened) * 10_000 / opened).abs()
    };
    let mut moves: Vec<i64> = (0..60).map(one).collect();
    moves.sort_unstable();
    moves[30]
}

#[test]
fn a_day_goes_as_far_with_few_events_as_with_many() {
    for events in [1_000, 20_000] {
        let usual = usual_move(events);
        assert!((45..130).contains(&usual), "{events} events: {usual}");
    }
}

#[test]
fn a_sweep_gives_several_trades_in_one_instant() {
    let mut market = trading("7203", 3);
    let mut levels = Vec::new();
    for at_event in 0..200 {
        let volume = market.message(0).trading_volume.unwrap().0;
        let best = market.message(0).sell[0].price;
        let mut trades = Vec::new();
        market.sweep(0, at("10:00:00"), Some(Side::Buy), &mut |trade| trades.push(trade));
        assert!(trades.windows(2).all(|w| w[0].price < w[1].price) && trades[0].price == best);
        let sum: i64 = trades.iter().map(|trade| trade.qty.0).sum();
        assert_eq!(market.message(0).trading_volume, Some(Qty(volume + sum)));
        assert_eq!(market.message(0).current_price, trades.last().map(|trade| trade.price));
        levels.push(trades.len());
        for _ in 0..20 * (at_event % 2) + 40 {
            market.step(0, at("10:01:00"));
        }
    }
    assert!(levels.iter().all(|n| (2..=8).contains(n)));
    assert!(levels.iter().any(|n| *n > 4));
}

/// The real thing jumps by some ticks a second, and now and then by a percent.
#[test]
fn a_path_is_followed_within_a_few_ticks() {
    for code in ["7203", "8306", "7011", "1570"] {
        let mut market = trading(code, 11);
        let group = market.profiles()[0].group;
        let mut price = market.message(0).current_price.unwrap();
        for second in 0..3_000 {
            let stride = [1, 0, -2, 3, 0, -1, 1, -6, 5, 0][second % 10] + if second % 700 == 699 { -60 } else { 0 };
            price.0 += stride * ticksize::tick(group, price).0;
            market.follow(0, price);
            for _ in 0..3 {
                let traded = market.step(0, at("10:00:00").plus_ms(second as i64 * 1_000)).traded;
                let (sell, buy) = quotes(&market);
                let tick = ticksize::tick(group, price).0;
                assert!(buy.price.0 - 3 * tick <= price.0 && price.0 <= sell.price.0 + 3 * tick);
                assert!(traded.is_none_or(|trade| (trade.price.0 - price.0).abs() <= 5 * tick));
            }
        }
    }
}

#[test]
fn limits_widen_for_a_path() {
    let mut market = morning("7203", 1);
    let (low, high) = (Price::from_yen(1_800), Price::from_yen(3_600));
    market.fit(0, low, high);
    let (lowest, highest) = market.limits(0);
    assert!(lowest < low && highest > high);
    for yen in [2_000, 3_500, 1_700] {
        market.follow(0, Price::from_yen(yen));
        market.call(0, at("08:30:00"));
        let (sell, buy) = quotes(&market);
        let price = Price::from_yen(yen);
        assert!(buy.price <= price && price < sell.price);
        assert!(market.message(0).sell[9].qty.0 > 0 && market.message(0).buy[9].qty.0 > 0);
    }
    let trade = market.auction(0, at("09:00:00"), Print::Open).traded.unwrap();
    assert!((trade.price.0 - 17_000_000).abs() <= 20_000);

    // Tick by tick, with a book that began inside the old limits.
    let mut market = trading("7203", 1);
    let old = market.limits(0).1;
    market.follow(0, Price(old.0 - 200_000));
    market.step(0, at("10:00:00"));
    market.fit(0, low, high);
    for ticks in -20..40 {
        market.follow(0, Price(old.0 + ticks * 10_000));
        market.step(0, at("10:01:00"));
        let (sell, buy) = quotes(&market);
        assert!((sell.price.0 - old.0 - ticks * 10_000).abs() <= 40_000 && buy.price < sell.price);
    }
}

/// Night and day are two sessions of one day: the volume goes on, the first price stays that of the evening.
#[test]
fn a_whole_day_future_counts_from_the_evening() {
    let mut market = Market::new(1, profiles(&["167060019@2"], 1));
    market.new_day(0, date("2026-09-18"), None);
    let evening = Stamp::from_s(date("2026-09-17").midnight_s() + 17 * 3_600);
    market.announce(0, evening.plus_ms(-60_000));
    assert_eq!(
        market.message(0).previous_close_time,
        Some(Time(date("2026-09-17").midnight_s()))
    );
    market.call(0, evening.plus_ms(-1_000));
    market.auction(0, evening, Print::Open);
    market.open_book(0, evening);
    for _ in 0..200 {
        market.step(0, evening.plus_ms(1_000_000));
    }
    market.auction(0, at("06:00:00"), Print::MorningClose);
    let night = market.message(0).clone();
    market.call(0, at("08:30:00"));
    market.auction(0, at("08:45:00"), Print::AfternoonOpen);
    let day = market.message(0);
    assert!(day.trading_volume > night.trading_volume);
    assert_eq!(
        (day.opening_price, day.opening_price_time),
        (night.opening_price, Some(Time(evening.s())))
    );
    let json = String::from_utf8(encoded(&market, 0)).unwrap();
    assert!(!json.contains("MarketOrder") && !json.contains("BidTime"));
}

#[test]
fn an_index_has_a_day_without_books() {
    let mut market = morning("101", 1);
    assert_eq!(market.message(0).current_price_status, None);
    let quiet = market.message(0).clone();
    market.call(0, at("08:30:00"));
    market.special(0, at("09:00:00"), Side::Buy);
    market.halt(0, at("09:00:00"));
    assert_eq!(*market.message(0), quiet);
    market.follow(0, Price(500_001_234));
    market.auction(0, at("09:00:05"), Print::Open);
    assert_eq!(market.message(0).opening_price, Some(Price(500_001_200)));
    market.follow(0, Price(500_100_000));
    market.step(0, at("09:00:10"));
    assert_eq!(market.message(0).high_price, Some(Price(500_100_000)));
    market.auction(0, at("15:30:00"), Print::Close);
    assert_eq!(
        (market.phase(0), market.step(0, at("15:31:00"))),
        (Phase::Closed, Step::default())
    );
}
