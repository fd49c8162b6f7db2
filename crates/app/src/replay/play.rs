//! The journal's lines to the engine, the engine's windows joined as they were live. Pure.

use std::collections::VecDeque;

use ayumi_engine::backlog::merge;
use ayumi_engine::batch::{Batch, StateRow};
use ayumi_engine::jst::Date;
use ayumi_engine::output::Output;
use ayumi_engine::settings::EngineSettings;
use ayumi_engine::{Engine, Stamp, SymbolId};
use ayumi_journal::Kind;

use super::Plan;
use super::plan::Run;
use crate::journal::{Event, Start};

/// What was told to the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Runs of the worker.
    pub runs: u64,
    /// PUSH messages, unreadable ones included.
    pub messages: u64,
    /// `/board` answers.
    pub boards: u64,
    /// Lines that the journal itself says are missing.
    pub lost: u64,
    /// Windows of killed runs that were never stored live and are left out here, too.
    pub unstored: u64,
}

/// One engine per run, fed line by line.
pub(super) struct Player<'a> {
    settings: &'a EngineSettings,
    tickers: Vec<String>,
    /// What a first look has found; `None` = it is learnt on the way.
    plan: Option<&'a Plan>,
    /// So many windows are kept back.
    keep: usize,
    /// What is known of the current run.
    run: Run,
    /// Fingerprint that the recording's settings should have.
    expected: Option<String>,
    engine: Option<Engine>,
    /// Windows of the run, oldest first, that later lines may still say something of.
    held: VecDeque<Batch>,
    /// What cannot be changed any more in this run: the start of the newest window that is not merged into another, and
    /// of the newest that was given away.
    settled: Option<(i64, i64)>,
    too_late: bool,
    /// The next payload is the answer of `/board` for this symbol; `Some(None)` = one that is not watched.
    board: Option<Option<SymbolId>>,
    last: Stamp,
    /// The state of each symbol in the windows that were given away: what the target knows.
    known: Known,
    played: Played,
}

impl<'a> Player<'a> {
    /// Without a plan, `ahead` windows are kept back. `expected` is the fingerprint that the recording's settings should
    /// have.
    pub(super) fn new(
        settings: &'a EngineSettings,
        plan: Option<&'a Plan>,
        ahead: usize,
        expected: Option<String>,
    ) -> Self {
        Self {
            tickers: settings.watched.iter().map(|w| w.symbol.ticker()).collect(),
            settings,
            plan,
            // Whether a window is merged into the one before it is known of either of them then.
            keep: if plan.is_some() { 1 } else { ahead.max(1) },
            run: Run::default(),
            expected,
            engine: None,
            held: VecDeque::new(),
            settled: None,
            too_late: false,
            board: None,
            last: Stamp(0),
            known: Known::default(),
            played: Played::default(),
        }
    }

    pub(super) fn played(&self) -> &Played {
        &self.played
    }

    /// True when a line told something of a window that was given away before: only a first look can know it in time.
    pub(super) fn is_too_late(&self) -> bool {
        self.too_late
    }

    /// One line; windows that are complete are appended to `done`.
    pub(super) fn line(&mut self, at: Stamp, kind: Kind, payload: &[u8], done: &mut Vec<Batch>) {
        let event = (kind == Kind::Event).then(|| Event::parse(payload));
        if let Some(Event::Start(start)) = &event {
            self.learn_end(start);
            self.end_run(done);
            self.begin(start, at);
            self.compare(start);
        }
        if self.engine.is_none() {
            // The start is in the file of an earlier day: what was carried from there is not known here.
            self.begin(
                &Start {
                    settings: String::new(),
                    stored_until_ms: None,
                    states: Vec::new(),
                },
                at,
            );
        }
        self.last = at;
        match event {
            Some(event) => self.event(&event, at),
            None => self.payload(payload, at),
        }
        self.collect(done);
    }

    /// The journal is over.
    pub(super) fn finish(mut self, done: &mut Vec<Batch>) -> Played {
        self.end_run(done);
        self.played
    }

    fn begin(&mut self, start: &Start, at: Stamp) {
        let mut engine = Engine::new(self.settings.clone(), at);
        engine.restore(&self.carried(start, at));
        self.engine = Some(engine);
        self.settled = None;
        self.run = match self.plan {
            Some(plan) => plan.runs.get(self.played.runs as usize).cloned().unwrap_or_default(),
            None => Run {
                began: Some(at),
                ..Run::default()
            },
        };
        self.played.runs += 1;
    }

    /// The rows are those of the recording only when the settings are.
    fn compare(&mut self, start: &Start) {
        if self
            .expected
            .as_ref()
            .is_some_and(|expected| *expected != start.settings)
        {
            self.expected = None;
            log::warn!(
                "these settings are not those of the recording (symbols, window_ms, guards, ...): the rows may differ"
            );
        }
    }

    /// What the start of the next run tells of the one that ends.
    fn learn_end(&mut self, next: &Start) {
        if self.plan.is_none() {
            self.run.ended(next.stored_until_ms);
            let until = self.run.stored_until_ms;
            self.too_late |= self
                .settled
                .is_some_and(|(_, given)| until.is_some_and(|until| given >= until));
        }
    }

    /// A window was merged into the one before it.
    fn learn_absorbed(&mut self, start_ms: i64) {
        if self.plan.is_none() && self.run.absorbed.insert(start_ms) {
            self.too_late |= self.settled.is_some_and(|(apart, _)| start_ms <= apart);
        }
    }

    /// What the run begins with. Live it was the state in the database; it is the same here unless something is missing
    /// between the runs (a file of the journal, or the live database was another one): then what the target knows
    /// counts, and the volume between becomes a gap. A target that knows nothing of a symbol accounts for it from here
    /// on.
    fn carried(&self, start: &Start, at: Stamp) -> Vec<StateRow> {
        let mut states = start.states_for(&self.tickers);
        for state in &mut states {
            match self.known.get(state.symbol, state.trading_date) {
                Some(known) if known.last == state.last => {}
                Some(known) => *state = *known,
                None => state.base = state.last,
            }
        }
        let today = at.date();
        let lacking = |row: &&StateRow| {
            let same = |s: &StateRow| (s.symbol, s.trading_date) == (row.symbol, row.trading_date);
            row.trading_date >= today && !states.iter().any(same)
        };
        let more: Vec<StateRow> = self.known.rows().filter(lacking).copied().collect();
        states.extend(more);
        states
    }

    /// Lines are missing before this one: what moved meanwhile is a gap.
    pub(super) fn hole(&mut self, at: Stamp) {
        if let Some(engine) = &mut self.engine {
            engine.on_line_down(at);
            engine.on_line_up(at);
        }
    }

    fn event(&mut self, event: &Event, at: Stamp) {
        let Some(engine) = &mut self.engine else { return };
        match event {
            Event::Up => engine.on_line_up(at),
            Event::Down => engine.on_line_down(at),
            Event::Unreadable(reason) => {
                engine.on_unreadable(*reason, at);
                self.played.messages += 1;
            }
            Event::Room(ticks) => engine.set_room(*ticks),
            Event::Stop => {
                engine.finish(at);
                self.run.stopped = true;
            }
            Event::Board(ticker) => {
                let place = self.tickers.iter().position(|t| t == ticker);
                self.board = Some(place.and_then(|at| Some(SymbolId(u16::try_from(at).ok()?))));
            }
            Event::Lost(lines) => {
                self.played.lost += lines;
                engine.on_line_down(at);
                engine.on_line_up(at);
                log::warn!(
                    "the journal lacks {lines} lines before {}",
                    ayumi_wire::jst::iso_ms(at.ms())
                );
            }
            Event::Absorbed(start_ms) => self.learn_absorbed(*start_ms),
            Event::Start(_) | Event::Other => {}
        }
    }

    fn payload(&mut self, payload: &[u8], at: Stamp) {
        let Some(engine) = &mut self.engine else { return };
        match self.board.take() {
            None => {
                engine.on_push(payload, at);
                self.played.messages += 1;
            }
            Some(symbol) => {
                self.played.boards += 1;
                if let Some(symbol) = symbol {
                    engine.on_board(symbol, payload, at);
                }
            }
        }
    }

    /// Takes the engine's windows; whatever else it wants was decided live.
    fn collect(&mut self, done: &mut Vec<Batch>) {
        let Some(engine) = &mut self.engine else { return };
        while let Some(output) = engine.poll(self.last) {
            match output {
                Output::Batch(batch) => self.held.push_back(batch),
                Output::BoardWanted(_) => engine.on_board_not_sent(self.last),
                Output::Reconnect(_) | Output::Note(_) => {}
            }
        }
        self.let_go(self.keep, done);
    }

    /// Gives the oldest windows away until so many are left, those that were merged live as one.
    fn let_go(&mut self, keep: usize, done: &mut Vec<Batch>) {
        while self.held.len() > keep {
            let Some(oldest) = self.held.pop_front() else { return };
            match self.held.front_mut() {
                Some(next) if self.run.absorbed.contains(&next.start_ms) => {
                    merge(oldest, next);
                }
                next => {
                    let apart = next.map_or(oldest.start_ms, |next| next.start_ms);
                    self.settled = self.settled.max(Some((apart, oldest.start_ms)));
                    self.give(oldest, done);
                }
            }
        }
    }

    fn give(&mut self, batch: Batch, done: &mut Vec<Batch>) {
        let until = self.run.stored_until_ms;
        if until.is_some_and(|until| batch.start_ms >= until) {
            self.played.unstored += 1;
        } else {
            batch.states.iter().for_each(|row| self.known.set(row));
            done.push(batch);
        }
    }

    fn end_run(&mut self, done: &mut Vec<Batch>) {
        if let Some(engine) = &mut self.engine {
            // After a stop there is no open window any more. A run that was killed had its last window either closed by
            // the clock or not at all.
            engine.on_clock(self.last.plus_ms(self.settings.window_ms));
            self.collect(done);
        }
        self.engine = None;
        self.let_go(0, done);
    }
}

/// The newest state of each symbol and trading date: for each window dozens of them, so they are found without a search.
#[derive(Default)]
struct Known(Vec<Vec<StateRow>>);

impl Known {
    fn get(&self, symbol: SymbolId, date: Date) -> Option<&StateRow> {
        self.0.get(symbol.index())?.iter().find(|row| row.trading_date == date)
    }

    fn set(&mut self, row: &StateRow) {
        let place = row.symbol.index();
        if self.0.len() <= place {
            self.0.resize_with(place + 1, Vec::new);
        }
        let rows = &mut self.0[place];
        match rows.iter_mut().find(|known| known.trading_date == row.trading_date) {
            Some(known) => *known = *row,
            None => {
                rows.push(*row);
                rows.sort_by_key(|row| row.trading_date);
            }
        }
    }

    /// All of them, by symbol and date.
    fn rows(&self) -> impl Iterator<Item = &StateRow> {
        self.0.iter().flatten()
    }
}
