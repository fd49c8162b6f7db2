//! A signal as a log line, as JSON and as a row; and a feature row as what is judged.

use std::fmt::Write as _;

use ayumi_store::SignalRow;
use ayumi_store::reader::FollowedRow;
use ayumi_wire::jst;
use serde_json::{Value, json};

use super::judge::{Row, Score};
use super::rules::{Profile, THRESHOLD};

/// What is judged of a feature row; `None` when it lacks its time, its uptick ratio or its volume, as a foreign
/// program's row may.
pub fn row(feature: &FollowedRow) -> Option<Row> {
    let burst = |flag: bool| flag.then_some(feature.burst_score);
    Some(Row {
        at_ms: jst::parse_ms(&feature.ts)?,
        uptick: feature.uptick_ratio?,
        volume: feature.vol_sum?,
        spread_bp: feature.spread_bp,
        imbalance: feature.depth_imbalance,
        bursts: [burst(feature.burst_buy), burst(feature.burst_sell)],
    })
}

/// The row of the table `signals`.
pub fn stored(feature: &FollowedRow, score: Score, profile: Profile) -> SignalRow {
    SignalRow {
        ts: feature.ts.clone(),
        ticker: feature.ticker.clone(),
        side: score.side.word(),
        uptick_ratio: feature.uptick_ratio.unwrap_or_default(),
        depth_imbalance: feature.depth_imbalance,
        spread_bp: feature.spread_bp,
        vol_sum: feature.vol_sum.unwrap_or_default(),
        base: score.base,
        bonus: score.bonus,
        score: score.total(),
        profile: profile.word(),
        window_id: feature.window_id,
    }
}

/// The line that other tools look for.
pub fn line(s: &SignalRow) -> String {
    format!(
        "[{}] {} ts={} uptick={:.2} imb={} spr={} vol={} | base={:.2} adj={:.2} bonus={:.2} thr={THRESHOLD:.2}",
        s.side,
        s.ticker,
        s.ts,
        s.uptick_ratio,
        s.depth_imbalance
            .map_or_else(|| "-".to_owned(), |imb| format!("{imb:.2}")),
        s.spread_bp.map_or_else(|| "-".to_owned(), |bp| format!("{bp:.1}")),
        s.vol_sum,
        s.base,
        s.score,
        s.bonus,
    )
}

/// One line of JSON.
pub fn to_json(s: &SignalRow) -> String {
    ascii(&json!({
        "ts": s.ts,
        "ticker": s.ticker,
        "side": s.side,
        "uptick_ratio": s.uptick_ratio,
        "depth_imbalance": s.depth_imbalance,
        "spread_bp": s.spread_bp,
        "vol_sum": s.vol_sum,
        "base": s.base,
        "bonus": s.bonus,
        "score": s.score,
        "threshold": THRESHOLD,
        "profile": s.profile,
        "window_id": s.window_id,
    }))
}

/// JSON in ASCII: a console's code page, and PowerShell's pipe, cannot spoil it.
pub fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}
