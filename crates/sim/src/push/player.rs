//! Plays the source on its clock: to the live client, to `/board`, and to the counters.

use std::sync::Arc;

use ayumi_engine::Stamp;
use tokio::time::Instant;

use super::Client;
use crate::config::Speed;
use crate::counters::SymbolCounters;
use crate::feed::{Feed, Item};
use crate::rest::Station;
use crate::shared::Shared;

/// Messages between two looks at the rest of the world.
const BATCH: usize = 256;
/// At full speed the source pauses while this many bytes wait: enough to keep the socket busy.
const HIGH_WATER: usize = 512 * 1024;

/// The source and its clock.
pub(crate) struct Player {
    shared: Arc<Shared>,
    feed: Feed,
    start: Option<Stamp>,
    text: Vec<u8>,
    news: News,
}

impl Player {
    pub(crate) fn new(shared: Arc<Shared>, mut feed: Feed, start: Option<Stamp>) -> Self {
        feed.prime(&mut shared.station());
        if start.is_none()
            && let Feed::Played(_) = feed
            && let Some(first) = feed.peek()
        {
            shared.clock.stand(first);
        }
        Self {
            shared,
            feed,
            start,
            text: Vec::with_capacity(4096),
            news: News::default(),
        }
    }

    /// Plays to the end of the source.
    pub(crate) async fn run(mut self) {
        self.skip_to_start().await;
        match self.shared.speed {
            Speed::Times(factor) => self.run_timed(factor).await,
            Speed::Full => self.run_full().await,
        }
        flushed(&self.shared).await;
        self.shared.tally.count(|c| c.source_finished = true);
    }

    /// What was recorded before the start only sets the boards.
    async fn skip_to_start(&mut self) {
        let Some(start) = self.start else { return };
        let mut passed = 0;
        while self.feed.peek().is_some_and(|at| at < start) {
            self.pass_over();
            passed += 1;
            if passed % BATCH == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn pass_over(&mut self) {
        self.text.clear();
        let mut station = self.shared.station();
        if let Some(item) = self.feed.take(&mut station, &mut self.text) {
            station.boards.update(item.slot, &self.text);
        }
    }

    async fn run_timed(&mut self, factor: f64) {
        while self.shared.wait_for_client && !self.shared.may_start() {
            self.shared.audience.notified().await;
        }
        self.feed.begin();
        let first = self.start.or_else(|| self.feed.peek());
        let clock = &self.shared.clock;
        clock.run(first.unwrap_or_else(|| clock.now()), factor);
        while let Some(at) = self.feed.peek() {
            if let Some(due) = self.shared.clock.real_instant(at) {
                tokio::time::sleep_until(Instant::from_std(due)).await;
            }
            // The message waited for is due, whatever rounding says.
            let until = self.shared.now().max(at);
            let client = self.emit(until, None);
            self.reset_slow_reader(client.as_deref());
            tokio::task::yield_now().await;
        }
    }

    async fn run_full(&mut self) {
        self.feed.begin();
        while self.feed.peek().is_some() {
            while !self.shared.has_audience() {
                self.shared.audience.notified().await;
            }
            let client = self.emit(Stamp::NEVER, Some(HIGH_WATER));
            match client.filter(|c| c.outbox().pending() >= HIGH_WATER) {
                Some(client) => client.drained.notified().await,
                None => tokio::task::yield_now().await,
            }
        }
    }

    /// Sends what is due, at most a batch. With a high-water mark only what the client can take: nothing beyond that
    /// many waiting bytes, nothing to a client that is stalled or ending.
    fn emit(&mut self, until: Stamp, high_water: Option<usize>) -> Option<Arc<Client>> {
        let client = self.shared.current();
        let mut station = self.shared.station();
        let mut outbox = client.as_deref().map(Client::outbox);
        let mut last = None;
        for _ in 0..BATCH {
            let takes = match (&outbox, high_water) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(outbox), Some(mark)) => outbox.is_open() && outbox.pending() < mark,
            };
            if !takes || self.feed.peek().is_none_or(|at| at > until) {
                break;
            }
            self.text.clear();
            let Some(item) = self.feed.take(&mut station, &mut self.text) else {
                break;
            };
            station.boards.update(item.slot, &self.text);
            let wanted = station.boards.get(item.slot).is_some_and(|b| b.wanted);
            let queued = match &mut outbox {
                Some(outbox) if wanted => outbox.put_message(&self.text, &station.faults),
                _ => false,
            };
            self.news.note(item, wanted, queued);
            last = Some(item.at);
        }
        drop(outbox);
        if let Some(at) = last {
            self.shared.clock.advance(at);
        }
        self.news.skipped += self.feed.take_skipped();
        self.news.publish(&self.shared, &station);
        drop(station);
        if let Some(client) = &client {
            client.wake();
        }
        client
    }

    fn reset_slow_reader(&self, client: Option<&Client>) {
        let Some(client) = client else { return };
        if client.outbox().is_open() && client.outbox().pending() > self.shared.slow_reader_limit {
            client.kill();
            self.shared.tally.count(|c| c.slow_reader_resets += 1);
        }
    }
}

/// Waits until what was queued is written or lost.
async fn flushed(shared: &Shared) {
    while let Some(client) = shared.current() {
        if client.outbox().pending() == 0 {
            break;
        }
        client.drained.notified().await;
    }
}

/// Counts of a batch, published at once.
#[derive(Default)]
struct News {
    slots: Vec<SymbolCounters>,
    dirty: Vec<usize>,
    undelivered: u64,
    unregistered: u64,
    skipped: u64,
}

impl News {
    fn note(&mut self, item: Item, wanted: bool, queued: bool) {
        if self.slots.len() <= item.slot {
            self.slots.resize(item.slot + 1, SymbolCounters::default());
        }
        let slot = &mut self.slots[item.slot];
        if slot.messages == 0 {
            self.dirty.push(item.slot);
        }
        slot.note(item.volume, queued);
        self.undelivered += u64::from(wanted && !queued);
        self.unregistered += u64::from(!wanted);
    }

    fn publish(&mut self, shared: &Shared, station: &Station) {
        if self.dirty.is_empty() && self.skipped == 0 {
            return;
        }
        shared.tally.count(|c| {
            c.messages_undelivered += std::mem::take(&mut self.undelivered);
            c.messages_unregistered += std::mem::take(&mut self.unregistered);
            c.lines_skipped += std::mem::take(&mut self.skipped);
            for slot in self.dirty.drain(..) {
                let new = std::mem::take(&mut self.slots[slot]);
                let Some(board) = station.boards.get(slot) else {
                    continue;
                };
                if !c.symbols.contains_key(&board.ticker) {
                    c.symbols.insert(board.ticker.clone(), SymbolCounters::default());
                }
                if let Some(total) = c.symbols.get_mut(&board.ticker) {
                    total.add(&new);
                }
            }
        });
    }
}
