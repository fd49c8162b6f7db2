//! One symbol of a ranking: what its board says, and how each type prints it.

use ayumi_engine::market::Profile;
use ayumi_wire::num::{Decimal, Price};

use super::super::body::{Object, five, four, two};
use super::super::dice::figure;
use super::super::members::{members, value};
use super::{Kind, sectors};

/// A share or fund.
pub(super) struct Row {
    pub code: String,
    pub exchange: u16,
    pub exchange_name: String,
    pub sector: String,
    /// `None` before the first trade: then only margin rankings have it.
    pub traded: Option<Traded>,
    name: String,
    margin: Option<Margin>,
    /// Trades, moves up, moves down.
    moves: (usize, usize, usize),
    /// The volume of an ordinary day, in 1/10,000 share; and its value.
    usual: (i64, i64),
}

/// What a board with a price says.
pub(super) struct Traded {
    pub price: Price,
    pub change: Price,
    /// Hundredths.
    pub percent: i64,
    /// `15:00`.
    pub time: String,
    /// In 1/10,000 share.
    volume: i64,
    /// In 1/10,000 yen.
    value: i64,
}

/// Invented balances of margin trading, in hundreds of shares as they are published.
struct Margin {
    sell: i64,
    sell_change: i64,
    buy: i64,
    buy_change: i64,
}

impl Row {
    /// `None` for text that is no board.
    pub(super) fn of(seed: u64, profile: &Profile, board: &str, moves: (usize, usize, usize)) -> Option<Self> {
        let said = members(board);
        if said.is_empty() {
            return None;
        }
        let code = &profile.symbol.code;
        // Half to one and a half of what the market's habits come to on an ordinary day.
        let habit = profile.trading_unit() * profile.trade_units * 4_000;
        let usual = habit * (50 + figure(seed, &["usual", code], 100)) / 100;
        Some(Self {
            code: code.clone(),
            exchange: profile.symbol.exchange,
            exchange_name: profile.exchange_name.clone(),
            sector: profile.bis_category().unwrap_or_default(),
            traded: Traded::of(&|key| value(&said, key)),
            name: profile.display_name().unwrap_or_default(),
            margin: (profile.trading_unit() == 100).then(|| Margin::of(seed, code)),
            moves,
            usual: (usual * 10_000, usual.saturating_mul(profile.previous_close.0)),
        })
    }

    /// True when it belongs to a part of the market.
    pub(super) fn is_in(&self, division: &str) -> bool {
        match division {
            "T" => self.exchange == 1,
            "TP" => self.exchange_name == "東証プ",
            "TS" => self.exchange_name == "東証ス",
            "TG" => self.exchange_name == "東証グ",
            "M" => self.exchange == 3,
            "FK" => self.exchange == 5,
            "S" => self.exchange == 6,
            _ => true,
        }
    }

    /// What it is sorted by, highest first; `None` = it is not in this ranking.
    pub(super) fn key(&self, kind: Kind) -> Option<i64> {
        if let Kind::Margin(number) = kind {
            let margin = self.margin.as_ref().filter(|_| !matches!(self.exchange, 5 | 6))?;
            return Some(margin.key(number));
        }
        let traded = self.traded.as_ref()?;
        Some(match kind {
            Kind::Fall => -traded.percent,
            Kind::Volume => traded.volume,
            Kind::Value => traded.value,
            Kind::Ticks => self.moves.0 as i64,
            Kind::VolumeSurge => surge(traded.volume, self.usual.0),
            Kind::ValueSurge => surge(traded.value, self.usual.1),
            _ => traded.percent,
        })
    }

    /// The item at this place; the key order of every type is that of real answers.
    pub(super) fn body(&self, place: usize, kind: Kind) -> String {
        let head = Object::new().raw("No", place);
        let body = match (kind, &self.margin, &self.traded) {
            (Kind::Margin(_), Some(margin), _) => margin.body(self.named(head)),
            (_, _, Some(traded)) => {
                // Places of the last ten days are not known: "0", and 999 as for everything from the hundredth on.
                let head = self.named(head.text("Trend", "0").raw("AverageRanking", "999.0"));
                let head = head
                    .raw("CurrentPrice", four(traded.price))
                    .raw("ChangeRatio", five(traded.change));
                self.by_kind(head, kind, traded)
            }
            _ => self.named(head),
        };
        body.text("ExchangeName", &self.exchange_name)
            .text("CategoryName", sectors::name(&self.sector))
            .finish()
    }

    fn named(&self, head: Object) -> Object {
        head.text("Symbol", &self.code).text("SymbolName", &self.name)
    }

    fn by_kind(&self, head: Object, kind: Kind, traded: &Traded) -> Object {
        let percent = two(traded.percent);
        // Thousands of shares, millions of yen.
        let volume = four(Price(traded.volume / 1_000));
        let turnover = four(Price(traded.value / 1_000_000));
        match kind {
            Kind::Ticks => head
                .raw("TickCount", self.moves.0)
                .raw("UpCount", self.moves.1)
                .raw("DownCount", self.moves.2)
                .raw("ChangePercentage", percent)
                .raw("TradingVolume", volume)
                .raw("Turnover", turnover),
            Kind::VolumeSurge => head
                .raw("RapidTradePercentage", two(surge(traded.volume, self.usual.0)))
                .raw("TradingVolume", volume)
                .text("CurrentPriceTime", &traded.time)
                .raw("ChangePercentage", percent),
            Kind::ValueSurge => head
                .raw("RapidPaymentPercentage", two(surge(traded.value, self.usual.1)))
                .raw("Turnover", turnover)
                .text("CurrentPriceTime", &traded.time)
                .raw("ChangePercentage", percent),
            _ => head
                .raw("ChangePercentage", percent)
                .text("CurrentPriceTime", &traded.time)
                .raw("TradingVolume", volume)
                .raw("Turnover", turnover),
        }
    }
}

impl Traded {
    fn of<'a>(said: &impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let number = |key| said(key).and_then(Decimal::parse).map(|d| d.e4);
        let time = said("CurrentPriceTime").and_then(|t| t.split_once('T'));
        Some(Self {
            price: Price(number("CurrentPrice")?),
            change: Price(number("ChangePreviousClose").unwrap_or_default()),
            percent: number("ChangePreviousClosePer").unwrap_or_default() / 100,
            time: time.and_then(|(_, t)| t.get(..5)).unwrap_or_default().to_owned(),
            volume: number("TradingVolume")?,
            value: number("TradingValue").unwrap_or_default(),
        })
    }
}

impl Margin {
    fn of(seed: u64, code: &str) -> Self {
        let draw = |what: &str, below| figure(seed, &["margin", what, code], below);
        let (sell, buy) = (1 + draw("sell", 40_000), 1 + draw("buy", 120_000));
        Self {
            sell_change: draw("sold", 2 * sell as u64 / 5 + 1) - sell / 5,
            buy_change: draw("bought", 2 * buy as u64 / 5 + 1) - buy / 5,
            sell,
            buy,
        }
    }

    fn key(&self, number: u8) -> i64 {
        match number {
            8 => self.sell_change,
            9 => -self.sell_change,
            10 => self.buy_change,
            11 => -self.buy_change,
            12 => self.ratio(),
            _ => -self.ratio(),
        }
    }

    /// Hundredths.
    fn ratio(&self) -> i64 {
        self.buy * 100 / self.sell
    }

    fn body(&self, head: Object) -> Object {
        // Hundreds of shares into thousands.
        let thousands = |hundreds: i64| four(Price(hundreds * 1_000));
        head.raw("Ratio", four(Price(self.ratio() * 100)))
            .raw("SellRapidPaymentPercentage", thousands(self.sell))
            .raw("SellLastWeekRatio", thousands(self.sell_change))
            .raw("BuyRapidPaymentPercentage", thousands(self.buy))
            .raw("BuyLastWeekRatio", thousands(self.buy_change))
    }
}

/// How much more than usual, in hundredths of a percent.
fn surge(now: i64, usual: i64) -> i64 {
    let percent = (i128::from(now) * 10_000 / i128::from(usual.max(1))) - 10_000;
    i64::try_from(percent).unwrap_or(i64::MAX)
}
