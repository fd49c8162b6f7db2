//! Messages put together from odd pieces: the two decoders agree on all of them.

use super::*;
use proptest::prelude::*;
fn num() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "(0|[1-9][0-9]{0,14})(\\.[0-9]{1,9})?",
        1 => "-?[0-9]{0,17}(\\.[0-9]{0,9})?([eE][+-]?[0-9]{1,3})?",
        1 => "[0-9]{6,14}(\\.0{0,8}[0-9]?)?",
        1 => "[0-9]{1,9}[^0-9]",
    ]
}
fn val() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => num(),
        1 => num().prop_map(|n| format!("\"{n}\"")),
        1 => Just("null".to_string()), 1 => Just("true".into()), 1 => Just("\"\"".into()),
        1 => "\"[ -~é日]{0,20}\"", 1 => "\"[\\x00-\\x7f]{0,12}\"",
        1 => "\"20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-9]{2}:[0-5][0-9]:[0-6][0-9](\\.[0-9]{0,3})?([+-]0[0-9]:00|Z)?\"",
        2 => (num(), num(), "\"[0-9a-z]{0,6}\"|null|7").prop_map(|(a, b, s)| format!("{{\"Price\":{a},\"Qty\":{b},\"Sign\":{s}}}")),
        2 => (num(), num()).prop_map(|(a, b)| format!("{{\"Price\":{a},\"Qty\":{b}}}")),
        1 => (num(), num()).prop_map(|(a, b)| format!("{{\"Qty\":{b},\"Price\":{a}}}")),
        1 => Just("[1]".into()), 1 => Just("{\"Price\":null,\"Qty\":null,\"Sign\":null,\"Time\":null}".into()),
    ]
}
fn key() -> impl Strategy<Value = String> {
    let all: Vec<String> = keys::KEYS
        .iter()
        .map(|k| k.name.to_string())
        .chain(
            [
                "Price",
                "Volume",
                "IssueCode",
                "Time",
                "X",
                "Sell11",
                "Symbo",
                "SymbolN",
                "Sell1\\u0030",
                "日",
                "",
            ]
            .map(String::from),
        )
        .collect();
    prop::sample::select(all)
}
proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn d02_odd_pieces_read_the_same_in_both_decoders(mut pairs in prop::collection::vec((key(), val()), 0..6), tail in prop_oneof![9 => Just(""), 1 => Just(" "), 1 => Just("}")], ordered: bool, sym in "[0-9A-Z]{1,9}|é[a-z]{7}|[^\"]{1,9}", cut in 0usize..400) {
        pairs.push(("Symbol".into(), format!("\"{sym}\"")));
        if ordered { pairs.sort_by_key(|(k, _)| keys::position(k.as_bytes()).unwrap_or(99)); }
        let body: Vec<String> = pairs.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
        let mut text = format!("{{{}}}{tail}", body.join(",")).into_bytes();
        if cut < text.len() && cut % 7 == 0 { text.truncate(cut); }
        if cut < text.len() && cut % 11 == 0 { text[cut] = 0xE3; }
        if let Some(f) = decode::decode(&text) { prop_assert_eq!(Ok(f), lenient::decode(&text)); }
    }
}
#[test]
fn n08_long_and_deep_messages_are_judged_without_trouble() {
    let members = |piece: &str, times: usize| format!("{{\"Symbol\":\"7203\",{}\"Z\":1}}", piece.repeat(times));
    for text in [
        members("\"A\":1,", 170_000),
        members("\"Price\":1,", 100_000),
        members("\"Sell1\":{\"Price\":1},", 45_000),
        format!(
            "{{\"Symbol\":\"7203\",\"Sell1\":{}1{}}}",
            "[".repeat(500_000),
            "]".repeat(500_000)
        ),
        format!("{{\"Symbol\":\"7203\",\"CurrentPrice\":{}}}", "9".repeat(1_000_000)),
        format!("{{\"Symbol\":\"7203\",\"CurrentPrice\":1e{}}}", "9".repeat(1_000_000)),
    ] {
        assert_eq!(
            decode(text.as_bytes()).map(|p| p.symbol.into_owned()),
            Ok("7203".to_owned())
        );
    }
}
