//! Reading journals back: line by line, file after file, damaged tails cut and told.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use ayumi_wire::jst::Date;
use zstd::stream::read::Decoder;

use crate::blocks::{Blocks, LARGEST};
use crate::files;
use crate::frame;
use crate::line::{Kind, Line};
use crate::{JournalError, journal_files, with_date};

/// A line longer than this is damage: nothing that is received is.
const MAX_LINE: usize = 128 << 20;

/// A line that owns its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Receive time, ns since 1970.
    pub at_ns: i64,
    /// What it is.
    pub kind: Kind,
    /// The payload as received.
    pub payload: Vec<u8>,
}

/// The end of a file that cannot be read, as a kill or a power cut leaves it. What stands before it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Whole lines before the damage.
    pub lines: u64,
    /// What is wrong.
    pub why: String,
    /// What it means for the lines.
    pub harm: Harm,
}

/// What a damage means for the lines of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// None: the file was never closed, as a kill leaves it or while it is being written, but every block in it is whole
    /// and was read.
    Unclosed,
    /// What comes behind the lines that were read is passed over.
    Tail,
    /// All lines were read, but they are not those that were written: the checksum at the end differs.
    Checksum,
}

/// The lines of one or more journal files, in the order of their names.
pub struct JournalReader {
    files: std::vec::IntoIter<PathBuf>,
    current: Option<Current>,
    damages: Vec<Damage>,
    skipped: u64,
    bytes: u64,
    line: Vec<u8>,
}

struct Current {
    path: PathBuf,
    input: BufReader<Decoder<'static, Blocks<BufReader<File>>>>,
    lines: u64,
}

impl JournalReader {
    /// Opens a file, or the files of a folder, all or of one day.
    ///
    /// # Errors
    /// When there is nothing to read, or the folder cannot be listed.
    pub fn open(path: &Path, date: Option<Date>) -> Result<Self, JournalError> {
        let mut files = journal_files(path)?;
        if let Some(date) = date {
            files = with_date(files, date);
        }
        if files.is_empty() {
            return Err(JournalError::Empty {
                path: path.to_owned(),
                date: date.map(|d| d.to_string()),
            });
        }
        Ok(Self {
            files: files.into_iter(),
            current: None,
            damages: Vec::new(),
            skipped: 0,
            bytes: 0,
            line: Vec::new(),
        })
    }

    /// The newest date among the files of a folder.
    ///
    /// # Errors
    /// As [`JournalReader::open`].
    pub fn newest_date(path: &Path) -> Result<Option<Date>, JournalError> {
        Ok(journal_files(path)?.iter().filter_map(|f| files::date_of(f)).max())
    }

    /// The next line; `None` = the end.
    ///
    /// # Errors
    /// When a file cannot be opened. A file that ends in the middle is no error: see [`JournalReader::damages`].
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, JournalError> {
        loop {
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            if !self.fill() {
                continue;
            }
            // Parsed twice because a borrow cannot be returned from a loop conditionally.
            if Line::parse(&self.line).is_ok() {
                break;
            }
            self.skipped += 1;
        }
        Ok(Line::parse(&self.line).ok())
    }

    /// File ends that could not be read, so far.
    #[must_use]
    pub fn damages(&self) -> &[Damage] {
        &self.damages
    }

    /// Whole lines that were no journal lines, so far.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes of text read so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn open_next(&mut self) -> Result<bool, JournalError> {
        let Some(path) = self.files.next() else {
            return Ok(false);
        };
        let blocks = |file| Blocks::new(BufReader::with_capacity(1 << 16, file));
        let opened = File::open(&path).and_then(|file| Decoder::with_buffer(blocks(file)));
        let decoder = opened.map_err(|source| JournalError::Io {
            path: path.clone(),
            what: "opened",
            source,
        })?;
        self.current = Some(Current {
            path,
            input: BufReader::with_capacity(LARGEST, decoder),
            lines: 0,
        });
        Ok(true)
    }

    /// Reads one whole line into the buffer; false when the file has none left.
    fn fill(&mut self) -> bool {
        self.line.clear();
        let Some(current) = &mut self.current else { return false };
        let why = match current.input.read_until(b'\n', &mut self.line) {
            Ok(0) => {
                self.current = None;
                return false;
            }
            Ok(n) if self.line.last() == Some(&b'\n') && n <= MAX_LINE => {
                self.line.pop();
                current.lines += 1;
                self.bytes += n as u64;
                return true;
            }
            Ok(_) => io::Error::other("the last line is cut"),
            Err(error) => error,
        };
        if let Some(current) = self.current.take() {
            self.damages.push(Damage {
                harm: harm(&why, &self.line, &current.path),
                path: current.path,
                lines: current.lines,
                why: why.to_string(),
            });
        }
        false
    }
}

impl Iterator for JournalReader {
    type Item = Result<Owned, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Err(error) => Some(Err(error)),
            Ok(None) => None,
            Ok(Some(line)) => Some(Ok(Owned {
                at_ns: line.at_ns,
                kind: line.kind,
                payload: line.payload.into_owned(),
            })),
        }
    }
}

/// What an error behind `rest`, the begin of a line, means.
fn harm(why: &io::Error, rest: &[u8], path: &Path) -> Harm {
    if !rest.is_empty() {
        return Harm::Tail;
    }
    if why.kind() == ErrorKind::UnexpectedEof && frame::ends_between_blocks(path).unwrap_or(false) {
        return Harm::Unclosed;
    }
    // The library gives its errors no other kinds than their words.
    match why.to_string().contains("checksum") {
        true => Harm::Checksum,
        false => Harm::Tail,
    }
}
