//! Lines of one file or of all files of a folder, unpacked.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::config::SimError;

/// A line longer than this is no message.
const MAX_LINE: u64 = 4 << 20;
/// Read at once.
const BLOCK: usize = 1 << 16;

/// Lines, file after file in the order of the names.
pub(super) struct Input {
    files: std::vec::IntoIter<PathBuf>,
    current: Option<Current>,
    /// The file of the last line, and its number there, counted from 1.
    pub path: PathBuf,
    pub line: u64,
}

struct Current {
    input: Box<dyn BufRead + Send>,
    packed: bool,
}

impl Input {
    /// Opens a file, or the files of a folder.
    pub fn open(path: &Path) -> Result<Self, SimError> {
        let mut input = Self {
            files: files_of(path).map_err(|e| failed(path, e))?.into_iter(),
            current: None,
            path: path.to_owned(),
            line: 0,
        };
        input.advance()?;
        Ok(input)
    }

    /// Reads the next line into the buffer, white space and a byte order mark cut off; empty ones are passed over.
    /// `None` = the end. An error ends the file it happened in.
    pub fn next_line(&mut self, buffer: &mut Vec<u8>) -> Option<Result<(), SimError>> {
        loop {
            buffer.clear();
            let Some(current) = &mut self.current else { return None };
            self.line += 1;
            match current.input.by_ref().take(MAX_LINE).read_until(b'\n', buffer) {
                Ok(0) => {}
                Ok(n) if n as u64 == MAX_LINE && buffer.last() != Some(&b'\n') => {
                    return Some(Err(self.refused("longer than 4 MB")));
                }
                Ok(_) => {
                    trim(buffer);
                    match buffer.is_empty() {
                        true => continue,
                        false => return Some(Ok(())),
                    }
                }
                Err(e) if current.packed => {
                    log::warn!(
                        "{}: what follows line {} cannot be read ({e}): the file is cut or damaged there",
                        self.path.display(),
                        self.line - 1
                    );
                }
                Err(e) => {
                    self.current = None;
                    return Some(Err(failed(&self.path, e)));
                }
            }
            if let Err(e) = self.advance() {
                return Some(Err(e));
            }
        }
    }

    /// The last line is no message.
    pub fn refused(&self, reason: &str) -> SimError {
        SimError::Line {
            path: self.path.clone(),
            line: self.line,
            reason: reason.to_owned(),
        }
    }

    fn advance(&mut self) -> Result<(), SimError> {
        self.current = None;
        if let Some(path) = self.files.next() {
            self.current = Some(open_file(&path).map_err(|e| failed(&path, e))?);
            (self.path, self.line) = (path, 0);
        }
        Ok(())
    }
}

fn failed(path: &Path, source: io::Error) -> SimError {
    SimError::Read {
        path: path.to_owned(),
        source,
    }
}

fn files_of(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn open_file(path: &Path) -> io::Result<Current> {
    let mut file = File::open(path)?;
    let mut magic = [0u8; 4];
    let mut filled = 0;
    while filled < magic.len() {
        match file.read(&mut magic[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    let (input, packed): (Box<dyn BufRead + Send>, bool) = match magic {
        [0x1F, 0x8B, ..] => (
            Box::new(BufReader::with_capacity(BLOCK, MultiGzDecoder::new(file))),
            true,
        ),
        [0x28, 0xB5, 0x2F, 0xFD] => {
            let unpacked = zstd::stream::read::Decoder::new(file)?;
            (Box::new(BufReader::with_capacity(BLOCK, unpacked)), true)
        }
        _ => (Box::new(BufReader::with_capacity(BLOCK, file)), false),
    };
    Ok(Current { input, packed })
}

fn trim(buffer: &mut Vec<u8>) {
    buffer.truncate(buffer.trim_ascii_end().len());
    let text = buffer
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(buffer)
        .trim_ascii_start();
    let cut = buffer.len() - text.len();
    buffer.drain(..cut);
}
