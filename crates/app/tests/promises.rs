//! The promise sheet: `ayumi doctor --promises` and both READMEs say the same, and what is named as a proof exists.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::process::command;
use support::{Desk, Worker};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn sheet(args: &[&str]) -> String {
    let desk = Desk::new();
    let all: Vec<&str> = ["doctor", "--promises"].iter().chain(args).copied().collect();
    let ended = Worker::spawn(&mut command(desk.folder(), &all)).ended().expect(0);
    assert!(desk.files().is_empty(), "nothing is looked at, nothing is left");
    ended.out
}

/// Every `.rs` file below the folder, in one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_readmes_print_the_sheet_word_for_word() {
    for (document, lang) in [("README.md", "en"), ("README.ja.md", "ja")] {
        let text = read(document);
        let told: Value = serde_json::from_str(&sheet(&["--json", "--lang", lang])).unwrap();
        let page = sheet(&["--lang", lang]);
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("| G"))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        let promises = told["promises"].as_array().unwrap();
        assert_eq!((rows.len(), promises.len()), (14, 14), "{document}");
        for (row, promise) in rows.iter().zip(promises) {
            let [id, says, number, proof] = row[..] else {
                panic!("{document}: {row:?}");
            };
            assert_eq!(
                [
                    promise["id"].as_str(),
                    promise["promise"].as_str(),
                    promise["number"].as_str()
                ],
                [Some(id), Some(says), Some(number)],
                "{document}"
            );
            for cell in [says, number, proof] {
                assert!(page.contains(cell), "{document}: the page lacks {cell:?}");
            }
        }
        for item in told["not_promised"].as_array().unwrap() {
            let item = item.as_str().unwrap();
            assert!(
                text.contains(&format!("\n- {item}\n")) && page.contains(item),
                "{document}: {item}"
            );
        }
    }
}

#[test]
fn every_proof_that_the_sheet_names_exists() {
    let mut code = String::new();
    sources(&root().join("crates"), &mut code);
    let mut trials = String::new();
    sources(&root().join("trials"), &mut trials);
    let told: Value = serde_json::from_str(&sheet(&["--json"])).unwrap();
    for promise in told["promises"].as_array().unwrap() {
        let names = |key: &str| -> Vec<String> {
            let list = promise[key].as_array().unwrap().iter();
            list.map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        for test in names("tests") {
            assert!(code.contains(&format!("fn {test}")), "{promise}: no test {test}...");
        }
        for trial in names("trials") {
            assert!(trials.contains(&format!("\"{trial}\"")), "{promise}: no trial {trial}");
        }
        assert!(!names("tests").is_empty() || !names("trials").is_empty(), "{promise}");
    }
}
