//! One message: is it a tick, and where does its volume go? The order inside a message is fixed: price part against
//! what was known before, then the book, because the two come from different sources and the price is ahead.

use ayumi_wire::num::{Price, Qty};
use ayumi_wire::push::{self, DecodeError, Push};

use super::notes::sample;
use super::{Engine, SymbolState, trading_date};
use crate::batch::{Cause, LedgerRow};
use crate::book::{Book, Sides};
use crate::counts::Reason;
use crate::output::{Note, Output};
use crate::settings::{BoardMode, TickRule};
use crate::stamp::Stamp;
use crate::symbol::SymbolId;
use crate::volume::{Dropped, Growth, Reading, Volume};

/// At most one note per reason and this interval.
const ODD_NOTE_INTERVAL_MS: i64 = 60_000;

impl Engine {
    /// Judges one message; everything but the message counters is done here.
    pub(super) fn judge(&mut self, frame: &[u8], now: Stamp) -> Result<(), Reason> {
        let message = push::decode(frame).map_err(|error| match error {
            DecodeError::NotJson => Reason::NotJson,
            DecodeError::NotObject => Reason::NotObject,
            DecodeError::NoSymbol => Reason::NoSymbol,
        })?;
        let symbol = self
            .registry
            .find(&message.symbol, message.exchange)
            .ok_or(Reason::UnknownSymbol)?;
        self.roll(symbol, now);
        if message.bad.price || message.bad.volume {
            return Err(Reason::BadNumber);
        }
        self.totals.odd_books += u64::from(message.bad.book);
        self.totals.rounded += u64::from(message.bad.rounded);
        let judged = if self.is_open(now) {
            self.price_part(symbol, &message, now)
        } else {
            self.closed(symbol, &message, now);
            Err(Reason::Closed)
        };
        // A message outside the guard or the recorded hours tells nothing but its volume.
        let sides = match judged {
            Err(Reason::Guard | Reason::Closed) => None,
            _ => self.sides_of(&message),
        };
        self.plan.message(symbol, sides.is_some(), now);
        self.take_book(symbol, sides, now);
        judged
    }

    /// Counts a message that became no tick, and tells of odd ones now and then.
    pub(super) fn count_rejected(&mut self, reason: Reason, frame: &[u8], now: Stamp) {
        self.totals.rejected[reason as usize] += 1;
        self.window_mut(now).counts.rejected += 1;
        if reason.is_odd()
            && let Some(unsaid) = self.odd_notes[reason as usize].say(ODD_NOTE_INTERVAL_MS, now)
        {
            let note = Note::Odd {
                reason,
                sample: sample(frame),
                unsaid,
            };
            self.outputs.push_back(Output::Note(note));
        }
    }

    /// A new trading date starts empty.
    pub(super) fn roll(&mut self, symbol: SymbolId, now: Stamp) {
        let state = &mut self.symbols[symbol.index()];
        let date = trading_date(&self.day, state.rolls_at_1630, now);
        if date != state.volume.date {
            state.volume = Volume {
                gap: state.volume.gap,
                ..Volume::new(date)
            };
            state.previous = None;
            state.last_price = None;
            state.saw_no_price = false;
        }
    }

    fn price_part(&mut self, symbol: SymbolId, message: &Push<'_>, now: Stamp) -> Result<(), Reason> {
        let state = &mut self.symbols[symbol.index()];
        let Some(price) = message.current_price.filter(|price| price.0 > 0) else {
            if message.trading_volume.is_none_or(|v| v.0 == 0) || (state.is_equity && self.day.pre_open(now)) {
                state.volume.see_none(now);
                self.touch(symbol, now).state_changed = true;
            }
            self.symbols[symbol.index()].saw_no_price = true;
            return Err(Reason::NoPrice);
        };
        if self.shows_yesterday(symbol, message, now) {
            return Err(Reason::PreOpen);
        }
        self.note_offset(message);
        if !self.symbols[symbol.index()].guard.pass(price) {
            self.guard_drop(symbol, price, message, now);
            return Err(Reason::Guard);
        }
        self.tick(symbol, price, message, now)
    }

    /// Outside the recorded hours only the volume moves on, and that only for a price inside the guard.
    fn closed(&mut self, symbol: SymbolId, message: &Push<'_>, now: Stamp) {
        if self.shows_yesterday(symbol, message, now) {
            return;
        }
        let price = message.current_price.unwrap_or_default();
        let inside = price.0 == 0 || self.symbols[symbol.index()].guard.pass(price);
        let why = if inside { Dropped::Closed } else { Dropped::Guard };
        self.drop_with_volume(why, symbol, message, now);
    }

    /// Before the open a price without today's time is yesterday's: nothing of it counts.
    fn shows_yesterday(&mut self, symbol: SymbolId, message: &Push<'_>, now: Stamp) -> bool {
        let state = &mut self.symbols[symbol.index()];
        let yesterdays = state.is_equity && self.day.pre_open(now) && is_yesterdays(message, &self.day);
        if yesterdays {
            state.volume.see_yesterdays(self.day.pre_open_from(), now);
            self.touch(symbol, now).state_changed = true;
        }
        yesterdays
    }

    fn tick(&mut self, symbol: SymbolId, price: Price, message: &Push<'_>, now: Stamp) -> Result<(), Reason> {
        let from = self.symbols[symbol.index()].volume.last_at.unwrap_or(now);
        let growth = self.symbols[symbol.index()].volume.see(reading(message), now);
        self.touch(symbol, now).state_changed = true;
        let size = match growth {
            Growth::Size(size) => {
                self.totals.volume = self.totals.volume.saturating_add(size.0);
                if let Some(traded) = message.current_price_time {
                    self.lag.add(now, traded);
                }
                size
            }
            other => {
                self.book_ledger(symbol, other, from, now);
                Default::default()
            }
        };
        // The first message after a gap is a tick under either rule: its volume grew, although nobody knows how.
        let grew = matches!(growth, Growth::Size(_) | Growth::Ledger(Cause::Gap, _));
        if self.settings.tick_rule == TickRule::Trade && !grew {
            return Err(Reason::NoTrade);
        }
        let full = self.window_mut(now).counts.ticks >= self.room;
        let SymbolState {
            part,
            previous,
            last_price,
            ..
        } = &mut self.symbols[symbol.index()];
        // Over the limit a tick is folded into the ones that stand; the first of a symbol always stands.
        let folded = full && part.ticks > 0;
        part.tick(price, *previous, size, folded);
        (*previous, *last_price) = (Some(price), Some(price));
        let counts = &mut self.window_mut(now).counts;
        counts.ticks += u64::from(!folded);
        counts.merged += u64::from(folded);
        self.totals.ticks += 1;
        self.totals.merged += u64::from(folded);
        Ok(())
    }

    fn guard_drop(&mut self, symbol: SymbolId, price: Price, message: &Push<'_>, now: Stamp) {
        self.drop_with_volume(Dropped::Guard, symbol, message, now);
        let interval = self.settings.guard_log_interval_ms;
        let state = &mut self.symbols[symbol.index()];
        if let Some(unsaid) = state.guard_notes.say(interval, now) {
            let note = Note::GuardDrop {
                symbol,
                price,
                bounds: state.guard,
                unsaid,
            };
            self.outputs.push_back(Output::Note(note));
        }
    }

    /// The message is no tick, but its volume has moved on.
    fn drop_with_volume(&mut self, why: Dropped, symbol: SymbolId, message: &Push<'_>, now: Stamp) {
        let volume = &mut self.symbols[symbol.index()].volume;
        let from = volume.last_at.unwrap_or(now);
        let growth = volume.see_dropped(why, reading(message), now);
        self.touch(symbol, now).state_changed = true;
        self.book_ledger(symbol, growth, from, now);
    }

    /// Books volume that is in no tick.
    fn book_ledger(&mut self, symbol: SymbolId, growth: Growth, from: Stamp, now: Stamp) {
        let Growth::Ledger(cause, volume) = growth else { return };
        let trading_date = self.symbols[symbol.index()].volume.date;
        let sum = &mut self.totals.ledger[cause as usize];
        *sum = sum.saturating_add(volume.0);
        self.window_mut(now).ledger.push(LedgerRow {
            symbol,
            trading_date,
            cause,
            volume,
            from,
            to: now,
        });
        if matches!(cause, Cause::Gap | Cause::Decrease) {
            let interval = self.settings.guard_log_interval_ms;
            if let Some(unsaid) = self.symbols[symbol.index()].volume_notes.say(interval, now) {
                let span_ms = now.ms_since(from);
                let note = match cause {
                    Cause::Gap => Note::GapVolume {
                        symbol,
                        volume,
                        span_ms,
                        unsaid,
                    },
                    _ => Note::VolumeFell {
                        symbol,
                        by: Qty(-volume.0),
                        unsaid,
                    },
                };
                self.outputs.push_back(Output::Note(note));
            }
        }
    }

    fn sides_of(&self, message: &Push<'_>) -> Option<Sides> {
        match self.settings.board_mode {
            BoardMode::Push | BoardMode::Auto => Sides::of(message),
            BoardMode::Rest | BoardMode::Off => None,
        }
    }

    /// Takes over the book of a message, unless it shows no level at all.
    fn take_book(&mut self, symbol: SymbolId, sides: Option<Sides>, now: Stamp) {
        let Some(sides) = sides else { return };
        let source = self.settings.source;
        let book = &mut self.symbols[symbol.index()].book;
        let changed = book.as_ref().is_none_or(|book| book.sides != sides);
        *book = Some(Book { sides, source, at: now });
        if changed {
            self.touch(symbol, now).snapshot = true;
        }
    }

    fn note_offset(&mut self, message: &Push<'_>) {
        let foreign = message.current_price_time.is_some_and(|time| !time.jst_offset);
        if foreign && !std::mem::replace(&mut self.said_foreign_offset, true) {
            self.outputs.push_back(Output::Note(Note::ForeignOffset));
        }
    }
}

fn reading(message: &Push<'_>) -> Reading {
    Reading {
        volume: message.trading_volume,
        price_time: message.current_price_time,
        opening_time: message.opening_price_time,
    }
}

/// Before the open a price without a time, or with one of an earlier date, is yesterday's.
fn is_yesterdays(message: &Push<'_>, day: &crate::calendar::Day) -> bool {
    message
        .current_price_time
        .is_none_or(|time| time.unix_s < day.date.midnight_s())
}
