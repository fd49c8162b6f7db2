//! Doing what an action says, and taking it back. What needs the source or a task of its own becomes an [`Order`] to the
//! player.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use serde_json::{Map, Value, json};

use crate::action::{self, Action, Lasts, Leaf, Problems, What};
use crate::faults::{Cut, Faults, Takeover};
use crate::feed::MarketAction;
use crate::push::Client;
use crate::shared::{Shared, lock};

/// How long a ghost stays unless told otherwise.
const HAUNT: Duration = Duration::from_secs(1);
/// Nothing is waited for longer.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// What was done to the station for a while, and what waits for the player.
pub(crate) struct Stage {
    /// What [`What::Heal`] goes back to.
    healthy: Faults,
    /// Fields of faults that somebody holds: what they were before, and by how many.
    held: BTreeMap<Leaf, (Value, u32)>,
    /// Counts [`What::Heal`]: who held something before it holds nothing now.
    healed: u64,
    orders: Vec<Order>,
}

/// Something only the player can do.
pub(crate) enum Order {
    Market(MarketAction, Stamp),
    /// A ghost takes over for so long (real time).
    Kick(Option<Takeover>, Duration),
    Undo(Due, Undo),
    End,
}

/// When something is taken back: by the simulated clock, or by the machine's while that one stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub at: Stamp,
    pub real: Instant,
}

/// What takes something back.
pub(crate) enum Undo {
    /// Only for the client that was stalled.
    Resume(Arc<Client>),
    Login,
    Faults {
        leaves: Vec<Leaf>,
        healed: u64,
    },
}

impl Stage {
    pub(crate) fn new(healthy: &Faults) -> Self {
        Self {
            healthy: healthy.clone(),
            held: BTreeMap::new(),
            healed: 0,
            orders: Vec::new(),
        }
    }

    /// What waits, in order.
    pub(crate) fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }
}

impl Shared {
    /// Does it, at the simulated time `now`.
    ///
    /// # Errors
    /// Faults that do not exist or do not fit; then nothing is done.
    pub(crate) fn act(&self, action: &Action, now: Stamp) -> Result<(), Problems> {
        let end = action.lasts.end(now);
        let undo = self.perform(action, now, end)?;
        log::info!("{} {action}", clock_time(now));
        let mut stage = self.stage();
        if let (Some(undo), Some(end)) = (undo, end) {
            let due = Due {
                at: end,
                real: Instant::now() + self.real(now, end),
            };
            stage.orders.push(Order::Undo(due, undo));
        }
        drop(stage);
        self.tally
            .count(|c| *c.actions.entry(action.name().to_owned()).or_default() += 1);
        self.audience.notify_one();
        Ok(())
    }

    /// Takes something back.
    pub(crate) fn undo(&self, undo: Undo) {
        match undo {
            Undo::Resume(client) => {
                client.outbox().stall(false);
                client.wake();
            }
            Undo::Login => self.station().session.login(),
            Undo::Faults { leaves, healed } => self.let_go(&leaves, healed),
        }
        self.audience.notify_one();
    }

    fn perform(&self, action: &Action, now: Stamp, end: Option<Stamp>) -> Result<Option<Undo>, Problems> {
        let lasts = action.lasts != Lasts::Open;
        match &action.what {
            What::Reset => self.cut(&Cut::Reset),
            What::Close(code) => self.cut(&Cut::Close(*code)),
            What::Stall => {
                let client = self.current();
                self.cut(&Cut::Stall);
                return Ok(client.map(Undo::Resume));
            }
            What::Resume => self.cut(&Cut::Resume),
            What::Freeze => self.cut(&Cut::HalfOpen),
            What::Refuse => return self.hold(&object(json!({"refuse": "closed"})), lasts),
            What::Listen => return self.hold(&object(json!({"refuse": null})), false),
            What::Kick(takeover) => {
                let stay = end.map_or(HAUNT, |end| self.real(now, end));
                self.stage().orders.push(Order::Kick(*takeover, stay));
            }
            What::Logout => {
                self.station().session.logout();
                return Ok(Some(Undo::Login));
            }
            What::Login => self.station().session.login(),
            What::ReplaceToken => self.station().session.replace_token(),
            What::LoseList => self.station().lose_list(),
            What::Restart => return self.restart(lasts),
            What::Maintenance(status) => {
                let kind = if *status == 429 { "rate_limit" } else { "stopped" };
                return self.hold(&object(json!({"maintenance": kind})), lasts);
            }
            What::Faults(change) => return self.hold(change, lasts),
            What::Heal => self.heal(),
            What::Market(symbols, event) => {
                self.needs_market()?;
                self.market(symbols, *event, now, end);
            }
            What::Send(text) => self.push_text(text),
            What::ClockStep(by) => self.clock.step(*by),
            What::End => self.stage().orders.push(Order::End),
        }
        Ok(None)
    }

    fn restart(&self, lasts: bool) -> Result<Option<Undo>, Problems> {
        let undo = match lasts {
            true => self.hold(&object(json!({"refuse": "closed"})), true)?,
            false => None,
        };
        self.station().restart();
        self.cut(&Cut::Reset);
        Ok(undo)
    }

    fn needs_market(&self) -> Result<(), Problems> {
        match self.is_market {
            true => Ok(()),
            false => Err(Problems::one(
                "do",
                "only a generated market can do that; here a recording plays, or nothing",
            )),
        }
    }

    fn market(&self, symbols: &[ayumi_engine::Symbol], event: crate::MarketEvent, now: Stamp, until: Option<Stamp>) {
        let order = |symbol| Order::Market(MarketAction { symbol, event, until }, now);
        let mut stage = self.stage();
        match symbols.is_empty() {
            true => stage.orders.push(order(None)),
            false => stage.orders.extend(symbols.iter().cloned().map(|s| order(Some(s)))),
        }
    }

    /// Changes fields of the faults; remembers what they were when it will be taken back.
    fn hold(&self, change: &Map<String, Value>, lasts: bool) -> Result<Option<Undo>, Problems> {
        let mut stage = self.stage();
        let mut station = self.station();
        let before = action::as_json(&station.faults);
        station.faults = action::merged(&station.faults, "faults", change)?;
        drop(station);
        if !lasts {
            return Ok(None);
        }
        let leaves = action::leaves(change);
        for leaf in &leaves {
            let before = || (leaf.of(&before), 0);
            stage.held.entry(leaf.clone()).or_insert_with(before).1 += 1;
        }
        let healed = stage.healed;
        Ok(Some(Undo::Faults { leaves, healed }))
    }

    /// The last who holds a field gives it back as it was.
    fn let_go(&self, leaves: &[Leaf], healed: u64) {
        let mut stage = self.stage();
        if stage.healed != healed {
            return;
        }
        let mut back = Map::new();
        for leaf in leaves {
            if let Some((before, holders)) = stage.held.get_mut(leaf) {
                *holders -= 1;
                if *holders == 0 {
                    leaf.put(&mut back, before.take());
                    stage.held.remove(leaf);
                }
            }
        }
        let mut station = self.station();
        match action::merged(&station.faults, "faults", &back) {
            Ok(faults) => station.faults = faults,
            Err(problems) => log::error!("cannot take back faults: {problems}"),
        }
    }

    fn heal(&self) {
        let mut stage = self.stage();
        stage.held.clear();
        stage.healed += 1;
        self.station().faults = stage.healthy.clone();
    }

    /// The real time from `now` to `end`.
    fn real(&self, now: Stamp, end: Stamp) -> Duration {
        let span = u64::try_from(end.0.saturating_sub(now.0)).unwrap_or_default();
        // An Instant cannot hold everything that a clock can.
        self.speed.real(Duration::from_nanos(span)).min(LONGEST)
    }

    /// What was done for a while.
    pub(crate) fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        lock(&self.stage)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// `09:00:05.250`, for logs.
fn clock_time(at: Stamp) -> String {
    let text = ayumi_wire::jst::iso_ms(at.ms());
    text.get(11..23).unwrap_or(&text).to_owned()
}
