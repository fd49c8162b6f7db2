//! The straight decoder: messages whose keys stand exactly as the station has always sent them, one comparison with a
//! constant per key and no look-up.
//!
//! Shares, futures and indices differ in their beginning only. Messages quoted from 2021 on have this order; should it
//! change, the ordered decoder takes over, slower, until the new order is written down here. What was measured is in
//! `docs/design/parsing.md`.

use std::borrow::Cow;

use super::scan::Cursor;
use super::{LEVELS, Level, Push, Sign};

pub(super) fn decode(frame: &[u8]) -> Option<Push<'_>> {
    let mut cursor = Cursor::new(frame);
    let mut push = Push::default();
    if cursor.eat_text(b"{\"OverSellQty\":") {
        share_head(&mut cursor)?;
        traded(&mut cursor, &mut push)?;
        books(&mut cursor, &mut push)?;
    } else if cursor.eat_text(b"{\"ClearingPrice\":") {
        cursor.pass_decimals()?;
        traded(&mut cursor, &mut push)?;
        books(&mut cursor, &mut push)?;
    } else {
        cursor.want(b"{\"Symbol\":")?;
    }
    prices(&mut cursor, &mut push)?;
    (cursor.at_end() && !push.symbol.is_empty()).then_some(push)
}

/// What only shares have.
fn share_head(c: &mut Cursor<'_>) -> Option<()> {
    c.pass_number()?;
    c.want(b",\"UnderBuyQty\":")?;
    c.pass_number()?;
    c.want(b",\"TotalMarketValue\":")?;
    c.pass_decimals()?;
    c.want(b",\"MarketOrderSellQty\":")?;
    c.pass_number()?;
    c.want(b",\"MarketOrderBuyQty\":")?;
    c.pass_number()?;
    c.want(b",\"BidTime\":")?;
    c.pass_time()?;
    c.want(b",\"AskTime\":")?;
    c.pass_time()
}

/// Exchange and volume.
fn traded(c: &mut Cursor<'_>, push: &mut Push<'_>) -> Option<()> {
    c.want(b",\"Exchange\":")?;
    push.exchange = c.exchange()?;
    c.want(b",\"ExchangeName\":")?;
    c.pass()?;
    c.want(b",\"TradingVolume\":")?;
    push.trading_volume = c.quantity(b',')?;
    c.want(b",\"TradingVolumeTime\":")?;
    c.pass_time()?;
    c.want(b",\"VWAP\":")?;
    c.pass_decimals()?;
    c.want(b",\"TradingValue\":")?;
    c.pass_decimals()
}

/// Both sides, up to the opening quote of the symbol's text.
fn books(c: &mut Cursor<'_>, push: &mut Push<'_>) -> Option<()> {
    c.want(b",\"BidQty\":")?;
    push.bid.qty = c.quantity(b',')?;
    c.want(b",\"BidPrice\":")?;
    push.bid.price = c.price(b',')?;
    c.want(b",\"BidSign\":")?;
    push.bid.sign = c.sign()?;
    c.want(b",\"Sell1\":{\"Price\":")?;
    push.sell_sign = ladder(c, &SELL, b"},\"Sell10\":{\"Price\":", &mut push.sell)?;
    c.want(b"},\"AskQty\":")?;
    push.ask.qty = c.quantity(b',')?;
    c.want(b",\"AskPrice\":")?;
    push.ask.price = c.price(b',')?;
    c.want(b",\"AskSign\":")?;
    push.ask.sign = c.sign()?;
    c.want(b",\"Buy1\":{\"Price\":")?;
    push.buy_sign = ladder(c, &BUY, b"},\"Buy10\":{\"Price\":", &mut push.buy)?;
    c.want(b"},\"Symbol\":")
}

/// What every message has, from the symbol's text to the end.
fn prices<'a>(c: &mut Cursor<'a>, push: &mut Push<'a>) -> Option<()> {
    push.symbol = Cow::Borrowed(std::str::from_utf8(c.string()?).ok()?);
    c.want(b",\"SymbolName\":")?;
    c.pass()?;
    c.want(b",\"CurrentPrice\":")?;
    push.current_price = c.price(b',')?;
    c.want(b",\"CurrentPriceTime\":")?;
    push.current_price_time = c.time()?;
    c.want(b",\"CurrentPriceChangeStatus\":")?;
    c.pass_code()?;
    c.want(b",\"CurrentPriceStatus\":")?;
    c.pass()?;
    c.want(b",\"CalcPrice\":")?;
    c.pass_number()?;
    c.want(b",\"PreviousClose\":")?;
    c.pass_decimals()?;
    c.want(b",\"PreviousCloseTime\":")?;
    c.pass_time()?;
    c.want(b",\"ChangePreviousClose\":")?;
    c.pass_decimals()?;
    c.want(b",\"ChangePreviousClosePer\":")?;
    c.pass_decimals()?;
    c.want(b",\"OpeningPrice\":")?;
    c.pass_number()?;
    c.want(b",\"OpeningPriceTime\":")?;
    push.opening_price_time = c.time()?;
    c.want(b",\"HighPrice\":")?;
    c.pass_number()?;
    c.want(b",\"HighPriceTime\":")?;
    c.pass_time()?;
    c.want(b",\"LowPrice\":")?;
    c.pass_number()?;
    c.want(b",\"LowPriceTime\":")?;
    c.pass_time()?;
    c.want(b",\"SecurityType\":")?;
    c.pass()?;
    c.want(b"}")
}

/// What stands between the levels two to nine and the ones before them.
const SELL: [[u8; 19]; 8] = between(b"},\"Sell#\":{\"Price\":");
const BUY: [[u8; 18]; 8] = between(b"},\"Buy#\":{\"Price\":");

const fn between<const N: usize>(text: &[u8; N]) -> [[u8; N]; 8] {
    let mut all = [*text; 8];
    let (mut level, mut at) = (0, 0);
    while text[at] != b'#' {
        at += 1;
    }
    while level < 8 {
        all[level][at] = b'2' + level as u8;
        level += 1;
    }
    all
}

/// Ten levels from the first one's price on, up to the brace that closes the last; the first one's code.
#[inline(always)]
fn ladder<const N: usize, const M: usize>(
    c: &mut Cursor<'_>,
    later: &[[u8; N]; 8],
    last: &[u8; M],
    levels: &mut [Level; LEVELS],
) -> Option<Option<Sign>> {
    levels[0] = level(c, b',')?;
    c.want(b",\"Sign\":")?;
    let sign = c.sign()?;
    // Futures have none.
    if c.eat_text(b",\"Time\":") {
        c.pass_time()?;
    }
    for (key, read) in later.iter().zip(&mut levels[1..]) {
        c.want(key)?;
        *read = level(c, b'}')?;
    }
    c.want(last)?;
    levels[LEVELS - 1] = level(c, b'}')?;
    Some(sign)
}

#[inline(always)]
fn level(c: &mut Cursor<'_>, end: u8) -> Option<Level> {
    let price = c.price(b',')?.unwrap_or_default();
    c.want(b",\"Qty\":")?;
    let qty = c.quantity(end)?.unwrap_or_default();
    Some(Level { price, qty })
}
