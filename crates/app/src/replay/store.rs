//! The storing side of a replay: windows in groups, sealed by one thread, stored by the next.

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use ayumi_engine::burst::Bursts;
use ayumi_engine::jst::Date;
use ayumi_store::{Options, Sealed, SqliteSink, StoreError, Totals};

/// How long a locked or full database is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const RETRY: Duration = Duration::from_millis(250);

/// Windows that share a transaction: its cost is paid once for all of them, and somebody who follows the database still
/// sees a minute at a time at most.
const GROUP: usize = 200;

/// Puts windows together on their way to the next thread.
pub(super) struct Groups {
    next: SyncSender<Vec<Batch>>,
    group: Vec<Batch>,
    size: usize,
}

impl Groups {
    /// One by one when somebody follows them.
    pub(super) fn new(next: SyncSender<Vec<Batch>>, one_by_one: bool) -> Self {
        Self {
            next,
            group: Vec::new(),
            size: if one_by_one { 1 } else { GROUP },
        }
    }

    /// Takes one; false when nobody stores any more.
    pub(super) fn put(&mut self, batch: Batch) -> bool {
        self.group.push(batch);
        self.group.len() < self.size || self.send()
    }

    /// The last of them; false when nobody stores any more.
    pub(super) fn finish(mut self) -> bool {
        self.group.is_empty() || self.send()
    }

    fn send(&mut self) -> bool {
        self.next.send(std::mem::take(&mut self.group)).is_ok()
    }
}

/// Computes what the rows alone decide, so that the storing thread, the slowest of them all on a calm day, need not.
pub(super) fn seal(
    mut bursts: Option<Bursts>,
    tickers: &[String],
    windows: &Receiver<Vec<Batch>>,
    next: &SyncSender<Vec<Sealed>>,
) {
    while let Ok(mut group) = windows.recv() {
        if let Some(bursts) = &mut bursts {
            group.iter_mut().for_each(|batch| bursts.on_batch(batch));
        }
        let sealed = group.into_iter().map(|batch| Sealed::new(batch, tickers)).collect();
        if next.send(sealed).is_err() {
            return;
        }
    }
}

/// Opens the target, which waits for the disk while the others begin, and stores until nothing more comes.
pub(super) fn run(options: Options, date: Date, groups: &Receiver<Vec<Sealed>>) -> Result<Totals, StoreError> {
    let mut sink = SqliteSink::open(options, date)?;
    while let Ok(group) = groups.recv() {
        patiently(|| sink.write_sealed(&group))?;
    }
    sink.close()
}

/// Tries again while the database is locked or full, for a while.
pub(super) fn patiently<T>(mut attempt: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(error) if error.is_retryable() && begun.elapsed() < PATIENCE => std::thread::sleep(RETRY),
            outcome => return outcome,
        }
    }
}
