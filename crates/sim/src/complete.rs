//! Completing a reduced recording: a message with prices, volume and best quotes becomes one with all keys of its kind,
//! 57 of a share, 51 of a future, 18 of an index.
//!
//! What was recorded is passed on digit by digit; what is invented (ladder below the best level, names, day statistics)
//! is a function of the recording alone, so that the same file always gives the same bytes. BidPrice is the best
//! SELL quote here, as everywhere on the wire.

use ayumi_engine::market::Profile;
use ayumi_engine::market::ticksize::{self, Group};
use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::jst::{self, Date};
use ayumi_wire::num::{Decimal, Price, Qty};
use ayumi_wire::push::encode::{Kind, Level, Message, Percent, Time, change, sign};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields of a recorded message that are read; `None` = null or absent.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Partial<'a> {
    #[serde(borrow)]
    symbol: Option<&'a RawValue>,
    #[serde(borrow)]
    symbol_name: Option<&'a RawValue>,
    #[serde(borrow)]
    exchange: Option<&'a RawValue>,
    #[serde(borrow)]
    current_price: Option<&'a RawValue>,
    #[serde(borrow)]
    current_price_time: Option<&'a RawValue>,
    #[serde(borrow)]
    trading_volume: Option<&'a RawValue>,
    #[serde(borrow)]
    trading_volume_time: Option<&'a RawValue>,
    #[serde(borrow, rename = "VWAP")]
    vwap: Option<&'a RawValue>,
    #[serde(borrow)]
    trading_value: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_close: Option<&'a RawValue>,
    #[serde(borrow)]
    bid_price: Option<&'a RawValue>,
    #[serde(borrow)]
    bid_qty: Option<&'a RawValue>,
    #[serde(borrow)]
    ask_price: Option<&'a RawValue>,
    #[serde(borrow)]
    ask_qty: Option<&'a RawValue>,
    #[serde(borrow, rename = "Sell1")]
    sell1: Option<&'a RawValue>,
    #[serde(borrow, rename = "Buy1")]
    buy1: Option<&'a RawValue>,
    #[serde(borrow)]
    security_type: Option<&'a RawValue>,
}

impl Partial<'_> {
    /// The symbol, or `None` when there is no usable one. A missing exchange (indices) counts as 1.
    pub(crate) fn symbol(&self) -> Option<Symbol> {
        let code = text(self.symbol)?;
        let fits = (1..=12).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        let exchange = match self.exchange {
            None => 1,
            Some(raw) => raw.get().trim_matches('"').trim().parse().ok()?,
        };
        fits.then_some(Symbol { code, exchange })
    }

    /// True when the recording kept the whole message.
    pub(crate) fn is_whole(&self) -> bool {
        self.sell1.is_some() || self.buy1.is_some() || self.security_type.is_some()
    }
}

/// What the messages of one symbol have shown so far.
pub(crate) struct Completer {
    symbol: Symbol,
    kind: Kind,
    security_type: i32,
    /// Yen per point and contract; 1 for shares.
    multiplier: i64,
    /// Which prices a derivative has; those of a share follow from what is seen of it.
    group: Option<Group>,
    opening: Option<(Price, Time)>,
    high: Option<(Price, Time)>,
    low: Option<(Price, Time)>,
    last: Option<Price>,
    change: &'static str,
    /// True as soon as a price off the whole yen was seen: the finer tick table.
    fine: bool,
    /// 100, or 1 as soon as an odd quantity was seen.
    unit: i64,
}

impl Completer {
    pub(crate) fn new(symbol: &Symbol) -> Self {
        // What the code tells; no seed changes it.
        let profile = Profile::of(symbol, 0);
        let derivative = profile.kind == Kind::Future;
        Self {
            symbol: symbol.clone(),
            kind: profile.kind,
            security_type: profile.security_type,
            multiplier: profile.multiplier,
            group: derivative.then_some(profile.group),
            opening: None,
            high: None,
            low: None,
            last: None,
            change: change::NONE,
            fine: false,
            unit: if derivative { 1 } else { 100 },
        }
    }

    /// The whole message, or which recorded field cannot be used.
    pub(crate) fn complete(&mut self, partial: &Partial<'_>, at: Stamp) -> Result<Message, String> {
        let now = Time(at.s());
        let time = |raw| time_of(raw).unwrap_or(now);
        let mut m = Message::new(self.kind, &self.symbol.code);
        m.exchange = Some(self.symbol.exchange);
        m.exchange_name = Some(exchange_name(self.symbol.exchange).to_owned());
        m.symbol_name = Some(text(partial.symbol_name).unwrap_or_else(|| format!("銘柄{}", self.symbol.code)));
        m.security_type = Some(self.security_type);
        m.current_price = price(partial.current_price, "CurrentPrice")?;
        m.current_price_time = m.current_price.map(|_| time(partial.current_price_time));
        m.trading_volume = qty(partial.trading_volume, "TradingVolume")?;
        m.trading_volume_time = m.trading_volume.map(|_| time(partial.trading_volume_time));
        m.vwap = price(partial.vwap, "VWAP")?;
        m.trading_value = match price(partial.trading_value, "TradingValue")? {
            Some(value) => Some(value),
            None => m
                .vwap
                .zip(m.trading_volume)
                .map(|(vwap, volume)| value_of(vwap, volume, self.multiplier)),
        };
        m.bid_price = price(partial.bid_price, "BidPrice")?;
        m.bid_qty = qty(partial.bid_qty, "BidQty")?;
        m.ask_price = price(partial.ask_price, "AskPrice")?;
        m.ask_qty = qty(partial.ask_qty, "AskQty")?;
        let previous = price(partial.previous_close, "PreviousClose")?;
        self.day(&mut m, previous, at);
        self.books(&mut m, now);
        Ok(m)
    }

    /// Opening, high, low, change: from the prices seen so far.
    fn day(&mut self, m: &mut Message, previous: Option<Price>, at: Stamp) {
        if let (Some(price), Some(time)) = (m.current_price, m.current_price_time) {
            self.opening.get_or_insert((price, time));
            if self.high.is_none_or(|(high, _)| price > high) {
                self.high = Some((price, time));
            }
            if self.low.is_none_or(|(low, _)| price < low) {
                self.low = Some((price, time));
            }
            self.change = match self.last {
                None => change::NONE,
                Some(last) if price > last => change::UP,
                Some(last) if price < last => change::DOWN,
                Some(_) => change::SAME,
            };
            self.last = Some(price);
        }
        // No recording tells the previous close: the first price stands in, so that the change is that of the file.
        let previous = previous.or(self.opening.map(|(price, _)| price));
        m.previous_close = previous;
        m.previous_close_time = previous.map(|_| Time(previous_weekday(at.date()).midnight_s()));
        m.calc_price = m.current_price.or(previous);
        m.clearing_price = previous;
        m.current_price_status = match (self.kind, m.current_price) {
            (Kind::Index, _) => None,
            (_, Some(_)) => Some(1),
            (_, None) => Some(-1),
        };
        m.current_price_change_status = Some(match m.current_price {
            Some(_) => self.change,
            None => change::EMPTY,
        });
        if let Some((price, previous)) = m.current_price.zip(previous) {
            let change = price.0.saturating_sub(previous.0);
            m.change_previous_close = Some(Price(change));
            m.change_previous_close_per = (previous.0 != 0).then(|| Percent(percent(change, previous.0)));
            m.total_market_value = Some(Price(price.0.saturating_mul(SHARES)));
        }
        (m.opening_price, m.opening_price_time) = split(self.opening);
        (m.high_price, m.high_price_time) = split(self.high);
        (m.low_price, m.low_price_time) = split(self.low);
    }

    fn books(&mut self, m: &mut Message, now: Time) {
        for price in [m.bid_price, m.ask_price, m.current_price].into_iter().flatten() {
            self.fine |= price.0 % Price::PER_YEN != 0;
        }
        for qty in [m.bid_qty, m.ask_qty].into_iter().flatten() {
            self.unit = if qty.0 % 100 == 0 { self.unit } else { 1 };
        }
        (m.market_order_sell_qty, m.market_order_buy_qty) = (Some(Qty(0)), Some(Qty(0)));
        // Deep levels change slowly: their sizes are renewed with every 5,000 shares traded.
        let era = m.trading_volume.map_or(0, |v| v.0 / 5_000) as u64;
        let quote_time = m.current_price_time.unwrap_or(now);
        let (sell, over) = self.side(m.bid_price, m.bid_qty, 1, era);
        let quoted = sell[0].price.0 > 0;
        (m.sell, m.over_sell_qty) = (sell, Some(over));
        m.bid_sign = Some(if quoted { sign::NORMAL } else { sign::NONE });
        m.bid_time = quoted.then_some(quote_time);
        (m.sell1_sign, m.sell1_time) = (m.bid_sign, m.bid_time);
        let (buy, under) = self.side(m.ask_price, m.ask_qty, -1, era);
        let quoted = buy[0].price.0 > 0;
        (m.buy, m.under_buy_qty) = (buy, Some(under));
        m.ask_sign = Some(if quoted { sign::NORMAL } else { sign::NONE });
        m.ask_time = quoted.then_some(quote_time);
        (m.buy1_sign, m.buy1_time) = (m.ask_sign, m.ask_time);
    }

    /// Ten levels from the best one away; about one price in six has no order. Empty without a best price.
    fn side(&self, best: Option<Price>, qty: Option<Qty>, direction: i64, era: u64) -> ([Level; 10], Qty) {
        let mut levels = [Level::default(); 10];
        let Some(best) = best.filter(|p| p.0 > 0) else {
            return (levels, Qty(0));
        };
        levels[0] = Level {
            price: best,
            qty: qty.unwrap_or_default(),
        };
        let usual = if self.fine { Group::Topix500 } else { Group::Share };
        let group = self.group.unwrap_or(usual);
        let mut price = best;
        for level in &mut levels[1..] {
            let mut draw;
            loop {
                price = match direction {
                    1 => ticksize::up(group, price),
                    _ => ticksize::down(group, price),
                };
                draw = mixed(&self.symbol.code, price.0 as u64 ^ (era << 40));
                if price.0 <= 0 || draw % 6 != 0 {
                    break;
                }
            }
            if price.0 <= 0 {
                break;
            }
            *level = Level {
                price,
                qty: Qty((1 + (draw >> 8) as i64 % 60) * self.unit),
            };
        }
        let beyond = 500 + mixed(&self.symbol.code, era ^ direction as u64) as i64 % 2_000;
        (levels, Qty(beyond.abs() * self.unit))
    }
}

/// Shares of a company nobody named.
const SHARES: i64 = 50_000_000;

/// Cumulative value in whole yen.
fn value_of(vwap: Price, volume: Qty, multiplier: i64) -> Price {
    let yen = (i128::from(vwap.0) * i128::from(volume.0) * i128::from(multiplier) + 5_000).div_euclid(10_000);
    Price(i64::try_from(yen * 10_000).unwrap_or(i64::MAX))
}

/// `part / whole` in 1/100 percent.
fn percent(part: i64, whole: i64) -> i64 {
    let scaled = i128::from(part) * 10_000 / i128::from(whole);
    i64::try_from(scaled).unwrap_or_default()
}

fn split(pair: Option<(Price, Time)>) -> (Option<Price>, Option<Time>) {
    (pair.map(|p| p.0), pair.map(|p| p.1))
}

fn previous_weekday(date: Date) -> Date {
    let back = match date.weekday() {
        0 => 3,
        6 => 2,
        _ => 1,
    };
    Date::from_days(date.days() - back)
}

fn exchange_name(exchange: u16) -> &'static str {
    match exchange {
        1 => "東証",
        3 => "名証",
        5 => "福証",
        6 => "札証",
        _ => "大阪",
    }
}

/// A draw that depends on its inputs only.
fn mixed(code: &str, salt: u64) -> u64 {
    let mut x = code.bytes().fold(salt ^ 0x9E37_79B9_7F4A_7C15, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3)
    });
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

fn time_of(raw: Option<&RawValue>) -> Option<Time> {
    let text = text(raw)?;
    jst::parse(text.as_bytes()).map(|t| Time(t.unix_s))
}

fn price(raw: Option<&RawValue>, name: &str) -> Result<Option<Price>, String> {
    decimal(raw, name).map(|d| d.map(|d| Price(d.e4)))
}

fn qty(raw: Option<&RawValue>, name: &str) -> Result<Option<Qty>, String> {
    match decimal(raw, name)? {
        None => Ok(None),
        Some(d) => match d.whole() {
            Some(qty) => Ok(Some(qty)),
            None => Err(format!("{name} is no whole number")),
        },
    }
}

fn decimal(raw: Option<&RawValue>, name: &str) -> Result<Option<Decimal>, String> {
    match raw {
        None => Ok(None),
        Some(raw) => match Decimal::parse(raw.get()) {
            Some(decimal) => Ok(Some(decimal)),
            None => Err(format!("{name} is no number")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(json: &str) -> Message {
        let partial: Partial<'_> = serde_json::from_str(json).unwrap();
        let symbol = partial.symbol().unwrap();
        Completer::new(&symbol)
            .complete(&partial, Stamp::from_s(1_761_869_097))
            .unwrap()
    }

    #[test]
    fn d10_the_reversed_names_stay_reversed() {
        let m = completed(
            r#"{"Symbol":"999A","CurrentPrice":2014.0,"TradingVolume":300,"VWAP":2035.1121,"BidPrice":2015.0,"BidQty":200.0,"AskPrice":2011.0,"AskQty":100.0}"#,
        );
        assert_eq!(m.sell[0].price, Price::from_yen(2015), "BidPrice is the best sell");
        assert_eq!(m.buy[0].qty, Qty(100));
        assert!(m.sell.windows(2).all(|w| w[0].price < w[1].price && w[1].qty.0 > 0));
        assert!(m.buy.windows(2).all(|w| w[0].price > w[1].price && w[1].qty.0 > 0));
        assert_eq!(m.sell1_sign, Some("0101"));
        assert_eq!(
            m.trading_value,
            Some(Price::from_yen(610_534)),
            "2035.1121 x 300, in whole yen"
        );
    }

    #[test]
    fn d17_missing_quotes_give_an_empty_side() {
        let m = completed(r#"{"Symbol":"999A","CurrentPrice":5,"BidPrice":0.0,"BidQty":0.0,"AskPrice":4,"AskQty":7}"#);
        assert_eq!(
            (m.bid_price, m.sell[0], m.bid_sign),
            (Some(Price(0)), Level::default(), Some("0000"))
        );
        assert_eq!(
            m.buy[3].price,
            Price::from_yen(1).min(m.buy[3].price),
            "stops above zero"
        );
        assert!(m.buy.iter().all(|l| l.price.0 >= 0));
        let m = completed(r#"{"Symbol":"999A","Exchange":1}"#);
        assert_eq!(
            (m.trading_volume, m.current_price, m.ask_sign),
            (None, None, Some("0000"))
        );
    }
    #[test]
    fn futures_and_indices_keep_the_shape_of_their_kind() {
        let printed = |json: &str| -> serde_json::Value {
            let mut out = Vec::new();
            completed(json).write(&mut out);
            serde_json::from_slice(&out).unwrap()
        };
        let future = printed(
            r#"{"Symbol":"167060019","Exchange":2,"CurrentPrice":26480,"TradingVolume":103,"VWAP":26500.5,"BidPrice":26485,"BidQty":3,"AskPrice":26480,"AskQty":12}"#,
        );
        assert_eq!(
            (future.as_object().unwrap().len(), &future["SecurityType"]),
            (51, &901.into())
        );
        assert_eq!(future["TradingValue"].as_f64(), Some(26_500.5 * 103.0 * 100.0));
        let sell = |n: usize| future[format!("Sell{n}")]["Price"].as_f64().unwrap();
        assert!((1..=10).all(|n| sell(n) % 5.0 == 0.0), "the tick of the mini");
        assert!(future["Sell1"].get("Time").is_none() && future.get("OverSellQty").is_none());

        let index = printed(r#"{"Symbol":"101","CurrentPrice":27000.12}"#);
        assert_eq!(
            (index.as_object().unwrap().len(), &index["SecurityType"]),
            (18, &0.into())
        );
        assert!(index.get("Exchange").is_none() && index.get("TradingVolume").is_none());
        assert!(index["CurrentPriceStatus"].is_null() && index["OpeningPrice"] == 27000.12);
    }
}
