//! What can be asked of the exchange beside what its script says.

use ayumi_engine::{Stamp, Symbol};
use serde::{Deserialize, Serialize};

/// Something that happens in the market beside what the session script says.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketAction {
    /// Whom it happens to; `None` = every symbol.
    pub symbol: Option<Symbol>,
    /// What happens.
    pub event: MarketEvent,
    /// When it ends, for events that last; `None` = with the session.
    pub until: Option<Stamp>,
}

/// What can happen in a market.
///
/// Every event is accepted at any time. Special quotes, halts and limits that come while a symbol neither trades nor
/// collects orders are put off to the next time it does; what is put off when the day ends is dropped. A later one takes
/// the place of an earlier one. Distorted messages need quotes to distort: without any they are dropped, but for
/// [`MarketEvent::NullBlock`]. An index knows only null blocks, rushes and silences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketEvent {
    /// No price is found: a special quote (0102) walks to this side until it ends with an auction. Before the open this
    /// delays the opening.
    SpecialQuote(Side),
    /// Trading is halted, then resumed by an auction (0059). At the latest, the call before the close lifts it.
    Halt,
    /// The price runs to the day's limit on this side and stays there; with an end, it comes off the limit then.
    Limit(Side),
    /// One message with equal best prices and quantities on both sides, then the book as it was.
    Lock,
    /// One message with the best buy above the best sell, then the book as it was.
    Cross,
    /// One message whose best quotes are all 0, price and volume unchanged.
    ZeroQuotes,
    /// One message whose price, volume and best-quote block is null.
    NullBlock,
    /// One message whose levels are 0 under valid best quotes.
    ZeroDepth,
    /// One message whose levels belong to another moment.
    ForeignDepth,
    /// This many times as many events.
    Rush(u32),
    /// Nothing moves, no message comes.
    Silence,
}

/// A side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Too many buyers: prices rise.
    Buy,
    /// Too many sellers: prices fall.
    Sell,
}

impl From<Side> for ayumi_engine::market::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Buy => Self::Buy,
            Side::Sell => Self::Sell,
        }
    }
}
