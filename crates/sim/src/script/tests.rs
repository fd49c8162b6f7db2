use proptest::prelude::*;

use super::*;
use crate::action::What;

const BASE: Stamp = Stamp::from_s(1_795_131_570);

fn all(script: &mut Script, polls: impl IntoIterator<Item = Stamp>) -> Vec<(Stamp, Vec<Action>)> {
    let mut done = Vec::new();
    for now in polls {
        while let Some(one) = script.take(now) {
            done.push(one);
        }
        assert!(script.next().is_none_or(|at| at > now), "what is due was given");
    }
    done
}

fn close(code: u16) -> Vec<Action> {
    vec![What::Close(code).into()]
}

fn parsed(text: &str) -> Vec<Step> {
    steps_of("steps", &serde_json::from_str(text).expect("JSON")).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_storm_every_few_seconds_until_the_end() {
    let steps = parsed(r#"[{"after":"10s","every":"2s..10s","until":"23:59:59","times":20,"do":"reset"}]"#);
    let run = |seed| {
        let mut script = Script::new(steps.clone(), seed);
        script.begin(BASE);
        all(&mut script, [Stamp::NEVER])
            .into_iter()
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    let storm = run(1);
    assert_eq!((storm.len(), storm[0]), (20, BASE.plus_ms(10_000)));
    for pair in storm.windows(2) {
        let gap = pair[1].ms_since(pair[0]);
        assert!((2_000..=10_000).contains(&gap), "{gap}");
    }
    assert_eq!(storm, run(1));
    assert_ne!(storm, run(2));
}

#[test]
fn chance_is_per_mille_and_of_the_seed() {
    let steps = parsed(r#"[{"after":"1s","every":"1s","times":10000,"chance":100,"do":"reset"}]"#);
    let mut script = Script::new(steps, 7);
    script.begin(BASE);
    let happened = all(&mut script, [Stamp::NEVER])
        .iter()
        .filter(|(_, what)| !what.is_empty())
        .count();
    assert!((850..1150).contains(&happened), "{happened}");
}

#[test]
fn dates_that_have_passed_are_counted_and_never_happen() {
    let steps = parsed(r#"["2020-01-01T09:00:00 reset", "+5s reset"]"#);
    let mut script = Script::new(steps, 1);
    assert_eq!(script.next(), None, "nothing before the beginning");
    assert_eq!(script.begin(BASE), 1);
    assert_eq!(all(&mut script, [Stamp::NEVER]).len(), 1);
}

#[test]
fn steps_are_read_in_every_spelling() {
    let steps = parsed(
        r#"[
            "09:00:05 stall 30s",
            {"at":"09:00:05","do":"stall","for":"30s"},
            {"at":"09:00:05","do":"stall 30s"},
            {"at":"09:00:05","do":["stall"],"for":"30s"},
            {"at":"09:00:05","do":[{"do":"stall","for":"30s"}]}
        ]"#,
    );
    assert!(steps.windows(2).all(|pair| pair[0] == pair[1]), "{steps:?}");
    let mixed =
        parsed(r#"[{"at":"09:00","do":["reset","stall",{"faults":{"fragment":3}},"logout 5s"],"until":"09:01"}]"#);
    let lasts: Vec<String> = mixed[0].actions.iter().map(ToString::to_string).collect();
    assert_eq!(
        lasts,
        [
            "reset",
            "stall until 09:01:00",
            "faults {\"fragment\":3} until 09:01:00",
            "logout 5s"
        ]
    );
    assert_eq!(
        Step::parse("2026-11-20 09:00:05 reset"),
        Step::parse("2026-11-20T09:00:05 reset")
    );
    assert_eq!(Step::parse(r#"{"after":"5s","do":"reset"}"#), Step::parse("+5s reset"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let value = serde_json::json!([
        {"do": "reset"},
        {"at": "25:00", "do": "rest"},
        {"at": "09:00", "after": "1s", "do": "reset"},
        {"at": "09:00", "times": 3, "do": "reset"},
        {"at": "09:00", "every": "5", "chance": 0, "do": "reset"},
        {"at": "09:00", "do": ["reset"], "for": "3s"},
        {"at": "09:00", "do": []},
        {"at": "09:00", "do": "reset", "for": "3s"},
        {"at": "09:00", "every": "1s", "do": [{"do": "close", "cod": 1}]},
        "nine reset",
        "09:00 rest",
        "09:00",
        7,
    ]);
    let problems = steps_of("steps", &value).expect_err("wrong").to_string();
    for said in [
        "steps[0].at  missing",
        "steps[1].at  found \"25:00\"",
        "steps[1].do  unknown name \"rest\"; did you mean \"reset\"?",
        "steps[2].after  either at or after",
        "steps[3].times",
        "steps[4].every  found \"5\"",
        "steps[4].chance  found 0  allowed: a whole number from 1 to 1000",
        "steps[5].do  nothing in this list can last",
        "steps[6].do  the list is empty",
        "steps[7].for  unknown name",
        "steps[8].do[0].cod  unknown name \"cod\"; did you mean \"code\"?",
        "steps[9]  found \"nine\"",
        "steps[10].do  unknown name",
        "steps[11].do  unknown name \"\"",
        "steps[12]  found 7",
    ] {
        assert!(problems.contains(said), "{said}\n{problems}");
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let when = prop_oneof![
        (0i64..86_400).prop_map(|s| When::At(Time::OfDay(s * 1_000_000_000))),
        (0u64..100_000).prop_map(|ms| When::After(Duration::from_millis(ms))),
    ];
    let every = proptest::option::of((50u64..90_000, 0u64..50_000).prop_map(|(least, more)| Every {
        least: Duration::from_millis(least),
        most: Duration::from_millis(least + more),
    }));
    (when, every, 1u32..40, 1u16..=1000, 1000u16..4999).prop_map(|(when, every, times, chance, code)| Step {
        every,
        times: every.map(|_| times),
        chance,
        ..Step::once(when, close(code))
    })
}

proptest! {
    /// However rarely or often it is asked: nothing is lost, the order is that of the clock, the outcome the same.
    #[test]
    fn nothing_is_lost_whoever_asks(
        steps in proptest::collection::vec(any_step(), 0..12),
        seed in any::<u64>(),
        gaps in proptest::collection::vec(1i64..7_200_000, 1..60),
    ) {
        let mut at_once = Script::new(steps.clone(), seed);
        prop_assert_eq!(at_once.begin(BASE), 0);
        let expected = all(&mut at_once, [Stamp::NEVER]);
        let mut now = BASE;
        let polls: Vec<Stamp> = gaps.iter().map(|gap| { now = now.plus_ms(*gap); now }).chain([Stamp::NEVER]).collect();
        let mut bit_by_bit = Script::new(steps.clone(), seed);
        bit_by_bit.begin(BASE);
        prop_assert_eq!(&all(&mut bit_by_bit, polls), &expected);
        prop_assert!(expected.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        let firings: u32 = steps.iter().map(|step| step.times.unwrap_or(1)).sum();
        prop_assert_eq!(expected.len(), firings as usize);
        prop_assert!(expected.iter().all(|(at, _)| *at >= BASE));
    }
}

fn happenings(step: &str, base: &str, to: &str) -> Vec<Stamp> {
    let at = |text: &str| Time::parse(text).expect("a time").next_from(Stamp(0));
    let mut script = Script::new(parsed(&format!("[{step}]")), 5);
    script.begin(at(base));
    std::iter::from_fn(|| script.take(at(to))).map(|(at, _)| at).collect()
}

#[test]
fn a_step_that_repeats_goes_on_when_time_begins_in_its_middle() {
    let storm = r#"{"at":"08:59:53","every":"2s..10s","until":"09:05:00","chance":900,"do":"reset"}"#;
    let whole = happenings(storm, "2026-11-20T08:59:30", "2026-11-20T12:00:00");
    let begun = Time::parse("2026-11-20T09:01:00").expect("a time").next_from(Stamp(0));
    let rest = happenings(storm, "2026-11-20T09:01:00", "2026-11-20T12:00:00");
    assert!(rest.len() > 20 && rest[0].ms_since(begun) <= 10_000, "{rest:?}");
    assert_eq!(rest, whole.into_iter().filter(|at| *at >= begun).collect::<Vec<_>>());
    assert_eq!(
        happenings(storm, "2026-11-20T09:05:01", "2026-11-20T12:00:00"),
        [],
        "over, until tomorrow"
    );
    let night = r#"{"at":"22:00","every":"1h","until":"02:00","do":"reset"}"#;
    assert_eq!(happenings(night, "2026-11-21T00:30:00", "2026-11-21T12:00:00").len(), 2);
    let dated = r#"{"at":"09:00","every":"1m","until":"2026-11-20T09:10:00","do":"reset"}"#;
    assert_eq!(
        happenings(dated, "2026-11-20T08:59:30", "2026-11-20T12:00:00").len(),
        11,
        "not since yesterday"
    );
    assert_eq!(happenings(dated, "2026-11-20T09:05:30", "2026-11-20T12:00:00").len(), 5);
    let few = r#"{"at":"09:00","every":"1m","until":"10:00","times":3,"do":"reset"}"#;
    assert_eq!(
        happenings(few, "2026-11-20T09:01:30", "2026-11-20T12:00:00").len(),
        1,
        "two of three have passed"
    );
    let old = r#"{"at":"2000-01-01T00:00:00","every":"1ms","times":3,"do":"reset"}"#;
    assert_eq!(happenings(old, "2026-11-20T09:00:00", "2026-11-20T12:00:00"), []);
    let endless = r#"{"at":"2000-01-01T00:00:00","every":"1h","do":"reset"}"#;
    assert_eq!(
        happenings(endless, "2026-11-20T09:00:00", "2026-11-20T10:30:00").len(),
        2
    );
}
