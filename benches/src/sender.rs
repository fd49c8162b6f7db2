//! A station reduced to one socket: frames encoded beforehand, sent as fast as the peer takes them.
//!
//! The simulator makes every message when it sends it and costs as much as the worker. Where the worker's limit is
//! asked for, the sender must cost nothing.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ayumi_hot_path::messages::Frames;
use ayumi_wire::ws::accept_key;

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Answer a WebSocket upgrade first.
    pub handshake: bool,
    /// Frames per write.
    pub per_write: usize,
    /// Pause after each write.
    pub pause: Option<Duration>,
    /// Stop after so many frames; `None` = until [`Sender::stop`].
    pub frames: Option<u64>,
}

/// A sender on its own thread, for one connection.
pub struct Sender {
    addr: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct State {
    sent: AtomicU64,
    stop: AtomicBool,
    /// Keep the connection open after the last frame until this is set.
    close: AtomicBool,
}

impl Sender {
    /// Listens on a free port and sends to the first who connects.
    pub fn start(frames: Frames, course: Course) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port to listen on")?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("sender".to_owned())
            .spawn(move || serve(&listener, frames, &course, &shared))?;
        Ok(Self {
            addr,
            state,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Frames written completely.
    pub fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::Acquire)
    }

    /// Sends no further frame; the connection stays open.
    pub fn stop(&self) {
        self.state.stop.store(true, Ordering::Release);
    }

    /// Closes the connection after the last frame and waits for the end.
    ///
    /// # Errors
    /// What the sender's thread met; a peer that went away early is none.
    pub fn finish(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.stop();
        self.state.close.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        // A sender that nobody connected to still waits for its client.
        drop(TcpStream::connect(self.addr));
        thread.join().map_err(|_| anyhow::anyhow!("the sender panicked"))?
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Errors were of interest to `finish` only.
        let _ = self.end();
    }
}

fn serve(listener: &TcpListener, frames: Frames, course: &Course, state: &State) -> Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    if state.close.load(Ordering::Acquire) {
        return Ok(());
    }
    if course.handshake {
        shake(&mut stream)?;
    }
    match send(&mut stream, frames, course, state) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
            return Err(e.into());
        }
        _ => {}
    }
    while course.frames.is_none() && !state.close.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(2));
    }
    // The peer may be gone.
    let _ = stream.shutdown(Shutdown::Write);
    Ok(())
}

fn send(stream: &mut TcpStream, mut frames: Frames, course: &Course, state: &State) -> io::Result<()> {
    let total = course.frames.unwrap_or(u64::MAX);
    let (mut sent, mut at) = (0, 0);
    while sent < total && !state.stop.load(Ordering::Acquire) {
        let left = usize::try_from(total - sent).unwrap_or(usize::MAX);
        let count = course.per_write.min(frames.len() - at).min(left);
        stream.write_all(frames.bytes(at, at + count))?;
        at += count;
        sent += count as u64;
        state.sent.store(sent, Ordering::Release);
        if at == frames.len() {
            at = 0;
            frames.next_lap();
        }
        if let Some(pause) = course.pause {
            std::thread::sleep(pause);
        }
    }
    Ok(())
}

/// Reads the upgrade request and accepts it.
fn shake(stream: &mut TcpStream) -> Result<()> {
    let mut request = Vec::new();
    let mut byte = [0; 512];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut byte)? {
            0 => bail!("the client left during the handshake"),
            n => request.extend_from_slice(&byte[..n]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map(|(_, value)| value.trim());
    let accept = accept_key(key.context("an upgrade request without a key")?);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes())?;
    Ok(())
}
