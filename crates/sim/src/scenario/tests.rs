use super::*;
use crate::action::What;

const NOW: Stamp = Stamp::from_s(1_795_131_570);

fn market(config: SimConfig) -> MarketConfig {
    match config.source {
        Source::Market(market) => market,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_scenario_says_everything() {
    let scenario = Scenario::parse(
        r#"{
            "about": "x", "about_ja": "え", // both
            "seed": 7, "symbols": ["7203", "167060019@23", 9984], "rate": 12.5, "hours": "Session",
            "start": "08:59:30", "end": "09:10", "speed": 2, "prices": "p.csv", "truth": "t.csv", "limit": 60,
            "wait": false, "faults": {"reset_after": 9, "board_delay": "2s"},
            "steps": [{"at": "09:00:05", "do": "reset"}, "+5s stall 3s"]
        }"#,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let config = scenario.config(NOW);
    let day = NOW.date().midnight_s();
    assert_eq!(config.start, Some(Stamp::from_s(day + 8 * 3600 + 59 * 60 + 30)));
    assert_eq!(config.end, Some(Stamp::from_s(day + 9 * 3600 + 600)));
    assert_eq!(
        (config.list_limit, config.speed, config.wait_for_client),
        (60, Speed::Times(2.0), false)
    );
    assert_eq!(
        (config.faults.reset_after, config.script.len(), config.script_seed),
        (Some(9), 2, 7)
    );
    let market = market(config);
    assert_eq!((market.seed, market.per_second, market.symbols.len()), (7, 12.5, 3));
    assert_eq!(
        (market.hours, market.prices),
        (Hours::Session, Some(PathBuf::from("p.csv")))
    );
}

#[test]
fn what_is_not_said_is_usual() {
    let plain = Scenario::parse("{}").expect("valid");
    assert_eq!(plain, Scenario::default());
    let market_of = |text: &str| market(Scenario::parse(text).expect("valid").config(NOW));
    assert_eq!(market_of("{}").hours, Hours::Always);
    assert_eq!(
        market_of(r#"{"start":"09:00"}"#).hours,
        Hours::Session,
        "a start means the exchange's hours"
    );
    assert_eq!(market_of(r#"{"start":"09:00","hours":"always"}"#).hours, Hours::Always);
    assert_eq!(market_of("{}").symbols.len(), 10);
    assert_eq!(market_of(r#"{"symbols":50}"#).symbols.len(), 50);
    assert_eq!(market_of(r#"{"symbols":"7203, 9984"}"#).symbols.len(), 2);
}

#[test]
fn a_recording_is_played_looped_and_cloned() {
    let text = r#"{"play":"day.jsonl.gz","loop":true,"seam":"new_day","clones":["9984=7203","8306 = 7203 + 2s"],"speed":"full"}"#;
    let config = Scenario::parse(text).unwrap_or_else(|e| panic!("{e}")).config(NOW);
    assert_eq!(config.speed, Speed::Full);
    let Source::Recording(recording) = config.source else {
        panic!("a recording")
    };
    assert_eq!((recording.repeat, recording.seam), (Repeat::Forever, Seam::NewDay));
    assert_eq!(recording.clones[1].offset, Duration::from_secs(2));
    assert_eq!(parse_clone("9984=7203"), Ok(recording.clones[0].clone()));
    assert!(parse_clone("9984:7203").is_err());
}

#[test]
fn all_problems_are_said_at_once() {
    let problems = Scenario::parse(
        r#"{
            "abuot": "x", "seed": -1, "symbols": 0, "rate": "fast", "hours": "open", "start": "9", "speed": 0,
            "limit": 0, "loop": true, "wait": "no",
            "faults": {"reset_aftr": 1, "takeover": "steal"},
            "steps": [{"at": "09:00", "do": "rest"}, {"do": "reset"}]
        }"#,
    )
    .expect_err("wrong")
    .to_string();
    for said in [
        "abuot  unknown name \"abuot\"; did you mean \"about\"?",
        "seed  found -1",
        "symbols  found 0  allowed: a whole number from 1 to",
        "rate  found \"fast\"  allowed: a number from 0.01",
        "hours  found \"open\"  allowed: \"session\" or \"always\"",
        "start  found \"9\"",
        "speed  found 0  allowed: a factor",
        "limit  found 0",
        "loop  belongs to a recording",
        "wait  found \"no\"  allowed: true or false",
        "faults.reset_aftr  unknown name \"reset_aftr\"; did you mean \"reset_after\"?",
        "faults.takeover  found \"steal\"",
        "steps[0].do  unknown name \"rest\"",
        "steps[1].at  missing",
    ] {
        assert!(problems.contains(said), "{said}\n{problems}");
    }
    for (text, said) in [
        ("", "line 1, column 0: no JSON: EOF"),
        ("[]", "a scenario is an object"),
        (
            "{\n  \"rate\": 5,\n  \"seed\" 1\n}",
            "line 3, column 10: no JSON: expected `:`",
        ),
        (r#"{"play":"x","symbols":5}"#, "symbols  belongs to a generated market"),
    ] {
        let problems = Scenario::parse(text).expect_err("wrong").to_string();
        assert!(problems.contains(said), "{text}: {problems}");
    }
}

#[test]
fn every_ready_scenario_loads_and_is_the_file_of_its_name() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/scenarios");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<String> = READY.iter().map(|(name, _)| format!("{name}.json")).collect();
    names.sort();
    assert_eq!(files, names, "every file is built in");
    for (name, text) in READY {
        let scenario = Scenario::parse(text).unwrap_or_else(|e| panic!("{name}:\n{e}"));
        let (about, about_ja) = (scenario.about.clone(), scenario.about_ja.clone());
        assert!(
            about.is_some_and(|text| text.is_ascii() && text.ends_with('.')),
            "{name}"
        );
        assert!(about_ja.is_some_and(|text| !text.is_ascii()), "{name}");
        assert!(scenario.start.is_some(), "{name} starts near its event");
        let config = scenario.config(NOW);
        let start = config.start.expect("a start");
        for step in &scenario.steps {
            let mut script = crate::script::Script::new(vec![step.clone()], 1);
            script.begin(start);
            let first = script.next().expect("it happens");
            assert!(
                first.ms_since(start) <= 120_000,
                "{name}: {step:?} is not near the start"
            );
        }
        if let Source::Market(market) = &config.source {
            for action in scenario.steps.iter().flat_map(|step| &step.actions) {
                if let What::Market(symbols, _) = &action.what {
                    assert!(symbols.iter().all(|s| market.symbols.contains(s)), "{name}: {action}");
                }
            }
        }
    }
    assert_eq!(Scenario::ready("nowhere"), None);
}

#[test]
fn a_key_that_stands_twice_is_refused_with_its_place() {
    for (text, said) in [
        ("{\"rate\": 5,\n \"rate\": 6}", "line 2, column"),
        (
            r#"{"faults": {"fragment": 2, "fragment": 3}}"#,
            "\"fragment\" stands there twice",
        ),
        (
            r#"{"steps": [{"at": "09:00", "do": "reset", "at": "09:01"}]}"#,
            "\"at\" stands there twice",
        ),
    ] {
        let problems = Scenario::parse(text).expect_err("twice").to_string();
        assert!(problems.contains(said) && !problems.contains("no JSON"), "{problems}");
    }
    assert!(crate::Action::parse(r#"{"do": "stall", "for": "1s", "for": "2s"}"#).is_err());
}

/// The scenario's messages on the simulated clock, which at speed 1 is the one that bursts are measured with: lines that
/// were cut come back after a second, by the storm or by a burst.
#[test]
fn n02_the_flaky_line_meets_its_bursts_at_speed_1() {
    use crate::feed::Feed;

    let text = Scenario::ready("flaky-line").expect("it is there");
    let config = Scenario::parse(text).expect("valid").config(NOW);
    let most = config.faults.reset_on_burst.expect("it has bursts");
    let start = config.start.expect("a start");
    let mut script = crate::script::Script::new(config.script.clone(), config.script_seed);
    script.begin(start);
    let mut station = crate::rest::Station::new(&config);
    let mut feed = Feed::open(&config).expect("a market");
    feed.prime(&mut station);
    let (mut recent, mut text) = (std::collections::VecDeque::new(), Vec::new());
    let (mut back, mut resets, mut bursts) = (start, 0, 0);
    while feed.peek().is_some_and(|at| at <= start.plus_ms(330_000)) {
        text.clear();
        let Some(item) = feed.take(&mut station, &mut text) else {
            continue;
        };
        while let Some((at, _)) = script.take(item.at) {
            resets += 1;
            back = at.plus_ms(1_000);
            recent.clear();
        }
        if item.at < back {
            continue;
        }
        recent.retain(|at: &Stamp| item.at.ms_since(*at) <= 100);
        recent.push_back(item.at);
        if recent.len() > most {
            bursts += 1;
            back = item.at.plus_ms(1_000);
            recent.clear();
        }
    }
    assert!(resets > 30, "{resets} by the storm");
    assert!(bursts > 0, "no burst in {resets} lines");
}
