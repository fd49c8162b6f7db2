//! The samples that the broker publishes for the station's API, as they are: one simulator per hard-coded token.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::program::{self, Expectation};
use super::station::Station;
use super::tools::{self, Tools};
use super::{Row, Verdict};

/// A sample by the name of its file, and what it must print, in this order.
type Sample = (&'static str, &'static [&'static str]);

/// In an order in which each finds what it needs: the PUSH sample needs symbols that another sample registered.
const PYTHON: [Sample; 20] = [
    ("token", &["200 OK", "'ResultCode': 0", "'Token': '"]),
    (
        "register",
        &["200 OK", "'RegistList'", "'Symbol': '9433'", "'Symbol': '145123218'"],
    ),
    (
        "websocket",
        &["--- CONNECTED ---", "--- RECV MSG. ---", "\"Symbol\":\"9433\""],
    ),
    ("board", &["200 OK", "'BidPrice': ", "'Symbol': '5401'"]),
    ("symbol", &["200 OK", "'Symbol': '5401'", "'UpperLimit': "]),
    ("unregister", &["200 OK", "'RegistList': ["]),
    ("unregisterall", &["200 OK", "'RegistList': []"]),
    // The month in its code, December 2020, is over: the station finds no such contract.
    ("symbolname_future", &["HTTP Error 400", "'Code': 4002001"]),
    ("primaryexchange", &["200 OK", "'PrimaryExchange': 1"]),
    ("ranking", &["200 OK", "'Ranking': ["]),
    ("apisoftlimit", &["200 OK", "'Stock': "]),
    ("regulations", &["200 OK", "'RegulationsInfo': ["]),
    ("marginpremium", &["200 OK", "'GeneralMargin': "]),
    ("cash", &["200 OK", "'StockAccountWallet': "]),
    ("margin", &["200 OK", "'MarginAccountWallet': "]),
    ("wallet_future", &["200 OK", "'FutureTradeLimit': "]),
    ("wallet_option", &["200 OK", "'OptionBuyTradeLimit': "]),
    ("orders", &["200 OK", "[]"]),
    ("positions", &["200 OK", "[]"]),
    // Nothing is ever ordered in a simulator: the answer of a station whose user may not.
    ("sendorder_cash_buy", &["HTTP Error 403", "'Code': 4001008"]),
];

/// `symbol.js` is not among them: it sets a query on a string and ends before it sends anything.
const JAVASCRIPT: [Sample; 10] = [
    ("token", &["200 OK", "ResultCode: 0", "Token: '"]),
    ("register", &["200 OK", "RegistList", "'8001'", "'5401'"]),
    ("websocket", &["Connected", "\"Symbol\":\"8001\""]),
    ("board", &["200 OK", "Symbol: '5401'"]),
    ("primaryexchange", &["200 OK", "PrimaryExchange: 1"]),
    ("apisoftlimit", &["200 OK", "Stock: "]),
    ("unregister", &["200 OK", "RegistList: ["]),
    ("unregisterall", &["200 OK", "RegistList: []"]),
    ("ranking", &["200 OK", "Ranking: ["]),
    ("symbolname_future", &["400 Bad Request", "Code: 4002001"]),
];

/// `sample/Python`, with Python and the `websocket-client` package.
pub fn python(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let found = tools.samples().and_then(|samples| Ok((samples, tools.python()?)));
    let (samples, python) = match found {
        Ok(found) => found,
        Err(why) => return skip(rows, name, why),
    };
    let version = format!(
        "{}, {}, websocket-client {}",
        tools::commit(&samples),
        tools::version(&python, &["--version"]).unwrap_or_default(),
        tools::package(&python, "websocket-client").unwrap_or_default(),
    );
    let command = |file: &Path| {
        let mut command = Command::new(&python);
        command.arg("-u").arg(file);
        command
    };
    let folder = samples.join("sample").join("Python");
    let file = |sample: &str| folder.join(format!("kabusapi_{sample}.py"));
    walk(&tools.ayumi, &PYTHON, name, &version, file, command, rows)
}

/// `sample/JavaScript`, written for browsers, with Node's own fetch and WebSocket.
pub fn javascript(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let node = tools::version("node", &["--version"]).ok_or_else(|| "there is no Node on this machine".to_owned());
    let (samples, node) = match tools.samples().and_then(|samples| Ok((samples, node?))) {
        Ok(found) => found,
        Err(why) => return skip(rows, name, why),
    };
    let major = tools::major(&node);
    if major < 20 {
        return skip(
            rows,
            name,
            format!("Node {node} has no WebSocket of its own; version 20 and later do"),
        );
    }
    let command = |file: &Path| {
        let mut command = Command::new("node");
        if major < 22 {
            command.arg("--experimental-websocket");
        }
        command.arg(file);
        command
    };
    let version = format!("{}, Node {node}", tools::commit(&samples));
    let folder = samples.join("sample").join("JavaScript");
    let file = |sample: &str| folder.join(format!("{sample}.js"));
    walk(&tools.ayumi, &JAVASCRIPT, name, &version, file, command, rows)
}

fn skip(rows: &mut Vec<Row>, name: &'static str, why: String) -> Result<()> {
    rows.push(Row::skipped(name, why));
    Ok(())
}

/// Runs the samples one after another. The simulator goes on from sample to sample while they have the same token in
/// their code, and starts again with the next one's token when that changes.
fn walk(
    ayumi: &Path,
    samples: &[Sample],
    name: &'static str,
    version: &str,
    file: impl Fn(&str) -> PathBuf,
    command: impl Fn(&Path) -> Command,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let register = token_in(&file("register")).unwrap_or_default();
    let mut running: Option<(String, Station)> = None;
    for (sample, shows) in samples {
        let file = file(sample);
        // Samples without a token run beside the register sample.
        let token = token_in(&file).unwrap_or_else(|| register.clone());
        if running.as_ref().is_none_or(|(current, _)| *current != token) {
            drop(running.take());
            running = Some((token.clone(), Station::start(ayumi, &token)?));
        }
        let limit = Duration::from_secs(20);
        let verdict = if file.exists() {
            program::run(&mut command(&file), &Expectation { shows, limit })
        } else {
            Verdict::Skipped(format!("this checkout has no {}", file.display()))
        };
        rows.push(Row {
            client: name,
            step: (*sample).to_owned(),
            version: version.to_owned(),
            verdict,
        });
    }
    Ok(())
}

/// The token that a sample has in its code: 32 hexadecimal digits in quotes.
fn token_in(file: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&std::fs::read(file).ok()?).into_owned();
    text.split('\'')
        .find(|part| part.len() == 32 && part.chars().all(|c| c.is_ascii_hexdigit()))
        .map(str::to_owned)
}
