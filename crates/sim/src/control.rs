//! The control port: counters to read and wait on, faults to change, actions to do, over plain HTTP on loopback.
//!
//! It is no part of the simulated station: another port, other rules. Web pages in a browser are kept out: the Host must
//! be this machine, changes must be JSON (which a page of another origin may not send without asking), a foreign Origin
//! is refused, and no answer allows sharing.

mod page;
mod query;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use self::page::Page;
use crate::action::{self, Action, What};
use crate::config::Speed;
use crate::http::{self, Parsed, Request};
use crate::server::{Listeners, gone, linger};
use crate::shared::Shared;

/// An idle connection is closed after this time.
const IDLE: Duration = Duration::from_secs(120);
/// More connections than this wait to be accepted.
const MAX_CONNECTIONS: usize = 64;
/// How long `/wait` waits unless told otherwise, ms.
const USUAL_WAIT: u64 = 10_000;
/// How long it waits at most, ms.
const LONGEST_WAIT: u64 = 600_000;
/// How soon `/wait` looks again at most.
const LOOK: Duration = Duration::from_millis(2);

/// Accepts until the runtime ends.
pub(crate) async fn serve(shared: Arc<Shared>, listeners: Listeners) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let port = listeners.port;
    if let Some(v6) = listeners.v6 {
        let v6 = TcpListener::from_std(v6)?;
        tokio::spawn(accept(Arc::clone(&shared), v6, port, Arc::clone(&room)));
    }
    accept(shared, TcpListener::from_std(listeners.v4)?, port, room).await;
    Ok(())
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, port: u16, room: Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    connection(&shared, stream, port).await;
                    drop(place);
                });
            }
            Err(e) => {
                log::warn!("cannot accept a connection on the control port: {e}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection(shared: &Shared, mut stream: TcpStream, port: u16) {
    let mut buffer = Vec::with_capacity(4096);
    let (mut continued, mut head) = (false, false);
    loop {
        let (page, close) = match http::parse(&buffer) {
            Parsed::Incomplete { expects } => {
                if expects && !std::mem::replace(&mut continued, true) {
                    // The read below finds out when the client has gone.
                    let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
                }
                match tokio::time::timeout(IDLE, stream.read_buf(&mut buffer)).await {
                    Ok(Ok(n)) if n > 0 => continue,
                    _ => return,
                }
            }
            Parsed::Refused(answer) => (Page::error(answer.status, "this is no request that can be read"), true),
            Parsed::Request(request, taken) => {
                buffer.drain(..taken);
                continued = false;
                head = request.method == "HEAD";
                let page = match waits(port, &request) {
                    true => wait(shared, &mut stream, &mut buffer, &request).await,
                    false => Some(answer(shared, port, &request)),
                };
                let Some(page) = page else { return };
                (page, !request.keep_alive)
            }
        };
        if stream.write_all(&page.write(close, head)).await.is_err() {
            return;
        }
        if close {
            return linger(&mut stream).await;
        }
    }
}

/// True for a request that is answered later.
fn waits(port: u16, request: &Request) -> bool {
    request.method == "GET" && request.path() == "/wait" && refusal(request, port).is_none()
}

fn answer(shared: &Shared, port: u16, request: &Request) -> Page {
    if let Some(refusal) = refusal(request, port) {
        return refusal;
    }
    let path = request.path();
    match (request.method.as_str(), path.as_str()) {
        ("GET" | "HEAD", "/") => Page::help(port),
        ("GET", "/counters") => Page::json(200, &query::counters(shared)),
        ("GET", "/symbols") => Page::json(200, &shared.station().listed()),
        ("GET", "/clock") => Page::json(200, &clock(shared)),
        ("GET", "/faults") => Page::json(200, &action::as_json(&shared.station().faults)),
        ("PATCH" | "PUT", "/faults") => change_faults(shared, request),
        ("POST", "/do") => act(shared, request),
        (_, "/" | "/counters" | "/symbols" | "/clock" | "/faults" | "/wait" | "/do") => {
            Page::error(405, "GET / tells which methods there are")
        }
        _ => Page::error(404, "GET / tells what there is"),
    }
}

/// Why a request is not even looked at.
fn refusal(request: &Request, port: u16) -> Option<Page> {
    if !is_this_machine(request.header("host").unwrap_or_default(), port) {
        return Some(Page::error(
            403,
            "the Host must be localhost, 127.0.0.1 or [::1] with this port",
        ));
    }
    if matches!(request.method.as_str(), "GET" | "HEAD") {
        return None;
    }
    let own = |origin: &str| {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| is_this_machine(host, port))
    };
    if request.header("origin").is_some_and(|origin| !own(origin)) {
        return Some(Page::error(
            403,
            "web pages of another origin may not change anything here",
        ));
    }
    let media = request.header("content-type").and_then(|v| v.split(';').next());
    match media.is_some_and(|m| m.trim().eq_ignore_ascii_case("application/json")) {
        true => None,
        false => Some(Page::error(
            415,
            "send JSON and say so: header Content-Type: application/json (PowerShell: -ContentType application/json)",
        )),
    }
}

/// The station's Host rule is stricter; here everything that means this machine is right.
fn is_this_machine(host: &str, port: u16) -> bool {
    let name = host.strip_suffix(&format!(":{port}")).unwrap_or(host);
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

fn clock(shared: &Shared) -> Value {
    let (now, station) = (shared.now(), shared.clock.station_now());
    let speed = match shared.speed {
        Speed::Times(factor) => json!(factor),
        Speed::Full => json!("full"),
    };
    json!({
        "now": ayumi_wire::jst::iso_ms(now.ms()),
        "unix_ms": now.ms(),
        "station": ayumi_wire::jst::iso_ms(station.ms()),
        "running": shared.clock.is_running(),
        "speed": speed,
    })
}

fn change_faults(shared: &Shared, request: &Request) -> Page {
    let change = match action::json(&String::from_utf8_lossy(&request.body)) {
        Ok(Value::Object(change)) => change,
        Ok(_) => return Page::error(400, "an object with the faults to change, like {\"reset_after\": 100}"),
        Err(e) => return Page::error(400, &format!("no JSON: {e}")),
    };
    match shared.act(&What::Faults(change).into(), shared.now()) {
        Ok(()) => Page::json(200, &action::as_json(&shared.station().faults)),
        Err(problems) => Page::problems(&problems),
    }
}

fn act(shared: &Shared, request: &Request) -> Page {
    let text = String::from_utf8_lossy(&request.body);
    let actions = match Action::parse(&text) {
        Ok(actions) => actions,
        Err(problems) => return Page::problems(&problems),
    };
    let now = shared.now();
    let mut done = Vec::new();
    for action in &actions {
        match shared.act(action, now) {
            Ok(()) => done.push(Value::from(action.to_string())),
            Err(problems) => return Page::problems(&problems),
        }
    }
    Page::json(200, &json!({"done": done, "now": ayumi_wire::jst::iso_ms(now.ms())}))
}

/// Waits; `None` = the client has gone.
async fn wait(shared: &Shared, stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &Request) -> Option<Page> {
    let asked = match query::Wait::read(&request.target) {
        Ok(asked) => asked,
        Err(what) => return Some(Page::error(400, &what)),
    };
    let deadline = Instant::now() + Duration::from_millis(asked.timeout_ms);
    tokio::select! {
        biased;
        page = counted(shared, &asked, deadline) => Some(page),
        () = gone(stream, buffer) => None,
    }
}

async fn counted(shared: &Shared, asked: &query::Wait, deadline: Instant) -> Page {
    loop {
        // Asked for before the look: no change between the two is missed.
        let change = shared.tally.next_change();
        tokio::pin!(change);
        change.as_mut().enable();
        let value = match shared.tally.look(|all| query::counter(all, &asked.counter)) {
            Ok(value) => value,
            Err(what) => return Page::error(404, &what),
        };
        let reached = value.is_some_and(|value| value >= asked.at_least);
        if reached || Instant::now() >= deadline {
            let status = if reached { 200 } else { 408 };
            return Page::json(
                status,
                &json!({"counter": asked.counter, "value": value, "reached": reached}),
            );
        }
        // When the time is over, the next look says so.
        let _ = tokio::time::timeout_at(deadline.into(), change).await;
        // At full speed something changes all the time.
        tokio::time::sleep(LOOK).await;
    }
}
