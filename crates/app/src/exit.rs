//! How the process ends: the documented exit codes, and what happens on a panic.
//!
//! Codes are part of the contract with Task Scheduler entries and batch files; none is ever re-used.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ayumi_wire::jst;

use crate::text::{self, redact};

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or stopped on request: Ctrl+C, the window closed, SIGTERM, `--duration` reached.
    Done = 0,
    /// Done, and something is not as it should be: `verify` or `doctor` found something, or a replay passed over what
    /// it could not read.
    Found = 1,
    /// Usage or settings error, also a missing token. Nothing was started, nothing was created.
    Usage = 2,
    /// The station answered with an error.
    StationError = 3,
    /// The station could not be reached; only commands that need it at once.
    Unreachable = 4,
    /// Another instance owns the database.
    Owned = 5,
    /// A bug: a panic or a broken invariant. A crash file was written.
    Bug = 70,
    /// The input of a command cannot be used: a file that is damaged, or something else than it should be.
    Input = 74,
    /// Stopped, but the last windows could not be saved; also by the watchdog. Starting again is right.
    Unsaved = 75,
    /// Forced by a second Ctrl+C.
    Forced = 130,
}

impl Exit {
    /// Every code, in ascending order.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Found,
        Self::Usage,
        Self::StationError,
        Self::Unreachable,
        Self::Owned,
        Self::Bug,
        Self::Input,
        Self::Unsaved,
        Self::Forced,
    ];

    /// The number the operating system sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// One line for `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or stopped on request",
            Self::Found => {
                "something was found: a check (verify, doctor), or replay passed over what it could not read"
            }
            Self::Usage => "usage or settings error, missing token",
            Self::StationError => "the station answered with an error",
            Self::Unreachable => "the station could not be reached (only commands that need it at once)",
            Self::Owned => "another instance owns the database",
            Self::Bug => "a bug in ayumi; a crash file was written",
            Self::Input => "the input cannot be used: damaged, or no file of this kind",
            Self::Unsaved => "stopped, but the last windows could not be saved; also: stopped by the watchdog",
            Self::Forced => "forced by a second Ctrl+C",
        }
    }

    /// Ends the process here and now, without unwinding. For a second Ctrl+C and for a stop that ran out of time.
    pub fn now(self) -> ! {
        std::process::exit(i32::from(self.code()))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Makes a panic in any thread end the whole process with [`Exit::Bug`]: a recorder that lost a thread looks alive and
/// records nothing.
///
/// One sentence is written (to the log when it runs, else to stderr), and a crash file into the folder for temporary
/// files. Neither contains a secret.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let details = format!("{}\n{}", headline(info), Backtrace::force_capture());
        last_words(&headline(info), &details);
        Exit::Bug.now();
    }));
}

/// Ends the process with [`Exit::Unsaved`], here and now: a thread makes no progress and will not make any. As after a
/// panic there is one sentence and a crash file, here with `details`.
pub fn stuck(sentence: &str, details: &str) -> ! {
    last_words(sentence, &format!("{sentence}\n{details}"));
    Exit::Unsaved.now();
}

/// The log's threads may be the ones that died, the console may be frozen and the disk stand still: the end waits for
/// all of them together, and never for ever.
const LAST_WORDS: Duration = Duration::from_secs(2);

fn last_words(sentence: &str, details: &str) {
    let (report, sentence) = (crash_report(details), sentence.to_owned());
    in_time("last-words", LAST_WORDS, move || {
        let place = write_crash_file(&report).map_or_else(
            || "no crash file could be written".to_owned(),
            |path| format!("details: {}", path.display()),
        );
        let sentence = format!("{sentence}; {place}; please report it with that file");
        if !crate::logging::last_words(&sentence, Duration::from_millis(500)) {
            text::stderr_line(&redact::clean(&sentence));
        }
    });
}

/// Does something that may hang, on a thread of its own; false when it was not done in time. Without a thread it is done
/// here: that a console hangs is rare, and rarer still in a process that can start no thread.
pub fn in_time(name: &str, limit: Duration, job: impl FnOnce() + Send + 'static) -> bool {
    let job = Arc::new(Mutex::new(Some(job)));
    let take = |job: &Mutex<Option<_>>| job.lock().ok().and_then(|mut job| job.take());
    let (done, wait) = sync_channel(1);
    let theirs = Arc::clone(&job);
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if let Some(job) = take(&theirs) {
            job();
        }
        let _ = done.send(());
    });
    match thread {
        Ok(_) => wait.recv_timeout(limit).is_ok(),
        Err(_) => {
            if let Some(job) = take(&job) {
                job();
            }
            true
        }
    }
}

fn headline(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let said = text
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let place = info.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}", at.file(), at.line()),
    );
    format!(
        "ayumi has a bug and stops: {} (at {place})",
        text::cut(&text::one_line(said), 300)
    )
}

fn crash_report(details: &str) -> String {
    let thread = std::thread::current();
    let mut report = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(report, "ayumi {} crash report", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(report, "system: {} {}", std::env::consts::OS, std::env::consts::ARCH);
    let _ = writeln!(report, "time: {}", jst::iso_ms(crate::clock::wall_ns() / 1_000_000));
    let _ = writeln!(report, "thread: {}", thread.name().unwrap_or("unnamed"));
    let _ = writeln!(report, "{details}");
    redact::clean(&report).into_owned()
}

fn write_crash_file(report: &str) -> Option<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix("ayumi-crash-")
        .suffix(".txt")
        .disable_cleanup(true)
        .tempfile()
        .ok()?;
    std::io::Write::write_all(&mut file, report.as_bytes()).ok()?;
    Some(file.path().to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 70, 74, 75, 130]);
        assert!(Exit::ALL.iter().all(|exit| exit.meaning().is_ascii()));
    }

    /// Not a test of its own: the process that `p06_...` starts, which must die of the hook.
    #[test]
    fn child_that_panics() {
        if std::env::var_os("AYUMI_TEST_PANIC").is_none() {
            return;
        }
        redact::forbid("canary-5f1d0c");
        install_panic_hook();
        if std::env::var_os("AYUMI_TEST_PANIC").is_some_and(|how| how == "frozen") {
            // Nobody reads what we say: whoever says something hangs, and keeps the others from it.
            let (begun, wait) = sync_channel(0);
            let fill = move || {
                let _ = begun.send(());
                let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), &vec![b'.'; 1 << 20]);
            };
            let _ = std::thread::Builder::new().name("log-console".into()).spawn(fill);
            let _ = wait.recv();
        }
        let worker = std::thread::Builder::new()
            .name("writer".into())
            .spawn(|| panic!("window 7 with canary-5f1d0c in it"));
        let _ = worker.map(std::thread::JoinHandle::join);
        // Only reached when the hook did not end the process.
        Exit::Done.now();
    }

    #[test]
    fn p06_p09_a_panic_ends_the_process_although_the_console_is_frozen() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(std::env::current_exe().expect("our own path"))
            .args(["--exact", "exit::tests::child_that_panics", "--nocapture"])
            .env("AYUMI_TEST_PANIC", "frozen")
            .env("TMPDIR", folder.path())
            .env("TEMP", folder.path())
            .env("TMP", folder.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("runs");
        let begun = std::time::Instant::now();
        let status = loop {
            match child.try_wait().expect("asked") {
                Some(status) => break status,
                None if begun.elapsed() > Duration::from_secs(30) => {
                    child.kill().expect("killed");
                    panic!("it hangs");
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        assert_eq!(status.code(), Some(70));
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("folder").count(),
            1,
            "a crash file"
        );
    }

    #[test]
    fn what_hangs_is_left_alone_after_its_time() {
        let (_keep, never) = sync_channel::<()>(0);
        assert!(!in_time("hangs", Duration::from_millis(10), move || {
            let _ = never.recv();
        }));
        assert!(in_time("ends", Duration::from_secs(30), || {}));
    }

    #[cfg(unix)]
    #[test]
    fn sec16_a_crash_file_is_its_owners_alone() {
        let path = write_crash_file("what was known").expect("written");
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("there").permissions());
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn p06_a_panic_in_any_thread_ends_the_process_with_70_and_without_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let child = Command::new(std::env::current_exe().expect("our own path"))
            .args(["--exact", "exit::tests::child_that_panics", "--nocapture"])
            .env("AYUMI_TEST_PANIC", "1")
            .env("TMPDIR", folder.path())
            .env("TEMP", folder.path())
            .env("TMP", folder.path())
            .output()
            .expect("runs");
        assert_eq!(child.status.code(), Some(70));
        let said = String::from_utf8_lossy(&child.stderr).into_owned();
        let sentence = said
            .lines()
            .find(|line| line.contains("ayumi has a bug"))
            .expect("one sentence");
        assert!(sentence.contains("window 7 with *** in it"), "{sentence}");
        assert!(sentence.contains("exit.rs:"), "{sentence}");
        let crash = std::fs::read_dir(folder.path())
            .expect("folder")
            .flatten()
            .next()
            .expect("a crash file");
        let report = std::fs::read_to_string(crash.path()).expect("readable");
        assert!(
            report.contains("thread: writer") && report.contains("window 7"),
            "{report}"
        );
        assert!(!format!("{said}{report}").contains("canary-5f1d0c"));
    }
}
