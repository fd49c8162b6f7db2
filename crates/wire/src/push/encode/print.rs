//! A message into bytes: which keys, in which order, in which style.

use super::text::{Clock, put_int, put_price, put_qty, put_scaled, put_string};
use super::{Kind, Level, Message, Percent, Time};
use crate::num::{Price, Qty};

impl Message {
    /// Appends the message as one JSON object without white space, in the key order of its kind on the wire (recorded
    /// messages; the documents show another order). Allocates only when `out` must grow; 2 kB are enough for any kind.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut keys = Keys {
            out,
            tail: self.time_tail,
            clock: Clock::default(),
        };
        keys.out.push(b'{');
        match self.kind {
            Kind::Stock => self.write_stock_head(&mut keys),
            Kind::Future => keys.price_with("\"ClearingPrice\":", self.clearing_price, 4),
            Kind::Index => {}
        }
        if self.kind != Kind::Index {
            self.write_volume(&mut keys);
            self.write_books(&mut keys);
        }
        self.write_prices(&mut keys);
        // Every key wrote a comma behind itself; the last one becomes the brace.
        if let Some(last) = out.last_mut() {
            *last = b'}';
        }
    }

    fn write_stock_head(&self, keys: &mut Keys<'_>) {
        keys.qty("\"OverSellQty\":", self.over_sell_qty);
        keys.qty("\"UnderBuyQty\":", self.under_buy_qty);
        keys.price("\"TotalMarketValue\":", self.total_market_value);
        keys.qty("\"MarketOrderSellQty\":", self.market_order_sell_qty);
        keys.qty("\"MarketOrderBuyQty\":", self.market_order_buy_qty);
        keys.time("\"BidTime\":", self.bid_time);
        keys.time("\"AskTime\":", self.ask_time);
    }

    fn write_volume(&self, keys: &mut Keys<'_>) {
        keys.int("\"Exchange\":", self.exchange.map(i64::from));
        keys.string("\"ExchangeName\":", self.exchange_name.as_deref());
        keys.qty("\"TradingVolume\":", self.trading_volume);
        keys.time("\"TradingVolumeTime\":", self.trading_volume_time);
        keys.price("\"VWAP\":", self.vwap);
        keys.price("\"TradingValue\":", self.trading_value);
    }

    fn write_books(&self, keys: &mut Keys<'_>) {
        let timed = self.kind == Kind::Stock;
        keys.qty("\"BidQty\":", self.bid_qty);
        keys.price("\"BidPrice\":", self.bid_price);
        keys.string("\"BidSign\":", self.bid_sign);
        keys.side(&SELL, &self.sell, self.sell1_sign, timed.then_some(self.sell1_time));
        keys.qty("\"AskQty\":", self.ask_qty);
        keys.price("\"AskPrice\":", self.ask_price);
        keys.string("\"AskSign\":", self.ask_sign);
        keys.side(&BUY, &self.buy, self.buy1_sign, timed.then_some(self.buy1_time));
    }

    fn write_prices(&self, keys: &mut Keys<'_>) {
        keys.string("\"Symbol\":", Some(&self.symbol));
        keys.string("\"SymbolName\":", self.symbol_name.as_deref());
        keys.price("\"CurrentPrice\":", self.current_price);
        keys.time("\"CurrentPriceTime\":", self.current_price_time);
        keys.string("\"CurrentPriceChangeStatus\":", self.current_price_change_status);
        keys.int("\"CurrentPriceStatus\":", self.current_price_status.map(i64::from));
        keys.price("\"CalcPrice\":", self.calc_price);
        keys.price_with("\"PreviousClose\":", self.previous_close, 5);
        keys.time("\"PreviousCloseTime\":", self.previous_close_time);
        keys.price_with("\"ChangePreviousClose\":", self.change_previous_close, 5);
        keys.percent("\"ChangePreviousClosePer\":", self.change_previous_close_per);
        keys.price("\"OpeningPrice\":", self.opening_price);
        keys.time("\"OpeningPriceTime\":", self.opening_price_time);
        keys.price("\"HighPrice\":", self.high_price);
        keys.time("\"HighPriceTime\":", self.high_price_time);
        keys.price("\"LowPrice\":", self.low_price);
        keys.time("\"LowPriceTime\":", self.low_price_time);
        keys.int("\"SecurityType\":", self.security_type.map(i64::from));
    }
}

const SELL: [&str; 10] = [
    "\"Sell1\":{\"Price\":",
    "\"Sell2\":{\"Price\":",
    "\"Sell3\":{\"Price\":",
    "\"Sell4\":{\"Price\":",
    "\"Sell5\":{\"Price\":",
    "\"Sell6\":{\"Price\":",
    "\"Sell7\":{\"Price\":",
    "\"Sell8\":{\"Price\":",
    "\"Sell9\":{\"Price\":",
    "\"Sell10\":{\"Price\":",
];

const BUY: [&str; 10] = [
    "\"Buy1\":{\"Price\":",
    "\"Buy2\":{\"Price\":",
    "\"Buy3\":{\"Price\":",
    "\"Buy4\":{\"Price\":",
    "\"Buy5\":{\"Price\":",
    "\"Buy6\":{\"Price\":",
    "\"Buy7\":{\"Price\":",
    "\"Buy8\":{\"Price\":",
    "\"Buy9\":{\"Price\":",
    "\"Buy10\":{\"Price\":",
];

/// Writes `key value ,` groups; the keys come with their quotes and colon so that each is one copy.
struct Keys<'a> {
    out: &'a mut Vec<u8>,
    tail: &'static str,
    clock: Clock,
}

impl Keys<'_> {
    #[inline]
    fn put<T>(&mut self, key: &str, value: Option<T>, print: impl FnOnce(&mut Vec<u8>, T)) {
        self.out.extend_from_slice(key.as_bytes());
        match value {
            Some(value) => print(self.out, value),
            None => self.out.extend_from_slice(b"null"),
        }
        self.out.push(b',');
    }

    #[inline]
    fn qty(&mut self, key: &str, value: Option<Qty>) {
        self.put(key, value, put_qty);
    }

    #[inline]
    fn price(&mut self, key: &str, value: Option<Price>) {
        self.put(key, value, put_price);
    }

    /// A price with a fixed number of decimals, four or five.
    fn price_with(&mut self, key: &str, value: Option<Price>, decimals: usize) {
        self.put(key, value, |out, price| {
            put_scaled::<4>(out, price.0);
            // Prices have no fifth decimal to show.
            out.extend_from_slice(&b"0000"[..decimals.saturating_sub(4)]);
        });
    }

    #[inline]
    fn percent(&mut self, key: &str, value: Option<Percent>) {
        self.put(key, value, |out, percent| put_scaled::<2>(out, percent.0));
    }

    #[inline]
    fn int(&mut self, key: &str, value: Option<i64>) {
        self.put(key, value, put_int);
    }

    #[inline]
    fn string(&mut self, key: &str, value: Option<&str>) {
        self.put(key, value, put_string);
    }

    fn time(&mut self, key: &str, value: Option<Time>) {
        let Some(time) = value else {
            return self.put(key, value, |_, _| {});
        };
        let (digits, tail) = (self.clock.digits(time.0), self.tail.as_bytes());
        self.put(key, value, |out, _| {
            out.push(b'"');
            out.extend_from_slice(&digits);
            out.extend_from_slice(tail);
            out.push(b'"');
        });
    }

    /// Ten levels; the first carries the sign and, where `time` is given, a time.
    fn side(&mut self, keys: &[&str; 10], levels: &[Level; 10], sign: Option<&str>, time: Option<Option<Time>>) {
        for (at, (key, level)) in keys.iter().zip(levels).enumerate() {
            self.out.extend_from_slice(key.as_bytes());
            put_price(self.out, level.price);
            self.out.extend_from_slice(b",\"Qty\":");
            put_qty(self.out, level.qty);
            if at == 0 {
                self.out.push(b',');
                self.string("\"Sign\":", sign);
                if let Some(time) = time {
                    self.time("\"Time\":", time);
                }
                // The comma behind the last key of the object.
                self.out.pop();
            }
            self.out.extend_from_slice(b"},");
        }
    }
}
