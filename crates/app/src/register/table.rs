//! CSV as programs write it: commas, semicolons or tabs, quotes, any line end. Knows nothing of codes.

use std::mem;

/// What may stand between two cells.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// A heading is looked for in so many lines: exports begin with a title and a date.
pub(super) const HEAD: usize = 10;

/// A file cut into cells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub rows: Vec<Row>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    pub cells: Vec<String>,
}

/// A quote that nothing closes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// The line of the quote, from 1.
    pub line: usize,
}

/// Cuts the text at the delimiter that gives a heading, else at the one that stands in the first line most often.
pub(super) fn read(text: &str, is_heading: impl Fn(&str) -> bool) -> Result<Table, Unclosed> {
    let (text, line, told) = without_directive(text);
    if let Some(delimiter) = told {
        return cut(text, delimiter, line);
    }
    let has_heading = |table: &Table| {
        let head = table.rows.iter().take(HEAD);
        head.flat_map(|row| &row.cells).any(|cell| is_heading(cell))
    };
    let cuts = DELIMITERS.map(|delimiter| cut(text, delimiter, line));
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let usual = DELIMITERS.map(|delimiter| first.matches(delimiter).count());
    let headed = cuts.iter().position(|table| table.as_ref().is_ok_and(has_heading));
    let most = (0..DELIMITERS.len()).rev().max_by_key(|&at| usual[at]);
    let chosen = headed.or(most).unwrap_or(0);
    cuts.into_iter().nth(chosen).unwrap_or_else(|| Ok(Table::default()))
}

/// Excel's `sep=;` in the first line: the rest, its line number and the delimiter.
fn without_directive(text: &str) -> (&str, usize, Option<char>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut told = first.trim_end_matches('\r').chars();
    let is_directive = told.by_ref().take(4).collect::<String>().eq_ignore_ascii_case("sep=");
    match (is_directive, told.next(), told.next()) {
        (true, Some(delimiter), None) => (rest, 2, Some(delimiter)),
        _ => (text, 1, None),
    }
}

/// All records; `line` is the number of the first line.
fn cut(text: &str, delimiter: char, line: usize) -> Result<Table, Unclosed> {
    let mut cutter = Cutter {
        rows: Vec::new(),
        row: Row {
            line,
            cells: Vec::new(),
        },
        cell: String::new(),
        line,
        open: None,
        was_open: false,
    };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let doubled = c == '"' && chars.peek() == Some(&'"');
        let crlf = c == '\r' && chars.peek() == Some(&'\n');
        if cutter.open.is_some() && doubled || crlf {
            chars.next();
        }
        cutter.take(if crlf { '\n' } else { c }, doubled, delimiter);
    }
    cutter.end()
}

struct Cutter {
    rows: Vec<Row>,
    row: Row,
    cell: String,
    line: usize,
    /// The line of the quote that is open.
    open: Option<usize>,
    /// This cell has had its quotes: blanks around them are no part of it.
    was_open: bool,
}

impl Cutter {
    fn take(&mut self, c: char, doubled: bool, delimiter: char) {
        let breaks = matches!(c, '\n' | '\r');
        match (self.open, c) {
            (Some(_), '"') if doubled => self.cell.push('"'),
            (Some(_), '"') => self.open = None,
            (Some(_), c) => self.cell.push(c),
            (None, '"') if !self.was_open && self.cell.trim().is_empty() => {
                self.cell.clear();
                (self.open, self.was_open) = (Some(self.line), true);
            }
            (None, c) if c == delimiter => self.close_cell(),
            (None, _) if breaks => self.close_row(),
            (None, c) => self.cell.push(c),
        }
        self.line += usize::from(breaks);
        if breaks && self.open.is_none() {
            self.row.line = self.line;
        }
    }

    fn close_cell(&mut self) {
        self.was_open = false;
        self.row.cells.push(mem::take(&mut self.cell));
    }

    fn close_row(&mut self) {
        self.close_cell();
        let cells = mem::take(&mut self.row.cells);
        let line = self.row.line;
        self.rows.push(Row { line, cells });
    }

    fn end(mut self) -> Result<Table, Unclosed> {
        if let Some(line) = self.open {
            return Err(Unclosed { line });
        }
        // A line end at the end of the file begins no further line.
        if !self.cell.is_empty() || !self.row.cells.is_empty() || self.was_open {
            self.close_row();
        }
        Ok(Table { rows: self.rows })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Vec<(usize, Vec<String>)> {
        let table = read(text, |cell| cell == "code").expect("closed");
        table.rows.into_iter().map(|row| (row.line, row.cells)).collect()
    }

    fn cells(row: &[&str]) -> Vec<String> {
        row.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn files_as_programs_write_them() {
        type Rows = &'static [(usize, &'static [&'static str])];
        let table: [(&str, Rows); 15] = [
            ("", &[]),
            ("7203", &[(1, &["7203"])]),
            ("7203\n", &[(1, &["7203"])]),
            ("7203\r\n9984\r\n", &[(1, &["7203"]), (2, &["9984"])]),
            ("7203\r9984", &[(1, &["7203"]), (2, &["9984"])]),
            ("a\n\nb\n", &[(1, &["a"]), (2, &[""]), (3, &["b"])]),
            ("a,b\nc,d", &[(1, &["a", "b"]), (2, &["c", "d"])]),
            ("a;b;c,5\nd;e;f", &[(1, &["a", "b", "c,5"]), (2, &["d", "e", "f"])]),
            ("a\tb\n", &[(1, &["a", "b"])]),
            // The heading decides, not the number of commas.
            ("code;a,b,c\n1;2", &[(1, &["code", "a,b,c"]), (2, &["1", "2"])]),
            ("sep=;\r\na;b\n", &[(2, &["a", "b"])]),
            ("\"a,b\",\"c\"\"d\"\n", &[(1, &["a,b", "c\"d"])]),
            ("\"a\r\nb\",c\nd", &[(1, &["a\nb", "c"]), (3, &["d"])]),
            (" \"a\" ,=\"7203\"", &[(1, &["a ", "=\"7203\""])]),
            ("a,\n,b\n\"\"", &[(1, &["a", ""]), (2, &["", "b"]), (3, &[""])]),
        ];
        for (text, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(line, row)| (*line, cells(row))).collect();
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_open_quote_is_named_by_its_line() {
        for (text, line) in [
            ("\"", 1),
            ("a\nb,\"c\nd\ne", 2),
            ("\"a\nb\"\n\"c", 3),
            ("sep=,\n\"a", 2),
        ] {
            assert_eq!(read(text, |_| false), Err(Unclosed { line }), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_with_quotes_is_read_again(
            rows in prop::collection::vec(prop::collection::vec("[a-z\"',;\t\n 株]{0,6}", 2..5), 1..8),
            delimiter in prop::sample::select(DELIMITERS.to_vec()),
            newline in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&delimiter.to_string());
            let text: String = rows.iter().map(|row| line(row) + newline).collect();
            let table = cut(&text, delimiter, 1).expect("closed");
            let read: Vec<_> = table.rows.into_iter().map(|row| row.cells).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn anything_is_cut_without_a_panic(text in "[\"\r\n,;\t a7株=]{0,60}") {
            let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
            if let Ok(table) = read(&text, |cell| cell == "a") {
                prop_assert!(table.rows.iter().all(|row| row.line >= 1 && row.line <= lines));
                prop_assert!(table.rows.windows(2).all(|pair| pair[0].line < pair[1].line));
            }
        }
    }
}
