//! Lines, JSON, tables of text.

use ayumi_engine::jst::Date;
use ayumi_store::reader::FollowedRow;

use super::super::signal::{line, row as judged, stored, to_json};
use super::super::summary::Summed;
use super::super::tally::Tally;
use super::*;

fn feature() -> FollowedRow {
    FollowedRow {
        rowid: 7,
        ticker: "7203".to_owned(),
        ts: "2026-11-20T10:00:00.300+09:00".to_owned(),
        uptick_ratio: Some(0.833_333),
        vol_sum: Some(1_800.0),
        spread_bp: Some(2.94),
        depth_imbalance: Some(0.21),
        burst_buy: true,
        burst_sell: false,
        burst_score: 0.4,
        window_id: Some(TEN),
    }
}

fn score(side: Side) -> Score {
    Score {
        side,
        base: 0.71,
        bonus: 0.07,
    }
}

#[test]
fn the_line_is_the_one_that_other_tools_look_for() {
    let found = stored(&feature(), score(Side::Buy), Profile::Prod);
    assert_eq!(
        line(&found),
        "[BUY] 7203 ts=2026-11-20T10:00:00.300+09:00 uptick=0.83 imb=0.21 spr=2.9 vol=1800 \
         | base=0.71 adj=0.78 bonus=0.07 thr=0.60"
    );
    let unknown = FollowedRow {
        spread_bp: None,
        depth_imbalance: None,
        vol_sum: Some(0.5),
        ..feature()
    };
    let found = stored(&unknown, score(Side::Sell), Profile::Demo);
    assert!(line(&found).starts_with("[SELL] 7203 ts="), "{}", line(&found));
    assert!(line(&found).contains(" imb=- spr=- vol=0.5 | "), "{}", line(&found));
}

#[test]
fn json_is_one_ascii_line_with_nulls_for_what_is_unknown() {
    let row = FollowedRow {
        ticker: "株\n7203".to_owned(),
        spread_bp: None,
        window_id: None,
        ..feature()
    };
    let text = to_json(&stored(&row, score(Side::Buy), Profile::ProdLite));
    assert!(text.is_ascii() && !text.contains('\n'), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["ticker"], &value["side"]), (&"株\n7203".into(), &"BUY".into()));
    assert_eq!((&value["spread_bp"], &value["window_id"]), (&().into(), &().into()));
    assert_eq!(
        (&value["profile"], &value["threshold"]),
        (&"prodlite".into(), &0.6.into())
    );
    assert_eq!(value["score"].as_f64().unwrap(), 0.71 + 0.07);
}

#[test]
fn a_row_that_lacks_what_is_needed_is_not_judged() {
    assert_eq!(
        judged(&feature()),
        Some(Row {
            at_ms: TEN + 300,
            uptick: 0.833_333,
            volume: 1_800.0,
            spread_bp: Some(2.94),
            imbalance: Some(0.21),
            bursts: [Some(0.4), None],
        })
    );
    let spoil: [fn(&mut FollowedRow); 4] = [
        |r| r.ts = "yesterday".to_owned(),
        |r| r.ts = String::new(),
        |r| r.uptick_ratio = None,
        |r| r.vol_sum = None,
    ];
    for spoil in spoil {
        let mut row = feature();
        spoil(&mut row);
        assert_eq!(judged(&row), None, "{row:?}");
    }
    // A script's time: JST without saying so, microseconds.
    let naive = FollowedRow {
        ts: "2026-11-20T10:00:00.300123".to_owned(),
        ..feature()
    };
    assert_eq!(judged(&naive).map(|row| row.at_ms), Some(TEN + 300));
}

#[test]
fn a_summary_counts_every_row_once() {
    let mut tally = Tally::default();
    tally.count(Some(&Verdict::Accepted(score(Side::Buy))));
    tally.count(Some(&Verdict::Accepted(score(Side::Sell))));
    for reason in Reason::ALL {
        tally.count(Some(&Verdict::Skipped(reason)));
    }
    tally.count(Some(&Verdict::Seen));
    tally.count(None);
    let summed = Summed {
        path: "day.db".into(),
        date: Date::new(2026, 11, 20),
        profile: Profile::Prod,
        tally,
    };
    let table = summed.table();
    let lines: Vec<String> = table
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(lines[0], "naut summary 2026-11-20 profile=prod db=day.db");
    let counts = [
        "rows 11",
        "accepted 2",
        "BUY 1",
        "SELL 1",
        "skipped 7",
        "cooldown 1",
        "streak 1",
        "vol 1",
        "spread 1",
        "uptick 1",
        "imb 1",
        "base 1",
        "seen 1",
        "unreadable 1",
    ];
    assert_eq!(lines[1..], counts);
    let value: serde_json::Value = serde_json::from_str(&summed.to_json()).unwrap();
    assert_eq!((&value["summary"], &value["rows"]), (&"2026-11-20".into(), &11.into()));
    assert_eq!(value["accepted"], serde_json::json!({"BUY": 1, "SELL": 1}));
    assert_eq!(value["skipped"].as_object().unwrap().len(), 7);
    assert_eq!(
        value["not_judged"],
        serde_json::json!({"outside": 0, "seen": 1, "unreadable": 1})
    );
}
