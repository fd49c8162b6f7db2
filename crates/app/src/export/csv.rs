//! CSV: RFC 4180, UTF-8. Plain for programs, or as Excel on a Japanese Windows wants it. Pure but for the file it is given.

use std::io::{BufWriter, Write};

use rusqlite::types::ValueRef;

use super::kind::{self, Kind};
use super::{Cells, Column, Misfit, RowSink, SinkError};

/// Bytes gathered before the system is called.
const BUFFER: usize = 256 * 1024;

/// Writes rows as they come; holds one line.
pub struct Csv<W: Write> {
    out: BufWriter<W>,
    kinds: Vec<Kind>,
    line: Vec<u8>,
    excel: bool,
}

impl<W: Write> Csv<W> {
    /// Writes the header. `excel`: byte order mark (without it Excel reads the file as Shift_JIS), CRLF, times without
    /// an offset (Excel reads none with one), and no text that would be taken for a formula.
    ///
    /// # Errors
    /// What the system reports.
    pub fn new(out: W, columns: &[Column], excel: bool) -> Result<Self, SinkError> {
        let mut csv = Self {
            out: BufWriter::with_capacity(BUFFER, out),
            kinds: columns.iter().map(|column| column.kind).collect(),
            line: Vec::with_capacity(512),
            excel,
        };
        if excel {
            csv.line.extend("\u{FEFF}".as_bytes());
        }
        for (at, column) in columns.iter().enumerate() {
            csv.separate(at);
            csv.text(column.name.as_bytes());
        }
        csv.end_line()?;
        Ok(csv)
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.line.push(b',');
        }
    }

    fn end_line(&mut self) -> Result<(), SinkError> {
        self.line.extend(if self.excel { &b"\r\n"[..] } else { b"\n" });
        self.out.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    fn cell(&mut self, kind: Kind, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(n) => {
                self.print(format_args!("{n}"));
                if kind == Kind::Price {
                    self.line.extend(b".0");
                }
            }
            ValueRef::Real(x) => match kind::whole(value).filter(|_| kind == Kind::Int) {
                Some(n) => self.print(format_args!("{n}")),
                // The shortest digits that give this float again, with at least one decimal.
                None => self.print(format_args!("{x:?}")),
            },
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(_) => self.words(kind, text),
                Err(_) => self.text(kind::hex(text).as_bytes()),
            },
            ValueRef::Blob(bytes) => self.text(kind::hex(bytes).as_bytes()),
        }
    }

    fn print(&mut self, value: std::fmt::Arguments<'_>) {
        // Writing to a Vec cannot fail.
        let _ = self.line.write_fmt(value);
    }

    fn words(&mut self, kind: Kind, text: &[u8]) {
        if matches!(kind, Kind::Time | Kind::TimeMicros) {
            match text {
                // No time: what NULL is elsewhere.
                [] => {}
                [date @ .., b'+', b'0', b'9', b':', b'0', b'0'] if self.excel && date.get(10) == Some(&b'T') => {
                    self.line.extend(&date[..10]);
                    self.line.push(b' ');
                    self.line.extend(&date[11..]);
                }
                _ => self.text(text),
            }
            return;
        }
        if self.excel && matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')) {
            self.text(&[b"'", text].concat());
        } else {
            self.text(text);
        }
    }

    /// Text with quotes where it needs them. An empty text has them, too: without it would be NULL.
    fn text(&mut self, text: &[u8]) {
        let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
        let special = |byte: &u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
        if !edge(text.first()) && !edge(text.last()) && !text.iter().any(special) {
            self.line.extend(text);
            return;
        }
        self.line.push(b'"');
        for byte in text {
            if *byte == b'"' {
                self.line.push(b'"');
            }
            self.line.push(*byte);
        }
        self.line.push(b'"');
    }
}

impl<W: Write> RowSink for Csv<W> {
    fn row(&mut self, cells: &dyn Cells) -> Result<Option<Misfit>, SinkError> {
        for at in 0..self.kinds.len() {
            self.separate(at);
            self.cell(self.kinds[at], cells.cell(at));
        }
        self.end_line()?;
        Ok(None)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(self.out.flush()?)
    }
}
