//! One symbol's desk: its alarms, what it does when one rings, and what it last showed.

mod cues;
mod episodes;
mod floor;
mod show;
mod trading;

use ayumi_engine::Stamp;
use ayumi_engine::market::{Profile, View};
use ayumi_wire::jst::{self, Date};
use ayumi_wire::num::Price;
use ayumi_wire::push::encode::Message;

use self::episodes::{Deferred, Episode};
pub(super) use self::floor::Floor;
use super::Path;
use super::dice::Dice;
use super::pace::Pace;
use super::timetable::{Days, Product};

/// Ns.
pub(super) const MS: i64 = 1_000_000;
pub(super) const SECOND: i64 = 1_000 * MS;
/// No alarm.
const NEVER: i64 = i64::MAX;
/// Quotes alone are sent at most this often (the vendor's FAQ).
const THINNING: i64 = 400 * MS;

/// What a desk waits for; at equal times the earlier one of these comes first. From [`Alarm::View`] on they are messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alarm {
    /// The next price of the path.
    Path,
    /// The next line of the session script.
    Cue,
    /// The end of an episode.
    Until,
    /// The next move of something that goes on by steps.
    Walk,
    Trade,
    Quote,
    /// A distorted message.
    View,
    /// Price and volume are sent.
    Price,
    /// Quotes are sent.
    Book,
}

const ALARMS: [Alarm; 9] = [
    Alarm::Path,
    Alarm::Cue,
    Alarm::Until,
    Alarm::Walk,
    Alarm::Trade,
    Alarm::Quote,
    Alarm::View,
    Alarm::Price,
    Alarm::Book,
];

/// What the script says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the day, between sessions, after the close.
    Quiet,
    /// Orders are collected for an auction.
    Calling,
    Trading,
}

/// What goes on by steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    Nothing,
    /// The book after an auction is about to show.
    OpenBook,
    /// A special quote moves on.
    Special,
    /// The price runs to its limit.
    Limit,
    /// After a halt, orders are collected until the auction.
    Resume,
}

/// What a desk is told of its symbol.
pub(super) struct Manner {
    pub product: Product,
    /// Continuous trading from this time on, at any hour.
    pub always: Option<Stamp>,
    /// Messages in 1,000 s of a mean symbol.
    pub mean: i64,
    pub days: Days,
    pub seed: u64,
}

/// One symbol.
pub(super) struct Desk {
    product: Product,
    always: bool,
    days: Days,
    /// When the script began, and its next line.
    day: Date,
    row: usize,
    dice: Dice,
    pace: Pace,
    /// Mean time between messages when it trades at any hour.
    plain_gap: i64,
    thinning: i64,
    alarms: [i64; ALARMS.len()],
    stage: Stage,
    walk: Walk,
    episode: Episode,
    deferred: Option<Deferred>,
    /// A distorted message to send.
    view: Option<View>,
    silent_until: i64,
    /// A rush goes on: messages leave in packets.
    burst: bool,
    /// A trade that changed no price waits for the next message.
    lazy: bool,
    /// The newest trade has changed the price.
    moved: bool,
    /// Further quotes that follow a price.
    chain: i64,
    /// The last thing that happened.
    clock: i64,
    path: Vec<(i64, Price)>,
    path_at: usize,
    shown: Message,
}

impl Desk {
    pub(super) fn new(manner: &Manner, profile: &Profile, message: &Message, path: Option<&Path>) -> Self {
        let label = profile.symbol.to_string();
        let mut nature = Dice::new(manner.seed, &label, "nature");
        let start = manner.days.start();
        let mut desk = Self {
            product: manner.product,
            always: manner.always.is_some(),
            days: manner.days,
            day: match manner.product.begins_the_evening_before() {
                true => manner.days.before(start),
                false => start,
            },
            row: 0,
            dice: Dice::new(manner.seed, &label, "desk"),
            pace: Pace::new(manner.product, manner.mean, &mut nature),
            plain_gap: 1_000 * SECOND / manner.mean,
            // Whoever asks for more messages than the station would send gets them: the clock runs faster.
            thinning: THINNING * 3_000 / manner.mean.max(3_000),
            alarms: [NEVER; ALARMS.len()],
            stage: Stage::Quiet,
            walk: Walk::Nothing,
            episode: Episode::None,
            deferred: None,
            view: None,
            silent_until: i64::MIN,
            burst: false,
            lazy: false,
            moved: false,
            chain: 0,
            clock: i64::MIN,
            path: path.map(|path| points_of(path, start)).unwrap_or_default(),
            path_at: 0,
            shown: message.clone(),
        };
        match manner.always {
            Some(start) => desk.begin(start.0),
            None => desk.set_cue(),
        }
        desk
    }

    /// About how many events a day has; `None` where it trades at any hour and days mean nothing.
    pub(super) fn events_of_a_day(&self) -> Option<i64> {
        (!self.always).then(|| self.pace.events_of_a_day())
    }

    /// Trading at any hour begins now; with hours, nothing changes.
    pub(super) fn begin(&mut self, now: i64) {
        if self.always && self.clock == i64::MIN {
            self.stage = Stage::Trading;
            let first = now.saturating_add(self.dice.below(self.plain_gap));
            self.set(Alarm::Quote, first);
        }
    }

    /// The next time something is to be done.
    pub(super) fn next(&self) -> i64 {
        self.first().0
    }

    /// True when the next thing is a message, or a line of the script that ends a rest with one.
    pub(super) fn sends_next(&self) -> bool {
        match self.first().1 {
            Alarm::View | Alarm::Price | Alarm::Book => true,
            Alarm::Cue => self.stage == Stage::Quiet,
            _ => false,
        }
    }

    /// The state as it was last sent.
    pub(super) fn shown(&self) -> &Message {
        &self.shown
    }

    /// Does what is due at `at` and is no message.
    pub(super) fn happen(&mut self, floor: &mut Floor<'_>, at: i64) {
        let alarm = self.first().1;
        self.clock = at;
        self.set(alarm, NEVER);
        match alarm {
            Alarm::Path => self.follow(floor),
            Alarm::Cue => self.cue(floor, at),
            Alarm::Until => self.end_episode(floor, at),
            Alarm::Walk => self.walk_on(floor, at),
            Alarm::Trade => self.trade(floor, at),
            Alarm::Quote => self.quote(floor, at),
            Alarm::View | Alarm::Price | Alarm::Book => {}
        }
    }

    fn first(&self) -> (i64, Alarm) {
        let mut first = (self.alarms[0], ALARMS[0]);
        for (&at, &alarm) in self.alarms.iter().zip(&ALARMS).skip(1) {
            if at < first.0 {
                first = (at, alarm);
            }
        }
        first
    }

    fn set(&mut self, alarm: Alarm, at: i64) {
        self.alarms[alarm as usize] = at;
    }

    fn at(&self, alarm: Alarm) -> i64 {
        self.alarms[alarm as usize]
    }

    /// The path's next price becomes the fair one.
    fn follow(&mut self, floor: &mut Floor<'_>) {
        if let Some(&(_, price)) = self.path.get(self.path_at) {
            floor.market.follow(floor.index, price);
            self.path_at += 1;
        }
        let next = self.path.get(self.path_at).map_or(NEVER, |point| point.0);
        self.set(Alarm::Path, next);
    }
}

/// Seconds of a day as points in time.
fn points_of(path: &Path, date: Date) -> Vec<(i64, Price)> {
    let midnight = date.midnight_s();
    path.points
        .iter()
        .map(|&(second, price)| ((midnight + i64::from(second)) * SECOND, price))
        .collect()
}

/// Milliseconds after midnight, JST.
fn ms_of_day(at: i64) -> i64 {
    i64::from(jst::second_of_day(at.div_euclid(SECOND))) * 1_000 + at.rem_euclid(SECOND) / MS
}
