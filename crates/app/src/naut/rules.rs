//! What a row must be to become a signal: three profiles, and what the settings changed in them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Accepted from this score on.
pub const THRESHOLD: f64 = 0.60;

/// A named set of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Strict; the usual one.
    #[default]
    Prod,
    /// Wider gates, more volume.
    ProdLite,
    /// Nearly everything passes the gates: to see signals at all.
    Demo,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Prod, Self::ProdLite, Self::Demo];

    /// The word of the settings and the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prod => "prod",
            Self::ProdLite => "prodlite",
            Self::Demo => "demo",
        }
    }

    /// Its rules, as the specification's table has them.
    #[must_use]
    pub fn rules(self) -> Rules {
        let (uptick, imb, spread_max_bp, vol_min) = match self {
            Self::Prod => ((0.62, 0.38), (0.15, -0.15), 3.0, 600.0),
            Self::ProdLite => ((0.65, 0.35), (0.0, 0.0), 5.0, 1_200.0),
            Self::Demo => ((0.40, 0.60), (-1.0, 1.0), 9_999.0, 0.0),
        };
        let gate = |uptick, imb| Gate {
            uptick,
            imb: Some(imb),
            spread_max_bp,
            vol_min,
        };
        Rules {
            profile: self,
            window: if self == Self::Prod { 5 } else { 4 },
            cooldown_ms: 5_000,
            unknown_spread: self == Self::Demo,
            buy: gate(uptick.0, imb.0),
            sell: gate(uptick.1, imb.1),
            vol_min_by_ticker: BTreeMap::new(),
            market_window: Vec::new(),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Profile {
    type Err = String;

    /// Any letter case, blanks around it dropped; the error lists the words.
    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim();
        let found = Self::ALL.into_iter().find(|p| p.word().eq_ignore_ascii_case(word));
        found.ok_or_else(|| format!("one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// The direction of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Prices were rising.
    Buy,
    /// Prices were falling.
    Sell,
}

impl Side {
    /// Both, the one that wins a tie first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// As in the log and the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
}

/// What one side asks of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// `uptick_ratio`: at least (BUY), at most (SELL).
    pub uptick: f64,
    /// `depth_imbalance`: at least (BUY), at most (SELL), unknown counting as 0; `None` = nothing is asked.
    pub imb: Option<f64>,
    /// Widest spread, basis points.
    pub spread_max_bp: f64,
    /// The volume must be more than this.
    pub vol_min: f64,
}

/// Everything a [`super::judge::Judge`] goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Where they began.
    pub profile: Profile,
    /// Rows of a symbol that the streak looks at, this one included; at least 1.
    pub window: usize,
    /// A symbol rests so long after a signal, milliseconds of the rows' own time.
    pub cooldown_ms: i64,
    /// A row without a known spread may pass.
    pub unknown_spread: bool,
    /// What a BUY asks.
    pub buy: Gate,
    /// What a SELL asks.
    pub sell: Gate,
    /// Volumes that stand in for [`Gate::vol_min`] of both sides, by ticker.
    pub vol_min_by_ticker: BTreeMap<String, f64>,
    /// Hours in which rows are judged, in seconds since JST midnight, `[from, to)`; empty: always.
    pub market_window: Vec<(u32, u32)>,
}

impl Rules {
    /// One side's gate.
    #[must_use]
    pub fn gate(&self, side: Side) -> &Gate {
        match side {
            Side::Buy => &self.buy,
            Side::Sell => &self.sell,
        }
    }

    /// Whether a window that ends at this time lies in the hours of [`Rules::market_window`].
    #[must_use]
    pub fn is_open(&self, end_ms: i64) -> bool {
        const DAY_MS: i64 = 86_400_000;
        const JST_MS: i64 = 9 * 3_600_000;
        // A time is a window's end: that of the last window of a span is the span's own end, also at midnight.
        let end = match (end_ms + JST_MS).rem_euclid(DAY_MS) {
            0 => DAY_MS,
            within => within,
        };
        let inside = |&(from, to): &(u32, u32)| i64::from(from) * 1_000 < end && end <= i64::from(to) * 1_000;
        self.market_window.is_empty() || self.market_window.iter().any(inside)
    }
}
