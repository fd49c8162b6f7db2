//! Bytes of a text file as Windows users have them: UTF-8 with or without BOM (editors), UTF-16 (PowerShell's `>`,
//! old Notepad), CP932 (everything Japanese and older).

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE};

/// A decoded file.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without BOM.
    pub text: String,
    /// What it was read as, when that is not plain UTF-8.
    pub unusual: Option<&'static str>,
    /// How the text lies in the bytes.
    pub(super) form: Form,
}

/// How characters lie in the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Utf8 { bom: bool },
    Utf16 { bom: bool, big: bool },
    Cp932,
    EucJp,
}

impl Form {
    /// Where in the file the text begins that lies at `at` in the decoded text. Both must belong together.
    ///
    /// Counted in the original bytes, never by encoding again: CP932 has several codes for some characters, and the
    /// file shall keep the one it has.
    pub(super) fn place(self, bytes: &[u8], text: &str, at: usize) -> usize {
        let before = &text[..at];
        match self {
            Self::Utf8 { bom } => at + if bom { 3 } else { 0 },
            Self::Utf16 { bom, .. } => (before.encode_utf16().count() + usize::from(bom)) * 2,
            Self::Cp932 => walk(bytes, before, |lead| match lead {
                0x81..=0x9F | 0xE0..=0xFC => 2,
                _ => 1,
            }),
            Self::EucJp => walk(bytes, before, |lead| match lead {
                0x8F => 3,
                0x8E | 0xA1..=0xFE => 2,
                _ => 1,
            }),
        }
    }

    /// ASCII text as this file writes it.
    pub(super) fn ascii(self, text: &str) -> Vec<u8> {
        debug_assert!(text.is_ascii(), "every form has ASCII as it is");
        match self {
            Self::Utf16 { big: true, .. } => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf16 { big: false, .. } => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }
}

/// Steps over as many characters as `before` has.
fn walk(bytes: &[u8], before: &str, length: impl Fn(u8) -> usize) -> usize {
    before
        .chars()
        .fold(0, |at, _| at + bytes.get(at).map_or(0, |lead| length(*lead)))
}

/// Decodes the file, or says in one sentence why it is no text.
///
/// # Errors
/// That sentence.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let decoded = |text: String, unusual, form| Ok(Decoded { text, unusual, form });
    if let [0xEF, 0xBB, 0xBF, rest @ ..] = bytes {
        return match std::str::from_utf8(rest) {
            Ok(text) => decoded(text.to_owned(), Some("UTF-8 with BOM"), Form::Utf8 { bom: true }),
            Err(error) => Err(format!(
                "it starts like UTF-8 but byte {} is not",
                error.valid_up_to() + 3
            )),
        };
    }
    if let Some((encoding, name)) = utf16_of(bytes) {
        let form = Form::Utf16 {
            bom: matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]),
            big: encoding == UTF_16BE,
        };
        return match encoding.decode_with_bom_removal(bytes) {
            (text, false) => decoded(text.into_owned(), Some(name), form),
            (_, true) => Err(format!("it starts like {name} but is damaged")),
        };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => decoded(text.to_owned(), None, Form::Utf8 { bom: false }),
        Err(_) => japanese(bytes, japanese_of(bytes)),
    }
}

/// Decodes the file as CP932, whatever it looks like.
#[must_use]
pub fn decode_cp932(bytes: &[u8]) -> Option<Decoded> {
    japanese(bytes, Form::Cp932).ok()
}

fn japanese(bytes: &[u8], form: Form) -> Result<Decoded, String> {
    let (encoding, name) = match form {
        Form::EucJp => (EUC_JP, "EUC-JP"),
        _ => (SHIFT_JIS, "CP932 (Shift_JIS)"),
    };
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(Decoded {
            text: text.into_owned(),
            unusual: Some(name),
            form,
        }),
        None => Err("it is neither UTF-8, UTF-16 nor CP932 text".to_owned()),
    }
}

/// UTF-16 by its BOM, or by what JSON looks like without one: every other byte of its first characters is zero.
fn utf16_of(bytes: &[u8]) -> Option<(&'static Encoding, &'static str)> {
    match bytes {
        [0xFF, 0xFE, ..] => return Some((UTF_16LE, "UTF-16 LE")),
        [0xFE, 0xFF, ..] => return Some((UTF_16BE, "UTF-16 BE")),
        _ => {}
    }
    let head = &bytes[..bytes.len().min(256)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, odd) if half > 0 && odd * 2 >= half => Some((UTF_16LE, "UTF-16 LE without BOM")),
        (even, 0) if half > 0 && even * 2 >= half => Some((UTF_16BE, "UTF-16 BE without BOM")),
        _ => None,
    }
}

/// EUC-JP when the detector is sure of it, else CP932: it is what Japanese Windows writes.
fn japanese_of(bytes: &[u8]) -> Form {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(Some(b"jp"), Utf8Detection::Deny);
    if guess == EUC_JP { Form::EucJp } else { Form::Cp932 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\"db_path\": \"C:/データ/株 日経.db\", \"log_path\": \"ログ/記録.log\", \"symbols\": [\"7203\"]}";

    fn utf16(text: &str, bom: bool, big: bool) -> Vec<u8> {
        let units = bom.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn c01_every_encoding_of_japanese_windows_is_read() {
        let bom = ["\u{FEFF}", TEXT].concat().into_bytes();
        for (bytes, name) in [
            (TEXT.as_bytes().to_vec(), None),
            (bom, Some("UTF-8 with BOM")),
            (utf16(TEXT, true, false), Some("UTF-16 LE")),
            (utf16(TEXT, true, true), Some("UTF-16 BE")),
            (utf16(TEXT, false, false), Some("UTF-16 LE without BOM")),
            (utf16(TEXT, false, true), Some("UTF-16 BE without BOM")),
            (SHIFT_JIS.encode(TEXT).0.into_owned(), Some("CP932 (Shift_JIS)")),
            (EUC_JP.encode(TEXT).0.into_owned(), Some("EUC-JP")),
        ] {
            let read = decode(&bytes).expect("text");
            assert_eq!((read.text.as_str(), read.unusual), (TEXT, name));
            // Every place of the text is found in the bytes.
            for (at, _) in TEXT.char_indices().filter(|(_, c)| c.is_ascii()) {
                let place = read.form.place(&bytes, TEXT, at);
                let ascii = read.form.ascii(&TEXT[at..=at]);
                assert_eq!(&bytes[place..place + ascii.len()], ascii, "{name:?} at {at}");
            }
            assert_eq!(read.form.place(&bytes, TEXT, TEXT.len()), bytes.len());
        }
    }

    #[test]
    fn c01_what_is_no_text_is_refused() {
        for bytes in [
            &[0xEF, 0xBB, 0xBF, b'{', 0xFF][..],
            &[0xFF, 0xFE, b'{', 0, 0x00, 0xD8][..],
            &[0x89, b'P', b'N', b'G', 0xFD, 0xFF, 0xFE, 0xA0, 0x80][..],
        ] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(decode(b"").expect("empty").text, "");
        assert_eq!(decode(b"{").expect("short").text, "{");
    }
}
