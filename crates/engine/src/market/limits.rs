//! Daily price limits (値幅制限) of the Tokyo Stock Exchange.
//!
//! Source: "Daily Price Limits" in the exchange's trading rules of domestic stocks. Broadened limits after days at the
//! limit are not known here.

use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Kind;

/// Below this previous close (yen), this limit (yen); from 1,000 yen on the rows repeat with every power of ten.
const LOW: [(i64, i64); 5] = [(100, 30), (200, 50), (500, 80), (700, 100), (1_000, 150)];
const DECADE: [(i64, i64); 6] = [
    (1_500, 300),
    (2_000, 400),
    (3_000, 500),
    (5_000, 700),
    (7_000, 1_000),
    (10_000, 1_500),
];

/// From 50 million yen on there is one limit.
const TOP: (i64, i64) = (50_000_000, 10_000_000);

/// The lowest and the highest price of the day. Not rounded to a tick; the lowest is at least one yen.
#[must_use]
pub fn daily_limits(previous_close: Price) -> (Price, Price) {
    let width = Price::from_yen(width(previous_close)).0;
    let lowest = (previous_close.0 - width).max(Price::PER_YEN);
    (Price(lowest), Price(previous_close.0 + width))
}

/// The distance of two special quotes (更新値幅). For shares it is the usual table, which from 1,000 yen on is a tenth of
/// the daily limit; for derivatives 0.8 %, invented.
pub(super) fn renewal(kind: Kind, previous_close: Price) -> Price {
    match kind {
        Kind::Stock => Price::from_yen((width(previous_close) / 10).max(5)),
        Kind::Future | Kind::Index => Price(previous_close.0 / 125),
    }
}

fn width(previous_close: Price) -> i64 {
    let below = |limit: i64| previous_close.0 < limit * Price::PER_YEN;
    if !below(TOP.0) {
        return TOP.1;
    }
    if let Some((_, width)) = LOW.iter().find(|(limit, _)| below(*limit)) {
        return *width;
    }
    let mut scale = 1;
    loop {
        if let Some((_, width)) = DECADE.iter().find(|(limit, _)| below(limit * scale)) {
            return width * scale;
        }
        scale *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exchange_s_table() {
        for (close, width) in [
            (99, 30),
            (100, 50),
            (499, 80),
            (500, 100),
            (999, 150),
            (1_000, 300),
            (1_999, 400),
            (2_835, 500),
            (3_000, 700),
            (6_999, 1_000),
            (9_999, 1_500),
            (10_000, 3_000),
            (15_000, 4_000),
            (26_630, 5_000),
            (49_999, 7_000),
            (69_999, 10_000),
            (99_999, 15_000),
            (149_999, 30_000),
            (900_000, 150_000),
            (1_200_000, 300_000),
            (29_999_999, 5_000_000),
            (49_999_999, 7_000_000),
            (50_000_000, 10_000_000),
            (300_000_000, 10_000_000),
        ] {
            let price = Price::from_yen(close);
            let expected = (Price::from_yen(close - width), Price::from_yen(close + width));
            assert_eq!(daily_limits(price), expected, "{close}");
        }
        assert_eq!(
            daily_limits(Price::from_yen(12)),
            (Price::from_yen(1), Price::from_yen(42))
        );
    }
}
