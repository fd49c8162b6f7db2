//! The log: `2026-11-20 09:00:00,300 INFO message`, on the console and in a file, in JST of the given clock.
//!
//! Nothing that logs ever waits: a line is formatted and offered to two bounded queues, one for the console thread and
//! one for the file thread, so that a console frozen by a text selection stops neither the worker nor the file. A line
//! that finds its queue full is counted, and the count is written when the queue moves again.
//! It refuses to decide what is worth logging, and it never writes a forbidden secret ([`crate::text::redact`]).

mod file;
mod sink;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use ayumi_wire::jst;
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::exit;
use crate::text::{self, redact};
use sink::{Line, Queue};

/// Lines that may wait for the console or for the file.
const QUEUE: usize = 4096;

/// Longest message in characters; the rest of a longer one is cut.
const LONGEST: usize = 4000;

/// The time of a line: the worker's clock.
pub type Now = Arc<dyn Fn() -> Stamp + Send + Sync>;

/// What to log, where and by which clock.
pub struct LogConfig {
    /// The log file; `None` for the console alone.
    pub path: Option<PathBuf>,
    /// The least important level that is shown: `Info` for `-Verbose 1`, `Warn` for `-Verbose 0`.
    pub level: LevelFilter,
    /// The clock of every line and of the daily rotation.
    pub now: Now,
}

/// A hold on the running log.
#[derive(Clone)]
pub struct LogHandle {
    console: Queue,
    file: Option<Queue>,
}

/// The log of the process, for the last words of a panic.
static RUNNING: OnceLock<LogHandle> = OnceLock::new();

/// Starts the log: console (stderr) and file, each with its own thread. Called once, after the settings are valid.
///
/// It cannot fail: a file that cannot be opened is a warning on the console, because recording matters more than the
/// log. The file is tried again once a minute.
pub fn init(config: LogConfig) -> LogHandle {
    let level = config.level;
    let (logger, handle) = start(config, Box::new(std::io::stderr()), QUEUE);
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(level);
    }
    let _ = RUNNING.set(handle.clone());
    handle
}

/// Adds ERROR lines to a log that an earlier run has begun, when there is no run to log: who starts the recorder by Task
/// Scheduler sees nothing else. Makes no file and no folder, and says nothing when it cannot.
pub fn add_to_existing(path: &std::path::Path, now: Stamp, text: &str) {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let lines: String = lines
        .map(|line| format(now, Level::Error, line.trim_end()) + "\n")
        .collect();
    let (path, lines) = (path.to_owned(), redact::clean(&lines).into_owned());
    // A disk that stands still must not keep a command that has ended already.
    exit::in_time("log-file", Duration::from_secs(1), move || {
        file::add_to_existing(&path, &lines)
    });
}

/// Writes one ERROR line and waits for it at most `timeout`. False when no log runs or the line could not be handed
/// over, so that the caller must say it another way. For the panic hook: never blocks for ever, never panics.
pub fn last_words(sentence: &str, timeout: Duration) -> bool {
    let Some(handle) = RUNNING.get() else {
        return false;
    };
    log::error!(target: "ayumi", "{sentence}");
    handle.flush(timeout)
}

impl LogHandle {
    /// Waits until everything logged so far is written, at most `timeout` in total. False when the console or the file
    /// did not keep up; what is missing is then lost with the process.
    pub fn flush(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        // The file first: a frozen console must not eat its share of the time.
        let file = self.file.as_ref().is_none_or(|queue| queue.flush(deadline));
        let console = self.console.flush(deadline);
        file && console
    }

    /// From now on `secret` is replaced by `***` in every line, as a net under secrets that are handled well anyway.
    pub fn forbid(&self, secret: &str) {
        redact::forbid(secret);
    }

    /// Lines that found the console's or the file's queue full and are not reported yet.
    #[cfg(test)]
    fn dropped(&self) -> u64 {
        self.console.dropped() + self.file.as_ref().map_or(0, Queue::dropped)
    }
}

/// Builds the log without making it the process's log.
fn start(config: LogConfig, console: Box<dyn Write + Send>, queue: usize) -> (Logger, LogHandle) {
    let console = sink::spawn("log-console", queue, Arc::clone(&config.now), sink::Console(console));
    let file = config.path.map(|path| {
        let target = file::LogFile::new(path, console.clone());
        sink::spawn("log-file", queue, Arc::clone(&config.now), target)
    });
    let handle = LogHandle { console, file };
    let logger = Logger {
        handle: handle.clone(),
        level: config.level,
        now: config.now,
    };
    (logger, handle)
}

struct Logger {
    handle: LogHandle,
    level: LevelFilter,
    now: Now,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("ayumi");
        let least = if ours {
            self.level
        } else {
            self.level.min(LevelFilter::Warn)
        };
        metadata.level() <= least
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = Line::new((self.now)(), record.level(), &record.args().to_string());
        if let Some(file) = &self.handle.file {
            file.offer(line.clone());
        }
        self.handle.console.offer(line);
    }

    fn flush(&self) {
        self.handle.flush(Duration::from_millis(500));
    }
}

/// One line, `2026-11-20 09:00:00,300 INFO message`. Control characters become blanks, so that one record is one line
/// and nothing received can move the cursor.
fn format(at: Stamp, level: Level, message: &str) -> String {
    let second = at.second_of_day();
    let name = match level {
        Level::Error => "ERROR",
        Level::Warn => "WARNING",
        Level::Info => "INFO",
        Level::Debug | Level::Trace => "DEBUG",
    };
    format!(
        "{} {:02}:{:02}:{:02},{:03} {name} {}",
        jst::Date::of_unix_s(at.s()),
        second / 3600,
        second / 60 % 60,
        second % 60,
        at.ms().rem_euclid(1000),
        text::cut(&text::one_line(message), LONGEST)
    )
}

#[cfg(test)]
mod tests;
