//! A queue that never blocks its writers, and the thread that empties it.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use log::Level;

use super::Now;
use crate::fault;
use crate::text::redact;

/// A formatted line and the time it was logged.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub at: Stamp,
    pub text: Arc<str>,
}

impl Line {
    pub(super) fn new(at: Stamp, level: Level, message: &str) -> Self {
        Self {
            at,
            text: super::format(at, level, message).into(),
        }
    }
}

/// Where lines end up. `write` reports whether the line was kept.
pub(super) trait Target: Send + 'static {
    fn write(&mut self, at: Stamp, text: &str) -> bool;
}

/// The console: whatever happens to it, the worker goes on.
pub(super) struct Console(pub Box<dyn Write + Send>);

impl Target for Console {
    fn write(&mut self, _: Stamp, text: &str) -> bool {
        // A closed console is no loss worth a warning: nobody would see that either.
        let _ = self.0.write_all(format!("{text}\n").as_bytes());
        let _ = self.0.flush();
        true
    }
}

enum Job {
    Line(Line),
    Flush(SyncSender<()>),
}

/// The sending end of a queue.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: SyncSender<Job>,
    dropped: Arc<AtomicU64>,
}

impl Queue {
    /// Hands a line over, or counts it when the queue is full. Never waits.
    pub(super) fn offer(&self, line: Line) {
        if self.jobs.try_send(Job::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines counted as dropped and not reported yet.
    #[cfg(test)]
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until the thread has written what is queued now; false when `deadline` came first.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let (done, wait) = sync_channel(1);
        let mut job = Job::Flush(done);
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(back)) => {
                    if Instant::now() >= deadline {
                        return false;
                    }
                    job = back;
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        wait.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .is_ok()
    }
}

/// Starts the thread `name` that writes to `target`. It ends when every [`Queue`] of it is gone.
pub(super) fn spawn(name: &str, capacity: usize, now: Now, target: impl Target) -> Queue {
    let (jobs, inbox) = sync_channel(capacity);
    let dropped = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&dropped);
    let worker = move || run(&inbox, &counter, &now, target);
    // Without a thread every line is counted as dropped: better a recorder without a log than none.
    let _ = std::thread::Builder::new().name(name.to_owned()).spawn(worker);
    Queue { jobs, dropped }
}

fn run(inbox: &Receiver<Job>, dropped: &AtomicU64, now: &Now, mut target: impl Target) {
    while let Ok(job) = inbox.recv() {
        match job {
            Job::Line(line) => keep(&mut target, dropped, line.at, &line.text),
            Job::Flush(done) => {
                report(&mut target, dropped, now);
                let _ = done.send(());
            }
        }
        if dropped.load(Ordering::Relaxed) > 0 {
            report(&mut target, dropped, now);
        }
    }
}

fn keep(target: &mut impl Target, dropped: &AtomicU64, at: Stamp, text: &str) {
    fault::here();
    if !target.write(at, &redact::clean(text)) {
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// One line that says how many are missing. Stays quiet while the target does not take lines.
fn report(target: &mut impl Target, dropped: &AtomicU64, now: &Now) {
    let count = dropped.swap(0, Ordering::Relaxed);
    if count == 0 {
        return;
    }
    let line = Line::new(now(), Level::Warn, &format!("{count} log lines were dropped"));
    if !target.write(line.at, &line.text) {
        dropped.fetch_add(count, Ordering::Relaxed);
    }
}
