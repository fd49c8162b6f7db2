//! Doing what an action says, and taking it back. What needs the source or a task of its own becomes an [`Order`] to the
//! player.

mod held;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use self::held::Holds;
pub(crate) use self::held::Owner;
use crate::action::{self, Action, Leaf, Problems, What};
use crate::faults::{Cut, Faults, Takeover};
use crate::feed::MarketAction;
use crate::shared::{Shared, lock};

/// How long a ghost stays unless told otherwise.
const HAUNT: Duration = Duration::from_secs(1);
/// Nothing is waited for longer.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// What was done to the station for a while, and what waits for the player.
pub(crate) struct Stage {
    /// What [`What::Heal`] goes back to.
    healthy: Faults,
    holds: Holds,
    orders: Vec<Order>,
    /// Rings when other clients are to go before their time.
    pub exorcism: Arc<Notify>,
}

/// Something only the player can do.
pub(crate) enum Order {
    Market(MarketAction, Stamp),
    /// A ghost takes over for so long (real time).
    Kick(Option<Takeover>, Duration),
    Undo(Due, Owner),
    /// What was to be taken back is already.
    ForgetUndos,
    End,
}

/// When something is taken back: by the simulated clock, or by the machine's while that one stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub at: Stamp,
    pub real: Instant,
}

impl Stage {
    pub(crate) fn new(healthy: &Faults) -> Self {
        Self {
            healthy: healthy.clone(),
            holds: Holds::default(),
            orders: Vec::new(),
            exorcism: Arc::default(),
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
    /// Faults that do not exist or do not fit, symbols that are not there; then nothing is done.
    pub(crate) fn act(&self, action: &Action, now: Stamp) -> Result<(), Problems> {
        self.traded.check(action)?;
        let end = action.lasts.end(now);
        let owner = end.map(|_| self.stage().holds.owner());
        self.perform(action, now, end, owner)?;
        log::info!("{} {action}", clock_time(now));
        let mut stage = self.stage();
        if let (Some(owner), Some(end)) = (owner, end)
            && stage.holds.has(owner)
        {
            let due = Due {
                at: end,
                real: Instant::now() + self.real(now, end),
            };
            stage.orders.push(Order::Undo(due, owner));
        }
        drop(stage);
        self.tally
            .count(|c| *c.actions.entry(action.name().to_owned()).or_default() += 1);
        self.audience.notify_one();
        Ok(())
    }

    /// Takes back what somebody still holds.
    pub(crate) fn undo(&self, owner: Owner) {
        let mut stage = self.stage();
        let back = stage.holds.let_go_of_faults(owner);
        let mut station = self.station();
        if !back.is_empty() {
            match action::merged(&station.faults, "faults", &back) {
                Ok(faults) => station.faults = faults,
                Err(problems) => log::error!("cannot take back faults: {problems}"),
            }
        }
        if stage.holds.let_go_of_login(owner) == Some(true) {
            station.session.login();
        }
        drop(station);
        let line = stage.holds.let_go_of_line(owner);
        drop(stage);
        if let Some((client, stalled)) = line {
            client.outbox().stall(stalled);
            client.wake();
        }
        self.audience.notify_one();
    }

    /// Stalls the line or lets it go: for a while, or for good when nobody owns that.
    pub(crate) fn stall(&self, owner: Option<Owner>, wanted: bool) {
        let mut stage = self.stage();
        let Some(client) = self.current() else { return };
        let is = !client.outbox().is_open();
        stage.holds.line(owner, &client, is, wanted);
        drop(stage);
        client.outbox().stall(wanted);
        client.wake();
        client.drained.notify_one();
        self.audience.notify_one();
    }

    /// Logs out (false) or in: for a while, or for good when nobody owns that.
    pub(crate) fn log(&self, owner: Option<Owner>, wanted: bool) {
        let mut stage = self.stage();
        let mut station = self.station();
        stage.holds.login(owner, station.session.is_logged_in(), wanted);
        match wanted {
            true => station.session.login(),
            false => station.session.logout(),
        }
    }

    /// Changes faults for good, whatever is held of them.
    pub(crate) fn set_faults(&self, change: impl FnOnce(&mut Faults)) {
        let mut stage = self.stage();
        let mut station = self.station();
        let before = action::as_json(&station.faults);
        change(&mut station.faults);
        let after = action::as_json(&station.faults);
        stage
            .holds
            .faults(None, &Leaf::that_differ(&before, &after), &before, &after);
    }

    fn perform(&self, action: &Action, now: Stamp, end: Option<Stamp>, owner: Option<Owner>) -> Result<(), Problems> {
        match &action.what {
            What::Reset => self.cut(&Cut::Reset),
            What::Close(code) => self.cut(&Cut::Close(*code)),
            What::Stall => self.stall(owner, true),
            What::Resume => self.stall(None, false),
            What::Freeze => self.cut(&Cut::HalfOpen),
            What::Refuse => return self.hold(&object(json!({"refuse": "closed"})), owner),
            What::Listen => return self.hold(&object(json!({"refuse": null})), None),
            What::Kick(takeover) => {
                let stay = end.map_or(HAUNT, |end| self.real(now, end));
                self.stage().orders.push(Order::Kick(*takeover, stay));
            }
            What::Logout => self.log(owner, false),
            What::Login => self.log(None, true),
            What::ReplaceToken => self.station().session.replace_token(),
            What::LoseList => self.station().lose_list(),
            What::Restart => return self.restart(owner),
            What::Maintenance(status) => {
                let kind = if *status == 429 { "rate_limit" } else { "stopped" };
                return self.hold(&object(json!({"maintenance": kind})), owner);
            }
            What::Faults(change) => return self.hold(change, owner),
            What::Heal => self.heal(),
            What::Market(symbols, event) => {
                self.market(symbols, *event, now, end);
            }
            What::Send(text) => self.push_text(text),
            What::ClockStep(by) => self.clock.step(*by),
            What::End => self.stage().orders.push(Order::End),
        }
        Ok(())
    }

    fn restart(&self, owner: Option<Owner>) -> Result<(), Problems> {
        if owner.is_some() {
            self.hold(&object(json!({"refuse": "closed"})), owner)?;
        }
        self.station().restart();
        self.cut(&Cut::Reset);
        Ok(())
    }

    fn market(&self, symbols: &[ayumi_engine::Symbol], event: crate::MarketEvent, now: Stamp, until: Option<Stamp>) {
        let order = |symbol| Order::Market(MarketAction { symbol, event, until }, now);
        let mut stage = self.stage();
        match symbols.is_empty() {
            true => stage.orders.push(order(None)),
            false => stage.orders.extend(symbols.iter().cloned().map(|s| order(Some(s)))),
        }
    }

    /// Changes fields of the faults, for a while or for good.
    fn hold(&self, change: &Map<String, Value>, owner: Option<Owner>) -> Result<(), Problems> {
        let mut stage = self.stage();
        let mut station = self.station();
        let before = action::as_json(&station.faults);
        station.faults = action::merged(&station.faults, "faults", change)?;
        let after = action::as_json(&station.faults);
        stage.holds.faults(owner, &action::leaves(change), &before, &after);
        Ok(())
    }

    /// Ends everything that is held: faults, a stall, a logout, other clients.
    fn heal(&self) {
        let mut stage = self.stage();
        stage.holds.clear();
        // A ghost that was asked for and has not come yet does not come.
        stage.orders.retain(|order| !matches!(order, Order::Kick(..)));
        stage.orders.push(Order::ForgetUndos);
        stage.exorcism.notify_waiters();
        let mut station = self.station();
        station.faults = stage.healthy.clone();
        station.session.login();
        drop(station);
        drop(stage);
        self.stall(None, false);
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
