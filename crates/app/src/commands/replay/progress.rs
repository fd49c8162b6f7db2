//! The bar, the pace and the user's wish to stop.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ayumi_engine::Stamp;
use ayumi_wire::jst;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::ReplayArgs;
use crate::replay::Watch;

/// The journal is measured by its text.
pub(super) const BYTES_STYLE: &str = "{bar:30} {percent:>3} %  {msg}  {bytes_per_sec}  left {eta}";
/// A database is measured by its rows.
pub(super) const ROWS_STYLE: &str = "{bar:30} {percent:>3} %  {msg}  {per_sec}  left {eta}";

/// What the replay asks and tells on its way.
pub(super) struct Progress {
    pub(super) bar: ProgressBar,
    stop: Arc<AtomicBool>,
    speed: Option<f64>,
    max_sleep: Duration,
    last: Option<Stamp>,
}

impl Progress {
    pub(super) fn new(args: &ReplayArgs, whole: u64, style: &str, stop: Arc<AtomicBool>) -> Self {
        let shown = !args.quiet && std::io::stderr().is_terminal();
        let bar = if shown {
            ProgressBar::new(whole)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            // Characters that every console has.
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            stop,
            speed: args.speed,
            max_sleep: args.max_sleep,
            last: None,
        }
    }
}

impl Watch for Progress {
    fn on_block(&mut self, bytes: u64, messages: u64, at: Stamp) {
        self.bar.set_position(bytes);
        let time = jst::iso_s(at.s());
        self.bar.set_message(format!(
            "{messages} messages, at {}",
            time.get(..19).unwrap_or_default()
        ));
    }

    fn on_rows(&mut self, rows: u64, at: Stamp) {
        // Each look at the bar costs as much as a row.
        if rows.is_multiple_of(512) || self.speed.is_some() {
            self.bar.set_position(rows);
            self.bar
                .set_message(jst::iso_s(at.s()).get(..19).unwrap_or_default().to_owned());
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn pace(&mut self, at: Stamp) -> bool {
        let before = self.last.replace(at);
        if let (Some(speed), Some(before)) = (self.speed, before) {
            let gap = Duration::from_millis(u64::try_from(at.ms_since(before)).unwrap_or(0));
            let mut left = gap.div_f64(speed).min(self.max_sleep);
            while !left.is_zero() && !self.stopped() {
                let nap = left.min(Duration::from_millis(100));
                std::thread::sleep(nap);
                left -= nap;
            }
        }
        !self.stopped()
    }
}
