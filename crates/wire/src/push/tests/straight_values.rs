//! Whole messages in the station's order with odd values in them: whatever the fast decoders take, the lenient one
//! reads alike. Cutting and replacing bytes alone nearly always leaves the fast paths before the interesting part.

use proptest::prelude::*;

use super::*;

/// Numbers around the borders of a word, of the usual form and of exactness.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "(0|[1-9][0-9]{0,7})\\.[0-9]",
        3 => "(0|[1-9][0-9]{0,16})(\\.[0-9]{1,9})?",
        1 => "0[0-9]{1,8}\\.[0-9]{0,2}",
        1 => "-?[0-9]{0,3}[.,/:;eE+]{0,2}[0-9]{0,3}",
        2 => Just("null".to_owned()),
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\+09:00\"",
        1 => "\"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([+-]0[0-9]:[0-9]{2})?\"",
        1 => "\"[0-9:T+\\\\é-]{20,27}\"",
        1 => Just("null".to_owned()),
    ]
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\"[0-9]{4}\"",
        1 => "\"[0-9a-z/:\\\\é]{0,6}\"",
        1 => "[0-9]{1,4}",
        1 => Just("null".to_owned()),
    ]
}

/// A message of the wire whose values are put in by the strategies above, each at its kind of place.
fn filled(base: &'static str) -> impl Strategy<Value = String> {
    (
        prop::collection::vec((any::<prop::sample::Index>(), number(), time(), code()), 0..4),
        0u8..20,
        any::<prop::sample::Index>(),
        any::<u8>(),
    )
        .prop_map(move |(changes, damage, at, byte)| {
            let mut text = base.trim_end().to_owned();
            for (place, number, time, code) in changes {
                let values = values_of(&text);
                let (start, end) = values[place.index(values.len())];
                let new = match &text[start..end] {
                    old if old.len() == 27 && old.starts_with('"') => time,
                    old if old.len() == 6 && old.starts_with('"') => code,
                    _ => number,
                };
                text.replace_range(start..end, &new);
            }
            let mut bytes = text.into_bytes();
            if damage == 0 {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            // Not every damage leaves UTF-8; the bytes are what counts.
            bytes.into_iter().map(char::from).collect()
        })
}

/// Where the scalars behind the colons are.
fn values_of(text: &str) -> Vec<(usize, usize)> {
    let starts = text.match_indices("\":").map(|(at, _)| at + 2);
    starts
        .filter(|&at| !text[at..].starts_with('{'))
        .map(|at| {
            let quoted = text[at..].starts_with('"');
            let rest = &text[at + usize::from(quoted)..];
            let len = if quoted {
                rest.find('"').map(|n| n + 2)
            } else {
                rest.find([',', '}'])
            };
            (at, at + len.unwrap_or(rest.len()))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    #[test]
    fn d02_odd_values_in_the_stations_order_read_the_same_in_all_decoders(
        text in prop_oneof![filled(STOCK), filled(PREOPEN), filled(BEFORE_0800), filled(INDEX)],
    ) {
        let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let lenient = lenient::decode(&bytes);
        if let Some(straight) = straight::decode(&bytes) {
            prop_assert_eq!(Ok(straight), lenient.clone());
        }
        if let Some(ordered) = decode::decode(&bytes) {
            prop_assert_eq!(Ok(ordered), lenient);
        }
    }
}

#[test]
fn usual_values_stay_on_the_straight_path() {
    let text = STOCK.trim_end();
    let values = values_of(text);
    assert_eq!(values.len(), 81, "every scalar of a share's message");
    for (start, end) in values {
        let null = [&text[..start], "null", &text[end..]].concat();
        let named = text[..start].ends_with("\"Symbol\":");
        assert_eq!(is_straight(null.as_bytes()), !named, "{null}");
    }
}
