//! The storing side of a replay: one window after the other into a database that nobody else may own.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use ayumi_engine::burst::Bursts;
use ayumi_store::{Options, SqliteSink, StoreError, Totals};
use ayumi_wire::jst::Date;

/// How long a locked or full database is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const RETRY: Duration = Duration::from_millis(250);

/// Windows that may share a transaction: its cost is paid once for all of them, and somebody who follows the database
/// still sees a minute at a time at most.
const GROUP: usize = 200;

/// Opens the target.
pub(super) fn open(options: Options, date: Date) -> Result<SqliteSink, StoreError> {
    SqliteSink::open(options, date)
}

/// Stores until nothing more comes.
pub(super) fn run(
    mut sink: SqliteSink,
    mut bursts: Option<Bursts>,
    windows: &mpsc::Receiver<Batch>,
) -> Result<Totals, StoreError> {
    let mut group: Vec<Batch> = Vec::with_capacity(GROUP);
    while let Ok(first) = windows.recv() {
        group.push(first);
        // What is there already goes along; nothing waits for more.
        group.extend(windows.try_iter().take(GROUP - 1));
        if let Some(bursts) = &mut bursts {
            group.iter_mut().for_each(|batch| bursts.on_batch(batch));
        }
        patiently(|| sink.write_all(&group))?;
        group.clear();
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
