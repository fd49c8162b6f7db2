//! REST bodies of kabu Station: token, registration, errors. Quotes (`/board`) have the shape of a PUSH message: see
//! [`crate::push`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::num::{Decimal, Price};

/// Body of `POST /token`.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The API password of the environment (production or verification).
    #[serde(rename = "APIPassword")]
    pub api_password: String,
}

/// Answer of `POST /token`.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// 0 = done.
    #[serde(rename = "ResultCode")]
    pub result_code: i64,
    /// 32 hexadecimal digits.
    #[serde(rename = "Token")]
    pub token: String,
}

/// One entry of the registration list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Code.
    #[serde(rename = "Symbol")]
    pub symbol: String,
    /// Exchange; the station also accepts it as a string (kabusapi issue 390).
    #[serde(rename = "Exchange", deserialize_with = "exchange_number")]
    pub exchange: u16,
}

/// Body of `PUT /register` and `/unregister`. An empty list reads the registration list back and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// What to add or remove.
    #[serde(rename = "Symbols")]
    pub symbols: Vec<Entry>,
}

/// Answer of `PUT /register`, `/unregister` and `/unregister/all`: the whole list now registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterAnswer {
    /// The list.
    #[serde(rename = "RegistList")]
    pub regist_list: Vec<Entry>,
}

/// The part of an answer of `GET /symbol` that says between which prices the symbol may trade today.
#[derive(Clone, Debug, Deserialize)]
pub struct SymbolAnswer<'a> {
    /// Code.
    #[serde(rename = "Symbol", borrow, default)]
    pub symbol: Option<Cow<'a, str>>,
    #[serde(rename = "UpperLimit", borrow, default)]
    upper: Option<&'a RawValue>,
    #[serde(rename = "LowerLimit", borrow, default)]
    lower: Option<&'a RawValue>,
}

impl SymbolAnswer<'_> {
    /// The day's lowest and highest price, exact; `None` unless both are there, above 0 and in this order. An index has
    /// none.
    #[must_use]
    pub fn limits(&self) -> Option<(Price, Price)> {
        let price = |written: Option<&RawValue>| {
            let decimal = Decimal::parse(written?.get())?;
            (decimal.exact && decimal.e4 > 0).then_some(Price(decimal.e4))
        };
        let (lower, upper) = (price(self.lower)?, price(self.upper)?);
        (lower <= upper).then_some((lower, upper))
    }
}

/// Body of every error of the station itself (http.sys answers HTML instead).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Decide on this, never on the message.
    #[serde(rename = "Code")]
    pub code: i64,
    /// Japanese text.
    #[serde(rename = "Message")]
    pub message: String,
}

/// Codes that the client reacts to.
pub mod code {
    /// 429: too many requests.
    pub const RATE_LIMIT: i64 = 4_001_006;
    /// 401: the station is not logged in.
    pub const NOT_LOGGED_IN: [i64; 2] = [4_001_007, 4_001_017];
    /// 403: API not enabled.
    pub const API_DISABLED: i64 = 4_001_008;
    /// 401: the token is not the current one.
    pub const KEY_MISMATCH: i64 = 4_001_009;
    /// 401: wrong API password.
    pub const WRONG_PASSWORD: i64 = 4_001_013;
    /// 405: wrong method.
    pub const METHOD: i64 = 4_001_014;
    /// 415: wrong media type.
    pub const MEDIA_TYPE: i64 = 4_001_016;
    /// 400: body could not be read.
    pub const BAD_BODY: i64 = 4_001_005;
    /// 400: mistyped path.
    pub const BAD_PATH: i64 = 4_001_012;
    /// 400: no symbol could be registered.
    pub const NONE_REGISTERED: i64 = 4_001_018;
    /// 400: some symbols could not be registered; the answer does not say which.
    pub const SOME_REGISTERED: i64 = 4_001_019;
    /// 400: no symbol could be taken off the list.
    pub const NONE_REMOVED: i64 = 4_001_020;
    /// 400: some symbols could not be taken off the list; the answer does not say which.
    pub const SOME_REMOVED: i64 = 4_001_021;
    /// 400: unknown symbol.
    pub const UNKNOWN_SYMBOL: i64 = 4_002_001;
    /// 400: the registration list is full.
    pub const LIST_FULL: i64 = 4_002_006;
    /// 500: internal error.
    pub const INTERNAL: i64 = 4_001_001;
}

fn exchange_number<'de, D: serde::Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum NumberOrText<'a> {
        Number(u16),
        Text(&'a str),
    }
    match NumberOrText::deserialize(d)? {
        NumberOrText::Number(n) => Ok(n),
        NumberOrText::Text(t) => t.trim().parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchange_as_number_or_text() {
        for body in [
            r#"{"Symbols":[{"Symbol":"9433","Exchange":1}]}"#,
            r#"{"Symbols":[{"Symbol":"9433","Exchange":"1"}]}"#,
        ] {
            let request: RegisterRequest = serde_json::from_str(body).expect("valid");
            assert_eq!(
                request.symbols,
                [Entry {
                    symbol: "9433".into(),
                    exchange: 1
                }]
            );
        }
    }

    #[test]
    fn limits_are_exact_or_none() {
        for (body, limits) in [
            (
                r#"{"Symbol":"7203","UpperLimit":3105.5,"LowerLimit":2105.0}"#,
                Some((21_050_000, 31_055_000)),
            ),
            (
                r#"{"UpperLimit":700.0,"LowerLimit":700.0}"#,
                Some((7_000_000, 7_000_000)),
            ),
            (r#"{"UpperLimit":null,"LowerLimit":2105.0}"#, None),
            (r#"{"UpperLimit":0.0,"LowerLimit":0.0}"#, None),
            (r#"{"UpperLimit":100.0,"LowerLimit":200.0}"#, None),
            (r#"{"UpperLimit":"x","LowerLimit":[1]}"#, None),
            (r#"{"Symbol":"101","SymbolName":"\u65e5経"}"#, None),
        ] {
            let answer: SymbolAnswer<'_> = serde_json::from_slice(body.as_bytes()).expect(body);
            assert_eq!(answer.limits(), limits.map(|(a, b)| (Price(a), Price(b))), "{body}");
        }
    }
}
