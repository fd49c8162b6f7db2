//! The HTTP upgrade: what we send, and what every possible answer means (N10, N15).
//!
//! Never parses a body: a proxy's HTML page is classified by status and headers alone.

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::ConnectError;
use crate::endpoint::HOST_HEADER;
use crate::entropy;

/// Longest header block that is read.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;

/// Sends the request and reads the answer; the bytes after it are the first frames and must not be lost (N14).
pub(super) async fn shake(stream: &mut TcpStream, token: Option<&SecretString>) -> Result<Vec<u8>, ConnectError> {
    let key = ayumi_wire::ws::client_key(entropy::bytes16());
    let request = request(&key, token)?;
    stream
        .write_all(request.expose_secret())
        .await
        .map_err(|e| ConnectError::from_io(&e))?;
    let mut answer = vec![0; MAX_HEAD];
    let mut have = 0;
    loop {
        let n = stream
            .read(&mut answer[have..])
            .await
            .map_err(|e| ConnectError::from_io(&e))?;
        if n == 0 {
            return Err(ConnectError::BadAnswer(if have == 0 { "empty" } else { "cut off" }));
        }
        have += n;
        if let Some(head) = judge(&answer[..have], &key)? {
            return Ok(answer[head..have].to_vec());
        }
        if have == answer.len() {
            return Err(ConnectError::BadAnswer("more than 16 KiB of headers"));
        }
    }
}

/// The upgrade request; it holds the token, so it is wiped when dropped.
fn request(key: &str, token: Option<&SecretString>) -> Result<SecretSlice<u8>, ConnectError> {
    let mut text = format!(
        "GET /kabusapi/websocket HTTP/1.1\r\nHost: {HOST_HEADER}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
    )
    .into_bytes();
    if let Some(token) = token {
        let token = token.expose_secret().as_bytes();
        if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
            return Err(ConnectError::BadToken);
        }
        // No growth after this: a moved buffer would leave a copy of the token behind.
        text.reserve_exact(token.len() + 32);
        text.extend_from_slice(b"X-API-KEY: ");
        text.extend_from_slice(token);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    Ok(SecretSlice::from(text))
}

/// Length of the header block if the answer is complete and upgrades the line, `None` while it is incomplete.
fn judge(answer: &[u8], key: &str) -> Result<Option<usize>, ConnectError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let size = match response.parse(answer) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(ConnectError::BadAnswer("more than 64 headers")),
        Err(_) => return Err(ConnectError::BadAnswer("not HTTP")),
    };
    let status = response.code.unwrap_or(0);
    let head = Head(response.headers);
    if status != 101 {
        return Err(ConnectError::Handshake {
            status,
            advice: advice(status, head.is_html()),
        });
    }
    upgrade(&head, key).map_err(ConnectError::NotWebSocket)?;
    Ok(Some(size))
}

fn upgrade(head: &Head<'_, '_>, key: &str) -> Result<(), &'static str> {
    if !head.lists("upgrade", "websocket") {
        return Err("no Upgrade header");
    }
    if !head.lists("connection", "upgrade") {
        return Err("no Connection: Upgrade header");
    }
    if head.value("sec-websocket-accept").map(str::trim) != Some(ayumi_wire::ws::accept_key(key).as_str()) {
        return Err("wrong accept key");
    }
    if head
        .value("sec-websocket-extensions")
        .is_some_and(|v| !v.trim().is_empty())
    {
        return Err("compression or another extension that was not asked for");
    }
    Ok(())
}

/// The parsed headers.
struct Head<'h, 'b>(&'h [httparse::Header<'b>]);

impl Head<'_, '_> {
    /// The first header of that name, if it is text.
    fn value(&self, name: &str) -> Option<&str> {
        let header = self.0.iter().find(|h| h.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    }

    /// True if a comma-separated header of that name holds `token`.
    fn lists(&self, name: &str, token: &str) -> bool {
        let of_name = self.0.iter().filter(|h| h.name.eq_ignore_ascii_case(name));
        let mut values = of_name.filter_map(|h| std::str::from_utf8(h.value).ok());
        values.any(|v| v.split(',').any(|t| t.trim().eq_ignore_ascii_case(token)))
    }

    fn is_html(&self) -> bool {
        self.value("content-type")
            .is_some_and(|v| v.to_ascii_lowercase().contains("html"))
    }
}

fn advice(status: u16, html: bool) -> &'static str {
    match (status, html) {
        (400, true) => {
            "The Host header was refused (\"Invalid Hostname\"): a proxy in between must set \"Host: localhost\" and pass the Upgrade headers; or use an SSH tunnel that ends at localhost."
        }
        (400, false) => {
            "The request was refused; check port (18080 production, 18081 verification) and kabu Station's version."
        }
        (401 | 407, _) => {
            "A proxy or another program asks for a login; kabu Station's PUSH needs none. Connect to the station itself."
        }
        (403, _) => "Enable the API in kabu Station (Professional or Premium plan, API switch on) and restart it.",
        (404, _) => "No PUSH service at this address: check the port (18080 production, 18081 verification).",
        (429, _) => "Too many attempts; the line is tried again later.",
        (503, _) => "kabu Station is in maintenance or starting; the line is tried again.",
        (500..=599, _) => "kabu Station or a proxy has an internal error; if it stays, restart kabu Station.",
        (300..=399, _) => {
            "Redirects are not followed: set host and port to kabu Station itself, not to a web page or proxy."
        }
        (200..=299, _) => {
            "This port answers web requests but no WebSocket: another program uses it, or a proxy dropped the Upgrade headers."
        }
        _ => "Another program or a proxy answers on this port; connect to kabu Station itself.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_carries_host_localhost_and_the_token_only_if_there_is_one() {
        let text = |token: Option<&str>| {
            let token = token.map(SecretString::from);
            let bytes = request("KEY", token.as_ref()).expect("valid token");
            String::from_utf8(bytes.expose_secret().to_vec()).expect("ascii")
        };
        let without = text(None);
        assert!(
            without.starts_with("GET /kabusapi/websocket HTTP/1.1\r\nHost: localhost\r\n"),
            "{without}"
        );
        assert!(
            without.ends_with("\r\n\r\n") && !without.contains("X-API-KEY"),
            "{without}"
        );
        assert!(text(Some("abc")).ends_with("\r\nX-API-KEY: abc\r\n\r\n"));
    }

    #[test]
    fn a_token_that_would_forge_headers_is_refused() {
        for bad in ["a\r\nX: y", "", "a b", "トークン"] {
            let refused = request("KEY", Some(&SecretString::from(bad))).map(|_| ());
            assert_eq!(refused, Err(ConnectError::BadToken));
        }
    }

    #[test]
    fn advice_is_ascii_for_every_status() {
        for status in 0..1000 {
            for html in [true, false] {
                assert!(advice(status, html).is_ascii() && !advice(status, html).is_empty());
            }
        }
    }
}
