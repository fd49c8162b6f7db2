//! What the two commands say: facts and the next step, in ASCII but for what the station and the user wrote.

use std::path::Path;

use ayumi_engine::Symbol;
use ayumi_station::rest::Transport;
use ayumi_station::{Entry, Registered, Removal, RestError};
use ayumi_wire::rest::RegisterRequest;

use super::exit_of;
use crate::args::RegisterArgs;
use crate::exit::Exit;
use crate::register::Watchlist;
use crate::settings::Settings;
use crate::text;

/// Foreign symbols are listed up to this number.
const LISTED: usize = 10;

/// What the file gave.
pub(super) fn watchlist(path: &Path, list: &Watchlist, left_out: &[Symbol], most: u16) {
    let mut more = Vec::new();
    if let Some(encoding) = list.encoding {
        more.push(format!("read as {encoding}"));
    }
    if let Some(column) = &list.column {
        more.push(format!("column \"{}\" taken", text::cut(column, 40)));
    }
    if list.blanks > 0 {
        more.push(format!("{} blank dropped", list.blanks));
    }
    if list.duplicates > 0 {
        more.push(format!("{} duplicate dropped", list.duplicates));
    }
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" ({})", more.join(", "))
    };
    let symbols = list.symbols.len() + left_out.len();
    log::info!("watchlist {}: {symbols} symbols{more}", path.display());
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(Symbol::ticker).collect();
        log::warn!(
            "left out, because only {most} are registered (-Max, register_max): {}",
            names.join(", ")
        );
    }
}

/// What `register -DryRun` would do.
pub(super) fn dry_run(args: &RegisterArgs, settings: &Settings, list: &Watchlist, left_out: &[Symbol]) {
    let symbols = super::entries(&list.symbols);
    put(settings, "/kabusapi/register", &body(&symbols));
    if args.write_guard {
        text::stdout_line(&format!(
            "dry run: would ask GET /kabusapi/symbol for {} symbols and write their price limits to price_guard in {}",
            symbols.len(),
            args.config.display()
        ));
    }
    text::stdout_line(&format!(
        "dry run: symbols={} left_out={}; nothing was sent, nothing was written",
        symbols.len(),
        left_out.len()
    ));
}

/// What `unregister -DryRun` would do; `None` = everything.
pub(super) fn dry_unregister(settings: &Settings, symbols: Option<&[Entry]>) {
    match symbols {
        Some(symbols) => put(settings, "/kabusapi/unregister", &body(symbols)),
        None => put(settings, "/kabusapi/unregister/all", ""),
    }
    text::stdout_line("dry run: nothing was sent");
}

fn put(settings: &Settings, path: &str, body: &str) {
    let (host, port) = (&settings.host, settings.port);
    text::stdout_line(format!("dry run: would send PUT http://{host}:{port}{path} {body}").trim_end());
}

fn body(symbols: &[Entry]) -> String {
    let symbols = symbols.to_vec();
    serde_json::to_string(&RegisterRequest { symbols }).unwrap_or_default()
}

/// The outcome of a registration, as log lines and as the end of the process.
pub(super) fn registered(settings: &Settings, config: &Path, asked: &[Entry], registered: &Registered) -> Exit {
    let report = &registered.report;
    for (symbol, why) in &report.refused {
        log::warn!(
            "{} was refused by the station ({why}): check code and exchange",
            name(symbol)
        );
    }
    if !report.not_fitting.is_empty() {
        list_full(config, asked, registered);
    }
    if let Some(error) = &report.error {
        failed(settings, "registration", error);
        return exit_of(error);
    }
    // Without an error every symbol was taken, refused or found too many; unless the station changed its mind.
    let told = |s: &Entry| report.refused.iter().any(|(r, _)| r == s) || report.not_fitting.contains(s);
    let lost: Vec<String> = missing(asked, registered).filter(|s| !told(s)).map(name).collect();
    if !lost.is_empty() {
        log::warn!(
            "accepted, but not on the list when it was read back: {}",
            lost.join(", ")
        );
    }
    if report.registered == asked.len() {
        Exit::Done
    } else {
        Exit::StationError
    }
}

fn missing<'a>(asked: &'a [Entry], registered: &'a Registered) -> impl Iterator<Item = &'a Entry> {
    asked.iter().filter(|s| !registered.list.contains(s))
}

/// 4002006 and the way out.
fn list_full(config: &Path, asked: &[Entry], registered: &Registered) {
    let report = &registered.report;
    let foreign: Vec<&Entry> = registered.list.iter().filter(|s| !asked.contains(s)).collect();
    log::warn!(
        "the station's list is full (4002006): {} do not fit: {}",
        report.not_fitting.len(),
        some(report.not_fitting.iter())
    );
    log::warn!(
        "the list shows {} symbols, {} of them not of this watchlist{}; /board and /symbol calls take slots too",
        report.on_list,
        foreign.len(),
        if foreign.is_empty() {
            String::new()
        } else {
            format!(": {}", some(foreign.iter().copied()))
        }
    );
    let config = quoted(config);
    log::warn!(
        "next: free slots with \"ayumi unregister -Config {config} -Input <csv of what is no longer needed>\" or \
         \"ayumi unregister -Config {config} --all\" (everything, also of other programs), then register again"
    );
}

/// One line for programs and for a last look.
pub(super) fn registered_line(asked: &[Entry], registered: &Registered, left_out: usize) -> String {
    let report = &registered.report;
    format!(
        "registered={} of={} added={} refused={} not_fitting={} left_out={left_out} on_list={}",
        report.registered,
        asked.len(),
        report.added.len(),
        report.refused.len(),
        report.not_fitting.len(),
        known(report.on_list, report.error.as_ref())
    )
}

/// The outcome of a removal.
pub(super) fn removal(settings: &Settings, removal: &Removal) -> Exit {
    if !removal.removed.is_empty() {
        let names: Vec<String> = removal.removed.iter().map(name).collect();
        log::info!("off the list: {}", names.join(", "));
    }
    if !removal.absent.is_empty() {
        log::info!("were not on the list: {}", some(removal.absent.iter()));
    }
    for (symbol, why) in &removal.remaining {
        log::warn!("{} is still on the list ({why})", name(symbol));
    }
    match &removal.error {
        Some(error) => {
            failed(settings, "unregistering", error);
            exit_of(error)
        }
        None if removal.remaining.is_empty() => Exit::Done,
        None => Exit::StationError,
    }
}

/// One line for programs and for a last look.
pub(super) fn removal_line(removal: &Removal) -> String {
    format!(
        "unregistered={} absent={} remaining={} on_list={}",
        removal.removed.len(),
        removal.absent.len(),
        known(removal.remaining.len(), removal.error.as_ref()),
        known(removal.list.len(), removal.error.as_ref())
    )
}

/// What the list holds is known only when it was read back at the end.
fn known(count: usize, error: Option<&RestError>) -> String {
    match error {
        None => count.to_string(),
        Some(_) => "unknown".to_owned(),
    }
}

/// An ERROR line with the next step.
pub(super) fn failed(settings: &Settings, what: &str, error: &RestError) {
    let (host, port) = (&settings.host, settings.port);
    match error {
        RestError::Transport(transport) => {
            log::error!(
                "{what}: no answer from the station at {host}:{port} ({transport}). {}",
                next(error)
            );
        }
        _ => log::error!("{what}: {error}. {}", next(error)),
    }
}

/// The station's advice is for a worker that goes on asking; this command has ended.
fn next(error: &RestError) -> &'static str {
    match error {
        RestError::NotLoggedIn(_) => "Log in to kabu Station (two-factor), then run this again.",
        RestError::RateLimited(_) => {
            "Too many requests, also after several pauses: another program asks too, or the station is in maintenance. Run this again later."
        }
        RestError::Maintenance(_) => "The station is in maintenance or starting: run this again later.",
        RestError::Transport(Transport::Refused | Transport::NoConnection(_) | Transport::HostNotFound) => {
            error.advice()
        }
        RestError::Server(answer) if answer.status >= 500 => "Run this again; if it stays, restart kabu Station.",
        RestError::Transport(_) | RestError::BadBody(_) => {
            "Run this again; if it stays, check host and port, and restart kabu Station."
        }
        other => other.advice(),
    }
}

/// `7203`, or `code@exchange` for exchanges other than 1.
pub(super) fn name(entry: &Entry) -> String {
    let symbol = Symbol {
        code: entry.symbol.clone(),
        exchange: entry.exchange,
    };
    symbol.ticker()
}

fn some<'a>(entries: impl ExactSizeIterator<Item = &'a Entry>) -> String {
    let more = entries.len().saturating_sub(LISTED);
    let names: Vec<String> = entries.take(LISTED).map(name).collect();
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(char::is_whitespace) {
        format!("'{path}'")
    } else {
        path
    }
}
