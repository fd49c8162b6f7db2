//! The shipping binary as a child process, recording; what it says it has committed is read from `--events jsonl`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// No single wait is longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Fifty codes; what they are called does not matter here.
pub(crate) fn symbols() -> Vec<String> {
    (0..50).map(|i| (1301 + 7 * i).to_string()).collect()
}

/// A folder with settings, database and log.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// With settings `c.json`: these keys and what every trial needs.
    pub(crate) fn new(keys: Value) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("ayumi-trial-").tempdir()?;
        let desk = Self { folder };
        let mut settings = json!({
            "mode": "mock", "symbols": symbols(), "db_path": desk.db(), "log_path": desk.path("stream.log"),
        });
        if let (Some(all), Value::Object(keys)) = (settings.as_object_mut(), keys) {
            all.extend(keys);
        }
        std::fs::write(desk.path("c.json"), settings.to_string())?;
        Ok(desk)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("ticks.db")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The log, for a report of what went wrong.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("stream.log")).unwrap_or_default()
    }
}

/// A window that the recorder said it had committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) window_id: i64,
    /// A power cut can no longer take it.
    pub(crate) durable: bool,
}

/// A running recorder; ended when dropped.
pub(crate) struct Recorder {
    child: Child,
    lines: Receiver<String>,
    /// Windows told so far, in order.
    pub(crate) told: Vec<Told>,
    /// How long after its end each of them was told, ms.
    late_ms: Vec<i64>,
    /// Its own process id: the child may be a wrapper.
    own: Option<u32>,
    /// Messages in all, as its last event says.
    received: Option<i64>,
}

/// How a recorder ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) told: Vec<Told>,
    /// How long after its end each window was told, ms.
    pub(crate) late_ms: Vec<i64>,
    /// Messages in all; `None`: it did not come to saying so.
    pub(crate) received: Option<i64>,
}

impl Recorder {
    /// `ayumi stream -Config c.json --events jsonl` with these further arguments, behind `wrapper` if there is one
    /// (`strace ...`).
    pub(crate) fn start(ayumi: &Path, desk: &Desk, wrapper: &[String], args: &[&str]) -> Result<Self> {
        let mut command = match wrapper.split_first() {
            None => Command::new(ayumi),
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(ayumi);
                command
            }
        };
        command
            .args(["stream", "-Config", "c.json", "--events", "jsonl"])
            .args(args);
        let mut child = at(&mut command, desk)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", ayumi.display()))?;
        let out = child.stdout.take().context("stdout is piped")?;
        Ok(Self {
            child,
            lines: read_lines(out),
            told: Vec::new(),
            late_ms: Vec::new(),
            own: None,
            received: None,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.own.unwrap_or_else(|| self.child.id())
    }

    /// Waits until at least `count` windows were told in all.
    pub(crate) fn wait_told(&mut self, count: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.told.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.take(&line),
                Err(_) => bail!("{} of {count} windows, then silence or the end", self.told.len()),
            }
        }
        Ok(())
    }

    /// How many windows it has told up to now.
    pub(crate) fn told_by_now(&mut self) -> usize {
        while let Ok(line) = self.lines.try_recv() {
            self.take(&line);
        }
        self.told.len()
    }

    /// Ends it as a crash does; takes what it had said until then.
    pub(crate) fn kill(mut self) -> Result<Vec<Told>> {
        self.child.kill()?;
        self.child.wait()?;
        self.take_rest();
        Ok(std::mem::take(&mut self.told))
    }

    /// What it had told when it ended by itself within `limit`; `None`: it still runs.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Result<Option<Vec<Told>>> {
        let deadline = Instant::now() + limit;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                while let Ok(line) = self.lines.try_recv() {
                    self.take(&line);
                }
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.take_rest();
        Ok(Some(std::mem::take(&mut self.told)))
    }

    /// Waits for its own end.
    pub(crate) fn ended(self) -> Result<(ExitStatus, Vec<Told>)> {
        self.end().map(|end| (end.status, end.told))
    }

    /// The same with all it had said.
    pub(crate) fn end(mut self) -> Result<Ended> {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                bail!("the recorder does not end");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        self.take_rest();
        Ok(Ended {
            status,
            told: std::mem::take(&mut self.told),
            late_ms: std::mem::take(&mut self.late_ms),
            received: self.received,
        })
    }

    /// Whether it has not ended yet.
    pub(crate) fn runs(&mut self) -> Result<bool> {
        while let Ok(line) = self.lines.try_recv() {
            self.take(&line);
        }
        Ok(self.child.try_wait()?.is_none())
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) -> Result<()> {
        self.signal("TERM")
    }

    /// Sends it a signal: `INT`, `TERM`, `HUP`.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()?;
        if !status.success() {
            bail!("kill -{name}: {status}");
        }
        Ok(())
    }

    fn take(&mut self, line: &str) {
        // The last line of a process that was killed may be cut.
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            return;
        };
        if event["event"] == "boot" {
            self.own = event["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        }
        if event["event"] == "window_committed"
            && let (Some(window_id), Some(durable)) = (event["window_id"].as_i64(), event["durable"].as_bool())
        {
            self.told.push(Told { window_id, durable });
            let time = |key: &str| event[key].as_str().and_then(ayumi_engine::jst::parse_ms);
            if let (Some(ts), Some(end)) = (time("ts"), time("end")) {
                self.late_ms.push(ts - end);
            }
        }
        if event["event"] == "stop" {
            self.received = event["received"].as_i64();
        }
    }

    fn take_rest(&mut self) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.take(&line);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // It may have ended already. What a killed wrapper leaves behind is ended, too.
        if matches!(self.child.try_wait(), Ok(None)) {
            if let Some(own) = self.own {
                let _ = Command::new("kill").args(["-KILL", &own.to_string()]).status();
            }
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Runs `ayumi` with these arguments to its end, on the desk: its exit code, and all it said.
pub(crate) fn run(ayumi: &Path, desk: &Desk, args: &[&str]) -> Result<(Option<i32>, String)> {
    let mut command = Command::new(ayumi);
    let out = at(command.args(args), desk).stdin(Stdio::null()).output()?;
    let said = [out.stdout, out.stderr].concat();
    Ok((out.status.code(), String::from_utf8_lossy(&said).into_owned()))
}

/// On the desk, and without what the machine's user may have set.
fn at<'c>(command: &'c mut Command, desk: &Desk) -> &'c mut Command {
    for name in ["KABU_TOKEN", "KABU_API_KEY", "KABU_API_PASSWORD"] {
        command.env_remove(name);
    }
    command.current_dir(desk.folder())
}

fn read_lines(out: ChildStdout) -> Receiver<String> {
    let (tell, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    lines
}
