//! One line: `<receive time, ns since 1970> <kind> <payload>`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `P`: a PUSH message.
    Push,
    /// `B`: a `/board` answer.
    Board,
    /// `E`: something that happened to the worker, in its own words.
    Event,
    /// `X`: a payload that is not one line of UTF-8; base64 in the file.
    Odd,
}

impl Kind {
    fn letter(self) -> u8 {
        match self {
            Self::Push => b'P',
            Self::Board => b'B',
            Self::Event => b'E',
            Self::Odd => b'X',
        }
    }

    fn of(letter: u8) -> Option<Self> {
        Some(match letter {
            b'P' => Self::Push,
            b'B' => Self::Board,
            b'E' => Self::Event,
            b'X' => Self::Odd,
            _ => return None,
        })
    }
}

/// A line taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Receive time, ns since 1970.
    pub at_ns: i64,
    /// What it is.
    pub kind: Kind,
    /// The payload as it was received; that of [`Kind::Odd`] is decoded.
    pub payload: std::borrow::Cow<'a, [u8]>,
}

/// Not a journal line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no journal line: expected \"<ns since 1970> <P|B|E|X> <payload>\"")]
pub struct LineError;

impl<'a> Line<'a> {
    /// Takes a line apart; without its line break.
    ///
    /// # Errors
    /// When it is no line of a journal.
    pub fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        let space = line.iter().position(|&b| b == b' ').ok_or(LineError)?;
        let at_ns = number(&line[..space]).ok_or(LineError)?;
        let [letter, b' ', payload @ ..] = &line[space + 1..] else {
            return Err(LineError);
        };
        let kind = Kind::of(*letter).ok_or(LineError)?;
        let payload = match kind {
            Kind::Odd => BASE64_STANDARD.decode(payload).map_err(|_| LineError)?.into(),
            _ => payload.into(),
        };
        Ok(Self { at_ns, kind, payload })
    }
}

/// Appends a line with its line break. A payload that is not one line of UTF-8 becomes [`Kind::Odd`], whatever it was.
pub(crate) fn put(out: &mut Vec<u8>, at_ns: i64, kind: Kind, payload: &[u8]) {
    let one_line = !payload.contains(&b'\n') && std::str::from_utf8(payload).is_ok();
    let kind = if one_line { kind } else { Kind::Odd };
    put_number(out, at_ns);
    out.extend_from_slice(&[b' ', kind.letter(), b' ']);
    if kind == Kind::Odd {
        out.extend_from_slice(BASE64_STANDARD.encode(payload).as_bytes());
    } else {
        out.extend_from_slice(payload);
    }
    out.push(b'\n');
}

/// What [`put_number`] wrote. A day has millions of them: the usual ones are read without a detour.
fn number(text: &[u8]) -> Option<i64> {
    let surely_fits = (1..=18).contains(&text.len()) || (text.len() == 19 && text[0] < b'9');
    if surely_fits && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0, |n, digit| 10 * n + i64::from(digit - b'0')));
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn put_number(out: &mut Vec<u8>, n: i64) {
    use std::io::Write as _;
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{n}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_what_the_contract_says() {
        let mut out = Vec::new();
        put(&mut out, 1_795_132_800_123_456_789, Kind::Push, br#"{"Symbol":"7203"}"#);
        put(&mut out, -5, Kind::Event, "切断".as_bytes());
        put(&mut out, 0, Kind::Board, b"two\nlines");
        put(&mut out, 1, Kind::Push, b"\xFF");
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "1795132800123456789 P {\"Symbol\":\"7203\"}\n-5 E 切断\n0 X dHdvCmxpbmVz\n1 X /w==\n"
        );
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for bad in [
            "",
            "1",
            "1 P",
            "1 P",
            "x P y",
            "1 Q y",
            "1  P y",
            "1 X %%",
            "1Py",
            "99999999999999999999 P y",
        ] {
            assert_eq!(Line::parse(bad.as_bytes()), Err(LineError), "{bad:?}");
        }
        assert_eq!(
            Line::parse(b"1 P ").unwrap().payload.len(),
            0,
            "an empty message is one"
        );
    }

    proptest! {
        #[test]
        fn every_payload_comes_back(at_ns: i64, payload: Vec<u8>, which in 0usize..3) {
            let kind = [Kind::Push, Kind::Board, Kind::Event][which];
            let mut out = Vec::new();
            put(&mut out, at_ns, kind, &payload);
            prop_assert_eq!(out.iter().filter(|&&b| b == b'\n').count(), 1);
            let line = Line::parse(&out[..out.len() - 1]).unwrap();
            prop_assert_eq!(line.at_ns, at_ns);
            prop_assert_eq!(&*line.payload, &payload[..]);
            prop_assert!(line.kind == kind || line.kind == Kind::Odd);
        }
    }
}
