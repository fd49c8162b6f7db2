//! `/board`: the last message, the slow first touch, and the odd bodies that faults ask for.

use std::time::Duration;

use ayumi_engine::Symbol;
use ayumi_wire::rest::code;

use super::registry::Full;
use super::{Act, Reply, Station, shape};
use crate::config::Speed;
use crate::faults::{BoardAnswer, BoardShape};
use crate::http::Answer;

impl Station {
    /// `/board`.
    pub(super) fn board(&mut self, name: &str) -> Result<Reply, Answer> {
        let symbol = self.named(name)?;
        let (work, first) = self.touch(&symbol)?;
        let answer = self.overrides.get(&symbol).cloned().unwrap_or(BoardAnswer::Usual);
        let work = self.work(self.faults.board_delay.saturating_add(work));
        Ok(self.board_reply(&symbol, answer, first).later(work))
    }

    /// Takes a slot for a symbol that REST asks for. How long the station asks upstream when it never did before, in
    /// its own time, and whether it did. Registering for PUSH does not always spare this (kabusapi issues 322, 416).
    pub(super) fn touch(&mut self, symbol: &Symbol) -> Result<(Duration, bool), Answer> {
        if self.registry.touch(symbol) == Err(Full) {
            return Err(Answer::error(400, code::LIST_FULL));
        }
        if !self.touched.insert(symbol.clone()) {
            return Ok((Duration::ZERO, false));
        }
        match self.dice.chance(self.faults.first_touch_slow) {
            true => Ok((self.faults.first_touch_timeout, true)),
            false => Ok((self.faults.first_touch, true)),
        }
    }

    /// What so much work of the station takes; none at full speed, which has no time to scale.
    pub(super) fn work(&self, station: Duration) -> Duration {
        match self.speed {
            Speed::Full => Duration::ZERO,
            Speed::Times(_) => self.speed.real(station),
        }
    }

    fn board_reply(&self, symbol: &Symbol, answer: BoardAnswer, first: bool) -> Reply {
        match answer {
            BoardAnswer::Usual => self.shaped(symbol, self.shape_of(symbol, first)),
            BoardAnswer::Shape(shape) => self.shaped(symbol, Some(shape)),
            BoardAnswer::Body(body) => Reply::now(Answer::json(200, body)),
            BoardAnswer::Status(status, body) => Reply::now(Answer::json(status, body)),
            BoardAnswer::Delay(delay, inner) => self.board_reply(symbol, *inner, first).later(delay),
            BoardAnswer::Never => Reply::act(Act::Never),
        }
    }

    fn shape_of(&self, symbol: &Symbol, first: bool) -> Option<BoardShape> {
        let ticker = symbol.ticker();
        let rules = self.faults.board_shapes.iter().filter(|f| first || !f.first_touch);
        let mut fitting = rules.filter(|f| f.symbol.as_ref().is_none_or(|s| *s == ticker));
        fitting.next().map(|f| f.shape)
    }

    fn shaped(&self, symbol: &Symbol, shape: Option<BoardShape>) -> Reply {
        let usual = self.boards.text(symbol);
        let bent = shape.and_then(|shape| {
            let (_, highest) = self.limits(symbol, &self.profile(symbol));
            Some(shape::bent(std::str::from_utf8(&usual).ok()?, shape, highest).into_bytes())
        });
        Reply::now(Answer::json(200, bent.unwrap_or(usual)))
    }
}
