//! Eight bytes at a time in one register: pure arithmetic on little-endian words, the first byte lowest.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// `'0'` in every byte: digits become their values.
const ZEROS: u64 = ONES * 0x30;

/// Digits as their values, other bytes as something above 9.
#[inline]
pub(super) fn values(word: u64) -> u64 {
    word ^ ZEROS
}

/// How many bytes of [`values`] are digits from the lowest on, in bits: 8 for one, 64 for all.
#[inline]
pub(super) fn digit_bits(values: u64) -> u32 {
    // A byte that is no digit has its top bit set here: it is above 9 after adding 0x76, or was above 0x7F before.
    let others = (values.wrapping_add(ONES * 0x76) | values) & HIGHS;
    others.trailing_zeros() & !7
}

/// The number of eight digit values, the lowest byte leading.
#[inline]
pub(super) fn eight_digits(values: u64) -> u64 {
    // Pairs, fours and eights are joined by multiplication.
    let pairs = (values.wrapping_mul(10) + (values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF
}

/// Marks bytes at which a string ends or is odd: a quote, a backslash, a control character. Exact for the lowest mark
/// only; bytes above it may be marked by a borrow.
#[inline]
pub(super) fn string_stops(word: u64) -> u64 {
    zero_bytes(word ^ (ONES * 0x22))
        | zero_bytes(word ^ (ONES * 0x5C))
        | (word.wrapping_sub(ONES * 0x20) & !word & HIGHS)
}

/// The bytes above ASCII.
#[inline]
pub(super) fn above_ascii(word: u64) -> u64 {
    word & HIGHS
}

/// Marks the top bit of zero bytes; exact for the lowest one.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Eight bytes of a fixed form: digits at some places, given bytes at the others.
pub(super) struct Form {
    bytes: u64,
    /// What pushes a byte over 0x7F when it is not allowed.
    limits: u64,
}

impl Form {
    /// `0` stands for any digit, `#` for the digit 0; everything else for itself.
    pub(super) const fn new(text: &[u8; 8]) -> Self {
        let (mut bytes, mut limits, mut at) = (0, 0, 0);
        while at < 8 {
            let byte = if text[at] == b'#' { b'0' } else { text[at] };
            let limit: u64 = if text[at] == b'0' { 0x76 } else { 0x7F };
            bytes |= (byte as u64) << (8 * at);
            limits |= limit << (8 * at);
            at += 1;
        }
        Self { bytes, limits }
    }

    /// The word's digits as values and zeros elsewhere, with marks in `odd` where it has another form.
    #[inline]
    pub(super) fn read(&self, word: u64, odd: &mut u64) -> u64 {
        let values = word ^ self.bytes;
        *odd |= (values.wrapping_add(self.limits) | values) & HIGHS;
        values
    }
}

/// Every byte times ten plus the one behind it: the two-digit numbers of a word of digit values.
#[inline]
pub(super) fn pairs(values: u64) -> [u8; 8] {
    values.wrapping_mul(10).wrapping_add(values >> 8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &[u8; 8]) -> u64 {
        u64::from_le_bytes(*text)
    }

    #[test]
    fn digits_are_counted_up_to_the_first_other_byte() {
        for n in 0..=8usize {
            for other in (0..=255u8).filter(|b| !b.is_ascii_digit()) {
                let mut text = *b"90817263";
                text.iter_mut().skip(n).for_each(|b| *b = other);
                assert_eq!(digit_bits(values(word(&text))), 8 * n as u32, "{n} {other}");
            }
        }
        assert_eq!(eight_digits(values(word(b"90817263"))), 90_817_263);
    }

    #[test]
    fn the_first_stop_of_a_string_is_exact_for_every_byte() {
        for byte in 0..=255u8 {
            for at in 0..8usize {
                let mut text = *b"a~ \x7f[!#]";
                text[at] = byte;
                let stops = matches!(byte, b'"' | b'\\' | 0..0x20);
                let first = string_stops(word(&text)).trailing_zeros() / 8;
                assert_eq!(first, if stops { at as u32 } else { 8 }, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn a_form_takes_its_digits_and_nothing_else() {
        let form = Form::new(b"0:0-#9x0");
        let mut odd = 0;
        assert_eq!(pairs(form.read(word(b"4:7-09x5"), &mut odd))[0], 40);
        assert_eq!(odd, 0);
        for at in 0..8usize {
            for byte in 0..=255u8 {
                let mut text = *b"4:7-09x5";
                text[at] = byte;
                let fits = match at {
                    0 | 2 | 7 => byte.is_ascii_digit(),
                    _ => byte == b"4:7-09x5"[at],
                };
                let mut odd = 0;
                form.read(word(&text), &mut odd);
                assert_eq!(odd == 0, fits, "{byte} at {at}");
            }
        }
    }
}
