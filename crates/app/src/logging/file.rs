//! The log file: one per JST day, UTF-8 without BOM, 14 old ones kept, never larger than 100 MB, opened again when
//! somebody moved or deleted it. Runs on its own thread; a file that cannot be written never stops anything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use ayumi_wire::jst;
use log::Level;

use super::sink::{Line, Queue, Target};

/// Rotated files that are kept.
const KEEP: usize = 14;
/// Size at which a file is rotated before the day is over.
const LARGEST: u64 = 100_000_000;
/// How often the path is looked at, to find the file moved.
const LOOK: Duration = Duration::from_secs(1);
/// How often a file that cannot be opened is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// The file behind a log, opened with the first line.
pub(super) struct LogFile {
    path: PathBuf,
    console: Queue,
    open: Option<Open>,
    /// When opening is tried again, after a failure.
    retry: Option<Instant>,
    /// The trouble was said on the console and is not over.
    warned: bool,
    largest: u64,
    look: Duration,
}

struct Open {
    file: File,
    date: jst::Date,
    bytes: u64,
    looked: Instant,
}

impl LogFile {
    /// A log file at `path`; troubles are said on `console`.
    pub(super) fn new(path: PathBuf, console: Queue) -> Self {
        Self {
            path,
            console,
            open: None,
            retry: None,
            warned: false,
            largest: LARGEST,
            look: LOOK,
        }
    }

    #[cfg(test)]
    pub(super) fn with_limits(mut self, largest: u64, look: Duration) -> Self {
        (self.largest, self.look) = (largest, look);
        self
    }

    fn try_write(&mut self, date: jst::Date, line: &[u8]) -> io::Result<()> {
        self.forget_when_moved();
        let full = self
            .open
            .as_ref()
            .is_some_and(|open| open.date != date || open.bytes + line.len() as u64 > self.largest);
        if full && let Some(open) = self.open.take() {
            let old = open.date;
            // Windows does not rename what is open.
            drop(open);
            rotate(&self.path, old)?;
        }
        if self.open.is_none() {
            self.open = Some(open(&self.path, date)?);
        }
        let open = self.open.as_mut().expect("opened above");
        open.file.write_all(line)?;
        open.bytes += line.len() as u64;
        Ok(())
    }

    fn forget_when_moved(&mut self) {
        if let Some(open) = &mut self.open
            && open.looked.elapsed() >= self.look
        {
            open.looked = Instant::now();
            if !is_still(&self.path, open) {
                self.open = None;
            }
        }
    }

    fn warn(&mut self, at: Stamp, error: &io::Error) {
        if std::mem::replace(&mut self.warned, true) {
            return;
        }
        let message = format!(
            "cannot write the log file {}: {error}; recording goes on, log lines go to the console only; \
             correct \"log_path\" or the rights of its folder (tried again every minute)",
            self.path.display()
        );
        self.console.offer(Line::new(at, Level::Warn, &message));
    }
}

impl Target for LogFile {
    fn write(&mut self, at: Stamp, text: &str) -> bool {
        if self.retry.is_some_and(|when| Instant::now() < when) {
            return false;
        }
        match self.try_write(at.date(), format!("{text}\n").as_bytes()) {
            Ok(()) => {
                (self.retry, self.warned) = (None, false);
                true
            }
            Err(error) => {
                self.open = None;
                self.retry = Some(Instant::now() + RETRY);
                self.warn(at, &error);
                false
            }
        }
    }
}

/// Opens `path` for appending, after putting aside what an earlier day left there.
fn open(path: &Path, date: jst::Date) -> io::Result<Open> {
    if let Some(folder) = path.parent() {
        let mut folders = fs::DirBuilder::new();
        folders.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
        folders.create(folder)?;
    }
    match begun(path) {
        Begun::On(old) if old != date => rotate(path, old)?,
        Begun::Foreign => {
            return Err(io::Error::other(
                "it holds something else than a log; it was not touched",
            ));
        }
        Begun::On(_) | Begun::Nothing => {}
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // A log names what somebody trades.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open {
        file,
        date,
        bytes,
        looked: Instant::now(),
    })
}

/// Appends to a log that exists; nothing happens when there is none.
pub(super) fn add_to_existing(path: &Path, lines: &str) {
    if matches!(begun(path), Begun::On(_))
        && let Ok(mut file) = OpenOptions::new().append(true).open(path)
    {
        // The console has it; there is nobody else to tell.
        let _ = file.write_all(lines.as_bytes());
    }
}

#[cfg(test)]
pub(super) fn open_for_test(path: &Path) -> io::Result<()> {
    let date = jst::Date::new(2026, 11, 20).expect("a date");
    open(path, date).map(drop)
}

/// What stands at the path of the log.
enum Begun {
    /// Nothing, or an empty file.
    Nothing,
    /// A log whose first line has this date.
    On(jst::Date),
    /// Something else, which must neither be appended to nor moved away.
    Foreign,
}

fn begun(path: &Path) -> Begun {
    let mut head = Vec::new();
    match File::open(path).and_then(|file| file.take(10).read_to_end(&mut head)) {
        Ok(0) => Begun::Nothing,
        Ok(_) => std::str::from_utf8(&head)
            .ok()
            .and_then(jst::Date::parse)
            .map_or(Begun::Foreign, Begun::On),
        // What cannot be read cannot be written either; opening it will say why.
        Err(_) => Begun::Nothing,
    }
}

/// Renames the log to `name.YYYY-MM-DD` (with `.1`, `.2` ... when that exists) and deletes the oldest beyond 14.
fn rotate(path: &Path, date: jst::Date) -> io::Result<()> {
    let named = |suffix: String| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        path.with_file_name(name)
    };
    let mut target = named(format!(".{date}"));
    let mut part = 0;
    while target.exists() {
        part += 1;
        target = named(format!(".{date}.{part:03}"));
    }
    match fs::rename(path, &target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut old = rotated(path);
    old.sort();
    for surplus in old.iter().rev().skip(KEEP) {
        // One that cannot be deleted is tried again tomorrow.
        let _ = fs::remove_file(surplus);
    }
    Ok(())
}

/// The rotated files of this log; their names sort by age.
fn rotated(path: &Path) -> Vec<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let prefix = format!("{}.", path.file_name().unwrap_or_default().to_string_lossy());
    let is_ours = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let date = name.strip_prefix(&prefix).and_then(|rest| rest.get(..10));
        date.and_then(jst::Date::parse).is_some()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(is_ours).map(|entry| entry.path()).collect()
}

/// True while `path` leads to the file that is open.
fn is_still(path: &Path, open: &Open) -> bool {
    let (Ok(there), Ok(ours)) = (fs::metadata(path), open.file.metadata()) else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (there.dev(), there.ino()) == (ours.dev(), ours.ino())
    }
    // Without file ids: whoever moved a log away leaves nothing or something shorter in its place.
    #[cfg(not(unix))]
    {
        there.len() >= ours.len()
    }
}
