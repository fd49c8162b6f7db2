//! Words on their way to a person: lines on stdout and stderr that never panic, and the width of characters on a
//! Japanese console.
//!
//! Refuses to know what the words are about. The panicking print macros are not used anywhere in this crate: a closed
//! pipe (`ayumi stream ... | more`, then `q`) must not end a recording.

pub mod redact;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// Writes one line to stdout; a closed pipe is ignored.
pub fn stdout_line(line: &str) {
    put(&mut io::stdout().lock(), line);
}

/// Writes one line to stderr; a closed pipe is ignored. Before logging runs; afterwards use `log`, which cannot block.
pub fn stderr_line(line: &str) {
    put(&mut io::stderr().lock(), line);
}

/// The terminal's bell, if stderr is one. A console may stand still, so it is rung from a thread of its own.
pub fn ring() {
    if io::stderr().is_terminal() {
        // Nothing depends on it.
        let _ = std::thread::Builder::new().spawn(|| {
            let _ = io::stderr().lock().write_all(b"\x07");
        });
    }
}

fn put(out: &mut dyn Write, line: &str) {
    // One write per line, so that lines of several threads never mix. Nobody is left to tell about a failure.
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

/// The text with every control character (terminal escapes, line breaks) replaced by a blank.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The text cut to at most `max` characters, with `...` where something is missing.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// Half-width form of full-width letters, digits and signs (`７２０３：` becomes `7203:`), as a Japanese input method
/// leaves them. Everything else stays.
#[must_use]
pub fn half_width(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    };
    text.chars().map(narrow).collect()
}

/// Cells of a console that a character takes: 0, 1 or 2.
///
/// A short form of Unicode's East Asian Width, enough to put a caret under kanji and kana.
#[must_use]
pub fn cells(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// Cells of a whole text.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p09_a_closed_pipe_is_ignored() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        put(&mut Closed, "nobody listens");
    }

    #[test]
    fn sec15_control_characters_do_not_reach_a_console() {
        assert_eq!(one_line("a\u{1b}[31mb\nc\u{9b}d"), "a [31mb c d");
        assert!(matches!(one_line("plain 株"), Cow::Borrowed(_)));
    }

    #[test]
    fn widths_of_a_japanese_console() {
        assert_eq!(width("abc"), 3);
        assert_eq!(width("株価"), 4);
        assert_eq!(width("ｶﾌﾞ"), 3);
        assert_eq!(width("７２"), 4);
        assert_eq!(cut("株価株価株価", 5), "株価...");
        assert_eq!(half_width("７２０３：　ＡｂＣ株"), "7203: AbC株");
    }
}
