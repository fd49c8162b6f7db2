//! Bodies as the station prints them: keys in order, .NET decimals, raw UTF-8.

use std::fmt::{Display, Write};

use ayumi_wire::num::Price;

use crate::http::Answer;

/// A JSON object that is written key by key.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self(String::from("{"))
    }

    /// A value that is JSON as it stands: a number, `true`, an array.
    pub(super) fn raw(mut self, key: &str, value: impl Display) -> Self {
        let comma = if self.0.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}\"{key}\":{value}");
        self
    }

    pub(super) fn null(self, key: &str) -> Self {
        self.raw(key, "null")
    }

    /// A number or null.
    pub(super) fn some(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.raw(key, value),
            None => self.null(key),
        }
    }

    pub(super) fn text(self, key: &str, value: &str) -> Self {
        // A string always serialises.
        let quoted = serde_json::to_string(value).unwrap_or_else(|_| "\"\"".to_owned());
        self.raw(key, quoted)
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The answer 200 with this body.
    pub(super) fn answer(self) -> Answer {
        Answer::json(200, self.finish())
    }
}

/// A JSON array of things that are JSON.
pub(super) fn array(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

/// A price with four decimals, as `/ranking` prints it: `2476.5000`.
pub(super) fn four(price: Price) -> String {
    let (sign, e4) = (if price.0 < 0 { "-" } else { "" }, price.0.unsigned_abs());
    format!("{sign}{}.{:04}", e4 / 10_000, e4 % 10_000)
}

/// A change with five: `-1.50000`.
pub(super) fn five(change: Price) -> String {
    four(change) + "0"
}

/// Hundredths as a percentage: `-0.06`.
pub(super) fn two(e2: i64) -> String {
    let (sign, magnitude) = (if e2 < 0 { "-" } else { "" }, e2.unsigned_abs());
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings_of_the_station() {
        let body = Object::new()
            .text("A", "ﾌｧｰﾏ\"")
            .some("B", None::<i64>)
            .raw("C", four(Price(24_765_000)))
            .raw("D", five(Price(-15_000)))
            .raw("E", two(-6));
        assert_eq!(
            body.finish(),
            r#"{"A":"ﾌｧｰﾏ\"","B":null,"C":2476.5000,"D":-1.50000,"E":-0.06}"#
        );
        assert_eq!((Object::new().finish(), array([])), ("{}".to_owned(), "[]".to_owned()));
    }
}
