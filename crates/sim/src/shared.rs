//! What the server's tasks and the handle share. Locks are taken in the order station, clock, line, outbox, counters,
//! and never held over an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ayumi_engine::Stamp;
use tokio::sync::Notify;

use crate::clock::SimClock;
use crate::config::{SimConfig, Source, Speed};
use crate::counters::Tally;
use crate::push::{Client, Trouble};
use crate::rest::Station;

/// One running simulator.
pub(crate) struct Shared {
    pub port: u16,
    pub tally: Arc<Tally>,
    /// What the faults of the line and of messages share.
    pub trouble: Arc<Trouble>,
    /// Rings for the player when a client, the registration list or a stall has changed.
    pub audience: Notify,
    /// Held while a request is processed: the station works on one at a time.
    pub desk: tokio::sync::Mutex<()>,
    pub speed: Speed,
    pub clock: SimClock,
    pub wait_for_client: bool,
    pub slow_reader_limit: usize,
    require_registration: bool,
    is_market: bool,
    station: Mutex<Station>,
    line: Mutex<Option<Arc<Client>>>,
}

impl Shared {
    pub(crate) fn new(config: &SimConfig, port: u16) -> Self {
        let tally = Arc::new(Tally::default());
        let seed = match &config.source {
            Source::Market(market) => market.seed,
            _ => 0,
        };
        Self {
            port,
            trouble: Arc::new(Trouble::new(seed, Arc::clone(&tally))),
            tally,
            audience: Notify::new(),
            desk: tokio::sync::Mutex::new(()),
            speed: config.speed,
            clock: SimClock::new(config.start),
            wait_for_client: config.wait_for_client,
            slow_reader_limit: config.slow_reader_limit,
            require_registration: config.require_registration,
            is_market: matches!(config.source, Source::Market(_)),
            station: Mutex::new(Station::new(config)),
            line: Mutex::new(None),
        }
    }

    /// The station, its clock set.
    pub(crate) fn station(&self) -> MutexGuard<'_, Station> {
        let mut station = lock(&self.station);
        station.now = self.clock.station_now();
        station
    }

    /// The simulated time.
    pub(crate) fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// The live PUSH client.
    pub(crate) fn current(&self) -> Option<Arc<Client>> {
        lock(&self.line).clone()
    }

    /// Makes a client the live one and gives back the one before.
    pub(crate) fn take_over(&self, client: Arc<Client>) -> Option<Arc<Client>> {
        let old = lock(&self.line).replace(client);
        self.audience.notify_one();
        old
    }

    /// The client has gone; another one may already have its place.
    pub(crate) fn leave(&self, client: &Arc<Client>) {
        let mut line = lock(&self.line);
        if line.as_ref().is_some_and(|c| Arc::ptr_eq(c, client)) {
            *line = None;
        }
        drop(line);
        self.audience.notify_one();
    }

    /// True when a PUSH client could get something of the source now.
    pub(crate) fn has_audience(&self) -> bool {
        let station = self.station();
        let wants = match (self.require_registration, self.is_market) {
            (false, _) => true,
            (true, true) => station.boards.any_wanted(),
            (true, false) => station.has_registered(),
        };
        wants && self.current().is_some_and(|c| c.outbox().is_open())
    }

    /// True when the source may start. A market also starts for those who only ask `/board`.
    pub(crate) fn may_start(&self) -> bool {
        self.has_audience() || (self.is_market && self.station().has_touched())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
