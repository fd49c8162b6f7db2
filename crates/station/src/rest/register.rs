//! The registration list: read back, add what is missing, find out what is wrong with the rest.
//!
//! Never unregisters: the list belongs to all programs of the station. Its length is learnt from the answers, never
//! assumed (50 today, 100 announced, kabusapi #1091).

use ayumi_wire::rest::{Entry, RegisterAnswer, RegisterRequest};

use super::call::{self, Caller};
use super::{Registration, RestError};

/// Makes sure that `symbols` are registered, the first ones first.
pub(super) fn ensure(caller: &mut Caller<'_>, symbols: &[Entry]) -> Registration {
    let mut wanted: Vec<Entry> = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        if !wanted.contains(symbol) {
            wanted.push(symbol.clone());
        }
    }
    let mut work = Work {
        caller,
        wanted,
        list: Vec::new(),
        report: Registration::default(),
    };
    if let Err(e) = work.run() {
        work.report.error = Some(e);
    }
    work.report.registered = work.wanted.iter().filter(|w| work.list.contains(w)).count();
    work.report.on_list = work.list.len();
    work.report
}

struct Work<'w, 'c> {
    caller: &'w mut Caller<'c>,
    wanted: Vec<Entry>,
    /// The station's list as last seen.
    list: Vec<Entry>,
    report: Registration,
}

impl Work<'_, '_> {
    fn run(&mut self) -> Result<(), RestError> {
        self.list = self.put(&[])?;
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        match self.put(&missing) {
            Ok(list) => {
                self.see(list);
                for left in self.missing() {
                    self.report
                        .refused
                        .push((left, "not on the list that the station answered".to_owned()));
                }
                Ok(())
            }
            // The answer does not say which one was bad (kabusapi #277, #651), nor whether the others were kept.
            Err(RestError::SomeNotRegistered(_) | RestError::UnknownSymbol(_) | RestError::ListFull(_)) => {
                let list = self.put(&[])?;
                self.see(list);
                self.one_by_one()
            }
            Err(e) => Err(e),
        }
    }

    fn one_by_one(&mut self) -> Result<(), RestError> {
        let mut missing = self.missing().into_iter();
        while let Some(symbol) = missing.next() {
            match self.put(std::slice::from_ref(&symbol)) {
                Ok(list) => {
                    let there = list.contains(&symbol);
                    self.see(list);
                    if !there {
                        self.report
                            .refused
                            .push((symbol, "not on the list that the station answered".to_owned()));
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
        let body = serde_json::to_vec(&RegisterRequest {
            symbols: symbols.to_vec(),
        })
        .unwrap_or_default();
        let answer = self.caller.call_patiently(&call::put("/kabusapi/register", body))?;
        let answer: RegisterAnswer =
            serde_json::from_slice(&answer).map_err(|_| RestError::BadBody("no registration list"))?;
        Ok(answer.regist_list)
    }
}
