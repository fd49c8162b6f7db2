//! Messages on their way to the client, bent as [`Messages`] says. Pure: text, what the symbol's messages before were,
//! and seeded dice give texts. Owns no socket and no clock, and does not decide which messages there are.
//!
//! A message that no fault hits passes byte for byte; in one that is hit, fields that are not meant keep their place and
//! the way they are written.

mod broken;
mod dice;
mod fields;
mod style;
#[cfg(test)]
mod tests;
mod times;
mod values;

use std::collections::HashMap;

pub(super) use self::dice::Dice;
pub(crate) use self::fields::Fields;
pub(crate) use self::times::moved;
use crate::faults::{Bend, Dose, How, Messages};

/// What has passed, and the seed.
#[derive(Default)]
pub(super) struct Bender {
    seed: u64,
    symbols: HashMap<String, Memory>,
    /// The message before, of whatever symbol.
    other: Option<Fields>,
    /// Names of the faults applied since the last look.
    applied: Vec<&'static str>,
}

/// What has passed of one symbol.
#[derive(Default)]
struct Memory {
    /// Messages so far.
    number: u64,
    /// The message before, as it came.
    before: Option<Fields>,
    /// The message before, as it went.
    sent: Option<Vec<u8>>,
    /// A message that waits for the next one.
    waiting: Option<Fields>,
    /// Shares by which volumes are lowered lastingly.
    lower: u64,
}

impl Bender {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// What goes out instead of `text`: none when it has to wait, several when it is repeated.
    pub fn bend(&mut self, text: &[u8], messages: &Messages) -> Vec<Vec<u8>> {
        let fields = Fields::split(text);
        let ticker = fields.as_ref().and_then(ticker).unwrap_or_default();
        let mut memory = self.symbols.remove(&ticker).unwrap_or_default();
        memory.number += 1;
        let mut job = Job {
            seed: self.seed,
            ticker: &ticker,
            messages,
            memory: &mut memory,
            other: self.other.as_ref(),
            applied: &mut self.applied,
        };
        let out = job.run(text, fields.clone());
        memory.before.clone_from(&fields);
        self.other = fields.or(self.other.take());
        self.symbols.insert(ticker, memory);
        out
    }

    /// Names of the faults applied since the last call, one for each time.
    pub fn take_applied(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.applied)
    }
}

/// As the counters name it.
fn ticker(fields: &Fields) -> Option<String> {
    let code = fields.text("Symbol")?;
    let exchange = fields.number("Exchange").and_then(|n| n.whole()).map_or(1, |n| n.0);
    let symbol = ayumi_engine::Symbol {
        code,
        exchange: u16::try_from(exchange).unwrap_or(1),
    };
    Some(symbol.ticker())
}

/// One message being bent.
struct Job<'a> {
    seed: u64,
    ticker: &'a str,
    messages: &'a Messages,
    memory: &'a mut Memory,
    other: Option<&'a Fields>,
    applied: &'a mut Vec<&'static str>,
}

impl<'a> Job<'a> {
    fn run(&mut self, text: &[u8], fields: Option<Fields>) -> Vec<Vec<u8>> {
        let (text, waiting) = match fields {
            Some(fields) => match self.values(text, fields) {
                Some(both) => both,
                None => return Vec::new(),
            },
            None => (text.to_owned(), None),
        };
        let bytes = self.bytes(text);
        let mut out: Vec<Vec<u8>> = waiting.into_iter().collect();
        if let (Some(sent), Some(_)) = (self.memory.sent.clone(), self.hit(Bend::Repeated)) {
            self.note(Bend::Repeated);
            out.push(sent);
        }
        out.push(bytes.clone());
        if let Some((dose, _)) = self.hit(Bend::Duplicated) {
            let times = dose.by.unwrap_or(1).min(1_000);
            out.extend((0..times).map(|_| bytes.clone()));
            self.note(Bend::Duplicated);
        }
        self.memory.sent = Some(bytes);
        out
    }

    /// The message's fields bent, and one that has waited for it; `None` when it has to wait itself.
    fn values(&mut self, text: &[u8], mut fields: Fields) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut changed = self.lasting(&mut fields);
        let messages = self.messages;
        for &bend in messages.keys() {
            let Some((dose, mut dice)) = self.hit(bend) else {
                continue;
            };
            if self.field(bend, dose, &mut dice, &mut fields) {
                self.note(bend);
                changed = true;
            }
        }
        if let Some(mut waiting) = self.memory.waiting.take() {
            if swapped(&mut waiting, &mut fields) {
                self.note(Bend::PricesSwapped);
            }
            return Some((fields.written().into_bytes(), Some(waiting.written().into_bytes())));
        }
        if has_price(&fields) && self.hit(Bend::PricesSwapped).is_some() {
            self.memory.waiting = Some(fields);
            return None;
        }
        let text = match changed {
            true => fields.written().into_bytes(),
            false => text.to_owned(),
        };
        Some((text, None))
    }

    /// Volumes lowered once stay so while that fault is on.
    fn lasting(&mut self, fields: &mut Fields) -> bool {
        match self.messages.get(&Bend::VolumeBack).map(|dose| dose.how) {
            Some(Some(How::Lasting)) => self.memory.lower > 0 && values::lower(fields, self.memory.lower),
            _ => {
                self.memory.lower = 0;
                false
            }
        }
    }

    fn field(&mut self, bend: Bend, dose: &Dose, dice: &mut Dice, fields: &mut Fields) -> bool {
        let before = self.memory.before.as_ref();
        let by = |usual: u64| dose.by.unwrap_or(usual);
        let seconds = |usual: u64| i64::try_from(by(usual)).unwrap_or(i64::MAX);
        match bend {
            Bend::NullBlock => values::null_block(fields),
            Bend::PriceLate => values::price_late(fields, before),
            Bend::ValueLate => values::value_late(fields, before),
            Bend::VolumeBack => values::volume_back(fields, dose, self.memory),
            Bend::VolumeNull => values::volume_null(fields),
            Bend::Crossed => values::crossed(fields),
            Bend::Locked => values::locked(fields),
            Bend::ZeroQuotes => values::zero_quotes(fields),
            Bend::ZeroDepth => values::zero_depth(fields),
            Bend::ForeignDepth => values::foreign_depth(fields, self.other),
            Bend::Yesterday => times::yesterday(fields, dose.how == Some(How::Always)),
            Bend::OldDates => times::moved(fields, seconds(3).saturating_mul(-86_400)),
            Bend::Lag => times::moved(fields, -seconds(30)),
            Bend::Ahead => times::moved(fields, seconds(30)),
            Bend::Offset => times::offset(fields, dose.offset.as_deref().unwrap_or("+08:00")),
            Bend::Fractions => times::fractions(fields, dice),
            Bend::Integers => style::integers(fields),
            Bend::Exponents => style::exponents(fields),
            Bend::NumberStrings => style::number_strings(fields),
            Bend::OddValues => style::odd_value(fields, dice),
            Bend::Escapes => style::escapes(fields),
            Bend::KeyOrder => style::key_order(fields, dice),
            Bend::UnknownKeys => style::unknown_keys(fields, dice, by(3)),
            Bend::MissingKey => style::missing_key(fields, dice, &dose.keys),
            Bend::Huge => style::huge(fields, dice, by(2_000_000)),
            Bend::PricesSwapped
            | Bend::Malformed
            | Bend::Mutated
            | Bend::InvalidUtf8
            | Bend::Repeated
            | Bend::Duplicated => false,
        }
    }

    fn bytes(&mut self, mut text: Vec<u8>) -> Vec<u8> {
        for bend in [Bend::Malformed, Bend::Mutated, Bend::InvalidUtf8] {
            let Some((dose, mut dice)) = self.hit(bend) else {
                continue;
            };
            let changed = match bend {
                Bend::Malformed => broken::malformed(&mut text, &mut dice, dose.how),
                Bend::Mutated => broken::mutated(&mut text, &mut dice, dose.by.unwrap_or(1)),
                _ => broken::invalid_utf8(&mut text, &mut dice),
            };
            if changed {
                self.note(bend);
            }
        }
        text
    }

    /// The dose of a fault that hits this message, and dice for what it draws.
    fn hit(&self, bend: Bend) -> Option<(&'a Dose, Dice)> {
        let dose = self.messages.get(&bend).filter(|dose| dose.aims_at(self.ticker))?;
        let mut dice = Dice::new(self.seed, bend.name(), self.ticker, self.memory.number);
        dice.chance(dose.chance).then_some((dose, dice))
    }

    fn note(&mut self, bend: Bend) {
        if let Some(dose) = self.messages.get(&bend) {
            dose.use_up();
        }
        self.applied.push(bend.name());
    }
}

fn has_price(fields: &Fields) -> bool {
    fields.number("CurrentPrice").is_some()
}

/// Two messages show each other's price.
fn swapped(first: &mut Fields, second: &mut Fields) -> bool {
    let key = "CurrentPrice";
    let (Some(one), Some(two)) = (first.get(key).map(str::to_owned), second.get(key).map(str::to_owned)) else {
        return false;
    };
    has_price(second) && first.set(key, &two) && second.set(key, &one)
}
