//! The frames of a message when the line misbehaves: fragments, pings between them, writes that end anywhere.

use ayumi_wire::ws::{Opcode, put_frame};

use super::bend::Dice;
use super::outbox::Chunk;
use crate::faults::Faults;

/// The longest reason that a close frame holds beside its code.
const REASON: usize = 123;

/// Appends a message in the frames and writes that the faults ask for. `binary`: not as a text.
pub(super) fn put_odd(chunk: &mut Chunk, text: &[u8], faults: &Faults, binary: bool, dice: Option<&mut Dice>) {
    let start = chunk.bytes.len();
    let parts = faults.fragment.clamp(1, text.len().max(1));
    let size = text.len().div_ceil(parts).max(1);
    let mut left = text;
    let mut opcode = if binary { Opcode::Binary } else { Opcode::Text };
    loop {
        let (part, rest) = left.split_at(size.min(left.len()));
        put_frame(&mut chunk.bytes, rest.is_empty(), opcode, None, part);
        (left, opcode) = (rest, Opcode::Continuation);
        if left.is_empty() {
            break;
        }
        if faults.fragment_pings {
            put_frame(&mut chunk.bytes, true, Opcode::Ping, None, b"between");
        }
    }
    let mut breaks = faults.split_at.clone();
    if let Some(dice) = dice {
        drawn_breaks(&chunk.bytes[start..], faults.split_drawn, dice, &mut breaks);
        breaks.sort_unstable();
        breaks.dedup();
    }
    chunk.breaks.extend(breaks.into_iter().map(|at| start + at));
    chunk.pause = faults.split_pause;
}

/// The first within the frame header, the second within a character, the others anywhere.
fn drawn_breaks(bytes: &[u8], count: usize, dice: &mut Dice, out: &mut Vec<usize>) {
    let header = match bytes.get(1).map(|b| b & 0x7F) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    let anywhere = |dice: &mut Dice| 1 + dice.below(bytes.len().saturating_sub(1));
    for n in 0..count.min(bytes.len()) {
        out.push(match n {
            0 => 1 + dice.below(header - 1),
            1 => {
                let within: Vec<usize> = (header..bytes.len()).filter(|&at| bytes[at] & 0xC0 == 0x80).collect();
                match within.get(dice.below(within.len())) {
                    Some(&at) => at,
                    None => anywhere(dice),
                }
            }
            _ => anywhere(dice),
        });
    }
}

/// What a close frame carries.
pub(super) fn close_payload(code: Option<u16>, reason: &str) -> Vec<u8> {
    let Some(code) = code else { return Vec::new() };
    let mut end = reason.len().min(REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    [&code.to_be_bytes()[..], &reason.as_bytes()[..end]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str, faults: &Faults, seed: u64) -> Chunk {
        let mut chunk = Chunk::default();
        let mut dice = Dice::new(seed, "split", "line", 1);
        put_odd(&mut chunk, text.as_bytes(), faults, false, Some(&mut dice));
        chunk
    }

    #[test]
    fn n14_drawn_splits_hit_headers_and_characters() {
        let text = format!("{{\"SymbolName\":\"{}\"}}", "日本".repeat(40));
        let faults = Faults {
            split_drawn: 3,
            ..Faults::default()
        };
        let mut places = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let chunk = put(&text, &faults, seed);
            assert_eq!(chunk.bytes.len(), text.len() + 4);
            assert!(chunk.breaks.is_sorted() && chunk.breaks.iter().any(|at| (1..4).contains(at)));
            let within = |at: &usize| *at >= 4 && chunk.bytes[*at] & 0xC0 == 0x80;
            assert!(chunk.breaks.iter().any(within), "{:?}", chunk.breaks);
            places.extend(chunk.breaks);
        }
        assert!(places.len() > 50, "{places:?}");
        assert_eq!(put(&text, &faults, 7), put(&text, &faults, 7));
        assert_eq!(put("", &faults, 7).breaks, [1], "never beyond the frame");
    }

    #[test]
    fn control_frames_stand_between_fragments() {
        let faults = Faults {
            fragment: 2,
            fragment_pings: true,
            ..Faults::default()
        };
        assert_eq!(put("abcd", &faults, 1).bytes, b"\x01\x02ab\x89\x07between\x80\x02cd");
    }

    #[test]
    fn close_frames_fit() {
        assert_eq!(close_payload(None, "x"), b"");
        assert_eq!(close_payload(Some(1000), "bye"), b"\x03\xE8bye");
        let long = close_payload(Some(4999), &"日".repeat(100));
        assert_eq!(long.len(), 2 + 123);
        assert!(std::str::from_utf8(&long[2..]).is_ok());
        assert_eq!(close_payload(Some(1), &format!("x{}", "日".repeat(100))).len(), 2 + 121);
    }
}
