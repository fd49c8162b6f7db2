//! The other program that takes the client's place: a real PUSH connection to ourselves.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::faults::Takeover;
use crate::shared::Shared;

/// How long the station may take to let the ghost in.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects, takes over, reads everything for `stay`, and goes.
pub(crate) async fn haunt(shared: Arc<Shared>, takeover: Option<Takeover>, stay: Duration) {
    let exorcism = Arc::clone(&shared.stage().exorcism);
    let told_to_go = exorcism.notified();
    tokio::pin!(told_to_go);
    told_to_go.as_mut().enable();
    let usual = takeover.map(|wanted| (wanted, std::mem::replace(&mut shared.station().faults.takeover, wanted)));
    let entered = tokio::time::timeout(PATIENCE, enter(shared.port)).await;
    if let Some((wanted, usual)) = usual {
        let mut station = shared.station();
        // Unless somebody has changed it meanwhile.
        if station.faults.takeover == wanted {
            station.faults.takeover = usual;
        }
    }
    match entered {
        Ok(Ok(mut stream)) => {
            tokio::select! {
                () = told_to_go => {}
                () = tokio::time::sleep(stay) => {}
                () = drain(&mut stream) => {}
            }
        }
        Ok(Err(e)) => log::warn!("the other client cannot connect: {e}"),
        Err(_) => log::warn!("the other client gets no answer"),
    }
}

/// The takeover has happened when the first byte of the answer is there.
async fn enter(port: u16) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!(
        "GET /kabusapi/websocket HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: Z2hvc3QgY2xpZW50IDAwMQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    match &head {
        b"HTTP/1.1 101" => Ok(stream),
        other => Err(std::io::Error::other(String::from_utf8_lossy(other).into_owned())),
    }
}

async fn drain(stream: &mut TcpStream) {
    let mut sink = vec![0; 64 * 1024];
    while matches!(stream.read(&mut sink).await, Ok(n) if n > 0) {}
}
