//! A safety net under the handling of secrets: texts that must never be written anywhere.
//!
//! Secrets live in `SecretString` and are not formatted in the first place; this net catches what comes back from
//! outside, for example a station's error body that echoes a token. It owns one list for the whole process, because
//! the crash report needs it as much as the log.

use std::borrow::Cow;
use std::sync::RwLock;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Shorter secrets are not searched for: replacing every `1` would ruin each line and tell the secret as well.
const SHORTEST: usize = 6;

static FORBIDDEN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// From now on `secret` is replaced by [`MASK`] in every log line and crash report. Secrets of less than 6 characters
/// are not searched for.
pub fn forbid(secret: &str) {
    let secret = secret.trim();
    if secret.chars().count() < SHORTEST {
        return;
    }
    // How JSON writes it: an error body may echo it with \" or \uXXXX.
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let escaped = quoted.trim_matches('"');
    if let Ok(mut list) = FORBIDDEN.write() {
        for form in [secret, escaped] {
            if !list.iter().any(|known| known == form) {
                list.push(form.to_owned());
            }
        }
        // A secret that contains another one goes first, else its tail would stay.
        list.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }
}

/// The text without any forbidden secret.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let mut cleaned = Cow::Borrowed(text);
    // A poisoned list is still a list of secrets: use it.
    let list = FORBIDDEN.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    for secret in list.iter() {
        if cleaned.contains(secret.as_str()) {
            cleaned = Cow::Owned(cleaned.replace(secret.as_str(), MASK));
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec01_forbidden_texts_disappear() {
        forbid("redact-test-aaa");
        forbid("redact-test-aaa-longer");
        forbid("redact\"quote");
        forbid("abc");
        assert_eq!(clean("x redact-test-aaa-longer y redact-test-aaa z"), "x *** y *** z");
        assert_eq!(clean(r#"{"echo":"redact\"quote"}"#), r#"{"echo":"***"}"#);
        assert_eq!(clean("abc stays"), "abc stays");
    }
}
