//! Libraries, each driven by a small program of our own in `xtask/clients`, and a Go client that the user has built.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::program::{self, Expectation};
use super::station::Station;
use super::tools::{self, Tools};
use super::{Row, Verdict};

/// Any token: these programs ask for one.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Any password is right for a simulator that was given none.
const PASSWORD: &str = "password";

/// The examples of gitlab.com/tsuchinaga/go-kabusapi, as executables in the folder `go-kabusapi` of the user.
pub fn go_kabusapi(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let folder = match tools.in_folder("go-kabusapi") {
        Ok(folder) => folder,
        Err(why) => {
            rows.push(Row::skipped(
                name,
                format!("{why}; it should hold its examples as executables"),
            ));
            return Ok(());
        }
    };
    let examples: [(&str, &[&str]); 7] = [
        ("token", &["ResultCode:0", "err: <nil>"]),
        ("board", &["&{5401 "]),
        ("register", &["{9433 1}"]),
        ("ws", &["{1397 1}", "Symbol:13"]),
        ("symbol", &["&{"]),
        ("primary_exchange", &["&{"]),
        ("ranking", &["&{"]),
    ];
    let _station = Station::start(&tools.ayumi, TOKEN)?;
    for (example, shows) in examples {
        let file = folder.join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
        let verdict = if file.exists() {
            let mut command = Command::new(&file);
            command.env("API_PASSWORD", PASSWORD).env("IS_PROD", "true");
            let limit = Duration::from_secs(20);
            program::run(&mut command, &Expectation { shows, limit })
        } else {
            Verdict::Skipped(format!("there is no {}", file.display()))
        };
        rows.push(Row {
            client: name,
            step: example.to_owned(),
            version: tools::version("go", &["version", &file.to_string_lossy()]).map_or_else(String::new, go),
            verdict,
        });
    }
    Ok(())
}

/// `java.net.http`, the HTTP and WebSocket client of the JDK; runs from source, without a build.
pub fn java(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    match tools::version("java", &["--version"]) {
        Some(version) if tools::major(&version) >= 11 => {
            let mut command = Command::new("java");
            command.arg(Tools::drivers().join("JdkClient.java"));
            drive(
                &tools.ayumi,
                name,
                version,
                &mut command,
                &["token ", "registered 2", "board 7203", "push 7203", "done"],
                40,
                rows,
            )
        }
        Some(version) => {
            rows.push(Row::skipped(
                name,
                format!("{version}: programs run from source since Java 11"),
            ));
            Ok(())
        }
        None => {
            rows.push(Row::skipped(name, "there is no Java on this machine"));
            Ok(())
        }
    }
}

/// Every answer and 200 messages against the description of the API that the broker publishes beside the samples.
pub fn openapi(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let found = tools.samples().and_then(|samples| Ok((samples, tools.python()?)));
    let (samples, python) = match found {
        Ok(found) => found,
        Err(why) => {
            rows.push(Row::skipped(name, why));
            return Ok(());
        }
    };
    let file = samples.join("reference").join("kabu_STATION_API.yaml");
    let mut command = Command::new(python);
    command.arg("-u").arg(Tools::drivers().join("openapi.py")).arg(file);
    let version = tools::commit(&samples);
    let shows = ["200 messages", "as described: done"];
    drive(&tools.ayumi, name, version, &mut command, &shows, 90, rows)
}

/// A Python library with typed models of every answer: what does not fit them is an error.
pub fn py_kabusapi(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let shows = [
        "token ",
        "register ",
        "board ",
        "symbol ",
        "ranking ",
        "primaryexchange ",
        "push 10",
        "done",
    ];
    with_python(tools, name, "py-kabusapi", "py_kabusapi_day.py", &shows, 40, rows)
}

/// Its keepalive pings get no answer, as from the station: the connection must end after about 40 s in code 1006.
/// Without them, and with its usual offer of compression, it must get messages.
pub fn keepalive(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let shows = ["without pings: ", "messages", "with pings: closed 1006 after 40 s"];
    with_python(tools, name, "websockets", "keepalive.py", &shows, 70, rows)
}

/// The most used WebSocket library of Node; it offers compression and here comes with a browser's Origin.
pub fn node_ws(tools: &mut Tools, name: &'static str, rows: &mut Vec<Row>) -> Result<()> {
    let Some(node) = tools::version("node", &["--version"]) else {
        rows.push(Row::skipped(name, "there is no Node on this machine"));
        return Ok(());
    };
    match tools.node_package("ws") {
        Ok(home) => {
            let modules = home.join("node_modules");
            let script = "console.log(JSON.parse(require('fs').readFileSync(process.argv[1])).version)";
            let package = modules.join("ws").join("package.json");
            let own = tools::version("node", &["-e", script, &package.to_string_lossy()]).unwrap_or_default();
            let mut command = Command::new("node");
            command
                .env("NODE_PATH", &modules)
                .arg(Tools::drivers().join("node_ws.js"));
            let shows = ["registered 2", "extensions ''", "push 20", "no pong", "done"];
            drive(
                &tools.ayumi,
                name,
                format!("ws {own}, Node {node}"),
                &mut command,
                &shows,
                40,
                rows,
            )
        }
        Err(why) => {
            rows.push(Row::skipped(name, why));
            Ok(())
        }
    }
}

fn with_python(
    tools: &mut Tools,
    name: &'static str,
    package: &str,
    file: &str,
    shows: &[&str],
    seconds: u64,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let python = match tools.python() {
        Ok(python) => python,
        Err(why) => {
            rows.push(Row::skipped(name, why));
            return Ok(());
        }
    };
    let Some(version) = tools::package(&python, package) else {
        rows.push(Row::skipped(name, format!("the package {package} is not installed")));
        return Ok(());
    };
    let mut command = Command::new(&python);
    command.arg("-u").arg(Tools::drivers().join(file));
    let version = format!("{package} {version}");
    drive(&tools.ayumi, name, version, &mut command, shows, seconds, rows)
}

fn drive(
    ayumi: &Path,
    name: &'static str,
    version: String,
    command: &mut Command,
    shows: &[&str],
    seconds: u64,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let _station = Station::start(ayumi, TOKEN)?;
    let limit = Duration::from_secs(seconds);
    let verdict = program::run(command, &Expectation { shows, limit });
    rows.push(Row {
        client: name,
        step: String::new(),
        version,
        verdict,
    });
    Ok(())
}

/// `path/token: go1.19.8` -> `go1.19.8`.
fn go(line: String) -> String {
    line.rsplit(": ").next().unwrap_or_default().to_owned()
}
