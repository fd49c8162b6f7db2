//! What is watched: the list of symbols and the price guard.

use jsonc_parser::ast::{Object, Value};

use ayumi_engine::Symbol;
use ayumi_engine::symbol::SymbolError;
use ayumi_wire::num::{Decimal, Price};

use super::keys;
use super::reader::{Reader, join, span};
use super::{Overrides, Source};
use crate::text;

/// More than this has no id in the engine.
const MOST: usize = 65_535;

/// A guarded symbol with its lower and upper bound.
pub(super) type Guard = (Symbol, Option<Price>, Option<Price>);

/// The symbols of the file, or of the command line, without duplicates.
///
/// More than `limit`, the length of the station's list, is a warning.
pub(super) fn symbols(reader: &mut Reader<'_>, root: &Object<'_>, overrides: &Overrides, limit: u16) -> Vec<Symbol> {
    let before = reader.problems.len();
    let listed = from_file(reader, root);
    let (symbols, place) = match &overrides.symbols {
        Some(symbols) => {
            reader.sources.insert("symbols", Source::Flag("--symbols"));
            (symbols.clone(), "--symbols")
        }
        None => (listed, "symbols"),
    };
    let symbols = without_duplicates(reader, symbols, place);
    if symbols.is_empty() && !overrides.symbols_optional && reader.problems.len() == before {
        let what =
            format!("found no symbol  allowed: at least one, like [\"7203\", \"285A\", \"167060019@23\"] in {place}");
        reader.missing("symbols", what);
    }
    if symbols.len() > MOST {
        reader.missing(
            "symbols",
            format!("found {} symbols  allowed: at most {MOST}", symbols.len()),
        );
    } else if symbols.len() > usize::from(limit) {
        let what = format!(
            "symbols: {} are listed, but kabu Station streams at most {limit}",
            symbols.len()
        );
        reader.note(true, what);
    }
    symbols
}

fn from_file(reader: &mut Reader<'_>, root: &Object<'_>) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    let Some(value) = reader.get(root, "symbols") else {
        return symbols;
    };
    reader.sources.insert("symbols", Source::File);
    match value {
        Value::Array(list) => {
            for (index, element) in list.elements.iter().enumerate() {
                symbols.extend(symbol(reader, element, &format!("symbols[{index}]")));
            }
        }
        Value::StringLit(string) => {
            reader.note_at(
                value,
                "symbols",
                "one text was read as a list; write [\"7203\", \"9984\"]",
            );
            let separated = text::half_width(&string.value);
            for item in separated
                .split([',', ' ', '、', ';'])
                .filter(|item| !item.trim().is_empty())
            {
                match item.parse() {
                    Ok(symbol) => symbols.push(symbol),
                    Err(error) => reader.problem(span(value), "symbols", sentence(&error)),
                }
            }
        }
        Value::NumberLit(_) => symbols.extend(symbol(reader, value, "symbols")),
        _ => reader.wrong(value, "symbols", "a list like [\"7203\", \"9984@1\"]"),
    }
    symbols
}

fn symbol(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Option<Symbol> {
    let written = match value {
        Value::StringLit(string) if string.value.trim().is_empty() => {
            reader.note_at(value, key, "an empty entry was dropped");
            return None;
        }
        Value::StringLit(string) => string.value.to_string(),
        Value::NumberLit(number) => number.value.to_owned(),
        _ => {
            reader.wrong(value, key, "a code like \"7203\", \"285A\" or \"7203@1\"");
            return None;
        }
    };
    match written.parse() {
        Ok(symbol) => Some(symbol),
        Err(error) => {
            reader.problem(span(value), key, sentence(&error));
            None
        }
    }
}

fn without_duplicates(reader: &mut Reader<'_>, symbols: Vec<Symbol>, place: &str) -> Vec<Symbol> {
    let mut seen = std::collections::BTreeSet::new();
    let (mut kept, mut twice) = (Vec::new(), Vec::new());
    for symbol in symbols {
        if seen.insert(symbol.clone()) {
            kept.push(symbol);
        } else {
            twice.push(symbol.ticker());
        }
    }
    if !twice.is_empty() {
        reader.note(true, format!("{place}: listed twice, watched once: {}", some(&twice)));
    }
    kept
}

/// The guards of watched symbols that have at least one bound.
pub(super) fn guards(reader: &mut Reader<'_>, root: &Object<'_>, symbols: &[Symbol]) -> Vec<Guard> {
    let Some(section) = reader.section(root, "price_guard") else {
        return Vec::new();
    };
    reader.sources.insert("price_guard", Source::File);
    reader.refuse_duplicates(section, "price_guard");
    let (mut guards, mut strangers): (Vec<Guard>, _) = (Vec::new(), Vec::new());
    for property in &section.properties {
        let key = join("price_guard", property.name.as_str());
        let symbol = match property.name.as_str().parse::<Symbol>() {
            Ok(symbol) => symbol,
            Err(error) => {
                reader.problem(property.range.start..property.range.start + 1, &key, sentence(&error));
                continue;
            }
        };
        let (min, max) = bounds(reader, &property.value, &key);
        if guards.iter().any(|(other, ..)| *other == symbol) {
            let at = property.range.start..property.range.start + 1;
            reader.problem(
                at,
                &key,
                format!("{} has a guard already: remove one of the two", symbol.ticker()),
            );
        } else if !symbols.contains(&symbol) {
            strangers.push(symbol.ticker());
        } else if min.is_some() || max.is_some() {
            guards.push((symbol, min, max));
        }
    }
    // Without symbols there is a greater problem than strangers.
    if !strangers.is_empty() && !symbols.is_empty() {
        reader.note(
            false,
            format!(
                "price_guard: not among the symbols, so without effect: {}",
                some(&strangers)
            ),
        );
    }
    guards
}

/// The bounds in any of the documented spellings.
fn bounds(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> (Option<Price>, Option<Price>) {
    const ALLOWED: &str = "{\"min\": 400, \"max\": 6000}, [400, 6000], or one number as the upper bound";
    let (low, high) = match value {
        Value::Object(object) => {
            reader.refuse_duplicates(object, key);
            reader.name_misspelt(object, key, keys::GUARD);
            (
                either(reader, object, key, ["min", "low"]),
                either(reader, object, key, ["max", "high"]),
            )
        }
        Value::Array(list) if list.elements.len() == 2 => {
            let bound = |index: usize| Some((&list.elements[index], format!("{key}[{index}]")));
            (bound(0), bound(1))
        }
        Value::NumberLit(_) | Value::StringLit(_) => (None, Some((value, key.to_owned()))),
        Value::NullKeyword(_) => (None, None),
        _ => {
            reader.wrong(value, key, ALLOWED);
            (None, None)
        }
    };
    let min = low.as_ref().and_then(|(value, key)| price(reader, value, key));
    let max = high.as_ref().and_then(|(value, key)| price(reader, value, key));
    if let (Some(min), Some(max), Some((value, low_key))) = (min, max, &low)
        && min > max
    {
        reader.wrong(
            value,
            low_key,
            format_args!("at most the upper bound, {max} (the two may be swapped)"),
        );
    }
    (min, max)
}

/// The bound under its first name, else under its second; both at once is a problem.
fn either<'o, 'a>(
    reader: &mut Reader<'_>,
    object: &'o Object<'a>,
    key: &str,
    names: [&str; 2],
) -> Option<(&'o Value<'a>, String)> {
    let [first, second] = names.map(|name| reader.get(object, name).map(|value| (value, join(key, name))));
    if let (Some(_), Some((value, key))) = (&first, &second) {
        reader.wrong(
            value,
            key,
            format_args!("nothing beside \"{}\", which means the same", names[0]),
        );
    }
    first.or(second)
}

/// A price; 0 means "no bound", which is said.
fn price(reader: &mut Reader<'_>, value: &Value<'_>, key: &str) -> Option<Price> {
    if matches!(value, Value::NullKeyword(_)) {
        return None;
    }
    let allowed = "a price in yen from 0 to 1000000000000 (0: no bound)";
    let written = match value {
        Value::NumberLit(number) => number.value.to_owned(),
        Value::StringLit(string) => text::half_width(string.value.trim()),
        _ => String::new(),
    };
    // Exact from the text; the float only decides whether it stands in quotes or is no number at all.
    let decimal = reader.plain_number(value, key).and(Decimal::parse(&written));
    match decimal.map(|decimal| decimal.e4) {
        Some(0) => {
            reader.note(false, format!("{key}: 0 means no bound"));
            None
        }
        Some(e4) if (1..=10_000_000_000_000_000).contains(&e4) => Some(Price(e4)),
        _ => {
            reader.wrong(value, key, allowed);
            None
        }
    }
}

/// The error on one line; it quotes what was written, which may be anything.
fn sentence(error: &SymbolError) -> String {
    text::cut(&text::one_line(&error.to_string()), 200)
}

/// At most ten of them, and how many more there are.
fn some(tickers: &[String]) -> String {
    match tickers.len() {
        0..=10 => tickers.join(", "),
        n => format!("{} and {} more", tickers[..10].join(", "), n - 10),
    }
}
