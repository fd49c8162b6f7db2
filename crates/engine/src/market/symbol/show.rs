//! A symbol's state in the station's words: which message field says what.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::{Kind, Message, Percent, Time, change, sign};

use super::super::{Profile, Side};
use super::SymbolMarket;

impl SymbolMarket {
    pub(super) fn show_price(&mut self, profile: &Profile, price: Price, now: Option<Time>) {
        let message = &mut self.message;
        let before = message.current_price.unwrap_or(self.close);
        message.current_price_change_status = Some(match price.cmp(&before) {
            std::cmp::Ordering::Equal => change::SAME,
            std::cmp::Ordering::Greater => change::UP,
            std::cmp::Ordering::Less => change::DOWN,
        });
        message.current_price = Some(price);
        message.current_price_time = now;
        message.calc_price = Some(price);
        if profile.kind != Kind::Index {
            message.current_price_status = Some(1);
        }
        message.change_previous_close = Some(Price(price.0 - self.close.0));
        message.change_previous_close_per = Some(percent(price, self.close));
        message.total_market_value = market_value(profile, price);
        if message.opening_price.is_none() {
            (message.opening_price, message.opening_price_time) = (Some(price), now);
        }
        if message.high_price.is_none_or(|high| price > high) {
            (message.high_price, message.high_price_time) = (Some(price), now);
        }
        if message.low_price.is_none_or(|low| price < low) {
            (message.low_price, message.low_price_time) = (Some(price), now);
        }
    }

    pub(super) fn show_volume(&mut self, profile: &Profile, now: Option<Time>) {
        let volume = i128::from(self.volume.max(1));
        let clip = |e4: i128| Some(Price(i64::try_from(e4).unwrap_or(i64::MAX)));
        self.message.trading_volume = Some(Qty(self.volume));
        self.message.trading_volume_time = now;
        self.message.vwap = clip((self.value + volume / 2) / volume);
        self.message.trading_value = clip(self.value * i128::from(profile.multiplier));
    }

    /// The book of continuous trading.
    pub(super) fn show_book(&mut self, now: Option<Time>) {
        let Some(book) = &self.book else {
            return;
        };
        let (sell, buy) = (book.ladder(Side::Sell), book.ladder(Side::Buy));
        let (sells, buys) = (
            Quotes::of(*sell.top(), sign::NORMAL),
            Quotes::of(*buy.top(), sign::NORMAL),
        );
        let beyond = (sell.over(), buy.over());
        show_quotes(&mut self.message, &sells, &buys, now);
        (self.message.over_sell_qty, self.message.under_buy_qty) = (Some(beyond.0), Some(beyond.1));
        (self.message.market_order_sell_qty, self.message.market_order_buy_qty) = (Some(Qty(0)), Some(Qty(0)));
    }
}

/// One side as it is shown.
pub(super) struct Quotes {
    pub(super) levels: [Level; 10],
    /// Best quote; its sign is that of `BidSign` or `AskSign`.
    pub(super) best: Level,
    pub(super) sign: &'static str,
    /// `Sell1.Sign` or `Buy1.Sign`.
    pub(super) level_sign: Option<&'static str>,
}

impl Quotes {
    /// As in all ordinary books: level 1 is the best quote.
    pub(super) fn of(levels: [Level; 10], sign: &'static str) -> Self {
        Self {
            best: levels[0],
            levels,
            sign,
            level_sign: Some(sign),
        }
    }
}

/// Bid is the station's word for the best sell, Ask for the best buy.
pub(super) fn show_quotes(message: &mut Message, sells: &Quotes, buys: &Quotes, now: Option<Time>) {
    if message.sell[0] != sells.levels[0] || message.bid_price.is_none() {
        (message.bid_time, message.sell1_time) = (now, now);
    }
    if message.buy[0] != buys.levels[0] || message.ask_price.is_none() {
        (message.ask_time, message.buy1_time) = (now, now);
    }
    message.sell = sells.levels;
    message.buy = buys.levels;
    (message.bid_price, message.bid_qty) = (Some(sells.best.price), Some(sells.best.qty));
    (message.ask_price, message.ask_qty) = (Some(buys.best.price), Some(buys.best.qty));
    (message.bid_sign, message.sell1_sign) = (Some(sells.sign), sells.level_sign);
    (message.ask_sign, message.buy1_sign) = (Some(buys.sign), buys.level_sign);
}

/// As the station shows a symbol in the early morning: everything null but names and a previous close.
pub(super) fn before_the_day(profile: &Profile, shown_close: Price) -> Message {
    let mut message = Message {
        symbol_name: Some(profile.name.clone()),
        current_price_change_status: Some(change::EMPTY),
        calc_price: Some(shown_close),
        previous_close: Some(shown_close),
        security_type: Some(profile.security_type),
        ..Message::new(profile.kind, &profile.symbol.code)
    };
    if profile.kind == Kind::Index {
        return message;
    }
    message.exchange = Some(profile.symbol.exchange);
    message.exchange_name = Some(profile.exchange_name.clone());
    message.clearing_price = Some(shown_close);
    for qty in [
        &mut message.over_sell_qty,
        &mut message.under_buy_qty,
        &mut message.market_order_sell_qty,
        &mut message.market_order_buy_qty,
    ] {
        *qty = Some(Qty(0));
    }
    for shown in [
        &mut message.bid_sign,
        &mut message.sell1_sign,
        &mut message.ask_sign,
        &mut message.buy1_sign,
    ] {
        *shown = Some(sign::NONE);
    }
    message
}

/// The change in 1/100 percent, rounded half away from zero.
fn percent(price: Price, close: Price) -> Percent {
    let scaled = (price.0 - close.0) * 20_000 / close.0.max(1);
    Percent((scaled + scaled.signum()) / 2)
}

pub(super) fn market_value(profile: &Profile, price: Price) -> Option<Price> {
    (profile.shares > 0).then(|| Price(price.0.saturating_mul(profile.shares)))
}
