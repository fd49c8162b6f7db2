//! Every gate and every reason, on both sides of every profile.

use super::*;

/// What the row after a warm-up becomes; the row is written as for a BUY.
fn after_warm_up(rules: &Rules, side: Side, change: impl Fn(&mut Row)) -> Result<Score, Reason> {
    let mut judge = warm(rules, side);
    let mut plain = row(Side::Buy, 300);
    change(&mut plain);
    match judge.judge("7203", &mirrored(side, plain)) {
        Verdict::Accepted(score) => {
            assert_eq!(score.side, side);
            Ok(score)
        }
        Verdict::Skipped(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_profiles_are_those_of_the_specification() {
    let gates = Profile::ALL.map(|profile| {
        let r = profile.rules();
        let gate = |g: &Gate| (g.uptick, g.imb, g.spread_max_bp, g.vol_min);
        (gate(&r.buy), gate(&r.sell), r.window, r.unknown_spread, r.cooldown_ms)
    });
    assert_eq!(
        gates,
        [
            (
                (0.62, Some(0.15), 3.0, 600.0),
                (0.38, Some(-0.15), 3.0, 600.0),
                5,
                false,
                5_000
            ),
            (
                (0.65, Some(0.0), 5.0, 1_200.0),
                (0.35, Some(0.0), 5.0, 1_200.0),
                4,
                false,
                5_000
            ),
            (
                (0.40, Some(-1.0), 9_999.0, 0.0),
                (0.60, Some(1.0), 9_999.0, 0.0),
                4,
                true,
                5_000
            ),
        ]
    );
    assert_eq!(Profile::default(), Profile::Prod);
}

#[test]
fn each_gate_of_each_profile_passes_at_its_edge_and_refuses_beyond_it() {
    // Per profile: uptick, imbalance, spread and volume at the edge.
    let table = [
        (Profile::Prod, 0.62, 0.15, 3.0, 600.0),
        (Profile::ProdLite, 0.65, 0.0, 5.0, 1_200.0),
    ];
    for (profile, uptick, imb, spread, vol) in table {
        let rules = profile.rules();
        for side in Side::BOTH {
            let test = |change: &dyn Fn(&mut Row)| after_warm_up(&rules, side, change).err();
            // 1 - 0.62 is not the same double as 0.38; a trillionth decides nothing else here.
            assert_eq!(test(&|r| r.uptick = uptick + 1e-12), None, "{profile} {side:?}");
            assert_eq!(
                test(&|r| r.uptick = uptick - 1e-9),
                Some(Reason::Uptick),
                "{profile} {side:?}"
            );
            assert_eq!(test(&|r| r.imbalance = Some(imb)), None, "{profile} {side:?}");
            assert_eq!(
                test(&|r| r.imbalance = Some(imb - 1e-9)),
                Some(Reason::Imb),
                "{profile} {side:?}"
            );
            assert_eq!(test(&|r| r.spread_bp = Some(spread)), None, "{profile} {side:?}");
            assert_eq!(
                test(&|r| r.spread_bp = Some(spread + 1e-9)),
                Some(Reason::Spread),
                "{profile} {side:?}"
            );
            assert_eq!(
                test(&|r| r.spread_bp = None),
                Some(Reason::Spread),
                "unknown: {profile} {side:?}"
            );
            assert_eq!(test(&|r| r.volume = vol + 1e-6), None, "{profile} {side:?}");
            assert_eq!(
                test(&|r| r.volume = vol),
                Some(Reason::Vol),
                "strictly more: {profile} {side:?}"
            );
        }
    }
}

#[test]
fn the_edges_themselves_belong_to_the_gate_on_both_sides() {
    for profile in Profile::ALL {
        let rules = profile.rules();
        for side in Side::BOTH {
            let mut judge = warm(&rules, side);
            let edge = Row {
                uptick: rules.gate(side).uptick,
                imbalance: rules.gate(side).imb,
                ..row(side, 300)
            };
            // What is missing to the threshold is the score's business.
            let verdict = judge.judge("7203", &edge);
            let past_the_gates = matches!(verdict, Verdict::Accepted(_) | Verdict::Skipped(Reason::Base));
            assert!(past_the_gates, "{profile} {side:?}: {verdict:?}");
        }
    }
}

#[test]
fn demo_lets_nearly_everything_through_its_gates() {
    let rules = Profile::Demo.rules();
    for side in Side::BOTH {
        let test = |change: &dyn Fn(&mut Row)| after_warm_up(&rules, side, change).err();
        assert_eq!(test(&|r| r.spread_bp = None), None, "unknown is allowed: {side:?}");
        assert_eq!(test(&|r| r.spread_bp = Some(9_999.0)), None);
        assert_eq!(test(&|r| r.spread_bp = Some(9_999.1)), Some(Reason::Spread));
        assert_eq!(test(&|r| r.imbalance = Some(-1.0)), None, "{side:?}");
        assert_eq!(test(&|r| r.imbalance = None), None, "{side:?}");
        assert_eq!(test(&|r| r.volume = 1.0), None);
        assert_eq!(
            test(&|r| r.volume = 0.0),
            Some(Reason::Vol),
            "strictly more than 0: {side:?}"
        );
        assert_eq!(
            test(&|r| r.uptick = 0.40 + 1e-12),
            Some(Reason::Base),
            "past the gate: {side:?}"
        );
        assert_eq!(test(&|r| r.uptick = 0.40 - 1e-9), Some(Reason::Uptick), "{side:?}");
    }
}

#[test]
fn an_unknown_imbalance_counts_as_zero() {
    for side in Side::BOTH {
        let test = |rules: Rules| after_warm_up(&rules, side, |r| r.imbalance = None).err();
        assert_eq!(test(Profile::Prod.rules()), Some(Reason::Imb));
        assert_eq!(test(Profile::ProdLite.rules()), None);
        let mut not_asked = Profile::Prod.rules();
        (not_asked.buy.imb, not_asked.sell.imb) = (None, None);
        assert_eq!(test(not_asked.clone()), None);
        let against = after_warm_up(&not_asked, side, |r| r.imbalance = Some(-1.0));
        assert_eq!(against.err(), None, "nothing is asked of it: {side:?}");
    }
}

/// A reason and what brings it about.
type Spoil = (Reason, fn(&mut Row));

#[test]
fn the_first_reason_is_told_in_the_order_of_the_specification() {
    let order = [
        Reason::Cooldown,
        Reason::Streak,
        Reason::Vol,
        Reason::Spread,
        Reason::Uptick,
        Reason::Imb,
        Reason::Base,
    ];
    assert_eq!(Reason::ALL, order);
    let rules = Profile::Prod.rules();
    let spoil: [Spoil; 4] = [
        (Reason::Vol, |r| r.volume = 600.0),
        (Reason::Spread, |r| r.spread_bp = None),
        (Reason::Uptick, |r| r.uptick = 0.61),
        (Reason::Imb, |r| r.imbalance = Some(0.14)),
    ];
    for side in Side::BOTH {
        // Everything from one gate on is spoiled: the first of them is the reason.
        for first in 0..spoil.len() {
            let reason = after_warm_up(&rules, side, |r| spoil[first..].iter().for_each(|(_, spoil)| spoil(r)));
            assert_eq!(reason, Err(spoil[first].0), "{side:?}");
        }
        let all = |r: &mut Row| spoil.iter().for_each(|(_, spoil)| spoil(r));
        let mut cold = Judge::new(rules.clone());
        let mut spoiled = row(Side::Buy, 0);
        all(&mut spoiled);
        assert_eq!(
            cold.judge("7203", &mirrored(side, spoiled)),
            Verdict::Skipped(Reason::Streak)
        );
        let mut resting = warm(&rules, side);
        accepted(resting.judge("7203", &row(side, 300)));
        spoiled.at_ms += 600;
        assert_eq!(
            resting.judge("7203", &mirrored(side, spoiled)),
            Verdict::Skipped(Reason::Cooldown)
        );
    }
}

#[test]
fn the_side_that_came_further_gives_the_reason() {
    // The streak says BUY, the row itself says SELL: the streak refuses the SELL, the uptick the BUY.
    let rules = Profile::Prod.rules();
    let mut judge = warm(&rules, Side::Buy);
    assert_eq!(
        judge.judge("7203", &row(Side::Sell, 300)),
        Verdict::Skipped(Reason::Uptick)
    );
}

#[test]
fn the_volume_of_a_code_stands_in_for_the_profiles() {
    for side in Side::BOTH {
        let mut rules = Profile::Prod.rules();
        rules.vol_min_by_ticker.insert("7203".to_owned(), 2_000.0);
        let test = |volume: f64| after_warm_up(&rules, side, move |r| r.volume = volume);
        assert_eq!(test(2_000.0), Err(Reason::Vol));
        // The base score counts from there, too: half of 2,000 more is half of 0.05.
        let expected = 0.80 * 0.9 + 0.15 * 0.5 + 0.05 * 0.5;
        assert!((test(3_000.0).unwrap().base - expected).abs() < 1e-12);
        rules.vol_min_by_ticker = [("9984".to_owned(), 2_000.0)].into();
        assert_eq!(after_warm_up(&rules, side, |r| r.volume = 601.0).err(), None);
    }
}

#[test]
fn the_base_score_is_the_formula() {
    // uptick, imbalance, volume, expected; the minimum is 600.
    let table = [
        (0.9, Some(0.5), 600.0 * 1.5, 0.80 * 0.9 + 0.15 * 0.5 + 0.05 * 0.5),
        (0.9, Some(0.5), 1_200.0, 0.80 * 0.9 + 0.15 * 0.5 + 0.05),
        (0.9, Some(0.5), 1e9, 0.80 * 0.9 + 0.15 * 0.5 + 0.05),
        (1.0, Some(1.0), 1e9, 1.0),
        (0.75, Some(0.0), 1_200.0, 0.65),
        (0.75, Some(-1.0), 1_200.0, 0.65),
        (0.75, None, 1_200.0, 0.65),
    ];
    let mut rules = Profile::Prod.rules();
    (rules.buy.imb, rules.sell.imb) = (None, None);
    for side in Side::BOTH {
        for (uptick, imbalance, volume, expected) in table {
            let score = after_warm_up(&rules, side, |r| {
                (r.uptick, r.imbalance, r.volume) = (uptick, imbalance, volume)
            });
            let score = score.unwrap();
            assert!(
                (score.base - expected).abs() < 1e-12,
                "{side:?} {uptick}: {} {expected}",
                score.base
            );
            assert!(score.bonus == 0.0 && score.total() == score.base && score.base <= 1.0);
        }
    }
}

#[test]
fn the_threshold_is_reached_at_060() {
    let mut rules = Profile::ProdLite.rules();
    // 0.80 * 0.75 is 0.6000000000000001 in doubles; an eighth is exact.
    for (uptick, imbalance, reason) in [(0.75, 0.0, None), (0.749, 0.0, Some(Reason::Base)), (0.749, 0.01, None)] {
        for side in Side::BOTH {
            rules.vol_min_by_ticker.insert("7203".to_owned(), 3_000.0 - 1e-9);
            let change = |r: &mut Row| (r.uptick, r.imbalance) = (uptick, Some(imbalance));
            assert_eq!(after_warm_up(&rules, side, change).err(), reason, "{side:?} {uptick}");
        }
    }
}
