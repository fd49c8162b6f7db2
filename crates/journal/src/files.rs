//! Names of journal files: `ayumi-<JST date>-<JST time, ms>-<part>.zst`, so that the order of names is the order of time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ayumi_wire::jst::{self, Date, iso_ms};

use crate::JournalError;

const PREFIX: &str = "ayumi-";
const SUFFIX: &str = ".zst";

/// The journal files of a folder in the order of time. A single file stands for itself.
///
/// # Errors
/// When the folder cannot be listed.
pub fn journal_files(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = |source| JournalError::Io {
        path: path.to_owned(),
        what: "listed",
        source,
    };
    if fs::metadata(path).map_err(failed)?.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.to_str().is_some_and(is_ours) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Those whose name carries this date.
#[must_use]
pub fn with_date(files: Vec<PathBuf>, date: Date) -> Vec<PathBuf> {
    let wanted = format!("{PREFIX}{}", compact(date));
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str());
        name.is_some_and(|name| name.starts_with(&wanted))
    };
    files.into_iter().filter(fits).collect()
}

/// The date in a file's name.
pub(crate) fn date_of(path: &Path) -> Option<Date> {
    let digits = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.get(..8)?;
    if !digits.is_ascii() {
        return None;
    }
    Date::parse(&format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

/// Receive times that lines of a file can have, ns since 1970: from the time in its name to the end of that day, with two
/// minutes for windows that go over midnight. Anything for a name without a time.
pub(crate) fn span_of(path: &Path) -> Range<i64> {
    let started = || {
        let digits: String = path
            .file_name()?
            .to_str()?
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let at = |from: usize, to: usize| digits.get(from..to);
        let (date, time) = (date_of(path)?, [at(8, 10)?, at(10, 12)?, at(12, 14)?, at(14, 17)?]);
        let [h, m, s, ms] = time;
        jst::parse_ms(&format!("{date}T{h}:{m}:{s}.{ms}+09:00"))
    };
    let Some(start_ms) = started() else {
        return i64::MIN..i64::MAX;
    };
    const DAY_MS: i64 = 86_400_000;
    let since_midnight = (start_ms + 9 * 3_600_000).rem_euclid(DAY_MS);
    let end_ms = start_ms - since_midnight + DAY_MS + 120_000;
    start_ms * 1_000_000..end_ms * 1_000_000
}

/// Makes the folder and those above it, for their owner alone on Unix.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a new file for what is received from `at_ns` on; never one that exists.
pub(crate) fn create(folder: &Path, at_ns: i64, part: u32) -> io::Result<(PathBuf, File)> {
    let written: String = iso_ms(at_ns.div_euclid(1_000_000))
        .get(..23)
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (date, time) = written.split_at(written.len().min(8));
    for again in 0..1_000 {
        let path = folder.join(format!("{PREFIX}{date}-{time}-{:03}{SUFFIX}", part + again));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds what somebody trades.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "a thousand journal files have that time already",
    ))
}

/// Whether the path still leads to the file that is open.
pub(crate) fn is_still(path: &Path, open: &File) -> bool {
    let (Ok(there), Ok(ours)) = (fs::metadata(path), open.metadata()) else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (there.dev(), there.ino()) == (ours.dev(), ours.ino())
    }
    // Windows deletes and renames no file that is open for writing.
    #[cfg(not(unix))]
    {
        let _ = (there, ours);
        true
    }
}

/// Brings the names of a folder's files to the disk: a synced file whose name a power cut takes is lost all the same.
/// Windows keeps names in its own journal and has no call for it.
pub(crate) fn sync_names(folder: &Path) {
    #[cfg(unix)]
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        log::debug!("{} cannot be synced: {error}", folder.display());
    }
    #[cfg(not(unix))]
    let _ = folder;
}

fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year, date.month, date.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_time_and_never_collide() {
        let folder = tempfile::tempdir().unwrap();
        // 2026-11-20 07:50:00.123 JST.
        let at = 1_795_128_600_123_000_000;
        let name = |(path, _): (PathBuf, File)| path.file_name().unwrap().to_str().unwrap().to_owned();
        let first = name(create(folder.path(), at, 1).unwrap());
        let second = name(create(folder.path(), at, 1).unwrap());
        let later = name(create(folder.path(), at + 86_400_000_000_000, 1).unwrap());
        assert_eq!(first, "ayumi-20261120-075000123-001.zst");
        assert_eq!(second, "ayumi-20261120-075000123-002.zst");
        std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let files = journal_files(folder.path()).unwrap();
        assert_eq!(files.len(), 3);
        assert!(files.is_sorted());
        assert!(files[2].ends_with(&later));
        let date = Date::parse("2026-11-20").unwrap();
        assert_eq!(with_date(files.clone(), date), files[..2]);
        assert_eq!(date_of(&files[0]), Some(date));
        let span = span_of(Path::new("j/ayumi-20261120-235959250-001.zst"));
        let at = |text: &str| jst::parse_ms(text).unwrap() * 1_000_000;
        assert!(
            span.contains(&at("2026-11-20T23:59:59.250+09:00")) && span.contains(&at("2026-11-21T00:01:59.999+09:00"))
        );
        assert!(
            !span.contains(&at("2026-11-20T23:59:59.249+09:00"))
                && !span.contains(&at("2026-11-21T00:02:00.000+09:00"))
        );
        for other in [
            "j/ayumi-diary.zst",
            "j/ayumi-abああ.zst",
            "j/ayumi-20261399-250000000-001.zst",
        ] {
            assert_eq!(span_of(Path::new(other)), i64::MIN..i64::MAX, "{other}");
        }
        assert_eq!(journal_files(&files[0]).unwrap(), files[..1]);
        assert!(matches!(
            journal_files(&folder.path().join("no")),
            Err(JournalError::Io { .. })
        ));
    }
}
