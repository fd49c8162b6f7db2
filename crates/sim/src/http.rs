//! HTTP/1.1 as bytes: requests out of a buffer, answers into one. No sockets, no routing.
//!
//! Requests are bounded (head, number of headers, body); everything that is not a request gets the HTML of http.sys.

mod answer;

pub(crate) use self::answer::{Answer, http_date};

/// A request head longer than this is refused, as http.sys does.
pub(crate) const MAX_HEAD: usize = 16 * 1024;
/// A longer body is refused with 413.
pub(crate) const MAX_BODY: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;

/// One request, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub method: String,
    /// As sent: path and query.
    pub target: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// False for HTTP/1.0 and `Connection: close`.
    pub keep_alive: bool,
}

impl Request {
    /// The first header of this name (small letters).
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// True when a comma-separated header contains `token`, in any letter case.
    pub(crate) fn has_token(&self, name: &str, token: &str) -> bool {
        self.headers
            .iter()
            .filter(|(n, _)| n == name)
            .flat_map(|(_, v)| v.split(','))
            .any(|t| t.trim().eq_ignore_ascii_case(token))
    }

    /// The path without query, percent escapes decoded.
    pub(crate) fn path(&self) -> String {
        let path = self.target.split(['?', '#']).next().unwrap_or_default();
        percent_decoded(path)
    }

    /// The first query parameter of this name, in any letter case, escapes decoded; `a` and `a=` are both empty.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let target = self.target.split('#').next().unwrap_or_default();
        let (_, query) = target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
            decoded(key).eq_ignore_ascii_case(name).then(|| decoded(value))
        })
    }
}

/// What stands at the front of a buffer.
#[derive(Debug, PartialEq)]
pub(crate) enum Parsed {
    /// More bytes are needed; `expects` = the client waits for `100 Continue`.
    Incomplete { expects: bool },
    /// A request and the bytes it took.
    Request(Box<Request>, usize),
    /// No request; the connection ends with this answer.
    Refused(Answer),
}

/// Reads the request at the front of `buffer`.
pub(crate) fn parse(buffer: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let head_len = match head.parse(buffer) {
        Ok(httparse::Status::Complete(n)) if n <= MAX_HEAD => n,
        Ok(httparse::Status::Partial) if buffer.len() <= MAX_HEAD => return Parsed::Incomplete { expects: false },
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Parsed::Refused(Answer::html(400, "Request Too Long")),
        Err(_) => return Parsed::Refused(Answer::html(400, "Bad Request")),
    };
    let mut request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(owned_header).collect(),
        body: Vec::new(),
        keep_alive: head.version == Some(1),
    };
    if request.has_token("connection", "close") {
        request.keep_alive = false;
    }
    let rest = &buffer[head_len..];
    match body_of(&request, rest) {
        Body::Whole { body, taken } => {
            request.body = body;
            Parsed::Request(Box::new(request), head_len + taken)
        }
        Body::Incomplete => Parsed::Incomplete {
            expects: rest.is_empty() && request.has_token("expect", "100-continue"),
        },
        Body::Refused(answer) => Parsed::Refused(answer),
    }
}

fn owned_header(h: &httparse::Header<'_>) -> (String, String) {
    let value = String::from_utf8_lossy(h.value).trim().to_owned();
    (h.name.to_ascii_lowercase(), value)
}

enum Body {
    Whole { body: Vec<u8>, taken: usize },
    Incomplete,
    Refused(Answer),
}

fn body_of(request: &Request, rest: &[u8]) -> Body {
    if request.has_token("transfer-encoding", "chunked") {
        return chunked_body(rest);
    }
    let mut lengths = request.headers.iter().filter(|(n, _)| n == "content-length");
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => 0,
        (Some((_, v)), None) if !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()) => {
            v.parse().unwrap_or(usize::MAX)
        }
        _ => return Body::Refused(Answer::html(400, "Bad Request")),
    };
    if length > MAX_BODY {
        return Body::Refused(Answer::too_large());
    }
    match rest.get(..length) {
        Some(body) => Body::Whole {
            body: body.to_vec(),
            taken: length,
        },
        None => Body::Incomplete,
    }
}

/// `Transfer-Encoding: chunked`, as clients send that do not know their length. Trailers are skipped.
fn chunked_body(rest: &[u8]) -> Body {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (line_len, size) = match httparse::parse_chunk_size(&rest[at..]) {
            Ok(httparse::Status::Complete((n, size))) => (n, size),
            Ok(httparse::Status::Partial) if rest.len() - at < 256 => return Body::Incomplete,
            _ => return Body::Refused(Answer::html(400, "Bad Request")),
        };
        at += line_len;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > MAX_BODY || body.len() + size > MAX_BODY {
            return Body::Refused(Answer::too_large());
        }
        if size == 0 {
            return chunked_end(body, rest, at);
        }
        match rest.get(at..at + size + 2) {
            Some(chunk) if chunk.ends_with(b"\r\n") => body.extend_from_slice(&chunk[..size]),
            Some(_) => return Body::Refused(Answer::html(400, "Bad Request")),
            None => return Body::Incomplete,
        }
        at += size + 2;
    }
}

fn chunked_end(body: Vec<u8>, rest: &[u8], mut at: usize) -> Body {
    loop {
        let Some(end) = rest[at..].windows(2).position(|w| w == b"\r\n") else {
            return if rest.len() - at > MAX_HEAD {
                Body::Refused(Answer::html(400, "Request Too Long"))
            } else {
                Body::Incomplete
            };
        };
        at += end + 2;
        if end == 0 {
            return Body::Whole { body, taken: at };
        }
    }
}

pub(crate) fn percent_decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(escape.unwrap_or(bytes[at]));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: &[u8]) -> (Request, usize) {
        match parse(bytes) {
            Parsed::Request(r, n) => (*r, n),
            other => panic!("{other:?}"),
        }
    }

    fn refused(bytes: &[u8]) -> u16 {
        match parse(bytes) {
            Parsed::Refused(answer) => answer.status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_requests_in_one_segment() {
        let bytes = b"PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /board/7203%401?addinfo=x HTTP/1.0\r\n\r\n";
        let (first, taken) = request(bytes);
        assert_eq!((first.method.as_str(), first.body.as_slice()), ("PUT", &b"{}"[..]));
        assert!(first.keep_alive);
        let (second, _) = request(&bytes[taken..]);
        assert_eq!(second.path(), "/board/7203@1");
        assert_eq!(second.query("AddInfo").as_deref(), Some("x"));
        assert!(!second.keep_alive);
    }

    #[test]
    fn queries_are_decoded_whatever_their_case() {
        let of = |target: &str| Request {
            target: target.to_owned(),
            ..Request::default()
        };
        let ranking = of("/ranking?type=5&ExchangeDivision=%54P&a+b=c%2Bd%&flag&type=6#type=7");
        assert_eq!(ranking.query("Type").as_deref(), Some("5"));
        assert_eq!(ranking.query("exchangedivision").as_deref(), Some("TP"));
        assert_eq!(ranking.query("a b").as_deref(), Some("c+d%"));
        assert_eq!((ranking.query("flag").as_deref(), ranking.query("z")), (Some(""), None));
        assert_eq!(of("/ranking#?type=1").query("type"), None);
    }

    #[test]
    fn every_cut_is_incomplete_or_whole() {
        let bytes =
            b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n3;x=y\r\nabc\r\n0\r\nT: x\r\n\r\n";
        for n in 0..bytes.len() {
            assert!(matches!(parse(&bytes[..n]), Parsed::Incomplete { .. }), "{n}");
        }
        let (whole, taken) = request(bytes);
        assert_eq!((whole.body.as_slice(), taken), (&b"{}abc"[..], bytes.len()));
    }

    #[test]
    fn limits_hold() {
        assert_eq!(refused(&[b'A'; MAX_HEAD + 1]), 400);
        let mut many = b"GET / HTTP/1.1\r\n".to_vec();
        many.extend(b"a: b\r\n".repeat(100));
        many.extend(b"\r\n");
        assert_eq!(refused(&many), 400);
        assert_eq!(refused(b"PUT / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"), 413);
        assert_eq!(
            refused(b"PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
            413
        );
        for bad in ["-1", "1x", "", "+5", "1, 1"] {
            assert_eq!(
                refused(format!("PUT / HTTP/1.1\r\nContent-Length: {bad}\r\n\r\n").as_bytes()),
                400
            );
        }
        assert_eq!(
            refused(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n"),
            413
        );
        assert_eq!(
            refused(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n"),
            413
        );
        assert_eq!(
            refused(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400
        );
        assert_eq!(refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), 400);
    }

    #[test]
    fn garbage_never_panics_nor_reads_beyond_the_buffer() {
        let whole = b"PUT /kabusapi/%zz%4 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        let mut dice = 1u64;
        let mut roll = |n: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (dice >> 33) as usize % n
        };
        for _ in 0..50_000 {
            let mut bytes = whole.to_vec();
            for _ in 0..=roll(4) {
                let at = roll(bytes.len());
                bytes[at] = roll(256) as u8;
            }
            bytes.truncate(1 + roll(bytes.len()));
            if let Parsed::Request(request, taken) = parse(&bytes) {
                assert!(taken <= bytes.len());
                request.path();
            }
        }
    }
}
