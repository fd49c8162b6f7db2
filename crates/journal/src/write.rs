//! The reader's side: a copy into memory per message, a hand-over per block. Nothing here waits for the disk.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::line::Kind;
use crate::{JournalError, thread};

/// A block is handed over at this size even between window borders.
const BLOCK: usize = 256 * 1024;
/// Blocks whose memory is used again.
const SPARE: usize = 8;
/// Bytes of a record before its payload: time, kind, length.
pub(crate) const HEAD: usize = 8 + 1 + 4;

/// Where a journal goes and what it may cost.
#[derive(Clone, Debug)]
pub struct JournalConfig {
    /// The folder; made when it is missing.
    pub folder: PathBuf,
    /// zstd level.
    pub level: i32,
    /// A file is closed at this size (compressed), and the next part begins.
    pub file_bytes: u64,
    /// Bytes that may wait for the disk; beyond that lines are lost, counted and said.
    pub max_pending: usize,
}

impl JournalConfig {
    /// The usual costs: level 3 (as cheap as 1 here and packs a sixth better), files of 1 GB, 64 MB of memory while the disk stands still.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            level: 3,
            file_bytes: 1 << 30,
            max_pending: 64 << 20,
        }
    }
}

/// Number of a block; [`Written::wait`] tells when it is in the file.
pub type Ticket = u64;

/// The journal as the reader sees it.
pub struct Journal {
    block: Vec<u8>,
    lines: u64,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Tells when a block is in the file (written, not synced: a kill cannot take it, a power cut may).
#[derive(Clone)]
pub struct Written(Arc<Shared>);

pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    pub queue: VecDeque<Block>,
    pub pending: usize,
    max_pending: usize,
    spare: Vec<Vec<u8>>,
    issued: Ticket,
    done: Ticket,
    /// Lines that found no room since the last block that did; told in the file with the next one.
    pub untold: u64,
    pub lost: u64,
    stopping: bool,
}

/// Records on their way to the thread.
pub(crate) struct Block {
    pub ticket: Ticket,
    pub bytes: Vec<u8>,
    pub lines: u64,
    /// Lines that were lost just before it.
    pub lost_before: u64,
}

impl Journal {
    /// Makes the folder and starts the thread. The first file begins with the first line.
    ///
    /// # Errors
    /// When the folder cannot be made or written to, or the system gives no thread.
    pub fn start(config: JournalConfig) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Io {
            path: config.folder.clone(),
            what: "created",
            source,
        };
        std::fs::create_dir_all(&config.folder).map_err(failed)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                max_pending: config.max_pending,
                ..State::default()
            }),
            changed: Condvar::new(),
        });
        let (theirs, setup) = (Arc::clone(&shared), config.clone());
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || thread::run(&setup, &theirs))
            .map_err(failed)?;
        Ok(Self {
            block: Vec::with_capacity(BLOCK + 4096),
            lines: 0,
            shared,
            thread: Some(thread),
        })
    }

    /// Takes one line. Costs a copy of the payload.
    pub fn put(&mut self, at_ns: i64, kind: Kind, payload: &[u8]) {
        let Ok(length) = u32::try_from(payload.len()) else {
            // Nothing that comes in is longer than a few megabytes.
            self.shared.lock().untold += 1;
            return;
        };
        self.block.extend_from_slice(&at_ns.to_le_bytes());
        self.block.push(kind as u8);
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(payload);
        self.lines += 1;
        if self.block.len() >= BLOCK {
            self.border();
        }
    }

    /// Hands over what there is: everything up to here is in the file when the ticket is done.
    pub fn border(&mut self) -> Ticket {
        let mut state = self.shared.lock();
        if self.lines == 0 {
            return state.issued;
        }
        let lines = std::mem::take(&mut self.lines);
        if state.pending + self.block.len() > state.max_pending {
            state.untold += lines;
            state.lost += lines;
            self.block.clear();
            return state.issued;
        }
        let empty = state.spare.pop().unwrap_or_default();
        let bytes = std::mem::replace(&mut self.block, empty);
        state.issued += 1;
        state.pending += bytes.len();
        let block = Block {
            ticket: state.issued,
            bytes,
            lines,
            lost_before: std::mem::take(&mut state.untold),
        };
        state.queue.push_back(block);
        let ticket = state.issued;
        drop(state);
        self.shared.changed.notify_all();
        ticket
    }

    /// A handle for whoever must not be ahead of the journal.
    #[must_use]
    pub fn written(&self) -> Written {
        Written(Arc::clone(&self.shared))
    }

    /// Lines that were lost because the disk could not keep up or the file could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lock().lost
    }

    /// Hands over the rest and waits for the file, at most so long. False when something may be missing.
    pub fn finish(mut self, patience: Duration) -> bool {
        let last = self.border();
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        let whole = self.written().wait(last, patience);
        if whole && let Some(thread) = self.thread.take() {
            // It ends by itself once its queue is empty.
            let _ = thread.join();
        }
        whole
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
    }
}

impl Written {
    /// Waits until a block is in the file, or given up because the file cannot be written. False when it took longer.
    #[must_use]
    pub fn wait(&self, ticket: Ticket, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.0.lock();
        while state.done < ticket {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .0
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }
}

impl Shared {
    /// The next block; `None` when the journal is over. `Err` after `patience` without one.
    pub(crate) fn next(&self, patience: Duration) -> Result<Option<Block>, ()> {
        let mut state = self.lock();
        loop {
            if let Some(block) = state.queue.pop_front() {
                return Ok(Some(block));
            }
            if state.stopping {
                return Ok(None);
            }
            let (again, timeout) = self
                .changed
                .wait_timeout(state, patience)
                .unwrap_or_else(PoisonError::into_inner);
            state = again;
            if timeout.timed_out() && state.queue.is_empty() && !state.stopping {
                return Err(());
            }
        }
    }

    /// A block is in the file, or given up.
    pub(crate) fn done(&self, mut block: Block, given_up: bool) {
        let mut state = self.lock();
        state.pending -= block.bytes.len();
        state.done = block.ticket;
        if given_up {
            state.lost += block.lines;
        }
        if state.spare.len() < SPARE {
            block.bytes.clear();
            state.spare.push(block.bytes);
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(crate) fn stopping(&self) -> bool {
        self.lock().stopping
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
