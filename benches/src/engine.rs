//! Stage 2: one message through the engine, windows closing as time goes on.

use std::hint::black_box;

use anyhow::{Context, Result};
use ayumi_engine::settings::{BoardMode, EngineSettings};
use ayumi_engine::{Engine, Stamp, Symbol};

use crate::cpu;
use crate::messages::{self, MORNING, Messages};
use crate::parse;
use crate::plan::Plan;
use crate::rounds::{Candidate, Series, interleave};
use crate::table::{Section, Table};

/// Messages per run of a candidate: 19 MB.
const COUNT: usize = 10_000;

/// How messages come.
struct Pace {
    name: &'static str,
    /// Time between two messages, ns.
    gap_ns: i64,
    /// Messages per read of the socket; outputs are taken and the next deadline is asked for once per read.
    per_read: usize,
}

const CALM: Pace = Pace {
    name: "500/s, one per read",
    gap_ns: 2_000_000,
    per_read: 1,
};

const FLOOD: Pace = Pace {
    name: "50,000/s, 16 per read",
    gap_ns: 20_000,
    per_read: 16,
};

/// Parse alone and the whole engine in a flood, ns per message, each once.
pub fn once(messages: &Messages, symbols: &[Symbol]) -> [f64; 2] {
    [
        parse::alone(messages),
        through_engine(messages, &settings(symbols), &FLOOD),
    ]
}

/// Measures 50 and 100 symbols.
pub fn run(plan: &Plan) -> Result<Section> {
    let head = [
        "symbols",
        "messages come",
        "parse alone",
        "whole engine",
        "engine without parse / parse (goal 1.0x)",
    ];
    let mut table = Table::new(head);
    for count in [50, 100] {
        let symbols = messages::symbols(count);
        let messages = messages::mixed(&symbols, plan.spin(COUNT));
        let settings = settings(&symbols);
        for pace in [&CALM, &FLOOD] {
            let [parse, whole] = measure(&messages, &settings, pace, plan)?;
            let rest = whole.minus(&parse);
            table.row([
                count.to_string(),
                pace.name.to_owned(),
                parse.time(),
                whole.time(),
                rest.over(&parse).ratio(),
            ]);
        }
    }
    Ok(Section {
        title: "Engine per message",
        notes: vec![
            "CPU time per message: normalise, guard, size, book, window, and the closing of 300 ms windows, called as \
             the worker calls it. Parsing is part of the whole engine; the last column takes it out. Messages are read \
             from main memory here, so parsing costs a little more than above."
                .to_owned(),
            "Whether the engine allocates per message is not measured: counting allocations needs a global allocator, \
             and that needs `unsafe`, which this workspace forbids."
                .to_owned(),
        ],
        tables: vec![table],
    })
}

fn settings(symbols: &[Symbol]) -> EngineSettings {
    EngineSettings {
        board_mode: BoardMode::Push,
        tick_queue_max: u64::MAX,
        ..EngineSettings::new(symbols.to_vec())
    }
}

/// Parse alone and the whole engine, ns per message.
fn measure(messages: &Messages, settings: &EngineSettings, pace: &Pace, plan: &Plan) -> Result<[Series; 2]> {
    let mut candidates: Vec<Candidate<'_>> = vec![
        Box::new(|| parse::alone(messages)),
        Box::new(|| through_engine(messages, settings, pace)),
    ];
    let series = interleave(plan.rounds, &mut candidates);
    series.try_into().ok().context("as many series as candidates")
}

fn through_engine(messages: &Messages, settings: &EngineSettings, pace: &Pace) -> f64 {
    let mut engine = Engine::new(settings.clone(), MORNING);
    engine.on_line_up(MORNING);
    let start = cpu::thread_ns();
    for (n, message) in messages.iter().enumerate() {
        let now = Stamp(MORNING.0 + n as i64 * pace.gap_ns);
        engine.on_push(black_box(message), now);
        if n % pace.per_read == 0 {
            while let Some(output) = engine.poll(now) {
                black_box(&output);
            }
            black_box(engine.next_deadline(now));
        }
    }
    let used = cpu::thread_ns() - start;
    assert_eq!(
        engine.totals().received,
        messages.len() as u64,
        "the engine counts what it gets"
    );
    used as f64 / messages.len() as f64
}
