//! What is sent: the last delivered price and the last delivered book, merged.

use ayumi_engine::market::View;
use ayumi_wire::push::encode::Message;

use super::{Alarm, Desk, Floor, MS, NEVER, SECOND};

impl Desk {
    /// Price and volume are to be sent at `at`.
    pub(super) fn send_price(&mut self, at: i64) {
        self.send(Alarm::Price, at);
    }

    /// Quotes are to be sent at `at`.
    pub(super) fn send_book(&mut self, at: i64) {
        self.send(Alarm::Book, at);
    }

    /// Everything is to be sent at `at`.
    pub(super) fn send_both(&mut self, at: i64) {
        self.send(Alarm::Price, at);
        self.send(Alarm::Book, at);
    }

    /// A distorted message is to be sent at `at`; an earlier one that waits is dropped.
    pub(super) fn send_view(&mut self, view: View, at: i64) {
        self.view = Some(view);
        self.set(Alarm::View, at.max(self.silent_until));
    }

    fn send(&mut self, what: Alarm, at: i64) {
        let at = self.packet(at).max(self.silent_until);
        if at < self.at(what) {
            self.set(what, at);
        }
    }

    /// The message due at `at`; printed where wanted. Its volume, or `None` when there is no message after all.
    pub(in super::super) fn deliver(
        &mut self,
        floor: &mut Floor<'_>,
        at: i64,
        out: Option<&mut Vec<u8>>,
    ) -> Option<Option<i64>> {
        if self.at(Alarm::Cue) <= at {
            self.happen(floor, at);
        }
        self.clock = at;
        if self.at(Alarm::View) <= at {
            return self.deliver_view(floor, at, out);
        }
        let book = self.at(Alarm::Book) <= at;
        let price = self.at(Alarm::Price) <= at || (book && self.lazy);
        if !book && !price {
            return None;
        }
        if price {
            self.set(Alarm::Price, NEVER);
            self.lazy = false;
            copy_price(&mut self.shown, floor.message());
        }
        if book {
            self.set(Alarm::Book, NEVER);
            copy_book(&mut self.shown, floor.message());
        }
        if price && std::mem::take(&mut self.moved) && !book {
            self.quotes_follow(at);
        }
        if let Some(out) = out {
            self.shown.write(out);
        }
        Some(self.shown.trading_volume.map(|qty| qty.0))
    }

    /// A distorted picture of everything as it is now; the true one follows soon.
    fn deliver_view(&mut self, floor: &mut Floor<'_>, at: i64, out: Option<&mut Vec<u8>>) -> Option<Option<i64>> {
        for alarm in [Alarm::View, Alarm::Price, Alarm::Book] {
            self.set(alarm, NEVER);
        }
        (self.lazy, self.moved) = (false, false);
        copy_price(&mut self.shown, floor.message());
        copy_book(&mut self.shown, floor.message());
        let view = self.view.take()?;
        let picture = floor.market.view(floor.index, view);
        if let Some(out) = out {
            picture.write(out);
        }
        let after = self.dice.between(60 * MS, 300 * MS);
        // Where a line of the script shows another state in a moment, that is what follows.
        if self.at(Alarm::Cue).saturating_sub(at) > SECOND {
            self.send_both(at + after);
        }
        Some(picture.trading_volume.map(|qty| qty.0))
    }

    /// The book moves with a new price: mostly its quotes come right behind.
    fn quotes_follow(&mut self, at: i64) {
        let follow = self.quotes_after_price(at);
        if follow == 0 {
            return;
        }
        let wait = match self.dice.below(10) {
            0..3 => self.dice.between(400_000, 4 * MS),
            _ => self.dice.between(5 * MS, 120 * MS),
        };
        self.send_book(at + wait);
        if follow > 1 && self.at(Alarm::Quote) < NEVER {
            self.chain = follow - 2;
            let next = at + wait + self.dice.between(4 * MS, 110 * MS);
            self.set(Alarm::Quote, next.min(self.at(Alarm::Quote)));
        }
    }
}

/// What the price source delivers.
fn copy_price(to: &mut Message, from: &Message) {
    to.total_market_value = from.total_market_value;
    to.clearing_price = from.clearing_price;
    to.trading_volume = from.trading_volume;
    to.trading_volume_time = from.trading_volume_time;
    to.vwap = from.vwap;
    to.trading_value = from.trading_value;
    to.current_price = from.current_price;
    to.current_price_time = from.current_price_time;
    to.current_price_change_status = from.current_price_change_status;
    to.current_price_status = from.current_price_status;
    to.calc_price = from.calc_price;
    to.previous_close = from.previous_close;
    to.previous_close_time = from.previous_close_time;
    to.change_previous_close = from.change_previous_close;
    to.change_previous_close_per = from.change_previous_close_per;
    to.opening_price = from.opening_price;
    to.opening_price_time = from.opening_price_time;
    to.high_price = from.high_price;
    to.high_price_time = from.high_price_time;
    to.low_price = from.low_price;
    to.low_price_time = from.low_price_time;
}

/// What the quote source delivers.
fn copy_book(to: &mut Message, from: &Message) {
    to.over_sell_qty = from.over_sell_qty;
    to.under_buy_qty = from.under_buy_qty;
    to.market_order_sell_qty = from.market_order_sell_qty;
    to.market_order_buy_qty = from.market_order_buy_qty;
    to.bid_price = from.bid_price;
    to.bid_qty = from.bid_qty;
    to.bid_sign = from.bid_sign;
    to.bid_time = from.bid_time;
    to.sell = from.sell;
    to.sell1_sign = from.sell1_sign;
    to.sell1_time = from.sell1_time;
    to.ask_price = from.ask_price;
    to.ask_qty = from.ask_qty;
    to.ask_sign = from.ask_sign;
    to.ask_time = from.ask_time;
    to.buy = from.buy;
    to.buy1_sign = from.buy1_sign;
    to.buy1_time = from.buy1_time;
}

#[cfg(test)]
mod tests {
    use ayumi_engine::market::{Market, Profile};
    use ayumi_engine::{Stamp, Symbol};

    use super::*;

    /// A field that neither source delivers would stay as it was at the start of the day.
    #[test]
    fn price_and_book_together_are_everything() {
        for symbol in [Symbol::tse("7203"), Symbol::tse("101"), "167060019@2".parse().unwrap()] {
            let mut market = Market::new(1, vec![Profile::of(&symbol, 1)]);
            let mut shown = market.message(0).clone();
            for second in 0..200 {
                market.step(0, Stamp::from_s(1_795_132_800 + second));
            }
            assert_ne!(&shown, market.message(0));
            copy_price(&mut shown, market.message(0));
            copy_book(&mut shown, market.message(0));
            assert_eq!(&shown, market.message(0));
        }
    }
}
