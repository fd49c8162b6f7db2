//! Many lines at once, in memory that is used again: for whoever reads whole days.

use std::ops::Range;

use crate::line::{Kind, Line};

/// What a block holds at least, unless a line needs more: small enough to stay in a cache between two threads.
const ROOM: usize = 512 << 10;

/// Lines of one journal file, in order. Give it back to [`crate::JournalReader::next_lines`] and its memory is used
/// again.
#[derive(Debug, Default)]
pub struct Lines {
    /// Always as long as it may be filled; what lies behind `filled` is old.
    pub(crate) text: Vec<u8>,
    pub(crate) filled: usize,
    places: Vec<Place>,
    /// Decoded payloads of [`Kind::Odd`].
    odd: Vec<u8>,
    pub(crate) after_hole: bool,
}

/// Where a line's payload stands: in the text, or in the decoded ones.
#[derive(Clone, Copy, Debug)]
struct Place {
    at_ns: i64,
    kind: Kind,
    from: usize,
    to: usize,
}

impl Lines {
    /// The lines, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        self.places.iter().map(|place| {
            let bytes = match place.kind {
                Kind::Odd => &self.odd,
                _ => &self.text,
            };
            Line {
                at_ns: place.at_ns,
                kind: place.kind,
                payload: bytes[place.from..place.to].into(),
            }
        })
    }

    /// How many lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Receive time of the first line, ns since 1970.
    #[must_use]
    pub fn first_ns(&self) -> Option<i64> {
        self.places.first().map(|place| place.at_ns)
    }

    /// Receive time of the last line, ns since 1970.
    #[must_use]
    pub fn last_ns(&self) -> Option<i64> {
        self.places.last().map(|place| place.at_ns)
    }

    /// True when lines before the first of these could not be read.
    #[must_use]
    pub fn after_hole(&self) -> bool {
        self.after_hole
    }

    /// Empty, with `rest` as the begin of its text.
    pub(crate) fn begin(&mut self, rest: &[u8]) {
        self.places.clear();
        self.odd.clear();
        self.after_hole = false;
        let room = ROOM.max(rest.len().saturating_mul(2));
        if self.text.len() < room {
            self.text.resize(room, 0);
        }
        self.text[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    /// Where to read `length` bytes to; `None` when there is no room for them.
    pub(crate) fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        self.text.get_mut(self.filled..self.filled + length)
    }

    /// Makes room although nothing of the text is a line yet.
    pub(crate) fn grow(&mut self) {
        self.text.resize(self.text.len() * 2, 0);
    }

    /// Takes the whole lines of the text apart, which have times in `span`. Returns where the begin of an unfinished one stands, and how many
    /// lines are none of a journal.
    pub(crate) fn split(&mut self, span: &Range<i64>) -> (usize, u64) {
        let Self {
            text,
            filled,
            places,
            odd,
            ..
        } = self;
        let (text, mut at, mut foreign) = (&text[..*filled], 0, 0);
        while let Some(length) = line_end(&text[at..]) {
            let (from, to) = (at, at + length);
            at = to + 1;
            let line = match Line::parse(&text[from..to]) {
                Ok(line) if span.contains(&line.at_ns) => line,
                _ => {
                    foreign += 1;
                    continue;
                }
            };
            let (from, to) = match line.kind {
                Kind::Odd => {
                    odd.extend_from_slice(&line.payload);
                    (odd.len() - line.payload.len(), odd.len())
                }
                _ => (to - line.payload.len(), to),
            };
            places.push(Place {
                at_ns: line.at_ns,
                kind: line.kind,
                from,
                to,
            });
        }
        (at, foreign)
    }
}

/// Bytes before the first line break. In steps of 64: compilers turn such a step into a few wide instructions, while the
/// standard library's search goes by machine words (0.2 us a message of 1,900 bytes, three times as much).
fn line_end(text: &[u8]) -> Option<usize> {
    let is_end = |byte: &u8| *byte == b'\n';
    let (steps, _) = text.as_chunks::<64>();
    let skipped = steps
        .iter()
        .take_while(|step| !step.iter().fold(false, |found, byte| found | is_end(byte)))
        .count();
    let from = skipped * 64;
    Some(from + text[from..].iter().position(is_end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_line_is_found() {
        assert_eq!(line_end(b""), None);
        assert_eq!(line_end(b"abc"), None);
        assert_eq!(line_end(b"\n"), Some(0));
        assert_eq!(line_end(b"abc\ndef\n"), Some(3));
        for length in 0..300 {
            let mut text = vec![b'.'; length];
            assert_eq!(line_end(&text), None);
            text.extend(b"\n..\n");
            assert_eq!(line_end(&text), Some(length));
        }
    }

    #[test]
    fn lines_keep_their_order_whatever_they_hold() {
        let mut lines = Lines::default();
        lines.begin(b"1 P {}\nrain\n2 X dHdvCmxpbmVz\n3 E up\n4 X /w==\n5 P {\"");
        let (rest, foreign) = lines.split(&(i64::MIN..i64::MAX));
        assert_eq!((&lines.text[rest..lines.filled], foreign), (&b"5 P {\""[..], 1));
        let read: Vec<(i64, Kind, Vec<u8>)> = lines
            .iter()
            .map(|l| (l.at_ns, l.kind, l.payload.into_owned()))
            .collect();
        assert_eq!(
            read,
            [
                (1, Kind::Push, b"{}".to_vec()),
                (2, Kind::Odd, b"two\nlines".to_vec()),
                (3, Kind::Event, b"up".to_vec()),
                (4, Kind::Odd, vec![0xFF]),
            ]
        );
        assert_eq!((lines.first_ns(), lines.last_ns(), lines.len()), (Some(1), Some(4), 4));
        lines.begin(b"");
        assert!(lines.is_empty() && lines.split(&(i64::MIN..i64::MAX)) == (0, 0));
    }
}
