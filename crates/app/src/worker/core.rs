//! The engine with the journal before it: what the engine is told stands in the journal first, so that a replay can
//! tell it the same again.

use std::time::Duration;

use ayumi_engine::counts::Reason;
use ayumi_engine::{Engine, Stamp, SymbolId};
use ayumi_journal::{Journal, Kind, Ticket, Written};

use crate::journal::Event;

/// The one place where messages, answers and line events reach the engine.
pub(super) struct Core {
    pub(super) engine: Engine,
    journal: Option<Journal>,
    pub(super) tickers: Vec<String>,
    room: Option<u64>,
}

impl Core {
    pub(super) fn new(engine: Engine, journal: Option<Journal>, tickers: Vec<String>) -> Self {
        Self {
            engine,
            journal,
            tickers,
            room: None,
        }
    }

    /// A line of our own.
    pub(super) fn note(&mut self, event: &Event, now: Stamp) {
        if let Some(journal) = &mut self.journal {
            journal.put(now.0, Kind::Event, event.text().as_bytes());
        }
    }

    /// A PUSH message.
    pub(super) fn on_push(&mut self, text: &[u8], now: Stamp) {
        if let Some(journal) = &mut self.journal {
            journal.put(now.0, Kind::Push, text);
        }
        self.engine.on_push(text, now);
    }

    /// A message that is no text.
    pub(super) fn on_unreadable(&mut self, reason: Reason, now: Stamp) {
        self.note(&Event::Unreadable(reason), now);
        self.engine.on_unreadable(reason, now);
    }

    /// An answer of `/board`.
    pub(super) fn on_board(&mut self, symbol: SymbolId, body: &[u8], now: Stamp) {
        if self.journal.is_some() {
            let ticker = self.tickers[symbol.index()].clone();
            self.note(&Event::Board(ticker), now);
        }
        if let Some(journal) = &mut self.journal {
            journal.put(now.0, Kind::Board, body);
        }
        self.engine.on_board(symbol, body, now);
    }

    /// The line came up.
    pub(super) fn on_line_up(&mut self, now: Stamp) {
        self.note(&Event::Up, now);
        self.engine.on_line_up(now);
    }

    /// The line went down.
    pub(super) fn on_line_down(&mut self, now: Stamp) {
        self.note(&Event::Down, now);
        self.engine.on_line_down(now);
    }

    /// How many ticks the open window may take.
    pub(super) fn set_room(&mut self, ticks: u64, now: Stamp) {
        if self.room.replace(ticks) != Some(ticks) {
            self.note(&Event::Room(ticks), now);
        }
        self.engine.set_room(ticks);
    }

    /// The run ends.
    pub(super) fn finish(&mut self, now: Stamp) {
        self.note(&Event::Stop, now);
        self.engine.finish(now);
    }

    /// Windows that were merged into the ones before them, and the ticket that covers saying so.
    pub(super) fn absorbed(&mut self, starts: &[i64], now: Stamp) -> Ticket {
        for &start in starts {
            self.note(&Event::Absorbed(start), now);
        }
        self.border()
    }

    /// Everything up to here is in the journal's file when the ticket is done; 0 without a journal.
    pub(super) fn border(&mut self) -> Ticket {
        self.journal.as_mut().map_or(0, Journal::border)
    }

    /// Tells the writer how far the journal is.
    pub(super) fn written(&self) -> Option<Written> {
        self.journal.as_ref().map(Journal::written)
    }

    /// Lines that the journal could not take.
    pub(super) fn journal_lost(&self) -> u64 {
        self.journal.as_ref().map_or(0, Journal::lost)
    }

    /// The journal's end; says when something may be missing.
    pub(super) fn close_journal(&mut self, patience: Duration) {
        let Some(journal) = self.journal.take() else { return };
        let written = journal.written();
        if !journal.finish(patience) || written.missing() > 0 {
            let missing = written.missing();
            log::warn!("the journal of this run is not whole: {missing} lines are missing");
        }
    }
}
