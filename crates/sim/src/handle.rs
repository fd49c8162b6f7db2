//! Starting, steering and stopping a simulator from outside of its thread.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ayumi_engine::{Stamp, Symbol};
use tokio::sync::oneshot;

use crate::action::{Action, Problems};
use crate::config::{SimConfig, SimError, Source, Speed};
use crate::control;
use crate::counters::Counters;
use crate::faults::{BoardAnswer, Cut, Faults, RawFrame};
use crate::feed::Feed;
use crate::push::Player;
use crate::rest::Environment;
use crate::script::Traded;
use crate::sent::SentLog;
use crate::server::{self, Listeners};
use crate::shared::Shared;

/// The simulator.
pub struct Sim;

impl Sim {
    /// Starts a simulator on its own thread. It listens when this returns.
    ///
    /// # Errors
    /// When the port is taken, the recording cannot be read, or a setting makes no sense.
    pub fn start(config: SimConfig) -> Result<SimHandle, SimError> {
        check(&config)?;
        let feed = Feed::open(&config)?;
        let listeners = Listeners::bind(config.port)?;
        let verification = config.verification_port.map(Listeners::bind).transpose()?;
        let verification_port = verification.as_ref().map(|l| l.port);
        let control = config.control_port.map(Listeners::bind).transpose()?;
        let control_port = control.as_ref().map(|l| l.port);
        let sent = config.sent_log.as_deref().map(SentLog::create).transpose()?;
        let shared = Arc::new(Shared::new(&config, listeners.port, sent));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SimError::Thread)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let player = Player::new(Arc::clone(&shared), feed, &config);
        let server = Arc::clone(&shared);
        let verifier = Arc::clone(&shared);
        let controlled = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("ayumi-sim".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::spawn(player.run());
                    if let Some(listeners) = control {
                        tokio::spawn(async { log_end(control::serve(controlled, listeners).await) });
                    }
                    if let Some(listeners) = verification {
                        tokio::spawn(async {
                            log_end(server::serve(verifier, listeners, Environment::Verification).await);
                        });
                    }
                    tokio::select! {
                        biased;
                        _ = stopped => {}
                        result = server::serve(server, listeners, Environment::Production) => log_end(result),
                    }
                });
            })
            .map_err(SimError::Thread)?;
        Ok(SimHandle {
            shared,
            verification_port,
            control_port,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Unix seconds of the year 2200: sums of times beyond do not fit into nanoseconds.
const LATEST_S: i64 = 7_258_118_400;

fn check(config: &SimConfig) -> Result<(), SimError> {
    if let Speed::Times(factor) = config.speed
        && !(factor.is_finite() && factor > 0.0)
    {
        return Err(SimError::Setting("the speed must be a number above 0"));
    }
    let odd = |at: Option<Stamp>| at.is_some_and(|at| !(0..LATEST_S).contains(&at.s()));
    if odd(config.start) || odd(config.end) {
        return Err(SimError::Setting(
            "start and end must lie between the years 1970 and 2200",
        ));
    }
    if matches!((config.start, config.end), (Some(start), Some(end)) if end <= start) {
        return Err(SimError::Setting("the end must be later than the start"));
    }
    Traded::of(&config.source)
        .check_script(&config.script)
        .map_err(SimError::Script)?;
    let Source::Market(market) = &config.source else {
        return Ok(());
    };
    if market.symbols.is_empty() {
        return Err(SimError::Setting("a generated market needs at least one symbol"));
    }
    if !(market.per_second > 0.0 && market.per_second <= 1e6) {
        return Err(SimError::Setting(
            "messages per second must be above 0 and at most 1,000,000 (for more, raise the speed)",
        ));
    }
    Ok(())
}

fn log_end(result: io::Result<()>) {
    if let Err(e) = result {
        log::error!("the simulator cannot serve: {e}");
    }
}

/// A running simulator; it stops when this is dropped.
pub struct SimHandle {
    shared: Arc<Shared>,
    verification_port: Option<u16>,
    control_port: Option<u16>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SimHandle {
    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// The port of the verification environment, when it listens.
    #[must_use]
    pub fn verification_port(&self) -> Option<u16> {
        self.verification_port
    }

    /// The control port, when it listens.
    #[must_use]
    pub fn control_port(&self) -> Option<u16> {
        self.control_port
    }

    /// The simulated time: it stands until the source begins, then runs at the chosen speed.
    #[must_use]
    pub fn now(&self) -> Stamp {
        self.shared.now()
    }

    /// A snapshot of all counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.tally.snapshot()
    }

    /// Waits until `what` holds; false when it does not within `timeout`. `what` must not call the handle.
    #[must_use]
    pub fn wait_until(&self, timeout: Duration, what: impl Fn(&Counters) -> bool) -> bool {
        self.shared.tally.wait_until(timeout, what)
    }

    /// Sends frames of any kind to the current client, in order, registered or not. They are counted in
    /// [`Counters::bytes_sent`] only.
    pub fn push_raw(&self, frames: Vec<RawFrame>) {
        let pause = self.shared.station().faults.split_pause;
        self.shared
            .to_client(|outbox| frames.iter().all(|frame| outbox.put_raw(frame, pause)));
    }

    /// Sends any bytes to the current client, frames or not.
    pub fn push_bytes(&self, bytes: &[u8]) {
        self.shared.to_client(|outbox| outbox.put_bytes(bytes));
    }

    /// Sends one text message to the current client, registered or not; counted and remembered for `/board` as a
    /// message of the source. Faults for messages apply.
    pub fn push_text(&self, text: &str) {
        self.shared.push_text(text);
    }

    /// What `/board` answers for a symbol from now on; [`BoardAnswer::Usual`] ends it.
    pub fn set_board(&self, symbol: &str, exchange: u16, body: BoardAnswer) {
        let symbol = Symbol {
            code: symbol.to_owned(),
            exchange,
        };
        self.shared.station().overrides.insert(symbol, body);
    }

    /// Does something to the current client; nothing when there is none.
    pub fn cut(&self, how: Cut) {
        match how {
            Cut::Stall => self.shared.stall(None, true),
            Cut::Resume => self.shared.stall(None, false),
            how => self.shared.cut(&how),
        }
    }

    /// Does something at once, as a script would; what lasts is taken back by the simulated clock.
    ///
    /// # Errors
    /// Faults that do not exist or do not fit; then nothing is done.
    pub fn act(&self, action: &Action) -> Result<(), Problems> {
        self.shared.act(action, self.shared.now())
    }

    /// Changes the faults from now on.
    pub fn set_fault(&self, f: impl FnOnce(&mut Faults)) {
        self.shared.set_faults(f);
    }

    /// The forced logout: REST answers 401 4001007 until [`SimHandle::login`], and the token is dead for good. PUSH
    /// goes on.
    pub fn kill_token(&self) {
        self.shared.log(None, false);
    }

    /// Ends a forced logout. The old token stays dead: 401 4001009 until a new one is issued.
    pub fn login(&self) {
        self.shared.log(None, true);
    }

    /// Another program issued a token: REST answers 401 4001009 until a new one is issued.
    pub fn replace_token(&self) {
        self.shared.station().session.replace_token();
    }

    /// Empties the registration list, as a restart of the application does.
    pub fn lose_list(&self) {
        self.shared.station().lose_list();
    }

    /// Stops it: all sockets are closed when this returns. Dropping the handle does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the simulator's thread has panicked");
        }
    }
}
