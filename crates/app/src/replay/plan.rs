//! What must be known of a journal before it is played: later lines tell what became of earlier windows.

use std::collections::{BTreeSet, HashSet};

use ayumi_engine::Stamp;
use ayumi_journal::{Kind, Line};

use crate::journal::Event;

/// The outcome of the first look.
#[derive(Debug, Default)]
pub struct Plan {
    /// The runs, in order; lines before the first start belong to a run of their own.
    pub(super) runs: Vec<Run>,
    /// Receive time of the first line.
    pub first: Option<Stamp>,
    /// PUSH messages.
    pub messages: u64,
    /// Bytes of text.
    pub bytes: u64,
    /// Files whose end cannot be read.
    pub damages: usize,
    /// Fingerprints of the settings that the runs had.
    pub settings: BTreeSet<String>,
}

/// One run of the worker.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Starts of the windows that were merged into the ones before them.
    pub(super) absorbed: HashSet<i64>,
    /// The run was killed, and the next one found windows up to here: those after it were never stored.
    pub(super) stored_until_ms: Option<i64>,
    began: Option<Stamp>,
    stopped: bool,
}

impl Plan {
    /// One line, in order.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        let at = Stamp(line.at_ns);
        self.first.get_or_insert(at);
        self.messages += u64::from(matches!(line.kind, Kind::Push));
        let event = match line.kind {
            Kind::Event => Event::parse(&line.payload),
            _ => Event::Other,
        };
        if let Event::Start(start) = &event {
            self.ended(start.stored_until_ms);
            self.settings.insert(start.settings.clone());
            self.runs.push(Run::default());
        } else if self.runs.is_empty() {
            self.runs.push(Run::default());
        }
        let Some(run) = self.runs.last_mut() else { return };
        run.began.get_or_insert(at);
        match event {
            Event::Stop => run.stopped = true,
            Event::Absorbed(start_ms) => drop(run.absorbed.insert(start_ms)),
            _ => {}
        }
    }

    /// The run before a start that found windows up to `stored_until_ms`.
    fn ended(&mut self, stored_until_ms: Option<i64>) {
        let Some(run) = self.runs.last_mut() else { return };
        let of_this_run = |until: &i64| run.began.is_some_and(|began| *until > began.ms());
        if !run.stopped {
            // Windows from before the run say that another database was in use.
            run.stored_until_ms = stored_until_ms.filter(of_this_run);
        }
    }
}
