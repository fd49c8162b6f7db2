//! The worked examples of the feature definitions: every seed column of every listed window.

use serde_json::{Map, Value, json};

use super::*;
use crate::batch::SymbolWindow;

const EXAMPLES: &str = include_str!("../../../../../testdata/features_examples.json");
const SEED_COLUMNS: [&str; 6] = [
    "uptick_ratio",
    "vol_sum",
    "spread_bp",
    "buy_top3",
    "sell_top3",
    "depth_imbalance",
];

/// The station's message for one simplified message of an example.
fn message(m: &Value) -> String {
    let day = |clock: &Value| {
        let clock = clock.as_str()?;
        // A clock part later than the receive time is yesterday's.
        let date = if clock > &m["recv"].as_str().expect("recv")[..8] && &clock[..2] > "12" {
            "2026-11-19"
        } else {
            "2026-11-20"
        };
        Some(format!("{date}T{clock}+09:00"))
    };
    let mut out = Map::new();
    out.insert("Symbol".into(), json!("7203"));
    out.insert("Exchange".into(), json!(1));
    for (from, to) in [
        ("p", "CurrentPrice"),
        ("V", "TradingVolume"),
        ("T", "TradingValue"),
        ("W", "VWAP"),
        ("H", "HighPrice"),
        ("L", "LowPrice"),
    ] {
        out.insert(to.into(), m[from].clone());
    }
    out.insert("CurrentPriceTime".into(), json!(day(&m["c"])));
    out.insert("OpeningPriceTime".into(), json!(day(&m["ot"])));
    for (side, sign, name) in [("buy", "sign_buy", "Buy"), ("sell", "sign_sell", "Sell")] {
        for (n, level) in m[side].as_array().expect("a ladder").iter().enumerate() {
            let mut object = json!({ "Price": level[0], "Qty": level[1] });
            if n == 0 {
                object["Sign"] = m[sign].clone();
            }
            out.insert(format!("{name}{}", n + 1), object);
        }
    }
    Value::Object(out).to_string()
}

fn example_engine(config: &Value, first: Stamp) -> Engine {
    let mut settings = EngineSettings::new(vec![Symbol::tse("7203")]);
    settings.window_ms = config["window_ms"].as_i64().expect("window_ms");
    settings.board_mode = BoardMode::Auto;
    // The examples were written for the shorter age.
    settings.board_max_age_ms = 5_000;
    if let Some(bounds) = config["price_guard"].as_array() {
        let yen = |v: &Value| Price::from_f64(v.as_f64().expect("a bound"));
        settings.watched[0].guard = Bounds {
            min: yen(&bounds[0]),
            max: yen(&bounds[1]),
        };
    }
    let mut engine = Engine::new(settings, Stamp::from_s(first.s()));
    engine.on_line_up(Stamp::from_s(first.s()));
    engine
}

fn column(row: &SymbolWindow, name: &str) -> Option<f64> {
    match name {
        "uptick_ratio" => Some(row.uptick_ratio()),
        "vol_sum" => Some(row.volume.shares()),
        "spread_bp" => row.book.and_then(|b| b.spread_bp()),
        "buy_top3" => row.book.map(|b| b.buy_top3.shares()),
        "sell_top3" => row.book.map(|b| b.sell_top3.shares()),
        _ => row.book.and_then(|b| b.depth_imbalance()),
    }
}

/// Runs one example; returns how many column values were compared.
fn run(example: &Value) -> usize {
    let id = example["id"].as_str().expect("id");
    let messages = example["messages"].as_array().expect("messages");
    // One example lists windows beside the grid; it is moved onto it as a whole.
    let window_ms = example["config"]["window_ms"].as_i64().expect("window_ms");
    let first_end = at(example["windows"][0]["end"].as_str().expect("end"));
    let shift = (-first_end.ms()).rem_euclid(window_ms);
    let at = |time: &str| at(time).plus_ms(shift);
    let mut engine = example_engine(&example["config"], at(messages[0]["recv"].as_str().expect("recv")));
    for m in messages {
        let recv = m["recv"].as_str().expect("recv");
        if m["event"] == "gap" {
            engine.on_line_down(at(recv));
            engine.on_line_up(at(recv));
        } else if m["src"] == "board" {
            engine.on_board(SymbolId(0), message(m).as_bytes(), at(recv));
        } else {
            engine.on_push(message(m).as_bytes(), at(recv));
        }
    }
    engine.finish(at("22:00:00"));
    let batches = drain(&mut engine, "23:00:00");
    let mut compared = 0;
    for window in example["windows"].as_array().expect("windows") {
        let end = at(window["end"].as_str().expect("end")).ms();
        let row = batches.iter().find(|b| b.end_ms == end).and_then(|b| b.symbols.first());
        for name in SEED_COLUMNS {
            let Some(expected) = window["expected"].get(name) else {
                continue;
            };
            match row {
                Some(row) => {
                    let (got, expected) = (column(row, name), expected.as_f64());
                    let close = match (got, expected) {
                        (Some(g), Some(e)) => (g - e).abs() <= 1e-9 + 1e-9 * e.abs(),
                        (g, e) => g == e,
                    };
                    assert!(
                        close,
                        "{id} {name} at {}: {got:?}, expected {expected:?}",
                        window["end"]
                    );
                    compared += 1;
                }
                // No row stands for a window without news.
                None if name == "vol_sum" => assert_eq!(expected.as_f64(), Some(0.0), "{id}"),
                None => {}
            }
        }
    }
    check_day(id, &example["daily"], &engine);
    compared
}

fn check_day(id: &str, daily: &Value, engine: &Engine) {
    let totals = engine.totals();
    let got = [
        ("sum_vol", totals.volume),
        ("ledger_gap", totals.ledger_by(Cause::Gap)),
        ("ledger_guard", totals.ledger_by(Cause::Guard)),
        ("ledger_decrease", totals.ledger_by(Cause::Decrease)),
    ];
    for (name, got) in got {
        if let Some(expected) = daily.get(name).and_then(Value::as_i64) {
            assert_eq!(got, expected, "{id} {name}");
        }
    }
}

#[test]
fn every_worked_example_gives_its_seed_columns() {
    let document: Value = serde_json::from_str(EXAMPLES).expect("valid JSON");
    let with_messages = document["examples"]
        .as_array()
        .expect("examples")
        .iter()
        .filter(|e| e.get("messages").is_some());
    let (mut examples, mut values) = (0, 0);
    for example in with_messages {
        examples += 1;
        values += run(example);
    }
    assert!(examples >= 29 && values >= 100, "{examples} examples, {values} values");
}
