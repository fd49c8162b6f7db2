//! Scripts and actions, seen by a client.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};
use ayumi_sim::{Action, MarketConfig, Recorded, Sim, SimConfig, SimHandle, Source, Speed, Step};
use common::{PATIENCE, Push, ask, register, start};

const START: Stamp = Stamp::from_ms(1_761_869_097_000);

fn lines(count: i64, gap_ms: i64) -> Source {
    let line = |n: i64| Recorded {
        at: START.plus_ms(n * gap_ms),
        text: format!(r#"{{"Symbol":"7203","Exchange":1,"TradingVolume":{}.0}}"#, n * 100).into_bytes(),
        symbol: "7203".into(),
    };
    Source::Lines((0..count).map(line).collect())
}

fn script(steps: &[&str]) -> Vec<Step> {
    steps.iter().map(|step| Step::parse(step).unwrap()).collect()
}

fn act(sim: &SimHandle, action: &str) {
    for action in Action::parse(action).unwrap() {
        sim.act(&action).unwrap();
    }
}

fn marks(push: &mut Push) -> Vec<String> {
    std::iter::from_fn(|| push.frame().ok())
        .take_while(|frame| frame.opcode == 1)
        .map(|frame| String::from_utf8(frame.payload).unwrap())
        .collect()
}

/// Messages at 0, 1, 2, ... s and steps between them: the client sees the same order at every speed.
#[test]
fn steps_fall_between_the_messages_they_stand_between() {
    for speed in [Speed::Times(50.0), Speed::Full] {
        let sim = start(|config| {
            config.source = lines(6, 1000);
            config.speed = speed;
            config.script = script(&["+1500ms send a", "+3s send b", "+4500ms send c", "+10s close 1012"]);
        });
        register(sim.port(), &["7203"]);
        let seen: Vec<String> = marks(&mut Push::open(sim.port()))
            .iter()
            .map(|text| match text.split_once("Volume\":") {
                Some((_, volume)) => volume.chars().take_while(char::is_ascii_digit).collect(),
                None => text.clone(),
            })
            .collect();
        assert_eq!(
            seen,
            ["0", "100", "a", "200", "b", "300", "400", "c", "500"],
            "{speed:?}"
        );
        assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
        assert_eq!(sim.counters().actions.get("send"), Some(&3));
        assert!(sim.now() >= START.plus_ms(10_000));
    }
}

#[test]
fn a_silent_source_runs_its_script() {
    for speed in [Speed::Times(100.0), Speed::Full] {
        let sim = start(|config| {
            config.speed = speed;
            config.start = Some(START);
            config.script = script(&["+1s send one", "+2s send two", "+3s close"]);
        });
        register(sim.port(), &["7203"]);
        assert_eq!(marks(&mut Push::open(sim.port())), ["one", "two"], "{speed:?}");
    }
}

#[test]
fn what_lasts_is_taken_back() {
    let sim = start(|config| {
        config.source = lines(100_000, 100);
        config.speed = Speed::Times(100.0);
    });
    let faults = |sim: &SimHandle| {
        let mut seen = None;
        sim.set_fault(|f| seen = Some((f.fragment, f.reset_after)));
        seen.unwrap()
    };
    // The clock stands: the machine's time counts, as fast as the speed.
    act(&sim, "faults fragment=3 10s");
    act(&sim, "faults fragment=4 reset_after=9000000 30s");
    assert_eq!(faults(&sim), (4, Some(9_000_000)));
    act(&sim, "logout 30s");
    assert_eq!(ask(sim.port(), "GET", "/board/7203@1", "").code(), 4_001_007);
    let deadline = std::time::Instant::now() + PATIENCE;
    while faults(&sim) != (1, None) {
        assert!(
            std::time::Instant::now() < deadline,
            "both are taken back, in whatever order they end"
        );
        std::thread::yield_now();
    }
    while ask(sim.port(), "GET", "/board/7203@1", "").code() == 4_001_007 {
        assert!(std::time::Instant::now() < deadline);
    }
    ask(sim.port(), "POST", "/token", r#"{"APIPassword":"x"}"#);
    register(sim.port(), &["7203"]);
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "stall 50s");
    let before = sim.counters().symbols["7203"].queued;
    assert!(
        sim.wait_until(PATIENCE, |c| c.symbols["7203"].queued > before + 3),
        "resumed by itself"
    );
    act(&sim, "faults fragment=2 2h");
    act(&sim, "heal");
    assert_eq!(faults(&sim), (1, None));
}

/// A source that says how far the clock is: message n leaves at n times 100 ms.
fn ticking() -> SimHandle {
    let sim = start(|config| {
        config.source = lines(1_000_000, 100);
        config.speed = Speed::Times(100.0);
    });
    register(sim.port(), &["7203"]);
    sim
}

/// Waits until so many simulated seconds have passed since `from`.
fn pass(sim: &SimHandle, from: Stamp, seconds: i64) {
    let messages = (from.plus_ms(seconds * 1000).ms_since(START) / 100) as u64 + 1;
    assert!(sim.wait_until(PATIENCE, |c| c.symbols["7203"].messages > messages));
}

fn fault<T>(sim: &SimHandle, read: impl FnOnce(&ayumi_sim::Faults) -> T) -> T {
    let mut seen = None;
    sim.set_fault(|f| seen = Some(read(f)));
    seen.unwrap()
}

#[test]
fn the_end_of_an_action_ends_no_later_one() {
    let sim = ticking();
    let mut push = Push::open(sim.port());
    push.text();
    for (short, long) in [
        ("stall 5s", "stall 2h"),
        ("logout 5s", "logout 2h"),
        ("refuse 5s", "refuse 2h"),
        ("faults fragment=3 5s", "faults fragment=4 2h"),
        ("maintenance 429 5s", "maintenance 503 2h"),
    ] {
        act(&sim, short);
        act(&sim, long);
    }
    let queued = sim.counters().symbols["7203"].queued;
    pass(&sim, sim.now(), 10);
    assert_eq!(sim.counters().symbols["7203"].queued, queued, "stalled");
    assert_eq!(fault(&sim, |f| (f.fragment, f.refuse.is_some())), (4, true));
    assert_eq!(fault(&sim, |f| f.maintenance), Some(ayumi_sim::Maintenance::Stopped));
    act(&sim, r#"[{"faults": {"maintenance": null, "refuse": null}}]"#);
    assert_eq!(ask(sim.port(), "GET", "/board/7203@1", "").code(), 4_001_007);
}

#[test]
fn the_one_before_goes_on_when_a_later_one_ends() {
    let sim = ticking();
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "faults fragment=3 2h");
    act(&sim, "faults fragment=4 5s");
    act(&sim, "stall");
    act(&sim, "stall 5s");
    let queued = sim.counters().symbols["7203"].queued;
    pass(&sim, sim.now(), 10);
    assert_eq!(fault(&sim, |f| f.fragment), 3);
    assert_eq!(sim.counters().symbols["7203"].queued, queued, "it was to stay stalled");
}

#[test]
fn what_was_changed_since_is_not_taken_back() {
    let sim = ticking();
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "refuse 5s");
    act(&sim, "listen");
    act(&sim, "refuse");
    act(&sim, "faults fragment=3 drip=900000 5s");
    act(&sim, "faults fragment=7");
    sim.set_fault(|f| f.drip = Some(800_000));
    act(&sim, "logout 5s");
    act(&sim, "login");
    act(&sim, "logout");
    pass(&sim, sim.now(), 10);
    assert_eq!(fault(&sim, |f| (f.fragment, f.drip)), (7, Some(800_000)));
    assert!(fault(&sim, |f| f.refuse.is_some()), "refused for good");
    act(&sim, "listen");
    assert_eq!(ask(sim.port(), "GET", "/board/7203@1", "").code(), 4_001_007);
}

#[test]
fn healing_ends_everything_that_is_held() {
    let sim = ticking();
    let mut push = Push::open(sim.port());
    push.text();
    for action in [
        "stall 2h",
        "logout 2h",
        "refuse 2h",
        "faults fragment=3 2h",
        "maintenance",
    ] {
        act(&sim, action);
    }
    act(&sim, "heal");
    let queued = sim.counters().symbols["7203"].queued;
    assert!(
        sim.wait_until(PATIENCE, |c| c.symbols["7203"].queued > queued + 3),
        "no stall"
    );
    assert_eq!(fault(&sim, |f| (f.fragment, f.refuse, f.maintenance)), (1, None, None));
    assert_eq!(
        ask(sim.port(), "GET", "/board/7203@1", "").code(),
        4_001_009,
        "logged in, the token is dead"
    );
    act(&sim, "kick 2h");
    assert!(sim.wait_until(PATIENCE, |c| c.takeovers == 1 && c.push_clients_now == 1));
    act(&sim, "heal");
    assert!(
        sim.wait_until(PATIENCE, |c| c.push_clients_now == 0),
        "the other client goes"
    );
}

#[test]
fn n14_a_ghost_takes_over_with_either_behaviour() {
    let sim = start(|config| {
        config.source = lines(1_000_000, 100);
        config.speed = Speed::Times(100.0);
    });
    register(sim.port(), &["7203"]);
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "kick close 10s");
    while push.frame().unwrap().opcode == 1 {}
    assert!(
        sim.wait_until(PATIENCE, |c| c.takeovers == 1 && c.push_clients_now == 0),
        "the ghost goes"
    );
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "kick starve 10s");
    assert!(sim.wait_until(PATIENCE, |c| c.takeovers == 2 && c.push_clients_now == 1));
    push.reader
        .stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    while push.frame().is_ok() {}
    assert_eq!(sim.counters().push_clients_now, 1, "open, and starving");
    let mut seen = None;
    sim.set_fault(|f| seen = Some(f.takeover));
    assert_eq!(seen, Some(ayumi_sim::Takeover::Close), "the setting is as before");
}

#[test]
fn a_restart_takes_list_token_and_line() {
    let sim = start(|config| {
        config.source = lines(1_000_000, 100);
        config.speed = Speed::Times(50.0);
    });
    register(sim.port(), &["7203"]);
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "restart");
    while push.frame().is_ok() {}
    assert_eq!(
        ask(sim.port(), "PUT", "/register", r#"{"Symbols":[]}"#).code(),
        4_001_009
    );
    ask(sim.port(), "POST", "/token", r#"{"APIPassword":"x"}"#);
    assert!(
        !ask(sim.port(), "PUT", "/register", r#"{"Symbols":[]}"#)
            .body
            .contains("7203")
    );
}

#[test]
fn the_clock_steps_for_the_station_only_and_the_end_ends() {
    let sim = start(|config| {
        config.source = lines(1_000_000, 100);
        config.speed = Speed::Times(1.0);
        config.start = Some(START);
        config.control_port = Some(0);
    });
    register(sim.port(), &["7203"]);
    let mut push = Push::open(sim.port());
    push.text();
    act(&sim, "clock_step -1h");
    assert!(sim.now() >= START);
    act(&sim, "end");
    assert!(sim.wait_until(PATIENCE, |c| c.source_finished));
    let wrong = sim
        .act(&Action::parse("halt 7203").unwrap()[0])
        .unwrap_err()
        .to_string();
    assert!(
        wrong.to_string().contains("generated market") && wrong.contains("halt"),
        "{wrong}"
    );
}

/// The same seed gives the same bytes, script and chances included.
#[test]
fn the_same_seed_gives_the_same_day() {
    let day = |seed| {
        let sim = start(|config| {
            let symbols = ["7203", "9984"].map(Symbol::tse).to_vec();
            config.source = Source::Market(MarketConfig::new(seed, symbols, 20.0));
            config.start = Some(START);
            config.end = Some(START.plus_ms(60_000));
            config.speed = Speed::Full;
            config.script_seed = seed;
            config.script = script(&[
                r#"{"after":"1s","every":"1s..9s","chance":500,"times":9,"do":"send x"}"#,
                "+20s rush 5 10s",
                "+55s lock 7203",
            ]);
        });
        register(sim.port(), &["7203", "9984"]);
        let mut push = Push::open(sim.port());
        let mut all = Vec::new();
        push.reader
            .stream
            .set_read_timeout(Some(Duration::from_millis(500)))
            .unwrap();
        while let Ok(frame) = push.frame() {
            all.push(frame.payload);
        }
        assert!(sim.counters().source_finished, "seen to the end");
        all
    };
    let first = day(3);
    assert!(first.iter().any(|text| text == b"x"));
    assert_eq!(first, day(3));
    assert_ne!(first, day(4));
}

fn market(codes: &[&str]) -> Source {
    Source::Market(MarketConfig::new(
        1,
        codes.iter().map(|c| Symbol::tse(c)).collect(),
        20.0,
    ))
}

#[test]
fn what_cannot_happen_is_refused_with_what_can() {
    let sim = start(|config| config.source = market(&["7203", "9984"]));
    let said = |action: &str| sim.act(&Action::parse(action).unwrap()[0]).unwrap_err().to_string();
    for action in ["halt 9999", "rush 5 9999,7203", "lock 9999@1", "silence 7203@3"] {
        let said = said(action);
        assert!(said.contains("There are: 7203, 9984"), "{action}: {said}");
    }
    assert_eq!(sim.counters().actions.len(), 0, "nothing was done");
    for number in ["rush 1e9", "rush 2.5", "rush -3"] {
        let said = Action::parse(number).unwrap_err().to_string();
        assert!(
            said.contains("factor  found") && said.contains("from 1 to 1000"),
            "{number}: {said}"
        );
    }
    assert!(Action::parse("rush 285A").is_ok(), "a code with a letter");
}

#[test]
fn a_script_that_cannot_happen_is_refused_at_the_start() {
    let said = |source: Source, steps: &[&str]| {
        let config = SimConfig {
            source,
            script: script(steps),
            ..SimConfig::default()
        };
        match Sim::start(config) {
            Ok(_) => panic!("started"),
            Err(error) => error.to_string(),
        }
    };
    let both = said(
        market(&["7203"]),
        &["09:00 halt 9984", "+1s rush 5 8306 1m", "+2s reset"],
    );
    assert!(
        both.contains("halt: there is no 9984 here") && both.contains("rush: there is no 8306"),
        "{both}"
    );
    for source in [lines(3, 1000), Source::Silent] {
        let said = said(source, &["+1s halt"]);
        assert!(said.contains("halt: only a generated market"), "{said}");
    }
}
