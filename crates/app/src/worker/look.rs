//! What the recorder looks like from outside: asks every part how it is, and tells when the state has changed.

use std::time::Duration;

use ayumi_engine::Stamp;
use ayumi_engine::calendar::is_trading_day;
use ayumi_engine::counts::Reason;
use ayumi_engine::output::Note;
use ayumi_station::Mood;
use ayumi_store::HealthRow;
use ayumi_wire::jst::{self, Date};
use serde_json::json;

use super::Worker;
use super::feed::Feed;
use super::health::{Change, Health, State};
use crate::text;

/// So many messages of which not one can be used: the format has changed.
const STRANGE: u64 = 50;
/// While something is wrong, its end is looked for this often.
const LOOK_AGAIN_MS: i64 = 1_000;
/// A loss of the journal is over when no line was lost for so long.
const JOURNAL_CALM_MS: i64 = 60_000;
/// Who has not logged in yet is called in this time of a weekday: 08:40 to 09:00, seconds since midnight, JST.
const CALL: std::ops::Range<u32> = (8 * 60 + 40) * 60..9 * 60 * 60;

/// What was seen at the last looks.
pub(super) struct Look {
    health: Health,
    /// Messages received when the market was said to be quiet.
    quiet_at: Option<u64>,
    /// Received and strange messages when the last good one had come.
    good: (u64, u64),
    /// Lines the journal has lost, and when that grew last.
    journal_lost: (u64, Stamp),
    /// A disk did not answer at the last look.
    stall: Option<Duration>,
    /// The day on which the user was called.
    called: Option<Date>,
    /// When to look again although nothing else is due.
    next: Stamp,
}

impl Look {
    pub(super) fn new() -> Self {
        Self {
            health: Health::new(),
            quiet_at: None,
            good: (0, 0),
            journal_lost: (0, Stamp(i64::MIN / 2)),
            stall: None,
            called: None,
            next: Stamp::NEVER,
        }
    }

    /// When to look again: the end of a trouble may be nobody's event.
    pub(super) fn next(&self) -> Stamp {
        self.next
    }

    /// The run ends.
    pub(super) fn stopping(&mut self) {
        self.health.raise(State::Stopping, String::new);
    }

    /// Says it when a disk begins not to answer, and when it answers again.
    fn say_stall(&mut self, stall: Option<Duration>, waiting: impl FnOnce() -> usize) {
        match (self.stall, stall) {
            (None, Some(new)) => log::warn!(
                "the disk of the database has not answered for {:.0} s; {} windows wait in memory, nothing is lost yet",
                new.as_secs_f64(),
                waiting()
            ),
            (Some(old), None) => log::warn!(
                "the disk of the database answers again after more than {:.0} s",
                old.as_secs_f64()
            ),
            _ => {}
        }
        self.stall = stall;
    }

    /// A note of the engine after so many messages.
    pub(super) fn noted(&mut self, note: &Note, received: u64) {
        if matches!(note, Note::Quiet { .. }) {
            self.quiet_at = Some(received);
        }
    }
}

impl Worker {
    /// With `--wait-login`: asks whether somebody is logged in.
    pub(super) fn ask_for_login(&mut self) {
        if let (Feed::Online(line), Some(rest)) = (&self.feed, &mut self.rest)
            && line.is_held()
        {
            log::info!("waiting for a login at kabu Station; nothing is recorded yet (Ctrl+C stops)");
            rest.wait_for_login();
        }
    }

    /// Brings the state up to date, and tells it when it is another one.
    pub(super) fn look(&mut self) {
        let now = self.now();
        self.look_at_line();
        self.look_at_station();
        self.look_at_storage(now);
        self.look_at_messages();
        if let Some(change) = self.look.health.change(now) {
            self.tell(&change);
        }
        self.report.set_rare(self.look.health.is(State::WaitingLogin));
        self.call_for_login(now);
        self.look.next = if self.look.health.is_well() {
            Stamp::NEVER
        } else {
            now.plus_ms(LOOK_AGAIN_MS)
        };
    }

    fn look_at_line(&mut self) {
        let health = &mut self.look.health;
        let Feed::Online(line) = &mut self.feed else {
            health.clear(State::Boot);
            return;
        };
        if let Some(rest) = &self.rest
            && rest.is_known_in()
        {
            line.release();
        }
        let mood = line.mood();
        health.set(State::Evicted, mood == Mood::Evicted, || {
            "the line was taken over three times in a row".to_owned()
        });
        health.set(State::Storm, mood == Mood::Storm, || {
            "twenty lines were cut within a minute".to_owned()
        });
        let refusal = line.refusal().map(str::to_owned);
        health.set(State::WaitStation, refusal.is_some(), || refusal.unwrap_or_default());
        if line.is_up() || health.is(State::WaitStation) || health.is(State::WaitingLogin) {
            health.clear(State::Boot);
        }
    }

    fn look_at_station(&mut self) {
        let Some(rest) = &self.rest else { return };
        let health = &mut self.look.health;
        let ails = rest.ails();
        for state in [State::WaitingLogin, State::Token, State::RestDown, State::Register] {
            let why = ails.as_ref().filter(|(s, _)| *s == state);
            health.set(state, why.is_some(), || {
                why.map_or(String::new(), |(_, why)| why.clone())
            });
        }
        // A held line waits for the login, whatever the reason is called. Before the first answer nothing is known.
        let held = matches!(&self.feed, Feed::Online(line) if line.is_held());
        if held && ails.is_some() {
            health.raise(State::WaitingLogin, || "--wait-login".to_owned());
        }
    }

    fn look_at_storage(&mut self, now: Stamp) {
        let mut ails = self.queue.ails();
        let stall = self.vitals.stall();
        self.look.say_stall(stall, || self.queue.depth().windows);
        if stall.is_some() {
            let silent = || (State::DiskError, "a call of the database does not return".to_owned());
            ails.database.get_or_insert_with(silent);
        }
        let health = &mut self.look.health;
        for state in [State::DiskFull, State::DiskError, State::DbLocked] {
            let why = ails.database.as_ref().filter(|(s, _)| *s == state);
            health.set(state, why.is_some(), || {
                why.map_or(String::new(), |(_, why)| why.clone())
            });
        }
        let megabytes = ails.pinned.map_or(0, |pinned| pinned.bytes >> 20);
        let held = || format!("a reader keeps its transaction open, the -wal file has {megabytes} MB");
        health.set(State::WalPinned, ails.pinned.is_some(), held);
        health.set(State::WalTooLarge, ails.pinned.is_some_and(|p| p.too_large), held);
        health.set(State::Overflow, self.report.is_overloaded(), String::new);
        health.set(State::Clock, self.clock.is_ahead_of_system(), || {
            "the system clock went back".to_owned()
        });
        let lost = self.core.journal_lost();
        if lost > self.look.journal_lost.0 {
            self.look.journal_lost = (lost, now);
        }
        let losing = lost > 0 && now.ms_since(self.look.journal_lost.1) < JOURNAL_CALM_MS;
        health.set(State::Journal, losing || ails.journal_hangs, || match losing {
            true => format!("{lost} lines are missing in the journal"),
            false => "its disk does not answer".to_owned(),
        });
    }

    fn look_at_messages(&mut self) {
        let totals = self.core.engine.totals();
        let look = &mut self.look;
        let quiet = look.quiet_at.is_some_and(|received| received == totals.received);
        look.health.set(State::Quiet, quiet, String::new);
        let strange = [Reason::NotJson, Reason::NotObject, Reason::NoSymbol, Reason::BadNumber];
        let strange = strange.iter().map(|r| totals.rejected_by(*r)).sum();
        let (received, before) = look.good;
        if totals.received - received > strange - before {
            look.good = (totals.received, strange);
        }
        let all = strange - look.good.1;
        look.health.set(State::SchemaChanged, all >= STRANGE, || {
            format!("not one of the last {all} messages could be used")
        });
    }

    fn tell(&self, change: &Change) {
        let (state, was) = (change.state.word(), change.was.word());
        let why = if change.why.is_empty() || change.state.has_its_own_warning() {
            String::new()
        } else {
            format!(": {}", change.why)
        };
        let advice = if change.state.advice().is_empty() {
            String::new()
        } else {
            format!("; {}", change.state.advice())
        };
        let level = match change.state {
            // A quiet market comes and goes, and has its own line.
            State::Quiet if change.was == State::Ok => log::Level::Debug,
            State::Ok if change.was == State::Quiet => log::Level::Debug,
            State::WalTooLarge => log::Level::Error,
            state if state.is_trouble() => log::Level::Warn,
            _ => log::Level::Info,
        };
        log::log!(level, "state {was} -> {state}{why}{advice}");
        let fields = json!({"state": state, "was": was, "why": change.why, "advice": change.state.advice()});
        self.events.tell("state", change.at, fields);
        self.queue.put_health(HealthRow {
            ts: jst::iso_ms(change.at.ms()),
            state,
            was,
            why: change.why.clone(),
            advice: change.state.advice(),
        });
    }

    /// Once a morning, shortly before the open, somebody who has not logged in yet is called.
    fn call_for_login(&mut self, now: Stamp) {
        let second = jst::second_of_day(now.0.div_euclid(1_000_000_000));
        let today = now.date();
        let is_time = CALL.contains(&second) && is_trading_day(today);
        if is_time && self.look.health.is(State::WaitingLogin) && self.look.called != Some(today) {
            self.look.called = Some(today);
            log::warn!("nobody is logged in at kabu Station yet; the market opens at 09:00. Log in now (two-factor)");
            text::ring();
        }
    }
}
