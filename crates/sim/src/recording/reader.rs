//! Messages out of lines.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ayumi_engine::{Stamp, Symbol};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Recorded;
use super::input::Input;
use crate::complete::{Completer, Partial};
use crate::config::SimError;
use crate::journal::{JournalLine, What};

/// The gap given to lines without a receive time.
const BARE_GAP_MS: i64 = 1;
/// The worker asks for the boards of all its symbols within this time of its first message.
const BOARDS_MS: i64 = 60_000;

/// A recording, line by line.
pub(super) struct Reader {
    input: Input,
    buffer: Vec<u8>,
    last: Option<Stamp>,
    /// The ticker of the last message that had one.
    ticker: Option<String>,
    completers: HashMap<String, Completer>,
    /// Read at the opening, so that a wrong file is refused at once.
    first: Option<Recorded>,
}

impl Reader {
    /// Opens a recording and reads its first message.
    pub fn open(path: &Path) -> Result<Self, SimError> {
        let mut reader = Self {
            input: Input::open(path)?,
            buffer: Vec::new(),
            last: None,
            ticker: None,
            completers: HashMap::new(),
            first: None,
        };
        match reader.next_message() {
            Some(first) => reader.first = Some(first?),
            None => return Err(SimError::Empty { path: path.to_owned() }),
        }
        Ok(reader)
    }

    fn next_message(&mut self) -> Option<Result<Recorded, SimError>> {
        loop {
            let mut buffer = std::mem::take(&mut self.buffer);
            let line = self.input.next_line(&mut buffer);
            let message = line.map(|line| line.map(|()| self.message(&buffer)));
            self.buffer = buffer;
            match message? {
                Err(e) => return Some(Err(e)),
                Ok(Ok(None)) => {}
                Ok(Ok(Some(recorded))) => return Some(Ok(recorded)),
                Ok(Err(reason)) => return Some(Err(self.input.refused(&reason))),
            }
        }
    }

    /// The message of a line; `None` when it is a line of a journal that holds none.
    fn message(&mut self, line: &[u8]) -> Result<Option<Recorded>, String> {
        if let Some(line) = JournalLine::parse(line) {
            let recorded = match line.what {
                What::Push(payload) => self.received(line.at, payload.to_vec())?,
                What::Odd(payload) => self.received(line.at, payload)?,
                What::Board(_) | What::Event => return Ok(None),
            };
            return Ok(Some(recorded));
        }
        self.recorded(line).map(Some)
    }

    /// What a journal holds, letter by letter; a broken message counts to the symbol before, so that it is sent again.
    fn received(&mut self, at: Stamp, text: Vec<u8>) -> Result<Recorded, String> {
        let own = serde_json::from_slice(&text).ok().and_then(|p: Partial<'_>| p.symbol());
        let ticker = own.map(|symbol| symbol.ticker()).or_else(|| self.ticker.clone());
        let symbol = ticker.ok_or("a broken message before any whole one")?;
        Ok(self.placed(at, text, symbol))
    }

    /// A line of a recording.
    fn recorded(&mut self, line: &[u8]) -> Result<Recorded, String> {
        let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
        let outer: Line<'_> = serde_json::from_str(line).map_err(|e| format!("not JSON ({e})"))?;
        let raw = outer.msg.map_or(line, RawValue::get);
        let partial: Partial<'_> = serde_json::from_str(raw).map_err(|e| format!("no PUSH object ({e})"))?;
        let symbol = partial.symbol().ok_or("no usable Symbol")?;
        let at = match outer.t_recv {
            Some(t) => receive_time(t.get()).ok_or("t_recv is no time in Unix seconds")?,
            None => self.last.map_or(Stamp(0), |s| s.plus_ms(BARE_GAP_MS)),
        };
        let at = self.last.map_or(at, |last| at.max(last));
        let ticker = symbol.ticker();
        let text = match partial.is_whole() {
            true => raw.as_bytes().to_vec(),
            false => self.completed(&symbol, &ticker, &partial, at)?,
        };
        Ok(self.placed(at, text, ticker))
    }

    /// A message at its place in time, which never steps back.
    fn placed(&mut self, at: Stamp, text: Vec<u8>, symbol: String) -> Recorded {
        let at = self.last.map_or(at, |last| at.max(last));
        self.last = Some(at);
        if self.ticker.as_ref() != Some(&symbol) {
            self.ticker = Some(symbol.clone());
        }
        Recorded { at, text, symbol }
    }

    fn completed(
        &mut self,
        symbol: &Symbol,
        ticker: &str,
        partial: &Partial<'_>,
        at: Stamp,
    ) -> Result<Vec<u8>, String> {
        if !self.completers.contains_key(ticker) {
            self.completers.insert(ticker.to_owned(), Completer::new(symbol));
        }
        let mut text = Vec::with_capacity(2048);
        if let Some(completer) = self.completers.get_mut(ticker) {
            completer.complete(partial, at)?.write(&mut text);
        }
        Ok(text)
    }
}

impl Iterator for Reader {
    type Item = Result<Recorded, SimError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().map(Ok).or_else(|| self.next_message())
    }
}

/// The `/board` answers at the beginning of a journal, each symbol's last one before its first message. Other recordings
/// have none.
pub(super) fn first_boards(path: &Path) -> Result<Vec<Recorded>, SimError> {
    let mut input = Input::open(path)?;
    let mut boards: Vec<Recorded> = Vec::new();
    let mut seen = HashSet::new();
    let mut until = Stamp::NEVER;
    let mut buffer = Vec::new();
    while let Some(Ok(())) = input.next_line(&mut buffer) {
        let Some(line) = JournalLine::parse(&buffer).filter(|line| line.at <= until) else {
            break;
        };
        let (text, is_board) = match line.what {
            What::Board(text) => (text, true),
            What::Push(text) => (text, false),
            What::Event | What::Odd(_) => continue,
        };
        let symbol = serde_json::from_slice(text).ok().and_then(|p: Partial<'_>| p.symbol());
        let Some(symbol) = symbol.map(|symbol| symbol.ticker()) else {
            continue;
        };
        if !is_board {
            until = until.min(line.at.plus_ms(BOARDS_MS));
            seen.insert(symbol);
        } else if !seen.contains(&symbol) {
            boards.retain(|board| board.symbol != symbol);
            boards.push(Recorded {
                at: line.at,
                text: text.to_vec(),
                symbol,
            });
        }
    }
    Ok(boards)
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    t_recv: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
}

/// Unix seconds (up to the year 2255) with a fraction, to the microsecond (which a float of today's seconds still resolves).
fn receive_time(text: &str) -> Option<Stamp> {
    let seconds: f64 = text.trim_matches('"').parse().ok()?;
    (0.0..9.0e9)
        .contains(&seconds)
        .then(|| Stamp((seconds * 1e6).round() as i64 * 1_000))
}
