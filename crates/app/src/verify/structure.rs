//! The file as SQLite sees it: is every page in its place, and which tables are hit when one is not.

use std::collections::BTreeMap;
use std::time::Duration;

use ayumi_store::reader::{self, Integrity, Owner, Reader};

use super::{FileReport, VerifyError, sentence};

/// How long the structure of a running recorder's file is checked; a read of 30 s would make it report a stuck reader.
const BESIDE_A_RECORDER: Duration = Duration::from_secs(20);
/// And of a file that nobody writes.
const ALONE: Duration = Duration::from_secs(3600);

/// Adds what is wrong to the report.
pub fn check(reader: &Reader, report: &mut FileReport) -> Result<(), VerifyError> {
    let running = matches!(reader::owner(&report.path), Owner::Running(_));
    let limit = if running { BESIDE_A_RECORDER } else { ALONE };
    // SQLite takes what is left of the last page for a page.
    let torn = std::fs::metadata(&report.path).is_ok_and(|file| file.len() % 512 != 0);
    if torn && !running {
        let salvage = salvage(&report.path);
        report
            .problems
            .push(format!("the file ends inside a page: it was cut off; {salvage}"));
    }
    match reader.quick_check(limit) {
        Ok(Integrity::Whole) => {}
        Ok(Integrity::Unfinished) => report.notes.push(format!(
            "the structure was checked for {} s only, because a recorder is running; check again when it has stopped",
            limit.as_secs()
        )),
        Ok(Integrity::Damaged(lines)) => {
            let lines = lines.iter().flat_map(|line| line.lines());
            // A heading of SQLite's, not a finding.
            let lines: Vec<String> = lines
                .filter(|line| !line.starts_with("***"))
                .map(str::to_owned)
                .collect();
            let places = places(reader, &lines);
            let named = lines.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            let more = if lines.len() > 5 {
                format!(" (and {} more)", lines.len() - 5)
            } else {
                String::new()
            };
            report.problems.push(format!(
                "the file is damaged{places}: {named}{more}; {}",
                salvage(&report.path)
            ));
        }
        Err(error) => return Err(VerifyError::Unusable(sentence(&error))),
    }
    Ok(())
}

/// The tables and indexes that SQLite's lines are about, each with its pages: ` in table tick_batch (page 7)`.
pub fn places(reader: &Reader, lines: &[String]) -> String {
    let trees = reader.trees();
    let mut pages: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in lines {
        let number = |word: &str| {
            let (_, rest) = line.split_once(word)?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok()
        };
        let Some(tree) = number("Tree ") else { continue };
        let name = trees
            .get(&tree)
            .cloned()
            .unwrap_or_else(|| format!("the tree of page {tree}"));
        let of = pages.entry(name).or_default();
        of.extend(number(" page ").filter(|page| !of.contains(page)));
    }
    let told: Vec<String> = pages
        .into_iter()
        .map(|(name, pages)| match pages.as_slice() {
            [] => name,
            [page] => format!("{name} (page {page})"),
            pages => {
                let pages: Vec<String> = pages.iter().map(ToString::to_string).collect();
                format!("{name} (pages {})", pages.join(", "))
            }
        })
        .collect();
    match told.as_slice() {
        [] => String::new(),
        told => format!(" in {}", told.join(", ")),
    }
}

/// What to do with a damaged file.
pub fn salvage(path: &std::path::Path) -> String {
    let path = path.display();
    format!("stop the recorder, keep a copy, and save what is readable: sqlite3 \"{path}\" .recover | sqlite3 saved.db")
}
