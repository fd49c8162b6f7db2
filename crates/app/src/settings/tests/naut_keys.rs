//! `settings.naut` and the flat keys.

use super::*;
use crate::naut::{Gate, Profile};

fn naut_of(text: &str, profile: Option<Profile>) -> Result<Settings, SettingsError> {
    let overrides = Overrides {
        offline: true,
        symbols_optional: true,
        naut: Some(NautFlags { profile, db_path: None }),
        ..Overrides::default()
    };
    build::settings(NAME, text.as_bytes(), &overrides, &no_env)
}

fn taken(text: &str) -> NautSettings {
    naut_of(text, None)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .naut
        .expect("asked for")
}

fn said(text: &str) -> String {
    naut_of(text, None).map_or_else(|error| error.to_string(), |settings| panic!("{settings:?}"))
}

#[test]
fn an_empty_file_means_prod_on_the_recorders_database_and_needs_neither_token_nor_symbols() {
    let naut = taken("{}");
    assert_eq!(
        (naut.db_path.as_path(), naut.rules),
        (Path::new("rss_snapshot.db"), Profile::Prod.rules())
    );
    assert_eq!(taken(r#"{"db_path": "a {date}.db"}"#).db_path, Path::new("a {date}.db"));
    let both = r#"{"db_path": "a.db", "settings": {"naut": {"db_path": " b.db "}}}"#;
    let settings = naut_of(both, None).expect("valid");
    assert_eq!(
        (settings.db_path.as_path(), settings.source("db_path")),
        (Path::new("a.db"), Source::File)
    );
    assert_eq!(settings.naut.expect("asked for").db_path, Path::new("b.db"));
    assert!(settings.notes.is_empty(), "{:?}", settings.notes);
}

#[test]
fn the_command_line_beats_the_files_profile() {
    let text = r#"{"settings": {"naut": {"profile": "ProdLite"}}}"#;
    assert_eq!(taken(text).rules, Profile::ProdLite.rules());
    let settings = naut_of(text, Some(Profile::Demo)).expect("valid");
    assert_eq!(settings.source("settings.naut.profile"), Source::Flag("--profile"));
    assert_eq!(settings.naut.expect("asked for").rules, Profile::Demo.rules());
}

#[test]
fn every_key_of_the_section_is_taken() {
    let rules = taken(
        r#"{"settings": {"other": 1, "naut": {"profile": "prod", "window": 7, "cooldown_sec": 2.5,
            "market_window": "09:00-11:30", "vol_min_by_code": {"7203": 2000, "285a": 0, "167060019@23": 3, "9984": null},
            "profiles": {"prod": {"buy": {"uptick": 0.7, "imb": -0.5, "spread_max_bp": 4, "vol_min": 10},
                                  "sell": {"vol_min": 20}},
                         "demo": {"buy": {"uptick": 0.1}}}}}}"#,
    )
    .rules;
    assert_eq!((rules.window, rules.cooldown_ms), (7, 2_500));
    assert_eq!(rules.market_window, [(32_400, 41_400)]);
    let by_code: Vec<_> = rules.vol_min_by_ticker.iter().map(|(t, v)| (t.as_str(), *v)).collect();
    assert_eq!(by_code, [("167060019@23", 3.0), ("285A", 0.0), ("7203", 2_000.0)]);
    let buy = Gate {
        uptick: 0.7,
        imb: Some(-0.5),
        spread_max_bp: 4.0,
        vol_min: 10.0,
    };
    assert_eq!(rules.buy, buy);
    let sell = Gate {
        vol_min: 20.0,
        ..Profile::Prod.rules().sell
    };
    assert_eq!(rules.sell, sell);
}

#[test]
fn the_flat_keys_of_todays_files_change_what_is_present_and_nothing_else() {
    let usual = Profile::Prod.rules();
    let flat = r#""BUY_UPTICK_THR": 0.65, "BUY_REQUIRE_IMB": false, "BUY_VOL_MIN": 1200, "BUY_SPREAD_MAX": 5.0,
                  "SELL_UPTICK_THR": 0.50, "SELL_REQUIRE_IMB": true, "SELL_SPREAD_MAX": 4.5"#;
    let buy = Gate {
        uptick: 0.65,
        imb: None,
        spread_max_bp: 5.0,
        vol_min: 1_200.0,
    };
    let sell = Gate {
        uptick: 0.5,
        spread_max_bp: 4.5,
        ..usual.sell
    };
    for text in [format!("{{{flat}}}"), format!("{{\"settings\": {{{flat}}}}}")] {
        let rules = taken(&text).rules;
        assert_eq!((rules.buy, rules.sell), (buy, sell));
    }
    for (entry, change) in [
        (
            "\"BUY_UPTICK_THR\": 0.7",
            (|b, _| b.uptick = 0.7) as fn(&mut Gate, &mut Gate),
        ),
        ("\"BUY_REQUIRE_IMB\": true", |_, _| {}),
        ("\"BUY_REQUIRE_IMB\": false", |b, _| b.imb = None),
        ("\"BUY_VOL_MIN\": 0", |b, _| b.vol_min = 0.0),
        ("\"BUY_SPREAD_MAX\": 9", |b, _| b.spread_max_bp = 9.0),
        ("\"SELL_UPTICK_THR\": 0.75", |_, s| s.uptick = 0.25),
        ("\"SELL_REQUIRE_IMB\": false", |_, s| s.imb = None),
        ("\"SELL_SPREAD_MAX\": 9", |_, s| s.spread_max_bp = 9.0),
        ("\"SELL_SPREAD_MAX\": null", |_, _| {}),
    ] {
        let (mut buy, mut sell) = (usual.buy, usual.sell);
        change(&mut buy, &mut sell);
        let rules = taken(&format!("{{{entry}}}")).rules;
        assert_eq!((rules.buy, rules.sell), (buy, sell), "{entry}");
    }
}

#[test]
fn the_section_beats_the_flat_keys_one_by_one() {
    let rules = taken(
        r#"{"BUY_UPTICK_THR": 0.9, "BUY_VOL_MIN": 7, "BUY_REQUIRE_IMB": false,
            "settings": {"naut": {"profiles": {"prod": {"buy": {"uptick": 0.8, "imb": 0.3}}}}}}"#,
    )
    .rules;
    assert_eq!(
        (rules.buy.uptick, rules.buy.imb, rules.buy.vol_min),
        (0.8, Some(0.3), 7.0)
    );
}

#[test]
fn c03_every_number_of_naut_refuses_what_is_out_of_range_and_names_the_range() {
    let flat = [
        naut::BUY_UPTICK,
        naut::BUY_VOL,
        naut::BUY_SPREAD,
        naut::SELL_UPTICK,
        naut::SELL_SPREAD,
    ];
    let gates = naut::GATES.iter().flatten().flatten();
    for spec in [&naut::WINDOW, &naut::COOLDOWN]
        .into_iter()
        .chain(gates)
        .chain(flat.iter().flatten())
    {
        let entry = |value: &str| {
            let keys: Vec<&str> = spec.key.split('.').collect();
            keys.iter()
                .rev()
                .fold(value.to_owned(), |inner, key| format!("{{\"{key}\": {inner}}}"))
        };
        let too_large = format!("{}", spec.max * 2.0 + 1.0);
        for wrong in ["-2", "1e300", "true", "\"abc\"", "\"NaN\"", "[]", "{}", &too_large] {
            let text = said(&entry(wrong));
            assert!(text.contains(spec.key) && text.contains("allowed: a "), "{text}");
            assert!(text.contains(&format!("from {} to {}", spec.min, spec.max)), "{text}");
            assert!(text.starts_with("error: 1 problem in"), "{text}");
        }
        for right in [spec.min, spec.max] {
            taken(&entry(&format!("{right}")));
        }
        taken(&entry("null"));
        // The recorder leaves them alone.
        let recorder = entry("-2").replacen('{', "{\"mode\": \"mock\", \"symbols\": [\"7203\"], ", 1);
        assert!(read(&recorder).expect("not its business").naut.is_none());
    }
}

#[test]
fn c03_wrong_values_of_nauts_other_keys_are_all_named_at_once() {
    let table = [
        (
            r#""settings": {"naut": 5}"#,
            "settings.naut  found 5  allowed: an object",
        ),
        (
            r#""settings": {"naut": {"profile": "fast"}}"#,
            "one of prod, prodlite, demo",
        ),
        (r#""settings": {"naut": {"db_path": ""}}"#, "not empty"),
        (
            r#""settings": {"naut": {"market_window": "9"}}"#,
            "settings.naut.market_window  found \"9\"  allowed: JST spans",
        ),
        (
            r#""settings": {"naut": {"profiles": []}}"#,
            "settings.naut.profiles  found a list",
        ),
        (
            r#""settings": {"naut": {"profiles": {"prod": {"buy": 1}}}}"#,
            "profiles.prod.buy  found 1",
        ),
        (
            r#""settings": {"naut": {"window": 1, "window": 2}}"#,
            "this key stands in line 1",
        ),
        (
            r#""settings": {"naut": {"vol_min_by_code": [1]}}"#,
            "an object like {\"7203\": 2000}",
        ),
        (
            r#""settings": {"naut": {"vol_min_by_code": {"7203": -1}}}"#,
            "a number from 0",
        ),
        (
            r#""settings": {"naut": {"vol_min_by_code": {"トヨタ": 1}}}"#,
            "under a code like",
        ),
        (
            r#""settings": {"naut": {"vol_min_by_code": {"7203": 1, "7203@1": 2}}}"#,
            "stands above already",
        ),
        (r#""BUY_REQUIRE_IMB": "perhaps""#, "true or false"),
        (
            r#""settings": {"SELL_REQUIRE_IMB": 2}"#,
            "settings.SELL_REQUIRE_IMB  found 2  allowed: true or false",
        ),
        (
            r#""BUY_VOL_MIN": 1, "settings": {"BUY_VOL_MIN": 2}"#,
            "stands at the top of the file, too",
        ),
    ];
    for (entry, part) in table {
        let text = said(&format!("{{{entry}}}"));
        assert!(
            text.contains(part) && text.contains("  next: ") && text.contains('^'),
            "{entry}\n{text}"
        );
        assert!(text.starts_with("error: 1 problem in"), "{text}");
    }
    let text = said(
        r#"{"window_ms": 1, "BUY_VOL_MIN": "x",
            "settings": {"naut": {"window": 0, "profile": 3, "profiles": {"demo": {"sell": {"imb": 2}}}}}}"#,
    );
    assert!(text.starts_with("error: 5 problems in"), "{text}");
}

#[test]
fn c02_misspelt_and_misplaced_keys_of_naut_are_named() {
    let settings = naut_of(
        r#"{"BUY_UPTIK_THR": 0.7, "buy_vol_min": 5, "SELL_VOL_MIN": 5, "BUY_QTY": 100, "naut": {"profile": "demo"},
            "settings": {"Naut": {}, "SELL_SPREED_MAX": 1, "orders": {},
                "naut": {"windw": 3, "prod": {}, "uptick": 0.5, "profiles": {"prodlit": {}, "prod": {"by": {}, "buy": {"uptik": 1}}}}}}"#,
        None,
    )
    .expect("valid");
    let text = notes(&settings);
    for part in [
        "BUY_UPTIK_THR: unknown key, ignored; did you mean \"BUY_UPTICK_THR\"?",
        "buy_vol_min: unknown key, ignored; did you mean \"BUY_VOL_MIN\"?",
        "SELL_VOL_MIN: unknown key, ignored; the volume of SELL is settings.naut.profiles",
        "naut: ignored here; it belongs into the section \"settings\"",
        "settings.Naut: unknown key, ignored; did you mean \"settings.naut\"?",
        "settings.SELL_SPREED_MAX: unknown key, ignored; did you mean \"SELL_SPREAD_MAX\"?",
        "settings.naut.windw: unknown key, ignored; did you mean \"settings.naut.window\"?",
        "settings.naut.prod: unknown key, ignored; it belongs into settings.naut.profiles",
        "settings.naut.uptick: unknown key, ignored; it belongs into settings.naut.profiles",
        "settings.naut.profiles.prodlit: unknown key, ignored; did you mean \"settings.naut.profiles.prodlite\"?",
        "settings.naut.profiles.prod.by: unknown key, ignored; did you mean \"settings.naut.profiles.prod.buy\"?",
        "settings.naut.profiles.prod.buy.uptik: unknown key, ignored; did you mean",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("BUY_QTY") && !text.contains("orders"), "{text}");
    assert_eq!(settings.notes.len(), 12, "{text}");
}

#[test]
fn the_table_shows_nauts_rules_with_their_sources() {
    let settings = naut_of(
        r#"{"BUY_REQUIRE_IMB": false, "settings": {"naut": {"window": 6}}}"#,
        None,
    )
    .expect("valid");
    let table = settings.table();
    let line = |key: &str| {
        table
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_else(|| panic!("{key}\n{table}"))
    };
    assert!(line("settings.naut.window").contains(" 6 ") && line("settings.naut.window").ends_with("file"));
    assert!(line("settings.naut.profiles.*.buy").contains("uptick >= 0.62 imb any spread <= 3 bp vol > 600"));
    assert!(line("settings.naut.profiles.*.buy").ends_with("file"));
    assert!(line("settings.naut.profiles.*.sell").contains("uptick <= 0.38 imb <= -0.15 spread <= 3 bp vol > 600"));
    assert!(line("settings.naut.profiles.*.sell").ends_with("default"));
}
