//! The exchange's day as data: which symbol does what at which time.
//!
//! Times are milliseconds after midnight (JST) of the trading day; a night session goes on beyond 24 hours. Sources: the
//! station document, sections 10 and 12; what it measured on one stock holds for all here.

use ayumi_engine::calendar;
use ayumi_wire::jst::Date;

/// What a symbol does at one point of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// A new day: everything null, the previous close still the one before last.
    NewDay,
    /// The previous close becomes the right one.
    PreviousClose,
    /// The date of the previous close and the market value appear.
    Announcements,
    /// `CurrentPriceStatus` becomes -1.
    Ready,
    /// Orders are collected for an auction.
    Call,
    /// The first auction of the day, which may be delayed.
    Open,
    /// An auction that begins a later session of the day.
    Reopen,
    /// Trading pauses; the last state stays.
    Pause,
    /// One message without best quotes.
    Blank,
    /// The closing auction.
    Close,
    /// Never comes: behind the last line of a day.
    End,
}

/// One line of the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Earliest time, ms after midnight.
    pub(super) ms: i64,
    /// Each symbol is later by up to this many ms.
    pub(super) spread: i64,
    pub(super) cue: Cue,
}

/// Milliseconds after midnight.
pub(super) const fn ms(hour: i64, minute: i64, second: i64, milli: i64) -> i64 {
    ((hour * 60 + minute) * 60 + second) * 1_000 + milli
}

const fn row(ms: i64, spread: i64, cue: Cue) -> Row {
    Row { ms, spread, cue }
}

/// Shares and ETFs.
static EQUITY: [Row; 13] = [
    row(ms(6, 40, 0, 0), 1_200_000, Cue::NewDay),
    row(ms(7, 52, 0, 0), 20_000, Cue::PreviousClose),
    row(ms(7, 56, 0, 0), 30_000, Cue::Announcements),
    row(ms(7, 59, 59, 0), 900, Cue::Ready),
    row(ms(8, 0, 3, 0), 700, Cue::Call),
    row(ms(9, 0, 0, 15), 850, Cue::Open),
    row(ms(11, 30, 0, 0), 140, Cue::Pause),
    row(ms(12, 5, 0, 80), 600, Cue::Call),
    row(ms(12, 30, 0, 5), 400, Cue::Reopen),
    row(ms(15, 24, 59, 980), 15, Cue::Blank),
    row(ms(15, 25, 0, 60), 300, Cue::Call),
    // A PC's clock may be late: the print of 15:30:00 has been received at 15:29:59.946.
    row(ms(15, 29, 59, 940), 160, Cue::Close),
    END,
];

/// Indices: values while shares trade.
static INDEX: [Row; 7] = [
    row(ms(6, 40, 0, 0), 1_200_000, Cue::NewDay),
    row(ms(7, 52, 0, 0), 20_000, Cue::PreviousClose),
    row(ms(9, 0, 1, 0), 4_000, Cue::Open),
    row(ms(11, 30, 1, 0), 4_000, Cue::Pause),
    row(ms(12, 30, 1, 0), 4_000, Cue::Reopen),
    row(ms(15, 30, 1, 0), 4_000, Cue::Close),
    END,
];

/// Derivatives, day session (exchange 23).
static DAY: [Row; 8] = [
    row(ms(6, 40, 0, 0), 1_200_000, Cue::NewDay),
    row(ms(7, 52, 0, 0), 20_000, Cue::PreviousClose),
    row(ms(7, 59, 59, 0), 900, Cue::Ready),
    row(ms(8, 0, 1, 0), 700, Cue::Call),
    row(ms(8, 45, 0, 5), 150, Cue::Open),
    row(ms(15, 40, 0, 20), 150, Cue::Call),
    row(ms(15, 44, 59, 950), 150, Cue::Close),
    END,
];

/// Derivatives, night session (exchange 24).
static NIGHT: [Row; 7] = [
    row(ms(16, 30, 0, 0), 20_000, Cue::NewDay),
    row(ms(16, 31, 0, 0), 20_000, Cue::PreviousClose),
    row(ms(16, 45, 0, 20), 700, Cue::Call),
    row(ms(17, 0, 0, 5), 150, Cue::Open),
    row(ms(29, 55, 0, 20), 150, Cue::Call),
    row(ms(29, 59, 59, 950), 150, Cue::Close),
    END,
];

/// Derivatives, whole day (exchange 2): the night, then the day session, one volume. From [`NEXT_DAY`] on the times are
/// those of the next trading day, which is days later on a Friday.
static WHOLE: [Row; 10] = [
    row(ms(16, 30, 0, 0), 20_000, Cue::NewDay),
    row(ms(16, 31, 0, 0), 20_000, Cue::PreviousClose),
    row(ms(16, 45, 0, 20), 700, Cue::Call),
    row(ms(17, 0, 0, 5), 150, Cue::Open),
    row(ms(29, 59, 59, 800), 150, Cue::Pause),
    row(ms(32, 0, 1, 0), 700, Cue::Call),
    row(ms(32, 45, 0, 5), 150, Cue::Reopen),
    row(ms(39, 40, 0, 20), 150, Cue::Call),
    row(ms(39, 44, 59, 950), 150, Cue::Close),
    END,
];

/// Lines from here on belong to the trading day after the one that the script began on.
const NEXT_DAY: i64 = ms(31, 0, 0, 0);

/// Behind the last line: nothing more today.
const END: Row = row(i64::MAX, 0, Cue::End);

/// What is traded how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    Equity,
    Index,
    Day,
    Night,
    Whole,
}

impl Product {
    pub(super) fn rows(self) -> &'static [Row] {
        match self {
            Self::Equity => &EQUITY,
            Self::Index => &INDEX,
            Self::Day => &DAY,
            Self::Night => &NIGHT,
            Self::Whole => &WHOLE,
        }
    }

    /// True when the script begins on the evening before the day it is counted to.
    pub(super) fn begins_the_evening_before(self) -> bool {
        matches!(self, Self::Night | Self::Whole)
    }
}

/// The trading days of one run: the calendar's, and the day of the start whatever it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Days {
    start: Date,
}

impl Days {
    pub(super) fn new(start: Date) -> Self {
        Self { start }
    }

    /// The earliest time of a line of the script that began on `date`, ns since 1970; `None` = never.
    pub(super) fn at(self, date: Date, row: &Row) -> Option<i64> {
        let midnight = match row.ms >= NEXT_DAY {
            true => Date::from_days(self.after(date).days() - 1),
            false => date,
        }
        .midnight_s();
        (row.ms < i64::MAX).then(|| midnight * 1_000_000_000 + row.ms * 1_000_000)
    }

    fn trades(self, date: Date) -> bool {
        date == self.start || calendar::is_trading_day(date)
    }

    pub(super) fn start(self) -> Date {
        self.start
    }

    /// The trading day after a date.
    pub(super) fn after(self, date: Date) -> Date {
        self.step(date, 1)
    }

    /// The trading day before a date.
    pub(super) fn before(self, date: Date) -> Date {
        self.step(date, -1)
    }

    fn step(self, date: Date, by: i64) -> Date {
        let mut date = Date::from_days(date.days() + by);
        // No break of the exchange is longer than two weeks, whatever the calendar says of far years.
        for _ in 0..14 {
            if self.trades(date) {
                break;
            }
            date = Date::from_days(date.days() + by);
        }
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_order_whatever_the_spread() {
        for product in [
            Product::Equity,
            Product::Index,
            Product::Day,
            Product::Night,
            Product::Whole,
        ] {
            let rows = product.rows();
            assert_eq!(rows[0].cue, Cue::NewDay);
            assert_eq!(rows[rows.len() - 1].ms, i64::MAX);
            for pair in rows.windows(2) {
                assert!(pair[0].ms + pair[0].spread < pair[1].ms, "{product:?} {pair:?}");
            }
            // The next day's script begins after the end of this one.
            let last = rows[rows.len() - 2];
            assert!(last.ms + last.spread < rows[0].ms + ms(24, 0, 0, 0), "{product:?}");
        }
    }

    #[test]
    fn r09_days_follow_the_calendar_but_for_the_start() {
        let date = |text| Date::parse(text).unwrap();
        let days = Days::new(date("2026-11-22"));
        assert_eq!(
            days.before(date("2026-11-22")),
            date("2026-11-20"),
            "Friday before the Sunday"
        );
        assert_eq!(
            days.after(date("2026-11-20")),
            date("2026-11-22"),
            "the Sunday itself trades"
        );
        assert_eq!(
            days.after(date("2026-11-22")),
            date("2026-11-24"),
            "Monday is a holiday"
        );
        let morning = WHOLE.iter().find(|row| row.cue == Cue::Reopen).unwrap();
        let at = days.at(date("2026-11-24"), morning).unwrap();
        let expected = date("2026-11-25").midnight_s() + 8 * 3_600 + 45 * 60;
        assert_eq!(at / 1_000_000_000, expected);
        let over_the_holiday = days.at(date("2026-11-22"), morning).unwrap();
        assert_eq!(over_the_holiday - at, -86_400_000_000_000, "from Sunday to Tuesday");
    }
}
