//! A machine that stands still for a second, because its disk or its processors are busy elsewhere, stands still for a
//! minute of an accelerated clock: lines die, opening prints come late, and all of it is true. A run that fails while
//! that happened proves nothing and is repeated more slowly; one that fails on an undisturbed machine has failed.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::skip;

/// Shorter pauses are what every machine has.
const STILL: Duration = Duration::from_millis(150);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(10);

/// Runs a case, and again at half and at a quarter of its speed if the machine stood still while it failed.
pub fn undisturbed(name: &str, speed: u32, run: impl Fn(u32)) {
    let mut slower = 1;
    loop {
        let watch = Watch::start();
        let outcome = catch_unwind(AssertUnwindSafe(|| run((speed / slower).max(1))));
        let longest = watch.longest();
        match outcome {
            Ok(()) => return,
            Err(panic) if slower == 4 || longest < STILL => resume_unwind(panic),
            Err(_) => {
                slower *= 2;
                skip(&format!(
                    "{name}: the machine stood still for {longest:?}; once more, {slower} times slower"
                ));
            }
        }
    }
}

/// Notes the longest time in which a thread could neither run nor write.
struct Watch {
    over: Arc<AtomicBool>,
    longest: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn start() -> Self {
        let (over, longest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stop, most) = (Arc::clone(&over), Arc::clone(&longest));
        let thread = std::thread::spawn(move || {
            let mut file = tempfile::tempfile().expect("a file");
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(LOOK);
                file.write_all(b".").and_then(|()| file.sync_data()).expect("written");
                most.fetch_max(began.elapsed().as_millis() as u64, Ordering::Relaxed);
            }
        });
        Self {
            over,
            longest,
            thread: Some(thread),
        }
    }

    fn longest(mut self) -> Duration {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it only looks");
        }
        Duration::from_millis(self.longest.load(Ordering::Relaxed))
    }
}
