//! So many calls in any second, and a second of silence after a refusal.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// One class of calls. A refused call starts the penalty anew, so hammering never gets through (issue 1339).
#[derive(Debug)]
pub(super) struct Limiter {
    /// One second of the station's time, in real time.
    window: Duration,
    calls: usize,
    passed: VecDeque<Instant>,
    refused: Option<Instant>,
}

impl Limiter {
    /// `window`: what a second of the station takes; `calls`: how many pass in it.
    pub(super) fn new(window: Duration, calls: usize) -> Self {
        Self {
            window,
            calls,
            passed: VecDeque::new(),
            refused: None,
        }
    }

    /// True when the call passes; the call is counted either way.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let window = self.window;
        let recent = |t: Instant| now.saturating_duration_since(t) < window;
        while self.passed.front().is_some_and(|&t| !recent(t)) {
            self.passed.pop_front();
        }
        if self.passed.len() >= self.calls || self.refused.is_some_and(recent) {
            self.refused = Some(now);
            return false;
        }
        self.passed.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_call_fails_and_hammering_keeps_failing() {
        let (mut limiter, start) = (Limiter::new(Duration::from_secs(1), 10), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        for call in 0..10 {
            assert!(limiter.allows(at(call * 20)));
        }
        assert!(!limiter.allows(at(227)));
        assert!(!limiter.allows(at(1_100)), "within 1 s of the refusal");
        assert!(!limiter.allows(at(2_000)), "hammered again");
        assert!(limiter.allows(at(3_001)), "after a second of silence");
    }

    #[test]
    fn a_faster_station_has_shorter_seconds() {
        let (mut limiter, start) = (Limiter::new(Duration::from_millis(200), 10), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        // 9 calls in a second of a worker whose clock runs five times as fast.
        for call in 0..100 {
            assert!(limiter.allows(at(call * 1_000 / 45)), "call {call}");
        }
        for _ in 0..10 {
            limiter.allows(at(3_000));
        }
        assert!(!limiter.allows(at(3_001)));
        assert!(!limiter.allows(at(3_200)), "within a fifth of a second of the refusal");
        assert!(limiter.allows(at(3_401)));
    }
}
