//! A small blocking client: one HTTP connection, one PUSH connection. Every wait has a limit.
#![allow(dead_code)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use ayumi_sim::{Sim, SimConfig, SimHandle};
use ayumi_wire::ws::{self, Opcode};

/// No answer takes longer on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Says what is skipped, past the capture of the test runner.
pub fn skip(why: &str) {
    std::io::stderr()
        .write_all(format!("skipped: {why}\n").as_bytes())
        .unwrap();
}

pub fn start(change: impl FnOnce(&mut SimConfig)) -> SimHandle {
    let mut config = SimConfig {
        token: Some(TOKEN.into()),
        ..SimConfig::default()
    };
    config.faults.rate_limit = false;
    config.faults.answer_at_once();
    change(&mut config);
    Sim::start(config).unwrap()
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub fn connect_v6(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect(SocketAddr::from((Ipv6Addr::LOCALHOST, port)))
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn code(&self) -> i64 {
        let value: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        value["Code"].as_i64().unwrap()
    }
}

/// Bytes from a socket, line by line or in blocks.
pub struct Reader {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

impl Reader {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    fn more(&mut self) -> std::io::Result<()> {
        let mut block = [0; 65_536];
        match self.stream.read(&mut block)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            n => {
                self.buffer.extend_from_slice(&block[..n]);
                Ok(())
            }
        }
    }

    pub fn take(&mut self, n: usize) -> std::io::Result<Vec<u8>> {
        while self.buffer.len() < n {
            self.more()?;
        }
        Ok(self.buffer.drain(..n).collect())
    }

    /// Up to and with the empty line.
    pub fn head(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = self.buffer.drain(..at + 4).collect();
                return Ok(String::from_utf8(head).unwrap());
            }
            self.more()?;
        }
    }

    pub fn answer(&mut self) -> std::io::Result<Answer> {
        let head = self.head()?;
        let status = head[9..12].parse().unwrap();
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("Content-Length: "))
            .map_or(0, |v| v.parse().unwrap());
        let body = String::from_utf8(self.take(length)?).unwrap();
        Ok(Answer { status, head, body })
    }

    /// What is left until the other side closes.
    pub fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        loop {
            match self.more() {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(std::mem::take(&mut self.buffer)),
                Err(e) => return Err(e),
            }
        }
    }
}

pub fn request(method: &str, path: &str, extra: &str, body: &str) -> String {
    format!(
        "{method} /kabusapi{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-API-KEY: {TOKEN}\r\n{extra}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One request on its own connection.
pub fn ask(port: u16, method: &str, path: &str, body: &str) -> Answer {
    send(port, &request(method, path, "Connection: close\r\n", body))
}

pub fn send(port: u16, text: &str) -> Answer {
    let mut reader = Reader::new(connect(port));
    reader.stream.write_all(text.as_bytes()).unwrap();
    reader.answer().unwrap()
}

pub fn register(port: u16, codes: &[&str]) -> Answer {
    let list: Vec<String> = codes
        .iter()
        .map(|c| format!(r#"{{"Symbol":"{c}","Exchange":1}}"#))
        .collect();
    ask(
        port,
        "PUT",
        "/register",
        &format!(r#"{{"Symbols":[{}]}}"#, list.join(",")),
    )
}

pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub fn upgrade_text(extra: &str) -> String {
    format!(
        "GET /kabusapi/websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    )
}

/// A PUSH client.
pub struct Push {
    pub reader: Reader,
    pub head: String,
}

/// One frame.
#[derive(Debug, PartialEq)]
pub struct Frame {
    pub fin: bool,
    pub opcode: u8,
    pub payload: Vec<u8>,
}

impl Push {
    pub fn open(port: u16) -> Self {
        Self::on(connect(port), "")
    }

    pub fn on(stream: TcpStream, extra: &str) -> Self {
        let mut reader = Reader::new(stream);
        reader.stream.write_all(upgrade_text(extra).as_bytes()).unwrap();
        let head = reader.head().unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self { reader, head }
    }

    pub fn frame(&mut self) -> std::io::Result<Frame> {
        let head = self.reader.take(2)?;
        assert_eq!(head[1] & 0x80, 0, "a server must not mask");
        let length = match head[1] {
            126 => self.reader.take(2)?,
            127 => self.reader.take(8)?,
            n => vec![n],
        };
        let length = length.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
        Ok(Frame {
            fin: head[0] & 0x80 != 0,
            opcode: head[0] & 0x7F,
            payload: self.reader.take(length)?,
        })
    }

    /// The next text message, which must be one whole frame.
    pub fn text(&mut self) -> String {
        let frame = self.frame().unwrap();
        assert_eq!((frame.fin, frame.opcode), (true, 1), "{frame:?}");
        String::from_utf8(frame.payload).unwrap()
    }

    pub fn send(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut bytes = Vec::new();
        ws::put_frame(&mut bytes, true, opcode, Some([7, 8, 9, 10]), payload);
        self.reader.stream.write_all(&bytes).unwrap();
    }
}
