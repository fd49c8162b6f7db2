//! The burst columns: a short look back over a symbol's finished feature rows of the day.
//!
//! Pure and in event time: a row's window end is the only clock. Works on rows as they are stored, after merging, so
//! that live, replay and a restart that reads the last rows back see the same. Floats with + - x / only: bit-identical
//! on every machine.

use ayumi_wire::jst::Date;

use crate::batch::{Batch, BookView, Burst, SymbolWindow};
use crate::symbol::SymbolId;

/// Setting section `burst`.
#[derive(Clone, Debug, PartialEq)]
pub struct BurstSettings {
    /// Rows that are looked at (K), at least 1.
    pub window_count: usize,
    /// `uptick_ratio` from which a row votes for a buy burst.
    pub uptick_thr_buy: f64,
    /// `uptick_ratio` up to which a row votes for a sell burst.
    pub uptick_thr_sell: f64,
    /// `depth_imbalance` from which a row votes, mirrored for sells.
    pub imb_thr: f64,
    /// Widest spread, basis points.
    pub max_spread_bp: f64,
    /// Least volume of the row.
    pub vol_gate: f64,
    /// Least volume of the K rows.
    pub vol_sum_gate: f64,
    /// Without any known spread in the K rows the volume alone may decide.
    pub allow_spread_none_with_vol: bool,
    /// No new burst of a symbol within this time, milliseconds.
    pub cooldown_ms: i64,
    /// Span of the average of `vol_sum`, milliseconds.
    pub ema_span_ms: i64,
    /// Weights of the score: uptick, imbalance, volume surge.
    pub weights: [f64; 3],
}

impl Default for BurstSettings {
    fn default() -> Self {
        Self {
            window_count: 5,
            uptick_thr_buy: 0.65,
            uptick_thr_sell: 0.35,
            imb_thr: 0.15,
            max_spread_bp: 5.0,
            vol_gate: 100.0,
            vol_sum_gate: 1_000.0,
            allow_spread_none_with_vol: false,
            cooldown_ms: 5_000,
            ema_span_ms: 12_000,
            weights: [0.5, 0.3, 0.2],
        }
    }
}

/// What the columns are made of: one feature row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Trading day of the row, JST.
    pub date: Date,
    /// Window end, Unix ms.
    pub end_ms: i64,
    /// Share of upticks.
    pub uptick_ratio: f64,
    /// Volume of the window.
    pub vol_sum: f64,
    /// Basis points; `None` when unknown.
    pub spread_bp: Option<f64>,
    /// In [-1, 1]; `None` when unknown, counts as 0.
    pub depth_imbalance: Option<f64>,
}

/// The look-back of every symbol.
#[derive(Clone, Debug)]
pub struct Bursts {
    settings: BurstSettings,
    /// Weight of a new row in the average.
    alpha: f64,
    /// Rows after which the average has forgotten where it began.
    memory: usize,
    symbols: Vec<LookBack>,
}

#[derive(Clone, Debug, Default)]
struct LookBack {
    date: Option<Date>,
    /// The newest K rows of the day, oldest first.
    rows: Vec<Row>,
    ema: Option<f64>,
    last_burst_ms: Option<i64>,
}

/// Sums over the K rows.
struct Sums {
    volume: f64,
    mean_uptick: f64,
    mean_imbalance: f64,
    spread_known: bool,
}

impl Bursts {
    /// Empty look-backs for so many symbols and windows of this width.
    #[must_use]
    pub fn new(settings: BurstSettings, symbols: usize, window_ms: i64) -> Self {
        let span = (settings.ema_span_ms / window_ms.max(1)).max(5);
        let settings = BurstSettings {
            window_count: settings.window_count.max(1),
            ..settings
        };
        Self {
            alpha: 1.0 - exp_minus_one_over(span),
            // exp(-40) of the beginning is left then, less than a float of the average resolves.
            memory: usize::try_from(span).unwrap_or(usize::MAX).saturating_mul(40) + settings.window_count,
            settings,
            symbols: vec![LookBack::default(); symbols],
        }
    }

    /// How many of a symbol's newest rows a restart must feed to [`Bursts::on_row`], oldest first, to go on as if it had
    /// never stopped; fewer when the day has fewer.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Fills the columns of every feature row of a window that is about to be stored.
    pub fn on_batch(&mut self, batch: &mut Batch) {
        let (date, end_ms) = (batch.date, batch.end_ms);
        for window in batch.symbols.iter_mut().filter(|w| w.ticks > 0) {
            window.burst = self.on_row(window.symbol, Row::of(window, date, end_ms));
        }
    }

    /// The columns of one row; rows of a symbol come in order.
    ///
    /// # Panics
    /// When the symbol is none of those announced.
    pub fn on_row(&mut self, symbol: SymbolId, row: Row) -> Burst {
        let Self { settings, alpha, .. } = self;
        let look_back = &mut self.symbols[symbol.index()];
        look_back.push(row, settings.window_count, *alpha);
        let ema = look_back.ema.unwrap_or(row.vol_sum);
        let surge_vol_ratio = row.vol_sum / ema.max(1.0);
        let mut burst = Burst {
            surge_vol_ratio,
            last_signal_ms: look_back.last_burst_ms,
            ..Burst::COLD
        };
        if look_back.rows.len() == settings.window_count {
            look_back.judge(settings, ema, &mut burst);
        }
        burst
    }

    /// A row that was stored with its columns: the look-back learns it, and when the symbol's last burst was.
    pub fn restore(&mut self, symbol: SymbolId, row: Row, last_signal_ms: Option<i64>) {
        self.on_row(symbol, row);
        self.symbols[symbol.index()].last_burst_ms = last_signal_ms;
    }
}

impl Row {
    /// The row that a window of a symbol becomes.
    #[must_use]
    pub fn of(window: &SymbolWindow, date: Date, end_ms: i64) -> Self {
        Self {
            date,
            end_ms,
            uptick_ratio: window.uptick_ratio(),
            vol_sum: window.volume.0 as f64,
            spread_bp: window.book.as_ref().and_then(BookView::spread_bp),
            depth_imbalance: window.book.as_ref().and_then(BookView::depth_imbalance),
        }
    }
}

impl LookBack {
    fn push(&mut self, row: Row, window_count: usize, alpha: f64) {
        if self.date != Some(row.date) {
            *self = Self {
                date: Some(row.date),
                rows: std::mem::take(&mut self.rows),
                ..Self::default()
            };
            self.rows.clear();
        }
        if self.rows.len() == window_count {
            self.rows.remove(0);
        }
        self.rows.push(row);
        self.ema = Some(match self.ema {
            None => row.vol_sum,
            Some(ema) => alpha * row.vol_sum + (1.0 - alpha) * ema,
        });
    }

    /// The K rows are full.
    fn judge(&mut self, settings: &BurstSettings, ema: f64, burst: &mut Burst) {
        let sums = self.sums();
        let now = self.rows[self.rows.len() - 1];
        let buy_side = sums.mean_uptick >= 0.5;
        let fine = settings.spread_is_fine(&now, &sums)
            && now.vol_sum >= settings.vol_gate
            && sums.volume >= settings.vol_sum_gate;
        burst.score = settings.score(&sums, buy_side, ema, self.rows.len());
        burst.streak_len = self.streak(settings, buy_side);
        let rested = self
            .last_burst_ms
            .is_none_or(|last| now.end_ms - last >= settings.cooldown_ms);
        let (buy, sell) = (self.votes(settings, true), self.votes(settings, false));
        if fine && rested && (buy || sell) {
            // Overlapping thresholds: both may hold, then the side of the mean counts.
            let is_buy = if buy && sell { buy_side } else { buy };
            (burst.buy, burst.sell) = (is_buy, !is_buy);
            self.last_burst_ms = Some(now.end_ms);
            burst.last_signal_ms = self.last_burst_ms;
        }
    }

    fn sums(&self) -> Sums {
        let k = self.rows.len() as f64;
        let sum = |value: fn(&Row) -> f64| self.rows.iter().map(value).sum::<f64>();
        Sums {
            volume: sum(|row| row.vol_sum),
            mean_uptick: sum(|row| row.uptick_ratio) / k,
            mean_imbalance: sum(|row| row.depth_imbalance.unwrap_or(0.0).abs()) / k,
            spread_known: self.rows.iter().any(|row| row.spread_bp.is_some()),
        }
    }

    fn votes(&self, settings: &BurstSettings, buy_side: bool) -> bool {
        let imbalance = |row: &&Row| {
            let m = row.depth_imbalance.unwrap_or(0.0);
            if buy_side {
                m >= settings.imb_thr
            } else {
                m <= -settings.imb_thr
            }
        };
        let k = self.rows.len();
        let upticks = self.rows.iter().filter(|row| settings.leans(row, buy_side)).count();
        upticks > k / 2 && self.rows.iter().filter(imbalance).count() >= k / 2
    }

    fn streak(&self, settings: &BurstSettings, buy_side: bool) -> u32 {
        let run = self.rows.iter().rev().take_while(|row| settings.leans(row, buy_side));
        run.count() as u32
    }
}

impl BurstSettings {
    fn leans(&self, row: &Row, buy_side: bool) -> bool {
        match buy_side {
            true => row.uptick_ratio >= self.uptick_thr_buy,
            false => row.uptick_ratio <= self.uptick_thr_sell,
        }
    }

    fn spread_is_fine(&self, now: &Row, sums: &Sums) -> bool {
        match now.spread_bp {
            Some(spread) => spread <= self.max_spread_bp,
            None => !sums.spread_known && self.allow_spread_none_with_vol && sums.volume >= self.vol_sum_gate,
        }
    }

    fn score(&self, sums: &Sums, buy_side: bool, ema: f64, k: usize) -> f64 {
        let [uptick, imbalance, surge] = self.weights;
        let lean = if buy_side {
            sums.mean_uptick
        } else {
            1.0 - sums.mean_uptick
        };
        let volume = (sums.volume / (ema * k as f64).max(1.0)).min(3.0) / 3.0;
        (uptick * lean + imbalance * sums.mean_imbalance + surge * volume).clamp(0.0, 1.0)
    }
}

/// exp(-1/n) for n >= 1 by its series: 24 terms are exact to the last bit of a double there, and +, x and / round alike
/// on every machine, which the platform's `exp` does not.
fn exp_minus_one_over(n: i64) -> f64 {
    let x = -1.0 / n as f64;
    let mut sum = 1.0;
    for term in (1..=24).rev() {
        sum = 1.0 + x / f64::from(term) * sum;
    }
    sum
}

#[cfg(test)]
mod tests;
