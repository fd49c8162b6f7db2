//! The table of fuzzing in docs/reliability.md: executions and time of a target add up over all runs that were written,
//! the commit is that of the last one.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Done, Target};
use crate::root;

const BEGIN: &str = "<!-- fuzzing: rows written by `cargo xtask fuzz --write` -->";
const END: &str = "<!-- end of fuzzing -->";
const HEAD: &str = "\n| target | what holds | executions in all | finds | time in all | last run: commit, machine |\n\
                    | --- | --- | --- | --- | --- | --- |\n";

/// Adds what a target did without a find.
pub(super) fn add(target: &Target, done: Done) -> Result<()> {
    let path = root().join("docs").join("reliability.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let text = added(&text, target, done, &stamp())?;
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

fn added(text: &str, target: &Target, done: Done, stamp: &str) -> Result<String> {
    let (head, rest) = text
        .split_once(BEGIN)
        .context("the document has no place for fuzzing")?;
    let (old, tail) = rest
        .split_once(END)
        .context("the document's table of fuzzing has no end")?;
    let start = format!("| `{}` |", target.name);
    let mut lines: Vec<String> = old
        .lines()
        .filter(|l| l.starts_with("| `"))
        .map(str::to_owned)
        .collect();
    let before = lines
        .iter()
        .find(|l| l.starts_with(&start))
        .and_then(|l| numbers(l))
        .unwrap_or_default();
    let line = format!(
        "{start} {} | {} | 0 | {} s | {stamp} |",
        target.holds,
        before.executions + done.executions,
        before.seconds + done.seconds
    );
    match lines.iter_mut().find(|l| l.starts_with(&start)) {
        Some(old) => *old = line,
        None => lines.push(line),
    }
    let mut table = HEAD.to_owned();
    for line in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{line}");
    }
    Ok(format!("{head}{BEGIN}{table}{END}{tail}"))
}

/// Executions and seconds in a row.
fn numbers(line: &str) -> Option<Done> {
    let mut cells = line.split('|').map(str::trim).skip(3);
    let executions = cells.next()?.parse().ok()?;
    let seconds = cells.nth(1)?.strip_suffix(" s")?.parse().ok()?;
    Some(Done { executions, seconds })
}

/// Where it was run: commit and machine.
fn stamp() -> String {
    let commit = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(root())
        .output();
    let commit = commit.map_or_else(
        |_| String::new(),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    );
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{commit}, {cores} cores, {}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::super::TARGETS;
    use super::*;

    #[test]
    fn executions_and_time_add_up_and_other_rows_stay() {
        let done = Done {
            executions: 1_000,
            seconds: 60,
        };
        let empty = format!("before\n{BEGIN}\n{END}\nafter\n");
        let once = added(&empty, &TARGETS[0], done, "a1").expect("added");
        let other = added(&once, &TARGETS[1], done, "a1").expect("added");
        let twice = added(&other, &TARGETS[0], done, "b2").expect("added");
        assert!(twice.starts_with("before\n") && twice.ends_with("after\n"));
        let rows: Vec<&str> = twice.lines().filter(|l| l.starts_with("| `")).collect();
        assert_eq!(rows.len(), 2);
        assert!(rows[0].contains("| 2000 | 0 | 120 s | b2 |"), "{}", rows[0]);
        assert!(rows[1].contains("| 1000 | 0 | 60 s | a1 |"), "{}", rows[1]);
        assert!(added("no table", &TARGETS[0], done, "").is_err());
    }
}
