//! Chores of the project: `cargo xtask ci | bench | instructions | fuzz | trials | clients | export-check`.

mod clients;
mod export;
mod fuzz;
mod instructions;
mod trials;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask <chore>

  ci                          format, lints, all tests, short fuzzing: what must pass before a change lands
  bench                       benchmarks, about six minutes: ratios against limits and a peer (AYUMI_PEER);
                              writes docs/performance.md. --quick: 40 s, writes nothing. --memory: 10 minutes at
                              500 messages/s. --only STAGES; --long
  instructions [--write]      counts the instructions of the hot path per message with callgrind, release build; fails
                              when one is a tenth dearer than benches/instructions.toml, --write renews that file
{FUZZ}{TRIALS}  clients [--dir FOLDER]      programs of other people against `ayumi sim` on port 18080 (docs/sim.md); what cannot
                              be had is skipped. FOLDER, or AYUMI_CLIENTS, holds clients that were fetched before.
                              --only NAME: those whose name contains NAME. --ayumi FILE: this program, not a new build
  export-check                exports of every table read by pandas, polars and DuckDB, which are fetched into the build
                              folder; skipped where that is impossible. --ayumi FILE: this program, not a new build
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("ci") => ci(),
        Some("bench") => cargo(["run", "--release", "--package", "ayumi-bench", "--"], rest),
        Some("instructions") => instructions::run(rest),
        Some("fuzz") => fuzz::run(rest),
        Some("trials") => trials::run(rest),
        Some("clients") => clients::run(rest),
        Some("export-check") => export::run(rest),
        _ => Err(anyhow::anyhow!(help())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a chore talks to the terminal")]
            {
                eprintln!("xtask: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    HELP.replace("{FUZZ}", fuzz::HELP).replace("{TRIALS}", trials::HELP)
}

fn ci() -> Result<()> {
    cargo(["fmt", "--all", "--check"], &[])?;
    cargo(
        ["clippy", "--workspace", "--all-targets", "--locked"],
        &strings(["--", "-D", "warnings"]),
    )?;
    cargo(["test", "--workspace", "--locked"], &[])?;
    fuzz::run(&strings(["--seconds", "8"]))
}

fn cargo<const N: usize>(args: [&str; N], rest: &[String]) -> Result<()> {
    run(Command::new("cargo").args(args).args(rest).current_dir(root()))
}

fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}").replace('"', "");
    say(&format!(
        "> {}",
        line.rsplit_once("RUSTFLAGS").map_or(line.as_str(), |(_, tail)| tail)
    ));
    let status = command.status().with_context(|| format!("cannot start: {line}"))?;
    if !status.success() {
        bail!("{status}: {line}");
    }
    Ok(())
}

fn strings<const N: usize>(args: [&str; N]) -> Vec<String> {
    args.map(str::to_owned).to_vec()
}

fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "a chore talks to the terminal")]
    {
        println!("{line}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root folder")
        .to_owned()
}
