//! P11: other programs take every core. Windows are closed and stored as punctually as before: what is measured is how
//! long after its end a window was told, against a calm run of the same recorder. The disk is left out (`durability` `seed`).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::recorder::{Desk, Recorder};
use crate::report::Row;

/// The most that the hundredth window may come later than the middle one of the calm run, ms.
const LIMIT_MS: i64 = 50;
/// In a short run one window in thirty is that one, and the machine may have other hogs, too.
const SHORT_LIMIT_MS: i64 = 1_000;

/// Programs that do nothing but compute; ended when dropped.
struct Hogs(Vec<Child>);

impl Hogs {
    fn start(count: usize) -> Result<Self> {
        let mut hogs = Self(Vec::new());
        for _ in 0..count {
            let mut command = Command::new("nice");
            command.args(["-n", "5", "sh", "-c", "while :; do :; done"]);
            hogs.0.push(command.stdin(Stdio::null()).spawn().context("a hog")?);
        }
        Ok(hogs)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            // It cannot have ended by itself.
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

/// Records for `seconds` among two hogs, and a quarter of that without.
pub(crate) fn run(ayumi: &Path, seconds: u64) -> Result<Row> {
    let began = Instant::now();
    let calm = lateness(ayumi, seconds.div_ceil(4))?;
    let hogs = Hogs::start(2)?;
    let busy = lateness(ayumi, seconds)?;
    drop(hogs);
    let (middle, p99) = (calm[calm.len() / 2], busy[busy.len() * 99 / 100]);
    let limit = if seconds >= 60 { LIMIT_MS } else { SHORT_LIMIT_MS };
    ensure!(
        p99 - middle < limit,
        "a window is told {p99} ms after its end (p99) among two hogs, {middle} ms in the middle of a calm run"
    );
    Ok(Row {
        trial: "p11_two_hogs",
        promise: "P11, G1",
        amount: format!(
            "{seconds} s beside two programs that take all they get, {} windows",
            busy.len()
        ),
        result: format!(
            "a window is told {} ms after its end, p99 {p99} ms, at most {} ms; without them {middle} ms",
            busy[busy.len() / 2],
            busy[busy.len() - 1]
        ),
        took: began.elapsed(),
    })
}

/// How late each window was told, sorted, ms.
fn lateness(ayumi: &Path, seconds: u64) -> Result<Vec<i64>> {
    let desk = Desk::new(json!({"durability": "seed", "window_ms": 300, "mock_interval_ms": 50}))?;
    let recorder = Recorder::start(ayumi, &desk, &[], &["--duration", &format!("{}ms", seconds * 1_000)])?;
    std::thread::sleep(Duration::from_secs(seconds));
    let end = recorder.end()?;
    ensure!(end.status.success(), "{}\n{}", end.status, desk.log());
    check::whole(&desk.db())?;
    // The last one is cut short by the stop, and the first by the start.
    let mut late = end.late_ms;
    late.pop();
    ensure!(late.len() > 1, "no windows\n{}", desk.log());
    late.remove(0);
    late.sort_unstable();
    Ok(late)
}
