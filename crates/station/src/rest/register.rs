//! The registration list: read back, add what is missing, find out what is wrong with the rest.
//!
//! Never unregisters (that is `remove`, and only by a command): the list belongs to all programs of the station. Its length is learnt from the answers, never
//! assumed (50 today, 100 announced, kabusapi #1091).

use ayumi_wire::rest::{Entry, RegisterAnswer, RegisterRequest};

use super::call::{self, Caller};
use super::{Registered, Registration, RestError};

const NOT_ANSWERED: &str = "not on the list that the station answered";

/// Makes sure that `symbols` are registered, the first ones first. What is on the list already is not sent.
pub(super) fn ensure(caller: &mut Caller, symbols: &[Entry]) -> Registration {
    Work::new(caller, symbols, false).done().report
}

/// Registers all of `symbols`, also what the list shows already (a slot that was only touched by `/board` may be shown
/// too, and gets no PUSH), and reads the list back at the end.
pub(super) fn add(caller: &mut Caller, symbols: &[Entry]) -> Registered {
    Work::new(caller, symbols, true).done()
}

struct Work<'w> {
    caller: &'w mut Caller,
    wanted: Vec<Entry>,
    /// Send all that is wanted, and read the list back at the end.
    thorough: bool,
    /// The station's list as last seen.
    list: Vec<Entry>,
    report: Registration,
}

impl<'w> Work<'w> {
    fn new(caller: &'w mut Caller, symbols: &[Entry], thorough: bool) -> Self {
        let mut wanted: Vec<Entry> = Vec::with_capacity(symbols.len());
        for symbol in symbols {
            if !wanted.contains(symbol) {
                wanted.push(symbol.clone());
            }
        }
        Self {
            caller,
            wanted,
            thorough,
            list: Vec::new(),
            report: Registration::default(),
        }
    }

    fn done(mut self) -> Registered {
        if let Err(e) = self.run() {
            self.report.error = Some(e);
        }
        self.report.registered = self.wanted.iter().filter(|w| self.list.contains(w)).count();
        self.report.on_list = self.list.len();
        Registered {
            report: self.report,
            list: self.list,
        }
    }

    fn run(&mut self) -> Result<(), RestError> {
        self.list = self.put(&[])?;
        let asked = if self.thorough {
            self.wanted.clone()
        } else {
            self.missing()
        };
        if asked.is_empty() {
            return Ok(());
        }
        match self.put(&asked) {
            Ok(list) => {
                self.see(list);
                for left in self.missing() {
                    self.report.refused.push((left, NOT_ANSWERED.to_owned()));
                }
            }
            // The answer does not say which one was bad (kabusapi #277, #651), nor whether the others were kept.
            Err(RestError::SomeNotRegistered(_) | RestError::UnknownSymbol(_) | RestError::ListFull(_)) => {
                let list = self.put(&[])?;
                self.see(list);
                self.one_by_one()?;
            }
            Err(e) => return Err(e),
        }
        if self.thorough {
            let list = self.put(&[])?;
            self.see(list);
        }
        Ok(())
    }

    fn one_by_one(&mut self) -> Result<(), RestError> {
        let mut missing = self.missing().into_iter();
        while let Some(symbol) = missing.next() {
            match self.put(std::slice::from_ref(&symbol)) {
                Ok(list) => {
                    let there = list.contains(&symbol);
                    self.see(list);
                    if !there {
                        self.report.refused.push((symbol, NOT_ANSWERED.to_owned()));
                    }
                }
                Err(RestError::ListFull(_)) => {
                    self.report.not_fitting.push(symbol);
                    self.report.not_fitting.extend(missing);
                    return Ok(());
                }
                Err(e @ (RestError::SomeNotRegistered(_) | RestError::UnknownSymbol(_) | RestError::Server(_))) => {
                    self.report.refused.push((symbol, e.to_string()));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn missing(&self) -> Vec<Entry> {
        self.wanted.iter().filter(|w| !self.list.contains(w)).cloned().collect()
    }

    /// Takes a new state of the list and reports what came in with it.
    fn see(&mut self, list: Vec<Entry>) {
        let new = self
            .wanted
            .iter()
            .filter(|w| list.contains(w) && !self.list.contains(w));
        self.report.added.extend(new.cloned());
        self.list = list;
    }

    fn put(&mut self, symbols: &[Entry]) -> Result<Vec<Entry>, RestError> {
        put(self.caller, "register", symbols)
    }
}

/// Sends symbols (none: only reads) and returns the list that the station answers.
pub(super) fn put(caller: &mut Caller, what: &str, symbols: &[Entry]) -> Result<Vec<Entry>, RestError> {
    let body = serde_json::to_vec(&RegisterRequest {
        symbols: symbols.to_vec(),
    })
    .unwrap_or_default();
    let answer = caller.call_patiently(&call::put(&format!("/kabusapi/{what}"), body))?;
    list_of(&answer)
}

/// The list in an answer.
pub(super) fn list_of(answer: &[u8]) -> Result<Vec<Entry>, RestError> {
    let answer: RegisterAnswer =
        serde_json::from_slice(answer).map_err(|_| RestError::BadBody("no registration list"))?;
    Ok(answer.regist_list)
}
