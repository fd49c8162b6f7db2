//! Numbers, times and strings as the station prints them, straight into a byte buffer.

use crate::jst;
use crate::num::{Price, Qty};

/// An integer: `1`, `-1`.
pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    put_digits(out, value.unsigned_abs());
}

/// A quantity: `103.0`.
pub(super) fn put_qty(out: &mut Vec<u8>, qty: Qty) {
    put_int(out, qty.0);
    out.extend_from_slice(b".0");
}

/// A price with as many decimals as it needs, at least one: `2847.5`, `2847.0`, `2844.0556`.
pub(super) fn put_price(out: &mut Vec<u8>, price: Price) {
    let (mut value, mut decimals) = (price.0, 4);
    while decimals > 1 && value % 10 == 0 {
        value /= 10;
        decimals -= 1;
    }
    put_scaled(out, value, decimals);
}

/// `value / 10^decimals` with exactly that many decimals.
pub(super) fn put_scaled(out: &mut Vec<u8>, value: i64, decimals: u32) {
    if value < 0 {
        out.push(b'-');
    }
    let unit = 10u64.pow(decimals);
    let magnitude = value.unsigned_abs();
    put_digits(out, magnitude / unit);
    out.push(b'.');
    put_fixed(out, magnitude % unit, decimals as usize);
}

/// `"2026-09-18T10:15:42"` plus `tail` inside the quotes; the digits are JST.
pub(super) fn put_time(out: &mut Vec<u8>, unix_s: i64, tail: &str) {
    let date = jst::Date::of_unix_s(unix_s);
    let second = u64::from(jst::second_of_day(unix_s));
    out.push(b'"');
    put_fixed(out, u64::from(date.year.unsigned_abs()), 4);
    for (mark, part) in [
        (b'-', u64::from(date.month)),
        (b'-', u64::from(date.day)),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(mark);
        put_fixed(out, part, 2);
    }
    out.extend_from_slice(tail.as_bytes());
    out.push(b'"');
}

/// A JSON string: raw UTF-8, only quotes, backslashes and control characters escaped.
pub(super) fn put_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn put_digits(out: &mut Vec<u8>, mut value: u64) {
    // 20 digits hold any u64.
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// The last `width` digits of `value`, with leading zeros.
fn put_fixed(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let mut digits = [b'0'; 8];
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[..width]);
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
        assert_eq!(text(|out| put_scaled(out, -115_000, 4)), "-11.5000");
        assert_eq!(text(|out| put_scaled(out, -1, 2)), "-0.01");
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
            assert_eq!(text(|out| put_time(out, s, "+09:00")), format!("\"{}\"", jst::iso_s(s)));
        }
    }
}
