//! Sections of work whose instructions are counted, by name. Each can be run half or whole after the same preparation:
//! the difference of the two runs is the work alone.

use std::hint::black_box;

use anyhow::{Context, Result};
use ayumi_wire::push;

use crate::messages::{self, Messages};
use crate::typed::Typed;
use crate::{Pace, drive, engine, kinds, settings};

/// Messages per kind.
const COUNT: usize = 64;
/// Laps over them in the whole run.
const LAPS: usize = 16;
/// Messages through the engine in the whole run: 12 seconds of 500/s, 40 windows.
const ENGINE_COUNT: usize = 6_000;

/// How much of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first half.
    Half,
    /// All of it.
    Whole,
}

/// Every section with the messages that the whole run has more than half of it. A `serde-` section is the peer of the
/// `parse-` section of the same name.
///
/// # Errors
/// As [`kinds`].
pub fn list() -> Result<Vec<(String, usize)>> {
    let mut list = Vec::new();
    for kind in kinds(1)? {
        list.push((format!("parse-{}", kind.id), COUNT * LAPS / 2));
        list.push((format!("serde-{}", kind.id), COUNT * LAPS / 2));
    }
    list.push(("engine".to_owned(), ENGINE_COUNT / 2));
    Ok(list)
}

/// Runs a section.
///
/// # Errors
/// When there is none of this name.
pub fn run(section: &str, part: Part) -> Result<()> {
    if section == "engine" {
        run_engine(part);
        return Ok(());
    }
    let unknown = || format!("no section {section}");
    let (decoder, id) = section.split_once('-').with_context(unknown)?;
    let kinds = kinds(COUNT)?;
    let kind = kinds.iter().find(|kind| kind.id == id).with_context(unknown)?;
    let laps = if part == Part::Whole { LAPS } else { LAPS / 2 };
    match decoder {
        "parse" => laps_over(&kind.messages, laps, |m| drop(black_box(push::decode(m)))),
        "serde" => laps_over(&kind.messages, laps, |m| {
            drop(black_box(serde_json::from_slice::<Typed<'_>>(m)));
        }),
        _ => anyhow::bail!(unknown()),
    }
    Ok(())
}

fn laps_over(messages: &Messages, laps: usize, work: impl Fn(&[u8])) {
    for _ in 0..laps {
        messages.iter().for_each(|message| work(black_box(message)));
    }
}

/// 50 symbols, all columns, 300 ms windows.
fn run_engine(part: Part) {
    let symbols = messages::symbols(50);
    let messages = messages::mixed(&symbols, ENGINE_COUNT);
    let count = if part == Part::Whole {
        ENGINE_COUNT
    } else {
        ENGINE_COUNT / 2
    };
    drive(
        &mut engine(settings(&symbols)),
        messages.iter().take(count),
        &Pace::CALM,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_runs_and_others_are_refused() {
        let list = list().unwrap();
        assert_eq!(list.len(), 11);
        for (section, messages) in &list {
            assert!(*messages >= 512);
            run(section, Part::Half).unwrap();
        }
        for odd in ["", "parse", "parse-bond", "read-index"] {
            assert!(run(odd, Part::Half).is_err(), "{odd}");
        }
    }
}
