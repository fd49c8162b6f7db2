//! Does anybody listen where the station should be, and on which of the two loopback families?

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use super::finding::{Finding, words};
use crate::settings::Settings;

/// The station is on this PC: a connection takes no time. Windows takes two seconds to refuse one.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether the station can be reached, and what there is to say about it.
pub fn check(settings: &Settings) -> (bool, Vec<Finding>) {
    let port = settings.port;
    let addresses = addresses(settings);
    let tried: Vec<(SocketAddr, thread::JoinHandle<io::Result<TcpStream>>)> = addresses
        .into_iter()
        .map(|address| {
            (
                address,
                thread::spawn(move || TcpStream::connect_timeout(&address, PATIENCE)),
            )
        })
        .collect();
    let answers: Vec<(SocketAddr, bool)> = tried
        .into_iter()
        .map(|(address, tried)| (address, tried.join().is_ok_and(|connected| connected.is_ok())))
        .collect();
    let names = |open: bool| {
        let named = answers.iter().filter(|(_, answered)| *answered == open);
        named
            .map(|(address, _)| address.ip().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let reachable = answers.iter().any(|(_, open)| *open);
    (
        reachable,
        vec![finding(settings, port, reachable, &names(true), &names(false))],
    )
}

fn finding(settings: &Settings, port: u16, reachable: bool, open: &str, shut: &str) -> Finding {
    if !reachable {
        let host = &settings.host;
        return Finding::problem(
            "station",
            words(
                format!("kabu Station does not answer on {host} port {port}"),
                format!("kabuステーションが {host} のポート {port} で応答しません"),
            ),
            words(
                "start kabu Station, log in and switch the API on; check \"port\": 18080 is production, 18081 verification",
                "kabuステーションを起動してログインし、API を有効にしてください。\"port\" も確認してください(18080 が本番、18081 が検証)",
            ),
        );
    }
    let (not_en, not_ja) = match shut {
        "" => (String::new(), String::new()),
        shut => (
            format!("; not on {shut}, which is no problem"),
            format!("({shut} は応答なし。問題ありません)"),
        ),
    };
    Finding::fine(
        "station",
        words(
            format!("port {port} answers on {open}{not_en}"),
            format!("ポート {port} は {open} で応答あり{not_ja}"),
        ),
    )
}

/// Whether the station is on this PC.
pub fn is_local(settings: &Settings) -> bool {
    let host = settings.host.trim();
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Where the station may listen.
pub fn addresses(settings: &Settings) -> Vec<SocketAddr> {
    let host = settings.host.trim();
    if is_local(settings) {
        return vec![
            SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, settings.port)),
        ];
    }
    // Another PC: only with allow_remote. Its name is looked up by the system.
    (host, settings.port)
        .to_socket_addrs()
        .map_or_else(|_| Vec::new(), |found| found.take(2).collect())
}
