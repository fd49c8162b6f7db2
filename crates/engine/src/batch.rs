//! A closed window: what one transaction stores. Integers only; the table edge divides.

use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};

use crate::stamp::Stamp;
use crate::symbol::SymbolId;

/// Where a book came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSource {
    /// A PUSH message.
    Push,
    /// A `/board` answer.
    Rest,
    /// The mock market.
    Mock,
}

impl BookSource {
    /// The word in `orderbook_snapshot.source`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Rest => "rest",
            Self::Mock => "mock",
        }
    }
}

/// What the tables need of a book in force at a window's end. All of it is absent (`None` in [`SymbolWindow::book`])
/// when the book is unknown: never seen, too old, or the line is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookView {
    /// Best buy (kabu's `AskPrice` / `Buy1.Price`); `None` for an empty side.
    pub bid1: Option<Price>,
    /// Best sell (kabu's `BidPrice` / `Sell1.Price`); `None` for an empty side.
    pub ask1: Option<Price>,
    /// Quantity of the first three buy levels; 0 for an empty side.
    pub buy_top3: Qty,
    /// Quantity of the first three sell levels; 0 for an empty side.
    pub sell_top3: Qty,
    /// Both sides ordinary (Sign 0101) and best buy < best sell: only then there is a spread.
    pub ordinary: bool,
    /// Every non-empty side is ordinary and the sides do not cross: only then there is an imbalance.
    pub comparable: bool,
    /// Where it came from.
    pub source: BookSource,
}

impl BookView {
    /// (ask - bid) / mid in basis points; `None` unless the quote is an ordinary two-sided one.
    #[must_use]
    pub fn spread_bp(&self) -> Option<f64> {
        match (self.ordinary, self.bid1, self.ask1) {
            (true, Some(bid), Some(ask)) if bid < ask => {
                Some((20_000 * i128::from(ask.0 - bid.0)) as f64 / (ask.0 + bid.0) as f64)
            }
            _ => None,
        }
    }

    /// (buy - sell) / max(1, buy + sell) over three levels, in [-1, 1]; `None` without a comparable book.
    #[must_use]
    pub fn depth_imbalance(&self) -> Option<f64> {
        let (buy, sell) = (self.buy_top3.0, self.sell_top3.0);
        self.comparable
            .then(|| (buy - sell) as f64 / (buy + sell).max(1) as f64)
    }
}

/// The burst columns of one feature row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// 1 when a buy burst starts in this row.
    pub buy: bool,
    /// 1 when a sell burst starts in this row.
    pub sell: bool,
    /// Score in [0, 1].
    pub score: f64,
    /// Length of the trailing run beyond the threshold, in rows.
    pub streak_len: u32,
    /// vol_sum / max(1, EMA of vol_sum).
    pub surge_vol_ratio: f64,
    /// Window end (Unix ms) of the symbol's last burst.
    pub last_signal_ms: Option<i64>,
}

impl Burst {
    /// The values while no `burst` section is configured: 0, 0, 0.0, 0, 1.0, "".
    pub const COLD: Self = Self {
        buy: false,
        sell: false,
        score: 0.0,
        streak_len: 0,
        surge_vol_ratio: 1.0,
        last_signal_ms: None,
    };
}

/// One symbol in one window. A `tick_batch` and a `features_stream` row stand for it when `ticks > 0`, an
/// `orderbook_snapshot` row when `snapshot` is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SymbolWindow {
    /// Which symbol.
    pub symbol: SymbolId,
    /// Accepted ticks; merged ones are not counted here.
    pub ticks: u32,
    /// Ticks above the symbol's previous tick price.
    pub upticks: u32,
    /// Ticks below it.
    pub downticks: u32,
    /// Messages in which the cumulative volume grew.
    pub trades: u32,
    /// Sum of tick sizes.
    pub volume: Qty,
    /// Price of the last tick; zero while `ticks == 0`.
    pub last_price: Price,
    /// The book in force at the window's end.
    pub book: Option<BookView>,
    /// Whether an `orderbook_snapshot` row is due: the symbol had ticks, its book changed, or `/board` answered.
    pub snapshot: bool,
    /// The burst columns.
    pub burst: Burst,
}

impl SymbolWindow {
    /// upticks / (upticks + downticks); 0.5 when nothing moved.
    #[must_use]
    pub fn uptick_ratio(&self) -> f64 {
        match self.upticks + self.downticks {
            0 => 0.5,
            moves => f64::from(self.upticks) / f64::from(moves),
        }
    }
}

/// Why volume is in no tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The message was dropped by the price guard.
    Guard,
    /// The line or the worker was down.
    Gap,
    /// A tick could not be attributed any more under overload.
    Overflow,
    /// The cumulative volume fell (negative).
    Decrease,
    /// Outside `market_window`.
    Closed,
}

impl Cause {
    /// Every cause, in the order of the heartbeat line.
    pub const ALL: [Self; 5] = [Self::Guard, Self::Gap, Self::Overflow, Self::Decrease, Self::Closed];

    /// The word in `volume_ledger.cause`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Gap => "gap",
            Self::Overflow => "overflow",
            Self::Decrease => "decrease",
            Self::Closed => "closed",
        }
    }
}

/// Volume that belongs to no tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Which symbol.
    pub symbol: SymbolId,
    /// Trading date of the symbol.
    pub trading_date: Date,
    /// Why.
    pub cause: Cause,
    /// Signed volume.
    pub volume: Qty,
    /// The last moment at which the cumulative volume was known before.
    pub from: Stamp,
    /// The moment of the message that showed it.
    pub to: Stamp,
}

/// What a restart must know of a symbol, per trading date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// Which symbol.
    pub symbol: SymbolId,
    /// Trading date of the symbol.
    pub trading_date: Date,
    /// Cumulative volume at which our accounting starts; `None` while no volume was seen.
    pub base: Option<Qty>,
    /// Last cumulative volume; `None` while no volume was seen.
    pub last: Option<Qty>,
    /// When `last` was seen.
    pub last_at: Option<Stamp>,
    /// The newest message of the day without a volume (null, or before the open), while there is no base.
    pub null_at: Option<Stamp>,
    /// Price of the last tick.
    pub last_price: Option<Price>,
}

/// Counters of one window, for `window_log`. `messages = ticks + merged + rejected` always holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowCounts {
    /// Messages received.
    pub messages: u64,
    /// Messages that became ticks.
    pub ticks: u64,
    /// Messages whose tick was folded into a neighbour under overload.
    pub merged: u64,
    /// Messages that became no tick, for whatever reason.
    pub rejected: u64,
}

/// A closed window, ready to be stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// First millisecond of the window (Unix ms); also its `window_id`.
    pub start_ms: i64,
    /// End of the window (Unix ms), exclusive; always after `start_ms`.
    pub end_ms: i64,
    /// JST calendar date of `start_ms`: names the file when `db_path` holds `{date}`. Windows never straddle midnight.
    pub date: Date,
    /// One entry per symbol with something new, in symbol order.
    pub symbols: Vec<SymbolWindow>,
    /// Volume in no tick, in message order.
    pub ledger: Vec<LedgerRow>,
    /// State of every symbol that changed, in symbol order.
    pub states: Vec<StateRow>,
    /// Message counters.
    pub counts: WindowCounts,
    /// Windows that were folded into this one under overload.
    pub merged_windows: u32,
}

impl Batch {
    /// Its lists, emptied, with the memory that they hold.
    pub(crate) fn into_lists(self) -> (Vec<SymbolWindow>, Vec<LedgerRow>, Vec<StateRow>) {
        let Self {
            mut symbols,
            mut ledger,
            mut states,
            ..
        } = self;
        symbols.clear();
        ledger.clear();
        states.clear();
        (symbols, ledger, states)
    }
}
