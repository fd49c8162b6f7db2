//! Connections that are refused ([`Refusal`]): what the client sees, and listening again afterwards.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use super::listen::listen;
use super::{gone, linger};
use crate::faults::Refusal;
use crate::shared::Shared;

/// How often a closed port looks whether it may be opened again.
const LOOK: Duration = Duration::from_millis(20);

/// Turns a connection away; gives back the listener, another one if the port was closed meanwhile.
pub(super) async fn refuse(
    shared: &Arc<Shared>,
    how: Refusal,
    mut stream: TcpStream,
    place: OwnedSemaphorePermit,
    listener: TcpListener,
) -> io::Result<TcpListener> {
    shared.tally.count(|c| c.note_fault("refuse"));
    match how {
        Refusal::Reset | Refusal::Closed => {
            // An error means that the client has gone already.
            drop(stream.set_zero_linger());
            drop(stream);
        }
        Refusal::Fin => drop(tokio::spawn(async move {
            linger(&mut stream).await;
            drop(place);
        })),
        Refusal::Silent => drop(tokio::spawn(async move {
            gone(&mut stream, &mut Vec::new()).await;
            drop(place);
        })),
    }
    match how {
        Refusal::Closed => closed(shared, listener).await,
        _ => Ok(listener),
    }
}

/// Nobody listens until the fault has gone. Another program that took the port meanwhile is waited for.
async fn closed(shared: &Shared, listener: TcpListener) -> io::Result<TcpListener> {
    let address = listener.local_addr()?;
    drop(listener);
    log::info!("{address} is closed");
    while shared.station().faults.refuse == Some(Refusal::Closed) {
        tokio::time::sleep(LOOK).await;
    }
    let mut told = false;
    loop {
        match open(address) {
            Ok(listener) => return Ok(listener),
            Err(e) if !told => {
                log::warn!("{address} cannot be opened again yet: {e}");
                told = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(listen(address)?)
}
