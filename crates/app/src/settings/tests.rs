use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

const NAME: &str = "c.json";

fn no_env(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Result<Settings, SettingsError> {
    build::settings(NAME, text.as_bytes(), &Overrides::default(), &no_env)
}

/// Mock settings with one more entry.
fn with(entry: &str) -> Result<Settings, SettingsError> {
    read(&format!("{{\"mode\": \"mock\", \"symbols\": [\"7203\"], {entry}}}"))
}

fn ok(entry: &str) -> Settings {
    with(entry).unwrap_or_else(|error| panic!("{entry}: {error}"))
}

fn error(entry: &str) -> String {
    match with(entry) {
        Ok(settings) => panic!("{entry} was accepted: {settings:?}"),
        Err(error) => error.to_string(),
    }
}

fn notes(settings: &Settings) -> String {
    settings
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn an_almost_empty_file_means_the_documented_defaults() {
    let s = read(r#"{"symbols": ["7203"], "token": "abc"}"#).expect("valid");
    assert_eq!((s.mode, s.host.as_str(), s.port), (Mode::Online, "localhost", 18080));
    assert_eq!(
        (s.window_ms, s.tick_queue_max, s.mock_interval_ms, s.rest_poll_ms),
        (300, 20_000, 50, 500)
    );
    assert_eq!(
        (s.board_max_age_ms, s.pending_max, s.auto_register),
        (60_000, 300, true)
    );
    assert_eq!(s.db_path, Path::new("rss_snapshot.db"));
    assert_eq!(s.log_path, Path::new("logs/stream_microbatch.log"));
    assert_eq!(
        (s.board_mode, s.tick_rule, s.durability),
        (BoardMode::Auto, TickRule::Push, Durability::Balanced)
    );
    assert_eq!(s.websocket.connect_timeout, Duration::from_secs(6));
    assert_eq!(s.websocket.recv_timeout, Duration::from_secs(2));
    assert_eq!(s.websocket.backoff_initial, Duration::from_secs(1));
    assert_eq!(s.websocket.backoff_max, Duration::from_secs(30));
    assert_eq!(s.websocket.guard_log_interval, Duration::from_secs(60));
    assert!(s.price_guard.is_empty() && s.market_window.is_empty() && s.journal_dir.is_none() && s.notes.is_empty());
    assert_eq!((s.source("port"), s.source("token")), (Source::Default, Source::File));
}

#[test]
fn every_key_is_taken_from_the_file() {
    let s = read(
        r#"{"mode": "Online", "host": "127.0.0.1", "port": 18081, "token": "abc", "api_password": "pw",
            "auto_register": false, "symbols": ["7203", "285a", 9984, "167060019@23"],
            "price_guard": {"7203": {"min": 400, "max": 6000.5}, "285A": {"low": 10}, "9984": [100, 20000],
                            "167060019@23": 60000, "7203@3": {"min": 1}},
            "websocket": {"connect_timeout": 1.5, "recv_timeout": 3, "backoff_initial": 0.25, "backoff_max": 8,
                          "guard_log_interval": 5},
            "tick_queue_max": 10, "mock_interval_ms": 7, "window_ms": 1000, "db_path": "C:/データ/rss {date}.db",
            "log_path": "ログ\\a.log", "board_mode": "rest", "rest_poll_ms": 250, "board_max_age_ms": 5, "pending_max": 2,
            "market_window": "09:00-11:30,12:30-15:30", "tick_rule": "trade", "durability": "full",
            "settings": {"naut": {"profile": "prod"}}, "BUY_UPTICK_THR": 0.65, "snapshot_db": "x.db"}"#,
    )
    .expect("valid");
    assert_eq!(
        (s.mode, s.host.as_str(), s.port, s.auto_register),
        (Mode::Online, "127.0.0.1", 18081, false)
    );
    let tickers: Vec<String> = s.symbols.iter().map(Symbol::ticker).collect();
    assert_eq!(tickers, ["7203", "285A", "9984", "167060019@23"]);
    let yen = Price::from_yen;
    let bounds: Vec<_> = s.price_guard.iter().map(|(_, min, max)| (*min, *max)).collect();
    assert_eq!(
        bounds,
        [
            (Some(yen(400)), Some(Price(60_005_000))),
            (Some(yen(10)), None),
            (Some(yen(100)), Some(yen(20_000))),
            (None, Some(yen(60_000))),
        ]
    );
    assert!(notes(&s).contains("without effect: 7203@3"), "{}", notes(&s));
    assert_eq!(s.notes.len(), 1);
    assert_eq!(s.websocket.connect_timeout, Duration::from_millis(1500));
    assert_eq!(s.websocket.backoff_max, Duration::from_secs(8));
    assert_eq!((s.tick_queue_max, s.mock_interval_ms, s.window_ms), (10, 7, 1000));
    assert_eq!((s.rest_poll_ms, s.board_max_age_ms, s.pending_max), (250, 5, 2));
    assert_eq!(
        (s.db_path, s.log_path),
        (PathBuf::from("C:/データ/rss {date}.db"), PathBuf::from("ログ\\a.log"))
    );
    assert_eq!(
        (s.board_mode, s.tick_rule, s.durability),
        (BoardMode::Rest, TickRule::Trade, Durability::Full)
    );
    assert_eq!(s.market_window, [(32_400, 41_400), (45_000, 55_800)]);
    assert_eq!(s.api_password.expect("given").expose_secret(), "pw");
}

#[test]
fn c03_every_number_refuses_what_is_out_of_range_and_names_the_range() {
    for spec in keys::NUMBERS {
        let entry = |value: &str| match spec.key.split_once('.') {
            Some((section, key)) => format!("\"{section}\": {{\"{key}\": {value}}}"),
            None => format!("\"{}\": {value}", spec.key),
        };
        let too_large = format!("{}", spec.max * 1000.0 + 1.0);
        for wrong in [
            "-1", "1e300", "1e999", "true", "\"abc\"", "\"NaN\"", "\"\"", "[]", "{}", "[300]", &too_large,
        ] {
            let said = error(&entry(wrong));
            assert!(said.contains(spec.key) && said.contains("allowed: a "), "{said}");
            assert!(said.contains(&format!("from {} to {}", spec.min, spec.max)), "{said}");
            assert!(said.starts_with("error: 1 problem in"), "{said}");
        }
        if spec.whole {
            assert!(error(&entry(&format!("{}", spec.max - 0.5))).contains("a whole number from"));
        }
        for right in [spec.min, spec.max] {
            let exact = format!("{right}");
            assert_eq!(notes(&ok(&entry(&exact))), notes_of_limit(spec.key, right));
            let quoted = ok(&entry(&format!("\" {exact} \"")));
            assert!(notes(&quoted).contains("stands in quotes"), "{}", spec.key);
        }
        assert_eq!(ok(&entry("null")).source(spec.key), Source::Default);
    }
}

/// The one note a number at its limit may cause: a longest wait below the first one.
fn notes_of_limit(key: &str, value: f64) -> &'static str {
    match (key, value < 1.0, value > 30.0) {
        ("websocket.backoff_max", true, _) => "websocket.backoff_max: it is below backoff_initial and was raised to 1",
        ("websocket.backoff_initial", _, true) => {
            "websocket.backoff_max: it is below backoff_initial and was raised to 600"
        }
        _ => "",
    }
}

#[test]
fn c03_what_the_scripts_floored_silently_is_raised_with_a_note() {
    for spec in keys::NUMBERS.iter().filter(|spec| spec.raise) {
        let entry = match spec.key.split_once('.') {
            Some((section, key)) => format!("\"{section}\": {{\"{key}\": 0}}"),
            None => format!("\"{}\": 0", spec.key),
        };
        let said = notes(&ok(&entry));
        assert!(
            said.contains(&format!("{}: 0 is too small and was raised to {}", spec.key, spec.min)),
            "{said}"
        );
    }
    let s = ok(r#""websocket": {"connect_timeout": 0.1, "recv_timeout": 0}"#);
    assert_eq!(s.websocket.connect_timeout, Duration::from_millis(500));
    assert_eq!(s.websocket.recv_timeout, Duration::from_millis(500));
    assert!(s.notes.iter().all(|note| note.warning));
}

#[test]
fn c03_wrong_values_of_every_other_key() {
    let table = [
        (r#""host": 5.5.5"#, "JSON"),
        (r#""host": "http://localhost""#, "a host name alone"),
        (r#""host": "localhost:18080""#, "a host name alone"),
        (r#""host": """#, "not empty"),
        (r#""host": "192.168.0.5""#, "allow_remote"),
        (r#""host": "0.0.0.0""#, "allow_remote"),
        (r#""host": ["localhost"]"#, "a text in double quotes"),
        (r#""allow_remote": "yes""#, "true or false"),
        (r#""auto_register": 2"#, "true or false"),
        (r#""auto_register": "maybe""#, "true or false"),
        (r#""token": ["a"]"#, "a text"),
        (r#""token": "two words""#, "without blanks"),
        (r#""token": "全角""#, "without blanks"),
        (r#""token": "a\nb""#, "without line breaks"),
        (r#""token_file": {}"#, "a text"),
        (r#""api_password": true"#, "a text"),
        (r#""price_guard": [1, 2]"#, "an object"),
        (
            r#""price_guard": {"7203": {"min": 6000, "max": 400}}"#,
            "at most the upper bound, 400.0",
        ),
        (
            r#""price_guard": {"7203": [6000, 400]}"#,
            "price_guard.7203[0]  found 6000",
        ),
        (r#""price_guard": {"7203": [1, 2, 3]}"#, "one number as the upper bound"),
        (r#""price_guard": {"7203": []}"#, "[400, 6000]"),
        (r#""price_guard": {"7203": true}"#, "{\"min\": 400"),
        (r#""price_guard": {"7203": {"min": -5}}"#, "a price in yen from 0"),
        (r#""price_guard": {"7203": {"max": "NaN"}}"#, "a price in yen"),
        (r#""price_guard": {"7203": {"max": 1e400}}"#, "a price in yen"),
        (
            r#""price_guard": {"7203": {"min": 1, "low": 2}}"#,
            "which means the same",
        ),
        (r#""price_guard": {"7203": 5, "7203@1": 6}"#, "has a guard already"),
        (
            r#""price_guard": {"7203": {"min": 1, "min": 2}}"#,
            "price_guard.7203.min  this key stands in line 1",
        ),
        (r#""price_guard": {"トヨタ": 5}"#, "is no symbol"),
        (r#""price_guard": {"7203@9": 5}"#, "exchange after @"),
        (r#""websocket": 5"#, "an object"),
        (r#""websocket": [6]"#, "an object"),
        (r#""features": "all""#, "an object"),
        (r#""burst": true"#, "an object"),
        (r#""db_path": """#, "not empty"),
        (r#""db_path": "C:\temp\new.db""#, "in paths write /"),
        (r#""db_path": ["a.db"]"#, "a text"),
        (r#""log_path": "  ""#, "not empty"),
        (r#""log_path": false"#, "a text"),
        (r#""board_mode": "on""#, "one of push, rest, auto, off"),
        (r#""board_mode": 1"#, "one of push, rest, auto, off"),
        (r#""tick_rule": "all""#, "one of push, trade"),
        (r#""durability": "none""#, "one of full, balanced, seed"),
        (r#""market_window": "09:00""#, "JST spans like"),
        (r#""market_window": "09:00-11:30,11:00-12:00""#, "overlaps"),
        (r#""market_window": ["09:00-11:30"]"#, "a text"),
        (r#""journal_dir": {}"#, "a text"),
    ];
    for (entry, said) in table {
        let text = error(entry);
        assert!(text.contains(said), "{entry}\n{text}");
        assert!(
            text.contains("c.json:1:") && text.contains("  next: ") && text.contains('^'),
            "{text}"
        );
    }
    for (list, said) in [
        ("[]", "at least one"),
        ("null", "at least one"),
        ("[\"\", \" \"]", "at least one"),
        ("{}", "a list like"),
        ("true", "a list like"),
        ("[true]", "a code like"),
        ("[[\"7203\"]]", "symbols[0]"),
        ("[\"72 03\"]", "is no symbol"),
        ("[\"7203\", \"7203@9\"]", "symbols[1]"),
        ("[7203.5]", "is no symbol"),
        ("[-7203]", "is no symbol"),
        ("\"7203;トヨタ\"", "is no symbol"),
    ] {
        let text = read(&format!(r#"{{"mode": "mock", "symbols": {list}}}"#))
            .expect_err(list)
            .to_string();
        assert!(text.contains(said) && text.contains("symbols"), "{list}\n{text}");
    }
    let text = read(r#"{"mode": "live", "symbols": ["7203"], "token": "a"}"#)
        .expect_err("mode")
        .to_string();
    assert!(
        text.contains("mode  found \"live\"  allowed: one of online, mock"),
        "{text}"
    );
}

#[test]
fn c03_stated_conversions() {
    let s = read(
        r#"{"mode": "mock", "symbols": ["７２０３＠１", 9984, " 285a ", "", "7203"], "port": "１８０８０", "window_ms": 300.0,
            "auto_register": "false", "price_guard": {"7203": {"min": 0, "max": 0}, "９９８４": {"min": "100", "max": null}}}"#,
    )
    .expect("valid");
    assert_eq!(
        s.symbols,
        [Symbol::tse("7203"), Symbol::tse("9984"), Symbol::tse("285A")]
    );
    assert_eq!((s.port, s.window_ms, s.auto_register), (18080, 300, false));
    assert_eq!(s.price_guard, [(Symbol::tse("9984"), Some(Price::from_yen(100)), None)]);
    let said = notes(&s);
    for part in [
        "symbols[3]: an empty entry was dropped",
        "listed twice, watched once: 7203",
        "port: the number stands in quotes; it was read as 18080",
        "auto_register: it was read as false",
        "price_guard.7203.min: 0 means no bound",
        "price_guard.7203.max: 0 means no bound",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let one_text = read(r#"{"mode": "mock", "symbols": "7203, 9984"}"#).expect("valid");
    assert_eq!(one_text.symbols.len(), 2);
    assert!(notes(&one_text).contains("read as a list"));
    let many: Vec<String> = (1000..1051).map(|code| code.to_string()).collect();
    let s = read(&format!(r#"{{"mode": "mock", "symbols": [{}]}}"#, many.join(","))).expect("valid");
    assert!(notes(&s).contains("51 are listed") && s.symbols.len() == 51);
}

#[test]
fn what_this_version_does_not_do_is_said() {
    let s = ok(r#""journal_dir": "j", "burst": {"window_count": 5}, "features": {"groups": []}"#);
    for part in [
        "journal_dir is not supported by this version; nothing is journalled",
        "burst: not computed by this version yet",
        "features: not computed by this version yet",
    ] {
        assert!(
            s.notes.iter().any(|note| note.warning && note.text.contains(part)),
            "{part}"
        );
    }
    assert!(ok(r#""auto_register": true"#).notes.is_empty());
}

#[test]
fn c02_misspelt_keys_are_named_with_their_place_and_foreign_ones_are_silent() {
    let s = ok(
        "\n  \"window_mss\": 300, \"WebSocket\": {}, \"websocket\": {\"recv_timout\": 1},\n  \"recv_timeout\": 1, \
                \"price_guard\": {\"7203\": {\"mni\": 5, \"note\": \"x\"}}, \"orders\": {\"window_mss\": 1}, \"メモ\": \"\"",
    );
    let said = notes(&s);
    for part in [
        "c.json:2:3 window_mss: unknown key, ignored; did you mean \"window_ms\"?",
        "WebSocket: unknown key, ignored; did you mean \"websocket\"?",
        "websocket.recv_timout: unknown key, ignored; did you mean \"websocket.recv_timeout\"?",
        "c.json:3:3 recv_timeout: unknown key, ignored; it belongs into the section \"websocket\"",
        "price_guard.7203.mni: unknown key, ignored; did you mean \"price_guard.7203.min\"?",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert_eq!(s.notes.len(), 5, "{said}");
    assert!(s.notes.iter().all(|note| note.warning));
}

#[test]
fn c01_syntax_mistakes_get_a_friendly_sentence_line_and_caret() {
    let table = [
        (
            "{\"mode\": \"mock\", // comment\n \"symbols\": [\"7203\"]}",
            "1:18  comments are not allowed",
        ),
        (
            "{\"mode\": \"mock\", /* c */ \"symbols\": [\"7203\"]}",
            "comments are not allowed",
        ),
        (
            "{\"mode\": \"mock\",\n \"symbols\": [\"7203\"],\n}",
            "2:21  the last entry has no comma",
        ),
        (
            "{\"mode\": \"mock\", \"symbols\": [\"7203\",]}",
            "the last entry has no comma",
        ),
        (
            "{\"mode\": \"mock\"\n \"symbols\": [\"7203\"]}",
            "1:16  a comma is missing here",
        ),
        (
            "{mode: \"mock\", \"symbols\": [\"7203\"]}",
            "a key stands in double quotes",
        ),
        ("{\"mode\": 'mock', \"symbols\": [\"7203\"]}", "not in single ones"),
        (
            "{\"mode\": \"mock\", \"port\": 0x46A0, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": +18080, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": .5, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": NaN, \"symbols\": [\"7203\"]}",
            "no JSON number",
        ),
        (
            "{\"mode\": \"mock\", \"port\": 01, \"symbols\": [\"7203\"]}",
            "c.json:1:",
        ),
        ("{\"mode\" \"mock\"}", "a colon is missing"),
        ("{\"mode\": , \"port\": 1}", "a value is missing before this comma"),
        ("{\"mode\": }", "a value is missing before it"),
        ("{\"mode\": \"mock}", "the quote that closes this text is missing"),
        ("{\"mode\": \"mock\"", "1:1  the } that closes this { is missing"),
        ("{\"symbols\": [\"7203\"", "1:13  the ] that closes this [ is missing"),
        ("{\"mode\": \"mock\"}}", "the settings end before this"),
        (
            "{\"db_path\": \"C:\\data\\rss.db\"}",
            "1:16  a single backslash is not allowed",
        ),
        (
            "{\"db_path\": \"C:\\users\\rss.db\"}",
            "\\u needs four hexadecimal digits",
        ),
        ("{\"mode\": True}", "small letters"),
        ("{“mode”: \"mock\"}", "use plain double quotes"),
        ("{\"mode\"： \"mock\"}", "this sign is full-width"),
        ("｛\"mode\": \"mock\"｝", "full-width"),
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        ("[]", "allowed: an object"),
        ("\"7203\"", "allowed: an object"),
        ("null", "allowed: an object"),
        ("not json", "this is not JSON"),
        (
            "{\"mode\": \"mock\", \"symbols\": [\"7203\"],\n \"port\": 1, \"port\": 2}",
            "2:13  port  this key stands in line 2 already",
        ),
        (
            "{\"x\": 1, \"x\": 2, \"mode\": \"mock\", \"symbols\": [\"1\"]}",
            "x  this key stands in line 1 already",
        ),
        (
            "{\"websocket\": {\"recv_timeout\": 1, \"recv_timeout\": 2}}",
            "websocket.recv_timeout  this key stands",
        ),
    ];
    for (text, said) in table {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(said), "{text}\n{error}");
        assert!(
            !error.contains("Unexpected") && error.contains("next: correct the file"),
            "{error}"
        );
    }
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    assert!(read(&deep).expect_err("deep").to_string().contains("nested too deeply"));
}

#[test]
fn c01_all_problems_are_reported_at_once_also_after_syntax_mistakes() {
    let text = "{\n  // mine\n  \"mode\": \"moc\",\n  \"port\": 0,\n  \"symbols\": [\"7203\", \"x y\"],\n  \
                \"websocket\": {\"recv_timeout\": \"soon\"},\n  \"price_guard\": {\n    \"7203\": { \"min\": 6000, \"max\": 400 }\n  },\n  \
                \"window_ms\": 5,\n}\n";
    let error = read(text).expect_err("wrong").to_string();
    assert_eq!(
        error,
        r#"error: 8 problems in the settings c.json

c.json:2:3  comments are not allowed in JSON: remove it
  2 |   // mine
    |   ^^^^^^^
c.json:3:11  mode  found "moc"  allowed: one of online, mock
  3 |   "mode": "moc",
    |           ^^^^^
c.json:4:11  port  found 0  allowed: a whole number from 1 to 65535
  4 |   "port": 0,
    |           ^
c.json:5:23  symbols[1]  "x y" is no symbol: use 1 to 12 letters or digits, for example "7203", "285A" or "7203@1"
  5 |   "symbols": ["7203", "x y"],
    |                       ^^^^^
c.json:6:33  websocket.recv_timeout  found "soon"  allowed: a number from 0.5 to 600
  6 |   "websocket": {"recv_timeout": "soon"},
    |                                 ^^^^^^
c.json:8:22  price_guard.7203.min  found 6000  allowed: at most the upper bound, 400.0 (the two may be swapped)
  8 |     "7203": { "min": 6000, "max": 400 }
    |                      ^^^^
c.json:10:16  window_ms  found 5  allowed: a whole number from 10 to 60000
  10 |   "window_ms": 5,
     |                ^
c.json:10:17  the last entry has no comma after it: remove this comma
  10 |   "window_ms": 5,
     |                 ^

  next: correct the file, then check it with: ayumi stream -Config c.json --check-config"#
    );
}

#[test]
fn c05_online_without_a_token_names_the_ways_to_give_one() {
    let text = r#"{"symbols": ["7203"]}"#;
    let error = read(text).expect_err("no token").to_string();
    for part in [
        "token_file",
        "KABU_TOKEN",
        "KABU_API_KEY",
        "api_password",
        "KABU_API_PASSWORD",
        "--mode mock",
    ] {
        assert!(error.contains(part), "{part}\n{error}");
    }
    let mock = Overrides {
        mode: Some(Mode::Mock),
        symbols: None,
    };
    let s = build::settings(NAME, text.as_bytes(), &mock, &no_env).expect("mock needs no token");
    assert_eq!((s.mode, s.source("mode")), (Mode::Mock, Source::Flag("--mode")));
}

#[test]
fn the_token_is_taken_from_file_then_environment_then_token_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token.txt");
    std::fs::write(&path, "\u{FEFF}from-token-file\r\n").expect("written");
    let token_file = serde_json::to_string(&path).expect("a path");
    let get = |file: &str, vars: &[(&str, &str)]| {
        let text = format!(r#"{{"symbols": ["7203"], "token_file": {token_file}{file}}}"#);
        let env = |name: &str| {
            vars.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let s = build::settings(NAME, text.as_bytes(), &Overrides::default(), &env).expect("valid");
        (
            s.token.as_ref().expect("a token").expose_secret().to_owned(),
            s.source("token"),
        )
    };
    let both = [("KABU_TOKEN", "from-env\n"), ("KABU_API_KEY", "from-key")];
    assert_eq!(
        get(r#", "token": " from-file ""#, &both),
        ("from-file".into(), Source::File)
    );
    assert_eq!(
        get(r#", "token": """#, &both),
        ("from-env".into(), Source::Env("KABU_TOKEN"))
    );
    assert_eq!(get("", &both[1..]), ("from-key".into(), Source::Env("KABU_API_KEY")));
    assert_eq!(
        get("", &[("KABU_TOKEN", " ")]),
        ("from-token-file".into(), Source::TokenFile)
    );

    let gone = r#"{"symbols": ["7203"], "token_file": "no/such/file"}"#;
    let error = read(gone).expect_err("no file").to_string();
    assert!(
        error.contains("token_file  cannot take the token from no/such/file"),
        "{error}"
    );
    let password = |name: &str| (name == "KABU_API_PASSWORD").then(|| "pw".to_owned());
    let s = build::settings(NAME, gone.as_bytes(), &Overrides::default(), &password).expect("a password is enough");
    assert!(s.token.is_none() && s.source("api_password") == Source::Env("KABU_API_PASSWORD"));
    assert!(notes(&s).contains("a token is fetched with the API password"));
}

#[test]
fn the_command_line_beats_the_file() {
    let overrides = Overrides {
        mode: Some(Mode::Mock),
        symbols: Some(vec![Symbol::tse("9984"), Symbol::tse("9984")]),
    };
    let text = r#"{"symbols": ["7203"], "price_guard": {"7203": 5}}"#;
    let s = build::settings(NAME, text.as_bytes(), &overrides, &no_env).expect("valid");
    assert_eq!(s.symbols, [Symbol::tse("9984")]);
    assert_eq!(s.source("symbols"), Source::Flag("--symbols"));
    assert!(notes(&s).contains("--symbols: listed twice") && s.price_guard.is_empty());
}

#[test]
fn check_config_shows_every_value_with_its_source_and_no_secret() {
    let text = r#"{"symbols": ["7203", "285A"], "api_password": "canary-password", "windowms": 5,
        "price_guard": {"7203": {"min": 400, "max": 6000}, "285A": {"max": 9000}},
        "market_window": "09:00-11:30", "db_path": "株.db"}"#;
    let env = |name: &str| (name == "KABU_TOKEN").then(|| "canary-token".to_owned());
    let s = build::settings(NAME, text.as_bytes(), &Overrides::default(), &env).expect("valid");
    assert_eq!(
        s.table(),
        "\
key                           value                                 source
mode                          online                                default
host                          localhost                             default
port                          18080                                 default
allow_remote                  false                                 default
token                         set (env KABU_TOKEN)                  env KABU_TOKEN
token_file                    not set                               default
api_password                  set (file)                            file
auto_register                 true                                  default
symbols                       2: 7203,285A                          file
price_guard                   2: 7203 400.0..6000.0, 285A ..9000.0  file
websocket.connect_timeout     6 s                                   default
websocket.recv_timeout        2 s                                   default
websocket.backoff_initial     1 s                                   default
websocket.backoff_max         30 s                                  default
websocket.guard_log_interval  60 s                                  default
tick_queue_max                20000                                 default
mock_interval_ms              50                                    default
window_ms                     300                                   default
db_path                       株.db                                 file
log_path                      logs/stream_microbatch.log            default
board_mode                    auto                                  default
rest_poll_ms                  500                                   default
board_max_age_ms              60000                                 default
pending_max                   300                                   default
market_window                 09:00-11:30                           file
tick_rule                     push                                  default
durability                    balanced                              default
journal_dir                   not set                               default
WARNING: c.json:1:66 windowms: unknown key, ignored; did you mean \"window_ms\"?"
    );
    for text in [s.table(), format!("{s:?}")] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn sec03_no_text_about_wrong_settings_shows_a_secret() {
    let canary = "canary-e11f";
    for entry in [
        format!(r#""token": "{canary} {canary}", "port": 0"#),
        format!(r#""token": "{canary}", "port": 0"#),
        format!(r#""port": 0, "api_password": "{canary}", "kabu_password": "{canary}""#),
        format!(r#""token": ["{canary}"]"#),
        format!(r#""token": {{"{canary}": "{canary}"}}"#),
        format!(r#""token": "{canary}" "port": 1"#),
        format!(r#""token": "{canary}\x" , "port": 1"#),
        format!(r#""token": "{canary}, "port": 1"#),
        format!(r#""token": {canary}"#),
        format!(r#""token": '{canary}'"#),
        format!(r#""token": "{canary}", "token": "{canary}""#),
        format!(r#""tokenn": "{canary}", "port": 0"#),
        format!(r#"token: "{canary}", "port": 0"#),
        format!(r#""api_pasword": "{canary}" // {canary}"#),
    ] {
        let said = error(&entry);
        // A comment is the user's own text; only what belongs to a secret key is hidden.
        let said = said.split(" // ").next().unwrap_or_default();
        assert!(!said.contains(canary), "{entry}\n{said}");
    }
    let env = |name: &str| (name == "KABU_TOKEN").then(|| format!("{canary}\nInjected: header"));
    let text = br#"{"symbols": ["7203"]}"#;
    let said = build::settings(NAME, text, &Overrides::default(), &env)
        .expect_err("no header")
        .to_string();
    assert!(said.contains("KABU_TOKEN") && !said.contains(canary), "{said}");
}

#[test]
fn every_message_is_ascii_when_the_file_is() {
    let all_wrong =
        r#""port": 0, "market_window": "x", "host": "a b", "durability": 5, "price_guard": {"x y": [2, 1]}"#;
    assert!(error(all_wrong).is_ascii());
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        (-1e12f64..1e12).prop_map(|n| n.to_string()),
        prop::sample::select(vec!["0", "-0", "1e9", "1e400", "-1", "0.5", "65535", "65536"]).prop_map(str::to_owned),
        any::<String>().prop_map(|s| serde_json::to_string(&s).expect("a string")),
        prop::sample::select(vec!["online", "mock", "7203", "09:00-11:30", "true", "18080", "a\tb"])
            .prop_map(|s| serde_json::to_string(s).expect("a string")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof![
            prop::sample::select(vec![
                "min",
                "max",
                "low",
                "recv_timeout",
                "backoff_max",
                "7203",
                "9984@2"
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        let entry = (name, inner.clone())
            .prop_map(|(name, value)| format!("{}: {value}", serde_json::to_string(&name).expect("a string")));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(", "))),
            prop::collection::vec(entry, 0..4).prop_map(|list| format!("{{{}}}", list.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn c07_any_value_under_any_key_is_taken_or_named(key in prop::sample::select(keys::TOP.to_vec()), value in json()) {
        let text = format!(r#"{{"x": 0, "{key}": {value}}}"#);
        let env = |name: &str| (name == "KABU_TOKEN").then(|| "abc".to_owned());
        let overrides = Overrides { mode: None, symbols: Some(vec![Symbol::tse("7203")]) };
        match build::settings(NAME, text.as_bytes(), &overrides, &env) {
            Ok(s) => {
                prop_assert!((10..=60_000).contains(&s.window_ms) && s.port > 0 && s.tick_queue_max > 0);
                prop_assert!(s.websocket.backoff_initial <= s.websocket.backoff_max);
                prop_assert!(s.price_guard.iter().all(|(_, min, max)| max.is_none_or(|max| *min <= Some(max))));
                prop_assert!(!s.table().is_empty());
            }
            Err(error) => prop_assert!(error.to_string().contains(key), "{}", error),
        }
    }

    #[test]
    fn c01_any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = build::settings(NAME, &bytes, &Overrides::default(), &no_env).map_err(|error| error.to_string());
    }

    #[test]
    fn c01_any_damage_to_a_good_file_is_survived(at in 0usize..400, with in any::<char>()) {
        let good = include_str!("../../../../config/stream_settings.example.json");
        let mut text: String = good.chars().take(at).collect();
        text.push(with);
        text.extend(good.chars().skip(at + 1));
        let _ = read(&text).map_err(|error| error.to_string());
    }
}
