//! Text that came from the network, made safe for a log line and a terminal.

/// Longest excerpt of a foreign text that is kept, in characters.
const KEPT: usize = 200;

/// Removes control characters (C0, C1, DEL, line and paragraph separators, direction overrides) and cuts the rest to
/// 200 characters: a station or a proxy must not be able to forge log lines or steer a terminal (SEC15).
pub(crate) fn sanitised(raw: &str) -> String {
    let mut kept = raw.chars().filter(|c| !is_steering(*c));
    let mut out: String = kept.by_ref().take(KEPT).collect();
    if kept.next().is_some() {
        out.push_str("...");
    }
    out
}

fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}'..='\u{200F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::sanitised;

    #[test]
    fn sec15_control_characters_go_and_text_stays() {
        assert_eq!(sanitised("a\u{1b}[31mb\r\n\u{9b}c\u{202e}"), "a[31mbc");
        assert_eq!(sanitised("APIキー不一致"), "APIキー不一致");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        let out = sanitised(&"値".repeat(500));
        assert_eq!(out.chars().count(), 203);
    }
}
