//! JSON with comments: they become blanks, so that every line and column stays where it is.

/// The text without byte order mark and comments.
pub(super) fn blanked(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match rest {
            _ if c == '"' => {
                let end = string_end(rest);
                out.push_str(&rest[..end]);
                end
            }
            _ if rest.starts_with("//") => blank(&mut out, &rest[..rest.find('\n').unwrap_or(rest.len())]),
            _ if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").map_or(rest.len(), |at| at + 4);
                blank(&mut out, &rest[..end])
            }
            _ => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// Bytes of the string at the front, quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn blank(out: &mut String, comment: &str) -> usize {
    out.extend(comment.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
    comment.len()
}

#[cfg(test)]
mod tests {
    use super::blanked;

    #[test]
    fn comments_become_blanks() {
        for (text, plain) in [
            ("{} // x\n1", "{}     \n1"),
            ("/* a\nb */{}", "    \n    {}"),
            (
                r#"{"a": "// no \" /* no */"} // 注"#,
                r#"{"a": "// no \" /* no */"}     "#,
            ),
            ("\u{feff}{}", "{}"),
            ("/*", "  "),
            ("\"open", "\"open"),
            ("/", "/"),
            ("\"\\", "\"\\"),
        ] {
            assert_eq!(blanked(text), plain, "{text}");
        }
    }
}
