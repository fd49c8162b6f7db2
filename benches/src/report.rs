//! `docs/performance.md`, written from a run. What a run did not measure stays as the last run left it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cpu;
use crate::machine;
use crate::plan::Plan;
use crate::table::Section;

/// Writes the sections of a whole run; the memory section stays.
pub fn write_run(plan: &Plan, command: &str, sections: &[Section], load: &str) -> Result<&'static str> {
    let path = path();
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let text = [head(plan, command, load), body(sections), kept(&old)].concat();
    std::fs::write(&path, text).with_context(|| format!("cannot write {NAME}"))?;
    Ok(NAME)
}

/// Replaces the memory section only.
pub fn write_memory(section: &Section, load: &str) -> Result<&'static str> {
    let path = path();
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let before = old.split(BEGIN).next().unwrap_or_default();
    let new = format!("{BEGIN}\n{}{}\n{END}\n", section.markdown(), facts(load));
    std::fs::write(&path, [before, &new].concat()).with_context(|| format!("cannot write {NAME}"))?;
    Ok(NAME)
}

const BEGIN: &str = "<!-- memory: written by `cargo xtask bench --memory`, kept by other runs -->";
/// The report, from the root of the repository.
const NAME: &str = "docs/performance.md";
const END: &str = "<!-- end of memory -->";

fn path() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(NAME)
}

fn head(plan: &Plan, command: &str, load: &str) -> String {
    let clock = if cpu::is_exact() {
        "CPU time is what the kernel charged to the thread or process, not wall time."
    } else {
        "This system does not tell CPU times: threads are measured by wall time, processes not at all."
    };
    format!(
        "# Performance\n\n\
         Written by `{command}`; not edited by hand. Seconds depend on the machine, so what counts are the ratios: \
         each compares figures of the same run, taken in turn ({} rounds in one process, {} with worker processes), \
         so that a slow moment of the machine hits both sides. Times are the median with the smallest in \
         parentheses; ratios are the median of the rounds' ratios with their range in brackets. {clock}\n\n\
         Where the time goes from the socket to the disk, and what did not help: [speed](design/speed.md).\n\n{}\n",
        plan.rounds,
        plan.worker_rounds,
        facts(load)
    )
}

fn facts(load: &str) -> String {
    let facts = machine::facts();
    let lines = facts.iter().map(|(name, value)| format!("- {name}: {value}\n"));
    let loads = format!(
        "- load average (one, five minutes): {load} before, {} after; beyond the run's own two, other programs had the \
         cores\n",
        machine::load()
    );
    lines.chain([loads]).collect()
}

fn body(sections: &[Section]) -> String {
    sections.iter().map(Section::markdown).collect()
}

/// The part of the last report that this run did not measure.
fn kept(old: &str) -> String {
    old.find(BEGIN).map_or_else(String::new, |at| old[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_section_is_kept() {
        let old = format!("# Performance\nold\n{BEGIN}\n## Memory\n{END}\n");
        assert_eq!(kept(&old), format!("{BEGIN}\n## Memory\n{END}\n"));
        assert_eq!(kept("# Performance\n"), "");
    }
}
