//! Trades and quotes: when they come, and how soon what of them is sent.
//!
//! Prices and quotes come from two sources with clocks of their own. A trade that changes the price is sent about 10 ms
//! later, quotes follow it; trades at the same price wait for whatever is sent next; quotes alone come every 400 ms at
//! most. Trades that fall into these waits become one message, which is why the tape has more of them.

use super::super::timetable::{Cue, Product};
use super::{Alarm, Desk, Floor, MS, NEVER, SECOND, Stage, ms_of_day};
use ayumi_engine::market::Phase;

/// Trades that come by themselves, per mille of the messages wanted; others come with the quotes' own events.
const TRADES: i64 = 6;
/// Messages of 1,000 s that quotes alone can make under the usual thinning.
const QUOTES_ALONE: i64 = 1_900;
/// Above this many times the calm rate (per mille), messages leave in packets.
const BURST: i64 = 3_300;
/// Time between two packets.
const PACKET: i64 = 90 * MS;
/// Trades end this long before the message that ends the trading.
const GUARD: i64 = 150 * MS;

impl Desk {
    /// The true trades at `at`, then when the next ones come.
    pub(super) fn trade(&mut self, floor: &mut Floor<'_>, at: i64) {
        let before = floor.price();
        if self.product == Product::Index {
            // An index is calculated anew every few seconds.
            floor.step(at);
            self.send_price(at);
        } else {
            match floor.market.phase(floor.index) {
                Phase::Open if self.dice.chance(350) => {
                    floor.several(at, |market, index, now, each| market.sweep(index, now, None, each));
                }
                Phase::Open => floor.tick(at),
                _ => drop(floor.step(at)),
            }
            self.traded(at, floor.price() != before);
        }
        self.next_trade(at);
    }

    /// A quote event at `at`, which may turn out to be a trade, then when the next one comes.
    pub(super) fn quote(&mut self, floor: &mut Floor<'_>, at: i64) {
        let before = floor.price();
        let traded = match (self.stage, self.product) {
            (Stage::Calling, _) => {
                self.collect(floor, at);
                false
            }
            _ => floor.step(at),
        };
        if self.always {
            self.send_both(at);
        } else if traded {
            self.traded(at, floor.price() != before);
            if self.dice.chance(350) {
                // Orders attract orders.
                let soon = at + 50_000 + self.dice.wait(3 * MS);
                self.set(Alarm::Trade, soon.min(self.at(Alarm::Trade)));
            }
        } else {
            self.send_book(at);
        }
        self.next_quote(at);
    }

    /// Orders come before an auction; shortly before it the two sides may meet.
    fn collect(&mut self, floor: &mut Floor<'_>, at: i64) {
        let close = self.at(Alarm::Cue).saturating_sub(at) < 60 * SECOND;
        if close && floor.message().current_price.is_some() && self.dice.chance(60) {
            floor.market.lock(floor.index, ayumi_engine::Stamp(at));
        } else {
            floor.market.call(floor.index, ayumi_engine::Stamp(at));
        }
    }

    /// A trade wants to be sent.
    pub(super) fn traded(&mut self, at: i64, moved: bool) {
        if moved {
            self.moved = true;
            self.lazy = false;
            let wait = match self.dice.below(100) {
                0..12 => self.dice.between(300_000, 3 * MS),
                _ => self.dice.between(7 * MS, 14 * MS),
            };
            self.send_price(at + wait);
        } else if self.at(Alarm::Price) == NEVER {
            self.lazy = true;
            let wait = self.dice.between(30 * MS, 400 * MS);
            // What happened before the script goes on is sent before it.
            let latest = self.at(Alarm::Cue).saturating_sub(30 * MS).max(at);
            self.send_price((at + wait).min(latest));
        }
    }

    /// When the next trade comes by itself. Orders attract orders: many follow the last one at once.
    pub(super) fn next_trade(&mut self, at: i64) {
        let next = match self.product {
            Product::Index => at + self.index_gap(),
            _ if self.dice.chance(300) => at + 50_000 + self.dice.wait(3 * MS),
            _ => {
                let wanted = self.wanted(at) * TRADES / 1_000;
                at + self.dice.wait(1_000 * SECOND / wanted.max(1))
            }
        };
        let next = if self.stops_before(next) { NEVER } else { next };
        self.set(Alarm::Trade, next);
    }

    /// When the next quote event comes.
    pub(super) fn next_quote(&mut self, at: i64) {
        let next = match self.chain {
            _ if self.always => at.saturating_add(self.plain_wait()),
            1.. => {
                self.chain -= 1;
                at + self.dice.between(4 * MS, 110 * MS)
            }
            _ if self.burst => {
                // The packets are thinning enough.
                let alone = self.wanted(at) * 800 / 1_000;
                at + self.dice.wait(1_000 * SECOND / alone.max(1))
            }
            _ => {
                let alone = match self.stage {
                    Stage::Calling => self.wanted(at),
                    _ => self.wanted(at) * 800 / 1_000,
                };
                let mean = 1_000 * SECOND / alone.max(1);
                at + self.thinning + self.dice.wait((mean - self.thinning).max(self.thinning / 16))
            }
        };
        let next = if self.stops_before(next) { NEVER } else { next };
        self.set(Alarm::Quote, next);
    }

    /// How many quotes follow a price: more, the busier the symbol is beyond what quotes alone can tell.
    pub(super) fn quotes_after_price(&mut self, at: i64) -> i64 {
        let wanted = self.wanted(at);
        let alone = QUOTES_ALONE * super::THINNING / self.thinning;
        // About one message in eight brings a new price.
        let missing = (wanted * 800 / 1_000 - alone).max(0);
        let per_mille = (missing * 1_000 / (wanted / 8).max(1)).clamp(500, 6_000);
        per_mille / 1_000 + i64::from(self.dice.chance(per_mille % 1_000))
    }

    /// Messages in 1,000 s wanted now.
    fn wanted(&mut self, at: i64) -> i64 {
        let (wanted, clock) = self.pace.wanted(at, ms_of_day(at), &mut self.dice);
        self.burst = clock > BURST;
        wanted
    }

    /// Between nothing and twice the mean.
    fn plain_wait(&mut self) -> i64 {
        let gap = self.pace.shortened(self.clock, self.plain_gap);
        self.dice.below(2 * gap + 1)
    }

    /// Several seconds; volatility indices are calculated every 15 s.
    fn index_gap(&mut self) -> i64 {
        let mean = if self.shown.symbol == "145" { 15 } else { 5 };
        let gap = self.dice.between(mean * 700, mean * 1_300) * MS;
        self.pace.shortened(self.clock, gap)
    }

    /// True when the script ends the trading before `at`.
    fn stops_before(&self, at: i64) -> bool {
        let ends = matches!(self.next_cue(), Cue::Blank | Cue::Pause | Cue::Close);
        self.stage == Stage::Trading && ends && at > self.at(Alarm::Cue).saturating_sub(GUARD)
    }

    /// The packet that a message of this time leaves with.
    pub(super) fn packet(&self, at: i64) -> i64 {
        if self.burst {
            (at + PACKET - 1).div_euclid(PACKET) * PACKET
        } else {
            at
        }
    }
}
