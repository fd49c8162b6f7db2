//! Which workers can be run on this machine, and why the others cannot.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::worker::Program;

/// What was found.
pub struct Programs {
    /// Ours.
    pub ayumi: Program,
    /// The peers that can run, best case first.
    pub peers: Vec<Program>,
    /// Why a peer is missing; empty when none is.
    pub absent: String,
}

impl Programs {
    /// Size of our binary.
    pub fn ayumi_bytes(&self) -> u64 {
        match &self.ayumi {
            Program::Ayumi(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
            Program::Peer { .. } => 0,
        }
    }
}

/// Builds `ayumi` beside this program and looks for the Python worker.
pub fn find() -> Result<Programs> {
    let (peers, absent) = peers();
    Ok(Programs {
        ayumi: Program::Ayumi(ayumi()?),
        peers,
        absent,
    })
}

/// The binary in the folder of this one. Cargo brings it up to date when this program was started by cargo.
fn ayumi() -> Result<PathBuf> {
    let folder = std::env::current_exe()?.parent().context("no folder")?.to_owned();
    let path = folder.join(format!("ayumi{}", std::env::consts::EXE_SUFFIX));
    if let Some(cargo) = std::env::var_os("CARGO") {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let status = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--release",
                "--package",
                "ayumi",
                "--manifest-path",
                manifest,
            ])
            .arg("--target-dir")
            .arg(folder.parent().context("no target folder")?)
            .status()?;
        ensure!(status.success(), "ayumi does not build: {status}");
    }
    ensure!(
        path.is_file(),
        "{} is missing: cargo build --release --package ayumi",
        path.display()
    );
    Ok(path)
}

fn peers() -> (Vec<Program>, String) {
    let named = std::env::var_os("AYUMI_PEER").filter(|name| !name.is_empty());
    let Some(script) = named.map(PathBuf::from) else {
        return (
            Vec::new(),
            "not run: AYUMI_PEER does not name a python_worker.py".to_owned(),
        );
    };
    if !script.is_file() {
        return (Vec::new(), "not run: AYUMI_PEER names no file".to_owned());
    }
    let usual = if cfg!(windows) { "python" } else { "python3" };
    let python = std::env::var("AYUMI_PEER_PYTHON").unwrap_or_else(|_| usual.to_owned());
    if !imports(&python, "websocket, sqlite3") {
        let said =
            format!("not run: `{usual}` has no package websocket-client (AYUMI_PEER_PYTHON names another interpreter)");
        return (Vec::new(), said);
    }
    let peer = |wsaccel| Program::Peer {
        python: python.clone(),
        script: script.clone(),
        wsaccel,
    };
    if imports(&python, "wsaccel.xormask, wsaccel.utf8validator") {
        (vec![peer(true), peer(false)], String::new())
    } else {
        (
            vec![peer(false)],
            "the case with wsaccel not run: the package is missing".to_owned(),
        )
    }
}

fn imports(python: &str, modules: &str) -> bool {
    Command::new(python)
        .args(["-c", &format!("import {modules}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
