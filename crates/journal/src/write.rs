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
    /// Shortest time between two syncs, and the longest that anything written waits for one; `None` = the system
    /// decides when the disk has it. A file's end is synced in any case.
    pub sync_every: Option<Duration>,
}

impl JournalConfig {
    /// The usual costs: level 3 (as cheap as 1 here and packs a sixth better), files of 1 GB, 64 MB of memory while the
    /// disk stands still, a sync every 0.4 s: a line waits half a second for the file at most, so both together and the
    /// disk's own time stay below the second that a power cut may cost.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            level: 3,
            file_bytes: 1 << 30,
            max_pending: 64 << 20,
            sync_every: Some(Duration::from_millis(400)),
        }
    }
}

/// Number of a block; [`Written::wait`] tells when it is in the file.
pub type Ticket = u64;

/// The journal as the reader sees it.
pub struct Journal {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Tells when a block is in the file (written, not synced: a kill cannot take it, a power cut may).
#[derive(Clone)]
pub struct Written(Arc<Shared>);

pub(crate) struct Shared {
    /// Taken before the state. The reader has it to itself but for a moment twice a second.
    open: Mutex<Open>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The block that is being filled.
#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    lines: u64,
}

#[derive(Default)]
pub(crate) struct State {
    pub queue: VecDeque<Block>,
    pub pending: usize,
    /// Lines that wait for the disk.
    pending_lines: u64,
    max_pending: usize,
    spare: Vec<Vec<u8>>,
    issued: Ticket,
    done: Ticket,
    synced: Ticket,
    syncs: u64,
    /// The thread is over.
    ended: bool,
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
        crate::files::create_folder(&config.folder).map_err(failed)?;
        let shared = Arc::new(Shared {
            open: Mutex::new(Open {
                bytes: Vec::with_capacity(BLOCK + 4096),
                lines: 0,
            }),
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
        let mut open = self.shared.open();
        open.bytes.extend_from_slice(&at_ns.to_le_bytes());
        open.bytes.push(kind as u8);
        open.bytes.extend_from_slice(&length.to_le_bytes());
        open.bytes.extend_from_slice(payload);
        open.lines += 1;
        if open.bytes.len() >= BLOCK {
            self.shared.hand_over(open);
        }
    }

    /// Hands over what there is: everything up to here is in the file when the ticket is done.
    pub fn border(&mut self) -> Ticket {
        self.shared.border()
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

    /// How often what was written was synced; the ends of files are not counted.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.shared.lock().syncs
    }

    /// Hands over the rest and waits for the file, at most so long. False when something may be missing.
    pub fn finish(mut self, patience: Duration) -> bool {
        let last = self.border();
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        // A disk that stands still may hold up the last sync, but not a stop.
        if self.written().wait_for(patience, |state| state.ended)
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        self.shared.lock().done >= last
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.border();
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
    }
}

impl Written {
    /// Waits until a block is in the file, or given up because the file cannot be written. False when it took longer.
    #[must_use]
    pub fn wait(&self, ticket: Ticket, patience: Duration) -> bool {
        self.wait_for(patience, |state| state.done >= ticket)
    }

    /// Waits until a block is on the disk, where neither a kill nor a power cut can take it. False when it took longer.
    #[must_use]
    pub fn wait_synced(&self, ticket: Ticket, patience: Duration) -> bool {
        self.wait_for(patience, |state| state.synced >= ticket)
    }

    /// Lines that are in no file: lost, or handed over and not written yet.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let state = self.0.lock();
        state.lost + state.pending_lines
    }

    fn wait_for(&self, patience: Duration, come: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.0.lock();
        while !come(&state) {
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
    /// Hands over what lies open. The reader does this at the borders of windows, the thread when there was none for long.
    pub(crate) fn border(&self) -> Ticket {
        self.hand_over(self.open())
    }

    /// Both locks are held for the swap, so that blocks stand in the queue in the order of their lines.
    fn hand_over(&self, mut open: MutexGuard<'_, Open>) -> Ticket {
        let mut state = self.lock();
        if open.lines == 0 {
            return state.issued;
        }
        let lines = std::mem::take(&mut open.lines);
        if state.pending + open.bytes.len() > state.max_pending {
            state.untold += lines;
            state.lost += lines;
            open.bytes.clear();
            return state.issued;
        }
        let empty = state.spare.pop().unwrap_or_default();
        let bytes = std::mem::replace(&mut open.bytes, empty);
        state.issued += 1;
        state.pending += bytes.len();
        state.pending_lines += lines;
        let block = Block {
            ticket: state.issued,
            bytes,
            lines,
            lost_before: std::mem::take(&mut state.untold),
        };
        state.queue.push_back(block);
        let ticket = state.issued;
        drop((state, open));
        self.changed.notify_all();
        ticket
    }

    /// The next block; `None` when the journal is over. `Err` when there is none until `deadline`.
    pub(crate) fn next(&self, deadline: Instant) -> Result<Option<Block>, ()> {
        let mut state = self.lock();
        loop {
            if let Some(block) = state.queue.pop_front() {
                return Ok(Some(block));
            }
            if state.stopping {
                return Ok(None);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(());
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// A block is in the file, or given up.
    pub(crate) fn done(&self, mut block: Block, given_up: bool) {
        let mut state = self.lock();
        state.pending -= block.bytes.len();
        state.pending_lines -= block.lines;
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

    /// Lines that were in the file, and are gone with it.
    pub(crate) fn add_lost(&self, lines: u64) {
        if lines > 0 {
            self.lock().lost += lines;
        }
    }

    /// Everything up to this block is on the disk, too.
    pub(crate) fn synced(&self, ticket: Ticket) {
        let mut state = self.lock();
        state.synced = ticket;
        state.syncs += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// The last file is closed and synced.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
