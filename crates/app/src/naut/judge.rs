//! One row after the other: a signal, or the reason why not.
//!
//! Pure, and in the rows' own time. What is remembered of a symbol begins anew with every day, so that a run over one
//! day and a run over many say the same about it.

use std::collections::{BTreeMap, VecDeque};

use super::rules::{Gate, Rules, Side, THRESHOLD};

/// A burst helps for so long.
const BURST_MS: i64 = 8_000;
/// Weaker bursts do not help.
const BURST_SCORE: f64 = 0.20;
/// What a burst of score 1 is worth at once, and how fast that fades.
const BURST_WEIGHT: f64 = 0.30;
const BURST_FADE_MS: f64 = 12_000.0;

const JST_MS: i64 = 9 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// What is judged: a feature row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// End of its window, Unix ms.
    pub at_ms: i64,
    /// Share of upticks among the moves.
    pub uptick: f64,
    /// Volume of the window.
    pub volume: f64,
    /// Basis points; `None` when unknown.
    pub spread_bp: Option<f64>,
    /// -1 to 1; `None` when unknown.
    pub imbalance: Option<f64>,
    /// Score of the buy and of the sell burst that starts in this row.
    pub bursts: [Option<f64>; 2],
}

/// How a row was scored by the side it became a signal of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// BUY or SELL.
    pub side: Side,
    /// From the row alone.
    pub base: f64,
    /// From a recent burst.
    pub bonus: f64,
}

impl Score {
    /// Base and bonus.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.base + self.bonus
    }
}

/// Why a row became no signal, in the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The symbol rests after a signal.
    Cooldown,
    /// Too few of the last rows lean to the side, or there are too few rows yet.
    Streak,
    /// The volume is not more than the minimum.
    Vol,
    /// The spread is too wide, or unknown.
    Spread,
    /// The row's own uptick ratio.
    Uptick,
    /// The imbalance of the book.
    Imb,
    /// Base score and bonus are below the threshold.
    Base,
}

impl Reason {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Cooldown,
        Self::Streak,
        Self::Vol,
        Self::Spread,
        Self::Uptick,
        Self::Imb,
        Self::Base,
    ];

    /// As in the summary.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cooldown => "cooldown",
            Self::Streak => "streak",
            Self::Vol => "vol",
            Self::Spread => "spread",
            Self::Uptick => "uptick",
            Self::Imb => "imb",
            Self::Base => "base",
        }
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// A signal.
    Accepted(Score),
    /// None; the reason is that of the side which came further.
    Skipped(Reason),
    /// Not judged and not remembered: outside of the hours.
    Outside,
    /// Not judged again: not newer than the symbol's newest row of the day.
    Seen,
}

/// Judges rows in the order of the table.
#[derive(Clone, Debug)]
pub struct Judge {
    rules: Rules,
    symbols: BTreeMap<String, Symbol>,
}

/// What is remembered of a symbol's day.
#[derive(Clone, Debug, Default)]
struct Symbol {
    day: i64,
    newest_ms: Option<i64>,
    /// Which sides the last rows lean to, oldest first, and how many to each.
    leanings: VecDeque<[bool; 2]>,
    leaning: [usize; 2],
    /// The newest burst that helps, per side: time and score.
    bursts: [Option<(i64, f64)>; 2],
    accepted_ms: Option<i64>,
}

impl Judge {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            symbols: BTreeMap::new(),
        }
    }

    /// Judges the next row of a symbol.
    pub fn judge(&mut self, ticker: &str, row: &Row) -> Verdict {
        let Self { rules, symbols } = self;
        if !rules.is_open(row.at_ms) {
            return Verdict::Outside;
        }
        if !symbols.contains_key(ticker) {
            symbols.insert(ticker.to_owned(), Symbol::default());
        }
        let symbol = symbols.get_mut(ticker).expect("it was put there");
        if !symbol.learn(rules, row) {
            return Verdict::Seen;
        }
        if symbol.rests(rules, row) {
            return Verdict::Skipped(Reason::Cooldown);
        }
        let verdict = decide(Side::BOTH.map(|side| symbol.weigh(rules, ticker, side, row)));
        if matches!(verdict, Verdict::Accepted(_)) {
            symbol.accepted_ms = Some(row.at_ms);
        }
        verdict
    }
}

/// Both sides' results: the larger margin over the threshold wins, a tie is BUY.
fn decide([buy, sell]: [Result<Score, Reason>; 2]) -> Verdict {
    match (buy, sell) {
        (Ok(buy), Ok(sell)) if sell.total() > buy.total() => Verdict::Accepted(sell),
        (Ok(score), _) | (_, Ok(score)) => Verdict::Accepted(score),
        (Err(buy), Err(sell)) => Verdict::Skipped(buy.max(sell)),
    }
}

impl Symbol {
    /// Takes a row in; false when it is none of a later time.
    fn learn(&mut self, rules: &Rules, row: &Row) -> bool {
        // The window that ends at midnight belongs to the day that it ends.
        let day = (row.at_ms - 1 + JST_MS).div_euclid(DAY_MS);
        if day != self.day {
            *self = Self { day, ..Self::default() };
        }
        if self.newest_ms.is_some_and(|newest| row.at_ms <= newest) {
            return false;
        }
        self.newest_ms = Some(row.at_ms);
        let leans = Side::BOTH.map(|side| passes_uptick(rules.gate(side), side, row));
        self.leanings.push_back(leans);
        let gone = if self.leanings.len() > rules.window {
            self.leanings.pop_front()
        } else {
            None
        };
        for side in Side::BOTH.map(|side| side as usize) {
            self.leaning[side] += usize::from(leans[side]);
            self.leaning[side] -= usize::from(gone.is_some_and(|gone| gone[side]));
            if let Some(score) = row.bursts[side].filter(|score| *score >= BURST_SCORE) {
                self.bursts[side] = Some((row.at_ms, score));
            }
        }
        true
    }

    fn rests(&self, rules: &Rules, row: &Row) -> bool {
        self.accepted_ms
            .is_some_and(|last| row.at_ms - last < rules.cooldown_ms)
    }

    fn weigh(&self, rules: &Rules, ticker: &str, side: Side, row: &Row) -> Result<Score, Reason> {
        let gate = rules.gate(side);
        let vol_min = rules.vol_min_by_ticker.get(ticker).copied().unwrap_or(gate.vol_min);
        let demand = |met: bool, reason| if met { Ok(()) } else { Err(reason) };
        let full = self.leanings.len() == rules.window;
        demand(full && self.leaning[side as usize] > rules.window / 2, Reason::Streak)?;
        demand(row.volume > vol_min, Reason::Vol)?;
        let spread_fits = row
            .spread_bp
            .map_or(rules.unknown_spread, |bp| bp <= gate.spread_max_bp);
        demand(spread_fits, Reason::Spread)?;
        demand(passes_uptick(gate, side, row), Reason::Uptick)?;
        demand(passes_imbalance(gate, side, row), Reason::Imb)?;
        let score = Score {
            side,
            base: base(side, row, vol_min),
            bonus: self.bonus(side, row),
        };
        demand(score.total() >= THRESHOLD, Reason::Base)?;
        Ok(score)
    }

    fn bonus(&self, side: Side, row: &Row) -> f64 {
        match self.bursts[side as usize] {
            Some((at_ms, score)) if row.at_ms - at_ms <= BURST_MS => {
                BURST_WEIGHT * score * exp((at_ms - row.at_ms) as f64 / BURST_FADE_MS)
            }
            _ => 0.0,
        }
    }
}

fn passes_uptick(gate: &Gate, side: Side, row: &Row) -> bool {
    match side {
        Side::Buy => row.uptick >= gate.uptick,
        Side::Sell => row.uptick <= gate.uptick,
    }
}

fn passes_imbalance(gate: &Gate, side: Side, row: &Row) -> bool {
    let imbalance = row.imbalance.unwrap_or(0.0);
    gate.imb.is_none_or(|bound| match side {
        Side::Buy => imbalance >= bound,
        Side::Sell => imbalance <= bound,
    })
}

fn base(side: Side, row: &Row, vol_min: f64) -> f64 {
    let imbalance = row.imbalance.unwrap_or(0.0);
    let (lean, pressure) = match side {
        Side::Buy => (row.uptick, imbalance),
        Side::Sell => (1.0 - row.uptick, -imbalance),
    };
    // Any volume is infinitely more than none.
    let over = if vol_min > 0.0 {
        (row.volume / vol_min - 1.0).clamp(0.0, 1.0)
    } else {
        1.0
    };
    (0.80 * lean + 0.15 * pressure.max(0.0) + 0.05 * over).min(1.0)
}

/// exp(x) for x from -1 to 0 by its series: 24 terms are exact to the last bits of a double there, and +, x and / round
/// alike on every machine, which the platform's `exp` does not.
pub(super) fn exp(x: f64) -> f64 {
    let mut sum = 1.0;
    for term in (1..=24).rev() {
        sum = 1.0 + x / f64::from(term) * sum;
    }
    sum
}
