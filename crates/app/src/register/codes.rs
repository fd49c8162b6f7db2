//! Which column holds the codes, and which symbol a cell means.

use ayumi_engine::Symbol;

use super::quoted;
use super::table::{HEAD, Row, Table};
use crate::text;

/// Headings of a column of codes, in small letters and half width.
const HEADINGS: [&str; 6] = ["code", "symbol", "ticker", "コード", "銘柄コード", "ティッカー"];

/// Where the codes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub index: usize,
    /// The first row below the heading.
    pub first_row: usize,
    /// The heading, when others would have fitted too.
    pub chosen: Option<String>,
}

/// There is no column of codes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoColumn {
    pub line: Option<usize>,
    pub what: String,
}

/// True for a heading of a column of codes, in any letter case and width.
pub(super) fn is_heading(cell: &str) -> bool {
    let plain = text::half_width(cell)
        .replace("ｺｰﾄﾞ", "コード")
        .replace("ﾃｨｯｶｰ", "ティッカー");
    let plain: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
    HEADINGS.contains(&plain.trim_start_matches('\u{FEFF}').to_lowercase().as_str())
}

/// Finds the column: by its heading, or because it is the only one.
pub(super) fn column(table: &Table) -> Result<Column, NoColumn> {
    for (at, row) in table.rows.iter().enumerate().take(HEAD) {
        let mut found = row.cells.iter().enumerate().filter(|(_, cell)| is_heading(cell));
        if let Some((index, heading)) = found.next() {
            return Ok(Column {
                index,
                first_row: at + 1,
                chosen: found.next().map(|_| heading.trim().to_owned()),
            });
        }
    }
    alone(&table.rows)
}

/// The one column that holds anything.
fn alone(rows: &[Row]) -> Result<Column, NoColumn> {
    let filled = |row: &Row| row.cells.iter().rposition(|cell| !cell.trim().is_empty());
    let Some(index) = rows.iter().find_map(filled) else {
        let what = "the file is empty".to_owned();
        return Err(NoColumn { line: None, what });
    };
    let others = |row: &&Row| {
        let mut cells = row.cells.iter().enumerate();
        cells.any(|(at, cell)| at != index && !cell.trim().is_empty())
    };
    match rows.iter().find(others) {
        None => Ok(Column {
            index,
            first_row: 0,
            chosen: None,
        }),
        Some(row) => {
            let head: Vec<String> = row.cells.iter().take(6).map(|cell| quoted(cell.trim())).collect();
            let what = format!("no column of codes is named; found the columns {}", head.join(", "));
            Err(NoColumn {
                line: Some(row.line),
                what,
            })
        }
    }
}

/// The symbol that a cell means; `None` for an empty one. `7203`, `7203@1`, `７２０３`, and what Excel and web pages make
/// of it: `7203.0`, `="7203"`, `'7203`, `7203.T`. A code without `@` belongs to `exchange`.
pub(super) fn code(cell: &str, exchange: u16) -> Result<Option<Symbol>, String> {
    let wide = text::half_width(cell);
    let plain = wide.trim().trim_start_matches(['\'', '\u{FEFF}']);
    let plain = match plain.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.trim(),
        None => plain.trim(),
    };
    if plain.is_empty() {
        return Ok(None);
    }
    let (code, at) = match plain.split_once('@') {
        Some((code, at)) => (code.trim(), Some(at)),
        None => (plain, None),
    };
    let (code, tokyo) = match code.strip_suffix(".T").or_else(|| code.strip_suffix(".t")) {
        Some(code) => (code, true),
        None => (without_zeros(code), false),
    };
    if !code.bytes().any(|b| b.is_ascii_digit()) {
        let what = format!("{} is no code: use one like 7203, 285A or 7203@1", quoted(cell.trim()));
        return Err(what);
    }
    if code.contains(['.', '+']) && code.parse::<f64>().is_ok() {
        let what = format!(
            "{} is a number that lost its digits, no code: format the column as text",
            quoted(cell.trim())
        );
        return Err(what);
    }
    let written = match at {
        Some(at) => format!("{code}@{at}"),
        None if tokyo => format!("{code}@1"),
        None => format!("{code}@{exchange}"),
    };
    let symbol = written.parse::<Symbol>();
    symbol
        .map(Some)
        .map_err(|error| text::cut(&text::one_line(&error.to_string()), 200))
}

/// Excel writes a code of digits as `7203.0` or `7203.00`.
fn without_zeros(code: &str) -> &str {
    match code.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_in_any_case_and_width() {
        for heading in [
            "code",
            "Code",
            " CODE ",
            "ＣＯＤＥ",
            "Symbol",
            "ticker",
            "コード",
            "銘柄コード",
            "銘柄 コード",
            "ティッカー",
            "ｺｰﾄﾞ",
            "銘柄ｺｰﾄﾞ",
            "ﾃｨｯｶｰ",
        ] {
            assert!(is_heading(heading), "{heading}");
        }
        for other in ["", "codes", "銘柄", "銘柄名", "7203", "name", "postcode"] {
            assert!(!is_heading(other), "{other}");
        }
    }

    #[test]
    fn codes_as_people_and_excel_write_them() {
        for (cell, symbol) in [
            ("7203", "7203@1"),
            (" 7203 ", "7203@1"),
            ("７２０３", "7203@1"),
            ("7203@1", "7203@1"),
            ("7203 @ 3", "7203@3"),
            ("７２０３＠５", "7203@5"),
            ("7203.0", "7203@1"),
            ("7203.00", "7203@1"),
            ("7203.0@3", "7203@3"),
            ("=\"7203\"", "7203@1"),
            ("'7203", "7203@1"),
            ("7203.T", "7203@1"),
            ("285a", "285A@1"),
            ("101", "101@1"),
            ("167060019@23", "167060019@23"),
            ("\u{3000}9984\u{3000}", "9984@1"),
        ] {
            let read = code(cell, 1).map(|symbol| symbol.map(|s| s.to_string()));
            assert_eq!(read, Ok(Some(symbol.to_owned())), "{cell}");
        }
        for blank in ["", "  ", "\u{3000}", "=\"\"", "'"] {
            assert_eq!(code(blank, 1), Ok(None), "{blank:?}");
        }
        assert_eq!(code("7203", 23).map(|s| s.map(|s| s.exchange)), Ok(Some(23)));
        assert_eq!(code("7203.T", 3).map(|s| s.map(|s| s.exchange)), Ok(Some(1)));
    }

    #[test]
    fn what_is_no_code_is_quoted() {
        for (cell, part) in [
            ("トヨタ自動車", "\"トヨタ自動車\" is no code"),
            ("TOYOTA", "is no code"),
            ("7203 9984", "is no symbol"),
            ("7,203", "is no symbol"),
            ("7203@9", "the exchange after @"),
            ("7203@", "the exchange after @"),
            ("@1", "is no code"),
            ("1.67E+08", "lost its digits"),
            ("7203.5", "lost its digits"),
            ("-7203", "is no symbol"),
            ("1234567890123", "is no symbol"),
            ("7203\u{1b}[31m", "is no symbol"),
        ] {
            let why = code(cell, 1).expect_err(cell);
            assert!(why.contains(part) && !why.contains('\u{1b}'), "{cell}: {why}");
        }
    }
}
