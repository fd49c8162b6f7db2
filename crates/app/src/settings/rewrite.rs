//! Changes `price_guard` in the settings file and leaves every other byte as it is: comments, order, blanks, line ends,
//! encoding.
//!
//! The file belongs to the user and to other programs. So the text is not printed again from a tree; new entries are
//! spliced into the bytes. What cannot be placed with certainty is refused, and then nothing is written.

mod file;
mod plan;

use std::path::Path;

use ayumi_engine::Symbol;
use ayumi_wire::num::Price;

use super::problem;
use crate::text;

/// A symbol with the lowest and the highest price that shall be accepted.
pub type Bounds = (Symbol, Price, Price);

/// What became of one symbol's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose guard it is.
    pub symbol: Symbol,
    /// What is done to it.
    pub what: What,
}

/// What is done to an entry of `price_guard`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It had none.
    New,
    /// It had this, as the user wrote it.
    Replaced(String),
    /// It has these bounds already.
    Unchanged,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The file cannot be read any more, or is no settings file any more.
    #[error("the settings file {path} was not changed: {why}\n  next: correct it, then run this command again")]
    NotPlaced {
        /// As the user wrote it.
        path: String,
        /// One sentence.
        why: String,
    },
    /// The new file could not be put in its place.
    #[error("the settings file {path} was not changed: {source}\n  next: {next}")]
    NotWritten {
        /// As the user wrote it.
        path: String,
        /// The system's words.
        source: std::io::Error,
        /// What to do.
        next: &'static str,
    },
}

/// Writes these bounds into `price_guard` of the settings file at `path`. The file is read anew, so that what somebody
/// saved meanwhile stays; it is replaced as a whole or not at all, and not touched when nothing changes.
///
/// # Errors
/// [`RewriteError`]; the file is then as it was.
pub fn price_guard(path: &Path, bounds: &[Bounds]) -> Result<Vec<Change>, RewriteError> {
    let name = || path.display().to_string();
    let refused = |why: String| RewriteError::NotPlaced { path: name(), why };
    let bytes = problem::read_file(path).map_err(|error| refused(text::one_line(&error.to_string()).into_owned()))?;
    let (new, changes) = plan::spliced(&bytes, bounds).map_err(refused)?;
    if new != bytes {
        file::replace(path, &new).map_err(|(source, next)| RewriteError::NotWritten {
            path: name(),
            source,
            next,
        })?;
    }
    Ok(changes)
}
