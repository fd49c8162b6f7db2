//! Japan Standard Time: +09:00 in code, no zone database.
//!
//! The digits in kabu Station's time stamps are JST whatever offset they carry (the offset is the PC's; kabusapi
//! issues 301, 181, 546), so [`parse`] reads the digits and only reports a foreign offset.

use std::fmt;

/// Seconds between UTC and JST.
pub const OFFSET_S: i64 = 9 * 3600;
const DAY_S: i64 = 86_400;

/// A civil date of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, 1970 to 9999 in practice.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// A date, or `None` when the calendar has no such day.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        ((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day)).then_some(Self {
            year,
            month,
            day,
        })
    }

    /// Reads `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
            return None;
        }
        Self::new(
            number(&b[..4])? as i32,
            number(&b[5..7])? as u8,
            number(&b[8..10])? as u8,
        )
    }

    /// Days since 1970-01-01 (Howard Hinnant's civil-from-days arithmetic, in our own words).
    #[must_use]
    pub fn days(self) -> i64 {
        let y = i64::from(self.year) - i64::from(self.month <= 2);
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The date `days` after 1970-01-01.
    #[must_use]
    pub fn from_days(days: i64) -> Self {
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Self {
            year: (yoe + era * 400 + i64::from(month <= 2)) as i32,
            month: month as u8,
            day: (doy - (153 * mp + 2) / 5 + 1) as u8,
        }
    }

    /// 0 = Monday to 6 = Sunday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        (self.days() + 3).rem_euclid(7) as u8
    }

    /// Unix seconds of 00:00:00 JST on this date.
    #[must_use]
    pub fn midnight_s(self) -> i64 {
        self.days() * DAY_S - OFFSET_S
    }

    /// The JST date of a Unix second.
    #[must_use]
    pub fn of_unix_s(unix_s: i64) -> Self {
        Self::from_days((unix_s + OFFSET_S).div_euclid(DAY_S))
    }
}

fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Seconds since JST midnight, 0 to 86,399.
#[must_use]
pub fn second_of_day(unix_s: i64) -> u32 {
    (unix_s + OFFSET_S).rem_euclid(DAY_S) as u32
}

/// A time stamp read from the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireTime {
    /// Unix seconds, the digits read as JST. Fractions are cut: the station sends whole seconds.
    pub unix_s: i64,
    /// False when an offset other than +09:00 stood there; the digits are JST all the same.
    pub jst_offset: bool,
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.fraction][offset]`; a blank or a `/` may stand for `T` and `-`, and the offset may be
/// missing, `Z` or `±HH:MM`. `None` for anything else, an impossible date, or a second of 60.
#[must_use]
pub fn parse(text: &[u8]) -> Option<WireTime> {
    if text.len() < 19 || !matches!(text[10], b'T' | b' ') || text[13] != b':' || text[16] != b':' {
        return None;
    }
    if text[4] != text[7] || !matches!(text[4], b'-' | b'/') {
        return None;
    }
    let date = Date::new(
        number(&text[..4])? as i32,
        number(&text[5..7])? as u8,
        number(&text[8..10])? as u8,
    )?;
    let (h, m, s) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
    if h > 23 || m > 59 || s > 59 {
        return None;
    }
    let mut rest = &text[19..];
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        rest = &fraction[digits..];
    }
    let jst_offset = match rest {
        b"+09:00" => true,
        b"" => true,
        b"Z" => false,
        [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) => false,
        _ => return None,
    };
    Some(WireTime {
        unix_s: date.midnight_s() + h * 3600 + m * 60 + s,
        jst_offset,
    })
}

/// Reads back what [`iso_ms`] writes, as Unix milliseconds; a missing fraction is 0.
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    let seconds = parse(text.as_bytes()).filter(|time| time.jst_offset)?.unix_s;
    let fraction = text.get(19..23).and_then(|t| t.strip_prefix('.'));
    let ms = fraction.map_or(Some(0), |digits| number(digits.as_bytes()))?;
    Some(seconds * 1000 + ms)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// Formats Unix milliseconds as `2026-11-20T09:00:00.300+09:00`; such texts sort by time.
#[must_use]
pub fn iso_ms(unix_ms: i64) -> String {
    let s = unix_ms.div_euclid(1000);
    let tod = second_of_day(s);
    format!(
        "{}T{:02}:{:02}:{:02}.{:03}+09:00",
        Date::of_unix_s(s),
        tod / 3600,
        tod / 60 % 60,
        tod % 60,
        unix_ms.rem_euclid(1000)
    )
}

/// Formats Unix seconds as the station does: `2026-11-20T09:00:00+09:00`.
#[must_use]
pub fn iso_s(unix_s: i64) -> String {
    let tod = second_of_day(unix_s);
    format!(
        "{}T{:02}:{:02}:{:02}+09:00",
        Date::of_unix_s(unix_s),
        tod / 3600,
        tod / 60 % 60,
        tod % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_come_back() {
        for ms in [0, 1_795_128_600_123, 1_795_128_600_000, 1_795_128_600_999] {
            assert_eq!(parse_ms(&iso_ms(ms)), Some(ms));
        }
        assert_eq!(parse_ms("2026-11-20T07:50:00+09:00"), Some(1_795_128_600_000));
        for odd in [
            "",
            "2026-11-20",
            "2026-11-20T07:50:00.1x3+09:00",
            "2026-11-20T07:50:00.123Z",
        ] {
            assert_eq!(parse_ms(odd), None, "{odd}");
        }
    }

    #[test]
    fn dates_round_trip_over_four_centuries() {
        for days in -100_000..100_000 {
            let date = Date::from_days(days);
            assert_eq!(date.days(), days);
            assert_eq!(Date::new(date.year, date.month, date.day), Some(date));
        }
        assert_eq!(
            Date {
                year: 2026,
                month: 11,
                day: 20
            }
            .weekday(),
            4
        );
        assert_eq!(Date::new(2026, 2, 29), None);
        assert_eq!(Date::new(2028, 2, 29).map(Date::weekday), Some(1));
    }

    #[test]
    fn d09_digits_are_jst_whatever_the_offset() {
        let jst = parse(b"2026-09-18T10:15:42+09:00").expect("valid");
        assert!(jst.jst_offset);
        assert_eq!(iso_s(jst.unix_s), "2026-09-18T10:15:42+09:00");
        for other in [
            "2026-09-18T10:15:42+08:00",
            "2026-09-18T10:15:42-08:00",
            "2026-09-18T10:15:42Z",
        ] {
            let t = parse(other.as_bytes()).expect("valid");
            assert_eq!((t.unix_s, t.jst_offset), (jst.unix_s, false));
        }
        for same in [
            "2026-09-18T10:15:42.957+09:00",
            "2026-09-18T10:15:42",
            "2026/09/18 10:15:42",
        ] {
            assert_eq!(parse(same.as_bytes()), Some(jst));
        }
    }

    #[test]
    fn t03_broken_times_are_refused() {
        for text in [
            "",
            "2026-09-18",
            "2026-02-30T00:00:00",
            "2026-09-18T24:00:00",
            "2026-09-18T08:59:60",
            "2026-09-18T10:15:42.+09:00",
            "2026-09-18T10:15:42+9",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn texts_sort_by_time() {
        assert_eq!(iso_ms(1_763_596_800_300), "2025-11-20T09:00:00.300+09:00");
        assert!(iso_ms(1_763_596_800_300) < iso_ms(1_763_596_800_600));
    }
}
