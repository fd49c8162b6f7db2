//! Watches the core and the writer from a thread of its own: one that stands still although there is work, and not
//! because of a disk, never comes back. The process is ended then, so that whoever supervises it starts it again.
//!
//! docs/design/watchdog.md says what counts as stuck. Refuses to wait for any lock, and to judge a slow disk.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::queue::{Depth, Queue};
use super::vitals::{Beat, Phase, Vitals};
use crate::exit::{self, Exit};
use crate::fault;

/// So many windows without a commit are too many.
const WINDOWS: u32 = 10;
/// Never sooner: a machine that is busy with something else is not a deadlock.
const LEAST: Duration = Duration::from_secs(10);
/// Looks per patience.
const LOOKS: u32 = 10;
/// A stop that has not ended after this is ended: Windows kills a console program 5 s after its window was closed.
const HARD_END: Duration = Duration::from_millis(4_500);

/// How long nothing may happen.
pub(super) fn patience(window: Duration) -> Duration {
    fault::patience((window * WINDOWS).max(LEAST))
}

/// The worker's end of the watchdog. It is told of a stop, and goes when this is dropped.
pub(super) struct Watchdog(Sender<()>);

impl Watchdog {
    /// Starts the thread.
    pub(super) fn start(vitals: Arc<Vitals>, queue: Queue, patience: Duration) -> std::io::Result<Self> {
        let (tell, told) = channel();
        std::thread::Builder::new()
            .name("watchdog".into())
            .spawn(move || run(&vitals, &queue, patience, &told))?;
        Ok(Self(tell))
    }

    /// The stop begins: from now on only its own time limit counts.
    pub(super) fn stopping(&self) {
        // Nobody listens when the thread is over; then there is nothing to tell.
        let _ = self.0.send(());
    }
}

fn run(vitals: &Vitals, queue: &Queue, patience: Duration, told: &Receiver<()>) {
    let tick = patience / LOOKS;
    let mut watch = Watch::new(patience);
    let mut looked = Instant::now();
    loop {
        match told.recv_timeout(tick) {
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(()) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        fault::point("watchdog");
        // A process that slept, with or without its PC, has not been idle meanwhile.
        let passed = looked.elapsed().min(tick * 2);
        looked = Instant::now();
        let seen = Seen::of(vitals, queue);
        let stuck = watch.look(&seen, passed);
        vitals.set_still(watch.stall());
        if let Some(stuck) = stuck {
            exit::stuck(&stuck.sentence(patience), &report(vitals, &seen));
        }
    }
    if told.recv_timeout(HARD_END) == Err(RecvTimeoutError::Timeout) {
        log::error!(
            "the stop did not end within {HARD_END:?}; {}",
            unsaved(Seen::of(vitals, queue).depth)
        );
        log::logger().flush();
        Exit::Unsaved.now();
    }
}

/// What one look sees.
struct Seen {
    core: Beat,
    writer: Beat,
    /// `None`: somebody holds the queue's lock, which nobody does for more than microseconds.
    depth: Option<Depth>,
    /// The database is known not to take windows.
    trouble: bool,
}

impl Seen {
    fn of(vitals: &Vitals, queue: &Queue) -> Self {
        let seen = queue.try_look();
        Self {
            core: vitals.core.beat(),
            writer: vitals.writer.beat(),
            depth: seen.map(|(depth, _)| depth),
            trouble: seen.is_some_and(|(_, trouble)| trouble),
        }
    }
}

/// Who stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stuck {
    Core,
    Writer,
}

impl Stuck {
    fn sentence(self, patience: Duration) -> String {
        let seconds = patience.as_secs();
        match self {
            Self::Core => format!("the watchdog ends ayumi: the thread that reads has stood still for {seconds} s"),
            Self::Writer => format!(
                "the watchdog ends ayumi: no window was stored for {seconds} s although windows wait and no disk is waited for"
            ),
        }
    }
}

/// The judgement, without threads and clocks.
struct Watch {
    patience: Duration,
    /// What the look before this one saw.
    before: Option<(Beat, Beat, u64)>,
    /// How long the core has been in one turn.
    core: Duration,
    /// How long the writer has been in one turn.
    writer: Duration,
    /// How long nothing was stored although it could have been.
    unstored: Duration,
    stalled: bool,
}

impl Watch {
    fn new(patience: Duration) -> Self {
        Self {
            patience,
            before: None,
            core: Duration::ZERO,
            writer: Duration::ZERO,
            unstored: Duration::ZERO,
            stalled: false,
        }
    }

    /// After so much time this is seen.
    fn look(&mut self, seen: &Seen, passed: Duration) -> Option<Stuck> {
        let windows = seen.depth.map(|depth| depth.stored.windows);
        let Some((core, writer, stored)) = self.before else {
            self.before = Some((seen.core, seen.writer, windows.unwrap_or_default()));
            return None;
        };
        let still = |is: bool, so_far: Duration| if is { so_far + passed } else { Duration::ZERO };
        self.core = still(seen.core == core && seen.core.phase() == Phase::Working, self.core);
        self.writer = still(seen.writer == writer, self.writer);
        let at_disk = matches!(seen.writer.phase(), Phase::Storing | Phase::Journal);
        self.stalled = at_disk && self.writer >= self.patience / 2;
        let now_stored = windows.unwrap_or(stored);
        let work = seen.depth.is_none_or(|depth| depth.unsaved_windows > 0);
        // A database that refuses is asked again and again: whoever does that is not stuck.
        let refused = seen.trouble && seen.writer != writer;
        let held = work && now_stored == stored && !at_disk && !refused;
        self.unstored = still(held, self.unstored);
        self.before = Some((seen.core, seen.writer, now_stored));
        if self.core >= self.patience {
            Some(Stuck::Core)
        } else {
            (self.unstored >= self.patience).then_some(Stuck::Writer)
        }
    }

    /// How long a disk has not answered, once that is worth telling.
    fn stall(&self) -> Duration {
        if self.stalled { self.writer } else { Duration::ZERO }
    }
}

/// Counters and thread states. The stacks of other threads cannot be had without `unsafe`.
fn report(vitals: &Vitals, seen: &Seen) -> String {
    let mut text = String::new();
    for (name, beat) in [("reader", seen.core), ("writer", seen.writer)] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}: {} (turn {})", beat.phase().words(), beat.turns());
    }
    let _ = writeln!(text, "received={}", vitals.received.load(Ordering::Relaxed));
    let _ = match &seen.depth {
        Some(depth) => writeln!(
            text,
            "stored windows={} ticks={}; merged ticks={} windows={}; waiting windows={}",
            depth.stored.windows, depth.stored.ticks, depth.merged_ticks, depth.merged_windows, depth.windows
        ),
        None => writeln!(text, "the queue between them is locked"),
    };
    let _ = writeln!(text, "{}", unsaved(seen.depth));
    text.push_str(&threads());
    text
}

fn unsaved(depth: Option<Depth>) -> String {
    depth.map_or_else(
        || "what is not saved is not known; the next run books it as a gap".to_owned(),
        |depth| depth.unsaved(),
    )
}

/// What the system says of each thread.
#[cfg(target_os = "linux")]
fn threads() -> String {
    let mut text = String::new();
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let stat = read("stat");
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        let (name, at) = (read("comm"), read("wchan"));
        let _ = writeln!(text, "thread {}: {} {at}", name.trim(), state.unwrap_or('?'));
    }
    text
}

#[cfg(not(target_os = "linux"))]
fn threads() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::super::queue::Stored;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A worker that can be put into any condition.
    struct Bench {
        watch: Watch,
        seen: Seen,
    }

    impl Bench {
        fn new() -> Self {
            let depth = Depth {
                windows: 3,
                ticks: 9,
                room: 100,
                full: false,
                merged_ticks: 0,
                merged_windows: 0,
                stored: Stored::default(),
                unsaved_windows: 3,
                unsaved_volume: 900,
            };
            Self {
                watch: Watch::new(patience(Duration::from_millis(300))),
                seen: Seen {
                    core: Beat::default().next(Phase::Waiting),
                    writer: Beat::default().next(Phase::Working),
                    depth: Some(depth),
                    trouble: false,
                },
            }
        }

        /// Seconds until it bites, within a minute.
        fn bites(&mut self, mut meanwhile: impl FnMut(&mut Seen)) -> Option<(u32, Stuck)> {
            self.watch.look(&self.seen, SECOND);
            (1..=60).find_map(|second| {
                meanwhile(&mut self.seen);
                self.watch.look(&self.seen, SECOND).map(|stuck| (second, stuck))
            })
        }
    }

    #[test]
    fn p07_ten_windows_but_never_less_than_ten_seconds() {
        assert_eq!(patience(Duration::from_millis(300)), Duration::from_secs(10));
        assert_eq!(patience(Duration::from_secs(60)), Duration::from_secs(600));
    }

    #[test]
    fn p07_a_writer_that_stands_still_with_work_waiting_is_stuck_wherever_it_stands() {
        assert_eq!(Bench::new().bites(|_| {}), Some((10, Stuck::Writer)));
        let mut waiting = Bench::new();
        waiting.seen.writer = waiting.seen.writer.next(Phase::Waiting);
        assert_eq!(waiting.bites(|_| {}), Some((10, Stuck::Writer)), "a wake-up was lost");
        // Busy all the time, and nothing comes of it.
        let spins = Bench::new().bites(|seen| seen.writer = seen.writer.next(Phase::Working));
        assert_eq!(spins, Some((10, Stuck::Writer)));
        let mut locked = Bench::new();
        locked.seen.depth = None;
        assert_eq!(
            locked.bites(|_| {}),
            Some((10, Stuck::Writer)),
            "nobody gives the lock back"
        );
    }

    #[test]
    fn p07_s09_a_disk_that_takes_a_minute_is_no_deadlock_and_is_told() {
        for phase in [Phase::Storing, Phase::Journal] {
            let mut bench = Bench::new();
            bench.seen.writer = bench.seen.writer.next(phase);
            assert_eq!(bench.bites(|_| {}), None, "{phase:?}");
            assert_eq!(bench.watch.stall(), Duration::from_secs(60));
            bench.seen.writer = bench.seen.writer.next(Phase::Storing);
            bench.watch.look(&bench.seen, SECOND);
            assert_eq!(bench.watch.stall(), Duration::ZERO, "one call ended, another began");
        }
    }

    #[test]
    fn p07_g08_a_database_that_refuses_is_waited_for_but_not_a_thread_that_stopped_asking() {
        let mut bench = Bench::new();
        bench.seen.trouble = true;
        assert_eq!(bench.bites(|seen| seen.writer = seen.writer.next(Phase::Pausing)), None);
        // The look that found it asking for the last time was one of the ten.
        assert_eq!(bench.bites(|_| {}), Some((9, Stuck::Writer)));
    }

    #[test]
    fn p07_who_stores_or_has_nothing_to_store_is_well() {
        let stores = Bench::new().bites(|seen| {
            if let Some(depth) = &mut seen.depth {
                depth.stored.windows += 1;
            }
        });
        assert_eq!(stores, None);
        let mut idle = Bench::new();
        if let Some(depth) = &mut idle.seen.depth {
            depth.unsaved_windows = 0;
        }
        assert_eq!(idle.bites(|_| {}), None);
    }

    #[test]
    fn p07_a_reader_that_stays_in_one_turn_is_stuck_and_one_that_waits_is_not() {
        let mut bench = Bench::new();
        bench.seen.depth = bench.seen.depth.map(|depth| Depth {
            unsaved_windows: 0,
            ..depth
        });
        assert_eq!(bench.bites(|_| {}), None, "nothing comes, for a minute");
        bench.seen.core = bench.seen.core.next(Phase::Working);
        assert_eq!(bench.bites(|_| {}), Some((10, Stuck::Core)));
    }
}
