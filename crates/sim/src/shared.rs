//! What the server's tasks and the handle share. Locks are taken in the order stage, station, clock, line, outbox, counters,
//! and never held over an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ayumi_engine::{Stamp, Symbol};
use tokio::sync::Notify;

use crate::clock::SimClock;
use crate::config::{SimConfig, Source, Speed};
use crate::counters::Tally;
use crate::faults::Cut;
use crate::feed::volume_of;
use crate::push::{Client, Outbox, Trouble};
use crate::rest::Station;
use crate::script::{Stage, Traded};
use crate::sent::SentLog;

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
    /// What the market trades, when there is one.
    pub traded: Traded,
    /// What actions hold and what they ask of the player.
    pub(crate) stage: Mutex<Stage>,
    station: Mutex<Station>,
    line: Mutex<Option<Arc<Client>>>,
}

impl Shared {
    pub(crate) fn new(config: &SimConfig, port: u16, sent: Option<SentLog>) -> Self {
        let tally = Arc::new(Tally::default());
        let seed = match &config.source {
            Source::Market(market) => market.seed,
            _ => 0,
        };
        Self {
            port,
            trouble: Arc::new(Trouble::new(seed, Arc::clone(&tally), sent)),
            tally,
            audience: Notify::new(),
            desk: tokio::sync::Mutex::new(()),
            speed: config.speed,
            clock: SimClock::new(config.start),
            wait_for_client: config.wait_for_client,
            slow_reader_limit: config.slow_reader_limit,
            require_registration: config.require_registration,
            traded: Traded::of(&config.source),
            stage: Mutex::new(Stage::new(&config.faults)),
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

    /// Puts something into the outbox of the live client; false when there is none or it takes nothing.
    pub(crate) fn to_client(&self, put: impl FnOnce(&mut Outbox) -> bool) -> bool {
        let Some(client) = self.current() else {
            return false;
        };
        let queued = put(&mut client.outbox());
        client.wake();
        queued
    }

    /// Sends one text as a message of the source, registered or not.
    pub(crate) fn push_text(&self, text: &str) {
        let mut station = self.station();
        let slot = symbol_in(text).map(|symbol| station.slot(&symbol));
        if let Some(slot) = slot {
            station.boards.update(slot, text.as_bytes());
        }
        let faults = station.faults.clone();
        let ticker = slot.and_then(|s| station.boards.get(s)).map(|b| b.ticker.clone());
        drop(station);
        let queued = self.to_client(|outbox| outbox.put_message(text.as_bytes(), &faults));
        let volume = volume_of(text.as_bytes());
        self.tally.count(|c| {
            c.messages_undelivered += u64::from(!queued);
            if let Some(ticker) = ticker {
                c.symbols.entry(ticker).or_default().note(volume, queued);
            }
        });
    }

    /// Does something to the live client; nothing when there is none.
    pub(crate) fn cut(&self, how: &Cut) {
        if let Some(client) = self.current() {
            client.cut(how);
            self.audience.notify_one();
        }
    }

    /// True when a PUSH client could get something of the source now.
    pub(crate) fn has_audience(&self) -> bool {
        let station = self.station();
        let wants = match (self.require_registration, self.traded.is_market()) {
            (false, _) => true,
            (true, true) => station.boards.any_wanted(),
            (true, false) => station.has_registered(),
        };
        wants && self.current().is_some_and(|c| c.outbox().is_open())
    }

    /// True when the source may start. A market also starts for those who only ask `/board`.
    pub(crate) fn may_start(&self) -> bool {
        self.has_audience() || (self.traded.is_market() && self.station().has_touched())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Symbol and exchange of a message that is JSON; anything else has none.
fn symbol_in(text: &str) -> Option<Symbol> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let exchange = value.get("Exchange").and_then(serde_json::Value::as_u64).unwrap_or(1);
    Some(Symbol {
        code: value.get("Symbol")?.as_str()?.to_owned(),
        exchange: u16::try_from(exchange).ok()?,
    })
}
