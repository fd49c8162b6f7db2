//! `cargo xtask instructions`: the guard of the hot path. Seconds are not stable on a shared machine, instructions are.
//!
//! Builds `benches/hot-path` as a release is built, counts every section of it under callgrind, half and whole (the
//! difference is the work without its preparation), and compares instructions per message with the committed record.
//! Owns the counting and the verdict's wording; what is compared with what is decided in `record.rs`.

mod record;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::{root, say};
use record::{Record, Row, Rule};

/// The committed figures, from the root of the repository.
const RECORD: &str = "benches/instructions.toml";

/// Compares, or renews the record with `--write`.
pub fn run(args: &[String]) -> Result<()> {
    let write = match args {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => bail!("instructions takes --write, or nothing"),
    };
    if let Err(why) = valgrind() {
        say(&format!("skipped: instructions: {why}"));
        return Ok(());
    }
    let now = count(&build()?)?;
    let path = root().join(RECORD);
    if write {
        std::fs::write(&path, now.text()).with_context(|| format!("cannot write {RECORD}"))?;
        say(&table(&record::compare(&now, &now)));
        say(&format!("written: {RECORD}"));
        return Ok(());
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {RECORD}; cargo xtask instructions --write makes it"))?;
    judge(&now, &Record::parse(&text).with_context(|| RECORD)?)
}

fn judge(now: &Record, was: &Record) -> Result<()> {
    if Rule::of(now, was) == Rule::BesidePeer {
        say(&format!(
            "counted with {} on {}, recorded with {} on {}: compared is what serde_json costs in the same run",
            now.rustc, now.machine, was.rustc, was.machine
        ));
    }
    let rows = record::compare(now, was);
    say(&table(&rows));
    let dearer: Vec<&str> = rows
        .iter()
        .filter(|row| row.is_dearer())
        .map(|row| &*row.section)
        .collect();
    ensure!(
        dearer.is_empty(),
        "more than {:.0} % dearer than {RECORD} says: {}. When that is meant: cargo xtask instructions --write",
        (record::LIMIT - 1.0) * 100.0,
        dearer.join(", ")
    );
    let gone = was.sections_not_in(now);
    ensure!(
        gone.is_empty(),
        "recorded and not counted any more: {}",
        gone.join(", ")
    );
    if rows.iter().any(Row::is_stale) {
        say("some are much cheaper than recorded, or not recorded: cargo xtask instructions --write keeps that");
    }
    Ok(())
}

fn valgrind() -> Result<(), &'static str> {
    if !cfg!(target_os = "linux") {
        return Err("callgrind counts on Linux only");
    }
    let found = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => Err("valgrind is not installed (apt-get install valgrind)"),
    }
}

/// The program, beside this one's build folder; profile `release`, so that what is counted is what the compiler makes
/// of a release.
fn build() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).context("this program lies in no build folder")?;
    crate::run(
        Command::new("cargo")
            .args(["build", "--release", "--locked", "--package", "ayumi-hot-path"])
            .arg("--target-dir")
            .arg(target)
            .current_dir(root()),
    )?;
    Ok(target.join("release").join("ayumi-hot-path"))
}

fn count(program: &Path) -> Result<Record> {
    let list = Command::new(program).arg("list").output()?;
    ensure!(list.status.success(), "{} list: {}", program.display(), list.status);
    let mut figures = Vec::new();
    for line in String::from_utf8(list.stdout)?.lines() {
        let (section, messages) = line.split_once(' ').with_context(|| line.to_owned())?;
        let [half, whole] = ["half", "whole"].map(|part| instructions(program, section, part));
        let work = whole?
            .checked_sub(half?)
            .context("the whole costs less than its half")?;
        figures.push((section.to_owned(), work / messages.parse::<u64>()?));
    }
    Ok(Record {
        rustc: rustc()?,
        machine: machine(),
        figures,
    })
}

fn instructions(program: &Path, section: &str, part: &str) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([section, part])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{section} under valgrind: {}\n{said}",
        output.status
    );
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.with_context(|| format!("valgrind names no count:\n{said}"))?;
    number.trim().parse().with_context(|| number.to_owned())
}

fn rustc() -> Result<String> {
    let program = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(program).arg("-V").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// What a count depends on beside the compiler: the C library chooses its copying routines by these.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags: Vec<&str> = info
        .lines()
        .find(|line| line.starts_with("flags"))
        .map(|line| line.split_whitespace().collect())
        .unwrap_or_default();
    let known = ["avx2", "erms"].into_iter().filter(|flag| flags.contains(flag));
    [std::env::consts::ARCH]
        .into_iter()
        .chain(known)
        .collect::<Vec<_>>()
        .join(" ")
}

fn table(rows: &[Row]) -> String {
    let line = |cells: [&str; 5]| {
        let [section, now, was, change, peer] = cells;
        format!("{section:<26} {now:>12} {was:>12} {change:>9} {peer:>18}\n")
    };
    let mut text = line([
        "instructions per message",
        "counted",
        "recorded",
        "change",
        "serde_json / ours",
    ]);
    for row in rows {
        let number = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let change = row
            .change
            .map_or_else(|| "-".to_owned(), |c| format!("{:+.1} %", (c - 1.0) * 100.0));
        let peer = row.peer.map_or_else(String::new, |times| format!("{times:.2}x"));
        let mark = if row.is_dearer() { " <- dearer" } else { "" };
        text += line([&row.section, &number(Some(row.now)), &number(row.was), &change, &peer]).trim_end();
        text += mark;
        text += "\n";
    }
    text
}
