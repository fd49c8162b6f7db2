//! Stage 4: messages in, rows committed, as fast as a worker process takes them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ayumi_engine::Symbol;
use ayumi_hot_path::messages::{self, Frames, Messages, SEED};
use ayumi_sim::{Cut, MarketConfig, Sim, SimConfig, SimHandle, Source, Speed};

use crate::cpu::Memory;
use crate::engine;
use crate::plan::Plan;
use crate::programs::Programs;
use crate::receive;
use crate::rounds::{Series, thousands};
use crate::sender::{Course, Sender};
use crate::table::{Section, Table};
use crate::worker::{Program, Setup, TOKEN, Worker};

/// How long a worker may take to store what it was sent: the peer's queue holds 20,000 messages.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one flood showed.
#[derive(Clone, Debug, Default)]
struct Outcome {
    /// Messages per second in whole windows.
    rate: f64,
    /// CPU time per message, ns.
    cpu: f64,
    /// The share of the busiest thread, ns.
    busiest: f64,
    memory: Memory,
    messages: u64,
}

/// A source of a flood.
enum Station {
    Sim(SimHandle),
    Frames(Sender),
}

/// Figures of one program over the rounds.
#[derive(Default)]
struct Figures {
    outcomes: Vec<Outcome>,
}

/// What the parts cost alone, measured between the floods: one figure per round, ns per message.
#[derive(Default)]
struct Parts {
    receive: Series,
    parse: Series,
    engine: Series,
}

/// Floods ours from both stations and the peers from the simulator, in turn.
pub fn run(plan: &Plan, programs: &Programs) -> Result<Section> {
    let symbols = messages::symbols(50);
    let frames = Frames::new(&symbols, 10_000);
    let mut names = vec!["ayumi, encoded frames".to_owned(), "ayumi, simulator".to_owned()];
    names.extend(programs.peers.iter().map(|p| format!("{}, simulator", p.name())));
    let mut figures: Vec<Figures> = names.iter().map(|_| Figures::default()).collect();
    let messages = messages::mixed(&symbols, frames.len());
    let mut parts = Parts::default();
    for _ in 0..plan.worker_rounds {
        parts.measure(&frames, &messages, &symbols)?;
        let outcome = flood(&programs.ayumi, &symbols, Some(&frames), plan.flood).context("encoded frames")?;
        figures[0].outcomes.push(outcome);
        let simulated = std::iter::once(&programs.ayumi).chain(&programs.peers);
        for (program, figures) in simulated.zip(&mut figures[1..]) {
            let outcome = flood(program, &symbols, None, plan.flood).with_context(|| program.name().to_owned())?;
            figures.outcomes.push(outcome);
        }
    }
    Ok(section(&names, &figures, programs, &parts))
}

fn section(names: &[String], figures: &[Figures], programs: &Programs, parts: &Parts) -> Section {
    let mut table = Table::new([
        "worker, fed by",
        "messages/s",
        "CPU per message",
        "busiest thread",
        "CPU, peer / ayumi",
        "peak RSS",
        "messages per run",
    ]);
    let ours = figures[1].series(|o| o.cpu);
    for (at, (name, figures)) in names.iter().zip(figures).enumerate() {
        let rate = figures.series(|o| o.rate);
        let ratio = if at < 2 {
            String::new()
        } else {
            figures.series(|o| o.cpu).over(&ours).ratio()
        };
        table.row([
            name.clone(),
            format!("{} ({})", thousands(rate.median()), thousands(rate.max())),
            figures.series(|o| o.cpu).time(),
            figures.series(|o| o.busiest).time(),
            ratio,
            format!("{:.1} MB", figures.series(|o| o.memory.peak_kb as f64).max() / 1024.0),
            thousands(figures.series(|o| o.messages as f64).median()),
        ]);
    }
    if !programs.absent.is_empty() {
        table.row(["Python peer".to_owned(), programs.absent.clone()]);
    }
    let mut notes = vec![
        "50 symbols, 300 ms windows, a worker process per run, everything sent is in its database before it is \
         stopped. Messages per second are those of the whole windows between the first and the last: median (largest). \
         CPU is of the whole worker process, reader and writer and kernel, from the first message on. *encoded frames* \
         come from a sender that costs next to nothing: the worker is the limit, and its kernel buffer of 4 MB is full, \
         so messages come from beyond the caches. The simulator makes every message when it sends it and keeps a core \
         busy itself. `tick_queue_max` is at its largest, so that nothing is folded. Goals: 250,000 messages/s, and \
         at least 30x less CPU per message than the best peer."
            .to_owned(),
    ];
    if !programs.peers.is_empty() {
        notes.push(
            "The peer is a plain Python worker with the same job on websocket-client; *no wsaccel* hides that package \
             behind a module of the same name on PYTHONPATH that fails to import."
                .to_owned(),
        );
    }
    notes.push(parts.against(&figures[0].series(|o| o.cpu)));
    Section {
        title: "End to end, flooded",
        notes,
        tables: vec![table],
    }
}

impl Parts {
    fn measure(&mut self, frames: &Frames, messages: &Messages, symbols: &[Symbol]) -> Result<()> {
        let [parse, whole] = engine::once(messages, symbols);
        self.receive.0.push(receive::once(frames)?);
        self.parse.0.push(parse);
        self.engine.0.push(whole - parse);
        Ok(())
    }

    /// The whole worker beside the sum of its parts.
    fn against(&self, worker: &Series) -> String {
        let two = self.receive.plus(&self.parse);
        let three = two.plus(&self.engine);
        format!(
            "The parts alone, measured between the floods: receive {} + parse {} + rest of the engine {}. The worker \
             fed with encoded frames, database included, costs {} the sum of these three, and {} receive + parse \
             (goal 1.2x).",
            self.receive.time(),
            self.parse.time(),
            self.engine.time(),
            worker.over(&three).ratio(),
            worker.over(&two).ratio(),
        )
    }
}

impl Figures {
    fn series(&self, of: impl Fn(&Outcome) -> f64) -> Series {
        Series(self.outcomes.iter().map(of).collect())
    }
}

/// One worker from start to end.
fn flood(program: &Program, symbols: &[Symbol], frames: Option<&Frames>, time: Duration) -> Result<Outcome> {
    let station = match frames {
        Some(frames) => Station::Frames(Sender::start(frames.clone(), BLAST)?),
        None => Station::Sim(Sim::start(sim_config(symbols))?),
    };
    let mut worker = program.start(&Setup {
        port: station.port(),
        symbols,
        register: frames.is_none(),
        clock: None,
        events: false,
    })?;
    station.wait_for_first(&mut worker)?;
    let before = worker.usage()?.unwrap_or_default();
    std::thread::sleep(time);
    station.stop();
    let sent = wait_until_stored(&station, &mut worker)?;
    let after = worker.usage()?.unwrap_or_default();
    let stored = worker.stored()?;
    ensure!(stored.messages == sent, "stored {} of {sent} messages", stored.messages);
    Ok(Outcome {
        rate: stored.rate().unwrap_or(f64::NAN),
        cpu: per_message(after.since(&before), sent),
        busiest: per_message(after.busiest_since(&before), sent),
        memory: worker.memory().unwrap_or_default(),
        messages: sent,
    })
}

const BLAST: Course = Course {
    handshake: true,
    per_write: 64,
    pause: None,
    frames: None,
};

fn sim_config(symbols: &[Symbol]) -> SimConfig {
    SimConfig {
        token: Some(TOKEN.to_owned()),
        source: Source::Market(MarketConfig::new(SEED, symbols.to_vec(), 1_000.0)),
        speed: Speed::Full,
        // The peer does not register.
        require_registration: false,
        ..SimConfig::default()
    }
}

fn per_message(ns: u64, messages: u64) -> f64 {
    match ns {
        // Not known on this system.
        0 => f64::NAN,
        _ => ns as f64 / messages as f64,
    }
}

/// Waits until the number of messages stored stands at the number sent; returns it.
fn wait_until_stored(station: &Station, worker: &mut Worker) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = u64::MAX;
    loop {
        std::thread::sleep(Duration::from_millis(60));
        worker.usage()?;
        let sent = station.sent();
        let stored = worker.stored()?.messages;
        if sent == last && stored == sent {
            return Ok(sent);
        }
        ensure!(
            Instant::now() < deadline,
            "stored {stored} of {sent} messages after a minute"
        );
        last = sent;
    }
}

impl Station {
    fn port(&self) -> u16 {
        match self {
            Self::Sim(sim) => sim.port(),
            Self::Frames(sender) => sender.addr().port(),
        }
    }

    fn sent(&self) -> u64 {
        match self {
            Self::Sim(sim) => sim.counters().messages_sent,
            Self::Frames(sender) => sender.sent(),
        }
    }

    fn stop(&self) {
        match self {
            Self::Sim(sim) => sim.cut(Cut::Stall),
            Self::Frames(sender) => sender.stop(),
        }
    }

    fn wait_for_first(&self, worker: &mut Worker) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.sent() == 0 {
            worker.usage()?;
            ensure!(Instant::now() < deadline, "the worker does not connect");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}
