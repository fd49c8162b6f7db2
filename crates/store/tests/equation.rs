//! Sizes and ledger rows of a file are the growth of the cumulative volume in it, whatever happens to files and clocks.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod support;

use std::path::Path;

use ayumi_engine::Stamp;
use ayumi_engine::batch::{Batch, Cause, StateRow};
use ayumi_engine::num::{Price, Qty};
use ayumi_store::reader::Reader;
use ayumi_store::{Sink, SqliteSink};
use proptest::prelude::*;
use support::{START, WIDTH, batch, count, dump, ledger, options, state, symbol, today};

/// Counts like the engine does: states continue, whatever the windows' times.
struct Feed(Vec<StateRow>);

impl Feed {
    fn new() -> Self {
        let start = |id| StateRow {
            last: Some(Qty(100)),
            ..state(id, 0)
        };
        Self((0..3).map(start).collect())
    }

    /// A window from `start` to `end` ms after the first, in which each symbol brings a size and a ledger volume; a
    /// symbol with neither has no row at all.
    fn window(&mut self, start: i64, end: i64, volumes: &[(i64, i64)]) -> Batch {
        let mut window = batch(0);
        (window.start_ms, window.end_ms) = (START + start, START + end);
        (window.symbols, window.ledger, window.states) = (vec![], vec![], vec![]);
        for ((id, row), &(size, missed)) in (0..).zip(&mut self.0).zip(volumes) {
            if (size, missed) == (0, 0) {
                continue;
            }
            row.last = row.last.map(|last| Qty(last.0 + size + missed));
            row.last_at = row.last_at.map(|at| Stamp(at.0 + 1));
            window.symbols.push(symbol(id));
            window.symbols.last_mut().unwrap().volume = Qty(size);
            // No two windows are the same.
            window.symbols.last_mut().unwrap().last_price = Price(row.last_at.map_or(0, |at| at.0));
            if missed != 0 {
                let cause = if missed > 0 { Cause::Gap } else { Cause::Decrease };
                window.ledger.push(ledger(id, missed, cause));
            }
            window.states.push(*row);
        }
        window
    }
}

/// `ticker|last - base|sizes + ledger` of the symbols for which the two differ.
fn open_equations(path: &Path) -> Vec<String> {
    let sum = |what: &str, table: &str| {
        format!("(SELECT coalesce(sum({what}), 0) FROM {table} WHERE {table}.ticker = s.ticker)")
    };
    let booked = format!("{} + {}", sum("vol_sum", "tick_batch"), sum("volume", "volume_ledger"));
    dump(
        path,
        &format!(
            "SELECT ticker, last_volume - base_volume, {booked} FROM stream_state s \
             WHERE last_volume - base_volume <> {booked}"
        ),
    )
}

#[cfg(unix)]
#[test]
fn g03_a_file_after_a_lost_one_adds_up_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut feed = Feed::new();
    let mut time = 0;
    let mut write = |sink: &mut SqliteSink, volumes: &[(i64, i64)]| {
        sink.write(&feed.window(time, time + WIDTH, volumes)).unwrap();
        time += WIDTH;
        assert_eq!(open_equations(&path), Vec::<String>::new());
    };
    write(&mut sink, &[(500, 0), (30, 70), (0, 0)]);
    let copy = folder.path().join("copy.db");
    support::other(&path)
        .execute("VACUUM INTO ?1", [copy.to_str().unwrap()])
        .unwrap();
    write(&mut sink, &[(200, 0), (0, 0), (10, -5)]);
    for _ in 0..2 {
        std::fs::remove_file(&path).unwrap();
        write(&mut sink, &[(11, 0), (0, 0), (0, 0)]);
        write(&mut sink, &[(7, 1), (40, 0), (3, 0)]);
    }
    let states = sink.load_states(today()).unwrap();
    let base = |at: usize| states[at].base;
    assert_eq!(base(0), Some(Qty(100 + 500 + 200 + 11 + 8)), "what the lost files hold");
    // An older copy takes its place: its own rows count on.
    std::fs::rename(&copy, &path).unwrap();
    write(&mut sink, &[(1, 0), (2, 3), (4, 0)]);
    write(&mut sink, &[(5, 0), (6, 0), (7, 0)]);
    sink.close().unwrap();
    assert_eq!(open_equations(&path), Vec::<String>::new());
}

#[test]
fn g03_a_window_whose_start_is_taken_keeps_its_volume() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.db");
    let mut sink = SqliteSink::open(options(&path), today()).unwrap();
    let mut feed = Feed::new();
    let first = feed.window(0, WIDTH, &[(500, 0), (0, 0), (20, 0)]);
    sink.write(&first).unwrap();
    let second = feed.window(0, WIDTH, &[(500, 0), (40, 2), (30, -7)]);
    let written = sink.write(&second).unwrap();
    assert_eq!((written.rows, written.already_stored), (5, true));
    let ledger = "SELECT ticker, cause, volume, ts_start, ts_end, window_id FROM volume_ledger ORDER BY rowid LIMIT 1";
    let (start, end) = ("2025-11-20T09:00:00.300+09:00", "2025-11-20T09:00:00.600+09:00");
    assert_eq!(
        dump(&path, ledger),
        [format!("7203|overflow|500.0|{start}|{end}|{START}")]
    );
    for again in [&second, &first, &second] {
        let written = sink.write(again).unwrap();
        assert_eq!((written.rows, written.already_stored), (0, true));
    }
    assert_eq!(sink.load_states(today()).unwrap(), feed.0);
    let nothing_in_sum = feed.window(0, WIDTH, &[(0, 0), (0, 0), (37, -37)]);
    for _ in 0..2 {
        assert_eq!(sink.write(&nothing_in_sum).unwrap().rows, 0);
    }
    assert_eq!(open_equations(&path), Vec::<String>::new());
    assert_eq!(count(&path, "tick_batch"), 2);
    sink.close().unwrap();
    assert_eq!(
        Reader::open(&path).unwrap().verify().unwrap().damaged,
        Vec::<i64>::new()
    );
}

/// Start, length, volumes, how often it is written, whether the sink restarts after it.
type Step = (i64, i64, Vec<(i64, i64)>, u8, bool);

fn step() -> impl Strategy<Value = Step> {
    let volumes = (
        prop_oneof![Just(0i64), 0i64..1_000],
        prop_oneof![3 => Just(0i64), 1 => -50i64..50],
    );
    (
        0i64..6,
        1i64..4,
        prop::collection::vec(volumes, 3),
        1u8..4,
        prop::bool::weighted(0.1),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g03_the_equation_closes_whatever_overlaps(steps in prop::collection::vec(step(), 1..16)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.db");
        let mut sink = SqliteSink::open(options(&path), today()).unwrap();
        let mut feed = Feed::new();
        let mut windows = Vec::new();
        for (start, length, volumes, times, restart) in &steps {
            let window = feed.window(start * 100, (start + length) * 100, volumes);
            for time in 0..*times {
                let written = sink.write(&window).unwrap();
                prop_assert!(time == 0 || (written.rows == 0 && written.already_stored), "{written:?}");
            }
            prop_assert_eq!(open_equations(&path), Vec::<String>::new());
            windows.push(window);
            if *restart {
                drop(sink);
                sink = SqliteSink::open(options(&path), today()).unwrap();
            }
        }
        // The whole story again, as a replay would tell it: where nothing ever fell, not one row comes of it.
        if steps.iter().all(|(_, _, volumes, ..)| volumes.iter().all(|(_, missed)| *missed >= 0)) {
            for window in &windows {
                prop_assert_eq!(sink.write(window).unwrap().rows, 0);
            }
        }
        prop_assert_eq!(open_equations(&path), Vec::<String>::new());
        sink.close().unwrap();
        prop_assert_eq!(Reader::open(&path).unwrap().verify().unwrap().damaged, Vec::<i64>::new());
    }
}
