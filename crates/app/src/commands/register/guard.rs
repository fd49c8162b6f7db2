//! `--write-guard`: the day's price limits from `/symbol` into `price_guard`.

use std::path::Path;

use ayumi_engine::Symbol;
use ayumi_station::{Client, RestError};
use ayumi_wire::num::Price;
use ayumi_wire::rest::SymbolAnswer;

use super::{entry, exit_of, say};
use crate::exit::Exit;
use crate::settings::Settings;
use crate::settings::rewrite::{self, Bounds, Change, What};

/// Calls per second: the worker's pace.
const PER_SECOND: usize = 8;

/// What was done.
pub(super) struct Written {
    /// One line for programs and for a last look.
    pub line: String,
    /// The station refused at least one symbol.
    pub failed: bool,
}

/// Asks for the limits of all symbols, then writes them at once. An error that is about the station, not about one
/// symbol, ends it with nothing written.
pub(super) fn write(
    client: &mut Client,
    settings: &Settings,
    config: &Path,
    symbols: &[Symbol],
) -> Result<Written, Exit> {
    log::info!(
        "asking /symbol for the price limits of {} symbols, at least {} s",
        symbols.len(),
        symbols.len().div_ceil(PER_SECOND)
    );
    let asked = ask(client, symbols).map_err(|error| {
        say::failed(settings, "price limits", &error);
        log::warn!("{} was not changed", config.display());
        exit_of(&error)
    })?;
    if !asked.without.is_empty() {
        let names: Vec<String> = asked.without.iter().map(Symbol::ticker).collect();
        log::warn!(
            "no price limits at the station, the guard stays as it is: {}",
            names.join(", ")
        );
    }
    let changes = rewrite::price_guard(config, &asked.bounds).map_err(|error| {
        log::error!("{error}");
        Exit::Usage
    })?;
    for (change, (_, min, max)) in changes.iter().zip(&asked.bounds) {
        say_change(change, *min, *max);
    }
    let unchanged = changes.iter().filter(|change| change.what == What::Unchanged).count();
    let written = changes.len() - unchanged;
    if written > 0 {
        log::info!("a running ayumi stream takes the new guard at its next start");
    }
    Ok(Written {
        line: format!(
            "price_guard written={written} unchanged={unchanged} without_limits={} failed={} file={}",
            asked.without.len(),
            asked.failed,
            config.display()
        ),
        failed: asked.failed > 0,
    })
}

fn say_change(change: &Change, min: Price, max: Price) {
    let ticker = change.symbol.ticker();
    match &change.what {
        What::New => log::info!("price_guard {ticker}: {min}..{max} (new)"),
        What::Replaced(was) => log::info!("price_guard {ticker}: {min}..{max} (was {was})"),
        What::Unchanged => log::debug!("price_guard {ticker}: {min}..{max} (unchanged)"),
    }
}

#[derive(Default)]
struct Asked {
    bounds: Vec<Bounds>,
    without: Vec<Symbol>,
    failed: usize,
}

fn ask(client: &mut Client, symbols: &[Symbol]) -> Result<Asked, RestError> {
    let mut asked = Asked::default();
    for symbol in symbols {
        match client.symbol(&entry(symbol)) {
            Ok(body) => match limits(&body, symbol) {
                Some((min, max)) => asked.bounds.push((symbol.clone(), min, max)),
                None => asked.without.push(symbol.clone()),
            },
            Err(error) if is_about_one(&error) => {
                log::warn!(
                    "no price limits for {}: {error}; its guard stays as it is",
                    symbol.ticker()
                );
                asked.failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(asked)
}

/// The limits in an answer; of another symbol, or of none, they do not count.
fn limits(body: &[u8], symbol: &Symbol) -> Option<(Price, Price)> {
    let answer: SymbolAnswer<'_> = serde_json::from_slice(body).ok()?;
    if answer.symbol.as_ref().is_some_and(|code| *code != symbol.code) {
        return None;
    }
    answer.limits()
}

fn is_about_one(error: &RestError) -> bool {
    matches!(
        error,
        RestError::UnknownSymbol(_) | RestError::ListFull(_) | RestError::Server(_) | RestError::BadBody(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_another_symbol_do_not_count() {
        let body = br#"{"Symbol":"7203","UpperLimit":3105.0,"LowerLimit":2105.0}"#;
        let yen = |min, max| Some((Price::from_yen(min), Price::from_yen(max)));
        assert_eq!(limits(body, &Symbol::tse("7203")), yen(2105, 3105));
        assert_eq!(limits(body, &Symbol::tse("9984")), None);
        assert_eq!(
            limits(br#"{"UpperLimit":200,"LowerLimit":100}"#, &Symbol::tse("9984")),
            yen(100, 200)
        );
        assert_eq!(limits(b"{}", &Symbol::tse("9984")), None);
        assert_eq!(limits(b"no json", &Symbol::tse("9984")), None);
    }
}
