//! The truth: every trade, in the order of time.

use std::collections::VecDeque;

use ayumi_engine::Stamp;
use ayumi_engine::market;
use ayumi_wire::num::{Price, Qty};

/// One true trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    pub at: Stamp,
    /// Position in [`super::Exchange::symbols`].
    pub index: usize,
    pub price: Price,
    pub qty: Qty,
    /// Cumulative volume with this trade.
    pub volume: Qty,
    pub kind: PrintKind,
}

/// How a trade came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrintKind {
    Trade,
    Open,
    MorningClose,
    AfternoonOpen,
    Close,
    Resume,
}

impl PrintKind {
    /// The word in the ground truth.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Open => "open",
            Self::MorningClose => "morning_close",
            Self::AfternoonOpen => "afternoon_open",
            Self::Close => "close",
            Self::Resume => "resume",
        }
    }
}

impl From<market::Print> for PrintKind {
    fn from(print: market::Print) -> Self {
        match print {
            market::Print::Open => Self::Open,
            market::Print::MorningClose => Self::MorningClose,
            market::Print::AfternoonOpen => Self::AfternoonOpen,
            market::Print::Close | market::Print::CloseContinuous => Self::Close,
            market::Print::Resume => Self::Resume,
        }
    }
}

/// Trades that nobody has asked for yet. They are made a little ahead of the messages that show them.
#[derive(Default)]
pub(super) struct Prints(VecDeque<Print>);

impl Prints {
    pub(super) fn push(&mut self, print: Print) {
        // A closing print bears the full second that its message may precede.
        let later = self.0.iter().rev().take_while(|p| p.at > print.at).count();
        self.0.insert(self.0.len() - later, print);
    }

    pub(super) fn pop(&mut self, until: Stamp) -> Option<Print> {
        match self.0.front() {
            Some(print) if print.at <= until => self.0.pop_front(),
            _ => None,
        }
    }
}
