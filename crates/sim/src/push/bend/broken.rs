//! Bends of the bytes: what comes out need not be JSON.

use super::dice::Dice;
use super::fields::Fields;
use super::style;
use crate::faults::How;

/// No JSON any more, but UTF-8 if it was.
pub(super) fn malformed(text: &mut Vec<u8>, dice: &mut Dice, how: Option<How>) -> bool {
    let drawn = [How::Truncated, How::Quotes, How::Nan, How::Comma][dice.below(4)];
    match how.unwrap_or(drawn) {
        How::Quotes => without_quote(text, dice),
        How::Nan => with_nan(text, dice),
        How::Comma => with_comma(text),
        How::Truncated | How::Always | How::Lasting => truncated(text, dice),
    }
}

fn truncated(text: &mut Vec<u8>, dice: &mut Dice) -> bool {
    let Some(most) = text.len().checked_sub(1) else {
        return false;
    };
    let mut at = dice.below(most);
    while at > 0 && text[at] & 0xC0 == 0x80 {
        at -= 1;
    }
    text.truncate(at);
    true
}

fn without_quote(text: &mut Vec<u8>, dice: &mut Dice) -> bool {
    let is_quote = |at: &usize| text[*at] == b'"' && (*at == 0 || text[*at - 1] != b'\\');
    let quotes: Vec<usize> = (0..text.len()).filter(is_quote).collect();
    match quotes.get(dice.below(quotes.len())) {
        Some(&at) => {
            text.remove(at);
            true
        }
        None => false,
    }
}

fn with_nan(text: &mut Vec<u8>, dice: &mut Dice) -> bool {
    let Some(mut fields) = Fields::split(text) else {
        return false;
    };
    let changed = style::one_number(&mut fields, dice, "NaN");
    if changed {
        *text = fields.written().into_bytes();
    }
    changed
}

fn with_comma(text: &mut Vec<u8>) -> bool {
    match text.iter().rposition(|&b| b == b'}') {
        Some(at) => {
            text.insert(at, b',');
            true
        }
        None => false,
    }
}

/// Other bytes at drawn places.
pub(super) fn mutated(text: &mut [u8], dice: &mut Dice, count: u64) -> bool {
    let places: Vec<usize> = (0..text.len()).filter(|&at| text[at].is_ascii()).collect();
    if places.is_empty() {
        return false;
    }
    for _ in 0..count.min(places.len() as u64) {
        let at = places[dice.below(places.len())];
        // 1 to 127 steps on: never the byte that stood there.
        text[at] = ((usize::from(text[at]) + 1 + dice.below(127)) % 128) as u8;
    }
    true
}

/// A byte that no UTF-8 has.
pub(super) fn invalid_utf8(text: &mut [u8], dice: &mut Dice) -> bool {
    let is_text = |at: &usize| text[*at].is_ascii_alphabetic() || !text[*at].is_ascii();
    let places: Vec<usize> = (0..text.len()).filter(is_text).collect();
    match places.get(dice.below(places.len())) {
        Some(&at) => {
            text[at] = 0xFF;
            true
        }
        None => false,
    }
}
