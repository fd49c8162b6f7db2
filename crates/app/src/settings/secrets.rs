//! Token and API password: where they may come from, and in which order.

use std::path::{Path, PathBuf};

use jsonc_parser::ast::Object;
use secrecy::{ExposeSecret, SecretString};

use super::reader::{Reader, property, span};
use super::{Env, Source, decode};
use crate::text::redact;

/// Longest token or password, in bytes; the station's tokens have 32 characters.
const LONGEST: usize = 1024;

/// What the three secret keys came to.
#[derive(Default)]
pub(super) struct Secrets {
    pub token: Option<SecretString>,
    pub token_file: Option<PathBuf>,
    pub api_password: Option<SecretString>,
}

/// Reads the secrets: file, then environment, then `token_file`. When a token is `needed` (online), having neither that
/// nor a password is a problem.
pub(super) fn read(reader: &mut Reader<'_>, root: &Object<'_>, needed: bool, env: Env<'_>) -> Secrets {
    let before = reader.problems.len();
    let api_password = secret(reader, root, "api_password", &["KABU_API_PASSWORD"], env);
    let mut token = secret(reader, root, "token", &["KABU_TOKEN", "KABU_API_KEY"], env);
    if let Some(given) = &token
        && !fits_a_header(given.expose_secret())
    {
        refuse(reader, root);
    }
    let token_file = reader.text(root, "token_file", true).map(PathBuf::from);
    if needed && token.is_none() {
        if let Some(path) = &token_file {
            token = from_file(reader, path, api_password.is_some());
        }
        // A wrong secret is a problem already; that it is missing too would only confuse.
        if token.is_none() && api_password.is_none() && reader.problems.len() == before {
            reader.missing(
                "token",
                "is missing; mode online needs one of\n    \"token\": \"...\" in the file, or \"token_file\": \
                 \"path of a file that holds it\"\n    the environment variable KABU_TOKEN (or KABU_API_KEY)\n    \
                 \"api_password\" in the file, or the environment variable KABU_API_PASSWORD: ayumi then fetches \
                 tokens by itself\n    (without a station: --mode mock)",
            );
        }
    }
    for secret in [&token, &api_password].into_iter().flatten() {
        redact::forbid(secret.expose_secret());
    }
    Secrets {
        token,
        token_file,
        api_password,
    }
}

fn secret(
    reader: &mut Reader<'_>,
    root: &Object<'_>,
    key: &'static str,
    variables: &[&'static str],
    env: Env<'_>,
) -> Option<SecretString> {
    if let Some(text) = reader.text(root, key, true) {
        return Some(SecretString::from(text.trim().to_owned()));
    }
    variables.iter().find_map(|name| {
        let value = env(name).filter(|value| !value.trim().is_empty())?;
        reader.sources.insert(key, Source::Env(name));
        Some(SecretString::from(value.trim().to_owned()))
    })
}

/// Visible ASCII only: it travels in an HTTP header, where a line break would be a header of its own.
fn fits_a_header(token: &str) -> bool {
    token.len() <= LONGEST && token.bytes().all(|b| b.is_ascii_graphic())
}

const ALLOWED: &str =
    "found a value that is not shown  allowed: letters, digits and signs without blanks, at most 1024";

fn refuse(reader: &mut Reader<'_>, root: &Object<'_>) {
    match reader.sources.get("token") {
        Some(Source::Env(name)) => {
            let what = format!("from the environment variable {name}: {ALLOWED}");
            reader.missing("token", what);
        }
        _ => {
            let at = property(root, "token").map_or(0..0, |property| span(&property.value));
            reader.problem(at, "token", ALLOWED.to_owned());
        }
    }
}

/// The token in the file that `token_file` names. Unreadable is a problem, or a note when a password can replace it.
fn from_file(reader: &mut Reader<'_>, path: &Path, replaceable: bool) -> Option<SecretString> {
    match read_token(path) {
        Ok(token) => {
            reader.sources.insert("token", Source::TokenFile);
            Some(token)
        }
        Err(why) => {
            let what = format!("cannot take the token from {}: {why}", shown(path));
            if replaceable {
                reader.note(
                    true,
                    format!("token_file: {what}; a token is fetched with the API password"),
                );
            } else {
                reader.missing("token_file", format!("{what}; write the token alone into that file"));
            }
            None
        }
    }
}

/// The path, unless somebody wrote the token itself where its file belongs.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let like_a_token = text.len() >= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if like_a_token {
        "a path that looks like a token and is not shown".to_owned()
    } else {
        text
    }
}

fn read_token(path: &Path) -> Result<SecretString, String> {
    use std::io::Read;
    // A pipe or a device would be waited for, for ever.
    if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return Err("it is no file (a pipe or a device)".to_owned());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(64 * 1024).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    let text = decode::decode(&bytes)?.text;
    let token = text.trim();
    if token.is_empty() {
        return Err("the file is empty".to_owned());
    }
    if !fits_a_header(token) {
        return Err("it holds something else than one token".to_owned());
    }
    Ok(SecretString::from(token.to_owned()))
}
