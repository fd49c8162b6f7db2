use proptest::prelude::*;
use serde_json::Value;

use super::*;

const EXAMPLES: &str = include_str!("../../../../testdata/features_examples.json");

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// Milliseconds of `10:15:00.300` on some day.
fn ms(clock: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| clock[range].parse::<i64>().unwrap();
    ((part(0..2) * 60 + part(3..5)) * 60 + part(6..8)) * 1_000 + part(9..12)
}

fn settings_of(value: &Value) -> BurstSettings {
    let number = |key: &str| value[key].as_f64().unwrap();
    let weight = |key: &str| value["burst_score_weights"][key].as_f64().unwrap();
    BurstSettings {
        window_count: number("window_count") as usize,
        uptick_thr_buy: number("uptick_thr_buy"),
        uptick_thr_sell: number("uptick_thr_sell"),
        imb_thr: number("imb_thr"),
        max_spread_bp: number("max_spread_bp"),
        vol_gate: number("vol_gate"),
        vol_sum_gate: number("vol_sum_gate"),
        allow_spread_none_with_vol: value["allow_spread_none_with_vol"].as_bool().unwrap(),
        cooldown_ms: (number("cooldown_sec") * 1_000.0) as i64,
        ema_span_ms: (number("ema_span_sec") * 1_000.0) as i64,
        weights: [weight("uptick"), weight("imbalance"), weight("vol_surge")],
    }
}

#[test]
fn the_worked_examples_e20_to_e22() {
    let all: Value = serde_json::from_str(EXAMPLES).unwrap();
    let examples = all["examples"].as_array().unwrap();
    let mut seen = 0;
    for example in examples.iter().filter(|e| e["rows"].is_array()) {
        let config = &example["config"];
        let mut bursts = Bursts::new(settings_of(&config["burst"]), 1, config["window_ms"].as_i64().unwrap());
        let rows = example["rows"].as_array().unwrap();
        for (row, window) in rows.iter().zip(example["windows"].as_array().unwrap()) {
            let end = row["end"].as_str().unwrap();
            let got = bursts.on_row(
                SymbolId(0),
                Row {
                    date: date("2026-11-20"),
                    end_ms: ms(end),
                    uptick_ratio: row["uptick_ratio"].as_f64().unwrap(),
                    vol_sum: row["vol_sum"].as_f64().unwrap(),
                    spread_bp: row["spread_bp"].as_f64(),
                    depth_imbalance: row["depth_imbalance"].as_f64(),
                },
            );
            let expected = &window["expected"];
            let what = format!("{} {end}", example["id"]);
            let flag = |key: &str| expected[key].as_i64().unwrap() == 1;
            assert_eq!((got.buy, got.sell), (flag("burst_buy"), flag("burst_sell")), "{what}");
            let close = |value: f64, key: &str| (value - expected[key].as_f64().unwrap()).abs() < 1e-9;
            assert!(close(got.score, "burst_score"), "{what}: {}", got.score);
            assert!(
                close(f64::from(got.streak_len), "streak_len"),
                "{what}: {}",
                got.streak_len
            );
            assert!(
                close(got.surge_vol_ratio, "surge_vol_ratio"),
                "{what}: {}",
                got.surge_vol_ratio
            );
            let last = expected["last_signal_ts"].as_str().unwrap();
            assert_eq!(got.last_signal_ms, (!last.is_empty()).then(|| ms(last)), "{what}");
            seen += 1;
        }
    }
    assert_eq!(seen, 19);
}

#[test]
fn the_exponential_is_that_of_the_book() {
    // exp(-1/n), twenty digits by an arbitrary-precision calculator, cut to a double.
    for (n, expected) in [
        (5, 0.818_730_753_077_981_8),
        (40, 0.975_309_912_028_332_7),
        (200, 0.995_012_479_192_682_3),
        (1_000_000, 0.999_999_000_000_499_9),
    ] {
        let found = exp_minus_one_over(n);
        assert!((found - expected).abs() <= f64::EPSILON, "{n}: {found:.17}");
    }
}

#[test]
fn sell_votes_count_although_the_mean_leans_to_buy() {
    let mut bursts = Bursts::new(
        BurstSettings {
            window_count: 4,
            uptick_thr_sell: 0.4,
            ..BurstSettings::default()
        },
        1,
        300,
    );
    let mut row = |n: i64, uptick_ratio: f64| {
        let row = Row {
            date: date("2026-11-20"),
            end_ms: n * 300,
            uptick_ratio,
            vol_sum: 500.0,
            spread_bp: Some(1.0),
            depth_imbalance: Some(-0.5),
        };
        bursts.on_row(SymbolId(0), row)
    };
    for n in 0..3 {
        row(n, 0.4);
    }
    let burst = row(3, 1.0);
    assert!(burst.sell && !burst.buy, "{burst:?}");
}

fn any_row() -> impl Strategy<Value = (bool, f64, f64, Option<f64>, Option<f64>)> {
    let spread = prop_oneof![Just(None), (0.0..10.0f64).prop_map(Some)];
    let imbalance = prop_oneof![Just(None), (-1.0..1.0f64).prop_map(Some)];
    (
        prop::bool::weighted(0.02),
        0.0..=1.0f64,
        0.0..5_000.0f64,
        spread,
        imbalance,
    )
}

proptest! {
    /// A restart that feeds the newest rows goes on bit for bit where the run before it stopped.
    #[test]
    fn a_restart_goes_on_where_it_was(rows in prop::collection::vec(any_row(), 2..400), cut in any::<prop::sample::Index>()) {
        let settings = BurstSettings { ema_span_ms: 1_500, vol_gate: 0.0, cooldown_ms: 900, ..BurstSettings::default() };
        let fresh = || Bursts::new(settings.clone(), 1, 300);
        let mut day = 0;
        let rows: Vec<Row> = rows.iter().enumerate().map(|(n, r)| {
            day += i64::from(r.0);
            Row {
                date: Date::from_days(20_000 + day),
                end_ms: (20_000 + day) * 86_400_000 + n as i64 * 300,
                uptick_ratio: r.1,
                vol_sum: r.2.floor(),
                spread_bp: r.3,
                depth_imbalance: r.4,
            }
        }).collect();
        let mut whole = fresh();
        let told: Vec<Burst> = rows.iter().map(|row| whole.on_row(SymbolId(0), *row)).collect();
        let cut = cut.index(rows.len());
        let mut again = fresh();
        let from = cut.saturating_sub(again.memory());
        for at in from..cut {
            again.restore(SymbolId(0), rows[at], told[at].last_signal_ms);
        }
        for at in cut..rows.len() {
            prop_assert_eq!(again.on_row(SymbolId(0), rows[at]), told[at], "row {}", at);
        }
    }

    #[test]
    fn columns_stay_in_their_ranges(rows in prop::collection::vec(any_row(), 1..60), k in 1usize..8) {
        let mut bursts = Bursts::new(BurstSettings { window_count: k, ..BurstSettings::default() }, 1, 300);
        for (n, r) in rows.iter().enumerate() {
            let row = Row { date: date("2026-11-20"), end_ms: n as i64 * 300, uptick_ratio: r.1, vol_sum: r.2, spread_bp: r.3, depth_imbalance: r.4 };
            let burst = bursts.on_row(SymbolId(0), row);
            prop_assert!(!(burst.buy && burst.sell) && (0.0..=1.0).contains(&burst.score));
            prop_assert!(burst.streak_len as usize <= k && burst.surge_vol_ratio >= 0.0);
            prop_assert_eq!(burst.buy || burst.sell, burst.last_signal_ms == Some(row.end_ms));
        }
    }
}
