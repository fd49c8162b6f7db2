//! Stage 3: from the socket to whole messages.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ayumi_hot_path::messages::{self, Frames};
use ayumi_station::push::frames::{FrameReader, Step};
use ayumi_station::push::{self, Filled, PushConfig};
use tokio::net::TcpSocket;

use crate::cpu;
use crate::plan::Plan;
use crate::rounds::{Candidate, Series, interleave};
use crate::sender::{Course, Sender};
use crate::table::{Section, Table};

/// Size of one read, as the worker's.
const BUFFER: usize = 256 << 10;
/// Kernel buffer, as the worker's.
const KERNEL_BUFFER: u32 = 4 << 20;

/// The worker's receive in a flood, ns per message, once.
pub fn once(frames: &Frames) -> Result<f64> {
    let course = Course {
        handshake: true,
        per_write: 64,
        pause: None,
        frames: Some(20_000),
    };
    one_run(frames, course, push_line)
}

/// Measures a flood and two calmer regimes.
pub fn run(plan: &Plan) -> Result<Section> {
    let frames = Frames::new(&messages::symbols(50), 2_000);
    let flood = Course {
        handshake: false,
        per_write: 64,
        pause: None,
        frames: Some(plan.spin(40_000) as u64),
    };
    let spaced = |us, count| Course {
        per_write: 1,
        pause: Some(Duration::from_micros(us)),
        frames: Some(plan.spin(count) as u64),
        ..flood
    };
    let courses = [
        ("in a flood", flood, plan.rounds.div_ceil(2).max(7)),
        ("every 0.25 ms", spaced(200, 1_000), 7),
        ("every 3.3 ms (300/s)", spaced(3_250, 80), 7),
    ];
    let mut table = Table::new([
        "messages come",
        "bare TCP, blocking",
        "bare TCP, tokio",
        "FrameReader, blocking",
        "PushLine",
        "PushLine / bare tokio (goal 3.3x; 1.25x)",
    ]);
    for (name, course, rounds) in courses {
        let [blocking, bare, reader, line] = measure(&frames, course, rounds)?;
        table.row([
            name.to_owned(),
            blocking.time(),
            bare.time(),
            reader.time(),
            line.time(),
            line.over(&bare).ratio(),
        ]);
    }
    Ok(Section {
        title: "WebSocket receive",
        notes: vec![format!(
            "CPU time of the receiving thread per message of {:.0} bytes, kernel included; the sender is another \
             thread with frames encoded beforehand. *PushLine* is what the worker uses. In a flood a read brings \
             many messages; otherwise each costs a wake-up and a read of its own, and the longer the pause, the more \
             of the caches is lost meanwhile: the daily case.",
            frames.mean_len()
        )],
        tables: vec![table],
    })
}

fn measure(frames: &Frames, course: Course, rounds: usize) -> Result<[Series; 4]> {
    type Receive = fn(&Sender, u64) -> Result<()>;
    let receivers: [(Receive, bool); 4] = [
        (bare_blocking, false),
        (bare_tokio, false),
        (frame_reader, false),
        (push_line, true),
    ];
    let mut failed = None;
    let failure = std::cell::RefCell::new(&mut failed);
    let mut candidates: Vec<Candidate<'_>> = Vec::new();
    for (receive, handshake) in receivers {
        let failure = &failure;
        candidates.push(Box::new(move || {
            one_run(frames, Course { handshake, ..course }, receive).unwrap_or_else(|error| {
                failure.borrow_mut().get_or_insert(error);
                f64::NAN
            })
        }));
    }
    let series = interleave(rounds, &mut candidates);
    drop(candidates);
    match failed {
        Some(error) => Err(error.context("receive")),
        None => series.try_into().ok().context("as many series as candidates"),
    }
}

/// ns per message on this thread.
fn one_run(frames: &Frames, course: Course, receive: impl Fn(&Sender, u64) -> Result<()>) -> Result<f64> {
    let sender = Sender::start(frames.clone(), course)?;
    let count = course.frames.unwrap_or_default();
    let start = cpu::thread_ns();
    receive(&sender, count)?;
    let used = cpu::thread_ns() - start;
    sender.finish()?;
    Ok(used as f64 / count as f64)
}

fn bare_blocking(sender: &Sender, _count: u64) -> Result<()> {
    let mut stream = connect_blocking(sender)?;
    let mut buffer = vec![0; BUFFER];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn bare_tokio(sender: &Sender, _count: u64) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    in_runtime(async {
        let stream = connect(sender).await?;
        loop {
            stream.readable().await?;
            loop {
                match stream.try_read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(e) => return Err(e.into()),
                }
            }
        }
    })
}

fn frame_reader(sender: &Sender, count: u64) -> Result<()> {
    let mut stream = connect_blocking(sender)?;
    let mut reader = FrameReader::new(1 << 20);
    let mut seen = 0;
    loop {
        let n = stream.read(reader.space())?;
        if n == 0 {
            break;
        }
        reader.filled(n);
        while let Some(step) = reader.step().map_err(|broken| anyhow::anyhow!(broken.0))? {
            if let Step::Text(span) = step {
                std::hint::black_box(reader.bytes(span));
                seen += 1;
            }
        }
    }
    ensure!(seen == count, "{seen} messages of {count}");
    Ok(())
}

fn push_line(sender: &Sender, count: u64) -> Result<()> {
    let config = PushConfig {
        host: "127.0.0.1".to_owned(),
        port: sender.addr().port(),
        ..PushConfig::default()
    };
    in_runtime(async {
        let mut line = push::connect(&config).await?;
        let mut seen = 0;
        while seen < count {
            line.readable().await?;
            loop {
                let filled = line.fill();
                while let Some(incoming) = line.next()? {
                    std::hint::black_box(incoming);
                    seen += 1;
                }
                match filled {
                    Ok(Filled::Some(_)) => {}
                    Ok(Filled::WouldBlock) => break,
                    // The sender ends when it has sent everything.
                    Err(_) if seen == count => return Ok(()),
                    Err(lost) => return Err(lost.into()),
                }
            }
        }
        Ok(())
    })
}

async fn connect(sender: &Sender) -> Result<tokio::net::TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(KERNEL_BUFFER)?;
    Ok(socket.connect(sender.addr()).await?)
}

/// By way of tokio, because the standard library cannot size the kernel's buffer.
fn connect_blocking(sender: &Sender) -> Result<TcpStream> {
    let stream = in_runtime(async { Ok(connect(sender).await?.into_std()?) })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

fn in_runtime<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
