//! The exchange as a source: its messages go to the player, its trades to the tapes and to the ground truth.

use std::collections::BTreeMap;

use ayumi_engine::Stamp;

use super::Item;
use super::paths;
use super::truth::Truth;
use crate::config::{MarketConfig, SimError};
use crate::exchange::{Exchange, MarketAction, Setup};
use crate::rest::Station;

/// A next message later than this leaves time to bring the truth to the disk, ns.
const LULL: i64 = 500_000_000;

/// The exchange and those who listen to it.
pub(crate) struct MarketFeed {
    exchange: Exchange,
    start: Stamp,
    /// No message is later.
    end: Stamp,
    /// One per symbol, in the exchange's order.
    slots: Vec<usize>,
    tickers: Vec<String>,
    truth: Option<Truth>,
}

impl MarketFeed {
    /// Opens the exchange at `start`; reads the price paths, creates the truth file.
    pub(crate) fn open(config: &MarketConfig, start: Stamp, end: Option<Stamp>) -> Result<Self, SimError> {
        let paths = match &config.prices {
            Some(path) => paths::read(path, start.date(), config.seed)?,
            None => BTreeMap::new(),
        };
        let exchange = Exchange::open(&Setup {
            seed: config.seed,
            symbols: &config.symbols,
            per_second: config.per_second,
            hours: config.hours,
            start,
            paths,
        });
        Ok(Self {
            tickers: exchange.symbols().map(ayumi_engine::Symbol::ticker).collect(),
            exchange,
            start,
            end: end.unwrap_or(Stamp::NEVER),
            slots: Vec::new(),
            truth: config.truth.as_deref().map(Truth::create).transpose()?,
        })
    }

    /// Shows on `/board` what every symbol looks like at the start.
    pub(crate) fn prime(&mut self, station: &mut Station) {
        self.exchange.pass_to(self.start);
        let symbols: Vec<_> = self.exchange.symbols().cloned().collect();
        let mut text = Vec::with_capacity(2048);
        for (index, symbol) in symbols.iter().enumerate() {
            let slot = station.slot(symbol);
            text.clear();
            self.exchange.show(index, &mut text);
            station.boards.update(slot, &text);
            station.boards.set_limits(slot, self.exchange.limits(index));
            self.slots.push(slot);
        }
        self.tell(station, self.start);
    }

    /// Without a start of its own, the market begins when its player does.
    pub(crate) fn begin(&mut self, now: Stamp) {
        self.exchange.begin(now);
        self.exchange.pass_to(now);
    }

    pub(crate) fn peek(&mut self) -> Option<Stamp> {
        match self.slots.is_empty() {
            true => None,
            false => self.exchange.peek().filter(|at| *at <= self.end),
        }
    }

    pub(crate) fn take(&mut self, station: &mut Station, out: &mut Vec<u8>) -> Option<Item> {
        let sent = self.exchange.take(out)?;
        let &slot = self.slots.get(sent.index)?;
        station.boards.set_limits(slot, self.exchange.limits(sent.index));
        self.tell(station, sent.at);
        if let Some(truth) = &mut self.truth {
            let next = self.exchange.peek().unwrap_or(Stamp::NEVER);
            truth.tend(next.0.saturating_sub(sent.at.0) < LULL);
        }
        Some(Item {
            at: sent.at,
            slot,
            volume: sent.volume,
        })
    }

    /// Lets something happen.
    pub(crate) fn act(&mut self, action: &MarketAction, now: Stamp) {
        self.exchange.act(action, now);
    }

    /// The trades until then, to everyone who keeps them.
    fn tell(&mut self, station: &mut Station, until: Stamp) {
        while let Some(print) = self.exchange.print(until) {
            let slot = self.slots[print.index];
            station.tapes.note(slot, print.at, print.price, print.qty);
            if let Some(truth) = &mut self.truth {
                truth.note(&print, &self.tickers[print.index]);
            }
        }
    }
}
