//! Plays source and script on the simulated clock: to the live client, to `/board`, and to the counters.
//!
//! With a speed the clock runs and everything waits for it; at full speed the client is the clock: it goes from one
//! event to the next as fast as somebody reads.

use std::sync::Arc;
use std::time::Instant as Real;

use ayumi_engine::Stamp;
use tokio::time::Instant;

use super::Client;
use crate::config::{SimConfig, Speed};
use crate::counters::SymbolCounters;
use crate::feed::{Feed, Item};
use crate::rest::Station;
use crate::script::{Due, Order, Owner, Script, haunt};
use crate::shared::Shared;

/// Messages between two looks at the rest of the world.
const BATCH: usize = 256;
/// At full speed the source pauses while this many bytes wait: enough to keep the socket busy.
const HIGH_WATER: usize = 512 * 1024;

/// A recording that is silent for longer after the start is told of.
const LONG_GAP_MS: i64 = 3_600_000;

/// The source, the script and what is to be taken back.
pub(crate) struct Player {
    shared: Arc<Shared>,
    feed: Feed,
    script: Script,
    undo: Vec<(Due, Owner)>,
    start: Option<Stamp>,
    end: Option<Stamp>,
    /// Somebody ended it.
    over: bool,
    text: Vec<u8>,
    news: News,
}

impl Player {
    pub(crate) fn new(shared: Arc<Shared>, mut feed: Feed, config: &SimConfig) -> Self {
        feed.prime(&mut shared.station());
        let tickers = shared.station().boards.tickers();
        // Who waits for a counter of a symbol finds it at 0 before its first message.
        shared.tally.count(|c| {
            c.symbols
                .extend(tickers.map(|ticker| (ticker, SymbolCounters::default())))
        });
        if config.start.is_none()
            && let Feed::Played(_) = feed
            && let Some(first) = feed.peek()
        {
            shared.clock.stand(first);
        }
        Self {
            shared,
            feed,
            script: Script::new(config.script.clone(), config.script_seed),
            undo: Vec::new(),
            start: config.start,
            end: config.end,
            over: false,
            text: Vec::with_capacity(4096),
            news: News::default(),
        }
    }

    /// Plays to the end of the source and the script, and does what is asked from outside as long as the simulator runs.
    pub(crate) async fn run(mut self) {
        self.skip_to_start().await;
        let speed = self.shared.speed;
        while matches!(speed, Speed::Times(_)) && self.shared.wait_for_client && !self.shared.may_start() {
            self.pause().await;
        }
        self.begin(speed);
        let mut told = false;
        loop {
            self.obey();
            if self.peek().is_none() && !std::mem::replace(&mut told, true) {
                tokio::spawn(tell_end(Arc::clone(&self.shared)));
            }
            match speed {
                Speed::Times(_) => self.timed().await,
                Speed::Full => self.full().await,
            }
        }
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
        if let Feed::Played(_) = self.feed {
            told_of_start(start, self.feed.peek());
        }
    }

    fn pass_over(&mut self) {
        self.text.clear();
        let mut station = self.shared.station();
        if let Some(item) = self.feed.take(&mut station, &mut self.text) {
            station.boards.update(item.slot, &self.text);
        }
    }

    fn begin(&mut self, speed: Speed) {
        self.feed.begin();
        let clock = &self.shared.clock;
        let first = self.start.or_else(|| self.feed.peek()).unwrap_or_else(|| clock.now());
        match speed {
            Speed::Times(factor) => clock.run(first, factor),
            Speed::Full => clock.stand(first),
        }
        let missed = self.script.begin(first);
        if missed > 0 {
            log::warn!("{missed} steps of the script are dated before the start and never happen");
        }
    }

    /// The clock runs: waits for the next event, then does it.
    async fn timed(&mut self) {
        let next = [self.peek(), self.next_deed()].into_iter().flatten().min();
        let due = next.and_then(|at| Some((at, self.shared.clock.real_instant(at)?)));
        let Some((at, due)) = due else {
            self.shared.audience.notified().await;
            return;
        };
        if due > Real::now() {
            tokio::select! {
                biased;
                () = self.shared.audience.notified() => return,
                () = tokio::time::sleep_until(Instant::from_std(due)) => {}
            }
        }
        // What was waited for is due, whatever rounding says.
        let now = self.shared.now().max(at);
        if !self.did_deed(now) {
            let client = self.emit(self.before_deed(now), None);
            self.reset_slow_reader(client.as_deref());
        }
        tokio::task::yield_now().await;
    }

    /// The client is the clock: as much as it takes, up to the next thing to do.
    async fn full(&mut self) {
        if (self.peek().is_none() && self.next_deed().is_none()) || !self.shared.has_audience() {
            self.pause().await;
            return;
        }
        if self.did_deed(Stamp::NEVER) {
            tokio::task::yield_now().await;
            return;
        }
        let client = self.emit(self.before_deed(Stamp::NEVER), Some(HIGH_WATER));
        match client.filter(|c| c.outbox().pending() >= HIGH_WATER) {
            Some(client) => client.drained.notified().await,
            None => tokio::task::yield_now().await,
        }
    }

    /// Waits until something changes outside, or something is to be taken back though the clock stands.
    async fn pause(&mut self) {
        match self.undo.iter().map(|(due, _)| due.real).min() {
            None => self.shared.audience.notified().await,
            Some(real) => {
                tokio::select! {
                    biased;
                    () = self.shared.audience.notified() => {}
                    () = tokio::time::sleep_until(Instant::from_std(real)) => {}
                }
            }
        }
        self.obey();
        let now = Real::now();
        while let Some(index) = self.undo.iter().position(|(due, _)| due.real <= now) {
            let (_, owner) = self.undo.remove(index);
            self.shared.undo(owner);
        }
    }

    /// Does what actions have asked for.
    fn obey(&mut self) {
        let orders = self.shared.stage().take_orders();
        for order in orders {
            match order {
                Order::Market(action, now) => self.feed.act(&action, now),
                Order::Kick(takeover, stay) => {
                    tokio::spawn(haunt(Arc::clone(&self.shared), takeover, stay));
                }
                Order::Undo(due, owner) => self.undo.push((due, owner)),
                Order::ForgetUndos => self.undo.clear(),
                Order::End => {
                    self.over = true;
                    self.script.stop();
                }
            }
        }
    }

    /// The next message of the source.
    fn peek(&mut self) -> Option<Stamp> {
        if self.over { None } else { self.feed.peek() }
    }

    fn next_step(&self) -> Option<Stamp> {
        self.script.next().filter(|at| self.end.is_none_or(|end| *at <= end))
    }

    /// When the script does something, or something is taken back.
    fn next_deed(&self) -> Option<Stamp> {
        let undo = self.undo.iter().map(|(due, _)| due.at).min();
        [undo, self.next_step()].into_iter().flatten().min()
    }

    /// Messages up to `now`, but none that comes after the next deed.
    fn before_deed(&self, now: Stamp) -> Stamp {
        self.next_deed()
            .map_or(now, |at| now.min(Stamp(at.0.saturating_sub(1))))
    }

    /// Does the next thing that is due by `now` and no later than the next message. What ends comes before what begins.
    fn did_deed(&mut self, now: Stamp) -> bool {
        let first = self.peek();
        let Some(at) = self
            .next_deed()
            .filter(|at| *at <= now && first.is_none_or(|first| *at <= first))
        else {
            return false;
        };
        self.shared.clock.advance(at);
        if let Some(index) = self.undo.iter().position(|(due, _)| due.at <= at) {
            let (_, owner) = self.undo.remove(index);
            self.shared.undo(owner);
        } else if let Some((at, actions)) = self.script.take(at) {
            for action in &actions {
                if let Err(problems) = self.shared.act(action, at) {
                    log::error!("{action}: {problems}");
                }
                self.obey();
            }
        }
        true
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
            if !takes || self.over || self.feed.peek().is_none_or(|at| at > until) {
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

/// A start that misses the recording is told of: nothing comes for a long time, or ever.
fn told_of_start(start: Stamp, next: Option<Stamp>) {
    let written = |at: Stamp| ayumi_wire::jst::iso_ms(at.ms());
    match next {
        None => log::warn!(
            "the recording has no message after the start {}: nothing will be sent. Choose an earlier --start",
            written(start)
        ),
        Some(next) if next.ms_since(start) > LONG_GAP_MS => log::warn!(
            "after the start {} the first message of the recording comes at {}: nothing is sent until then",
            written(start),
            written(next)
        ),
        Some(_) => {}
    }
}

/// Waits until what was queued is written or lost, and counts the end.
async fn tell_end(shared: Arc<Shared>) {
    while let Some(client) = shared.current() {
        if client.outbox().pending() == 0 {
            break;
        }
        client.drained.notified().await;
    }
    shared.tally.count(|c| c.source_finished = true);
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
