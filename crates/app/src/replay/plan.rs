//! What later lines of a journal tell of earlier windows: those that were merged, and those that were never stored.

use std::collections::HashSet;

use ayumi_engine::Stamp;
use ayumi_journal::{Kind, Line};

use crate::journal::Event;

/// The outcome of a first look.
#[derive(Debug, Default)]
pub struct Plan {
    /// The runs, in order; lines before the first start belong to a run of their own.
    pub(super) runs: Vec<Run>,
}

/// One run of the worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// Starts of the windows that were merged into the ones before them.
    pub(super) absorbed: HashSet<i64>,
    /// The run was killed, and the next one found windows up to here: those after it were never stored.
    pub(super) stored_until_ms: Option<i64>,
    /// Receive time of its first line.
    pub(super) began: Option<Stamp>,
    /// It ended in order.
    pub(super) stopped: bool,
}

impl Plan {
    /// One line, in order.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        let event = match line.kind {
            Kind::Event => Event::parse(&line.payload),
            _ => Event::Other,
        };
        if let Event::Start(start) = &event {
            if let Some(run) = self.runs.last_mut() {
                run.ended(start.stored_until_ms);
            }
            self.runs.push(Run::default());
        } else if self.runs.is_empty() {
            self.runs.push(Run::default());
        }
        let Some(run) = self.runs.last_mut() else { return };
        run.began.get_or_insert(Stamp(line.at_ns));
        match event {
            Event::Stop => run.stopped = true,
            Event::Absorbed(start_ms) => drop(run.absorbed.insert(start_ms)),
            _ => {}
        }
    }
}

impl Run {
    /// The next run found windows up to `stored_until_ms`.
    pub(super) fn ended(&mut self, stored_until_ms: Option<i64>) {
        let of_this_run = |until: &i64| self.began.is_some_and(|began| *until > began.ms());
        if !self.stopped {
            // Windows from before the run say that another database was in use.
            self.stored_until_ms = stored_until_ms.filter(of_this_run);
        }
    }
}
