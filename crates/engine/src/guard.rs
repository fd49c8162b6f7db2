//! The price guard: bounds per symbol, inclusive.

use std::fmt;

use ayumi_wire::num::Price;

/// Bounds of one symbol; a missing one does not bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Lowest accepted price.
    pub min: Option<Price>,
    /// Highest accepted price.
    pub max: Option<Price>,
}

impl Bounds {
    /// True when `price` passes.
    #[must_use]
    pub fn pass(&self, price: Price) -> bool {
        self.min.is_none_or(|min| price >= min) && self.max.is_none_or(|max| price <= max)
    }
}

impl fmt::Display for Bounds {
    /// `(400, 6000)`, as the scripts log it; a missing bound is `None`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |bound: Option<Price>| match bound {
            Some(price) if price.0 % Price::PER_YEN == 0 => (price.0 / Price::PER_YEN).to_string(),
            Some(price) => price.to_string(),
            None => "None".to_owned(),
        };
        write!(f, "({}, {})", show(self.min), show(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d03_bounds_are_inclusive() {
        let both = Bounds {
            min: Some(Price::from_yen(400)),
            max: Some(Price::from_yen(6000)),
        };
        assert_eq!(both.to_string(), "(400, 6000)");
        for (yen, pass) in [(399, false), (400, true), (6000, true), (6001, false)] {
            assert_eq!(both.pass(Price::from_yen(yen)), pass, "{yen}");
        }
        assert!(Bounds::default().pass(Price(1)));
        assert_eq!(
            Bounds {
                min: None,
                max: Some(Price(1_005_000))
            }
            .to_string(),
            "(None, 100.5)"
        );
    }
}
