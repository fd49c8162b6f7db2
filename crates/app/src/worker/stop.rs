//! The end of a run: the open window first, then what waits, within a second unless the database is stuck.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::feed::Feed;
use super::report::balance;
use super::writer::Ended;
use super::{Why, Worker};
use crate::exit::Exit;
use crate::fault;

/// How long a stop waits for the database.
const STOP_PATIENCE: Duration = Duration::from_secs(3);
/// How long a stop waits for the journal's last block.
const JOURNAL_PATIENCE: Duration = Duration::from_millis(500);
/// How long a stop reads what the kernel already holds.
const LAST_READS: Duration = Duration::from_millis(50);
/// How long a stop waits for a program that reads `--events`.
const EVENTS_PATIENCE: Duration = Duration::from_millis(200);

impl Worker {
    /// The open window is written first, then the rest; all within a second unless the database is stuck.
    pub(super) async fn finish(mut self, why: Why, signals: &mut mpsc::Receiver<&'static str>) -> Exit {
        let mut exit = Exit::Done;
        let mut ended = None;
        self.watchdog.stopping();
        fault::point("stop");
        self.look.stopping();
        self.look();
        match why {
            Why::Asked(signal) => log::info!("stopping ({signal})"),
            Why::Writer(end) => {
                ended = end;
                exit = Exit::Unsaved;
            }
        }
        self.last_reads();
        let now = self.now();
        self.core.finish(now);
        self.carry_out();
        self.queue.stop();
        if let Some(rest) = &self.rest {
            rest.stop();
        }
        if ended.is_none() && exit == Exit::Done {
            tokio::select! {
                biased;
                Some(_) = signals.recv() => {
                    log::error!("stopped at once by a second signal; {}", self.unsaved());
                    return Exit::Forced;
                }
                end = tokio::time::timeout(STOP_PATIENCE, &mut self.writer) => ended = end.ok().and_then(Result::ok),
            }
        }
        self.core.close_journal(JOURNAL_PATIENCE);
        let exit = self.say_totals(ended);
        let fields = json!({"exit": exit.code(), "received": self.core.engine.totals().received});
        self.events.tell("stop", self.now(), fields);
        self.events.flush(EVENTS_PATIENCE);
        exit
    }

    /// Takes what the kernel already holds, then says goodbye.
    fn last_reads(&mut self) {
        let (clock, floor) = (self.clock.clone(), self.floor);
        if let Feed::Online(online) = &mut self.feed {
            let begun = std::time::Instant::now();
            let mut before = u64::MAX;
            while begun.elapsed() < LAST_READS && before != self.core.engine.totals().received {
                before = self.core.engine.totals().received;
                if online.read(&mut self.core, || clock.now().max(floor)).is_err() {
                    break;
                }
            }
            online.close();
        }
    }

    fn say_totals(&self, ended: Option<Ended>) -> Exit {
        let depth = self.queue.depth();
        let seconds = self.now().ms_since(self.started) as f64 / 1000.0;
        let books = balance(&self.core.engine, &depth);
        match ended {
            Some(Ended::Done(totals)) => {
                log::info!(
                    "stream_microbatch stop {books} windows={} rows={} volume={} seconds={seconds:.1} digest={:016x}",
                    totals.windows,
                    totals.rows,
                    self.core.engine.totals().volume,
                    totals.digest
                );
                Exit::Done
            }
            Some(Ended::Failed(error)) => {
                log::error!("{error}; {}", self.unsaved());
                log::info!("stream_microbatch stop {books} seconds={seconds:.1}");
                Exit::Unsaved
            }
            None => {
                log::error!(
                    "the database could not be written within {} s; {}",
                    STOP_PATIENCE.as_secs(),
                    self.unsaved()
                );
                log::info!("stream_microbatch stop {books} seconds={seconds:.1}");
                Exit::Unsaved
            }
        }
    }

    fn unsaved(&self) -> String {
        self.queue.depth().unsaved()
    }
}
