//! Lines for stdout, written by a thread of their own: a program that does not read its pipe holds nothing up.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crate::text;

/// Lines that may wait for the pipe's reader.
const WAITING: usize = 65_536;

/// Takes lines and never waits for long; what is lost is counted.
pub struct Lines {
    put: SyncSender<String>,
    done: Receiver<()>,
    lost: u64,
}

impl Lines {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (put, lines) = sync_channel::<String>(WAITING);
        let (tell, done) = sync_channel(1);
        std::thread::Builder::new().name("stdout".into()).spawn(move || {
            for line in lines {
                text::stdout_line(&line);
            }
            // Nobody may be waiting any more.
            let _ = tell.send(());
        })?;
        Ok(Self { put, done, lost: 0 })
    }

    /// Hands a line over; one that finds no room is lost, and that is said.
    pub fn put(&mut self, line: String) {
        if self.put.try_send(line).is_err() {
            if self.lost == 0 {
                log::warn!("nobody reads stdout: lines are lost there; log and table have them all");
            }
            self.lost += 1;
        }
    }

    /// Waits until everything is written, at most `patience`.
    pub fn finish(self, patience: Duration) {
        let Self { put, done, lost } = self;
        drop(put);
        if done.recv_timeout(patience).is_err() {
            log::warn!("stdout is not read; its last lines are lost there");
        }
        if lost > 0 {
            log::warn!("{lost} lines were lost on stdout");
        }
    }
}
