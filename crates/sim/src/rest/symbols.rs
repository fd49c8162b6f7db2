//! What symbols are: `/symbol`, `/primaryexchange`, and the codes of contracts in `/symbolname/...`.
//!
//! Facts come from the market's profiles; what the last board says (names, previous close) goes before them, so that a
//! recording is described by its own messages. Options are refused as unknown: this market has none.

use ayumi_engine::Symbol;
use ayumi_engine::calendar::is_trading_day;
use ayumi_engine::market::{Month, Profile};
use ayumi_wire::jst::Date;
use ayumi_wire::num::{Decimal, Price};
use ayumi_wire::push::encode::Kind;
use ayumi_wire::rest::code;

use super::body::{Object, four};
use super::dice::figure;
use super::members::{members, value};
use super::{Reply, Station};
use crate::http::{Answer, Request};

impl Station {
    /// The profile of a symbol, as far as the board does not say otherwise.
    pub(super) fn profile(&self, symbol: &Symbol) -> Profile {
        let mut profile = Profile::of(symbol, self.seed);
        let Some(board) = self.boards.of(symbol) else {
            return profile;
        };
        let said = members(board.text());
        let text = |key| value(&said, key).and_then(|v| serde_json::from_str::<String>(v).ok());
        if let Some(close) = value(&said, "PreviousClose").and_then(Decimal::parse)
            && close.e4 > 0
        {
            profile.previous_close = Price(close.e4);
        }
        profile.name = text("SymbolName").unwrap_or(profile.name);
        profile.exchange_name = text("ExchangeName").unwrap_or(profile.exchange_name);
        profile
    }

    /// The day's lowest and highest price of a symbol.
    pub(super) fn limits(&self, symbol: &Symbol, profile: &Profile) -> (Price, Price) {
        let known = self.boards.of(symbol).and_then(|b| b.limits);
        known.unwrap_or_else(|| profile.limits())
    }

    /// `/symbol`: takes a slot as `/board` does, and its first touch is as slow.
    pub(super) fn symbol(&mut self, name: &str, request: &Request) -> Result<Reply, Answer> {
        let symbol = self.named(name)?;
        let more = match request
            .query("addinfo")
            .as_deref()
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            None | Some("" | "true") => true,
            Some("false") => false,
            Some(_) => return Err(Answer::error(400, BAD_QUERY)),
        };
        let (work, _) = self.touch(&symbol)?;
        Ok(Reply::now(self.symbol_body(&symbol, more).answer()).later(self.work(work)))
    }

    /// Key order of the wire for shares (kabusapi issue 389); for contracts by analogy.
    pub(super) fn symbol_body(&self, symbol: &Symbol, more: bool) -> Object {
        let profile = self.profile(symbol);
        let body = match profile.kind {
            Kind::Index => Object::new(),
            Kind::Stock => self.tradable(self.share_head(&profile, more), &profile),
            Kind::Future => self.tradable(contract_head(&profile, more), &profile),
        };
        body.text("Symbol", &symbol.code).text("SymbolName", &profile.name)
    }

    fn tradable(&self, head: Object, profile: &Profile) -> Object {
        let (lowest, highest) = self.limits(&profile.symbol, profile);
        head.text("DisplayName", &profile.display_name().unwrap_or_default())
            .raw("Exchange", profile.symbol.exchange)
            .text("ExchangeName", &profile.exchange_name)
            .raw("TradingUnit", format_args!("{}.0", profile.trading_unit()))
            .text("PriceRangeGroup", profile.price_range_group())
            .raw("UpperLimit", highest)
            .raw("LowerLimit", lowest)
    }

    fn share_head(&self, profile: &Profile, more: bool) -> Object {
        let stocks = profile.total_stocks().filter(|_| more);
        let worth = |stocks: i64| Price(profile.previous_close.0.saturating_mul(stocks).saturating_mul(1_000));
        let board = self.boards.of(&profile.symbol);
        let shown = board.and_then(|b| value(&members(b.text()), "TotalMarketValue").and_then(Decimal::parse));
        let worth = shown.map(|d| Price(d.e4)).or(stocks.map(worth)).filter(|_| more);
        let is_fund = profile.trading_unit() != 100;
        let lendable = profile.price_range_group() != "10000";
        let limit = figure(self.seed, &["limit", &profile.symbol.code], 40) + 10;
        // The sector comes padded to ten characters (issue 389).
        let sector = profile.bis_category().unwrap_or_default();
        Object::new()
            .text("BisCategory", &format!("{sector:<10}"))
            .some("TotalMarketValue", worth)
            .some("TotalStocks", stocks.map(|n| format!("{n}.0")))
            .some("FiscalYearEndBasic", more.then(|| fiscal_year_end(self.now.date())))
            .raw("KCMarginBuy", true)
            .raw("KCMarginSell", lendable)
            .raw("MarginBuy", true)
            .raw("MarginSell", lendable)
            .some("PerSymbolLimit", (!is_fund).then(|| format!("{limit}000000.0")))
    }

    /// `/primaryexchange`: plain codes of shares.
    pub(super) fn primary_exchange(&self, code: &str) -> Result<Reply, Answer> {
        self.share(code)?;
        // A share that this market trades elsewhere only has its home there.
        let held = self.boards.iter().map(|(_, b)| &b.symbol);
        let homes: Vec<u16> = held
            .filter(|s| s.code == code && s.is_equity())
            .map(|s| s.exchange)
            .collect();
        let home = if homes.contains(&1) {
            1
        } else {
            homes.first().copied().unwrap_or(1)
        };
        let body = Object::new().text("Symbol", code).raw("PrimaryExchange", home);
        Ok(Reply::now(body.answer()))
    }

    /// `/symbolname/future`.
    pub(super) fn future_name(&self, request: &Request) -> Result<Reply, Answer> {
        let name = request.query("FutureCode").filter(|n| !n.is_empty());
        let name = name.ok_or_else(|| Answer::error(400, BAD_QUERY))?;
        let wanted = contract_month(request)?;
        let unknown = || Answer::error(400, code::UNKNOWN_SYMBOL);
        let code = match wanted {
            Some(month) if last_trading_day(month) < self.now.date() => None,
            Some(month) => Profile::future_code(&name, month),
            None => self.nearest_contract(&name),
        };
        let symbol = Symbol {
            code: code.ok_or_else(unknown)?,
            exchange: 2,
        };
        if !self.knows(&symbol) {
            return Err(unknown());
        }
        let name = self.profile(&symbol).name;
        let body = Object::new().text("Symbol", &symbol.code).text("SymbolName", &name);
        Ok(Reply::now(body.answer()))
    }

    /// `/symbolname/option` and `/symbolname/minioptionweekly`: the query is judged, then no option is found.
    pub(super) fn option_name(&self, request: &Request) -> Result<Reply, Answer> {
        contract_month(request)?;
        let side = request.query("PutOrCall").unwrap_or_default();
        let strike = request.query("StrikePrice").and_then(|s| s.parse::<u32>().ok());
        let week = request
            .query("DerivWeekly")
            .is_none_or(|w| matches!(w.as_str(), "0" | "1" | "3" | "4" | "5"));
        let is_side = side.eq_ignore_ascii_case("P") || side.eq_ignore_ascii_case("C");
        match is_side && strike.is_some() && week {
            true => Err(Answer::error(400, code::UNKNOWN_SYMBOL)),
            false => Err(Answer::error(400, BAD_QUERY)),
        }
    }

    /// The nearest contract that this market trades, on its last trading day too; of those that it does not trade the
    /// nearest by the calendar.
    fn nearest_contract(&self, name: &str) -> Option<String> {
        let today = self.now.date();
        let months = self.boards.iter().filter_map(|(_, board)| {
            let month = Profile::of(&board.symbol, self.seed).deriv_month()?;
            let code = Profile::future_code(name, month)?;
            (code == board.symbol.code).then_some(month)
        });
        let held: Vec<Month> = months.collect();
        let alive = held.iter().copied().filter(|&m| last_trading_day(m) >= today).min();
        let month = alive.or(held.iter().copied().max()).or_else(|| {
            let every = if name.to_ascii_lowercase().contains("nk225m") {
                1
            } else {
                3
            };
            let months = (0..15).map(|n| month_after(today, n));
            months
                .filter(|m| m.month % every == 0)
                .find(|&m| last_trading_day(m) >= today)
        })?;
        Profile::future_code(name, month)
    }
}

/// 400: a query that cannot be read.
pub(super) const BAD_QUERY: i64 = 4_001_010;

fn contract_head(profile: &Profile, more: bool) -> Object {
    let month = profile.deriv_month();
    let digits = |date: Date| format!("{:04}{:02}{:02}", date.year, date.month, date.day);
    Object::new()
        .text("Underlyer", profile.underlyer().unwrap_or_default())
        .text("DerivMonth", &month.map(|m| m.to_string()).unwrap_or_default())
        .some("TradeStart", month.map(|m| digits(first_trading_day(m))))
        .some("TradeEnd", month.map(|m| digits(last_trading_day(m))))
        .some("ClearingPrice", more.then(|| four(profile.previous_close)))
}

/// `DerivMonth`: `None` = 0, the nearest.
fn contract_month(request: &Request) -> Result<Option<Month>, Answer> {
    let text = request.query("DerivMonth").unwrap_or_default();
    match text.parse::<i32>() {
        Ok(0) => Ok(None),
        Ok(n @ 200_001..=299_912) if (1..=12).contains(&(n % 100)) => Ok(Some(Month {
            year: n / 100,
            month: (n % 100) as u8,
        })),
        _ => Err(Answer::error(400, BAD_QUERY)),
    }
}

/// The second Friday, on which a contract is settled.
fn settlement_day(month: Month) -> Date {
    let first = Date {
        year: month.year,
        month: month.month,
        day: 1,
    };
    let to_friday = (4 - i64::from(first.weekday())).rem_euclid(7);
    Date::from_days(first.days() + to_friday + 7)
}

/// The trading day before the second Friday.
fn last_trading_day(month: Month) -> Date {
    let friday = settlement_day(month).days();
    let before = (1..30).map(|n| Date::from_days(friday - n));
    before
        .into_iter()
        .find(|&d| is_trading_day(d))
        .unwrap_or(Date::from_days(friday - 1))
}

/// The vendor's example: trading in 2021/09 began on the settlement day of eighteen months before.
fn first_trading_day(month: Month) -> Date {
    let months = month.year * 12 + i32::from(month.month) - 1 - 18;
    settlement_day(Month {
        year: months.div_euclid(12),
        month: (months.rem_euclid(12) + 1) as u8,
    })
}

fn month_after(date: Date, n: i32) -> Month {
    let months = date.year * 12 + i32::from(date.month) - 1 + n;
    Month {
        year: months.div_euclid(12),
        month: (months.rem_euclid(12) + 1) as u8,
    }
}

/// The next end of March, as an integer.
fn fiscal_year_end(today: Date) -> i32 {
    let year = today.year + i32::from(today.month > 3);
    year * 10_000 + 331
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_contracts() {
        let month = |year, month| Month { year, month };
        assert_eq!(
            last_trading_day(month(2021, 9)).to_string(),
            "2021-09-09",
            "the vendor's example"
        );
        assert_eq!(first_trading_day(month(2021, 9)).to_string(), "2020-03-13", "likewise");
        assert_eq!(last_trading_day(month(2026, 12)).to_string(), "2026-12-10");
        // 2026-08-13 is the Thursday before; the 11th is a holiday.
        assert_eq!(last_trading_day(month(2026, 8)).to_string(), "2026-08-13");
        let year_end = |text| fiscal_year_end(Date::parse(text).unwrap());
        assert_eq!(
            (year_end("2026-03-31"), year_end("2026-04-01")),
            (20_260_331, 20_270_331)
        );
        assert_eq!(month_after(Date::parse("2026-11-30").unwrap(), 2), month(2027, 1));
    }
}
