//! What a symbol is: names, units, price level, habits.

mod facts;
mod known;

use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Kind;

use super::ladder::Rules;
use super::limits::daily_limits;
use super::rng::Rng;
use super::ticksize::{self, Group};
use crate::Symbol;

pub use facts::Month;

/// Everything about a symbol that its market does not change. Names of well-known symbols are facts; prices, share
/// counts and habits are invented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Code and exchange.
    pub symbol: Symbol,
    /// Which keys its messages have.
    pub kind: Kind,
    /// `SymbolName`.
    pub name: String,
    /// `ExchangeName`; unused for an index.
    pub exchange_name: String,
    /// `SecurityType`.
    pub security_type: i32,
    /// Previous close; also the base of the day's limits.
    pub previous_close: Price,
    /// Which prices exist.
    pub group: Group,
    /// Trading unit: 100 for shares, 1 or 10 for ETFs, 1 for derivatives.
    pub unit: i64,
    /// Average size of a trade, in trading units.
    pub trade_units: i64,
    /// Usual quantity of a price level away from the touch, in trading units.
    pub depth: i64,
    /// Volatility in per mille of the usual; 1,000 makes a standard deviation of about 2 % from one close to the next.
    pub volatility: i64,
    /// Issued shares, for `TotalMarketValue`; 0 makes it null.
    pub shares: i64,
    /// Yen per point and contract; 1 for shares.
    pub multiplier: i64,
}

impl Profile {
    /// A plausible profile for any symbol: the built-in table for well-known codes, the kind of instrument for indices
    /// and derivatives, and for every other code a guess that depends on the code and the seed alone.
    #[must_use]
    pub fn of(symbol: &Symbol, seed: u64) -> Self {
        let mut rng = Rng::new(seed, &format!("profile {symbol}"));
        if let Some(known) = known::index(&symbol.code) {
            return Self::index(symbol, known);
        }
        if matches!(symbol.exchange, 2 | 23 | 24) {
            return Self::future(symbol);
        }
        match known::share(&symbol.code) {
            Some(known) => Self::share(symbol, known),
            None => Self::guess(symbol, &mut rng),
        }
    }

    /// The limits and sizes that bind the book on the day after [`Profile::previous_close`].
    pub(super) fn rules(&self) -> Rules {
        self.rules_after(self.previous_close)
    }

    /// The limits and sizes that bind the book on the day after a close.
    pub(super) fn rules_after(&self, close: Price) -> Rules {
        let group = self.group;
        let (lowest, highest) = match self.kind {
            Kind::Stock => daily_limits(close),
            // The first circuit-breaker step of index futures is 8 %.
            Kind::Future | Kind::Index => (Price(close.0 - close.0 / 25 * 2), Price(close.0 + close.0 / 25 * 2)),
        };
        let highest = ticksize::floor(group, highest);
        // A close of about a tick leaves no room: the book needs two prices, and both above 0.
        let smallest = ticksize::up(group, Price(0));
        let highest = highest.max(ticksize::up(group, smallest));
        let lowest = ticksize::up(group, Price(lowest.0.max(1) - 1)).min(ticksize::down(group, highest));
        Rules {
            group,
            lowest,
            highest,
            unit: self.unit.max(1),
            depth: self.depth.max(1),
        }
    }

    fn share(symbol: &Symbol, known: &known::Share) -> Self {
        let etf = known.unit != 100;
        Self {
            symbol: symbol.clone(),
            kind: Kind::Stock,
            name: known.name.to_owned(),
            exchange_name: exchange_name(symbol.exchange, known.section).to_owned(),
            security_type: 1,
            previous_close: Price(known.close_e1 * 1_000),
            group: known.group,
            unit: known.unit,
            trade_units: if etf { 40 } else { 5 },
            depth: known.depth,
            volatility: known.volatility,
            shares: known.shares_m * 1_000_000,
            multiplier: 1,
        }
    }

    fn index(symbol: &Symbol, known: &known::Index) -> Self {
        Self {
            symbol: symbol.clone(),
            kind: Kind::Index,
            name: known.name.to_owned(),
            exchange_name: String::new(),
            security_type: 0,
            previous_close: Price(known.close_e2 * 100),
            group: Group::Fixed(Price(100)),
            unit: 1,
            trade_units: 1,
            depth: 1,
            volatility: known.volatility,
            shares: 0,
            multiplier: 1,
        }
    }

    fn future(symbol: &Symbol) -> Self {
        let contract = known::future(&symbol.code);
        Self {
            symbol: symbol.clone(),
            kind: Kind::Future,
            name: known::future_name(&symbol.code),
            exchange_name: exchange_name(symbol.exchange, "").to_owned(),
            security_type: contract.security_type,
            previous_close: Price::from_yen(contract.close),
            group: Group::Fixed(Price(contract.tick_e4)),
            unit: 1,
            trade_units: 5,
            depth: contract.depth,
            volatility: 700,
            shares: 0,
            multiplier: contract.multiplier,
        }
    }

    /// A share nobody described: from 180 to 9,000 yen, rather cheap than dear.
    fn guess(symbol: &Symbol, rng: &mut Rng) -> Self {
        let (low, high) = [(180, 700), (700, 1_500), (1_500, 3_000), (3_000, 9_000)][rng.below(4) as usize];
        let large = rng.chance(400);
        let group = if large { Group::Topix500 } else { Group::Share };
        let close = Price(Price::from_yen(low).0 + rng.below((high - low) * 10) * 1_000);
        let section = match (large, symbol.code.bytes().any(|b| b.is_ascii_alphabetic())) {
            (true, _) => "東証プ",
            (false, true) => "東証グ",
            (false, false) => "東証ス",
        };
        Self {
            symbol: symbol.clone(),
            kind: Kind::Stock,
            name: format!("銘柄{}", symbol.code),
            exchange_name: exchange_name(symbol.exchange, section).to_owned(),
            security_type: 1,
            previous_close: ticksize::floor(group, close),
            group,
            unit: 100,
            trade_units: 3 + rng.below(4),
            depth: if large { 40 + rng.below(60) } else { 12 + rng.below(20) },
            volatility: if large {
                800 + rng.below(600)
            } else {
                1_000 + rng.below(1_200)
            },
            shares: (5 + rng.below(900)) * 1_000_000,
            multiplier: 1,
        }
    }
}

/// The station's short names; those of exchanges 23 and 24 are by analogy with 2.
fn exchange_name(exchange: u16, section: &'static str) -> &'static str {
    match exchange {
        1 => section,
        2 => "大阪日通し",
        3 => "名証",
        5 => "福証",
        6 => "札証",
        23 => "大阪日中",
        24 => "大阪夜間",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_codes_get_a_profile_that_fits() {
        for code in [
            "7203", "9984", "8306", "6758", "9432", "7974", "6861", "247A", "285A", "1570", "1306", "1301", "9999",
            "123A",
        ] {
            for seed in 0..20 {
                let profile = Profile::of(&Symbol::tse(code), seed);
                assert_eq!(profile, Profile::of(&Symbol::tse(code), seed));
                assert!(ticksize::is_valid(profile.group, profile.previous_close), "{profile:?}");
                assert!(profile.unit > 0 && profile.trade_units > 0 && profile.depth > 0);
                assert!(!profile.name.is_empty() && !profile.exchange_name.is_empty());
            }
        }
        let guess = |seed| Profile::of(&Symbol::tse("1301"), seed).previous_close;
        assert!((1..50).any(|seed| guess(seed) != guess(0)));
    }

    #[test]
    fn indices_and_derivatives_are_told_by_code_and_exchange() {
        let of = |text: &str| Profile::of(&text.parse().unwrap(), 1);
        assert_eq!(of("101").kind, Kind::Index);
        assert_eq!(of("145@2").kind, Kind::Index);
        let mini = of("167060019@23");
        assert_eq!(
            (mini.kind, mini.security_type, mini.multiplier),
            (Kind::Future, 901, 100)
        );
        assert_eq!(mini.name, "日経225mini 22/06");
        assert_eq!(of("165120018@2").multiplier, 1_000);
        assert_eq!(of("XYZ@24").kind, Kind::Future);
        assert_eq!((of("1570").unit, of("1570").group), (1, Group::UnitEtf));
    }

    #[test]
    fn rules_always_leave_two_prices() {
        for e4 in [
            0,
            1,
            10_000,
            20_000,
            990_000,
            28_350_000,
            5_000_000_000,
            900_000_000_000,
        ] {
            for kind in [Kind::Stock, Kind::Future, Kind::Index] {
                let profile = Profile {
                    previous_close: Price(e4),
                    kind,
                    ..Profile::of(&Symbol::tse("7203"), 1)
                };
                let rules = profile.rules();
                assert!(rules.lowest < rules.highest, "{rules:?}");
            }
        }
    }
}
