//! Well-known symbols. Names, units and tick groups are facts (as far as known); closes, share counts, depth and
//! volatility are invented round figures.

mod shares;

use super::super::ticksize::Group;
use super::facts::Month;
use shares::SHARES;

/// A share or an ETF.
pub(super) struct Share {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    /// The exchange's sector (業種) code; 9999 = none.
    pub(super) sector: u16,
    /// `ExchangeName` on the TSE.
    pub(super) section: &'static str,
    pub(super) group: Group,
    pub(super) unit: i64,
    /// Previous close in tenths of a yen.
    pub(super) close_e1: i64,
    /// Usual quantity of a level, in units.
    pub(super) depth: i64,
    /// Per mille of the usual.
    pub(super) volatility: i64,
    /// Issued shares in millions.
    pub(super) shares_m: i64,
}

/// A stock index.
pub(super) struct Index {
    code: &'static str,
    pub(super) name: &'static str,
    /// Previous close in hundredths of a point.
    pub(super) close_e2: i64,
    pub(super) volatility: i64,
}

/// A futures contract.
pub(super) struct Future {
    /// Last four digits of the code.
    pub(super) product: &'static str,
    name: &'static str,
    /// `FutureCode` of `/symbolname/future`.
    pub(super) future_code: &'static str,
    /// `Underlyer` of `/symbol`.
    pub(super) underlyer: &'static str,
    /// `PriceRangeGroup`.
    pub(super) tick_group: &'static str,
    pub(super) security_type: i32,
    /// Previous close in points.
    pub(super) close: i64,
    /// Tick in 1/10,000 point.
    pub(super) tick_e4: i64,
    /// Yen per point.
    pub(super) multiplier: i64,
    pub(super) depth: i64,
}

pub(super) fn share(code: &str) -> Option<&'static Share> {
    SHARES.iter().find(|known| known.code == code)
}

pub(super) fn index(code: &str) -> Option<&'static Index> {
    INDICES.iter().find(|known| known.code == code)
}

/// The codes of the table, the most traded first.
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    SHARES.iter().map(|known| known.code)
}

/// The contract that the station calls by this name (`FutureCode`), whatever the case.
pub(super) fn future_called(future_code: &str) -> Option<&'static Future> {
    FUTURES
        .iter()
        .find(|known| known.future_code.eq_ignore_ascii_case(future_code))
}

/// The contract of a code; an unknown one is treated as the mini, the most traded.
pub(super) fn future(code: &str) -> &'static Future {
    FUTURES
        .iter()
        .find(|known| code.ends_with(known.product))
        .unwrap_or(&FUTURES[0])
}

/// `日経225mini 22/06` for 167060019. A code of another build is its own name.
pub(super) fn future_name(code: &str) -> String {
    let known = FUTURES.iter().find(|known| code.ends_with(known.product));
    match (known, future_month(code)) {
        (Some(known), Some(Month { year, month })) => format!("{} {}/{month:02}", known.name, year % 100),
        _ => format!("先物{code}"),
    }
}

/// After the leading 16 of a code come the year's last digit counted from 2015 and the month.
pub(super) fn future_month(code: &str) -> Option<Month> {
    let digits = |range| code.get(range).and_then(|text: &str| text.parse::<u8>().ok());
    match (digits(2..3), digits(3..5)) {
        (Some(digit), Some(month @ 1..=12)) if code.len() == 9 => Some(Month {
            year: i32::from(digit) + if digit >= 5 { 2015 } else { 2025 },
            month,
        }),
        _ => None,
    }
}

static INDICES: [Index; 4] = [
    Index {
        code: "101",
        name: "日経平均",
        close_e2: 4_982_063,
        volatility: 800,
    },
    Index {
        code: "151",
        name: "TOPIX",
        close_e2: 318_745,
        volatility: 700,
    },
    Index {
        code: "154",
        name: "グロース250",
        close_e2: 72_318,
        volatility: 1_000,
    },
    Index {
        code: "145",
        name: "日経VI",
        close_e2: 2_682,
        volatility: 2_000,
    },
];

/// Multipliers of 0018 and 0019 follow from real messages (kabusapi issues 631, 537); the others are the exchange's.
static FUTURES: [Future; 4] = [
    Future {
        product: "0019",
        name: "日経225mini",
        future_code: "NK225mini",
        underlyer: "NK225",
        tick_group: "10119",
        security_type: 901,
        close: 49_850,
        tick_e4: 50_000,
        multiplier: 100,
        depth: 300,
    },
    Future {
        product: "0018",
        name: "日経225先物",
        future_code: "NK225",
        underlyer: "NK225",
        tick_group: "10118",
        security_type: 101,
        close: 49_850,
        tick_e4: 100_000,
        multiplier: 1_000,
        depth: 60,
    },
    Future {
        product: "0005",
        name: "TOPIX先物",
        future_code: "TOPIX",
        underlyer: "TOPIX",
        tick_group: "10718",
        security_type: 107,
        close: 3_190,
        tick_e4: 5_000,
        multiplier: 10_000,
        depth: 80,
    },
    Future {
        product: "0006",
        name: "TOPIXmini",
        future_code: "TOPIXmini",
        underlyer: "TOPIX",
        tick_group: "10706",
        security_type: 907,
        close: 3_190,
        tick_e4: 2_500,
        multiplier: 1_000,
        depth: 40,
    },
];

#[cfg(test)]
mod tests {
    use ayumi_wire::num::Price;

    use super::super::super::ticksize;
    use super::*;

    #[test]
    fn every_close_is_a_price() {
        for (at, known) in SHARES.iter().enumerate() {
            assert!(
                ticksize::is_valid(known.group, Price(known.close_e1 * 1_000)),
                "{}",
                known.code
            );
            assert!(
                SHARES[..at].iter().all(|other| other.code != known.code),
                "{} twice",
                known.code
            );
        }
        for known in &FUTURES {
            assert!(ticksize::is_valid(
                Group::Fixed(Price(known.tick_e4)),
                Price::from_yen(known.close)
            ));
        }
    }

    #[test]
    fn names_of_futures() {
        assert_eq!(future_name("165120018"), "日経225先物 20/12");
        assert_eq!(future_name("161120019"), "日経225mini 26/12");
        assert_eq!(future_name("161990019"), "先物161990019");
        assert_eq!(future_name("XYZ"), "先物XYZ");
    }
}
