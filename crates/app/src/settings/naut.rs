//! The section `settings.naut`, and the flat keys of today's files (`BUY_UPTICK_THR` and the like).
//!
//! Read when `ayumi naut` runs, and by `--check-config`: a wrong threshold never keeps the recorder from starting.
//! Order of precedence: command line, `settings.naut`, flat key, the profile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ayumi_engine::Symbol;
use jsonc_parser::ast::{Object, Value};

use super::keys::{Number, real, whole};
use super::reader::{Reader, join, property, span};
use super::{Source, build};
use crate::naut::{Gate, Profile, Rules};

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NautFlags {
    /// `--profile`.
    pub profile: Option<Profile>,
    /// `--db`.
    pub db_path: Option<PathBuf>,
}

/// What `ayumi naut` can be told, valid.
#[derive(Clone, Debug, PartialEq)]
pub struct NautSettings {
    /// The database; `{date}` in it stands for the JST date.
    pub db_path: PathBuf,
    /// The rules.
    pub rules: Rules,
}

const SECTION: &str = "settings.naut";
const KEYS: &[&str] = &[
    "db_path",
    "profile",
    "window",
    "cooldown_sec",
    "market_window",
    "vol_min_by_code",
    "profiles",
];
const GATE: &[&str] = &["uptick", "imb", "spread_max_bp", "vol_min"];
const SIDES: &[&str] = &["buy", "sell"];
const PROFILES: &[&str] = &["prod", "prodlite", "demo"];

/// Both sides of the profile in use, as `--check-config` shows them.
pub(super) const BUY: &str = "settings.naut.profiles.*.buy";
pub(super) const SELL: &str = "settings.naut.profiles.*.sell";

/// Every object of the section, with what may stand in it.
const OBJECTS: [(&str, &[&str]); 11] = [
    (SECTION, KEYS),
    ("settings.naut.profiles", PROFILES),
    ("settings.naut.profiles.prod", SIDES),
    ("settings.naut.profiles.prod.buy", GATE),
    ("settings.naut.profiles.prod.sell", GATE),
    ("settings.naut.profiles.prodlite", SIDES),
    ("settings.naut.profiles.prodlite.buy", GATE),
    ("settings.naut.profiles.prodlite.sell", GATE),
    ("settings.naut.profiles.demo", SIDES),
    ("settings.naut.profiles.demo.buy", GATE),
    ("settings.naut.profiles.demo.sell", GATE),
];

pub(super) const WINDOW: Number = whole("settings.naut.window", 1.0, 1_000.0);
pub(super) const COOLDOWN: Number = real("settings.naut.cooldown_sec", 0.0, 86_400.0);

macro_rules! gate {
    ($path:literal) => {
        [
            real(concat!("settings.naut.profiles.", $path, ".uptick"), 0.0, 1.0),
            real(concat!("settings.naut.profiles.", $path, ".imb"), -1.0, 1.0),
            real(concat!("settings.naut.profiles.", $path, ".spread_max_bp"), 0.0, 1e6),
            real(concat!("settings.naut.profiles.", $path, ".vol_min"), 0.0, 1e12),
        ]
    };
}

/// Per profile, as [`Profile::ALL`] has them: BUY, SELL.
pub(super) const GATES: [[[Number; 4]; 2]; 3] = [
    [gate!("prod.buy"), gate!("prod.sell")],
    [gate!("prodlite.buy"), gate!("prodlite.sell")],
    [gate!("demo.buy"), gate!("demo.sell")],
];

/// A flat number stands at the top of the file, or in `settings`.
macro_rules! flat {
    ($key:literal, $max:expr) => {
        [real($key, 0.0, $max), real(concat!("settings.", $key), 0.0, $max)]
    };
}

pub(super) const BUY_UPTICK: [Number; 2] = flat!("BUY_UPTICK_THR", 1.0);
pub(super) const BUY_VOL: [Number; 2] = flat!("BUY_VOL_MIN", 1e12);
pub(super) const BUY_SPREAD: [Number; 2] = flat!("BUY_SPREAD_MAX", 1e6);
pub(super) const SELL_UPTICK: [Number; 2] = flat!("SELL_UPTICK_THR", 1.0);
pub(super) const SELL_SPREAD: [Number; 2] = flat!("SELL_SPREAD_MAX", 1e6);
const BUY_IMB: [&str; 2] = ["BUY_REQUIRE_IMB", "settings.BUY_REQUIRE_IMB"];
const SELL_IMB: [&str; 2] = ["SELL_REQUIRE_IMB", "settings.SELL_REQUIRE_IMB"];

/// The flat keys.
const FLAT: [&str; 7] = [
    "BUY_UPTICK_THR",
    "BUY_REQUIRE_IMB",
    "BUY_VOL_MIN",
    "BUY_SPREAD_MAX",
    "SELL_UPTICK_THR",
    "SELL_REQUIRE_IMB",
    "SELL_SPREAD_MAX",
];

/// Reads everything; `db_path` is that of the recorder.
pub(super) fn read(reader: &mut Reader<'_>, root: &Object<'_>, flags: &NautFlags, db_path: &Path) -> NautSettings {
    check_keys(reader, root);
    let db = reader.text(root, "settings.naut.db_path", false);
    let mut profile: Profile = reader.word(root, "settings.naut.profile").unwrap_or_default();
    if let Some(flag) = flags.profile {
        reader
            .sources
            .insert("settings.naut.profile", Source::Flag("--profile"));
        profile = flag;
    }
    let mut rules = profile.rules();
    read_flat(reader, root, &mut rules);
    read_gates(reader, root, &mut rules);
    let usual = profile.rules();
    for (name, changed) in [(BUY, rules.buy != usual.buy), (SELL, rules.sell != usual.sell)] {
        if changed {
            reader.sources.insert(name, Source::File);
        }
    }
    if let Some(window) = reader.number(root, &WINDOW) {
        rules.window = window as usize;
    }
    if let Some(seconds) = reader.number(root, &COOLDOWN) {
        rules.cooldown_ms = (seconds * 1_000.0).round() as i64;
    }
    rules.market_window = build::market_window(reader, root, "settings.naut.market_window");
    rules.vol_min_by_ticker = vol_min_by_code(reader, root);
    if flags.db_path.is_some() {
        reader.sources.insert("settings.naut.db_path", Source::Flag("--db"));
    }
    let db = flags.db_path.clone().or(db.map(|path| PathBuf::from(path.trim())));
    NautSettings {
        db_path: db.unwrap_or_else(|| db_path.to_owned()),
        rules,
    }
}

/// Objects where objects belong; keys that stand twice, are misspelt or stand in the wrong place.
fn check_keys(reader: &mut Reader<'_>, root: &Object<'_>) {
    for (path, ours) in OBJECTS {
        match reader.get(root, path) {
            None => {}
            Some(Value::Object(object)) => {
                reader.refuse_duplicates(object, path);
                reader.name_misspelt(object, path, ours);
            }
            Some(other) => reader.wrong(other, path, "an object with its keys in braces { }"),
        }
    }
    let section = match reader.get(root, SECTION) {
        Some(Value::Object(section)) => Some(section),
        _ => None,
    };
    for place in section.into_iter().flat_map(|section| &section.properties) {
        let name = place.name.as_str();
        if PROFILES.contains(&name) || SIDES.contains(&name) || GATE.contains(&name) {
            let right = "it belongs into settings.naut.profiles: {\"prod\": {\"buy\": {\"uptick\": 0.62}}}";
            reader.note_at(
                &place.value,
                &join(SECTION, name),
                &format!("unknown key, ignored; {right}"),
            );
        }
    }
    if let Some(Value::Object(_)) = reader.get(root, "naut")
        && let Some(place) = property(root, "naut")
    {
        let right = "it belongs into the section \"settings\": {\"settings\": {\"naut\": {...}}}";
        reader.note_at(&place.value, "naut", &format!("ignored here; {right}"));
    }
    flat_look_alikes(reader, root, "");
    if let Some(Value::Object(settings)) = reader.get(root, "settings") {
        reader.name_misspelt(settings, "settings", &["naut"]);
        flat_look_alikes(reader, settings, "settings");
    }
}

/// Names keys that look like misspelt flat ones. Other programs have keys of this kind, too, so the look must be close.
fn flat_look_alikes(reader: &mut Reader<'_>, object: &Object<'_>, section: &str) {
    for place in &object.properties {
        let name = place.name.as_str();
        let advice = match name.to_uppercase().as_str() {
            _ if FLAT.contains(&name) => continue,
            "SELL_VOL_MIN" => "the volume of SELL is settings.naut.profiles.<profile>.sell.vol_min".to_owned(),
            upper => {
                let near = FLAT
                    .into_iter()
                    .find(|flat| strsim::damerau_levenshtein(flat, upper) <= 2);
                let Some(near) = near else { continue };
                format!("did you mean \"{near}\"?")
            }
        };
        reader.note_at(
            &place.value,
            &join(section, name),
            &format!("unknown key, ignored; {advice}"),
        );
    }
}

fn read_flat(reader: &mut Reader<'_>, root: &Object<'_>, rules: &mut Rules) {
    let mut set = |keys: &[Number; 2], place: &mut f64, meaning: fn(f64) -> f64| {
        let found = [reader.number(root, &keys[0]), reader.number(root, &keys[1])];
        refuse_both(reader, root, [keys[0].key, keys[1].key]);
        if let Some(value) = found[0].or(found[1]) {
            *place = meaning(value);
        }
    };
    set(&BUY_UPTICK, &mut rules.buy.uptick, |thr| thr);
    set(&BUY_VOL, &mut rules.buy.vol_min, |vol| vol);
    set(&BUY_SPREAD, &mut rules.buy.spread_max_bp, |bp| bp);
    set(&SELL_UPTICK, &mut rules.sell.uptick, |thr| 1.0 - thr);
    set(&SELL_SPREAD, &mut rules.sell.spread_max_bp, |bp| bp);
    for (keys, gate) in [(BUY_IMB, &mut rules.buy), (SELL_IMB, &mut rules.sell)] {
        let required = [reader.boolean(root, keys[0]), reader.boolean(root, keys[1])];
        refuse_both(reader, root, keys);
        if required[0].or(required[1]) == Some(false) {
            gate.imb = None;
        }
    }
}

/// A flat key at both places: nobody knows which of the two is meant.
fn refuse_both(reader: &mut Reader<'_>, root: &Object<'_>, [top, inner]: [&'static str; 2]) {
    if let (Some(_), Some(value)) = (reader.get(root, top), reader.get(root, inner)) {
        let what = "this key stands at the top of the file, too: remove one of the two".to_owned();
        reader.problem(span(value), inner, what);
    }
}

/// Every profile's keys are checked, those of the one in use are taken.
fn read_gates(reader: &mut Reader<'_>, root: &Object<'_>, rules: &mut Rules) {
    for (profile, sides) in Profile::ALL.into_iter().zip(&GATES) {
        let mut read = |side: &[Number; 4], gate: &mut Gate| {
            let values = side.each_ref().map(|key| reader.number(root, key));
            if profile != rules.profile {
                return;
            }
            gate.uptick = values[0].unwrap_or(gate.uptick);
            gate.imb = values[1].or(gate.imb);
            gate.spread_max_bp = values[2].unwrap_or(gate.spread_max_bp);
            gate.vol_min = values[3].unwrap_or(gate.vol_min);
        };
        read(&sides[0], &mut rules.buy);
        read(&sides[1], &mut rules.sell);
    }
}

/// Volumes by ticker.
fn vol_min_by_code(reader: &mut Reader<'_>, root: &Object<'_>) -> BTreeMap<String, f64> {
    const KEY: &str = "settings.naut.vol_min_by_code";
    let mut found = BTreeMap::new();
    let codes = match reader.get(root, KEY) {
        None => return found,
        Some(Value::Object(codes)) => codes,
        Some(other) => {
            reader.wrong(other, KEY, "an object like {\"7203\": 2000}");
            return found;
        }
    };
    reader.refuse_duplicates(codes, KEY);
    for place in &codes.properties {
        let (name, key) = (place.name.as_str(), join(KEY, place.name.as_str()));
        if matches!(place.value, Value::NullKeyword(_)) {
            continue;
        }
        let symbol = match name.parse::<Symbol>() {
            Ok(symbol) => symbol.ticker(),
            Err(_) => {
                reader.wrong(
                    &place.value,
                    &key,
                    "a volume under a code like \"7203\", \"285A\" or \"7203@1\"",
                );
                continue;
            }
        };
        match reader
            .plain_number(&place.value, &key)
            .filter(|vol| (0.0..=1e12).contains(vol))
        {
            None => reader.wrong(&place.value, &key, "a number from 0 to 1000000000000"),
            Some(vol) => {
                if found.insert(symbol, vol).is_some() {
                    let what = "this symbol stands above already, written otherwise: remove one of the two".to_owned();
                    reader.problem(span(&place.value), &key, what);
                }
            }
        }
    }
    reader.sources.insert(KEY, Source::File);
    found
}
