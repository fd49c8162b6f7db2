//! Printing a quote as the station prints it: key order, number style and nulls of the wire.
//!
//! The simulator and the mock market speak through this, and tests build their messages with it. It owns the printed
//! form only: whether the values make sense is the caller's business, so that faults can be printed too.
//!
//! **The station's Bid and Ask are reversed**, and the names here are the station's: `bid_*` is the best SELL quote
//! (= `sell[0]`), `ask_*` the best BUY quote (= `buy[0]`). Turning them round is not done here.

mod print;
mod text;

use crate::num::{Price, Qty};

/// One price level; the default, 0.0 / 0.0, is an empty one.
pub use super::Level;

/// Which keys a message has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Shares and ETFs: 57 keys.
    #[default]
    Stock,
    /// Futures: 51 keys; with `ClearingPrice`, without quote times, market orders, over/under and market value.
    Future,
    /// Indices: 18 keys, prices only.
    Index,
}

/// A wire time: Unix seconds, printed as JST digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A percentage in 1/100 percent: `Percent(41)` prints `0.41`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub i64);

/// Values of `BidSign`, `AskSign`, `Sell1.Sign`, `Buy1.Sign` (station document, 7.1).
pub mod sign {
    /// No quote.
    pub const NONE: &str = "0000";
    /// Ordinary quote of continuous trading.
    pub const NORMAL: &str = "0101";
    /// Special quote: the price is walking to find a counterpart.
    pub const SPECIAL: &str = "0102";
    /// Caution quote.
    pub const CAUTION: &str = "0103";
    /// Quote before an auction.
    pub const PREOPEN: &str = "0107";
    /// Special quote before a halt.
    pub const SPECIAL_BEFORE_HALT: &str = "0108";
    /// Quote after the close.
    pub const AFTER_CLOSE: &str = "0109";
    /// Quote of sequential trades.
    pub const SEQUENTIAL: &str = "0118";
}

/// Values of `CurrentPriceChangeStatus` (station document, 7.2).
pub mod change {
    /// As sent before the open.
    pub const EMPTY: &str = "";
    /// No change known: the first price.
    pub const NONE: &str = "0000";
    /// Price as before.
    pub const SAME: &str = "0056";
    /// Price up.
    pub const UP: &str = "0057";
    /// Price down.
    pub const DOWN: &str = "0058";
    /// First price after a halt.
    pub const AFTER_HALT: &str = "0059";
    /// Close of continuous trading.
    pub const CLOSE_CONTINUOUS: &str = "0060";
    /// Close by auction.
    pub const CLOSE_AUCTION: &str = "0061";
    /// Close under a special quote.
    pub const CLOSE_SPECIAL: &str = "0066";
}

/// A whole PUSH message or `/board` answer. `None` prints `null`; fields that the [`Kind`] lacks are not printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which keys are printed.
    pub kind: Kind,
    /// What follows the seconds of every time. `+09:00`, unless a fault is to be shown: `+08:00`, `.957+09:00`.
    pub time_tail: &'static str,

    /// `ClearingPrice` (futures): settlement price, printed with four decimals.
    pub clearing_price: Option<Price>,
    /// `OverSellQty` (stocks): sell quantity beyond level 10.
    pub over_sell_qty: Option<Qty>,
    /// `UnderBuyQty` (stocks): buy quantity beyond level 10.
    pub under_buy_qty: Option<Qty>,
    /// `TotalMarketValue` (stocks) in yen; [`Price`] lends its scale, 1/10,000 yen.
    pub total_market_value: Option<Price>,
    /// `MarketOrderSellQty` (stocks): market sell orders of an auction book; 0 in continuous trading.
    pub market_order_sell_qty: Option<Qty>,
    /// `MarketOrderBuyQty` (stocks): market buy orders of an auction book; 0 in continuous trading.
    pub market_order_buy_qty: Option<Qty>,
    /// `Exchange` (not for indices): 1, 3, 5, 6, 2, 23, 24.
    pub exchange: Option<u16>,
    /// `ExchangeName` (not for indices).
    pub exchange_name: Option<String>,
    /// `TradingVolume`: cumulative volume of the trading day.
    pub trading_volume: Option<Qty>,
    /// `TradingVolumeTime`.
    pub trading_volume_time: Option<Time>,
    /// `VWAP` of the trading day, up to four decimals.
    pub vwap: Option<Price>,
    /// `TradingValue`: cumulative turnover in yen; [`Price`] lends its scale, 1/10,000 yen.
    pub trading_value: Option<Price>,

    /// `BidPrice`: the best **SELL** quote, normally `sell[0].price`. The station's names are reversed.
    pub bid_price: Option<Price>,
    /// `BidQty`: quantity of the best **SELL** quote.
    pub bid_qty: Option<Qty>,
    /// `BidSign`: sign of the best **SELL** quote, see [`sign`].
    pub bid_sign: Option<&'static str>,
    /// `BidTime` (stocks): time of the best **SELL** quote.
    pub bid_time: Option<Time>,
    /// `Sell1` to `Sell10`: sell levels, prices rising.
    pub sell: [Level; 10],
    /// `Sell1.Sign`.
    pub sell1_sign: Option<&'static str>,
    /// `Sell1.Time` (stocks).
    pub sell1_time: Option<Time>,

    /// `AskPrice`: the best **BUY** quote, normally `buy[0].price`. The station's names are reversed.
    pub ask_price: Option<Price>,
    /// `AskQty`: quantity of the best **BUY** quote.
    pub ask_qty: Option<Qty>,
    /// `AskSign`: sign of the best **BUY** quote, see [`sign`].
    pub ask_sign: Option<&'static str>,
    /// `AskTime` (stocks): time of the best **BUY** quote.
    pub ask_time: Option<Time>,
    /// `Buy1` to `Buy10`: buy levels, prices falling.
    pub buy: [Level; 10],
    /// `Buy1.Sign`.
    pub buy1_sign: Option<&'static str>,
    /// `Buy1.Time` (stocks).
    pub buy1_time: Option<Time>,

    /// `Symbol`: the code.
    pub symbol: String,
    /// `SymbolName`.
    pub symbol_name: Option<String>,
    /// `CurrentPrice`: last price.
    pub current_price: Option<Price>,
    /// `CurrentPriceTime`.
    pub current_price_time: Option<Time>,
    /// `CurrentPriceChangeStatus`, see [`change`].
    pub current_price_change_status: Option<&'static str>,
    /// `CurrentPriceStatus`: 1 in trading, -1 before the open, null for indices.
    pub current_price_status: Option<i32>,
    /// `CalcPrice`.
    pub calc_price: Option<Price>,
    /// `PreviousClose`, printed with five decimals.
    pub previous_close: Option<Price>,
    /// `PreviousCloseTime`: 00:00:00 of its day.
    pub previous_close_time: Option<Time>,
    /// `ChangePreviousClose`, printed with five decimals.
    pub change_previous_close: Option<Price>,
    /// `ChangePreviousClosePer`.
    pub change_previous_close_per: Option<Percent>,
    /// `OpeningPrice`.
    pub opening_price: Option<Price>,
    /// `OpeningPriceTime`.
    pub opening_price_time: Option<Time>,
    /// `HighPrice`.
    pub high_price: Option<Price>,
    /// `HighPriceTime`.
    pub high_price_time: Option<Time>,
    /// `LowPrice`.
    pub low_price: Option<Price>,
    /// `LowPriceTime`.
    pub low_price_time: Option<Time>,
    /// `SecurityType`: 1 share, 0 index, 901 NK225 mini ... (station document, 7.4).
    pub security_type: Option<i32>,
}

impl Message {
    /// A message without any value yet: every key null, every level empty.
    #[must_use]
    pub fn new(kind: Kind, symbol: &str) -> Self {
        Self {
            kind,
            time_tail: "+09:00",
            symbol: symbol.to_owned(),
            clearing_price: None,
            over_sell_qty: None,
            under_buy_qty: None,
            total_market_value: None,
            market_order_sell_qty: None,
            market_order_buy_qty: None,
            exchange: None,
            exchange_name: None,
            trading_volume: None,
            trading_volume_time: None,
            vwap: None,
            trading_value: None,
            bid_price: None,
            bid_qty: None,
            bid_sign: None,
            bid_time: None,
            sell: [Level::default(); 10],
            sell1_sign: None,
            sell1_time: None,
            ask_price: None,
            ask_qty: None,
            ask_sign: None,
            ask_time: None,
            buy: [Level::default(); 10],
            buy1_sign: None,
            buy1_time: None,
            symbol_name: None,
            current_price: None,
            current_price_time: None,
            current_price_change_status: None,
            current_price_status: None,
            calc_price: None,
            previous_close: None,
            previous_close_time: None,
            change_previous_close: None,
            change_previous_close_per: None,
            opening_price: None,
            opening_price_time: None,
            high_price: None,
            high_price_time: None,
            low_price: None,
            low_price_time: None,
            security_type: None,
        }
    }
}

#[cfg(test)]
mod tests;
