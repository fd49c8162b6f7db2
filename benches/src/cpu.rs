//! CPU time of a thread or a process, without `unsafe`: read from Linux' /proc.
//!
//! Elsewhere threads fall back to wall time and other processes have no figures. Wall time is no substitute on a
//! machine that does something else, so the report says which clock it was.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds of CPU time of the calling thread (wall time where the system does not tell).
pub fn thread_ns() -> u64 {
    // The kernel brings a thread's account up to date when it is scheduled, not when the file is read.
    std::thread::yield_now();
    first_number(Path::new("/proc/thread-self/schedstat")).unwrap_or_else(wall_ns)
}

/// Whether [`thread_ns`] is CPU time.
pub fn is_exact() -> bool {
    first_number(Path::new("/proc/thread-self/schedstat")).is_some()
}

/// What a process used up to now.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// CPU time of all its living threads, ns.
    pub total_ns: u64,
    /// By thread name.
    pub threads: Vec<(String, u64)>,
}

/// CPU time of another process. `None` where the system does not tell, or when it has ended.
pub fn process(pid: u32) -> Option<Usage> {
    let mut usage = Usage::default();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let task = task.ok()?.path();
        // A thread may end between the listing and the reading.
        let Some(ns) = first_number(&task.join("schedstat")) else {
            continue;
        };
        let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
        usage.total_ns += ns;
        usage.threads.push((name.trim().to_owned(), ns));
    }
    Some(usage)
}

impl Usage {
    /// CPU time since `earlier`, ns.
    pub fn since(&self, earlier: &Self) -> u64 {
        self.total_ns.saturating_sub(earlier.total_ns)
    }

    /// The most that one thread used since `earlier`, ns.
    pub fn busiest_since(&self, earlier: &Self) -> u64 {
        let before = |name: &str| earlier.threads.iter().find(|(n, _)| n == name).map_or(0, |(_, ns)| *ns);
        let used = self.threads.iter().map(|(name, ns)| ns.saturating_sub(before(name)));
        used.max().unwrap_or(0)
    }
}

/// Resident memory of a process in kB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Now.
    pub now_kb: u64,
    /// The most it ever was.
    pub peak_kb: u64,
}

/// Memory of another process; `None` as for [`process`].
pub fn memory(pid: u32) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Memory {
        now_kb: field("VmRSS:")?,
        peak_kb: field("VmHWM:")?,
    })
}

/// The most memory that a process has until it ends, kB; 0 where the system does not tell. For a thread of its own.
pub fn peak_until_end(pid: u32) -> u64 {
    let mut peak = 0;
    // What has ended has no memory, also before its parent has asked for the end.
    while let Some(memory) = memory(pid) {
        peak = memory.peak_kb;
        std::thread::sleep(Duration::from_millis(5));
    }
    peak
}

fn first_number(path: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn wall_ns() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_uses_time() {
        let before = thread_ns();
        let began = Instant::now();
        while began.elapsed().as_millis() < 5 {
            std::hint::spin_loop();
        }
        assert!(thread_ns() > before);
    }

    #[test]
    fn this_process_is_measured_like_any_other() {
        let pid = std::process::id();
        if is_exact() {
            let usage = process(pid).unwrap();
            assert!(usage.total_ns > 0 && !usage.threads.is_empty());
            let memory = memory(pid).unwrap();
            assert!(memory.peak_kb >= memory.now_kb && memory.now_kb > 0);
        }
        assert!(process(u32::MAX).is_none());
    }
}
