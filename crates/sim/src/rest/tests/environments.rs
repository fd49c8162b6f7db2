//! Two environments, one application.

use super::*;

fn two() -> Station {
    let mut s = Station::new(&SimConfig {
        password: Some("prod1234".into()),
        verification_password: Some("test5678".into()),
        ..SimConfig::default()
    });
    s.faults.rate_limit = false;
    s
}

fn call(s: &mut Station, environment: Environment, key: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut asked = request(method, path, body);
    asked.headers[0].1 = key.into();
    match s.answer(Instant::now(), environment, &asked).act {
        Act::Answer(answer) => (answer.status, String::from_utf8(answer.body).unwrap()),
        other => panic!("{other:?}"),
    }
}

fn token(s: &mut Station, environment: Environment, password: &str) -> Result<String, (u16, i64)> {
    let body = format!(r#"{{"APIPassword":"{password}"}}"#);
    let (status, text) = call(s, environment, "", "POST", "/token", &body);
    match status {
        200 => Ok(serde_json::from_str::<TokenAnswer>(&text).unwrap().token),
        _ => Err((status, code_of(&text))),
    }
}

use Environment::{Production, Verification};

#[test]
fn each_environment_has_its_password_and_token() {
    let mut s = two();
    let real = token(&mut s, Production, "prod1234").unwrap();
    let test = token(&mut s, Verification, "test5678").unwrap();
    assert_ne!(real, test);
    let probe =
        |s: &mut Station, environment, key: &str| call(s, environment, key, "PUT", "/register", r#"{"Symbols":[]}"#).0;
    assert_eq!(
        (probe(&mut s, Production, &real), probe(&mut s, Verification, &test)),
        (200, 200)
    );
    assert_eq!(
        (probe(&mut s, Production, &test), probe(&mut s, Verification, &real)),
        (401, 401)
    );
    assert_eq!(
        token(&mut s, Verification, "prod1234"),
        Err((400, code::BAD_BODY)),
        "issue 1370"
    );
    assert_eq!(token(&mut s, Production, "test5678"), Err((400, code::BAD_BODY)));
    assert_eq!(token(&mut s, Verification, "else"), Err((401, code::WRONG_PASSWORD)));
    s.faults.wrong_environment_401 = true;
    assert_eq!(
        token(&mut s, Verification, "prod1234"),
        Err((401, code::WRONG_PASSWORD)),
        "issue 1167"
    );
    s.session.logout();
    s.session.login();
    assert_eq!(
        (probe(&mut s, Production, &real), probe(&mut s, Verification, &test)),
        (401, 401),
        "both died"
    );
    let test = token(&mut s, Verification, "test5678").unwrap();
    assert_eq!(probe(&mut s, Verification, &test), 200);
}

#[test]
fn verification_has_no_market_data() {
    let mut s = two();
    let key = token(&mut s, Verification, "test5678").unwrap();
    let slot = s.slot(&Symbol::tse("7203"));
    s.boards.update(slot, br#"{"Symbol":"7203","CurrentPrice":2846.5}"#);
    let mut ask = |method: &str, path: &str, body: &str| call(&mut s, Verification, &key, method, path, body);
    let one = r#"{"Symbols":[{"Symbol":"7203","Exchange":1}]}"#;
    assert_eq!(ask("PUT", "/register", one), (200, r#"{"RegistList":[]}"#.into()));
    assert_eq!(ask("PUT", "/unregister", one), (200, r#"{"RegistList":[]}"#.into()));
    assert_eq!(ask("PUT", "/unregister/all", "").1, r#"{"RegistList":[]}"#);
    let bad = ask("PUT", "/register", r#"{"Symbols":[{"Symbol":"7203","Exchange":9}]}"#);
    assert_eq!((bad.0, code_of(&bad.1)), (400, code::NONE_REGISTERED));
    assert!(ask("GET", "/board/7203@1", "").1.contains(r#""CurrentPrice":null"#));
    let symbol: serde_json::Map<_, _> = serde_json::from_str(&ask("GET", "/symbol/7203@1", "").1).unwrap();
    assert!(
        symbol.iter().all(|(key, value)| (key == "Symbol") != value.is_null()),
        "{symbol:?}"
    );
    let wallet = ask("GET", "/wallet/cash", "").1;
    assert_eq!(wallet.matches("null").count(), 3, "{wallet}");
    assert!(ask("GET", "/ranking?Type=1", "").1.ends_with(r#""Ranking":[]}"#));
    assert!(
        ask("GET", "/timeandsales/7203@1", "")
            .1
            .ends_with(r#""TradingPrice":[]}"#)
    );
    assert!(
        !s.has_registered() && !s.has_touched(),
        "production's list is not touched"
    );
}
