//! Stage 7: how fast the simulator sends, beside a socket that is merely written to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ayumi_engine::{Stamp, Symbol};
use ayumi_hot_path::messages::{self, Frames, SEED};
use ayumi_sim::{Hours, MarketConfig, Sim, SimConfig, Source, Speed};

use crate::plan::Plan;
use crate::rounds::{Candidate, Series, interleave, thousands};
use crate::sender::{Course, Sender};
use crate::table::{Section, Table};

/// Size of one read.
const BUFFER: usize = 256 << 10;
/// Friday, 2026-11-20, 09:00:00 JST.
const OPENING: i64 = 1_795_132_800;

/// Messages per second into a reader that only counts them.
pub fn run(plan: &Plan) -> Result<Section> {
    let symbols = messages::symbols(50);
    let frames = Frames::new(&symbols, 10_000);
    let time = plan.flood / 2;
    let mut failed = None;
    let failure = std::cell::RefCell::new(&mut failed);
    let guarded = |result: Result<f64>| {
        result.unwrap_or_else(|error| {
            failure.borrow_mut().get_or_insert(error);
            f64::NAN
        })
    };
    let mut candidates: Vec<Candidate<'_>> = vec![
        Box::new(|| guarded(bare(&frames, time))),
        Box::new(|| guarded(simulated(&symbols, Hours::Always, time))),
        Box::new(|| guarded(simulated(&symbols, Hours::Session, time))),
    ];
    let series = interleave(plan.worker_rounds.max(3), &mut candidates);
    drop(candidates);
    if let Some(error) = failed {
        return Err(error.context("simulate"));
    }
    Ok(section(&series, frames.mean_len()))
}

fn section(series: &[Series], mean: f64) -> Section {
    let mut table = Table::new(["sender", "messages/s (best)", "of the bare socket"]);
    let names = [
        "bare socket, frames encoded beforehand",
        "simulator, market at any hour",
        "simulator, exchange day from 09:00",
    ];
    for (name, times) in names.iter().zip(series) {
        table.row([
            (*name).to_owned(),
            format!("{} ({})", thousands(1e9 / times.median()), thousands(1e9 / times.min())),
            series[0].over(times).ratio(),
        ]);
    }
    Section {
        title: "Simulator at full speed (goal: 200,000 messages/s from one core)",
        notes: vec![format!(
            "50 symbols, messages of {mean:.0} bytes, a reader on the other core that only counts frames. The simulator \
             makes every message when it sends it: the book moves, the message is printed, boards, tape and counters \
             follow. One thread does all of it."
        )],
        tables: vec![table],
    }
}

/// ns per message of frames that cost nothing to make.
fn bare(frames: &Frames, time: Duration) -> Result<f64> {
    let course = Course {
        handshake: false,
        per_write: 64,
        pause: None,
        frames: None,
    };
    let sender = Sender::start(frames.clone(), course)?;
    let stream = TcpStream::connect(sender.addr())?;
    let cost = count(stream, Vec::new(), time)?;
    // The connection is gone already.
    drop(sender.finish());
    Ok(cost)
}

/// ns per message of a generated market.
fn simulated(symbols: &[Symbol], hours: Hours, time: Duration) -> Result<f64> {
    let sim = Sim::start(SimConfig {
        source: Source::Market(MarketConfig {
            hours,
            ..MarketConfig::new(SEED, symbols.to_vec(), 100.0)
        }),
        speed: Speed::Full,
        start: Some(Stamp::from_s(OPENING)),
        require_registration: false,
        ..SimConfig::default()
    })?;
    let mut stream = TcpStream::connect(("127.0.0.1", sim.port()))?;
    stream.write_all(
        b"GET /kabusapi/websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )?;
    let rest = after_head(&mut stream)?;
    let cost = count(stream, rest, time)?;
    sim.stop();
    Ok(cost)
}

/// Reads the answer to the upgrade; returns what came behind it.
fn after_head(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..n]);
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            return Ok(bytes.split_off(end + 4));
        }
        if n == 0 || bytes.len() > 8 * 1024 {
            bail!("no answer to the upgrade");
        }
    }
}

/// Counts frames for so long, after a tenth of it to get going.
fn count(mut stream: TcpStream, first: Vec<u8>, time: Duration) -> Result<f64> {
    let mut frames = Walk::default();
    frames.walk(&first);
    let mut buffer = vec![0; BUFFER];
    let begun = Instant::now();
    let mut counted = None;
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            bail!("the sender ended early");
        }
        frames.walk(&buffer[..n]);
        let elapsed = begun.elapsed();
        match counted {
            None if elapsed >= time / 10 => counted = Some((Instant::now(), frames.seen)),
            Some((since, before)) if elapsed >= time => {
                let seen = frames.seen - before;
                let ns = since.elapsed().as_nanos() as f64 / seen as f64;
                return (seen > 0).then_some(ns).context("no message came");
            }
            _ => {}
        }
    }
}

/// Counts unmasked frames without looking at what they hold.
#[derive(Default)]
struct Walk {
    seen: u64,
    /// Bytes of the payload still to come.
    skip: usize,
    head: Vec<u8>,
}

impl Walk {
    fn walk(&mut self, mut bytes: &[u8]) {
        loop {
            let jump = self.skip.min(bytes.len());
            self.skip -= jump;
            bytes = &bytes[jump..];
            let Some((&next, rest)) = bytes.split_first() else {
                return;
            };
            self.head.push(next);
            bytes = rest;
            if let Some(length) = payload_len(&self.head) {
                self.head.clear();
                (self.seen, self.skip) = (self.seen + 1, length);
            }
        }
    }
}

fn payload_len(head: &[u8]) -> Option<usize> {
    match *head {
        [_, n] if n < 126 => Some(usize::from(n)),
        [_, 126, a, b] => Some(usize::from(u16::from_be_bytes([a, b]))),
        [_, 127, a, b, c, d, e, f, g, h] => usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).ok(),
        _ => None,
    }
}
