//! What a driver knows of a symbol from the trades it was told, held against every message.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::{Kind, Message};

use super::super::*;
use super::Op;

/// What the driver of a symbol knows without looking at its messages.
pub(super) struct Watch {
    profile: Profile,
    pub(super) trades: Vec<Trade>,
    volume: i64,
    value: i128,
    open: Option<Price>,
    high: Price,
    low: Price,
    last: Option<Price>,
    close: Price,
    before: Message,
}

impl Watch {
    pub(super) fn new(market: &Market) -> Self {
        let profile = market.profiles()[0].clone();
        Self {
            close: profile.previous_close,
            profile,
            trades: Vec::new(),
            volume: 0,
            value: 0,
            open: None,
            high: Price(0),
            low: Price(i64::MAX),
            last: None,
            before: market.message(0).clone(),
        }
    }

    pub(super) fn after(&mut self, market: &Market, op: Op, now: Stamp) {
        let message = market.message(0);
        if op == Op::NewDay {
            (self.volume, self.value, self.open, self.last) = (0, 0, None, None);
            (self.high, self.low) = (Price(0), Price(i64::MAX));
            nothing_yet(message);
        }
        if op == Op::Announce {
            self.close = message.previous_close.unwrap();
            let day = message.previous_close_time.unwrap();
            assert!(day.0 < now.date().midnight_s());
        }
        self.count(market);
        if self.profile.kind == Kind::Index {
            return;
        }
        self.totals(message);
        self.prices(market, op);
        self.levels(market);
        self.shape(market, op);
        self.trades.clear();
        self.before = message.clone();
    }

    fn count(&mut self, market: &Market) {
        let (lowest, highest) = market.limits(0);
        for trade in &self.trades {
            assert!(self.profile.kind != Kind::Index);
            assert!(trade.qty.0 > 0 && trade.qty.0 % self.profile.unit == 0, "{trade:?}");
            assert!(ticksize::is_valid(self.profile.group, trade.price), "{trade:?}");
            assert!(
                (lowest..=highest).contains(&trade.price),
                "{trade:?} {lowest} {highest}"
            );
            self.volume += trade.qty.0;
            self.value += i128::from(trade.price.0) * i128::from(trade.qty.0);
            self.open.get_or_insert(trade.price);
            self.high = self.high.max(trade.price);
            self.low = self.low.min(trade.price);
            self.last = Some(trade.price);
        }
    }

    fn totals(&self, message: &Message) {
        if self.volume == 0 {
            let null = (
                message.trading_volume,
                message.vwap,
                message.trading_value,
                message.trading_volume_time,
            );
            assert_eq!(null, (None, None, None, None));
            return;
        }
        assert_eq!(message.trading_volume, Some(Qty(self.volume)));
        let turnover = self.value * i128::from(self.profile.multiplier);
        assert_eq!(message.trading_value.map(|v| i128::from(v.0)), Some(turnover));
        let vwap = i128::from(message.vwap.unwrap().0) * i128::from(self.volume);
        assert!(2 * (vwap - self.value).abs() <= i128::from(self.volume));
        assert_eq!(message.trading_volume_time, message.current_price_time);
    }

    fn prices(&self, market: &Market, op: Op) {
        let message = market.message(0);
        assert_eq!(message.current_price, self.last, "{op:?}");
        assert_eq!(message.opening_price, self.open);
        let status = message.current_price_status;
        let told = message.current_price_change_status.unwrap();
        let Some(last) = self.last else {
            assert_eq!(
                (message.high_price, message.low_price, message.opening_price_time),
                (None, None, None)
            );
            assert_eq!(
                (message.change_previous_close, message.current_price_time),
                (None, None)
            );
            assert_eq!(told, "");
            assert!(matches!(status, None | Some(-1 | 6 | 7)), "{status:?}");
            return;
        };
        assert_eq!(
            (message.high_price, message.low_price),
            (Some(self.high), Some(self.low))
        );
        assert!(self.low <= last && last <= self.high);
        assert!(matches!(status, Some(1 | 6 | 7)), "{status:?}");
        if op == Op::Auction(Print::Resume) && !self.trades.is_empty() {
            assert_eq!((told, status), ("0059", Some(1)));
        }
        if op == Op::Auction(Print::Close) && !self.trades.is_empty() {
            assert!(matches!(told, "0061" | "0066") && status == Some(1));
        }
        if op == Op::Auction(Print::CloseContinuous) {
            assert_eq!(told, "0060");
        }
    }

    /// True of every book in every phase.
    fn levels(&self, market: &Market) {
        let message = market.message(0);
        let (lowest, highest) = market.limits(0);
        for side in [&message.sell, &message.buy] {
            let filled = side.iter().take_while(|level| level.qty.0 > 0).count();
            assert!(
                side[filled..].iter().all(|level| *level == Level::default()),
                "{side:?}"
            );
            for level in &side[..filled] {
                assert!(level.qty.0 % self.profile.unit == 0);
                assert!(ticksize::is_valid(self.profile.group, level.price));
                assert!(
                    (lowest..=highest).contains(&level.price),
                    "{level:?} {lowest} {highest}"
                );
            }
        }
        let rising = |w: &[Level]| w[1].qty.0 == 0 || w[0].price < w[1].price;
        let falling = |w: &[Level]| w[1].qty.0 == 0 || w[0].price > w[1].price;
        assert!(message.sell.windows(2).all(rising), "{:?}", message.sell);
        assert!(message.buy.windows(2).all(falling), "{:?}", message.buy);
        for qty in [message.over_sell_qty, message.under_buy_qty] {
            assert!(qty.unwrap().0 >= 0 && qty.unwrap().0 % self.profile.unit == 0);
        }
    }

    /// What the phase promises, where the operation showed it.
    fn shape(&self, market: &Market, op: Op) {
        let message = market.message(0);
        let quiet = matches!(op, Op::Auction(_) | Op::Follow | Op::Announce | Op::Look);
        if quiet {
            let quotes = |m: &Message| {
                (
                    m.sell,
                    m.buy,
                    m.bid_sign,
                    m.ask_sign,
                    m.bid_time,
                    m.market_order_buy_qty,
                )
            };
            assert_eq!(quotes(message), quotes(&self.before), "{op:?} shows no new book");
            return;
        }
        match market.phase(0) {
            Phase::Open if op == Op::Lift || (op == Op::OffLimit && self.trades.is_empty()) => {}
            Phase::Open => continuous(message),
            Phase::Call if op == Op::Call || op == Op::Lock => self.gathered(message, op),
            Phase::Special(side) if op == Op::Special(side) => walking(message, side),
            Phase::Limit(side) => {
                let (lowest, highest) = market.limits(0);
                let price = if side == Side::Buy { highest } else { lowest };
                one_sided(message, side, price);
            }
            Phase::Halted => {
                let expected = if op == Op::Lift { [6, 7] } else { [6, 6] };
                assert!(expected.contains(&message.current_price_status.unwrap()) || op != Op::Halt);
                assert!(matches!(message.bid_sign, Some("0000" | "0108")), "{message:?}");
            }
            _ => {}
        }
    }

    fn gathered(&self, message: &Message, op: Op) {
        let (sell, buy) = (message.sell[0], message.buy[0]);
        assert_eq!((message.bid_price, message.bid_qty), (Some(sell.price), Some(sell.qty)));
        assert_eq!((message.ask_price, message.ask_qty), (Some(buy.price), Some(buy.qty)));
        for sign in [
            message.bid_sign,
            message.ask_sign,
            message.sell1_sign,
            message.buy1_sign,
        ] {
            assert_eq!(sign, Some("0107"));
        }
        if op == Op::Lock {
            assert_eq!(sell, buy);
        } else {
            assert_eq!(sell.price, ticksize::up(self.profile.group, buy.price));
        }
        let (sells, buys) = (
            message.market_order_sell_qty.unwrap(),
            message.market_order_buy_qty.unwrap(),
        );
        assert!(sells.0 > 0 && sells <= sell.qty && buys.0 > 0 && buys <= buy.qty);
    }
}

fn nothing_yet(message: &Message) {
    assert_eq!(
        (message.current_price, message.trading_volume, message.bid_price),
        (None, None, None)
    );
    assert_eq!(
        (message.opening_price, message.high_price, message.ask_qty),
        (None, None, None)
    );
    assert_eq!(
        (
            message.previous_close_time,
            message.total_market_value,
            message.bid_time
        ),
        (None, None, None)
    );
    assert_eq!(
        (message.current_price_status, message.current_price_change_status),
        (None, Some(""))
    );
    assert_eq!(
        (message.sell, message.buy),
        ([Level::default(); 10], [Level::default(); 10])
    );
    if message.kind != Kind::Index {
        assert_eq!((message.bid_sign, message.buy1_sign), (Some("0000"), Some("0000")));
    }
}

fn continuous(message: &Message) {
    assert!(message.ask_price < message.bid_price, "{message:?}");
    assert_eq!(
        (message.bid_price, message.bid_qty),
        (Some(message.sell[0].price), Some(message.sell[0].qty))
    );
    assert_eq!(
        (message.ask_price, message.ask_qty),
        (Some(message.buy[0].price), Some(message.buy[0].qty))
    );
    for sign in [
        message.bid_sign,
        message.ask_sign,
        message.sell1_sign,
        message.buy1_sign,
    ] {
        assert_eq!(sign, Some("0101"));
    }
    assert_eq!(
        (message.market_order_sell_qty, message.market_order_buy_qty),
        (Some(Qty(0)), Some(Qty(0)))
    );
    assert!(message.sell[0].qty.0 > 0 && message.buy[0].qty.0 > 0);
}

fn walking(message: &Message, side: Side) {
    assert_eq!(message.bid_price, message.ask_price);
    assert_eq!(
        (message.sell[0].price, message.buy[0].price),
        (message.bid_price.unwrap(), message.bid_price.unwrap())
    );
    let (long, short) = match side {
        Side::Buy => ((message.ask_sign, message.ask_qty), (message.bid_sign, message.bid_qty)),
        Side::Sell => ((message.bid_sign, message.bid_qty), (message.ask_sign, message.ask_qty)),
    };
    assert_eq!((long.0, short.0), (Some("0102"), Some("0101")));
    assert!(long.1 > short.1 && short.1 > Some(Qty(0)));
    assert!(message.market_order_buy_qty <= message.ask_qty && message.market_order_sell_qty <= message.bid_qty);
}

fn one_sided(message: &Message, side: Side, price: Price) {
    assert_eq!((message.bid_price, message.ask_price), (Some(price), Some(price)));
    let (full, empty, signs) = match side {
        Side::Buy => (&message.buy, &message.sell, (message.ask_sign, message.sell1_sign)),
        Side::Sell => (&message.sell, &message.buy, (message.bid_sign, message.buy1_sign)),
    };
    assert_eq!(*empty, [Level::default(); 10]);
    assert!(full[0].price == price && full[0].qty.0 > 0);
    assert_eq!(signs, (Some("0102"), None));
}
