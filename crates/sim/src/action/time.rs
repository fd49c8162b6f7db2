//! Times and durations as people write them: `09:00:05`, `2026-11-20T09:00:05`, `30s`, `1m30s`, `2s..10s`.

use std::fmt;
use std::time::Duration;

use ayumi_engine::Stamp;
use ayumi_wire::jst::{self, Date};

const DAY_NS: i64 = 86_400_000_000_000;
/// The longest duration: a year.
const LONGEST_MS: u64 = 366 * 86_400_000;

/// A point of simulated time, JST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The next such time of day, ns since midnight.
    OfDay(i64),
    /// On a day.
    On(Stamp),
}

/// What is allowed where a [`Time`] stands.
pub(crate) const TIME: &str = "a time in JST like \"09:00:05\", \"09:00:05.250\" or \"2026-11-20T09:00:05\"";
/// What is allowed where a duration stands.
pub(crate) const DURATION: &str = "a time with its unit, like \"500ms\", \"30s\", \"5m\" or \"1h30m\" (at most a year)";

impl Time {
    /// Reads `9:00`, `09:00:05`, `09:00:05.250`, or one of these behind a date and a `T` or blank.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.split_once(['T', ' ']) {
            None => of_day(text).map(Self::OfDay),
            Some((date, time)) => {
                let midnight = Date::parse(date)?.midnight_s();
                let time = of_day(time.strip_suffix("+09:00").unwrap_or(time))?;
                Some(Self::On(Stamp(Stamp::from_s(midnight).0.checked_add(time)?)))
            }
        }
    }

    /// When it is for somebody who looks ahead from `from`: a time of day that has passed means the next day, as with an
    /// alarm clock.
    #[must_use]
    pub fn next_from(self, from: Stamp) -> Stamp {
        match self {
            Self::On(at) => at,
            Self::OfDay(ns) => {
                let today = Stamp(Stamp::from_s(from.date().midnight_s()).0.saturating_add(ns));
                match today < from {
                    true => Stamp(today.0.saturating_add(DAY_NS)),
                    false => today,
                }
            }
        }
    }

    /// When it is on the day of `date`.
    #[must_use]
    pub fn on(self, date: Date) -> Stamp {
        match self {
            Self::On(at) => at,
            Self::OfDay(ns) => Stamp(Stamp::from_s(date.midnight_s()).0.saturating_add(ns)),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(at) => {
                let text = jst::iso_ms(at.ms());
                let text = text.strip_suffix("+09:00").unwrap_or(&text);
                write!(f, "{}", text.strip_suffix(".000").unwrap_or(text))
            }
            Self::OfDay(ns) => {
                let ms = ns / 1_000_000;
                let (s, ms) = (ms / 1000, ms % 1000);
                write!(f, "{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)?;
                if ms == 0 { Ok(()) } else { write!(f, ".{ms:03}") }
            }
        }
    }
}

/// Ns since midnight.
fn of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<i64> = clock
        .split(':')
        .map(|part| number(part, 2))
        .collect::<Option<Vec<i64>>>()?;
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] if clock == text => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let digits = fraction.len();
    let fraction = number(fraction, 9)? * 10_i64.pow(9 - u32::try_from(digits).ok()?);
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction)
}

fn number(digits: &str, longest: usize) -> Option<i64> {
    let fits = (1..=longest).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

/// Reads `500ms`, `30s`, `1.5s`, `5m`, `1h30m`; small letters, so that `130S` stays a symbol. 0 is allowed with a unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text.trim(), Duration::ZERO);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, tail) = tail.split_at(letters);
        let unit_ms: f64 = match unit {
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 60e3,
            "h" => 3_600e3,
            _ => return None,
        };
        let ms = number.parse::<f64>().ok()? * unit_ms;
        if !(0.0..=LONGEST_MS as f64).contains(&ms) {
            return None;
        }
        total += Duration::from_micros((ms * 1000.0).round() as u64);
        rest = tail;
    }
    (total <= Duration::from_millis(LONGEST_MS)).then_some(total)
}

/// As [`duration`], with a sign: ns.
pub(crate) fn signed(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, plain) = match text.strip_prefix('-') {
        Some(plain) => (-1, plain),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    Some(sign * nanos(duration(plain)?))
}

/// As whole ns; [`duration`] keeps them within a year.
pub(crate) fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// A duration as [`duration`] reads it.
pub(crate) fn written(span: Duration) -> String {
    let ms = span.as_millis();
    match ms {
        _ if ms > 0 && ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        _ if ms > 0 && ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let day = Stamp::from_s(Date::new(2026, 11, 20).expect("a day").midnight_s());
        let at = |text: &str| Time::parse(text).map(|t| t.next_from(day).0 - day.0);
        assert_eq!(at("09:00:05"), Some(32_405_000_000_000));
        assert_eq!(at("9:00"), Some(32_400_000_000_000));
        assert_eq!(at("09:00:05.25"), Some(32_405_250_000_000));
        assert_eq!(at("2026-11-20T09:00:05"), at("09:00:05"));
        assert_eq!(at("2026-11-20 09:00:05+09:00"), at("09:00:05"));
        for wrong in [
            "",
            "9",
            "24:00:00",
            "09:60",
            "09:00:05.",
            "09:00.5",
            "2026-13-01T09:00:00",
            "x",
            "-1:00",
            "09:00:05Z",
        ] {
            assert_eq!(Time::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_of_day_that_has_passed_is_tomorrows() {
        let evening = Time::parse("2026-11-20T23:59:30").expect("valid").next_from(Stamp(0));
        let midnight = Time::parse("00:00:05").expect("valid").next_from(evening);
        assert_eq!(midnight.0 - evening.0, 35_000_000_000);
        assert_eq!(Time::parse("23:59:30").expect("valid").next_from(evening), evening);
        assert_eq!(Time::OfDay(32_405_250_000_000).to_string(), "09:00:05.250");
        for text in ["2026-11-20T09:00:05", "2026-11-20T09:00:05.250", "09:00:00"] {
            assert_eq!(Time::parse(text).map(|time| time.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("1.5s", 1500),
            ("1h30m", 5_400_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for wrong in ["", "30", "s", "-5s", "130S", "5d", "5 m", "9999999h", "1..5s", "."] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(signed("-1.5s"), Some(-1_500_000_000));
        assert_eq!(signed("+2s"), Some(2_000_000_000));
        assert_eq!(signed("2s"), Some(2_000_000_000));
        for ms in [0, 1, 999, 1000, 61_000, 120_000] {
            let span = Duration::from_millis(ms);
            assert_eq!(duration(&written(span)), Some(span));
        }
    }
}
