//! Any sequence of operations keeps the promises of every phase, whatever the symbol.

mod watch;

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::{Kind, Message};

use super::super::rng::Rng;
use super::*;
use watch::Watch;

const CODES: [&str; 12] = [
    "7203",
    "9432",
    "6861",
    "285A",
    "247A",
    "4597",
    "1570",
    "1306",
    "8888",
    "167060019@2",
    "165120018@23",
    "101",
];

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    NewDay,
    Announce,
    Call,
    Lock,
    Auction(Print),
    OpenBook,
    Step,
    Tick,
    Sweep,
    Special(Side),
    Halt,
    Lift,
    Limit(Side),
    OffLimit,
    Follow,
    AfterClose,
    Look,
}

fn side(rng: &mut Rng) -> Side {
    if rng.chance(500) { Side::Buy } else { Side::Sell }
}

/// Rather what a day consists of than what ends it.
fn draw(rng: &mut Rng) -> Op {
    let prints = [
        Print::Open,
        Print::MorningClose,
        Print::AfternoonOpen,
        Print::Close,
        Print::CloseContinuous,
        Print::Resume,
    ];
    match rng.below(1_000) {
        0..4 => Op::NewDay,
        4..10 => Op::Announce,
        10..140 => Op::Call,
        140..150 => Op::Lock,
        150..210 => Op::Auction(prints[rng.below(6) as usize]),
        210..260 => Op::OpenBook,
        260..520 => Op::Step,
        520..560 => Op::Tick,
        560..640 => Op::Sweep,
        640..700 => Op::Special(side(rng)),
        700..712 => Op::Halt,
        712..730 => Op::Lift,
        730..880 => Op::Limit(side(rng)),
        880..895 => Op::OffLimit,
        895..930 => Op::Follow,
        930..940 => Op::AfterClose,
        _ => Op::Look,
    }
}

fn perform(market: &mut Market, op: Op, now: Stamp, rng: &mut Rng, trades: &mut Vec<Trade>) {
    let mut each = |trade| trades.push(trade);
    match op {
        Op::NewDay => {
            let close = rng.chance(300).then(|| Price(10_000 + rng.below(300_000_000)));
            market.new_day(0, now.date(), close);
        }
        Op::Announce => {
            market.announce(0, now);
            market.ready(0);
        }
        Op::Call => market.call(0, now),
        Op::Lock => market.lock(0, now),
        Op::Auction(print) => market.auction(0, now, print).traded.into_iter().for_each(each),
        Op::OpenBook => market.open_book(0, now),
        Op::Step => market.step(0, now).traded.into_iter().for_each(each),
        Op::Tick => {
            let volume = |m: &Message| m.trading_volume.unwrap_or(Qty(0)).0;
            let before = volume(market.message(0));
            let message = market.tick(0, now);
            let qty = Qty(volume(message) - before);
            let price = message.current_price.unwrap();
            if message.kind != Kind::Index {
                let side = Side::Buy;
                each(Trade { price, qty, side });
            }
        }
        Op::Sweep => {
            let side = rng.chance(500).then(|| side(rng));
            market.sweep(0, now, side, &mut each);
        }
        Op::Special(side) => market.special(0, now, side),
        Op::Halt => market.halt(0, now),
        Op::Lift => market.lift(0, now),
        Op::Limit(side) => market.limit(0, now, side, &mut each),
        Op::OffLimit => market.off_limit(0, now, &mut each),
        Op::Follow => {
            let (low, high) = market.limits(0);
            let price = Price(low.0 + rng.below(1_100) * (high.0 - low.0) / 1_000);
            market.follow(0, price);
        }
        Op::AfterClose => market.after_close(0, now),
        Op::Look => {
            for view in [
                View::Lock,
                View::Cross,
                View::ZeroQuotes,
                View::NullBlock,
                View::ZeroDepth,
                View::ForeignDepth,
            ] {
                looks_odd(&market.view(0, view), market.message(0), view);
            }
        }
    }
}

fn looks_odd(seen: &Message, real: &Message, view: View) {
    let (price, volume) = (seen.current_price, seen.trading_volume);
    if view == View::NullBlock {
        assert_eq!(
            (price, volume, seen.bid_price, seen.ask_qty, seen.sell1_time),
            (None, None, None, None, None)
        );
        assert_eq!(
            (seen.sell, &seen.symbol, seen.exchange),
            (real.sell, &real.symbol, real.exchange)
        );
        return;
    }
    assert_eq!(
        (price, volume, seen.high_price),
        (real.current_price, real.trading_volume, real.high_price)
    );
    if real.kind == Kind::Index || real.sell[0].qty.0 == 0 || real.buy[0].qty.0 == 0 {
        return;
    }
    match view {
        View::Lock => assert!(seen.bid_price == seen.ask_price && seen.bid_qty == seen.ask_qty),
        View::Cross => assert!(seen.bid_price < seen.ask_price),
        View::ZeroQuotes => assert_eq!((seen.bid_price, seen.ask_qty), (Some(Price(0)), Some(Qty(0)))),
        View::ZeroDepth => {
            assert_eq!((seen.bid_price, seen.ask_qty), (real.bid_price, real.ask_qty));
            assert_eq!((seen.sell, seen.sell1_sign), ([Level::default(); 10], None));
        }
        View::ForeignDepth => {
            assert_eq!(seen.bid_price, real.bid_price);
            assert!(
                seen.buy[0].price > real.buy[0].price || real.buy[0].price.0 < 4_000_000,
                "{real:?}"
            );
            assert!(seen.sell.windows(2).all(|w| w[1].qty.0 == 0 || w[0].price < w[1].price));
        }
        View::NullBlock => {}
    }
}

fn symbols() -> Vec<Profile> {
    let mut list = profiles(&CODES, 4);
    // At the borders of the tick tables, with narrow limits, and with odd sizes.
    for (yen_e1, group) in [
        (29_990, ticksize::Group::Topix500),
        (10_000, ticksize::Group::Topix500),
        (30_000, ticksize::Group::Share),
        (300_000, ticksize::Group::UnitEtf),
        (30, ticksize::Group::Share),
    ] {
        list.push(Profile {
            previous_close: Price(yen_e1 * 1_000),
            group,
            depth: 1,
            trade_units: 1,
            ..list[0].clone()
        });
    }
    list
}

/// Three thousand operations in any order, for every kind of symbol.
fn any_order(profile: &Profile, seed: u64, mut seen: impl FnMut(&Market, Op)) {
    let mut market = Market::new(seed, vec![profile.clone()]);
    let mut rng = Rng::new(seed, "operations");
    let mut watch = Watch::new(&market);
    let mut now = nine();
    for _ in 0..3_000 {
        let op = draw(&mut rng);
        now += if op == Op::NewDay { 86_400 } else { rng.below(3) };
        // A limit is far: now and then the whole run.
        let times = if matches!(op, Op::Limit(_)) && rng.chance(150) {
            25
        } else {
            1
        };
        for _ in 0..times {
            perform(&mut market, op, Stamp::from_s(now), &mut rng, &mut watch.trades);
            watch.after(&market, op, Stamp::from_s(now));
            seen(&market, op);
        }
    }
}

#[test]
fn any_order_of_operations_keeps_every_promise() {
    for profile in symbols() {
        let mut phases = BTreeMap::<String, u32>::new();
        for seed in 1..=3 {
            any_order(&profile, seed, |market, _| {
                *phases.entry(format!("{:?}", market.phase(0))).or_default() += 1;
            });
        }
        if profile.kind != Kind::Index {
            assert_eq!(phases.len(), 10, "every phase was there: {phases:?}");
        }
    }
}

#[test]
fn one_seed_and_one_order_give_the_same_bytes() {
    let bytes = |seed| {
        let mut out = Vec::new();
        any_order(&symbols()[0], seed, |market, _| market.message(0).write(&mut out));
        out
    };
    assert!(bytes(1) == bytes(1));
    assert!(bytes(1) != bytes(2));
}
