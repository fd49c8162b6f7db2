//! What was asked for and is not there: a check of nothing must not say that all is well.

use std::collections::BTreeSet;

use ayumi_engine::Stamp;
use ayumi_wire::jst::Date;

use super::grade::Day;
use super::{Report, Request, VerifyError};

/// Symbols that are named.
const NAMED: usize = 8;

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    tickers: BTreeSet<String>,
    days: Option<(Date, Date)>,
}

impl Seen {
    /// The days that were read, and the newest window of the file, Unix ms.
    pub fn note_all(&mut self, days: &[Day], newest: Option<i64>) {
        self.tickers.extend(days.iter().map(|day| day.ticker.clone()));
        let newest = newest.map(|id| Stamp::from_ms(id.clamp(0, 4_102_444_800_000)).date());
        for date in days.iter().map(|day| day.date).chain(newest) {
            let (from, to) = self.days.unwrap_or((date, date));
            self.days = Some((from.min(date), to.max(date)));
        }
    }
}

/// An error when nothing of what was asked for is there; a problem of the last file for each symbol that is not.
pub fn judge(request: &Request, report: &mut Report) -> Result<(), VerifyError> {
    let asked = request.days.is_some() || !request.tickers.is_empty();
    // Rows of a damaged file may be those that cannot be read.
    if !asked || report.problems() > 0 {
        return Ok(());
    }
    if report.days().next().is_none() {
        return Err(VerifyError::Nothing {
            asked: question(request),
            there: there(report),
        });
    }
    let recorded: BTreeSet<&str> = report.days().map(|day| day.ticker.as_str()).collect();
    let lacking = request
        .tickers
        .iter()
        .filter(|ticker| !recorded.contains(ticker.as_str()));
    let lacking: Vec<&str> = lacking.map(String::as_str).collect();
    if let (false, Some(last)) = (lacking.is_empty(), report.files.last_mut()) {
        let days = match request.days {
            Some(days) => format!(" on {}", span(days)),
            None => String::new(),
        };
        last.problems.push(format!(
            "nothing was recorded of {}{days}: check code and exchange (code@exchange), \"symbols\" of the settings, and the log of the registration",
            lacking.join(", ")
        ));
    }
    Ok(())
}

fn question(request: &Request) -> String {
    let symbols = match request.tickers.as_slice() {
        [] => None,
        tickers => Some(tickers.join(", ")),
    };
    let days = request.days.map(span);
    match (symbols, days) {
        (Some(symbols), Some(days)) => format!("{symbols} on {days}"),
        (symbols, days) => symbols.or(days).unwrap_or_default(),
    }
}

fn span((from, to): (Date, Date)) -> String {
    match from == to {
        true => from.to_string(),
        false => format!("{from} to {to}"),
    }
}

/// In one line what the files hold: of the days that were read, at least.
fn there(report: &Report) -> String {
    let tickers: BTreeSet<&str> = report
        .files
        .iter()
        .flat_map(|f| &f.seen.tickers)
        .map(String::as_str)
        .collect();
    let days = report.files.iter().filter_map(|file| file.seen.days);
    let days = days.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let of_scripts: u64 = report.files.iter().map(|file| file.of_scripts).sum();
    let scripts = match of_scripts {
        0 => String::new(),
        n => format!("; {n} rows of the scripts have no windows and are never checked"),
    };
    let Some(days) = days else {
        return scripts;
    };
    let more = match tickers.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named: Vec<&str> = tickers.into_iter().take(NAMED).collect();
    let named = match named.as_slice() {
        [] => "rows".to_owned(),
        named => format!("{}{more}", named.join(", ")),
    };
    format!("; there is {named} on {}{scripts}", span(days))
}
