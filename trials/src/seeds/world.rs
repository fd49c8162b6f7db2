//! A recorder and its station on a virtual clock: whatever is due next happens, then the clock stands there.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ayumi_engine::guard::Bounds;
use ayumi_engine::market::{Market, Profile};
use ayumi_engine::num::Qty;
use ayumi_engine::output::Output;
use ayumi_engine::settings::{BoardMode, EngineSettings, TickRule};
use ayumi_engine::{Engine, Stamp, Symbol, SymbolId};
use ayumi_station::{Ending, Reconnect};
use serde_json::Value;

use super::storage::Storage;
use crate::random::Random;

/// What happened in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) messages: u64,
    pub(crate) resets: u64,
    pub(crate) kills: u64,
    pub(crate) restarts: u64,
    pub(crate) locks: u64,
    pub(crate) jumps: u64,
    pub(crate) windows: u64,
    pub(crate) virtual_s: i64,
    digest: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.resets += other.resets;
        self.kills += other.kills;
        self.restarts += other.restarts;
        self.locks += other.locks;
        self.jumps += other.jumps;
        self.windows += other.windows;
        self.virtual_s += other.virtual_s;
    }
}

/// On its way to the recorder.
struct Sent {
    at: Stamp,
    text: Vec<u8>,
    symbol: usize,
}

/// When something is due, and what.
type Due = (Stamp, fn(&mut World) -> Result<()>);

enum Line {
    Up { since: Stamp, delivered: bool },
    Down { until: Stamp },
}

/// Everything, and its one source of chance.
pub(crate) struct World {
    random: Random,
    now: Stamp,
    began: Stamp,
    end: Stamp,
    settings: EngineSettings,
    tickers: Vec<String>,
    market: Market,
    rate_ms: u64,
    trade_at: Stamp,
    wire: VecDeque<Sent>,
    /// The station sends nothing until then.
    stalled: Stamp,
    line: Line,
    policy: Reconnect,
    boards: VecDeque<(Stamp, SymbolId)>,
    fault_at: Stamp,
    unlock_at: Stamp,
    /// What a write takes, ms.
    slow_ms: u64,
    engine: Engine,
    storage: Storage,
    /// The last volume of each symbol that reached this process.
    delivered: BTreeMap<usize, i64>,
    tally: Tally,
}

impl World {
    pub(crate) fn new(seed: u64, db: &Path) -> Result<Self> {
        let mut random = Random(seed);
        let count = 1 + random.below(12) as usize;
        let symbols: Vec<Symbol> = (0..count).map(|i| Symbol::tse(&(1301 + 11 * i).to_string())).collect();
        let settings = settings(&mut random, &symbols);
        let tickers: Vec<String> = symbols.iter().map(Symbol::ticker).collect();
        let profiles: Vec<Profile> = symbols.iter().map(|s| Profile::of(s, seed)).collect();
        let bounds = (settings.tick_queue_max, 2 + random.below(40) as usize);
        let began = Stamp::from_s(1_763_596_800 + random.below(5 * 3600) as i64);
        let mut storage = Storage::new(db, tickers.clone(), settings.window_ms, bounds);
        let (states, _) = storage.open(began.date())?;
        let mut engine = Engine::new(settings.clone(), began);
        engine.restore(&states);
        Ok(Self {
            now: began,
            began,
            end: began.plus_ms(60_000 + random.below(240_000) as i64),
            market: Market::new(seed, profiles),
            rate_ms: 1 + random.below(200),
            trade_at: began,
            wire: VecDeque::new(),
            stalled: began,
            line: Line::Down { until: began },
            policy: Reconnect::new(Duration::from_secs(1), Duration::from_secs(30), seed),
            boards: VecDeque::new(),
            fault_at: began.plus_ms(random.below(10_000) as i64),
            unlock_at: Stamp::NEVER,
            slow_ms: 1 + random.below(400),
            settings,
            tickers,
            engine,
            storage,
            delivered: BTreeMap::new(),
            tally: Tally::default(),
            random,
        })
    }

    /// Until its end.
    pub(crate) fn live(&mut self) -> Result<()> {
        while self.now < self.end {
            let (at, what) = self.next();
            ensure!(at < Stamp::NEVER, "nothing is due any more");
            self.now = self.now.max(at);
            what(self)?;
            self.take_outputs();
        }
        Ok(())
    }

    /// The orderly end: everything is stored.
    pub(crate) fn finish(&mut self) -> Result<Tally> {
        self.stop()?;
        self.tally.virtual_s = self.now.ms_since(self.began) / 1_000;
        self.tally.digest = self.storage.digest();
        Ok(self.tally.clone())
    }

    /// The last volume of each ticker that reached the recorder; not of guarded ones, where a message outside the guard
    /// is believed only when it continues a known volume.
    pub(crate) fn delivered(&self) -> impl Iterator<Item = (&str, i64)> {
        let open = |symbol: &usize| self.settings.watched[*symbol].guard == Bounds::default();
        let known = self.delivered.iter().filter(move |(symbol, _)| open(symbol));
        known.map(|(symbol, volume)| (self.tickers[*symbol].as_str(), *volume))
    }

    /// What is due next. The order is that of the list when two things are due at once.
    fn next(&self) -> Due {
        let arrival = self.wire.front().map_or(Stamp::NEVER, |sent| sent.at.max(self.stalled));
        let arrival = if matches!(self.line, Line::Up { .. }) {
            arrival
        } else {
            Stamp::NEVER
        };
        let dial = match self.line {
            Line::Down { until } => until,
            Line::Up { .. } => Stamp::NEVER,
        };
        let board = self.boards.front().map_or(Stamp::NEVER, |(at, _)| *at);
        let due: [Due; 8] = [
            (self.engine.next_deadline(self.now), Self::clock),
            (arrival, Self::arrive),
            (self.storage.next(), Self::store),
            (dial, Self::dial),
            (board, Self::board),
            (self.trade_at, Self::trade),
            (self.unlock_at, Self::unlock),
            (self.fault_at, Self::fault),
        ];
        let first = due.into_iter().reduce(|a, b| if b.0 < a.0 { b } else { a });
        first.unwrap_or((Stamp::NEVER, Self::clock))
    }

    fn clock(&mut self) -> Result<()> {
        self.engine.on_clock(self.now);
        Ok(())
    }

    fn trade(&mut self) -> Result<()> {
        let symbol = self.random.below(self.tickers.len() as u64) as usize;
        let mut text = Vec::new();
        self.market.tick(symbol, self.now).write(&mut text);
        // Bursts: now and then many at once.
        let gap = if self.random.one_in(4) {
            0
        } else {
            self.random.below(2 * self.rate_ms)
        };
        self.trade_at = self.now.plus_ms(gap as i64);
        if matches!(self.line, Line::Up { .. }) {
            self.send(text, symbol);
        }
        Ok(())
    }

    /// On the wire in order, each with a delay of its own.
    fn send(&mut self, text: Vec<u8>, symbol: usize) {
        let at = self.now.plus_ms(self.random.below(30) as i64);
        let at = self.wire.back().map_or(at, |last| last.at.max(at));
        self.wire.push_back(Sent { at, text, symbol });
    }

    fn arrive(&mut self) -> Result<()> {
        let Some(sent) = self.wire.pop_front() else {
            return Ok(());
        };
        self.engine.on_push(&sent.text, self.now);
        self.tally.messages += 1;
        if let Line::Up { delivered, .. } = &mut self.line {
            *delivered = true;
        }
        self.policy.message();
        if let Some(volume) = volume_of(&sent.text) {
            self.delivered.insert(sent.symbol, volume);
        }
        Ok(())
    }

    fn store(&mut self) -> Result<()> {
        let takes = self.random.below(self.slow_ms) as i64;
        self.storage.work(self.now, takes)?;
        self.engine.set_room(self.storage.backlog.room());
        Ok(())
    }

    fn dial(&mut self) -> Result<()> {
        if self.random.one_in(10) {
            let wait = self.policy.failed();
            self.line = Line::Down {
                until: self.now.plus_ms(wait.as_millis() as i64),
            };
        } else {
            self.line = Line::Up {
                since: self.now,
                delivered: false,
            };
            self.engine.on_line_up(self.now);
        }
        Ok(())
    }

    /// An answer of `/board`, or none.
    fn board(&mut self) -> Result<()> {
        let Some((_, symbol)) = self.boards.pop_front() else {
            return Ok(());
        };
        if self.random.one_in(5) {
            let answered = self.random.one_in(2);
            self.engine.on_board_failed(answered, self.now);
        } else {
            let mut body = Vec::new();
            self.market.message(symbol.index()).write(&mut body);
            self.engine.on_board(symbol, &body, self.now);
        }
        Ok(())
    }

    fn unlock(&mut self) -> Result<()> {
        self.storage.unlock();
        self.unlock_at = Stamp::NEVER;
        Ok(())
    }

    /// One of the faults.
    fn fault(&mut self) -> Result<()> {
        self.fault_at = self.now.plus_ms(500 + self.random.below(12_000) as i64);
        match self.random.below(10) {
            0 | 1 => self.cut(Ending::Cut),
            2 => self.stalled = self.now.plus_ms(self.random.below(6_000) as i64),
            3 => self.cut(Ending::Closed),
            4 => self.lock()?,
            5 => self.kill()?,
            6 => self.restart()?,
            7 => self.strange_message(),
            8 => self.jump(),
            _ => self.station_restarts(),
        }
        Ok(())
    }

    /// The line ends; what was on the wire is gone.
    fn cut(&mut self, ending: Ending) {
        let Line::Up { since, delivered } = self.line else {
            return;
        };
        self.wire.clear();
        let ending = if delivered { ending } else { Ending::Empty };
        let span = |from: Stamp| Duration::from_millis(self.now.ms_since(from).unsigned_abs());
        let wait = self.policy.lost(ending, span(self.began), span(since));
        self.line = Line::Down {
            until: self.now.plus_ms(wait.as_millis() as i64),
        };
        self.engine.on_line_down(self.now);
        self.tally.resets += 1;
    }

    fn lock(&mut self) -> Result<()> {
        if self.unlock_at == Stamp::NEVER {
            self.storage.lock().context("locking")?;
            self.unlock_at = self.now.plus_ms(self.random.below(20_000) as i64);
            self.tally.locks += 1;
        }
        Ok(())
    }

    /// Sudden death, and a new process after a while.
    fn kill(&mut self) -> Result<()> {
        self.storage.kill();
        self.delivered.clear();
        self.tally.kills += 1;
        self.start_again()
    }

    fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.tally.restarts += 1;
        self.start_again()
    }

    fn stop(&mut self) -> Result<()> {
        self.engine.finish(self.now);
        self.take_outputs();
        self.unlock_at = Stamp::NEVER;
        self.storage.close(self.now)
    }

    fn start_again(&mut self) -> Result<()> {
        self.unlock_at = Stamp::NEVER;
        self.wire.clear();
        self.boards.clear();
        self.now = self.now.plus_ms(self.random.below(5_000) as i64);
        let (states, until) = self.storage.open(self.now.date())?;
        self.now = self.now.max(until.map_or(self.now, Stamp::from_ms));
        self.engine = Engine::new(self.settings.clone(), self.now);
        self.engine.restore(&states);
        self.line = Line::Down { until: self.now };
        Ok(())
    }

    /// The last message again, or one that is none.
    fn strange_message(&mut self) {
        let Some(last) = self.wire.back() else { return };
        let (mut text, symbol) = (last.text.clone(), last.symbol);
        if self.random.one_in(2) {
            text.truncate(self.random.below(text.len() as u64) as usize);
        }
        self.send(text, symbol);
    }

    /// The computer slept, or its clock was set.
    fn jump(&mut self) {
        self.now = self.now.plus_ms(self.random.below(600_000) as i64);
        self.trade_at = self.trade_at.max(self.now);
        self.fault_at = self.fault_at.max(self.now);
        // The day of a run is one day, so that its books can be compared.
        self.end = self.end.max(self.now.plus_ms(20_000));
        self.tally.jumps += 1;
    }

    /// A station that forgot: its volumes begin anew, further down.
    fn station_restarts(&mut self) {
        let profiles = self.market.profiles().to_vec();
        let mut market = Market::new(self.random.next(), profiles);
        for symbol in 0..self.tickers.len() {
            let known = volume_of_market(&self.market, symbol).unwrap_or(0);
            let from = if self.random.one_in(3) {
                known / 200 * 100
            } else {
                known
            };
            market.go_on_from(symbol, Qty(from));
        }
        self.market = market;
        self.cut(Ending::Closed);
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.engine.poll(self.now) {
            match output {
                Output::Batch(batch) => {
                    self.storage.backlog.push(batch);
                    self.engine.set_room(self.storage.backlog.room());
                }
                Output::BoardWanted(symbol) => {
                    let at = self.now.plus_ms(1 + self.random.below(1_500) as i64);
                    self.boards.push_back((at, symbol));
                }
                Output::Reconnect(_) => self.cut(Ending::Cut),
                Output::Note(_) => {}
            }
        }
    }
}

fn settings(random: &mut Random, symbols: &[Symbol]) -> EngineSettings {
    let mut settings = EngineSettings::new(symbols.to_vec());
    settings.window_ms = [50, 300, 1_000][random.below(3) as usize];
    settings.tick_rule = [TickRule::Push, TickRule::Trade][random.below(2) as usize];
    settings.board_mode = [BoardMode::Push, BoardMode::Rest, BoardMode::Auto][random.below(3) as usize];
    settings.tick_queue_max = [20_000, 200, 20][random.below(3) as usize];
    for watched in &mut settings.watched {
        if random.one_in(3) {
            // Somewhere in the market's way, so that some prices fall outside.
            let close = Profile::of(&watched.symbol, 1).previous_close;
            watched.guard = Bounds {
                min: Some(close),
                max: None,
            };
        }
    }
    settings
}

fn volume_of(text: &[u8]) -> Option<i64> {
    let message: Value = serde_json::from_slice(text).ok()?;
    Some(message["TradingVolume"].as_f64()? as i64)
}

fn volume_of_market(market: &Market, symbol: usize) -> Option<i64> {
    let mut text = Vec::new();
    market.message(symbol).write(&mut text);
    volume_of(&text)
}
