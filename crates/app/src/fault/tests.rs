//! P6 and P7 on the whole worker: each is a process of its own, with one fault in one thread.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ayumi_sim::{Sim, SimConfig, SimHandle};
use log::LevelFilter;
use serde_json::{Value, json};

use super::armed::{Fault, arm};
use crate::args::StreamArgs;
use crate::settings::Overrides;

const FOLDER: &str = "AYUMI_TEST_FOLDER";
const FAULT: &str = "AYUMI_TEST_FAULT";
const CANARY: &str = "canary-5f1d0c";
const PATIENCE: Duration = Duration::from_secs(60);

/// Not a test of its own: the process that the tests below start. It records with the settings `c.json`.
#[test]
fn child_that_records() {
    let (Some(folder), Ok(fault)) = (std::env::var_os(FOLDER), std::env::var(FAULT)) else {
        return;
    };
    let (point, fault) = fault.split_once('=').expect("point=fault");
    let fault = match fault.parse() {
        Ok(ms) => Fault::Sleep(Duration::from_millis(ms)),
        Err(_) => Fault::Panic,
    };
    crate::exit::install_panic_hook();
    crate::text::redact::forbid(CANARY);
    arm(point, fault);
    let exit = crate::commands::stream::run(&StreamArgs {
        config: Path::new(&folder).join("c.json"),
        level: LevelFilter::Trace,
        overrides: Overrides::default(),
        probe_board: false,
        duration: Some(Duration::from_secs(4)),
        seed: Some(1),
        check_config: false,
        clock: None,
        wait_login: false,
        events: true,
    });
    exit.now();
}

/// A folder, and a process that records in it until the fault ends it.
struct Run {
    folder: tempfile::TempDir,
    child: Child,
}

struct Ended {
    code: Option<i32>,
    log: String,
    crash: Option<String>,
}

impl Run {
    fn start(more: &Value, fault: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let mut settings = json!({
            "mode": "mock", "symbols": ["7203"], "mock_interval_ms": 20, "window_ms": 50,
            "db_path": at("t.db"), "log_path": at("t.log"), "journal_dir": at("journal"),
        });
        let all = settings.as_object_mut().expect("an object");
        all.extend(more.as_object().expect("an object").clone());
        std::fs::write(at("c.json"), settings.to_string()).expect("written");
        std::fs::create_dir(at("temp")).expect("made");
        let mut command = Command::new(std::env::current_exe().expect("our own path"));
        command.args(["--exact", "fault::tests::child_that_records", "--nocapture"]);
        command.env(FOLDER, folder.path()).env(FAULT, fault);
        for temp in ["TMPDIR", "TEMP", "TMP"] {
            command.env(temp, at("temp"));
        }
        let out = std::fs::File::create(at("out")).expect("made");
        let err = out.try_clone().expect("a second handle");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("starts");
        Self { folder, child }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Its end; whatever it wrote is free of the canary.
    fn ended(self) -> Ended {
        self.ended_after(|| {})
    }

    /// The same, with a look at its folder before that goes.
    fn ended_after(mut self, look: impl FnOnce()) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let code = loop {
            match self.child.try_wait().expect("can be asked") {
                Some(status) => break status.code(),
                None if Instant::now() >= deadline => {
                    let _ = self.child.kill();
                    panic!("it goes on:\n{}", self.read("out"));
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        look();
        let temp = std::fs::read_dir(self.folder.path().join("temp")).expect("listed");
        let crash = temp
            .flatten()
            .next()
            .map(|file| std::fs::read_to_string(file.path()).expect("text"));
        let (log, out) = (self.read("t.log"), self.read("out"));
        let all = format!("{log}{out}{}", crash.as_deref().unwrap_or_default());
        assert!(!all.contains(CANARY), "{all}");
        Ended {
            code,
            log: log + &out,
            crash,
        }
    }
}

fn station() -> SimHandle {
    let mut config = SimConfig {
        token: Some("t0123".to_owned()),
        ..SimConfig::default()
    };
    config.faults.answer_at_once();
    Sim::start(config).expect("a station")
}

#[test]
fn p06_a_panic_in_every_thread_of_a_worker_ends_it_with_70_and_a_crash_file() {
    let station = station();
    let online = json!({"mode": "online", "port": station.port(), "token": "t0123"});
    let mock = json!({});
    let threads = [
        ("reader", &mock),
        ("writer", &mock),
        ("journal", &mock),
        ("journal-sync", &mock),
        ("log-console", &mock),
        ("log-file", &mock),
        ("events", &mock),
        ("watchdog", &mock),
        ("rest", &online),
    ];
    let runs = threads.map(|(thread, settings)| (thread, Run::start(settings, &format!("{thread}=panic"))));
    for (thread, run) in runs {
        let ended = run.ended();
        assert_eq!(ended.code, Some(70), "{thread}: {}", ended.log);
        let crash = ended
            .crash
            .unwrap_or_else(|| panic!("{thread}: no crash file:\n{}", ended.log));
        assert!(
            crash.contains("ayumi has a bug") && crash.contains("the fault of a test"),
            "{crash}"
        );
        // The reader lives in the test's own thread, REST under its full name.
        let name = match thread {
            "reader" => "fault::tests::child_that_records",
            "rest" => "ayumi-rest",
            other => other,
        };
        assert!(crash.contains(&format!("thread: {name}\n")), "{thread}: {crash}");
    }
}

#[cfg(unix)]
#[test]
fn p06_a_panic_while_a_signal_is_handled_ends_it_with_70() {
    let run = Run::start(&json!({}), "signal=panic");
    let deadline = Instant::now() + PATIENCE;
    while !run.read("t.log").contains("stream_microbatch start") || !run.read("out").contains("window_committed") {
        assert!(Instant::now() < deadline, "{}", run.read("out"));
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = Command::new("kill")
        .args(["-TERM", &run.child.id().to_string()])
        .status();
    assert!(told.expect("told").success());
    let ended = run.ended();
    assert_eq!(ended.code, Some(70), "{}", ended.log);
}

#[test]
fn p07_a_thread_that_stands_still_is_ended_with_75_and_a_report() {
    let runs = [
        ("writer", "no window was stored"),
        ("reader", "the thread that reads has stood still"),
    ]
    .map(|(thread, sentence)| (thread, sentence, Run::start(&json!({}), &format!("{thread}=600000"))));
    for (thread, sentence, run) in runs {
        let ended = run.ended();
        assert_eq!(ended.code, Some(75), "{thread}: {}", ended.log);
        assert!(
            ended.log.contains("ERROR the watchdog ends ayumi"),
            "{thread}: {}",
            ended.log
        );
        let crash = ended.crash.expect("a crash file");
        for part in [
            sentence,
            "thread: watchdog",
            "received=",
            "not saved: ",
            &format!("{thread}: working"),
        ] {
            assert!(crash.contains(part), "{part:?} is not in:\n{crash}");
        }
        if cfg!(target_os = "linux") {
            assert!(crash.contains("thread writer: S"), "{crash}");
        }
    }
}

#[test]
fn p07_s09_a_disk_that_stands_still_is_told_and_waited_for() {
    // Twice as long as the watchdog would wait for anything else.
    let ended = Run::start(&json!({"journal_dir": null}), "storage=2000").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    for part in [
        "the disk of the database has not answered for",
        "-> DEGRADED(DISK_ERROR)",
        "the disk of the database answers again",
        "stream_microbatch stop",
    ] {
        assert!(ended.log.contains(part), "{part:?} is not in:\n{}", ended.log);
    }
    assert_eq!(ended.crash, None);
}

/// A number of the worker's last line.
fn last_count(ended: &Ended, key: &str) -> u64 {
    let line = ended.log.lines().find(|line| line.contains("stream_microbatch stop"));
    let line = line.unwrap_or_else(|| panic!("no end:\n{}", ended.log));
    let word = line.split_whitespace().find_map(|word| word.strip_prefix(key));
    word.and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("no {key} in {line}"))
}

#[test]
fn j03_a_journal_whose_disk_hangs_holds_neither_windows_nor_the_stop() {
    // From its first file on, longer than the run.
    let ended = Run::start(&json!({}), "journal=600000").ended();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    for part in [
        "the disk of the journal has not answered for 2.",
        "-> DEGRADED(JOURNAL): its disk does not answer; ",
        "the journal of this run is not whole: ",
    ] {
        assert!(ended.log.contains(part), "{part:?} is not in:\n{}", ended.log);
    }
    assert!(!ended.log.contains("not whole: 0 lines"), "{}", ended.log);
    assert!(last_count(&ended, "stored=") > 50, "{}", ended.log);
    assert_eq!(last_count(&ended, "stored="), last_count(&ended, "received="));
    assert_eq!(last_count(&ended, "inflight="), 0);
    assert_eq!(ended.crash, None);
}

#[test]
fn j03_a_journal_whose_disk_answers_again_is_whole() {
    let run = Run::start(&json!({}), "journal=2700");
    let folder = run.folder.path().join("journal");
    // `ended` takes the folder with it.
    let kept = tempfile::tempdir().expect("a folder");
    let ended = run.ended_after(|| {
        for file in std::fs::read_dir(&folder).expect("listed").flatten() {
            std::fs::copy(file.path(), kept.path().join(file.file_name())).expect("copied");
        }
    });
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(
        ended.log.contains("the disk of the journal answers again"),
        "{}",
        ended.log
    );
    assert!(!ended.log.contains("not whole"), "{}", ended.log);
    let mut reader = ayumi_journal::JournalReader::open(kept.path(), None).expect("opened");
    let pushes = reader.by_ref().map(|line| line.expect("read"));
    let pushes = pushes.filter(|line| line.kind == ayumi_journal::Kind::Push).count();
    assert_eq!(pushes as u64, last_count(&ended, "received="));
    assert!(reader.damages().is_empty(), "{:?}", reader.damages());
}

#[test]
fn p07_a_stop_that_does_not_end_is_ended() {
    // The reader stands still when it has been told to stop.
    let ended = Run::start(&json!({}), "stop=600000").ended();
    assert_eq!(ended.code, Some(75), "{}", ended.log);
    assert!(ended.log.contains("the stop did not end within 4.5s"), "{}", ended.log);
}
