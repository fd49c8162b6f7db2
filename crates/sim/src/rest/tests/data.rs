//! Market data beside boards: symbols, names, the tape; and boards in odd shapes.

use ayumi_engine::market::Profile;
use ayumi_wire::jst::Date;
use ayumi_wire::num::{Price, Qty};
use serde_json::Value;

use super::*;
use crate::faults::{BoardShape, BoardShapeFault, TapeFault, TapeTrouble};

fn json(s: &mut Station, path: &str) -> Value {
    let (status, body) = ask(s, "GET", path, "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn refused(s: &mut Station, path: &str) -> (u16, i64) {
    let (status, body) = ask(s, "GET", path, "");
    (status, code_of(&body))
}

fn at(date: &str, second: i64) -> Stamp {
    Stamp::from_s(Date::parse(date).unwrap().midnight_s() + second)
}

/// Keys and JSON types, whatever the order: the vendor's documents do not show the order of the wire.
fn shape(value: &Value) -> Vec<(String, &'static str)> {
    let kind = |v: &Value| match v {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let object = value.as_object().unwrap();
    let mut keys: Vec<_> = object.iter().map(|(k, v)| (k.clone(), kind(v))).collect();
    keys.sort();
    keys
}

fn sample(text: &str) -> Vec<(String, &'static str)> {
    shape(&serde_json::from_str(text).unwrap())
}

#[test]
fn bodies_have_the_vendor_s_shapes() {
    let mut s = station(50);
    s.now = at("2026-09-18", 36_000);
    assert_eq!(
        shape(&json(&mut s, "/symbol/166090018@23?addinfo=false")),
        sample(include_str!("../../../../../testdata/official_symbol_166090018.json"))
    );
    assert_eq!(
        shape(&json(&mut s, "/symbolname/future?FutureCode=NK225&DerivMonth=0")),
        sample(include_str!(
            "../../../../../testdata/official_symbolname_future_response.json"
        ))
    );
    // The example prints `Exchange` where schema and add-in say `PrimaryExchange`.
    let primary = include_str!("../../../../../testdata/official_primaryexchange_response.json");
    assert_eq!(
        shape(&json(&mut s, "/primaryexchange/2928")),
        sample(&primary.replace("Exchange", "PrimaryExchange"))
    );
    let (_, list) = ask(
        &mut s,
        "PUT",
        "/register",
        include_str!("../../../../../testdata/official_register_request.json"),
    );
    let listed: Value = serde_json::from_str(&list).unwrap();
    let example: Value =
        serde_json::from_str(include_str!("../../../../../testdata/official_register_response.json")).unwrap();
    assert_eq!(listed, example);
    let (_, token) = ask(
        &mut s,
        "POST",
        "/token",
        include_str!("../../../../../testdata/official_token_request.json"),
    );
    assert_eq!(
        shape(&serde_json::from_str(&token).unwrap()),
        sample(include_str!("../../../../../testdata/official_token_response.json"))
    );
    let (_, error) = ask(&mut s, "GET", "/nowhere", "");
    assert_eq!(
        shape(&serde_json::from_str(&error).unwrap()),
        sample(include_str!("../../../../../testdata/official_error_response.json"))
    );
    let board = json(&mut s, "/board/5401@1");
    let keys = |shape: Vec<(String, &'static str)>| shape.into_iter().map(|(k, _)| k).collect::<Vec<_>>();
    assert_eq!(
        keys(shape(&board)),
        keys(sample(include_str!(
            "../../../../../testdata/official_board_5401.min.json"
        )))
    );
}

#[test]
fn a_share_is_described_in_the_order_of_the_wire() {
    let mut s = station(50);
    s.now = at("2026-09-18", 36_000);
    let (_, body) = ask(&mut s, "GET", "/symbol/7203@1", "");
    let head = r#"{"BisCategory":"3700      ","TotalMarketValue":44778825000000.0,"TotalStocks":15795000.0,"FiscalYearEndBasic":20270331,"KCMarginBuy":true,"KCMarginSell":true,"MarginBuy":true,"MarginSell":true,"PerSymbolLimit":"#;
    let tail = r#","DisplayName":"トヨタ自動車","Exchange":1,"ExchangeName":"東証プ","TradingUnit":100.0,"PriceRangeGroup":"10003","UpperLimit":3335.0,"LowerLimit":2335.0,"Symbol":"7203","SymbolName":"トヨタ自動車"}"#;
    assert!(body.starts_with(head), "{body}");
    assert!(body.ends_with(tail), "{body}");
    let bare = json(&mut s, "/symbol/7203@1?AddInfo=False");
    for key in ["TotalMarketValue", "TotalStocks", "FiscalYearEndBasic"] {
        assert!(bare[key].is_null(), "{key}");
    }
    assert_eq!(bare["UpperLimit"], 3335.0);
    assert!(
        json(&mut s, "/symbol/1570@1")["PerSymbolLimit"].is_null(),
        "a fund has no limit"
    );
    assert_eq!(
        ask(&mut s, "GET", "/symbol/101@1", "").1,
        r#"{"Symbol":"101","SymbolName":"日経平均"}"#
    );
    assert_eq!(json(&mut s, "/symbol/167060019@2")["ClearingPrice"], 49850.0);
    assert_eq!(refused(&mut s, "/symbol/7203@1?addinfo=perhaps"), (400, 4_001_010));
    for path in [
        "/symbol/7203",
        "/symbol/7203@9",
        "/symbol/7203@27",
        "/symbol/",
        "/symbol/EUR/USD@300",
    ] {
        assert_eq!(refused(&mut s, path), (400, code::UNKNOWN_SYMBOL), "{path}");
    }
}

#[test]
fn limits_are_those_of_the_market() {
    let mut s = station(50);
    let slot = s.slot(&Symbol::tse("7203"));
    s.boards.update(
        slot,
        br#"{"Symbol":"7203","SymbolName":"X","PreviousClose":1000.00000}"#,
    );
    let body = json(&mut s, "/symbol/7203@1");
    assert_eq!(
        (&body["UpperLimit"], &body["LowerLimit"]),
        (&1300.0.into(), &700.0.into())
    );
    assert_eq!((&body["SymbolName"], &body["DisplayName"]), (&"X".into(), &"X".into()));
    let broadened = (Price::from_yen(600), Price::from_yen(1_600));
    s.boards.set_limits(slot, broadened);
    let body = json(&mut s, "/symbol/7203@1");
    assert_eq!(
        (&body["UpperLimit"], &body["LowerLimit"]),
        (&1600.0.into(), &600.0.into()),
        "broadened"
    );
    for seed in 0..5 {
        let profile = Profile::of(&Symbol::tse("1301"), seed);
        let mut s = station(50);
        s.seed = seed;
        let body = json(&mut s, "/symbol/1301@1");
        assert_eq!(body["UpperLimit"], profile.limits().1.yen(), "the market's seed");
    }
}

#[test]
fn the_home_of_a_share() {
    let mut s = station(1);
    for code in ["7203", "9984", "285A"] {
        assert_eq!(
            ask(&mut s, "GET", &format!("/primaryexchange/{code}"), "").1,
            format!(r#"{{"Symbol":"{code}","PrimaryExchange":1}}"#),
            "and it takes no slot"
        );
    }
    let sapporo = Symbol {
        code: "2928".into(),
        exchange: 6,
    };
    s.slot(&sapporo);
    assert_eq!(json(&mut s, "/primaryexchange/2928")["PrimaryExchange"], 6);
    for path in [
        "/primaryexchange/7203@1",
        "/primaryexchange/101",
        "/primaryexchange/167060019",
        "/primaryexchange/",
    ] {
        assert_eq!(refused(&mut s, path), (400, code::UNKNOWN_SYMBOL), "{path}");
    }
}

#[test]
fn contracts_are_found_by_name_and_month() {
    let mut s = station(50);
    let mut name = |now: &str, query: &str| {
        s.now = at(now, 36_000);
        let (status, body) = ask(&mut s, "GET", &format!("/symbolname/future?{query}"), "");
        match status {
            200 => serde_json::from_str::<Value>(&body).unwrap()["Symbol"]
                .as_str()
                .unwrap()
                .to_owned(),
            _ => code_of(&body).to_string(),
        }
    };
    assert_eq!(
        name("2026-11-20", "FutureCode=nk225MINI&DerivMonth=202612"),
        "161120019"
    );
    assert_eq!(
        name("2026-12-10", "futurecode=NK225&derivmonth=0"),
        "161120018",
        "the last trading day"
    );
    assert_eq!(name("2026-12-11", "FutureCode=NK225&DerivMonth=0"), "162030018");
    assert_eq!(
        name("2026-12-11", "FutureCode=NK225mini&DerivMonth=0"),
        "162010019",
        "minis have every month"
    );
    assert_eq!(
        name("2026-12-11", "FutureCode=NK225&DerivMonth=202609"),
        "4002001",
        "expired"
    );
    assert_eq!(name("2026-12-11", "FutureCode=GOLD&DerivMonth=0"), "4002001");
    for query in [
        "DerivMonth=0",
        "FutureCode=NK225",
        "FutureCode=NK225&DerivMonth=202613",
        "FutureCode=NK225&DerivMonth=x",
    ] {
        assert_eq!(name("2026-12-11", query), "4001010", "{query}");
    }
    // What this market trades goes before the calendar.
    for code in ["167060019", "167090019"] {
        s.slot(&Symbol {
            code: code.into(),
            exchange: 23,
        });
    }
    let nearest = |s: &mut Station, now: &str| {
        s.now = at(now, 36_000);
        json(s, "/symbolname/future?FutureCode=NK225mini&DerivMonth=0")["Symbol"].clone()
    };
    assert_eq!(nearest(&mut s, "2022-05-20"), "167060019");
    assert_eq!(nearest(&mut s, "2022-06-30"), "167090019");
    assert_eq!(
        nearest(&mut s, "2026-11-20"),
        "167090019",
        "the last one, when all have expired"
    );
}

#[test]
fn options_are_judged_and_not_found() {
    let mut s = station(50);
    let option = "/symbolname/option?OptionCode=NK225op&DerivMonth=0&PutOrCall=p&StrikePrice=0";
    assert_eq!(refused(&mut s, option), (400, code::UNKNOWN_SYMBOL));
    let weekly = "/symbolname/minioptionweekly?DerivMonth=202612&DerivWeekly=3&PutOrCall=C&StrikePrice=50000";
    assert_eq!(refused(&mut s, weekly), (400, code::UNKNOWN_SYMBOL));
    for bad in [
        weekly.replace("=3", "=2"),
        weekly.replace("=C", "=X"),
        option.replace("StrikePrice=0", ""),
    ] {
        assert_eq!(refused(&mut s, &bad), (400, 4_001_010), "{bad}");
    }
}

#[test]
fn the_tape_needs_no_slot_and_is_newest_first() {
    let mut s = station(1);
    assert_eq!(register(&mut s, &["7203"]).0, 200);
    let slot = s.slot(&Symbol::tse("8306"));
    for (second, e4, qty) in [
        (55_498, 23_105_000, 1_200),
        (55_499, 23_110_000, 300),
        (55_800, 23_105_000, 2_145_600),
    ] {
        s.tapes.note(slot, at("2026-08-10", second), Price(e4), Qty(qty));
    }
    let (_, body) = ask(&mut s, "GET", "/timeandsales/8306@1", "");
    assert_eq!(
        body,
        include_str!("../../../../../testdata/synthetic_timeandsales_8306_ORDER_UNVERIFIED.json").trim_end()
    );
    assert_eq!(
        ask(&mut s, "GET", "/timeandsales/9984@1", "").1,
        r#"{"Symbol":"9984","Exchange":1,"TradingPriceCount":0,"TradingPrice":[]}"#
    );
    assert_eq!(refused(&mut s, "/timeandsales/8306@9"), (400, code::UNKNOWN_SYMBOL));
}

#[test]
fn the_tape_has_a_limit_of_its_own() {
    let mut s = station(50);
    s.faults.rate_limit = true;
    let now = Instant::now();
    let mut status = |path: &str, ms: u64| {
        let asked = request("GET", path, "");
        match s
            .answer(now + Duration::from_millis(ms), Environment::Production, &asked)
            .act
        {
            Act::Answer(a) => a.status,
            other => panic!("{other:?}"),
        }
    };
    let tape = "/timeandsales/7203@1";
    assert_eq!([status(tape, 0), status(tape, 10), status(tape, 20)], [200, 200, 429]);
    assert_eq!(status("/board/7203@1", 30), 200);
    assert_eq!(
        [status(tape, 1_010), status(tape, 2_020)],
        [429, 200],
        "a second of silence"
    );
}

#[test]
fn tapes_in_trouble() {
    let mut s = station(50);
    s.now = at("2026-08-11", 36_000);
    let slot = s.slot(&Symbol::tse("8306"));
    s.tapes
        .note(slot, at("2026-08-11", 32_400), Price::from_yen(2_310), Qty(100));
    let rule = |symbol: &str, trouble| TapeFault {
        symbol: Some(symbol.into()),
        trouble,
    };
    s.faults.tape = vec![
        rule("8306", TapeTrouble::Huge { bytes: 9_000_000 }),
        rule("7203", TapeTrouble::Lock),
    ];
    let body = ask(&mut s, "GET", "/timeandsales/8306@1", "").1;
    assert!((9_000_000..9_001_000).contains(&body.len()), "{}", body.len());
    let huge: Value = serde_json::from_str(&body).unwrap();
    let lines = huge["TradingPrice"].as_array().unwrap();
    assert_eq!(huge["TradingPriceCount"], lines.len());
    let today = lines
        .iter()
        .filter(|l| l["Time"].as_str().unwrap().starts_with("2026-08-11"));
    assert_eq!(today.count(), 1, "the rest is the day before");
    let reply = s.answer(
        Instant::now(),
        Environment::Production,
        &request("GET", "/timeandsales/7203@1", ""),
    );
    assert_eq!(reply.delay, Duration::from_secs(30));
    let symbol = Symbol::tse("7203");
    assert_eq!(reply.act, Act::NextTrade { symbol, known: 0 });
}

#[test]
fn f12_boards_in_odd_shapes() {
    let mut s = station(50);
    let sound = include_str!("../../../../../testdata/synthetic_push_stock_7203.json");
    for code in ["7203", "9984", "6501"] {
        let slot = s.slot(&Symbol::tse(code));
        s.boards.update(slot, sound.replace("7203", code).as_bytes());
    }
    let rule = |symbol: Option<&str>, first_touch, shape| BoardShapeFault {
        symbol: symbol.map(str::to_owned),
        first_touch,
        shape,
    };
    s.faults.board_shapes = vec![
        rule(Some("7203"), false, BoardShape::ZeroDepth),
        rule(None, true, BoardShape::NullBlock),
    ];
    for _ in 0..2 {
        let all_day = json(&mut s, "/board/7203@1");
        assert!(all_day["Sell1"]["Price"] == 0.0 && all_day["BidPrice"] == 2847.0);
    }
    assert!(
        json(&mut s, "/board/9984@1")["TradingVolume"].is_null(),
        "at the first touch"
    );
    assert_eq!(
        ask(&mut s, "GET", "/board/9984@1", "").1,
        sound.replace("7203", "9984"),
        "then sound"
    );
    s.faults.board_shapes = vec![rule(None, false, BoardShape::LimitUp)];
    let limit = json(&mut s, "/board/9984@1");
    assert_eq!(limit["AskPrice"], 3335.0, "the limit by this board's previous close");
    s.faults.board_shapes.clear();
    s.overrides
        .insert(Symbol::tse("6501"), BoardAnswer::Shape(BoardShape::Unopened));
    assert!(json(&mut s, "/board/6501@1")["CurrentPrice"].is_null());
}

#[test]
fn there_is_no_account_and_orders_are_refused() {
    let mut s = station(50);
    for (method, path) in [
        ("POST", "/sendorder"),
        ("POST", "/sendorder/future"),
        ("PUT", "/cancelorder"),
    ] {
        let (status, body) = ask(&mut s, method, path, "{}");
        assert_eq!((status, code_of(&body)), (403, code::API_DISABLED), "{path}");
    }
    assert_eq!(ask(&mut s, "GET", "/orders?product=0", ""), (200, "[]".into()));
    assert_eq!(ask(&mut s, "GET", "/positions", ""), (200, "[]".into()));
    assert_eq!(
        ask(&mut s, "GET", "/wallet/cash", "").1,
        r#"{"StockAccountWallet":0.0,"AuKCStockAccountWallet":0.0,"AuJbnStockAccountWallet":0.0}"#
    );
    assert_eq!(
        ask(&mut s, "GET", "/wallet/future/167060019@23", "").1,
        r#"{"FutureTradeLimit":0.0,"MarginRequirement":null,"MarginRequirementSell":null}"#
    );
    let limits = json(&mut s, "/apisoftlimit");
    assert_eq!(
        (&limits["Stock"], &limits["KabuSVersion"]),
        (&200.0.into(), &"5.44.0.0".into())
    );
    assert_eq!(
        json(&mut s, "/regulations/7203@1")["RegulationsInfo"],
        Value::Array(Vec::new())
    );
    assert!(json(&mut s, "/margin/marginpremium/7203")["DayTrade"]["MarginPremium"].is_null());
    assert_eq!(
        refused(&mut s, "/margin/marginpremium/101"),
        (400, code::UNKNOWN_SYMBOL)
    );
    assert_eq!(refused(&mut s, "/exchange/usdjpy"), (500, 4_005_002));
}
