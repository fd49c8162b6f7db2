//! The same fields as [`ayumi_wire::push::Push`] for serde_json, written as one usually does.

use ayumi_wire::push::{Level, Push};
use serde::Deserialize;

/// A PUSH message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Typed<'a> {
    symbol: &'a str,
    exchange: Option<u16>,
    current_price: Option<f64>,
    current_price_time: Option<&'a str>,
    opening_price_time: Option<&'a str>,
    trading_volume: Option<f64>,
    bid_price: Option<f64>,
    bid_qty: Option<f64>,
    bid_sign: Option<&'a str>,
    ask_price: Option<f64>,
    ask_qty: Option<f64>,
    ask_sign: Option<&'a str>,
    #[serde(borrow)]
    sell1: Option<First<'a>>,
    sell2: Option<Other>,
    sell3: Option<Other>,
    sell4: Option<Other>,
    sell5: Option<Other>,
    sell6: Option<Other>,
    sell7: Option<Other>,
    sell8: Option<Other>,
    sell9: Option<Other>,
    sell10: Option<Other>,
    #[serde(borrow)]
    buy1: Option<First<'a>>,
    buy2: Option<Other>,
    buy3: Option<Other>,
    buy4: Option<Other>,
    buy5: Option<Other>,
    buy6: Option<Other>,
    buy7: Option<Other>,
    buy8: Option<Other>,
    buy9: Option<Other>,
    buy10: Option<Other>,
}

/// The best level.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct First<'a> {
    price: Option<f64>,
    qty: Option<f64>,
    sign: Option<&'a str>,
}

/// Any other level.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Other {
    price: Option<f64>,
    qty: Option<f64>,
}

impl Typed<'_> {
    /// Whether both read the same out of a message.
    pub fn agrees(&self, push: &Push<'_>) -> bool {
        let e4 = |value: Option<f64>| value.map(|v| (v * 10_000.0).round() as i64);
        let whole = |value: Option<f64>| value.map(|v| v as i64);
        let price = |value: Option<ayumi_wire::num::Price>| value.map(|p| p.0);
        let qty = |value: Option<ayumi_wire::num::Qty>| value.map(|q| q.0);
        self.symbol == push.symbol
            && self.exchange == push.exchange
            && e4(self.current_price) == price(push.current_price)
            && self.current_price_time.is_some() == push.current_price_time.is_some()
            && self.opening_price_time.is_some() == push.opening_price_time.is_some()
            && whole(self.trading_volume) == qty(push.trading_volume)
            && e4(self.bid_price) == price(push.bid.price)
            && whole(self.bid_qty) == qty(push.bid.qty)
            && self.bid_sign.is_some() == push.bid.sign.is_some()
            && e4(self.ask_price) == price(push.ask.price)
            && whole(self.ask_qty) == qty(push.ask.qty)
            && self.ask_sign.is_some() == push.ask.sign.is_some()
            && sign(&self.sell1) == push.sell_sign.is_some()
            && sign(&self.buy1) == push.buy_sign.is_some()
            && same(self.sells(), &push.sell)
            && same(self.buys(), &push.buy)
    }

    fn sells(&self) -> [(Option<f64>, Option<f64>); 10] {
        let [b, c, d, e, f, g, h, i, j] = [
            &self.sell2,
            &self.sell3,
            &self.sell4,
            &self.sell5,
            &self.sell6,
            &self.sell7,
            &self.sell8,
            &self.sell9,
            &self.sell10,
        ]
        .map(level);
        [first(&self.sell1), b, c, d, e, f, g, h, i, j]
    }

    fn buys(&self) -> [(Option<f64>, Option<f64>); 10] {
        let [b, c, d, e, f, g, h, i, j] = [
            &self.buy2,
            &self.buy3,
            &self.buy4,
            &self.buy5,
            &self.buy6,
            &self.buy7,
            &self.buy8,
            &self.buy9,
            &self.buy10,
        ]
        .map(level);
        [first(&self.buy1), b, c, d, e, f, g, h, i, j]
    }
}

fn sign(first: &Option<First<'_>>) -> bool {
    first.as_ref().is_some_and(|first| first.sign.is_some())
}

fn first(first: &Option<First<'_>>) -> (Option<f64>, Option<f64>) {
    first.as_ref().map_or((None, None), |first| (first.price, first.qty))
}

fn level(level: &Option<Other>) -> (Option<f64>, Option<f64>) {
    level.as_ref().map_or((None, None), |level| (level.price, level.qty))
}

fn same(levels: [(Option<f64>, Option<f64>); 10], pushed: &[Level; 10]) -> bool {
    levels.iter().zip(pushed).all(|((price, qty), pushed)| {
        (price.unwrap_or(0.0) * 10_000.0).round() as i64 == pushed.price.0 && qty.unwrap_or(0.0) as i64 == pushed.qty.0
    })
}
