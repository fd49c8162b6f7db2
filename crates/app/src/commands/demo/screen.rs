//! The demo's view: a table drawn over itself on a terminal that can do that, one line per second elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use ayumi_engine::Symbol;
use ayumi_engine::market::Profile;
use ayumi_store::reader::LiveRow;

use crate::text;

/// Cells of the name column.
const NAME_CELLS: usize = 16;

/// What one symbol shows.
#[derive(Default)]
struct Line {
    name: String,
    /// Since the start.
    windows: u64,
    ticks: i64,
    volume: f64,
    first_price: Option<f64>,
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
        let (mut ticks, mut volume) = (0, 0.0);
        for row in rows {
            self.last_rowid = self.last_rowid.max(row.rowid);
            ticks += row.ticks;
            volume += row.vol_sum;
            if let Some(line) = self.lines.get_mut(&row.ticker) {
                line.windows += 1;
                line.ticks += row.ticks;
                line.volume += row.vol_sum;
                line.first_price.get_or_insert(row.last_price);
                line.newest = Some(row.clone());
            }
        }
        let time = rows
            .last()
            .map_or("--:--:--", |row| row.ts_end.get(11..19).unwrap_or("--:--:--"));
        let summary = format!(
            "{time}  windows {:<6} rows {:<7} new: {:>3} rows, {ticks:>4} ticks, {volume:>9.0} shares",
            counts.0,
            counts.1,
            rows.len()
        );
        if self.redraws {
            self.draw(&summary)
        } else {
            text::stdout_line(&summary)
        }
    }

    fn draw(&mut self, summary: &str) {
        let mut out = String::new();
        if self.drawn > 0 {
            out.push_str(&format!("\x1b[{}A", self.drawn));
        }
        let mut lines = vec![summary.to_owned(), header()];
        lines.extend(
            self.order
                .iter()
                .filter_map(|ticker| Some(self.lines.get(ticker)?.render(ticker))),
        );
        self.drawn = lines.len();
        for line in lines {
            out.push_str(&line);
            // Clears what an earlier, longer line left behind.
            out.push_str("\x1b[K\n");
        }
        text::stdout_line(out.trim_end_matches('\n'));
    }
}

fn header() -> String {
    format!(
        "{:<6} {:<NAME_CELLS$} {:>10} {:>8} {:>10} {:>10} {:>7} {:>6} {:>8} {:>11}",
        "code", "name", "last", "move", "bid", "ask", "spr bp", "up", "ticks", "volume"
    )
}

impl Line {
    fn render(&self, ticker: &str) -> String {
        let price = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.1}"));
        let newest = self.newest.as_ref();
        let last = newest.map(|row| row.last_price);
        let moved = last
            .zip(self.first_price)
            .map_or("-".to_owned(), |(last, first)| format!("{:+.1}", last - first));
        format!(
            "{ticker:<6} {} {:>10} {moved:>8} {:>10} {:>10} {:>7} {:>6} {:>8} {:>11.0}",
            padded(&self.name),
            price(last),
            price(newest.and_then(|row| row.bid1)),
            price(newest.and_then(|row| row.ask1)),
            newest
                .and_then(|row| row.spread_bp)
                .map_or("-".to_owned(), |bp| format!("{bp:.2}")),
            newest
                .and_then(|row| row.uptick_ratio)
                .map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            self.ticks,
            self.volume,
        )
    }
}

/// A name cut or filled to the width of its column, counted in cells: Japanese characters take two.
fn padded(name: &str) -> String {
    let mut out = String::new();
    let mut cells = 0;
    for c in name.chars() {
        if cells + text::cells(c) > NAME_CELLS {
            break;
        }
        cells += text::cells(c);
        out.push(c);
    }
    out.extend(std::iter::repeat_n(' ', NAME_CELLS - cells));
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
            assert_eq!(text::width(&padded(name)), NAME_CELLS, "{name}");
        }
    }
}
