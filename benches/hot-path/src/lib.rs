//! The hot path in a form that can be timed and counted: messages of every kind, the same struct for serde_json, and
//! the engine driven as the worker drives it. Knows no clock and no socket; what it costs is for others to measure.

use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use ayumi_engine::output::Output;
use ayumi_engine::settings::{BoardMode, EngineSettings};
use ayumi_engine::{Engine, Stamp, Symbol};
use ayumi_wire::push;

pub mod messages;
pub mod sections;
pub mod typed;

use messages::{MORNING, Messages};
use typed::Typed;

/// Messages of one kind.
#[derive(Clone, Debug)]
pub struct Kind {
    /// For tables.
    pub name: &'static str,
    /// For programs.
    pub id: &'static str,
    /// The messages.
    pub messages: Messages,
    /// Whether the fast decoder takes all of them.
    pub fast: bool,
}

/// Every kind of message, `count` of each.
///
/// # Errors
/// When our decoder and serde_json read a message differently: then nothing may be compared.
pub fn kinds(count: usize) -> Result<Vec<Kind>> {
    let share = Symbol::tse("7203");
    let future: Symbol = "167060019@23".parse()?;
    let kinds = [
        (
            "share, trade",
            "share-trade",
            messages::chosen(&share, count, |traded| traded),
        ),
        (
            "share, quotes only",
            "share-quotes",
            messages::chosen(&share, count, |traded| !traded),
        ),
        (
            "share, before the open",
            "share-before-open",
            messages::before_open(&messages::symbols(count)),
        ),
        ("future", "future", messages::mixed(&[future], count)),
        ("index", "index", messages::mixed(&[Symbol::tse("101")], count)),
    ];
    kinds
        .into_iter()
        .map(|(name, id, messages)| {
            check(&messages).with_context(|| name)?;
            let fast = messages.iter().all(push::is_fast);
            Ok(Kind {
                name,
                id,
                messages,
                fast,
            })
        })
        .collect()
}

fn check(messages: &Messages) -> Result<()> {
    for message in messages.iter() {
        let typed: Typed<'_> = serde_json::from_slice(message)?;
        ensure!(
            typed.agrees(&push::decode(message)?),
            "the decoders disagree about {}",
            String::from_utf8_lossy(message)
        );
    }
    Ok(())
}

/// How messages come.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// For tables.
    pub name: &'static str,
    /// Time between two messages, ns.
    pub gap_ns: i64,
    /// Messages per read of the socket; outputs are taken and the next deadline is asked for once per read.
    pub per_read: usize,
}

impl Pace {
    /// An ordinary minute: a wake-up per message.
    pub const CALM: Self = Self {
        name: "500/s, one per read",
        gap_ns: 2_000_000,
        per_read: 1,
    };
    /// The opening.
    pub const FLOOD: Self = Self {
        name: "50,000/s, 16 per read",
        gap_ns: 20_000,
        per_read: 16,
    };
}

/// All columns, nothing folded.
#[must_use]
pub fn settings(symbols: &[Symbol]) -> EngineSettings {
    EngineSettings {
        board_mode: BoardMode::Push,
        tick_queue_max: u64::MAX,
        ..EngineSettings::new(symbols.to_vec())
    }
}

/// An engine whose line is up.
#[must_use]
pub fn engine(settings: EngineSettings) -> Engine {
    let mut engine = Engine::new(settings, MORNING);
    engine.on_line_up(MORNING);
    engine
}

/// Puts messages through the engine as the worker does: parsing, and every window that ends on the way.
///
/// # Panics
/// When the engine does not count what it gets.
pub fn drive<'a>(engine: &mut Engine, messages: impl Iterator<Item = &'a [u8]>, pace: &Pace) {
    let before = engine.totals().received;
    let mut count = 0;
    for (n, message) in messages.enumerate() {
        let now = Stamp(MORNING.0 + n as i64 * pace.gap_ns);
        engine.on_push(black_box(message), now);
        if n % pace.per_read == 0 {
            while let Some(output) = engine.poll(now) {
                if let Output::Batch(batch) = black_box(output) {
                    engine.recycle(batch);
                }
            }
            black_box(engine.next_deadline(now));
        }
        count += 1;
    }
    assert_eq!(engine.totals().received - before, count, "every message is counted");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_decoders_read_every_kind_alike() {
        let kinds = kinds(256).unwrap();
        assert_eq!(kinds.len(), 5);
        assert!(kinds.iter().all(|kind| kind.messages.len() == 256 && kind.fast));
    }
}
