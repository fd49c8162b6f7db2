//! The storing side of a replay: one window after the other into a database that nobody else may own.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use ayumi_engine::burst::Bursts;
use ayumi_store::{Options, Sink, SqliteSink, StoreError, Totals};
use ayumi_wire::jst::Date;

/// How long a locked or full database is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two attempts.
const RETRY: Duration = Duration::from_millis(250);

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
    while let Ok(mut batch) = windows.recv() {
        if let Some(bursts) = &mut bursts {
            bursts.on_batch(&mut batch);
        }
        patiently(|| sink.write(&batch))?;
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
