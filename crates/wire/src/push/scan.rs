//! A cursor over compact JSON. Every method returns `None` at the first byte that is not plainly what it expects; the
//! caller then hands the whole message to the lenient decoder.

use crate::num::Decimal;

/// The most digits left of the point that the fast number reader takes: 10^13 fits an `i64` of 1/10,000 with room.
const MAX_WHOLE_DIGITS: usize = 13;
/// 10^(4 - n) for n decimals.
const SCALE: [i64; 5] = [10_000, 1_000, 100, 10, 1];

pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes one byte if it is the given one.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Takes a text if it stands here.
    #[inline]
    pub(super) fn eat_text(&mut self, text: &[u8]) -> bool {
        let here = self.bytes.get(self.at..self.at + text.len()) == Some(text);
        if here {
            self.at += text.len();
        }
        here
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Takes `null` if it stands here.
    #[inline]
    pub(super) fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.eat_text(b"null")
    }

    /// A non-negative number without exponent, at most thirteen digits before the point, exact in four decimals.
    #[inline]
    pub(super) fn number(&mut self) -> Option<Decimal> {
        let start = self.at;
        let mut value = 0i64;
        while let Some(digit) = self.digit() {
            // Stays in range: checked by the digit count below, and 18 nines fit an i64 before that.
            value = value.wrapping_mul(10).wrapping_add(digit);
        }
        let whole = self.at - start;
        if whole == 0 || whole > MAX_WHOLE_DIGITS || (whole > 1 && self.bytes[start] == b'0') {
            return None;
        }
        let mut decimals = 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            while let Some(digit) = self.digit() {
                if decimals < 4 {
                    value = value * 10 + digit;
                    decimals += 1;
                } else if digit != 0 {
                    return None;
                }
            }
            if decimals == 0 {
                return None;
            }
        }
        match self.peek() {
            Some(b'e' | b'E') => None,
            _ => Some(Decimal {
                e4: value * SCALE[decimals],
                exact: true,
            }),
        }
    }

    #[inline]
    fn digit(&mut self) -> Option<i64> {
        let digit = self.peek()?.wrapping_sub(b'0');
        (digit < 10).then(|| {
            self.at += 1;
            i64::from(digit)
        })
    }

    /// A string without escapes or control characters.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.eat(b'"')?;
        self.rest_of_string()
    }

    /// The same behind its opening quote.
    #[inline]
    pub(super) fn rest_of_string(&mut self) -> Option<&'a str> {
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' | 0..=0x1F => return None,
                _ => self.at += 1,
            }
        }
        let text = &self.bytes[start..self.at];
        self.at += 1;
        std::str::from_utf8(text).ok()
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
    fn skip_number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let start = self.at;
        while self.digit().is_some() {}
        let whole = self.at - start;
        if whole == 0 || (whole > 1 && self.bytes[start] == b'0') {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit()?;
            while self.digit().is_some() {}
        }
        (!matches!(self.peek(), Some(b'e' | b'E'))).then_some(())
    }
}
