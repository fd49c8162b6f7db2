//! What the sink is told at start, and the three durability levels.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ayumi_engine::jst::Date;

/// How much a power cut may take. A kill of the process alone takes nothing that was committed, on any level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// No commit waits for the disk, as with the scripts; up to 30 s of windows.
    Seed,
    /// Every k-th commit waits for the disk, and idle time does not leave a tail: at most 1 s of windows.
    #[default]
    Balanced,
    /// Every commit waits for the disk: no committed window.
    Full,
}

impl Durability {
    /// The word in the settings file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Balanced => "balanced",
            Self::Full => "full",
        }
    }

    /// Every how many commits one waits for the disk; `None` for never.
    #[must_use]
    pub fn sync_every(self, window_ms: i64) -> Option<u32> {
        match self {
            Self::Seed => None,
            Self::Balanced => Some(1 + u32::try_from(1000 / window_ms.max(1)).unwrap_or(1000)),
            Self::Full => Some(1),
        }
    }

    /// The bound for the boot line: what a power cut can take of committed windows, on top of the open one.
    #[must_use]
    pub fn loss_bound_text(self, window_ms: i64) -> &'static str {
        match self.sync_every(window_ms) {
            None => "loss<=30s",
            Some(1) => "loss=0",
            Some(_) => "loss<=1s",
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Durability {
    type Err = String;

    /// Reads the word of the settings file, any letter case; the error names the allowed words.
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Seed, Self::Balanced, Self::Full]
            .into_iter()
            .find(|d| d.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| format!("\"{text}\" is none of \"seed\", \"balanced\", \"full\""))
    }
}

/// What [`crate::SqliteSink::open`] needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The SQLite file. `{date}` anywhere in it becomes the JST date of a window (`2026-11-20`): one file per day.
    pub path: PathBuf,
    /// What the column `ticker` shows, indexed by `SymbolId`.
    pub tickers: Vec<String>,
    /// How much a power cut may take.
    pub durability: Durability,
    /// Width of a window in milliseconds; sets the pace of [`Durability::Balanced`].
    pub window_ms: i64,
    /// How long to wait for another program that holds the database.
    pub busy_timeout: Duration,
    /// What the sink writes for.
    pub purpose: Purpose,
}

/// What a sink writes for; it decides what is worth more in a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Recording: what comes now will not come again. A damaged file is moved aside, a window whose start is taken is
    /// booked in the ledger, the newest state counts.
    Record,
    /// A replay can be made again: a damaged file, or one with other rows for the same window, is an error, and a state
    /// never goes back.
    Replay,
}

impl Purpose {
    pub(crate) fn moves_damaged_aside(self) -> bool {
        self == Self::Record
    }
}

/// Stands for the date in [`Options::path`].
const DATE: &str = "{date}";

impl Options {
    /// The file of a date.
    #[must_use]
    pub fn path_for(&self, date: Date) -> PathBuf {
        path_for(&self.path, date)
    }

    /// Whether every day has a file of its own.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        is_dated(&self.path)
    }
}

/// The file of a date: `{date}` anywhere in the path stands for it.
#[must_use]
pub fn path_for(template: &Path, date: Date) -> PathBuf {
    let mut path = PathBuf::new();
    // Component by component, so that a folder name that is no UTF-8 stays as it is.
    for part in template.components() {
        match part.as_os_str().to_str() {
            Some(text) if text.contains(DATE) => path.push(OsString::from(text.replace(DATE, &date.to_string()))),
            _ => path.push(part),
        }
    }
    path
}

/// Whether a path names another file every day.
#[must_use]
pub fn is_dated(template: &Path) -> bool {
    let mut parts = template.components();
    parts.any(|part| part.as_os_str().to_str().is_some_and(|text| text.contains(DATE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(path: &str) -> Options {
        Options {
            path: PathBuf::from(path),
            tickers: vec![],
            durability: Durability::Balanced,
            window_ms: 300,
            busy_timeout: Duration::ZERO,
            purpose: Purpose::Record,
        }
    }

    #[test]
    fn the_date_goes_into_folders_and_names() {
        let date = Date::new(2026, 11, 20).unwrap();
        let dated = options("data/{date}/ticks_{date}.db");
        assert_eq!(
            dated.path_for(date),
            PathBuf::from("data/2026-11-20/ticks_2026-11-20.db")
        );
        assert!(dated.is_dated());
        let plain = options("rss_snapshot.db");
        assert_eq!(plain.path_for(date), PathBuf::from("rss_snapshot.db"));
        assert!(!plain.is_dated());
    }

    #[test]
    fn g06_the_bound_is_stated() {
        assert_eq!(Durability::Balanced.loss_bound_text(300), "loss<=1s");
        assert_eq!(Durability::Balanced.sync_every(300), Some(4));
        assert_eq!(Durability::Balanced.sync_every(1000), Some(2));
        assert_eq!(Durability::Balanced.loss_bound_text(1500), "loss=0");
        assert_eq!(Durability::Full.loss_bound_text(300), "loss=0");
        assert_eq!(Durability::Seed.loss_bound_text(300), "loss<=30s");
        assert_eq!("Balanced".parse(), Ok(Durability::Balanced));
        assert!("fast".parse::<Durability>().unwrap_err().contains("\"seed\""));
    }
}
