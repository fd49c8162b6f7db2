//! Listening on both loopback families.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::SimError;

/// Ports tried when any will do but one family has it taken.
const PORT_TRIES: usize = 20;

/// Both listeners and their port.
pub(crate) struct Listeners {
    pub port: u16,
    pub v4: std::net::TcpListener,
    /// Absent on a machine without IPv6.
    pub v6: Option<std::net::TcpListener>,
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

/// Listens on one address.
pub(super) fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
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
