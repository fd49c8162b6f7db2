//! What became of rows, counted.

use super::judge::{Reason, Verdict};
use super::rules::Side;

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

    /// Every number with its name: those that are always worth a line, then those that say that something is odd.
    pub fn named(&self) -> (Vec<(&'static str, u64)>, Vec<(&'static str, u64)>) {
        let accepted = Side::BOTH.map(|side| (side.word(), self.accepted[side as usize]));
        let skipped = Reason::ALL.map(|reason| (reason.word(), self.skipped[reason as usize]));
        let odd = [
            ("outside", self.outside),
            ("seen", self.seen),
            ("unreadable", self.unreadable),
        ];
        (accepted.into_iter().chain(skipped).collect(), odd.to_vec())
    }
}
