//! P10: the task scheduler starts a recorder again and again while one runs. Each leaves at once with code 5 and names the
//! first, which records on as if nothing had happened.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::check;
use crate::recorder::{self, Desk, Recorder};
use crate::report::Row;

const LIMIT: Duration = Duration::from_millis(500);
const OWNED: i32 = 5;

/// Starts `n` further recorders.
pub(crate) fn run(ayumi: &Path, n: u64) -> Result<Row> {
    let began = Instant::now();
    let desk = Desk::new(json!({"window_ms": 100, "mock_interval_ms": 20}))?;
    let mut first = Recorder::start(ayumi, &desk, &[], &[])?;
    first.wait_told(2)?;
    let name = first.pid().to_string();
    let mut slowest = Duration::ZERO;
    for start in 0..n {
        let asked = Instant::now();
        let (code, said) = recorder::run(ayumi, &desk, &["stream", "-Config", "c.json"])?;
        let took = asked.elapsed();
        ensure!(code == Some(OWNED), "start {start}: code {code:?}: {said}");
        ensure!(said.contains(&name), "start {start}: it does not name {name}: {said}");
        ensure!(took < LIMIT, "start {start} took {took:?}");
        slowest = slowest.max(took);
        let told = first.told.len();
        first
            .wait_told(told + 1)
            .with_context(|| format!("the first after start {start}"))?;
    }
    first.ask_to_stop()?;
    let end = first.end()?;
    ensure!(end.status.success(), "the first: {}\n{}", end.status, desk.log());
    let found = check::whole(&desk.db())?.windows;
    ensure!(
        end.told.iter().all(|t| found.contains(&t.window_id)),
        "windows are lost"
    );
    Ok(Row {
        trial: "p10_started_again",
        promise: "P10, G12, P3",
        amount: format!("{n} starts while one runs, {} windows meanwhile", end.told.len()),
        result: format!(
            "code 5 each time, the slowest after {} ms; the first went on, 0 lost",
            slowest.as_millis()
        ),
        took: began.elapsed(),
    })
}
