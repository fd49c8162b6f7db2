//! A little HTTP server whose answers a test scripts.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    pub path: String,
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        super::header(&self.head, name)
    }
}

/// What to do with a request.
pub enum Act {
    /// Send these bytes, keep the connection.
    Send(Vec<u8>),
    /// Send these bytes, then close without having announced it.
    SendAndClose(Vec<u8>),
    /// Never answer.
    Hang,
}

/// The running server.
pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    most_at_once: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(act: impl FnMut(&Seen) -> Act + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0", act).expect("loopback")
    }

    /// `None` if this machine has no such address.
    pub fn start_at(address: &str, act: impl FnMut(&Seen) -> Act + Send + 'static) -> Option<Self> {
        let listener = TcpListener::bind(address).ok()?;
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (act, now, most) = (
            Arc::new(Mutex::new(act)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(0)),
        );
        let server = Self {
            port,
            seen: Arc::clone(&seen),
            most_at_once: Arc::clone(&most),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, act, now, most) = (Arc::clone(&seen), Arc::clone(&act), Arc::clone(&now), Arc::clone(&most));
                std::thread::spawn(move || {
                    serve(stream, |request| {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        seen.lock().expect("log").push(request.clone());
                        let act = (act.lock().expect("script"))(request);
                        now.fetch_sub(1, Ordering::SeqCst);
                        act
                    });
                });
            }
        });
        Some(server)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("log").clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.seen().iter().map(|s| format!("{} {}", s.method, s.path)).collect()
    }

    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have come.
    pub fn wait_for(&self, n: usize) {
        let end = Instant::now() + PATIENCE;
        while self.seen.lock().expect("log").len() < n {
            assert!(Instant::now() < end, "only {:?}", self.paths());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn serve(mut stream: TcpStream, mut act: impl FnMut(&Seen) -> Act) {
    stream.set_nodelay(true).expect("nodelay");
    while let Some(request) = read(&mut stream) {
        match act(&request) {
            Act::Send(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
            Act::SendAndClose(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Act::Hang => {
                // Until the client gives up.
                let _ = stream.read(&mut [0]);
                return;
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("ascii");
    let length = super::header(&head, "content-length").map_or(0, |v| v.parse().expect("number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let mut first = head.split(' ');
    let mut word = || first.next().expect("request line").to_owned();
    let (method, path) = (word(), word());
    Some(Seen {
        at: Instant::now(),
        method,
        path,
        head,
        body: String::from_utf8(body).expect("text"),
    })
}

pub fn answer(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub fn json(status: u16, body: &str) -> Act {
    Act::Send(answer(status, "application/json; charset=utf-8", body))
}

pub fn refuse(status: u16, code: i64) -> Act {
    json(status, &format!(r#"{{"Code":{code},"Message":"理由"}}"#))
}
