//! The grades, as docs/design/verify.md defines them.

use std::fmt;

use ayumi_store::reader::DamagedWindow;
use ayumi_wire::jst::{Date, iso_ms};

/// How good a symbol's day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Nothing is missing.
    A,
    /// Small gaps, marked with their volume.
    B,
    /// Detail was lost under overload, or a gap is large.
    C,
    /// Damaged, or its volume does not add up.
    D,
}

impl Grade {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        };
        f.pad(letter)
    }
}

/// Why a day has its grade, or what should be known beside it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Volume that the settings kept out: cause and volume.
    Wanted(String, i64),
    /// The station corrected the cumulative volume downwards.
    Corrected(i64),
    /// The trading date began in another file, so the sum cannot be checked here.
    BegunElsewhere,
    /// Volume that was missed while line or program was down.
    Gap {
        /// Rows of the ledger.
        rows: u64,
        /// Volume in them.
        volume: i64,
        /// More than 5 % of the day's volume, or five minutes.
        large: bool,
    },
    /// Seconds of the session without any window, longest hole first named.
    Hole {
        /// All of them, seconds.
        seconds: i64,
        /// Where the longest begins, Unix ms.
        from_ms: i64,
        /// Where it ends.
        to_ms: i64,
    },
    /// Rows in windows whose detail was merged under overload.
    Merged(u64),
    /// Volume that overload left without a tick.
    Overflow(i64),
    /// Rows of another window stand where its own would.
    Displaced(String),
    /// A window is not what was written.
    Damaged(String),
    /// Sizes and ledger do not add up to the growth of the cumulative volume.
    Equation {
        /// Growth of the cumulative volume in this file.
        growth: i64,
        /// Sizes and ledger.
        booked: i64,
    },
    /// There is volume, but nothing says what it should add up to.
    NoState,
}

impl Reason {
    /// The best grade that a day with it can have.
    #[must_use]
    pub fn grade(&self) -> Grade {
        match self {
            Self::Wanted(..) | Self::Corrected(_) | Self::BegunElsewhere => Grade::A,
            Self::Gap { large: false, .. } | Self::Hole { .. } => Grade::B,
            Self::Gap { large: true, .. } | Self::Merged(_) | Self::Overflow(_) | Self::Displaced(_) => Grade::C,
            Self::Damaged(_) | Self::Equation { .. } | Self::NoState => Grade::D,
        }
    }

    /// A word for programs; never changed.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wanted(..) => "kept_out",
            Self::Corrected(_) => "corrected",
            Self::BegunElsewhere => "begun_elsewhere",
            Self::Gap { .. } => "gap",
            Self::Hole { .. } => "hole",
            Self::Merged(_) => "merged",
            Self::Overflow(_) => "overflow",
            Self::Displaced(_) => "displaced",
            Self::Damaged(_) => "damaged",
            Self::Equation { .. } => "equation",
            Self::NoState => "no_state",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted(cause, volume) => write!(f, "{cause} kept {volume} out, as set"),
            Self::Corrected(volume) => write!(f, "the station corrected its volume by {volume}"),
            Self::BegunElsewhere => f.write_str("volume not checked: the trading date began in another file"),
            Self::Gap { rows, volume, large } => {
                let size = if *large { "large gap" } else { "gap" };
                let times = if *rows == 1 {
                    String::new()
                } else {
                    format!(" in {rows} parts")
                };
                write!(f, "{size}: {volume} missed{times}")
            }
            Self::Hole {
                seconds,
                from_ms,
                to_ms,
            } => {
                write!(
                    f,
                    "no window for {seconds} s, longest {} to {}",
                    clock(*from_ms),
                    clock(*to_ms)
                )
            }
            Self::Merged(rows) => write!(f, "{rows} rows merged under overload"),
            Self::Overflow(volume) => write!(f, "overflow: {volume} in no tick"),
            Self::Displaced(what) | Self::Damaged(what) => f.write_str(what),
            Self::Equation { growth, booked } => write!(
                f,
                "volume does not add up: {growth} grown, {booked} in ticks and ledger (difference {})",
                booked.saturating_sub(*growth)
            ),
            Self::NoState => f.write_str("volume cannot be checked: no row in stream_state"),
        }
    }
}

/// One symbol on one trading day.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// Trading day.
    pub date: Date,
    /// The symbol.
    pub ticker: String,
    /// Ticks.
    pub ticks: i64,
    /// Their volume.
    pub volume: i64,
    /// Volume in the ledger.
    pub ledger: i64,
    /// Start of the first window with ticks, Unix ms; `None` without any.
    pub first_ms: Option<i64>,
    /// Start of the last one.
    pub last_ms: Option<i64>,
    /// Worst first.
    pub reasons: Vec<Reason>,
}

impl Day {
    /// The worst that the reasons allow.
    #[must_use]
    pub fn grade(&self) -> Grade {
        self.reasons.iter().map(Reason::grade).max().unwrap_or(Grade::A)
    }

    /// Windows that are damaged.
    pub fn damaged(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(|r| matches!(r, Reason::Damaged(_)))
    }
}

/// A damaged window in words.
pub fn window(damaged: &DamagedWindow) -> String {
    format!(
        "window {} (id {}): {}",
        moment(damaged.window_id),
        damaged.window_id,
        damaged.fault
    )
}

/// A time that a damaged file may hold.
fn moment(ms: i64) -> String {
    match (0..4_102_444_800_000).contains(&ms) {
        true => iso_ms(ms)[..23].to_owned(),
        false => "of no time".to_owned(),
    }
}

/// `09:00:00` of a time.
pub fn clock(ms: i64) -> String {
    match (0..4_102_444_800_000).contains(&ms) {
        true => iso_ms(ms)[11..19].to_owned(),
        false => "?".to_owned(),
    }
}
