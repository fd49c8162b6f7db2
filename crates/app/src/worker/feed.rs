//! Where messages come from: the PUSH line with its reconnects, or the mock market. [`Feed::event`] only names what
//! happened; the worker acts on it.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use ayumi_engine::counts::Reason;
use ayumi_engine::market::Market;
use ayumi_station::{ConnectError, Ending, Filled, Incoming, LineLost, Mood, PushConfig, PushLine, Reconnect, push};

use super::core::Core;
use crate::clock::Clock;

/// How many reads are done before the worker looks at its deadline and its signals again.
const READS_PER_TURN: u32 = 8;
/// The mock market makes up for lost time in steps of its interval, but not for more than this many at once.
const MOCK_CATCH_UP: u32 = 20;

/// What the feed waits for.
pub(super) enum Feed {
    /// The station.
    Online(Box<Online>),
    /// Generated ticks.
    Mock(Box<Mock>),
}

/// The PUSH line.
pub(super) struct Online {
    config: PushConfig,
    state: Line,
    policy: Reconnect,
    attempt_at: Instant,
    clock: Clock,
    /// One more failure of the same kind is not worth its advice in the log.
    failures: u32,
    /// Why the last dialling failed; empty once a line is up.
    refusal: String,
    lines: LineLog,
    begun: Instant,
}

/// Keeps a line that comes and goes from flooding the log: so many messages a minute, then one that counts the rest.
struct LineLog {
    minute: Instant,
    said: u32,
    unsaid: u32,
}

impl LineLog {
    /// Three lines each for ten reconnects.
    const PER_MINUTE: u32 = 30;

    /// `minute` is one of the worker's clock, in real time.
    fn say(&mut self, level: log::Level, text: &str, minute: Duration) {
        if self.minute.elapsed() >= minute {
            if self.unsaid > 0 {
                log::warn!(
                    "the PUSH line comes and goes: {} more such messages in the last minute",
                    self.unsaid
                );
            }
            (self.minute, self.said, self.unsaid) = (Instant::now(), 0, 0);
        }
        if self.said < Self::PER_MINUTE {
            self.said += 1;
            log::log!(level, "{text}");
        } else {
            self.unsaid += 1;
        }
    }
}

impl Default for LineLog {
    fn default() -> Self {
        Self {
            minute: Instant::now(),
            said: 0,
            unsaid: 0,
        }
    }
}

enum Line {
    /// Not before somebody is logged in.
    Held,
    /// Connect again then.
    Waiting(tokio::time::Instant),
    Dialing(Pin<Box<dyn Future<Output = Result<PushLine, ConnectError>>>>),
    Up {
        line: Box<PushLine>,
        delivered: bool,
    },
}

/// What happened on the feed.
pub(super) enum FeedEvent {
    /// Time to dial.
    Dial,
    /// The dialling ended.
    Dialed(Result<Box<PushLine>, ConnectError>),
    /// Bytes can be read.
    Readable,
    /// The line broke while waiting for bytes.
    Broken,
    /// The mock market's next round is due.
    MockRound,
}

/// The mock market.
pub(super) struct Mock {
    market: Market,
    interval: Duration,
    next: tokio::time::Instant,
    text: Vec<u8>,
}

impl Feed {
    /// A feed that dials as soon as it is asked.
    pub(super) fn online(config: PushConfig, policy: Reconnect, clock: Clock) -> Self {
        let state = Line::Waiting(tokio::time::Instant::now());
        Self::Online(Box::new(Online {
            config,
            state,
            policy,
            attempt_at: Instant::now(),
            clock,
            failures: 0,
            refusal: String::new(),
            lines: LineLog::default(),
            begun: Instant::now(),
        }))
    }

    /// A feed of generated ticks, one round per `interval` of real time.
    pub(super) fn mock(market: Market, interval: Duration) -> Self {
        let next = tokio::time::Instant::now();
        Self::Mock(Box::new(Mock {
            market,
            interval,
            next,
            text: Vec::with_capacity(4096),
        }))
    }

    /// Waits for the next event; may be dropped at any time.
    pub(super) async fn event(&mut self) -> FeedEvent {
        match self {
            Self::Mock(mock) => {
                tokio::time::sleep_until(mock.next).await;
                FeedEvent::MockRound
            }
            Self::Online(online) => match &mut online.state {
                Line::Held => std::future::pending().await,
                Line::Waiting(until) => {
                    tokio::time::sleep_until(*until).await;
                    FeedEvent::Dial
                }
                Line::Dialing(dialing) => FeedEvent::Dialed(dialing.await.map(Box::new)),
                Line::Up { line, .. } => match line.readable().await {
                    Ok(()) => FeedEvent::Readable,
                    Err(_) => FeedEvent::Broken,
                },
            },
        }
    }
}

impl Online {
    /// `ws://host:port/kabusapi/websocket`.
    pub(super) fn url(&self) -> String {
        let host = if self.config.host.contains(':') {
            format!("[{}]", self.config.host)
        } else {
            self.config.host.clone()
        };
        format!("ws://{host}:{}/kabusapi/websocket", self.config.port)
    }

    pub(super) fn dial(&mut self) {
        if self.failures == 0 {
            self.say(log::Level::Info, &format!("connecting to {}", self.url()));
        }
        self.attempt_at = Instant::now();
        let config = self.config.clone();
        self.state = Line::Dialing(Box::pin(async move { push::connect(&config).await }));
    }

    /// The line is up.
    pub(super) fn connected(&mut self, line: Box<PushLine>, symbols: usize) {
        self.say(log::Level::Info, &format!("connected (symbols={symbols})"));
        self.failures = 0;
        self.refusal.clear();
        self.state = Line::Up { line, delivered: false };
    }

    /// The dialling failed.
    pub(super) fn not_connected(&mut self, error: &ConnectError) {
        let delay = self.policy.failed();
        self.failures += 1;
        self.refusal = error.to_string();
        // The advice is worth reading once per outage.
        let advice = if self.failures == 1 {
            format!("; {}", error.advice())
        } else {
            String::new()
        };
        let text = format!(
            "PUSH connection error: {error} (retry in {:.1}s){advice}",
            delay.as_secs_f64()
        );
        self.say(log::Level::Warn, &text);
        self.state = Line::Waiting(tokio::time::Instant::now() + self.clock.scale(delay));
    }

    /// Takes what the socket holds, a bounded number of reads, and gives it to the engine. `Err` when the line ended;
    /// everything that came before is in the engine then.
    pub(super) fn read(&mut self, core: &mut Core, now: impl Fn() -> Stamp) -> Result<(), LineLost> {
        let Line::Up { line, delivered } = &mut self.state else {
            return Ok(());
        };
        for _ in 0..READS_PER_TURN {
            let filled = line.fill();
            let stamp = now();
            while let Some(incoming) = line.next()? {
                match incoming {
                    Incoming::Text(text) => core.on_push(text, stamp),
                    Incoming::Binary(_) => core.on_unreadable(Reason::Binary, stamp),
                    Incoming::TooLong(_) => core.on_unreadable(Reason::TooLong, stamp),
                }
                if !*delivered {
                    *delivered = true;
                    self.policy.message();
                }
            }
            match filled {
                Ok(Filled::Some(_)) => {}
                Ok(Filled::WouldBlock) => return Ok(()),
                Err(lost) => return Err(lost),
            }
        }
        Ok(())
    }

    /// True while a line is up.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, Line::Up { .. })
    }

    /// Why the station cannot be reached, while it cannot.
    pub(super) fn refusal(&self) -> Option<&str> {
        Some(self.refusal.as_str()).filter(|refusal| !refusal.is_empty())
    }

    /// What the last lines' ends look like together.
    pub(super) fn mood(&mut self) -> Mood {
        if self.is_up() {
            self.policy.lived(self.lived());
        }
        self.policy.mood(self.now())
    }

    /// No dialling until [`Self::release`].
    pub(super) fn hold(&mut self) {
        if matches!(self.state, Line::Waiting(_)) {
            self.state = Line::Held;
        }
    }

    /// Whether it waits for [`Self::release`].
    pub(super) fn is_held(&self) -> bool {
        matches!(self.state, Line::Held)
    }

    /// Dials now, if it was held.
    pub(super) fn release(&mut self) {
        if matches!(self.state, Line::Held) {
            self.state = Line::Waiting(tokio::time::Instant::now());
        }
    }

    /// The line ended, or is given up: waits as the policy says.
    pub(super) fn lost(&mut self, reason: &str, ending: Ending) {
        let ending = match self.state {
            Line::Up { delivered: true, .. } => ending,
            _ => Ending::Empty,
        };
        let wait = self.policy.lost(ending, self.now(), self.lived());
        let wait = self.clock.scale(wait);
        self.say(log::Level::Warn, &format!("disconnected from PUSH server ({reason})"));
        if let Line::Up { line, .. } =
            std::mem::replace(&mut self.state, Line::Waiting(tokio::time::Instant::now() + wait))
        {
            line.close();
        }
    }

    /// A clean end: a close frame, without waiting for the answer.
    pub(super) fn close(&mut self) {
        let never = tokio::time::Instant::now() + Duration::from_secs(3600);
        if let Line::Up { line, .. } = std::mem::replace(&mut self.state, Line::Waiting(never)) {
            line.close();
        }
    }

    /// Time since the last attempt began, of the worker's clock.
    fn lived(&self) -> Duration {
        self.attempt_at.elapsed().mul_f64(self.clock.speed())
    }

    /// A steady time for the policy, of the worker's clock.
    fn now(&self) -> Duration {
        self.begun.elapsed().mul_f64(self.clock.speed())
    }

    fn say(&mut self, level: log::Level, text: &str) {
        self.lines.say(level, text, self.clock.scale(Duration::from_secs(60)));
    }

    pub(super) fn set_token(&mut self, token: Option<secrecy::SecretString>) {
        self.config.token = token;
    }
}

impl Mock {
    /// One tick for every symbol, for every interval that has passed.
    pub(super) fn round(&mut self, core: &mut Core, now: impl Fn() -> Stamp) {
        for _ in 0..MOCK_CATCH_UP {
            if self.next > tokio::time::Instant::now() {
                return;
            }
            let stamp = now();
            for index in 0..self.market.profiles().len() {
                self.text.clear();
                self.market.tick(index, stamp).write(&mut self.text);
                core.on_push(&self.text, stamp);
            }
            self.next += self.interval;
        }
        // Too far behind (the machine slept): go on from here.
        self.next = tokio::time::Instant::now() + self.interval;
    }
}
