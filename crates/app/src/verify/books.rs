//! Adds up what an audit reads, per trading day and symbol, and judges it.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use ayumi_engine::calendar::{DERIVATIVES_ROLL, SESSIONS, is_trading_day};
use ayumi_engine::{Stamp, Symbol};
use ayumi_store::reader::{Audit, AuditWatch, AuditedLedger, AuditedTick, DamagedWindow, LoggedWindow, StoredState};
use ayumi_wire::jst::Date;

use super::Watch;
use super::files::Carried;
use super::grade::{Day, Reason, window};

/// Shorter times without a window are what a thin market looks like.
const HOLE_MS: i64 = 60_000;
/// A gap of a larger share of the day's volume is large.
const LARGE_PERCENT: i64 = 5;
/// So much of a session without any window makes a gap large.
const LARGE_HOLE_S: i64 = 300;
/// Damaged windows that are named for one symbol and day.
const NAMED: usize = 3;

type Key = (Date, String);

/// What was read of a symbol's day.
#[derive(Clone, Debug, Default)]
struct Sums {
    ticks: i64,
    sizes: f64,
    merged: u64,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    /// Rows and volume per cause.
    ledger: BTreeMap<String, (u64, f64)>,
}

/// Times of a session without a window.
#[derive(Clone, Copy, Debug)]
struct Hole {
    from_ms: i64,
    to_ms: i64,
}

/// The sums of a file.
pub struct Books<'w> {
    watch: &'w mut dyn Watch,
    sums: HashMap<String, BTreeMap<Date, Sums>>,
    holes: BTreeMap<Date, Vec<Hole>>,
    newest_end_ms: Option<i64>,
    oldest_ms: Option<i64>,
    rolls: HashMap<String, bool>,
    /// Per calendar day: a window belongs to no symbol.
    rejected: BTreeMap<Date, i64>,
}

impl<'w> Books<'w> {
    /// Empty books.
    pub fn new(watch: &'w mut dyn Watch) -> Self {
        Self {
            watch,
            sums: HashMap::new(),
            holes: BTreeMap::new(),
            newest_end_ms: None,
            oldest_ms: None,
            rolls: HashMap::new(),
            rejected: BTreeMap::new(),
        }
    }

    /// Messages that were rejected, per calendar day.
    pub fn rejected(&self) -> &BTreeMap<Date, i64> {
        &self.rejected
    }

    /// Every day and symbol with its reasons, ascending.
    pub fn close(mut self, audit: &Audit, carried: &Carried) -> Vec<Day> {
        let mut states: BTreeMap<Key, &StoredState> = BTreeMap::new();
        for state in &audit.states {
            if let Some(date) = Date::parse(&state.trading_date) {
                states.insert((date, state.ticker.clone()), state);
            }
        }
        let mut keys: Vec<Key> = states.keys().cloned().collect();
        for (ticker, dates) in &self.sums {
            keys.extend(dates.keys().map(|date| (*date, ticker.clone())));
        }
        keys.sort();
        keys.dedup();
        let mut days: Vec<Day> = Vec::with_capacity(keys.len());
        for key in keys {
            let before = carried.get(&(key.1.clone(), key.0.to_string()));
            let day = self.day(&key, states.get(&key).copied(), before);
            days.push(day);
        }
        for damaged in &audit.damaged {
            self.blame(damaged, &mut days);
        }
        for day in &mut days {
            day.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.grade()));
        }
        days
    }

    fn day(&mut self, key: &Key, state: Option<&StoredState>, before: Option<&StoredState>) -> Day {
        let sums = self
            .sums
            .get(&key.1)
            .and_then(|dates| dates.get(&key.0))
            .cloned()
            .unwrap_or_default();
        let booked: f64 = sums.sizes + sums.ledger.values().map(|(_, volume)| volume).sum::<f64>();
        let mut reasons = Vec::new();
        let growth = growth(state, before);
        match growth {
            Some(growth) if same(growth as f64, booked) => {}
            // Its evening stands in the file of the day before, which was not given.
            Some(_) if before.is_none() && self.begun_elsewhere(key) => reasons.push(Reason::BegunElsewhere),
            Some(growth) => reasons.push(Reason::Equation {
                growth,
                booked: whole(booked),
            }),
            None if same(booked, 0.0) => {}
            None => reasons.push(Reason::NoState),
        }
        let holes = self.holes.get(&key.0).map_or(&[][..], Vec::as_slice);
        let day_volume = growth.unwrap_or_else(|| whole(booked));
        for (cause, (rows, volume)) in &sums.ledger {
            reasons.push(ledger_reason(cause, *rows, whole(*volume), day_volume, holes));
        }
        if sums.merged > 0 {
            reasons.push(Reason::Merged(sums.merged));
        }
        if let Some(longest) = holes.iter().max_by_key(|hole| hole.to_ms - hole.from_ms)
            && sums.first_ms.is_some()
        {
            reasons.push(Reason::Hole {
                seconds: seconds(holes),
                from_ms: longest.from_ms,
                to_ms: longest.to_ms,
            });
        }
        Day {
            date: key.0,
            ticker: key.1.clone(),
            ticks: sums.ticks,
            volume: whole(sums.sizes),
            ledger: whole(sums.ledger.values().map(|(_, volume)| volume).sum()),
            first_ms: sums.first_ms,
            last_ms: sums.last_ms,
            reasons,
        }
    }

    /// True for a derivative whose trading date began at 16:30 of the day before, when this file begins later.
    fn begun_elsewhere(&mut self, key: &Key) -> bool {
        let begin_ms = (key.0.midnight_s() - 86_400 + i64::from(DERIVATIVES_ROLL)) * 1000;
        self.rolls(&key.1) && self.oldest_ms.is_some_and(|oldest| oldest >= begin_ms + 60_000)
    }

    /// Gives a damaged window to the symbols that it concerns.
    fn blame(&mut self, damaged: &DamagedWindow, days: &mut [Day]) {
        let reason = match damaged.fault.is_loss_only() {
            true => Reason::Displaced(window(damaged)),
            false => Reason::Damaged(window(damaged)),
        };
        let mut concerned = Vec::new();
        for (at, day) in days.iter().enumerate() {
            if self.trading_date(&day.ticker, damaged.window_id) == day.date {
                concerned.push(at);
            }
        }
        // When no missing counterpart says which row it is, a sum that does not close does.
        let open = |at: &usize| days[*at].reasons.iter().any(|r| matches!(r, Reason::Equation { .. }));
        if !damaged.pinned && concerned.iter().any(open) {
            concerned.retain(open);
        } else if !damaged.tickers.is_empty() {
            concerned.retain(|at| damaged.tickers.contains(&days[*at].ticker));
        }
        for at in concerned {
            if days[at].damaged().count() < NAMED {
                days[at].reasons.push(reason.clone());
            }
        }
    }

    fn sums(&mut self, ticker: &str, date: Date) -> &mut Sums {
        if !self.sums.contains_key(ticker) {
            self.sums.insert(ticker.to_owned(), BTreeMap::new());
        }
        let dates = self.sums.get_mut(ticker).expect("it was just put there");
        dates.entry(date).or_default()
    }

    fn rolls(&mut self, ticker: &str) -> bool {
        if let Some(rolls) = self.rolls.get(ticker) {
            return *rolls;
        }
        let rolls = Symbol::from_str(ticker).is_ok_and(|symbol| symbol.rolls_at_1630());
        self.rolls.insert(ticker.to_owned(), rolls);
        rolls
    }

    /// The trading date of a symbol's window, as the engine counts it.
    fn trading_date(&mut self, ticker: &str, window_id: i64) -> Date {
        let start = Stamp::from_ms(window_id.clamp(0, 4_102_444_800_000));
        let date = start.date();
        match self.rolls(ticker) && start.second_of_day() >= DERIVATIVES_ROLL {
            true => Date::from_days(date.days() + 1),
            false => date,
        }
    }
}

impl AuditWatch for Books<'_> {
    fn begin(&mut self, rows: u64) {
        self.watch.begin(rows);
    }

    fn rows(&mut self, done: u64) {
        self.watch.rows(done);
    }

    fn stopped(&self) -> bool {
        self.watch.stopped()
    }

    fn window(&mut self, window: &LoggedWindow) {
        self.oldest_ms.get_or_insert(window.id);
        if let Some(end) = self.newest_end_ms
            && window.id - end > HOLE_MS
        {
            note_hole(&mut self.holes, end, window.id);
        }
        self.newest_end_ms = self.newest_end_ms.max(Some(window.end_ms));
        if window.rejected > 0 {
            let sum = self
                .rejected
                .entry(Stamp::from_ms(window.id.clamp(0, 4_102_444_800_000)).date());
            *sum.or_default() += window.rejected;
        }
    }

    fn tick(&mut self, row: &AuditedTick<'_>) {
        let date = self.trading_date(row.ticker, row.window_id);
        let sums = self.sums(row.ticker, date);
        sums.ticks = sums.ticks.saturating_add(row.ticks);
        sums.sizes += row.vol_sum;
        sums.merged += u64::from(row.merged);
        sums.first_ms = Some(sums.first_ms.map_or(row.window_id, |ms| ms.min(row.window_id)));
        sums.last_ms = sums.last_ms.max(Some(row.window_id));
    }

    fn ledger(&mut self, row: &AuditedLedger<'_>) {
        let Some(date) = Date::parse(row.trading_date) else {
            return;
        };
        let sums = self.sums(row.ticker, date);
        let (rows, volume) = sums.ledger.entry(row.cause.to_owned()).or_default();
        *rows += 1;
        *volume += row.volume;
    }
}

/// By how much the cumulative volume grew while this file was written.
fn growth(state: Option<&StoredState>, before: Option<&StoredState>) -> Option<i64> {
    let state = state?;
    let (base, last) = (state.base?, state.last?);
    let begin = match before {
        Some(before) if before.base == Some(base) => before.last.unwrap_or(base),
        _ => base,
    };
    Some(last.saturating_sub(begin))
}

fn ledger_reason(cause: &str, rows: u64, volume: i64, day: i64, holes: &[Hole]) -> Reason {
    match cause {
        "gap" => Reason::Gap {
            rows,
            volume,
            large: volume.saturating_mul(100) > day.saturating_mul(LARGE_PERCENT) || seconds(holes) > LARGE_HOLE_S,
        },
        "decrease" => Reason::Corrected(volume),
        "overflow" => Reason::Overflow(volume),
        other => Reason::Wanted(other.to_owned(), volume),
    }
}

fn seconds(holes: &[Hole]) -> i64 {
    holes.iter().map(|hole| (hole.to_ms - hole.from_ms) / 1000).sum()
}

/// Notes the part of a hole that lies in a session, if it lies in one day: between days nobody records.
fn note_hole(holes: &mut BTreeMap<Date, Vec<Hole>>, from_ms: i64, to_ms: i64) {
    let date = Stamp::from_ms(from_ms).date();
    if date != Stamp::from_ms(to_ms).date() || !is_trading_day(date) {
        return;
    }
    let midnight_ms = date.midnight_s() * 1000;
    for (open, close) in SESSIONS {
        let (open, close) = (
            midnight_ms + i64::from(open) * 1000,
            midnight_ms + i64::from(close) * 1000,
        );
        let hole = Hole {
            from_ms: from_ms.max(open),
            to_ms: to_ms.min(close),
        };
        if hole.to_ms - hole.from_ms > HOLE_MS {
            holes.entry(date).or_default().push(hole);
        }
    }
}

/// Volumes are whole; a damaged file may hold anything.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.5
}

fn whole(value: f64) -> i64 {
    value.round() as i64
}
