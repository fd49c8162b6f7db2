//! Reading journals back: line by line, file after file, damaged tails cut and told.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ayumi_wire::jst::Date;
use zstd::stream::read::Decoder;

use crate::blocks::{Blocks, LARGEST};
use crate::files;
use crate::frame;
use crate::line::{Kind, Line};
use crate::lines::Lines;
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
    /// The begin of a line whose end [`JournalReader::next_lines`] has not read yet.
    rest: Vec<u8>,
    /// Lines were lost, and no block said so yet.
    hole: bool,
    /// Size of all files, and of those that are read.
    packed: (u64, u64),
}

struct Current {
    path: PathBuf,
    /// Times that its lines can have: a flipped bit makes other digits of some of them, and a window in another year.
    span: Range<i64>,
    input: BufReader<Decoder<'static, Blocks<BufReader<Counted>>>>,
    lines: u64,
}

/// A file that knows how much was read of it.
struct Counted {
    file: File,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

impl Current {
    fn packed(&self) -> u64 {
        self.input.get_ref().get_ref().inner().get_ref().bytes
    }
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
        let size = |path: &PathBuf| path.metadata().map_or(0, |file| file.len());
        Ok(Self {
            packed: (files.iter().map(size).sum(), 0),
            files: files.into_iter(),
            current: None,
            damages: Vec::new(),
            skipped: 0,
            bytes: 0,
            line: Vec::new(),
            rest: Vec::new(),
            hole: false,
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
            let in_span = |at_ns: &i64| self.current.as_ref().is_none_or(|current| current.span.contains(at_ns));
            // Parsed twice because a borrow cannot be returned from a loop conditionally.
            if Line::parse(&self.line).is_ok_and(|line| in_span(&line.at_ns)) {
                break;
            }
            self.skipped += 1;
        }
        Ok(Line::parse(&self.line).ok())
    }

    /// The next lines, some hundred kilobytes of them at a time, all of one file; false = the end. What stood in
    /// `lines` is gone.
    ///
    /// # Errors
    /// As [`JournalReader::next_line`].
    pub fn next_lines(&mut self, lines: &mut Lines) -> Result<bool, JournalError> {
        loop {
            if self.current.is_none() && !self.open_next()? {
                lines.begin(&[]);
                return Ok(false);
            }
            let after_hole = std::mem::take(&mut self.hole);
            self.fill_lines(lines);
            if !lines.is_empty() {
                lines.after_hole = after_hole;
                return Ok(true);
            }
            self.hole |= after_hole;
        }
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

    /// Bytes of all files as they are on the disk, and how many of them were read.
    #[must_use]
    pub fn packed(&self) -> (u64, u64) {
        let (all, before) = self.packed;
        (all, before + self.current.as_ref().map_or(0, Current::packed))
    }

    fn open_next(&mut self) -> Result<bool, JournalError> {
        let Some(path) = self.files.next() else {
            return Ok(false);
        };
        let opened = File::open(&path).and_then(|file| {
            let counted = Counted { file, bytes: 0 };
            Decoder::with_buffer(Blocks::new(BufReader::with_capacity(1 << 16, counted)))
        });
        let decoder = opened.map_err(|source| JournalError::Io {
            path: path.clone(),
            what: "opened",
            source,
        })?;
        self.current = Some(Current {
            span: files::span_of(&path),
            path,
            input: BufReader::with_capacity(LARGEST, decoder),
            lines: 0,
        });
        Ok(true)
    }

    /// Reads one whole line into the buffer; false when the file has none left.
    fn fill(&mut self) -> bool {
        self.line.clear();
        self.line.append(&mut self.rest);
        let Some(current) = &mut self.current else { return false };
        let why = match current.input.read_until(b'\n', &mut self.line) {
            Ok(0) if self.line.is_empty() => {
                self.close(None);
                return false;
            }
            Ok(_) if self.line.last() == Some(&b'\n') && self.line.len() <= MAX_LINE => {
                self.bytes += self.line.len() as u64;
                self.line.pop();
                current.lines += 1;
                return true;
            }
            Ok(_) => cut(),
            Err(error) => error,
        };
        self.rest.append(&mut self.line);
        self.close(Some(why));
        false
    }

    /// Reads until the block is full or the file over, and takes it apart.
    fn fill_lines(&mut self, lines: &mut Lines) {
        lines.begin(&self.rest);
        self.rest.clear();
        let Some(current) = &mut self.current else { return };
        let end = loop {
            let (before, room) = (lines.filled, lines.room(LARGEST));
            let Some(room) = room else {
                let whole = lines.text[..before].contains(&b'\n');
                match before > MAX_LINE {
                    _ if whole => break None,
                    true => break Some(Err(cut())),
                    false => lines.grow(),
                }
                continue;
            };
            match current.input.read(room) {
                Ok(0) => break Some(Ok(())),
                Ok(n) => lines.filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(Err(error)),
            }
        };
        let (rest, foreign) = lines.split(&current.span);
        current.lines += lines.len() as u64 + foreign;
        self.skipped += foreign;
        self.bytes += rest as u64;
        self.rest.extend_from_slice(&lines.text[rest..lines.filled]);
        match end {
            None => {}
            Some(Ok(())) if self.rest.is_empty() => self.close(None),
            Some(Ok(())) => self.close(Some(cut())),
            Some(Err(why)) => self.close(Some(why)),
        }
    }

    /// The file is over; `why` = it has no proper end. `rest` is the begin of a line without its end.
    fn close(&mut self, why: Option<io::Error>) {
        let rest = std::mem::take(&mut self.rest);
        let Some(current) = self.current.take() else { return };
        self.packed.1 += current.packed();
        let Some(why) = why else { return };
        let harm = harm(&why, &rest, &current.path);
        self.hole |= harm == Harm::Tail;
        self.damages.push(Damage {
            harm,
            path: current.path,
            lines: current.lines,
            why: why.to_string(),
        });
    }
}

fn cut() -> io::Error {
    io::Error::other("the last line is cut")
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
