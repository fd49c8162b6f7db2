//! Which database files hold the days: one for all of them, or one per day when the path has `{date}`.

use std::path::{Path, PathBuf};

use ayumi_wire::jst::Date;

use super::error::{Days, ExportError};

/// What stands for the day in a path, as in the settings.
const DATE: &str = "{date}";

/// The files that exist for these days, oldest first; at least one.
///
/// # Errors
/// None exists; with the days that do.
pub fn of_days(pattern: &Path, days: Days) -> Result<Vec<PathBuf>, ExportError> {
    let Some(text) = pattern.to_str().filter(|text| text.contains(DATE)) else {
        return match pattern.is_file() {
            true => Ok(vec![pattern.to_owned()]),
            false => Err(ExportError::NoDatabase(pattern.to_owned())),
        };
    };
    let all = (days.from.days()..=days.to.days()).map(Date::from_days);
    let files: Vec<PathBuf> = all
        .map(|day| PathBuf::from(text.replace(DATE, &day.to_string())))
        .filter(|path| path.is_file())
        .collect();
    match files.is_empty() {
        false => Ok(files),
        true => Err(ExportError::NoDays {
            pattern: pattern.to_owned(),
            days,
            exist: existing(pattern),
        }),
    }
}

/// Days that have a file, ascending. Looks only where the date stands in the file's name alone.
pub fn existing(pattern: &Path) -> Vec<String> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((before, _)) = name.split_once(DATE) else {
        return Vec::new();
    };
    let folder = match pattern.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut days: Vec<String> = names
        .filter_map(|found| {
            let day = Date::parse(found.strip_prefix(before)?.get(..10)?)?.to_string();
            (found == name.replace(DATE, &day)).then_some(day)
        })
        .collect();
    days.sort();
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn files_of_a_range_skip_the_weekend() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "t-2026-11-19.db",
            "t-2026-11-20.db",
            "t-2026-11-24.db",
            "t-2026-11-20.db-wal",
            "t-x.db",
        ] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let pattern = folder.path().join("t-{date}.db");
        let days = |from, to| Days {
            from: day(from),
            to: day(to),
        };
        let found = of_days(&pattern, days("2026-11-20", "2026-11-30")).unwrap();
        let expected = ["t-2026-11-20.db", "t-2026-11-24.db"].map(|name| folder.path().join(name));
        assert_eq!(found, expected);
        let error = of_days(&pattern, days("2026-11-21", "2026-11-22"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("of 2026-11-21 to 2026-11-22; there are 2026-11-19, 2026-11-20, 2026-11-24\n"),
            "{error}"
        );
        let one = folder.path().join("t-x.db");
        assert_eq!(of_days(&one, days("2026-11-21", "2026-11-22")).unwrap(), [one]);
        assert!(of_days(&folder.path().join("none.db"), days("2026-11-21", "2026-11-21")).is_err());
    }
}
