//! `/ranking` over boards with known figures.

use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use serde_json::Value;

use super::*;

/// Ten o'clock with five boards; 6501 has not traded yet.
fn market() -> Station {
    let mut s = station(50);
    let second = Date::parse("2026-09-18").unwrap().midnight_s();
    s.now = Stamp::from_s(second + 36_000);
    for (code, exchange, name, change, percent, volume) in [
        ("7203", 1, "東証プ", 11.5, "0.41", 5_123_400),
        ("247A", 1, "東証グ", -3.0, "-0.17", 7_000),
        ("1570", 1, "東証ETF/ETN", 400.0, "0.41", 1_000_001),
        ("9984", 3, "名証", -30.0, "-1.60", 900_i64),
    ] {
        let slot = s.slot(&Symbol {
            code: code.into(),
            exchange,
        });
        let value = volume * 2_000;
        let text = format!(
            r#"{{"Exchange":{exchange},"ExchangeName":"{name}","TradingVolume":{volume}.0,"TradingValue":{value}.0,"Symbol":"{code}","SymbolName":"名","CurrentPrice":2846.5,"CurrentPriceTime":"2026-09-18T09:59:42+09:00","PreviousClose":2835.00000,"ChangePreviousClose":{change:.5},"ChangePreviousClosePer":{percent}}}"#
        );
        s.boards.update(slot, text.as_bytes());
    }
    let slot = s.slot(&Symbol::tse("6501"));
    s.boards.update(
        slot,
        br#"{"Symbol":"6501","SymbolName":"x","CurrentPrice":null,"TradingVolume":null}"#,
    );
    let slot = s.slot(&"167060019@23".parse().unwrap());
    s.boards.update(
        slot,
        br#"{"Symbol":"167060019","CurrentPrice":1.0,"TradingVolume":1.0}"#,
    );
    for (n, yen) in [2_846, 2_847, 2_847, 2_846, 2_850].into_iter().enumerate() {
        let at = Stamp::from_s(second + 32_400 + n as i64);
        s.tapes.note(0, at, Price::from_yen(yen), Qty(100));
    }
    s
}

fn ranking(s: &mut Station, query: &str) -> Value {
    let (status, body) = ask(s, "GET", &format!("/ranking{query}"), "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn order(s: &mut Station, query: &str) -> Vec<String> {
    let list = ranking(s, query);
    let items = list["Ranking"].as_array().unwrap().iter();
    items
        .map(|i| format!("{} {}", i["No"], i["Symbol"].as_str().unwrap()))
        .collect()
}

#[test]
fn every_type_is_sorted_by_its_own_figure() {
    let mut s = market();
    assert_eq!(
        order(&mut s, ""),
        ["1 7203", "1 1570", "3 247A", "4 9984"],
        "type 1, and a shared place"
    );
    assert_eq!(order(&mut s, "?Type=2"), ["1 9984", "2 247A", "3 7203", "3 1570"]);
    assert_eq!(order(&mut s, "?type=3"), ["1 7203", "2 1570", "3 247A", "4 9984"]);
    assert_eq!(
        order(&mut s, "?Type=4&ExchangeDivision=T"),
        ["1 7203", "2 1570", "3 247A"]
    );
    assert_eq!(order(&mut s, "?Type=5")[0], "1 7203");
    for (division, codes) in [
        ("TP", vec!["1 7203"]),
        ("TG", vec!["1 247A"]),
        ("m", vec!["1 9984"]),
        ("TS", vec![]),
    ] {
        assert_eq!(order(&mut s, &format!("?Type=1&ExchangeDivision={division}")), codes);
    }
    let ratios = |s: &mut Station, kind: u8, key: &str| -> Vec<f64> {
        let list = ranking(s, &format!("?Type={kind}"));
        let items = list["Ranking"].as_array().unwrap();
        items.iter().map(|i| i[key].as_f64().unwrap()).collect()
    };
    for (kind, key, falling) in [
        (6, "RapidTradePercentage", true),
        (7, "RapidPaymentPercentage", true),
        (8, "SellLastWeekRatio", true),
        (9, "SellLastWeekRatio", false),
        (10, "BuyLastWeekRatio", true),
        (11, "BuyLastWeekRatio", false),
        (12, "Ratio", true),
        (13, "Ratio", false),
        (14, "ChangePercentage", true),
        (15, "ChangePercentage", false),
    ] {
        let found = ratios(&mut s, kind, key);
        assert!(found.len() > 1, "{kind}");
        assert!(
            found
                .windows(2)
                .all(|w| if falling { w[0] >= w[1] } else { w[0] <= w[1] }),
            "{kind} {found:?}"
        );
    }
}

#[test]
fn items_have_the_keys_and_numbers_of_real_answers() {
    let mut s = market();
    let mut first = |kind: u8| {
        let (_, body) = ask(&mut s, "GET", &format!("/ranking?Type={kind}&ExchangeDivision=TP"), "");
        body[..=body.find('}').unwrap()].to_owned()
    };
    assert_eq!(
        first(1),
        r#"{"Type":"1","ExchangeDivision":"TP","Ranking":[{"No":1,"Trend":"0","AverageRanking":999.0,"Symbol":"7203","SymbolName":"名","CurrentPrice":2846.5000,"ChangeRatio":11.50000,"ChangePercentage":0.41,"CurrentPriceTime":"09:59","TradingVolume":5123.4000,"Turnover":10246.8000,"ExchangeName":"東証プ","CategoryName":"輸送用機器"}"#
    );
    assert!(
        first(5).ends_with(
            r#""ChangeRatio":11.50000,"TickCount":5,"UpCount":2,"DownCount":1,"ChangePercentage":0.41,"TradingVolume":5123.4000,"Turnover":10246.8000,"ExchangeName":"東証プ","CategoryName":"輸送用機器"}"#
        ),
        "{}",
        first(5)
    );
    let keys = |text: &str| -> Vec<String> {
        let item = &text[text.find('[').unwrap() + 1..];
        let found = super::super::members::members(item);
        found.iter().map(|m| m.key.to_owned()).collect()
    };
    let (head, tail) = (
        [
            "No",
            "Trend",
            "AverageRanking",
            "Symbol",
            "SymbolName",
            "CurrentPrice",
            "ChangeRatio",
        ],
        ["CurrentPriceTime", "ChangePercentage", "ExchangeName", "CategoryName"],
    );
    let with = |middle: [&'static str; 2]| [&head[..], &middle[..], &tail[..]].concat();
    assert_eq!(keys(&first(6)), with(["RapidTradePercentage", "TradingVolume"]));
    assert_eq!(keys(&first(7)), with(["RapidPaymentPercentage", "Turnover"]));
    assert_eq!(
        keys(&first(12)),
        [
            "No",
            "Symbol",
            "SymbolName",
            "Ratio",
            "SellRapidPaymentPercentage",
            "SellLastWeekRatio",
            "BuyRapidPaymentPercentage",
            "BuyLastWeekRatio",
            "ExchangeName",
            "CategoryName"
        ]
    );
    let sectors = first(14);
    assert!(
        sectors.starts_with(r#"{"Type":"14","ExchangeDivision":null,"Ranking":[{"No":1,"Trend":"0","AverageRanking":999.0,"Category":"337","CategoryName":"IS 輸送","CurrentPrice":"#),
        "{sectors}"
    );
    assert!(
        sectors.ends_with(r#","CurrentPriceTime":"09:59","ChangePercentage":0.41}"#),
        "{sectors}"
    );
}

#[test]
fn the_morning_is_empty_but_for_margins() {
    let mut s = market();
    s.now = Stamp::from_s(s.now.s() - 3_600 - 1);
    assert_eq!(
        ask(&mut s, "GET", "/ranking?Type=3&ExchangeDivision=T", "").1,
        r#"{"Type":"3","ExchangeDivision":"T","Ranking":[]}"#,
        "48 bytes, as seen (kabusapi issue 871)"
    );
    assert_eq!(order(&mut s, "?Type=14"), [""; 0]);
    assert!(
        order(&mut s, "?Type=8").iter().any(|i| i.ends_with("6501")),
        "traded or not"
    );
    assert_eq!(order(&mut s, "?Type=8&ExchangeDivision=S"), [""; 0]);
    assert!(
        !order(&mut s, "?Type=8").iter().any(|i| i.ends_with("1570")),
        "no funds"
    );
}

#[test]
fn bad_queries_are_refused() {
    let mut s = market();
    for query in ["?Type=0", "?Type=16", "?Type=x", "?Type=1&ExchangeDivision=T1"] {
        let (status, body) = ask(&mut s, "GET", &format!("/ranking{query}"), "");
        assert_eq!((status, code_of(&body)), (400, 4_001_010), "{query}");
    }
}
