//! Sockets: listening on both loopback families, and one task per connection. What to answer is decided elsewhere.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::config::SimError;
use crate::faults::UpgradeFault;
use crate::http::{self, Answer, MAX_BODY, MAX_HEAD, Parsed, Request};
use crate::push;
use crate::rest::{self, Act, Environment, Reply};
use crate::shared::Shared;

/// An idle connection is closed after this time, as http.sys does.
const IDLE: Duration = Duration::from_secs(120);
/// More connections than this wait to be accepted.
const MAX_CONNECTIONS: usize = 512;
/// Ports tried when any will do but one family has it taken.
const PORT_TRIES: usize = 20;
/// How often a request that waits for a trade looks for one.
const TRADE_POLL: Duration = Duration::from_millis(10);
/// How long a closed connection is drained, so that the client reads the answer and no reset.
const LINGER: Duration = Duration::from_secs(1);

/// Both listeners and their port.
pub(crate) struct Listeners {
    pub port: u16,
    v4: std::net::TcpListener,
    /// Absent on a machine without IPv6.
    v6: Option<std::net::TcpListener>,
}

impl Listeners {
    /// Listens on 127.0.0.1 and ::1 with the same port; 0 = any free one.
    pub(crate) fn bind(port: u16) -> Result<Self, SimError> {
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::AddrInUse => SimError::PortTaken { port },
            _ => SimError::Listen { port, source: e },
        };
        if port != 0 && answers(port) {
            return Err(SimError::PortTaken { port });
        }
        let mut tries = if port == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            let v4 = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(failed)?;
            let found = v4.local_addr().map_err(failed)?.port();
            match listen(SocketAddr::from((Ipv6Addr::LOCALHOST, found))) {
                Ok(v6) => {
                    return Ok(Self {
                        port: found,
                        v4,
                        v6: Some(v6),
                    });
                }
                Err(e) if e.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(failed(e)),
                Err(e) => {
                    log::info!("no IPv6 loopback here ({e}); listening on 127.0.0.1 only");
                    return Ok(Self {
                        port: found,
                        v4,
                        v6: None,
                    });
                }
            }
        }
    }
}

/// On Windows a wildcard listener (the real station's http.sys) does not stop others from binding to the loopback
/// address, so its port is tried first. Elsewhere binding tells.
fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    cfg!(windows) && std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok()
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // So that a simulator can be restarted on its port at once. On Windows the option would let two programs share it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

/// Where a connection came in.
#[derive(Clone, Copy)]
struct Door {
    environment: Environment,
    port: u16,
}

/// Accepts until the runtime ends.
pub(crate) async fn serve(shared: Arc<Shared>, listeners: Listeners, environment: Environment) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let port = listeners.port;
    let door = Door { environment, port };
    if let Some(v6) = listeners.v6 {
        let v6 = TcpListener::from_std(v6)?;
        tokio::spawn(accept(Arc::clone(&shared), door, v6, Arc::clone(&room)));
    }
    accept(shared, door, TcpListener::from_std(listeners.v4)?, room).await;
    Ok(())
}

async fn accept(shared: Arc<Shared>, door: Door, listener: TcpListener, room: Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                shared.tally.count(|c| c.connections += 1);
                tokio::spawn(async move {
                    connection(shared, door, stream).await;
                    drop(place);
                });
            }
            // The client has gone already, or the process is out of file handles: pause instead of spinning.
            Err(e) => {
                log::warn!("cannot accept a connection: {e}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// What follows a request.
enum After {
    KeepAlive,
    /// The answer is out: FIN, then drain.
    Close,
    /// Nothing more to say.
    Drop,
    Upgrade(Vec<u8>),
}

async fn connection(shared: Arc<Shared>, door: Door, mut stream: TcpStream) {
    // An error here costs speed only.
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(4096);
    let mut continued = false;
    loop {
        let after = match http::parse(&buffer) {
            Parsed::Incomplete { expects } => {
                if expects && !continued {
                    continued = true;
                    if stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err() {
                        return;
                    }
                }
                match tokio::time::timeout(IDLE, stream.read_buf(&mut buffer)).await {
                    Ok(Ok(n)) if n > 0 => continue,
                    _ => return,
                }
            }
            Parsed::Refused(answer) => {
                shared.tally.count(|c| bump(&mut c.rest_statuses, answer.status));
                write_answer(&shared, &mut stream, &answer, true).await
            }
            Parsed::Request(request, taken) => {
                buffer.drain(..taken);
                continued = false;
                on_request(&shared, door, &mut stream, &mut buffer, &request).await
            }
        };
        match after {
            After::KeepAlive => {}
            After::Close => return linger(&mut stream).await,
            After::Drop => return,
            After::Upgrade(handshake) => match door.environment {
                Environment::Production => return push::serve(shared, stream, handshake, buffer).await,
                Environment::Verification => return silent(&mut stream, &handshake, buffer).await,
            },
        }
    }
}

/// The PUSH line of the verification environment: open and without a word. It takes no part in takeovers.
async fn silent(stream: &mut TcpStream, handshake: &[u8], mut heard: Vec<u8>) {
    const CLOSE: u8 = 8;
    if stream.write_all(handshake).await.is_err() {
        return;
    }
    loop {
        // Clients never send but to close, so a close frame comes first in what is read.
        if heard.first().is_some_and(|byte| byte & 0x0F == CLOSE) {
            if stream.write_all(&[0x80 | CLOSE, 0]).await.is_ok() {
                linger(stream).await;
            }
            return;
        }
        heard.clear();
        if !matches!(stream.read_buf(&mut heard).await, Ok(n) if n > 0) {
            return;
        }
    }
}

async fn on_request(
    shared: &Shared,
    door: Door,
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    request: &Request,
) -> After {
    let path = request.path();
    let upgrade = rest::api_path(&path).is_some_and(|p| p.eq_ignore_ascii_case("/websocket"))
        && request.method == "GET"
        && request.has_token("upgrade", "websocket");
    let checked = shared.station().faults.host_rule;
    if checked && !rest::host_is_local(request, door.port) {
        shared.tally.count(|c| {
            c.bad_hosts += 1;
            c.push_refused += u64::from(upgrade);
            bump(&mut c.rest_statuses, 400);
        });
        return write_answer(shared, stream, &Answer::bad_host(), true).await;
    }
    if upgrade {
        return on_upgrade(shared, stream, buffer, request).await;
    }
    shared
        .tally
        .count(|c| bump(&mut c.rest_requests, rest::counted_as(request)));
    match worked_at(shared, door, stream, buffer, request).await {
        Some(act) => finish(shared, stream, buffer, request, act).await,
        None => After::Drop,
    }
}

/// Lets the station work at a request, in its turn; `None` = the client has gone meanwhile.
async fn worked_at(
    shared: &Shared,
    door: Door,
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    request: &Request,
) -> Option<Act> {
    let (serial, tape) = {
        let mut station = shared.station();
        (station.faults.serial, station.tape_turn(request))
    };
    let _turn = match serial {
        true => Some(shared.desk.lock().await),
        false => None,
    };
    let _tape_turn = match &tape {
        Some(tape) => Some(tape.lock().await),
        None => None,
    };
    let reply = shared.station().answer(Instant::now(), door.environment, request);
    // Registering may start the source.
    shared.audience.notify_one();
    if !reply.delay.is_zero() {
        tokio::select! {
            () = waited(shared, &reply) => {}
            () = gone(stream, buffer) => return None,
        }
    }
    Some(match reply.act {
        Act::NextTrade { symbol, .. } => Act::Answer(shared.station().tape(&symbol)),
        act => act,
    })
}

/// Waits as long as a reply takes.
async fn waited(shared: &Shared, reply: &Reply) {
    let until = tokio::time::Instant::now() + reply.delay;
    let Act::NextTrade { symbol, known } = &reply.act else {
        return tokio::time::sleep_until(until).await;
    };
    while tokio::time::Instant::now() < until && shared.station().trades(symbol) <= *known {
        tokio::time::sleep(TRADE_POLL.min(until - tokio::time::Instant::now())).await;
    }
}

async fn finish(shared: &Shared, stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &Request, act: Act) -> After {
    match act {
        Act::Answer(answer) => {
            shared.tally.count(|c| {
                bump(&mut c.rest_statuses, answer.status);
                c.rate_limited += u64::from(answer.status == 429);
            });
            let close = !request.keep_alive || answer.ends_connection();
            write_answer(shared, stream, &answer, close).await
        }
        Act::Truncated(answer, bytes) => {
            let whole = answer.write(true, shared.clock.station_now().s());
            let part = &whole[..bytes.min(whole.len())];
            match stream.write_all(part).await {
                Ok(()) => After::Close,
                Err(_) => After::Drop,
            }
        }
        // Answered by now; a wait without an end would look like this.
        Act::Never | Act::NextTrade { .. } => {
            gone(stream, buffer).await;
            After::Drop
        }
        Act::Reset => reset(stream),
    }
}

async fn on_upgrade(shared: &Shared, stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &Request) -> After {
    let fault = shared.station().faults.upgrade.clone();
    let wrong_accept = fault == Some(UpgradeFault::WrongAccept);
    let compression = fault == Some(UpgradeFault::Compression);
    if (fault.is_none() || wrong_accept || compression)
        && let Some(handshake) = push::handshake(request, wrong_accept, compression)
    {
        return After::Upgrade(handshake);
    }
    shared.tally.count(|c| c.push_refused += 1);
    match fault {
        Some(UpgradeFault::Status(status)) => {
            let code = match status {
                401 => 4_001_009,
                403 => 4_001_008,
                _ => 4_001_001,
            };
            write_answer(shared, stream, &Answer::error(status, code), true).await
        }
        Some(UpgradeFault::Garbage(bytes)) => match stream.write_all(&bytes).await {
            Ok(()) => After::Close,
            Err(_) => After::Drop,
        },
        Some(UpgradeFault::Never) => {
            gone(stream, buffer).await;
            After::Drop
        }
        Some(UpgradeFault::Reset) => reset(stream),
        Some(UpgradeFault::Html) => write_answer(shared, stream, &Answer::bad_host(), true).await,
        // No fault: the client's handshake was not one.
        None | Some(UpgradeFault::WrongAccept | UpgradeFault::Compression) => {
            write_answer(shared, stream, &Answer::html(400, "Bad Request"), true).await
        }
    }
}

async fn write_answer(shared: &Shared, stream: &mut TcpStream, answer: &Answer, close: bool) -> After {
    match stream
        .write_all(&answer.write(close, shared.clock.station_now().s()))
        .await
    {
        Ok(()) if close => After::Close,
        Ok(()) => After::KeepAlive,
        Err(_) => After::Drop,
    }
}

fn reset(stream: &TcpStream) -> After {
    // An error means that the client has gone already.
    drop(stream.set_zero_linger());
    After::Drop
}

/// Returns when the client has closed the connection. What it sends meanwhile waits in the buffer, within the limit.
async fn gone(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    while buffer.len() < MAX_HEAD + MAX_BODY {
        match stream.read_buf(buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    std::future::pending::<()>().await;
}

/// Sends FIN and reads until the client does, for a second at most: closing over unread bytes would be a reset.
pub(crate) async fn linger(stream: &mut TcpStream) {
    let drain = async {
        let mut sink = [0; 4096];
        if stream.shutdown().await.is_ok() {
            while matches!(stream.read(&mut sink).await, Ok(n) if n > 0) {}
        }
    };
    // The limit is the outcome when the client keeps talking.
    let _ = tokio::time::timeout(LINGER, drain).await;
}

fn bump<K: Ord>(map: &mut std::collections::BTreeMap<K, u64>, key: K) {
    *map.entry(key).or_default() += 1;
}

/// Unix seconds of the machine's clock; 0 before 1970.
pub(crate) fn unix_now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}
