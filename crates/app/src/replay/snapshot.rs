//! A stored day again: the features are computed once more from `tick_batch` and the books beside it.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, SyncSender};

use ayumi_engine::batch::Burst;
use ayumi_engine::burst::{BurstSettings, Bursts, Row};
use ayumi_engine::{Stamp, SymbolId};
use ayumi_store::reader::{DayBook, DayRow, Reader};
use ayumi_store::{FeatureRow, FeatureSink, StoreError};
use ayumi_wire::jst::{self, Date};

use super::{GROUPS_AHEAD, ReplayError, Watch};

/// Rows stored in one transaction when nobody waits for them.
const ROWS: usize = 5_000;

/// What is wanted of the day.
pub struct Day {
    /// Which.
    pub date: Date,
    /// Only these tickers; empty = all.
    pub tickers: Vec<String>,
    /// At most so many rows; 0 = all.
    pub limit: u64,
    /// Section `burst`; `None` = the columns stay cold.
    pub burst: Option<BurstSettings>,
    /// Width of the windows, for the average's span.
    pub window_ms: i64,
    /// Rows are stored one by one as they come, because somebody follows them.
    pub paced: bool,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of the source.
    pub read: u64,
    /// Feature rows that were not there before.
    pub new: u64,
}

/// Reads the day and stores its features: one thread reads and computes, another one stores.
///
/// # Errors
/// When the source cannot be read or the target not be written.
pub fn run(source: &Reader, target: FeatureSink, day: &Day, watch: &mut dyn Watch) -> Result<Counts, ReplayError> {
    std::thread::scope(|scope| {
        let (put, rows) = mpsc::sync_channel(GROUPS_AHEAD);
        let thread = std::thread::Builder::new().name("store".into());
        let write = thread.spawn_scoped(scope, move || store(target, &rows))?;
        let read = read(source, &put, day, watch);
        // What was read before a stop is stored all the same.
        drop(put);
        let new = write.join().expect("the storing thread does not panic")?;
        Ok(Counts { read: read?, new })
    })
}

/// Reads and computes; how many rows.
fn read(
    source: &Reader,
    put: &SyncSender<Vec<FeatureRow>>,
    day: &Day,
    watch: &mut dyn Watch,
) -> Result<u64, ReplayError> {
    let (mut count, mut waiting) = (0, Vec::new());
    let mut look_backs = LookBacks::new(day);
    let mut stopped = false;
    let at_once = if day.paced { 1 } else { ROWS };
    source.day(day.date, &mut |row| {
        if !day.tickers.is_empty() && !day.tickers.contains(&row.ticker) {
            return true;
        }
        let at = jst::parse_ms(&row.ts).map_or(Stamp(0), Stamp::from_ms);
        if !watch.pace(at) {
            stopped = true;
            return false;
        }
        count += 1;
        waiting.push(look_backs.feature(row, at));
        // A store that has ended says why by itself.
        if waiting.len() >= at_once && put.send(std::mem::take(&mut waiting)).is_err() {
            stopped = true;
            return false;
        }
        watch.on_rows(count, at);
        day.limit == 0 || count < day.limit
    })?;
    stopped |= !waiting.is_empty() && put.send(waiting).is_err();
    match stopped {
        true => Err(ReplayError::Stopped),
        false => Ok(count),
    }
}

/// Stores until nothing more comes; how many rows were new.
fn store(mut target: FeatureSink, rows: &Receiver<Vec<FeatureRow>>) -> Result<u64, StoreError> {
    let mut new = 0;
    while let Ok(rows) = rows.recv() {
        new += super::store::patiently(|| target.insert(&rows))? as u64;
    }
    target.close()?;
    Ok(new)
}

/// The burst columns of whatever tickers the day has.
struct LookBacks<'d> {
    day: &'d Day,
    places: HashMap<String, Bursts>,
}

impl<'d> LookBacks<'d> {
    fn new(day: &'d Day) -> Self {
        Self {
            day,
            places: HashMap::new(),
        }
    }

    fn feature(&mut self, row: DayRow, at: Stamp) -> FeatureRow {
        let (up, down) = row.moves;
        let uptick_ratio = match up + down {
            0 => 0.5,
            moves => up as f64 / moves as f64,
        };
        let book = row.book.unwrap_or_default();
        let depth_imbalance = imbalance(&book);
        let burst = self.burst(
            &row.ticker,
            Row {
                date: self.day.date,
                end_ms: at.ms(),
                uptick_ratio,
                vol_sum: row.vol_sum,
                spread_bp: book.spread_bp,
                depth_imbalance,
            },
        );
        FeatureRow {
            ticker: row.ticker,
            ts: row.ts,
            uptick_ratio,
            vol_sum: row.vol_sum,
            spread_bp: book.spread_bp,
            buy_top3: book.buy_top3,
            sell_top3: book.sell_top3,
            depth_imbalance,
            burst,
            window_id: row.window_id,
        }
    }

    fn burst(&mut self, ticker: &str, row: Row) -> Burst {
        let Some(settings) = &self.day.burst else {
            return Burst::COLD;
        };
        if !self.places.contains_key(ticker) {
            let bursts = Bursts::new(settings.clone(), 1, self.day.window_ms);
            self.places.insert(ticker.to_owned(), bursts);
        }
        match self.places.get_mut(ticker) {
            Some(bursts) => bursts.on_row(SymbolId(0), row),
            None => Burst::COLD,
        }
    }
}

/// (buy - sell) / max(1, buy + sell) over three levels.
fn imbalance(book: &DayBook) -> Option<f64> {
    let (buy, sell) = (book.buy_top3?, book.sell_top3?);
    Some((buy - sell) as f64 / (buy + sell).max(1) as f64)
}
