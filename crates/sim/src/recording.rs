//! Recordings and journals as a source: one message at a time, so that a day of any size fits.
//!
//! A line of a recording is `{"t_recv": <unix seconds>, "msg": {...}}` or a bare PUSH object (then 1 ms after the line
//! before). Messages that carry a ladder are kept letter by letter; reduced ones are completed ([`crate::complete`]). A
//! line of a journal is `<ns> <kind> <payload>` ([`crate::journal`]): what came over PUSH is played letter by letter,
//! JSON or not, `/board` answers of the beginning set the boards, the rest is passed over.
//!
//! Files are plain, gzip or zstd, told by their first bytes. One that is cut, as a kill or a power cut leaves it, is
//! played up to the cut.

mod clones;
mod input;
mod reader;
mod repeat;

use std::path::Path;

use ayumi_engine::Stamp;

use self::clones::Clones;
use self::reader::Reader;
use self::repeat::Repeats;
use crate::config::{RecordingConfig, Repeat, SimError};

/// One message of a recording, as it goes to the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When it was received; never earlier than the message before.
    pub at: Stamp,
    /// The JSON text. What a journal holds of a broken message is broken here, too.
    pub text: Vec<u8>,
    /// The ticker: `247A`, or `167060019@23` outside exchange 1. A broken message has that of the message before.
    pub symbol: String,
}

/// Reads a whole recording, completed, exactly as the simulator plays it once. For tests and tools; the simulator itself
/// reads line by line.
///
/// # Errors
/// When the file cannot be read, is empty, or has a line that is no message.
pub fn read_recording(path: impl AsRef<Path>) -> Result<Vec<Recorded>, SimError> {
    Reader::open(path.as_ref())?.collect()
}

/// When the first message of a recording was received: it tells which day a time of day means.
///
/// # Errors
/// When the file cannot be read or is empty.
pub fn recording_begins(path: impl AsRef<Path>) -> Result<Stamp, SimError> {
    let path = path.as_ref();
    let empty = || SimError::Empty { path: path.to_owned() };
    Ok(Reader::open(path)?.next().ok_or_else(empty)??.at)
}

/// Messages of a recording, one at a time.
pub(crate) type Lines = Box<dyn Iterator<Item = Result<Recorded, SimError>> + Send>;

/// A recording that is ready to be played.
pub(crate) struct Opened {
    /// The messages.
    pub lines: Lines,
    /// `/board` answers that the journal holds of symbols before their first message.
    pub boards: Vec<Recorded>,
}

/// Opens a recording as it is to be played; its first message is read at once, so that a wrong file is refused.
pub(crate) fn open(config: &RecordingConfig) -> Result<Opened, SimError> {
    clones::check(&config.clones)?;
    let boards = reader::first_boards(&config.path)?;
    clones::find(config, &boards)?;
    let boards = clones::boards(boards, &config.clones);
    let first = pass(config)?;
    let lines: Lines = match config.repeat {
        Repeat::Times(0 | 1) => first,
        _ => Box::new(Repeats::new(config.clone(), first)),
    };
    Ok(Opened { lines, boards })
}

/// The recording once, its copies among it.
fn pass(config: &RecordingConfig) -> Result<Lines, SimError> {
    let reader = Reader::open(&config.path)?;
    Ok(match config.clones.is_empty() {
        true => Box::new(reader),
        false => Box::new(Clones::new(reader, &config.clones)),
    })
}

#[cfg(test)]
mod tests;
