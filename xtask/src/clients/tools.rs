//! What runs the clients, and where they come from: interpreters of this machine, packages fetched into the build
//! folder by their own package managers, and repositories from a folder of the user or by git.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Where the official samples are published.
const SAMPLES: &str = "https://github.com/kabucom/kabusapi";
/// What the Python clients need; an environment of its own, so that nothing of the user's is changed.
const PACKAGES: [&str; 4] = ["websocket-client", "websockets", "py-kabusapi", "pyyaml"];

/// Tools found so far; each is looked for once.
pub struct Tools {
    /// The program whose simulator the clients talk to.
    pub ayumi: PathBuf,
    folder: Option<PathBuf>,
    cache: PathBuf,
    samples: Option<Result<PathBuf, String>>,
    python: Option<Result<PathBuf, String>>,
}

impl Tools {
    /// `folder` is where the user keeps clients, if anywhere. Without `ayumi` it is the one that lies beside this
    /// program: both were built by the same cargo into the same folder.
    pub fn new(folder: Option<PathBuf>, ayumi: Option<PathBuf>) -> Result<Self> {
        let own = std::env::current_exe()?;
        let target = own.ancestors().nth(2).context("this program lies in no build folder")?;
        let cache = target.join("clients");
        std::fs::create_dir_all(&cache)?;
        let beside = own.with_file_name(format!("ayumi{}", std::env::consts::EXE_SUFFIX));
        Ok(Self {
            ayumi: ayumi.unwrap_or(beside),
            folder: folder.map(|folder| std::path::absolute(&folder).unwrap_or(folder)),
            cache,
            samples: None,
            python: None,
        })
    }

    /// Where our own small programs that drive a library lie.
    pub fn drivers() -> PathBuf {
        crate::root().join("xtask").join("clients")
    }

    /// `name` in the user's folder, or why it is not there.
    pub fn in_folder(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self
            .folder
            .as_ref()
            .ok_or("no folder given with --dir or AYUMI_CLIENTS")?;
        let path = folder.join(name);
        if path.exists() {
            Ok(path)
        } else {
            Err(format!("there is no {}", path.display()))
        }
    }

    /// The official samples: `kabusapi` in the user's folder, else a shallow clone.
    pub fn samples(&mut self) -> Result<PathBuf, String> {
        if self.samples.is_none() {
            self.samples = Some(self.find_samples());
        }
        self.samples.clone().unwrap_or_else(|| Err("not looked for".to_owned()))
    }

    fn find_samples(&self) -> Result<PathBuf, String> {
        if let Ok(path) = self.in_folder("kabusapi") {
            return Ok(path);
        }
        let clone = self.cache.join("kabusapi");
        if clone.join("sample").exists() {
            return Ok(clone);
        }
        quiet(
            Command::new("git")
                .env("GIT_TERMINAL_PROMPT", "0")
                .args(["clone", "--quiet", "--depth", "1", SAMPLES])
                .arg(&clone),
        )
        .map_err(|why| format!("kabucom/kabusapi: {why}; give a folder that has it as kabusapi with --dir"))?;
        Ok(clone)
    }

    /// A Python with the packages of the clients, in an environment under the build folder.
    pub fn python(&mut self) -> Result<PathBuf, String> {
        if self.python.is_none() {
            self.python = Some(self.make_python());
        }
        self.python.clone().unwrap_or_else(|| Err("not looked for".to_owned()))
    }

    fn make_python(&self) -> Result<PathBuf, String> {
        let home = self.cache.join("python");
        let python = home.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        });
        if !python.exists() {
            let names = if cfg!(windows) {
                ["py", "python"]
            } else {
                ["python3", "python"]
            };
            let system = names.into_iter().find(|name| version(name, &["--version"]).is_some());
            let system = system.ok_or("there is no Python on this machine")?;
            quiet(Command::new(system).args(["-m", "venv"]).arg(&home))?;
        }
        quiet(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--upgrade"])
                .args(PACKAGES),
        )
        .or_else(|why| {
            if PACKAGES.iter().all(|name| package(&python, name).is_some()) {
                Ok(())
            } else {
                Err(why)
            }
        })?;
        Ok(python)
    }

    /// The folder whose `node_modules` has `package`.
    pub fn node_package(&self, package: &str) -> Result<PathBuf, String> {
        let home = self.cache.join("node");
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        if !home.join("node_modules").join(package).exists() {
            let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
            quiet(
                Command::new(npm)
                    .args(["install", "--silent", "--prefix"])
                    .arg(&home)
                    .arg(package),
            )?;
        }
        Ok(home)
    }
}

/// The first line that a program prints of its version; None when there is no such program.
pub fn version(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&text);
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The version of a Python package.
pub fn package(python: &Path, name: &str) -> Option<String> {
    let script = format!("import importlib.metadata as m; print(m.version('{name}'))");
    version(python, &["-c", &script])
}

/// The major number of `v20.1.2` or `openjdk 17.0.1 2025-01-01`.
pub fn major(version: &str) -> u32 {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0)
}

/// The commit of a checkout.
pub fn commit(checkout: &Path) -> String {
    let folder = checkout.to_string_lossy();
    version("git", &["-C", &folder, "rev-parse", "--short=7", "HEAD"]).unwrap_or_else(|| "no commit".to_owned())
}

/// Runs a command whose output matters only when it fails.
fn quiet(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("no message")
        .trim();
    Err(format!("{name}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_a_major_number() {
        assert_eq!(major("v20.20.2"), 20);
        assert_eq!(major("openjdk 17.0.15 2025-04-15"), 17);
        assert_eq!(major("none"), 0);
    }
}
