//! From frames to closed windows. Owns all state of the core; refuses to know where frames come from, what time it is,
//! or who stores the windows.

mod judge;
mod notes;
mod registry;

use std::collections::VecDeque;

use ayumi_wire::jst::Date;
use ayumi_wire::num::Price;
use ayumi_wire::push;

use crate::batch::{Batch, BookSource, Burst, StateRow, SymbolWindow, WindowCounts};
use crate::board_plan::{BoardPlan, Verdict};
use crate::book::{Book, Sides};
use crate::calendar::Day;
use crate::counts::{Reason, Totals};
use crate::grid;
use crate::guard::Bounds;
use crate::lag::Lag;
use crate::output::{DeadLine, Note, Output};
use crate::settings::{BoardMode, EngineSettings};
use crate::stamp::Stamp;
use crate::symbol::SymbolId;
use crate::volume::Volume;
use crate::window::{OpenWindow, Part};

use notes::Limiter;
use registry::Registry;

/// A thin market is silent again and again, which is worth one note in this time.
const QUIET_NOTE_INTERVAL_MS: i64 = 60_000;

/// The pure core. Feed it frames, answers and time; take batches, requests and notes from [`Engine::poll`].
pub struct Engine {
    settings: EngineSettings,
    registry: Registry,
    symbols: Vec<SymbolState>,
    window: Option<OpenWindow>,
    /// Vectors of the last closed window, for the next one.
    spare: OpenWindow,
    /// A batch that came back, for the next one.
    spent: Option<Batch>,
    /// No window begins before this: the run began here.
    earliest_ms: i64,
    day: Day,
    plan: BoardPlan,
    totals: Totals,
    lag: Lag,
    room: u64,
    outputs: VecDeque<Output>,
    odd_notes: [Limiter; Reason::ALL.len()],
    said_foreign_offset: bool,
    /// This silence was checked already.
    quiet: bool,
    quiet_notes: Limiter,
}

/// Everything known of one symbol.
struct SymbolState {
    is_equity: bool,
    rolls_at_1630: bool,
    guard: Bounds,
    volume: Volume,
    /// Price of the previous tick of the day; `None` after a gap, because the move across it is not known.
    previous: Option<Price>,
    last_price: Option<Price>,
    /// A message of the day came without a price.
    saw_no_price: bool,
    book: Option<Book>,
    part: Part,
    guard_notes: Limiter,
    volume_notes: Limiter,
}

impl Engine {
    /// A fresh engine whose run begins at `now`.
    #[must_use]
    pub fn new(settings: EngineSettings, now: Stamp) -> Self {
        let day = Day::of(now);
        let symbols: Vec<SymbolState> = settings
            .watched
            .iter()
            .map(|watched| SymbolState {
                is_equity: watched.symbol.is_equity(),
                rolls_at_1630: watched.symbol.rolls_at_1630(),
                guard: watched.guard,
                volume: Volume::new(trading_date(&day, watched.symbol.rolls_at_1630(), now)),
                previous: None,
                last_price: None,
                saw_no_price: false,
                book: None,
                part: Part::default(),
                guard_notes: Limiter::default(),
                volume_notes: Limiter::default(),
            })
            .collect();
        let plan = BoardPlan::new(
            settings.board_mode,
            symbols.len(),
            settings.rest_poll_ms,
            settings.recv_timeout_ms,
            now,
        );
        Self {
            registry: Registry::new(settings.watched.iter().map(|w| &w.symbol)),
            room: settings.tick_queue_max,
            symbols,
            window: None,
            spare: OpenWindow::default(),
            spent: None,
            earliest_ms: now.ms(),
            day,
            plan,
            totals: Totals::default(),
            lag: Lag::default(),
            outputs: VecDeque::new(),
            odd_notes: [Limiter::default(); Reason::ALL.len()],
            said_foreign_offset: false,
            quiet: false,
            quiet_notes: Limiter::default(),
            settings,
        }
    }

    /// Takes over what an earlier run knew of today; volume since then is a gap.
    pub fn restore(&mut self, states: &[StateRow]) {
        for row in states {
            let state = &mut self.symbols[row.symbol.index()];
            if state.volume.date == row.trading_date {
                state.volume = Volume {
                    date: row.trading_date,
                    base: row.base,
                    last: row.last,
                    last_at: row.last_at,
                    null_at: row.null_at,
                    gap: true,
                };
                state.last_price = row.last_price;
            }
        }
    }

    /// A text message. Never fails: it becomes a tick or is counted with its reason.
    pub fn on_push(&mut self, frame: &[u8], now: Stamp) {
        self.advance(now);
        self.plan.heard(now);
        self.quiet = false;
        let judged = self.judge(frame, now);
        if let Err(reason) = judged {
            self.count_rejected(reason, frame, now);
        }
        self.window_mut(now).counts.messages += 1;
        self.totals.received += 1;
    }

    /// A message that cannot be text of ours: a binary frame, or one too long to be read.
    pub fn on_unreadable(&mut self, reason: Reason, now: Stamp) {
        self.advance(now);
        self.plan.heard(now);
        self.count_rejected(reason, b"", now);
        self.window_mut(now).counts.messages += 1;
        self.totals.received += 1;
    }

    /// The line came up.
    pub fn on_line_up(&mut self, now: Stamp) {
        self.advance(now);
        self.plan.line_up(now);
        self.quiet = false;
    }

    /// The line went down: what moves until the next message of a symbol is a gap, and its book is unknown.
    pub fn on_line_down(&mut self, now: Stamp) {
        self.advance(now);
        self.plan.line_down();
        for state in &mut self.symbols {
            state.volume.gap = true;
            state.previous = None;
            if self.settings.board_mode != BoardMode::Rest {
                state.book = None;
            }
        }
    }

    /// The body of a `/board` answer to a [`Output::BoardWanted`].
    pub fn on_board(&mut self, symbol: SymbolId, body: &[u8], now: Stamp) {
        self.advance(now);
        let in_session = self.day.in_session(now);
        match push::decode(body) {
            Ok(board) if self.registry.find(&board.symbol, board.exchange) == Some(symbol) => {
                // A line may have died before today's first message: then yesterday's volume is no measure.
                self.roll(symbol, now);
                let volume = &self.symbols[symbol.index()].volume;
                let pushed = volume.last.filter(|_| !volume.gap);
                let verdict = self
                    .plan
                    .answered(symbol, board.trading_volume, pushed, in_session, now);
                self.tell(verdict, symbol, board.trading_volume.unwrap_or_default(), now);
                self.take_board(symbol, &board, now);
            }
            _ => self.on_board_failed(true, now),
        }
    }

    /// A `/board` call failed; `answered` when the station answered at all.
    pub fn on_board_failed(&mut self, answered: bool, now: Stamp) {
        self.advance(now);
        let verdict = self.plan.failed(answered, self.day.in_session(now), now);
        if let Verdict::Mute { silent_ms } = verdict {
            self.outputs
                .push_back(Output::Reconnect(DeadLine::NoAnswer { silent_ms }));
        }
    }

    /// A [`Output::BoardWanted`] could not be handed on; it will be asked for again later.
    pub fn on_board_not_sent(&mut self, now: Stamp) {
        self.plan.not_sent(now);
    }

    /// Time passed without a message.
    pub fn on_clock(&mut self, now: Stamp) {
        self.advance(now);
    }

    /// How many ticks the open window may still take before further ones are folded (`tick_queue_max` less what waits
    /// for the writer).
    pub fn set_room(&mut self, ticks: u64) {
        self.room = ticks;
    }

    /// The next output. Board requests are decided here, so call it after every input until it returns `None`.
    pub fn poll(&mut self, now: Stamp) -> Option<Output> {
        self.outputs.pop_front().or_else(|| {
            let open = self.is_open(now);
            self.plan
                .next(self.day.in_session(now), open, now)
                .map(Output::BoardWanted)
        })
    }

    /// When to call [`Engine::on_clock`] if nothing comes in before. Calling it earlier or more often is harmless.
    #[must_use]
    pub fn next_deadline(&self, now: Stamp) -> Stamp {
        let close = self
            .window
            .as_ref()
            .map_or(Stamp::NEVER, |window| Stamp::from_ms(window.end_ms));
        // A plan that waits for the session to open is looked at once a second; an idle worker wakes no more often.
        let plan = self.plan.deadline(self.day.in_session(now), self.is_open(now));
        close.min(plan.max(now.plus_ms(1))).min(now.plus_ms(1_000))
    }

    /// Closes the open window at `now`: the last one of the run.
    pub fn finish(&mut self, now: Stamp) {
        self.advance(now);
        if let Some(window) = &mut self.window {
            // The end is exclusive, and this millisecond's messages belong to it.
            window.end_ms = window.end_ms.min(now.ms() + 1).max(window.start_ms + 1);
            self.earliest_ms = window.end_ms;
            self.close();
        }
    }

    /// Takes back a batch that nobody needs any more: its memory serves the next one. Batches that are not given back
    /// cost the next ones an allocation per list.
    pub fn recycle(&mut self, batch: Batch) {
        self.spent = Some(batch);
    }

    /// Counters since the start.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Ticks in the open window.
    #[must_use]
    pub fn open_ticks(&self) -> u64 {
        self.window.as_ref().map_or(0, |window| window.counts.ticks)
    }

    /// Symbols whose messages of the day came, and all of them without a price.
    pub fn unpriced(&self) -> impl Iterator<Item = SymbolId> {
        let all = self.symbols.iter().enumerate();
        let unpriced = all.filter(|(_, s)| s.saw_no_price && s.last_price.is_none());
        unpriced.filter_map(|(at, _)| u16::try_from(at).ok().map(SymbolId))
    }

    /// True when a symbol had a price on its day.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        self.symbols.iter().any(|s| s.last_price.is_some())
    }

    /// Lag between receive time and exchange second of trading messages since the last call.
    pub fn take_lag(&mut self) -> Lag {
        std::mem::take(&mut self.lag)
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.settings
    }

    fn tell(&mut self, verdict: Verdict, symbol: SymbolId, board: ayumi_wire::num::Qty, now: Stamp) {
        match verdict {
            Verdict::Fine => {}
            Verdict::Quiet { silent_ms } => {
                if !std::mem::replace(&mut self.quiet, true)
                    && let Some(unsaid) = self.quiet_notes.say(QUIET_NOTE_INTERVAL_MS, now)
                {
                    self.outputs.push_back(Output::Note(Note::Quiet { silent_ms, unsaid }));
                }
            }
            Verdict::Dead { seen, silent_ms } => {
                self.outputs.push_back(Output::Reconnect(DeadLine::VolumeMoved {
                    symbol,
                    seen,
                    board,
                    silent_ms,
                }));
            }
            Verdict::Mute { silent_ms } => {
                self.outputs
                    .push_back(Output::Reconnect(DeadLine::NoAnswer { silent_ms }));
            }
        }
    }

    /// A board answer refreshes the book and nothing else; one older than the stream is dropped whole.
    fn take_board(&mut self, symbol: SymbolId, board: &push::Push<'_>, now: Stamp) {
        let state = &mut self.symbols[symbol.index()];
        if matches!((state.volume.last, board.trading_volume), (Some(pushed), Some(board)) if board < pushed) {
            self.totals.boards_stale += 1;
            return;
        }
        self.totals.boards += 1;
        if matches!(self.settings.board_mode, BoardMode::Auto | BoardMode::Rest) && self.is_open(now) {
            if let Some(sides) = Sides::of(board) {
                self.symbols[symbol.index()].book = Some(Book {
                    sides,
                    source: BookSource::Rest,
                    at: now,
                });
            }
            // An answer without a level leaves the standing book, and says that it still stands.
            self.touch(symbol, now).snapshot = true;
        }
    }

    fn is_open(&self, now: Stamp) -> bool {
        self.settings.market_window.is_empty() || self.settings.is_open(now.second_of_day())
    }

    /// Closes the window that ended, and follows the calendar.
    fn advance(&mut self, now: Stamp) {
        if self.window.as_ref().is_some_and(|window| now.ms() >= window.end_ms) {
            self.close();
        }
        if !self.day.contains(now) {
            self.day = Day::of(now);
        }
    }

    /// The open window, opened if need be.
    fn window_mut(&mut self, now: Stamp) -> &mut OpenWindow {
        let earliest = self.earliest_ms;
        let (width, spare) = (self.settings.window_ms, &mut self.spare);
        self.window.get_or_insert_with(|| {
            // Before the run's beginning, or after its end, time stands still there: no window is given out twice.
            let at = now.ms().max(earliest);
            let (start_ms, end_ms) = grid::window_of(at, width);
            let mut window = std::mem::take(spare);
            window.start_ms = start_ms.max(earliest);
            window.end_ms = end_ms;
            window
        })
    }

    /// A symbol's part of the open window.
    fn touch(&mut self, symbol: SymbolId, now: Stamp) -> &mut Part {
        if !self.symbols[symbol.index()].part.touched {
            self.symbols[symbol.index()].part.touched = true;
            self.window_mut(now).touched.push(symbol);
        }
        &mut self.symbols[symbol.index()].part
    }

    /// Turns the open window into a batch.
    fn close(&mut self) {
        let Some(mut window) = self.window.take() else { return };
        if !window.is_empty() {
            let batch = self.batch(&mut window);
            self.outputs.push_back(Output::Batch(batch));
            self.totals.windows += 1;
        }
        window.touched.clear();
        window.counts = WindowCounts::default();
        self.spare = window;
    }

    fn batch(&mut self, window: &mut OpenWindow) -> Batch {
        window.touched.sort_unstable();
        let end = Stamp::from_ms(window.end_ms);
        let (mut symbols, mut ledger, mut states) = self.spent.take().map_or_else(Default::default, Batch::into_lists);
        symbols.reserve(window.touched.len());
        states.reserve(window.touched.len());
        for &symbol in &window.touched {
            let state = &mut self.symbols[symbol.index()];
            let part = std::mem::take(&mut state.part);
            if part.has_row() {
                symbols.push(state.row(symbol, &part, end, &self.settings));
            }
            if part.state_changed {
                states.push(state.state_row(symbol));
            }
        }
        // The window goes on with the empty list.
        std::mem::swap(&mut ledger, &mut window.ledger);
        Batch {
            start_ms: window.start_ms,
            end_ms: window.end_ms,
            date: Stamp::from_ms(window.start_ms).date(),
            symbols,
            ledger,
            states,
            counts: window.counts,
            merged_windows: 0,
        }
    }
}

impl SymbolState {
    fn row(&self, symbol: SymbolId, part: &Part, end: Stamp, settings: &EngineSettings) -> SymbolWindow {
        let fresh = |book: &&Book| end.ms_since(book.at) < settings.board_max_age_ms;
        SymbolWindow {
            symbol,
            ticks: part.ticks,
            upticks: part.upticks,
            downticks: part.downticks,
            trades: part.trades,
            volume: part.volume,
            last_price: part.last_price,
            book: self
                .book
                .as_ref()
                .filter(fresh)
                .map(|book| book.sides.view(book.source)),
            snapshot: part.snapshot && settings.board_mode != BoardMode::Off,
            burst: Burst::COLD,
        }
    }

    fn state_row(&self, symbol: SymbolId) -> StateRow {
        StateRow {
            symbol,
            trading_date: self.volume.date,
            base: self.volume.base,
            last: self.volume.last,
            last_at: self.volume.last_at,
            null_at: self.volume.null_at,
            last_price: self.last_price,
        }
    }
}

/// The trading date of a symbol: the calendar date, one more from 16:30 for derivatives of exchanges 2 and 24.
fn trading_date(day: &Day, rolls_at_1630: bool, now: Stamp) -> Date {
    if rolls_at_1630 && day.after_derivatives_roll(now) {
        Date::from_days(day.date.days() + 1)
    } else {
        day.date
    }
}

#[cfg(test)]
mod tests;
