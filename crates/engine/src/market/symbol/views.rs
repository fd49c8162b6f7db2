//! Odd messages of a moment, as clients of the station reported them.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::Level;
use ayumi_wire::push::encode::{Kind, Message, sign};

use super::super::{Side, View, ticksize};
use super::SymbolMarket;

impl SymbolMarket {
    /// See [`super::super::Market::view`].
    pub(in super::super) fn view(&self, view: View) -> Message {
        let mut shown = self.message.clone();
        match view {
            View::NullBlock => null_block(&mut shown),
            _ if shown.kind == Kind::Index => {}
            View::Lock => lock(&mut shown),
            View::Cross => self.cross_quotes(&mut shown),
            View::ZeroQuotes => zero_quotes(&mut shown),
            View::ZeroDepth => zero_depth(&mut shown),
            View::ForeignDepth => self.foreign_depth(&mut shown),
        }
        shown
    }

    /// Without quotes on both sides there is nothing to cross.
    fn cross_quotes(&self, shown: &mut Message) {
        let (sell, buy) = (shown.sell[0], shown.buy[0]);
        if sell.price.0 <= 0 || buy.price.0 <= 0 {
            return;
        }
        // At the upper limit the sell moves instead.
        let above = ticksize::up(self.rules.group, sell.price);
        if self.rules.allows(above) {
            shown.buy[0].price = above;
            shown.ask_price = Some(above);
        } else {
            let below = ticksize::down(self.rules.group, buy.price);
            shown.sell[0].price = below;
            shown.bid_price = Some(below);
        }
    }

    /// The whole ladder some 2.5 percent above where it belongs.
    fn foreign_depth(&self, shown: &mut Message) {
        let start = |level: Level| ticksize::floor(self.rules.group, Price(level.price.0 + level.price.0 / 40));
        let (mut sell, mut buy) = (start(shown.sell[0]), start(shown.buy[0]));
        for level in shown.sell.iter_mut().filter(|level| level.qty.0 > 0) {
            level.price = sell;
            sell = self.rules.toward(Side::Sell, sell);
        }
        for level in shown.buy.iter_mut().filter(|level| level.qty.0 > 0) {
            level.price = buy;
            buy = self.rules.toward(Side::Buy, buy);
        }
    }
}

fn lock(shown: &mut Message) {
    let (sell, buy) = (shown.sell[0], shown.buy[0]);
    if sell.qty.0 == 0 || buy.qty.0 == 0 {
        return;
    }
    let both = Level {
        price: buy.price,
        qty: sell.qty.min(buy.qty),
    };
    (shown.sell[0], shown.buy[0]) = (both, both);
    (shown.bid_price, shown.bid_qty) = (Some(both.price), Some(both.qty));
    (shown.ask_price, shown.ask_qty) = (Some(both.price), Some(both.qty));
}

fn zero_quotes(shown: &mut Message) {
    (shown.bid_price, shown.bid_qty) = (Some(Price(0)), Some(Qty(0)));
    (shown.ask_price, shown.ask_qty) = (Some(Price(0)), Some(Qty(0)));
    (shown.sell, shown.buy) = ([Level::default(); 10], [Level::default(); 10]);
    (shown.over_sell_qty, shown.under_buy_qty) = (Some(Qty(0)), Some(Qty(0)));
    (shown.market_order_sell_qty, shown.market_order_buy_qty) = (Some(Qty(0)), Some(Qty(0)));
    for place in [
        &mut shown.bid_sign,
        &mut shown.ask_sign,
        &mut shown.sell1_sign,
        &mut shown.buy1_sign,
    ] {
        *place = Some(sign::NONE);
    }
}

fn null_block(shown: &mut Message) {
    let names = Message::new(shown.kind, "");
    *shown = Message {
        symbol: std::mem::take(&mut shown.symbol),
        symbol_name: shown.symbol_name.take(),
        time_tail: shown.time_tail,
        exchange: shown.exchange,
        exchange_name: shown.exchange_name.take(),
        security_type: shown.security_type,
        clearing_price: shown.clearing_price,
        calc_price: shown.calc_price,
        previous_close: shown.previous_close,
        previous_close_time: shown.previous_close_time,
        over_sell_qty: shown.over_sell_qty,
        under_buy_qty: shown.under_buy_qty,
        market_order_sell_qty: shown.market_order_sell_qty,
        market_order_buy_qty: shown.market_order_buy_qty,
        sell: shown.sell,
        sell1_sign: shown.sell1_sign,
        buy: shown.buy,
        buy1_sign: shown.buy1_sign,
        ..names
    };
}

fn zero_depth(shown: &mut Message) {
    (shown.sell, shown.buy) = ([Level::default(); 10], [Level::default(); 10]);
    (shown.sell1_sign, shown.buy1_sign) = (None, None);
    (shown.over_sell_qty, shown.under_buy_qty) = (Some(Qty(0)), Some(Qty(0)));
}
