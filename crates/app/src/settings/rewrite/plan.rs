//! Where new entries go in the text of a settings file, and how they look there. Pure.

use std::ops::Range;

use ayumi_engine::Symbol;
use ayumi_wire::num::{Decimal, Price};
use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::super::decode::{self, Decoded};
use super::super::reader::property;
use super::super::syntax;
use super::{Bounds, Change, What};
use crate::text;

/// Longest old value that is repeated, in characters.
const QUOTE: usize = 60;

/// The file with these bounds in `price_guard`, and what that changes.
///
/// # Errors
/// One sentence when the file is not understood or would not be afterwards.
pub(super) fn spliced(bytes: &[u8], bounds: &[Bounds]) -> Result<(Vec<u8>, Vec<Change>), String> {
    let decoded = decode::decode(bytes)?;
    let (edits, changes) = plan(&decoded.text, bounds)?;
    let new = applied(bytes, &decoded, &edits);
    check(&new, bounds)?;
    Ok((new, changes))
}

/// A piece of the text and what stands there instead; ASCII.
type Edit = (Range<usize>, String);

/// The bytes with the edits in them.
fn applied(bytes: &[u8], file: &Decoded, edits: &[Edit]) -> Vec<u8> {
    let mut new = Vec::with_capacity(bytes.len() + edits.iter().map(|(_, with)| 2 * with.len()).sum::<usize>());
    let mut done = 0;
    for (at, with) in edits {
        let [start, end] = [at.start, at.end].map(|at| file.form.place(bytes, &file.text, at));
        new.extend_from_slice(&bytes[done..start]);
        new.extend(file.form.ascii(with));
        done = end;
    }
    new.extend_from_slice(&bytes[done..]);
    new
}

/// The new file must be read as what was meant.
fn check(new: &[u8], bounds: &[Bounds]) -> Result<(), String> {
    let wrong = || "its new text would not be what was meant; please report this with the file".to_owned();
    let decoded = decode::decode(new)?;
    let root = root_of(&decoded.text)?;
    let found = |symbol: &Symbol| match property(&root, "price_guard").map(|p| &p.value) {
        Some(Value::Object(guards)) => entry(guards, symbol).and_then(|p| pair(&p.value)),
        _ => None,
    };
    let as_meant = |(symbol, min, max): &Bounds| found(symbol) == Some((*min, *max));
    if bounds.iter().all(as_meant) {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn plan(text: &str, bounds: &[Bounds]) -> Result<(Vec<Edit>, Vec<Change>), String> {
    let root = root_of(text)?;
    let style = Style::of(text, &root);
    let (mut edits, mut changes, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    let section = property(&root, "price_guard");
    let guards = match section.map(|p| &p.value) {
        None | Some(Value::NullKeyword(_)) => None,
        Some(Value::Object(guards)) => Some(guards),
        Some(_) => return Err("price_guard in it is no object in braces { }".to_owned()),
    };
    for (symbol, min, max) in bounds {
        let what = match guards.and_then(|guards| entry(guards, symbol)) {
            Some(old) if pair(&old.value) == Some((*min, *max)) => What::Unchanged,
            Some(old) => {
                let range = old.value.range();
                edits.push((range.start..range.end, object(*min, *max)));
                let was = text::cut(&text::one_line(old.value.text(text)), QUOTE);
                What::Replaced(was)
            }
            None => {
                fresh.push(format!("\"{}\": {}", symbol.ticker(), object(*min, *max)));
                What::New
            }
        };
        let symbol = symbol.clone();
        changes.push(Change { symbol, what });
    }
    if !fresh.is_empty() {
        edits.push(match section {
            Some(section) => {
                let indent = style.indent(text, section.range.start);
                match guards {
                    Some(guards) => style.added(text, guards, &fresh, indent),
                    None => {
                        let null = section.value.range();
                        (null.start..null.end, style.section(&fresh, indent))
                    }
                }
            }
            None => {
                let indent = match root.properties.last() {
                    Some(last) => style.indent(text, last.range.start),
                    None => Some(style.step.as_str()).filter(|_| style.lines),
                };
                let section = format!("\"price_guard\": {}", style.section(&fresh, indent));
                style.added(text, &root, &[section], Some("").filter(|_| style.lines))
            }
        });
    }
    edits.sort_by_key(|(at, _)| at.start);
    Ok((edits, changes))
}

/// How the file is laid out.
struct Style {
    /// Entries stand on lines of their own.
    lines: bool,
    newline: &'static str,
    /// One level of indentation.
    step: String,
}

impl Style {
    fn of(text: &str, root: &Object<'_>) -> Self {
        let newline = match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        };
        let first = root.properties.first().and_then(|p| line_indent(text, p.range.start));
        Self {
            lines: first.is_some() || root.properties.is_empty() && text.contains('\n'),
            newline,
            step: first.filter(|indent| !indent.is_empty()).unwrap_or("  ").to_owned(),
        }
    }

    /// The indentation at a place, when it begins a line; `None` = it stands behind something.
    fn indent<'t>(&self, text: &'t str, at: usize) -> Option<&'t str> {
        line_indent(text, at).filter(|_| self.lines)
    }

    /// The edit that adds entries to an object; `own` is the indentation of the line on which it begins.
    fn added(&self, text: &str, object: &Object<'_>, entries: &[String], own: Option<&str>) -> Edit {
        if let Some(last) = object.properties.last() {
            let end = last.value.range().end;
            let before = match self.indent(text, last.range.start) {
                Some(indent) => format!(",{}{indent}", self.newline),
                None => ", ".to_owned(),
            };
            return (
                end..end,
                entries.iter().map(|entry| format!("{before}{entry}")).collect(),
            );
        }
        let (start, end) = (object.range.start + 1, object.range.end - 1);
        // A comment between the braces stays behind the new entries.
        let end = if text[start..end].trim().is_empty() { end } else { start };
        (start..end, self.inside(entries, own))
    }

    /// An object of these entries; `indent` is that of the line on which it begins, when it has a line of its own.
    fn section(&self, entries: &[String], indent: Option<&str>) -> String {
        format!("{{{}}}", self.inside(entries, indent))
    }

    fn inside(&self, entries: &[String], indent: Option<&str>) -> String {
        let Some(indent) = indent else {
            return entries.join(", ");
        };
        let line = format!("{}{indent}{}", self.newline, self.step);
        let lines: Vec<String> = entries.iter().map(|entry| format!("{line}{entry}")).collect();
        format!("{}{}{indent}", lines.join(","), self.newline)
    }
}

/// The blanks before a place, when nothing else stands before it in its line.
fn line_indent(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].rfind('\n')? + 1;
    let before = &text[start..at];
    before.chars().all(|c| c == ' ' || c == '\t').then_some(before)
}

/// Comments are understood, so that they can be kept; whether they are allowed is not decided here.
fn root_of(text: &str) -> Result<Object<'_>, String> {
    match syntax::with_comments(text) {
        Some(Value::Object(root)) => Ok(root),
        Some(_) => Err("it is no object in braces { }".to_owned()),
        None => Err("it is no JSON any more".to_owned()),
    }
}

/// The entry of a symbol, however its key is spelt.
fn entry<'o, 'a>(guards: &'o Object<'a>, symbol: &Symbol) -> Option<&'o ObjectProp<'a>> {
    let is_it = |p: &&ObjectProp<'_>| p.name.as_str().parse::<Symbol>().as_ref() == Ok(symbol);
    guards.properties.iter().find(is_it)
}

/// Both bounds of an entry that is written as we would, or with other names; anything else is replaced.
fn pair(value: &Value<'_>) -> Option<(Price, Price)> {
    let price = |value: &Value<'_>| match value {
        Value::NumberLit(number) => Decimal::parse(number.value).filter(|d| d.exact).map(|d| Price(d.e4)),
        _ => None,
    };
    match value {
        Value::Object(object) if object.properties.len() == 2 => {
            let [min, max] = [["min", "low"], ["max", "high"]]
                .map(|names| names.iter().find_map(|name| price(&property(object, name)?.value)));
            Some((min?, max?))
        }
        Value::Array(list) if list.elements.len() == 2 => Some((price(&list.elements[0])?, price(&list.elements[1])?)),
        _ => None,
    }
}

fn object(min: Price, max: Price) -> String {
    format!("{{\"min\": {}, \"max\": {}}}", number(min), number(max))
}

/// `400`, `400.5`.
fn number(price: Price) -> String {
    let written = price.to_string();
    written.strip_suffix(".0").map_or(written.clone(), str::to_owned)
}

#[cfg(test)]
mod tests;
