//! Whether an action can happen here at all: what would quietly do nothing is refused.

use ayumi_engine::Symbol;

use super::Step;
use crate::action::{Action, Problems, What};
use crate::config::Source;

/// So many symbols are named in a message.
const NAMED: usize = 8;

/// What actions of the market find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traded(Option<Vec<Symbol>>);

impl Traded {
    /// The symbols of a generated market; other sources have none that could be told what to do.
    pub(crate) fn of(source: &Source) -> Self {
        Self(match source {
            Source::Market(market) => Some(market.symbols.clone()),
            Source::Silent | Source::Recording(_) | Source::Lines(_) => None,
        })
    }

    pub(crate) fn is_market(&self) -> bool {
        self.0.is_some()
    }

    /// # Errors
    /// An action of the market where none is generated, or for symbols that it does not have.
    pub(crate) fn check(&self, action: &Action) -> Result<(), Problems> {
        let What::Market(symbols, _) = &action.what else {
            return Ok(());
        };
        let Some(traded) = &self.0 else {
            return Err(Problems::one(
                "do",
                format!(
                    "{}: only a generated market can do that, and here a recording plays, or nothing. Leave it away, or \
                     generate a market (without --play)",
                    action.name()
                ),
            ));
        };
        let missing: Vec<Symbol> = symbols.iter().filter(|s| !traded.contains(s)).cloned().collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Problems::one(
                "symbol",
                format!(
                    "{}: there is no {} here. There are: {}",
                    action.name(),
                    named(&missing),
                    named(traded)
                ),
            )),
        }
    }

    /// # Errors
    /// Everything in a script that cannot happen.
    pub(crate) fn check_script(&self, steps: &[Step]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        for action in steps.iter().flat_map(|step| &step.actions) {
            if let Err(more) = self.check(action) {
                problems.0.extend(more.0);
            }
        }
        problems.or(())
    }
}

/// `7203, 9984 and 48 more`.
pub(crate) fn named(symbols: &[Symbol]) -> String {
    let first: Vec<String> = symbols.iter().take(NAMED).map(Symbol::ticker).collect();
    match symbols.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
