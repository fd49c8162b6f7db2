//! Windows as the engine closes them, and sinks that take them: for the stages that store some.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use ayumi_engine::batch::Batch;
use ayumi_engine::jst::Date;
use ayumi_engine::market::{Market, Profile};
use ayumi_engine::output::Output;
use ayumi_engine::{Engine, Stamp, Symbol};
use ayumi_hot_path::messages::{MORNING, SEED};
use ayumi_hot_path::settings;
use ayumi_store::{Durability, Options, Purpose, SqliteSink};

/// Width of a window, ms.
pub(crate) const WIDTH_MS: i64 = 300;

/// So many messages are made for one set of windows; what is asked for beyond repeats them, later in the day.
const MESSAGES: usize = 400_000;

/// How busy symbols are beside each other, in per mille of the mean: as in the simulator's market.
const NATURES: [u64; 10] = [300, 400, 550, 650, 750, 850, 1_000, 1_200, 1_500, 2_800];

/// `count` windows of an engine that gets so many messages per second, of busy symbols more than of quiet ones.
pub(crate) fn at_rate(symbols: &[Symbol], per_second: usize, count: usize) -> Vec<Batch> {
    let per_window = (per_second * WIDTH_MS as usize / 1000).max(1);
    let mut dice = Dice::new(symbols.len());
    let made = (MESSAGES / per_window).clamp(1, count);
    let mut windows = through_engine(symbols, per_window, made, |_| dice.draw());
    repeat(&mut windows, count);
    windows
}

/// Windows in which every symbol has two messages.
pub(crate) fn of_all(symbols: &[Symbol], count: usize) -> Vec<Batch> {
    through_engine(symbols, 2 * symbols.len(), count, |n| n % symbols.len())
}

/// What the engine closes, without the first window: there every symbol has its opening.
fn through_engine(
    symbols: &[Symbol],
    per_window: usize,
    count: usize,
    mut pick: impl FnMut(usize) -> usize,
) -> Vec<Batch> {
    let mut market = Market::new(SEED, symbols.iter().map(|s| Profile::of(s, SEED)).collect());
    let mut engine = Engine::new(settings(symbols), MORNING);
    engine.on_line_up(MORNING);
    let mut text = Vec::with_capacity(4096);
    let mut take = |engine: &mut Engine, index: usize, now: Stamp| {
        market.step(index, now);
        text.clear();
        market.message(index).write(&mut text);
        engine.on_push(&text, now);
    };
    for index in 0..symbols.len() {
        take(&mut engine, index, MORNING);
    }
    let mut batches = Vec::with_capacity(count);
    for window in 1..=count as i64 {
        let start = MORNING.plus_ms(window * WIDTH_MS);
        for n in 0..per_window {
            let now = Stamp(start.0 + n as i64 * WIDTH_MS * 1_000_000 / per_window as i64);
            take(&mut engine, pick(n), now);
        }
        let end = start.plus_ms(WIDTH_MS);
        engine.on_clock(end);
        while let Some(output) = engine.poll(end) {
            if let Output::Batch(batch) = output {
                batches.push(batch);
            }
        }
    }
    // What the opening closed comes first.
    batches.drain(..batches.len() - count);
    batches
}

/// Windows with the same content behind the last one, until there are so many.
fn repeat(windows: &mut Vec<Batch>, count: usize) {
    let lap_ms = windows.len() as i64 * WIDTH_MS;
    for at in 0..count.saturating_sub(windows.len()) {
        let mut batch = windows[at].clone();
        batch.start_ms += lap_ms;
        batch.end_ms += lap_ms;
        windows.push(batch);
    }
}

/// A new database, or the one that stands there.
pub(crate) fn open(path: &Path, tickers: Vec<String>, durability: Durability, date: Date) -> Result<SqliteSink> {
    let options = Options {
        path: path.to_owned(),
        tickers,
        durability,
        window_ms: WIDTH_MS,
        busy_timeout: Duration::from_secs(1),
        purpose: Purpose::Record,
    };
    Ok(SqliteSink::open(options, date)?)
}

/// What the tables call the symbols.
pub(crate) fn tickers(symbols: &[Symbol]) -> Vec<String> {
    symbols.iter().map(Symbol::ticker).collect()
}

/// Draws symbols by how busy they are; the same in every run.
struct Dice {
    /// Sum of the natures up to and with each symbol.
    sums: Vec<u64>,
    state: u64,
}

impl Dice {
    fn new(symbols: usize) -> Self {
        let sums = NATURES.iter().cycle().take(symbols).scan(0, |sum, nature| {
            *sum += nature;
            Some(*sum)
        });
        Self {
            sums: sums.collect(),
            state: SEED,
        }
    }

    fn draw(&mut self) -> usize {
        // Knuth's constants; the upper half is random enough for this.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let total = self.sums.last().copied().unwrap_or(1);
        let at = (self.state >> 33) % total;
        self.sums.partition_point(|sum| *sum <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ayumi_hot_path::messages;

    #[test]
    fn windows_follow_one_another_and_hold_what_the_rate_brings() {
        let symbols = messages::symbols(50);
        let windows = at_rate(&symbols, 500, 40);
        assert_eq!(windows.len(), 40);
        assert!(windows.windows(2).all(|two| two[1].start_ms == two[0].end_ms));
        assert!(windows.iter().all(|w| w.counts.messages == 150 && w.ledger.is_empty()));
        let rows = windows.iter().map(|w| w.symbols.len()).sum::<usize>() as f64 / 40.0;
        assert!((38.0..49.5).contains(&rows), "{rows} of 50 symbols in a window");
        let all = of_all(&symbols[..3], 2);
        assert!(all.iter().all(|w| w.symbols.len() == 3 && w.counts.ticks == 6));
    }

    #[test]
    fn repeated_windows_go_on_in_time() {
        let symbols = messages::symbols(10);
        let mut windows = of_all(&symbols, 3);
        repeat(&mut windows, 8);
        assert_eq!(windows.len(), 8);
        assert!(windows.windows(2).all(|two| two[1].start_ms == two[0].end_ms));
        assert_eq!(windows[7].symbols, windows[1].symbols);
    }
}
