//! The exchange as a source: its messages go to the player, its trades to the tapes and to the ground truth.

use std::collections::BTreeMap;

use ayumi_engine::{Stamp, Symbol};

use super::Item;
use super::paths;
use super::truth::Truth;
use crate::config::{Hours, MarketConfig, SimError};
use crate::exchange::{Exchange, MarketAction, Path, Setup};
use crate::rest::Station;
use crate::script::named;

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
    /// Opens the exchange at `start`; reads the price paths, creates the truth file. `patient`: the market may wait for
    /// the disk.
    pub(crate) fn open(
        config: &MarketConfig,
        start: Stamp,
        end: Option<Stamp>,
        patient: bool,
    ) -> Result<Self, SimError> {
        let paths = match &config.prices {
            Some(path) => paths::read(path, start.date(), config.seed)?,
            None => BTreeMap::new(),
        };
        if let Some(path) = &config.prices
            && let Some(what) = unfollowed(config, &paths)
        {
            log::warn!("the price paths {}: {what}", path.display());
        }
        let exchange = Exchange::open(&Setup {
            seed: config.seed,
            symbols: &config.symbols,
            per_second: config.per_second,
            hours: config.hours,
            start,
            paths,
        });
        Ok(Self {
            tickers: exchange.symbols().map(Symbol::ticker).collect(),
            exchange,
            start,
            end: end.unwrap_or(Stamp::NEVER),
            slots: Vec::new(),
            truth: config
                .truth
                .as_deref()
                .map(|path| Truth::create(path, patient))
                .transpose()?,
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

/// What of a file of price paths is not followed, with the next step.
fn unfollowed(config: &MarketConfig, paths: &BTreeMap<Symbol, Path>) -> Option<String> {
    if config.hours == Hours::Always {
        return Some("a market that trades at any hour follows none; give a --start, or --hours session".to_owned());
    }
    let missing: Vec<Symbol> = config
        .symbols
        .iter()
        .filter(|s| !paths.contains_key(*s))
        .cloned()
        .collect();
    let known: Vec<Symbol> = paths.keys().cloned().collect();
    (!missing.is_empty()).then(|| {
        format!(
            "there is no price of {} on the day taken, so prices are invented for that; there are: {}",
            named(&missing),
            named(&known)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_without_prices_are_named_once() {
        let mut config = MarketConfig::new(1, ["7203", "9984", "8306"].map(Symbol::tse).to_vec(), 1.0);
        let paths = BTreeMap::from([(Symbol::tse("9984"), Path::default())]);
        let said = unfollowed(&config, &paths).expect("at any hour");
        assert!(said.contains("--hours session"), "{said}");
        config.hours = Hours::Session;
        let said = unfollowed(&config, &paths).expect("two are missing");
        assert!(
            said.contains("no price of 7203, 8306 ") && said.ends_with("there are: 9984"),
            "{said}"
        );
        config.symbols = vec![Symbol::tse("9984")];
        assert_eq!(unfollowed(&config, &paths), None);
    }
}
