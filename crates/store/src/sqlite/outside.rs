//! The file and its write-ahead log as they are past SQLite, whose memory would never show that somebody has written
//! over them: a checkpoint would copy what it remembers into a file that is another one, and hide that for ever.
//!
//! Reads only. What cannot be read proves nothing, and what another connection to the same file does is no harm.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::lock::beside;
use crate::schema::APPLICATION_ID;

/// The first bytes of every database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Of a database, with all that SQLite keeps about it.
const HEADER: usize = 100;
/// Of a log.
const LOG_HEADER: usize = 32;
/// Of a page in the log.
const FRAME_HEADER: usize = 24;
/// Time between two looks while nothing is checkpointed: what is written meanwhile goes where nobody finds it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

type Header = [u8; HEADER];
type LogHeader = [u8; LOG_HEADER];

/// Whether the file's own header says that it is a database of ours, even when the rest cannot be read.
pub(super) fn is_ours(path: &Path) -> bool {
    File::open(path)
        .and_then(|mut file| read_at(&mut file, 0))
        .is_ok_and(|header| says_ours(&header))
}

fn says_ours(header: &Header) -> bool {
    header.starts_with(MAGIC) && header[68..72] == APPLICATION_ID.to_be_bytes()
}

/// The file and the log in use. The handles stay open as long as the connection, and must be closed after it: on POSIX
/// systems closing any handle of a file gives back the locks of all of them.
#[derive(Debug)]
pub(super) struct Outside {
    /// `None` when the file could not be opened a second time; nothing is looked at then.
    file: Option<File>,
    log: Option<File>,
    looked: Instant,
    /// The file as it was when nobody but us had written to it.
    known: Option<(Header, u64)>,
    /// The log's header when that was looked at.
    known_log: Option<LogHeader>,
    /// Everything in that log was copied then, so that our next write begins another one.
    complete: bool,
}

impl Outside {
    /// Of a file that has just been opened as a database, whose log is empty.
    pub(super) fn of(path: &Path, now: Instant) -> Self {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut outside = Self {
            file: File::open(&path).ok(),
            log: File::open(beside(&path, "-wal")).ok(),
            looked: now,
            known: None,
            known_log: None,
            complete: false,
        };
        outside.remember_file();
        outside
    }

    /// Whether it is time to look although no checkpoint is due.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.looked) >= LOOK_AGAIN;
        if due {
            self.looked = now;
        }
        due
    }

    /// After the first commit: from here on only our own next log, or this one, is what we know.
    pub(super) fn first_commit(&mut self) {
        if self.known_log.is_none() && self.file_now().is_ok_and(|now| self.known == Some(now)) {
            self.known_log = self.log_header().ok();
        }
    }

    /// After a checkpoint of ours, whatever became of it.
    pub(super) fn checkpointed(&mut self, complete: bool) {
        self.remember_file();
        // Cut to nothing it has no header; the next one follows the last.
        if let Ok(header) = self.log_header() {
            self.known_log = Some(header);
        }
        self.complete = complete;
    }

    /// Whether file or log are not those any more that the connection believes in. `pages` are in the log.
    pub(super) fn is_overwritten(&mut self, pages: i64) -> bool {
        let pages = u64::try_from(pages).unwrap_or(0);
        let before = self.log_header();
        let overwritten = self.log_is_overwritten(&before, pages) || self.file_is_overwritten(&before, pages);
        // Another connection may begin the log anew while we look. The next look tells.
        overwritten && self.log_header().ok() == before.ok()
    }

    #[cfg(test)]
    pub(super) fn look_soon(&mut self) {
        self.looked = self.looked.checked_sub(LOOK_AGAIN).expect("the machine runs longer");
    }

    fn log_is_overwritten(&mut self, header: &io::Result<LogHeader>, pages: u64) -> bool {
        if pages == 0 || self.log.is_none() {
            return false;
        }
        let header = match header {
            Ok(header) => header,
            Err(error) => return error.kind() == io::ErrorKind::UnexpectedEof,
        };
        let whole = is_log(header) && self.log_bytes() >= frame_at(header, pages);
        let salts = |frame: io::Result<[u8; FRAME_HEADER]>| match frame {
            Ok(frame) => frame[8..16] == header[16..24],
            Err(error) => error.kind() != io::ErrorKind::UnexpectedEof,
        };
        !(whole && [0, pages - 1].into_iter().all(|n| salts(self.frame(header, n))))
    }

    fn file_is_overwritten(&mut self, log: &io::Result<LogHeader>, pages: u64) -> bool {
        let Some((known, bytes)) = self.known else { return false };
        let now = match self.file_now() {
            Ok(now) => now,
            Err(error) => return error.kind() == io::ErrorKind::UnexpectedEof,
        };
        if !says_ours(&now.0) {
            return true;
        }
        if now.0 == known && now.1 >= bytes {
            return false;
        }
        match log {
            Ok(log) if pages > 0 && self.is_our_log(log) => !self.came_from_log(log, pages, &now),
            // Another connection writes, too, and has checkpointed: it is a file of ours, more cannot be told.
            _ => {
                self.known = Some(now);
                false
            }
        }
    }

    /// No other connection has begun the log anew since we looked.
    fn is_our_log(&self, log: &LogHeader) -> bool {
        let follows = |at: usize, known: &LogHeader| number(log, at) == number(known, at).wrapping_add(1);
        // The count of checkpoints, and the first salt.
        let next = |known: &LogHeader| self.complete && follows(12, known) && follows(16, known);
        self.known_log.as_ref().is_some_and(|known| known == log || next(known))
    }

    /// Whether another connection's checkpoint of this very log explains the file.
    fn came_from_log(&mut self, log: &LogHeader, pages: u64, now: &(Header, u64)) -> bool {
        let Some((known, bytes)) = self.known else { return true };
        let (mut first_page, mut least) = (now.0 == known, bytes);
        for n in 0..pages {
            let Ok(frame) = self.frame(log, n) else { return true };
            if number(&frame, 0) == 1 {
                let at = frame_at(log, n) + FRAME_HEADER as u64;
                first_page |= self.in_log(at).is_ok_and(|header: Header| header == now.0);
            }
            // The size of the file after a commit: smaller after a VACUUM.
            let after = u64::from(number(&frame, 4));
            if after > 0 {
                least = least.min(after * u64::from(number(log, 8)));
            }
        }
        first_page && now.1 >= least
    }

    fn remember_file(&mut self) {
        // A file whose log has not been copied yet may say it later only; until then nothing can be told from it.
        self.known = self.file_now().ok().filter(|(header, _)| says_ours(header));
    }

    fn file_now(&mut self) -> io::Result<(Header, u64)> {
        let file = self.file.as_mut().ok_or_else(none)?;
        Ok((read_at(file, 0)?, file.metadata()?.len()))
    }

    fn log_bytes(&self) -> u64 {
        let bytes = self.log.as_ref().and_then(|log| log.metadata().ok());
        bytes.map_or(u64::MAX, |metadata| metadata.len())
    }

    fn log_header(&mut self) -> io::Result<LogHeader> {
        self.in_log(0)
    }

    fn frame(&mut self, log: &LogHeader, n: u64) -> io::Result<[u8; FRAME_HEADER]> {
        self.in_log(frame_at(log, n))
    }

    fn in_log<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        read_at(self.log.as_mut().ok_or_else(none)?, at)
    }
}

/// A handle that is not there: it could not be had, which proves nothing.
fn none() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

fn read_at<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Where a page of the log begins; for the number of pages where it ends.
fn frame_at(log: &LogHeader, n: u64) -> u64 {
    LOG_HEADER as u64 + n * (u64::from(number(log, 8)) + FRAME_HEADER as u64)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Magic number and checksum are right (sqlite.org/fileformat2.html, "WAL File Format").
fn is_log(header: &LogHeader) -> bool {
    let magic = number(header, 0);
    let word = |at: usize| match magic & 1 {
        1 => number(header, at),
        _ => number(header, at).swap_bytes(),
    };
    let (mut one, mut two) = (0_u32, 0_u32);
    for at in (0..24).step_by(8) {
        one = one.wrapping_add(word(at)).wrapping_add(two);
        two = two.wrapping_add(word(at + 4)).wrapping_add(one);
    }
    magic & !1 == 0x377F_0682 && (one, two) == (number(header, 24), number(header, 28))
}
