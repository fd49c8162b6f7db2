//! Opening the line: every kind of answer has its error and its advice, both loopback families are tried.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use ayumi_station::push::connect;
use ayumi_station::{ConnectError, PushConfig};
use common::{PATIENCE, closed_port, config, header, peer, peer_at, read_request, run, upgrade, welcome};
use secrecy::SecretString;

/// Connects to a peer that answers with what `answer` makes of the request, then closes.
fn answered_with(answer: impl FnOnce(&str) -> Vec<u8> + Send + 'static) -> Result<(), ConnectError> {
    let (port, thread) = peer(move |mut stream| {
        let request = read_request(&mut stream);
        stream.write_all(&answer(&request)).expect("answer");
    });
    let outcome = run(connect(&config(port))).map(drop);
    thread.join().expect("peer");
    outcome
}

fn plain(status: u16, kind: &str, body: &str) -> Result<(), ConnectError> {
    let answer = common::http::answer(status, kind, body);
    answered_with(move |_| answer)
}

#[test]
fn n10_every_http_answer_has_its_advice() {
    let html = "<HTML><BODY><h2>Bad Request - Invalid Hostname</h2></BODY></HTML>";
    let cases = [
        (200, "text/html", html, "no WebSocket"),
        (301, "text/html", html, "Redirects are not followed"),
        (302, "text/plain", "", "Redirects are not followed"),
        (400, "text/html; charset=us-ascii", html, "Host: localhost"),
        (400, "application/json", r#"{"Code":4001005}"#, "port"),
        (401, "application/json", r#"{"Code":4001009}"#, "login"),
        (403, "application/json", "{}", "Enable the API"),
        (404, "text/html", html, "18081"),
        (500, "text/html", html, "internal error"),
        (503, "text/html", html, "maintenance"),
    ];
    for (expected, kind, body, words) in cases {
        let error = plain(expected, kind, body).expect_err("no upgrade");
        assert!(
            matches!(error, ConnectError::Handshake { status, .. } if status == expected),
            "{error:?}"
        );
        assert_eq!(error.to_string(), format!("handshake answered with HTTP {expected}"));
        assert!(error.advice().contains(words), "{expected}: {}", error.advice());
    }
}

#[test]
fn n10_n15_a_101_that_is_no_websocket_is_refused() {
    let drop_line = |name: &'static str| {
        move |request: &str| {
            let text = String::from_utf8(welcome(request)).expect("ascii");
            text.split_inclusive("\r\n")
                .filter(|l| !l.starts_with(name))
                .collect::<String>()
                .into_bytes()
        }
    };
    let add_line = |line: &'static str| {
        move |request: &str| {
            let text = String::from_utf8(welcome(request)).expect("ascii");
            text.replacen("\r\n", &format!("\r\n{line}\r\n"), 1).into_bytes()
        }
    };
    assert_eq!(
        answered_with(drop_line("Upgrade")),
        Err(ConnectError::NotWebSocket("no Upgrade header"))
    );
    assert_eq!(
        answered_with(drop_line("Connection")),
        Err(ConnectError::NotWebSocket("no Connection: Upgrade header"))
    );
    assert_eq!(
        answered_with(drop_line("Sec-WebSocket-A")),
        Err(ConnectError::NotWebSocket("wrong accept key"))
    );
    let other_key = |_: &str| welcome("\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
    assert_eq!(
        answered_with(other_key),
        Err(ConnectError::NotWebSocket("wrong accept key"))
    );
    let deflate = answered_with(add_line("Sec-WebSocket-Extensions: permessage-deflate"));
    assert!(
        matches!(deflate, Err(ConnectError::NotWebSocket(why)) if why.contains("compression")),
        "{deflate:?}"
    );
    assert_eq!(
        answered_with(add_line("Sec-WebSocket-Extensions: ")),
        Ok(()),
        "an empty list offers nothing"
    );
}

#[test]
fn n10_no_usable_answer_at_all() {
    let bad = |bytes: &'static [u8]| answered_with(move |_| bytes.to_vec());
    assert_eq!(bad(b""), Err(ConnectError::BadAnswer("empty")));
    assert_eq!(bad(b"HTTP/1.1 101 Swi"), Err(ConnectError::BadAnswer("cut off")));
    assert_eq!(
        bad(b"\x15\x03\x01\x00\x02\x02\x46"),
        Err(ConnectError::BadAnswer("not HTTP"))
    );
    assert_eq!(
        bad(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Err(ConnectError::BadAnswer("not HTTP"))
    );
    let long = answered_with(|_| [b"HTTP/1.1 101 X\r\nA: ".to_vec(), vec![b'x'; 17_000]].concat());
    assert_eq!(long, Err(ConnectError::BadAnswer("more than 16 KiB of headers")));
    let many = answered_with(|_| format!("HTTP/1.1 101 X\r\n{}\r\n", "A: b\r\n".repeat(100)).into_bytes());
    assert_eq!(many, Err(ConnectError::BadAnswer("more than 64 headers")));
}

#[test]
fn n10_a_slow_answer_ends_with_the_time_limit() {
    for first in [&b""[..], b"HTTP/1.1 101 Switching"] {
        let (port, thread) = peer(move |mut stream| {
            read_request(&mut stream);
            stream.write_all(first).expect("part");
            // The client hangs up by itself.
            let _ = stream.read(&mut [0]);
        });
        let after = Duration::from_millis(60);
        let error = run(connect(&PushConfig {
            connect_timeout: after,
            ..config(port)
        }))
        .map(drop);
        assert_eq!(
            error,
            Err(ConnectError::Timeout {
                stage: "waiting for the handshake answer",
                after
            })
        );
        thread.join().expect("peer");
    }
}

#[test]
fn n01_refused_says_so_and_what_to_do() {
    let error = run(connect(&config(closed_port()))).expect_err("nobody listens");
    assert_eq!(error, ConnectError::Refused);
    assert_eq!(error.to_string(), "connection refused");
    assert!(error.advice().contains("Start kabu Station"));
}

#[test]
fn a_connection_attempt_may_be_dropped_at_any_time() {
    let (port, thread) = peer(|mut stream| {
        read_request(&mut stream);
        stream.read(&mut [0]).map_or(0, |n| n)
    });
    run(async {
        let config = config(port);
        let attempt = connect(&config);
        assert!(tokio::time::timeout(Duration::from_millis(30), attempt).await.is_err());
    });
    assert_eq!(
        thread.join().expect("peer"),
        0,
        "the connection is gone with the future"
    );
}

#[test]
fn n12_the_host_header_is_localhost_and_the_token_goes_along_if_there_is_one() {
    for (host, token) in [
        ("localhost", None),
        ("127.0.0.1", Some("0123456789abcdef")),
        ("LOCALHOST", None),
    ] {
        let (port, thread) = peer(|mut stream| upgrade(&mut stream));
        let config = PushConfig {
            host: host.to_owned(),
            token: token.map(SecretString::from),
            ..config(port)
        };
        run(async { connect(&config).await.expect("connected").close() });
        let request = thread.join().expect("peer");
        assert_eq!(header(&request, "host"), Some("localhost"));
        assert_eq!(header(&request, "x-api-key"), token);
        assert_eq!(header(&request, "sec-websocket-extensions"), None);
        assert!(request.starts_with("GET /kabusapi/websocket HTTP/1.1\r\n"));
    }
}

#[test]
fn n12_either_loopback_family_is_enough() {
    for (address, hosts) in [
        ("[::1]:0", ["localhost", "127.0.0.1"]),
        ("127.0.0.1:0", ["localhost", "::1"]),
    ] {
        for host in hosts {
            let Some((port, thread)) = peer_at(address, |mut stream| upgrade(&mut stream)) else {
                assert!(address.starts_with('['), "127.0.0.1 exists everywhere");
                continue;
            };
            let config = PushConfig {
                host: host.to_owned(),
                ..config(port)
            };
            let remote = run(async { connect(&config).await.expect("connected").remote() });
            assert_eq!(remote.is_ipv6(), address.starts_with('['));
            thread.join().expect("peer");
        }
    }
}

/// A listener whose queue is full leaves SYNs unanswered: what a firewall that drops looks like.
#[cfg(target_os = "linux")]
#[test]
fn n12_a_family_that_does_not_answer_is_overtaken_by_the_other() {
    use socket2::{Domain, Socket, Type};
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        return; // a machine without IPv6 loopback has no second family
    };
    let port = listener.local_addr().expect("bound").port();
    let deaf = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    if deaf.bind(&address.into()).is_err() {
        return; // somebody else has this port on IPv4
    }
    deaf.listen(0).expect("listen");
    let fillers: Vec<_> = (0..4)
        .map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(20)))
        .collect();
    assert!(fillers.iter().any(Result::is_err), "the queue is full");
    let thread = std::thread::spawn(move || upgrade(&mut listener.accept().expect("connection").0));
    let start = Instant::now();
    let remote = run(async { connect(&config(port)).await.expect("connected").remote() });
    assert!(remote.is_ipv6() && start.elapsed() < PATIENCE / 4);
    thread.join().expect("peer");
}

#[test]
fn sec04_a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("loopback");
    elsewhere.set_nonblocking(true).expect("nonblocking");
    let location = elsewhere.local_addr().expect("bound");
    let error = answered_with(move |_| {
        format!("HTTP/1.1 302 Found\r\nLocation: http://{location}/kabusapi/websocket\r\nContent-Length: 0\r\n\r\n")
            .into_bytes()
    });
    assert!(matches!(error, Err(ConnectError::Handshake { status: 302, .. })));
    assert_eq!(
        elsewhere.accept().map(drop).map_err(|e| e.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    );
}

#[test]
fn an_unknown_host_is_named_as_such() {
    // Longer than any name may be: no resolver asks the network for it.
    let config = PushConfig {
        host: "x".repeat(300),
        ..config(18080)
    };
    let error = run(connect(&config)).expect_err("no such host");
    assert_eq!(error, ConnectError::HostNotFound);
}
