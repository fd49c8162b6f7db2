//! What became of rows, counted.

use super::judge::{Reason, Verdict};
use super::rules::Side;

/// A number with its name.
pub type Count = (&'static str, u64);

/// Counts of verdicts. Every row is in exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    /// Signals: BUY, SELL.
    pub accepted: [u64; 2],
    /// By reason, in the order of [`Reason::ALL`].
    pub skipped: [u64; 7],
    /// Outside of the hours.
    pub outside: u64,
    /// Not newer than the symbol's newest row.
    pub seen: u64,
    /// Without time, uptick ratio or volume.
    pub unreadable: u64,
}

impl Tally {
    /// Counts a row; `None` is one that could not be read.
    pub fn count(&mut self, verdict: Option<&Verdict>) {
        self.rows += 1;
        let place = match verdict {
            Some(Verdict::Accepted(score)) => &mut self.accepted[score.side as usize],
            Some(Verdict::Skipped(reason)) => &mut self.skipped[*reason as usize],
            Some(Verdict::Outside) => &mut self.outside,
            Some(Verdict::Seen) => &mut self.seen,
            None => &mut self.unreadable,
        };
        *place += 1;
    }

    /// Signals of both sides.
    pub fn signals(&self) -> u64 {
        self.accepted.iter().sum()
    }

    /// Signals by side.
    pub fn accepted(&self) -> Vec<Count> {
        Side::BOTH
            .map(|side| (side.word(), self.accepted[side as usize]))
            .to_vec()
    }

    /// Rows that became none, by reason.
    pub fn skipped(&self) -> Vec<Count> {
        Reason::ALL
            .map(|reason| (reason.word(), self.skipped[reason as usize]))
            .to_vec()
    }

    /// Rows that were not judged; none of them in an ordinary day.
    pub fn not_judged(&self) -> Vec<Count> {
        vec![
            ("outside", self.outside),
            ("seen", self.seen),
            ("unreadable", self.unreadable),
        ]
    }
}
