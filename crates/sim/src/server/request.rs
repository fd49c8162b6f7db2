//! One request on one connection: whose turn it is, how long it takes, how it ends.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{After, Door, bump, gone, linger, reset, write_answer};
use crate::faults::UpgradeFault;
use crate::http::{Answer, Request};
use crate::push;
use crate::rest::{self, Act, Reply};
use crate::shared::Shared;

/// How often a request that waits for a trade looks for one.
const TRADE_POLL: Duration = Duration::from_millis(10);

/// Serves a request, an upgrade to PUSH included.
pub(super) async fn on_request(
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
        return write_answer(shared, stream, &Answer::bad_host().to(&request.method), true).await;
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
            write_answer(shared, stream, &answer.to(&request.method), close).await
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
        && let Some(handshake) = push::handshake(request, wrong_accept, compression, shared.clock.station_now().s())
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

/// The PUSH line of the verification environment: open and without a word. It takes no part in takeovers.
pub(super) async fn silent(stream: &mut TcpStream, handshake: &[u8], mut heard: Vec<u8>) {
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
