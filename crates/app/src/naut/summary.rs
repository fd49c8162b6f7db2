//! One pass over a recorded day: what would have been a signal, and why the rest was none. Changes nothing.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use ayumi_engine::jst::Date;
use ayumi_store::reader::{FeatureReader, FollowedRow};
use ayumi_store::{SignalRow, StoreError, is_dated, path_for};
use serde_json::json;

use super::follow::CHUNK;
use super::judge::{Judge, Verdict};
use super::rules::{Profile, Rules};
use super::signal;
use super::tally::{Count, Tally};

/// Days back in which a file is looked for when the path has a `{date}`: more than the longest holidays.
const DAYS_BACK: i64 = 400;

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// No file with feature rows.
    #[error(
        "there is no database with features_stream at {0}; check db_path (or settings.naut.db_path), or record first: ayumi stream"
    )]
    NoDatabase(PathBuf),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A day's counts.
#[derive(Debug)]
pub struct Summed {
    /// The file.
    pub path: PathBuf,
    /// The day; `None` when the file has no rows.
    pub date: Option<Date>,
    /// The rules' name.
    pub profile: Profile,
    /// What became of its rows.
    pub tally: Tally,
}

/// Judges the rows of `today`, or of the newest day when today has none, and tells every signal.
///
/// # Errors
/// When there is no database, or it cannot be read.
pub fn summary(
    db: &Path,
    rules: Rules,
    today: Date,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(&SignalRow),
) -> Result<Summed, SummaryError> {
    let profile = rules.profile;
    let (reader, day) = find(db, today)?;
    let mut judge = Judge::new(rules);
    let mut tally = Tally::default();
    if let Some((date, (mut rowid, last))) = day {
        while rowid < last && !stop.load(Ordering::Relaxed) {
            let rows = reader.after(rowid, CHUNK)?;
            let Some(newest) = rows.last() else { break };
            rowid = newest.rowid;
            let of_the_day = |row: &&FollowedRow| row.rowid <= last && row.day().is_none_or(|day| day == date);
            for row in rows.iter().filter(of_the_day) {
                let verdict = signal::row(row).map(|judged| judge.judge(&row.ticker, &judged));
                tally.count(verdict.as_ref());
                if let Some(Verdict::Accepted(score)) = verdict {
                    tell(&signal::stored(row, score, profile));
                }
            }
        }
    }
    Ok(Summed {
        path: reader.path().to_owned(),
        date: day.map(|(date, _)| date),
        profile,
        tally,
    })
}

/// A day, and the row ids behind which and up to which its rows stand.
type Day = (Date, (i64, i64));

/// The file and the day to sum up. With a file per day: the newest that has rows.
fn find(db: &Path, today: Date) -> Result<(FeatureReader, Option<Day>), SummaryError> {
    let days = if is_dated(db) { DAYS_BACK } else { 0 };
    let mut empty = None;
    for back in 0..=days {
        let path = path_for(db, Date::from_days(today.days() - back));
        let Some(reader) = FeatureReader::open(&path)? else {
            continue;
        };
        match day_of(&reader, today)? {
            Some(day) => return Ok((reader, Some(day))),
            None => empty = empty.or(Some(reader)),
        }
    }
    match empty {
        Some(reader) => Ok((reader, None)),
        None => Err(SummaryError::NoDatabase(path_for(db, today))),
    }
}

fn day_of(reader: &FeatureReader, today: Date) -> Result<Option<Day>, StoreError> {
    if let Some(rows) = reader.day(today)? {
        return Ok(Some((today, rows)));
    }
    let Some(newest) = reader.newest_day()? else {
        return Ok(None);
    };
    Ok(reader.day(newest)?.map(|rows| (newest, rows)))
}

impl Summed {
    /// For people: a table.
    pub fn table(&self) -> String {
        let t = &self.tally;
        let mut lines = vec![self.head()];
        let mut put = |name: &str, count: u64| lines.push(format!("  {name:<10} {count:>10}"));
        put("rows", t.rows);
        put("accepted", t.signals());
        for (name, count) in t.accepted() {
            put(&format!("  {name}"), count);
        }
        put("skipped", t.skipped.iter().sum());
        for (name, count) in t.skipped() {
            put(&format!("  {name}"), count);
        }
        for (name, count) in t.not_judged().into_iter().filter(|(_, count)| *count > 0) {
            put(name, count);
        }
        lines.join("\n")
    }

    /// For programs: one line of JSON.
    pub fn to_json(&self) -> String {
        let t = &self.tally;
        let object = |counts: Vec<Count>| -> serde_json::Map<_, _> {
            let named = counts.into_iter().map(|(name, count)| (name.to_owned(), json!(count)));
            named.collect()
        };
        signal::ascii(&json!({
            "summary": self.date.map(|date| date.to_string()),
            "profile": self.profile.word(),
            "db": self.path.to_string_lossy(),
            "rows": t.rows,
            "accepted": object(t.accepted()),
            "skipped": object(t.skipped()),
            "not_judged": object(t.not_judged()),
        }))
    }

    fn head(&self) -> String {
        let day = self.date.map_or_else(|| "no rows".to_owned(), |date| date.to_string());
        format!("naut summary {day} profile={} db={}", self.profile, self.path.display())
    }
}
