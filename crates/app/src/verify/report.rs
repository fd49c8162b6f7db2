//! The report as a person reads it. ASCII: it must come through every console.

use std::fmt::Write as _;

use super::grade::{Day, Grade, clock};
use super::{FileReport, Report};
use crate::text::{one_line, width};

/// The report; with `quiet` only what is not fine.
pub fn text(report: &Report, quiet: bool) -> String {
    let mut out = String::new();
    for file in &report.files {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{}: {} windows, {} rows, {} symbol days",
            file.path.display(),
            file.windows,
            file.rows,
            file.days.len()
        );
        for problem in &file.problems {
            let _ = writeln!(out, "[x] {}", one_line(problem));
        }
        for note in file.notes.iter().filter(|_| !quiet) {
            let _ = writeln!(out, "[i] {}", one_line(note));
        }
        table(file, quiet, &mut out);
    }
    out.push_str(&summary(report));
    out
}

fn summary(report: &Report) -> String {
    let counts: Vec<String> = Grade::ALL.iter().map(|g| format!("{g} {}", report.count(*g))).collect();
    let verdict = match (report.is_well(), report.problems()) {
        (true, _) if report.days().next().is_none() => match report.files.iter().any(|file| file.of_scripts > 0) {
            true => "nothing could be checked".to_owned(),
            false => "nothing was recorded, so nothing is wrong".to_owned(),
        },
        (true, _) => "all is well".to_owned(),
        (false, 0) => "something was found".to_owned(),
        (false, 1) => "something was found, the file has 1 problem".to_owned(),
        (false, n) => format!("something was found, the files have {n} problems"),
    };
    format!("verify: {verdict}; {}", counts.join("  "))
}

fn table(file: &FileReport, quiet: bool, out: &mut String) {
    let rows: Vec<[String; 8]> = file
        .days
        .iter()
        .filter(|day| !quiet || day.grade() > Grade::B)
        .map(cells)
        .collect();
    if rows.is_empty() {
        return;
    }
    let head = ["day", "symbol", "grade", "ticks", "volume", "from", "to", "why"].map(str::to_owned);
    let mut widths = [0; 7];
    for row in std::iter::once(&head).chain(&rows) {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let blanks = " ".repeat(widths.get(at).map_or(0, |most| most.saturating_sub(width(cell))));
            match at {
                // Numbers stand to the right.
                3 | 4 => line += &format!("{blanks}{cell}  "),
                _ => line += &format!("{cell}{blanks}  "),
            }
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn cells(day: &Day) -> [String; 8] {
    let time = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), clock);
    let reasons: Vec<String> = day.reasons.iter().map(ToString::to_string).collect();
    [
        day.date.to_string(),
        one_line(&day.ticker).into_owned(),
        day.grade().to_string(),
        day.ticks.to_string(),
        day.volume.to_string(),
        time(day.first_ms),
        time(day.last_ms),
        one_line(&reasons.join("; ")).into_owned(),
    ]
}
