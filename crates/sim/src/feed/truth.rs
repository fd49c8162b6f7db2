//! The ground truth as a file: every true trade, one CSV line each, in the order of their times.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use ayumi_wire::jst::{self, Date};

use crate::config::SimError;
use crate::exchange::Print;

/// What the file begins with.
const HEADER: &str = "time,symbol,price,qty,volume,kind\n";
/// Nothing that was written stays in memory for much longer.
const FLUSH_AFTER: Duration = Duration::from_secs(1);
/// Bytes that go to the writer at once.
const CHUNK: usize = 1 << 16;
/// Chunks that may wait for the disk: 32 MB, minutes of the busiest market.
const QUEUE: usize = 512;

/// The file. After the first write error it says so once and is silent: a full disk does not stop the market.
///
/// A thread of its own writes it. The player shares its thread with every socket, so a disk that stands still (a virus
/// scanner, a network drive, a full cache) must not be waited for there: PUSH and REST would stand still with it. The
/// queue is bounded; when it is full the truth ends with a message, since lines left out would be a wrong truth. At full
/// speed, where the client is the clock and nobody's time is lost, the player waits for the disk instead.
pub(super) struct Truth {
    path: PathBuf,
    writer: Option<Writer>,
    /// At full speed.
    patient: bool,
    /// Lines for the writer.
    text: Vec<u8>,
    /// Since when something waits for the disk.
    dirty: Option<Instant>,
    /// `2026-11-20T09:00:00` of the second last written.
    second: (i64, String),
}

struct Writer {
    queue: SyncSender<Vec<u8>>,
    thread: JoinHandle<()>,
}

impl Truth {
    /// Creates the file, or empties an older one of ours; any other file is left alone. `patient`: see above.
    pub(super) fn create(path: &Path, patient: bool) -> Result<Self, SimError> {
        let failed = |source| SimError::Truth {
            path: path.to_owned(),
            source,
        };
        if is_another_file(path) {
            return Err(failed(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "it holds something else than a ground truth; name another file",
            )));
        }
        let mut file = File::create(path).map_err(failed)?;
        file.write_all(HEADER.as_bytes()).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Some(Writer::start(path.to_owned(), file).map_err(failed)?),
            patient,
            text: Vec::with_capacity(CHUNK + 128),
            dirty: None,
            second: (i64::MIN, String::new()),
        })
    }

    /// A trade; `ticker` is the symbol's.
    pub(super) fn note(&mut self, print: &Print, ticker: &str) {
        if self.writer.is_none() {
            return;
        }
        if self.second.0 != print.at.s() {
            self.second = (print.at.s(), wall_second(print.at));
        }
        let written = writeln!(
            self.text,
            "{}.{:06}+09:00,{ticker},{},{},{},{}",
            self.second.1,
            print.at.0.rem_euclid(1_000_000_000) / 1_000,
            print.price,
            print.qty,
            print.volume,
            print.kind.name()
        );
        debug_assert!(written.is_ok(), "memory takes everything");
        self.dirty.get_or_insert_with(Instant::now);
        if self.text.len() >= CHUNK {
            self.flush();
        }
    }

    /// Brings to the disk what waits for too long, or all of it when nothing will come `soon`.
    pub(super) fn tend(&mut self, soon: bool) {
        if self.dirty.is_some_and(|since| !soon || since.elapsed() >= FLUSH_AFTER) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.dirty = None;
        let Some(writer) = &self.writer else { return };
        let chunk = std::mem::replace(&mut self.text, Vec::with_capacity(CHUNK + 128));
        let sent = match self.patient {
            true => writer.queue.send(chunk).map_err(|_| TrySendError::Disconnected(())),
            false => writer.queue.try_send(chunk).map_err(|e| match e {
                TrySendError::Full(_) => TrySendError::Full(()),
                TrySendError::Disconnected(_) => TrySendError::Disconnected(()),
            }),
        };
        if let Err(error) = sent {
            if matches!(error, TrySendError::Full(())) {
                log::error!(
                    "the ground truth {} ends here: the disk does not keep up; the market goes on without it",
                    self.path.display()
                );
            }
            // Whoever has ended by itself has said why.
            self.writer = None;
        }
    }
}

impl Writer {
    fn start(path: PathBuf, mut file: File) -> io::Result<Self> {
        let (queue, chunks) = mpsc::sync_channel::<Vec<u8>>(QUEUE);
        let write = move || {
            for chunk in chunks {
                if let Err(error) = file.write_all(&chunk) {
                    return log::error!(
                        "the ground truth {} ends here: {error}; the market goes on without it",
                        path.display()
                    );
                }
            }
        };
        let thread = thread::Builder::new().name("ayumi-truth".into()).spawn(write)?;
        Ok(Self { queue, thread })
    }
}

impl Drop for Truth {
    /// What waits is written: whoever has stopped the simulator finds the whole truth.
    fn drop(&mut self) {
        self.patient = true;
        self.flush();
        if let Some(Writer { queue, thread }) = self.writer.take() {
            drop(queue);
            if thread.join().is_err() {
                log::error!("the writer of the ground truth {} has panicked", self.path.display());
            }
        }
    }
}

/// True for a file with content that does not begin as ours do. What is no plain file (a device) holds nothing.
fn is_another_file(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut begin = Vec::with_capacity(HEADER.len());
    let read = File::open(path).and_then(|file| file.take(HEADER.len() as u64).read_to_end(&mut begin));
    read.is_ok_and(|n| n > 0) && begin != HEADER.as_bytes()
}

fn wall_second(at: Stamp) -> String {
    let of_day = jst::second_of_day(at.s());
    format!(
        "{}T{:02}:{:02}:{:02}",
        Date::of_unix_s(at.s()),
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use ayumi_wire::num::{Price, Qty};

    use super::*;
    use crate::exchange::PrintKind;

    #[test]
    fn lines_are_exact_and_reach_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth.csv");
        let mut truth = Truth::create(&path, false).unwrap();
        let print = |at, price, kind| Print {
            at: Stamp(at),
            index: 0,
            price: Price(price),
            qty: Qty(300),
            volume: Qty(1_200),
            kind,
        };
        let nine = Date::parse("2026-11-20").unwrap().midnight_s() * 1_000_000_000 + 9 * 3_600_000_000_000;
        truth.note(&print(nine + 12_345_678, 28_355_000, PrintKind::Open), "7203");
        truth.note(&print(nine + 999_999_999, 28_360_000, PrintKind::Trade), "167060019@23");
        truth.tend(true);
        truth.tend(false);
        let whole = "time,symbol,price,qty,volume,kind\n\
             2026-11-20T09:00:00.012345+09:00,7203,2835.5,300,1200,open\n\
             2026-11-20T09:00:00.999999+09:00,167060019@23,2836.0,300,1200,trade\n";
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::fs::read_to_string(&path).unwrap() != whole && Instant::now() < deadline {
            thread::yield_now();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole, "without a stop");
        truth.note(&print(nine, 1, PrintKind::Close), "7203");
        drop(truth);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = Truth::create(&folder.path().join("no/such/folder.csv"), false)
            .err()
            .unwrap();
        assert!(error.to_string().contains("folder.csv"), "{error}");
    }

    /// A disk that stands still: nobody takes what waits.
    #[test]
    fn a_disk_that_stands_still_ends_the_truth_and_not_the_market() {
        let folder = tempfile::tempdir().unwrap();
        let mut truth = Truth::create(&folder.path().join("truth.csv"), false).unwrap();
        let (queue, stuck) = mpsc::sync_channel(2);
        let writer = truth.writer.replace(Writer {
            queue,
            thread: thread::spawn(|| {}),
        });
        drop(writer);
        let print = Print {
            at: Stamp(0),
            index: 0,
            price: Price(1),
            qty: Qty(1),
            volume: Qty(1),
            kind: PrintKind::Trade,
        };
        for _ in 0..3 {
            truth.note(&print, "7203");
            truth.tend(false);
        }
        assert!(truth.writer.is_none(), "given up instead of waiting");
        truth.note(&print, "7203");
        assert_eq!(stuck.try_iter().count(), 2);
    }
}
