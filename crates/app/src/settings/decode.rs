//! Bytes of a text file as Windows users have them: UTF-8 with or without BOM (editors), UTF-16 (PowerShell's `>`,
//! old Notepad), CP932 (everything Japanese and older).

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE};

/// A decoded file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The text, without BOM.
    pub text: String,
    /// What it was read as, when that is not plain UTF-8.
    pub unusual: Option<&'static str>,
}

/// Decodes the file, or says in one sentence why it is no text.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let decoded = |text: String, unusual| Ok(Decoded { text, unusual });
    if let [0xEF, 0xBB, 0xBF, rest @ ..] = bytes {
        return match std::str::from_utf8(rest) {
            Ok(text) => decoded(text.to_owned(), Some("UTF-8 with BOM")),
            Err(error) => Err(format!(
                "it starts like UTF-8 but byte {} is not",
                error.valid_up_to() + 3
            )),
        };
    }
    if let Some((encoding, name)) = utf16_of(bytes) {
        return match encoding.decode_with_bom_removal(bytes) {
            (text, false) => decoded(text.into_owned(), Some(name)),
            (_, true) => Err(format!("it starts like {name} but is damaged")),
        };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => decoded(text.to_owned(), None),
        Err(_) => {
            let (encoding, name) = japanese_of(bytes);
            match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => decoded(text.into_owned(), Some(name)),
                None => Err("it is neither UTF-8, UTF-16 nor CP932 text".to_owned()),
            }
        }
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
fn japanese_of(bytes: &[u8]) -> (&'static Encoding, &'static str) {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(Some(b"jp"), Utf8Detection::Deny);
    if guess == EUC_JP {
        (EUC_JP, "EUC-JP")
    } else {
        (SHIFT_JIS, "CP932 (Shift_JIS)")
    }
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
