//! The keys of a message in wire order, and what each means to us.

use super::scan::Literal;

/// What to do with the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Symbol,
    Exchange,
    CurrentPrice,
    CurrentPriceTime,
    OpeningPriceTime,
    TradingVolume,
    BidPrice,
    BidQty,
    BidSign,
    AskPrice,
    AskQty,
    AskSign,
    Sell(u8),
    Buy(u8),
    /// Known, and not read by the engine.
    Skip,
}

/// A key of the station.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// `Name":` as it stands on the wire behind its opening quote, so that one comparison confirms an expected key. A
    /// level goes on with `{"Price":`.
    pub(super) expected: Literal,
    pub(super) field: Field,
}

impl Field {
    const fn is_level(self) -> bool {
        matches!(self, Self::Sell(_) | Self::Buy(_))
    }
}

macro_rules! keys {
    ($($name:literal $field:expr),* $(,)?) => {
        /// Keys of a stock message in the order of the wire (station capture and one recorded day); futures and
        /// indices use the same names in other places.
        pub(super) static KEYS: &[Key] = &[$(Key {
            name: $name,
            expected: {
                const FIELD: Field = $field;
                if FIELD.is_level() {
                    Literal::new(concat!($name, "\":{\"Price\":"))
                } else {
                    Literal::new(concat!($name, "\":"))
                }
            },
            field: $field,
        }),*];
    };
}

use Field::{Buy, Sell, Skip};

keys! {
    "OverSellQty" Skip, "UnderBuyQty" Skip, "TotalMarketValue" Skip, "MarketOrderSellQty" Skip,
    "MarketOrderBuyQty" Skip, "BidTime" Skip, "AskTime" Skip, "Exchange" Field::Exchange, "ExchangeName" Skip,
    "TradingVolume" Field::TradingVolume, "TradingVolumeTime" Skip, "VWAP" Skip, "TradingValue" Skip,
    "BidQty" Field::BidQty, "BidPrice" Field::BidPrice, "BidSign" Field::BidSign,
    "Sell1" Sell(0), "Sell2" Sell(1), "Sell3" Sell(2), "Sell4" Sell(3), "Sell5" Sell(4),
    "Sell6" Sell(5), "Sell7" Sell(6), "Sell8" Sell(7), "Sell9" Sell(8), "Sell10" Sell(9),
    "AskQty" Field::AskQty, "AskPrice" Field::AskPrice, "AskSign" Field::AskSign,
    "Buy1" Buy(0), "Buy2" Buy(1), "Buy3" Buy(2), "Buy4" Buy(3), "Buy5" Buy(4),
    "Buy6" Buy(5), "Buy7" Buy(6), "Buy8" Buy(7), "Buy9" Buy(8), "Buy10" Buy(9),
    "Symbol" Field::Symbol, "SymbolName" Skip, "CurrentPrice" Field::CurrentPrice,
    "CurrentPriceTime" Field::CurrentPriceTime, "CurrentPriceChangeStatus" Skip, "CurrentPriceStatus" Skip,
    "CalcPrice" Skip, "PreviousClose" Skip, "PreviousCloseTime" Skip, "ChangePreviousClose" Skip,
    "ChangePreviousClosePer" Skip, "OpeningPrice" Skip, "OpeningPriceTime" Field::OpeningPriceTime,
    "HighPrice" Skip, "HighPriceTime" Skip, "LowPrice" Skip, "LowPriceTime" Skip, "SecurityType" Skip,
    // Futures, which begin with it.
    "ClearingPrice" Skip,
}

/// Other spellings, accepted where the official field is absent.
pub(super) const ALTERNATIVES: &[(&str, Field)] = &[
    ("IssueCode", Field::Symbol),
    ("Price", Field::CurrentPrice),
    ("Volume", Field::TradingVolume),
    ("TradeTime", Field::CurrentPriceTime),
    ("TransactTime", Field::CurrentPriceTime),
    ("Time", Field::CurrentPriceTime),
];

/// The field of an official key.
pub(super) fn official(name: &[u8]) -> Option<Field> {
    position(name).map(|at| KEYS[at].field)
}

/// Where an official key stands in [`KEYS`].
pub(super) fn position(name: &[u8]) -> Option<usize> {
    KEYS.iter().position(|key| key.name.as_bytes() == name)
}

/// The field of an alternative spelling.
pub(super) fn alternative(name: &[u8]) -> Option<Field> {
    ALTERNATIVES
        .iter()
        .find(|(spelling, _)| spelling.as_bytes() == name)
        .map(|(_, field)| *field)
}
