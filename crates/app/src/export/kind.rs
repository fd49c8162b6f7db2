//! What a column holds: decided by its name and its declared type, given up when a value does not fit. Pure.
//!
//! SQLite lets any value stand in any column. A kind is what a reader of a typed file expects; [`Kind::wider`] is where
//! a column goes when a row proves it wrong, so that nothing is rounded, cut or left out.

use ayumi_wire::jst::{self, Date};
use rusqlite::types::ValueRef;

/// Prices of the tables, of the scripts' and of one-minute bars.
const PRICES: [&str; 8] = ["last_price", "bid1", "ask1", "price", "open", "high", "low", "close"];
/// REAL columns that are whole by definition: sums of shares.
const WHOLE: [&str; 2] = ["vol_sum", "volume"];
/// Prices are multiples of 1/10,000 yen, as everywhere in this program.
const PRICE_SCALE: f64 = 10_000.0;

/// The type of a column in the exported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; anything can be written as one.
    Text,
    /// A time of ours, to the millisecond.
    Time,
    /// The same to the microsecond, as Python writes it.
    TimeMicros,
    /// A calendar date.
    Date,
    /// A whole number.
    Int,
    /// A price, exact to 1/10,000 yen.
    Price,
    /// A ratio or a score.
    Real,
}

impl Kind {
    /// The kind of a column by its name and the type it was declared with.
    #[must_use]
    pub fn of(name: &str, declared: &str) -> Self {
        let (name, declared) = (name.to_ascii_lowercase(), declared.to_ascii_uppercase());
        let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        if says(&["INT"]) || declared.is_empty() {
            // Without a declared type: as narrow as the values allow.
            Self::Int
        } else if says(&["CHAR", "CLOB", "TEXT", "DATE", "TIME"]) {
            match name.as_str() {
                "date" => Self::Date,
                _ if name.ends_with("_date") => Self::Date,
                "ts" | "time" | "datetime" | "timestamp" => Self::Time,
                _ if name.starts_with("ts_") || name.ends_with("_ts") => Self::Time,
                _ => Self::Text,
            }
        } else if says(&["BLOB"]) {
            Self::Text
        } else if PRICES.contains(&name.as_str()) {
            Self::Price
        } else if WHOLE.contains(&name.as_str()) {
            Self::Int
        } else {
            Self::Real
        }
    }

    /// The next kind to try for a column that holds `value`, which this kind cannot take.
    #[must_use]
    pub fn wider(self, value: ValueRef<'_>) -> Self {
        match (self, value) {
            (Self::Time, ValueRef::Text(_)) => Self::TimeMicros,
            (Self::Int | Self::Price, ValueRef::Real(_) | ValueRef::Integer(_)) => Self::Real,
            _ => Self::Text,
        }
    }

    /// The Parquet type, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Time => "TIMESTAMP (ms)",
            Self::TimeMicros => "TIMESTAMP (us)",
            Self::Date => "DATE",
            Self::Int => "INT64",
            Self::Price => "DECIMAL(18,4)",
            Self::Real => "DOUBLE",
        }
    }
}

/// A whole number, also one that is stored as a float.
#[must_use]
pub fn whole(value: ValueRef<'_>) -> Option<i64> {
    // Below 2^53 every whole float is exactly one integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        ValueRef::Integer(n) => Some(n),
        ValueRef::Real(x) if x.fract() == 0.0 && x.abs() <= EXACT => Some(x as i64),
        _ => None,
    }
}

/// A price in 1/10,000 yen, if it is a multiple of that.
#[must_use]
pub fn price_e4(value: ValueRef<'_>) -> Option<i64> {
    // What DECIMAL(18,4) can hold.
    const MOST: i64 = 999_999_999_999_999_999;
    let scaled = match value {
        ValueRef::Integer(n) => n.checked_mul(10_000)?,
        ValueRef::Real(x) if x.abs() < 9.0e13 => {
            let scaled = (x * PRICE_SCALE).round();
            // The table edge divides once; a price is the one that gives this float again.
            (scaled / PRICE_SCALE == x).then_some(scaled as i64)?
        }
        _ => return None,
    };
    (scaled.unsigned_abs() <= MOST.unsigned_abs()).then_some(scaled)
}

/// A float; a whole number only when the float is exactly that number.
#[must_use]
pub fn real(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Real(x) => Some(x),
        ValueRef::Integer(n) if n.unsigned_abs() <= 1 << 53 => Some(n as f64),
        _ => None,
    }
}

/// Days since 1970 of a date like `2026-11-20`.
#[must_use]
pub fn days(value: ValueRef<'_>) -> Option<i32> {
    let ValueRef::Text(text) = value else { return None };
    let date = Date::parse(std::str::from_utf8(text).ok()?)?;
    i32::try_from(date.days()).ok()
}

/// Microseconds since 1970 of a JST time with at most six decimals; a zone, if there is one, must be +09:00.
#[must_use]
pub fn micros(text: &[u8]) -> Option<i64> {
    let seconds = jst::parse(text).filter(|time| time.jst_offset)?.unix_s;
    let mut micros = 0;
    if let Some([b'.', tail @ ..]) = text.get(19..) {
        let mut digits = tail.iter().take_while(|b| b.is_ascii_digit());
        for _ in 0..6 {
            micros = micros * 10 + digits.next().map_or(0, |digit| i64::from(digit - b'0'));
        }
        if digits.any(|digit| *digit != b'0') {
            return None;
        }
    }
    Some(seconds * 1_000_000 + micros)
}

/// True for what is no text that a file of text may hold: bytes, and text that is not UTF-8.
#[must_use]
pub fn is_binary(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Blob(_) => true,
        ValueRef::Text(text) => std::str::from_utf8(text).is_err(),
        _ => false,
    }
}

/// Bytes as SQL writes them: `x'0aff'`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2 + 3);
    text.push_str("x'");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_the_tables() {
        for (name, declared, kind) in [
            ("ticker", "TEXT", Kind::Text),
            ("ts", "TEXT", Kind::Time),
            ("ts_window_end", "TEXT", Kind::Time),
            ("last_signal_ts", "TEXT", Kind::Time),
            ("trading_date", "TEXT", Kind::Date),
            ("cause", "TEXT", Kind::Text),
            ("ticks", "INT", Kind::Int),
            ("window_id", "INTEGER", Kind::Int),
            ("vol_sum", "REAL", Kind::Int),
            ("volume", "REAL", Kind::Int),
            ("last_price", "REAL", Kind::Price),
            ("bid1", "REAL", Kind::Price),
            ("last_price_e4", "INTEGER", Kind::Int),
            ("spread_bp", "REAL", Kind::Real),
            ("uptick_ratio", "REAL", Kind::Real),
            ("note", "", Kind::Int),
            ("note", "BLOB", Kind::Text),
        ] {
            assert_eq!(Kind::of(name, declared), kind, "{name} {declared}");
        }
    }

    #[test]
    fn prices_are_exact_or_none() {
        for (yen, e4) in [
            (2847.5, Some(28_475_000)),
            (0.1, Some(1_000)),
            (2844.0556, Some(28_440_556)),
            (-1.0, Some(-10_000)),
            (2844.05565, None),
            (0.1 + 0.2, None),
            (f64::INFINITY, None),
            (1e300, None),
        ] {
            assert_eq!(price_e4(ValueRef::Real(yen)), e4, "{yen}");
        }
        assert_eq!(price_e4(ValueRef::Integer(2_847)), Some(28_470_000));
        assert_eq!(price_e4(ValueRef::Integer(i64::MAX)), None);
        assert_eq!(price_e4(ValueRef::Integer(100_000_000_000_000)), None);
        // Every price of the station survives: whatever is divided once comes back.
        for e4 in (1..200_000_000).step_by(997) {
            assert_eq!(price_e4(ValueRef::Real(e4 as f64 / PRICE_SCALE)), Some(e4));
        }
    }

    #[test]
    fn whole_numbers_and_floats() {
        assert_eq!(whole(ValueRef::Real(6_900.0)), Some(6_900));
        assert_eq!(whole(ValueRef::Real(-0.5)), None);
        assert_eq!(whole(ValueRef::Real(1e300)), None);
        assert_eq!(whole(ValueRef::Integer(i64::MIN)), Some(i64::MIN));
        assert_eq!(real(ValueRef::Integer(3)), Some(3.0));
        assert_eq!(real(ValueRef::Integer(i64::MAX)), None);
        assert_eq!(real(ValueRef::Text(b"3")), None);
    }

    #[test]
    fn times_of_ours_and_of_python() {
        let nine = 1_795_132_800_000_000;
        for (text, micros_after) in [
            ("2026-11-20T09:00:00.300+09:00", Some(300_000)),
            ("2026-11-20T09:00:00", Some(0)),
            ("2026-11-20 09:00:00.3", Some(300_000)),
            ("2026-11-20T09:00:00.123456", Some(123_456)),
            ("2026-11-20T09:00:00.1234560", Some(123_456)),
            ("2026-11-20T09:00:00.1234567", None),
            ("2026-11-20T00:00:00Z", None),
            ("2026-11-20T09:00:00.300+00:00", None),
            ("2026-11-31T09:00:00", None),
            ("", None),
        ] {
            assert_eq!(micros(text.as_bytes()), micros_after.map(|m| nine + m), "{text}");
        }
        assert_eq!(days(ValueRef::Text(b"1970-01-02")), Some(1));
        assert_eq!(days(ValueRef::Text(b"2026-11-20T09")), None);
    }

    #[test]
    fn a_column_widens_until_everything_fits() {
        let chain = |mut kind: Kind, value: ValueRef<'_>| {
            let mut kinds = vec![kind];
            while kind != Kind::Text {
                kind = kind.wider(value);
                kinds.push(kind);
            }
            kinds
        };
        assert_eq!(
            chain(Kind::Price, ValueRef::Real(0.5)),
            [Kind::Price, Kind::Real, Kind::Text]
        );
        assert_eq!(chain(Kind::Int, ValueRef::Text(b"x")), [Kind::Int, Kind::Text]);
        assert_eq!(
            chain(Kind::Time, ValueRef::Text(b"x")),
            [Kind::Time, Kind::TimeMicros, Kind::Text]
        );
        assert_eq!(chain(Kind::Time, ValueRef::Integer(1)), [Kind::Time, Kind::Text]);
    }

    #[test]
    fn bytes_are_shown() {
        assert_eq!(hex(&[0, 255]), "x'00ff'");
        assert!(is_binary(ValueRef::Text(b"\x83\x4b")) && !is_binary(ValueRef::Text("株".as_bytes())));
    }
}
