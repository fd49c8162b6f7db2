//! The ground truth as a file: every true trade, one CSV line each, in the order of their times.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ayumi_engine::Stamp;
use ayumi_wire::jst::{self, Date};

use crate::config::SimError;
use crate::exchange::Print;

/// What the file begins with.
const HEADER: &str = "time,symbol,price,qty,volume,kind\n";
/// Nothing that was written stays in memory for much longer.
const FLUSH_AFTER: Duration = Duration::from_secs(1);

/// The file. After the first write error it says so once and is silent: a full disk does not stop the market.
pub(super) struct Truth {
    path: PathBuf,
    /// `None` after an error.
    file: Option<BufWriter<File>>,
    /// Since when something waits for the disk.
    dirty: Option<Instant>,
    /// `2026-11-20T09:00:00` of the second last written.
    second: (i64, String),
}

impl Truth {
    /// Creates the file, or empties an older one of ours; any other file is left alone.
    pub(super) fn create(path: &Path) -> Result<Self, SimError> {
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
        let mut file = BufWriter::with_capacity(1 << 16, File::create(path).map_err(failed)?);
        file.write_all(HEADER.as_bytes()).map_err(failed)?;
        file.flush().map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file: Some(file),
            dirty: None,
            second: (i64::MIN, String::new()),
        })
    }

    /// A trade; `ticker` is the symbol's.
    pub(super) fn note(&mut self, print: &Print, ticker: &str) {
        let Some(file) = &mut self.file else { return };
        if self.second.0 != print.at.s() {
            self.second = (print.at.s(), wall_second(print.at));
        }
        let result = writeln!(
            file,
            "{}.{:06}+09:00,{ticker},{},{},{},{}",
            self.second.1,
            print.at.0.rem_euclid(1_000_000_000) / 1_000,
            print.price,
            print.qty,
            print.volume,
            print.kind.name()
        );
        self.dirty.get_or_insert_with(Instant::now);
        self.check(result);
    }

    /// Brings to the disk what waits for too long, or all of it when nothing will come `soon`.
    pub(super) fn tend(&mut self, soon: bool) {
        if self.dirty.is_some_and(|since| !soon || since.elapsed() >= FLUSH_AFTER) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.dirty = None;
        if let Some(file) = &mut self.file {
            let result = file.flush();
            self.check(result);
        }
    }

    fn check(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            log::error!(
                "the ground truth {} ends here: {error}; the market goes on without it",
                self.path.display()
            );
            // A buffer that is dropped writes once more; what does not fit is not worth a second message.
            self.file = None;
        }
    }
}

impl Drop for Truth {
    fn drop(&mut self) {
        self.flush();
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
        let mut truth = Truth::create(&path).unwrap();
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
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "time,symbol,price,qty,volume,kind\n\
             2026-11-20T09:00:00.012345+09:00,7203,2835.5,300,1200,open\n\
             2026-11-20T09:00:00.999999+09:00,167060019@23,2836.0,300,1200,trade\n"
        );
        truth.note(&print(nine, 1, PrintKind::Close), "7203");
        drop(truth);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = Truth::create(&folder.path().join("no/such/folder.csv")).err().unwrap();
        assert!(error.to_string().contains("folder.csv"), "{error}");
    }
}
