//! The fast decoder: compact JSON in the station's key order, straight into integers.
//!
//! It remembers where it is in the known order and confirms the next key with one comparison; a key out of order is
//! looked up and the order continues from there, so futures and indices stay on this path. `None` means "not plainly
//! what the station sends", never "wrong".

use std::borrow::Cow;

use super::keys::{self, Field, KEYS};
use super::scan::Cursor;
use super::{Level, Push, Sign};
use crate::jst::{self, WireTime};
use crate::num::{Price, Qty};

pub(super) fn decode(frame: &[u8]) -> Option<Push<'_>> {
    let mut cursor = Cursor::new(frame);
    let mut push = Push::default();
    cursor.eat(b'{')?;
    let (mut next, mut seen) = (0usize, 0u64);
    loop {
        cursor.eat(b'"')?;
        let at = if next < KEYS.len() && cursor.eat_text(KEYS[next].text) {
            Some(next)
        } else {
            key_out_of_order(&mut cursor)?
        };
        match at {
            Some(at) => {
                let bit = 1u64 << at;
                if seen & bit != 0 {
                    return None;
                }
                seen |= bit;
                next = at + 1;
                value(&mut cursor, KEYS[at].field, &mut push)?;
            }
            None => cursor.skip_scalar()?,
        }
        match cursor.peek()? {
            b',' => cursor.eat(b',')?,
            _ => break,
        }
    }
    cursor.eat(b'}')?;
    (cursor.at_end() && !push.symbol.is_empty()).then_some(push)
}

/// `Some(None)`: a key nobody knows. `None`: an alternative spelling or an odd key, which the lenient decoder judges.
fn key_out_of_order(cursor: &mut Cursor<'_>) -> Option<Option<usize>> {
    if let Some(at) = KEYS.iter().position(|key| cursor.eat_text(key.text)) {
        return Some(Some(at));
    }
    let name = cursor.rest_of_string()?;
    cursor.eat(b':')?;
    if keys::alternative(name).is_some() {
        None
    } else {
        Some(None)
    }
}

#[inline]
fn value<'a>(cursor: &mut Cursor<'a>, field: Field, push: &mut Push<'a>) -> Option<()> {
    match field {
        Field::Skip => cursor.skip_scalar()?,
        Field::Sell(level) => {
            let (read, sign) = ladder_level(cursor)?;
            push.sell[usize::from(level)] = read;
            if level == 0 {
                push.sell_sign = sign;
            }
        }
        Field::Buy(level) => {
            let (read, sign) = ladder_level(cursor)?;
            push.buy[usize::from(level)] = read;
            if level == 0 {
                push.buy_sign = sign;
            }
        }
        Field::Symbol => push.symbol = Cow::Borrowed(cursor.string()?),
        Field::Exchange => push.exchange = quantity(cursor)?.map(|n| u16::try_from(n.0)).transpose().ok()?,
        Field::CurrentPrice => push.current_price = price(cursor)?,
        Field::CurrentPriceTime => push.current_price_time = time(cursor)?,
        Field::OpeningPriceTime => push.opening_price_time = time(cursor)?,
        Field::TradingVolume => push.trading_volume = quantity(cursor)?,
        Field::BidPrice => push.bid.price = price(cursor)?,
        Field::BidQty => push.bid.qty = quantity(cursor)?,
        Field::BidSign => push.bid.sign = sign(cursor)?,
        Field::AskPrice => push.ask.price = price(cursor)?,
        Field::AskQty => push.ask.qty = quantity(cursor)?,
        Field::AskSign => push.ask.sign = sign(cursor)?,
    }
    Some(())
}

/// `{"Price":2847.0,"Qty":1200.0}`, the first level with `"Sign":"0101","Time":"..."` behind.
#[inline]
fn ladder_level(cursor: &mut Cursor<'_>) -> Option<(Level, Option<Sign>)> {
    let mut level = Level::default();
    let mut code = None;
    if !cursor.eat_text(b"{\"Price\":") {
        return None;
    }
    level.price = price(cursor)?.unwrap_or_default();
    if !cursor.eat_text(b",\"Qty\":") {
        return None;
    }
    level.qty = quantity(cursor)?.unwrap_or_default();
    if cursor.eat_text(b",\"Sign\":") {
        code = sign(cursor)?;
        if cursor.eat_text(b",\"Time\":") {
            cursor.skip_scalar()?;
        }
    }
    cursor.eat(b'}')?;
    Some((level, code))
}

#[inline]
fn price(cursor: &mut Cursor<'_>) -> Option<Option<Price>> {
    if cursor.null() {
        return Some(None);
    }
    cursor.number().map(|n| Some(Price(n.e4)))
}

#[inline]
fn quantity(cursor: &mut Cursor<'_>) -> Option<Option<Qty>> {
    if cursor.null() {
        return Some(None);
    }
    cursor.number()?.whole().map(Some)
}

#[inline]
fn sign(cursor: &mut Cursor<'_>) -> Option<Option<Sign>> {
    if cursor.null() {
        return Some(None);
    }
    Some(Some(Sign::of(cursor.string()?)))
}

#[inline]
fn time(cursor: &mut Cursor<'_>) -> Option<Option<WireTime>> {
    if cursor.null() {
        return Some(None);
    }
    // An unreadable time is for the lenient decoder to mark.
    jst::parse(cursor.string()?.as_bytes()).map(Some)
}
