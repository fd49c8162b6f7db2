//! Exact numbers of the wire: prices and quantities as scaled integers.
//!
//! kabu Station prints .NET decimals (`2847.5000`, `103.0`). They are scaled from the text and never pass through a
//! float; floats exist at the table edge only ([`Price::yen`], [`Qty::shares`]).

use std::fmt;

/// A price in 1/10,000 yen: exact for tick sizes of 0.1 and 0.5, for VWAP (four decimals) and for index points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(pub i64);

impl Price {
    /// 1/10,000 yen in one yen.
    pub const PER_YEN: i64 = 10_000;

    /// A price of whole yen.
    #[must_use]
    pub const fn from_yen(yen: i64) -> Self {
        Self(yen * Self::PER_YEN)
    }

    /// The nearest price to a float of yen; `None` when it is not finite or out of range.
    #[must_use]
    pub fn from_f64(yen: f64) -> Option<Self> {
        let scaled = (yen * 10_000.0).round();
        (scaled.is_finite() && scaled.abs() < 9.0e17).then_some(Self(scaled as i64))
    }

    /// Yen, for the table edge. One division, correctly rounded.
    #[must_use]
    pub fn yen(self) -> f64 {
        self.0 as f64 / 10_000.0
    }
}

impl fmt::Display for Price {
    /// Yen with as many decimals as needed, at least one: `2847.5`, `2847.0`, `2844.0556`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, mut frac) = (self.0.unsigned_abs() / 10_000, self.0.unsigned_abs() % 10_000);
        let mut width = 4;
        while width > 1 && frac % 10 == 0 {
            frac /= 10;
            width -= 1;
        }
        write!(f, "{sign}{whole}.{frac:0width$}")
    }
}

/// A quantity or volume in shares, units or contracts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qty(pub i64);

impl Qty {
    /// Shares as a float, for the table edge (exact up to 2^53).
    #[must_use]
    pub fn shares(self) -> f64 {
        self.0 as f64
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A decimal read exactly from text, in 1/10,000 units, with what the scaling lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The value times 10,000, rounded half away from zero.
    pub e4: i64,
    /// False when digits beyond the fourth decimal were rounded away.
    pub exact: bool,
}

/// The largest magnitude accepted, in 1/10,000: leaves room for sums of many values in an `i64`.
const MAX_E4: u64 = 9_000_000_000_000_000_000 / 10;

impl Decimal {
    /// Reads a JSON number (`-?int[.frac][e±n]`) exactly. `None` when the text is no number, or its magnitude exceeds
    /// 9.0e13 (no price or volume comes near it), so that 1e400 is refused rather than clamped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            _ => (false, bytes),
        };
        let (mantissa, exponent) = match rest.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, frac) = match mantissa.iter().position(|&b| b == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &mantissa[..0]),
        };
        if whole.is_empty() || (frac.is_empty() && mantissa.len() != whole.len()) {
            return None;
        }
        let (magnitude, exact) = scale_digits(whole, frac, exponent)?;
        let signed = i64::try_from(magnitude).ok()?;
        Some(Self {
            e4: if negative { -signed } else { signed },
            exact,
        })
    }

    /// The value as a whole quantity; `None` with a non-zero fraction.
    #[must_use]
    pub fn whole(self) -> Option<Qty> {
        (self.exact && self.e4 % 10_000 == 0).then_some(Qty(self.e4 / 10_000))
    }
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut value = 0i64;
    for d in digits {
        value = (value * 10 + i64::from(d - b'0')).min(1_000_000);
    }
    Some(if negative { -value } else { value })
}

/// `digits(whole ++ frac) * 10^(exponent - len(frac) + 4)`, rounded half away from zero.
fn scale_digits(whole: &[u8], frac: &[u8], exponent: i64) -> Option<(u64, bool)> {
    // Number of leading digits of `whole ++ frac` that stand left of the fourth decimal.
    let keep = whole.len() as i64 + exponent + 4;
    let (mut value, mut exact, mut index) = (0u64, true, 0i64);
    for &byte in whole.iter().chain(frac) {
        if !byte.is_ascii_digit() {
            return None;
        }
        let digit = u64::from(byte - b'0');
        if index < keep {
            value = value.checked_mul(10)?.checked_add(digit).filter(|v| *v <= MAX_E4)?;
        } else {
            if index == keep && digit >= 5 {
                value += 1;
            }
            exact &= digit == 0;
        }
        index += 1;
    }
    if value != 0 {
        while index < keep {
            value = value.checked_mul(10).filter(|v| *v <= MAX_E4)?;
            index += 1;
        }
    }
    Some((value, exact))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Integers inside, one division at the edge: what a reader of the table sees is the float that the station's
        /// text names, and a sum is the sum of the texts.
        #[test]
        fn d15_a_price_leaves_as_the_float_that_its_text_names(e4 in 0i64..90_000_000_000_000, more in 0i64..10_000_000) {
            let text = Price(e4).to_string();
            prop_assert_eq!(Decimal::parse(&text), Some(Decimal { e4, exact: true }));
            prop_assert_eq!(Price(e4).yen(), text.parse::<f64>().unwrap());
            let sum = Price(e4 + more);
            prop_assert_eq!(sum.yen(), sum.to_string().parse::<f64>().unwrap());
        }
    }

    #[test]
    fn decimals_are_exact() {
        for (text, e4) in [
            ("2847.5000", 28_475_000),
            ("103.0", 1_030_000),
            ("974900", 9_749_000_000),
            ("-0", 0),
            ("0.0", 0),
            ("26779.4864", 267_794_864),
            ("781235280000.0", 7_812_352_800_000_000),
            ("1e3", 10_000_000),
            ("1.5E-1", 1_500),
            ("0e999999999999", 0),
        ] {
            assert_eq!(Decimal::parse(text), Some(Decimal { e4, exact: true }), "{text}");
        }
        assert_eq!(Decimal::parse("0.00005"), Some(Decimal { e4: 1, exact: false }));
        assert_eq!(Decimal::parse("0.00004"), Some(Decimal { e4: 0, exact: false }));
        assert_eq!(
            Decimal::parse("-1.99999"),
            Some(Decimal {
                e4: -20_000,
                exact: false
            })
        );
    }

    #[test]
    fn d02_absurd_numbers_are_refused() {
        for text in [
            "", "-", ".", "1.", ".5", "NaN", "Infinity", "1e400", "1e", "1e+", "--1", "1.2.3", "0x10", "１",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
        assert_eq!(Decimal::parse("99999999999999999999999"), None);
    }

    #[test]
    fn prices_print_as_a_reader_expects() {
        assert_eq!(Price(28_475_000).to_string(), "2847.5");
        assert_eq!(Price(28_470_000).to_string(), "2847.0");
        assert_eq!(Price(28_440_556).to_string(), "2844.0556");
        assert_eq!(Price(-5_000).to_string(), "-0.5");
    }
}
