//! Rules of the house that can be read off the source: every fault has its proof, SQL is made of constants, nothing is
//! unsafe.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Rust files below a folder, by their paths from the root.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// `n02_sec19_text` is about N2 and SEC19.
fn ids(name: &str) -> Vec<String> {
    let id = |part: &str| {
        let digits = part.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = &part[..part.len() - digits.len()];
        let known = FAMILIES.iter().any(|(family, _)| family.eq_ignore_ascii_case(letters)) || letters == "g";
        let number = digits.parse::<u32>().ok()?;
        (known && digits.len() == 2).then(|| format!("{}{number}", letters.to_uppercase()))
    };
    name.split('_').map_while(id).collect()
}

const FAMILIES: [(&str, u32); 10] = [
    ("N", 17),
    ("R", 12),
    ("D", 20),
    ("S", 19),
    ("P", 12),
    ("T", 6),
    ("C", 7),
    ("X", 5),
    ("J", 6),
    ("SEC", 20),
];

/// Ids that stand at the head of a test's name.
fn tested() -> BTreeSet<String> {
    let sources = sources("crates");
    let functions = sources.values().flat_map(|text| text.split("fn ").skip(1));
    let names = functions.filter_map(|rest| rest.split(['(', '<']).next());
    names.flat_map(ids).collect()
}

/// The rows of the document: id and proof.
fn rows() -> BTreeMap<String, String> {
    let text = read("docs/faults.md");
    let cells = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let known = FAMILIES.iter().any(|(family, _)| {
            let number = cells[0].strip_prefix(family);
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        });
        known.then(|| (cells[0].to_owned(), cells[cells.len() - 1].to_owned()))
    });
    cells.collect()
}

#[test]
fn every_fault_has_a_row_and_its_proof_exists() {
    let (rows, tested) = (rows(), tested());
    let all = FAMILIES
        .iter()
        .flat_map(|(family, n)| (1..=*n).map(move |n| format!("{family}{n}")));
    let all: BTreeSet<String> = all.collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), all);
    let trials = read("trials/src/main.rs");
    let mut wrong = Vec::new();
    for (id, proof) in &rows {
        let said = proof.split(", ").any(|part| part == "tests");
        if said != tested.contains(id) {
            wrong.push(format!("{id}: the row says \"{proof}\", tests exist: {}", !said));
        }
        for trial in proof.split('`').skip(1).step_by(2).filter(|_| proof.contains("trial")) {
            if !trials.contains(&format!("\"{trial}\"")) {
                wrong.push(format!("{id}: there is no trial {trial}"));
            }
        }
        let is_proof = |part: &str| {
            part == "tests" || part == "Windows" || part.starts_with("trial `") || part.starts_with("not built: ")
        };
        if !proof.starts_with("not built: ") && !proof.split(", ").all(is_proof) {
            wrong.push(format!("{id}: \"{proof}\" is no proof"));
        }
    }
    let strangers = tested
        .iter()
        .filter(|id| !id.starts_with('G') && !rows.contains_key(*id));
    wrong.extend(strangers.map(|id| format!("{id} has tests and no row")));
    assert!(wrong.is_empty(), "docs/faults.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_promise_has_a_test_or_a_trial_of_its_name() {
    let trials = read("trials/src/main.rs");
    let trials: BTreeSet<String> = trials
        .split("(\"")
        .skip(1)
        .flat_map(|rest| ids(rest.split('"').next().unwrap()))
        .collect();
    let tested = tested();
    for n in 1..=14 {
        let id = format!("G{n}");
        assert!(
            tested.contains(&id) || trials.contains(&id),
            "{id} has neither test nor trial"
        );
        assert!(
            read("docs/reliability.md").contains(&format!("| {id} |")),
            "{id} has no row"
        );
    }
}

/// Files that put SQL together: names of tables and columns from the schema's constants, and numbers. What a user wrote
/// is always bound.
const MAKERS_OF_SQL: [&str; 14] = [
    "crates/app/src/export/source.rs",
    "crates/store/src/reader/audit/head.rs",
    "crates/store/src/reader/audit/suspects.rs",
    "crates/store/src/reader/audit/walk.rs",
    "crates/store/src/reader/audit/windows.rs",
    "crates/store/src/reader/day.rs",
    "crates/store/src/reader/features.rs",
    "crates/store/src/reader/look.rs",
    "crates/store/src/schema.rs",
    "crates/store/src/schema/inspect.rs",
    "crates/store/src/schema/migrate.rs",
    "crates/store/src/side.rs",
    "crates/store/src/sqlite/checkpoint.rs",
    "crates/store/src/sqlite/states.rs",
];

#[test]
fn sec13_sql_is_put_together_only_where_the_schema_is_known() {
    let verbs = [
        "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "ALTER ", "CREATE ", "DROP ", "PRAGMA ", "ATTACH ",
    ];
    for (name, text) in sources("crates") {
        let product = name.contains("/src/") && !name.contains("/tests");
        if !product || MAKERS_OF_SQL.contains(&name.as_str()) {
            continue;
        }
        for made in text.split("format!(").skip(1) {
            let literal = made.split('"').nth(1).unwrap_or_default();
            let sql = verbs.iter().any(|verb| literal.contains(verb)) && literal.contains('{');
            assert!(
                !sql,
                "{name} makes SQL of \"{literal}\": bind the value, or make it in the store"
            );
        }
    }
}

#[test]
fn sec17_nothing_is_unsafe() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    for folder in std::fs::read_dir(root().join("crates")).unwrap() {
        let manifest = folder.unwrap().path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{}", manifest.display());
    }
}
