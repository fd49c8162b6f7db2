//! From the bytes of a settings file to valid [`Settings`], or to every problem at once.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jsonc_parser::ast::{Object, Value};

use super::reader::{Reader, property, span};
use super::{Env, Mode, Overrides, Settings, SettingsError, Source, WebSocket};
use super::{burst, decode, excerpt, hours, keys, naut, places, problem, secrets, syntax, watch};
use crate::text;

/// Reads everything; the only way to make settings from a file.
pub(super) fn settings(
    name: &str,
    bytes: &[u8],
    overrides: &Overrides,
    env: Env<'_>,
) -> Result<Settings, SettingsError> {
    let decoded = decode::decode(bytes).map_err(|why| SettingsError::Unreadable {
        path: name.to_owned(),
        why,
        next: "save it as UTF-8 in an editor".to_owned(),
    })?;
    let text = decoded.text.as_str();
    let (tree, problems) = syntax::parse(text);
    let hidden = excerpt::secrets(text, tree.as_ref(), !problems.is_empty());
    let mut reader = Reader::new(name, text, problems);
    if let Some(encoding) = decoded.unusual {
        reader.note(false, format!("{name}: read as {encoding}"));
    }
    let settings = match &tree {
        Some(Value::Object(root)) => {
            let mut settings = read(&mut reader, root, overrides, env);
            settings.naut = overrides
                .naut
                .as_ref()
                .map(|flags| naut::read(&mut reader, root, flags, &settings.db_path));
            places::check(&mut reader, root, &settings, name);
            Some(settings)
        }
        Some(other) => {
            let what = problem::found(reader.quote(other, ""), "an object: { \"symbols\": [\"7203\"], ... }");
            reader.problem(span(other), "", what);
            None
        }
        None => None,
    };
    match settings {
        Some(mut settings) if reader.problems.is_empty() => {
            (settings.notes, settings.sources) = (reader.notes, reader.sources);
            Ok(settings)
        }
        _ => Err(problem::report(name, text, reader.problems, reader.notes, &hidden)),
    }
}

/// The path of the log, in settings that may be wrong.
pub(super) fn log_path(bytes: &[u8]) -> Option<PathBuf> {
    let decoded = decode::decode(bytes).ok()?;
    let Some(Value::Object(root)) = syntax::parse(&decoded.text).0 else {
        return None;
    };
    match property(&root, "log_path").map(|property| &property.value) {
        None => Some(Settings::default().log_path),
        Some(Value::StringLit(path)) if !path.value.trim().is_empty() => Some(PathBuf::from(path.value.as_ref())),
        Some(_) => None,
    }
}

fn read(reader: &mut Reader<'_>, root: &Object<'_>, overrides: &Overrides, env: Env<'_>) -> Settings {
    check_keys(reader, root);
    let d = Settings::default();
    let allow_remote = reader.boolean(root, "allow_remote").unwrap_or(d.allow_remote);
    let before = reader.problems.len();
    let mut mode = reader.word(root, "mode").unwrap_or(d.mode);
    let mut mode_known = reader.problems.len() == before;
    if let Some(flag) = overrides.mode {
        reader.sources.insert("mode", Source::Flag("--mode"));
        (mode, mode_known) = (flag, true);
    }
    // Under a wrong mode nobody knows whether a token is needed.
    let secrets = secrets::read(
        reader,
        root,
        mode_known && mode == Mode::Online && !overrides.offline,
        env,
    );
    let register_max = reader
        .number(root, &keys::REGISTER_MAX)
        .map_or(d.register_max, |n| n as u16);
    let symbols = watch::symbols(reader, root, overrides, register_max);
    let price_guard = watch::guards(reader, root, &symbols);
    Settings {
        mode,
        host: host(reader, root, allow_remote).unwrap_or(d.host),
        port: reader.number(root, &keys::PORT).map_or(d.port, |n| n as u16),
        allow_remote,
        token: secrets.token,
        token_file: secrets.token_file,
        api_password: secrets.api_password,
        auto_register: reader.boolean(root, "auto_register").unwrap_or(d.auto_register),
        symbols,
        register_max,
        price_guard,
        websocket: websocket(reader, root, d.websocket),
        tick_queue_max: reader
            .number(root, &keys::TICK_QUEUE_MAX)
            .map_or(d.tick_queue_max, |n| n as usize),
        mock_interval_ms: reader
            .number(root, &keys::MOCK_INTERVAL_MS)
            .map_or(d.mock_interval_ms, |n| n as u32),
        window_ms: reader.number(root, &keys::WINDOW_MS).map_or(d.window_ms, |n| n as u32),
        db_path: path(reader, root, "db_path").unwrap_or(d.db_path),
        log_path: path(reader, root, "log_path").unwrap_or(d.log_path),
        board_mode: reader.word(root, "board_mode").unwrap_or(d.board_mode),
        rest_poll_ms: reader
            .number(root, &keys::REST_POLL_MS)
            .map_or(d.rest_poll_ms, |n| n as u32),
        board_max_age_ms: reader
            .number(root, &keys::BOARD_MAX_AGE_MS)
            .map_or(d.board_max_age_ms, |n| n as u32),
        pending_max: reader
            .number(root, &keys::PENDING_MAX)
            .map_or(d.pending_max, |n| n as usize),
        market_window: market_window(reader, root, "market_window"),
        tick_rule: reader.word(root, "tick_rule").unwrap_or(d.tick_rule),
        durability: reader.word(root, "durability").unwrap_or(d.durability),
        journal_dir: other_path(reader, root, "journal_dir"),
        snapshot_db: other_path(reader, root, "snapshot_db"),
        features_db: other_path(reader, root, "features_db"),
        burst: burst::read(reader, root),
        naut: None,
        notes: Vec::new(),
        sources: d.sources,
    }
}

/// Duplicate and misspelt keys at every level that is ours, and sections that this version does not use yet.
fn check_keys(reader: &mut Reader<'_>, root: &Object<'_>) {
    reader.refuse_duplicates(root, "");
    reader.name_misspelt(root, "", keys::TOP);
    for (section, ours) in [
        ("websocket", keys::WEBSOCKET),
        ("burst", keys::BURST),
        ("features", keys::FEATURES),
    ] {
        let Some(object) = reader.section(root, section) else {
            continue;
        };
        reader.refuse_duplicates(object, section);
        reader.name_misspelt(object, section, ours);
        let unused = match section {
            "burst" => {
                check_weights(reader, object);
                continue;
            }
            "features" => "features: not computed by this version yet, the columns are absent",
            _ => continue,
        };
        reader.sources.insert(section, Source::File);
        reader.note(true, unused.to_owned());
    }
}

fn check_weights(reader: &mut Reader<'_>, burst: &Object<'_>) {
    match property(burst, "burst_score_weights").map(|p| &p.value) {
        None | Some(Value::NullKeyword(_)) => {}
        Some(Value::Object(weights)) => {
            reader.refuse_duplicates(weights, "burst.burst_score_weights");
            reader.name_misspelt(weights, "burst.burst_score_weights", keys::WEIGHTS);
        }
        Some(other) => reader.wrong(
            other,
            "burst.burst_score_weights",
            "an object like {\"uptick\": 0.5, \"imbalance\": 0.3, \"vol_surge\": 0.2}",
        ),
    }
}

fn websocket(reader: &mut Reader<'_>, root: &Object<'_>, d: WebSocket) -> WebSocket {
    let mut seconds = |spec, default| reader.number(root, spec).map_or(default, Duration::from_secs_f64);
    let mut websocket = WebSocket {
        connect_timeout: seconds(&keys::CONNECT_TIMEOUT, d.connect_timeout),
        recv_timeout: seconds(&keys::RECV_TIMEOUT, d.recv_timeout),
        backoff_initial: seconds(&keys::BACKOFF_INITIAL, d.backoff_initial),
        backoff_max: seconds(&keys::BACKOFF_MAX, d.backoff_max),
        guard_log_interval: seconds(&keys::GUARD_LOG_INTERVAL, d.guard_log_interval),
    };
    if websocket.backoff_max < websocket.backoff_initial {
        websocket.backoff_max = websocket.backoff_initial;
        let raised = websocket.backoff_max.as_secs_f64();
        let what = format!("websocket.backoff_max: it is below backoff_initial and was raised to {raised}");
        reader.note(true, what);
    }
    websocket
}

/// The host without scheme, port or path. Another PC than this one needs `allow_remote`: the token would travel in the
/// clear.
fn host(reader: &mut Reader<'_>, root: &Object<'_>, allow_remote: bool) -> Option<String> {
    let written = reader.text(root, "host", false)?;
    let host = written.trim().trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>().ok();
    let at = property(root, "host").map_or(0..0, |property| span(&property.value));
    let found = format!("\"{}\"", text::cut(&written, 60));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    // A whole address may hold a password (user:password@host) or a token (?token=...).
    let found = if written.contains(['@', '?']) {
        "a value that is not shown".to_owned()
    } else {
        found
    };
    if address.is_none() && !host.chars().all(is_name) {
        let allowed = "a host name alone, like \"localhost\"; the port has its own key, http:// is not written";
        reader.problem(at, "host", problem::found(found, allowed));
        return None;
    }
    let local = host.eq_ignore_ascii_case("localhost") || address.is_some_and(|ip| ip.is_loopback());
    if !local && !allow_remote {
        let allowed = "\"localhost\" (127.0.0.1, ::1); for another PC add \"allow_remote\": true, knowing that the \
                       token then crosses the network unencrypted";
        reader.problem(at, "host", problem::found(found, allowed));
        return None;
    }
    if !local {
        reader.note(
            true,
            format!("host: {host} is another PC; the token crosses the network unencrypted"),
        );
    }
    Some(host.to_owned())
}

fn path(reader: &mut Reader<'_>, root: &Object<'_>, key: &'static str) -> Option<PathBuf> {
    reader.text(root, key, false).map(|path| PathBuf::from(path.trim()))
}

/// A path that may be missing or empty.
fn other_path(reader: &mut Reader<'_>, root: &Object<'_>, key: &'static str) -> Option<PathBuf> {
    reader.text(root, key, true).map(|path| PathBuf::from(path.trim()))
}

/// Hours at a key; none when the key is missing or wrong.
pub(super) fn market_window(reader: &mut Reader<'_>, root: &Object<'_>, key: &'static str) -> Vec<(u32, u32)> {
    let Some(written) = reader.text(root, key, true) else {
        return Vec::new();
    };
    hours::parse(&written).unwrap_or_else(|why| {
        let at = reader.get(root, key).map_or(0..0, span);
        let found = format!("\"{}\"", text::cut(&written, 60));
        let allowed = format!("JST spans like \"09:00-11:30,12:30-15:30\" ({why})");
        reader.problem(at, key, problem::found(found, allowed));
        Vec::new()
    })
}
