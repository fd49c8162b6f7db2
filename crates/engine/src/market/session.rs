//! A symbol's day, operation by operation. The driver owns the clock and decides what of it the world sees; after every
//! operation [`Market::message`] is the state as the station would send it.
//!
//! A usual day: `new_day`, `refresh_close` (07:52), `announce` (07:56), `ready` (07:59:59), `call` many times,
//! `auction(Open)`, `open_book` 0.3 to 0.5 s later, `step` and `sweep` many times, `auction(MorningClose)`, `call`s,
//! `auction(AfternoonOpen)`, `open_book`, `step`s, `view(ZeroQuotes)`, `call`s, `auction(Close)`, `open_book`,
//! `after_close`, and the next day `new_day`.
//!
//! An index takes part in `new_day`, `announce`, `step`, `auction` (which gives it a price) and `after_close`; the rest
//! leaves it alone. Futures do as shares do; whose session begins when is the driver's business. A whole-day contract
//! (exchange 2) gets its `new_day` before the evening start, and the day session is its second session.

use ayumi_wire::jst::Date;
use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Message;

use super::{Market, Phase, Print, Side, Step, Trade, View};
use crate::Stamp;

/// All of these panic when `index` is not a position in [`Market::profiles`]. None allocates but [`Market::new_day`] and
/// [`Market::view`].
impl Market {
    /// Begins a day: everything null, levels 0.0, Signs 0000, volume 0. The previous close becomes `close` (moved to a
    /// valid price), or without it the last price, or the one before when nothing traded; the day's limits follow from
    /// it. The message still shows the close before, until [`Market::refresh_close`] or [`Market::announce`].
    pub fn new_day(&mut self, index: usize, date: Date, close: Option<Price>) {
        self.symbols[index].new_day(&self.profiles[index], date, close);
    }

    /// From the next [`Market::new_day`] on, days will have about so many events: the more there are, the smaller each
    /// is, so that a day goes as far at any rate. Usually 100,000.
    pub fn expect(&mut self, index: usize, events: i64) {
        self.symbols[index].expect(events);
    }

    /// 07:52: `PreviousClose` and `CalcPrice` turn to the right day.
    pub fn refresh_close(&mut self, index: usize) {
        self.symbols[index].refresh_close();
    }

    /// 07:56: `PreviousCloseTime` (the trading day before) and `TotalMarketValue` are known. Implies
    /// [`Market::refresh_close`].
    pub fn announce(&mut self, index: usize, now: Stamp) {
        self.symbols[index].announce(&self.profiles[index], now);
    }

    /// 07:59:59: `CurrentPriceStatus` -1. Nothing when there is a price already.
    pub fn ready(&mut self, index: usize) {
        self.symbols[index].ready(&self.profiles[index]);
    }

    /// One event of an auction call, from any phase: orders come, change and go. Sign 0107 on both sides, best quotes one
    /// tick apart; level 1 counts everything that can be executed there, market orders included. Price and volume stay.
    /// Out of a halt that was lifted the status stays at 7 until the price. At the limit the one-sided book stays.
    pub fn call(&mut self, index: usize, now: Stamp) {
        self.symbols[index].call(&self.profiles[index], now);
    }

    /// In a call: best quotes at one price with equal quantities, until the next event. An auction that follows prints
    /// this price and quantity. Begins a call where there is none.
    pub fn lock(&mut self, index: usize, now: Stamp) {
        self.symbols[index].lock(&self.profiles[index], now);
    }

    /// An auction prints: price, volume and `CurrentPriceChangeStatus` change while the message's book is still the old
    /// one. Out of a call the price is one of the best quotes and the quantity the smaller of theirs; out of a special
    /// quote its price; without a call a usual size near the fair price, from the standing book if there is one. The
    /// phase afterwards is [`Phase::Open`], [`Phase::Break`] or [`Phase::Closed`]; at the limit it stays
    /// [`Phase::Limit`] while the session lasts.
    pub fn auction(&mut self, index: usize, now: Stamp, print: Print) -> Step {
        self.symbols[index].auction(&self.profiles[index], now, print)
    }

    /// The book after an auction becomes visible, with Sign 0101 and no market orders. [`Market::step`] would show it as
    /// well, with its own change on top. Nothing where no book can be shown (before the day, in a halt).
    pub fn open_book(&mut self, index: usize, now: Stamp) {
        self.symbols[index].open_book(&self.profiles[index], now);
    }

    /// A market order that walks through two to eight levels, two where a tick is a large part of the price: each is one true trade, told to `each` in order; the
    /// message shows the state after the last. `side` is drawn when not given. Outside continuous trading it does what
    /// [`Market::step`] does.
    pub fn sweep(&mut self, index: usize, now: Stamp, side: Option<Side>, each: &mut dyn FnMut(Trade)) {
        self.symbols[index].sweep(&self.profiles[index], now, side, each);
    }

    /// A special quote moves one renewal step to `side` (the first call begins it): Sign 0102 on that side,
    /// `BidPrice` = `AskPrice`, price and volume as they were. Stays at the day's limit when it gets there. It ends with
    /// [`Market::auction`], at the price where it stands.
    pub fn special(&mut self, index: usize, now: Stamp, side: Side) {
        self.symbols[index].special(&self.profiles[index], now, side);
    }

    /// Trading is halted: `CurrentPriceStatus` 6, Signs 0108 where there are quotes. [`Market::step`] does nothing then.
    pub fn halt(&mut self, index: usize, now: Stamp) {
        self.symbols[index].halt(&self.profiles[index], now);
    }

    /// The halt is lifted: `CurrentPriceStatus` 7. Orders gather by [`Market::call`] until `auction(Resume)`.
    pub fn lift(&mut self, index: usize, now: Stamp) {
        self.symbols[index].lift(&self.profiles[index], now);
    }

    /// One event of a run to the day's limit on `side` and of the time there. In continuous trading about a dozen calls
    /// lead from the previous close to the limit, each with several true trades, told to `each`; in a call or before the
    /// open a special quote walks there without trades. At the limit ([`Phase::Limit`]) the other side is empty; once
    /// there was a price, some of the events are trades at the limit. [`Market::step`] goes on with them.
    pub fn limit(&mut self, index: usize, now: Stamp, side: Side, each: &mut dyn FnMut(Trade)) {
        self.symbols[index].limit(&self.profiles[index], now, side, each);
    }

    /// The limit gives way: one trade takes the whole queue at the limit, and continuous trading goes on from there.
    /// Nothing when the symbol is not at its limit.
    pub fn off_limit(&mut self, index: usize, now: Stamp, each: &mut dyn FnMut(Trade)) {
        self.symbols[index].off_limit(&self.profiles[index], now, each);
    }

    /// From now on this is the fair price, instead of an invented path: quotes and trades stay within a few ticks of it.
    /// A price outside the day's limits widens them, see [`Market::fit`]. Call it with every new price of the path.
    pub fn follow(&mut self, index: usize, price: Price) {
        self.symbols[index].follow(&self.profiles[index], price);
    }

    /// Widens the day's limits so that prices from `low` to `high` fit with room around them. For the start of a day
    /// that follows a path: [`Market::limits`] is then right from the beginning. A symbol at a limit that moves comes off it.
    pub fn fit(&mut self, index: usize, low: Price, high: Price) {
        self.symbols[index].fit(&self.profiles[index], low, high);
    }

    /// After 15:30: the day is over, Signs 0109, nothing moves until [`Market::new_day`].
    pub fn after_close(&mut self, index: usize, now: Stamp) {
        self.symbols[index].after_close(&self.profiles[index], now);
    }

    /// `LowerLimit` and `UpperLimit` of the day.
    #[must_use]
    pub fn limits(&self, index: usize) -> (Price, Price) {
        self.symbols[index].limits()
    }

    /// Where the symbol's trading stands.
    #[must_use]
    pub fn phase(&self, index: usize) -> Phase {
        self.symbols[index].phase()
    }

    /// What a distorted message would show now. An index has no quotes: only [`View::NullBlock`] changes something.
    #[must_use]
    pub fn view(&self, index: usize, view: View) -> Message {
        self.symbols[index].view(view)
    }
}
