//! The writer thread: owns the sink, stores one window after the other, survives a database that cannot take them.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use ayumi_engine::burst::Bursts;
use ayumi_journal::Written;
use ayumi_store::{Sink, SqliteSink, StoreError, Totals};
use tokio::sync::oneshot;

use super::queue::{Next, Queue};

/// How long without a window before the sink may do its housekeeping.
const IDLE: Duration = Duration::from_millis(250);
/// Pause between two attempts to store a window.
const RETRY: Duration = Duration::from_millis(250);
/// A database that takes windows again must do so for this long before the trouble counts as over.
const STEADY: Duration = Duration::from_secs(1);
/// A standing problem is said again after this time.
const REMIND: Duration = Duration::from_secs(30);

/// How the writer ended.
pub(super) enum Ended {
    /// Everything is stored.
    Done(Totals),
    /// The database will never take these windows.
    Failed(StoreError),
}

/// Starts the thread; the receiver gets the end of it.
pub(super) fn spawn(
    mut sink: SqliteSink,
    mut bursts: Option<Bursts>,
    queue: Queue,
    journal: Option<Written>,
) -> std::io::Result<(JoinHandle<()>, oneshot::Receiver<Ended>)> {
    let (tell, end) = oneshot::channel();
    let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
        let ended = match run(&mut sink, bursts.as_mut(), &queue, journal.as_ref()) {
            Ok(()) => sink.close().map_or_else(Ended::Failed, Ended::Done),
            Err(error) => Ended::Failed(error),
        };
        // Nobody listens any more when the stop ran out of time.
        let _ = tell.send(ended);
    })?;
    Ok((thread, end))
}

fn run(
    sink: &mut SqliteSink,
    mut bursts: Option<&mut Bursts>,
    queue: &Queue,
    journal: Option<&Written>,
) -> Result<(), StoreError> {
    let mut trouble = Trouble::default();
    loop {
        match queue.next(IDLE) {
            Next::Write(mut batch, ticket) => {
                // After a kill every stored window must be in the journal. A journal that cannot be written gives its
                // tickets up, a disk that stands still holds the window back here.
                while journal.is_some_and(|journal| !journal.wait(ticket, RETRY)) {}
                // Once per window, however often it has to be tried.
                if let Some(bursts) = &mut bursts {
                    bursts.on_batch(&mut batch);
                }
                store(sink, &batch, queue, &mut trouble)?;
                queue.stored(batch);
            }
            Next::Idle => match sink.idle() {
                Ok(()) => trouble.went_through(0, STEADY),
                Err(error) if error.is_retryable() => trouble.say(&error, 0),
                Err(error) => return Err(error),
            },
            Next::Stop => {
                trouble.went_through(0, Duration::ZERO);
                return Ok(());
            }
        }
    }
}

/// Tries until the window is stored. While the worker stops it goes on trying; whoever waits for it gives up first.
fn store(sink: &mut SqliteSink, batch: &Batch, queue: &Queue, trouble: &mut Trouble) -> Result<(), StoreError> {
    loop {
        match sink.write(batch) {
            Ok(_) => {
                trouble.went_through(queue.depth().windows, STEADY);
                return Ok(());
            }
            Err(error) if error.is_retryable() => {
                trouble.say(&error, queue.depth().windows);
                // A stop cuts the pause short; the attempt after it still has the sink's own patience.
                if queue.pause(RETRY) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// A problem that stands: said when it begins, now and then while it lasts, and when it is over.
#[derive(Default)]
struct Trouble {
    since: Option<Instant>,
    said: Option<Instant>,
    /// Windows go through again since then.
    fine_since: Option<Instant>,
    text: String,
}

impl Trouble {
    fn say(&mut self, error: &StoreError, waiting: usize) {
        let text = error.to_string();
        let now = Instant::now();
        self.since.get_or_insert(now);
        self.fine_since = None;
        let known = text == self.text && self.said.is_some_and(|said| now.duration_since(said) < REMIND);
        if !known {
            log::warn!("{text}; {waiting} windows wait in memory, nothing is lost yet");
            self.said = Some(now);
            self.text = text;
        }
    }

    /// A window went through, or there is none to store; the trouble is over when that has lasted for `steady`.
    fn went_through(&mut self, waiting: usize, steady: Duration) {
        let Some(since) = self.since else { return };
        let fine_since = *self.fine_since.get_or_insert_with(Instant::now);
        // With windows still waiting the trouble is not over, and a disk that is nearly full takes some and refuses others.
        if waiting == 0 && fine_since.elapsed() >= steady {
            log::warn!(
                "the database takes windows again after {:.1} s; nothing waits any more",
                (fine_since - since).as_secs_f64()
            );
            *self = Self::default();
        }
    }
}
