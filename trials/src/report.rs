//! What a trial found, as a row of docs/reliability.md.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

const BEGIN: &str = "<!-- trials: rows written by `cargo xtask trials --write` -->";
const END: &str = "<!-- end of trials -->";

/// A row of the table.
pub(crate) struct Row {
    pub(crate) trial: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) amount: String,
    pub(crate) result: String,
    pub(crate) took: Duration,
}

impl Row {
    /// The line in the document.
    pub(crate) fn markdown(&self, stamp: &str) -> String {
        format!(
            "| `{}` | {} | {} | {} | {} s | {stamp} |",
            self.trial,
            self.promise,
            self.amount,
            self.result,
            self.took.as_secs()
        )
    }
}

/// Puts rows into the document; rows of trials that were not run stay.
pub(crate) fn write(document: &Path, rows: &[Row], stamp: &str) -> Result<()> {
    let text = std::fs::read_to_string(document).with_context(|| format!("reading {}", document.display()))?;
    let (head, rest) = text
        .split_once(BEGIN)
        .context("the document has no place for the trials")?;
    let (old, tail) = rest.split_once(END).context("the document's table has no end")?;
    let mut lines: Vec<String> = old
        .lines()
        .filter(|l| l.starts_with("| `"))
        .map(str::to_owned)
        .collect();
    for row in rows {
        let start = format!("| `{}` |", row.trial);
        let line = row.markdown(stamp);
        match lines.iter_mut().find(|l| l.starts_with(&start)) {
            Some(old) => *old = line,
            None => lines.push(line),
        }
    }
    let mut table = String::from(
        "\n| trial | promises | amount | result | took | commit, machine |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for line in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{line}");
    }
    std::fs::write(document, format!("{head}{BEGIN}{table}{END}{tail}"))?;
    Ok(())
}
