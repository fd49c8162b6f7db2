//! JSON objects as text: finding and replacing values without touching the rest.
//!
//! The station's bodies are judged by key order and number style, which a round trip through a JSON library would
//! lose. Text that is no object has no members and is never changed.

use std::ops::Range;

/// One `"key":value` of an object; the key without quotes and unescaped, the value as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub key: &'a str,
    pub value: &'a str,
    range: Range<usize>,
}

/// The members of the object that `text` is, up to the first thing that is none.
pub(super) fn members(text: &str) -> Vec<Member<'_>> {
    let mut found = Vec::new();
    let Some(mut at) = skip_space(text, 0).and_then(|at| eat(text, at, b'{')) else {
        return found;
    };
    while let Some((member, next)) = member(text, at) {
        found.push(member);
        match skip_space(text, next).and_then(|at| eat(text, at, b',')) {
            Some(next) => at = next,
            None => break,
        }
    }
    found
}

/// The value of a key as it stands.
pub(super) fn value<'a>(members: &[Member<'a>], key: &str) -> Option<&'a str> {
    members.iter().find(|m| m.key == key).map(|m| m.value)
}

/// The text with some values replaced.
pub(super) fn replaced(text: &str, mut with: impl FnMut(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for member in members(text) {
        if let Some(new) = with(member.key, member.value) {
            out.push_str(&text[from..member.range.start]);
            out.push_str(&new);
            from = member.range.end;
        }
    }
    out.push_str(&text[from..]);
    out
}

fn member(text: &str, at: usize) -> Option<(Member<'_>, usize)> {
    let at = skip_space(text, at)?;
    let end = string_end(text, at)?;
    let key = &text[at + 1..end - 1];
    let at = skip_space(text, skip_space(text, end).and_then(|at| eat(text, at, b':'))?)?;
    let end = value_end(text, at)?;
    let range = at..end;
    let value = &text[range.clone()];
    Some((Member { key, value, range }, end))
}

fn eat(text: &str, at: usize, byte: u8) -> Option<usize> {
    (text.as_bytes().get(at) == Some(&byte)).then_some(at + 1)
}

fn skip_space(text: &str, at: usize) -> Option<usize> {
    let rest = text.as_bytes().get(at..)?;
    let skipped = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
    (skipped < rest.len()).then_some(at + skipped)
}

/// Behind the closing quote of the string at `at`.
fn string_end(text: &str, at: usize) -> Option<usize> {
    let mut at = eat(text, at, b'"')?;
    loop {
        match text.as_bytes().get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn value_end(text: &str, at: usize) -> Option<usize> {
    let (mut at, mut depth) = (at, 0usize);
    loop {
        match text.as_bytes().get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            byte if depth == 0 && byte.is_ascii_whitespace() => return Some(at),
            _ => at += 1,
        }
        if depth == 0 && matches!(text.as_bytes()[at - 1], b'"' | b'}' | b']') {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_replaced_as_text() {
        let text = r#"{ "a" : 1.50, "b":{"c":[1,{"d":"}"}],"a":7}, "e":"x\"y,", "f":null }"#;
        let found = members(text);
        let keys: Vec<_> = found.iter().map(|m| m.key).collect();
        assert_eq!(keys, ["a", "b", "e", "f"]);
        assert_eq!(value(&found, "a"), Some("1.50"));
        assert_eq!(value(&found, "b"), Some(r#"{"c":[1,{"d":"}"}],"a":7}"#));
        assert_eq!(value(&found, "e"), Some(r#""x\"y,""#));
        assert_eq!(value(&found, "z"), None);
        let new = replaced(text, |key, _| matches!(key, "a" | "f").then(|| "0.0".to_owned()));
        assert_eq!(
            new,
            text.replace("1.50", "0.0")
                .replace("null", "0.0")
                .replace(r#""a":0.0"#, r#""a":7"#)
        );
    }

    #[test]
    fn what_is_no_object_stays() {
        for text in [
            "",
            "[]",
            "12",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a",
            "{}",
            "あ",
            "{\"a\":\"あ",
            "{\"a\":\"\\",
        ] {
            assert_eq!(replaced(text, |_, _| Some("0".into())), text, "{text}");
        }
        assert_eq!(
            replaced("{\"a\":1", |_, _| Some("0".into())),
            "{\"a\":1",
            "no end, no value"
        );
    }
}
