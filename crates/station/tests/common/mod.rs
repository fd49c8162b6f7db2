//! Peers on real sockets that do exactly what a test says, odd bytes included.
#![allow(dead_code)] // each test binary uses its part

pub mod http;
pub mod rest;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use ayumi_station::{Filled, Incoming, LineLost, PushConfig, PushLine};
use ayumi_wire::ws::{Opcode, accept_key, put_frame};

/// Nothing in these tests takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A peer that serves one connection with `script`.
pub fn peer<T: Send + 'static>(script: impl FnOnce(TcpStream) -> T + Send + 'static) -> (u16, JoinHandle<T>) {
    peer_at("127.0.0.1:0", script).expect("loopback")
}

/// The same at an address; `None` if this machine has no such address.
pub fn peer_at<T: Send + 'static>(
    address: &str,
    script: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> Option<(u16, JoinHandle<T>)> {
    let listener = TcpListener::bind(address).ok()?;
    let port = listener.local_addr().expect("bound").port();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        script(stream)
    });
    Some((port, thread))
}

/// A port on which nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .expect("loopback")
        .local_addr()
        .expect("bound")
        .port()
}

/// Reads the upgrade request.
pub fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).expect("request") == 0 {
            break;
        }
        request.push(byte[0]);
    }
    String::from_utf8(request).expect("ascii")
}

/// The right 101 answer to a request.
pub fn welcome(request: &str) -> Vec<u8> {
    let key = header(request, "sec-websocket-key").expect("key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nServer: Microsoft-HTTPAPI/2.0\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept_key(key)
    )
    .into_bytes()
}

/// Reads the request and answers 101.
pub fn upgrade(stream: &mut TcpStream) -> String {
    let request = read_request(stream);
    stream.write_all(&welcome(&request)).expect("answer");
    request
}

/// A header's value, name in lower case.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().skip(1).find_map(|line| {
        let (n, v) = line.split_once(':')?;
        n.eq_ignore_ascii_case(name).then(|| v.trim())
    })
}

pub fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, true, opcode, None, payload);
    out
}

/// One frame of the client: opcode bits and unmasked payload. `None` at the end of the connection.
pub fn client_frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).ok()?;
    assert_eq!(head[1] & 0x80, 0x80, "clients mask");
    let mut payload = vec![0; usize::from(head[1] & 0x7F)];
    assert!(payload.len() < 126, "clients send only control frames");
    stream.read_exact(&mut payload).ok()?;
    for (i, byte) in payload.iter_mut().enumerate() {
        *byte ^= head[2 + i % 4];
    }
    Some((head[0] & 0x0F, payload))
}

pub fn config(port: u16) -> PushConfig {
    PushConfig {
        port,
        connect_timeout: PATIENCE,
        ..PushConfig::default()
    }
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("a test that hangs") })
}

/// A message with its bytes copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    TooLong(u64),
}

/// The next message, in the intended loop.
pub async fn next(line: &mut PushLine) -> Result<Got, LineLost> {
    loop {
        if let Some(message) = line.next()? {
            return Ok(match message {
                Incoming::Text(bytes) => Got::Text(bytes.to_vec()),
                Incoming::Binary(bytes) => Got::Binary(bytes.to_vec()),
                Incoming::TooLong(bytes) => Got::TooLong(bytes),
            });
        }
        if line.fill()? == Filled::WouldBlock {
            line.readable().await.expect("runtime");
        }
    }
}

/// Everything until the line is lost.
pub async fn until_lost(line: &mut PushLine) -> (Vec<Got>, LineLost) {
    let mut all = Vec::new();
    loop {
        match next(line).await {
            Ok(message) => all.push(message),
            Err(lost) => return (all, lost),
        }
    }
}
