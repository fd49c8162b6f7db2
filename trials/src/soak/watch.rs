//! What a recorder uses while it runs: memory, handles, threads, and the write-ahead log.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::recorder::Desk;

const MEMORY_KB: u64 = 64 << 10;
const WAL_BYTES: u64 = 64 << 20;
/// A process has everything it will ever open after this time.
const SETTLED: Duration = Duration::from_secs(5);
/// Handles and threads that come and go: a line and a request under way.
const SLACK: u64 = 4;

pub(super) struct Watch {
    wal: PathBuf,
    since: Instant,
    settled: Option<Use>,
    most: Use,
    most_wal: u64,
}

#[derive(Clone, Copy, Default)]
struct Use {
    memory_kb: u64,
    handles: u64,
    threads: u64,
}

impl Watch {
    pub(super) fn new(desk: &Desk) -> Self {
        Self {
            wal: desk.path("ticks.db-wal"),
            since: Instant::now(),
            settled: None,
            most: Use::default(),
            most_wal: 0,
        }
    }

    /// From now on it is another process.
    pub(super) fn another(&mut self) {
        (self.since, self.settled) = (Instant::now(), None);
    }

    /// Looks for so long at the process.
    pub(super) fn during(&mut self, pause: Duration, pid: u32) -> Result<()> {
        let end = Instant::now() + pause;
        loop {
            self.look(pid)?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(200)));
        }
    }

    fn look(&mut self, pid: u32) -> Result<()> {
        let Some(now) = used(pid) else { return Ok(()) };
        ensure!(now.memory_kb <= MEMORY_KB, "{} kB resident", now.memory_kb);
        if self.since.elapsed() > SETTLED {
            let first = *self.settled.get_or_insert(now);
            ensure!(
                now.handles <= first.handles + SLACK,
                "handles: {} at first, {} now",
                first.handles,
                now.handles
            );
            ensure!(
                now.threads <= first.threads + SLACK,
                "threads: {} at first, {} now",
                first.threads,
                now.threads
            );
        }
        self.most.memory_kb = self.most.memory_kb.max(now.memory_kb);
        self.most.handles = self.most.handles.max(now.handles);
        self.most.threads = self.most.threads.max(now.threads);
        let wal = std::fs::metadata(&self.wal).map_or(0, |data| data.len());
        ensure!(wal <= WAL_BYTES, "the write-ahead log has {wal} bytes");
        self.most_wal = self.most_wal.max(wal);
        Ok(())
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "at most {} kB resident, {} handles, {} threads, write-ahead log {} kB",
            self.most.memory_kb,
            self.most.handles,
            self.most.threads,
            self.most_wal >> 10
        )
    }
}

/// `None` where the system does not tell, or the process is gone.
fn used(pid: u32) -> Option<Use> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Use {
        memory_kb: number("VmRSS:")?,
        handles: std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64,
        threads: number("Threads:")?,
    })
}
