//! Counts that tests wait on.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// A snapshot of everything counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counters {
    /// PUSH connections accepted.
    pub push_connections: u64,
    /// PUSH connections open now, starved ones included.
    pub push_clients_now: u64,
    /// PUSH upgrades refused (Host rule, bad handshake, fault).
    pub push_refused: u64,
    /// PUSH clients replaced by a newer one.
    pub takeovers: u64,
    /// Messages written to a socket completely.
    pub messages_sent: u64,
    /// Bytes written to PUSH sockets after the handshake, frame headers included.
    pub bytes_sent: u64,
    /// Messages of the source that reached no socket: no client, a stalled one, or one that went before they were
    /// written.
    pub messages_undelivered: u64,
    /// Messages of the source whose symbol is not registered for PUSH.
    pub messages_unregistered: u64,
    /// Lines of a recording that were no message.
    pub lines_skipped: u64,
    /// The source has ended, and what it sent is written or lost.
    pub source_finished: bool,
    /// Clients reset because they did not read ([`crate::SimConfig::slow_reader_limit`]).
    pub slow_reader_resets: u64,
    /// Pings received from PUSH clients.
    pub pings_received: u64,
    /// Pongs received from PUSH clients.
    pub pongs_received: u64,
    /// Frames received from PUSH clients, pings and close frames included.
    pub client_frames: u64,
    /// Close frames received from PUSH clients.
    pub client_closes: u64,
    /// REST requests by method and path, for example `GET /board`, answered or not.
    pub rest_requests: BTreeMap<String, u64>,
    /// REST answers by HTTP status.
    pub rest_statuses: BTreeMap<u16, u64>,
    /// Requests refused with 429.
    pub rate_limited: u64,
    /// Requests refused by the Host rule, upgrades included.
    pub bad_hosts: u64,
    /// TCP connections accepted.
    pub connections: u64,
    /// Actions of scripts and of the control port that were done, by name: `reset`.
    pub actions: BTreeMap<String, u64>,
    /// Faults of the line and of messages that were applied, by the name of their field in [`crate::Faults`].
    pub faults: BTreeMap<String, u64>,
    /// By ticker (`7203`, `167060019@23`).
    pub symbols: BTreeMap<String, SymbolCounters>,
}

impl Counters {
    /// `TradingVolume` in the last message of the source for this ticker, sent or not.
    #[must_use]
    pub fn last_volume(&self, ticker: &str) -> Option<i64> {
        self.symbols.get(ticker)?.last_volume
    }

    /// Requests of one kind, for example `GET /board`.
    #[must_use]
    pub fn rest(&self, what: &str) -> u64 {
        self.rest_requests.get(what).copied().unwrap_or(0)
    }

    /// How often a fault of the line or of messages was applied, by the name of its field in [`crate::Faults`].
    #[must_use]
    pub fn fault(&self, name: &str) -> u64 {
        self.faults.get(name).copied().unwrap_or(0)
    }
}

impl Counters {
    /// A fault was applied.
    pub(crate) fn note_fault(&mut self, name: &str) {
        match self.faults.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.faults.insert(name.to_owned(), 1)),
        }
    }
}

/// Counts of one symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SymbolCounters {
    /// Messages of the source.
    pub messages: u64,
    /// Messages handed to a client's send queue.
    pub queued: u64,
    /// `TradingVolume` of the last message of the source.
    pub last_volume: Option<i64>,
    /// `TradingVolume` of the first message handed to a client's send queue.
    pub first_volume_queued: Option<i64>,
    /// `TradingVolume` of the last message handed to a client's send queue.
    pub last_volume_queued: Option<i64>,
}

impl SymbolCounters {
    /// Counts one message.
    pub(crate) fn note(&mut self, volume: Option<i64>, queued: bool) {
        self.messages += 1;
        self.last_volume = volume.or(self.last_volume);
        if queued {
            self.queued += 1;
            self.first_volume_queued = self.first_volume_queued.or(volume);
            self.last_volume_queued = volume.or(self.last_volume_queued);
        }
    }

    /// Adds what was counted after `self`.
    pub(crate) fn add(&mut self, new: &Self) {
        self.messages += new.messages;
        self.queued += new.queued;
        self.last_volume = new.last_volume.or(self.last_volume);
        self.first_volume_queued = self.first_volume_queued.or(new.first_volume_queued);
        self.last_volume_queued = new.last_volume_queued.or(self.last_volume_queued);
    }
}

/// The live counters and the bell that rings when they change.
#[derive(Default)]
pub(crate) struct Tally {
    counters: Mutex<Counters>,
    changed: Condvar,
    /// The same for tasks.
    rung: Notify,
}

impl Tally {
    /// Changes the counters and wakes whoever waits.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock());
        self.changed.notify_all();
        self.rung.notify_waiters();
    }

    /// Reads without copying.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&Counters) -> T) -> T {
        at(&self.lock())
    }

    /// Rings at the next change.
    pub(crate) fn next_change(&self) -> Notified<'_> {
        self.rung.notified()
    }

    pub(crate) fn snapshot(&self) -> Counters {
        self.lock().clone()
    }

    /// True as soon as `what` holds, false when it does not within `timeout`.
    pub(crate) fn wait_until(&self, timeout: Duration, what: impl Fn(&Counters) -> bool) -> bool {
        let deadline = Instant::now() + timeout;
        let mut counters = self.lock();
        loop {
            if what(&counters) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            counters = self
                .changed
                .wait_timeout(counters, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
