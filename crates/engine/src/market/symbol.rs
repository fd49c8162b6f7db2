//! One symbol: its book, its day, and the message that shows both.

use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::encode::{Kind, Message, Percent, Time, change, sign};

use super::book::Book;
use super::flow::Flow;
use super::ladder::Rules;
use super::rng::Rng;
use super::ticksize;
use super::{Profile, Side, Step, Trade};
use crate::Stamp;

/// The state of one symbol. The message is kept up to date event by event, so that showing it costs nothing.
#[derive(Clone, Debug)]
pub(super) struct SymbolMarket {
    rng: Rng,
    flow: Flow,
    rules: Rules,
    /// `None` before the opening (a continued market has had it), and for an index always.
    book: Option<Book>,
    /// Cumulative volume, and the exact sum of price times quantity in 1/10,000 yen.
    volume: i64,
    value: i128,
    /// The newest second seen: time fields never step back.
    second: i64,
    message: Message,
}

impl SymbolMarket {
    pub(super) fn new(seed: u64, profile: &Profile) -> Self {
        let mut rng = Rng::new(seed, &profile.symbol.to_string());
        let rules = profile.rules();
        Self {
            flow: Flow::new(profile, (rules.lowest, rules.highest), &mut rng),
            rng,
            rules,
            book: None,
            volume: 0,
            value: 0,
            second: i64::MIN,
            message: before_the_day(profile),
        }
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    /// One event, see [`super::Market::step`].
    pub(super) fn step(&mut self, profile: &Profile, now: Stamp) -> Step {
        match &mut self.book {
            // A continued market has a book before its first trade; quotes alone would come without price and volume.
            Some(book) if self.message.current_price.is_some() && !self.flow.trades(&mut self.rng) => {
                self.flow.advance(&mut self.rng);
                requote(book, &self.flow, &mut self.rng);
                let now = self.clock(now);
                self.show_book(now);
                Step::default()
            }
            _ => self.trade_now(profile, now),
        }
    }

    /// One event that trades, see [`super::Market::tick`].
    pub(super) fn trade_now(&mut self, profile: &Profile, now: Stamp) -> Step {
        let now = self.clock(now);
        self.flow.advance(&mut self.rng);
        if profile.kind == Kind::Index {
            let price = ticksize::floor(profile.group, self.flow.fair());
            self.show_price(profile, price, now);
            return Step::default();
        }
        let trade = match &mut self.book {
            Some(book) => execute(profile, book, &mut self.flow, &mut self.rng),
            None => self.open(profile),
        };
        self.volume = self.volume.saturating_add(trade.qty.0);
        self.value += i128::from(trade.price.0) * i128::from(trade.qty.0);
        self.show_price(profile, trade.price, now);
        self.show_volume(profile, now);
        self.show_book(now);
        Step { traded: Some(trade) }
    }

    /// The opening auction: a book around the fair price, and one large trade at its touch that leaves it whole.
    fn open(&mut self, profile: &Profile) -> Trade {
        let book = Book::around(self.rules, self.flow.fair(), &mut self.rng);
        let side = if self.rng.chance(500) { Side::Buy } else { Side::Sell };
        let units = profile.trade_units.max(1) * (60 + self.rng.below(60) + 5 * self.rng.heavy(60));
        let price = book.ladder(side.other()).best().price;
        self.book = Some(book);
        Trade {
            price,
            qty: Qty(units * self.rules.unit),
            side,
        }
    }

    /// The second to show, which is also when the previous trading day becomes known.
    fn clock(&mut self, now: Stamp) -> Option<Time> {
        self.second = self.second.max(now.s());
        if self.message.previous_close_time.is_none() {
            self.message.previous_close_time = Some(Time(weekday_before(now.date()).midnight_s()));
        }
        Some(Time(self.second))
    }

    fn show_price(&mut self, profile: &Profile, price: Price, now: Option<Time>) {
        let message = &mut self.message;
        let before = message.current_price.unwrap_or(profile.previous_close);
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
        message.change_previous_close = Some(Price(price.0 - profile.previous_close.0));
        message.change_previous_close_per = Some(percent(price, profile.previous_close));
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

    /// See [`super::Market::go_on_from`].
    pub(super) fn go_on_from(&mut self, profile: &Profile, volume: Qty) {
        self.volume = volume.0.max(0);
        self.value = i128::from(self.volume) * i128::from(profile.previous_close.0);
        // The opening auction is over: its print would look like a large gap behind the volume that was shown before.
        if self.volume > 0 && profile.kind != Kind::Index {
            self.book = Some(Book::around(self.rules, profile.previous_close, &mut self.rng));
        }
    }

    fn show_volume(&mut self, profile: &Profile, now: Option<Time>) {
        let volume = i128::from(self.volume.max(1));
        let clip = |e4: i128| Some(Price(i64::try_from(e4).unwrap_or(i64::MAX)));
        self.message.trading_volume = Some(Qty(self.volume));
        self.message.trading_volume_time = now;
        self.message.vwap = clip((self.value + volume / 2) / volume);
        self.message.trading_value = clip(self.value * i128::from(profile.multiplier));
    }

    /// Bid is the station's word for the best sell, Ask for the best buy.
    fn show_book(&mut self, now: Option<Time>) {
        let Some(book) = &self.book else {
            return;
        };
        let message = &mut self.message;
        let (sell, buy) = (book.ladder(Side::Sell), book.ladder(Side::Buy));
        if message.sell[0] != *sell.best() {
            (message.bid_time, message.sell1_time) = (now, now);
        }
        if message.buy[0] != *buy.best() {
            (message.ask_time, message.buy1_time) = (now, now);
        }
        message.sell = *sell.top();
        message.buy = *buy.top();
        (message.bid_price, message.bid_qty) = (Some(sell.best().price), Some(sell.best().qty));
        (message.ask_price, message.ask_qty) = (Some(buy.best().price), Some(buy.best().qty));
        message.over_sell_qty = Some(sell.over());
        message.under_buy_qty = Some(buy.over());
        for shown in [
            &mut message.bid_sign,
            &mut message.sell1_sign,
            &mut message.ask_sign,
            &mut message.buy1_sign,
        ] {
            *shown = Some(sign::NORMAL);
        }
    }
}

/// A market order meets the book: one execution at the touch; what it wanted beyond that may rest there.
fn execute(profile: &Profile, book: &mut Book, flow: &mut Flow, rng: &mut Rng) -> Trade {
    let side = flow.side(book, rng);
    let want = flow.size(profile, side, rng) * profile.unit.max(1);
    let fill = book.take(side, want, rng);
    if fill.emptied && rng.chance(780) {
        let rest = want - fill.qty;
        book.post_best(side, fill.price, (rest > 0).then_some(rest), rng);
    }
    if book.spread() > 1 && rng.chance(500) {
        book.improve(side, None, rng);
    }
    book.keep_sane(side, rng);
    // Meanwhile others move as well, but nobody at the price that just traded: what it lost is what was traded.
    let elsewhere = if rng.chance(500) { Side::Buy } else { Side::Sell };
    let at = rng.heavy(12) as usize;
    book.resize(elsewhere, at, rng);
    if rng.chance(100) {
        book.rearrange(elsewhere, at, rng);
    }
    if rng.chance(300) {
        book.resize(side, 0, rng);
    }
    Trade {
        price: fill.price,
        qty: Qty(fill.qty),
        side,
    }
}

/// An event without a trade: a wide quote narrows, a side gives way to the fair price, or orders come and go.
fn requote(book: &mut Book, flow: &Flow, rng: &mut Rng) {
    if book.spread() > 1 && rng.chance(600) {
        let side = flow.side(book, rng);
        book.improve(side, None, rng);
        return;
    }
    if let Some(side) = flow.retreating(book)
        && rng.chance(250)
        && book.cancel_best(side, rng)
    {
        if rng.chance(800) {
            book.improve(side.other(), None, rng);
        }
        return;
    }
    let side = if rng.chance(500) { Side::Buy } else { Side::Sell };
    let at = rng.heavy(12) as usize;
    match rng.below(100) {
        0..12 => book.rearrange(side, at, rng),
        12..24 => book.drift(side, rng),
        24..26 => drop(book.cancel_best(side, rng)),
        _ => book.resize(side, at - 1, rng),
    }
}

/// As the station shows a symbol in the early morning: everything null but names and the previous close.
fn before_the_day(profile: &Profile) -> Message {
    let mut message = Message {
        symbol_name: Some(profile.name.clone()),
        current_price_change_status: Some(change::EMPTY),
        calc_price: Some(profile.previous_close),
        previous_close: Some(profile.previous_close),
        security_type: Some(profile.security_type),
        ..Message::new(profile.kind, &profile.symbol.code)
    };
    if profile.kind == Kind::Index {
        return message;
    }
    message.exchange = Some(profile.symbol.exchange);
    message.exchange_name = Some(profile.exchange_name.clone());
    message.clearing_price = Some(profile.previous_close);
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

fn market_value(profile: &Profile, price: Price) -> Option<Price> {
    (profile.shares > 0).then(|| Price(price.0.saturating_mul(profile.shares)))
}

/// Holidays are not known here.
fn weekday_before(date: Date) -> Date {
    let back = match date.weekday() {
        0 => 3,
        6 => 2,
        _ => 1,
    };
    Date::from_days(date.days() - back)
}
