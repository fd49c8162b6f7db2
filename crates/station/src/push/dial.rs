//! A TCP connection to the station: which addresses, which socket options, both loopback families.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use super::{ConnectError, PushConfig};
use crate::endpoint;

/// How long the first address may keep us waiting before the second is tried beside it.
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to the first address that answers. Dropping the future drops both attempts.
pub(super) async fn dial(config: &PushConfig) -> Result<TcpStream, ConnectError> {
    let (first, second) = addresses(config).await?;
    let wish = config.receive_buffer;
    let connected = match second {
        None => open(first, wish).await,
        Some(second) => race(first, second, wish).await,
    };
    connected.map_err(|e| ConnectError::from_io(&e))
}

/// The addresses of the host, at most one per family, in the resolver's order.
async fn addresses(config: &PushConfig) -> Result<(SocketAddr, Option<SocketAddr>), ConnectError> {
    if let Some([first, second]) = endpoint::loopback(&config.host, config.port) {
        return Ok((first, Some(second)));
    }
    let found: Vec<SocketAddr> = tokio::net::lookup_host((endpoint::bare(&config.host), config.port))
        .await
        .map_err(|_| ConnectError::HostNotFound)?
        .collect();
    let first = *found.first().ok_or(ConnectError::HostNotFound)?;
    let other_family = found.into_iter().find(|a| a.is_ipv6() != first.is_ipv6());
    Ok((first, other_family))
}

/// The second address starts when the first has failed or has taken [`STAGGER`]; the first success wins. When both
/// fail, "refused" is what gets reported: it says more than "no route" of a family that is switched off.
async fn race(first: SocketAddr, second: SocketAddr, wish: usize) -> io::Result<TcpStream> {
    let mut one = std::pin::pin!(open(first, wish));
    tokio::select! {
        done = &mut one => return match done {
            Ok(stream) => Ok(stream),
            Err(e) => open(second, wish).await.map_err(|later| clearer(e, later)),
        },
        () = tokio::time::sleep(STAGGER) => {}
    }
    let mut two = std::pin::pin!(open(second, wish));
    tokio::select! {
        done = &mut one => match done {
            Ok(stream) => Ok(stream),
            Err(e) => two.await.map_err(|later| clearer(e, later)),
        },
        done = &mut two => match done {
            Ok(stream) => Ok(stream),
            Err(e) => one.await.map_err(|later| clearer(e, later)),
        },
    }
}

fn clearer(one: io::Error, other: io::Error) -> io::Error {
    if other.kind() == io::ErrorKind::ConnectionRefused {
        other
    } else {
        one
    }
}

async fn open(address: SocketAddr, wish: usize) -> io::Result<TcpStream> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()?
    } else {
        TcpSocket::new_v4()?
    };
    // Before the connect, because the window scale is agreed on in the SYN. The system may give less, or refuse.
    if let Err(e) = socket.set_recv_buffer_size(u32::try_from(wish).unwrap_or(u32::MAX)) {
        log::debug!("receive buffer of {wish} bytes refused: {e}");
    }
    let stream = socket.connect(address).await?;
    // Both only make a good line better.
    let _ = stream.set_nodelay(true);
    let alive = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5));
    let _ = socket2::SockRef::from(&stream).set_tcp_keepalive(&alive);
    Ok(stream)
}
