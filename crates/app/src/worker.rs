//! The worker: one thread reads and thinks, others store and ask. `live` only names what happened, `apply` acts on it and
//! never waits.

mod core;
mod feed;
mod health;
mod look;
mod queue;
mod report;
mod rest;
mod stop;
mod vitals;
mod watchdog;
mod writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ayumi_engine::batch::StateRow;
use ayumi_engine::burst::Bursts;
use ayumi_engine::market::{Market, Profile};
use ayumi_engine::output::{DeadLine, Note, Output};
use ayumi_engine::settings::EngineSettings;
use ayumi_engine::{Engine, Stamp};
use ayumi_journal::Journal;
use ayumi_station::{Ending, LineLost, PushConfig, Reconnect, Reply, RestConfig};
use ayumi_store::SqliteSink;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use self::core::Core;
use crate::clock::{Clock, Step};
use crate::events::Events;
use crate::exit::Exit;
use crate::fault;
use crate::journal::{Event as Line, Start, fingerprint};
use crate::signals;
use feed::{Feed, FeedEvent};
use look::Look;
use queue::Queue;
use report::Report;
use rest::Rest;
use vitals::{Phase, Vitals};
use watchdog::Watchdog;
use writer::{Ended, Told};

/// How long `--probe-board` may hold up the first connection.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// Everything a run needs, validated.
pub struct Setup {
    /// Settings of the core.
    pub engine: EngineSettings,
    /// The clock.
    pub clock: Clock,
    /// Where ticks come from.
    pub source: SourceSetup,
    /// The open database.
    pub sink: SqliteSink,
    /// What earlier runs knew of today.
    pub states: Vec<StateRow>,
    /// End of the last stored window, Unix ms.
    pub stored_until_ms: Option<i64>,
    /// Setting `pending_max`.
    pub pending_max: usize,
    /// Stop by itself after this time of the clock.
    pub duration: Option<Duration>,
    /// Computes the burst columns; `None` = they stay cold.
    pub bursts: Option<Bursts>,
    /// Where everything that comes in is written first.
    pub journal: Option<Journal>,
    /// Who is told what happened.
    pub events: Events,
}

/// Where ticks come from.
pub enum SourceSetup {
    /// kabu Station.
    Online(Box<OnlineSetup>),
    /// The mock market.
    Mock {
        /// Same seed, same sequence.
        seed: u64,
        /// One tick for every symbol per interval.
        interval: Duration,
    },
}

/// How to reach the station.
pub struct OnlineSetup {
    /// The PUSH line.
    pub push: PushConfig,
    /// REST.
    pub rest: RestConfig,
    /// First and longest wait after a failed connection.
    pub backoff: (Duration, Duration),
    /// Register missing symbols after each connect.
    pub auto_register: bool,
    /// Ask `/board` of the first symbol before anything else.
    pub probe: bool,
    /// Do not connect before somebody is logged in at the station.
    pub wait_login: bool,
}

/// Runs until a stop is asked for. Must be called on a thread of its own or the main thread; makes its own runtime.
///
/// # Errors
/// When the system gives no runtime, thread or signal handler.
pub fn run(setup: Setup) -> std::io::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let mut stop = signals::listen()?;
        let mut worker = Worker::new(setup)?;
        worker.probe(&mut stop).await;
        let why = worker.live(&mut stop).await;
        Ok(worker.finish(why, &mut stop).await)
    });
    // A request that hangs must not hold up the exit.
    runtime.shutdown_background();
    exit
}

struct Worker {
    core: Core,
    tickers: Vec<String>,
    clock: Clock,
    /// No stamp is earlier: the end of what an earlier run stored, when the clock is a little behind it.
    floor: Stamp,
    feed: Feed,
    rest: Option<Rest>,
    replies: mpsc::Receiver<Reply>,
    queue: Queue,
    writer: oneshot::Receiver<Ended>,
    report: Report,
    look: Look,
    vitals: Arc<Vitals>,
    watchdog: Watchdog,
    events: Events,
    stop_at: Stamp,
    started: Stamp,
}

/// What the worker woke for.
enum Event {
    Stop(&'static str),
    Clock,
    Reply(Reply),
    Feed(FeedEvent),
    WriterEnded(Option<Ended>),
}

/// Why the worker stops.
enum Why {
    Asked(&'static str),
    Writer(Option<Ended>),
}

impl Worker {
    fn new(setup: Setup) -> std::io::Result<Self> {
        let clock = setup.clock;
        let floor = floor(setup.stored_until_ms, clock.now());
        let now = clock.now().max(floor);
        let tickers: Vec<String> = setup.engine.watched.iter().map(|w| w.symbol.ticker()).collect();
        let queue = Queue::new(setup.engine.tick_queue_max, setup.pending_max);
        let (tell, replies) = mpsc::channel(64);
        let (feed, rest) = match setup.source {
            SourceSetup::Mock { seed, interval } => (
                Feed::mock(mock_market(&setup.engine, seed, &setup.states), clock.scale(interval)),
                None,
            ),
            SourceSetup::Online(online) => {
                let rest = Rest::start(&online, &setup.engine, &clock, tell)?;
                let policy = Reconnect::new(online.backoff.0, online.backoff.1, now.0 as u64);
                let mut feed = Feed::online(online.push, policy, clock.clone());
                if let Feed::Online(line) = &mut feed
                    && online.wait_login
                {
                    line.hold();
                }
                (feed, Some(rest))
            }
        };
        let start = Line::Start(Start {
            settings: fingerprint(&setup.engine),
            stored_until_ms: setup.stored_until_ms,
            states: setup
                .states
                .iter()
                .map(|row| (tickers[row.symbol.index()].clone(), *row))
                .collect(),
        });
        let window = Duration::from_millis(setup.engine.window_ms.unsigned_abs());
        let patience = watchdog::patience(clock.scale(window));
        let mut engine = Engine::new(setup.engine, now);
        engine.restore(&setup.states);
        let mut core = Core::new(engine, setup.journal, tickers.clone());
        core.note(&start, now);
        if matches!(feed, Feed::Mock(_)) {
            core.on_line_up(now);
        }
        let told = Told {
            events: setup.events.clone(),
            clock: clock.clone(),
        };
        let vitals = Vitals::new();
        let written = core.written();
        let (_, writer) = writer::spawn(setup.sink, setup.bursts, queue.clone(), written, told, vitals.clone())?;
        let watchdog = Watchdog::start(vitals.clone(), queue.clone(), patience)?;
        let stop_at = setup
            .duration
            .map_or(Stamp::NEVER, |d| Stamp(now.0.saturating_add(d.as_nanos() as i64)));
        Ok(Self {
            core,
            tickers,
            report: Report::new(now),
            look: Look::new(),
            vitals,
            watchdog,
            events: setup.events,
            clock,
            floor,
            feed,
            rest,
            replies,
            queue,
            writer,
            stop_at,
            started: now,
        })
    }

    fn now(&self) -> Stamp {
        self.clock.now().max(self.floor)
    }

    /// With `--probe-board`: waits a moment for its answer, so that it stands before everything else in the log.
    async fn probe(&mut self, signals: &mut mpsc::Receiver<&'static str>) {
        if !self.rest.as_mut().is_some_and(Rest::probe) {
            return;
        }
        let answer = tokio::time::timeout(PROBE_PATIENCE, self.replies.recv());
        tokio::select! {
            biased;
            Some(signal) = signals.recv() => self.stop_at = { log::info!("stopping ({signal})"); Stamp(0) },
            reply = answer => if let Ok(Some(reply)) = reply { self.reply(reply) },
        }
    }

    /// Select with priorities: stop, then deadline, then data.
    async fn live(&mut self, signals: &mut mpsc::Receiver<&'static str>) -> Why {
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        let mut armed = Stamp::NEVER;
        self.ask_for_login();
        loop {
            let deadline = self.core.engine.next_deadline(self.now());
            let deadline = deadline.min(self.stop_at).min(self.look.next());
            if deadline != armed {
                armed = deadline;
                timer
                    .as_mut()
                    .reset(tokio::time::Instant::now() + self.clock.until(deadline));
            }
            self.vitals.core.enter(Phase::Waiting);
            let event = tokio::select! {
                biased;
                Some(signal) = signals.recv() => Event::Stop(signal),
                ended = &mut self.writer => Event::WriterEnded(ended.ok()),
                () = &mut timer => Event::Clock,
                Some(reply) = self.replies.recv() => Event::Reply(reply),
                event = self.feed.event() => Event::Feed(event),
            };
            self.vitals.core.enter(Phase::Working);
            fault::point("reader");
            if matches!(event, Event::Clock) {
                armed = Stamp::NEVER;
            }
            if let Some(why) = self.apply(event) {
                return why;
            }
            self.carry_out();
            let received = self.core.engine.totals().received;
            self.vitals.received.store(received, Ordering::Relaxed);
        }
    }

    /// Acts on what happened, without waiting; `Some` when that ends the run.
    fn apply(&mut self, event: Event) -> Option<Why> {
        match event {
            Event::Stop(signal) => return Some(Why::Asked(signal)),
            Event::WriterEnded(ended) => return Some(Why::Writer(ended)),
            Event::Clock if self.now() >= self.stop_at => return Some(Why::Asked("--duration")),
            Event::Clock => self.time_passed(),
            Event::Reply(reply) => {
                // What the socket already holds is older than the answer: a line is not dead because of it.
                if self.line_is_up() {
                    self.feed_event(FeedEvent::Readable);
                }
                self.reply(reply);
                self.look();
            }
            Event::Feed(event) => {
                let lines_end = !matches!(event, FeedEvent::Readable | FeedEvent::MockRound);
                self.feed_event(event);
                if lines_end {
                    self.look();
                }
            }
        }
        None
    }

    fn time_passed(&mut self) {
        let now = self.now();
        self.core.engine.on_clock(now);
        // Before the report counts: a window that just closed must be in the queue.
        self.carry_out();
        self.report
            .tick(&mut self.core.engine, &self.queue.depth(), &self.core.tickers, now);
        let line_up = self.line_is_up();
        if let Some(rest) = &mut self.rest {
            rest.tick(line_up);
        }
        self.look();
    }

    fn line_is_up(&self) -> bool {
        matches!(&self.feed, Feed::Online(online) if online.is_up())
    }

    fn feed_event(&mut self, event: FeedEvent) {
        let (clock, floor) = (self.clock.clone(), self.floor);
        let now = || clock.now().max(floor);
        match (event, &mut self.feed) {
            (FeedEvent::MockRound, Feed::Mock(mock)) => mock.round(&mut self.core, now),
            (FeedEvent::Dial, Feed::Online(online)) => {
                if let Some(rest) = &self.rest {
                    online.set_token(rest.token());
                }
                online.dial();
            }
            (FeedEvent::Dialed(Ok(line)), Feed::Online(online)) => {
                online.connected(line, self.tickers.len());
                self.core.on_line_up(now());
                if let Some(rest) = &mut self.rest {
                    rest.line_came_up();
                }
                // The first messages may have come in the same segment as the handshake answer.
                if let Err(lost) = online.read(&mut self.core, now) {
                    self.line_ended(&lost);
                }
            }
            (FeedEvent::Dialed(Err(error)), Feed::Online(online)) => online.not_connected(&error),
            (FeedEvent::Readable | FeedEvent::Broken, Feed::Online(online)) => {
                if let Err(lost) = online.read(&mut self.core, now) {
                    self.line_ended(&lost);
                }
            }
            _ => unreachable!("each feed has its own events"),
        }
    }

    fn line_ended(&mut self, lost: &LineLost) {
        let ending = match lost {
            LineLost::Closed { .. } | LineLost::Eof => Ending::Closed,
            _ => Ending::Cut,
        };
        self.line_lost(&lost.to_string(), ending);
    }

    fn line_lost(&mut self, reason: &str, ending: Ending) {
        let now = self.now();
        if let Feed::Online(online) = &mut self.feed
            && online.is_up()
        {
            online.lost(reason, ending);
            self.core.on_line_down(now);
            self.report.line_lost();
        }
    }

    fn reply(&mut self, reply: Reply) {
        let now = self.now();
        if let Some(rest) = &mut self.rest {
            rest.reply(reply, &mut self.core, now);
        }
    }

    /// Takes the engine's outputs until there are none.
    fn carry_out(&mut self) {
        let now = self.now();
        let mut closed = false;
        while let Some(output) = self.core.engine.poll(now) {
            match output {
                Output::Batch(batch) => {
                    let ticket = self.core.border();
                    let spent = self.queue.push(batch, ticket, |starts| self.core.absorbed(starts, now));
                    if let Some(spent) = spent {
                        self.core.engine.recycle(spent);
                    }
                    self.core.set_room(self.queue.depth().room, now);
                    self.follow_clock();
                    closed = true;
                }
                Output::BoardWanted(symbol) => {
                    if !self.rest.as_mut().is_some_and(|rest| rest.board(symbol)) {
                        self.core.engine.on_board_not_sent(now);
                    }
                }
                Output::Reconnect(why) => {
                    let reason = self.report.dead_line(&why, &self.tickers);
                    // The market goes on without us: what the station sends goes to somebody else.
                    let ending = match why {
                        DeadLine::VolumeMoved { .. } => Ending::Closed,
                        DeadLine::NoAnswer { .. } => Ending::Cut,
                    };
                    self.line_lost(&reason, ending);
                }
                Output::Note(note) => self.note(&note),
            }
        }
        if closed {
            // Only now: a window that is still in the engine's hands is in no count.
            self.report
                .tick(&mut self.core.engine, &self.queue.depth(), &self.core.tickers, now);
        }
    }

    fn note(&mut self, note: &Note) {
        self.report.note(note, &self.tickers);
        if let Note::GapVolume {
            symbol,
            volume,
            span_ms,
            ..
        } = note
        {
            let fields = json!({"ticker": self.tickers[symbol.index()], "volume": volume.0, "span_ms": span_ms});
            self.events.tell("gap", self.now(), fields);
        }
        self.look.noted(note, self.core.engine.totals().received);
    }

    /// At a window border a jump of the system clock cannot tear a window.
    fn follow_clock(&self) {
        match self.clock.resync() {
            Step::None => {}
            Step::Followed(ms) => log::warn!("the system clock went forward by {ms} ms; followed"),
            Step::Ignored(ms) => log::warn!(
                "the system clock went back by {ms} ms; not followed, so that no window is stored twice. Let Windows set the time automatically"
            ),
        }
    }
}

/// The clock may be a little behind the last stored window (set by the time service): then time stands still until it
/// has caught up. A clock that is far behind is wrong, or was; nothing can be done but say so.
fn floor(stored_until_ms: Option<i64>, now: Stamp) -> Stamp {
    const A_LITTLE_MS: i64 = 60_000;
    let Some(until) = stored_until_ms.map(Stamp::from_ms) else {
        return Stamp(i64::MIN);
    };
    let ahead = until.ms_since(now);
    if ahead > A_LITTLE_MS {
        log::warn!(
            "the database holds windows up to {}, later than the clock; check the PC's clock. Rows of windows that are stored already are not replaced",
            ayumi_wire::jst::iso_ms(until.ms())
        );
        return Stamp(i64::MIN);
    }
    until
}

/// The mock market; on the day of an earlier run its volumes go on from there.
fn mock_market(settings: &EngineSettings, seed: u64, states: &[StateRow]) -> Market {
    let profiles = settings.watched.iter().map(|w| Profile::of(&w.symbol, seed)).collect();
    let mut market = Market::new(seed, profiles);
    for state in states {
        if let Some(last) = state.last {
            market.go_on_from(state.symbol.index(), last);
        }
    }
    market
}
