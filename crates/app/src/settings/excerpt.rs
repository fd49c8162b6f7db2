//! A line of the settings file with a caret under it, and without the secrets in it.

use std::borrow::Cow;
use std::ops::Range;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;

use super::keys;
use crate::text;
use crate::text::redact::MASK;

/// Console cells of an excerpt; longer lines (minified JSON) are cut around the caret.
const WIDEST: usize = 100;

/// Line and column of a byte offset, both from 1; the column counts characters, as editors do.
pub(super) fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}

/// Two lines: the source line of `at` and carets under it. Ranges of `hidden` are shown as `***`.
pub(super) fn excerpt(text: &str, at: &Range<usize>, hidden: &[Range<usize>]) -> String {
    let start = text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at.start..]
        .find('\n')
        .map_or(text.len(), |length| at.start + length);
    let (mut shown, mut from, mut to) = (String::new(), None, None);
    let mut pos = start;
    while pos < end {
        let mask = hidden.iter().find(|range| range.contains(&pos));
        let c = text[pos..].chars().next().unwrap_or(' ');
        let next = mask.map_or(pos + c.len_utf8(), |range| range.end.min(end));
        if from.is_none() && next > at.start {
            from = Some(text::width(&shown));
        }
        if to.is_none() && pos >= at.end {
            to = Some(text::width(&shown));
        }
        match mask {
            Some(_) => shown.push_str(MASK),
            None if c.is_control() => shown.push(' '),
            None => shown.push(c),
        }
        pos = next;
    }
    let shown = shown.trim_end();
    let from = from.unwrap_or(text::width(shown));
    let to = to.unwrap_or(text::width(shown)).max(from + 1);
    let (line, _) = line_column(text, at.start);
    draw(line, shown, from, to)
}

fn draw(line: usize, shown: &str, from: usize, to: usize) -> String {
    let first = if text::width(shown) > WIDEST {
        from.saturating_sub(WIDEST / 2)
    } else {
        0
    };
    let (mut cut, mut column, mut lead) = (String::new(), 0, None);
    for c in shown.chars() {
        if column >= first && column < first + WIDEST {
            lead.get_or_insert(column);
            cut.push(c);
        }
        column += text::cells(c);
    }
    let (dots, lead) = (if first > 0 { "..." } else { "" }, lead.unwrap_or(first));
    let number = line.to_string();
    let carets = "^".repeat((to - from).min((lead + WIDEST).saturating_sub(from)).max(1));
    let pad = " ".repeat(dots.len() + from - lead.min(from));
    format!(
        "  {number} | {dots}{cut}\n  {} | {pad}{carets}",
        " ".repeat(number.len())
    )
}

/// Byte ranges that must not be shown: what stands under a secret key in the `tree`, and what follows one in the text,
/// because a comment, or text that is no JSON, has no tree. In text that is `broken` nobody knows where a value ends, so
/// the rest of its line goes: the excerpt of a syntax error on the token's own line must not show it either. Hides rather
/// too much, and looks for further keys in what it hides: where a colon is missing, a key may stand in the place of a
/// value.
pub(super) fn secrets(text: &str, tree: Option<&Value<'_>>, broken: bool) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    if let Some(tree) = tree {
        under_secret_keys(tree, &mut ranges);
    }
    let (mut pos, mut bare_until) = (0, 0);
    while pos < text.len() {
        let word = text[pos..]
            .chars()
            .take_while(|c| is_word(*c))
            .map(char::len_utf8)
            .sum::<usize>();
        if word == 0 {
            pos += text[pos..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let end = pos + word;
        if keys::is_secret(&unescaped(&text[pos..end])) {
            let value = value_after(text, end, broken, &mut bare_until);
            if !value.is_empty() {
                ranges.push(value);
            }
        }
        pos = end;
    }
    ranges
}

fn under_secret_keys(value: &Value<'_>, ranges: &mut Vec<Range<usize>>) {
    match value {
        Value::Object(object) => {
            for property in &object.properties {
                if keys::is_secret(property.name.as_str()) {
                    let range = property.value.range();
                    ranges.push(range.start..range.end);
                } else {
                    under_secret_keys(&property.value, ranges);
                }
            }
        }
        Value::Array(array) => array.elements.iter().for_each(|value| under_secret_keys(value, ranges)),
        _ => {}
    }
}

/// Signs that cannot be seen belong to a word too, and so does an escape.
fn is_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '_' | '-' | '.' | '\\' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

/// A word with `\u006b` read as the letter that it is.
fn unescaped(word: &str) -> Cow<'_, str> {
    if !word.contains("\\u") {
        return Cow::Borrowed(word);
    }
    let mut parts = word.split("\\u");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(4).unwrap_or((part, ""));
        let letter = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        plain.extend(letter);
        plain.push_str(rest);
    }
    Cow::Owned(plain)
}

/// The value that follows a key which ends at `from`: a quoted text with its content only, else up to the next comma,
/// bracket or line end; up to the line end in text that is `broken`. `bare_until` keeps that place, so that a line of
/// nothing but keys is searched once.
fn value_after(text: &str, from: usize, broken: bool, bare_until: &mut usize) -> Range<usize> {
    let skip = |at: usize, f: &dyn Fn(char) -> bool| {
        at + text[at..]
            .chars()
            .take_while(|c| f(*c))
            .map(char::len_utf8)
            .sum::<usize>()
    };
    let mut at = skip(from, &|c| is_quote(c));
    let between = |c: char| c.is_whitespace() || matches!(c, ':' | '=' | '：') || (broken && c == ',');
    at = skip(at, &between);
    let Some(first) = text[at..].chars().next() else {
        return at..at;
    };
    if broken || !is_quote(first) {
        let ends = |c: char| matches!(c, '\n' | '\r') || (!broken && matches!(c, ',' | '}' | ']'));
        if at >= *bare_until {
            *bare_until = skip(at, &|c| !ends(c));
        }
        return at..*bare_until;
    }
    let start = at + first.len_utf8();
    let mut escaped = false;
    for (offset, c) in text[start..].char_indices() {
        if c == '\n' || (c == first && !escaped) {
            return start..start + offset;
        }
        escaped = c == '\\' && !escaped;
    }
    start..text.len()
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '”' | '＂')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, marked: &str) -> String {
        let at = text.find(marked).expect("the marked part is in the text");
        let (tree, problems) = super::super::syntax::parse(text);
        let hidden = secrets(text, tree.as_ref(), !problems.is_empty());
        excerpt(text, &(at..at + marked.len()), &hidden)
    }

    #[test]
    fn the_caret_stands_under_the_value_also_after_kanji() {
        let text = "{\n  \"メモ\": \"株価\", \"port\": 99999,\r\n}";
        assert_eq!(
            shown(text, "99999"),
            "  2 |   \"メモ\": \"株価\", \"port\": 99999,\n    |                           ^^^^^"
        );
        assert_eq!(line_column(text, text.find("99999").expect("there")), (2, 23));
    }

    #[test]
    fn a_minified_file_is_cut_around_the_caret() {
        let text = format!(
            "{{{}\"port\": 99999{}}}",
            "\"a\": 1, ".repeat(50),
            ", \"b\": 2".repeat(50)
        );
        let lines = shown(&text, "99999");
        let (line, caret) = lines.split_once('\n').expect("two lines");
        assert!(line.len() < 120 && line.contains("99999"), "{line}");
        assert_eq!(line.find("99999"), caret.find("^^^^^"));
    }

    #[test]
    fn sec03_secrets_are_masked_in_every_kind_of_text() {
        for text in [
            r#"{"port": 1, "token": "canary"}"#,
            r#"{"port": 1,"token":"canary"}"#,
            r#"{"port": 1, "api_password" : 'canary'}"#,
            r#"{"port": 1, "token" "canary"}"#,
            r#"{"port": 1, token: canary}"#,
            r#"{"port": 1, "tokn": "canary"}"#,
            r#"{"port": 1, "TOKEN": "can\"canary"}"#,
            r#"{"port": 1, "other": {"kabu_password": "canary"}}"#,
            r#"{"port": 1, "token": "canary}"#,
            r#"{"port": 1, "token": “canary”}"#,
            r#"{"port": 1} // token = canary"#,
            r#"{"port": 1, "token": canary"#,
            r#"{"port": 1, pwd "token":"canary"}"#,
            r#"{"port": 1, pwd token "a,canary"}"#,
            r#"{"port": 1, "token": "api_password": "canary"}"#,
            r#"{"port": 1, "api_password":"my"canary"}"#,
            r#"{"port": 1, "token", "canary"}"#,
            r#"{"port": 1, "token": ["a","canary"]}"#,
            r#"{"port": 1, "token": {"a":"b","c":"canary"}}"#,
            r#"{"port": 1, "to\u006ben": "canary"}"#,
            r#"{"port": 1, "to\u006ben" "canary"}"#,
            r#"{"port": 1, "ｔｏｋｅｎ": "canary"}"#,
            "{\"port\": 1, \"to\u{200b}ken\": \"canary\"}",
            "{\"port\": 1, \"to\u{200b}ken\" \"canary\"}",
            r#"{"port": 1, "kabu_pass": "canary"}"#,
            r#"{"port": 1, "pw": "canary"}"#,
            r#"{"port": 1, "authorization": "canary"}"#,
            r#"{"port": 1, "パスワード": "canary"}"#,
            r#"{"port": 1, "トークン": "canary"}"#,
        ] {
            let lines = shown(text, "\"port\"");
            assert!(!lines.contains("canary") && lines.contains("***"), "{text}\n{lines}");
        }
        let two_lines = "{\"token\":\n  \"canary\"}";
        assert!(!shown(two_lines, "canary").contains("canary"));
    }

    #[test]
    fn a_line_of_nothing_but_secret_keys_is_searched_in_no_time() {
        let text = "token ".repeat(50_000);
        assert_eq!(secrets(&text, None, true).len(), 49_999, "the last one has no value");
        assert_eq!(secrets(&text, None, false).len(), 49_999);
    }

    #[test]
    fn excerpts_at_the_ends_of_odd_texts() {
        for text in ["", "\n", "a", "株", "\r\n"] {
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                assert!(excerpt(text, &(at..at), &[]).contains('^'), "{text:?} {at}");
            }
        }
    }
}
