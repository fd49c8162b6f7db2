//! The market as a desk sees it: one symbol, and the book of true trades.

use ayumi_engine::Stamp;
use ayumi_engine::market::{Market, Print as Auction, Step, Trade};
use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::encode::Message;

use super::super::prints::{Print, PrintKind, Prints};

/// Where a desk does its business.
pub(in super::super) struct Floor<'a> {
    pub market: &'a mut Market,
    pub prints: &'a mut Prints,
    pub index: usize,
}

impl Floor<'_> {
    pub(super) fn message(&self) -> &Message {
        self.market.message(self.index)
    }

    pub(super) fn price(&self) -> Option<Price> {
        self.message().current_price
    }

    /// Cumulative volume, 0 before the first trade.
    fn volume(&self) -> i64 {
        self.message().trading_volume.map_or(0, |qty| qty.0)
    }

    /// One event as the market likes it; true when it was a trade, for an index a new price.
    pub(super) fn step(&mut self, at: i64) -> bool {
        let before = self.volume();
        let step = self.market.step(self.index, Stamp(at));
        self.note(at, before, step, PrintKind::Trade)
    }

    /// An auction prints; true when something was traded.
    pub(super) fn auction(&mut self, at: i64, auction: Auction) -> bool {
        let before = self.volume();
        let step = self.market.auction(self.index, Stamp(at), auction);
        self.note(at, before, step, auction.into())
    }

    /// One trade.
    pub(super) fn tick(&mut self, at: i64) {
        let before = self.volume();
        let message = self.market.tick(self.index, Stamp(at));
        if let (Some(price), Some(volume)) = (message.current_price, message.trading_volume)
            && volume.0 > before
        {
            self.prints.push(Print {
                at: Stamp(at),
                index: self.index,
                price,
                qty: Qty(volume.0 - before),
                volume,
                kind: PrintKind::Trade,
            });
        }
    }

    /// Something that may be several trades; true when there was one.
    pub(super) fn several(
        &mut self,
        at: i64,
        act: impl FnOnce(&mut Market, usize, Stamp, &mut dyn FnMut(Trade)),
    ) -> bool {
        let mut volume = self.volume();
        let before = volume;
        let (index, prints) = (self.index, &mut *self.prints);
        act(self.market, index, Stamp(at), &mut |trade: Trade| {
            volume += trade.qty.0;
            prints.push(Print {
                at: Stamp(at),
                index,
                price: trade.price,
                qty: trade.qty,
                volume: Qty(volume),
                kind: PrintKind::Trade,
            });
        });
        volume > before
    }

    fn note(&mut self, at: i64, before: i64, step: Step, kind: PrintKind) -> bool {
        if let Some(trade) = step.traded {
            self.prints.push(Print {
                at: Stamp(at),
                index: self.index,
                price: trade.price,
                qty: trade.qty,
                volume: Qty(before + trade.qty.0),
                kind,
            });
        }
        step.traded.is_some()
    }
}
