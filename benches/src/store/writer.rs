//! The way of a window in the worker, from the thread that closes it to the one that stores it: the engine's backlog
//! behind a lock, a condition variable, the sink. The queue itself is the app's; this one has its parts.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context, Result};
use ayumi_engine::backlog::Backlog;
use ayumi_engine::batch::Batch;
use ayumi_store::{Sink, SqliteSink};

use crate::cpu;

/// A writer thread with its database.
pub(super) struct Writer {
    queue: Arc<Queue>,
    done: Receiver<Result<Committed>>,
    thread: Option<JoinHandle<()>>,
}

/// When a window was committed, and what that cost the writer.
struct Committed {
    at: Instant,
    cpu_ns: u64,
}

struct Queue {
    /// `None` once the writer has to end.
    waiting: Mutex<Option<Backlog>>,
    some: Condvar,
}

impl Writer {
    pub(super) fn start(sink: SqliteSink) -> Result<Self> {
        let queue = Arc::new(Queue {
            waiting: Mutex::new(Some(Backlog::new(u64::MAX / 2, 300))),
            some: Condvar::new(),
        });
        let (tell, done) = channel();
        let shared = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let mut sink = sink;
            while let Some(batch) = shared.next() {
                let told = tell.send(store(&mut sink, &batch));
                shared.stored(&batch);
                if told.is_err() {
                    break;
                }
            }
        })?;
        Ok(Self {
            queue,
            done,
            thread: Some(thread),
        })
    }

    /// Hands a window over and waits until it is committed: wall time of both, CPU time of the writer, ns.
    pub(super) fn store(&self, batch: Batch) -> Result<[f64; 2]> {
        let closed = Instant::now();
        if let Some(backlog) = self.queue.lock().as_mut() {
            backlog.push(batch);
        }
        self.queue.some.notify_one();
        let committed = self.done.recv().context("the writer has ended")??;
        let wall = committed.at.duration_since(closed);
        Ok([wall.as_nanos() as f64, committed.cpu_ns as f64])
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        *self.queue.lock() = None;
        self.queue.some.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has failed the last `store` already.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn next(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        loop {
            if let Some(batch) = waiting.as_mut()?.pop() {
                return Some(batch);
            }
            waiting = self.some.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stored(&self, batch: &Batch) {
        if let Some(backlog) = self.lock().as_mut() {
            backlog.stored(batch);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Backlog>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn store(sink: &mut SqliteSink, batch: &Batch) -> Result<Committed> {
    let cpu = cpu::thread_ns();
    sink.write(batch)?;
    let at = Instant::now();
    Ok(Committed {
        at,
        cpu_ns: cpu::thread_ns() - cpu,
    })
}
