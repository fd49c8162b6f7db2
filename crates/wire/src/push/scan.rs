//! A cursor over compact JSON, eight bytes at a time. Every method returns `None` at the first byte that is not plainly
//! what it expects; the caller then hands the whole message to the lenient decoder.

use crate::num::Decimal;

/// The most digits left of the point that the fast number reader takes: 10^13 fits an `i64` of 1/10,000 with room.
const MAX_WHOLE_DIGITS: usize = 13;
/// 10^(4 - n) for n decimals.
const SCALE: [i64; 5] = [10_000, 1_000, 100, 10, 1];
/// Powers of ten up to the digits of one word.
const TEN: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

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

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `null` if it stands here.
    #[inline]
    pub(super) fn null(&mut self) -> bool {
        self.eat_text(b"null")
    }

    /// A price: [`Cursor::number`], with the common form of one decimal read without a second look at its digits.
    #[inline]
    pub(super) fn price_e4(&mut self) -> Option<i64> {
        let begun = self.rest;
        let (value, whole) = self.digits();
        if let [b'.', tenths @ b'0'..=b'9', next, ..] = *self.rest
            && (1..8).contains(&whole)
            && (whole == 1 || begun[0] != b'0')
            && !matches!(next, b'0'..=b'9' | b'e' | b'E')
        {
            self.skip(2);
            return Some(value as i64 * 10_000 + i64::from(tenths - b'0') * 1_000);
        }
        self.rest = begun;
        self.number().map(|n| n.e4)
    }

    /// A quantity: a whole [`Cursor::number`], with the common form `1200.0` read without scaling.
    #[inline]
    pub(super) fn quantity(&mut self) -> Option<i64> {
        let begun = self.rest;
        let (value, whole) = self.digits();
        if let [b'.', b'0', next, ..] = *self.rest
            && (1..8).contains(&whole)
            && (whole == 1 || begun[0] != b'0')
            && !matches!(next, b'0'..=b'9' | b'e' | b'E')
        {
            self.skip(2);
            return Some(value as i64);
        }
        self.rest = begun;
        self.number()?.whole().map(|qty| qty.0)
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
        let values = self.word() ^ (ONES * 0x30);
        let count = leading_digits(values);
        self.skip(count);
        if count == 0 {
            return (0, 0);
        }
        // Right-aligned with zeros in front, then pairs, fours and eights are joined by multiplication.
        let aligned = values << (64 - 8 * count);
        let pairs = (aligned.wrapping_mul(10) + (aligned >> 8)) & 0x00FF_00FF_00FF_00FF;
        let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
        let eights = (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF;
        (eights, count)
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
        let (all, mut len, mut above_ascii) = (self.rest, 0, 0);
        loop {
            let word = self.word();
            let stops = zero_bytes(word ^ (ONES * 0x22)) | zero_bytes(word ^ (ONES * 0x5C)) | below_0x20(word);
            if stops == 0 {
                above_ascii |= word & HIGHS;
                len += 8;
                self.skip(8);
                continue;
            }
            // Bytes above the lowest stop may be marked by a borrow; the lowest is exact.
            let at = (stops.trailing_zeros() / 8) as usize;
            above_ascii |= word & HIGHS & !(u64::MAX << (8 * at));
            len += at;
            self.rest = all.get(len + 1..)?;
            let text = &all[..len];
            let valid = all[len] == b'"' && (above_ascii == 0 || std::str::from_utf8(text).is_ok());
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
            let n = leading_digits(self.word() ^ (ONES * 0x30));
            self.skip(n);
            total += n;
            if n < 8 {
                return total;
            }
        }
    }

    #[inline]
    fn skip(&mut self, n: usize) {
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

/// How many bytes from the lowest on are 0 to 9.
#[inline]
fn leading_digits(values: u64) -> usize {
    // A byte that is no digit has its top bit set here: it is above 9 after adding 0x76, or was above 0x7F before.
    let others = (values.wrapping_add(ONES * 0x76) | values) & HIGHS;
    (others.trailing_zeros() / 8) as usize
}

/// Marks the top bit of zero bytes; exact for the lowest one.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Marks the top bit of bytes below 0x20; exact for the lowest one.
#[inline]
fn below_0x20(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGHS
}
