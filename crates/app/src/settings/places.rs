//! Files that the worker writes must not be files that something else lives in: a log that is appended to the database
//! destroys it.

use std::path::{Path, PathBuf};

use jsonc_parser::ast::Object;

use super::reader::{Reader, property, span};
use super::{Settings, problem};

/// What stands beside a database and belongs to it.
const BESIDE_DATABASE: [&str; 6] = ["-wal", "-shm", "-journal", ".lock", ".owner", ".before-ayumi"];

/// Reports every written file that is a file of another purpose at the same time.
pub(super) fn check(reader: &mut Reader<'_>, root: &Object<'_>, settings: &Settings, config: &str) {
    let mut taken = vec![("the settings file".to_owned(), PathBuf::from(config))];
    if let Some(token_file) = &settings.token_file {
        taken.push(("token_file".to_owned(), token_file.clone()));
    }
    refuse(reader, root, "db_path", &settings.db_path, &taken);
    taken.push(("db_path".to_owned(), settings.db_path.clone()));
    for suffix in BESIDE_DATABASE {
        let mut beside = settings.db_path.clone().into_os_string();
        beside.push(suffix);
        taken.push((
            format!("a file of the database (db_path{suffix})"),
            PathBuf::from(beside),
        ));
    }
    refuse(reader, root, "log_path", &settings.log_path, &taken);
}

fn refuse(reader: &mut Reader<'_>, root: &Object<'_>, key: &'static str, path: &Path, taken: &[(String, PathBuf)]) {
    let place = place(path);
    if let Some((owner, _)) = taken.iter().find(|(_, other)| same(&place, &self::place(other))) {
        let at = property(root, key).map_or(0..0, |property| span(&property.value));
        let what = problem::found(format!("the same file as {owner}"), "a file of its own");
        reader.problem(at, key, what);
    }
}

/// A path with its links and dots followed as far as it exists.
fn place(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    path.file_name()
        .map_or_else(|| folder.clone(), |name| folder.join(name))
}

/// Windows does not tell names apart by letter case, and neither do most people.
fn same(a: &Path, b: &Path) -> bool {
    a == b || a.to_string_lossy().to_lowercase() == b.to_string_lossy().to_lowercase()
}
