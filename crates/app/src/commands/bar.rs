//! A bar of rows on a terminal, and the user's wish to stop.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::watch::Watch;

/// Shown when stderr is a terminal and nobody asked for silence.
pub(super) struct RowsBar {
    bar: ProgressBar,
    shown: bool,
    stop: Arc<AtomicBool>,
}

impl RowsBar {
    pub(super) fn new(quiet: bool, stop: Arc<AtomicBool>) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            shown: !quiet && std::io::stderr().is_terminal(),
            stop,
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for RowsBar {
    fn begin(&mut self, rows: u64) {
        if !self.shown {
            return;
        }
        self.bar = ProgressBar::new(rows);
        let style = "{bar:30} {percent:>3} %  {human_pos} rows  {per_sec:0}  left {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            // Characters that every console has.
            self.bar.set_style(style.progress_chars("=> "));
        }
    }

    fn rows(&mut self, done: u64) {
        self.bar.set_position(done);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
