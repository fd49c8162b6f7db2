//! The documents: two languages with the same blocks, links that lead somewhere, readers that open read-only.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The code blocks of a document.
fn blocks(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).collect()
}

fn headings(text: &str) -> usize {
    let mut inside = false;
    text.lines()
        .filter(|line| {
            inside ^= line.starts_with("```");
            !inside && line.starts_with('#')
        })
        .count()
}

fn documents() -> Vec<String> {
    let mut names: Vec<String> = ["README.md", "README.ja.md", "ARCHITECTURE.md", "CHANGELOG.md"]
        .map(str::to_owned)
        .to_vec();
    for folder in ["docs", "docs/design"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.extend(
            files
                .filter(|name| name.ends_with(".md"))
                .map(|name| format!("{folder}/{name}")),
        );
    }
    names
}

#[test]
fn both_languages_have_the_same_blocks_and_headings() {
    for name in ["README", "docs/cli", "docs/config", "docs/schema"] {
        let (english, japanese) = (read(&format!("{name}.md")), read(&format!("{name}.ja.md")));
        assert_eq!(blocks(&english), blocks(&japanese), "{name}");
        assert_eq!(headings(&english), headings(&japanese), "{name}");
    }
}

#[test]
fn links_lead_to_files() {
    for name in documents() {
        let text = read(&name);
        let folder = root().join(Path::new(&name).parent().unwrap());
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") {
                assert!(folder.join(file).exists(), "{name}: {link} leads nowhere");
            }
        }
    }
}

#[test]
fn x05_every_reader_in_the_documents_opens_read_only() {
    for name in documents() {
        for block in blocks(&read(&name)) {
            for opening in block
                .lines()
                .filter(|line| line.contains("sqlite3.connect(") || line.contains("sqlite3 \""))
            {
                assert!(opening.contains("mode=ro"), "{name}: {opening}");
            }
        }
    }
}
