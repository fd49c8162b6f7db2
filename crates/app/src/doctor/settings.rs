//! The settings: every problem of the file, and whether a secret lies where others can see it.

use std::path::{Path, PathBuf};

use super::finding::{Finding, words};
use crate::settings::{self, Overrides, Settings};

/// Where the file lies when nobody says.
const USUAL: &str = "config/stream_settings.json";

/// The settings, or the nearest to them that there is, and what is wrong with them.
pub fn check(config: Option<&Path>) -> (Settings, Vec<Finding>) {
    let given = config.map(Path::to_owned);
    let Some(path) = given.or_else(|| Some(PathBuf::from(USUAL)).filter(|path| path.is_file())) else {
        return without_file();
    };
    // With everything that --check-config looks at.
    let strict = Overrides {
        naut: Some(settings::NautFlags::default()),
        ..Overrides::default()
    };
    let mut findings = Vec::new();
    let settings =
        match settings::load(&path, &strict, &settings::process_env) {
            Ok(settings) => {
                findings.push(read(&path, &settings));
                findings.extend(
                    settings.notes.iter().filter(|note| note.warning).map(|note| {
                        Finding::note("settings", words(note.text.clone(), format!("設定: {}", note.text)))
                    }),
                );
                settings
            }
            Err(error) => {
                findings.push(unusable(&path, &error.to_string()));
                rescued(&path)
            }
        };
    findings.extend(secret_in_git(&path, &settings));
    findings.extend(secret_for_all(&path, &settings));
    (settings, findings)
}

fn without_file() -> (Settings, Vec<Finding>) {
    let overrides = Overrides {
        offline: true,
        symbols_optional: true,
        ..Overrides::default()
    };
    let settings = settings::without_file(&overrides, &settings::process_env).unwrap_or_default();
    let finding = Finding::warning(
        "settings",
        words(
            format!("no settings file is given, and there is no {USUAL} here: the defaults are checked"),
            format!("設定ファイルの指定がなく、{USUAL} もありません。既定値で調べます"),
        ),
        words(
            "ayumi doctor -Config <path>; a first file: copy config/stream_settings.example.json",
            "ayumi doctor -Config <path> と指定してください。最初は config/stream_settings.example.json をコピーして使えます",
        ),
    );
    (settings, vec![finding])
}

/// What can be had of a file with problems, so that the other checks look in the right places.
fn rescued(path: &Path) -> Settings {
    let lenient = Overrides {
        offline: true,
        symbols_optional: true,
        ..Overrides::default()
    };
    settings::load(path, &lenient, &settings::process_env)
        .or_else(|_| settings::without_file(&lenient, &settings::process_env))
        .unwrap_or_default()
}

fn read(path: &Path, settings: &Settings) -> Finding {
    let (path, count, mode) = (path.display(), settings.symbols.len(), settings.mode);
    Finding::fine(
        "settings",
        words(
            format!("settings {path}: valid, {count} symbols, mode {mode}"),
            format!("設定 {path}: 問題なし、{count} 銘柄、mode {mode}"),
        ),
    )
}

fn unusable(path: &Path, error: &str) -> Finding {
    // The sentence has the file and every place; its last line says what to do.
    let (what, next) = error.rsplit_once("\n  next: ").unwrap_or((error, ""));
    let what = what.trim_start_matches("error: ").trim_end();
    let fix = match next {
        "" => "correct the file".to_owned(),
        next => next.to_owned(),
    };
    Finding::problem(
        "settings",
        words(
            what,
            format!("設定ファイル {} が使えません(詳細は英語):\n{what}", path.display()),
        ),
        words(
            fix.clone(),
            format!("ファイルを直してから、もう一度実行してください ({fix})"),
        ),
    )
}

/// Public repositories do leak passwords this way.
fn secret_in_git(path: &Path, settings: &Settings) -> Option<Finding> {
    let keys = settings.secrets_in_file();
    let real = path.canonicalize().ok()?;
    let tree = real.ancestors().skip(1).find(|folder| folder.join(".git").exists())?;
    if keys.is_empty() {
        return None;
    }
    let (keys, tree) = (keys.join(", "), tree.display());
    Some(Finding::warning(
        "secret",
        words(
            format!("the settings file holds a secret ({keys}) and lies in a git repository ({tree})"),
            format!("設定ファイルに秘密の値 ({keys}) があり、git リポジトリ ({tree}) の中にあります"),
        ),
        words(
            "take it out of the file and set KABU_TOKEN or KABU_API_PASSWORD, or name a file outside with token_file",
            "値をファイルから消し、環境変数 KABU_TOKEN か KABU_API_PASSWORD を使うか、リポジトリの外のファイルを token_file に指定してください",
        ),
    ))
}

/// Every user of the PC can read it.
fn secret_for_all(path: &Path, settings: &Settings) -> Option<Finding> {
    let keys = settings.secrets_in_file();
    let (open, keys, shown) = (settings::is_open_to_all(path), keys.join(", "), path.display());
    (open && !keys.is_empty()).then(|| {
        Finding::warning(
            "secret",
            words(
                format!("every user of this PC can read the settings file {shown}, which holds a secret ({keys})"),
                format!("秘密の値 ({keys}) がある設定ファイル {shown} を、この PC のすべてのユーザーが読めます"),
            ),
            words(
                format!("chmod 600 \"{shown}\""),
                format!("chmod 600 \"{shown}\" を実行してください"),
            ),
        )
    })
}
