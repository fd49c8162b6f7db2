//! A recorder in a process of its own: the `ayumi` binary, or the Python worker it is compared with.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ayumi_engine::Symbol;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::cpu::{self, Memory, Usage};

/// No secret: worker and simulator of one run agree on it.
pub const TOKEN: &str = "bench";

/// What a worker says on stdout.
const EVENTS: &str = "events.jsonl";

/// What can be run.
#[derive(Clone, Debug)]
pub enum Program {
    /// Ours, by its path.
    Ayumi(PathBuf),
    /// The Python worker.
    Peer {
        /// Its interpreter.
        python: String,
        /// The script.
        script: PathBuf,
        /// With the C helpers of the package wsaccel.
        wsaccel: bool,
    },
}

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// Port of the station.
    pub port: u16,
    /// What is recorded.
    pub symbols: &'a [Symbol],
    /// Register the symbols first (ours only; the peer does not register).
    pub register: bool,
    /// JST time of the worker's clock at its start (ours only).
    pub clock: Option<&'a str>,
    /// Let it tell its events (ours only).
    pub events: bool,
}

/// A running recorder; killed and its files removed when this is dropped.
pub struct Worker {
    child: Child,
    folder: TempDir,
    peer: bool,
}

/// What a database holds.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Messages accounted for.
    pub messages: u64,
    /// End of the window and messages in it, oldest first.
    pub windows: Vec<(String, u64)>,
}

impl Program {
    /// As it is called in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ayumi(_) => "ayumi",
            Self::Peer { wsaccel: true, .. } => "Python peer, wsaccel",
            Self::Peer { wsaccel: false, .. } => "Python peer, no wsaccel",
        }
    }

    /// Starts it; it connects by itself.
    pub fn start(&self, setup: &Setup<'_>) -> Result<Worker> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let config = folder.path().join("settings.json");
        std::fs::write(&config, settings(folder.path(), setup).to_string())?;
        let mut command = match self {
            Self::Ayumi(path) => {
                let mut command = Command::new(path);
                command.args(["stream", "--verbose", "0", "--config"]).arg(&config);
                if let Some(clock) = setup.clock {
                    command.args(["--clock", clock]);
                }
                if setup.events {
                    command.args(["--events", "jsonl"]);
                }
                command
            }
            Self::Peer {
                python,
                script,
                wsaccel,
            } => {
                let mut command = Command::new(python);
                command.arg(script).arg(&config).arg("3600");
                if !wsaccel {
                    command.env("PYTHONPATH", shadow(folder.path())?);
                }
                command
            }
        };
        let errors = std::fs::File::create(folder.path().join("stderr.txt"))?;
        let events = std::fs::File::create(folder.path().join(EVENTS))?;
        let child = command
            .env_remove("KABU_TOKEN")
            .env_remove("KABU_API_KEY")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(events)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {}", self.name()))?;
        Ok(Worker {
            child,
            folder,
            peer: matches!(self, Self::Peer { .. }),
        })
    }
}

impl Worker {
    /// CPU time up to now; `None` where the system does not tell.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn usage(&mut self) -> Result<Option<Usage>> {
        if let Some(status) = self.child.try_wait()? {
            let said = std::fs::read_to_string(self.folder.path().join("stderr.txt")).unwrap_or_default();
            bail!("the worker ended early ({status}): {}", said.trim());
        }
        Ok(cpu::process(self.child.id()))
    }

    /// Memory now and at most.
    pub fn memory(&self) -> Option<Memory> {
        cpu::memory(self.child.id())
    }

    /// What has been committed.
    pub fn stored(&self) -> Result<Stored> {
        let path = self.database();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(200))?;
        let sql = if self.peer {
            "SELECT ts_window_end, sum(ticks) FROM tick_batch GROUP BY ts_window_end ORDER BY 1"
        } else {
            "SELECT ts_end, messages FROM window_log ORDER BY window_id"
        };
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        let windows: Vec<(String, u64)> = rows.collect::<Result<_, _>>()?;
        Ok(Stored {
            messages: windows.iter().map(|(_, messages)| messages).sum(),
            windows,
        })
    }

    /// How long after its end each window was committed, ms, by the worker's own clock; empty without events.
    pub fn commit_delays(&self) -> Result<Vec<f64>> {
        let text = std::fs::read_to_string(self.folder.path().join(EVENTS))?;
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let windows = events.filter(|event| event["event"] == "window_committed");
        let ms = |event: &serde_json::Value, field: &str| Some(ms_of_day(event[field].as_str()?)? as f64);
        Ok(windows.filter_map(|w| Some(ms(&w, "ts")? - ms(&w, "end")?)).collect())
    }

    /// Bytes of the database and its write-ahead log.
    pub fn database_bytes(&self) -> u64 {
        let size = |path: PathBuf| std::fs::metadata(path).map_or(0, |m| m.len());
        size(self.database()) + size(self.folder.path().join("bench.db-wal"))
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("bench.db")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself; its files go with the folder either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stored {
    /// Messages per second in the windows between the first and the last, which are cut.
    pub fn rate(&self) -> Option<f64> {
        let [first, between @ .., _] = self.windows.as_slice() else {
            return None;
        };
        let (end, _) = between.last()?;
        let ms = ms_of_day(end)?.checked_sub(ms_of_day(&first.0)?)?;
        let messages: u64 = between.iter().map(|(_, messages)| messages).sum();
        (ms > 0).then(|| messages as f64 * 1e3 / ms as f64)
    }
}

fn settings(folder: &Path, setup: &Setup<'_>) -> serde_json::Value {
    let symbols: Vec<String> = setup.symbols.iter().map(Symbol::ticker).collect();
    serde_json::json!({
        "host": "localhost",
        "port": setup.port,
        "token": TOKEN,
        "symbols": symbols,
        "auto_register": setup.register,
        "board_mode": "push",
        "window_ms": 300,
        // Only the protection against overload is off: in a flood it would fold ticks, and cost less for it.
        "tick_queue_max": 10_000_000,
        "db_path": folder.join("bench.db"),
        "log_path": folder.join("bench.log"),
    })
}

/// A folder that hides the package: importing it from there fails as if it were not installed.
fn shadow(folder: &Path) -> Result<PathBuf> {
    let package = folder.join("shadow").join("wsaccel");
    std::fs::create_dir_all(&package)?;
    std::fs::write(
        package.join("__init__.py"),
        "raise ImportError('hidden by the benchmark')\n",
    )?;
    Ok(folder.join("shadow"))
}

/// `2026-11-20T10:00:00.300+09:00` as milliseconds since midnight.
fn ms_of_day(iso: &str) -> Option<u64> {
    let number = |at: std::ops::Range<usize>| iso.get(at)?.parse::<u64>().ok();
    let (h, m, s, ms) = (number(11..13)?, number(14..16)?, number(17..19)?, number(20..23)?);
    Some(((h * 60 + m) * 60 + s) * 1000 + ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_leaves_the_cut_windows_out() {
        let end = |ms: u64| format!("2026-11-20T10:00:0{}.{:03}+09:00", ms / 1000, ms % 1000);
        let windows = vec![(end(300), 7), (end(600), 300), (end(900), 330), (end(1200), 5)];
        let stored = Stored { messages: 0, windows };
        assert_eq!(stored.rate(), Some(1050.0));
        assert_eq!(Stored::default().rate(), None);
    }
}
