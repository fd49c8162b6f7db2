//! `ayumi unregister`: what was named goes, and nothing else.

use ayumi_sim::RestFault;
use serde_json::json;

use super::support::{free_port, station};
use super::{ask, desk, error, listed, occupy, register, run};

#[test]
fn unregister_takes_off_what_was_named_and_nothing_else() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({"symbols": ["7203", "9984"]}));
    let all: Vec<String> = ["7203", "9984", "8306", "6758", "4755"].map(str::to_owned).to_vec();
    occupy(&station, &all);

    std::fs::write(desk.path("one.csv"), "code\n8306\n8306\n1111\n").expect("written");
    let ended = run(&desk, "unregister", &["-Input", "one.csv"]).expect(0);
    ended.says(&["off the list: 8306", "were not on the list: 1111"]);
    assert_eq!(ended.out, "unregistered=1 absent=1 remaining=0 on_list=4\n");
    assert_eq!(listed(&station), ["7203", "9984", "6758", "4755"]);

    // Those of the settings.
    let ended = run(&desk, "unregister", &[]).expect(0);
    assert_eq!(ended.out, "unregistered=2 absent=0 remaining=0 on_list=2\n");
    assert_eq!(listed(&station), ["6758", "4755"]);

    let ended = run(&desk, "unregister", &["--all"]).expect(0);
    ended.says(&["off the list: 6758, 4755"]);
    assert_eq!(listed(&station), Vec::<String>::new());
    run(&desk, "unregister", &["--all"]).expect(0).says(&["unregistered=0"]);
}

#[test]
fn unregister_frees_slots_that_only_symbol_calls_took() {
    let station = station(|c| c.list_limit = 2);
    let desk = desk(station.port(), json!({}));
    for code in ["7203", "9984"] {
        ask(&station, "GET", &format!("symbol/{code}@1"), "");
    }
    let ended = register(&desk, "8306\n", &[]).expect(3);
    ended.says(&["the list shows 0 symbols", "/board and /symbol calls take slots too"]);
    std::fs::write(desk.path("old.csv"), "7203\n").expect("written");
    run(&desk, "unregister", &["-Input", "old.csv"]).expect(0);
    register(&desk, "8306\n", &[]).expect(0);
}

#[test]
fn a_station_that_does_not_let_go_is_told() {
    let station = station(|_| {});
    let desk = desk(station.port(), json!({"symbols": ["7203"]}));
    occupy(&station, &["7203".to_owned()]);
    station.set_fault(|f| f.rest = vec![RestFault::always("/unregister", error(400, 4_001_020))]);
    let ended = run(&desk, "unregister", &[]).expect(3);
    ended.says(&[
        "7203 is still on the list (HTTP 400 4001020",
        "unregistered=0 absent=0 remaining=1 on_list=1",
    ]);
    let ended = run(&desk, "unregister", &["--all"]).expect(3);
    ended.says(&["ERROR unregistering: HTTP 400 4001020"]);
}

#[test]
fn n01_what_a_station_that_is_down_holds_is_unknown() {
    let desk = desk(free_port(), json!({"symbols": ["7203"]}));
    for args in [&[][..], &["--all"][..]] {
        let ended = run(&desk, "unregister", args).expect(4);
        assert_eq!(ended.out, "unregistered=0 absent=0 remaining=unknown on_list=unknown\n");
    }
    let ended = register(&desk, "7203\n", &[]).expect(4);
    ended.says(&["registered=0 of=1 added=0 ", "on_list=unknown"]);
}
