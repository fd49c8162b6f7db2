//! The watchlist: which symbols a CSV file names.
//!
//! Owns everything between the bytes of a file as Japanese Windows users have them (a broker's page, Excel, a text
//! editor) and a list of symbols. Refuses to guess: what is no code is named with file and line, and nothing is sent.

mod codes;
mod table;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ayumi_engine::Symbol;

use crate::settings::{self, Decoded};
use crate::text;

/// A list of codes is a few kilobytes; more than this is the wrong file.
const LARGEST: u64 = 8 * 1024 * 1024;

/// At most so many wrong codes are listed.
const LISTED: usize = 10;

/// What a file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watchlist {
    /// In the order of the file, each once.
    pub symbols: Vec<Symbol>,
    /// Lines without a code.
    pub blanks: usize,
    /// Codes that stood there already.
    pub duplicates: usize,
    /// What the file was read as, when that is not plain UTF-8.
    pub encoding: Option<&'static str>,
    /// The column that was taken when several could have been.
    pub column: Option<String>,
}

impl Watchlist {
    /// Keeps the first `most` symbols and returns the others.
    pub fn cut(&mut self, most: u16) -> Vec<Symbol> {
        let most = usize::from(most).min(self.symbols.len());
        self.symbols.split_off(most)
    }
}

/// Why a file gives no list. The text is complete: file, line, next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error: {place}: {what}\n  next: {next}")]
pub struct WatchlistError {
    place: String,
    what: String,
    next: String,
}

/// Reads the watchlist at `path`. A code without `@` belongs to `exchange`.
///
/// # Errors
/// [`WatchlistError`] when it cannot be read, is no list, or holds what is no code.
pub fn read(path: &Path, exchange: u16) -> Result<Watchlist, WatchlistError> {
    let name = path.display().to_string();
    let bytes = bytes_of(path).map_err(|error| {
        let next = match error.kind() {
            io::ErrorKind::NotFound => "correct the path after -Input",
            _ => "check the path after -Input; close the file in Excel",
        };
        WatchlistError {
            place: name.clone(),
            what: reason(&error),
            next: next.to_owned(),
        }
    })?;
    parse(&name, &bytes, exchange)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    }
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    if path.is_dir() {
        return Err(io::Error::other("it is a folder, not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 8 MB, so it is no list of codes"));
    }
    Ok(bytes)
}

/// Reads the bytes of a watchlist called `name`.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, bytes: &[u8], exchange: u16) -> Result<Watchlist, WatchlistError> {
    let error = |what: &str, next: &str| WatchlistError {
        place: name.to_owned(),
        what: what.to_owned(),
        next: next.to_owned(),
    };
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(error(
            "it is an Excel workbook, not a CSV file",
            "in Excel: save as, file type CSV UTF-8",
        ));
    }
    let decoded = settings::decode(bytes).map_err(|why| error(&why, "save it as CSV UTF-8"))?;
    let read = of_text(name, &decoded, exchange);
    // A short file of CP932 can look like EUC-JP: then its headings tell.
    match (&read, decoded.unusual) {
        (Err(_), Some("EUC-JP")) => settings::decode_cp932(bytes)
            .and_then(|decoded| of_text(name, &decoded, exchange).ok())
            .map_or(read, Ok),
        _ => read,
    }
}

fn of_text(name: &str, decoded: &Decoded, exchange: u16) -> Result<Watchlist, WatchlistError> {
    let error = |line: Option<usize>, what: String, next: &str| WatchlistError {
        place: line.map_or(name.to_owned(), |line| format!("{name}:{line}")),
        what,
        next: next.to_owned(),
    };
    let table = table::read(&decoded.text, codes::is_heading).map_err(|unclosed| {
        let what = "the quote that closes this text is missing".to_owned();
        error(
            Some(unclosed.line),
            what,
            "correct the line, or save the file again as CSV",
        )
    })?;
    let column = codes::column(&table).map_err(|headings| {
        error(
            headings.line,
            headings.what,
            "name the column with the codes \"code\" (or symbol, ticker, コード, 銘柄コード, ティッカー), or keep it alone",
        )
    })?;
    let mut list = Watchlist {
        encoding: decoded.unusual,
        column: column.chosen,
        ..Watchlist::default()
    };
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for row in &table.rows[column.first_row..] {
        let cell = row.cells.get(column.index).map_or("", String::as_str);
        match codes::code(cell, exchange) {
            Ok(None) => list.blanks += 1,
            Ok(Some(symbol)) if seen.insert(symbol.clone()) => list.symbols.push(symbol),
            Ok(Some(_)) => list.duplicates += 1,
            Err(why) => wrong.push((row.line, why)),
        }
    }
    if let Some((line, _)) = wrong.first() {
        return Err(error(
            Some(*line),
            listed(name, &wrong),
            "correct or remove these lines; nothing was sent",
        ));
    }
    if list.symbols.is_empty() {
        let what = "it names no symbol".to_owned();
        return Err(error(None, what, "write one code per line, like 7203 or 7203@1"));
    }
    Ok(list)
}

/// The first wrong line behind the place of the error, the others on lines of their own.
fn listed(name: &str, wrong: &[(usize, String)]) -> String {
    let mut lines: Vec<String> = wrong
        .iter()
        .take(LISTED)
        .map(|(line, why)| format!("{name}:{line}: {why}"))
        .collect();
    if let Some((_, first)) = wrong.first() {
        lines[0].clone_from(first);
    }
    if wrong.len() > LISTED {
        lines.push(format!("and {} more lines", wrong.len() - LISTED));
    }
    lines.join("\n       ")
}

/// What was written, short and on one line.
fn quoted(cell: &str) -> String {
    format!("\"{}\"", text::cut(&text::one_line(cell), 40))
}

#[cfg(test)]
mod tests;
