use encoding_rs::{EUC_JP, SHIFT_JIS};
use proptest::prelude::*;

use super::*;

fn parsed(bytes: &[u8]) -> Watchlist {
    parse("w.csv", bytes, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn tickers(list: &Watchlist) -> Vec<String> {
    list.symbols.iter().map(Symbol::ticker).collect()
}

fn refused(text: &str) -> String {
    parse("w.csv", text.as_bytes(), 1).expect_err(text).to_string()
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = Some(0xFEFF).into_iter().chain(text.encode_utf16());
    units
        .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

#[test]
fn every_encoding_and_delimiter() {
    for delimiter in [",", ";", "\t"] {
        for heading in ["銘柄コード", "コード", "ティッカー", "ｺｰﾄﾞ", "Code", "ＳＹＭＢＯＬ"]
        {
            let rows = [
                ["銘柄名", heading, "市場"],
                ["トヨタ自動車", "7203", "東証"],
                ["ソフトバンクＧ", "９９８４", "東証"],
            ];
            let text: String = rows.map(|row| row.join(delimiter) + "\r\n").concat();
            for bytes in [
                text.as_bytes().to_vec(),
                ["\u{FEFF}", &text].concat().into_bytes(),
                utf16(&text, false),
                utf16(&text, true),
                SHIFT_JIS.encode(&text).0.into_owned(),
                EUC_JP.encode(&text).0.into_owned(),
            ] {
                assert_eq!(tickers(&parsed(&bytes)), ["7203", "9984"], "{heading} {delimiter:?}");
            }
        }
    }
    let short = SHIFT_JIS.encode("ｺｰﾄﾞ\r\n7203\r\n").0.into_owned();
    assert_eq!(tickers(&parsed(&short)), ["7203"], "nothing but half-width katakana");
    assert_eq!(parsed(&short).encoding, Some("CP932 (Shift_JIS)"));
}

#[test]
fn one_unnamed_column_and_headings_below_a_title() {
    for text in [
        "7203\n9984\n",
        "7203\r9984",
        "7203,\n9984,\n",
        ",7203\n,9984",
        "\"7203\"\r\n\"9984\"\r\n",
        "code\n7203\n9984",
        "お気に入り\n\nコード,銘柄\n7203,トヨタ\n9984,ソフトバンクＧ\n",
        "sep=;\ncode;name\n7203;a\n9984;b",
        "name,code\n\"a, b\",7203\n\"c \"\"d\"\"\",9984\n",
    ] {
        assert_eq!(tickers(&parsed(text.as_bytes())), ["7203", "9984"], "{text:?}");
    }
    let two = parsed(b"code,symbol\n7203,TOYOTA\n");
    assert_eq!(
        (tickers(&two), two.column.as_deref()),
        (vec!["7203".to_owned()], Some("code"))
    );
}

#[test]
fn blanks_and_duplicates_are_counted_and_the_rest_is_cut() {
    let text = "code\n7203\n\n7203.0\n９９８４\n  \n9984@1\n7203@3\n=\"8306\"\n";
    let mut list = parsed(text.as_bytes());
    assert_eq!(tickers(&list), ["7203", "9984", "7203@3", "8306"]);
    assert_eq!((list.blanks, list.duplicates), (2, 2));
    let left: Vec<String> = list.cut(3).iter().map(Symbol::ticker).collect();
    assert_eq!((left, list.symbols.len()), (vec!["8306".to_owned()], 3));
    assert_eq!(list.cut(50), []);

    let night = parse("w.csv", b"code\n167060019\n7203@1\n", 23).expect("a list");
    assert_eq!(tickers(&night), ["167060019@23", "7203"]);
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    for (text, parts) in [
        ("", &["w.csv: the file is empty", "next: name the column"][..]),
        ("\n \n,,\n", &["w.csv: the file is empty"]),
        ("code\n", &["w.csv: it names no symbol", "one code per line"]),
        ("code\n\n,\n", &["w.csv: it names no symbol"]),
        (
            "銘柄,株価\nトヨタ,2000\n",
            &[
                "w.csv:1: no column of codes is named",
                "\"銘柄\", \"株価\"",
                "銘柄コード",
            ],
        ),
        (
            "code\n7203\nトヨタ\n",
            &["w.csv:3: \"トヨタ\" is no code", "nothing was sent"],
        ),
        (
            "code\n7203@9\n7203\nx y\n",
            &["w.csv:2: \"7203@9\": the exchange", "w.csv:4: \"x y\" is no code"],
        ),
        ("名前\n7203\n", &["w.csv:1: \"名前\" is no code"]),
        (
            "code\n\"7203\n9984\n",
            &["w.csv:2: the quote that closes this text is missing"],
        ),
        (
            "PK\u{3}\u{4}xl/workbook.xml",
            &["w.csv: it is an Excel workbook", "save as"],
        ),
    ] {
        let said = refused(text);
        for part in parts {
            assert!(said.contains(part), "{part:?} is missing in\n{said}");
        }
        assert!(
            said.starts_with("error: w.csv") && said.contains("\n  next: "),
            "{said}"
        );
    }
    let many = format!("code\n{}", "株\n".repeat(15));
    let said = refused(&many);
    assert!(
        said.contains("w.csv:11:") && said.contains("and 5 more lines") && !said.contains("w.csv:12:"),
        "{said}"
    );
    assert!(parse("w.csv", &[0xFF, 0xFE, 0, 0xD8], 1).is_err());
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, part) in [
        (folder.path().join("none.csv"), "there is no such file"),
        (folder.path().to_owned(), "it is a folder"),
    ] {
        let said = read(&path, 1).expect_err("unreadable").to_string();
        assert!(said.contains(part) && said.contains("-Input"), "{said}");
    }
    let path = folder.path().join("w.csv");
    std::fs::write(&path, "7203\n").expect("written");
    assert_eq!(tickers(&read(&path, 1).expect("a list")), ["7203"]);
}

proptest! {
    /// Whatever the layout, the same codes come out, in their order, each once.
    #[test]
    fn codes_survive_every_layout(
        codes in prop::collection::vec("[1-9][0-9]{2}[0-9A-Z]", 1..40),
        delimiter in prop::sample::select(vec![",", ";", "\t"]),
        newline in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        heading in prop::sample::select(vec!["code", "Symbol", "ＴＩＣＫＥＲ", "銘柄コード"]),
        place in 0usize..3,
        quotes in any::<bool>(),
        encoding in 0usize..4,
    ) {
        let cell = |text: &str| if quotes { format!("\"{text}\"") } else { text.to_owned() };
        let row = |text: &str| {
            let mut cells = vec![cell("名前"), cell("東証プライム")];
            cells.insert(place, cell(text));
            cells.join(delimiter) + newline
        };
        let text: String = std::iter::once(heading).chain(codes.iter().map(String::as_str)).map(row).collect();
        let bytes = match encoding {
            0 => text.into_bytes(),
            1 => ["\u{FEFF}", &text].concat().into_bytes(),
            2 => utf16(&text, false),
            _ => SHIFT_JIS.encode(&text).0.into_owned(),
        };
        let list = parsed(&bytes);
        let mut expected = codes.clone();
        let mut seen = BTreeSet::new();
        expected.retain(|code| seen.insert(code.clone()));
        prop_assert_eq!(tickers(&list), expected);
        prop_assert_eq!(list.duplicates + list.symbols.len(), codes.len());
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse("w.csv", &bytes, 1).map_err(|error| error.to_string());
    }
}
