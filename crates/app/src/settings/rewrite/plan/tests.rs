use encoding_rs::{EUC_JP, SHIFT_JIS};
use proptest::prelude::*;

use super::*;

fn bounds(list: &[(&str, i64, i64)]) -> Vec<Bounds> {
    let one = |&(symbol, min, max): &(&str, i64, i64)| (symbol.parse().expect("a symbol"), Price(min), Price(max));
    list.iter().map(one).collect()
}

/// 7203 between 2105 and 3105.5.
fn toyota() -> Vec<Bounds> {
    bounds(&[("7203", 21_050_000, 31_055_000)])
}

fn after(text: &str, list: &[Bounds]) -> String {
    let (new, _) = spliced(text.as_bytes(), list).unwrap_or_else(|why| panic!("{text}: {why}"));
    String::from_utf8(new).expect("UTF-8")
}

#[test]
fn entries_take_the_look_of_the_file() {
    let entry = r#"{"min": 2105, "max": 3105.5}"#;
    for (before, expected) in [
        // None yet: behind the last key, in its layout.
        (
            "{\"port\": 1}",
            format!("{{\"port\": 1, \"price_guard\": {{\"7203\": {entry}}}}}"),
        ),
        ("{}", format!("{{\"price_guard\": {{\"7203\": {entry}}}}}")),
        ("{ }", format!("{{\"price_guard\": {{\"7203\": {entry}}}}}")),
        (
            "{\n  \"port\": 1\n}\n",
            format!("{{\n  \"port\": 1,\n  \"price_guard\": {{\n    \"7203\": {entry}\n  }}\n}}\n"),
        ),
        (
            "{\r\n\t\"port\": 1\r\n}",
            format!("{{\r\n\t\"port\": 1,\r\n\t\"price_guard\": {{\r\n\t\t\"7203\": {entry}\r\n\t}}\r\n}}"),
        ),
        (
            "{\n}\n",
            format!("{{\n  \"price_guard\": {{\n    \"7203\": {entry}\n  }}\n}}\n"),
        ),
        (
            "{\n  \"port\": 1 // the port\n}",
            format!("{{\n  \"port\": 1,\n  \"price_guard\": {{\n    \"7203\": {entry}\n  }} // the port\n}}"),
        ),
        // There, but empty.
        (
            r#"{"price_guard": {}, "port": 1}"#,
            format!("{{\"price_guard\": {{\"7203\": {entry}}}, \"port\": 1}}"),
        ),
        (
            r#"{"price_guard": null}"#,
            format!("{{\"price_guard\": {{\"7203\": {entry}}}}}"),
        ),
        (
            "{\n  \"price_guard\": {\n  },\n  \"a\": 1}",
            format!("{{\n  \"price_guard\": {{\n    \"7203\": {entry}\n  }},\n  \"a\": 1}}"),
        ),
        (
            "{\"price_guard\": {/* by hand */}}",
            format!("{{\"price_guard\": {{\"7203\": {entry}/* by hand */}}}}"),
        ),
        // Other symbols stay.
        (
            r#"{"price_guard": {"9984": [1, 2]}}"#,
            format!("{{\"price_guard\": {{\"9984\": [1, 2], \"7203\": {entry}}}}}"),
        ),
        (
            "{\n  \"price_guard\": {\n      \"9984\": 5 /* five */\n  }\n}",
            format!("{{\n  \"price_guard\": {{\n      \"9984\": 5,\n      \"7203\": {entry} /* five */\n  }}\n}}"),
        ),
        // The same symbol, however it is written.
        (
            r#"{"price_guard": { "7203" : {"max":6000,"min":400} , "9984":1}}"#,
            format!("{{\"price_guard\": {{ \"7203\" : {entry} , \"9984\":1}}}}"),
        ),
        (
            r#"{"price_guard": {"７２０３@1": 5, "9984": 1}}"#,
            format!("{{\"price_guard\": {{\"７２０３@1\": {entry}, \"9984\": 1}}}}"),
        ),
    ] {
        assert_eq!(after(before, &toyota()), expected, "{before}");
        // A second time nothing changes.
        assert_eq!(after(&expected, &toyota()), expected);
    }
}

#[test]
fn what_changes_is_told() {
    let text =
        r#"{"price_guard": {"7203": {"min": 400, "max": 6000}, "9984": {"low": 1.50, "high": 2e2}, "285A": [1, 2]}}"#;
    let list = bounds(&[
        ("7203", 21_050_000, 31_055_000),
        ("9984", 15_000, 2_000_000),
        ("285A", 10_000, 20_000),
        ("8306", 1, 2),
        ("167060019@23", 5_000, 10_000),
    ]);
    let (new, changes) = spliced(text.as_bytes(), &list).expect("placed");
    let whats: Vec<What> = changes.into_iter().map(|change| change.what).collect();
    let was = What::Replaced(r#"{"min": 400, "max": 6000}"#.to_owned());
    assert_eq!(whats, [was, What::Unchanged, What::Unchanged, What::New, What::New]);
    let expected = r#"{"price_guard": {"7203": {"min": 2105, "max": 3105.5}, "9984": {"low": 1.50, "high": 2e2}, "285A": [1, 2], "8306": {"min": 0.0001, "max": 0.0002}, "167060019@23": {"min": 0.5, "max": 1}}}"#;
    assert_eq!(String::from_utf8(new).expect("UTF-8"), expected);
    assert_eq!(spliced(text.as_bytes(), &[]).expect("nothing to do").0, text.as_bytes());
}

#[test]
fn what_cannot_be_placed_is_refused() {
    for text in [
        "",
        "[]",
        "{",
        "{\"a\": 1,}",
        "{\"price_guard\": 5}",
        "{a: 1}",
        "{\"token\": \"canary",
    ] {
        let why = spliced(text.as_bytes(), &toyota()).expect_err(text);
        assert!(!why.contains("canary"), "{why}");
    }
    assert!(spliced(&[0xFF, 0xFE, 0, 0xD8, b'{'], &toyota()).is_err());
}

#[test]
fn a_character_with_two_codes_keeps_the_one_it_has() {
    // 0xED40 and 0xFA5C are the same character of CP932; encoding it anew would give the second.
    let mut bytes = SHIFT_JIS.encode("{\"メモ\": \"日本語の設定ファイル").0.into_owned();
    bytes.extend_from_slice(&[0xED, 0x40]);
    bytes.extend_from_slice(b"\", \"port\": 1}");
    let (new, _) = spliced(&bytes, &toyota()).expect("placed");
    let head = bytes.len() - 1;
    assert_eq!(new[..head], bytes[..head]);
    assert_eq!(
        &new[head..],
        br#", "price_guard": {"7203": {"min": 2105, "max": 3105.5}}}"#
    );
}

/// How the bytes of a settings file may be.
#[derive(Clone, Copy, Debug)]
enum Written {
    Utf8,
    Utf8Bom,
    Utf16 { big: bool, bom: bool },
    Cp932,
    EucJp,
}

impl Written {
    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf8Bom => ["\u{FEFF}", text].concat().into_bytes(),
            Self::Utf16 { big, bom } => {
                let units = bom.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
                units
                    .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                    .collect()
            }
            Self::Cp932 => SHIFT_JIS.encode(text).0.into_owned(),
            Self::EucJp => EUC_JP.encode(text).0.into_owned(),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![
        Just(Written::Utf8),
        Just(Written::Utf8Bom),
        (any::<bool>(), any::<bool>()).prop_map(|(big, bom)| Written::Utf16 { big, bom }),
        Just(Written::Cp932),
        Just(Written::EucJp),
    ]
}

/// Blanks, line ends and comments of one kind of file.
fn gap(newline: &'static str) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => Just(String::new()),
        3 => Just(" ".to_owned()),
        2 => Just("\t ".to_owned()),
        3 => Just(newline.to_owned() + "  "),
        1 => Just(format!("/* 注釈 }} , \" */{newline}\t")),
        1 => Just(format!(" // 行末 {{ \"x\"{newline}")),
    ];
    prop::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = String> {
    let written = [
        "1",
        "null",
        "\"株 日経\"",
        "[1, {\"price_guard\": 5}]",
        "{\"a\": \"\\\"}\"}",
        "-1.5e3",
        "\"\"",
    ];
    prop::sample::select(written.to_vec()).prop_map(str::to_owned)
}

/// Text before, the guard's pieces, text after.
#[derive(Clone, Debug)]
struct File {
    before: String,
    /// Gap, entry and gap of each guard; `None` = the key is missing.
    guards: Option<Vec<(String, String)>>,
    after: String,
}

const GUARDED: [&str; 3] = ["7203", "9984", "285A"];

fn file() -> impl Strategy<Value = File> {
    let newline = prop::sample::select(vec!["\n", "\r\n"]);
    newline.prop_flat_map(|newline| {
        let others = |prefix: &'static str| {
            let other = (gap(newline), value(), gap(newline), gap(newline));
            prop::collection::vec(other, 0..4).prop_map(move |list| {
                let entries = list.into_iter().enumerate();
                let written = entries.map(|(n, (a, value, b, c))| format!("{a}\"{prefix}{n}キー\"{b}:{c}{value}"));
                written.collect::<Vec<_>>()
            })
        };
        let guard = (
            gap(newline),
            value().prop_map(|_| "{\"min\": 1, \"max\": 2}".to_owned()),
            gap(newline),
        );
        let guards = prop::option::of(prop::collection::vec(guard, 0..=3));
        (others("a"), guards, others("b"), prop::array::uniform4(gap(newline))).prop_map(
            |(head, guards, tail, [g1, g2, g3, g4])| {
                let has_guard = guards.is_some();
                let mut before = format!("{g1}{{");
                before += &head.join(",");
                let mut after = String::new();
                if has_guard {
                    before += if head.is_empty() { "" } else { "," };
                    before += &format!("{g2}\"price_guard\":{g3}");
                    after += if tail.is_empty() { "" } else { "," };
                } else if !head.is_empty() && !tail.is_empty() {
                    after += ",";
                }
                after += &format!("{}{g4}}}{g2}", tail.join(","));
                let guards = guards.map(|list| {
                    let named = list.into_iter().zip(GUARDED);
                    named
                        .map(|((a, value, b), code)| (format!("{a}\"{code}\"{b}:"), value))
                        .collect()
                });
                File { before, guards, after }
            },
        )
    })
}

impl File {
    fn guard(&self, value: impl Fn(&str, &str) -> String) -> String {
        let Some(guards) = &self.guards else {
            return String::new();
        };
        let entries = guards.iter().zip(GUARDED);
        let entries: Vec<String> = entries
            .map(|((key, old), code)| format!("{key}{}", value(code, old)))
            .collect();
        format!("{{{}}}", entries.join(","))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Entries that stand are exchanged in place, and nothing else is touched.
    #[test]
    fn every_other_byte_stays(file in file(), written in written(), change in prop::collection::vec(any::<bool>(), 3)) {
        let count = file.guards.as_ref().map_or(0, Vec::len);
        let changed: Vec<&str> = GUARDED[..count].iter().zip(&change).filter(|(_, c)| **c).map(|(code, _)| *code).collect();
        let list: Vec<Bounds> = changed.iter().flat_map(|code| bounds(&[(code, 1_000_000, 2_005_000)])).collect();
        let old = file.guard(|_, old| old.to_owned());
        let new = file.guard(|code, old| match changed.contains(&code) {
            true => "{\"min\": 100, \"max\": 200.5}".to_owned(),
            false => old.to_owned(),
        });
        let [old, new] = [old, new].map(|guard| written.bytes(&format!("{}{guard}{}", file.before, file.after)));
        let read = decode::decode(&old).expect("text");
        // A short file in an old encoding can be taken for another one; then its characters are not ours to judge.
        prop_assume!(written.bytes(&read.text) == old);
        let (got, changes) = spliced(&old, &list).expect("placed");
        prop_assert_eq!(got, new);
        prop_assert_eq!(changes.len(), list.len());
    }

    /// A new entry is one insertion: what was there is there before and behind it, byte for byte.
    #[test]
    fn new_entries_are_one_insertion(file in file(), written in written(), codes in 1usize..4) {
        let list: Vec<Bounds> = ["8306", "6758", "167060019@23"][..codes].iter().flat_map(|c| bounds(&[(c, 1, 2)])).collect();
        let text = format!("{}{}{}", file.before, file.guard(|_, old| old.to_owned()), file.after);
        let old = written.bytes(&text);
        prop_assume!(decode::decode(&old).is_ok_and(|read| written.bytes(&read.text) == old));
        let (new, _) = spliced(&old, &list).expect("placed");
        let same = |mut pairs: Box<dyn Iterator<Item = (&u8, &u8)> + '_>| pairs.by_ref().take_while(|(a, b)| a == b).count();
        let head = same(Box::new(old.iter().zip(&new)));
        let tail = same(Box::new(old.iter().rev().zip(new.iter().rev())));
        // Blanks between empty braces may be replaced.
        let gone = &old[head.min(old.len() - tail)..old.len() - tail];
        let blank = written.bytes(" \t\r\n");
        prop_assert!(head + tail >= old.len() || gone.iter().all(|byte| blank.contains(byte)), "{:?}", gone);
        let again = spliced(&new, &list).expect("placed again");
        prop_assert_eq!(again.0, new);
        prop_assert!(again.1.iter().all(|change| change.what == What::Unchanged));
    }

    #[test]
    fn any_bytes_are_changed_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok((new, _)) = spliced(&bytes, &toyota()) {
            prop_assert!(new.len() > bytes.len());
        }
    }
}
