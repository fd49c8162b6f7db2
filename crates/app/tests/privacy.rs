//! With whom the recorder talks: with the station on this machine and nobody else, and with nobody at all when its market
//! is made up. Seen from outside, by the calls to the kernel.
#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use ayumi_sim::RawFrame;
use serde_json::json;
use support::message::push;
use support::{Desk, TEN, Worker, connected, skip, station, stored_volume};

/// The worker under `strace`, which writes the calls about the network into `calls`; none without that tool.
fn traced(desk: &Desk, args: &[&str]) -> Option<Worker> {
    let strace = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !strace.is_ok_and(|done| done.status.success()) {
        skip("strace is not here or may not trace: nobody watches whom the recorder talks to");
        return None;
    }
    // The binary is found as the other tests find it, and without their secrets in the environment.
    let plain = support::process::command(desk.folder(), &[]);
    let mut command = Command::new("strace");
    command
        .args(["-f", "-e", "trace=socket,connect,bind,sendto,sendmsg", "-o"])
        .arg(calls(desk))
        .arg(plain.get_program())
        .args(["stream", "-Config", "c.json"])
        .args(args)
        .current_dir(desk.folder());
    for (name, _) in plain.get_envs() {
        command.env_remove(name);
    }
    Some(Worker::spawn(&mut command))
}

fn calls(desk: &Desk) -> PathBuf {
    desk.path("calls.txt")
}

/// Lines about the internet's address families.
fn inet(desk: &Desk) -> Vec<String> {
    let text = std::fs::read_to_string(calls(desk)).expect("written");
    let lines = text.lines().filter(|line| line.contains("AF_INET"));
    lines.map(str::to_owned).collect()
}

#[test]
fn sec19_the_station_on_this_machine_is_the_only_peer() {
    let station = station(|_| {});
    let desk = Desk::online(station.port(), json!({"board_mode": "auto"}));
    let Some(worker) = traced(&desk, &["--clock", TEN, "--duration", "5s", "--probe-board"]) else {
        return;
    };
    connected(&station);
    station.push_raw(vec![RawFrame::text(push("7203", 2000.0, 1_000))]);
    stored_volume(&desk, 1_000);
    worker.ended().expect(0);
    let addressed: Vec<String> = inet(&desk).into_iter().filter(|line| line.contains("sin")).collect();
    assert!(!addressed.is_empty(), "the line and REST were opened");
    let port = format!("htons({})", station.port());
    for call in addressed {
        let here = call.contains("inet_addr(\"127.0.0.1\")") || call.contains("\"::1\"");
        let theirs = call.contains(" bind(") || call.contains(&port);
        assert!(here && theirs, "{call}");
    }
}

#[test]
fn sec20_a_made_up_market_opens_no_socket() {
    let desk = Desk::mock(json!({}));
    let Some(worker) = traced(&desk, &["--duration", "700ms"]) else {
        return;
    };
    worker.ended().expect(0);
    assert!(desk.store().number("SELECT count(*) FROM tick_batch") > 0);
    assert_eq!(inet(&desk), Vec::<String>::new());
}
