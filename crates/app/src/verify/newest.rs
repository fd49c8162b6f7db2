//! The newest recorded day alone, for whoever has no time: the check of the whole file's structure is left out.

use std::path::{Path, PathBuf};

use ayumi_engine::Stamp;
use ayumi_store::reader::Reader;
use ayumi_wire::jst::Date;

use super::grade::Day;
use super::{FileReport, Request, VerifyError, files, sentence};
use crate::export::files::existing;
use crate::watch::Watch;

/// Files of days without a row that are passed over.
const PASSED: usize = 5;

/// What the newest recorded day is worth.
#[derive(Clone, Debug)]
pub struct Newest {
    /// Trading day of the newest row.
    pub date: Date,
    /// Its symbols; `None` when the time was over before all of it was read.
    pub days: Option<Vec<Day>>,
    /// Rows of the ledger that mean loss (`gap`, `overflow`), and the volume in them.
    pub missed: (u64, i64),
}

/// The newest day of a database up to `today`; `{date}` stands for the day. `None` when nothing was recorded.
///
/// # Errors
/// When the newest file cannot be read.
pub fn newest(db: &Path, today: Date, watch: &mut dyn Watch) -> Result<Option<Newest>, VerifyError> {
    for path in paths(db, today) {
        let unusable = |e| VerifyError::Unusable(sentence(&e));
        let reader = Reader::open(&path).map_err(unusable)?;
        let Some(id) = reader.recent().map_err(unusable)?.window_id else {
            continue;
        };
        let begun = Stamp::from_ms(id.clamp(0, 4_102_444_800_000)).date();
        // Derivatives are a day ahead from 16:30 on.
        let states = reader.states().map_err(unusable)?;
        let dates = states.iter().filter_map(|state| Date::parse(&state.trading_date));
        let date = dates
            .max()
            .unwrap_or(begun)
            .clamp(begun, Date::from_days(begun.days() + 1));
        let missed = reader.missed(&begun.to_string(), &date.to_string()).map_err(unusable)?;
        let days = match days(&path, (begun, date), watch) {
            Ok(days) => Some(days),
            Err(VerifyError::Stopped) => None,
            Err(error) => return Err(error),
        };
        return Ok(Some(Newest { date, days, missed }));
    }
    Ok(None)
}

/// The newest first.
fn paths(db: &Path, today: Date) -> Vec<PathBuf> {
    let Some(pattern) = db.to_str().filter(|text| text.contains(files::DATE)) else {
        return if db.is_file() { vec![db.to_owned()] } else { Vec::new() };
    };
    let days = existing(db).into_iter().rev().filter_map(|text| Date::parse(&text));
    let days = days.filter(|date| *date <= today).take(PASSED);
    days.map(|date| PathBuf::from(pattern.replace(files::DATE, &date.to_string())))
        .collect()
}

fn days(path: &Path, span: (Date, Date), watch: &mut dyn Watch) -> Result<Vec<Day>, VerifyError> {
    let request = Request {
        db: path.to_owned(),
        days: Some(span),
        tickers: Vec::new(),
    };
    let mut found = Vec::new();
    for file in files::of(path, None)? {
        let reader = Reader::open(&file.path).map_err(|e| VerifyError::Unusable(sentence(&e)))?;
        let mut report = FileReport::default();
        super::audit(&reader, &file, &request, watch, &mut report)?;
        if let Some(problem) = report.problems.into_iter().next() {
            return Err(VerifyError::Unusable(problem));
        }
        found.extend(report.days);
    }
    Ok(found)
}
