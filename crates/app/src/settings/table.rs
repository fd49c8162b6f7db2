//! What `--check-config` prints.

use ayumi_engine::burst::BurstSettings;
use secrecy::SecretString;

use super::{NautSettings, Settings, Source, hours, naut};
use crate::naut::Gate;
use crate::text;

/// Longest value shown, in characters.
const LONGEST: usize = 80;

/// Key, value and source of every setting in aligned columns, then the notes.
pub(super) fn render(settings: &Settings) -> String {
    let rows: Vec<[String; 3]> = std::iter::once(["key", "value", "source"].map(str::to_owned))
        .chain(rows(settings).into_iter().map(|(key, value)| {
            let value = text::cut(&text::one_line(&value), LONGEST);
            [key.to_owned(), value, settings.source(key).to_string()]
        }))
        .collect();
    let widest = |column: usize| rows.iter().map(|row| text::width(&row[column])).max().unwrap_or(0);
    let (first, second) = (widest(0), widest(1));
    let pad = |cell: &str, to: usize| format!("{cell}{}", " ".repeat(to - text::width(cell)));
    let mut lines: Vec<String> = rows
        .iter()
        .map(|[key, value, source]| format!("{}  {}  {source}", pad(key, first), pad(value, second)))
        .collect();
    for note in &settings.notes {
        let kind = if note.warning { "WARNING" } else { "note" };
        lines.push(format!("{kind}: {}", note.text));
    }
    lines.join("\n")
}

/// Every key with its effective value. The one list of all settings: a new one belongs here too.
fn rows(s: &Settings) -> Vec<(&'static str, String)> {
    let websocket = s.websocket;
    let mut rows = vec![
        ("mode", s.mode.to_string()),
        ("host", s.host.clone()),
        ("port", s.port.to_string()),
        ("allow_remote", s.allow_remote.to_string()),
        ("token", masked(s.token.as_ref(), s.source("token"))),
        (
            "token_file",
            optional(s.token_file.as_ref().map(|path| path.display().to_string())),
        ),
        (
            "api_password",
            masked(s.api_password.as_ref(), s.source("api_password")),
        ),
        ("auto_register", s.auto_register.to_string()),
        ("symbols", symbols(s)),
        ("register_max", s.register_max.to_string()),
        ("price_guard", guards(s)),
        ("websocket.connect_timeout", seconds(websocket.connect_timeout)),
        ("websocket.recv_timeout", seconds(websocket.recv_timeout)),
        ("websocket.backoff_initial", seconds(websocket.backoff_initial)),
        ("websocket.backoff_max", seconds(websocket.backoff_max)),
        ("websocket.guard_log_interval", seconds(websocket.guard_log_interval)),
        ("tick_queue_max", s.tick_queue_max.to_string()),
        ("mock_interval_ms", s.mock_interval_ms.to_string()),
        ("window_ms", s.window_ms.to_string()),
        ("db_path", s.db_path.display().to_string()),
        ("log_path", s.log_path.display().to_string()),
        ("board_mode", s.board_mode.to_string()),
        ("rest_poll_ms", s.rest_poll_ms.to_string()),
        ("board_max_age_ms", s.board_max_age_ms.to_string()),
        ("pending_max", s.pending_max.to_string()),
        ("market_window", window(&s.market_window)),
        ("tick_rule", s.tick_rule.to_string()),
        ("durability", s.durability.to_string()),
        (
            "journal_dir",
            optional(s.journal_dir.as_ref().map(|path| path.display().to_string())),
        ),
        (
            "snapshot_db",
            optional(s.snapshot_db.as_ref().map(|path| path.display().to_string())),
        ),
        (
            "features_db",
            optional(s.features_db.as_ref().map(|path| path.display().to_string())),
        ),
        ("burst", s.burst.as_ref().map_or_else(|| "not set".to_owned(), burst)),
    ];
    rows.extend(s.naut.iter().flat_map(naut_rows));
    rows
}

fn naut_rows(n: &NautSettings) -> Vec<(&'static str, String)> {
    let r = &n.rules;
    let gate = |g: &Gate, sign: &str| {
        let imb = g.imb.map_or_else(|| "any".to_owned(), |imb| format!("{sign} {imb}"));
        format!(
            "uptick {sign} {} imb {imb} spread <= {} bp vol > {}",
            g.uptick, g.spread_max_bp, g.vol_min
        )
    };
    let by_code: Vec<String> = r
        .vol_min_by_ticker
        .iter()
        .map(|(t, vol)| format!("{t} {vol}"))
        .collect();
    vec![
        ("settings.naut.db_path", n.db_path.display().to_string()),
        ("settings.naut.profile", r.profile.to_string()),
        ("settings.naut.window", r.window.to_string()),
        (
            "settings.naut.cooldown_sec",
            (r.cooldown_ms as f64 / 1_000.0).to_string(),
        ),
        ("settings.naut.market_window", window(&r.market_window)),
        (
            "settings.naut.vol_min_by_code",
            if by_code.is_empty() {
                "none".to_owned()
            } else {
                by_code.join(", ")
            },
        ),
        (naut::BUY, gate(&r.buy, ">=")),
        (naut::SELL, gate(&r.sell, "<=")),
    ]
}

fn window(spans: &[(u32, u32)]) -> String {
    if spans.is_empty() {
        "always".to_owned()
    } else {
        hours::show(spans)
    }
}

fn burst(b: &BurstSettings) -> String {
    format!(
        "K={} uptick {}..{} imb {} spread {} bp vol {}/{}",
        b.window_count, b.uptick_thr_sell, b.uptick_thr_buy, b.imb_thr, b.max_spread_bp, b.vol_gate, b.vol_sum_gate
    )
}

fn masked(secret: Option<&SecretString>, source: Source) -> String {
    match secret {
        Some(_) => format!("set ({source})"),
        None => "not set".to_owned(),
    }
}

fn optional(value: Option<String>) -> String {
    value.unwrap_or_else(|| "not set".to_owned())
}

fn seconds(span: std::time::Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

fn symbols(s: &Settings) -> String {
    let tickers: Vec<String> = s.symbols.iter().map(ayumi_engine::Symbol::ticker).collect();
    format!("{}: {}", tickers.len(), tickers.join(","))
}

fn guards(s: &Settings) -> String {
    if s.price_guard.is_empty() {
        return "none".to_owned();
    }
    let bound = |price: Option<ayumi_wire::num::Price>| price.map_or_else(String::new, |price| price.to_string());
    let guards = s.price_guard.iter();
    let shown: Vec<String> = guards
        .map(|(symbol, min, max)| format!("{} {}..{}", symbol.ticker(), bound(*min), bound(*max)))
        .collect();
    format!("{}: {}", shown.len(), shown.join(", "))
}
