//! `stream --events jsonl`: what happened, one JSON object a line on stdout, for programs that supervise a recording.
//!
//! A window is told only after it is committed, and `durable` says whether a power cut could still take it. Nobody ever
//! waits here: an event that finds the queue full is counted, and the count stands in the next one (`lost`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use ayumi_engine::Stamp;
use ayumi_wire::jst;
use serde_json::{Map, Value, json};

use crate::fault;
use crate::text::{self, redact};

/// Events that may wait for a slow reader: an hour of windows.
const QUEUE: usize = 12_000;

/// The sending end; clones share the stream. Without `--events` it swallows everything.
#[derive(Clone, Default)]
pub(crate) struct Events(Option<Stream>);

#[derive(Clone)]
struct Stream {
    lines: SyncSender<Job>,
    lost: Arc<AtomicU64>,
}

enum Job {
    Line(String),
    Flush(SyncSender<()>),
}

impl Events {
    /// Starts the thread that writes to stdout; without a thread, events are counted as lost.
    pub(crate) fn stdout() -> Self {
        let (lines, inbox) = sync_channel(QUEUE);
        // As with the log: better a recorder without events than none.
        let _ = std::thread::Builder::new()
            .name("events".into())
            .spawn(move || write(&inbox));
        let lost = Arc::default();
        Self(Some(Stream { lines, lost }))
    }

    /// Whether anybody listens; what costs something to tell is not worth it otherwise.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells an event: its name, its time, and the rest of its fields (a JSON object).
    pub(crate) fn tell(&self, event: &str, at: Stamp, fields: Value) {
        let Some(stream) = &self.0 else { return };
        let mut object = Map::new();
        object.insert("event".to_owned(), json!(event));
        object.insert("ts".to_owned(), json!(jst::iso_ms(at.ms())));
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
        let lost = stream.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            object.insert("lost".to_owned(), json!(lost));
        }
        let line = redact::clean(&Value::Object(object).to_string()).into_owned();
        if stream.lines.try_send(Job::Line(line)).is_err() {
            stream.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    /// Waits until everything told so far is written, at most so long.
    pub(crate) fn flush(&self, patience: Duration) {
        let Some(stream) = &self.0 else { return };
        let (done, wait) = sync_channel(1);
        if stream.lines.try_send(Job::Flush(done)).is_ok() {
            // A reader that does not read is not waited for.
            let _: Result<(), RecvTimeoutError> = wait.recv_timeout(patience);
        }
    }
}

fn write(inbox: &Receiver<Job>) {
    while let Ok(job) = inbox.recv() {
        match job {
            Job::Line(line) => {
                fault::here();
                text::stdout_line(&line);
            }
            Job::Flush(done) => drop(done.send(())),
        }
    }
}
