//! What `/symbol` and `/symbolname/future` say about a symbol and its messages do not.

use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Kind;

use super::super::ticksize::Group;
use super::{Profile, known};

/// The month of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
}

impl Profile {
    /// The codes of the built-in table of shares and ETFs, the most traded first: at least 50, letter codes and ETFs of
    /// unit 1 among them.
    pub fn known_codes() -> impl Iterator<Item = &'static str> {
        known::codes()
    }

    /// `PriceRangeGroup`; empty for an index.
    #[must_use]
    pub fn price_range_group(&self) -> &'static str {
        match (self.kind, self.group) {
            (Kind::Index, _) => "",
            (_, Group::Share) => "10000",
            (_, Group::Topix500) => "10003",
            (_, Group::UnitEtf) => "10004",
            (_, Group::Fixed(_)) => known::future(&self.symbol.code).tick_group,
        }
    }

    /// `LowerLimit` and `UpperLimit` of a day after [`Profile::previous_close`]. The market's own day may have begun
    /// from another close: see [`super::super::Market::limits`].
    #[must_use]
    pub fn limits(&self) -> (Price, Price) {
        let rules = self.rules();
        (rules.lowest, rules.highest)
    }

    /// `DisplayName`; `None` for an index.
    #[must_use]
    pub fn display_name(&self) -> Option<String> {
        match self.kind {
            Kind::Stock => Some(self.name.clone()),
            Kind::Future => {
                let (name, month) = self.name.rsplit_once(' ').unwrap_or((&self.name, ""));
                let month = month.rsplit_once('/').map_or("", |(_, month)| month);
                Some(format!("{name} {month}").trim_end().to_owned())
            }
            Kind::Index => None,
        }
    }

    /// `BisCategory`: the exchange's four-digit sector of a share, 9999 for ETFs and unknown ones; `None` for others.
    #[must_use]
    pub fn bis_category(&self) -> Option<String> {
        let sector = || known::share(&self.symbol.code).map_or(9999, |known| known.sector);
        (self.kind == Kind::Stock).then(|| format!("{:04}", sector()))
    }

    /// `TotalStocks`, in thousands of shares; `None` when unknown or not a share.
    #[must_use]
    pub fn total_stocks(&self) -> Option<i64> {
        (self.shares > 0).then_some(self.shares / 1_000)
    }

    /// `TradingUnit`.
    #[must_use]
    pub fn trading_unit(&self) -> i64 {
        self.unit.max(1)
    }

    /// `Underlyer` of a contract: `NK225`, `TOPIX`.
    #[must_use]
    pub fn underlyer(&self) -> Option<&'static str> {
        (self.kind == Kind::Future).then(|| known::future(&self.symbol.code).underlyer)
    }

    /// The month of a contract, read from its code; prints as `DerivMonth` wants it.
    #[must_use]
    pub fn deriv_month(&self) -> Option<Month> {
        (self.kind == Kind::Future)
            .then(|| known::future_month(&self.symbol.code))
            .flatten()
    }

    /// The code that `/symbolname/future` answers for a `FutureCode` (any case) and a month; `None` for a contract that
    /// is not in the table, or a month that a code cannot say (it has the last digit of the year only: 2020 to 2029).
    #[must_use]
    pub fn future_code(future_code: &str, month: Month) -> Option<String> {
        let known = known::future_called(future_code)?;
        let fits = (2020..2030).contains(&month.year) && (1..=12).contains(&month.month);
        let digit = (month.year - 2015).rem_euclid(10);
        fits.then(|| format!("16{digit}{:02}{}", month.month, known.product))
    }
}

impl std::fmt::Display for Month {
    /// `2026/09`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Symbol;

    fn of(text: &str) -> Profile {
        Profile::of(&text.parse().unwrap(), 1)
    }

    #[test]
    fn the_table_serves_a_full_list() {
        let codes: Vec<&str> = Profile::known_codes().collect();
        assert!(codes.len() >= 50);
        for code in ["7203", "285A", "247A", "1570", "1306", "1321"] {
            assert!(codes.contains(&code), "{code}");
        }
        for code in &codes {
            let profile = Profile::of(&Symbol::tse(code), 3);
            assert_eq!(profile, Profile::of(&Symbol::tse(code), 4), "a fact, not a guess");
            let (low, high) = profile.limits();
            assert!(low < profile.previous_close && profile.previous_close < high, "{code}");
            assert_eq!(profile.bis_category().unwrap().len(), 4);
            assert!(profile.total_stocks().unwrap() > 0);
        }
    }

    #[test]
    fn shares_and_funds() {
        let toyota = of("7203");
        assert_eq!(
            (
                toyota.price_range_group(),
                toyota.trading_unit(),
                toyota.bis_category().as_deref()
            ),
            ("10003", 100, Some("3700"))
        );
        assert_eq!(toyota.limits(), (Price::from_yen(2_335), Price::from_yen(3_335)));
        assert_eq!(toyota.total_stocks(), Some(15_795_000));
        assert_eq!((toyota.underlyer(), toyota.deriv_month()), (None, None));
        assert_eq!(of("247A").price_range_group(), "10000");
        let lever = of("1570");
        assert_eq!(
            (
                lever.price_range_group(),
                lever.trading_unit(),
                lever.bis_category().as_deref()
            ),
            ("10004", 1, Some("9999"))
        );
        assert_eq!((of("101").price_range_group(), of("101").display_name()), ("", None));
    }

    #[test]
    fn futures() {
        let future = of("165120018@23");
        assert_eq!(
            (future.price_range_group(), future.underlyer()),
            ("10118", Some("NK225"))
        );
        assert_eq!(future.display_name().as_deref(), Some("日経225先物 12"));
        let month = future.deriv_month().unwrap();
        assert_eq!(month.to_string(), "2020/12");
        assert_eq!(Profile::future_code("nk225", month).as_deref(), Some("165120018"));
        let month = |year, month| Month { year, month };
        assert_eq!(
            Profile::future_code("NK225mini", month(2026, 12)).as_deref(),
            Some("161120019")
        );
        assert_eq!(Profile::future_code("NK225mini", month(2030, 12)), None);
        assert_eq!(Profile::future_code("GOLD", month(2026, 12)), None);
    }
}
