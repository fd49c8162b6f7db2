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
    for name in [
        "README",
        "docs/cli",
        "docs/config",
        "docs/operations",
        "docs/schema",
        "docs/sim",
    ] {
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

/// The names in the first cells of the table rows of a document, and in no other place.
fn named(text: &str) -> Vec<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split('|').next());
    cells.flat_map(|cell| cell.split(['`', ',', '\u{3001}'])).collect()
}

#[test]
fn the_simulators_faults_and_scenarios_are_all_described() {
    let faults = serde_json::to_value(ayumi_sim::Faults::default()).unwrap();
    let mut names: Vec<String> = faults.as_object().unwrap().keys().cloned().collect();
    // A section of its own instead of a row.
    names.retain(|name| name != "messages");
    names.extend(ayumi_sim::Bend::ALL.map(|bend| bend.name().to_owned()));
    names.extend(ayumi_sim::READY.map(|(name, _)| name.to_owned()));
    for document in ["docs/sim.md", "docs/sim.ja.md"] {
        let text = read(document);
        let described = named(&text);
        for name in &names {
            assert!(described.contains(&name.as_str()), "{document} has no row for {name}");
        }
    }
}

#[test]
fn the_simulators_actions_in_its_document_exist() {
    let text = read("docs/sim.md");
    let start = text.find("| action | fields |").unwrap();
    let table = text[start..].split("\n\n").next().unwrap();
    let names: Vec<&str> = named(table)
        .into_iter()
        .filter(|name| !name.trim().is_empty())
        .collect();
    assert!(names.len() >= 28, "{names:?}");
    for name in names {
        let problem = ayumi_sim::Action::parse(name)
            .err()
            .map_or(String::new(), |p| p.to_string());
        assert!(!problem.contains("unknown"), "{name}: {problem}");
    }
}

#[test]
fn the_scenario_in_the_simulators_document_can_be_played() {
    let text = read("docs/sim.md");
    let scenario = blocks(&text)
        .into_iter()
        .find_map(|block| block.strip_prefix("json\n"))
        .unwrap();
    let scenario = ayumi_sim::Scenario::parse(scenario).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(scenario.steps.len(), 5);
}
