//! Numbers, times and strings as the station prints them, straight into a byte buffer.

use crate::jst;
use crate::num::{Price, Qty};

/// An integer: `1`, `-1`.
#[inline]
pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    put_digits(out, value.unsigned_abs());
}

/// A quantity: `103.0`.
#[inline]
pub(super) fn put_qty(out: &mut Vec<u8>, qty: Qty) {
    put_int(out, qty.0);
    out.extend_from_slice(b".0");
}

/// A price with as many decimals as it needs, at least one: `2847.5`, `2847.0`, `2844.0556`.
pub(super) fn put_price(out: &mut Vec<u8>, price: Price) {
    match price.0 {
        e4 if e4 % 1_000 == 0 => put_scaled::<1>(out, e4 / 1_000),
        e4 if e4 % 100 == 0 => put_scaled::<2>(out, e4 / 100),
        e4 if e4 % 10 == 0 => put_scaled::<3>(out, e4 / 10),
        e4 => put_scaled::<4>(out, e4),
    }
}

/// `value / 10^DECIMALS` with exactly that many decimals, one to four. Known when compiled, so that no division is by a
/// variable: a message has some forty prices.
#[inline]
pub(super) fn put_scaled<const DECIMALS: usize>(out: &mut Vec<u8>, value: i64) {
    const UNIT: [u64; 5] = [1, 10, 100, 1_000, 10_000];
    if value < 0 {
        out.push(b'-');
    }
    let (magnitude, unit) = (value.unsigned_abs(), UNIT[DECIMALS]);
    put_digits(out, magnitude / unit);
    let mut tail = *b".0000";
    fill(&mut tail[1..=DECIMALS], magnitude % unit);
    out.extend_from_slice(&tail[..=DECIMALS]);
}

/// `2026-09-18T10:15:42`: a second as JST digits.
#[cfg(test)]
pub(super) fn time_digits(unix_s: i64) -> [u8; 19] {
    Clock::default().digits(unix_s)
}

/// The digits of the second shown last: the times of a message are of one day, and most of one second.
pub(super) struct Clock {
    digits: [u8; 19],
    second: i64,
    /// First second of the day in `digits`.
    midnight: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            digits: *b"0000-00-00T00:00:00",
            second: i64::MIN,
            midnight: i64::MIN,
        }
    }
}

impl Clock {
    /// `2026-09-18T10:15:42`: a second as JST digits.
    #[inline]
    pub(super) fn digits(&mut self, unix_s: i64) -> [u8; 19] {
        if self.second != unix_s {
            self.turn(unix_s);
        }
        self.digits
    }

    fn turn(&mut self, unix_s: i64) {
        let second = jst::second_of_day(unix_s);
        let midnight = unix_s - i64::from(second);
        let digits = &mut self.digits;
        if self.midnight != midnight {
            let date = jst::Date::of_unix_s(unix_s);
            fill(&mut digits[..4], u64::from(date.year.unsigned_abs()));
            fill(&mut digits[5..7], u64::from(date.month));
            fill(&mut digits[8..10], u64::from(date.day));
            self.midnight = midnight;
        }
        for (at, part) in [(11, second / 3600), (14, second / 60 % 60), (17, second % 60)] {
            digits[at..at + 2].copy_from_slice(&PAIRS[part as usize]);
        }
        self.second = unix_s;
    }
}

/// A JSON string: raw UTF-8, only quotes, backslashes and control characters escaped.
pub(super) fn put_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        // Nearly always the whole text in one copy.
        let plain = rest.iter().take_while(|byte| is_plain(byte)).count();
        out.extend_from_slice(&rest[..plain]);
        let Some(&byte) = rest.get(plain) else {
            break;
        };
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.extend_from_slice(&[b'\\', byte]),
        }
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

/// `00` to `99`: two digits cost one division.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

#[inline]
fn put_digits(out: &mut Vec<u8>, mut value: u64) {
    // 20 digits hold any u64.
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value >= 100 {
        at -= 2;
        digits[at..at + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    at -= 2;
    digits[at..at + 2].copy_from_slice(&PAIRS[value as usize]);
    at += usize::from(value < 10);
    out.extend_from_slice(&digits[at..]);
}

/// The last digits of `value`, with leading zeros.
#[inline]
fn fill(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_keep_the_scale_of_the_wire() {
        assert_eq!(text(|out| put_qty(out, Qty(0))), "0.0");
        assert_eq!(text(|out| put_qty(out, Qty(5_123_400))), "5123400.0");
        assert_eq!(text(|out| put_scaled::<4>(out, -115_000)), "-11.5000");
        assert_eq!(text(|out| put_scaled::<2>(out, -1)), "-0.01");
        assert_eq!(text(|out| put_int(out, i64::MIN)), "-9223372036854775808");
        for e4 in [
            0,
            1,
            10,
            28_475_000,
            28_440_556,
            -28_470_000,
            -5_000,
            i64::MAX,
            i64::MIN,
        ] {
            assert_eq!(text(|out| put_price(out, Price(e4))), Price(e4).to_string());
        }
    }

    #[test]
    fn strings_are_raw_utf8_with_the_few_escapes_json_asks_for() {
        let odd = "東証プ \"\\\n\r\t\u{1}\u{1f}/\u{7f}ｱ𠮷";
        let json = text(|out| put_string(out, odd));
        assert_eq!(json, "\"東証プ \\\"\\\\\\n\\r\\t\\u0001\\u001f/\u{7f}ｱ𠮷\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), odd);
    }

    #[test]
    fn times_are_jst_digits() {
        for s in [0, 1_789_693_242, 1_789_603_199, 1_789_603_200, 1_835_362_800] {
            assert_eq!(time_digits(s), jst::iso_s(s).as_bytes()[..19]);
        }
    }
}
