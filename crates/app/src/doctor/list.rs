//! The station's list of registered symbols beside the settings.

use ayumi_engine::Symbol;
use ayumi_station::Entry;
use ayumi_store::reader::Owner;

use super::Context;
use super::finding::{Finding, words};

/// Symbols that are named.
const NAMED: usize = 8;

/// What the list and the settings say of each other; the token is valid, or there would be no list.
pub fn check(context: &Context, on_station: &[Entry]) -> Vec<Finding> {
    let settings = &context.settings;
    let source = settings.source("token");
    let mut found = vec![Finding::fine(
        "token",
        words(
            format!("logged in, API on, token valid (source: {source})"),
            format!("ログイン済み、API 有効、トークン有効 (出所: {source})"),
        ),
    )];
    let ours: Vec<Entry> = settings.symbols.iter().map(entry).collect();
    let missing: Vec<&Entry> = ours.iter().filter(|e| !on_station.contains(e)).collect();
    let strangers: Vec<&Entry> = on_station.iter().filter(|e| !ours.contains(e)).collect();
    let most = usize::from(settings.register_max).max(on_station.len());
    let free = most - on_station.len();
    if missing.len() > free {
        found.push(full(most, free, &missing, &strangers));
    } else if !missing.is_empty() && (!settings.auto_register || matches!(context.owner, Owner::Running(_))) {
        found.push(lacking(context, &missing));
    } else {
        found.push(fitting(most, free, &missing, &strangers));
    }
    found
}

fn full(most: usize, free: usize, missing: &[&Entry], strangers: &[&Entry]) -> Finding {
    let (m, s) = (missing.len(), strangers.len());
    let (missing, others) = (names(missing), names(strangers));
    Finding::problem(
        "list",
        words(
            format!(
                "the station's list is full: {free} of {most} slots are free, {m} of ours are missing ({missing}), {s} are strangers ({others})"
            ),
            format!(
                "登録リストに空きがありません: 空き {free} / {most}、未登録 {m} 銘柄 ({missing})、ほかの銘柄 {s} ({others})"
            ),
        ),
        words(
            "free the slots: ayumi unregister --all takes everything off, also what other programs registered; then ayumi \
             register, or start the recorder",
            "ayumi unregister --all ですべて解除し(ほかのプログラムの登録も消えます)、ayumi register を実行するか記録を始めてください",
        ),
    )
}

fn lacking(context: &Context, missing: &[&Entry]) -> Finding {
    let (m, named) = (missing.len(), names(missing));
    let fix = match context.settings.auto_register {
        true => words(
            "the recorder registers them at its next connection; if they stay missing, they are unknown or delisted",
            "記録係が次の接続で登録します。それでもなければ、存在しないか上場廃止の銘柄です",
        ),
        false => words(
            "auto_register is false: ayumi register -Config <path> -Input <csv>",
            "auto_register が false です。ayumi register -Config <path> -Input <csv> で登録してください",
        ),
    };
    Finding::warning(
        "list",
        words(
            format!("{m} of our symbols are not registered: {named}"),
            format!("{m} 銘柄が登録されていません: {named}"),
        ),
        fix,
    )
}

fn fitting(most: usize, free: usize, missing: &[&Entry], strangers: &[&Entry]) -> Finding {
    let (m, s, used) = (missing.len(), strangers.len(), most - free);
    Finding::fine(
        "list",
        words(
            format!("list: {used} of {most} slots used, {m} of ours still to register, {s} strangers"),
            format!("登録リスト: {used} / {most} 使用、これから登録 {m}、ほかの銘柄 {s}"),
        ),
    )
}

/// A symbol as the station's list has it.
pub fn entry(symbol: &Symbol) -> Entry {
    Entry {
        symbol: symbol.code.clone(),
        exchange: symbol.exchange,
    }
}

fn names(entries: &[&Entry]) -> String {
    let named: Vec<String> = entries
        .iter()
        .take(NAMED)
        .map(|e| format!("{}@{}", e.symbol, e.exchange))
        .collect();
    match entries.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{}, +{more}", named.join(", ")),
    }
}
