//! Bends of times: wrong days, lag, foreign offsets, fractions.

use ayumi_wire::jst;

use super::dice::Dice;
use super::fields::Fields;

const DAY_S: i64 = 86_400;
/// 00:10:39, the last second of the wrong dates seen (kabusapi issues 537, 869).
const WRONG_UNTIL_S: u32 = 639;
/// `YYYY-MM-DDTHH:MM:SS`.
const DIGITS: usize = 19;

/// The dates of the day before, where and when derivatives show them, or always.
pub(super) fn yesterday(fields: &mut Fields, always: bool) -> bool {
    let exchange = fields.number("Exchange").and_then(|n| n.whole()).map(|n| n.0);
    if !always && !matches!(exchange, Some(2 | 23 | 24)) {
        return false;
    }
    let is_night =
        |text: &str| jst::parse(text.as_bytes()).is_some_and(|t| jst::second_of_day(t.unix_s) <= WRONG_UNTIL_S);
    let mut changed = false;
    for key in ["CurrentPriceTime", "TradingVolumeTime"] {
        let Some(text) = fields.text(key).filter(|text| always || is_night(text)) else {
            continue;
        };
        if let Some(early) = shifted(&text, -DAY_S) {
            changed |= fields.set(key, &format!("\"{early}\""));
        }
    }
    if changed && let Some(early) = fields.text("PreviousCloseTime").and_then(|text| shifted(&text, -DAY_S)) {
        fields.set("PreviousCloseTime", &format!("\"{early}\""));
    }
    changed
}

/// All times moved by so many seconds; that of the previous close by whole days only.
pub(crate) fn moved(fields: &mut Fields, seconds: i64) -> bool {
    each_time(fields, &mut |key, text| {
        let seconds = match key {
            "PreviousCloseTime" => seconds / DAY_S * DAY_S,
            _ => seconds,
        };
        shifted(text, seconds)
    })
}

/// Another offset behind the same digits.
pub(super) fn offset(fields: &mut Fields, offset: &str) -> bool {
    each_time(fields, &mut |_, text| {
        let tail = text.get(DIGITS..)?;
        let at = tail.find(['+', '-', 'Z']).unwrap_or(tail.len());
        Some(format!("{}{offset}", &text[..DIGITS + at]))
    })
}

/// Milliseconds.
pub(super) fn fractions(fields: &mut Fields, dice: &mut Dice) -> bool {
    each_time(fields, &mut |_, text| {
        let tail = text.get(DIGITS..).filter(|tail| !tail.starts_with('.'))?;
        Some(format!("{}.{:03}{tail}", &text[..DIGITS], 1 + dice.below(999)))
    })
}

/// Offers every time, without its quotation marks.
fn each_time(fields: &mut Fields, change: &mut dyn FnMut(&str, &str) -> Option<String>) -> bool {
    fields.each(&mut |key, raw| {
        let text = raw.strip_prefix('"')?.strip_suffix('"')?;
        let is_time = key.ends_with("Time") && jst::parse(text.as_bytes()).is_some();
        Some(format!("\"{}\"", is_time.then(|| change(key, text)).flatten()?))
    })
}

/// The same time so many seconds later, with whatever stood behind its digits.
fn shifted(text: &str, seconds: i64) -> Option<String> {
    let time = jst::parse(text.as_bytes())?;
    let moved = jst::iso_s(time.unix_s.checked_add(seconds)?);
    Some(format!("{}{}", moved.get(..DIGITS)?, text.get(DIGITS..)?))
}
