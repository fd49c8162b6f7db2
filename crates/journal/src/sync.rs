//! The thread that syncs: a disk that takes its time over it holds up neither lines nor windows.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use crate::write::{Shared, Ticket};

/// Asks for syncs, one at a time and not more often than wanted. When it goes, the last one asked for is waited for.
pub(crate) struct Syncer {
    every: Duration,
    ask: Option<SyncSender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
    flags: Arc<Flags>,
    /// When the last one was asked for.
    asked_at: Option<Instant>,
}

#[derive(Default)]
struct Flags {
    busy: AtomicBool,
    failed: AtomicBool,
}

/// Bring this file to the disk: everything up to the ticket is in it or in files that are synced already.
struct Job {
    file: Arc<File>,
    path: PathBuf,
    ticket: Ticket,
}

impl Syncer {
    pub(crate) fn start(every: Duration, shared: Arc<Shared>) -> io::Result<Self> {
        let (ask, jobs) = mpsc::sync_channel::<Job>(1);
        let flags = Arc::new(Flags::default());
        let theirs = Arc::clone(&flags);
        let thread = std::thread::Builder::new().name("journal-sync".into()).spawn(move || {
            for job in jobs {
                job.run(&shared, &theirs);
            }
        })?;
        Ok(Self {
            every,
            ask: Some(ask),
            thread: Some(thread),
            flags,
            asked_at: None,
        })
    }

    /// When the next one may be asked for; `None` while one is under way.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        let busy = self.flags.busy.load(Ordering::Acquire);
        (!busy).then(|| self.asked_at.map_or_else(Instant::now, |at| at + self.every))
    }

    /// Asks for one.
    pub(crate) fn sync(&mut self, file: &Arc<File>, path: &std::path::Path, ticket: Ticket) {
        self.asked_at = Some(Instant::now());
        self.flags.busy.store(true, Ordering::Release);
        let job = Job {
            file: Arc::clone(file),
            path: path.to_owned(),
            ticket,
        };
        if let Some(ask) = &self.ask {
            // There is room, because none is under way; the thread lives as long as this.
            let _ = ask.try_send(job);
        }
    }

    /// True once after one that failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.flags.failed.swap(false, Ordering::AcqRel)
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            // It only syncs and logs.
            let _ = thread.join();
        }
    }
}

impl Job {
    fn run(self, shared: &Shared, flags: &Flags) {
        match self.file.sync_data() {
            Ok(()) => {
                log::trace!("the journal is synced");
                shared.synced(self.ticket);
            }
            Err(error) => {
                log::error!(
                    "the journal {} cannot be synced: {error}; going on in a new file",
                    self.path.display()
                );
                flags.failed.store(true, Ordering::Release);
            }
        }
        flags.busy.store(false, Ordering::Release);
    }
}
