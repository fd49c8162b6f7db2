//! The rules, message by message. What comes from where is said at each rule; a day without injected faults is assumed.

use std::collections::BTreeMap;

use ayumi_engine::Symbol;

use crate::quote::{Dec, Level, Quote};

/// Seconds of the day as the wire writes them.
type Clock<'a> = &'a str;

/// What a whole day looked like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    pub messages: u64,
    pub volume_raising: u64,
    pub delayed_openings: u64,
    pub locked: u64,
    pub mixed: u64,
}

/// Reads the messages of one day, panics at the first that breaks a rule.
pub struct Checker {
    day: String,
    tickers: BTreeMap<String, Seen>,
    summary: Summary,
}

/// What is known of a symbol so far.
#[derive(Default)]
struct Seen {
    equity: bool,
    messages: u64,
    volume: i128,
    value: i128,
    price: Option<Dec>,
    open: Option<Dec>,
    high: Option<Dec>,
    low: Option<Dec>,
    previous_close: Option<Dec>,
    zero_quotes: u64,
    calls: [bool; 3],
    continuous: [bool; 2],
    last_change: String,
    last_price_time: String,
    special: bool,
}

impl Checker {
    pub fn new(symbols: &[Symbol], day: &str) -> Self {
        let seen = |s: &Symbol| Seen {
            equity: s.exchange == 1 && s.code.len() == 4,
            ..Seen::default()
        };
        Self {
            day: day.to_owned(),
            tickers: symbols.iter().map(|s| (s.ticker(), seen(s))).collect(),
            summary: Summary::default(),
        }
    }

    /// The last cumulative volume of each symbol that has one.
    pub fn volumes(&self) -> BTreeMap<String, i64> {
        let traded = self.tickers.iter().filter(|(_, seen)| seen.volume > 0);
        traded
            .map(|(ticker, seen)| (ticker.clone(), seen.volume as i64))
            .collect()
    }

    /// One message.
    pub fn message(&mut self, text: &str) {
        let quote: Quote<'_> = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let day = self.day.as_str();
        let seen = self
            .tickers
            .get_mut(&quote.ticker())
            .unwrap_or_else(|| panic!("{text}"));
        let rule = |holds: bool, what: &str| assert!(holds, "{what}\n  {text}");
        seen.messages += 1;
        self.summary.messages += 1;
        times_are_of_the_day(&quote, day, &rule);
        prices(&quote, seen, &rule);
        let grew = volumes(&quote, seen, &rule);
        self.summary.volume_raising += u64::from(grew);
        for (levels, rising) in [(quote.sells(), true), (quote.buys(), false)] {
            ladder(&levels, rising, &rule);
        }
        match quote.security_type {
            0 => rule(
                quote.sell1.is_none() && quote.trading_volume.is_none(),
                "an index has prices only",
            ),
            _ => self.summary.locked += u64::from(book(&quote, seen, &rule)),
        }
        if seen.equity {
            self.summary.delayed_openings += u64::from(phase(&quote, seen, &rule));
            self.summary.mixed += u64::from(quote.current_price_time > quote.bid_time.max(quote.ask_time));
        }
        if let Some(change) = quote.current_price_change_status {
            change.clone_into(&mut seen.last_change);
        }
        if let Some(time) = quote.current_price_time {
            clock(time).clone_into(&mut seen.last_price_time);
        }
    }

    /// The day is over: what every share must have shown.
    pub fn finish(&self) -> Summary {
        for (ticker, seen) in &self.tickers {
            assert!(seen.messages > 0, "{ticker}: nothing came");
            if !seen.equity {
                continue;
            }
            assert!(seen.volume > 0, "{ticker}: never traded");
            assert_eq!(seen.calls, [true; 3], "{ticker}: pre-open, lunch and closing call");
            assert_eq!(seen.continuous, [true; 2], "{ticker}: morning and afternoon");
            assert_eq!(
                seen.zero_quotes, 1,
                "{ticker}: one message of zero quotes before the closing call"
            );
            assert_eq!(seen.last_price_time, "15:30:00", "{ticker}: the closing print");
            assert_eq!(seen.last_change, "0061", "{ticker}: closed by auction");
        }
        self.summary
    }
}

/// Section 9: JST digits, offset +09:00, whole seconds, today.
fn times_are_of_the_day(quote: &Quote<'_>, day: &str, rule: &impl Fn(bool, &str)) {
    let best = |best: &Option<crate::quote::Best<'_>>| best.as_ref().and_then(|b| b.time.as_deref().map(str::to_owned));
    let (sell, buy) = (best(&quote.sell1), best(&quote.buy1));
    let times = [
        quote.bid_time,
        quote.ask_time,
        quote.trading_volume_time,
        quote.current_price_time,
        quote.high_price_time,
        quote.low_price_time,
        sell.as_deref(),
        buy.as_deref(),
    ];
    for time in times.into_iter().flatten() {
        let of_the_day = time.len() == 25 && time.starts_with(day) && time.ends_with("+09:00");
        // A whole-day derivative has had its evening before.
        rule(
            of_the_day || quote.exchange == Some(2),
            "times are JST of the day, to the second",
        );
    }
    if let Some(time) = quote.previous_close_time {
        rule(
            time < day && time.ends_with("T00:00:00+09:00"),
            "the previous close is of a day before",
        );
    }
}

/// Section 6: last, opening, high and low price, and their order.
fn prices(quote: &Quote<'_>, seen: &mut Seen, rule: &impl Fn(bool, &str)) {
    let block = [
        quote.current_price,
        quote.opening_price,
        quote.high_price,
        quote.low_price,
    ];
    let [Some(price), Some(open), Some(high), Some(low)] = block else {
        rule(block.iter().all(Option::is_none), "prices are null together");
        rule(seen.price.is_none(), "a price does not vanish");
        rule(quote.current_price_time.is_none(), "no price has no time");
        rule(quote.change_previous_close.is_none(), "no price has no change");
        return;
    };
    rule(
        low <= price && price <= high && low <= open && open <= high,
        "low <= price, open <= high",
    );
    rule(quote.current_price_time.is_some(), "a price has a time");
    rule(
        seen.open.is_none_or(|before| before == open),
        "there is one opening price",
    );
    rule(seen.high.is_none_or(|before| before <= high), "the high does not fall");
    rule(seen.low.is_none_or(|before| low <= before), "the low does not rise");
    if let Some(close) = quote.previous_close {
        let change = quote.change_previous_close;
        rule(
            change == Some(Dec(price.0 - close.0)),
            "the change is against the previous close",
        );
        rule(
            seen.previous_close.is_none_or(|c| c == close),
            "the previous close stands after the open",
        );
        seen.previous_close = Some(close);
    }
    seen.open = Some(open);
    seen.high = Some(high);
    seen.low = Some(low);
}

/// Sections 6, 10 and 14: VWAP x volume x multiplier = value within the VWAP's rounding; nothing falls. True when the
/// volume grew.
fn volumes(quote: &Quote<'_>, seen: &mut Seen, rule: &impl Fn(bool, &str)) -> bool {
    let block = (quote.trading_volume, quote.trading_value, quote.vwap);
    let (Some(volume), Some(value), Some(vwap)) = block else {
        rule(block == (None, None, None), "volume, value and VWAP are null together");
        rule(seen.volume == 0, "a volume does not vanish");
        rule(
            quote.security_type == 0 || quote.current_price.is_none(),
            "a price comes of a trade",
        );
        seen.price = quote.current_price;
        return false;
    };
    let multiplier = match quote.security_type {
        101 => 1_000,
        901 => 100,
        _ => 1,
    };
    let whole = volume.0 / 10_000;
    rule(volume.0 % 10_000 == 0 && whole > 0, "a volume is whole and positive");
    let off = (vwap.0 * whole * multiplier - value.0).abs();
    rule(2 * off <= whole * multiplier, "VWAP x volume is the value");
    rule(quote.trading_volume_time.is_some(), "a volume has a time");
    let (grown, paid) = (whole - seen.volume, value.0 - seen.value);
    rule(grown >= 0 && paid >= 0, "volume and value never fall");
    if let (Some(low), Some(high)) = (quote.low_price, quote.high_price) {
        let bought = grown * multiplier;
        rule(
            low.0 * bought <= paid && paid <= high.0 * bought,
            "what was paid lies between low and high",
        );
    }
    if grown == 0 && seen.volume > 0 {
        rule(quote.current_price == seen.price, "a price changes with a trade only");
    }
    seen.volume = whole;
    seen.value = value.0;
    seen.price = quote.current_price;
    grown > 0
}

/// Levels fill from the first on, ordered and positive; the rest is 0.0.
fn ladder(levels: &[Level; 10], rising: bool, rule: &impl Fn(bool, &str)) {
    let empty = |level: &Level| level.price == Dec(0) && level.qty == Dec(0);
    let filled = levels.iter().take_while(|level| !empty(level)).count();
    rule(levels[filled..].iter().all(empty), "no level behind an empty one");
    rule(
        levels[..filled].iter().all(|l| l.price > Dec(0) && l.qty > Dec(0)),
        "a level has a price and a quantity",
    );
    let ordered = |pair: &[Level]| match rising {
        true => pair[0].price < pair[1].price,
        false => pair[0].price > pair[1].price,
    };
    rule(levels[..filled].windows(2).all(ordered), "depth is ordered");
}

/// Sections 6, 7.1 and 10: what the signs promise of the best quotes. True for a locked auction book.
fn book(quote: &Quote<'_>, seen: &mut Seen, rule: &impl Fn(bool, &str)) -> bool {
    let best = [quote.bid_price, quote.bid_qty, quote.ask_price, quote.ask_qty];
    let (sell, buy) = (quote.sells()[0], quote.buys()[0]);
    let signs = (quote.bid_sign.unwrap_or(""), quote.ask_sign.unwrap_or(""));
    let zero = |value: Option<Dec>| value.is_none_or(|d| d == Dec(0));
    if best.iter().copied().all(zero) {
        rule(
            sell == Level::default() && buy == Level::default(),
            "no quote, no level",
        );
        let early = quote.current_price.is_none();
        rule(!early || signs == ("0000", "0000"), "no quote has the sign 0000");
        seen.zero_quotes += u64::from(!early);
        return false;
    }
    let [Some(bid), Some(bid_qty), Some(ask), Some(ask_qty)] = best else {
        // A special quote may have one side only.
        rule(
            signs.0 == "0102" || signs.1 == "0102",
            "one side alone is a special quote's",
        );
        return false;
    };
    let at_touch = (sell.price, sell.qty, buy.price, buy.qty) == (bid, bid_qty, ask, ask_qty);
    let sign_of =
        |best: &Option<crate::quote::Best<'_>>| best.as_ref().and_then(|b| b.sign.as_deref().map(str::to_owned));
    let level_signs = (sign_of(&quote.sell1), sign_of(&quote.buy1));
    rule(
        (level_signs.0.as_deref(), level_signs.1.as_deref()) == (quote.bid_sign, quote.ask_sign),
        "Sell1 and Buy1 carry the signs of Bid and Ask",
    );
    let stock = quote.security_type == 1;
    let orders = (quote.market_order_sell_qty, quote.market_order_buy_qty);
    match signs {
        ("0101", "0101") => {
            rule(at_touch, "Bid is Sell1 and Ask is Buy1");
            rule(ask < bid, "the best buy (Ask) is below the best sell (Bid)");
            rule(
                !stock || orders == (Some(Dec(0)), Some(Dec(0))),
                "no market orders in continuous trading",
            );
            false
        }
        ("0107", "0107") => {
            rule(at_touch, "level 1 of a call is the best quote");
            let locked = bid == ask;
            rule(
                ask < bid || (locked && bid_qty == ask_qty),
                "a call stands a tick apart or locked",
            );
            if let (true, (Some(sells), Some(buys))) = (stock, orders) {
                rule(sells > Dec(0) && buys > Dec(0), "a call has market orders");
                rule(
                    bid_qty >= sells && ask_qty >= buys,
                    "level 1 of a call holds the market orders",
                );
            }
            locked
        }
        ("0102", _) | (_, "0102") => {
            seen.special = true;
            rule(
                quote.current_price.is_none() || ask <= bid,
                "a special quote is not crossed",
            );
            false
        }
        _ => {
            rule(matches!(signs, ("0109", "0109")), "a sign of a plain day");
            false
        }
    }
}

/// Section 10, the day of a TSE share. True for the first price of a delayed opening.
fn phase(quote: &Quote<'_>, seen: &mut Seen, rule: &impl Fn(bool, &str)) -> bool {
    let price_at = quote.current_price_time.map_or("", clock);
    let book_at = quote.bid_time.max(quote.ask_time).map_or("", clock);
    let latest = price_at.max(book_at);
    let call = (quote.bid_sign, quote.ask_sign) == (Some("0107"), Some("0107"));
    let continuous = (quote.bid_sign, quote.ask_sign) == (Some("0101"), Some("0101"));
    rule(!("11:30:02".."12:05:00").contains(&latest), "silence at lunch");
    rule(latest <= "15:30:05", "silence after the close");
    if quote.current_price.is_none() {
        rule(
            quote.current_price_change_status == Some(""),
            "no price has the change status \"\"",
        );
        rule(
            matches!(quote.current_price_status, None | Some(-1)),
            "no price has the status null or -1",
        );
        rule(book_at.is_empty() || book_at >= "08:00:00", "no quotes before eight");
        if quote.bid_price.is_some() {
            rule(quote.current_price_status == Some(-1), "quotes come after 07:59:59");
            rule(
                quote.previous_close_time.is_some(),
                "the day is announced before the quotes",
            );
        }
        rule(
            call || seen.special || quote.bid_price.is_none() || book_at >= "08:59:59",
            "pre-open quotes are 0107",
        );
    } else {
        rule(price_at >= "09:00:00" || price_at == "08:59:59", "no price before nine");
        rule(quote.current_price_status == Some(1), "an ordinary price has status 1");
        rule(
            ("09:00:00".."11:30:02").contains(&price_at)
                || ("12:30:00".."15:25:01").contains(&price_at)
                || price_at >= "15:30:00"
                || price_at >= "12:29:59",
            "prices in the sessions only",
        );
    }
    let [pre, lunch, closing] = &mut seen.calls;
    *pre |= call && quote.current_price.is_none();
    *lunch |= call && ("12:05:00".."12:31:00").contains(&book_at);
    *closing |= call && ("15:25:00".."15:30:01").contains(&book_at);
    let [morning, afternoon] = &mut seen.continuous;
    *morning |= continuous && ("09:00:00".."11:30:01").contains(&book_at);
    *afternoon |= continuous && ("12:30:00".."15:25:01").contains(&book_at);
    if continuous {
        rule(
            ("09:00:00".."11:30:02").contains(&book_at)
                || ("12:29:59".."15:25:01").contains(&book_at)
                || book_at >= "15:29:59",
            "continuous quotes in the sessions only",
        );
    }
    let delayed = price_at >= "09:01:00" && quote.opening_price_time.map(clock) == Some(price_at);
    let special = seen.special;
    seen.special &= quote.current_price.is_none();
    delayed && special && quote.current_price.is_some()
}

fn clock(time: &str) -> Clock<'_> {
    time.get(11..19).unwrap_or("")
}
