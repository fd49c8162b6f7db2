use std::fs;
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex};

use super::*;
use crate::clock::parse_jst;

const LONG: Duration = Duration::from_secs(20);

/// A clock that tests set by hand.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn at(time: &str) -> Self {
        let hand = Self(Arc::default());
        hand.set(time, 0);
        hand
    }

    fn set(&self, time: &str, ms: i64) {
        let stamp = parse_jst(time).expect("a JST time").plus_ms(ms);
        self.0.store(stamp.0, Ordering::SeqCst);
    }

    fn now(&self) -> Now {
        let shared = Arc::clone(&self.0);
        Arc::new(move || Stamp(shared.load(Ordering::SeqCst)))
    }
}

/// A console whose text can be read, and that can be frozen like one with a selection.
#[derive(Clone, Default)]
struct Screen(Arc<(Mutex<(String, bool)>, Condvar)>);

impl Screen {
    fn text(&self) -> String {
        self.0.0.lock().expect("no panic").0.clone()
    }

    fn freeze(&self, frozen: bool) {
        self.0.0.lock().expect("no panic").1 = frozen;
        self.0.1.notify_all();
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let guard = self.0.0.lock().expect("no panic");
        let mut state = self.0.1.wait_while(guard, |state| state.1).expect("no panic");
        state.0.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    logger: Logger,
    handle: LogHandle,
    screen: Screen,
    hand: Hand,
}

fn bench(path: Option<PathBuf>, level: LevelFilter, queue: usize) -> Bench {
    let (screen, hand) = (Screen::default(), Hand::at("2026-11-20T09:00:00"));
    let config = LogConfig {
        path,
        level,
        now: hand.now(),
    };
    let (logger, handle) = start(config, Box::new(screen.clone()), queue);
    Bench {
        logger,
        handle,
        screen,
        hand,
    }
}

impl Bench {
    fn say(&self, target: &str, level: Level, message: &str) {
        let args = format_args!("{message}");
        self.logger
            .log(&Record::builder().target(target).level(level).args(args).build());
    }

    fn info(&self, message: &str) {
        self.say("ayumi::worker", Level::Info, message);
    }

    fn flush(&self) {
        assert!(self.handle.flush(LONG));
    }
}

#[test]
fn the_line_is_exactly_what_the_scripts_print() {
    let b = bench(None, LevelFilter::Debug, 100);
    b.hand.set("2026-11-20T09:00:00", 300);
    for level in [Level::Error, Level::Warn, Level::Info, Level::Debug] {
        b.say("ayumi", level, "message");
    }
    b.hand.set("2026-01-02T23:59:59", 7);
    b.info("日本語 two\nlines \u{1b}[31m");
    b.flush();
    assert_eq!(
        b.screen.text(),
        "2026-11-20 09:00:00,300 ERROR message\n\
         2026-11-20 09:00:00,300 WARNING message\n\
         2026-11-20 09:00:00,300 INFO message\n\
         2026-11-20 09:00:00,300 DEBUG message\n\
         2026-01-02 23:59:59,007 INFO 日本語 two lines  [31m\n"
    );
}

#[test]
fn levels_of_verbose_and_of_foreign_libraries() {
    let shown = |level| {
        let b = bench(None, level, 100);
        for target in ["ayumi_store::sqlite", "ayumi", "ureq::run"] {
            b.say(target, Level::Info, &format!("info of {target}"));
            b.say(target, Level::Warn, &format!("warning of {target}"));
        }
        b.flush();
        b.screen
            .text()
            .lines()
            .map(|line| line[24..].to_owned())
            .collect::<Vec<_>>()
    };
    let warnings = [
        "WARNING warning of ayumi_store::sqlite",
        "WARNING warning of ayumi",
        "WARNING warning of ureq::run",
    ];
    assert_eq!(shown(LevelFilter::Warn), warnings);
    let info = shown(LevelFilter::Info);
    assert_eq!(info.len(), 5);
    assert!(!info.contains(&"INFO info of ureq::run".to_owned()));
}

#[test]
fn p09_a_frozen_console_stops_neither_the_caller_nor_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("logs").join("worker.log");
    let b = bench(Some(path.clone()), LevelFilter::Info, 50);
    b.screen.freeze(true);
    for n in 0..500 {
        b.info(&format!("line {n}"));
        // The file keeps up, the console cannot.
        assert!(b.handle.file.as_ref().expect("a file").flush(Instant::now() + LONG));
    }
    let written = fs::read_to_string(&path).expect("readable");
    assert_eq!(written.lines().count(), 500);
    assert!(b.handle.dropped() >= 440, "{}", b.handle.dropped());
    assert!(
        !b.handle.flush(Duration::from_millis(30)),
        "a frozen console is not flushed"
    );
    b.screen.freeze(false);
    b.flush();
    let text = b.screen.text();
    let reported: u64 = text
        .lines()
        .filter_map(|line| line.strip_suffix(" log lines were dropped"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum();
    let shown = text.lines().filter(|line| line.contains(" INFO line ")).count() as u64;
    assert!(text.contains(",000 WARNING "), "{text}");
    assert_eq!(reported + shown, 500);
    assert_eq!(b.handle.dropped(), 0);
}

#[test]
fn the_file_rotates_with_the_jst_date_and_keeps_14() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a b").join("worker.log");
    let b = bench(Some(path.clone()), LevelFilter::Info, 100);
    for day in 1..=20 {
        b.hand.set(&format!("2026-11-{day:02}T23:59:59"), 999);
        b.info(&format!("day {day}"));
        b.hand.set(&format!("2026-11-{:02}T00:00:00", day + 1), 0);
        b.info(&format!("midnight after {day}"));
        b.flush();
    }
    let today = fs::read_to_string(&path).expect("readable");
    assert_eq!(today, "2026-11-21 00:00:00,000 INFO midnight after 20\n");
    let yesterday = fs::read_to_string(path.with_file_name("worker.log.2026-11-20")).expect("rotated");
    assert_eq!(yesterday.lines().count(), 2);
    let mut names: Vec<_> = fs::read_dir(path.parent().expect("a folder"))
        .expect("listed")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names.len(), 15);
    assert_eq!(names[1], "worker.log.2026-11-07");
}

#[test]
fn a_restart_continues_the_day_and_puts_older_days_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("worker.log");
    fs::write(&path, "2026-11-19 15:00:00,000 INFO yesterday\n").expect("written");
    for run in 0..2 {
        let b = bench(Some(path.clone()), LevelFilter::Info, 100);
        b.info(&format!("run {run}"));
        b.flush();
    }
    assert_eq!(fs::read_to_string(&path).expect("readable").lines().count(), 2);
    let old = fs::read_to_string(path.with_file_name("worker.log.2026-11-19")).expect("rotated");
    assert!(old.contains("yesterday"));
}

#[test]
fn s15_a_file_that_was_moved_or_deleted_is_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("worker.log");
    let b = bench(None, LevelFilter::Info, 100);
    let mut file = file::LogFile::new(path.clone(), b.handle.console.clone()).with_limits(1_000_000, Duration::ZERO);
    let at = b.hand.now()();
    let mut write = |text: &str| assert!(sink::Target::write(&mut file, at, text));
    write("one");
    fs::rename(&path, folder.path().join("moved.log")).expect("moved");
    write("two");
    fs::remove_file(&path).expect("deleted");
    write("three");
    assert_eq!(fs::read_to_string(&path).expect("readable"), "three\n");
    assert_eq!(
        fs::read_to_string(folder.path().join("moved.log")).expect("readable"),
        "one\n"
    );
}

#[test]
fn a_file_that_grows_too_large_is_rotated_within_the_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("worker.log");
    let b = bench(None, LevelFilter::Info, 100);
    let mut file = file::LogFile::new(path.clone(), b.handle.console.clone()).with_limits(100, Duration::ZERO);
    for n in 0..30 {
        assert!(sink::Target::write(
            &mut file,
            b.hand.now()(),
            &format!("2026-11-20 line {n:02}, 30 bytes..")
        ));
    }
    let all: Vec<_> = fs::read_dir(folder.path()).expect("listed").flatten().collect();
    assert!(all.len() >= 8 && all.len() <= 15, "{}", all.len());
    assert!(all.iter().all(|entry| entry.metadata().expect("exists").len() <= 100));
    assert!(path.with_file_name("worker.log.2026-11-20.001").exists());
}

#[test]
fn a_log_path_that_cannot_be_opened_is_one_warning_that_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let b = bench(Some(folder.path().to_path_buf()), LevelFilter::Info, 100);
    b.info("first");
    b.info("second");
    b.flush();
    b.flush();
    let text = b.screen.text();
    assert_eq!(text.matches("cannot write the log file").count(), 1, "{text}");
    assert!(
        text.contains("log_path") && text.contains("recording goes on"),
        "{text}"
    );
    assert!(text.contains("first") && text.contains("second"));
}

#[test]
fn sec01_forbidden_secrets_never_reach_console_or_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("worker.log");
    let b = bench(Some(path.clone()), LevelFilter::Info, 100);
    b.handle.forbid("canary-77aa01");
    b.info("the station said {\"ApiKey\":\"canary-77aa01\"}");
    b.flush();
    let all = b.screen.text() + &fs::read_to_string(&path).expect("readable");
    assert!(
        !all.contains("canary-77aa01") && all.matches("***").count() == 2,
        "{all}"
    );
}

#[test]
fn a_file_that_is_no_log_is_neither_appended_to_nor_moved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "SQLite format 3\0 and the rest").unwrap();
    assert!(file::open_for_test(&path).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"SQLite format 3\0 and the rest");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
