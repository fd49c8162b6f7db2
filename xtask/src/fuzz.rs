//! `cargo xtask fuzz`: coverage-guided fuzzing on the stable toolchain, and what it has come to in docs/reliability.md.
//!
//! The coverage pass is asked for by flags, libFuzzer comes with its crate. No sanitizer, because nothing here is unsafe.

mod table;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{root, run as run_command, say};

pub(crate) const HELP: &str = "  \
  fuzz [NAME ...]             coverage-guided fuzzing; a find ends it with an error. Targets: push_json, push_values,
                              push_engine, ws_frame, engine_ops, journal_file, settings_file, watchlist.
                              --seconds N each (default 60), --runs N (no limit of time unless given), --jobs J processes
                              at a time. --write: adds executions and time to docs/reliability.md. --count LOG: adds
                              those of a run of the target's binary that was started by hand, and runs nothing
";

/// What is fuzzed.
struct Target {
    name: &'static str,
    /// What must hold for any input, for the table.
    holds: &'static str,
    /// Longest input, bytes: longer ones are slower and reach nothing more.
    max_len: u32,
    /// A dictionary in `fuzz`.
    words: Option<&'static str>,
}

const TARGETS: [Target; 8] = [
    Target {
        name: "push_json",
        holds: "any bytes: no panic, the three decoders of a PUSH message agree",
        // The longest message of the station, and some.
        max_len: 2_048,
        words: Some("push.dict"),
    },
    Target {
        name: "push_values",
        holds: "any values in a well-formed PUSH message: the three decoders agree",
        max_len: 96,
        words: Some("push.dict"),
    },
    Target {
        name: "push_engine",
        holds: "any bytes as PUSH and `/board`: no panic, counted once",
        max_len: 2_048,
        words: Some("push.dict"),
    },
    Target {
        name: "ws_frame",
        holds: "any bytes on the line: no panic, bounded memory, slicing changes nothing",
        max_len: 4_096,
        words: None,
    },
    Target {
        name: "engine_ops",
        holds: "any sequence of messages, answers, line events, clock jumps: both books close",
        max_len: 4_096,
        words: None,
    },
    Target {
        name: "journal_file",
        holds: "any bytes as a journal: no panic, no end, damage told",
        max_len: 4_096,
        words: None,
    },
    Target {
        name: "settings_file",
        holds: "any bytes as settings: no panic, no secret in what is said",
        max_len: 4_096,
        words: None,
    },
    Target {
        name: "watchlist",
        holds: "any bytes as a watchlist: no panic",
        max_len: 4_096,
        words: None,
    },
];

/// What a target did in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Done {
    executions: u64,
    seconds: u64,
}

#[derive(Default)]
struct Options {
    targets: Vec<&'static Target>,
    seconds: Option<u64>,
    runs: Option<u64>,
    jobs: u64,
    write: bool,
    count: Option<PathBuf>,
}

/// Runs the chore.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let options = options(args)?;
    if let Some(log) = &options.count {
        let &[target] = options.targets.as_slice() else {
            bail!("--count LOG counts for one target: name it");
        };
        let done = counted(log).with_context(|| format!("{} holds no end of a run", log.display()))?;
        say(&format!(
            "{}: {} executions in {} s",
            target.name, done.executions, done.seconds
        ));
        return table::add(target, done);
    }
    if !cfg!(target_os = "linux") {
        say("fuzzing needs Linux (libFuzzer); skipped");
        return Ok(());
    }
    let binaries = build()?;
    for target in TARGETS.iter() {
        let chosen = options.targets.is_empty() || options.targets.iter().any(|t| t.name == target.name);
        if !chosen {
            continue;
        }
        let done = fuzz(target, &binaries, &options)?;
        let rate = done.executions / done.seconds.max(1);
        say(&format!(
            "{}: {} executions in {} s, {rate}/s, no find",
            target.name, done.executions, done.seconds
        ));
        if options.write {
            table::add(target, done)?;
        }
    }
    Ok(())
}

fn options(args: &[String]) -> Result<Options> {
    let mut options = Options {
        jobs: 1,
        ..Options::default()
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        let number = |text: &String| {
            text.parse::<u64>()
                .with_context(|| format!("{arg} takes a whole number"))
        };
        match arg.as_str() {
            "--seconds" => options.seconds = Some(number(value()?)?),
            "--runs" => options.runs = Some(number(value()?)?),
            "--jobs" => options.jobs = number(value()?)?.max(1),
            "--count" => options.count = Some(value()?.into()),
            "--write" => options.write = true,
            name => match TARGETS.iter().find(|target| target.name == name) {
                Some(target) => options.targets.push(target),
                None => bail!("{name} is no target of fuzzing\n{HELP}"),
            },
        }
    }
    Ok(options)
}

/// The folder of the binaries.
fn build() -> Result<PathBuf> {
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
    run_command(
        Command::new("cargo")
            .args(["build", "--release", "--locked", "--target", &target])
            .env("RUSTFLAGS", flags.join(" "))
            .env("CARGO_TARGET_DIR", build_folder())
            .current_dir(&folder),
    )?;
    Ok(build_folder().join(target).join("release"))
}

fn build_folder() -> PathBuf {
    root().join("fuzz").join("target")
}

/// One target, in as many processes as wanted; they share the corpus.
fn fuzz(target: &Target, binaries: &Path, options: &Options) -> Result<Done> {
    let began = Instant::now();
    let logs = build_folder().join("logs");
    std::fs::create_dir_all(&logs)?;
    let mut jobs = Vec::new();
    for job in 0..options.jobs {
        let log = logs.join(format!("{}-{job}.log", target.name));
        let mut command = command(target, binaries, options)?;
        let file = std::fs::File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let child = command
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        jobs.push(Job { child, log });
    }
    wait(target, &mut jobs)?;
    let mut done = Done {
        executions: 0,
        seconds: began.elapsed().as_secs(),
    };
    for job in &jobs {
        let of_job = counted(&job.log).with_context(|| format!("{} has no end", job.log.display()))?;
        done.executions += of_job.executions;
    }
    Ok(done)
}

fn command(target: &Target, binaries: &Path, options: &Options) -> Result<Command> {
    let mut command = Command::new(binaries.join(target.name));
    // What is new goes into the build folder and is the start of the next run; the corpus in the repository is not changed.
    let corpus = build_folder().join("corpus").join(target.name);
    let finds = build_folder().join("finds").join(target.name);
    let seeds = match target.name {
        "push_json" | "push_engine" => root().join("testdata"),
        name => root().join("fuzz").join("corpus").join(name),
    };
    for folder in [&corpus, &finds] {
        std::fs::create_dir_all(folder)?;
    }
    if let Some(runs) = options.runs {
        command.arg(format!("-runs={}", runs.div_ceil(options.jobs)));
    }
    if let Some(seconds) = options.seconds.or(options.runs.is_none().then_some(60)) {
        command.arg(format!("-max_total_time={seconds}"));
    }
    if let Some(words) = target.words {
        command.arg(format!("-dict={}", root().join("fuzz").join(words).display()));
    }
    command
        .args(["-timeout=60", "-rss_limit_mb=512", "-print_final_stats=1"])
        .arg(format!("-max_len={}", target.max_len))
        .arg(format!("-artifact_prefix={}/", finds.display()))
        .arg(corpus);
    // Some targets begin from nothing.
    if seeds.is_dir() {
        command.arg(seeds);
    }
    Ok(command)
}

struct Job {
    child: Child,
    log: PathBuf,
}

/// Waits for all; the first find ends the others.
fn wait(target: &Target, jobs: &mut [Job]) -> Result<()> {
    loop {
        let mut running = 0;
        let mut failed = None;
        for job in jobs.iter_mut() {
            match job.child.try_wait()? {
                None => running += 1,
                Some(status) if !status.success() => failed = Some((status, job.log.clone())),
                Some(_) => {}
            }
        }
        if let Some((status, log)) = failed {
            for job in jobs.iter_mut() {
                // It may have ended meanwhile.
                let _ = job.child.kill();
                let _ = job.child.wait();
            }
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            bail!(
                "{}: {status}; the end of {}:\n{}",
                target.name,
                log.display(),
                lines[lines.len().saturating_sub(25)..].join("\n")
            );
        }
        if running == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Executions and seconds as libFuzzer's log tells them.
fn counted(log: &Path) -> Result<Done> {
    let text = std::fs::read(log)?;
    counted_in(&String::from_utf8_lossy(&text))
}

/// The final line is there after an orderly end only; a run that was ended by hand tells its last pulse.
fn counted_in(text: &str) -> Result<Done> {
    ensure!(!text.contains("Test unit written to"), "the run ended with a find");
    let ended = text.lines().rev().find_map(|line| {
        let (runs, rest) = line.strip_prefix("Done ")?.split_once(" runs in ")?;
        let seconds = rest.split(' ').next()?;
        Some(Done {
            executions: runs.parse().ok()?,
            seconds: seconds.parse().ok()?,
        })
    });
    let pulse = || {
        text.lines().rev().find_map(|line| {
            let executions: u64 = line.strip_prefix('#')?.split_whitespace().next()?.parse().ok()?;
            let rate: u64 = line.split("exec/s: ").nth(1)?.split(' ').next()?.parse().ok()?;
            Some(Done {
                executions,
                seconds: executions / rate.max(1),
            })
        })
    };
    ended
        .or_else(pulse)
        .context("no line tells how many executions there were")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_without_it_the_last_pulse() {
        let pulses = "#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 30Mb\n#4096\tpulse  cov: 9 ft: 9 corp: 3/9b lim: 4 exec/s: 2048 rss: 31Mb\n";
        let pulse = Done {
            executions: 4_096,
            seconds: 2,
        };
        assert_eq!(counted_in(pulses).ok(), Some(pulse));
        let whole = format!("{pulses}Done 5000 runs in 3 second(s)\nstat::number_of_executed_units: 5000\n");
        let end = Done {
            executions: 5_000,
            seconds: 3,
        };
        assert_eq!(counted_in(&whole).ok(), Some(end));
    }

    #[test]
    fn a_run_with_a_find_or_without_any_line_counts_nothing() {
        assert!(
            counted_in("#7\tNEW cov: 1 exec/s: 7 rss: 1Mb\nartifact_prefix='x'; Test unit written to x/crash-1\n")
                .is_err()
        );
        assert!(counted_in("INFO: Seed: 1\n").is_err());
    }
}
