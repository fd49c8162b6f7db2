//! Chores of the project: `cargo xtask ci | bench | instructions | fuzz | trials | clients | export-check`.

mod clients;
mod export;
mod instructions;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

const HELP: &str = "\
cargo xtask <chore>

  ci                          format, lints, all tests, short fuzzing: what must pass before a change lands
  bench                       benchmarks, about four minutes: ratios against limits and a peer (AYUMI_PEER);
                              writes docs/performance.md. --quick: 40 s, writes nothing. --memory: 10 minutes at
                              500 messages/s. --only STAGES; --long
  instructions [--write]      counts the instructions of the hot path per message with callgrind, release build; fails
                              when one is a tenth dearer than benches/instructions.toml, --write renews that file
  fuzz [--seconds N] [NAME]   coverage-guided fuzzing of push_json, ws_frame, engine_ops, journal_file, settings_file
                              and watchlist, N seconds each (default 60)
  trials [NAME ...] [--long]  the promises with the shipping binary: kills, power-cut images, failing and stalled disks,
                              resets, seeds on a virtual clock, memory (docs/reliability.md). --long: the amounts of a
                              release, half an hour. --n N, --seed S. --write: puts the figures into docs/reliability.md
  clients [--dir FOLDER]      programs of other people against `ayumi sim` on port 18080 (docs/sim.md); what cannot
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
        Some("fuzz") => fuzz(rest),
        Some("trials") => trials(rest),
        Some("clients") => clients::run(rest),
        Some("export-check") => export::run(rest),
        _ => Err(anyhow::anyhow!("{HELP}")),
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

fn ci() -> Result<()> {
    cargo(["fmt", "--all", "--check"], &[])?;
    cargo(
        ["clippy", "--workspace", "--all-targets", "--locked"],
        &strings(["--", "-D", "warnings"]),
    )?;
    cargo(["test", "--workspace", "--locked"], &[])?;
    fuzz(&strings(["--seconds", "10"]))
}

/// The binary of the build that tests use, too.
fn trials(args: &[String]) -> Result<()> {
    if !cfg!(unix) {
        say("trials need a system with kill and signals; skipped");
        return Ok(());
    }
    cargo(
        ["build", "--locked", "--package", "ayumi", "--package", "ayumi-trials"],
        &[],
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let ayumi = target.join("debug").join("ayumi").display().to_string();
    let mut rest = strings(["--ayumi", &ayumi]);
    for arg in args {
        rest.push(arg.clone());
        if arg == "--write" {
            rest.push(root().join("docs").join("reliability.md").display().to_string());
        }
    }
    cargo(["run", "--quiet", "--locked", "--package", "ayumi-trials", "--"], &rest)
}

/// What is fuzzed.
const FUZZ_TARGETS: [&str; 6] = [
    "push_json",
    "ws_frame",
    "engine_ops",
    "journal_file",
    "settings_file",
    "watchlist",
];

/// Fuzzing on the stable toolchain: the coverage pass is asked for by flags, libFuzzer comes with its crate. No
/// sanitizer, because nothing here is unsafe.
fn fuzz(args: &[String]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        say("fuzzing needs Linux (libFuzzer); skipped");
        return Ok(());
    }
    let seconds = args
        .iter()
        .position(|a| a == "--seconds")
        .and_then(|at| args.get(at + 1))
        .map_or("60", String::as_str);
    let seconds: u32 = seconds.parse().context("--seconds takes a whole number")?;
    let chosen = args.iter().find(|a| FUZZ_TARGETS.contains(&a.as_str()));
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = root().join("fuzz");
    let flags = [
        "-Cpasses=sancov-module",
        "-Cllvm-args=-sanitizer-coverage-level=4",
        "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
        "-Cllvm-args=-sanitizer-coverage-pc-table",
        "-Cllvm-args=-sanitizer-coverage-trace-compares",
        "--cfg",
        "fuzzing",
        "-Ccodegen-units=1",
    ];
    let target_dir = folder.join("target");
    run(Command::new("cargo")
        .args(["build", "--release", "--locked", "--target", &target])
        .env("RUSTFLAGS", flags.join(" "))
        .env("CARGO_TARGET_DIR", &target_dir)
        .current_dir(&folder))?;
    for name in FUZZ_TARGETS {
        if chosen.is_some_and(|chosen| chosen != name) {
            continue;
        }
        // New finds go into the build folder; the corpus in the repository only gives the start.
        let found = target_dir.join("corpus").join(name);
        std::fs::create_dir_all(&found)?;
        let seeds = match name {
            "push_json" => root().join("testdata"),
            _ => folder.join("corpus").join(name),
        };
        // Some targets begin from nothing.
        std::fs::create_dir_all(&seeds)?;
        run(Command::new(target_dir.join(&target).join("release").join(name))
            .arg(format!("-max_total_time={seconds}"))
            .args([
                "-max_len=4096",
                "-timeout=60",
                "-rss_limit_mb=512",
                "-print_final_stats=1",
                "-verbosity=0",
            ])
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg(&found)
            .arg(seeds))?;
    }
    Ok(())
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
