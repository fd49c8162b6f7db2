//! The section `burst`.

use ayumi_engine::burst::BurstSettings;
use jsonc_parser::ast::{Object, Value};

use super::Source;
use super::keys::{self, Number};
use super::reader::{Reader, property};

/// The section with defaults for what it leaves out; `None` without it: the columns stay cold.
pub(super) fn read(reader: &mut Reader<'_>, root: &Object<'_>) -> Option<BurstSettings> {
    let section = match property(root, "burst").map(|p| &p.value) {
        Some(Value::Object(section)) => section,
        // Anything else was reported where the section's keys are checked.
        _ => return None,
    };
    reader.sources.insert("burst", Source::File);
    let d = BurstSettings::default();
    let mut number = |spec: &Number, default: f64| reader.number(root, spec).unwrap_or(default);
    let ms = |seconds: f64| (seconds * 1_000.0).round() as i64;
    let settings = BurstSettings {
        window_count: number(&keys::BURST_WINDOW_COUNT, d.window_count as f64) as usize,
        uptick_thr_buy: number(&keys::BURST_UPTICK_BUY, d.uptick_thr_buy),
        uptick_thr_sell: number(&keys::BURST_UPTICK_SELL, d.uptick_thr_sell),
        imb_thr: number(&keys::BURST_IMBALANCE, d.imb_thr),
        max_spread_bp: number(&keys::BURST_SPREAD, d.max_spread_bp),
        vol_gate: number(&keys::BURST_VOL_GATE, d.vol_gate),
        vol_sum_gate: number(&keys::BURST_VOL_SUM_GATE, d.vol_sum_gate),
        cooldown_ms: ms(number(&keys::BURST_COOLDOWN, d.cooldown_ms as f64 / 1_000.0)),
        ema_span_ms: ms(number(&keys::BURST_EMA_SPAN, d.ema_span_ms as f64 / 1_000.0)),
        weights: [
            number(&keys::BURST_W_UPTICK, d.weights[0]),
            number(&keys::BURST_W_IMBALANCE, d.weights[1]),
            number(&keys::BURST_W_SURGE, d.weights[2]),
        ],
        allow_spread_none_with_vol: d.allow_spread_none_with_vol,
    };
    let allow = reader.boolean(section, "allow_spread_none_with_vol");
    Some(BurstSettings {
        allow_spread_none_with_vol: allow.unwrap_or(settings.allow_spread_none_with_vol),
        ..settings
    })
}
