//! Answers as bytes: the station's JSON and the HTML of http.sys, with their headers.

use ayumi_wire::jst::Date;

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
    /// The answer to HEAD: everything but the body.
    head_only: bool,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            voice: Voice::Station,
            head_only: false,
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
            head_only: false,
        }
    }

    /// The same without its body when HEAD was asked; the length stays.
    pub(crate) fn to(mut self, method: &str) -> Self {
        self.head_only = method == "HEAD";
        self
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
        if !self.head_only {
            out.extend_from_slice(&self.body);
        }
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

fn reason_of(status: u16) -> &'static str {
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
        4_001_010 => "クエリ文字列不正",
        4_001_011 => "リクエスト文字列不正",
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
        4_005_001 => "ランキング取得エラー",
        4_005_002 => "為替情報取得エラー",
        4_005_003 => "規制情報取得エラー",
        _ => "エラー",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refused_host_is_339_bytes() {
        assert_eq!(Answer::bad_host().body.len(), 339);
    }

    #[test]
    fn dates_of_http() {
        assert_eq!(http_date(1_763_596_800), "Thu, 20 Nov 2025 00:00:00 GMT");
    }
}
