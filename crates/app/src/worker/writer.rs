//! The writer thread: owns the sink, stores one window after the other, survives a database that cannot take them.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ayumi_engine::batch::Batch;
use ayumi_engine::burst::Bursts;
use ayumi_journal::{Ticket, Written};
use ayumi_store::{Sink, SqliteSink, StoreError, Totals, Written as Kept};
use serde_json::json;
use tokio::sync::oneshot;

use super::health::State;
use super::queue::{Next, Queue};
use super::vitals::{Phase, Pulse, Vitals};
use crate::clock::Clock;
use crate::events::Events;
use crate::fault;

/// How long without a window before the sink may do its housekeeping.
const IDLE: Duration = Duration::from_millis(250);
/// Pause between two attempts to store a window.
const RETRY: Duration = Duration::from_millis(250);
/// How soon a stop ends the wait for the journal.
const STOP_SEEN: Duration = Duration::from_millis(20);
/// A database that takes windows again must do so for this long before the trouble counts as over.
const STEADY: Duration = Duration::from_secs(1);
/// How long the journal's disk may hold a window back. As long as it does not answer, no window waits for it again.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(2);
/// The same while the worker stops: a journal that is well needs milliseconds.
const JOURNAL_PATIENCE_AT_STOP: Duration = Duration::from_millis(100);
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
    told: Told,
    vitals: Arc<Vitals>,
) -> std::io::Result<(JoinHandle<()>, oneshot::Receiver<Ended>)> {
    let (tell, end) = oneshot::channel();
    let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
        let ended = match run(
            &mut sink,
            bursts.as_mut(),
            &queue,
            journal.as_ref(),
            &told,
            &vitals.writer,
        ) {
            Ok(()) => sink.close().map_or_else(Ended::Failed, Ended::Done),
            Err(error) => Ended::Failed(error),
        };
        // Nobody listens any more when the stop ran out of time.
        let _ = tell.send(ended);
    })?;
    Ok((thread, end))
}

/// Whom the writer tells that a window is committed.
pub(super) struct Told {
    pub(super) events: Events,
    pub(super) clock: Clock,
}

impl Told {
    fn committed(&self, batch: &Batch, kept: Kept) {
        if !self.events.is_on() {
            return;
        }
        let fields = json!({
            "window_id": batch.start_ms,
            "start": ayumi_wire::jst::iso_ms(batch.start_ms),
            "end": ayumi_wire::jst::iso_ms(batch.end_ms),
            "ticks": batch.counts.ticks,
            "rows": kept.rows,
            "durable": kept.durable,
            "already_stored": kept.already_stored,
        });
        self.events.tell("window_committed", self.clock.now(), fields);
    }
}

fn run(
    sink: &mut SqliteSink,
    mut bursts: Option<&mut Bursts>,
    queue: &Queue,
    journal: Option<&Written>,
    told: &Told,
    pulse: &Pulse,
) -> Result<(), StoreError> {
    let mut trouble = Trouble::new(queue.clone());
    let mut no_health = false;
    let mut ahead = Ahead {
        journal,
        queue,
        hangs_at: None,
    };
    loop {
        pulse.enter(Phase::Waiting);
        match queue.next(IDLE) {
            Next::Write(mut batch, ticket) => {
                pulse.enter(Phase::Journal);
                ahead.wait(ticket);
                pulse.enter(Phase::Working);
                fault::point("writer");
                // Once per window, however often it has to be tried.
                if let Some(bursts) = &mut bursts {
                    bursts.on_batch(&mut batch);
                }
                let kept = store(sink, &batch, queue, &mut trouble, pulse)?;
                told.committed(&batch, kept);
                queue.stored(batch);
            }
            Next::Idle => {
                ahead.look();
                pulse.enter(Phase::Storing);
                match sink.idle() {
                    Ok(()) => trouble.went_through(0, STEADY),
                    Err(error) if error.is_retryable() => trouble.say(&error, 0),
                    Err(error) => return Err(error),
                }
            }
            Next::Stop => {
                trouble.went_through(0, Duration::ZERO);
                store_health(sink, queue, &mut no_health);
                return Ok(());
            }
        }
        pulse.enter(Phase::Storing);
        store_health(sink, queue, &mut no_health);
        queue.set_pinned(sink.pinned());
    }
}

/// The journal as the writer sees it. After a kill every stored window must be in the journal. A journal that cannot be
/// written gives its tickets up; one whose disk hangs is waited for once: the database matters more.
struct Ahead<'a> {
    journal: Option<&'a Written>,
    queue: &'a Queue,
    /// It hangs, and did so at this block.
    hangs_at: Option<Ticket>,
}

impl Ahead<'_> {
    fn wait(&mut self, ticket: Ticket) {
        self.look();
        let Some(journal) = self.journal else { return };
        if self.hangs_at.is_some() {
            return;
        }
        let began = Instant::now();
        while !journal.wait(ticket, STOP_SEEN) {
            let patience = match self.queue.is_stopping() {
                true => JOURNAL_PATIENCE_AT_STOP,
                false => JOURNAL_PATIENCE,
            };
            if began.elapsed() >= patience {
                self.hangs_at = Some(ticket);
                self.queue.set_journal_hangs(true);
                log::warn!(
                    "the disk of the journal has not answered for {:.1} s; windows are stored without waiting for it, \
                     what comes in is kept for it in memory, and after a kill now the journal would lack it",
                    began.elapsed().as_secs_f64()
                );
                return;
            }
        }
    }

    /// Notices when it answers again.
    fn look(&mut self) {
        if let (Some(journal), Some(at)) = (self.journal, self.hangs_at)
            && journal.wait(at, Duration::ZERO)
        {
            self.hangs_at = None;
            self.queue.set_journal_hangs(false);
            log::warn!("the disk of the journal answers again; windows wait for it as before");
        }
    }
}

/// Stores what changed; it never holds up a window, and a table of that name that is not ours is left alone.
fn store_health(sink: &mut SqliteSink, queue: &Queue, no_health: &mut bool) {
    let rows = queue.take_health();
    if rows.is_empty() || *no_health {
        return;
    }
    match sink.write_health(&rows) {
        Ok(()) => {}
        Err(error) if error.is_retryable() => queue.put_health_back(rows),
        Err(error) => {
            log::warn!("{error}; states are in the log only");
            *no_health = true;
        }
    }
}

/// Tries until the window is stored. While the worker stops it goes on trying; whoever waits for it gives up first.
fn store(
    sink: &mut SqliteSink,
    batch: &Batch,
    queue: &Queue,
    trouble: &mut Trouble,
    pulse: &Pulse,
) -> Result<Kept, StoreError> {
    loop {
        pulse.enter(Phase::Storing);
        fault::point("storage");
        let outcome = sink.write(batch);
        pulse.enter(Phase::Working);
        match outcome {
            Ok(kept) => {
                trouble.went_through(queue.depth().windows, STEADY);
                return Ok(kept);
            }
            Err(error) if error.is_retryable() => {
                trouble.say(&error, queue.depth().windows);
                pulse.enter(Phase::Pausing);
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
struct Trouble {
    queue: Queue,
    since: Option<Instant>,
    said: Option<Instant>,
    /// Windows go through again since then.
    fine_since: Option<Instant>,
    text: String,
}

impl Trouble {
    fn new(queue: Queue) -> Self {
        Self {
            queue,
            since: None,
            said: None,
            fine_since: None,
            text: String::new(),
        }
    }

    fn say(&mut self, error: &StoreError, waiting: usize) {
        let text = error.to_string();
        let now = Instant::now();
        self.since.get_or_insert(now);
        self.fine_since = None;
        let known = text == self.text && self.said.is_some_and(|said| now.duration_since(said) < REMIND);
        if !known {
            log::warn!("{text}; {waiting} windows wait in memory, nothing is lost yet");
            self.said = Some(now);
            // The advice behind the semicolon is the state's own.
            let why = text.split(';').next().unwrap_or_default();
            self.queue.set_database(Some((state_of(error), why.to_owned())));
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
            self.queue.set_database(None);
            *self = Self::new(self.queue.clone());
        }
    }
}

fn state_of(error: &StoreError) -> State {
    match error {
        StoreError::Busy { .. } => State::DbLocked,
        StoreError::Full { .. } => State::DiskFull,
        _ => State::DiskError,
    }
}
