//! Which files there are to check, and what each takes over from the day before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ayumi_store::reader::{Reader, StoredState};
use ayumi_wire::jst::Date;

use super::VerifyError;
use crate::export::files::existing;

/// What stands for the day in a path.
pub const DATE: &str = "{date}";

/// States of the file of the day before, by ticker and trading date.
pub type Carried = BTreeMap<(String, String), StoredState>;

/// One file.
pub struct File {
    /// Which.
    pub path: PathBuf,
    /// A derivative's trading date may have begun in the file of the day before.
    pub carried: Carried,
}

/// The files of a path and of days, oldest first; at least one.
///
/// # Errors
/// None is there.
pub fn of(db: &Path, days: Option<(Date, Date)>) -> Result<Vec<File>, VerifyError> {
    let Some(pattern) = db.to_str().filter(|text| text.contains(DATE)) else {
        if !db.is_file() {
            return Err(VerifyError::Missing(db.to_owned()));
        }
        return Ok(vec![File {
            path: db.to_owned(),
            carried: Carried::new(),
        }]);
    };
    let there = existing(db);
    let dates: Vec<Date> = match days {
        Some((from, to)) => (from.days()..=to.days()).map(Date::from_days).collect(),
        None => there.iter().filter_map(|text| Date::parse(text)).collect(),
    };
    let path_of = |date: Date| PathBuf::from(pattern.replace(DATE, &date.to_string()));
    let found = dates.into_iter().filter(|date| path_of(*date).is_file());
    let files: Vec<File> = found
        .map(|date| File {
            path: path_of(date),
            carried: carried(&path_of(Date::from_days(date.days() - 1))),
        })
        .collect();
    match (files.is_empty(), there.as_slice()) {
        (false, _) => Ok(files),
        (true, []) => Err(VerifyError::NoDays(db.to_owned(), String::new())),
        (true, [.., last]) => Err(VerifyError::NoDays(db.to_owned(), format!("; the newest is {last}"))),
    }
}

/// A file that is not there, or that cannot be read, carries nothing.
fn carried(path: &Path) -> Carried {
    if !path.is_file() {
        return Carried::new();
    }
    let states = Reader::open(path)
        .and_then(|reader| reader.states())
        .unwrap_or_default();
    let key = |state: &StoredState| (state.ticker.clone(), state.trading_date.clone());
    states.into_iter().map(|state| (key(&state), state)).collect()
}
