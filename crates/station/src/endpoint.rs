//! Where the station is: the configured host as addresses to try.
//!
//! The station's own machine is reached by literal loopback addresses: no resolver, no hosts file and no proxy can get
//! in between (N12, N13). Packet captures show the station on `::1` as well as on 127.0.0.1 (kabusapi #285, #34).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The `Host` header, whatever `host` is configured: the station's HTTP server answers every other one with an HTML 400
/// (kabusapi #169, #645).
pub(crate) const HOST_HEADER: &str = "localhost";

/// Both loopback addresses if `host` names this machine, the likelier one first; `None` for any other host.
pub(crate) fn loopback(host: &str, port: u16) -> Option<[SocketAddr; 2]> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let bare = bare(host);
    if bare.eq_ignore_ascii_case("localhost") || bare.eq_ignore_ascii_case("localhost.") {
        return Some([v4, v6]);
    }
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) if ip == Ipv4Addr::LOCALHOST => Some([v4, v6]),
        Ok(IpAddr::V6(ip)) if ip == Ipv6Addr::LOCALHOST => Some([v6, v4]),
        _ => None,
    }
}

/// `host:port` as it stands in a URL: IPv6 literals get their brackets.
pub(crate) fn authority(host: &str, port: u16) -> String {
    let bare = bare(host);
    if bare.contains(':') {
        format!("[{bare}]:{port}")
    } else {
        format!("{bare}:{port}")
    }
}

/// The host without surrounding blanks and IPv6 brackets.
pub(crate) fn bare(host: &str) -> &str {
    let host = host.trim();
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n12_n13_this_machine_is_two_literals() {
        for host in ["localhost", "LocalHost", "127.0.0.1", " localhost "] {
            let [first, second] = loopback(host, 18080).expect("loopback");
            assert_eq!(
                (first.to_string(), second.to_string()),
                ("127.0.0.1:18080".into(), "[::1]:18080".into())
            );
        }
        for host in ["::1", "[::1]"] {
            assert_eq!(loopback(host, 1).expect("loopback")[0].to_string(), "[::1]:1");
        }
        assert_eq!(loopback("192.168.1.20", 18080), None);
        assert_eq!(loopback("kabu-pc", 18080), None);
    }

    #[test]
    fn authorities() {
        assert_eq!(authority("kabu-pc", 18080), "kabu-pc:18080");
        assert_eq!(authority("fe80::1", 18080), "[fe80::1]:18080");
        assert_eq!(authority("[::1]", 18080), "[::1]:18080");
    }
}
