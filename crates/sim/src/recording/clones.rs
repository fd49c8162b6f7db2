//! Several symbols made from one: each message of a recorded symbol again under other codes, at once or later.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::iter::Peekable;
use std::sync::Arc;

use ayumi_engine::{Stamp, Symbol};

use super::Recorded;
use super::reader::Reader;
use crate::config::{CloneSymbol, RecordingConfig, SimError};
use crate::push::{Fields, moved};
use crate::script::named;

/// A copy that waits: its time, a number that keeps the order, which clone, the message.
type Waiting = (Stamp, u64, usize, Arc<Vec<u8>>);

/// A recording with copies of its symbols, in the order of time.
pub(super) struct Clones<I: Iterator<Item = Result<Recorded, SimError>>> {
    inner: Peekable<I>,
    clones: Vec<CloneSymbol>,
    /// Positions in `clones` by the ticker of the recorded symbol.
    by_ticker: HashMap<String, Vec<usize>>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    number: u64,
}

impl<I: Iterator<Item = Result<Recorded, SimError>>> Clones<I> {
    pub fn new(inner: I, clones: &[CloneSymbol]) -> Self {
        let mut by_ticker: HashMap<String, Vec<usize>> = HashMap::new();
        for (n, clone) in clones.iter().enumerate() {
            by_ticker.entry(clone.from.ticker()).or_default().push(n);
        }
        Self {
            inner: inner.peekable(),
            clones: clones.to_vec(),
            by_ticker,
            waiting: BinaryHeap::new(),
            number: 0,
        }
    }

    /// Lines up the copies of a message.
    fn copy(&mut self, recorded: &Recorded) {
        let Some(which) = self.by_ticker.get(&recorded.symbol) else {
            return;
        };
        let text = Arc::new(recorded.text.clone());
        for &n in which {
            let at = Stamp(recorded.at.0.saturating_add(offset_ns(&self.clones[n])));
            self.number += 1;
            self.waiting.push(Reverse((at, self.number, n, Arc::clone(&text))));
        }
    }

    fn take_waiting(&mut self) -> Option<Recorded> {
        let Reverse((at, _, n, text)) = self.waiting.pop()?;
        let clone = &self.clones[n];
        Some(Recorded {
            at,
            text: renamed(&text, clone),
            symbol: clone.to.ticker(),
        })
    }
}

impl<I: Iterator<Item = Result<Recorded, SimError>>> Iterator for Clones<I> {
    type Item = Result<Recorded, SimError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.waiting.peek().map(|Reverse((at, ..))| *at);
        let waits = match (first, self.inner.peek()) {
            (None, _) | (_, Some(Err(_))) => false,
            (Some(at), Some(Ok(next))) => at < next.at,
            (Some(_), None) => true,
        };
        if waits {
            return self.take_waiting().map(Ok);
        }
        let next = self.inner.next()?;
        if let Ok(recorded) = &next {
            self.copy(recorded);
        }
        Some(next)
    }
}

/// Codes that two symbols would share.
pub(super) fn check(clones: &[CloneSymbol]) -> Result<(), SimError> {
    let mut taken: BTreeSet<&Symbol> = clones.iter().map(|clone| &clone.from).collect();
    match clones.iter().all(|clone| taken.insert(&clone.to)) {
        true => Ok(()),
        false => Err(SimError::Setting(
            "every clone of a recorded symbol needs a code of its own, and clones cannot be cloned",
        )),
    }
}

/// Looks for every symbol that is to be cloned; reads no further than to the last of them.
pub(super) fn find(config: &RecordingConfig, boards: &[Recorded]) -> Result<(), SimError> {
    let mut missing: BTreeSet<String> = config.clones.iter().map(|clone| clone.from.ticker()).collect();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for board in boards {
        missing.remove(&board.symbol);
        known.insert(board.symbol.clone());
    }
    if missing.is_empty() {
        return Ok(());
    }
    // A line that is no message is told of when it is played.
    for recorded in Reader::open(&config.path)?.flatten() {
        if known.insert(recorded.symbol.clone()) {
            missing.remove(&recorded.symbol);
        }
        if missing.is_empty() {
            return Ok(());
        }
    }
    let list = |all: &BTreeSet<String>| named(&all.iter().filter_map(|t| t.parse().ok()).collect::<Vec<Symbol>>());
    Err(SimError::Clone {
        path: config.path.clone(),
        missing: list(&missing),
        known: list(&known),
    })
}

/// Boards, and those of the copies.
pub(super) fn boards(boards: Vec<Recorded>, clones: &[CloneSymbol]) -> Vec<Recorded> {
    let copies = |board: &Recorded| -> Vec<Recorded> {
        let fits = clones.iter().filter(|clone| clone.from.ticker() == board.symbol);
        let copy = |clone: &CloneSymbol| Recorded {
            at: board.at,
            text: renamed(&board.text, clone),
            symbol: clone.to.ticker(),
        };
        fits.map(copy).collect()
    };
    let copied: Vec<Recorded> = boards.iter().flat_map(copies).collect();
    boards.into_iter().chain(copied).collect()
}

fn offset_ns(clone: &CloneSymbol) -> i64 {
    i64::try_from(clone.offset.as_nanos()).unwrap_or(i64::MAX)
}

/// A message under another code, its times later by the whole seconds of the offset. What is no JSON stays as it is.
fn renamed(text: &[u8], clone: &CloneSymbol) -> Vec<u8> {
    let Some(mut fields) = Fields::split(text) else {
        return text.to_vec();
    };
    fields.set("Symbol", &format!("\"{}\"", clone.to.code));
    fields.set("Exchange", &clone.to.exchange.to_string());
    let seconds = i64::try_from(clone.offset.as_secs()).unwrap_or(i64::MAX);
    if seconds > 0 {
        moved(&mut fields, seconds);
    }
    fields.written().into_bytes()
}
