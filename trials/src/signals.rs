//! P1: asked to stop at a random moment, by each of the signals that mean it. The end comes within a second, with code 0,
//! and every message that came in is in a window.
//!
//! A stop ends with a sync, and a disk that other programs keep busy may take longer for one than a whole stop should. So
//! the disk is asked beside every stop how long a sync of its own takes: with a slow one the time is not judged, only that
//! the end comes before the patience with a stuck database does; more than half of such rounds prove nothing and are an
//! error. What is stored is judged always.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use rusqlite::Connection;
use serde_json::json;

use crate::check;
use crate::random::Random;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;

const LIMIT: Duration = Duration::from_secs(1);
/// The hard end of a stop.
const HARD_LIMIT: Duration = Duration::from_millis(4_500);
/// A disk that takes longer for a sync is busy with others.
const SLOW_SYNC: Duration = Duration::from_millis(100);
const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];
/// A fresh file after so many signals, so that the checks stay quick.
const PER_FILE: u64 = 25;

/// Stops `n` recorders.
pub(crate) fn run(ayumi: &Path, n: u64, seed: u64) -> Result<Row> {
    let began = Instant::now();
    let mut random = Random(seed);
    let mut took = Vec::new();
    let (mut messages, mut busy) = (0, 0);
    let mut desk = fresh()?;
    for round in 0..n {
        if round % PER_FILE == 0 {
            desk = fresh()?;
        }
        let signal = SIGNALS[random.below(3) as usize];
        let place = || format!("signal {round} ({signal}), seed {seed}");
        let before = stored(&desk)?;
        let mut recorder = Recorder::start(ayumi, &desk, &[], &[])?;
        recorder.wait_told(1).with_context(place)?;
        std::thread::sleep(Duration::from_micros(random.below(250_000)));
        let probe = Probe::start(desk.path("probe"));
        let asked = Instant::now();
        recorder.signal(signal)?;
        let end = recorder.end().with_context(place)?;
        let time = asked.elapsed();
        let slow = probe.end()? > SLOW_SYNC;
        ensure!(
            end.status.code() == Some(0),
            "{}: {}\n{}",
            place(),
            end.status,
            desk.log()
        );
        ensure!(
            time < if slow { HARD_LIMIT } else { LIMIT },
            "{}: the end took {time:?}\n{}",
            place(),
            desk.log()
        );
        let received = end.received.with_context(|| format!("{}: no last event", place()))?;
        let kept = stored(&desk)? - before;
        ensure!(
            kept == received,
            "{}: {received} messages came in, {kept} are in windows",
            place()
        );
        if round % PER_FILE == PER_FILE - 1 || round + 1 == n {
            check::whole(&desk.db()).with_context(place)?;
        }
        messages += received;
        if slow {
            busy += 1;
        } else {
            took.push(time);
        }
    }
    ensure!(
        busy <= n / 2,
        "the disk was busy in {busy} of {n} rounds: nothing is proved about the time of a stop"
    );
    took.sort_unstable();
    let most = took.last().copied().unwrap_or_default().as_millis();
    let middle = took.get(took.len() / 2).copied().unwrap_or_default().as_millis();
    Ok(Row {
        trial: "p01_signals",
        promise: "P1, G11, G2",
        amount: format!("{n} signals (INT, TERM, HUP) at random moments, {messages} messages"),
        result: format!(
            "0 lost, code 0 each time; half ended within {middle} ms, the slowest took {most} ms (not judged: {busy}, the disk was busy)"
        ),
        took: began.elapsed(),
    })
}

/// Asks the disk again and again how long a sync takes.
struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Duration>>,
}

impl Probe {
    fn start(path: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let ask = move || -> Result<Duration> {
            let mut file = File::create(path)?;
            let mut slowest = Duration::ZERO;
            while !flag.load(Ordering::Relaxed) {
                let asked = Instant::now();
                file.write_all(&[0; 4096])?;
                file.sync_data()?;
                slowest = slowest.max(asked.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(slowest)
        };
        Self {
            stop,
            thread: std::thread::spawn(ask),
        }
    }

    /// The slowest of them.
    fn end(self) -> Result<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the probe panicked"))?
    }
}

fn fresh() -> Result<Desk> {
    Desk::new(json!({"window_ms": 100, "mock_interval_ms": 10}))
}

/// Messages in all windows of the file.
fn stored(desk: &Desk) -> Result<i64> {
    if !desk.db().exists() {
        return Ok(0);
    }
    let sql = "SELECT coalesce(sum(messages), 0) FROM window_log";
    Ok(Connection::open(desk.db())?.query_row(sql, [], |row| row.get(0))?)
}
