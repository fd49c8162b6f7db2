//! `--write-guard`: the market's limits get into the settings file, and nothing else changes in it.

use std::collections::BTreeMap;
use std::time::Instant;

use ayumi_engine::Symbol;
use ayumi_engine::market::Profile;
use ayumi_sim::RestFault;
use encoding_rs::SHIFT_JIS;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{Desk, TOKEN, station};
use super::{ask, codes, csv, desk, error, modified, register};

/// The limits that a station without a market gives.
fn limits(code: &str) -> (String, String) {
    let (min, max) = Profile::of(&Symbol::tse(code), 0).limits();
    let plain = |price: String| price.strip_suffix(".0").map_or(price.clone(), str::to_owned);
    (plain(min.to_string()), plain(max.to_string()))
}

#[test]
fn write_guard_writes_the_days_limits_and_leaves_the_rest() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({}));
    let settings = format!(
        "{{\r\n\t\"port\": {},\r\n\t\"token\":\"{TOKEN}\", \"メモ\" : \"設定 // 注意\",\r\n\t\"price_guard\": {{ \"7203\" : {{\"min\":400,\"max\":6000}} , \"6758\":[1,2] }},\r\n\t\"symbols\": [ ]\r\n}}\r\n\r\n",
        station.port()
    );
    std::fs::write(desk.path("c.json"), SHIFT_JIS.encode(&settings).0).expect("written");
    let ended = register(&desk, "code\n7203\n101\n9984\n", &["--write-guard"]).expect(0);
    ended.says(&[
        "no price limits at the station, the guard stays as it is: 101",
        "(was {\"min\":400,\"max\":6000})",
        "(new)",
    ]);
    assert!(
        ended
            .out
            .ends_with("price_guard written=2 unchanged=0 without_limits=1 failed=0 file=c.json\n"),
        "{}",
        ended.out
    );

    let [toyota, softbank] = ["7203", "9984"].map(|code| {
        let (min, max) = limits(code);
        format!("{{\"min\": {min}, \"max\": {max}}}")
    });
    let expected = settings
        .replace("{\"min\":400,\"max\":6000}", &toyota)
        .replace("\"6758\":[1,2]", &format!("\"6758\":[1,2], \"9984\": {softbank}"));
    let now = std::fs::read(desk.path("c.json")).expect("read");
    assert_eq!(SHIFT_JIS.decode(&now).0, expected);
    assert_eq!(now, SHIFT_JIS.encode(&expected).0.into_owned());
    assert_eq!(desk.files(), ["c.json", "w.csv"], "no temporary file stays");
    let answer = ask(&station, "GET", "symbol/7203@1", "");
    assert_eq!(
        answer["UpperLimit"].as_f64().map(|n| n.to_string()),
        Some(limits("7203").1),
        "the market's own"
    );

    // A second time nothing changes, and the file is not even touched.
    let time = modified(&desk.path("c.json"));
    let ended = register(&desk, "code\n7203\n101\n9984\n", &["--write-guard"]).expect(0);
    ended.says(&["price_guard written=0 unchanged=2"]);
    assert_eq!(modified(&desk.path("c.json")), time);
    assert_eq!(station.counters().rest("POST /token"), 0);
}

#[test]
fn r04_the_guard_of_fifty_symbols_stays_below_the_stations_limit() {
    let station = station(|c| c.faults.rate_limit = true);
    let desk = desk(station.port(), json!({}));
    let began = Instant::now();
    let ended = register(&desk, csv(&codes(0..50)), &["--write-guard"]).expect(0);
    let rate = 50.0 / began.elapsed().as_secs_f64();
    assert!(rate < 9.0, "{rate} requests a second");
    ended.says(&["price_guard written=50"]);
    assert_eq!(station.counters().rate_limited, 0);
    let settings: Value = serde_json::from_slice(&std::fs::read(desk.path("c.json")).expect("read")).expect("JSON");
    for code in codes(0..50) {
        let (min, max) = limits(&code);
        let guard = &settings["price_guard"][&code];
        assert_eq!(
            (guard["min"].to_string(), guard["max"].to_string()),
            (min, max),
            "{code}"
        );
    }
}

#[test]
fn a_guard_that_cannot_be_asked_or_written_leaves_the_file_as_it_was() {
    let station = station(|c| c.faults.bad_symbols.extend(["9999".to_owned()]));
    let desk = desk(station.port(), json!({"price_guard": {"7203": {"max": 5000}}}));
    let before = std::fs::read(desk.path("c.json")).expect("read");

    // The station's trouble: nothing is written.
    station.set_fault(|f| f.rest = vec![RestFault::always("/symbol/9984", error(401, 4_001_007))]);
    let ended = register(&desk, "7203\n9984\n", &["--write-guard"]).expect(3);
    ended.says(&["ERROR price limits: HTTP 401 4001007", "c.json was not changed"]);
    assert_eq!(std::fs::read(desk.path("c.json")).expect("read"), before);

    // The trouble of one symbol: the others are written; a refused one is not even asked for.
    station.set_fault(|f| f.rest = vec![RestFault::always("/symbol/9984", error(400, 4_002_001))]);
    let ended = register(&desk, "7203\n9984\n9999\n", &["--write-guard"]).expect(3);
    ended.says(&[
        "no price limits for 9984",
        "written=1 unchanged=0 without_limits=0 failed=1",
    ]);
    assert_eq!(station.counters().rest("GET /symbol/9999@1"), 0);
    let settings: Value = serde_json::from_slice(&std::fs::read(desk.path("c.json")).expect("read")).expect("JSON");
    assert_eq!(settings["price_guard"]["7203"]["max"].to_string(), limits("7203").1);

    // Somebody protected the file.
    let mut permissions = std::fs::metadata(desk.path("c.json")).expect("there").permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(desk.path("c.json"), permissions).expect("set");
    station.set_fault(|f| f.rest.clear());
    let ended = register(&desk, "9984\n", &["--write-guard"]).expect(2);
    ended.says(&["was not changed: it is read-only", "make the file writable"]);
}

/// A settings file as somebody may have it: layout, further keys, line ends and encoding at random.
fn settings(port: u16) -> impl Strategy<Value = (Vec<u8>, BTreeMap<&'static str, String>)> {
    let gap = prop::sample::select(vec!["", " ", "\t", "\n", "\n    "]);
    let gaps = prop::collection::vec(gap, 24);
    let guards = prop::collection::btree_map(
        prop::sample::select(vec!["7203", "9984", "6758"]),
        prop::sample::select(vec!["{\"max\":1}", "[1,2]", "{ \"low\" : 5,\n \"high\":6 }", "7"])
            .prop_map(str::to_owned),
        0..3,
    );
    (gaps, guards, any::<bool>(), 0usize..4, any::<bool>()).prop_map(move |(gaps, guards, crlf, encoding, last)| {
        let mut gaps = gaps.into_iter().cycle();
        let mut gap = || gaps.next().unwrap_or_default();
        let entries: Vec<String> = guards
            .iter()
            .map(|(code, guard)| format!("{}\"{code}\"{}:{}{guard}{}", gap(), gap(), gap(), gap()))
            .collect();
        let mut keys = vec![
            format!("{}\"port\"{}:{}{port}", gap(), gap(), gap()),
            format!("{}\"token\": \"{TOKEN}\"{}", gap(), gap()),
            format!("{}\"メモ\":{}[\"株 日経\", {{\"price_guard\": 5}}]", gap(), gap()),
        ];
        if !guards.is_empty() {
            let guard = format!("{}\"price_guard\":{}{{{}}}", gap(), gap(), entries.join(","));
            keys.insert(if last { 3 } else { 1 }, guard);
        }
        let mut text = format!("{{{}{}}}{}", keys.join(","), gap(), gap());
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let bytes = match encoding {
            0 => text.into_bytes(),
            1 => ["\u{FEFF}", &text].concat().into_bytes(),
            2 => Some(0xFEFF)
                .into_iter()
                .chain(text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect(),
            _ => SHIFT_JIS.encode(&text).0.into_owned(),
        };
        (bytes, guards)
    })
}

fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).expect("UTF-8"),
        [0xFF, 0xFE, ..] => encoding_rs::UTF_16LE.decode(bytes).0.into_owned(),
        _ => std::str::from_utf8(bytes).map_or_else(|_| SHIFT_JIS.decode(bytes).0.into_owned(), str::to_owned),
    }
}

/// The binary with any settings file: read by an independent JSON reader, everything but the guard is as before, and
/// the guard is the market's.
#[test]
fn any_settings_file_keeps_everything_but_the_guard() {
    let station = station(|_| {});
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 24,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let desk = Desk::new();
    let outcome = runner.run(&settings(station.port()), |(bytes, guards)| {
        std::fs::write(desk.path("c.json"), &bytes).expect("written");
        register(&desk, "7203\n9984\n", &["--write-guard"]).expect(0);
        let now = std::fs::read(desk.path("c.json")).expect("read");
        let [mut before, mut after]: [Value; 2] =
            [&bytes, &now].map(|bytes| serde_json::from_str(&decoded(bytes)).expect("JSON"));
        let mut guard = after
            .as_object_mut()
            .expect("an object")
            .remove("price_guard")
            .expect("a guard");
        let old = before.as_object_mut().expect("an object").remove("price_guard");
        prop_assert_eq!(after, before);
        for code in ["7203", "9984"] {
            let (min, max) = limits(code);
            let entry = guard
                .as_object_mut()
                .expect("an object")
                .remove(code)
                .expect("an entry");
            prop_assert_eq!((entry["min"].to_string(), entry["max"].to_string()), (min, max));
        }
        prop_assert_eq!(guard.get("6758"), old.as_ref().and_then(|old| old.get("6758")));
        if guards.is_empty() {
            // Nothing was exchanged: the new bytes are one piece within the old ones.
            let head = bytes.iter().zip(&now).take_while(|(a, b)| a == b).count();
            let tail = bytes
                .iter()
                .rev()
                .zip(now.iter().rev())
                .take_while(|(a, b)| a == b)
                .count();
            prop_assert!(head + tail >= bytes.len());
        }
        Ok(())
    });
    outcome.expect("every file");
}
