//! The Tokyo Stock Exchange's days and hours. Pure rules, no table to keep: holidays follow the law on national
//! holidays as it stands since 2022 (fixed dates, "happy Mondays", equinoxes, substitutes), plus the exchange's own
//! days off from 31 December to 3 January.

use ayumi_wire::jst::Date;

use crate::stamp::Stamp;

/// Seconds of the day: start and end of the morning and the afternoon session (since 2024-11-05).
pub const SESSIONS: [(u32, u32); 2] = [(9 * 3600, 11 * 3600 + 1800), (12 * 3600 + 1800, 15 * 3600 + 1800)];
/// Second of the day from which the station may show yesterday's prices before the open.
pub const PRE_OPEN_FROM: u32 = 6 * 3600 + 1800;
/// Second of the day at which whole-day and night derivatives begin a new trading date.
pub const DERIVATIVES_ROLL: u32 = 16 * 3600 + 1800;

/// True on a day the exchange trades.
#[must_use]
pub fn is_trading_day(date: Date) -> bool {
    date.weekday() < 5 && !is_exchange_holiday(date) && !is_public_holiday(date)
}

/// True in continuous trading or an auction call of a trading day: 09:00-11:30 and 12:30-15:30.
#[must_use]
pub fn in_session(now: Stamp) -> bool {
    let second = now.second_of_day();
    SESSIONS.iter().any(|&(from, to)| (from..to).contains(&second)) && is_trading_day(now.date())
}

fn is_exchange_holiday(date: Date) -> bool {
    matches!((date.month, date.day), (1, 1..=3) | (12, 31))
}

/// National holidays, substitutes and the day squeezed between two holidays.
fn is_public_holiday(date: Date) -> bool {
    if named_holiday(date) {
        return true;
    }
    let day_before = |n: i64| Date::from_days(date.days() - n);
    // A holiday on a Sunday moves to the next day that is none itself.
    let mut back = 1;
    while named_holiday(day_before(back)) {
        if day_before(back).weekday() == 6 {
            return true;
        }
        back += 1;
    }
    // A day between two holidays is one too (September, in some years).
    named_holiday(day_before(1)) && named_holiday(Date::from_days(date.days() + 1))
}

fn named_holiday(date: Date) -> bool {
    let monday = |nth: u8| date.weekday() == 0 && (date.day - 1) / 7 + 1 == nth;
    match (date.month, date.day) {
        (1, 1) | (2, 11) | (2, 23) | (4, 29) | (5, 3..=5) | (8, 11) | (11, 3) | (11, 23) => true,
        (1, _) => monday(2),
        (3, day) => day == equinox_day(date.year, 20.8431),
        (7, _) => monday(3),
        (9, day) => monday(3) || day == equinox_day(date.year, 23.2488),
        (10, _) => monday(2),
        _ => false,
    }
}

/// Day of the equinox by the usual approximation, valid from 1980 to 2099.
fn equinox_day(year: i32, in_1980: f64) -> u8 {
    let years = f64::from(year - 1980);
    (in_1980 + 0.242_194 * years - f64::from((year - 1980) / 4)) as u8
}

/// What the engine asks about one calendar day, computed once per day.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    /// The JST date.
    pub date: Date,
    start: Stamp,
    trading: bool,
}

impl Day {
    /// The day in which `now` lies.
    #[must_use]
    pub fn of(now: Stamp) -> Self {
        let date = now.date();
        Self {
            date,
            start: Stamp::from_s(date.midnight_s()),
            trading: is_trading_day(date),
        }
    }

    /// True when `now` lies in this day.
    #[must_use]
    pub fn contains(&self, now: Stamp) -> bool {
        (0..86_400_000).contains(&now.ms_since(self.start))
    }

    /// True on a trading day between 06:30 and 09:00: prices without today's time are yesterday's.
    #[must_use]
    pub fn pre_open(&self, now: Stamp) -> bool {
        let from = i64::from(PRE_OPEN_FROM) * 1000;
        let to = i64::from(SESSIONS[0].0) * 1000;
        self.trading && (from..to).contains(&now.ms_since(self.start))
    }

    /// 06:30 of this day.
    #[must_use]
    pub fn pre_open_from(&self) -> Stamp {
        self.start.plus_ms(i64::from(PRE_OPEN_FROM) * 1000)
    }

    /// True in session hours of a trading day.
    #[must_use]
    pub fn in_session(&self, now: Stamp) -> bool {
        let ms = now.ms_since(self.start);
        self.trading
            && SESSIONS
                .iter()
                .any(|&(from, to)| (i64::from(from) * 1000..i64::from(to) * 1000).contains(&ms))
    }

    /// True from 16:30 on.
    #[must_use]
    pub fn after_derivatives_roll(&self, now: Stamp) -> bool {
        now.ms_since(self.start) >= i64::from(DERIVATIVES_ROLL) * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed_weekdays(year: i32) -> Vec<String> {
        let first = Date { year, month: 1, day: 1 }.days();
        let last = Date {
            year,
            month: 12,
            day: 31,
        }
        .days();
        (first..=last)
            .map(Date::from_days)
            .filter(|d| d.weekday() < 5 && !is_trading_day(*d))
            .map(|d| format!("{:02}-{:02}", d.month, d.day))
            .collect()
    }

    #[test]
    fn r09_exchange_holidays_of_two_years() {
        assert_eq!(
            closed_weekdays(2025).join(" "),
            "01-01 01-02 01-03 01-13 02-11 02-24 03-20 04-29 05-05 05-06 07-21 08-11 09-15 09-23 10-13 11-03 11-24 12-31"
        );
        assert_eq!(
            closed_weekdays(2026).join(" "),
            "01-01 01-02 01-12 02-11 02-23 03-20 04-29 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23 12-31"
        );
    }

    #[test]
    fn t05_edges_of_the_trading_day() {
        let at = |text: &str| Stamp::from_s(ayumi_wire::jst::parse(text.as_bytes()).expect("valid").unix_s);
        for (time, expected) in [
            ("08:59:59", false),
            ("09:00:00", true),
            ("11:29:59", true),
            ("11:30:00", false),
            ("12:30:00", true),
            ("15:29:59", true),
            ("15:30:00", false),
        ] {
            let now = at(&format!("2026-11-20T{time}+09:00"));
            assert_eq!(
                (in_session(now), Day::of(now).in_session(now)),
                (expected, expected),
                "{time}"
            );
        }
        assert!(!in_session(at("2026-11-22T10:00:00+09:00")), "Sunday");
        assert!(!in_session(at("2026-11-23T10:00:00+09:00")), "Labour Thanksgiving Day");
        let now = at("2026-11-20T06:30:00+09:00");
        assert!(Day::of(now).pre_open(now) && !Day::of(now).pre_open(Stamp(now.0 - 1)));
    }
}
