//! Anything at all under any key.

use proptest::prelude::*;

use super::*;

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
        let overrides = Overrides { mode: None, symbols: Some(vec![Symbol::tse("7203")]), ..Overrides::default() };
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
        let good = include_str!("../../../../../config/stream_settings.example.json");
        let mut text: String = good.chars().take(at).collect();
        text.push(with);
        text.extend(good.chars().skip(at + 1));
        let _ = read(&text).map_err(|error| error.to_string());
    }
}
