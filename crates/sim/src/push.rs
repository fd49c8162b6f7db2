//! PUSH: the WebSocket side. One live client; a newer one takes its place.

mod bend;
mod frames;
mod odd;
mod outbox;
mod player;
mod pulse;
mod trouble;
mod write;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ayumi_wire::ws::{self, Opcode};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::sync::Notify;

pub(crate) use self::bend::{Fields, moved};
use self::frames::{ClientFrames, Event};
pub(crate) use self::outbox::Outbox;
pub(crate) use self::player::Player;
pub(crate) use self::trouble::Trouble;
use crate::faults::{Cut, PingHabit, Takeover};
use crate::http::{Request, http_date};
use crate::server::linger;
use crate::shared::{Shared, lock};

/// How long a client that sent a close frame may take to read our answer.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// How often a half-open connection is looked at.
const HALF_OPEN_LOOK: Duration = Duration::from_millis(100);

/// One PUSH connection.
pub(crate) struct Client {
    outbox: Mutex<Outbox>,
    /// Rings for the writer.
    wake: Notify,
    /// Rings for the player when the outbox got shorter.
    pub drained: Notify,
    /// Rings when the connection is to be reset at once.
    killed: Notify,
    /// Rings when nothing is to be read or written any more.
    frozen: Notify,
}

impl Client {
    fn new(handshake: &[u8], trouble: Arc<Trouble>) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(handshake, trouble)),
            wake: Notify::new(),
            drained: Notify::new(),
            killed: Notify::new(),
            frozen: Notify::new(),
        }
    }

    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        lock(&self.outbox)
    }

    /// Tells the writer that something is in the outbox.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Does something to the line.
    pub(crate) fn cut(&self, how: &Cut) {
        match how {
            Cut::Reset => self.kill(),
            Cut::Close(code) => self.outbox().close(*code),
            Cut::CloseWith { code, reason } => self.outbox().close_with(*code, reason),
            Cut::HalfOpen => {
                self.outbox().shut();
                self.frozen.notify_one();
            }
            Cut::Stall => self.outbox().stall(true),
            Cut::Resume => self.outbox().stall(false),
        }
        self.wake();
        self.drained.notify_one();
    }

    /// Ends the connection with a TCP reset, now.
    pub(crate) fn kill(&self) {
        self.outbox().shut();
        self.killed.notify_one();
    }
}

/// The 101 answer at the station's time; `compression` adds an extension nobody may claim.
pub(crate) fn handshake(request: &Request, wrong_accept: bool, compression: bool, unix_s: i64) -> Option<Vec<u8>> {
    let key = request.header("sec-websocket-key").filter(|k| !k.is_empty())?;
    if request.header("sec-websocket-version") != Some("13") || !request.has_token("connection", "upgrade") {
        return None;
    }
    let accept = ws::accept_key(if wrong_accept { "wrong" } else { key });
    let extension = match compression {
        true => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        false => "",
    };
    let date = http_date(unix_s);
    Some(
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nDate: {date}\r\n\
             Server: Microsoft-HTTPAPI/2.0\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n{extension}\r\n"
        )
        .into_bytes(),
    )
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// A close frame went out: FIN follows.
    Closed,
    /// TCP reset.
    Reset,
    /// The socket stays, and nobody looks at it.
    HalfOpen,
    /// The client has gone.
    Gone,
}

/// Serves one PUSH connection to its end. `first` are the bytes the client sent behind its upgrade request.
pub(crate) async fn serve(shared: Arc<Shared>, mut stream: TcpStream, handshake: Vec<u8>, first: Vec<u8>) {
    let client = Arc::new(Client::new(&handshake, Arc::clone(&shared.trouble)));
    let old = shared.take_over(Arc::clone(&client));
    shared.tally.count(|c| {
        c.push_connections += 1;
        c.push_clients_now += 1;
        c.takeovers += u64::from(old.is_some());
    });
    if let Some(old) = old {
        let takeover = shared.station().faults.takeover;
        match takeover {
            Takeover::Close => old.outbox().close(1000),
            Takeover::Starve => old.outbox().stall(true),
        }
        old.wake();
        old.drained.notify_one();
    }
    let ending = {
        let (reader, writer) = stream.split();
        tokio::select! {
            biased;
            () = client.killed.notified() => Ending::Reset,
            () = client.frozen.notified() => Ending::HalfOpen,
            ending = write::write_all(&shared, &client, writer) => ending,
            ending = read_all(&shared, &client, reader, first) => ending,
            ending = pulse::pulse(&shared, &client) => ending,
        }
    };
    let ending = match ending {
        Ending::HalfOpen => half_open(&shared, &client, &stream).await,
        ending => ending,
    };
    left(&shared, &client);
    match ending {
        // An error here means that the client has gone already.
        Ending::Reset => drop(stream.set_zero_linger()),
        Ending::Closed => linger(&mut stream).await,
        Ending::Gone | Ending::HalfOpen => {}
    }
    // Counted before the socket closes: a client that sees the end and comes back must find its place empty.
    drop(stream);
}

fn left(shared: &Shared, client: &Arc<Client>) {
    shared.leave(client);
    let lost = client.outbox().abandon();
    client.drained.notify_one();
    let mut station = shared.station();
    if station.faults.list_lost_after_reconnect {
        station.lose_list();
    }
    drop(station);
    shared.tally.count(|c| {
        c.push_clients_now = c.push_clients_now.saturating_sub(1);
        c.messages_undelivered += lost;
    });
}

/// Holds a socket that nobody reads or writes: the client's bytes fill the system's buffers, and its pings stay without
/// any answer but that of TCP. Ends when the client has closed its side, or when the line is cut.
async fn half_open(shared: &Shared, client: &Client, stream: &TcpStream) -> Ending {
    let lost = client.outbox().forget();
    client.drained.notify_one();
    shared.tally.count(|c| c.messages_undelivered += lost);
    let closed = async {
        while let Ok(ready) = stream.ready(Interest::READABLE).await {
            if ready.is_read_closed() || ready.is_error() {
                break;
            }
            // What stands there to be read keeps the socket ready.
            tokio::time::sleep(HALF_OPEN_LOOK).await;
        }
    };
    tokio::select! {
        biased;
        () = client.killed.notified() => Ending::Reset,
        () = closed => Ending::Gone,
    }
}

async fn read_all(shared: &Shared, client: &Client, mut reader: ReadHalf<'_>, first: Vec<u8>) -> Ending {
    let mut frames = ClientFrames::default();
    let mut buffer = vec![0; 4096];
    let mut events = frames.feed(&first);
    loop {
        for event in events {
            if let Some(ending) = on_event(shared, client, event).await {
                return ending;
            }
        }
        events = match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ending::Gone,
            Ok(n) => frames.feed(&buffer[..n]),
        };
    }
}

async fn on_event(shared: &Shared, client: &Client, event: Event) -> Option<Ending> {
    shared.tally.count(|c| {
        c.client_frames += 1;
        c.pings_received += u64::from(matches!(event, Event::Ping(_)));
        c.pongs_received += u64::from(event == Event::Pong);
        c.client_closes += u64::from(matches!(event, Event::Close(_)));
    });
    match event {
        Event::Data | Event::Pong => None,
        Event::Ping(payload) => {
            let habit = shared.station().faults.ping;
            match habit {
                PingHabit::Silent => None,
                PingHabit::Abort => Some(Ending::Reset),
                PingHabit::Pong => {
                    client.outbox().put_frame(true, Opcode::Pong as u8, &payload);
                    client.wake();
                    None
                }
            }
        }
        // The writer answers; this end only waits until it has, or until the client does not read it.
        Event::Close(code) => {
            let lost = client.outbox().answer_close(code.unwrap_or(1000));
            shared.tally.count(|c| c.messages_undelivered += lost);
            client.wake();
            tokio::time::sleep(CLOSE_TIME).await;
            Some(Ending::Gone)
        }
        Event::Violation => {
            client.outbox().answer_close(1002);
            client.wake();
            tokio::time::sleep(CLOSE_TIME).await;
            Some(Ending::Gone)
        }
    }
}
