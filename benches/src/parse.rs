//! Stage 1: one PUSH message, bytes to numbers.

use std::hint::black_box;

use anyhow::{Context, Result};
use ayumi_hot_path::Kind;
use ayumi_hot_path::messages::Messages;
use ayumi_hot_path::typed::Typed;
use ayumi_wire::push;

use crate::cpu;
use crate::plan::Plan;
use crate::rounds::{Candidate, Series, interleave};
use crate::table::{Section, Table};

/// Messages per kind: about half a megabyte, so that they come from the second-level cache, as behind a socket read.
const COUNT: usize = 256;

/// Measures every kind of message.
pub fn run(plan: &Plan) -> Result<Section> {
    let mut times = Table::new(["message", "bytes", "scan", "ayumi", "serde_json from_slice", "from_str"]);
    let mut ratios = Table::new([
        "message",
        "ayumi / scan",
        "from_slice / ayumi (goal 4x)",
        "from_str / ayumi (goal 2.5x)",
    ]);
    for Kind {
        name, messages, fast, ..
    } in ayumi_hot_path::kinds(COUNT)?
    {
        let name = format!("{name}{}", if fast { "" } else { " (not on the fast path)" });
        let [scan, ayumi, slice, text] = measure(&messages, plan).with_context(|| name.clone())?;
        times.row([
            name.clone(),
            format!("{:.0}", messages.mean_len()),
            scan.time(),
            ayumi.time(),
            slice.time(),
            text.time(),
        ]);
        ratios.row([
            name,
            ayumi.over(&scan).ratio(),
            slice.over(&ayumi).ratio(),
            text.over(&ayumi).ratio(),
        ]);
    }
    Ok(Section {
        title: "Parse one PUSH message",
        notes: vec![
            "CPU time per message. *scan* adds up the same bytes as 64-bit words: the speed of memory. *serde_json* \
             decodes into a typed struct with the same fields (`f64` numbers, borrowed texts, 10 + 10 levels) and \
             skips the others; *ayumi* decodes to exact integers and parses the times as well."
                .to_owned(),
            "Where the instructions go, before and after, and what did not help: [parsing](design/parsing.md). They are \
             guarded by `cargo xtask instructions`."
                .to_owned(),
        ],
        tables: vec![times, ratios],
    })
}

/// scan, ayumi, from_slice, from_str: ns per message.
fn measure(messages: &Messages, plan: &Plan) -> Result<[Series; 4]> {
    let texts: Vec<&str> = messages.iter().map(std::str::from_utf8).collect::<Result<_, _>>()?;
    let mut candidates: Vec<Candidate<'_>> = vec![
        Box::new(|| per_message(messages, plan.spin(100), |m| _ = black_box(scan(m)))),
        Box::new(|| per_message(messages, plan.spin(40), |m| drop(black_box(push::decode(m))))),
        Box::new(|| {
            per_message(messages, plan.spin(20), |m| {
                drop(black_box(serde_json::from_slice::<Typed<'_>>(m)));
            })
        }),
        Box::new(|| {
            per_item(&texts, plan.spin(20), |text| {
                drop(black_box(serde_json::from_str::<Typed<'_>>(text)));
            })
        }),
    ];
    let series = interleave(plan.rounds, &mut candidates);
    series.try_into().ok().context("as many series as candidates")
}

/// Decoding alone, ns per message: what other stages are compared with.
pub fn alone(messages: &Messages) -> f64 {
    per_message(messages, 1, |m| drop(black_box(push::decode(m))))
}

fn per_message(messages: &Messages, laps: usize, mut work: impl FnMut(&[u8])) -> f64 {
    let start = cpu::thread_ns();
    for _ in 0..laps {
        for message in messages.iter() {
            work(black_box(message));
        }
    }
    (cpu::thread_ns() - start) as f64 / (laps * messages.len()) as f64
}

fn per_item(texts: &[&str], laps: usize, mut work: impl FnMut(&str)) -> f64 {
    let start = cpu::thread_ns();
    for _ in 0..laps {
        for text in texts {
            work(black_box(text));
        }
    }
    (cpu::thread_ns() - start) as f64 / (laps * texts.len()) as f64
}

/// The sum of the bytes as 64-bit words: every byte is looked at, nothing else is done.
fn scan(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words
        .iter()
        .fold(0, |sum: u64, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    rest.iter().fold(words, |sum, &byte| sum.wrapping_add(u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scan_sees_every_byte() {
        assert_eq!(scan(&[1, 0, 0, 0, 0, 0, 0, 0, 5]), 6);
    }
}
