//! `cargo xtask export-check`: the real binary records and exports, pandas, polars and DuckDB read.
//!
//! Owns the environment that the libraries are fetched into, under the build folder. The checks themselves are in
//! `xtask/export/check.py`. What cannot be had is skipped with the reason.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::say;

/// What reads the files; pyarrow is what pandas reads Parquet with.
const LIBRARIES: [&str; 4] = ["pandas", "pyarrow", "polars", "duckdb"];

/// Runs the check, with a new build unless `--ayumi FILE` names one.
pub fn run(args: &[String]) -> Result<()> {
    let own = std::env::current_exe()?;
    let ayumi = match args {
        [] => {
            build()?;
            own.with_file_name(format!("ayumi{}", std::env::consts::EXE_SUFFIX))
        }
        [flag, file] if flag == "--ayumi" => std::path::absolute(file)?,
        _ => bail!("export-check takes --ayumi FILE, or nothing"),
    };
    let target = own.ancestors().nth(2).context("this program lies in no build folder")?;
    let python = match environment(&target.join("export-check")) {
        Ok(python) => python,
        Err(why) => {
            say(&format!("skipped: export-check: {why}"));
            return Ok(());
        }
    };
    let script = crate::root().join("xtask").join("export").join("check.py");
    crate::run(Command::new(python).arg(script).arg(ayumi).env("PYTHONUTF8", "1"))
}

/// Builds the program the way this one was built, so that both lie in the same folder.
fn build() -> Result<()> {
    let release = (!cfg!(debug_assertions)).then_some("--release");
    crate::run(
        Command::new("cargo")
            .args(["build", "--package", "ayumi"])
            .args(release)
            .current_dir(crate::root()),
    )
}

/// A Python with the libraries, in an environment of its own. A library that cannot be fetched is left to the script,
/// which names it; none at all is a reason to skip.
fn environment(home: &Path) -> Result<PathBuf, String> {
    let inside = if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    };
    let python = home.join(inside);
    if !python.exists() {
        let names = if cfg!(windows) {
            ["py", "python"]
        } else {
            ["python3", "python"]
        };
        let system = names
            .into_iter()
            .find(|name| succeeds(Command::new(name).arg("--version")).is_ok());
        let system = system.ok_or("there is no Python on this machine")?;
        succeeds(Command::new(system).args(["-m", "venv"]).arg(home))?;
    }
    let imports = |name: &str| succeeds(Command::new(&python).args(["-c", &format!("import {name}")])).is_ok();
    if LIBRARIES.into_iter().all(imports) {
        return Ok(python);
    }
    say(&format!("fetching {} (once; 600 MB on disk)", LIBRARIES.join(", ")));
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--retries",
        "1",
    ];
    let fetched = succeeds(Command::new(&python).args(pip).args(LIBRARIES));
    match fetched {
        Err(why) if !LIBRARIES.into_iter().any(imports) => Err(why),
        _ => Ok(python),
    }
}

/// Runs a command whose output matters only when it fails.
fn succeeds(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    Err(format!("{name}: {}", last.unwrap_or("no message").trim()))
}
