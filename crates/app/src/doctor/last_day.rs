//! The last recorded day: grades, gaps and the volume in them, as `ayumi verify` sees it, as far as the time allows.

use std::time::Instant;

use ayumi_engine::calendar::is_trading_day;
use ayumi_wire::jst::Date;

use super::Context;
use super::finding::{Finding, Words, words};
use crate::verify::{self, Grade, Newest};
use crate::watch::Watch;

/// 15:30, second of the day: a trading day before it is not over.
const CLOSE_S: u32 = 15 * 3_600 + 30 * 60;

/// Looks at the newest day that has rows.
pub fn check(context: &Context) -> Vec<Finding> {
    let (now, pattern) = (context.clock.now(), &context.settings.db_path);
    let mut watch = Until(context.deadline);
    // What cannot be read is the business of the check of the database.
    let Ok(Some(newest)) = verify::newest(pattern, now.date(), &mut watch) else {
        return Vec::new();
    };
    let over = if now.second_of_day() >= CLOSE_S {
        now.date()
    } else {
        before(now.date())
    };
    let mut found = vec![judge(context, &newest)];
    let last = last_trading_day(over);
    if newest.date < last {
        found.push(Finding::note(
            "day",
            words(
                format!("nothing was recorded on {last}, the last trading day"),
                format!("直近の取引日 {last} の記録がありません"),
            ),
        ));
    }
    found
}

/// Stops at a time, asks for nothing.
struct Until(Instant);

impl Watch for Until {
    fn begin(&mut self, _rows: u64) {}
    fn rows(&mut self, _done: u64) {}
    fn stopped(&self) -> bool {
        Instant::now() >= self.0
    }
}

fn before(date: Date) -> Date {
    Date::from_days(date.days() - 1)
}

/// Holidays in a row are at most a dozen.
fn last_trading_day(until: Date) -> Date {
    let days = (0..20).map(|back| Date::from_days(until.days() - back));
    days.into_iter().find(|date| is_trading_day(*date)).unwrap_or(until)
}

fn judge(context: &Context, newest: &Newest) -> Finding {
    let date = newest.date;
    let (missed_en, missed_ja) = missed(newest);
    let Some(days) = &newest.days else {
        return Finding::fine(
            "day",
            words(
                format!("last recorded day {date}: {missed_en}; too large to be graded here, ayumi verify does it"),
                format!("最後に記録した日 {date}: {missed_ja}。大きいため評価は ayumi verify で行ってください"),
            ),
        );
    };
    let count = |grade| days.iter().filter(|day| day.grade() == grade).count();
    let grades: Vec<String> = Grade::ALL
        .into_iter()
        .filter(|grade| count(*grade) > 0)
        .map(|grade| format!("{grade} {}", count(grade)))
        .collect();
    let grades = grades.join(" ");
    let say = words(
        format!("last recorded day {date}: grades {grades}; {missed_en}"),
        format!("最後に記録した日 {date}: 評価 {grades}、{missed_ja}"),
    );
    match days.iter().map(verify::Day::grade).max() {
        None | Some(Grade::A) => Finding::fine("day", say),
        Some(Grade::B) => Finding::note("day", say),
        Some(Grade::C | Grade::D) => Finding::warning("day", say, fix(context, date)),
    }
}

fn missed(newest: &Newest) -> (String, String) {
    let (rows, volume) = newest.missed;
    match rows {
        0 => ("no gap".to_owned(), "欠落なし".to_owned()),
        1 => (
            format!("1 gap, {volume} shares in it"),
            format!("欠落 1 件、{volume} 株"),
        ),
        rows => (
            format!("{rows} gaps, {volume} shares in them"),
            format!("欠落 {rows} 件、{volume} 株"),
        ),
    }
}

fn fix(context: &Context, date: Date) -> Words {
    let db = context.settings.db_path.display();
    let command = format!("ayumi verify --db \"{db}\" --date {date}");
    words(
        format!("{command} says why; with a journal, ayumi replay makes the day again"),
        format!("{command} で理由がわかります。ジャーナルがあれば ayumi replay で作り直せます"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t05_weekends_and_holidays_are_no_trading_days() {
        for (until, last) in [
            ("2026-11-20", "2026-11-20"),
            ("2026-11-22", "2026-11-20"),
            ("2026-11-23", "2026-11-20"),
            ("2027-01-03", "2026-12-30"),
        ] {
            assert_eq!(last_trading_day(Date::parse(until).unwrap()).to_string(), last);
        }
    }
}
