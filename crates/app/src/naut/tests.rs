use super::judge::{Judge, Reason, Row, Score, Verdict, exp};
use super::rules::{Gate, Profile, Rules, Side};

mod cost;
mod files;
mod gates;
mod memory;
mod words;

/// 2026-11-20 10:00:00 JST.
const TEN: i64 = 1_795_136_400_000;

/// A row that passes every gate of every profile, at a time after ten.
fn row(side: Side, after_ms: i64) -> Row {
    let plain = Row {
        at_ms: TEN + after_ms,
        uptick: 0.9,
        volume: 3_000.0,
        spread_bp: Some(2.0),
        imbalance: Some(0.5),
        bursts: [None, None],
    };
    mirrored(side, plain)
}

/// The same from the other side.
fn mirrored(side: Side, row: Row) -> Row {
    match side {
        Side::Buy => row,
        Side::Sell => Row {
            uptick: 1.0 - row.uptick,
            imbalance: row.imbalance.map(|imbalance| -imbalance),
            bursts: [row.bursts[1], row.bursts[0]],
            ..row
        },
    }
}

/// A judge that has seen enough rows leaning to the side, none of which could be a signal; 300 ms apart, the last one
/// at ten.
fn warm(rules: &Rules, side: Side) -> Judge {
    let mut judge = Judge::new(rules.clone());
    let rows = rules.window as i64 - 1;
    for n in 1..=rows {
        let dry = Row {
            volume: 0.0,
            ..row(side, (n - rows) * 300)
        };
        let verdict = judge.judge("7203", &dry);
        assert!(
            matches!(verdict, Verdict::Skipped(Reason::Streak | Reason::Vol)),
            "{verdict:?}"
        );
    }
    judge
}

fn accepted(verdict: Verdict) -> Score {
    match verdict {
        Verdict::Accepted(score) => score,
        other => panic!("{other:?}"),
    }
}
