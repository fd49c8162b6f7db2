//! Receive time: the one clock of the engine.

use ayumi_wire::jst::{self, Date};

/// When something was received: nanoseconds since 1970 on a clock that never steps back.
///
/// One number is enough for grid, phases and distances alike, because the shell derives it from the monotonic clock;
/// and it is what a journal line carries, so that a replay decides exactly as the live run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// A point no clock reaches: "no deadline".
    pub const NEVER: Self = Self(i64::MAX);

    /// From Unix milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// From Unix seconds.
    #[must_use]
    pub const fn from_s(s: i64) -> Self {
        Self(s.saturating_mul(1_000_000_000))
    }

    /// Unix milliseconds, rounded down.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Unix seconds, rounded down.
    #[must_use]
    pub const fn s(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// This point plus milliseconds; stays at [`Stamp::NEVER`].
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }

    /// Milliseconds since `earlier`, rounded down; negative when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(1_000_000)
    }

    /// The JST calendar date.
    #[must_use]
    pub fn date(self) -> Date {
        Date::of_unix_s(self.s())
    }

    /// Seconds since JST midnight.
    #[must_use]
    pub fn second_of_day(self) -> u32 {
        jst::second_of_day(self.s())
    }
}
