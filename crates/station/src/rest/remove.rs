//! Taking symbols off the registration list. Only a command does this, on the user's word.

use ayumi_wire::rest::Entry;

use super::call::{self, Caller};
use super::register::{list_of, put};
use super::{Removal, RestError};

/// Takes `symbols` off, those that only `/board` or `/symbol` touched too: they hold slots without being shown.
pub(super) fn some(caller: &mut Caller, symbols: &[Entry]) -> Removal {
    let mut asked: Vec<Entry> = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        if !asked.contains(symbol) {
            asked.push(symbol.clone());
        }
    }
    Work::new(caller).done(Some(asked))
}

/// Takes everything off.
pub(super) fn all(caller: &mut Caller) -> Removal {
    Work::new(caller).done(None)
}

struct Work<'w> {
    caller: &'w mut Caller,
    before: Vec<Entry>,
    report: Removal,
}

impl<'w> Work<'w> {
    fn new(caller: &'w mut Caller) -> Self {
        Self {
            caller,
            before: Vec::new(),
            report: Removal::default(),
        }
    }

    /// `None` = everything.
    fn done(mut self, asked: Option<Vec<Entry>>) -> Removal {
        if let Err(e) = self.run(asked) {
            self.report.error = Some(e);
        }
        self.report
    }

    fn run(&mut self, asked: Option<Vec<Entry>>) -> Result<(), RestError> {
        self.before = self.read()?;
        self.report.list.clone_from(&self.before);
        let asked = match asked {
            Some(asked) if asked.is_empty() => return Ok(()),
            Some(asked) => {
                self.report.absent = asked.iter().filter(|s| !self.before.contains(s)).cloned().collect();
                self.take_off(&asked)?;
                asked
            }
            None => {
                let request = call::put("/kabusapi/unregister/all", Vec::new());
                list_of(&self.caller.call_patiently(&request)?)?;
                self.before.clone()
            }
        };
        let outcome = self.one_by_one(&asked);
        let report = &mut self.report;
        report.remaining.retain(|(symbol, _)| report.list.contains(symbol));
        let gone = |s: &&Entry| self.before.contains(s) && !report.list.contains(s);
        report.removed = asked.iter().filter(gone).cloned().collect();
        outcome
    }

    /// One request for all. What holds no slot makes it fail, perhaps without any effect: the list tells.
    fn take_off(&mut self, asked: &[Entry]) -> Result<(), RestError> {
        match put(self.caller, "unregister", asked) {
            Err(RestError::SomeNotRemoved(_) | RestError::UnknownSymbol(_)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Reads the list back and tries what is left on it.
    fn one_by_one(&mut self, asked: &[Entry]) -> Result<(), RestError> {
        self.report.list = self.read()?;
        let left: Vec<&Entry> = asked.iter().filter(|s| self.report.list.contains(s)).collect();
        if left.is_empty() {
            return Ok(());
        }
        for symbol in left {
            let reason = match put(self.caller, "unregister", std::slice::from_ref(symbol)) {
                Ok(_) => "it stays on the list that the station answers".to_owned(),
                Err(e @ (RestError::SomeNotRemoved(_) | RestError::UnknownSymbol(_) | RestError::Server(_))) => {
                    e.to_string()
                }
                Err(e) => return Err(e),
            };
            self.report.remaining.push((symbol.clone(), reason));
        }
        self.report.list = self.read()?;
        Ok(())
    }

    fn read(&mut self) -> Result<Vec<Entry>, RestError> {
        put(self.caller, "register", &[])
    }
}
