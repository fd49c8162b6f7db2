//! Tick sizes (呼値の単位): which prices exist.
//!
//! Source: the `PriceRangeGroup` tables of the vendor's API description (station document, 3.5). A table row "up to X"
//! includes X, so the step above a border differs from the step below it.

use ayumi_wire::num::Price;

/// A tick-size group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// 10000: ordinary shares.
    Share,
    /// 10003: TOPIX 500 shares, and ETFs traded in tens or more.
    Topix500,
    /// 10004: ETFs traded one by one.
    UnitEtf,
    /// Derivatives and indices: one step at every price. Must be positive.
    Fixed(Price),
}

impl Group {
    /// From the station's `PriceRangeGroup`; `None` for one that is not in the table, or not of one step (options).
    #[must_use]
    pub fn of_code(code: u32) -> Option<Self> {
        let e4 = match code {
            10_000 => return Some(Self::Share),
            10_003 => return Some(Self::Topix500),
            10_004 => return Some(Self::UnitEtf),
            10_118 => 100_000,
            10_119 | 12_122 => 50_000,
            14_473 | 15_411 => 10_000,
            10_718 | 15_569 | 17_163 => 5_000,
            10_706 => 2_500,
            14_515 => 500,
            _ => return None,
        };
        Some(Self::Fixed(Price(e4)))
    }
}

/// (price up to, tick), both in 1/10,000 yen; the last row has no end.
type Bands = [(i64, i64)];

const SHARE: &Bands = &[
    (30_000_000, 10_000),
    (50_000_000, 50_000),
    (300_000_000, 100_000),
    (500_000_000, 500_000),
    (3_000_000_000, 1_000_000),
    (5_000_000_000, 5_000_000),
    (30_000_000_000, 10_000_000),
    (50_000_000_000, 50_000_000),
    (300_000_000_000, 100_000_000),
    (500_000_000_000, 500_000_000),
    (i64::MAX, 1_000_000_000),
];

const TOPIX500: &Bands = &[
    (10_000_000, 1_000),
    (30_000_000, 5_000),
    (100_000_000, 10_000),
    (300_000_000, 50_000),
    (1_000_000_000, 100_000),
    (3_000_000_000, 500_000),
    (10_000_000_000, 1_000_000),
    (30_000_000_000, 5_000_000),
    (100_000_000_000, 10_000_000),
    (300_000_000_000, 50_000_000),
    (i64::MAX, 100_000_000),
];

/// [`TOPIX500`] without its first two rows.
const UNIT_ETF: &Bands = TOPIX500.split_at(2).1;

/// The tick at a price: the distance to the next lower one.
#[must_use]
pub fn tick(group: Group, price: Price) -> Price {
    Price(band(group, |limit| price.0 <= limit))
}

/// The next price above, across a border of the table too.
#[must_use]
pub fn up(group: Group, price: Price) -> Price {
    let step = band(group, |limit| price.0 < limit);
    Price((price.0.div_euclid(step) + 1) * step)
}

/// The next price below, across a border of the table too. May reach zero or less: the caller knows the limits.
#[must_use]
pub fn down(group: Group, price: Price) -> Price {
    let step = tick(group, price).0;
    Price((price.0 - 1).div_euclid(step) * step)
}

/// The price itself if it exists, else the next lower one.
#[must_use]
pub fn floor(group: Group, price: Price) -> Price {
    let step = tick(group, price).0;
    Price(price.0.div_euclid(step) * step)
}

/// True when the price is on the grid.
#[must_use]
pub fn is_valid(group: Group, price: Price) -> bool {
    price.0 > 0 && floor(group, price) == price
}

fn band(group: Group, within: impl Fn(i64) -> bool) -> i64 {
    let bands = match group {
        Group::Share => SHARE,
        Group::Topix500 => TOPIX500,
        Group::UnitEtf => UNIT_ETF,
        Group::Fixed(step) => return step.0.max(1),
    };
    let found = bands.iter().find(|(limit, _)| within(*limit));
    // Only a price of i64::MAX can fall off the end.
    found.or(bands.last()).map_or(1, |(_, step)| *step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_at_and_around_the_borders() {
        for (group, yen_e1, below, above) in [
            (Group::Share, 30_000, 10, 50),
            (Group::Share, 50_000, 50, 100),
            (Group::Share, 300_000, 100, 500),
            (Group::Topix500, 10_000, 1, 5),
            (Group::Topix500, 30_000, 5, 10),
            (Group::Topix500, 100_000, 10, 50),
            (Group::UnitEtf, 100_000, 10, 50),
            (Group::UnitEtf, 1_000_000, 100, 500),
        ] {
            let price = Price(yen_e1 * 1_000);
            assert_eq!(up(group, price), Price(price.0 + above * 1_000), "{group:?} {price}");
            assert_eq!(down(group, price), Price(price.0 - below * 1_000), "{group:?} {price}");
            assert_eq!(down(group, up(group, price)), price);
            assert_eq!(up(group, down(group, price)), price);
        }
        assert_eq!(tick(Group::UnitEtf, Price::from_yen(155)), Price::from_yen(1));
        assert_eq!(
            tick(Group::Share, Price::from_yen(60_000_000)),
            Price::from_yen(100_000)
        );
    }

    #[test]
    fn a_price_off_the_grid_goes_to_its_neighbours() {
        let odd = Price(28_472_000);
        assert_eq!(floor(Group::Topix500, odd), Price(28_470_000));
        assert_eq!(up(Group::Topix500, odd), Price(28_475_000));
        assert_eq!(down(Group::Topix500, odd), Price(28_470_000));
        assert!(!is_valid(Group::Topix500, odd) && is_valid(Group::Topix500, Price(28_475_000)));
        assert!(!is_valid(Group::Topix500, Price(0)) && !is_valid(Group::Share, Price(-10_000)));
    }

    #[test]
    fn groups_of_the_station() {
        assert_eq!(Group::of_code(10_003), Some(Group::Topix500));
        assert_eq!(Group::of_code(10_119), Some(Group::Fixed(Price::from_yen(5))));
        assert_eq!(Group::of_code(14_515), Some(Group::Fixed(Price(500))));
        assert_eq!(Group::of_code(10_318), None);
    }
}
