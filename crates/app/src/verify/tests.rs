use ayumi_wire::jst::Date;

use super::grade::{Day, Grade, Reason};
use super::json::ascii;
use super::{FileReport, Report};

fn day(reasons: Vec<Reason>) -> Day {
    Day {
        date: Date::parse("2026-11-20").unwrap(),
        ticker: "7203".to_owned(),
        ticks: 1,
        volume: 100,
        ledger: 0,
        first_ms: Some(1_795_132_800_000),
        last_ms: Some(1_795_132_800_000),
        reasons,
    }
}

fn report(days: Vec<Day>) -> Report {
    let file = FileReport {
        path: "ticks.db".into(),
        days,
        ..FileReport::default()
    };
    Report { files: vec![file] }
}

#[test]
fn the_worst_reason_is_the_grade() {
    let gap = |large| Reason::Gap {
        rows: 1,
        volume: 5,
        large,
    };
    let damaged = || Reason::Damaged("window".into());
    for (reasons, grade) in [
        (vec![], Grade::A),
        (
            vec![
                Reason::Corrected(-5),
                Reason::Wanted("guard".into(), 7),
                Reason::BegunElsewhere,
            ],
            Grade::A,
        ),
        (vec![gap(false)], Grade::B),
        (vec![gap(false), Reason::Merged(3)], Grade::C),
        (vec![gap(true)], Grade::C),
        (vec![Reason::Overflow(3), damaged()], Grade::D),
        (vec![Reason::Equation { growth: 1, booked: 2 }], Grade::D),
        (vec![Reason::NoState], Grade::D),
    ] {
        assert_eq!(day(reasons.clone()).grade(), grade, "{reasons:?}");
        assert_eq!(report(vec![day(reasons)]).is_well(), grade <= Grade::B);
    }
}

#[test]
fn a_problem_of_the_file_is_never_well() {
    let mut report = report(vec![day(vec![])]);
    assert!(report.is_well());
    report.files[0].problems.push("page 3".into());
    assert!(!report.is_well());
    let text = super::text(&report, true);
    assert!(
        text.contains("[x] page 3") && text.contains("the file has 1 problem"),
        "{text}"
    );
    assert!(!text.contains("7203"), "quiet leaves out what is fine: {text}");
}

#[test]
fn json_is_ascii() {
    assert_eq!(
        ascii("{\"a\":\"\u{682a}\u{1f600}\"}"),
        "{\"a\":\"\\u682a\\ud83d\\ude00\"}"
    );
}
