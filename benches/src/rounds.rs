//! Interleaved rounds: every candidate once per round, so that a slow minute of the machine hits all of them alike.

/// One candidate of a comparison: runs once, tells its cost (ns per message, for example).
pub type Candidate<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// Figures of one candidate, one per round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(pub Vec<f64>);

/// Runs every candidate once to warm up, then `rounds` times, in turn; each round begins with another one.
pub fn interleave(rounds: usize, candidates: &mut [Candidate<'_>]) -> Vec<Series> {
    for candidate in candidates.iter_mut() {
        candidate();
    }
    let count = candidates.len();
    let mut series = vec![Series::default(); count];
    for round in 0..rounds {
        for step in 0..count {
            let at = (round + step) % count;
            series[at].0.push(candidates[at]());
        }
    }
    series
}

impl Series {
    /// The middle one; NaN when there is none.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The smallest; NaN when there is none.
    pub fn min(&self) -> f64 {
        self.quantile(0.0)
    }

    /// The largest; NaN when there is none.
    pub fn max(&self) -> f64 {
        self.quantile(1.0)
    }

    /// By rank, 0 to 1; NaN when there is none.
    pub fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = ((sorted.len() as f64 - 1.0) * q).round();
        sorted.get(rank.max(0.0) as usize).copied().unwrap_or(f64::NAN)
    }

    /// `self` / `other`, round by round: what happened to both at the same time cancels out.
    pub fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }

    /// `self` + `other`, round by round.
    pub fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a + b).collect())
    }

    /// `self` - `other`, round by round.
    pub fn minus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a - b).collect())
    }

    /// Median with the smallest in parentheses, as a time: `1.83 us (1.79)`.
    pub fn time(&self) -> String {
        let median = self.median();
        let (scale, unit) = unit_of(median);
        format!("{} {unit} ({})", digits(median / scale), digits(self.min() / scale))
    }

    /// Median and range of a ratio: `2.5x [2.4..2.7]`.
    pub fn ratio(&self) -> String {
        if self.0.is_empty() {
            return "-".to_owned();
        }
        let [median, min, max] = [self.median(), self.min(), self.max()].map(digits);
        format!("{median}x [{min}..{max}]")
    }
}

/// A time in ns with its unit: `1.83 us`.
pub fn time(ns: f64) -> String {
    let (scale, unit) = unit_of(ns);
    format!("{} {unit}", digits(ns / scale))
}

/// Three digits, more is noise.
pub fn digits(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => "-".to_owned(),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A whole number with commas.
pub fn thousands(value: f64) -> String {
    let plain = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn unit_of(ns: f64) -> (f64, &'static str) {
    match ns.abs() {
        v if v < 1e3 => (1.0, "ns"),
        v if v < 1e6 => (1e3, "us"),
        v if v < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_runs_once_per_round_and_once_before() {
        let calls = std::cell::RefCell::new(Vec::new());
        let mut candidates: Vec<Candidate<'_>> = vec![
            Box::new(|| {
                calls.borrow_mut().push('a');
                2.0
            }),
            Box::new(|| {
                calls.borrow_mut().push('b');
                4.0
            }),
        ];
        let series = interleave(3, &mut candidates);
        drop(candidates);
        assert_eq!(calls.into_inner().into_iter().collect::<String>(), "ababbaab");
        assert_eq!(series[1].over(&series[0]), Series(vec![2.0; 3]));
    }

    #[test]
    fn figures_are_readable() {
        let series = Series(vec![1830.0, 1790.0, 2400.0]);
        assert_eq!(series.time(), "1.83 us (1.79)");
        assert_eq!(Series(vec![2.5, 2.4, 2.7]).ratio(), "2.50x [2.40..2.70]");
        assert_eq!(Series::default().ratio(), "-");
        assert_eq!(time(52.4), "52.4 ns");
        assert_eq!(time(2.0e9), "2.00 s");
        assert_eq!(thousands(1_234_567.8), "1,234,568");
        assert_eq!(thousands(12.0), "12");
        assert!(Series::default().median().is_nan());
    }
}
