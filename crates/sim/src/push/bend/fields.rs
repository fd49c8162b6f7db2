//! A message taken apart, so that single fields can be changed: order and number style of the others stay.

use std::fmt;

use ayumi_wire::num::Decimal;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The levels of a book.
pub(super) const LEVELS: [&str; 20] = [
    "Sell1", "Sell2", "Sell3", "Sell4", "Sell5", "Sell6", "Sell7", "Sell8", "Sell9", "Sell10", "Buy1", "Buy2", "Buy3",
    "Buy4", "Buy5", "Buy6", "Buy7", "Buy8", "Buy9", "Buy10",
];

/// The fields of a JSON object in their order, each value as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub list: Vec<(String, String)>,
}

impl Fields {
    /// `None` when the text is no JSON object.
    pub fn split(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The value of the first field of this name, as it is written.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.list.iter().find(|(k, _)| k == key).map(|(_, raw)| raw.as_str())
    }

    /// The value of a text.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.get(key)?).ok()
    }

    /// The value of a number.
    pub fn number(&self, key: &str) -> Option<Decimal> {
        Decimal::parse(self.get(key)?)
    }

    /// Changes a field that is there; true when that made a difference.
    pub fn set(&mut self, key: &str, raw: &str) -> bool {
        match self.list.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) if old != raw => {
                raw.clone_into(old);
                true
            }
            _ => false,
        }
    }

    /// Changes an object within; true when that made a difference.
    pub fn within(&mut self, key: &str, change: impl FnOnce(&mut Self) -> bool) -> bool {
        let Some(mut inner) = self.get(key).and_then(|raw| Self::split(raw.as_bytes())) else {
            return false;
        };
        change(&mut inner) && self.set(key, &inner.written())
    }

    /// Offers every value that is no object, levels included; true when one of the answers made a difference.
    pub fn each(&mut self, change: &mut dyn FnMut(&str, &str) -> Option<String>) -> bool {
        let mut changed = false;
        for (key, raw) in &mut self.list {
            let new = match raw.starts_with('{').then(|| Self::split(raw.as_bytes())).flatten() {
                Some(mut inner) => inner.each(change).then(|| inner.written()),
                None => change(key, raw),
            };
            if let Some(new) = new.filter(|new| new != raw) {
                *raw = new;
                changed = true;
            }
        }
        changed
    }

    /// The object as text, without white space of its own.
    pub fn written(&self) -> String {
        let mut out = String::with_capacity(2048);
        let mut before = '{';
        for (key, raw) in &self.list {
            out.push(before);
            out.push_str(&serde_json::to_string(key).unwrap_or_default());
            out.push(':');
            out.push_str(raw);
            before = ',';
        }
        if self.list.is_empty() {
            out.push('{');
        }
        out.push('}');
        out
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut list = Vec::with_capacity(64);
        while let Some((key, raw)) = map.next_entry::<String, Box<RawValue>>()? {
            list.push((key, String::from(Box::<str>::from(raw))));
        }
        Ok(Fields { list })
    }
}

/// True for a JSON number as it is written.
pub(super) fn is_number(raw: &str) -> bool {
    raw.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_style_stay() {
        let text = r#"{"B":26480.0000,"A":"東\u4eac","Sell1":{"Price":1.0,"Qty":1e3},"N":null,"L":[1, 2]}"#;
        let mut fields = Fields::split(text.as_bytes()).unwrap();
        assert_eq!(fields.written(), text);
        assert_eq!(fields.text("A").as_deref(), Some("東京"));
        assert!(fields.set("N", "5") && !fields.set("N", "5") && !fields.set("None", "5"));
        assert!(fields.within("Sell1", |level| level.set("Qty", "0.0")));
        let expected = text.replace("null", "5").replace("1e3", "0.0");
        assert_eq!(fields.written(), expected);
        let mut seen = Vec::new();
        fields.each(&mut |key, raw| {
            seen.push(format!("{key}={raw}"));
            None
        });
        assert_eq!(
            seen.join(" "),
            r#"B=26480.0000 A="東\u4eac" Price=1.0 Qty=0.0 N=5 L=[1, 2]"#
        );
        assert_eq!(Fields::split(b"{}").unwrap().written(), "{}");
        for none in ["[]", "{", "", "1", "{\"a\":1}x"] {
            assert_eq!(Fields::split(none.as_bytes()), None, "{none}");
        }
    }
}
