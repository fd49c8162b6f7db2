//! The demo's view: a table drawn over itself on a terminal that can do that, one line per second elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use ayumi_engine::Symbol;
use ayumi_engine::market::Profile;
use ayumi_store::reader::LiveRow;

use crate::text;

/// Cells of code and name together: 12 for the name behind an ordinary code, fewer behind a derivative's.
const SYMBOL_CELLS: usize = 19;
/// No line is wider: a line of 80 cells makes some consoles wrap, and a wrapped line spoils the next drawing.
const MAX_CELLS: usize = 79;
/// Lines below the header. With summary, header, the four lines of the greeting, one more for a long path, and the line
/// of the cursor they fill the 24 rows of a small terminal; one more and the greeting would scroll away.
const TABLE_LINES: usize = 16;

/// What one symbol shows.
#[derive(Default)]
struct Line {
    name: String,
    /// Since the start.
    ticks: i64,
    volume: f64,
    newest: Option<LiveRow>,
}

/// The view.
pub(super) struct Screen {
    lines: BTreeMap<String, Line>,
    order: Vec<String>,
    last_rowid: i64,
    drawn: usize,
    /// Cursor movement is understood.
    redraws: bool,
}

impl Screen {
    pub(super) fn new(symbols: &[Symbol], seed: u64) -> Self {
        let line = |symbol: &Symbol| {
            let name = Profile::of(symbol, seed).name;
            (
                symbol.ticker(),
                Line {
                    name,
                    ..Line::default()
                },
            )
        };
        // Old Windows consoles print cursor movements as text; the newer terminal announces itself.
        let understands = cfg!(not(windows)) || std::env::var_os("WT_SESSION").is_some();
        let plain = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            lines: symbols.iter().map(line).collect(),
            order: symbols.iter().map(Symbol::ticker).collect(),
            last_rowid: 0,
            drawn: 0,
            redraws: understands && !plain && std::io::stdout().is_terminal(),
        }
    }

    pub(super) fn last_rowid(&self) -> i64 {
        self.last_rowid
    }

    /// Takes new rows and draws. `counts`: windows and tick rows in the database.
    pub(super) fn show(&mut self, rows: &[LiveRow], counts: (u64, u64)) {
        let (ticks, volume) = self.note(rows);
        let time = rows
            .last()
            .map_or("--:--:--", |row| row.ts_end.get(11..19).unwrap_or("--:--:--"));
        let summary = summary(time, counts, rows.len(), ticks, volume);
        if self.redraws {
            self.draw(&summary)
        } else {
            text::stdout_line(&summary)
        }
    }

    /// Takes new rows; their ticks and shares.
    fn note(&mut self, rows: &[LiveRow]) -> (i64, f64) {
        let (mut ticks, mut volume) = (0, 0.0);
        for row in rows {
            self.last_rowid = self.last_rowid.max(row.rowid);
            ticks += row.ticks;
            volume += row.vol_sum;
            if let Some(line) = self.lines.get_mut(&row.ticker) {
                line.ticks += row.ticks;
                line.volume += row.vol_sum;
                line.newest = Some(row.clone());
            }
        }
        (ticks, volume)
    }

    fn draw(&mut self, summary: &str) {
        let mut out = String::new();
        if self.drawn > 0 {
            out.push_str(&format!("\x1b[{}A", self.drawn));
        }
        let lines = self.table(summary);
        self.drawn = lines.len();
        // On a terminal narrower than the table the lines are cut at its edge; wrapped ones would be climbed past.
        out.push_str("\x1b[?7l");
        for line in lines {
            out.push_str(&line);
            // Clears what an earlier, longer line left behind.
            out.push_str("\x1b[K\n");
        }
        text::stdout_line(&format!("{}\x1b[?7h", out.trim_end_matches('\n')));
    }

    /// All lines of one drawing; always as many.
    fn table(&self, summary: &str) -> Vec<String> {
        let mut lines = vec![summary.to_owned(), header()];
        let shown = self.most_active();
        let render = |ticker: &&String| self.lines.get(*ticker).map(|line| line.render(ticker));
        lines.extend(shown.iter().filter_map(render));
        let more = self.order.len() - shown.len();
        if more > 0 {
            lines.push(format!("... and {more} more"));
        }
        lines
    }

    /// The tickers that fit on the screen: those with the most ticks, in the order of the list, so that rows rarely
    /// change their places.
    fn most_active(&self) -> Vec<&String> {
        if self.order.len() <= TABLE_LINES {
            return self.order.iter().collect();
        }
        let ticks = |ticker: &String| self.lines.get(ticker).map_or(0, |line| line.ticks);
        let mut places: Vec<usize> = (0..self.order.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(ticks(&self.order[place])));
        places.truncate(TABLE_LINES - 1);
        places.sort_unstable();
        places.into_iter().map(|place| &self.order[place]).collect()
    }
}

fn summary(time: &str, (windows, in_file): (u64, u64), new: usize, ticks: i64, volume: f64) -> String {
    format!(
        "{time} windows {:<6} rows {:<7} new: {:>4} rows {:>5} ticks {:>8} shares",
        number(windows as f64, 0, 6),
        number(in_file as f64, 0, 7),
        number(new as f64, 0, 4),
        number(ticks as f64, 0, 5),
        number(volume, 0, 8),
    )
}

fn header() -> String {
    format!(
        "{:<SYMBOL_CELLS$} {:>8} {:>8} {:>8} {:>7} {:>5} {:>7} {:>10}",
        "code   name", "last", "bid", "ask", "spr bp", "up", "ticks", "volume"
    )
}

impl Line {
    fn render(&self, ticker: &str) -> String {
        let cell = |value: Option<f64>, decimals, cells| match value {
            Some(value) => number(value, decimals, cells),
            None => "-".to_owned(),
        };
        let newest = self.newest.as_ref();
        let line = format!(
            "{} {:>8} {:>8} {:>8} {:>7} {:>5} {:>7} {:>10}",
            padded(&format!("{ticker:<6} {}", self.name)),
            cell(newest.map(|row| row.last_price), 1, 8),
            cell(newest.and_then(|row| row.bid1), 1, 8),
            cell(newest.and_then(|row| row.ask1), 1, 8),
            cell(newest.and_then(|row| row.spread_bp), 2, 7),
            cell(newest.and_then(|row| row.uptick_ratio), 2, 5),
            number(self.ticks as f64, 0, 7),
            number(self.volume, 0, 10),
        );
        debug_assert!(text::width(&line) <= MAX_CELLS, "{line}");
        line
    }
}

/// A number that never leaves its column: without decimals, then as a power of ten, where it does not fit.
fn number(value: f64, decimals: usize, cells: usize) -> String {
    let written = [
        format!("{value:.decimals$}"),
        format!("{value:.0}"),
        format!("{value:.1e}"),
        format!("{value:.0e}"),
    ];
    let fits = written.iter().find(|text| text.len() <= cells);
    fits.map_or_else(|| "#".repeat(cells), Clone::clone)
}

/// Code and name cut or filled to the width of their column, counted in cells: Japanese characters take two.
fn padded(name: &str) -> String {
    let mut out = String::new();
    let mut cells = 0;
    for c in name.chars() {
        if cells + text::cells(c) > SYMBOL_CELLS {
            break;
        }
        cells += text::cells(c);
        out.push(c);
    }
    out.extend(std::iter::repeat_n(' ', SYMBOL_CELLS - cells));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fill_their_column_whatever_their_width() {
        for name in [
            "",
            "Sony",
            "トヨタ自動車",
            "とても長い名前の会社ホールディングス",
            "a日本b",
        ] {
            assert_eq!(text::width(&padded(name)), SYMBOL_CELLS, "{name}");
        }
    }

    fn row(ticker: &str, ticks: i64, size: f64) -> LiveRow {
        LiveRow {
            rowid: 1,
            ticker: ticker.to_owned(),
            ts_end: "2026-11-20T09:00:00.300+09:00".to_owned(),
            ticks,
            vol_sum: size,
            last_price: size,
            bid1: Some(size),
            ask1: Some(size),
            spread_bp: Some(size),
            uptick_ratio: Some(0.5),
        }
    }

    fn screen(symbols: &[&str]) -> Screen {
        let symbols: Vec<Symbol> = symbols.iter().map(|s| s.parse().unwrap()).collect();
        Screen {
            redraws: false,
            ..Screen::new(&symbols, 1)
        }
    }

    #[test]
    fn every_line_fits_into_80_columns_whatever_the_numbers() {
        let codes = ["7203", "9984@1", "167060019@2", "101"];
        for size in [0.1, 2836.5, 56_470.0, 9_876_543_210.0, 1e300, f64::NAN, -1e300] {
            let mut screen = screen(&codes);
            let rows: Vec<LiveRow> = screen.order.iter().map(|t| row(t, 1_234_567, size)).collect();
            screen.note(&rows);
            let summary = summary("09:00:00", (9_999_999, 99_999_999), 10_000, 1_234_567, size);
            for line in screen.table(&summary) {
                assert!(text::width(&line) <= MAX_CELLS, "{}: {line}", text::width(&line));
            }
        }
        assert_eq!(text::width(&header()), MAX_CELLS);
    }

    #[test]
    fn usual_numbers_are_written_out() {
        let mut screen = screen(&["7203"]);
        let mut usual = row("7203", 60, 9_876_543_210.0);
        (usual.last_price, usual.bid1, usual.ask1) = (56_470.0, Some(56_460.0), None);
        usual.spread_bp = Some(1.77);
        screen.note(&[usual]);
        let line = screen.table("").pop().unwrap();
        for part in [
            " 56470.0 ",
            " 56460.0 ",
            " - ",
            " 1.77 ",
            " 0.50 ",
            " 60 ",
            " 9876543210",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[test]
    fn more_symbols_than_rows_show_the_most_active() {
        let codes: Vec<String> = (0..40).map(|n| (1_300 + n).to_string()).collect();
        let mut screen = screen(&codes.iter().map(String::as_str).collect::<Vec<_>>());
        screen.note(&[row("1339", 9, 1.0), row("1320", 5, 1.0)]);
        let lines = screen.table("");
        // 4 lines of greeting, one wrapped path, the cursor.
        assert_eq!(lines.len() + 6, 24);
        assert!(lines.iter().any(|l| l.starts_with("1339")) && lines.iter().any(|l| l.starts_with("1320")));
        assert!(lines[2].starts_with("1300"), "the order of the list stays");
        assert_eq!(lines.last().unwrap(), "... and 25 more");
    }
}
