//! Bends of the way a message is written: numbers, texts, keys. What it says stays, but for odd values.

use super::dice::Dice;
use super::fields::{Fields, is_number};

/// These are whole numbers by nature, and stay so.
const CODES: [&str; 3] = ["Exchange", "SecurityType", "CurrentPriceStatus"];
/// Values nobody can use where a number stands.
const ODD: [&str; 8] = [
    "-1.0",
    "1e400",
    "-0.0",
    "true",
    "{}",
    "[]",
    "\"abc\"",
    "99999999999999999999999999",
];
/// Values of keys nobody knows.
const UNKNOWN: [&str; 6] = [
    "\"新しい項目\"",
    "12.5",
    "null",
    "[1,2.0,{\"a\":null}]",
    "{\"Symbol\":\"0000\",\"Price\":1.0}",
    "true",
];
/// No message becomes longer.
const HUGE: usize = 64 << 20;

/// `100.0` becomes `100`.
pub(super) fn integers(fields: &mut Fields) -> bool {
    fields.each(&mut |_, raw| {
        let (whole, decimals) = raw.split_once('.').filter(|_| is_number(raw))?;
        decimals.bytes().all(|b| b == b'0').then(|| whole.to_owned())
    })
}

/// `1002.5` becomes `1.0025E3`.
pub(super) fn exponents(fields: &mut Fields) -> bool {
    fields.each(&mut |key, raw| {
        let plain = is_number(raw) && !raw.contains(['e', 'E']) && !CODES.contains(&key);
        plain.then(|| scientific(raw))
    })
}

fn scientific(raw: &str) -> String {
    let (sign, digits) = match raw.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", raw),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{decimals}");
    let Some(first) = all.find(|c| c != '0') else {
        return format!("{sign}0E0");
    };
    let (lead, tail) = all[first..].split_at(1);
    let point = if tail.is_empty() { "" } else { "." };
    // The exponent is that of the first digit that is not 0.
    let exponent = whole.len() as i64 - 1 - first as i64;
    format!("{sign}{lead}{point}{tail}E{exponent}")
}

/// `1002.5` becomes `"1002.5"`.
pub(super) fn number_strings(fields: &mut Fields) -> bool {
    fields.each(&mut |key, raw| (is_number(raw) && !CODES.contains(&key)).then(|| format!("\"{raw}\"")))
}

/// One number becomes something else.
pub(super) fn odd_value(fields: &mut Fields, dice: &mut Dice) -> bool {
    let odd = ODD[dice.below(ODD.len())];
    one_number(fields, dice, odd)
}

/// Replaces one number, drawn.
pub(super) fn one_number(fields: &mut Fields, dice: &mut Dice, new: &str) -> bool {
    let mut count = 0;
    fields.each(&mut |_, raw| {
        count += usize::from(is_number(raw));
        None
    });
    let mut left = dice.below(count);
    fields.each(&mut |_, raw| {
        if !is_number(raw) || left == usize::MAX {
            return None;
        }
        left = left.wrapping_sub(1);
        (left == usize::MAX).then(|| new.to_owned())
    })
}

/// `東` becomes `\u6771`.
pub(super) fn escapes(fields: &mut Fields) -> bool {
    fields.each(&mut |_, raw| {
        if raw.is_ascii() {
            return None;
        }
        let mut out = String::with_capacity(raw.len() * 2);
        for c in raw.chars() {
            match c.is_ascii() {
                true => out.push(c),
                false => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        Some(out)
    })
}

/// Any order.
pub(super) fn key_order(fields: &mut Fields, dice: &mut Dice) -> bool {
    for at in (1..fields.list.len()).rev() {
        fields.list.swap(at, dice.below(at + 1));
    }
    fields.list.len() > 1
}

/// Keys nobody knows.
pub(super) fn unknown_keys(fields: &mut Fields, dice: &mut Dice, count: u64) -> bool {
    for n in 1..=count.min(10_000) {
        let at = dice.below(fields.list.len() + 1);
        let value = UNKNOWN[dice.below(UNKNOWN.len())];
        fields.list.insert(at, (format!("NewItem{n}"), value.to_owned()));
    }
    count > 0
}

/// These keys, or a drawn one, are not there.
pub(super) fn missing_key(fields: &mut Fields, dice: &mut Dice, keys: &[String]) -> bool {
    let before = fields.list.len();
    match keys {
        [] if before > 0 => drop(fields.list.remove(dice.below(before))),
        _ => fields.list.retain(|(key, _)| !keys.contains(key)),
    }
    fields.list.len() < before
}

/// One key that makes the message at least so long.
pub(super) fn huge(fields: &mut Fields, dice: &mut Dice, bytes: u64) -> bool {
    let wanted = usize::try_from(bytes).unwrap_or(HUGE).min(HUGE);
    let padding = "x".repeat(wanted.saturating_sub(fields.written().len()));
    let at = dice.below(2) * fields.list.len();
    fields.list.insert(at, ("Padding".to_owned(), format!("\"{padding}\"")));
    true
}
