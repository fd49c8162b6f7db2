//! S5, J4: a bit of the file is another one than was written. Of a database: either SQLite or the checksum of a window
//! notices, or no row is another one. Of a journal: either a damage is told, or no line is another one. No panic anywhere.
//!
//! Each flip is judged in this process by the readers that the commands use; every so many are given to the commands
//! themselves, which must end with the right code.

mod database;
mod journal;

pub(crate) use database::run as run_database;
pub(crate) use journal::run as run_journal;

use anyhow::Result;

use crate::random::Random;

/// What became of the flips.
#[derive(Default)]
struct Tally {
    noticed: u64,
    same: u64,
    commands: u64,
}

/// The bytes with one bit turned, and which.
fn flipped(bytes: &[u8], random: &mut Random) -> (Vec<u8>, usize, u8) {
    let at = random.below(bytes.len() as u64) as usize;
    let bit = random.below(8) as u8;
    let mut flipped = bytes.to_vec();
    flipped[at] ^= 1 << bit;
    (flipped, at, bit)
}

/// Runs `judge` and makes a panic in it an error.
fn no_panic<T>(judge: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(judge)).unwrap_or_else(|_| anyhow::bail!("a panic"))
}
