//! When the next request may start. Pure.

use std::time::{Duration, Instant};

/// After so many 429 in a row it is maintenance, not speed (kabusapi #440).
const LOCKED_OUT: u32 = 5;

/// The pace of all REST together.
#[derive(Debug)]
pub(super) struct Pace {
    spacing: Duration,
    silence: Duration,
    locked_out: Duration,
    next: Option<Instant>,
    refusals: u32,
}

impl Pace {
    pub(super) fn new(spacing: Duration, silence: Duration, locked_out: Duration) -> Self {
        Self {
            spacing,
            silence,
            locked_out,
            next: None,
            refusals: 0,
        }
    }

    /// Not before this; `None` = at once.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// A request starts.
    pub(super) fn started(&mut self, now: Instant) {
        self.hold(now, self.spacing);
    }

    /// A 429 came.
    pub(super) fn refused(&mut self, now: Instant) {
        self.refusals = self.refusals.saturating_add(1);
        self.hold(
            now,
            if self.refusals >= LOCKED_OUT {
                self.locked_out
            } else {
                self.silence
            },
        );
    }

    /// Any other answer came.
    pub(super) fn answered(&mut self) {
        self.refusals = 0;
    }

    /// Nothing for that long from now.
    pub(super) fn hold(&mut self, now: Instant, pause: Duration) {
        // A pause beyond what the clock can count is no pause that ends: leave the pace as it was.
        if let Some(until) = now.checked_add(pause) {
            self.next = Some(self.next.map_or(until, |next| next.max(until)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r04_spacing_silence_and_lock_out() {
        let ms = Duration::from_millis;
        let mut pace = Pace::new(ms(125), ms(1100), ms(30_000));
        let t = Instant::now();
        assert_eq!(pace.next(), None);
        pace.started(t);
        assert_eq!(pace.next(), Some(t + ms(125)));
        for _ in 0..4 {
            pace.refused(t);
            assert_eq!(pace.next(), Some(t + ms(1100)));
        }
        pace.refused(t);
        assert_eq!(pace.next(), Some(t + ms(30_000)));
        let later = t + ms(30_000);
        pace.answered();
        pace.refused(later);
        assert_eq!(pace.next(), Some(later + ms(1100)));
    }
}
