//! JSON in which a key that stands twice is a mistake: the usual reader keeps the last one and says nothing.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a value.
///
/// # Errors
/// What is no JSON, and a key that stands twice in an object.
pub(crate) fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Strict>(text).map(|strict| strict.0)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if all.contains_key(&key) {
                let cut: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(A::Error::custom(format!(
                    "the key \"{cut}\" stands there twice; keep one"
                )));
            }
            let Strict(value) = entries.next_value()?;
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_the_usual_reader_but_for_keys_that_stand_twice() {
        for text in [
            r#"{"a":[1,-2,3.5,1e3,true,null,"x\"\u00e9"],"b":{"a":{}},"c":18446744073709551615}"#,
            "[]",
            "7",
            "\"\"",
        ] {
            assert_eq!(json(text).ok(), serde_json::from_str(text).ok(), "{text}");
        }
        for text in ["", "{", "{\"a\":1}x", "nope", "[1,]"] {
            assert!(json(text).is_err(), "{text}");
        }
        let said = json("{\"a\": {\"b\": 1,\n \"b\": 2}}").expect_err("twice").to_string();
        assert!(
            said.contains("the key \"b\" stands there twice") && said.contains("line 2"),
            "{said}"
        );
    }
}
