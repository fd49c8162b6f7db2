//! `cargo xtask trials`: builds the program and the trials, and runs them against each other.

use std::path::PathBuf;

use anyhow::Result;

use crate::{cargo, root, say, strings};

pub(crate) const HELP: &str = "  \
  trials [NAME ...] [--long]  the promises with the shipping binary: kills, power-cut images, failing and stalled disks,
                              resets, seeds on a virtual clock, memory (docs/reliability.md). --long: the amounts of a
                              release, an hour. --n N, --seed S. --write: puts the figures into docs/reliability.md.
                              `soak` is long only when it is named (--n SECONDS)
";

/// The binary of the build that tests use, too.
pub(crate) fn run(args: &[String]) -> Result<()> {
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
