//! What is remembered: streak, rest, bursts, days; and what two passing sides come to.

use super::*;

#[test]
fn a_streak_needs_a_full_buffer() {
    for profile in Profile::ALL {
        let rules = profile.rules();
        for side in Side::BOTH {
            let mut judge = Judge::new(rules.clone());
            for n in 1..rules.window as i64 {
                assert_eq!(
                    judge.judge("7203", &row(side, n * 300)),
                    Verdict::Skipped(Reason::Streak)
                );
            }
            let score = accepted(judge.judge("7203", &row(side, rules.window as i64 * 300)));
            assert_eq!(score.side, side, "{profile}");
        }
    }
}

#[test]
fn a_streak_is_a_majority_of_the_last_rows_this_one_included() {
    // Leanings before the last row, which leans itself; windows 5, 4 and 1 need 3, 3 and 1. Where the other side has
    // the majority, that one came further: to the row's own uptick.
    let table = [
        (5, "++--", None),
        (5, "-++-", None),
        (5, "+00-", Some(Reason::Streak)),
        (5, "+--+", None),
        (5, "0+00", Some(Reason::Streak)),
        (5, "++++----+", Some(Reason::Uptick)),
        (5, "----+++0", None),
        (4, "++0", None),
        (4, "+00", Some(Reason::Streak)),
        (4, "+--", Some(Reason::Streak)),
        (1, "", None),
        (1, "---", None),
    ];
    for side in Side::BOTH {
        for (window, before, reason) in table {
            let rules = Rules {
                window,
                ..Profile::Prod.rules()
            };
            let mut judge = Judge::new(rules);
            for (n, leaning) in before.chars().enumerate() {
                let uptick = match leaning {
                    '+' => 0.7,
                    '-' => 0.3,
                    _ => 0.5,
                };
                let before = Row {
                    uptick,
                    volume: 0.0,
                    ..row(Side::Buy, n as i64 * 300)
                };
                judge.judge("7203", &mirrored(side, before));
            }
            let found = match judge.judge("7203", &row(side, 60_000)) {
                Verdict::Skipped(reason) => Some(reason),
                other => (accepted(other).side != side).then_some(Reason::Base),
            };
            assert_eq!(found, reason, "{side:?} {window} {before}");
        }
    }
}

#[test]
fn a_symbol_rests_in_the_rows_own_time() {
    for side in Side::BOTH {
        let rules = Profile::Prod.rules();
        let mut judge = warm(&rules, side);
        let mut at = |ms: i64| judge.judge("7203", &row(side, ms));
        accepted(at(300));
        assert_eq!(at(600), Verdict::Skipped(Reason::Cooldown));
        assert_eq!(at(5_299), Verdict::Skipped(Reason::Cooldown));
        accepted(at(5_300));
        assert_eq!(
            at(10_299),
            Verdict::Skipped(Reason::Cooldown),
            "counted from the newest signal"
        );
        accepted(at(3_600_000));
    }
    let mut none = Profile::Prod.rules();
    none.cooldown_ms = 0;
    let mut judge = warm(&none, Side::Buy);
    for n in 1..4 {
        accepted(judge.judge("7203", &row(Side::Buy, n * 300)));
    }
}

#[test]
fn a_rest_holds_for_both_sides_and_for_one_symbol_only() {
    let mut rules = Profile::Prod.rules();
    rules.window = 1;
    let mut judge = Judge::new(rules);
    accepted(judge.judge("7203", &row(Side::Buy, 0)));
    assert_eq!(
        judge.judge("7203", &row(Side::Sell, 300)),
        Verdict::Skipped(Reason::Cooldown)
    );
    accepted(judge.judge("9984", &row(Side::Sell, 300)));
    assert_eq!(accepted(judge.judge("7203", &row(Side::Sell, 5_000))).side, Side::Sell);
}

/// Base and bonus of a row that comes `age` after a burst of this score; the row alone reaches 0.59.
fn after_burst(side: Side, of: Side, age: i64, score: f64) -> Result<Score, Reason> {
    let rules = Profile::ProdLite.rules();
    let mut judge = warm(&rules, side);
    let mut before = Row {
        volume: 0.0,
        ..row(side, 300)
    };
    before.bursts[of as usize] = Some(score);
    judge.judge("7203", &before);
    let weak = Row {
        uptick: 0.675,
        imbalance: Some(0.0),
        ..row(Side::Buy, 300 + age)
    };
    match judge.judge("7203", &mirrored(side, weak)) {
        Verdict::Accepted(score) => Ok(score),
        Verdict::Skipped(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_burst_of_the_same_side_helps_for_eight_seconds_and_fades() {
    for side in Side::BOTH {
        for (age, score) in [(1, 0.5), (300, 0.9), (4_000, 0.5), (8_000, 0.4)] {
            let scored = after_burst(side, side, age, score).unwrap();
            let expected = 0.30 * score * (-(age as f64) / 12_000.0).exp();
            assert!(
                (scored.bonus - expected).abs() < 1e-12,
                "{age}: {} {expected}",
                scored.bonus
            );
            assert!((scored.base - 0.59).abs() < 1e-12 && scored.side == side);
            assert!(scored.total() == scored.base + scored.bonus);
        }
        assert_eq!(after_burst(side, side, 8_001, 1.0), Err(Reason::Base), "too old");
        assert!(after_burst(side, side, 1, 0.20).is_ok(), "strong enough");
        assert_eq!(after_burst(side, side, 1, 0.199_999), Err(Reason::Base), "too weak");
        let other = if side == Side::Buy { Side::Sell } else { Side::Buy };
        assert_eq!(after_burst(side, other, 1, 1.0), Err(Reason::Base), "of the other side");
    }
}

#[test]
fn a_burst_in_the_row_itself_helps_and_the_newest_strong_one_counts() {
    let rules = Profile::ProdLite.rules();
    let mut judge = warm(&rules, Side::Buy);
    let mut weak = Row {
        uptick: 0.675,
        imbalance: Some(0.0),
        ..row(Side::Buy, 300)
    };
    weak.bursts = [Some(0.5), None];
    assert!((accepted(judge.judge("7203", &weak)).bonus - 0.15).abs() < 1e-12);
    // While the symbol rests its bursts are noticed; a weak one does not hide the strong one before it.
    for (ms, score) in [(1_300, 0.9), (2_300, 0.19)] {
        weak.at_ms = TEN + ms;
        weak.bursts = [Some(score), None];
        assert_eq!(judge.judge("7203", &weak), Verdict::Skipped(Reason::Cooldown));
    }
    (weak.at_ms, weak.bursts) = (TEN + 5_300, [None, None]);
    let expected = 0.30 * 0.9 * (-4.0f64 / 12.0).exp();
    assert!((accepted(judge.judge("7203", &weak)).bonus - expected).abs() < 1e-12);
}

#[test]
fn the_larger_margin_wins_and_a_tie_is_buy() {
    // Only bursts of both sides, in a profile whose thresholds overlap, let both sides pass.
    for (bursts, side) in [
        ([0.9, 0.9], Side::Buy),
        ([0.9, 0.91], Side::Sell),
        ([0.91, 0.9], Side::Buy),
    ] {
        let mut judge = Judge::new(Profile::Demo.rules());
        let mut still = Row {
            uptick: 0.5,
            imbalance: None,
            volume: 0.0,
            ..row(Side::Buy, 0)
        };
        for n in 0..4 {
            still.at_ms = TEN + n * 300;
            judge.judge("7203", &still);
        }
        (still.at_ms, still.volume) = (TEN + 1_200, 100.0);
        still.bursts = bursts.map(Some);
        let score = accepted(judge.judge("7203", &still));
        assert_eq!(score.side, side, "{bursts:?}");
        assert!((score.base - 0.45).abs() < 1e-12 && score.total() >= 0.60);
    }
}

#[test]
fn a_row_is_judged_once_and_in_order() {
    let rules = Profile::Prod.rules();
    let mut judge = warm(&rules, Side::Buy);
    accepted(judge.judge("7203", &row(Side::Buy, 10_000)));
    assert_eq!(judge.judge("7203", &row(Side::Buy, 10_000)), Verdict::Seen);
    assert_eq!(
        judge.judge("7203", &row(Side::Buy, 9_999)),
        Verdict::Seen,
        "the clock was set back"
    );
    assert_eq!(
        judge.judge("9984", &row(Side::Buy, 9_999)),
        Verdict::Skipped(Reason::Streak),
        "another symbol"
    );
    accepted(judge.judge("7203", &row(Side::Buy, 15_000)));
}

#[test]
fn every_day_begins_anew() {
    const DAY: i64 = 86_400_000;
    let rules = Profile::Prod.rules();
    let mut judge = warm(&rules, Side::Buy);
    accepted(judge.judge("7203", &row(Side::Buy, 300)));
    // 14 hours after ten the next day begins, with an empty buffer; the window that ends then is of the old day.
    accepted(judge.judge("7203", &row(Side::Buy, DAY * 14 / 24)));
    for n in 1..5 {
        let verdict = judge.judge("7203", &row(Side::Buy, DAY * 14 / 24 + n * 300));
        assert_eq!(verdict, Verdict::Skipped(Reason::Streak));
    }
    accepted(judge.judge("7203", &row(Side::Buy, DAY * 14 / 24 + 1_500)));
    // And so does an earlier one that is played afterwards.
    assert_eq!(
        judge.judge("7203", &row(Side::Buy, -DAY)),
        Verdict::Skipped(Reason::Streak)
    );
}

#[test]
fn outside_of_the_hours_nothing_is_judged_nor_remembered() {
    let mut rules = Profile::Prod.rules();
    rules.market_window = vec![(36_000, 36_060), (86_390, 86_400), (0, 10)];
    // A row's time is its window's end: the one at the first second ends before, the one at the last ends within.
    for (after, open) in [(0, false), (1, true), (60_000, true), (60_001, false)] {
        assert_eq!(rules.is_open(TEN + after), open, "{after}");
    }
    let midnight = TEN + 14 * 3_600_000;
    for (after, open) in [
        (-10_000, false),
        (-9_999, true),
        (0, true),
        (1, true),
        (10_000, true),
        (10_001, false),
    ] {
        assert_eq!(rules.is_open(midnight + after), open, "{after}");
    }
    let mut judge = Judge::new(rules);
    for n in 0..5 {
        assert_eq!(judge.judge("7203", &row(Side::Buy, n * 300 - 2_000)), Verdict::Outside);
    }
    assert_eq!(
        judge.judge("7203", &row(Side::Buy, 300)),
        Verdict::Skipped(Reason::Streak)
    );
}

#[test]
fn exp_is_the_same_on_every_machine_and_right() {
    for n in 0..=8_000 {
        let x = -f64::from(n) / 12_000.0;
        let (ours, theirs) = (exp(x), x.exp());
        assert!((ours - theirs).abs() <= theirs * f64::EPSILON, "{x}: {ours} {theirs}");
    }
    let pinned = [
        (0.0, 0x3ff0_0000_0000_0000_u64),
        (-0.5, 0x3fe3_68b2_fc6f_960a),
        (-0.25, 0x3fe8_ebef_9eac_820b),
    ];
    for (x, bits) in pinned {
        assert_eq!(exp(x).to_bits(), bits, "{x}: {:x}", exp(x).to_bits());
    }
}
