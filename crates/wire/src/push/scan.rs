//! A cursor over compact JSON, eight bytes at a time. Every method returns `None` at the first byte that is not plainly
//! what it expects; the caller then hands the whole message to the lenient decoder.

use super::words::{above_ascii, digit_bits, eight_digits, string_stops, values};
use crate::num::Decimal;

/// The most digits left of the point that the fast number reader takes: 10^13 fits an `i64` of 1/10,000 with room.
const MAX_WHOLE_DIGITS: usize = 13;
/// 10^(4 - n) for n decimals.
const SCALE: [i64; 5] = [10_000, 1_000, 100, 10, 1];
/// Powers of ten up to the digits of one word.
const TEN: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// A text of up to 32 bytes that is compared word by word, without a call.
pub(super) struct Literal {
    words: [u64; 4],
    masks: [u64; 4],
    len: usize,
}

impl Literal {
    pub(super) const fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        assert!(bytes.len() <= 32, "a literal holds at most 32 bytes");
        let (mut words, mut masks, mut at) = ([0u64; 4], [0u64; 4], 0);
        while at < bytes.len() {
            let shift = 8 * (at % 8);
            words[at / 8] |= (bytes[at] as u64) << shift;
            masks[at / 8] |= 0xFF << shift;
            at += 1;
        }
        Self {
            words,
            masks,
            len: bytes.len(),
        }
    }

    #[inline]
    fn starts(&self, bytes: &[u8; 32]) -> bool {
        let mut different = 0;
        for n in 0..4 {
            let word = bytes[n * 8..].first_chunk().expect("four words make 32 bytes");
            different |= (u64::from_le_bytes(*word) & self.masks[n]) ^ self.words[n];
        }
        different == 0
    }
}

/// A number of the usual form in one word.
pub(super) struct Usual {
    values: u64,
    bits: u32,
    decimal: u16,
}

impl Usual {
    /// The number, times ten.
    #[inline(always)]
    pub(super) fn tenths(&self) -> i64 {
        // The digits without the point, right-aligned.
        let digits = (self.values << (64 - self.bits)) >> 8 | u64::from(self.decimal) << 56;
        eight_digits(digits) as i64
    }

    /// The number, if it is whole.
    #[inline(always)]
    pub(super) fn whole(&self) -> Option<i64> {
        (self.decimal == 0).then(|| eight_digits(self.values << (64 - self.bits)) as i64)
    }

    /// How many bytes it takes.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.bits as usize / 8 + 2
    }
}

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes one byte if it is the given one.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        let (&first, rest) = self.rest.split_first()?;
        (first == byte).then(|| self.rest = rest)
    }

    /// Takes a short text if it stands here; its length is known to the compiler, so the comparison is inlined.
    #[inline]
    pub(super) fn eat_text<const N: usize>(&mut self, text: &[u8; N]) -> bool {
        match self.rest.split_first_chunk::<N>() {
            Some((here, rest)) if here == text => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes a literal if it stands here.
    #[inline]
    pub(super) fn eat_literal(&mut self, literal: &Literal) -> bool {
        let here = match self.rest.first_chunk::<32>() {
            Some(bytes) => literal.starts(bytes),
            None => {
                let mut padded = [0; 32];
                padded[..self.rest.len()].copy_from_slice(self.rest);
                literal.starts(&padded)
            }
        };
        if here {
            self.skip(literal.len);
        }
        here
    }

    /// As [`Cursor::eat_text`], where anything else is a reason to give up.
    #[inline(always)]
    pub(super) fn want<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        self.eat_text(text).then_some(())
    }

    /// The next bytes, which stay.
    #[inline(always)]
    pub(super) fn ahead<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.rest.first_chunk()
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `null` if it stands here.
    #[inline]
    pub(super) fn null(&mut self) -> bool {
        self.eat_text(b"null")
    }

    /// The usual form of a number, if it stands here: up to six digits, a point, one decimal, and `end` behind them.
    #[inline(always)]
    pub(super) fn usual_number(&self, end: u8) -> Option<Usual> {
        /// The point among [`values`].
        const POINT: u16 = (b'.' ^ b'0') as u16;
        let here = self.rest.first_chunk::<9>()?;
        let values = values(word_at(here, 0));
        let bits = digit_bits(values);
        let leading_zero = values & 0xFF == 0 && bits != 8;
        if !(8..=48).contains(&bits) || leading_zero {
            return None;
        }
        // The decimal when the point is before it, otherwise something large.
        let decimal = ((values >> bits) as u16).wrapping_sub(POINT).rotate_right(8);
        (decimal <= 9 && here[bits as usize / 8 + 2] == end).then_some(Usual { values, bits, decimal })
    }

    /// The length of up to fifteen digits, a point and up to seven decimals, if they stand here with a comma behind.
    #[inline(always)]
    pub(super) fn usual_decimals(&self) -> Option<usize> {
        let here = self.rest.first_chunk::<32>()?;
        let mut whole = digit_bits(values(word_at(here, 0))) as usize / 8;
        if whole == 8 {
            whole += digit_bits(values(word_at(here, 8))) as usize / 8;
        }
        if whole == 0 || whole == 16 || (here[0] == b'0' && whole != 1) || here[whole] != b'.' {
            return None;
        }
        let decimals = digit_bits(values(word_at(here, whole + 1))) as usize / 8;
        let len = whole + 1 + decimals;
        (decimals != 0 && here[len] == b',').then_some(len)
    }

    /// A non-negative number without exponent, at most thirteen digits before the point, exact in four decimals.
    pub(super) fn number(&mut self) -> Option<Decimal> {
        let leading_zero = self.peek() == Some(b'0');
        let (mut value, mut whole) = self.digits();
        if whole == 8 {
            let (more, n) = self.digits();
            value = value * TEN[n] + more;
            whole += n;
        }
        if whole == 0 || whole > MAX_WHOLE_DIGITS || (leading_zero && whole > 1) {
            return None;
        }
        let mut e4 = value as i64 * 10_000;
        let mut next = self.peek();
        if next == Some(b'.') {
            self.skip(1);
            let (decimals, n) = self.digits();
            if n == 0 || n == 8 {
                return None;
            }
            e4 += fraction_e4(decimals, n)?;
            next = self.peek();
        }
        (!matches!(next, Some(b'e' | b'E'))).then_some(Decimal { e4, exact: true })
    }

    /// Takes the digits that stand here, at most eight: their value and how many.
    #[inline]
    fn digits(&mut self) -> (u64, usize) {
        let values = values(self.word());
        let bits = digit_bits(values);
        self.skip(bits as usize / 8);
        if bits == 0 {
            return (0, 0);
        }
        // Right-aligned with zeros in front.
        (eight_digits(values << (64 - bits)), bits as usize / 8)
    }

    /// A string without escapes or control characters, as valid UTF-8 bytes.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        self.eat(b'"')?;
        self.rest_of_string()
    }

    /// The same behind its opening quote.
    #[inline]
    pub(super) fn rest_of_string(&mut self) -> Option<&'a [u8]> {
        let (all, mut len, mut not_ascii) = (self.rest, 0, 0);
        loop {
            let word = self.word();
            let stops = string_stops(word);
            if stops == 0 {
                not_ascii |= above_ascii(word);
                len += 8;
                self.skip(8);
                continue;
            }
            let at = (stops.trailing_zeros() / 8) as usize;
            not_ascii |= above_ascii(word) & !(u64::MAX << (8 * at));
            len += at;
            self.rest = all.get(len + 1..)?;
            let text = &all[..len];
            let valid = all[len] == b'"' && (not_ascii == 0 || is_japanese(text) || std::str::from_utf8(text).is_ok());
            return valid.then_some(text);
        }
    }

    /// Steps over a scalar; `None` for objects and arrays.
    #[inline]
    pub(super) fn skip_scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'0'..=b'9' | b'-' => self.skip_number(),
            b'n' => self.eat_text(b"null").then_some(()),
            b't' => self.eat_text(b"true").then_some(()),
            b'f' => self.eat_text(b"false").then_some(()),
            _ => None,
        }
    }

    /// Any JSON number but one with an exponent.
    #[inline]
    fn skip_number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.skip(1);
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.skip_digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.skip(1);
            if self.skip_digits() == 0 {
                return None;
            }
        }
        (!matches!(self.peek(), Some(b'e' | b'E'))).then_some(())
    }

    #[inline]
    fn skip_digits(&mut self) -> usize {
        let mut total = 0;
        loop {
            let n = digit_bits(values(self.word())) as usize / 8;
            self.skip(n);
            total += n;
            if n < 8 {
                return total;
            }
        }
    }

    #[inline]
    pub(super) fn skip(&mut self, n: usize) {
        self.rest = self.rest.get(n..).unwrap_or_default();
    }

    /// The next eight bytes; past the end they are zero, which is neither digit nor text.
    #[inline]
    fn word(&self) -> u64 {
        match self.rest.first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => {
                let mut padded = [0; 8];
                padded[..self.rest.len()].copy_from_slice(self.rest);
                u64::from_le_bytes(padded)
            }
        }
    }
}

/// `n` decimals (1 to 7) as 1/10,000; `None` when a digit beyond the fourth is not zero.
#[inline]
fn fraction_e4(decimals: u64, n: usize) -> Option<i64> {
    if n <= 4 {
        return Some(decimals as i64 * SCALE[n]);
    }
    let beyond = TEN[n - 4];
    decimals.is_multiple_of(beyond).then(|| (decimals / beyond) as i64)
}

/// Characters of three bytes and nothing else, as names are: kana, kanji and wide letters. Lead bytes whose next byte is
/// restricted are not taken.
#[inline]
fn is_japanese(text: &[u8]) -> bool {
    let (characters, rest) = text.as_chunks::<3>();
    rest.is_empty()
        && characters
            .iter()
            .all(|&[a, b, c]| matches!(a, 0xE3..=0xE9 | 0xEF) && b & 0xC0 == 0x80 && c & 0xC0 == 0x80)
}

/// The word that begins at `at`, which leaves room for it.
#[inline(always)]
fn word_at<const N: usize>(bytes: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("room for a word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_for_japanese_is_valid_utf8() {
        let mut taken = 0;
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                for c in [0x00, 0x22, 0x7F, 0x80, 0xA5, 0xBF, 0xC0, 0xE3, 0xFF] {
                    let text = [a, b, c, 0xE3, 0x83, 0x88];
                    assert!(!is_japanese(&text) || std::str::from_utf8(&text).is_ok(), "{text:x?}");
                    taken += usize::from(is_japanese(&text));
                }
            }
        }
        assert_eq!(taken, 8 * 64 * 3);
        assert!(
            ["東証プ", "トヨタ自動車", "ＮＴＴ"]
                .iter()
                .all(|name| is_japanese(name.as_bytes()))
        );
        assert!(!is_japanese("東証プ".as_bytes().split_last().unwrap().1));
    }
}
