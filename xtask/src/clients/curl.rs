//! curl on every endpoint: the status, the body, and the refusals that a client must be able to rely on.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::program::{self, Expectation};
use super::station::{PORT, Station};
use super::tools::{self, Tools};
use super::{Row, Verdict};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A request: name, method, path, body, further headers, and what must come back (body, then status and type).
struct Request {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    headers: &'static [&'static str],
    shows: &'static [&'static str],
}

const KEY: &str = "X-API-KEY: 0123456789abcdef0123456789abcdef";
const JSON: &str = "Content-Type: application/json";
const OK: &str = "<200 application/json; charset=utf-8>";
const TWO: &str = r#"{"Symbols":[{"Symbol":"7203","Exchange":1},{"Symbol":"9984","Exchange":1}]}"#;

const REQUESTS: [Request; 21] = [
    put(
        "register",
        "register",
        TWO,
        &[r#"{"RegistList":[{"Symbol":"7203","Exchange":1}"#, OK],
    ),
    put(
        "register: read back",
        "register",
        r#"{"Symbols":[]}"#,
        &["\"9984\"", OK],
    ),
    get("board", "board/7203@1", &["{\"", "\"Symbol\":\"7203\"", OK]),
    get(
        "board, future",
        "board/165120018@2",
        &["{\"", "\"Symbol\":\"165120018\"", OK],
    ),
    get("symbol", "symbol/7203@1", &["\"PriceRangeGroup\":\"", OK]),
    get("symbol, short", "symbol/7203@1?addinfo=false", &["\"UpperLimit\":", OK]),
    get(
        "primaryexchange",
        "primaryexchange/7203",
        &["{\"Symbol\":\"7203\",\"PrimaryExchange\":1}", OK],
    ),
    get(
        "ranking",
        "ranking?Type=1&ExchangeDivision=ALL",
        &["{\"Type\":\"1\"", "\"Ranking\":[", OK],
    ),
    get(
        "ranking by value",
        "ranking?Type=4&ExchangeDivision=T",
        &["\"Ranking\":[", OK],
    ),
    get(
        "symbolname/future",
        "symbolname/future?FutureCode=NK225&DerivMonth=0",
        &["\"Symbol\":\"", OK],
    ),
    get(
        "timeandsales",
        "timeandsales/7203@1",
        &["\"TradingPriceCount\":", "\"TradingPrice\":[", OK],
    ),
    get("apisoftlimit", "apisoftlimit", &["\"Stock\":", OK]),
    put(
        "unregister",
        "unregister",
        r#"{"Symbols":[{"Symbol":"9984","Exchange":1}]}"#,
        &["\"RegistList\":[", OK],
    ),
    put("unregister/all", "unregister/all", "", &["{\"RegistList\":[]}", OK]),
    get("unknown path", "boards/7203@1", &["\"Code\":40010", "<40"]),
    Request {
        method: "POST",
        ..put("wrong method", "register", TWO, &["\"Code\":4001014", "<405 "])
    },
    put(
        "broken body",
        "register",
        "{\"Symbols\":",
        &["\"Code\":4001005", "<400 "],
    ),
    Request {
        headers: &[JSON],
        ..get("no key", "board/7203@1", &["\"Code\":4001009", "<401 "])
    },
    Request {
        headers: &[KEY, "Content-Type: text/plain"],
        ..put("media type", "register", TWO, &["\"Code\":4001016", "<415 "])
    },
    Request {
        headers: &[KEY, "Host: 192.168.1.10:18080"],
        ..get("other host", "board/7203@1", &["Invalid Hostname", "<400 text/html"])
    },
    Request {
        headers: &[JSON],
        method: "POST",
        ..put(
            "token",
            "token",
            r#"{"APIPassword":"password"}"#,
            &["{\"ResultCode\":0,\"Token\":\"", OK],
        )
    },
];

const fn get(name: &'static str, path: &'static str, shows: &'static [&'static str]) -> Request {
    Request {
        name,
        method: "GET",
        path,
        body: None,
        headers: &[KEY],
        shows,
    }
}

const fn put(name: &'static str, path: &'static str, body: &'static str, shows: &'static [&'static str]) -> Request {
    Request {
        name,
        method: "PUT",
        path,
        body: Some(body),
        headers: &[KEY, JSON],
        shows,
    }
}

/// Every request once, over a new connection each.
pub fn run(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let Some(version) = tools::version("curl", &["--version"]) else {
        rows.push(Row::skipped(name, "there is no curl on this machine"));
        return Ok(());
    };
    let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let _station = Station::start(&tools.ayumi, TOKEN)?;
    for request in &REQUESTS {
        rows.push(Row {
            client: name,
            step: request.name.to_owned(),
            version: version.clone(),
            verdict: ask(request),
        });
        // Ten requests a second are the station's limit for each kind.
        std::thread::sleep(Duration::from_millis(120));
    }
    Ok(())
}

fn ask(request: &Request) -> Verdict {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--request", request.method]);
    command.args(["--write-out", "\n<%{http_code} %{content_type}>\n"]);
    for header in request.headers {
        command.args(["--header", header]);
    }
    if let Some(body) = request.body {
        command.args(["--data", body]);
    }
    command.arg(format!("http://localhost:{PORT}/kabusapi/{}", request.path));
    let limit = Duration::from_secs(15);
    program::run(
        &mut command,
        &Expectation {
            shows: request.shows,
            limit,
        },
    )
}
