//! Symbols that are pushed without a price although the market is open. One is thin or halted; all of them are a station
//! that must be started anew (seen in issue #1139 of kabucom/kabusapi).

use ayumi_engine::{Engine, Stamp, calendar};
use ayumi_wire::jst::Date;

/// The market is open for so long before anything is said.
const PATIENCE_MS: i64 = 60_000;
/// A single symbol may simply not have traded yet.
const PATIENCE_WITH_ONE_MS: i64 = 60 * 60_000;
/// Time between two looks.
const LOOK_MS: i64 = 1_000;
/// So many symbols are named.
const NAMED: usize = 10;

/// What was said today.
#[derive(Default)]
pub(super) struct Unpriced {
    look_at: Option<Stamp>,
    said_all: Option<Date>,
    said_some: Option<Date>,
}

impl Unpriced {
    /// A sentence, at most once a day for all symbols and once for some.
    pub(super) fn look(&mut self, engine: &Engine, tickers: &[String], now: Stamp) -> Option<String> {
        if self.look_at.is_some_and(|at| now < at) {
            return None;
        }
        self.look_at = Some(now.plus_ms(LOOK_MS));
        let open_for = |ms: i64| calendar::in_session(now) && calendar::in_session(now.plus_ms(-ms));
        if !open_for(PATIENCE_MS) {
            return None;
        }
        let today = now.date();
        let names: Vec<&str> = engine
            .unpriced()
            .filter_map(|symbol| tickers.get(symbol.index()).map(String::as_str))
            .collect();
        if names.is_empty() {
            None
        } else if !engine.is_priced() {
            (self.said_all.replace(today) != Some(today)).then(|| {
                format!(
                    "the market is open and every message comes without a price ({} symbols): restart kabu Station",
                    names.len()
                )
            })
        } else if open_for(PATIENCE_WITH_ONE_MS) {
            (self.said_some.replace(today) != Some(today)).then(|| some(&names))
        } else {
            None
        }
    }
}

fn some(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMED)].join(",");
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!(
        "no price since the open: {shown}{more}; their messages come without one (not traded, or halted), the other symbols go on"
    )
}
