//! Damaged journals: what can be read is replayed, what cannot is named, and the exit code says so.
#![cfg(unix)]

mod support;

use std::path::{Path, PathBuf};

use ayumi_journal::journal_files;
use ayumi_sim::SimHandle;
use serde_json::json;
use support::again::same_rows;
use support::message::push;
use support::process::command;
use support::{Desk, Store, Worker, connected, line, station, stored_volume};

/// Messages at a time; four times in a run.
const PART: i64 = 100;

#[test]
fn j04_what_is_damaged_is_named_and_passed_over_with_exit_code_1() {
    let (desk, files) = recorded();
    let replayed = |name: &str| replay(&desk, name);
    let (code, said) = replayed("whole.db");
    assert_eq!(code, Some(0), "a kill is no damage: {said}");
    assert!(said.contains("was not closed") && !said.contains("WARNING"), "{said}");
    same_rows(&desk, "whole.db");

    let whole = std::fs::read(&files[1]).expect("read");
    let mut lines = Vec::new();
    for part in 0..8 {
        let (at, torn) = torn(&whole, whole.len() * part / 8);
        std::fs::write(&files[1], &torn).expect("written");
        let name = format!("torn{part}.db");
        let (code, said) = replayed(&name);
        assert_eq!(code, Some(1), "byte {at}: {said}");
        lines.push(named(&said, &files[1]));
        assert!(said.contains("replay done"), "{said}");
        others_are_whole(&desk, &name, said.contains("may be wrong"));
    }
    let told = |line: &String| line.contains("behind line ") || line.contains("may be wrong");
    assert!(lines.iter().all(told), "{lines:?}");

    // Cut within a block, a foreign file, and lines of somebody else.
    std::fs::write(&files[1], &whole[..whole.len() / 2]).expect("written");
    let (code, said) = replayed("cut.db");
    assert_eq!(code, Some(1), "{said}");
    named(&said, &files[1]);
    others_are_whole(&desk, "cut.db", false);
    std::fs::write(&files[1], &whole).expect("written");
    let foreign = desk.path("journal").join("ayumi-20261120-100000500-001.zst");
    std::fs::write(&foreign, "this is not zstd").expect("written");
    let (code, said) = replayed("foreign.db");
    assert_eq!(code, Some(1), "{said}");
    named(&said, &foreign);
    same_rows(&desk, "foreign.db");
    let text = zstd::encode_all(&b"dear diary\nit rained\n"[..], 3).expect("packed");
    std::fs::write(&foreign, text).expect("written");
    let (code, said) = replayed("diary.db");
    assert!(
        code == Some(1) && said.contains("2 lines that are no lines of a journal"),
        "{said}"
    );
    same_rows(&desk, "diary.db");
}

/// One bit flipped at this byte or the next one where that changes what is read: a few bits of a frame's head change
/// nothing, and are no damage.
fn torn(whole: &[u8], from: usize) -> (usize, Vec<u8>) {
    let plain = zstd::decode_all(whole).ok();
    let flipped = |at: usize| {
        let mut torn = whole.to_vec();
        torn[at] ^= 0x10;
        torn
    };
    let matters = |at: &usize| zstd::decode_all(&flipped(*at)[..]).ok() != plain;
    let at = (from..whole.len()).find(matters).expect("some bit matters");
    (at, flipped(at))
}

/// Four runs, the third of which is killed; the journal's files.
fn recorded() -> (Desk, Vec<PathBuf>) {
    let station = station(|_| {});
    let desk = Desk::online(
        station.port(),
        json!({"journal_dir": "journal", "board_mode": "push", "window_ms": 50}),
    );
    connect(&desk, &station, 0).stop().expect(0);
    connect(&desk, &station, 1).stop().expect(0);
    connect(&desk, &station, 2).kill();
    connect(&desk, &station, 3).stop().expect(0);
    let files = journal_files(&desk.path("journal")).expect("a journal");
    assert_eq!(files.len(), 4);
    (desk, files)
}

/// A run whose messages are stored, in several windows.
fn connect(desk: &Desk, station: &SimHandle, run: i64) -> Worker {
    let worker = desk.stream(&["--clock", &format!("2026-11-20T10:0{run}:00@1")]);
    line(station, run as u64 + 1);
    connected(station);
    for part in 4 * run..4 * (run + 1) {
        for n in part * PART..(part + 1) * PART {
            station.push_text(&push("7203", 2_000.0 + (n % 7) as f64, 1_000 + n));
        }
        // The next ones come into another window.
        stored_volume(desk, 1_000 + (part + 1) * PART - 1);
    }
    worker
}

fn replay(desk: &Desk, name: &str) -> (Option<i32>, String) {
    let args = [
        "replay",
        "-Config",
        "c.json",
        "--journal",
        "journal",
        "--target-db",
        name,
        "--no-sleep",
    ];
    let out = command(desk.folder(), &args).output().expect("runs");
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

/// The warning that names the file, the only one.
fn named(said: &str, file: &Path) -> String {
    let name = file.file_name().expect("a name").to_string_lossy();
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains(" WARNING ")).collect();
    let own = warnings.iter().filter(|line| line.contains(&*name)).count();
    let rest: Vec<&&str> = warnings
        .iter()
        .filter(|line| !line.contains(&*name) && !line.contains("no lines of a journal"))
        .collect();
    assert!(own == 1 && rest.is_empty(), "{said}");
    (*warnings.iter().find(|line| line.contains(&*name)).expect("counted")).to_owned()
}

/// The runs of the other files are as they were recorded; only the first window behind what is missing has more: the gap.
fn others_are_whole(desk: &Desk, name: &str, may_be_wrong: bool) {
    let live = Store::open(&desk.db()).column("SELECT window_id || ' ' || checksum FROM window_log ORDER BY 1");
    let first_of_third = live.iter().find(|w| minute_of(w) == 2).expect("a third run").clone();
    let id_of = |window: &str| window.split(' ').next().expect("an id").to_owned();
    let other = |window: &String| minute_of(window) != 1 && id_of(window) != id_of(&first_of_third);
    let again = Store::open(&desk.path(name)).column("SELECT window_id || ' ' || checksum FROM window_log ORDER BY 1");
    let live: Vec<&String> = live.iter().filter(|w| other(w)).collect();
    let again: Vec<&String> = again.iter().filter(|w| other(w)).collect();
    let all_there = live.iter().all(|window| again.contains(window));
    assert!(live.len() > 8 && all_there, "{live:?}\n{again:?}");
    if may_be_wrong {
        // Digits that came out as others may be times of other minutes, which is what "may be wrong" says.
        return;
    }
    assert_eq!(live, again);
    // Whatever is missing, the books close.
    Store::open(&desk.path(name)).check(50, 5);
}

/// Minutes since 10:00 at which a window begins.
fn minute_of(window: &str) -> i64 {
    let id: i64 = window
        .split(' ')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("a window");
    let ten = ayumi_wire::jst::parse_ms("2026-11-20T10:00:00+09:00").expect("a time");
    (id - ten) / 60_000
}
