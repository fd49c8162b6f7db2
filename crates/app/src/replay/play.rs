//! The journal's lines to the engine, the engine's windows joined as they were live. Pure.

use std::collections::BTreeMap;

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
    plan: &'a Plan,
    /// Place of the current run in the plan.
    run: Option<usize>,
    engine: Option<Engine>,
    /// The window before, until it is known that nothing is merged into it.
    held: Option<Batch>,
    /// The next payload is the answer of `/board` for this symbol; `Some(None)` = one that is not watched.
    board: Option<Option<SymbolId>>,
    last: Stamp,
    /// The state of each symbol in the windows that were given away: what the target knows.
    known: BTreeMap<(SymbolId, Date), StateRow>,
    played: Played,
}

impl<'a> Player<'a> {
    pub(super) fn new(settings: &'a EngineSettings, plan: &'a Plan) -> Self {
        Self {
            tickers: settings.watched.iter().map(|w| w.symbol.ticker()).collect(),
            settings,
            plan,
            run: None,
            engine: None,
            held: None,
            board: None,
            last: Stamp(0),
            known: BTreeMap::new(),
            played: Played::default(),
        }
    }

    pub(super) fn played(&self) -> &Played {
        &self.played
    }

    /// One line; windows that are complete are appended to `done`.
    pub(super) fn line(&mut self, at: Stamp, kind: Kind, payload: &[u8], done: &mut Vec<Batch>) {
        let event = (kind == Kind::Event).then(|| Event::parse(payload));
        if let Some(Event::Start(start)) = &event {
            self.end_run(done);
            self.begin(start, at);
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
        self.run = Some(self.run.map_or(0, |run| run + 1));
        self.played.runs += 1;
    }

    /// What the run begins with. Live it was the state in the database; it is the same here unless something is missing
    /// between the runs (a file of the journal, or the live database was another one): then what the target knows
    /// counts, and the volume between becomes a gap. A target that knows nothing of a symbol accounts for it from here
    /// on.
    fn carried(&self, start: &Start, at: Stamp) -> Vec<StateRow> {
        let mut states = start.states_for(&self.tickers);
        for state in &mut states {
            match self.known.get(&(state.symbol, state.trading_date)) {
                Some(known) if known.last == state.last => {}
                Some(known) => *state = *known,
                None => state.base = state.last,
            }
        }
        let today = at.date();
        let lacking = |(symbol, date): &(SymbolId, Date)| {
            *date >= today && !states.iter().any(|s| (s.symbol, s.trading_date) == (*symbol, *date))
        };
        let more: Vec<StateRow> = self
            .known
            .iter()
            .filter(|(key, _)| lacking(key))
            .map(|(_, row)| *row)
            .collect();
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
            Event::Stop => engine.finish(at),
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
            Event::Start(_) | Event::Absorbed(_) | Event::Other => {}
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
        let mut closed = Vec::new();
        while let Some(output) = engine.poll(self.last) {
            match output {
                Output::Batch(batch) => closed.push(batch),
                Output::BoardWanted(_) => engine.on_board_not_sent(self.last),
                Output::Reconnect(_) | Output::Note(_) => {}
            }
        }
        for batch in closed {
            self.join(batch, done);
        }
    }

    fn join(&mut self, mut batch: Batch, done: &mut Vec<Batch>) {
        let absorbed = self
            .this_run()
            .is_some_and(|run| run.absorbed.contains(&batch.start_ms));
        match self.held.take() {
            Some(before) if absorbed => {
                merge(before, &mut batch);
            }
            before => self.give(before, done),
        }
        self.held = Some(batch);
    }

    fn give(&mut self, batch: Option<Batch>, done: &mut Vec<Batch>) {
        let Some(batch) = batch else { return };
        let until = self.this_run().and_then(|run| run.stored_until_ms);
        if until.is_some_and(|until| batch.start_ms >= until) {
            self.played.unstored += 1;
        } else {
            let states = batch.states.iter().map(|row| ((row.symbol, row.trading_date), *row));
            self.known.extend(states);
            done.push(batch);
        }
    }

    fn this_run(&self) -> Option<&'a Run> {
        self.plan.runs.get(self.run?)
    }

    fn end_run(&mut self, done: &mut Vec<Batch>) {
        if let Some(engine) = &mut self.engine {
            // After a stop there is no open window any more. A run that was killed had its last window either closed by
            // the clock or not at all.
            engine.on_clock(self.last.plus_ms(self.settings.window_ms));
            self.collect(done);
        }
        self.engine = None;
        let held = self.held.take();
        self.give(held, done);
    }
}
