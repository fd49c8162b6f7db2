//! Every ready scenario, played by `ayumi sim` into `ayumi stream`, as two programs on one accelerated clock. What must
//! hold after every run stands in `support/pair.rs`; the table below says what each scenario brings besides, and which
//! warnings a trader then reads: any other one fails. A scenario without an entry fails too.
//!
//! The scenarios run as they are, up to a time at which their point has been made. Faults of the line count in real
//! time, so the burst of `flaky-line` is as many messages more as its clock is faster.
#![cfg(unix)]

#[path = "scenarios/expected.rs"]
mod expected;
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ayumi_sim::{Scenario, Time};
use ayumi_wire::jst::Date;
use serde_json::Value;
use support::at_once;
use support::pair::{Day, Plan};
use support::still::undisturbed;

/// Scenarios begin on a trading day, whatever day the tests run on.
const DAY: &str = "2026-11-20";

/// What one scenario is expected to bring.
struct Case {
    /// Its name, or its name and a word for this run of it behind a `/`.
    name: &'static str,
    /// Where the run ends: its point has been made by then.
    end: &'static str,
    speed: u32,
    window_ms: i64,
    /// One more action for the script.
    act: Option<&'static str>,
    line: Line,
    /// The station issues tokens and the worker has the password; otherwise both have a fixed token.
    password: bool,
    /// What must stand in the log, and how often at least.
    says: &'static [(&'static str, usize)],
    /// Warnings that belong to the scenario.
    may: &'static [&'static str],
    /// What else must be true.
    more: fn(&Day),
}

/// What happens to the line.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    /// Nothing: every message arrives.
    Whole,
    /// Whole, and from before the open: the sizes are the day's volumes.
    FromTheOpen,
    /// It is cut: what was missed is in the ledger.
    Cut,
}

/// What a lost line may say.
const LOST: [&str; 3] = [
    " disconnected from PUSH server (",
    " gap symbol=",
    " the PUSH line comes and goes",
];

const QUIET: Case = Case {
    name: "quiet",
    end: "10:17:00",
    speed: 40,
    window_ms: 300,
    act: None,
    line: Line::Whole,
    password: false,
    says: &[],
    may: &[],
    more: |_| {},
};

/// In these, nothing goes wrong between station and worker.
const HEALTHY: [Case; 5] = [
    QUIET,
    Case {
        name: "limit-up",
        end: "10:02:30",
        more: |day| expected::locked(day, "sell", "buy"),
        ..QUIET
    },
    Case {
        name: "limit-down",
        end: "10:01:30",
        more: |day| expected::locked(day, "buy", "sell"),
        ..QUIET
    },
    Case {
        name: "halt",
        end: "10:33:00",
        more: expected::halted,
        ..QUIET
    },
    Case {
        name: "midnight",
        end: "00:02:00",
        more: expected::midnight,
        ..QUIET
    },
];

/// The hours of the exchange.
const HOURS: [Case; 4] = [
    Case {
        name: "opening-rush",
        end: "09:00:20",
        speed: 15,
        line: Line::FromTheOpen,
        more: |day| assert!(day.sent.last_volumes().len() > 30, "most of fifty have opened"),
        ..QUIET
    },
    Case {
        name: "special-open",
        end: "09:04:00",
        speed: 60,
        window_ms: 600,
        line: Line::FromTheOpen,
        more: expected::opened_late,
        ..QUIET
    },
    Case {
        name: "lunch",
        end: "12:33:00",
        speed: 800,
        window_ms: 6_000,
        more: expected::lunch,
        ..QUIET
    },
    Case {
        name: "closing",
        end: "15:32:00",
        speed: 100,
        window_ms: 1_000,
        more: expected::closed,
        ..QUIET
    },
];

/// The line is cut, silent or taken.
const LINE: [Case; 4] = [
    Case {
        name: "flaky-line",
        end: "09:05:30",
        speed: 60,
        window_ms: 600,
        act: Some("+0s faults reset_on_burst=3600"),
        line: Line::Cut,
        says: &[
            ("WARNING disconnected from PUSH server (connection reset", 5),
            ("-> volume_ledger (gap)", 5),
        ],
        may: &LOST,
        more: expected::flaky,
        ..QUIET
    },
    Case {
        name: "silent-death",
        end: "10:02:10",
        speed: 30,
        line: Line::Cut,
        says: &[(": the line is dead", 2), ("-> volume_ledger (gap)", 2)],
        may: &LOST,
        more: |day| assert_eq!(day.sent.count("push_connections"), 3, "{}", day.worker.text()),
        ..QUIET
    },
    Case {
        name: "takeover",
        end: "10:02:40",
        speed: 30,
        line: Line::Cut,
        says: &[
            ("disconnected from PUSH server (closed by the station: 1000", 2),
            ("-> EVICTED", 1),
        ],
        may: &LOST,
        // Five of the other program, and ours until the line was left to it.
        more: |day| {
            assert!(
                day.sent.count("takeovers") >= 7,
                "{} takeovers",
                day.sent.count("takeovers")
            )
        },
        ..QUIET
    },
    Case {
        name: "restart",
        end: "10:01:40",
        speed: 30,
        line: Line::Cut,
        password: true,
        says: &[
            ("disconnected from PUSH server (connection reset", 1),
            ("PUSH connection error: connection refused (retry in", 1),
            ("registered symbols=5 added=5", 2),
            ("the station's token was replaced", 1),
            ("-> volume_ledger (gap)", 1),
        ],
        may: &[
            LOST[0],
            LOST[1],
            " PUSH connection error: connection re",
            " the station's token was replaced",
            " registration: HTTP 401 4001009",
            "HTTP 401 4001009",
        ],
        more: expected::restarted,
        ..QUIET
    },
];

/// REST refuses, is slow or has nobody logged in; or the messages are not as they should be.
const REST: [Case; 5] = [
    Case {
        name: "morning-logout",
        end: "06:18:40",
        speed: 60,
        window_ms: 600,
        password: true,
        says: &[
            ("HTTP 401 4001007", 1),
            ("Log in to kabu Station (two-factor)", 1),
            ("-> WAITING_LOGIN", 1),
            (" INFO /board answers again", 1),
        ],
        may: &[" HTTP 401 400100", " the station's token was replaced"],
        ..QUIET
    },
    Case {
        name: "morning-logout/token",
        end: "06:18:40",
        speed: 60,
        window_ms: 600,
        says: &[
            ("WARNING /board", 2),
            ("HTTP 401 4001007", 1),
            ("HTTP 401 4001009", 1),
            ("set the current token, or set \"api_password\"", 1),
        ],
        may: &[" HTTP 401 400100"],
        ..QUIET
    },
    Case {
        name: "slow-rest",
        end: "10:01:30",
        speed: 20,
        may: &[
            ": HTTP 503: HTML answer, not the station's; books come from PUSH meanwhile",
            ": HTTP 500 4001001",
            ": error: timeout after ",
            ": error: ",
        ],
        more: |day| assert!(day.sent.count("rest_requests.GET /board") > 20, "{}", day.worker.text()),
        ..QUIET
    },
    Case {
        name: "rate-limit",
        end: "10:03:00",
        speed: 40,
        says: &[
            ("WARNING /board", 2),
            ("HTTP 429 4001006", 1),
            ("HTTP 503 4001001", 1),
            (" INFO /board answers again", 2),
        ],
        may: &[": HTTP 429 4001006", ": HTTP 503 4001001"],
        more: expected::limited,
        ..QUIET
    },
    Case {
        name: "dirty-data",
        end: "10:01:30",
        speed: 30,
        // The last messages are as they should be, so that the end can be compared.
        act: Some("+80s heal"),
        says: &[
            ("WARNING message rejected reason=not_json", 1),
            (
                "WARNING cumulative volume fell symbol=7203 by=1000 -> volume_ledger (decrease)",
                1,
            ),
            ("carry another offset than +09:00", 1),
        ],
        may: &[
            " message rejected reason=",
            " cumulative volume fell symbol=7203 by=1000 ",
            " carry another offset than +09:00",
        ],
        more: expected::dirty,
        ..QUIET
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/scenarios")
}

impl Case {
    fn file(&self) -> PathBuf {
        let name = self.name.split('/').next().expect("a name");
        folder().join(format!("{name}.json"))
    }

    fn plan(&self, speed: u32) -> Plan {
        let file = self.file();
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let scenario = Scenario::parse(&text).unwrap_or_else(|problems| panic!("{}: {problems}", self.name));
        let date = Date::parse(DAY).expect("a date");
        let start_s = match scenario.start.expect("a start") {
            time @ Time::OfDay(_) => time.on(date).s(),
            Time::On(at) => at.s(),
        };
        let symbols = scenario
            .symbols
            .expect("symbols")
            .into_iter()
            .map(|symbol| symbol.ticker());
        let mut sim = vec![
            "--scenario".to_owned(),
            file.display().to_string(),
            "--end".to_owned(),
            self.end.to_owned(),
        ];
        sim.extend(self.act.iter().flat_map(|act| ["--do".to_owned(), (*act).to_owned()]));
        Plan {
            sim,
            symbols: symbols.collect(),
            start_s,
            speed: Some(speed),
            window_ms: self.window_ms,
            password: self.password,
            whole: self.line != Line::Cut,
            settings: Value::Null,
        }
    }

    fn run(&self) {
        undisturbed(self.name, self.speed, |speed| self.run_at(speed));
    }

    fn run_at(&self, speed: u32) {
        let day = self.plan(speed).run(self.name);
        let text = day.worker.text();
        for (part, times) in self.says {
            let found = day.worker.lines(part).len();
            assert!(
                found >= *times,
                "{}: {part:?} stands there {found} times:\n{text}",
                self.name
            );
        }
        let alarms = day.alarms(self.may);
        assert_eq!(
            alarms,
            Vec::<String>::new(),
            "{}: a trader would be frightened:\n{text}",
            self.name
        );
        if self.line == Line::FromTheOpen {
            day.check_from_the_open();
        }
        (self.more)(&day);
    }
}

#[test]
fn every_scenario_has_an_entry() {
    let files = std::fs::read_dir(folder()).expect("listed").flatten();
    let names: BTreeSet<String> = files
        .filter_map(|file| file.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    let cases = HEALTHY.iter().chain(&HOURS).chain(&LINE).chain(&REST);
    let cases = cases
        .filter_map(|case| case.name.split('/').next().map(str::to_owned))
        .collect();
    assert_eq!(names, cases);
    assert!(names.len() >= 10);
}

#[test]
fn g03_scenarios_of_a_healthy_station_lose_nothing_and_alarm_nobody() {
    at_once(&HEALTHY, |case| case.run());
}

#[test]
fn t05_scenarios_of_the_exchanges_hours_are_whole_days_in_small() {
    at_once(&HOURS, |case| case.run());
}

#[test]
fn g10_scenarios_of_a_bad_line_are_survived_and_every_gap_is_booked() {
    at_once(&LINE, |case| case.run());
}

#[test]
fn g01_scenarios_of_bad_rest_and_bad_messages_hold_nothing_up() {
    at_once(&REST, |case| case.run());
}
