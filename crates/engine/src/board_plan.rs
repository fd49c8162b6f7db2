//! Which `/board` to ask next (the BoardFetcher), and whether a silent line is dead. Pure: it says when, others ask.

use ayumi_wire::num::Qty;

use crate::settings::BoardMode;
use crate::stamp::Stamp;
use crate::symbol::SymbolId;

/// Outside session hours each symbol is asked once, then this often.
const IDLE_POLL_MS: i64 = 60_000;
/// First pause after a failed call; doubled up to the second.
const FAILURE_PAUSE_MS: (i64, i64) = (1_000, 30_000);
/// The station thins what it pushes to one message per 400 ms, and answers `/board` from what it has: a higher volume
/// proves a dead line only when it still is higher after this time.
const SECOND_LOOK_MS: i64 = 500;
/// Longest pause between two looks at a silent line.
const MAX_LOOK_MS: i64 = 30_000;

/// What the plan knows of one symbol.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// When its book was last refreshed, by whatever source.
    fresh: Option<Stamp>,
    /// When it was last asked.
    asked: Option<Stamp>,
    /// Messages since the line came up: the busiest symbol is the best witness of a dead line.
    messages: u64,
    /// Volume of the newest `/board` answer while PUSH has brought none on this line: the first one is the measure for
    /// the next, because what moved while the line was down says nothing about it.
    looked: Option<Qty>,
    /// When the line was last questioned through this symbol, so that one silence goes round the symbols.
    looked_at: Option<Stamp>,
}

/// The state of the line and of the questions about it.
#[derive(Debug)]
pub struct BoardPlan {
    mode: BoardMode,
    poll_ms: i64,
    recv_timeout_ms: i64,
    seen: Vec<Seen>,
    in_flight: Option<Asked>,
    not_before: Stamp,
    failure_pause_ms: i64,
    line_up: bool,
    /// Last sign of life of the line.
    heard: Stamp,
    /// Silence, in milliseconds since `heard`, at which the line is looked at next.
    look_at_ms: i64,
    /// Earliest moment at which a scan over the symbols can find something due.
    scan_at: Stamp,
    /// The symbol whose `/board` answer first showed more than PUSH in this silence, and when.
    suspected: Option<(SymbolId, Stamp)>,
    /// Whether the last call was in session hours: their edges change the pace.
    was_in_session: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    symbol: SymbolId,
    about_line: bool,
}

/// What an answer says about the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The line is not in question.
    Fine,
    /// The line is silent and so is the market.
    Quiet {
        /// Silence, milliseconds.
        silent_ms: i64,
    },
    /// The market moved without us.
    Dead {
        /// Last known volume.
        seen: Qty,
        /// Silence, milliseconds.
        silent_ms: i64,
    },
    /// Nobody answers.
    Mute {
        /// Silence, milliseconds.
        silent_ms: i64,
    },
}

impl BoardPlan {
    /// A plan for `symbols` symbols; the line is down.
    #[must_use]
    pub fn new(mode: BoardMode, symbols: usize, poll_ms: i64, recv_timeout_ms: i64, now: Stamp) -> Self {
        Self {
            mode,
            poll_ms,
            recv_timeout_ms,
            seen: vec![Seen::default(); symbols],
            in_flight: None,
            not_before: now,
            failure_pause_ms: 0,
            line_up: false,
            heard: now,
            look_at_ms: recv_timeout_ms,
            scan_at: now,
            suspected: None,
            was_in_session: None,
        }
    }

    /// The line came up: every book is asked for anew.
    pub fn line_up(&mut self, now: Stamp) {
        self.line_up = true;
        self.heard(now);
        self.scan_at = now;
        for seen in &mut self.seen {
            *seen = Seen {
                asked: None,
                fresh: None,
                messages: 0,
                looked: None,
                looked_at: None,
            };
        }
    }

    /// The line went down.
    pub fn line_down(&mut self) {
        self.line_up = false;
    }

    /// A frame came in, whatever it held.
    #[inline]
    pub fn heard(&mut self, now: Stamp) {
        self.heard = now;
        self.look_at_ms = self.recv_timeout_ms;
        self.suspected = None;
    }

    /// A message of this symbol came in; `with_book` when it showed one.
    #[inline]
    pub fn message(&mut self, symbol: SymbolId, with_book: bool, now: Stamp) {
        let seen = &mut self.seen[symbol.index()];
        seen.messages += 1;
        seen.looked = None;
        if with_book && self.mode == BoardMode::Auto {
            seen.fresh = Some(now);
        }
    }

    /// The symbol to ask now, if any; it counts as asked.
    pub fn next(&mut self, in_session: bool, open: bool, now: Stamp) -> Option<SymbolId> {
        let before = self.was_in_session.replace(in_session);
        if before != Some(in_session) {
            self.scan_at = now;
        }
        if before == Some(false) && in_session {
            // Silence before the session says nothing about the line.
            self.heard(now);
        }
        if self.in_flight.is_some() || now < self.not_before || !open {
            return None;
        }
        let asked = if in_session && self.line_up && self.silent_ms(now) >= self.look_at_ms {
            Asked {
                symbol: self.witness()?,
                about_line: true,
            }
        } else if now >= self.scan_at {
            Asked {
                symbol: self.stalest(in_session, now)?,
                about_line: false,
            }
        } else {
            return None;
        };
        self.seen[asked.symbol.index()].asked = Some(now);
        if asked.about_line {
            self.seen[asked.symbol.index()].looked_at = Some(now);
        }
        self.in_flight = Some(asked);
        Some(asked.symbol)
    }

    /// When [`BoardPlan::next`] can have something new to say.
    #[must_use]
    pub fn deadline(&self, in_session: bool, open: bool) -> Stamp {
        if self.in_flight.is_some() || !open {
            return Stamp::NEVER;
        }
        let look = if in_session && self.line_up {
            self.heard.plus_ms(self.look_at_ms)
        } else {
            Stamp::NEVER
        };
        let scan = if self.polls() { self.scan_at } else { Stamp::NEVER };
        look.min(scan).max(self.not_before)
    }

    /// An answer came for `symbol`. `volume` is the one it shows, `pushed` the last one PUSH brought on this line.
    pub fn answered(
        &mut self,
        symbol: SymbolId,
        volume: Option<Qty>,
        pushed: Option<Qty>,
        in_session: bool,
        now: Stamp,
    ) -> Verdict {
        let about_line = self.in_flight.take().is_some_and(|asked| asked.about_line);
        self.failure_pause_ms = 0;
        self.scan_at = now;
        let silent_ms = self.silent_ms(now);
        let seen = &mut self.seen[symbol.index()];
        seen.fresh = Some(now);
        let known = pushed.or(seen.looked);
        if pushed.is_none() {
            // In the session the first answer stays the measure; before it, and when the totals fall, the newest.
            seen.looked = match (seen.looked, volume) {
                (Some(looked), Some(volume)) if in_session && volume > looked => Some(looked),
                (looked, volume) => volume.or(looked),
            };
        }
        if !self.line_up || !in_session || silent_ms < self.recv_timeout_ms {
            return Verdict::Fine;
        }
        match (known, volume) {
            (Some(known), Some(volume)) if volume > known => {
                let (_, since) = *self.suspected.get_or_insert((symbol, now));
                if now.ms_since(since) >= SECOND_LOOK_MS {
                    return Verdict::Dead { seen: known, silent_ms };
                }
                self.look_at_ms = silent_ms + SECOND_LOOK_MS;
                Verdict::Fine
            }
            _ if about_line => {
                self.look_at_ms = silent_ms + (2 * self.look_at_ms).min(MAX_LOOK_MS);
                Verdict::Quiet { silent_ms }
            }
            _ => Verdict::Fine,
        }
    }

    /// A call failed; `answered` when the station answered at all (with an error).
    pub fn failed(&mut self, answered: bool, in_session: bool, now: Stamp) -> Verdict {
        let about_line = self.in_flight.take().is_some_and(|asked| asked.about_line);
        self.failure_pause_ms = (self.failure_pause_ms * 2).clamp(FAILURE_PAUSE_MS.0, FAILURE_PAUSE_MS.1);
        self.not_before = now.plus_ms(self.failure_pause_ms);
        let silent_ms = self.silent_ms(now);
        if about_line && !answered && in_session && self.line_up && silent_ms >= self.look_at_ms {
            return Verdict::Mute { silent_ms };
        }
        Verdict::Fine
    }

    /// Takes back a question that could not be handed on.
    pub fn not_sent(&mut self, now: Stamp) {
        self.in_flight = None;
        self.not_before = now.plus_ms(FAILURE_PAUSE_MS.0);
    }

    fn silent_ms(&self, now: Stamp) -> i64 {
        now.ms_since(self.heard)
    }

    fn polls(&self) -> bool {
        match self.mode {
            BoardMode::Auto => self.line_up,
            BoardMode::Rest => true,
            BoardMode::Push | BoardMode::Off => false,
        }
    }

    /// The busiest symbol of this line that was not questioned in this silence: an index shows no volume and a halted
    /// share does not move, so one witness is not enough.
    fn witness(&self) -> Option<SymbolId> {
        if let Some((suspect, _)) = self.suspected {
            return Some(suspect);
        }
        let best = self.seen.iter().enumerate().min_by_key(|(_, s)| {
            (
                s.looked_at.filter(|&at| at >= self.heard),
                std::cmp::Reverse(s.messages),
                s.asked,
            )
        })?;
        Some(SymbolId(best.0 as u16))
    }

    /// The due symbol that waited longest; without one, remembers when the next is due.
    fn stalest(&mut self, in_session: bool, now: Stamp) -> Option<SymbolId> {
        if !self.polls() {
            return None;
        }
        let every = if in_session { self.poll_ms } else { IDLE_POLL_MS };
        let due = |seen: &Seen| match (seen.fresh.filter(|_| in_session), seen.asked) {
            (None, None) => Stamp(0),
            (fresh, asked) => fresh.max(asked).map_or(Stamp(0), |at| at.plus_ms(every)),
        };
        let (index, at) = self.seen.iter().map(due).enumerate().min_by_key(|&(_, at)| at)?;
        if at <= now {
            return Some(SymbolId(index as u16));
        }
        self.scan_at = at;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Stamp {
        Stamp::from_ms(1_000_000 + ms)
    }

    fn plan(mode: BoardMode, symbols: usize) -> BoardPlan {
        let mut plan = BoardPlan::new(mode, symbols, 500, 2_000, at(0));
        plan.line_up(at(0));
        plan
    }

    #[test]
    fn auto_asks_only_for_books_that_grew_old() {
        let mut plan = plan(BoardMode::Auto, 3);
        for n in 0..3 {
            assert_eq!(plan.next(true, true, at(n)), Some(SymbolId(n as u16)));
            assert_eq!(plan.next(true, true, at(n)), None, "one in flight");
            plan.answered(SymbolId(n as u16), None, None, true, at(n));
        }
        plan.message(SymbolId(0), true, at(400));
        assert_eq!(plan.next(true, true, at(499)), None);
        assert_eq!(plan.next(true, true, at(501)), Some(SymbolId(1)));
    }

    #[test]
    fn outside_the_session_books_are_primed_once_and_then_asked_once_a_minute() {
        let mut plan = plan(BoardMode::Auto, 1);
        assert_eq!(plan.next(false, true, at(0)), Some(SymbolId(0)));
        plan.answered(SymbolId(0), None, None, false, at(10));
        assert_eq!(plan.next(false, true, at(59_999)), None);
        assert_eq!(plan.deadline(false, true), at(60_000));
        assert_eq!(plan.next(false, true, at(60_000)), Some(SymbolId(0)));
    }

    #[test]
    fn the_open_changes_the_pace_at_once() {
        let mut plan = plan(BoardMode::Auto, 1);
        assert!(plan.next(false, true, at(0)).is_some());
        plan.answered(SymbolId(0), None, None, false, at(10));
        assert_eq!(plan.next(false, true, at(1_000)), None);
        assert!(plan.next(true, true, at(2_000)).is_some());
    }

    #[test]
    fn outside_recorded_hours_there_is_nothing_to_wake_for() {
        let plan = plan(BoardMode::Auto, 1);
        assert_eq!(
            (plan.deadline(true, true), plan.deadline(true, false)),
            (at(0), Stamp::NEVER)
        );
    }

    #[test]
    fn push_and_off_ask_only_about_a_silent_line() {
        for mode in [BoardMode::Push, BoardMode::Off] {
            let mut plan = plan(mode, 2);
            plan.message(SymbolId(1), true, at(100));
            plan.heard(at(100));
            assert_eq!(plan.next(true, true, at(2_099)), None);
            assert_eq!(plan.deadline(true, true), at(2_100));
            assert_eq!(plan.next(true, true, at(2_100)), Some(SymbolId(1)), "the busiest one");
            assert_eq!(plan.next(false, true, at(2_100)), None);
        }
    }

    #[test]
    fn n04_a_silent_line_is_dead_only_when_the_volume_moved() {
        let mut plan = plan(BoardMode::Push, 1);
        plan.message(SymbolId(0), true, at(0));
        assert_eq!(plan.next(true, true, at(2_000)), Some(SymbolId(0)));
        let same = plan.answered(SymbolId(0), Some(Qty(100)), Some(Qty(100)), true, at(2_010));
        assert_eq!(same, Verdict::Quiet { silent_ms: 2_010 });
        assert_eq!(plan.next(true, true, at(6_009)), None, "the next look is twice as far");
        assert_eq!(plan.next(true, true, at(6_010)), Some(SymbolId(0)));
        let moved = plan.answered(SymbolId(0), Some(Qty(200)), Some(Qty(100)), true, at(6_020));
        assert_eq!(moved, Verdict::Fine, "its PUSH may be on the way");
        assert_eq!(plan.next(true, true, at(6_519)), None);
        assert_eq!(plan.next(true, true, at(6_520)), Some(SymbolId(0)));
        let still = plan.answered(SymbolId(0), Some(Qty(200)), Some(Qty(100)), true, at(6_530));
        assert_eq!(
            still,
            Verdict::Dead {
                seen: Qty(100),
                silent_ms: 6_530
            }
        );
    }

    #[test]
    fn n04_without_any_push_two_looks_are_compared() {
        let mut plan = plan(BoardMode::Push, 1);
        assert_eq!(plan.next(true, true, at(2_000)), Some(SymbolId(0)));
        assert_eq!(
            plan.answered(SymbolId(0), Some(Qty(100)), None, true, at(2_000)),
            Verdict::Quiet { silent_ms: 2_000 }
        );
        for (ms, dead) in [(6_000, false), (6_500, true)] {
            assert_eq!(plan.next(true, true, at(ms)), Some(SymbolId(0)));
            let verdict = plan.answered(SymbolId(0), Some(Qty(101)), None, true, at(ms));
            assert_eq!(matches!(verdict, Verdict::Dead { .. }), dead, "{ms}");
        }
    }

    #[test]
    fn n04_one_silence_questions_one_symbol_after_the_other() {
        let mut plan = plan(BoardMode::Push, 2);
        plan.message(SymbolId(1), true, at(0));
        assert_eq!(plan.next(true, true, at(2_000)), Some(SymbolId(1)));
        plan.answered(SymbolId(1), Some(Qty(5)), Some(Qty(5)), true, at(2_000));
        assert_eq!(plan.next(true, true, at(6_000)), Some(SymbolId(0)));
    }

    #[test]
    fn n04_silence_before_the_session_does_not_count() {
        let mut plan = plan(BoardMode::Push, 1);
        assert_eq!(plan.next(false, true, at(500_000)), None);
        assert_eq!(plan.next(true, true, at(500_100)), None);
        assert_eq!(plan.next(true, true, at(502_100)), Some(SymbolId(0)));
    }

    #[test]
    fn n04_any_answer_can_prove_a_line_dead_between_two_looks() {
        let mut plan = plan(BoardMode::Auto, 1);
        plan.message(SymbolId(0), true, at(0));
        assert!(plan.next(true, true, at(2_000)).is_some());
        plan.answered(SymbolId(0), Some(Qty(100)), Some(Qty(100)), true, at(2_000));
        for (ms, dead) in [(2_600, false), (3_100, true)] {
            assert!(plan.next(true, true, at(ms)).is_some(), "an ordinary poll");
            let verdict = plan.answered(SymbolId(0), Some(Qty(101)), Some(Qty(100)), true, at(ms));
            assert_eq!(matches!(verdict, Verdict::Dead { .. }), dead, "{ms}");
        }
    }

    #[test]
    fn r05_failures_pause_the_questions() {
        let mut plan = plan(BoardMode::Auto, 1);
        assert!(plan.next(true, true, at(0)).is_some());
        assert_eq!(plan.failed(true, true, at(0)), Verdict::Fine);
        assert_eq!(plan.next(true, true, at(999)), None);
        assert!(plan.next(true, true, at(1_000)).is_some());
        plan.failed(true, true, at(1_000));
        assert_eq!(plan.next(true, true, at(2_999)), None);
        assert!(plan.next(true, true, at(3_000)).is_some());
    }
}
