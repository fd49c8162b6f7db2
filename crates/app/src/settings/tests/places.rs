//! A log or a database at the place of another file.

use crate::settings::{Overrides, load};

fn problems(settings: &str, folder: &std::path::Path) -> String {
    let path = folder.join("settings.json");
    std::fs::write(
        &path,
        settings.replace("DIR", &folder.display().to_string().replace('\\', "/")),
    )
    .expect("written");
    load(&path, &Overrides::default(), &|_| None).map_or_else(|e| e.to_string(), |_| String::new())
}

#[test]
fn c03_files_of_two_purposes_are_refused() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::create_dir(folder.path().join("sub")).expect("folder");
    for (db, log, said) in [
        ("a.db", "a.db", "the same file as db_path"),
        ("a.db", "sub/../a.db", "the same file as db_path"),
        ("a.db", "A.DB", "the same file as db_path"),
        ("a.db", "a.db-wal", "a file of the database (db_path-wal)"),
        ("a.db", "settings.json", "the same file as the settings file"),
        ("settings.json", "a.log", "the same file as the settings file"),
        ("a.db", "a.log", ""),
    ] {
        let text = format!(r#"{{"mode":"mock","symbols":["7203"],"db_path":"DIR/{db}","log_path":"DIR/{log}"}}"#);
        let report = problems(&text, folder.path());
        assert!(
            if said.is_empty() {
                report.is_empty()
            } else {
                report.contains(said)
            },
            "{db} {log}: {report}"
        );
    }
}
