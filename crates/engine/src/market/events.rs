//! The words in which a market is driven and answers.

use ayumi_wire::num::{Price, Qty};

/// Who was the active party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// A buyer took what was offered.
    Buy,
    /// A seller hit a bid.
    Sell,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// One execution at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Price, yen or points.
    pub price: Price,
    /// Shares or contracts, a multiple of the trading unit.
    pub qty: Qty,
    /// The active party; for an auction, the side on which it left the rest.
    pub side: Side,
}

/// What one event did. Whatever it was, [`super::Market::message`] shows the state after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The execution, when there was one; always `None` for an index.
    pub traded: Option<Trade>,
}

/// The state of a symbol's trading. Every operation is allowed in every phase and keeps the books sane; what it does
/// where it makes no sense is said at the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing yet today: no book, no price.
    Before,
    /// Orders gather for an auction (Sign 0107).
    Call,
    /// A special quote walks to this side (Sign 0102 there).
    Special(Side),
    /// Trading is halted.
    Halted,
    /// Continuous trading (Sign 0101).
    Open,
    /// At the day's limit, one-sided: for [`Side::Buy`] the upper one, nobody sells below it.
    Limit(Side),
    /// Between two sessions: quiet, the last book stands.
    Break,
    /// The day is over: quiet.
    Closed,
}

/// Which auction prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Print {
    /// The first price of the day (09:00; for a whole-day future the evening start).
    Open,
    /// The last price of a session that is not the last one (11:30; 06:00 for a whole-day future). No call before it.
    MorningClose,
    /// The first price of a later session (12:30; 08:45 for a whole-day future).
    AfternoonOpen,
    /// The closing auction (15:30): `CurrentPriceChangeStatus` 0061; 0066 out of a special quote or at the limit, where
    /// the few orders of the other side are allotted.
    Close,
    /// The close of a symbol whose closing auction finds no counterpart: 0060 at the last price, no trade.
    CloseContinuous,
    /// The first price after a halt: 0059.
    Resume,
}

/// Odd messages that the station was seen to send for a moment: a distorted picture of a state that stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// Best buy = best sell, with equal quantities.
    Lock,
    /// Best buy one tick above the best sell (kabusapi issue 534).
    Cross,
    /// All quotes 0.0, price and volume as they are (15:24:59.98).
    ZeroQuotes,
    /// Price, volume and best quotes null while the depth is filled; `Sell1.Time` null (issue 162).
    NullBlock,
    /// Depth 0.0 with Sign null, best quotes valid (issue 211).
    ZeroDepth,
    /// Depth of another moment: some percent away from the best quotes (issue 148).
    ForeignDepth,
}
