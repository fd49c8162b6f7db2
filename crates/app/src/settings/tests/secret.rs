//! Token and password: where they come from, and that they are never shown.

use super::*;

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
        ..Overrides::default()
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
register_max                  50                                    default
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
snapshot_db                   not set                               default
features_db                   not set                               default
burst                         not set                               default
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
