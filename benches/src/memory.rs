//! The long look: does memory stay flat?

use std::time::{Duration, Instant};

use anyhow::Result;
use ayumi_hot_path::messages;

use crate::paced::Watched;
use crate::programs::Programs;
use crate::rounds::{digits, thousands};
use crate::table::{Section, Table};

const RATE: f64 = 500.0;

/// 50 symbols at 500 messages/s, a line per minute as it goes.
pub fn run(minutes: u64, programs: &Programs, mut say: impl FnMut(&str)) -> Result<Section> {
    let symbols = messages::symbols(50);
    let mut watched = Watched::start(&programs.ayumi, &symbols, Some(RATE), None, false)?;
    let began = Instant::now();
    let mut table = Table::new(["minute", "RSS", "peak RSS", "CPU of one core", "messages", "database"]);
    let mut last = (watched.worker.usage()?.unwrap_or_default(), Instant::now());
    for minute in 1..=minutes {
        let until = began + Duration::from_secs(60 * minute);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        let usage = watched.worker.usage()?.unwrap_or_default();
        let memory = watched.worker.memory().unwrap_or_default();
        let cpu = usage.since(&last.0) as f64 / last.1.elapsed().as_secs_f64() / 1e7;
        last = (usage, Instant::now());
        let mb = |bytes: f64| format!("{:.1} MB", bytes / 1048576.0);
        let row = [
            minute.to_string(),
            mb(memory.now_kb as f64 * 1024.0),
            mb(memory.peak_kb as f64 * 1024.0),
            format!("{} %", digits(cpu)),
            thousands(watched.sent() as f64),
            mb(watched.worker.database_bytes() as f64),
        ];
        say(&row.join("  "));
        table.row(row);
    }
    let stored = watched.worker.stored()?.messages;
    Ok(Section {
        title: "Memory over time",
        notes: vec![format!(
            "50 symbols at {RATE} messages/s for {minutes} minutes (`cargo xtask bench --memory`); {} messages were \
             in the database at the last look. Goal: flat, under 64 MB.",
            thousands(stored as f64)
        )],
        tables: vec![table],
    })
}
