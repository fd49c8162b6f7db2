use secrecy::ExposeSecret;

use super::*;

mod naut_keys;
mod places;
mod random;
mod secret;
mod written;

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

/// The entry of a key path: `"websocket": {"recv_timeout": 5}`.
fn nested(path: &str, value: &str) -> String {
    match path.split_once('.') {
        Some((section, rest)) => format!("\"{section}\": {{{}}}", nested(rest, value)),
        None => format!("\"{path}\": {value}"),
    }
}

#[test]
fn c03_every_number_refuses_what_is_out_of_range_and_names_the_range() {
    for spec in keys::NUMBERS {
        let entry = |value: &str| nested(spec.key, value);
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
        let said = notes(&ok(&nested(spec.key, "0")));
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
fn sec05_another_pc_is_used_only_on_request_and_with_a_warning() {
    for there in ["192.168.0.5", "kabu-pc", "::2"] {
        let host = format!(r#""host": "{there}""#);
        let refused = error(&host);
        assert!(
            refused.contains("allow_remote") && refused.contains("unencrypted"),
            "{refused}"
        );
        let allowed = ok(&format!(r#"{host}, "allow_remote": true"#));
        assert_eq!(allowed.host, there);
        assert!(notes(&allowed).contains("the token crosses the network unencrypted"));
        assert!(allowed.notes.iter().any(|note| note.warning));
    }
    for here in ["localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]", "127.3.2.1"] {
        assert!(ok(&format!(r#""host": "{here}""#)).notes.is_empty(), "{here}");
    }
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
    let s = ok(r#""features": {"groups": []}"#);
    let part = "features: not computed by this version yet";
    assert!(s.notes.iter().any(|note| note.warning && note.text.contains(part)));
    let s = ok(r#""auto_register": true, "journal_dir": " j ""#);
    assert!(s.notes.is_empty() && s.journal_dir.as_deref() == Some(Path::new("j")));
}

#[test]
fn the_command_line_beats_the_file() {
    let overrides = Overrides {
        mode: Some(Mode::Mock),
        symbols: Some(vec![Symbol::tse("9984"), Symbol::tse("9984")]),
        ..Overrides::default()
    };
    let text = r#"{"symbols": ["7203"], "price_guard": {"7203": 5}}"#;
    let s = build::settings(NAME, text.as_bytes(), &overrides, &no_env).expect("valid");
    assert_eq!(s.symbols, [Symbol::tse("9984")]);
    assert_eq!(s.source("symbols"), Source::Flag("--symbols"));
    assert!(notes(&s).contains("--symbols: listed twice") && s.price_guard.is_empty());
}
