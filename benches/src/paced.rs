//! The daily case: a worker at a steady rate, and with nothing to do.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_hot_path::messages::{self, SEED};
use ayumi_sim::{MarketConfig, Sim, SimConfig, SimHandle, Source, Speed};

use crate::cpu::Memory;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::rounds::{Series, digits, time};
use crate::table::{Section, Table};
use crate::worker::{Program, Setup, TOKEN, Worker};

/// Let start-up and the opening pass.
const SETTLE: Duration = Duration::from_secs(2);

/// A worker behind its station.
pub struct Watched {
    /// The worker.
    pub worker: Worker,
    sim: SimHandle,
    /// From the start of the process until it is connected and, where it does so, registered.
    ready: Duration,
}

/// One case.
struct Case<'a> {
    name: &'a str,
    program: &'a Program,
    symbols: usize,
    per_second: Option<f64>,
    clock: Option<&'a str>,
    /// Tell when windows are committed.
    events: bool,
}

/// What watching a worker showed.
struct Seen {
    cpu: f64,
    messages: u64,
    busiest: f64,
    memory: Memory,
    seconds: f64,
    ready: Duration,
    /// From a window's end until it was committed, ms.
    delays: Series,
}

/// Runs every case; the idle ones at the same time, because they do next to nothing.
pub fn run(plan: &Plan, programs: &Programs) -> Result<Section> {
    let case = |name, per_second, clock| Case {
        name,
        program: &programs.ayumi,
        symbols: 50,
        per_second,
        clock,
        events: false,
    };
    let groups = [
        vec![
            case("ayumi, idle in the session", None, Some("2026-11-20T10:00:00@1")),
            case("ayumi, idle at night", None, Some("2026-11-20T20:00:00@1")),
        ],
        vec![case("ayumi, 300/s", Some(300.0), None)],
        vec![case("ayumi, 500/s", Some(500.0), None)],
        vec![Case {
            symbols: 100,
            events: true,
            ..case("ayumi, 100 symbols, 1,000/s", Some(1_000.0), None)
        }],
    ];
    let best = programs.peers.first().map(|program| Case {
        name: "Python peer (best case), 300/s",
        program,
        symbols: 50,
        per_second: Some(300.0),
        clock: None,
        events: false,
    });
    let mut table = Table::new([
        "worker",
        "CPU of one core",
        "CPU per message",
        "busiest thread",
        "RSS",
        "peak RSS",
        "ready after",
    ]);
    let mut delays = Series::default();
    for group in groups.into_iter().chain(best.map(|case| vec![case])) {
        for (case, seen) in group.iter().zip(watch(&group, plan.paced)?) {
            table.row(cells(case, &seen));
            if case.events {
                delays = seen.delays;
            }
        }
    }
    Ok(Section {
        title: "At a steady rate, and idle",
        notes: vec![
            format!(
                "50 registered symbols unless it says otherwise, {} s each after {} s of settling, the simulator at the real pace. A message here \
             costs a wake-up, a read and a timer of its own, so it is dearer than in a flood. Idle in the session: the \
             line is checked with `/board` now and then, because silence might mean that it is dead. *ready after*: from \
             the start of the process until it is connected and has registered its symbols. The binary has {} MB. \
             Goals: idle under 0.5 %, 300/s under 2 %, RSS under 40 MB.",
                plan.paced.as_secs(),
                SETTLE.as_secs(),
                digits(programs.ayumi_bytes() as f64 / 1048576.0)
            ),
            format!(
                "With 100 symbols the {} windows were committed {:.0} ms after their end (median; 99 %: {:.0} ms, largest: \
             {:.0} ms), by the worker's own clock in whole ms: timer, closing, hand-over and transaction in the real process.",
                delays.0.len(),
                delays.median(),
                delays.quantile(0.99),
                delays.max(),
            ),
        ],
        tables: vec![table],
    })
}

fn cells(case: &Case<'_>, seen: &Seen) -> [String; 7] {
    let mb = |kb: u64| format!("{:.1} MB", kb as f64 / 1024.0);
    let per_message = |ns: f64| match seen.messages {
        0 => "-".to_owned(),
        messages => time(ns / messages as f64),
    };
    [
        case.name.to_owned(),
        format!("{} %", digits(seen.cpu / seen.seconds / 1e7)),
        per_message(seen.cpu),
        per_message(seen.busiest),
        mb(seen.memory.now_kb),
        mb(seen.memory.peak_kb),
        format!("{} ms", seen.ready.as_millis()),
    ]
}

fn watch(group: &[Case<'_>], span: Duration) -> Result<Vec<Seen>> {
    let mut running = Vec::new();
    for case in group {
        let symbols = messages::symbols(case.symbols);
        let watched = Watched::start(case.program, &symbols, case.per_second, case.clock, case.events);
        running.push(watched.with_context(|| case.name.to_owned())?);
    }
    std::thread::sleep(SETTLE);
    let mut before = Vec::new();
    for watched in &mut running {
        before.push((watched.worker.usage()?, watched.sent(), Instant::now()));
    }
    std::thread::sleep(span);
    let mut seen = Vec::new();
    for (watched, (usage, sent, began)) in running.iter_mut().zip(before) {
        let seconds = began.elapsed().as_secs_f64();
        let (cpu, busiest) = match (watched.worker.usage()?, usage) {
            (Some(after), Some(before)) => (after.since(&before) as f64, after.busiest_since(&before) as f64),
            _ => (f64::NAN, f64::NAN),
        };
        seen.push(Seen {
            cpu,
            busiest,
            ready: watched.ready,
            delays: Series(watched.worker.commit_delays()?),
            messages: watched.sent() - sent,
            memory: watched.worker.memory().unwrap_or_default(),
            seconds,
        });
    }
    Ok(seen)
}

impl Watched {
    /// Starts both and waits until the worker is connected and, where it does so, registered.
    pub fn start(
        program: &Program,
        symbols: &[Symbol],
        per_second: Option<f64>,
        clock: Option<&str>,
        events: bool,
    ) -> Result<Self> {
        let source = match per_second {
            Some(per_second) => Source::Market(MarketConfig::new(SEED, symbols.to_vec(), per_second)),
            None => Source::Silent,
        };
        let mut config = SimConfig {
            token: Some(TOKEN.to_owned()),
            source,
            speed: Speed::Times(1.0),
            require_registration: false,
            ..SimConfig::default()
        };
        // What is measured is the worker.
        config.faults.answer_at_once();
        let sim = Sim::start(config)?;
        let began = Instant::now();
        let worker = program.start(&Setup {
            port: sim.port(),
            symbols,
            register: true,
            clock,
            events,
        })?;
        let registers = matches!(program, Program::Ayumi(_));
        let ready = sim.wait_until(Duration::from_secs(20), |c| {
            c.push_clients_now > 0 && (!registers || c.rest("PUT /register") > 0)
        });
        ensure!(ready, "the worker does not connect");
        Ok(Self {
            worker,
            sim,
            ready: began.elapsed(),
        })
    }

    /// Messages sent up to now.
    pub fn sent(&self) -> u64 {
        self.sim.counters().messages_sent
    }
}
