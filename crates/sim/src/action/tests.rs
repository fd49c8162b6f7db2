use super::decode::FORMS;
use super::*;
use crate::faults::Faults;

fn one(text: &str) -> Action {
    let mut all = Action::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0)
}

fn wrong(text: &str) -> String {
    match Action::parse(text) {
        Err(problems) => problems.to_string(),
        Ok(actions) => panic!("{text}: {actions:?}"),
    }
}

#[test]
fn short_form_and_json_are_the_same() {
    for (short, json) in [
        ("reset", r#"{"do":"reset"}"#),
        ("close 1011", r#"{"do":"close","code":1011}"#),
        ("stall 30s", r#"{"do":"stall","for":"30s"}"#),
        ("stall for 30s", r#"{"do":"stall 30s"}"#),
        ("kick starve 5s", r#"{"do":"kick","takeover":"starve","for":"5s"}"#),
        ("kick", r#"{"do":"kick"}"#),
        ("Replace-Token", r#"{"do":"replace_token"}"#),
        ("restart 20s", r#"{"do":"restart","for":"20s"}"#),
        ("maintenance 429 1m", r#"{"do":"maintenance","status":429,"for":"1m"}"#),
        (
            "faults reset_after=3 fragment=2 2m",
            r#"{"faults":{"reset_after":3,"fragment":2},"for":"2m"}"#,
        ),
        (
            r#"faults {"reset_after": 3} until 09:05:00"#,
            r#"{"do":"faults","faults":{"reset_after":3},"until":"09:05:00"}"#,
        ),
        (
            "special_quote sell 7203 until 09:05:00",
            r#"{"do":"special_quote","side":"sell","symbol":"7203","until":"09:05:00"}"#,
        ),
        ("special_quote 09:05", r#"{"do":"special_quote","until":"09:05"}"#),
        (
            "halt 7203,9984 2m",
            r#"{"do":"halt","symbol":["7203","9984@1"],"for":"2m"}"#,
        ),
        ("halt 2m", r#"{"do":"halt","for":"2m"}"#),
        ("limit buy 285A", r#"{"do":"limit","side":"buy","symbol":"285A"}"#),
        ("rush 10 30s", r#"{"do":"rush","factor":10,"for":"30s"}"#),
        ("rush 10 7203", r#"{"do":"rush","factor":10,"symbol":7203}"#),
        ("rush symbol=7203", r#"{"do":"rush","symbol":"7203"}"#),
        ("zero_quotes", r#"{"do":"zero_quotes"}"#),
        (r#"send {"a": 1}"#, r#"{"do":"send","text":"{\"a\": 1}"}"#),
        ("clock_step -30s", r#"{"do":"clock_step","by":"-30s"}"#),
    ] {
        assert_eq!(one(short), one(json), "{short}");
    }
    assert_eq!(one("close").what, What::Close(1001));
    assert_eq!(
        one(r#"{"do":"send","message":{"Symbol":"7203"}}"#).what,
        What::Send(r#"{"Symbol":"7203"}"#.into())
    );
    assert_eq!(Action::parse(r#"["reset",{"do":"stall"}]"#).map(|all| all.len()), Ok(2));
}

#[test]
fn every_action_can_be_read_and_said_again() {
    for form in FORMS {
        let text = match form.name {
            "faults" => "faults reset_after=1".to_owned(),
            "send" => "send {}".to_owned(),
            "clock_step" => "clock_step +1m".to_owned(),
            name => name.to_owned(),
        };
        let action = one(&text);
        assert_eq!(action.name(), form.name);
        if form.name != "send" {
            assert_eq!(one(&action.to_string()), action, "{action}");
        }
        if form.lasts {
            let lasting = one(&format!("{text} 30s"));
            assert_eq!(lasting.lasts, Lasts::For(Duration::from_secs(30)), "{text}");
            assert_eq!(one(&lasting.to_string()), lasting);
        } else if form.name != "send" {
            assert!(Action::parse(&format!("{text} 30s")).is_err(), "{text} has no end");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_the_next_step() {
    for (text, said) in [
        ("rest", "did you mean \"reset\"?"),
        ("", "allowed: reset, close, stall"),
        ("stall 30", "cannot make sense of \"30\""),
        ("reset 30s", "unknown name \"for\""),
        ("{", "no JSON"),
        ("[]", "the list is empty"),
        (r#"{"for":"30s"}"#, "do  missing"),
        (r#"{"do":3}"#, "do  found 3  allowed: the name of an action"),
        (r#"["reset", 5]"#, "[1]  found 5"),
        (
            r#"{"do":"stall","fro":"30s"}"#,
            "fro  unknown name \"fro\"; did you mean \"for\"?",
        ),
        (
            r#"{"do":"stall","for":30}"#,
            "for  found 30  allowed: a time with its unit",
        ),
        (r#"{"do":"stall","for":"0s"}"#, "for  found \"0s\""),
        (r#"{"do":"stall","for":"1s","until":"09:00"}"#, "either for or until"),
        (
            r#"{"do":"close","code":3}"#,
            "code  found 3  allowed: a whole number from 1000 to 4999",
        ),
        (r#"{"do":"halt","symbol":"72 0x3!"}"#, "\"0x3!\" is no symbol"),
        (
            "faults takeovr=Close",
            "faults.takeovr  unknown name \"takeovr\"; did you mean \"takeover\"?",
        ),
        (
            "faults takeover=Steal",
            "faults.takeover  found \"Steal\"  unknown variant",
        ),
        ("faults", "faults  missing"),
        ("clock_step", "by  missing"),
        ("send", "text  missing"),
        ("maintenance 500", "status  found 500"),
    ] {
        let problems = wrong(text);
        assert!(problems.contains(said), "{text}: {problems}");
    }
    let both = wrong(r#"{"faults":{"reset_aftr":1,"ping":"Ping"},"until":9}"#);
    assert_eq!(both.lines().count(), 3, "{both}");
}

#[test]
fn faults_are_merged_by_name() {
    let change = |text: &str| match one(text).what {
        What::Faults(map) => map,
        other => panic!("{other:?}"),
    };
    let before = Faults {
        reset_after: Some(9),
        fragment: 2,
        ..Faults::default()
    };
    let map = change(r#"faults {"reset_after":null,"board_delay":"5s","fragment":3}"#);
    let after = merged(&before, "", &map).expect("valid");
    assert_eq!((after.reset_after, after.serial), (None, true));
    assert_eq!((after.board_delay, after.fragment), (Duration::from_secs(5), 3));
    let map = change(r#"faults {"rest":[{"path":"/board","answer":{"late":{"delay":"1.5s"}}}]}"#);
    let late = merged(&before, "", &map).expect("valid");
    assert_eq!(late.rest.len(), 1, "{late:?}");
}

#[test]
fn faults_of_messages_are_changed_one_by_one() {
    let change = |text: &str| match one(text).what {
        What::Faults(map) => map,
        other => panic!("{other:?}"),
    };
    let both = [
        "faults {\"messages\":{\"crossed\":true}}",
        "faults {\"messages\":{\"lag\":20}}",
    ];
    let faults = both.iter().fold(Faults::default(), |faults, text| {
        merged(&faults, "", &change(text)).expect("valid")
    });
    assert_eq!(faults.messages.len(), 2, "{faults:?}");
    let one_less = merged(&faults, "", &change("faults {\"messages\":{\"crossed\":null}}")).expect("valid");
    assert_eq!(one_less.messages.len(), 1);
    let said = wrong("faults {\"messages\":{\"crosed\":true}}");
    assert!(
        said.contains("faults.messages.crosed") && said.contains("did you mean \"crossed\"?"),
        "{said}"
    );
    let said = wrong("faults takeover=clos");
    assert!(said.contains("did you mean \"close\"?"), "{said}");
}

#[test]
fn no_text_panics() {
    let pieces = [
        "reset", "{", "}", "\"", "do", ":", "stall", "30s", "=", ",", "7203", "until", "[", "]", "\u{3000}", "faults",
        "{}",
    ];
    let mut dice = 7u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..6 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(pieces[(dice >> 33) as usize % pieces.len()]);
            if dice >> 62 == 0 {
                text.push(' ');
            }
        }
        let _ = Action::parse(&text);
    }
}

#[test]
fn numbers_of_faults_have_their_range() {
    for (fields, said) in [
        (
            r#"{"first_touch_slow":5000}"#,
            "faults.first_touch_slow  found 5000  allowed: a chance per mille, 0 to 1000",
        ),
        (
            r#"{"close_chance":-0.5}"#,
            "faults.close_chance  found -0.5  allowed: a chance per mille",
        ),
        (
            r#"{"reset_chance":1000.1}"#,
            "faults.reset_chance  found 1000.1  allowed: a chance per mille",
        ),
        (
            r#"{"close_code":1}"#,
            "faults.close_code  found 1  allowed: a whole number from 1000 to 4999, or null",
        ),
        (
            r#"{"close_code":99999}"#,
            "faults.close_code  found 99999  allowed: a whole number from 1000",
        ),
        (
            r#"{"upgrade":{"status":9999}}"#,
            "faults.upgrade.status  found 9999  allowed: an HTTP status from 200 to 599",
        ),
        (
            r#"{"ping_every":0}"#,
            "faults.ping_every  found 0  allowed: a duration from 1ms to 24h",
        ),
        (
            r#"{"ping_every":"0s"}"#,
            "faults.ping_every  found 0  allowed: a duration from 1ms to 24h",
        ),
        (
            r#"{"board_delay":-5}"#,
            "faults.board_delay  found -5  allowed: a duration from 0 to 24h",
        ),
        (
            r#"{"board_delay":"30h"}"#,
            "faults.board_delay  found 108000000  allowed: a duration from 0 to 24h",
        ),
        (
            r#"{"drip":0}"#,
            "faults.drip  found 0  allowed: a whole number of bytes per second from 1",
        ),
        (
            r#"{"drip":"NaN"}"#,
            "faults.drip  found \"NaN\"  allowed: a whole number of bytes",
        ),
        (
            r#"{"reset_after":0}"#,
            "faults.reset_after  found 0  allowed: a whole number of messages from 1, or null",
        ),
        (
            r#"{"stall_after":-1}"#,
            "faults.stall_after  found -1  allowed: a whole number of messages from 1",
        ),
        (
            r#"{"reset_on_burst":1.5}"#,
            "faults.reset_on_burst  found 1.5  allowed: a whole number",
        ),
        (
            r#"{"fragment":100000}"#,
            "faults.fragment  found 100000  allowed: a whole number of frames",
        ),
        (
            r#"{"rest":[{"path":"","answer":"never"},{"path":"","chance":1001,"answer":"reset"}]}"#,
            "faults.rest[1].chance  found 1001  allowed: a chance per mille",
        ),
        (
            r#"{"rest":[{"path":"","answer":{"error":{"status":99,"code":1}}}]}"#,
            "faults.rest[0].answer.error.status  found 99  allowed: an HTTP status",
        ),
        (
            r#"{"tape":[{"trouble":{"huge":{"bytes":99999999}}}]}"#,
            "faults.tape[0].trouble.huge.bytes  found 99999999",
        ),
    ] {
        let problems = wrong(&format!("faults {fields}"));
        assert!(problems.contains(said), "{fields}: {problems}");
    }
    for fine in [
        r#"{"close_code":null,"ping_every":null,"drip":null,"reset_after":1,"first_touch_slow":1000}"#,
        r#"{"upgrade":{"status":503},"board_delay":0,"close_chance":0.5,"half_open_in":0}"#,
    ] {
        one(&format!("faults {fine}"));
    }
}
