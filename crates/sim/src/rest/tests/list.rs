//! The registration list.

use super::*;

#[test]
fn the_list_adds_reads_back_and_empties() {
    let mut s = station(50);
    assert_eq!(
        register(&mut s, &["7203"]),
        (200, r#"{"RegistList":[{"Symbol":"7203","Exchange":1}]}"#.into())
    );
    let (_, both) = register(&mut s, &["285A", "7203"]);
    assert_eq!(ask(&mut s, "PUT", "/register", r#"{"Symbols":[]}"#).1, both);
    assert!(both.contains("285A") && both.matches("7203").count() == 1);
    let (status, left) = ask(
        &mut s,
        "PUT",
        "/unregister",
        r#"{"Symbols":[{"Symbol":"7203","Exchange":1}]}"#,
    );
    assert_eq!((status, left.contains("7203")), (200, false));
    assert_eq!(
        ask(&mut s, "PUT", "/unregister/all", ""),
        (200, r#"{"RegistList":[]}"#.into())
    );
}

#[test]
fn touched_symbols_take_slots_but_get_no_push() {
    let mut s = station(2);
    assert_eq!(ask(&mut s, "GET", "/board/9984@1", "").0, 200);
    let slot = s.slot(&Symbol::tse("9984"));
    assert!(!s.boards.get(slot).unwrap().wanted, "issue 653");
    assert_eq!(register(&mut s, &["7203"]).0, 200);
    let (status, body) = register(&mut s, &["6501"]);
    assert_eq!((status, code_of(&body)), (400, code::LIST_FULL));
    let (status, body) = ask(&mut s, "GET", "/board/6501@1", "");
    assert_eq!((status, code_of(&body)), (400, code::LIST_FULL));
    assert_eq!(register(&mut s, &["9984"]).0, 200, "keeps its slot");
    assert!(s.boards.get(slot).unwrap().wanted);
}

#[test]
fn a_list_that_does_not_fit_adds_nothing() {
    let mut s = station(2);
    let (status, body) = register(&mut s, &["7203", "9984", "6501"]);
    assert_eq!((status, code_of(&body)), (400, code::LIST_FULL));
    assert_eq!(
        ask(&mut s, "PUT", "/register", r#"{"Symbols":[]}"#).1,
        r#"{"RegistList":[]}"#
    );
    assert_eq!(register(&mut s, &["7203", "9984", "7203"]).0, 200, "twice is once");
}

#[test]
fn unknown_codes_are_refused_without_naming_them() {
    let mut s = station(50);
    s.faults.bad_symbols.insert("9999".into());
    for bad in ["9999", "72", "7203a", "７２０３", "ABCDEFGHIJKLM"] {
        let (status, body) = register(&mut s, &[bad]);
        assert_eq!((status, code_of(&body)), (400, code::NONE_REGISTERED), "{bad}");
    }
    let (status, body) = register(&mut s, &["9999", "7203"]);
    assert_eq!((status, code_of(&body)), (400, code::SOME_REGISTERED));
    assert!(
        ask(&mut s, "PUT", "/register", r#"{"Symbols":[]}"#).1.contains("7203"),
        "the good one is in"
    );
    for path in ["/board/9999@1", "/board/7203", "/board/7203@9", "/board/@1", "/board/"] {
        let (status, body) = ask(&mut s, "GET", path, "");
        assert_eq!((status, code_of(&body)), (400, code::UNKNOWN_SYMBOL), "{path}");
    }
}

#[test]
fn what_is_not_on_the_list_cannot_be_taken_off() {
    let mut s = station(50);
    assert_eq!(register(&mut s, &["7203"]).0, 200);
    let mut take_off = |codes: &[&str]| {
        let list: Vec<String> = codes
            .iter()
            .map(|c| format!(r#"{{"Symbol":"{c}","Exchange":1}}"#))
            .collect();
        let (status, body) = ask(
            &mut s,
            "PUT",
            "/unregister",
            &format!(r#"{{"Symbols":[{}]}}"#, list.join(",")),
        );
        if status == 200 { 200 } else { code_of(&body) }
    };
    assert_eq!(take_off(&["9984"]), 4_001_020);
    assert_eq!(take_off(&["9984", "7203"]), 4_001_021);
    assert_eq!(take_off(&["7203"]), 4_001_020, "gone already");
    assert_eq!(take_off(&[]), 200);
}

#[test]
fn one_contract_is_three_entries_and_currency_pairs_are_listed() {
    let mut s = station(3);
    let entry = |code: &str, exchange: u16| format!(r#"{{"Symbols":[{{"Symbol":"{code}","Exchange":{exchange}}}]}}"#);
    assert_eq!(ask(&mut s, "PUT", "/register", &entry("167060019", 2)).0, 200);
    assert_eq!(ask(&mut s, "GET", "/symbol/167060019@23", "").0, 200, "another slot");
    assert_eq!(ask(&mut s, "PUT", "/register", &entry("EUR/USD", 300)).0, 200);
    let (status, body) = ask(&mut s, "PUT", "/register", &entry("167060019", 24));
    assert_eq!((status, code_of(&body)), (400, code::LIST_FULL));
    let (_, left) = ask(&mut s, "PUT", "/unregister", &entry("167060019", 2));
    assert_eq!(left, r#"{"RegistList":[{"Symbol":"EUR/USD","Exchange":300}]}"#);
    assert_eq!(ask(&mut s, "PUT", "/unregister", &entry("EUR/USD", 300)).0, 200);
    assert_eq!(ask(&mut s, "PUT", "/register", &entry("167060019", 24)).0, 200);
    for (code, exchange) in [
        ("EUR/USD", 1),
        ("EURUSD", 300),
        ("eur/usd", 300),
        ("7203", 9),
        ("7203", 27),
    ] {
        let (status, body) = ask(&mut s, "PUT", "/register", &entry(code, exchange));
        assert_eq!(
            (status, code_of(&body)),
            (400, code::NONE_REGISTERED),
            "{code}@{exchange}"
        );
    }
}
