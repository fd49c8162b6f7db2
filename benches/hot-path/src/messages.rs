//! The messages that everything is measured with: a generated market's, in the station's own form.

use std::ops::Range;

use ayumi_engine::market::{Market, Profile};
use ayumi_engine::{Stamp, Symbol};
use ayumi_wire::num::Qty;
use ayumi_wire::push::encode::Message;
use ayumi_wire::ws::{Opcode, put_frame};

/// The same market in every run.
pub const SEED: u64 = 20_261_120;
/// A trading morning: Friday 2026-11-20, 10:00 JST.
pub const MORNING: Stamp = Stamp::from_s(1_795_136_400);
/// Added to volumes that go round, so that they always have ten digits.
const VOLUME_BASE: i64 = 1_000_000_000;

/// Messages, one behind the other in one block of memory.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    bytes: Vec<u8>,
    at: Vec<Range<usize>>,
}

impl Messages {
    /// Appends one.
    pub fn push(&mut self, message: &Message) {
        let start = self.bytes.len();
        message.write(&mut self.bytes);
        self.at.push(start..self.bytes.len());
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.at.iter().map(|range| &self.bytes[range.clone()])
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Mean length in bytes.
    pub fn mean_len(&self) -> f64 {
        self.bytes.len() as f64 / self.len().max(1) as f64
    }
}

/// Made-up codes of ordinary shares.
pub fn symbols(count: usize) -> Vec<Symbol> {
    (0..count).map(|n| Symbol::tse(&format!("{}", 1301 + 7 * n))).collect()
}

/// `count` messages of `symbols`, round robin, after the opening.
pub fn mixed(symbols: &[Symbol], count: usize) -> Messages {
    let mut market = opened(symbols);
    let mut messages = Messages::default();
    for n in 0..count {
        let index = n % symbols.len();
        market.step(index, MORNING.plus_ms(2 * n as i64));
        messages.push(market.message(index));
    }
    messages
}

/// `count` messages of one symbol of which `wanted` (traded or not) holds.
pub fn chosen(symbol: &Symbol, count: usize, wanted: impl Fn(bool) -> bool) -> Messages {
    let mut market = opened(std::slice::from_ref(symbol));
    let mut messages = Messages::default();
    let mut now = MORNING;
    while messages.len() < count {
        now = now.plus_ms(100);
        if wanted(market.step(0, now).traded.is_some()) {
            messages.push(market.message(0));
        }
    }
    messages
}

/// One message per symbol from before the opening: everything null but names and the previous close.
pub fn before_open(symbols: &[Symbol]) -> Messages {
    let market = market(symbols);
    let mut messages = Messages::default();
    for index in 0..symbols.len() {
        messages.push(market.message(index));
    }
    messages
}

fn market(symbols: &[Symbol]) -> Market {
    Market::new(SEED, symbols.iter().map(|s| Profile::of(s, SEED)).collect())
}

fn opened(symbols: &[Symbol]) -> Market {
    let mut market = market(symbols);
    for index in 0..symbols.len() {
        market.step(index, MORNING);
    }
    market
}

/// WebSocket frames as a server sends them, encoded beforehand, that can be sent round and round: each lap the
/// cumulative volumes go on where they were.
#[derive(Clone, Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    at: Vec<Range<usize>>,
    /// Where the ten digits of `TradingVolume` are.
    volume_at: Vec<usize>,
    /// What a lap adds to every volume.
    lap: u64,
}

impl Frames {
    /// Frames of `count` messages of `symbols`.
    pub fn new(symbols: &[Symbol], count: usize) -> Self {
        let mut market = opened(symbols);
        let mut frames = Self {
            bytes: Vec::new(),
            at: Vec::new(),
            volume_at: Vec::new(),
            lap: 1,
        };
        let mut text = Vec::new();
        for n in 0..count {
            let index = n % symbols.len();
            market.step(index, MORNING);
            let mut message = market.message(index).clone();
            let volume = message.trading_volume.unwrap_or_default().0;
            message.trading_volume = Some(Qty(volume + VOLUME_BASE));
            frames.lap = frames.lap.max(volume.unsigned_abs() + 100);
            text.clear();
            message.write(&mut text);
            frames.push(&text);
        }
        frames
    }

    fn push(&mut self, text: &[u8]) {
        const KEY: &[u8] = b"\"TradingVolume\":";
        let start = self.bytes.len();
        put_frame(&mut self.bytes, true, Opcode::Text, None, text);
        self.at.push(start..self.bytes.len());
        let key = text.windows(KEY.len()).position(|window| window == KEY);
        let key = key.expect("every share's message has a volume");
        let payload = self.bytes.len() - text.len();
        self.volume_at.push(payload + key + KEY.len());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// The bytes of frames `from..to`.
    pub fn bytes(&self, from: usize, to: usize) -> &[u8] {
        &self.bytes[self.at[from].start..self.at[to - 1].end]
    }

    /// Mean length in bytes, headers included.
    pub fn mean_len(&self) -> f64 {
        self.bytes.len() as f64 / self.len().max(1) as f64
    }

    /// Makes the frames those of the next lap.
    pub fn next_lap(&mut self) {
        for &at in &self.volume_at {
            let digits = &mut self.bytes[at..at + 10];
            let mut value = digits.iter().fold(0, |n, d| n * 10 + u64::from(d - b'0')) + self.lap;
            for digit in digits.iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ayumi_wire::push;

    #[test]
    fn messages_are_what_they_are_called() {
        let share = Symbol::tse("7203");
        for traded in [true, false] {
            let messages = chosen(&share, 20, |t| t == traded);
            assert_eq!(messages.len(), 20);
            assert!(messages.iter().all(push::is_fast));
        }
        let null = before_open(&symbols(3));
        assert!(null.iter().all(|m| push::decode(m).unwrap().current_price.is_none()));
        assert_eq!(mixed(&symbols(5), 17).len(), 17);
    }

    #[test]
    fn volumes_never_fall_from_lap_to_lap() {
        let symbols = symbols(3);
        let mut frames = Frames::new(&symbols, 60);
        let mut last = vec![0; symbols.len()];
        for _ in 0..3 {
            for at in 0..frames.len() {
                let frame = frames.bytes(at, at + 1);
                let volume = push::decode(&frame[4..]).unwrap().trading_volume.unwrap().0;
                let seen = &mut last[at % symbols.len()];
                assert!(volume >= *seen, "{volume} after {seen}");
                *seen = volume;
            }
            frames.next_lap();
        }
    }
}
