//! The keys we know, the ranges of the numeric ones, and look-alikes of misspelt ones.

/// Keys at the top of the file, in the order of the reference.
pub(super) const TOP: &[&str] = &[
    "mode",
    "host",
    "port",
    "allow_remote",
    "token",
    "token_file",
    "api_password",
    "auto_register",
    "symbols",
    "register_max",
    "price_guard",
    "websocket",
    "tick_queue_max",
    "mock_interval_ms",
    "window_ms",
    "db_path",
    "log_path",
    "board_mode",
    "rest_poll_ms",
    "board_max_age_ms",
    "pending_max",
    "market_window",
    "tick_rule",
    "durability",
    "journal_dir",
    "features",
    "burst",
];

/// Keys of the section `websocket`.
pub(super) const WEBSOCKET: &[&str] = &[
    "connect_timeout",
    "recv_timeout",
    "backoff_initial",
    "backoff_max",
    "guard_log_interval",
];

/// Keys of the section `burst`.
pub(super) const BURST: &[&str] = &[
    "window_count",
    "uptick_thr_buy",
    "uptick_thr_sell",
    "imb_thr",
    "max_spread_bp",
    "vol_gate",
    "vol_sum_gate",
    "allow_spread_none_with_vol",
    "cooldown_sec",
    "ema_span_sec",
    "burst_score_weights",
];

/// Keys of `burst.burst_score_weights`.
pub(super) const WEIGHTS: &[&str] = &["uptick", "imbalance", "vol_surge"];

/// Keys of the section `features`.
pub(super) const FEATURES: &[&str] = &["groups", "slip_qty", "ofi_weights", "micro_table"];

/// Keys of a symbol's entry in `price_guard`.
pub(super) const GUARD: &[&str] = &["min", "max", "low", "high"];

/// Keys that other programs of the same file use and that would look like misspelt ones of ours.
const FOREIGN: &[&str] = &["snapshot_db", "features_db", "source_db", "target_db", "settings"];

/// A numeric setting.
#[derive(Debug)]
pub(super) struct Number {
    /// Its key path.
    pub key: &'static str,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Only whole numbers.
    pub whole: bool,
    /// A value from 0 up to `min` is raised to `min` with a note, as the scripts did silently, instead of refused.
    pub raise: bool,
}

pub(super) const fn whole(key: &'static str, min: f64, max: f64) -> Number {
    Number {
        key,
        min,
        max,
        whole: true,
        raise: false,
    }
}

pub(super) const fn real(key: &'static str, min: f64, max: f64) -> Number {
    Number {
        key,
        min,
        max,
        whole: false,
        raise: false,
    }
}

const fn floored(key: &'static str, min: f64, max: f64, whole: bool) -> Number {
    Number {
        key,
        min,
        max,
        whole,
        raise: true,
    }
}

pub(super) const PORT: Number = whole("port", 1.0, 65_535.0);
pub(super) const REGISTER_MAX: Number = whole("register_max", 1.0, 1_000.0);
pub(super) const WINDOW_MS: Number = whole("window_ms", 10.0, 60_000.0);
pub(super) const TICK_QUEUE_MAX: Number = floored("tick_queue_max", 1.0, 10_000_000.0, true);
pub(super) const MOCK_INTERVAL_MS: Number = floored("mock_interval_ms", 1.0, 60_000.0, true);
pub(super) const REST_POLL_MS: Number = floored("rest_poll_ms", 100.0, 3_600_000.0, true);
pub(super) const BOARD_MAX_AGE_MS: Number = whole("board_max_age_ms", 1.0, 86_400_000.0);
pub(super) const PENDING_MAX: Number = whole("pending_max", 1.0, 100_000.0);
pub(super) const CONNECT_TIMEOUT: Number = floored("websocket.connect_timeout", 0.5, 600.0, false);
pub(super) const RECV_TIMEOUT: Number = floored("websocket.recv_timeout", 0.5, 600.0, false);
pub(super) const BACKOFF_INITIAL: Number = floored("websocket.backoff_initial", 0.1, 600.0, false);
pub(super) const BACKOFF_MAX: Number = floored("websocket.backoff_max", 0.1, 3_600.0, false);
pub(super) const GUARD_LOG_INTERVAL: Number = floored("websocket.guard_log_interval", 1.0, 86_400.0, false);

pub(super) const BURST_WINDOW_COUNT: Number = whole("burst.window_count", 1.0, 1_000.0);
pub(super) const BURST_UPTICK_BUY: Number = real("burst.uptick_thr_buy", 0.0, 1.0);
pub(super) const BURST_UPTICK_SELL: Number = real("burst.uptick_thr_sell", 0.0, 1.0);
pub(super) const BURST_IMBALANCE: Number = real("burst.imb_thr", 0.0, 1.0);
pub(super) const BURST_SPREAD: Number = real("burst.max_spread_bp", 0.0, 1e6);
pub(super) const BURST_VOL_GATE: Number = real("burst.vol_gate", 0.0, 1e12);
pub(super) const BURST_VOL_SUM_GATE: Number = real("burst.vol_sum_gate", 0.0, 1e12);
pub(super) const BURST_COOLDOWN: Number = real("burst.cooldown_sec", 0.0, 86_400.0);
pub(super) const BURST_EMA_SPAN: Number = real("burst.ema_span_sec", 0.0, 86_400.0);
pub(super) const BURST_W_UPTICK: Number = real("burst.burst_score_weights.uptick", 0.0, 1.0);
pub(super) const BURST_W_IMBALANCE: Number = real("burst.burst_score_weights.imbalance", 0.0, 1.0);
pub(super) const BURST_W_SURGE: Number = real("burst.burst_score_weights.vol_surge", 0.0, 1.0);

/// Every numeric setting, for tests over the whole schema.
#[cfg(test)]
pub(super) const NUMBERS: &[&Number] = &[
    &PORT,
    &REGISTER_MAX,
    &WINDOW_MS,
    &TICK_QUEUE_MAX,
    &MOCK_INTERVAL_MS,
    &REST_POLL_MS,
    &BOARD_MAX_AGE_MS,
    &PENDING_MAX,
    &CONNECT_TIMEOUT,
    &RECV_TIMEOUT,
    &BACKOFF_INITIAL,
    &BACKOFF_MAX,
    &GUARD_LOG_INTERVAL,
    &BURST_WINDOW_COUNT,
    &BURST_UPTICK_BUY,
    &BURST_UPTICK_SELL,
    &BURST_IMBALANCE,
    &BURST_SPREAD,
    &BURST_VOL_GATE,
    &BURST_VOL_SUM_GATE,
    &BURST_COOLDOWN,
    &BURST_EMA_SPAN,
    &BURST_W_UPTICK,
    &BURST_W_IMBALANCE,
    &BURST_W_SURGE,
];

/// What to tell about an unknown key: the right spelling, or the place it belongs to. `None` for a foreign key.
pub(super) fn advice(section: &str, key: &str, ours: &[&str]) -> Option<String> {
    if ours.contains(&key) || FOREIGN.contains(&key) {
        return None;
    }
    let path = |name: &str| {
        if section.is_empty() {
            name.to_owned()
        } else {
            format!("{section}.{name}")
        }
    };
    if section.is_empty()
        && WEBSOCKET
            .iter()
            .any(|inner| key == *inner || key == format!("websocket.{inner}"))
    {
        let inner = key.trim_start_matches("websocket.");
        return Some(format!(
            "it belongs into the section \"websocket\": {{\"{inner}\": ...}}"
        ));
    }
    if section == "websocket" && TOP.contains(&key) {
        return Some("it belongs to the top of the file, outside \"websocket\"".to_owned());
    }
    look_alike(key, ours).map(|right| format!("did you mean \"{}\"?", path(right)))
}

/// The one of `ours` that `key` is probably meant to be: equal but for letter case and `_`, or at most two typing
/// errors away (one in words of up to four letters, where two would make `mode` out of `note`).
fn look_alike<'a>(key: &str, ours: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    if let Some(same) = ours.iter().find(|known| plain(known) == plain(key)) {
        return Some(same);
    }
    let distance = |known: &str| strsim::damerau_levenshtein(known, &key.to_lowercase());
    let nearest = ours.iter().min_by_key(|known| distance(known))?;
    let close = if nearest.len() <= 4 {
        // People rarely get the first letter wrong, and `code` is not `mode`.
        distance(nearest) <= 1 && (key.get(..1) == nearest.get(..1) || same_letters(key, nearest))
    } else {
        distance(nearest) <= 2
    };
    close.then_some(nearest)
}

fn same_letters(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// True for keys whose values must never be shown, ours and other programs', also misspelt.
pub(super) fn is_secret(key: &str) -> bool {
    let narrow = key.chars().map(|c| match c {
        // Full-width letters are the ASCII ones, 0xFEE0 higher.
        '！'..='～' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        c => c,
    });
    let narrow: String = narrow.collect();
    let plain: String = narrow
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == 'ー')
        .collect();
    if plain.ends_with("file") || plain.ends_with("path") {
        return false;
    }
    let telling = [
        "token",
        "password",
        "passwd",
        "pwd",
        "secret",
        "apikey",
        "webhook",
        "credential",
        "passphrase",
        "authorization",
        "パスワード",
        "トークン",
        "暗証",
    ];
    if ["pass", "pw", "auth"].iter().any(|end| plain.ends_with(end)) {
        return true;
    }
    telling.iter().any(|word| plain.contains(word))
        || ["token", "password", "apipassword"].iter().any(|word| {
            let limit = if plain.len() <= 4 { 1 } else { 2 };
            strsim::damerau_levenshtein(word, &plain) <= limit
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three typing errors: a letter missing, a letter twice, two letters swapped.
    fn typos(key: &str) -> [String; 3] {
        let at = key.len() / 2;
        let (head, tail) = key.split_at(at);
        let first = &tail[..1];
        let swapped = if tail.len() > 1 && tail[..1] != tail[1..2] {
            format!("{head}{}{}{}", &tail[1..2], first, &tail[2..])
        } else {
            format!("{head}{}", &tail[1..])
        };
        [format!("{head}{}", &tail[1..]), format!("{head}{first}{tail}"), swapped]
    }

    #[test]
    fn c02_three_typing_errors_in_every_key_are_named() {
        for (section, ours) in [
            ("", TOP),
            ("websocket", WEBSOCKET),
            ("burst", BURST),
            ("features", FEATURES),
        ] {
            for key in ours {
                for typo in typos(key).into_iter().chain([key.to_uppercase(), key.replace('_', "")]) {
                    if ours.contains(&typo.as_str()) {
                        continue;
                    }
                    let said = advice(section, &typo, ours).unwrap_or_default();
                    assert!(said.contains(&format!("{key}\"")), "{section}.{typo}: {said:?}");
                }
                assert_eq!(advice(section, key, ours), None, "{key} is right");
            }
        }
    }

    #[test]
    fn c02_foreign_keys_are_no_noise() {
        for key in [
            "settings",
            "naut",
            "snapshot_db",
            "features_db",
            "rss",
            "BUY_UPTICK_THR",
            "BUY_REQUIRE_IMB",
            "BUY_VOL_MIN",
            "BUY_SPREAD_MAX",
            "SELL_UPTICK_THR",
            "SELL_REQUIRE_IMB",
            "SELL_SPREAD_MAX",
            "code",
            "name",
            "note",
            "memo",
            "comment",
            "version",
            "profile",
            "orders",
            "watchlist",
            "銘柄",
            "_",
            "",
        ] {
            assert_eq!(advice("", key, TOP), None, "{key}");
        }
    }

    #[test]
    fn c02_keys_in_the_wrong_place_are_sent_to_the_right_one() {
        assert!(advice("", "recv_timeout", TOP).is_some_and(|said| said.contains("\"websocket\"")));
        assert!(advice("", "websocket.recv_timeout", TOP).is_some_and(|said| said.contains("{\"recv_timeout\"")));
        assert!(advice("websocket", "window_ms", WEBSOCKET).is_some_and(|said| said.contains("top of the file")));
    }

    #[test]
    fn sec03_secret_keys_are_recognised_also_misspelt() {
        for key in [
            "token",
            "Token",
            "tokn",
            "tokne",
            "api_password",
            "apipasword",
            "kabu_password",
            "X-API-KEY",
            "KABU_TOKEN",
            "ＡＰＩ＿ＰＡＳＳＷＯＲＤ",
            "kabu_pass",
            "pw",
            "auth",
            "パスワード",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "token_file",
            "symbols",
            "host",
            "port",
            "mode",
            "db_path",
            "min",
            "7203",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
