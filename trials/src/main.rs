//! Long trials of the promises, with the shipping binary: `cargo xtask trials [NAME ...] [--n N] [--seed S] [--write]`.
//!
//! Each trial states what it did and ends with an error when a promise is broken; the error names seed and place, and the
//! same seed makes the same trial again. Nothing here is linked into the binary.

mod again;
mod burst;
mod check;
mod disk;
mod first;
mod flips;
mod hogs;
mod hunger;
mod images;
mod journal;
mod kills;
mod memory;
mod points;
mod random;
mod recorder;
mod recovery;
mod report;
mod resets;
mod seeds;
mod signals;
mod soak;
mod stall;
mod trace;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use report::Row;

/// Long only when it is named.
const SOAK: &str = "soak";

/// The trials, and their amounts: short, and for a release. What is counted stands in the row that a trial gives.
const TRIALS: [(&str, u64, u64); 19] = [
    ("g01_stall", 10, 60),
    ("g03_seeds", 50, 500),
    ("g05_kills", 200, 2_000),
    ("g06_power_cut", 100, 2_000),
    ("g08_failing_disk", 10, 1),
    ("g09_resets", 200, 1_000),
    ("g14_memory", 10, 480),
    ("j01_journal_kills", 200, 500),
    ("j02_journal_power_cut", 200, 2_000),
    ("j04_bit_flips", 500, 10_000),
    ("n06_burst", 6, 10),
    ("p01_signals", 100, 500),
    ("p05_out_of_memory", 1, 10),
    ("p10_started_again", 20, 100),
    ("p11_two_hogs", 10, 180),
    ("s05_bit_flips", 500, 5_000),
    ("s08_power_cut_in_recovery", 200, 2_000),
    ("s17_first_seconds", 200, 2_000),
    (SOAK, 10, 1_800),
];

struct Options {
    names: Vec<String>,
    n: Option<u64>,
    long: bool,
    seed: u64,
    ayumi: PathBuf,
    document: Option<PathBuf>,
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("trials: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        names: Vec::new(),
        n: None,
        long: false,
        seed: 1,
        ayumi: PathBuf::new(),
        document: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--n" => options.n = Some(value()?.parse().context("--n takes a whole number")?),
            "--seed" => options.seed = value()?.parse().context("--seed takes a whole number")?,
            "--ayumi" => options.ayumi = value()?.into(),
            "--write" => options.document = Some(value()?.into()),
            "--long" => options.long = true,
            name if TRIALS.iter().any(|(known, ..)| *known == name) => options.names.push(arg),
            other => {
                let known: Vec<&str> = TRIALS.iter().map(|(name, ..)| *name).collect();
                bail!("{other} is no trial; there are {}", known.join(", "));
            }
        }
    }
    options.ayumi = std::path::absolute(&options.ayumi)?;
    if !options.ayumi.is_file() {
        bail!("--ayumi FILE: {} is not there", options.ayumi.display());
    }
    Ok(options)
}

fn run(options: &Options) -> Result<()> {
    let mut rows = Vec::new();
    for (name, short, long) in TRIALS {
        if !options.names.is_empty() && !options.names.iter().any(|n| n == name) {
            continue;
        }
        let long_too = options.long && (name != SOAK || !options.names.is_empty());
        let n = options.n.unwrap_or(if long_too { long } else { short });
        let done = trial(name, &options.ayumi, n, options.seed)?;
        for row in &done {
            say(&row.markdown(""));
        }
        rows.extend(done);
    }
    if let Some(document) = &options.document {
        report::write(document, &rows, &stamp())?;
    }
    Ok(())
}

fn trial(name: &str, ayumi: &Path, n: u64, seed: u64) -> Result<Vec<Row>> {
    let needs_strace = [
        "g01_stall",
        "g06_power_cut",
        "g08_failing_disk",
        "j02_journal_power_cut",
        "n06_burst",
        "s08_power_cut_in_recovery",
        "s17_first_seconds",
    ]
    .contains(&name);
    if needs_strace && Command::new("strace").arg("-V").output().is_err() {
        say(&format!("skipped: {name} needs strace (Linux; apt-get install strace)"));
        return Ok(Vec::new());
    }
    let rows = match name {
        "g01_stall" => vec![stall::run(ayumi, n)?],
        "g03_seeds" => vec![seeds::run(n, seed)?],
        "g05_kills" => vec![kills::run(ayumi, n, seed)?],
        "g06_power_cut" => images::run(ayumi, n, seed)?,
        "g08_failing_disk" => points::run(ayumi, n)?,
        "g09_resets" => vec![resets::run(ayumi, n, seed)?],
        "j01_journal_kills" => vec![journal::run_kills(ayumi, n, seed)?],
        "j02_journal_power_cut" => journal::run_cuts(ayumi, n, seed)?,
        "j04_bit_flips" => vec![flips::run_journal(ayumi, n, seed)?],
        "n06_burst" => burst::run(ayumi, n)?,
        "p01_signals" => vec![signals::run(ayumi, n, seed)?],
        "p05_out_of_memory" => vec![hunger::run(ayumi, n, seed)?],
        "p10_started_again" => vec![again::run(ayumi, n)?],
        "p11_two_hogs" => vec![hogs::run(ayumi, n)?],
        "s05_bit_flips" => vec![flips::run_database(ayumi, n, seed)?],
        SOAK => vec![soak::run(ayumi, n, seed)?],
        "s08_power_cut_in_recovery" => vec![recovery::run(ayumi, n, seed)?],
        "s17_first_seconds" => first::run(ayumi, n, seed)?,
        _ => vec![memory::run(ayumi, n)?],
    };
    Ok(rows)
}

/// Where it was run: commit and machine.
fn stamp() -> String {
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map_or_else(
        |_| String::new(),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    );
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{commit}, {cores} cores, {}", std::env::consts::OS)
}

#[expect(clippy::print_stdout, reason = "a chore talks to the terminal")]
fn say(line: &str) {
    println!("{line}");
}
