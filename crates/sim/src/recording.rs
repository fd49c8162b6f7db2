//! Recordings: lines of messages, plain or gzip, one at a time so that a day of any size fits.
//!
//! A line is `{"t_recv": <unix seconds>, "msg": {...}}` or a bare PUSH object (then 1 ms after the line before).
//! Messages that carry a ladder are kept letter by letter; reduced ones are completed ([`crate::complete`]).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ayumi_engine::{Stamp, Symbol};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::complete::{Completer, Partial};
use crate::config::{RecordingConfig, SimError};

/// A line longer than this is no message.
const MAX_LINE: u64 = 4 << 20;
/// The gap given to lines without a receive time.
const BARE_GAP_MS: i64 = 1;

/// One message of a recording, as it goes to the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When it was received; never earlier than the message before.
    pub at: Stamp,
    /// The JSON text.
    pub text: Vec<u8>,
    /// The ticker: `247A`, or `167060019@23` outside exchange 1.
    pub symbol: String,
}

/// Reads a whole recording, completed, exactly as the simulator plays it. For tests and tools; the simulator itself
/// reads line by line.
///
/// # Errors
/// When the file cannot be read, is empty, or has a line that is no message.
pub fn read_recording(path: impl AsRef<Path>) -> Result<Vec<Recorded>, SimError> {
    Reader::open(path.as_ref())?.collect()
}

/// Messages of a recording, one at a time.
pub(crate) type Lines = Box<dyn Iterator<Item = Result<Recorded, SimError>> + Send>;

/// Opens a recording as it is to be played; its first message is read at once, so that a wrong file is refused.
pub(crate) fn open(config: &RecordingConfig) -> Result<Lines, SimError> {
    Ok(Box::new(Reader::open(&config.path)?))
}

/// A recording, line by line.
pub(crate) struct Reader {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    line: u64,
    last: Option<Stamp>,
    completers: HashMap<String, Completer>,
    /// Read at the opening, so that a wrong file is refused at once.
    first: Option<Recorded>,
}

impl Reader {
    /// Opens a recording and reads its first message.
    pub(crate) fn open(path: &Path) -> Result<Self, SimError> {
        let failed = |source| SimError::Read {
            path: path.to_owned(),
            source,
        };
        let mut reader = Self {
            path: path.to_owned(),
            input: open_input(path).map_err(failed)?,
            buffer: Vec::new(),
            line: 0,
            last: None,
            completers: HashMap::new(),
            first: None,
        };
        match reader.next_line() {
            Some(first) => reader.first = Some(first?),
            None => return Err(SimError::Empty { path: path.to_owned() }),
        }
        Ok(reader)
    }

    fn next_line(&mut self) -> Option<Result<Recorded, SimError>> {
        loop {
            self.buffer.clear();
            self.line += 1;
            match self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.buffer) {
                Ok(0) => return None,
                Ok(n) if n as u64 == MAX_LINE => return Some(self.refuse("longer than 4 MB")),
                Ok(_) => {}
                Err(source) => {
                    let path = self.path.clone();
                    return Some(Err(SimError::Read { path, source }));
                }
            }
            let buffer = std::mem::take(&mut self.buffer);
            let text = buffer.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&buffer).trim_ascii();
            let result = (!text.is_empty()).then(|| self.message(text));
            self.buffer = buffer;
            match result {
                None => {}
                Some(Ok(recorded)) => return Some(Ok(recorded)),
                Some(Err(reason)) => return Some(self.refuse(&reason)),
            }
        }
    }

    fn message(&mut self, line: &[u8]) -> Result<Recorded, String> {
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
        self.last = Some(at);
        Ok(Recorded {
            at,
            text,
            symbol: ticker,
        })
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

    fn refuse(&self, reason: &str) -> Result<Recorded, SimError> {
        Err(SimError::Line {
            path: self.path.clone(),
            line: self.line,
            reason: reason.to_owned(),
        })
    }
}

impl Iterator for Reader {
    type Item = Result<Recorded, SimError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().map(Ok).or_else(|| self.next_line())
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    t_recv: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
}

fn open_input(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let mut file = File::open(path)?;
    let mut magic = [0u8; 2];
    let mut filled = 0;
    while filled < magic.len() {
        match file.read(&mut magic[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(match magic {
        [0x1F, 0x8B] => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))),
        _ => Box::new(BufReader::with_capacity(1 << 16, file)),
    })
}

/// Unix seconds (up to the year 2255) with a fraction, to the microsecond (which a float of today's seconds still resolves).
fn receive_time(text: &str) -> Option<Stamp> {
    let seconds: f64 = text.trim_matches('"').parse().ok()?;
    (0.0..9.0e9)
        .contains(&seconds)
        .then(|| Stamp((seconds * 1e6).round() as i64 * 1_000))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    const REDUCED: &str = r#"{"t_recv":1761869097.369169,"msg":{"Symbol":"999A","Exchange":1,"CurrentPrice":2014.0,"CurrentPriceTime":"2025-10-31T09:04:57+09:00","TradingVolume":300.0,"TradingVolumeTime":"2025-10-31T09:04:57+09:00","VWAP":2035.1121,"BidPrice":2015.0,"BidQty":200.0,"AskPrice":2011.0,"AskQty":100.0}}"#;

    #[test]
    fn plain_and_gzip_read_alike() {
        let text = format!("\u{FEFF}{REDUCED}\r\n\n{REDUCED}\n");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let plain = read_recording(file_of(text.as_bytes()).path()).unwrap();
        let gzip = read_recording(file_of(&packed.finish().unwrap()).path()).unwrap();
        assert_eq!(plain, gzip);
        assert_eq!(plain.len(), 2);
        assert_eq!(plain[0].at, Stamp(1_761_869_097_369_169_000));
        assert_eq!(plain[0].symbol, "999A");
    }

    #[test]
    fn whole_messages_are_kept_letter_by_letter() {
        let whole = r#"{ "Symbol":"101", "CurrentPrice":1e3,"SecurityType":0}"#;
        let ladder = r#"{"Symbol":"167060019","Exchange":"23","Sell1":{"Price":1.00,"Qty":2}}"#;
        let lines = read_recording(file_of(format!("{whole}\n{{\"msg\":{ladder}}}\n").as_bytes()).path()).unwrap();
        assert_eq!(lines[0].text, whole.as_bytes());
        assert_eq!(lines[1].text, ladder.as_bytes());
        assert_eq!(lines[1].symbol, "167060019@23");
        assert_eq!(lines[1].at.ms_since(lines[0].at), 1);
    }

    #[test]
    fn time_never_steps_back() {
        let early = REDUCED.replace("097.369169", "096.0");
        let lines = read_recording(file_of(format!("{REDUCED}\n{early}").as_bytes()).path()).unwrap();
        assert_eq!(lines[0].at, lines[1].at);
    }

    #[test]
    fn errors_name_file_and_line() {
        let bad = file_of(format!("{REDUCED}\n[1,2]\n").as_bytes());
        let message = read_recording(bad.path()).unwrap_err().to_string();
        assert!(message.contains("line 2") && message.contains("t_recv"), "{message}");
        assert!(matches!(
            read_recording(file_of(b"\n\n").path()),
            Err(SimError::Empty { .. })
        ));
        for line in [
            "\u{0}",
            "{}",
            r#"{"Symbol":7}"#,
            r#"{"Symbol":""}"#,
            r#"{"t_recv":-1,"msg":{"Symbol":"7203"}}"#,
            r#"{"t_recv":1e300,"msg":{"Symbol":"7203"}}"#,
            r#"{"t_recv":9999999999,"msg":{"Symbol":"7203"}}"#,
            r#"{"t_recv":"NaN","msg":{"Symbol":"7203"}}"#,
            r#"{"Symbol":"7203","BidPrice":1e400}"#,
            r#"{"Symbol":"7203","TradingVolume":0.5}"#,
            r#"{"Symbol":"7203","CurrentPrice":true}"#,
        ] {
            let result = read_recording(file_of(line.as_bytes()).path());
            assert!(matches!(result, Err(SimError::Line { line: 1, .. })), "{line}");
        }
    }
}
