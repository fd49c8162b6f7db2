//! Sizes from the cumulative volume of the day, with nothing lost: what is in no tick is named with its cause.
//!
//! For every symbol and trading date, at every moment:
//! `sum of sizes + sum of ledger = last - base`. The property test at the bottom holds it over random histories.

use ayumi_wire::jst::{Date, WireTime};
use ayumi_wire::num::Qty;

use crate::batch::Cause;
use crate::stamp::Stamp;

/// How long after the opening time a first volume still is the opening print, seconds.
const OPENING_TOLERANCE_S: i64 = 60;

/// The volume part of one message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// `TradingVolume`.
    pub volume: Option<Qty>,
    /// `CurrentPriceTime`.
    pub price_time: Option<WireTime>,
    /// `OpeningPriceTime`.
    pub opening_time: Option<WireTime>,
}

/// What a reading adds to the day's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Nothing: no volume, the same volume, or the first one, which sets the base.
    None,
    /// The size of this tick, always positive.
    Size(Qty),
    /// Volume that belongs to no tick; negative for [`Cause::Decrease`].
    Ledger(Cause, Qty),
}

/// Why a message gives no tick although its volume counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Outside the price guard: only a growth is believed.
    Guard,
    /// Outside `market_window`.
    Closed,
}

/// Volume state of one symbol.
#[derive(Clone, Copy, Debug)]
pub struct Volume {
    /// Trading date of everything below.
    pub date: Date,
    /// Cumulative volume where our accounting starts.
    pub base: Option<Qty>,
    /// Last cumulative volume.
    pub last: Option<Qty>,
    /// When `last` was received.
    pub last_at: Option<Stamp>,
    /// The newest message without a volume, while there is no base.
    pub null_at: Option<Stamp>,
    /// Messages may have been missed since `last`.
    pub gap: bool,
}

impl Volume {
    /// An empty day.
    #[must_use]
    pub fn new(date: Date) -> Self {
        Self {
            date,
            base: None,
            last: None,
            last_at: None,
            null_at: None,
            gap: false,
        }
    }

    /// A message without a volume, or one that shows yesterday's before the open.
    pub fn see_none(&mut self, now: Stamp) {
        if self.base.is_none() {
            self.null_at = Some(now);
            // Nothing has traded yet today, so nothing was missed.
            self.gap = false;
        }
    }

    /// A message before the open that shows yesterday's totals. A base that was taken from such totals in the night,
    /// with nothing booked on it since, is given up: the opening print of today would look like a fall.
    pub fn see_yesterdays(&mut self, pre_open_from: Stamp, now: Stamp) {
        if self.base.is_some() && self.base == self.last && self.last_at.is_some_and(|at| at < pre_open_from) {
            *self = Self::new(self.date);
        }
        self.see_none(now);
    }

    /// An accepted message.
    pub fn see(&mut self, reading: Reading, now: Stamp) -> Growth {
        let Some(volume) = reading.volume else {
            self.see_none(now);
            return Growth::None;
        };
        let Some(last) = self.last else {
            return self.first(volume, reading, now);
        };
        if volume.0 == 0 && last.0 > 0 {
            return Growth::None;
        }
        let gap = std::mem::take(&mut self.gap);
        self.advance(volume, now);
        match volume.0 - last.0 {
            0 => Growth::None,
            fall @ ..0 => Growth::Ledger(Cause::Decrease, Qty(fall)),
            missed if gap => Growth::Ledger(Cause::Gap, Qty(missed)),
            size => Growth::Size(Qty(size)),
        }
    }

    /// A message that becomes no tick although it was understood.
    pub fn see_dropped(&mut self, why: Dropped, reading: Reading, now: Stamp) -> Growth {
        if why == Dropped::Guard {
            // Its price was absurd, so its volume may be too: only a growth of a known volume is believed, or the next
            // good message would bring the whole day as one tick.
            match (self.last, reading.volume) {
                (Some(last), Some(volume)) if volume > last => {}
                _ => return Growth::None,
            }
        }
        match self.see(reading, now) {
            Growth::Size(size) => Growth::Ledger(
                if why == Dropped::Guard {
                    Cause::Guard
                } else {
                    Cause::Closed
                },
                size,
            ),
            other => other,
        }
    }

    /// The first volume of the day.
    fn first(&mut self, volume: Qty, reading: Reading, now: Stamp) -> Growth {
        let opening = volume.0 > 0 && self.is_opening_print(reading, now);
        self.base = Some(if opening { Qty(0) } else { volume });
        self.advance(volume, now);
        match (opening, std::mem::take(&mut self.gap)) {
            (false, _) => Growth::None,
            (true, false) => Growth::Size(volume),
            (true, true) => Growth::Ledger(Cause::Gap, volume),
        }
    }

    /// Either we watched the symbol without a volume until just before it opened, or its last trade is its opening and
    /// fresh. The time test keeps a null block in the middle of the day from turning the whole day into one tick.
    fn is_opening_print(&self, reading: Reading, now: Stamp) -> bool {
        let opened = reading.opening_time.map(|t| t.unix_s);
        let watched = self
            .null_at
            .is_some_and(|at| opened.is_none_or(|opened| at < Stamp::from_s(opened + OPENING_TOLERANCE_S)));
        let fresh = opened.is_some_and(|opened| {
            reading.price_time.is_some_and(|t| t.unix_s == opened)
                && now.ms_since(Stamp::from_s(opened)).abs() <= OPENING_TOLERANCE_S * 1000
        });
        watched || fresh
    }

    fn advance(&mut self, volume: Qty, now: Stamp) {
        self.last = Some(volume);
        self.last_at = Some(now);
        self.null_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATE: Date = Date {
        year: 2026,
        month: 11,
        day: 20,
    };

    #[derive(Clone, Debug)]
    enum Event {
        See(Option<i64>),
        Guarded(Option<i64>),
        Closed(Option<i64>),
        Gap,
    }

    fn event() -> impl Strategy<Value = Event> {
        let volume = || prop::option::weighted(0.85, prop_oneof![Just(0i64), 1i64..2_000, 0i64..1_000_000_000]);
        prop_oneof![
            6 => volume().prop_map(Event::See),
            1 => volume().prop_map(Event::Guarded),
            1 => volume().prop_map(Event::Closed),
            1 => Just(Event::Gap),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn g03_sizes_and_ledger_are_the_growth(events in prop::collection::vec(event(), 0..60), opening in any::<bool>()) {
            let mut volume = Volume::new(DATE);
            let (mut sizes, mut ledger) = (0, 0);
            let day = DATE.midnight_s();
            let opened = ayumi_wire::jst::WireTime { unix_s: day + 32_400, jst_offset: true };
            for (n, event) in events.into_iter().enumerate() {
                let now = Stamp::from_s(day + 32_400 + n as i64);
                let reading = |v: Option<i64>| Reading {
                    volume: v.map(Qty),
                    price_time: opening.then_some(opened),
                    opening_time: opening.then_some(opened),
                };
                let growth = match event {
                    Event::See(v) => volume.see(reading(v), now),
                    Event::Guarded(v) => volume.see_dropped(Dropped::Guard, reading(v), now),
                    Event::Closed(v) => volume.see_dropped(Dropped::Closed, reading(v), now),
                    Event::Gap => { volume.gap = true; Growth::None }
                };
                match growth {
                    Growth::None => {}
                    Growth::Size(q) => { prop_assert!(q.0 > 0); sizes += q.0; }
                    Growth::Ledger(cause, q) => { prop_assert_eq!(cause == Cause::Decrease, q.0 < 0); ledger += q.0; }
                }
                let growth = volume.last.map_or(0, |q| q.0) - volume.base.map_or(0, |q| q.0);
                prop_assert_eq!(sizes + ledger, growth);
            }
        }
    }

    #[test]
    fn d11_a_late_start_is_a_base_and_a_fall_is_booked() {
        let mut volume = Volume::new(DATE);
        let now = Stamp::from_s(DATE.midnight_s() + 40_000);
        let see = |volume: &mut Volume, v| {
            volume.see(
                Reading {
                    volume: Some(Qty(v)),
                    ..Reading::default()
                },
                now,
            )
        };
        assert_eq!(see(&mut volume, 4_000_000), Growth::None);
        assert_eq!(see(&mut volume, 4_000_100), Growth::Size(Qty(100)));
        assert_eq!(see(&mut volume, 0), Growth::None);
        assert_eq!(see(&mut volume, 4_000_050), Growth::Ledger(Cause::Decrease, Qty(-50)));
        assert_eq!((volume.base, volume.last), (Some(Qty(4_000_000)), Some(Qty(4_000_050))));
    }
}
