//! The fast decoder: compact JSON in the station's key order, straight into integers.
//!
//! It remembers where it is in the known order and confirms the next key with one comparison; a key out of order is
//! looked up and the order continues from there, so futures and indices stay on this path. `None` means "not plainly
//! what the station sends", never "wrong".

use std::borrow::Cow;

use super::keys::{self, Field, KEYS};
use super::scan::Cursor;
use super::{Level, Push, Sign};

pub(super) fn decode(frame: &[u8]) -> Option<Push<'_>> {
    let mut cursor = Cursor::new(frame);
    let mut push = Push::default();
    cursor.eat(b'{')?;
    let (mut next, mut seen) = (0usize, 0u64);
    loop {
        cursor.eat(b'"')?;
        let (at, level_begun) = match KEYS.get(next) {
            Some(key) if cursor.eat_literal(&key.expected) => (Some(next), true),
            _ => (key_out_of_order(&mut cursor)?, false),
        };
        match at {
            Some(at) => {
                let bit = 1u64 << at;
                if seen & bit != 0 {
                    return None;
                }
                seen |= bit;
                next = at + 1;
                value(&mut cursor, KEYS[at].field, level_begun, &mut push)?;
            }
            None => cursor.skip_scalar()?,
        }
        if cursor.eat(b',').is_none() {
            break;
        }
    }
    cursor.eat(b'}')?;
    (cursor.at_end() && !push.symbol.is_empty()).then_some(push)
}

/// `Some(None)`: a key nobody knows. `None`: an alternative spelling or an odd key, which the lenient decoder judges.
#[cold]
fn key_out_of_order(cursor: &mut Cursor<'_>) -> Option<Option<usize>> {
    let name = cursor.rest_of_string()?;
    cursor.eat(b':')?;
    match keys::position(name) {
        None if keys::alternative(name).is_some() => None,
        known => Some(known),
    }
}

#[inline]
fn value<'a>(cursor: &mut Cursor<'a>, field: Field, level_begun: bool, push: &mut Push<'a>) -> Option<()> {
    match field {
        Field::Skip => cursor.skip_scalar()?,
        Field::Sell(level) => {
            let (read, sign) = ladder_level(cursor, level_begun)?;
            push.sell[usize::from(level)] = read;
            if level == 0 {
                push.sell_sign = sign;
            }
        }
        Field::Buy(level) => {
            let (read, sign) = ladder_level(cursor, level_begun)?;
            push.buy[usize::from(level)] = read;
            if level == 0 {
                push.buy_sign = sign;
            }
        }
        Field::Symbol => push.symbol = Cow::Borrowed(std::str::from_utf8(cursor.string()?).ok()?),
        Field::Exchange => push.exchange = cursor.exchange()?,
        Field::CurrentPrice => push.current_price = cursor.price(b',')?,
        Field::CurrentPriceTime => push.current_price_time = cursor.time()?,
        Field::OpeningPriceTime => push.opening_price_time = cursor.time()?,
        Field::TradingVolume => push.trading_volume = cursor.quantity(b',')?,
        Field::BidPrice => push.bid.price = cursor.price(b',')?,
        Field::BidQty => push.bid.qty = cursor.quantity(b',')?,
        Field::BidSign => push.bid.sign = cursor.sign()?,
        Field::AskPrice => push.ask.price = cursor.price(b',')?,
        Field::AskQty => push.ask.qty = cursor.quantity(b',')?,
        Field::AskSign => push.ask.sign = cursor.sign()?,
    }
    Some(())
}

/// `{"Price":2847.0,"Qty":1200.0}`, the first level with `"Sign":"0101","Time":"..."` behind; `begun` when the key was
/// confirmed together with `{"Price":`.
#[inline]
fn ladder_level(cursor: &mut Cursor<'_>, begun: bool) -> Option<(Level, Option<Sign>)> {
    let mut level = Level::default();
    let mut code = None;
    if !begun && !cursor.eat_text(b"{\"Price\":") {
        return None;
    }
    level.price = cursor.price(b',')?.unwrap_or_default();
    if !cursor.eat_text(b",\"Qty\":") {
        return None;
    }
    level.qty = cursor.quantity(b'}')?.unwrap_or_default();
    if cursor.eat_text(b",\"Sign\":") {
        code = cursor.sign()?;
        if cursor.eat_text(b",\"Time\":") {
            cursor.skip_scalar()?;
        }
    }
    cursor.eat(b'}')?;
    Some((level, code))
}
