//! G1: the disk stands still while the market floods. The socket stays drained, nobody is disconnected, every share is
//! accounted for.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_sim::{MarketConfig, Sim, SimConfig, Source, Speed};
use serde_json::json;

use crate::check;
use crate::recorder::{Desk, Recorder, symbols};
use crate::report::Row;

/// Messages per second.
const RATE: f64 = 5_000.0;
const TOKEN: &str = "trial";

/// The disk stands still for `seconds`.
pub(crate) fn run(ayumi: &Path, seconds: u64) -> Result<Row> {
    let began = Instant::now();
    let station = Sim::start(SimConfig {
        token: Some(TOKEN.to_owned()),
        source: Source::Market(MarketConfig::new(
            1,
            symbols().iter().map(|s| Symbol::tse(s)).collect(),
            RATE,
        )),
        speed: Speed::Times(1.0),
        ..SimConfig::default()
    })?;
    let desk = Desk::new(json!({
        "mode": "online", "port": station.port(), "token": TOKEN, "board_mode": "push", "durability": "full",
    }))?;
    let inject = format!("inject=fsync,fdatasync:delay_enter={}:when=15", seconds * 1_000_000);
    let wrapper = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        &inject,
    ];
    let wrapper = wrapper.map(str::to_owned);
    let mut recorder = Recorder::start(ayumi, &desk, &wrapper, &[])?;
    recorder.wait_told(1).context("the first window")?;
    let mut queues = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds + 6);
    while Instant::now() < end {
        queues.extend(receive_queue(station.port()));
        std::thread::sleep(Duration::from_millis(20));
    }
    recorder.ask_to_stop()?;
    let (status, told) = recorder.ended()?;
    ensure!(status.success(), "{status}\n{}", desk.log());
    let counters = station.counters();
    ensure!(
        counters.push_connections == 1,
        "{} connections\n{}",
        counters.push_connections,
        desk.log()
    );
    check::whole(&desk.db())?;
    queues.sort_unstable();
    let p99 = queues
        .get(queues.len() * 99 / 100)
        .copied()
        .context("no socket was seen")?;
    let most = queues.last().copied().unwrap_or_default();
    // The promise is about a minute and more; in a short run the start alone is a hundredth of the samples.
    let limit = if seconds >= 60 { 64 << 10 } else { 256 << 10 };
    ensure!(p99 < limit, "p99 of the unread bytes is {p99}, most {most}");
    let stalled = desk.log().contains("tick queue full");
    Ok(Row {
        trial: "g01_stall",
        promise: "G1, S9, G3",
        amount: format!(
            "disk stands still for {seconds} s at {RATE} messages/s, {} sent",
            counters.messages_sent
        ),
        result: format!(
            "0 disconnects, volume closed, {} windows; unread in the kernel p99 {p99} bytes, most {most}; detail merged: {stalled}",
            told.len()
        ),
        took: began.elapsed(),
    })
}

/// Bytes that wait in the kernel for the recorder, the most of its sockets.
pub(crate) fn receive_queue(port: u16) -> Option<u64> {
    let suffix = format!(":{port:04X}");
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts = tables.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    let of_line = |line: &str| {
        let mut words = line.split_whitespace().skip(2);
        let (remote, state, queues) = (words.next()?, words.next()?, words.next()?);
        let established = remote.ends_with(&suffix) && state == "01";
        let queue = queues.split_once(':')?.1;
        established.then(|| u64::from_str_radix(queue, 16).ok()).flatten()
    };
    texts
        .flat_map(|text| text.lines().filter_map(of_line).collect::<Vec<_>>())
        .max()
}
