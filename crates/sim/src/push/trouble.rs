//! What the faults of line and messages share over all connections: seed, memory of messages, counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::bend::{Bender, Dice};
use crate::counters::Tally;
use crate::faults::Faults;
use crate::sent::SentLog;
use crate::shared::lock;

/// One for the whole simulator, so that a new connection neither repeats the last one's draws nor forgets its messages.
#[derive(Default)]
pub(crate) struct Trouble {
    /// Used while [`Faults::seed`] names none.
    seed: u64,
    tally: Arc<Tally>,
    bender: Mutex<Option<(u64, Bender)>>,
    /// Messages that were sent while something was drawn for the line.
    drawn: AtomicU64,
    sent: Option<SentLog>,
}

impl Trouble {
    pub(crate) fn new(seed: u64, tally: Arc<Tally>, sent: Option<SentLog>) -> Self {
        Self {
            seed,
            tally,
            sent,
            ..Self::default()
        }
    }

    /// What goes to the client instead of this message.
    pub(super) fn bend(&self, text: &[u8], faults: &Faults) -> Vec<Vec<u8>> {
        let seed = self.seed(faults);
        let mut place = lock(&self.bender);
        if place.as_ref().is_none_or(|(used, _)| *used != seed) {
            *place = Some((seed, Bender::new(seed)));
        }
        let Some((_, bender)) = place.as_mut() else {
            return vec![text.to_owned()];
        };
        let texts = bender.bend(text, &faults.messages);
        let applied = bender.take_applied();
        drop(place);
        if !applied.is_empty() {
            self.tally.count(|c| {
                for name in applied {
                    c.note_fault(name);
                }
            });
        }
        texts
    }

    /// A text goes out.
    pub(super) fn sent(&self, text: &[u8]) {
        if let Some(log) = &self.sent {
            log.note(text);
        }
    }

    /// The number of the next message for which something is drawn.
    pub(super) fn number(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    /// Dice of one purpose for a message.
    pub(super) fn dice(&self, faults: &Faults, purpose: &str, number: u64) -> Dice {
        Dice::new(self.seed(faults), purpose, "line", number)
    }

    /// A fault of the line was applied.
    pub(super) fn note(&self, name: &str) {
        self.tally.count(|c| c.note_fault(name));
    }

    fn seed(&self, faults: &Faults) -> u64 {
        faults.seed.unwrap_or(self.seed)
    }
}
