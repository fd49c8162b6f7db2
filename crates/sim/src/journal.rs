//! Lines of the worker's journal: `<receive time, ns since 1970> <kind> <payload>`.
//!
//! Read here as the contract words it and not with the worker's own reader, so that each proves the other.

use ayumi_engine::Stamp;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalLine<'a> {
    pub at: Stamp,
    pub what: What<'a>,
}

/// What a line of a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// `P`: a PUSH message.
    Push(&'a [u8]),
    /// `B`: a `/board` answer.
    Board(&'a [u8]),
    /// `E`: something that happened to the worker.
    Event,
    /// `X`: what was not one line of UTF-8.
    Odd(Vec<u8>),
}

impl<'a> JournalLine<'a> {
    /// Takes a line apart; `None` when it is no line of a journal.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let space = line.iter().position(|&b| b == b' ')?;
        let at = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
        let (kind, payload) = match &line[space + 1..] {
            [kind, b' ', payload @ ..] => (*kind, payload),
            // The payload may be empty, and the blank before it lost.
            [kind] => (*kind, &[][..]),
            _ => return None,
        };
        let what = match kind {
            b'P' => What::Push(payload),
            b'B' => What::Board(payload),
            b'E' => What::Event,
            b'X' => What::Odd(BASE64_STANDARD.decode(payload).ok()?),
            _ => return None,
        };
        Some(Self { at: Stamp(at), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_the_contract_says() {
        let what = |line: &'static str| JournalLine::parse(line.as_bytes()).map(|l| (l.at.0, l.what));
        assert_eq!(what("17 P {\"a\": 1}"), Some((17, What::Push(b"{\"a\": 1}"))));
        assert_eq!(what("-5 E connect"), Some((-5, What::Event)));
        assert_eq!(what("1 B x"), Some((1, What::Board(b"x"))));
        assert_eq!(what("2 X dHdvCmxpbmVz"), Some((2, What::Odd(b"two\nlines".to_vec()))));
        assert_eq!(what("3 P "), Some((3, What::Push(b""))));
        for bad in [
            "",
            "1",
            "1 Q x",
            "1 X %%",
            "x P {}",
            "1 PP x",
            "{\"Symbol\":\"7203\"}",
            "1  P x",
        ] {
            assert_eq!(what(bad), None, "{bad}");
        }
    }
}
