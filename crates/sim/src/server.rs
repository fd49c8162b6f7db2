//! Sockets: one task per connection. What to answer is decided elsewhere.

mod listen;
mod refuse;
mod request;
mod room;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use self::listen::Listeners;
use self::refuse::refuse;
use self::request::{on_request, silent};
use self::room::Room;
use crate::http::{self, Answer, MAX_BODY, MAX_HEAD, Parsed};
use crate::push;
use crate::rest::Environment;
use crate::shared::Shared;

/// An idle connection is closed after this time, as http.sys does.
const IDLE: Duration = Duration::from_secs(120);
/// With more connections than this, the longest idle one goes; when none is idle, new ones wait.
const MAX_CONNECTIONS: usize = 512;
/// How long a closed connection is drained, so that the client reads the answer and no reset.
const LINGER: Duration = Duration::from_secs(1);

/// Where a connection came in.
#[derive(Clone, Copy)]
struct Door {
    environment: Environment,
    port: u16,
}

/// Accepts until the runtime ends.
pub(crate) async fn serve(shared: Arc<Shared>, listeners: Listeners, environment: Environment) -> io::Result<()> {
    let room = Arc::new(Room::new(MAX_CONNECTIONS));
    let port = listeners.port;
    let door = Door { environment, port };
    if let Some(v6) = listeners.v6 {
        let v6 = TcpListener::from_std(v6)?;
        tokio::spawn(accept(Arc::clone(&shared), door, v6, Arc::clone(&room)));
    }
    accept(shared, door, TcpListener::from_std(listeners.v4)?, room).await;
    Ok(())
}

async fn accept(shared: Arc<Shared>, door: Door, mut listener: TcpListener, room: Arc<Room>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The client has gone already, or the process is out of file handles: pause instead of spinning.
            Err(e) => {
                log::warn!("cannot accept a connection: {e}");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let Some(place) = room.place().await else { return };
        shared.tally.count(|c| c.connections += 1);
        let refusal = shared.station().faults.refuse;
        if let Some(how) = refusal {
            listener = match refuse(&shared, how, stream, place, listener).await {
                Ok(listener) => listener,
                Err(e) => return log::error!("the simulator cannot listen any more: {e}"),
            };
            continue;
        }
        let (shared, room) = (Arc::clone(&shared), Arc::clone(&room));
        tokio::spawn(async move {
            connection(shared, door, &room, stream).await;
            drop(place);
        });
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

async fn connection(shared: Arc<Shared>, door: Door, room: &Room, mut stream: TcpStream) {
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
                let heard = tokio::time::timeout(IDLE, stream.read_buf(&mut buffer));
                match room.idle(heard).await {
                    Some(Ok(Ok(n))) if n > 0 => continue,
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
pub(crate) async fn gone(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
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
