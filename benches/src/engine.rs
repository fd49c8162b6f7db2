//! Stage 2: one message through the engine, windows closing as time goes on.

use anyhow::{Context, Result};
use ayumi_engine::Symbol;
use ayumi_engine::settings::EngineSettings;
use ayumi_hot_path::messages::{self, Messages};
use ayumi_hot_path::{Pace, drive, engine, settings};

use crate::cpu;
use crate::parse;
use crate::plan::Plan;
use crate::rounds::{Candidate, Series, interleave};
use crate::table::{Section, Table};

/// Messages per run of a candidate: 19 MB.
const COUNT: usize = 10_000;

/// Parse alone and the whole engine in a flood, ns per message, each once.
pub fn once(messages: &Messages, symbols: &[Symbol]) -> [f64; 2] {
    [
        parse::alone(messages),
        through_engine(messages, &settings(symbols), &Pace::FLOOD),
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
        for pace in [&Pace::CALM, &Pace::FLOOD] {
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
            "Nothing is allocated in steady state, neither per message nor per window, whose stored batch is given back: \
             `crates/engine/tests/allocations.rs` asserts 0 allocations in 100,000 messages of 50 symbols with a \
             counting allocator."
                .to_owned(),
        ],
        tables: vec![table],
    })
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
    let mut engine = engine(settings.clone());
    let start = cpu::thread_ns();
    drive(&mut engine, messages.iter(), pace);
    (cpu::thread_ns() - start) as f64 / messages.len() as f64
}
