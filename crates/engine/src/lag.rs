//! Lag: receive time less exchange second of trading messages, as a small histogram.

use ayumi_wire::jst::WireTime;

use crate::stamp::Stamp;

const STEP_MS: i64 = 100;
const STEPS: usize = 301;
const DAY_MS: i64 = 86_400_000;

/// Lag in steps of 0.1 s up to 30 s; beyond that, only "at least 30 s". The exchange prints whole seconds, so a healthy
/// line shows 0 to 1 s.
#[derive(Clone)]
pub struct Lag {
    counts: [u32; STEPS],
    total: u64,
}

impl Default for Lag {
    fn default() -> Self {
        Self {
            counts: [0; STEPS],
            total: 0,
        }
    }
}

impl Lag {
    /// Adds one message. Clocks differ by fractions of a second, so a negative lag counts as none. Only the time of day
    /// counts: for ten minutes after midnight the station's times carry yesterday's date.
    pub fn add(&mut self, received: Stamp, traded: WireTime) {
        let apart = received.ms_since(Stamp::from_s(traded.unix_s)).rem_euclid(DAY_MS);
        let ahead = apart > DAY_MS / 2;
        let steps = if ahead { 0 } else { apart / STEP_MS };
        self.counts[steps.clamp(0, STEPS as i64 - 1) as usize] += 1;
        self.total += 1;
    }

    /// The lag in seconds that `share` (0 to 1) of the messages do not exceed; `None` without any.
    #[must_use]
    pub fn quantile_s(&self, share: f64) -> Option<f64> {
        let wanted = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.counts
            .iter()
            .position(|&n| {
                seen += u64::from(n);
                self.total > 0 && seen >= wanted
            })
            .map(|step| step as f64 / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_lags() {
        let mut lag = Lag::default();
        assert_eq!(lag.quantile_s(0.99), None);
        for ms in 0..1000 {
            lag.add(
                Stamp::from_ms(5_000 + ms),
                WireTime {
                    unix_s: 5,
                    jst_offset: true,
                },
            );
        }
        assert_eq!((lag.quantile_s(0.5), lag.quantile_s(1.0)), (Some(0.4), Some(0.9)));
        lag.add(
            Stamp::from_s(0),
            WireTime {
                unix_s: 5,
                jst_offset: true,
            },
        );
        lag.add(
            Stamp::from_s(500),
            WireTime {
                unix_s: 5,
                jst_offset: true,
            },
        );
        assert_eq!((lag.quantile_s(0.0001), lag.quantile_s(1.0)), (Some(0.0), Some(30.0)));
    }

    #[test]
    fn d08_yesterdays_date_after_midnight_is_no_lag() {
        let traded = WireTime {
            unix_s: 86_400 * 9 + 5,
            jst_offset: true,
        };
        for (received_ms, lag_s) in [(5_300, 0.3), (4_900, 0.0), (7_000, 2.0), (3_600_000, 30.0)] {
            for days in [9, 10] {
                let mut lag = Lag::default();
                lag.add(Stamp::from_ms(DAY_MS * days + received_ms), traded);
                assert_eq!(lag.quantile_s(1.0), Some(lag_s), "{received_ms} {days}");
            }
        }
    }
}
