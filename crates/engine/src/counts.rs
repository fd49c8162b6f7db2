//! Where every message went. `received = ticks + merged + rejected`, always.

use crate::batch::Cause;

/// Why a message became no tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Not JSON, or not UTF-8.
    NotJson,
    /// JSON, but no object.
    NotObject,
    /// No symbol in it.
    NoSymbol,
    /// A symbol that is not watched.
    UnknownSymbol,
    /// A binary frame.
    Binary,
    /// Longer than any message may be; its payload was skipped.
    TooLong,
    /// Price or volume is no usable number.
    BadNumber,
    /// No price yet; its book counts.
    NoPrice,
    /// Before the open, and the price is yesterday's; its book counts.
    PreOpen,
    /// Outside the price guard.
    Guard,
    /// Outside `market_window`.
    Closed,
    /// `tick_rule` is `trade` and the volume did not grow; its book counts.
    NoTrade,
}

impl Reason {
    /// Every reason, in the order of the heartbeat line.
    pub const ALL: [Self; 12] = [
        Self::NotJson,
        Self::NotObject,
        Self::NoSymbol,
        Self::UnknownSymbol,
        Self::Binary,
        Self::TooLong,
        Self::BadNumber,
        Self::NoPrice,
        Self::PreOpen,
        Self::Guard,
        Self::Closed,
        Self::NoTrade,
    ];

    /// The word in log lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotObject => "not_object",
            Self::NoSymbol => "no_symbol",
            Self::UnknownSymbol => "unknown_symbol",
            Self::Binary => "binary",
            Self::TooLong => "too_long",
            Self::BadNumber => "bad_number",
            Self::NoPrice => "no_price",
            Self::PreOpen => "pre_open",
            Self::Guard => "guard",
            Self::Closed => "closed",
            Self::NoTrade => "no_trade",
        }
    }

    /// True when the message itself is at fault, so that a sample of it is worth a log line.
    #[must_use]
    pub fn is_odd(self) -> bool {
        matches!(
            self,
            Self::NotJson
                | Self::NotObject
                | Self::NoSymbol
                | Self::UnknownSymbol
                | Self::Binary
                | Self::TooLong
                | Self::BadNumber
        )
    }
}

/// Counters since the engine was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages received.
    pub received: u64,
    /// Messages that became ticks (of their own or folded).
    pub ticks: u64,
    /// Of these, folded into a neighbour of the open window under overload.
    pub merged: u64,
    /// Messages that became no tick, by [`Reason`] in the order of [`Reason::ALL`].
    pub rejected: [u64; Reason::ALL.len()],
    /// Volume in no tick, by [`Cause`] in the order of [`Cause::ALL`]; shares, signed.
    pub ledger: [i64; Cause::ALL.len()],
    /// Sum of tick sizes, shares.
    pub volume: i64,
    /// `/board` answers taken.
    pub boards: u64,
    /// `/board` answers dropped because PUSH was newer.
    pub boards_stale: u64,
    /// Messages with an unusable quote or level; the rest of them counts.
    pub odd_books: u64,
    /// Messages with a price of more than four decimals, which was rounded.
    pub rounded: u64,
    /// Windows closed with something in them.
    pub windows: u64,
}

impl Totals {
    /// All rejected messages.
    #[must_use]
    pub fn rejected_sum(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// Rejected messages of one reason.
    #[must_use]
    pub fn rejected_by(&self, reason: Reason) -> u64 {
        self.rejected[reason as usize]
    }

    /// Ledger volume of one cause.
    #[must_use]
    pub fn ledger_by(&self, cause: Cause) -> i64 {
        self.ledger[cause as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_follow_the_discriminants() {
        assert!(Reason::ALL.iter().enumerate().all(|(n, reason)| *reason as usize == n));
        assert!(Cause::ALL.iter().enumerate().all(|(n, cause)| *cause as usize == n));
    }
}
