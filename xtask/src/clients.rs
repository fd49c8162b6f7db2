//! `cargo xtask clients`: programs of other people, their code unchanged, against the real `ayumi sim`.
//!
//! Owns the list of clients, what each must have printed, and the table at the end. Owns no client: their code is
//! fetched into the build folder or taken from a folder of the user, and what cannot be had is skipped with the reason.

mod curl;
mod drivers;
mod official;
mod program;
mod station;
mod tools;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::say;
use tools::Tools;

/// What became of one program.
enum Verdict {
    /// It did its job; what it showed.
    Ok(String),
    /// It ran and did not get what it came for.
    Failed(String),
    /// It could not be had here; why.
    Skipped(String),
}

/// One line of the table.
struct Row {
    client: &'static str,
    step: String,
    version: String,
    verdict: Verdict,
}

/// Runs every client, or those whose name contains `--only`; fails when one of them failed.
pub fn run(args: &[String]) -> Result<()> {
    let options = Options::read(args)?;
    if let Some(why) = station::port_taken() {
        say(&format!("skipped: all clients: {why}"));
        return Ok(());
    }
    if options.ayumi.is_none() {
        build()?;
    }
    let mut tools = Tools::new(options.folder, options.ayumi)?;
    let mut rows = Vec::new();
    for (name, client) in CLIENTS {
        if options.only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            say(&format!("\n== {name}"));
            client(&mut tools, name, &mut rows)?;
        }
    }
    report(&rows)
}

/// Builds the simulator the way this program was built, so that both lie in the same folder.
fn build() -> Result<()> {
    let release = if cfg!(debug_assertions) {
        None
    } else {
        Some("--release")
    };
    crate::run(
        Command::new("cargo")
            .args(["build", "--package", "ayumi"])
            .args(release)
            .current_dir(crate::root()),
    )
}

type Client = fn(&mut Tools, &'static str, &mut Vec<Row>) -> Result<()>;

/// Every client with the name that `--only` looks in.
const CLIENTS: [(&str, Client); 9] = [
    ("curl", curl::run),
    ("official Python samples", official::python),
    ("official JavaScript samples", official::javascript),
    ("official API description", drivers::openapi),
    ("Go: go-kabusapi examples", drivers::go_kabusapi),
    ("Java: java.net.http", drivers::java),
    ("Python: py-kabusapi", drivers::py_kabusapi),
    ("Python: websockets", drivers::keepalive),
    ("Node: ws", drivers::node_ws),
];

struct Options {
    folder: Option<PathBuf>,
    only: Option<String>,
    ayumi: Option<PathBuf>,
}

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let mut options = Self {
            folder: std::env::var_os("AYUMI_CLIENTS").map(PathBuf::from),
            only: None,
            ayumi: None,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--dir" => options.folder = Some(PathBuf::from(value()?)),
                "--only" => options.only = Some(value()?.clone()),
                "--ayumi" => options.ayumi = Some(std::path::absolute(value()?)?),
                other => bail!("clients does not know {other}; it takes --dir FOLDER, --only NAME and --ayumi FILE"),
            }
        }
        Ok(options)
    }
}

impl Row {
    fn skipped(client: &'static str, why: impl Into<String>) -> Self {
        Self {
            client,
            step: String::new(),
            version: String::new(),
            verdict: Verdict::Skipped(why.into()),
        }
    }
}

fn report(rows: &[Row]) -> Result<()> {
    say("");
    let (mut ok, mut failed, mut skipped) = (0, 0, 0);
    for row in rows {
        let (word, text) = match &row.verdict {
            Verdict::Ok(text) => ("ok", text),
            Verdict::Failed(text) => ("FAILED", text),
            Verdict::Skipped(text) => ("skipped", text),
        };
        match row.verdict {
            Verdict::Ok(_) => ok += 1,
            Verdict::Failed(_) => failed += 1,
            Verdict::Skipped(_) => skipped += 1,
        }
        let name = format!("{} {}", row.client, row.step);
        say(&format!("{word:<8} {:<46} {:<34} {text}", name.trim_end(), row.version));
    }
    say(&format!("\n{ok} ok, {failed} failed, {skipped} skipped"));
    if failed > 0 {
        bail!("{failed} of the clients failed");
    }
    Ok(())
}
