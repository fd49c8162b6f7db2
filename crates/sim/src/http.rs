//! HTTP/1.1 as bytes: requests out of a buffer, answers into one. No sockets, no routing.
//!
//! Requests are bounded (head, number of headers, body); everything that is not a request gets the HTML of http.sys.

use ayumi_wire::jst::Date;

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

fn percent_decoded(path: &str) -> String {
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

/// Who speaks in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// The station: JSON.
    Station,
    /// http.sys: HTML, and the connection ends.
    HttpSys,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    voice: Voice,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            voice: Voice::Station,
        }
    }

    /// The station's error object.
    pub(crate) fn error(status: u16, code: i64) -> Self {
        let message = message_of(code);
        Self::json(status, format!("{{\"Code\":{code},\"Message\":\"{message}\"}}"))
    }

    /// What http.sys sends by itself.
    pub(crate) fn html(status: u16, title: &str) -> Self {
        let reason = reason_of(status);
        Self::html_page(status, &format!("{reason} - {title}"), "The request is not valid.")
    }

    /// The Host rule's refusal: 339 bytes (kabusapi issues 169, 645).
    pub(crate) fn bad_host() -> Self {
        Self::html_page(
            400,
            "Bad Request - Invalid Hostname",
            "The request hostname is not valid.",
        )
    }

    pub(crate) fn too_large() -> Self {
        Self::error(413, 4_001_015)
    }

    fn html_page(status: u16, heading: &str, text: &str) -> Self {
        let reason = reason_of(status);
        let body = format!(
            "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\r\n\
             <HTML><HEAD><TITLE>{reason}</TITLE>\r\n\
             <META HTTP-EQUIV=\"Content-Type\" Content=\"text/html; charset=us-ascii\"></HEAD>\r\n\
             <BODY><h2>{heading}</h2>\r\n\
             <hr><p>HTTP Error {status}. {text}</p>\r\n\
             </BODY></HTML>\r\n\r\n"
        );
        Self {
            status,
            body: body.into_bytes(),
            voice: Voice::HttpSys,
        }
    }

    /// True when the connection ends with this answer whatever the client wishes.
    pub(crate) fn ends_connection(&self) -> bool {
        self.voice == Voice::HttpSys || self.status == 413
    }

    /// The bytes, with the headers of the real station.
    pub(crate) fn write(&self, close: bool, unix_s: i64) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason_of(self.status));
        head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        match self.voice {
            Voice::Station => head.push_str(STATION_HEADERS),
            Voice::HttpSys => head.push_str(
                "Content-Type: text/html; charset=us-ascii\r\n\
                 Server: Microsoft-HTTPAPI/2.0\r\n",
            ),
        }
        head.push_str(&format!("Date: {}\r\n", http_date(unix_s)));
        if close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        let mut out = head.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

const STATION_HEADERS: &str = "Content-Type: application/json; charset=utf-8\r\n\
    Server: Microsoft-HTTPAPI/2.0\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-XSS-Protection: 1; mode=block\r\n\
    X-Frame-Options: DENY\r\n\
    Content-Security-Policy: default-src 'none'\r\n\
    Access-Control-Allow-Origin: *\r\n";

/// `Fri, 20 Nov 2026 00:00:00 GMT`.
pub(crate) fn http_date(unix_s: i64) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (date, second) = (Date::from_days(unix_s.div_euclid(86_400)), unix_s.rem_euclid(86_400));
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        DAYS[usize::from(date.weekday()) % 7],
        date.day,
        MONTHS[usize::from(date.month.saturating_sub(1)) % 12],
        date.year,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

pub(crate) fn reason_of(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// The station's message texts. Where none was seen, a plain one of our own: clients decide on the code.
fn message_of(code: i64) -> &'static str {
    match code {
        4_001_001 => "内部エラー",
        4_001_005 => "パラメータ変換エラー",
        4_001_006 => "API実行回数エラー",
        4_001_007 | 4_001_017 => "ログイン認証エラー",
        4_001_008 => "API利用不可",
        4_001_009 => "APIキー不一致",
        4_001_012 => "不正なリクエスト",
        4_001_013 => "トークン取得失敗",
        4_001_014 => "許可されていないHTTPメソッド",
        4_001_015 => "リクエストサイズエラー",
        4_001_016 => "サポートされていないメディアタイプ",
        4_001_018 => "銘柄が登録できませんでした",
        4_001_019 => "一部の銘柄が登録できませんでした",
        4_001_020 => "銘柄が登録解除できませんでした",
        4_001_021 => "一部の銘柄が登録解除できませんでした",
        4_002_001 => "銘柄が見つからない",
        4_002_006 => "レジスト数エラー",
        _ => "エラー",
    }
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
        assert!(!second.keep_alive);
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
    fn the_refused_host_is_339_bytes() {
        assert_eq!(Answer::bad_host().body.len(), 339);
    }

    #[test]
    fn dates_of_http() {
        assert_eq!(http_date(1_763_596_800), "Thu, 20 Nov 2025 00:00:00 GMT");
    }
}
